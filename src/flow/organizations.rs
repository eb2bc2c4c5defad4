//! Organizations: made, read, renamed, deleted; and the one way from a path's id to a right there (contract section 6).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::id::OrganizationId;
use crate::member::{Action, Role};
use crate::organization::{OrganizationFacts, barred_from};
use crate::principal::{Actor, Permit};
use crate::settings::Registration;
use crate::store::Store;

use super::counting::Counted;
use super::page::{Orders, Page, PageQuery};
use super::sign_up::LONGEST_NAME;

const ORDERS: Orders = Orders {
    names: &["createdAt", "name"],
    columns: &[("o.created_at", "o.created_at DESC"), ("LOWER(o.name)", "LOWER(o.name) DESC")],
};

/// An organization, as its members see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationDetailView {
    /// Which one.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
    /// `active` or `suspended`.
    pub status: &'static str,
    /// Whom to write to about it.
    #[schema(required)]
    pub contact_email: Option<String>,
    /// How many people belong to it.
    #[schema(minimum = 0)]
    pub member_count: i64,
    /// What the one who asks is there.
    #[schema(required)]
    pub role: Option<Role>,
    /// Since when.
    pub created_at: Timestamp,
}

/// A new organization.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Blue Harbour"}))]
pub struct NewOrganization {
    /// What it is called.
    #[schema(required)]
    pub name: Option<String>,
}

/// Changes to an organization; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Blue Harbour & Sons"}))]
pub struct OrganizationChanges {
    /// What it is called.
    pub name: Option<String>,
    /// Whom to write to about it; empty for nobody.
    pub contact_email: Option<String>,
}

impl OrganizationDetailView {
    pub(crate) fn new(facts: OrganizationFacts, role: Option<Role>) -> Self {
        let OrganizationFacts { organization, contact_email, member_count } = facts;
        Self {
            status: organization.status(),
            id: organization.id,
            name: organization.name,
            slug: organization.slug,
            contact_email,
            member_count,
            role,
            created_at: organization.created_at,
        }
    }
}

impl Latchkey {
    /// The right to do `action` in the organization that a path names, or why not. It is the one acted in, or another of
    /// the same person; any other does not exist for them.
    pub(crate) async fn permit_at(&self, actor: &Actor, action: Action, organization: &str) -> Result<Permit, Error> {
        let asked: OrganizationId = organization.parse().map_err(|_| Error::NotFound)?;
        let principal = actor.principal();
        if principal.organization_id() == Some(asked) {
            return actor.permit(action);
        }
        if principal.key_id().is_some() {
            return Err(Error::NotFound);
        }
        let place = self.0.db.read().await?.store().find_membership(principal.user_id(), asked).await?;
        let place = place.filter(|place| place.suspended_at.is_none()).ok_or(Error::NotFound)?;
        if !place.is_live() {
            return Err(Error::Forbidden(Code::OrganizationSuspended));
        }
        if !principal.came_by(place.organization.policy.methods) {
            return Err(Error::Forbidden(Code::SignInMethodNotAllowed));
        }
        let demanded = place.organization.policy.two_factor_required_from;
        if barred_from(demanded, principal.has_second_factor()).is_some_and(|from| from <= self.now()) {
            return Err(Error::Forbidden(Code::TwoFactorEnrolmentRequired));
        }
        actor.permit_in(action, &place)
    }

    /// Makes other changes of the organization wait, and reads the actor's own place there again: of two who take each
    /// other's rights away at once, the second has none any more. A key's rights are its own.
    pub(crate) async fn lock_as(&self, store: &mut Store<'_>, actor: &Actor, permit: &Permit) -> Result<(), Error> {
        store.organization(permit.organization()).lock(self.now()).await?;
        let own = store.find_membership(permit.user(), permit.organization()).await?;
        let lost = own.is_none_or(|own| !own.is_live() || own.role < permit.role());
        if lost && actor.principal().key_id().is_none() {
            return Err(Error::Forbidden(Code::InsufficientRole));
        }
        Ok(())
    }

    /// The organizations of the person; of a key, the one it acts in.
    pub async fn my_organizations(
        &self,
        actor: &Actor,
        query: &PageQuery,
    ) -> Result<Page<OrganizationDetailView>, Error> {
        let principal = actor.principal();
        let page = query.check(ORDERS)?;
        if principal.key_id().is_some() {
            let only = self.my_organization(actor).await?;
            return Ok(Page { items: vec![only], total: 1 });
        }
        let mut reading = self.0.db.read().await?;
        let (found, total) =
            reading.store().list_organizations_of(principal.user_id(), (page.order, page.limit, page.offset)).await?;
        let items = found.into_iter().map(|(facts, role)| OrganizationDetailView::new(facts, Some(role)));
        Ok(Page { items: items.collect(), total })
    }

    /// The organization acted in.
    pub async fn my_organization(&self, actor: &Actor) -> Result<OrganizationDetailView, Error> {
        let permit = actor.permit(Action::ReadOrganization)?;
        self.organization_seen_by(&permit).await
    }

    /// One organization of the person.
    pub async fn organization(&self, actor: &Actor, id: &str) -> Result<OrganizationDetailView, Error> {
        let permit = self.permit_at(actor, Action::ReadOrganization, id).await?;
        self.organization_seen_by(&permit).await
    }

    async fn organization_seen_by(&self, permit: &Permit) -> Result<OrganizationDetailView, Error> {
        let facts = self.0.db.read().await?.store().find_organization(permit.organization()).await?;
        Ok(OrganizationDetailView::new(facts.ok_or(Error::NotFound)?, Some(permit.role())))
    }

    /// Makes an organization that the person owns. Where registration is not open, that is for landlords.
    pub async fn create_organization(
        &self,
        actor: &Actor,
        input: NewOrganization,
    ) -> Result<OrganizationDetailView, Error> {
        let person = actor.person()?;
        if self.0.settings.registration != Registration::Open && !actor.principal().is_landlord() {
            return Err(Error::Forbidden(Code::RegistrationClosed));
        }
        let mut findings = Findings::default();
        let name = findings.text(input.name.as_deref(), Field::Name, LONGEST_NAME);
        findings.check()?;
        let Some(name) = name else { return Err(Error::NotFound) };
        self.limited(&(Counted::NEW_ORGANIZATION_BY, person.user().number()), self.0.settings.limits.sign_up).await?;
        let mut writing = self.0.db.write().await?;
        let user = writing.store().find_user(person.user()).await?.ok_or(Error::NotFound)?;
        let place = self.found_organization(&mut writing.store(), &user, &name, self.now()).await?;
        let made = place.organization.id;
        self.tell(&mut writing.store(), Told::at(made, actor, Deed::OrganizationMade, made)).await?;
        let facts = writing.store().find_organization(place.organization.id).await?.ok_or(Error::NotFound)?;
        writing.commit().await?;
        Ok(OrganizationDetailView::new(facts, Some(place.role)))
    }

    /// Renames an organization, or changes whom to write to.
    pub async fn update_organization(
        &self,
        actor: &Actor,
        id: &str,
        changes: OrganizationChanges,
    ) -> Result<OrganizationDetailView, Error> {
        let permit = self.permit_at(actor, Action::ChangeOrganization, id).await?;
        let mut findings = Findings::default();
        let name = changes.name.as_deref().map(|name| findings.text(Some(name), Field::Name, LONGEST_NAME));
        let contact = changes.contact_email.as_deref().map(str::trim).map(|text| {
            let email = Email::parse(text).filter(|_| !text.is_empty());
            if email.is_none() && !text.is_empty() {
                findings.add(Field::ContactEmail, FieldCode::NotAnEmail);
            }
            email
        });
        findings.check()?;
        let mut writing = self.0.db.write().await?;
        self.lock_as(&mut writing.store(), actor, &permit).await?;
        let facts = writing.store().find_organization(permit.organization()).await?.ok_or(Error::NotFound)?;
        let name = name.flatten().unwrap_or(facts.organization.name);
        let contact = contact.map_or(facts.contact_email, |email| email.map(|email| email.to_string()));
        let mut place = writing.store();
        place.organization(permit.organization()).update_organization(&name, contact.as_deref(), self.now()).await?;
        let told = Told::at(permit.organization(), actor, Deed::OrganizationChanged, id);
        self.tell(&mut place, told.with(serde_json::json!({ "name": name }))).await?;
        writing.commit().await?;
        self.organization_seen_by(&permit).await
    }

    /// Deletes an organization with everything in it: places and keys. Its people keep their accounts. For
    /// owners, a short while after they have shown who they are.
    pub async fn delete_organization(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        let permit = self.permit_at(actor, Action::DeleteOrganization, id).await?;
        self.fresh(actor)?;
        let mut writing = self.0.db.write().await?;
        writing.store().organization(permit.organization()).delete_organization().await?;
        // On the platform's chain: the organization's own is read by nobody from now on.
        let told = Told { organization: None, ..Told::by(actor, Deed::OrganizationDeleted, permit.organization()) };
        self.tell(&mut writing.store(), told).await?;
        writing.changed(permit.organization().number());
        writing.commit().await?;
        Ok(())
    }
}
