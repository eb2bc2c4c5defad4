use sqlx::query;

use super::Store;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::crypto::sha256;
use crate::error::Error;
use crate::id::EventId;

/// An entry to be written.
pub struct NewEvent<'a> {
    /// Its id.
    pub id: EventId,
    /// Which chain: an organization's id, or `platform`.
    pub chain: &'a str,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: &'a str,
    /// Did what.
    pub action: &'a str,
    /// To what.
    pub target: &'a str,
    /// From where.
    pub address: &'a str,
    /// With what.
    pub user_agent: &'a str,
    /// In which request.
    pub request_id: &'a str,
    /// Further facts, as JSON.
    pub detail: &'a str,
}

impl NewEvent<'_> {
    /// The hash that ties the entry to its place: SHA-256 over the hash before it, its position, and every field, each
    /// preceded by its length so that no two different entries read alike.
    fn hash(&self, before: &[u8], position: i64) -> [u8; 32] {
        let id = self.id.to_string();
        let mut bytes = before.to_vec();
        bytes.extend_from_slice(&position.to_be_bytes());
        bytes.extend_from_slice(&self.at.millis().to_be_bytes());
        let fields = [
            id.as_str(),
            self.chain,
            self.actor,
            self.action,
            self.target,
            self.address,
            self.user_agent,
            self.request_id,
            self.detail,
        ];
        for field in fields {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        sha256(&bytes)
    }
}

impl Store<'_> {
    /// Adds an entry at the end of its chain. The chain's row is the lock: one entry after the other.
    pub async fn insert_event(&mut self, event: &NewEvent<'_>) -> Result<(), Error> {
        let row = query(
            "INSERT INTO audit_chains (chain, length, head) VALUES ($1, 1, $2)
             ON CONFLICT (chain) DO UPDATE SET length = audit_chains.length + 1 RETURNING length, head",
        )
        .bind(event.chain)
        .bind(Vec::new())
        .fetch_one(&mut *self.connection)
        .await?;
        let position = row.number("length")?;
        let hash = event.hash(&row.bytes("head")?, position);
        query(
            "INSERT INTO audit_events (id, chain, position, at, actor, action, target, address, user_agent, request_id,
                detail, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(event.id.to_string())
        .bind(event.chain)
        .bind(position)
        .bind(event.at.millis())
        .bind(event.actor)
        .bind(event.action)
        .bind(event.target)
        .bind(event.address)
        .bind(event.user_agent)
        .bind(event.request_id)
        .bind(event.detail)
        .bind(hash.to_vec())
        .execute(&mut *self.connection)
        .await?;
        query("UPDATE audit_chains SET head = $2 WHERE chain = $1")
            .bind(event.chain)
            .bind(hash.to_vec())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
