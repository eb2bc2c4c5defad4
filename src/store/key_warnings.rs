use sqlx::query;

use super::Store;
use super::row::Columns as _;
use crate::api_key::KeyMode;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ApiKeyId, OrganizationId, UserId};

/// A key that ends before long.
pub struct EndingKey {
    /// Which one.
    pub id: ApiKeyId,
    /// Where it acts.
    pub organization_id: OrganizationId,
    /// Who owns it, or is responsible for it.
    pub user_id: UserId,
    /// What it is called.
    pub name: String,
    /// Live or test.
    pub mode: KeyMode,
    /// The part of it that is no secret.
    pub public_id: String,
    /// Its last four characters.
    pub last_four: String,
    /// When its present secret was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Store<'_> {
    /// Live keys that end after `from` and not after `until`.
    pub async fn list_ending_keys(&mut self, from: Timestamp, until: Timestamp) -> Result<Vec<EndingKey>, Error> {
        let rows = query(
            "SELECT k.id, k.organization_id, k.user_id, k.name, k.mode, k.public_id, k.last_four, k.expires_at,
                COALESCE((SELECT MAX(s.created_at) FROM api_key_secrets s WHERE s.key_id = k.id), k.created_at)
                    AS made_at
             FROM api_keys k WHERE k.expires_at > $1 AND k.expires_at <= $2 AND k.revoked_at IS NULL
             ORDER BY k.expires_at, k.id",
        )
        .bind(from.millis())
        .bind(until.millis())
        .fetch_all(&mut *self.connection)
        .await?;
        let key = |row: &super::db::Row| {
            Ok(EndingKey {
                id: row.parsed("id")?,
                organization_id: row.parsed("organization_id")?,
                user_id: row.parsed("user_id")?,
                name: row.text("name")?,
                mode: row.known("mode", KeyMode::parse)?,
                public_id: row.text("public_id")?,
                last_four: row.text("last_four")?,
                made_at: row.at("made_at")?,
                expires_at: row.at("expires_at")?,
            })
        };
        rows.iter().map(key).collect()
    }

    /// Notes that a key's owner is warned this many days before; `false` when that was done.
    pub async fn consume_key_warning(&mut self, id: ApiKeyId, expires_at: Timestamp, days: i64) -> Result<bool, Error> {
        let inserted = query(
            "INSERT INTO api_key_warnings (key_id, expires_at, days) VALUES ($1, $2, $3)
             ON CONFLICT (key_id, expires_at, days) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(expires_at.millis())
        .bind(days)
        .execute(&mut *self.connection)
        .await?;
        Ok(inserted.rows_affected() == 1)
    }
}
