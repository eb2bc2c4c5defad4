use std::time::Duration;

use sqlx::query;

use super::db::Row;
use super::row::Columns as _;
use super::{OrganizationStore, Store};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::id::ApiKeyId;
use crate::key_watch::{DISMISSED_KEPT, ENDED_KEPT, FLAGS_KEPT, Sighting, Signal};

/// How exactly it is known when a network or program was last seen: a write a minute is not worth more.
const SEEN_EVERY: Duration = Duration::from_secs(60 * 60);
/// Most things told of one key that are shown.
const SHOWN: i64 = 20;

/// What is known of a key's use.
#[derive(Clone, Copy, Debug)]
pub struct WatchedKey {
    /// The first use that was seen, if it was ever more than refused.
    pub since: Option<Timestamp>,
    /// Calls in the busiest of the hours before an hour, if they were counted.
    pub usual: Option<(i64, i64)>,
}

fn watched(row: &Row) -> Result<WatchedKey, Error> {
    let (hour, calls) = (row.maybe_number("usual_hour")?, row.maybe_number("usual")?);
    Ok(WatchedKey { since: row.maybe_at("since")?, usual: hour.zip(calls) })
}

fn flag(row: &Row) -> Result<(ApiKeyId, Sighting), Error> {
    let sighting = Sighting {
        signal: row.known("signal", Signal::parse)?,
        at: row.at("last_at")?,
        calls: row.number("calls")?,
        detail: row.text("detail")?,
    };
    Ok((row.parsed("key_id")?, sighting))
}

impl Store<'_> {
    /// What is known of a key's use, which was seen at `at`; `None` when there is no such key any more.
    pub async fn watch_key(&mut self, key: ApiKeyId, at: Option<Timestamp>) -> Result<Option<WatchedKey>, Error> {
        let row = query(
            "INSERT INTO api_key_watch (key_id, since) SELECT id, CAST($2 AS BIGINT) FROM api_keys WHERE id = $1
             ON CONFLICT (key_id) DO UPDATE SET since = COALESCE(api_key_watch.since, excluded.since)
             RETURNING since, usual_hour, usual",
        )
        .bind(key.to_string())
        .bind(at.map(Timestamp::millis))
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(watched).transpose()
    }

    /// Notes that a network or a program was seen with a key; says whether it is new. Of several nodes one is told so.
    pub async fn insert_seen(
        &mut self,
        key: ApiKeyId,
        signal: Signal,
        what: &str,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let inserted = query(
            "INSERT INTO api_key_seen (key_id, signal, what, last_at)
             SELECT id, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM api_keys WHERE id = $1
             ON CONFLICT (key_id, signal, what) DO NOTHING",
        )
        .bind(key.to_string())
        .bind(signal.as_str())
        .bind(what)
        .bind(at.millis())
        .execute(&mut *self.connection)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(true);
        }
        query("UPDATE api_key_seen SET last_at = $4 WHERE key_id = $1 AND signal = $2 AND what = $3 AND last_at < $5")
            .bind(key.to_string())
            .bind(signal.as_str())
            .bind(what)
            .bind(at.millis())
            .bind(at.minus(SEEN_EVERY).millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(false)
    }

    /// Calls of a key in one hour, on all nodes as far as they are written.
    pub async fn count_calls(&mut self, key: ApiKeyId, hour: i64) -> Result<i64, Error> {
        query(
            "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) AS calls FROM api_key_hours WHERE key_id = $1 AND hour = $2",
        )
        .bind(key.to_string())
        .bind(hour)
        .fetch_one(&mut *self.connection)
        .await?
        .number("calls")
    }

    /// Calls in the busiest of so many hours before an hour; kept, since they will be asked for every minute.
    pub async fn update_usual(&mut self, key: ApiKeyId, hour: i64, hours: i64) -> Result<i64, Error> {
        let usual = query(
            "SELECT CAST(COALESCE(MAX(t.calls), 0) AS BIGINT) AS calls
             FROM (SELECT SUM(calls) AS calls FROM api_key_hours WHERE key_id = $1 AND hour >= $2 AND hour < $3
                GROUP BY hour) t",
        )
        .bind(key.to_string())
        .bind(hour.saturating_sub(hours))
        .bind(hour)
        .fetch_one(&mut *self.connection)
        .await?
        .number("calls")?;
        query("UPDATE api_key_watch SET usual_hour = $2, usual = $3 WHERE key_id = $1")
            .bind(key.to_string())
            .bind(hour)
            .bind(usual)
            .execute(&mut *self.connection)
            .await?;
        Ok(usual)
    }

    /// Notes that an hour of a key is told of as a burst; `false` when it was.
    pub async fn consume_burst(&mut self, key: ApiKeyId, hour: i64) -> Result<bool, Error> {
        let updated = query(
            "UPDATE api_key_watch SET burst_hour = $2 WHERE key_id = $1 AND (burst_hour IS NULL OR burst_hour < $2)",
        )
        .bind(key.to_string())
        .bind(hour)
        .execute(&mut *self.connection)
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Notes that a key's owner is mailed now; `false` when that was done at or after `since`.
    pub async fn consume_watch_mail(&mut self, key: ApiKeyId, now: Timestamp, since: Timestamp) -> Result<bool, Error> {
        let updated = query(
            "UPDATE api_key_watch SET mailed_at = $2 WHERE key_id = $1 AND (mailed_at IS NULL OR mailed_at <= $3)",
        )
        .bind(key.to_string())
        .bind(now.millis())
        .bind(since.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Keeps what was unusual about a key until somebody says that it was expected.
    pub async fn insert_flag(&mut self, key: ApiKeyId, seen: &Sighting) -> Result<(), Error> {
        query(
            "INSERT INTO api_key_flags (key_id, signal, detail, first_at, last_at, calls)
             SELECT id, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT)
             FROM api_keys WHERE id = $1
             ON CONFLICT (key_id, signal, detail) DO UPDATE SET last_at = excluded.last_at, dismissed_at = NULL,
                first_at = CASE WHEN api_key_flags.dismissed_at IS NULL THEN api_key_flags.first_at
                    ELSE excluded.first_at END,
                calls = CASE WHEN api_key_flags.dismissed_at IS NULL THEN api_key_flags.calls + excluded.calls
                    ELSE excluded.calls END",
        )
        .bind(key.to_string())
        .bind(seen.signal.as_str())
        .bind(&seen.detail)
        .bind(seen.at.millis())
        .bind(seen.calls)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Counts more of what is told of already.
    pub async fn update_flag(&mut self, key: ApiKeyId, seen: &Sighting) -> Result<(), Error> {
        query(
            "UPDATE api_key_flags SET last_at = $4, calls = calls + $5
             WHERE key_id = $1 AND signal = $2 AND detail = $3 AND dismissed_at IS NULL",
        )
        .bind(key.to_string())
        .bind(seen.signal.as_str())
        .bind(&seen.detail)
        .bind(seen.at.millis())
        .bind(seen.calls)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Forgets all but the latest networks and programs of each key, and what was told of long ago.
    pub async fn delete_old_watch(&mut self, remembered: i64, now: Timestamp) -> Result<(), Error> {
        query("DELETE FROM api_key_seen WHERE signal = $1 AND last_at < $2")
            .bind(Signal::AfterEnd.as_str())
            .bind(now.minus(ENDED_KEPT).millis())
            .execute(&mut *self.connection)
            .await?;
        query(
            "DELETE FROM api_key_seen WHERE (key_id, signal, what) IN (
                SELECT s.key_id, s.signal, s.what FROM (
                    SELECT key_id, signal, what,
                        ROW_NUMBER() OVER (PARTITION BY key_id, signal ORDER BY last_at DESC, what) AS place
                    FROM api_key_seen) s
                WHERE s.place > $1)",
        )
        .bind(remembered)
        .execute(&mut *self.connection)
        .await?;
        query("DELETE FROM api_key_watch WHERE key_id NOT IN (SELECT key_id FROM api_key_seen)")
            .execute(&mut *self.connection)
            .await?;
        self.delete_old_flags(now.minus(DISMISSED_KEPT)).await
    }

    async fn delete_old_flags(&mut self, dismissed_before: Timestamp) -> Result<(), Error> {
        query("DELETE FROM api_key_flags WHERE dismissed_at < $1")
            .bind(dismissed_before.millis())
            .execute(&mut *self.connection)
            .await?;
        query(
            "DELETE FROM api_key_flags WHERE (key_id, signal, detail) IN (
                SELECT f.key_id, f.signal, f.detail FROM (
                    SELECT key_id, signal, detail,
                        ROW_NUMBER() OVER (PARTITION BY key_id ORDER BY last_at DESC, signal, detail) AS place
                    FROM api_key_flags) f
                WHERE f.place > $1)",
        )
        .bind(FLAGS_KEPT)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }
}

impl OrganizationStore<'_> {
    /// What was unusual about a key, or about every key, and was not expected: the latest first, a few of each key.
    pub async fn list_flags(&mut self, key: Option<ApiKeyId>) -> Result<Vec<(ApiKeyId, Sighting)>, Error> {
        let rows = query(
            "SELECT f.key_id, f.signal, f.detail, f.last_at, f.calls FROM (
                SELECT g.*, ROW_NUMBER() OVER (PARTITION BY g.key_id ORDER BY g.last_at DESC, g.signal, g.detail) AS place
                FROM api_key_flags g JOIN api_keys k ON k.id = g.key_id
                WHERE k.organization_id = $1 AND ($2 = '' OR g.key_id = $2) AND g.dismissed_at IS NULL) f
             WHERE f.place <= $3 ORDER BY f.key_id, f.place",
        )
        .bind(self.organization.to_string())
        .bind(key.map(|id| id.to_string()).unwrap_or_default())
        .bind(SHOWN)
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(flag).collect()
    }

    /// Notes that all that was unusual about a key was expected; `false` when nothing was unusual.
    pub async fn consume_flags(&mut self, key: ApiKeyId, now: Timestamp) -> Result<bool, Error> {
        let updated = query(
            "UPDATE api_key_flags SET dismissed_at = $3 WHERE key_id = $1 AND dismissed_at IS NULL
                AND EXISTS (SELECT 1 FROM api_keys k WHERE k.id = api_key_flags.key_id AND k.organization_id = $2)",
        )
        .bind(key.to_string())
        .bind(self.organization.to_string())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(updated.rows_affected() > 0)
    }

    /// The addresses of its owners who can act.
    pub async fn list_owner_emails(&mut self) -> Result<Vec<Email>, Error> {
        let rows = query(
            "SELECT u.email FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.organization_id = $1 AND m.role = 'OWNER' AND m.suspended_at IS NULL AND u.disabled_at IS NULL
             ORDER BY m.joined_at, m.user_id",
        )
        .bind(self.organization.to_string())
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(|row| row.known("email", Email::parse)).collect()
    }
}
