use sqlx::{AssertSqlSafe, query};

use super::db::Row;
use super::row::Columns as _;
use super::{OrganizationStore, Store};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::id::{InvitationId, UserId};
use crate::invitation::Invitation;
use crate::member::Role;
use crate::secret::HashedToken;

fn invitation(row: &Row) -> Result<Invitation, Error> {
    Ok(Invitation {
        id: row.parsed("id")?,
        organization_id: row.parsed("organization_id")?,
        email: row.known("email", Email::parse)?,
        role: row.known("role", Role::parse)?,
        invited_by: row.parsed("invited_by")?,
        inviter_name: row.text("inviter_name")?,
        shown: row.number("shown")? != 0,
        created_at: row.at("created_at")?,
        sent_at: row.at("sent_at")?,
        expires_at: row.at("expires_at")?,
        accepted_at: row.maybe_at("accepted_at")?,
        withdrawn_at: row.maybe_at("withdrawn_at")?,
    })
}

impl Store<'_> {
    /// The invitation that a link belongs to, whatever has become of it. Spends nothing.
    pub async fn find_invitation(&mut self, token: HashedToken) -> Result<Option<Invitation>, Error> {
        let row = query("SELECT * FROM invitations WHERE token_hash = $1")
            .bind(token.bytes().to_vec())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(invitation).transpose()
    }

    /// Spends a link; `None` when it was spent, replaced or withdrawn, or has expired.
    pub async fn consume_invitation(
        &mut self,
        token: HashedToken,
        now: Timestamp,
    ) -> Result<Option<Invitation>, Error> {
        let row = query(
            "UPDATE invitations SET accepted_at = $2
             WHERE token_hash = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL AND expires_at > $2 RETURNING *",
        )
        .bind(token.bytes().to_vec())
        .bind(now.millis())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(invitation).transpose()
    }
}

impl OrganizationStore<'_> {
    /// A new invitation.
    pub async fn insert_invitation(&mut self, new: &Invitation, token: HashedToken) -> Result<(), Error> {
        query(
            "INSERT INTO invitations (id, organization_id, email, role, invited_by, inviter_name, token_hash, shown,
                created_at, sent_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(new.id.to_string())
        .bind(self.organization.to_string())
        .bind(new.email.as_str())
        .bind(new.role.as_str())
        .bind(new.invited_by.to_string())
        .bind(&new.inviter_name)
        .bind(token.bytes().to_vec())
        .bind(i64::from(new.shown))
        .bind(new.created_at.millis())
        .bind(new.sent_at.millis())
        .bind(new.expires_at.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Its invitations, newest first, and how many there are in all.
    pub async fn list_invitations(
        &mut self,
        (order, limit, offset): (&'static str, i64, i64),
    ) -> Result<(Vec<Invitation>, i64), Error> {
        let total = query("SELECT CAST(COUNT(*) AS BIGINT) AS total FROM invitations WHERE organization_id = $1")
            .bind(self.organization.to_string())
            .fetch_one(&mut *self.connection)
            .await?;
        let listing =
            format!("SELECT * FROM invitations WHERE organization_id = $1 ORDER BY {order}, id LIMIT $2 OFFSET $3");
        let rows = query(AssertSqlSafe(listing))
            .bind(self.organization.to_string())
            .bind(limit)
            .bind(offset)
            .fetch_all(&mut *self.connection)
            .await?;
        Ok((rows.iter().map(invitation).collect::<Result<_, _>>()?, total.number("total")?))
    }

    /// One of its invitations.
    pub async fn find_invitation(&mut self, id: InvitationId) -> Result<Option<Invitation>, Error> {
        let row = query("SELECT * FROM invitations WHERE organization_id = $1 AND id = $2")
            .bind(self.organization.to_string())
            .bind(id.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(invitation).transpose()
    }

    /// Gives an open invitation another link: the one before is dead by the same statement. `false` when it is not open.
    pub async fn update_invitation_link(&mut self, renewed: &Invitation, token: HashedToken) -> Result<bool, Error> {
        let done = query(
            "UPDATE invitations SET token_hash = $3, shown = $4, sent_at = $5, expires_at = $6
             WHERE organization_id = $1 AND id = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL",
        )
        .bind(self.organization.to_string())
        .bind(renewed.id.to_string())
        .bind(token.bytes().to_vec())
        .bind(i64::from(renewed.shown))
        .bind(renewed.sent_at.millis())
        .bind(renewed.expires_at.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Withdraws one; `false` when it is not open.
    pub async fn withdraw_invitation(&mut self, id: InvitationId, now: Timestamp) -> Result<bool, Error> {
        let done = query(
            "UPDATE invitations SET withdrawn_at = $3
             WHERE organization_id = $1 AND id = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL",
        )
        .bind(self.organization.to_string())
        .bind(id.to_string())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Withdraws the open one for an address.
    pub async fn withdraw_invitations_to(&mut self, email: &Email, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE invitations SET withdrawn_at = $3
             WHERE organization_id = $1 AND email = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL",
        )
        .bind(self.organization.to_string())
        .bind(email.as_str())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Withdraws all open ones that somebody made.
    pub async fn withdraw_invitations_by(&mut self, user: UserId, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE invitations SET withdrawn_at = $3
             WHERE organization_id = $1 AND invited_by = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL",
        )
        .bind(self.organization.to_string())
        .bind(user.to_string())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }
}
