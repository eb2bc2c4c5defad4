//! The members of an organization: listed, given other roles, suspended, removed (contract section 6).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode};
use crate::id::{ApiKeyId, OrganizationId, UserId};
use crate::member::{Action, Role};
use crate::organization::Membership;
use crate::principal::{Actor, Permit};
use crate::session::EndedBy;
use crate::store::{Invitations, OrganizationStore, StoredMember, Writing};

use super::page::{Orders, Page, PageQuery};

const ORDERS: Orders = Orders {
    names: &["createdAt", "name"],
    columns: &[("m.joined_at", "m.joined_at DESC"), ("LOWER(u.name)", "LOWER(u.name) DESC")],
};

/// A member of an organization.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// The person, who is the place too.
    pub id: UserId,
    /// The person.
    pub user_id: UserId,
    /// Where.
    pub organization_id: OrganizationId,
    /// As what.
    pub role: Role,
    /// Whether the place is live.
    pub is_active: bool,
    /// Whether the person has a second factor.
    pub two_factor_enabled: bool,
    /// Since when.
    pub joined_at: Timestamp,
    /// Who.
    pub user: MemberUserView,
}

/// The person of a place.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberUserView {
    /// Which account.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
    /// A picture.
    #[schema(required)]
    pub avatar_url: Option<String>,
}

/// Changes to a place; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"role": "ADMIN"}))]
pub struct MemberChanges {
    /// Another role.
    #[schema(value_type = Option<Role>)]
    pub role: Option<String>,
    /// Whether the place is live.
    pub is_active: Option<bool>,
}

/// A key that is affected when a member leaves.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedKeyView {
    /// Which key.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: String,
    /// `user`: it dies with the place; `organization`: somebody else becomes responsible for it.
    pub owner: &'static str,
    /// When it was last used.
    #[schema(required)]
    pub last_used_at: Option<Timestamp>,
}

/// What came of removing a member.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemovedView {
    /// Always true.
    pub success: bool,
    /// How many keys of theirs ended.
    #[schema(minimum = 0)]
    pub revoked_keys: u64,
    /// How many keys of the organization have another responsible person now.
    #[schema(minimum = 0)]
    pub moved_keys: u64,
}

impl MemberView {
    fn new(organization: OrganizationId, member: StoredMember) -> Self {
        let StoredMember { user, role, suspended_at, joined_at } = member;
        Self {
            id: user.id,
            user_id: user.id,
            organization_id: organization,
            role,
            is_active: suspended_at.is_none(),
            two_factor_enabled: user.second_factor_since.is_some(),
            joined_at,
            user: MemberUserView {
                id: user.id,
                name: user.name,
                email: user.email.to_string(),
                avatar_url: user.avatar_url,
            },
        }
    }
}

impl Latchkey {
    /// The members of an organization.
    pub async fn members(&self, actor: &Actor, id: &str, query: &PageQuery) -> Result<Page<MemberView>, Error> {
        let permit = self.permit_at(actor, Action::ReadOrganization, id).await?;
        let page = query.check(ORDERS)?;
        let mut reading = self.0.db.read().await?;
        let mut store = reading.store();
        let mut place = store.organization(permit.organization());
        let (members, total) = place.list_members((page.order, page.limit, page.offset)).await?;
        let items = members.into_iter().map(|member| MemberView::new(permit.organization(), member)).collect();
        Ok(Page { items, total })
    }

    /// One member.
    pub async fn member(&self, actor: &Actor, id: &str, user: &str) -> Result<MemberView, Error> {
        let permit = self.permit_at(actor, Action::ReadOrganization, id).await?;
        let user: UserId = user.parse().map_err(|_| Error::NotFound)?;
        let found = self.0.db.read().await?.store().organization(permit.organization()).find_member(user).await?;
        found.map(|member| MemberView::new(permit.organization(), member)).ok_or(Error::NotFound)
    }

    /// Gives a member another role, or suspends their place. Felt at their next call.
    pub async fn update_member(
        &self,
        actor: &Actor,
        id: &str,
        user: &str,
        changes: MemberChanges,
    ) -> Result<MemberView, Error> {
        let permit = self.permit_at(actor, Action::ManageMembers, id).await?;
        let role = match changes.role.as_deref() {
            None => None,
            Some(text) => Some(Role::parse(text).ok_or_else(unknown_role)?),
        };
        let (mut writing, place, user) = self.place_to_change(actor, &permit, user, role).await?;
        let wanted = role.unwrap_or(place.role);
        if changes.is_active == Some(false) && user == permit.user() {
            return Err(Error::Forbidden(Code::InsufficientRole));
        }
        let suspended_at = match changes.is_active {
            None => place.suspended_at,
            Some(true) => None,
            Some(false) => place.suspended_at.or(Some(self.now())),
        };
        let mut store = writing.store();
        let mut here = store.organization(permit.organization());
        here.update_member(user, wanted, suspended_at, changes.is_active.is_some()).await?;
        if wanted < place.role || suspended_at.is_some() {
            end_invitations(&mut here, user, self.now()).await?;
        }
        if here.find_oldest_owner().await?.is_none() {
            return Err(Error::Conflict(Code::LastOwner));
        }
        let member = here.find_member(user).await?.ok_or(Error::NotFound)?;
        let detail = serde_json::json!({ "from": place.role, "to": wanted, "active": suspended_at.is_none() });
        let told = Told::at(permit.organization(), actor, Deed::MemberChanged, user);
        self.tell(&mut store, told.with(detail)).await?;
        writing.changed(user.number());
        writing.commit().await?;
        Ok(MemberView::new(permit.organization(), member))
    }

    /// The keys that are affected when a member leaves.
    pub async fn keys_of_member(&self, actor: &Actor, id: &str, user: &str) -> Result<Vec<AffectedKeyView>, Error> {
        let permit = self.permit_at(actor, Action::ManageMembers, id).await?;
        let user: UserId = user.parse().map_err(|_| Error::NotFound)?;
        let mut reading = self.0.db.read().await?;
        let mut store = reading.store();
        let mut here = store.organization(permit.organization());
        here.find_member(user).await?.ok_or(Error::NotFound)?;
        let keys = here.list_keys_of(user).await?.into_iter().filter(|key| key.life.revoked_at.is_none());
        Ok(keys
            .map(|key| AffectedKeyView {
                id: key.id,
                name: key.name,
                owner: if key.of_organization { "organization" } else { "user" },
                last_used_at: key.last_used_at,
            })
            .collect())
    }

    /// Takes a member's place away; members may leave themselves. Their own keys end at once, their sessions there too;
    /// for the organization's keys somebody else becomes responsible: who removed them, or the oldest owner.
    pub async fn remove_member(&self, actor: &Actor, id: &str, user: &str) -> Result<RemovedView, Error> {
        let leaves = user == actor.principal().user_id().to_string() && actor.principal().session_id().is_some();
        let action = if leaves { Action::ReadOrganization } else { Action::ManageMembers };
        let permit = self.permit_at(actor, action, id).await?;
        let (mut writing, _, user) = self.place_to_change(actor, &permit, user, None).await?;
        let now = self.now();
        let mut store = writing.store();
        let mut here = store.organization(permit.organization());
        here.delete_member(user).await?;
        end_invitations(&mut here, user, now).await?;
        let Some(oldest) = here.find_oldest_owner().await? else { return Err(Error::Conflict(Code::LastOwner)) };
        let heir = if user == permit.user() { oldest } else { permit.user() };
        let moved_keys = here.update_responsible(user, heir, now).await?;
        let ended =
            here.consume_keys_of(user, &actor.principal().name(), "its owner left the organization", now).await?;
        let sessions = here.consume_sessions_of(user, EndedBy::Removal, now).await?;
        let deed = if leaves { Deed::MemberLeft } else { Deed::MemberRemoved };
        let detail = serde_json::json!({ "revokedKeys": ended.len(), "movedKeys": moved_keys });
        let told = Told::at(permit.organization(), actor, deed, user);
        self.tell(&mut store, told.with(detail)).await?;
        let changed = ended.iter().map(|key| key.number()).chain(sessions.iter().map(|session| session.number()));
        for number in changed.chain([user.number()]) {
            writing.changed(number);
        }
        writing.commit().await?;
        Ok(RemovedView { success: true, revoked_keys: ended.len() as u64, moved_keys })
    }

    /// Ends the sessions of a member that act in this organization, with their tokens; no others.
    pub async fn revoke_member_tokens(&self, actor: &Actor, id: &str, user: &str) -> Result<usize, Error> {
        let permit = self.permit_at(actor, Action::ManageMembers, id).await?;
        let (mut writing, _, user) = self.place_to_change(actor, &permit, user, None).await?;
        let mut store = writing.store();
        let now = self.now();
        let ended =
            store.organization(permit.organization()).consume_sessions_of(user, EndedBy::Administrator, now).await?;
        let told = Told::at(permit.organization(), actor, Deed::TokensRevoked, user);
        self.tell(&mut store, told.with(serde_json::json!({ "sessions": ended.len() }))).await?;
        for session in &ended {
            writing.changed(session.number());
        }
        writing.commit().await?;
        Ok(ended.len())
    }

    /// A place that the actor may change, in a transaction that changes of the same organization wait for.
    async fn place_to_change(
        &self,
        actor: &Actor,
        permit: &Permit,
        user: &str,
        wanted: Option<Role>,
    ) -> Result<(Writing, Membership, UserId), Error> {
        let user: UserId = user.parse().map_err(|_| Error::NotFound)?;
        let owners = self.permit_at(actor, Action::ManageOwners, &permit.organization().to_string()).await;
        let mut writing = self.0.db.write().await?;
        self.lock_as(&mut writing.store(), actor, permit).await?;
        let place = writing.store().find_membership(user, permit.organization()).await?.ok_or(Error::NotFound)?;
        if [Some(place.role), wanted].contains(&Some(Role::Owner)) {
            owners?;
        }
        Ok((writing, place, user))
    }
}

/// Whoever may do less than when they invited has invited nobody: what they made and nobody has used yet ends.
async fn end_invitations(here: &mut OrganizationStore<'_>, user: UserId, now: Timestamp) -> Result<(), Error> {
    here.withdraw_invitations(Invitations::By(user), now).await?;
    here.revoke_invitation_codes_by(user, now).await
}

fn unknown_role() -> Error {
    Error::field(Field::Role, FieldCode::NotOneOf(Role::NAMES))
}
