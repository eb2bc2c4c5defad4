use sqlx::query;

use super::Store;
use super::db::Row;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::SessionId;
use crate::secret::HashedToken;

/// A ticket, as the store has it.
#[derive(Clone, Debug)]
pub struct StoredHandoff {
    /// The session that is handed on.
    pub session_id: SessionId,
    /// The site that may redeem it.
    pub origin: String,
    /// Its last instant.
    pub expires_at: Timestamp,
}

fn handoff(row: &Row) -> Result<StoredHandoff, Error> {
    Ok(StoredHandoff {
        session_id: row.parsed("session_id")?,
        origin: row.text("origin")?,
        expires_at: row.at("expires_at")?,
    })
}

impl Store<'_> {
    /// A new ticket.
    pub async fn insert_handoff(&mut self, ticket: HashedToken, handoff: &StoredHandoff) -> Result<(), Error> {
        query("INSERT INTO handoffs (ticket_hash, session_id, origin, expires_at) VALUES ($1, $2, $3, $4)")
            .bind(ticket.bytes().to_vec())
            .bind(handoff.session_id.to_string())
            .bind(&handoff.origin)
            .bind(handoff.expires_at.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// A ticket that was not spent, whether or not its time is over. Spends nothing.
    pub async fn find_handoff(&mut self, ticket: HashedToken) -> Result<Option<StoredHandoff>, Error> {
        let row = query("SELECT * FROM handoffs WHERE ticket_hash = $1")
            .bind(ticket.bytes().to_vec())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(handoff).transpose()
    }

    /// Spends a ticket; `None` when somebody else was first or its time is over.
    pub async fn consume_handoff(
        &mut self,
        ticket: HashedToken,
        now: Timestamp,
    ) -> Result<Option<StoredHandoff>, Error> {
        let row = query("DELETE FROM handoffs WHERE ticket_hash = $1 AND expires_at > $2 RETURNING *")
            .bind(ticket.bytes().to_vec())
            .bind(now.millis())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(handoff).transpose()
    }

    /// Drops tickets whose time was over before this instant.
    pub async fn delete_old_handoffs(&mut self, before: Timestamp) -> Result<(), Error> {
        query("DELETE FROM handoffs WHERE expires_at < $1")
            .bind(before.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
