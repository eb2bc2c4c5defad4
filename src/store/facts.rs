use sqlx::query;

use super::Store;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::secret::HashedToken;

/// A signing key as the store has it.
pub struct StoredSigningKey {
    /// Its name in tokens.
    pub kid: String,
    /// `ES256`, `EdDSA` or `RS256`.
    pub algorithm: String,
    /// The sealed private half, PKCS#8.
    pub private: Vec<u8>,
    /// From when it signs.
    pub signs_at: Timestamp,
}

impl Store<'_> {
    /// A fact about this installation.
    pub async fn find_fact(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let row =
            query("SELECT value FROM facts WHERE name = $1").bind(name).fetch_optional(&mut *self.connection).await?;
        row.map(|row| row.bytes("value")).transpose()
    }

    /// Writes a fact once; `false` when it stands already.
    pub async fn insert_fact(&mut self, name: &str, value: &[u8]) -> Result<bool, Error> {
        let inserted = query("INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(value.to_vec())
            .execute(&mut *self.connection)
            .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Exchanges a fact; `false` when it is no longer what it was.
    pub async fn update_fact(&mut self, name: &str, was: &[u8], value: &[u8]) -> Result<bool, Error> {
        let updated = query("UPDATE facts SET value = $3 WHERE name = $1 AND value = $2")
            .bind(name)
            .bind(was.to_vec())
            .bind(value.to_vec())
            .execute(&mut *self.connection)
            .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Takes a fact back.
    pub async fn delete_fact(&mut self, name: &str) -> Result<(), Error> {
        query("DELETE FROM facts WHERE name = $1").bind(name).execute(&mut *self.connection).await?;
        Ok(())
    }

    /// Every signing key, oldest first.
    pub async fn list_signing_keys(&mut self) -> Result<Vec<StoredSigningKey>, Error> {
        let rows = query("SELECT kid, algorithm, private, signs_at FROM signing_keys ORDER BY signs_at, created_at")
            .fetch_all(&mut *self.connection)
            .await?;
        let key = |row: &super::db::Row| {
            Ok(StoredSigningKey {
                kid: row.text("kid")?,
                algorithm: row.text("algorithm")?,
                private: row.bytes("private")?,
                signs_at: row.at("signs_at")?,
            })
        };
        rows.iter().map(key).collect()
    }

    /// A new signing key.
    pub async fn insert_signing_key(&mut self, key: &StoredSigningKey, now: Timestamp) -> Result<(), Error> {
        query("INSERT INTO signing_keys (kid, algorithm, private, signs_at, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&key.kid)
            .bind(&key.algorithm)
            .bind(key.private.clone())
            .bind(key.signs_at.millis())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Withdraws a signing key.
    pub async fn delete_signing_key(&mut self, kid: &str) -> Result<(), Error> {
        query("DELETE FROM signing_keys WHERE kid = $1").bind(kid).execute(&mut *self.connection).await?;
        Ok(())
    }

    /// Replaces the one-time link of the first start.
    pub async fn insert_setup_link(&mut self, hash: HashedToken, now: Timestamp) -> Result<(), Error> {
        query("DELETE FROM setup_links").execute(&mut *self.connection).await?;
        query("INSERT INTO setup_links (hash, created_at) VALUES ($1, $2)")
            .bind(hash.bytes().to_vec())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Whether the link is still good.
    pub async fn has_setup_link(&mut self, hash: HashedToken) -> Result<bool, Error> {
        let row = query("SELECT created_at FROM setup_links WHERE hash = $1")
            .bind(hash.bytes().to_vec())
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(row.is_some())
    }

    /// Spends the link; `false` when it is not there or was spent.
    pub async fn consume_setup_link(&mut self, hash: HashedToken) -> Result<bool, Error> {
        let deleted = query("DELETE FROM setup_links WHERE hash = $1")
            .bind(hash.bytes().to_vec())
            .execute(&mut *self.connection)
            .await?;
        Ok(deleted.rows_affected() == 1)
    }
}
