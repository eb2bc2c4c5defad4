use sqlx::query;

use super::db::{Row, is_duplicate};
use super::row::Columns as _;
use super::{OrganizationStore, Store};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{OrganizationId, UserId};
use crate::member::Role;
use crate::organization::{Membership, Organization};
use crate::user::User;

fn membership(row: &Row) -> Result<Membership, Error> {
    Ok(Membership {
        organization: Organization {
            id: row.parsed("id")?,
            name: row.text("name")?,
            slug: row.text("slug")?,
            suspended_at: row.maybe_at("suspended_at")?,
            policy: super::policies::policy(row)?,
            created_at: row.at("created_at")?,
        },
        role: row.known("role", Role::parse)?,
        suspended_at: row.maybe_at("member_suspended_at")?,
        joined_at: row.at("joined_at")?,
    })
}

impl Store<'_> {
    /// A new organization; `false` when another has the slug.
    pub async fn insert_organization(&mut self, organization: &Organization, contact: &str) -> Result<bool, Error> {
        let inserted = query(
            "INSERT INTO organizations (id, name, slug, contact_email, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (slug) DO NOTHING",
        )
        .bind(organization.id.to_string())
        .bind(&organization.name)
        .bind(&organization.slug)
        .bind(contact)
        .bind(organization.created_at.millis())
        .execute(&mut *self.connection)
        .await;
        match inserted {
            Err(error) if is_duplicate(&error, "organizations.slug", "organizations_slug") => Ok(false),
            inserted => Ok(inserted?.rows_affected() == 1),
        }
    }

    /// Somebody's places, oldest first.
    pub async fn list_memberships(&mut self, user: UserId) -> Result<Vec<Membership>, Error> {
        let rows = query(
            "SELECT o.id, o.name, o.slug, o.suspended_at, o.two_factor_required_from, o.trusted_device_days, o.created_at,
                m.role, m.suspended_at AS member_suspended_at, m.joined_at
             FROM memberships m JOIN organizations o ON o.id = m.organization_id
             WHERE m.user_id = $1 ORDER BY m.joined_at, o.id",
        )
        .bind(user.to_string())
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(membership).collect()
    }

    /// Somebody's place in one organization.
    pub async fn find_membership(
        &mut self,
        user: UserId,
        organization: OrganizationId,
    ) -> Result<Option<Membership>, Error> {
        let row = query(
            "SELECT o.id, o.name, o.slug, o.suspended_at, o.two_factor_required_from, o.trusted_device_days, o.created_at,
                m.role, m.suspended_at AS member_suspended_at, m.joined_at
             FROM memberships m JOIN organizations o ON o.id = m.organization_id
             WHERE m.user_id = $1 AND m.organization_id = $2",
        )
        .bind(user.to_string())
        .bind(organization.to_string())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(membership).transpose()
    }
}

impl Store<'_> {
    /// Whether somebody belongs to another organization that has further members, who rely on how that person signs in.
    pub async fn is_relied_on_elsewhere(&mut self, user: UserId, here: OrganizationId) -> Result<bool, Error> {
        let row = query(
            "SELECT 1 AS one FROM memberships m JOIN memberships n
                ON n.organization_id = m.organization_id AND n.user_id <> m.user_id
             WHERE m.user_id = $1 AND m.organization_id <> $2 LIMIT 1",
        )
        .bind(user.to_string())
        .bind(here.to_string())
        .fetch_optional(&mut *self.connection)
        .await?;
        Ok(row.is_some())
    }
}

impl OrganizationStore<'_> {
    /// Everybody with a place, oldest first.
    pub async fn list_members(&mut self) -> Result<Vec<(User, Role)>, Error> {
        let rows = query(
            "SELECT u.*, m.role FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.organization_id = $1 ORDER BY m.joined_at, u.id",
        )
        .bind(self.organization.to_string())
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(|row| Ok((super::users::user(row)?, row.known("role", Role::parse)?))).collect()
    }

    /// A place for somebody.
    pub async fn insert_member(&mut self, user: UserId, role: Role, now: Timestamp) -> Result<(), Error> {
        query("INSERT INTO memberships (organization_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4)")
            .bind(self.organization.to_string())
            .bind(user.to_string())
            .bind(role.as_str())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
