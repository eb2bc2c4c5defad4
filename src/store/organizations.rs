use sqlx::{AssertSqlSafe, query};

use super::db::{Row, is_duplicate};
use super::row::Columns as _;
use super::{OrganizationStore, Part, Store};
use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::id::{OrganizationId, SessionId, UserId};
use crate::member::Role;
use crate::organization::{Membership, Organization, OrganizationFacts};
use crate::session::EndedBy;
use crate::user::User;

fn organization(row: &Row) -> Result<Organization, Error> {
    Ok(Organization {
        id: row.parsed("id")?,
        name: row.text("name")?,
        slug: row.text("slug")?,
        suspended_at: row.maybe_at("suspended_at")?,
        policy: super::policies::policy(row)?,
        created_at: row.at("created_at")?,
    })
}

/// The columns of a place `m` in an organization `o`.
const PLACE: &str = "o.*, m.role, m.suspended_at AS member_suspended_at, m.joined_at";

fn membership(row: &Row) -> Result<Membership, Error> {
    Ok(Membership {
        organization: organization(row)?,
        role: row.known("role", Role::parse)?,
        suspended_at: row.maybe_at("member_suspended_at")?,
        joined_at: row.at("joined_at")?,
    })
}

impl Store<'_> {
    /// A new organization; `false` when another has the slug.
    pub async fn insert_organization(
        &mut self,
        organization: &Organization,
        contact: Option<&str>,
    ) -> Result<bool, Error> {
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
        let rows = query(AssertSqlSafe(format!(
            "SELECT {PLACE} FROM memberships m JOIN organizations o ON o.id = m.organization_id
             WHERE m.user_id = $1 ORDER BY m.joined_at, o.id"
        )))
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
        let row = query(AssertSqlSafe(format!(
            "SELECT {PLACE} FROM memberships m JOIN organizations o ON o.id = m.organization_id
             WHERE m.user_id = $1 AND m.organization_id = $2"
        )))
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

/// A member as the store has them.
#[derive(Clone, Debug)]
pub struct StoredMember {
    /// Who.
    pub user: User,
    /// As what.
    pub role: Role,
    /// Since when the place is suspended.
    pub suspended_at: Option<Timestamp>,
    /// Since when.
    pub joined_at: Timestamp,
}

fn member(row: &Row) -> Result<StoredMember, Error> {
    Ok(StoredMember {
        user: super::users::user(row)?,
        role: row.known("role", Role::parse)?,
        suspended_at: row.maybe_at("member_suspended_at")?,
        joined_at: row.at("joined_at")?,
    })
}

fn facts(row: &Row) -> Result<OrganizationFacts, Error> {
    Ok(OrganizationFacts {
        organization: organization(row)?,
        contact_email: row.maybe_text("contact_email")?,
        member_count: row.number("member_count")?,
    })
}

impl Store<'_> {
    /// An organization, and what is known beside its row.
    pub async fn find_organization(&mut self, id: OrganizationId) -> Result<Option<OrganizationFacts>, Error> {
        let row = query(
            "SELECT o.*, CAST((SELECT COUNT(*) FROM memberships n WHERE n.organization_id = o.id) AS BIGINT) AS member_count
             FROM organizations o WHERE o.id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(facts).transpose()
    }

    /// The organizations that somebody has a live place in, and how many there are in all.
    pub async fn list_organizations_of(
        &mut self,
        user: UserId,
        (order, limit, offset): Part,
    ) -> Result<(Vec<(OrganizationFacts, Role)>, i64), Error> {
        let total = query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS total FROM memberships WHERE user_id = $1 AND suspended_at IS NULL",
        )
        .bind(user.to_string())
        .fetch_one(&mut *self.connection)
        .await?;
        let listing = format!(
            "SELECT o.*, m.role,
                CAST((SELECT COUNT(*) FROM memberships n WHERE n.organization_id = o.id) AS BIGINT) AS member_count
             FROM memberships m JOIN organizations o ON o.id = m.organization_id
             WHERE m.user_id = $1 AND m.suspended_at IS NULL ORDER BY {order}, o.id LIMIT $2 OFFSET $3"
        );
        let rows = query(AssertSqlSafe(listing))
            .bind(user.to_string())
            .bind(limit)
            .bind(offset)
            .fetch_all(&mut *self.connection)
            .await?;
        let found = rows.iter().map(|row| Ok((facts(row)?, row.known("role", Role::parse)?)));
        Ok((found.collect::<Result<_, Error>>()?, total.number("total")?))
    }
}

/// An organization as landlords see it.
#[derive(Clone, Debug)]
pub struct StoredTenant {
    /// What its members see too.
    pub facts: OrganizationFacts,
    /// How many API keys work.
    pub key_count: i64,
    /// How many invitations wait.
    pub invitation_count: i64,
}

const TENANT: &str = "o.*,
    CAST((SELECT COUNT(*) FROM memberships n WHERE n.organization_id = o.id) AS BIGINT) AS member_count,
    CAST((SELECT COUNT(*) FROM api_keys k WHERE k.organization_id = o.id AND k.revoked_at IS NULL AND k.inactive_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > $1)) AS BIGINT) AS key_count,
    CAST((SELECT COUNT(*) FROM invitations i WHERE i.organization_id = o.id AND i.accepted_at IS NULL
        AND i.withdrawn_at IS NULL AND i.expires_at > $1) AS BIGINT) AS invitation_count";

fn tenant(row: &Row) -> Result<StoredTenant, Error> {
    Ok(StoredTenant {
        facts: facts(row)?,
        key_count: row.number("key_count")?,
        invitation_count: row.number("invitation_count")?,
    })
}

impl Store<'_> {
    /// Every organization whose name or slug holds `search`, and how many there are in all.
    pub async fn list_tenants(
        &mut self,
        search: &str,
        now: Timestamp,
        (order, limit, offset): Part,
    ) -> Result<(Vec<StoredTenant>, i64), Error> {
        let pattern = super::row::containing(search);
        let total = query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS total FROM organizations o
             WHERE LOWER(o.name) LIKE $1 ESCAPE '!' OR o.slug LIKE $1 ESCAPE '!'",
        )
        .bind(&pattern)
        .fetch_one(&mut *self.connection)
        .await?;
        let listing = format!(
            "SELECT {TENANT} FROM organizations o
             WHERE LOWER(o.name) LIKE $2 ESCAPE '!' OR o.slug LIKE $2 ESCAPE '!'
             ORDER BY {order}, o.id LIMIT $3 OFFSET $4"
        );
        let rows = query(AssertSqlSafe(listing))
            .bind(now.millis())
            .bind(&pattern)
            .bind(limit)
            .bind(offset)
            .fetch_all(&mut *self.connection)
            .await?;
        Ok((rows.iter().map(tenant).collect::<Result<_, _>>()?, total.number("total")?))
    }

    /// One of them.
    pub async fn find_tenant(&mut self, id: OrganizationId, now: Timestamp) -> Result<Option<StoredTenant>, Error> {
        let row = query(AssertSqlSafe(format!("SELECT {TENANT} FROM organizations o WHERE o.id = $2")))
            .bind(now.millis())
            .bind(id.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(tenant).transpose()
    }
}

impl OrganizationStore<'_> {
    /// Makes other changes of the same organization wait until this transaction is over.
    pub async fn lock(&mut self, now: Timestamp) -> Result<(), Error> {
        query("UPDATE organizations SET updated_at = $2 WHERE id = $1")
            .bind(self.organization.to_string())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Writes name and contact.
    pub async fn update_organization(
        &mut self,
        name: &str,
        contact: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        query("UPDATE organizations SET name = $2, contact_email = $3, updated_at = $4 WHERE id = $1")
            .bind(self.organization.to_string())
            .bind(name)
            .bind(contact)
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Drops it with everything in it.
    pub async fn delete_organization(&mut self) -> Result<(), Error> {
        query("DELETE FROM organizations WHERE id = $1")
            .bind(self.organization.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Its members, and how many there are in all.
    pub async fn list_members(&mut self, (order, limit, offset): Part) -> Result<(Vec<StoredMember>, i64), Error> {
        let total = query("SELECT CAST(COUNT(*) AS BIGINT) AS total FROM memberships WHERE organization_id = $1")
            .bind(self.organization.to_string())
            .fetch_one(&mut *self.connection)
            .await?;
        let listing = format!(
            "SELECT u.*, m.role, m.suspended_at AS member_suspended_at, m.joined_at
             FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.organization_id = $1 ORDER BY {order}, u.id LIMIT $2 OFFSET $3"
        );
        let rows = query(AssertSqlSafe(listing))
            .bind(self.organization.to_string())
            .bind(limit)
            .bind(offset)
            .fetch_all(&mut *self.connection)
            .await?;
        Ok((rows.iter().map(member).collect::<Result<_, _>>()?, total.number("total")?))
    }

    /// One member.
    pub async fn find_member(&mut self, user: UserId) -> Result<Option<StoredMember>, Error> {
        let row = query(
            "SELECT u.*, m.role, m.suspended_at AS member_suspended_at, m.joined_at
             FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1 AND m.user_id = $2",
        )
        .bind(self.organization.to_string())
        .bind(user.to_string())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(member).transpose()
    }

    /// Writes role and standing of a place. When the standing was `decided`, nothing but another decision changes it.
    pub async fn update_member(
        &mut self,
        user: UserId,
        role: Role,
        suspended_at: Option<Timestamp>,
        decided: bool,
    ) -> Result<(), Error> {
        query(
            "UPDATE memberships SET role = $3, suspended_at = $4,
                awaits_address = CASE WHEN $5 = 1 THEN 0 ELSE awaits_address END
             WHERE organization_id = $1 AND user_id = $2",
        )
        .bind(self.organization.to_string())
        .bind(user.to_string())
        .bind(role.as_str())
        .bind(suspended_at.map(Timestamp::millis))
        .bind(i64::from(decided))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Takes a place away.
    pub async fn delete_member(&mut self, user: UserId) -> Result<(), Error> {
        query("DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2")
            .bind(self.organization.to_string())
            .bind(user.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// The owner who has been there longest and can act.
    pub async fn find_oldest_owner(&mut self) -> Result<Option<UserId>, Error> {
        let row = query(
            "SELECT m.user_id FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.organization_id = $1 AND m.role = 'OWNER' AND m.suspended_at IS NULL AND u.disabled_at IS NULL
             ORDER BY m.joined_at, m.user_id LIMIT 1",
        )
        .bind(self.organization.to_string())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.map(|row| row.parsed("user_id")).transpose()
    }

    /// Ends the sessions of somebody that act here; says which.
    pub async fn consume_sessions_of(
        &mut self,
        user: UserId,
        by: EndedBy,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, Error> {
        let rows = query(
            "UPDATE sessions SET ended_at = $3, ended_by = $4, cookie_hash = NULL
             WHERE organization_id = $1 AND user_id = $2 AND ended_at IS NULL RETURNING id",
        )
        .bind(self.organization.to_string())
        .bind(user.to_string())
        .bind(now.millis())
        .bind(by.as_str())
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }

    /// A place for somebody; `already_member` when they have one.
    pub async fn insert_member(&mut self, user: UserId, role: Role, now: Timestamp) -> Result<(), Error> {
        let inserted = query(
            "INSERT INTO memberships (organization_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (organization_id, user_id) DO NOTHING",
        )
        .bind(self.organization.to_string())
        .bind(user.to_string())
        .bind(role.as_str())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        if inserted.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict(Code::AlreadyMember)) }
    }

    /// Suspends a place until the address of its person is confirmed.
    pub async fn await_address(&mut self, user: UserId, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE memberships SET suspended_at = $3, awaits_address = 1 WHERE organization_id = $1 AND user_id = $2",
        )
        .bind(self.organization.to_string())
        .bind(user.to_string())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Suspends it, or brings it back.
    pub async fn update_suspension(&mut self, suspended_at: Option<Timestamp>, now: Timestamp) -> Result<(), Error> {
        query("UPDATE organizations SET suspended_at = $2, updated_at = $3 WHERE id = $1")
            .bind(self.organization.to_string())
            .bind(suspended_at.map(Timestamp::millis))
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Ends every session that acts here; says which.
    pub async fn consume_all_sessions(&mut self, by: EndedBy, now: Timestamp) -> Result<Vec<SessionId>, Error> {
        let rows = query(
            "UPDATE sessions SET ended_at = $2, ended_by = $3, cookie_hash = NULL
             WHERE organization_id = $1 AND ended_at IS NULL RETURNING id",
        )
        .bind(self.organization.to_string())
        .bind(now.millis())
        .bind(by.as_str())
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }
}
