use sqlx::{AssertSqlSafe, query};

use super::db::Row;
use super::row::Columns as _;
use super::{OrganizationStore, Part, Store};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::id::{InvitationId, UserId};
use crate::invitation::Invitation;
use crate::member::Role;
use crate::secret::HashedToken;

/// Which invitations of an organization.
#[derive(Clone, Copy, Debug)]
pub enum Invitations<'a> {
    /// This one.
    One(InvitationId),
    /// Those for an address.
    To(&'a Email),
    /// Those that somebody made.
    By(UserId),
}

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

    /// Its invitations, and how many there are in all.
    pub async fn list_invitations(&mut self, part: Part) -> Result<(Vec<Invitation>, i64), Error> {
        self.list_of("invitations", part, invitation).await
    }

    /// One of its invitations.
    pub async fn find_invitation(&mut self, id: InvitationId) -> Result<Option<Invitation>, Error> {
        self.find_in("invitations", id.to_string(), invitation).await
    }

    /// Gives an open invitation another link: the one before is dead by the same statement. `false` when it is not open.
    pub async fn update_invitation_link(&mut self, renewed: &Invitation, token: HashedToken) -> Result<bool, Error> {
        let done = query(
            "UPDATE invitations SET token_hash = $3, shown = $4, sent_at = $5, expires_at = $6, invited_by = $7,
                inviter_name = $8
             WHERE organization_id = $1 AND id = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL",
        )
        .bind(self.organization.to_string())
        .bind(renewed.id.to_string())
        .bind(token.bytes().to_vec())
        .bind(i64::from(renewed.shown))
        .bind(renewed.sent_at.millis())
        .bind(renewed.expires_at.millis())
        .bind(renewed.invited_by.to_string())
        .bind(&renewed.inviter_name)
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Withdraws the open ones among these; says how many.
    pub async fn withdraw_invitations(&mut self, which: Invitations<'_>, now: Timestamp) -> Result<u64, Error> {
        let (column, value) = match which {
            Invitations::One(id) => ("id", id.to_string()),
            Invitations::To(email) => ("email", email.to_string()),
            Invitations::By(user) => ("invited_by", user.to_string()),
        };
        let done = query(AssertSqlSafe(format!(
            "UPDATE invitations SET withdrawn_at = $3
             WHERE organization_id = $1 AND {column} = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL"
        )))
        .bind(self.organization.to_string())
        .bind(value)
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected())
    }
}
