use sqlx::query;

use super::Store;
use super::db::Row;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{OrganizationId, UserId};
use crate::secret::HashedToken;
use crate::session::Inherited;

/// Somebody who has proven a first factor, as the store has it.
#[derive(Clone, Debug)]
pub struct HalfSignIn {
    /// Who.
    pub user_id: UserId,
    /// Where they will act.
    pub organization_id: Option<OrganizationId>,
    /// What they have proven (RFC 8176), separated by spaces.
    pub amr: String,
    /// Whether the session is to be kept when the browser closes.
    pub kept: bool,
    /// Its last instant.
    pub expires_at: Timestamp,
    /// What the session takes over from the one it is handed on from.
    pub inherited: Option<Inherited>,
}

fn half(row: &Row) -> Result<HalfSignIn, Error> {
    Ok(HalfSignIn {
        user_id: row.parsed("user_id")?,
        organization_id: row.maybe_parsed("organization_id")?,
        amr: row.text("amr")?,
        kept: row.number("kept")? != 0,
        expires_at: row.at("expires_at")?,
        inherited: inherited(row)?,
    })
}

fn inherited(row: &Row) -> Result<Option<Inherited>, Error> {
    let Some(authenticated_at) = row.maybe_at("source_authenticated_at")? else { return Ok(None) };
    Ok(Some(Inherited { authenticated_at, expires_at: row.at("source_expires_at")? }))
}

impl Store<'_> {
    /// Keeps somebody's first factor until the second is proven.
    pub async fn insert_half_sign_in(&mut self, token: HashedToken, half: &HalfSignIn) -> Result<(), Error> {
        query(
            "INSERT INTO half_sign_ins (token_hash, user_id, organization_id, amr, kept, tries, expires_at,
                source_authenticated_at, source_expires_at)
             VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8)",
        )
        .bind(token.bytes().to_vec())
        .bind(half.user_id.to_string())
        .bind(half.organization_id.map(|id| id.to_string()))
        .bind(&half.amr)
        .bind(i64::from(half.kept))
        .bind(half.expires_at.millis())
        .bind(half.inherited.map(|from| from.authenticated_at.millis()))
        .bind(half.inherited.map(|from| from.expires_at.millis()))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// One that still has tries, whether or not its time is over. Spends nothing.
    pub async fn find_half_sign_in(&mut self, token: HashedToken, most: i64) -> Result<Option<HalfSignIn>, Error> {
        let row = query("SELECT * FROM half_sign_ins WHERE token_hash = $1 AND tries < $2")
            .bind(token.bytes().to_vec())
            .bind(most)
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(half).transpose()
    }

    /// Takes one of its tries; `None` when none is left or its time is over.
    pub async fn consume_half_try(
        &mut self,
        token: HashedToken,
        most: i64,
        now: Timestamp,
    ) -> Result<Option<HalfSignIn>, Error> {
        let row = query(
            "UPDATE half_sign_ins SET tries = tries + 1 WHERE token_hash = $1 AND tries < $2 AND expires_at > $3
             RETURNING *",
        )
        .bind(token.bytes().to_vec())
        .bind(most)
        .bind(now.millis())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(half).transpose()
    }

    /// Spends it; `false` when somebody else was first.
    pub async fn consume_half_sign_in(&mut self, token: HashedToken) -> Result<bool, Error> {
        let spent = query("DELETE FROM half_sign_ins WHERE token_hash = $1")
            .bind(token.bytes().to_vec())
            .execute(&mut *self.connection)
            .await?;
        Ok(spent.rows_affected() == 1)
    }

    /// Ends all of somebody's.
    pub async fn delete_half_sign_ins(&mut self, user: UserId) -> Result<(), Error> {
        query("DELETE FROM half_sign_ins WHERE user_id = $1")
            .bind(user.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Drops those whose time was over before this instant.
    pub async fn delete_old_half_sign_ins(&mut self, before: Timestamp) -> Result<(), Error> {
        query("DELETE FROM half_sign_ins WHERE expires_at < $1")
            .bind(before.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
