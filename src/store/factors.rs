use sqlx::query;

use super::Store;
use super::db::Row;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::UserId;

/// Somebody's authenticator as the store has it.
#[derive(Clone)]
pub struct StoredFactor {
    /// The secret, sealed.
    pub secret: Vec<u8>,
    /// The newest time step a code was accepted for.
    pub last_step: i64,
    /// Wrong codes in the present window, the try under way included.
    pub failures: i64,
    /// Until when no code is accepted.
    pub locked_until: Option<Timestamp>,
    /// When the backup codes were made.
    pub codes_made_at: Timestamp,
}

/// A new authenticator.
pub struct NewFactor<'a> {
    /// Whose.
    pub user: UserId,
    /// The secret, sealed.
    pub secret: &'a [u8],
    /// The step of the code that proved it.
    pub step: i64,
    /// The keyed hashes of the backup codes.
    pub codes: &'a [[u8; 32]],
    /// When.
    pub now: Timestamp,
}

fn factor(row: &Row) -> Result<StoredFactor, Error> {
    Ok(StoredFactor {
        secret: row.bytes("secret")?,
        last_step: row.number("last_step")?,
        failures: row.number("failures")?,
        locked_until: row.maybe_at("locked_until")?,
        codes_made_at: row.at("codes_made_at")?,
    })
}

impl Store<'_> {
    /// Somebody's authenticator.
    pub async fn find_factor(&mut self, user: UserId) -> Result<Option<StoredFactor>, Error> {
        let row = query("SELECT * FROM totp_factors WHERE user_id = $1")
            .bind(user.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(factor).transpose()
    }

    /// Switches an authenticator on, in place of an earlier one and its backup codes.
    pub async fn replace_factor(&mut self, new: &NewFactor<'_>) -> Result<(), Error> {
        query(
            "INSERT INTO totp_factors (user_id, secret, last_step, failures, failures_since, codes_made_at)
             VALUES ($1, $2, $3, 0, 0, $4)
             ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, last_step = excluded.last_step, failures = 0,
                failures_since = 0, locked_until = NULL, codes_made_at = excluded.codes_made_at",
        )
        .bind(new.user.to_string())
        .bind(new.secret.to_vec())
        .bind(new.step)
        .bind(new.now.millis())
        .execute(&mut *self.connection)
        .await?;
        query("UPDATE users SET second_factor_since = $2, updated_at = $2 WHERE id = $1")
            .bind(new.user.to_string())
            .bind(new.now.millis())
            .execute(&mut *self.connection)
            .await?;
        self.replace_backup_codes(new.user, new.codes, new.now).await.map(|_| ())
    }

    /// Switches somebody's authenticator off; says whether there was one. Its backup codes go with it.
    pub async fn delete_factor(&mut self, user: UserId, now: Timestamp) -> Result<bool, Error> {
        let deleted = query("DELETE FROM totp_factors WHERE user_id = $1")
            .bind(user.to_string())
            .execute(&mut *self.connection)
            .await?;
        for statement in ["DELETE FROM backup_codes WHERE user_id = $1", "DELETE FROM totp_setups WHERE user_id = $1"] {
            query(statement).bind(user.to_string()).execute(&mut *self.connection).await?;
        }
        query("UPDATE users SET second_factor_since = NULL, updated_at = $2 WHERE id = $1")
            .bind(user.to_string())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(deleted.rows_affected() == 1)
    }

    /// Takes one of the tries that a window leaves, before anything is compared: so no number of tries at once passes
    /// the limit. `None` when the factor is locked, or there is none. A window that began before `since` is over. So are
    /// a window that begins later than now and a lock that ends after `last`: a clock that was ahead made them.
    pub async fn consume_factor_try(
        &mut self,
        user: UserId,
        now: Timestamp,
        (since, last): (Timestamp, Timestamp),
    ) -> Result<Option<StoredFactor>, Error> {
        let row = query(
            "UPDATE totp_factors SET
                failures = CASE WHEN failures_since <= $2 OR failures_since > $3 THEN 1 ELSE failures + 1 END,
                failures_since = CASE WHEN failures_since <= $2 OR failures_since > $3 THEN $3 ELSE failures_since END,
                locked_until = NULL
             WHERE user_id = $1 AND (locked_until IS NULL OR locked_until <= $3 OR locked_until > $4)
             RETURNING *",
        )
        .bind(user.to_string())
        .bind(since.millis())
        .bind(now.millis())
        .bind(last.millis())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(factor).transpose()
    }

    /// Notes that a code was right: the count begins anew.
    pub async fn update_factor_proven(&mut self, user: UserId) -> Result<(), Error> {
        query("UPDATE totp_factors SET failures = 0, failures_since = 0 WHERE user_id = $1")
            .bind(user.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Locks a factor; the count begins anew when the lock ends.
    pub async fn update_factor_locked(&mut self, user: UserId, until: Timestamp) -> Result<(), Error> {
        query("UPDATE totp_factors SET failures = 0, failures_since = 0, locked_until = $2 WHERE user_id = $1")
            .bind(user.to_string())
            .bind(until.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Spends a time step; `false` when it, or a newer one, was spent before.
    pub async fn consume_step(&mut self, user: UserId, step: i64) -> Result<bool, Error> {
        let spent = query("UPDATE totp_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2")
            .bind(user.to_string())
            .bind(step)
            .execute(&mut *self.connection)
            .await?;
        Ok(spent.rows_affected() == 1)
    }

    /// Spends a backup code; `false` when it was spent before, or is none.
    pub async fn consume_backup_code(&mut self, user: UserId, mac: &[u8; 32], now: Timestamp) -> Result<bool, Error> {
        let spent = query("UPDATE backup_codes SET used_at = $3 WHERE user_id = $1 AND mac = $2 AND used_at IS NULL")
            .bind(user.to_string())
            .bind(mac.to_vec())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(spent.rows_affected() == 1)
    }

    /// How many backup codes somebody has, and how many of them are used.
    pub async fn count_backup_codes(&mut self, user: UserId) -> Result<(i64, i64), Error> {
        let row = query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS total, CAST(COUNT(used_at) AS BIGINT) AS used
             FROM backup_codes WHERE user_id = $1",
        )
        .bind(user.to_string())
        .fetch_one(&mut *self.connection)
        .await?;
        Ok((row.number("total")?, row.number("used")?))
    }

    /// New backup codes; those from before are dead. `false` when there is no authenticator. Its row is the lock: of two
    /// who renew at once the second replaces what the first has made.
    pub async fn replace_backup_codes(
        &mut self,
        user: UserId,
        macs: &[[u8; 32]],
        now: Timestamp,
    ) -> Result<bool, Error> {
        let updated = query("UPDATE totp_factors SET codes_made_at = $2 WHERE user_id = $1")
            .bind(user.to_string())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        if updated.rows_affected() == 0 {
            return Ok(false);
        }
        query("DELETE FROM backup_codes WHERE user_id = $1")
            .bind(user.to_string())
            .execute(&mut *self.connection)
            .await?;
        for mac in macs {
            query("INSERT INTO backup_codes (user_id, mac) VALUES ($1, $2)")
                .bind(user.to_string())
                .bind(mac.to_vec())
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(true)
    }

    /// The authenticator that somebody has yet to prove, sealed, while there is time for it.
    pub async fn find_setup(&mut self, user: UserId, now: Timestamp) -> Result<Option<Vec<u8>>, Error> {
        let row = query("SELECT content FROM totp_setups WHERE user_id = $1 AND expires_at > $2")
            .bind(user.to_string())
            .bind(now.millis())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| row.bytes("content")).transpose()
    }

    /// Keeps an authenticator until it is proven, in place of one that was begun before.
    pub async fn replace_setup(&mut self, user: UserId, content: &[u8], expires_at: Timestamp) -> Result<(), Error> {
        query(
            "INSERT INTO totp_setups (user_id, content, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (user_id) DO UPDATE SET content = excluded.content, expires_at = excluded.expires_at",
        )
        .bind(user.to_string())
        .bind(content.to_vec())
        .bind(expires_at.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Spends it; `false` when somebody else was first, or another one has taken its place.
    pub async fn consume_setup(&mut self, user: UserId, content: &[u8]) -> Result<bool, Error> {
        let spent = query("DELETE FROM totp_setups WHERE user_id = $1 AND content = $2")
            .bind(user.to_string())
            .bind(content.to_vec())
            .execute(&mut *self.connection)
            .await?;
        Ok(spent.rows_affected() == 1)
    }

    /// Drops those that were never proven.
    pub async fn delete_old_setups(&mut self, now: Timestamp) -> Result<(), Error> {
        query("DELETE FROM totp_setups WHERE expires_at <= $1")
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
