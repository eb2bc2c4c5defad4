use sqlx::query;

use super::db::Row;
use super::row::Columns as _;
use super::{OrganizationStore, Part, Store};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{InvitationCodeId, UserId};
use crate::invitation::InvitationCode;
use crate::member::Role;

fn code(row: &Row) -> Result<InvitationCode, Error> {
    Ok(InvitationCode {
        id: row.parsed("id")?,
        organization_id: row.parsed("organization_id")?,
        sealed: row.bytes("code")?,
        role: row.known("role", Role::parse)?,
        max_uses: row.number("max_uses")?,
        uses: row.number("uses")?,
        email_domain: row.maybe_text("email_domain")?,
        created_by: row.parsed("created_by")?,
        created_at: row.at("created_at")?,
        expires_at: row.maybe_at("expires_at")?,
        revoked_at: row.maybe_at("revoked_at")?,
    })
}

impl Store<'_> {
    /// The code with this keyed hash, whatever has become of it. Spends nothing.
    pub async fn find_invitation_code(&mut self, mac: &[u8; 32]) -> Result<Option<InvitationCode>, Error> {
        let row = query("SELECT * FROM invitation_codes WHERE mac = $1")
            .bind(mac.to_vec())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(code).transpose()
    }

    /// Takes one use of a code; `false` when it is revoked, has expired or is used up.
    pub async fn consume_invitation_code(&mut self, id: InvitationCodeId, now: Timestamp) -> Result<bool, Error> {
        let done = query(
            "UPDATE invitation_codes SET uses = uses + 1
             WHERE id = $1 AND uses < max_uses AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(id.to_string())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl OrganizationStore<'_> {
    /// A new code.
    pub async fn insert_invitation_code(&mut self, new: &InvitationCode, mac: &[u8; 32]) -> Result<(), Error> {
        query(
            "INSERT INTO invitation_codes (id, organization_id, mac, code, role, max_uses, uses, email_domain, created_by,
                created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10)",
        )
        .bind(new.id.to_string())
        .bind(self.organization.to_string())
        .bind(mac.to_vec())
        .bind(&new.sealed)
        .bind(new.role.as_str())
        .bind(new.max_uses)
        .bind(new.email_domain.as_deref())
        .bind(new.created_by.to_string())
        .bind(new.created_at.millis())
        .bind(new.expires_at.map(Timestamp::millis))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Its codes, and how many there are in all.
    pub async fn list_invitation_codes(&mut self, part: Part) -> Result<(Vec<InvitationCode>, i64), Error> {
        self.list_of("invitation_codes", part, code).await
    }

    /// One of its codes.
    pub async fn find_invitation_code(&mut self, id: InvitationCodeId) -> Result<Option<InvitationCode>, Error> {
        self.find_in("invitation_codes", id.to_string(), code).await
    }

    /// Revokes all that somebody made.
    pub async fn revoke_invitation_codes_by(&mut self, user: UserId, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE invitation_codes SET revoked_at = $3
             WHERE organization_id = $1 AND created_by = $2 AND revoked_at IS NULL",
        )
        .bind(self.organization.to_string())
        .bind(user.to_string())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Revokes a code, or brings it back.
    pub async fn update_invitation_code(
        &mut self,
        id: InvitationCodeId,
        revoked_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        query("UPDATE invitation_codes SET revoked_at = $3 WHERE organization_id = $1 AND id = $2")
            .bind(self.organization.to_string())
            .bind(id.to_string())
            .bind(revoked_at.map(Timestamp::millis))
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
