//! What landlords do: open, suspend and resume tenants, invite who is to own them, revoke tokens (contract section 6).
//! They see names, counts and standing; nothing that tenants keep.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::id::{OrganizationId, UserId};
use crate::member::Role;
use crate::organization::Organization;
use crate::principal::Actor;
use crate::session::EndedBy;
use crate::store::{Store, StoredTenant};

use super::invitations::InvitationView;
use super::page::{Orders, Page, PageQuery};
use super::sign_up::LONGEST_NAME;

const ORDERS: Orders = Orders {
    names: &["createdAt", "name"],
    columns: &[("o.created_at", "o.created_at DESC"), ("LOWER(o.name)", "LOWER(o.name) DESC")],
};
const ACCOUNT_STANDINGS: &[&str] = &["active", "disabled"];
/// Longest reason, in characters.
const LONGEST_REASON: u32 = 200;

/// A tenant, as landlords see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantView {
    /// Which one.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
    /// `active` or `suspended`.
    pub status: &'static str,
    /// Since when it is suspended.
    #[schema(required)]
    pub suspended_at: Option<Timestamp>,
    /// Whom to write to about it.
    #[schema(required)]
    pub contact_email: Option<String>,
    /// How many people belong to it.
    #[schema(minimum = 0)]
    pub member_count: i64,
    /// How many of its API keys work.
    #[schema(minimum = 0)]
    pub api_key_count: i64,
    /// How many invitations wait to be accepted.
    #[schema(minimum = 0)]
    pub pending_invitations: i64,
    /// Since when there is.
    pub created_at: Timestamp,
}

/// Which tenants to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantQuery {
    /// Only those whose name or slug holds this.
    pub search: Option<String>,
    /// Which part of the list.
    #[serde(flatten)]
    pub page: PageQuery,
}

/// A new tenant.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Blue Harbour", "contactEmail": "office@example.org"}))]
pub struct NewTenant {
    /// What it is called.
    #[schema(required)]
    pub name: Option<String>,
    /// Whom to write to about it.
    pub contact_email: Option<String>,
}

/// Another standing for a tenant.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"status": "suspended", "reason": "Invoice overdue"}))]
pub struct TenantChanges {
    /// `suspended` stops sign-in, tokens and keys; `active` brings them back.
    #[schema(required)]
    pub status: Option<String>,
    /// For the audit logs.
    pub reason: Option<String>,
}

/// Another standing for an account.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"status": "disabled"}))]
pub struct UserChanges {
    /// `disabled` switches it off: its sessions and personal keys are refused, and no device is trusted any more. `active`
    /// switches it on again.
    #[schema(required)]
    pub status: Option<String>,
}

/// An account, as landlords see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Whose.
    pub id: UserId,
    /// Its address.
    pub email: String,
    /// What its person is called.
    pub name: String,
    /// `active` or `disabled`.
    pub status: &'static str,
}

/// Who is to own a tenant.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "grace@example.org", "organizationName": "Blue Harbour"}))]
pub struct NewSuperuser {
    /// Their address. They choose a password themselves.
    #[schema(required)]
    pub email: Option<String>,
    /// The tenant, when it is there already.
    #[schema(value_type = Option<OrganizationId>)]
    pub organization_id: Option<String>,
    /// What the new tenant is called, otherwise.
    pub organization_name: Option<String>,
}

/// A tenant, and the invitation of who is to own it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuperuserView {
    /// The tenant.
    pub tenant: TenantView,
    /// The invitation.
    pub invitation: InvitationView,
    /// Its link, to be handed over where mail is not configured; otherwise it was mailed.
    #[schema(required)]
    pub link: Option<String>,
}

impl From<StoredTenant> for TenantView {
    fn from(StoredTenant { facts, key_count, invitation_count }: StoredTenant) -> Self {
        let organization = facts.organization;
        Self {
            status: organization.status(),
            id: organization.id,
            name: organization.name,
            slug: organization.slug,
            suspended_at: organization.suspended_at,
            contact_email: facts.contact_email,
            member_count: facts.member_count,
            api_key_count: key_count,
            pending_invitations: invitation_count,
            created_at: organization.created_at,
        }
    }
}

impl Latchkey {
    /// The tenants.
    pub async fn tenants(&self, actor: &Actor, query: &TenantQuery) -> Result<Page<TenantView>, Error> {
        actor.landlord()?;
        let page = query.page.check(ORDERS)?;
        let search = query.search.as_deref().unwrap_or_default().trim();
        let part = (page.order, page.limit, page.offset);
        let (found, total) = self.0.db.read().await?.store().list_tenants(search, self.now(), part).await?;
        Ok(Page { items: found.into_iter().map(TenantView::from).collect(), total })
    }

    /// Opens a tenant that nobody belongs to yet.
    pub async fn create_tenant(&self, actor: &Actor, input: NewTenant) -> Result<TenantView, Error> {
        actor.landlord()?;
        let mut findings = Findings::default();
        let name = findings.text(input.name.as_deref(), Field::Name, LONGEST_NAME);
        let contact = input.contact_email.filter(|text| !text.trim().is_empty());
        let contact = contact.and_then(|text| findings.email(Some(text), Field::ContactEmail));
        findings.check()?;
        let Some(name) = name else { return Err(Error::NotFound) };
        let mut writing = self.0.db.write().await?;
        let id = self.open_tenant(&mut writing.store(), actor, &name, contact.as_ref()).await?;
        let tenant = self.tenant(&mut writing.store(), id).await?;
        writing.commit().await?;
        Ok(tenant)
    }

    async fn open_tenant(
        &self,
        store: &mut Store<'_>,
        actor: &Actor,
        name: &str,
        contact: Option<&Email>,
    ) -> Result<OrganizationId, Error> {
        let opened = self.open_organization(store, name, contact.map(Email::as_str), self.now()).await?;
        self.tell(store, Told::at(opened.id, actor, Deed::OrganizationMade, opened.id)).await?;
        Ok(opened.id)
    }

    /// One tenant.
    pub async fn tenant_by_id(&self, actor: &Actor, id: &str) -> Result<TenantView, Error> {
        actor.landlord()?;
        let id: OrganizationId = id.parse().map_err(|_| Error::NotFound)?;
        self.tenant(&mut self.0.db.read().await?.store(), id).await
    }

    async fn tenant(&self, store: &mut Store<'_>, id: OrganizationId) -> Result<TenantView, Error> {
        store.find_tenant(id, self.now()).await?.map(TenantView::from).ok_or(Error::NotFound)
    }

    /// Suspends a tenant, or resumes it. Suspended, nobody signs in to it, and its tokens and keys are refused: here at
    /// once, on other nodes within a second.
    pub async fn update_tenant(&self, actor: &Actor, id: &str, changes: TenantChanges) -> Result<TenantView, Error> {
        actor.landlord()?;
        let id: OrganizationId = id.parse().map_err(|_| Error::NotFound)?;
        let mut findings = Findings::default();
        let known = changes.status.as_deref().filter(|status| Organization::STANDINGS.contains(status));
        let status = findings.need(known, Field::Status, FieldCode::NotOneOf(Organization::STANDINGS));
        let reason = findings.optional_text(changes.reason.as_deref(), Field::Reason, LONGEST_REASON);
        findings.check()?;
        let mut writing = self.0.db.write().await?;
        let before = self.tenant(&mut writing.store(), id).await?;
        let (deed, suspended_at) = if status == Some("suspended") {
            (Deed::OrganizationSuspended, before.suspended_at.or(Some(self.now())))
        } else {
            (Deed::OrganizationResumed, None)
        };
        let mut store = writing.store();
        store.organization(id).update_suspension(suspended_at, self.now()).await?;
        let told = Told::at(id, actor, deed, id);
        self.tell(&mut store, told.with(serde_json::json!({ "reason": reason }))).await?;
        let tenant = self.tenant(&mut store, id).await?;
        writing.changed(id.number());
        writing.commit().await?;
        Ok(tenant)
    }

    /// Invites who is to own a tenant, by address alone; opens it when only its name is said. All of it or nothing.
    pub async fn invite_superuser(&self, actor: &Actor, input: NewSuperuser) -> Result<SuperuserView, Error> {
        actor.landlord()?;
        let mut findings = Findings::default();
        let email = findings.email(input.email, Field::Email);
        let named = input.organization_id.as_deref().filter(|text| !text.is_empty());
        let name = match named {
            Some(_) => None,
            None => findings.text(input.organization_name.as_deref(), Field::OrganizationName, LONGEST_NAME),
        };
        findings.check()?;
        let Some(email) = email else { return Err(Error::NotFound) };
        self.limit_asking("invitation", &actor.visitor, &email).await?;
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        let id = match (named, name) {
            (Some(text), _) => text.parse().map_err(|_| Error::NotFound)?,
            (None, Some(name)) => self.open_tenant(&mut store, actor, &name, Some(&email)).await?,
            (None, None) => return Err(Error::NotFound),
        };
        store.organization(id).lock(self.now()).await?;
        self.tenant(&mut store, id).await?;
        let (invitation, token) = self.insert_invitation(&mut store, actor, id, (&email, Role::Owner)).await?;
        let tenant = self.tenant(&mut store, id).await?;
        writing.commit().await?;
        let link = (!self.sends_mail()).then(|| self.invitation_url(&token));
        Ok(SuperuserView { tenant, invitation: InvitationView::new(invitation, self.now()), link })
    }

    /// Ends every session that acts in a tenant, with its tokens. API keys stay: they are revoked one by one, or stopped
    /// by suspending the tenant.
    pub async fn revoke_tenant_tokens(&self, actor: &Actor, id: &str) -> Result<usize, Error> {
        actor.landlord()?;
        let id: OrganizationId = id.parse().map_err(|_| Error::NotFound)?;
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        self.tenant(&mut store, id).await?;
        let ended = store.organization(id).consume_all_sessions(EndedBy::Administrator, self.now()).await?;
        let told = Told::at(id, actor, Deed::TokensRevoked, id);
        self.tell(&mut store, told.with(serde_json::json!({ "sessions": ended.len() }))).await?;
        writing.changed(id.number());
        for session in &ended {
            writing.changed(session.number());
        }
        writing.commit().await?;
        Ok(ended.len())
    }

    /// Switches an account off, or on again. Not one's own.
    pub async fn update_user(&self, actor: &Actor, id: &str, changes: UserChanges) -> Result<AccountView, Error> {
        let landlord = actor.landlord()?;
        let id: UserId = id.parse().map_err(|_| Error::NotFound)?;
        let known = changes.status.filter(|status| ACCOUNT_STANDINGS.contains(&status.as_str()));
        let unknown = || Error::field(Field::Status, FieldCode::NotOneOf(ACCOUNT_STANDINGS));
        let status = known.ok_or_else(unknown)?;
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        let user = store.find_user(id).await?.ok_or(Error::NotFound)?;
        if id == landlord.user() {
            return Err(Error::Forbidden(Code::InsufficientRole));
        }
        let disabled_at = (status == "disabled").then(|| user.disabled_at.unwrap_or(self.now()));
        store.update_disabled(id, disabled_at, self.now()).await?;
        if disabled_at.is_some() {
            self.end_shortcuts(&mut store, id).await?;
        }
        let deed = if disabled_at.is_some() { Deed::UserDisabled } else { Deed::UserEnabled };
        self.tell(&mut store, Told { organization: None, ..Told::by(actor, deed, id) }).await?;
        writing.changed(id.number());
        writing.commit().await?;
        let email = user.email.to_string();
        Ok(AccountView {
            id,
            email,
            name: user.name,
            status: if disabled_at.is_some() { "disabled" } else { "active" },
        })
    }

    /// Ends every session of somebody, with its tokens, and the trust in their devices.
    pub async fn revoke_user_tokens(&self, actor: &Actor, id: &str) -> Result<usize, Error> {
        actor.landlord()?;
        let id: UserId = id.parse().map_err(|_| Error::NotFound)?;
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        store.find_user(id).await?.ok_or(Error::NotFound)?;
        let ended = store.consume_sessions(id, None, EndedBy::Administrator, self.now()).await?;
        self.end_shortcuts(&mut store, id).await?;
        let told = Told { organization: None, ..Told::by(actor, Deed::TokensRevoked, id) };
        self.tell(&mut store, told.with(serde_json::json!({ "sessions": ended.len() }))).await?;
        writing.changed(id.number());
        writing.commit().await?;
        Ok(ended.len())
    }
}
