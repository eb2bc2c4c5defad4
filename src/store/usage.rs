use sqlx::query;

use super::db::Row;
use super::row::Columns as _;
use super::{OrganizationStore, Store};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ApiKeyId, TokenId};

/// What one flush writes about one key, hour and endpoint.
pub struct UsageRow<'a> {
    /// Which key.
    pub key: ApiKeyId,
    /// Hours since 1970.
    pub hour: i64,
    /// Method and path template.
    pub endpoint: &'a str,
    /// How many calls.
    pub calls: i64,
    /// How many of them failed.
    pub errors: i64,
}

/// One call.
#[derive(Clone, Debug)]
pub struct KeyCall {
    /// Its id.
    pub id: TokenId,
    /// When.
    pub at: Timestamp,
    /// Method and path template.
    pub endpoint: String,
    /// The status of the answer.
    pub status: i64,
    /// From where.
    pub address: String,
    /// With what.
    pub user_agent: String,
}

/// Calls and failures of an hour and an endpoint.
#[derive(Clone, Debug)]
pub struct KeyTotals {
    /// Which key.
    pub key: ApiKeyId,
    /// Hours since 1970.
    pub hour: i64,
    /// Method and path template.
    pub endpoint: String,
    /// How many calls.
    pub calls: i64,
    /// How many of them failed.
    pub errors: i64,
}

fn totals(row: &Row) -> Result<KeyTotals, Error> {
    Ok(KeyTotals {
        key: row.parsed("key_id")?,
        hour: row.number("hour")?,
        endpoint: row.text("endpoint")?,
        calls: row.number("calls")?,
        errors: row.number("errors")?,
    })
}

impl Store<'_> {
    /// Adds counted calls. A key deleted meanwhile is passed over.
    pub async fn update_usage(&mut self, row: &UsageRow<'_>) -> Result<(), Error> {
        query(
            "INSERT INTO api_key_hours (key_id, hour, endpoint, calls, errors)
             SELECT id, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS BIGINT) FROM api_keys WHERE id = $1
             ON CONFLICT (key_id, hour, endpoint)
             DO UPDATE SET calls = api_key_hours.calls + excluded.calls, errors = api_key_hours.errors + excluded.errors",
        )
        .bind(row.key.to_string())
        .bind(row.hour)
        .bind(row.endpoint)
        .bind(row.calls)
        .bind(row.errors)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Notes the last use of a key and how many uses there were since the note before; never sets the time back. Says when
    /// it was used before.
    pub async fn update_last_use(
        &mut self,
        key: ApiKeyId,
        last: &KeyCall,
        calls: i64,
    ) -> Result<Option<Timestamp>, Error> {
        let row = query("UPDATE api_keys SET usage_count = usage_count + $2 WHERE id = $1 RETURNING last_used_at")
            .bind(key.to_string())
            .bind(calls)
            .fetch_optional(&mut *self.connection)
            .await?;
        query(
            "UPDATE api_keys SET last_used_at = $2, last_used_ip = $3, last_used_by = $4
             WHERE id = $1 AND COALESCE(last_used_at, 0) <= $2",
        )
        .bind(key.to_string())
        .bind(last.at.millis())
        .bind(&last.address)
        .bind(&last.user_agent)
        .execute(&mut *self.connection)
        .await?;
        row.map_or(Ok(None), |row| row.maybe_at("last_used_at"))
    }

    /// Keeps one call for the list of recent ones.
    pub async fn insert_call(&mut self, key: ApiKeyId, call: &KeyCall) -> Result<(), Error> {
        query(
            "INSERT INTO api_key_calls (id, key_id, at, endpoint, status, address, user_agent)
             SELECT CAST($1 AS TEXT), id, CAST($3 AS BIGINT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS TEXT),
                CAST($7 AS TEXT)
             FROM api_keys WHERE id = $2",
        )
        .bind(call.id.to_string())
        .bind(key.to_string())
        .bind(call.at.millis())
        .bind(&call.endpoint)
        .bind(call.status)
        .bind(&call.address)
        .bind(&call.user_agent)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Drops calls and counts that are too old to be asked for.
    pub async fn delete_old_usage(&mut self, calls_before: Timestamp, hours_before: i64) -> Result<(), Error> {
        query("DELETE FROM api_key_calls WHERE at < $1")
            .bind(calls_before.millis())
            .execute(&mut *self.connection)
            .await?;
        query("DELETE FROM api_key_hours WHERE hour < $1").bind(hours_before).execute(&mut *self.connection).await?;
        Ok(())
    }
}

impl OrganizationStore<'_> {
    /// Recent calls of a key, newest first, and how many are kept.
    pub async fn list_calls(&mut self, key: ApiKeyId, limit: i64, offset: i64) -> Result<(Vec<KeyCall>, i64), Error> {
        let total = query(
            "SELECT COUNT(*) AS total FROM api_key_calls c JOIN api_keys k ON k.id = c.key_id
             WHERE c.key_id = $1 AND k.organization_id = $2",
        )
        .bind(key.to_string())
        .bind(self.organization.to_string())
        .fetch_one(&mut *self.connection)
        .await?
        .number("total")?;
        let rows = query(
            "SELECT c.id, c.at, c.endpoint, c.status, c.address, c.user_agent
             FROM api_key_calls c JOIN api_keys k ON k.id = c.key_id
             WHERE c.key_id = $1 AND k.organization_id = $2 ORDER BY c.id DESC LIMIT $3 OFFSET $4",
        )
        .bind(key.to_string())
        .bind(self.organization.to_string())
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut *self.connection)
        .await?;
        let call = |row: &Row| {
            Ok(KeyCall {
                id: row.parsed("id")?,
                at: row.at("at")?,
                endpoint: row.text("endpoint")?,
                status: row.number("status")?,
                address: row.text("address")?,
                user_agent: row.text("user_agent")?,
            })
        };
        Ok((rows.iter().map(call).collect::<Result<_, Error>>()?, total))
    }

    /// Counts since an hour, of one key or of all keys of the organization.
    pub async fn list_totals(&mut self, key: Option<ApiKeyId>, since_hour: i64) -> Result<Vec<KeyTotals>, Error> {
        let rows = query(
            "SELECT t.key_id, t.hour, t.endpoint, t.calls, t.errors
             FROM api_key_hours t JOIN api_keys k ON k.id = t.key_id
             WHERE k.organization_id = $1 AND ($2 = '' OR t.key_id = $2) AND t.hour >= $3 ORDER BY t.hour",
        )
        .bind(self.organization.to_string())
        .bind(key.map(|id| id.to_string()).unwrap_or_default())
        .bind(since_hour)
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(totals).collect()
    }
}
