//! Invitations by mail: made, sent again, shown, withdrawn (contract section 6). How they are accepted stands in
//! [`super::joining`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crypto::random;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::field::{Field, Findings};
use crate::id::{InvitationId, OrganizationId, UserId};
use crate::invitation::{Invitation, InvitationState};
use crate::latchkey::network;
use crate::mail::Letter;
use crate::member::{Action, Role};
use crate::principal::{Actor, Permit, Visitor};
use crate::secret::PlainToken;
use crate::store::{Invitations, Store, Writing};

use super::counting::Counted;
use super::mail::Parcel;
use super::page::{Orders, Page, PageQuery};

const ORDERS: Orders =
    Orders { names: &["createdAt", "email"], columns: &[("created_at", "created_at DESC"), ("email", "email DESC")] };

/// Whom to invite.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "grace@example.org", "role": "MEMBER"}))]
pub struct NewInvitation {
    /// Their address.
    #[schema(required)]
    pub email: Option<String>,
    /// As what; MEMBER when not said.
    #[schema(value_type = Option<Role>)]
    pub role: Option<String>,
}

/// An invitation, as those see it who look after it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationView {
    /// Which one.
    pub id: InvitationId,
    /// Where to.
    pub organization_id: OrganizationId,
    /// Whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// `pending`, `accepted`, `withdrawn` or `expired`.
    pub status: &'static str,
    /// Who invites.
    pub invited_by: UserId,
    /// What they are called.
    pub inviter_name: String,
    /// Whether its link was shown rather than mailed.
    pub link_shown: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its link was last mailed or shown.
    pub sent_at: Timestamp,
    /// Its last instant.
    pub expires_at: Timestamp,
    /// When it was accepted.
    #[schema(required)]
    pub accepted_at: Option<Timestamp>,
}

/// The link of an invitation, shown once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"email": "grace@example.org", "link": "https://login.example.org/invite/9Jx0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c1d0e9f8", "expiresAt": "2026-11-24T09:30:00Z"}))]
pub struct InvitationLinkView {
    /// Whom it is for.
    pub email: String,
    /// The link, to be handed over. The one before works no longer.
    pub link: String,
    /// Its last instant.
    pub expires_at: Timestamp,
}

/// The right to invite, and how far it reaches.
pub(crate) struct Granting {
    pub(crate) permit: Permit,
    owners: Result<Permit, Error>,
}

impl Granting {
    /// The right to invite somebody as `role`, or why not. Owners are for owners to make, in person.
    pub(crate) fn reach(self, role: Role) -> Result<Permit, Error> {
        if !self.permit.role().may_invite(role) {
            return Err(Error::Forbidden(Code::InsufficientRole));
        }
        if role == Role::Owner { self.owners } else { Ok(self.permit) }
    }
}

impl InvitationView {
    pub(super) fn new(invitation: Invitation, now: Timestamp) -> Self {
        Self {
            status: invitation.state(now).as_str(),
            id: invitation.id,
            organization_id: invitation.organization_id,
            email: invitation.email.to_string(),
            role: invitation.role,
            invited_by: invitation.invited_by,
            inviter_name: invitation.inviter_name,
            link_shown: invitation.shown,
            created_at: invitation.created_at,
            sent_at: invitation.sent_at,
            expires_at: invitation.expires_at,
            accepted_at: invitation.accepted_at,
        }
    }
}

impl NewInvitation {
    fn check(self) -> Result<(Email, Role), Error> {
        let mut findings = Findings::default();
        let email = findings.email(self.email, Field::Email);
        let role = findings.role(self.role.as_deref(), Role::NAMES);
        findings.check()?;
        email.zip(role).ok_or(Error::NotFound)
    }
}

impl Latchkey {
    /// Invites somebody by mail. An open invitation for the same address gives way to it. Where mail is not configured, the
    /// link can be shown and handed over.
    pub async fn invite(
        &self,
        actor: &Actor,
        organization: &str,
        input: NewInvitation,
    ) -> Result<InvitationView, Error> {
        let granting = self.granting(actor, Action::Invite, organization).await?;
        let (email, role) = input.check()?;
        let permit = granting.reach(role)?;
        self.limit_asking("invitation", &actor.visitor, &email).await?;
        let mut writing = self.0.db.write().await?;
        self.lock_as(&mut writing.store(), actor, &permit).await?;
        let here = permit.organization();
        let (invitation, _) = self.insert_invitation(&mut writing.store(), actor, here, (&email, role)).await?;
        writing.commit().await?;
        Ok(InvitationView::new(invitation, self.now()))
    }

    /// Writes an invitation in place of an open one for the same address, and its mail.
    pub(crate) async fn insert_invitation(
        &self,
        store: &mut Store<'_>,
        actor: &Actor,
        organization: OrganizationId,
        (email, role): (&Email, Role),
    ) -> Result<(Invitation, PlainToken), Error> {
        if let Some((user, _)) = store.find_user_by_email(email).await?
            && store.find_membership(user.id, organization).await?.is_some()
        {
            return Err(Error::Conflict(Code::AlreadyMember));
        }
        let now = self.now();
        let inviter = store.find_user(actor.principal().user_id()).await?.ok_or(Error::NotFound)?;
        let token = PlainToken::random("");
        let invitation = Invitation {
            id: InvitationId::new(now, random()),
            organization_id: organization,
            email: email.clone(),
            role,
            invited_by: inviter.id,
            inviter_name: inviter.name,
            shown: !self.sends_mail(),
            created_at: now,
            sent_at: now,
            expires_at: now.plus(self.0.settings.links.invitation),
            accepted_at: None,
            withdrawn_at: None,
        };
        let mut here = store.organization(organization);
        here.withdraw_invitations(Invitations::To(email), now).await?;
        here.insert_invitation(&invitation, token.hashed()).await?;
        self.mail_invitation(store, &invitation, &token).await?;
        let told = Told::at(organization, actor, Deed::InvitationMade, invitation.id);
        let detail = serde_json::json!({ "email": email.as_str(), "role": role });
        self.tell(store, told.with(detail)).await?;
        Ok((invitation, token))
    }

    async fn mail_invitation(
        &self,
        store: &mut Store<'_>,
        invitation: &Invitation,
        token: &PlainToken,
    ) -> Result<(), Error> {
        let facts = store.find_organization(invitation.organization_id).await?.ok_or(Error::NotFound)?;
        let letter = Letter::Invitation {
            organization: &facts.organization.name,
            inviter: &invitation.inviter_name,
            role: invitation.role,
            link: &self.invitation_url(token),
            hours: self.0.settings.links.invitation.as_secs().div_ceil(60 * 60),
        };
        // Not in the organization's name: whoever opens one chooses it, and the address may be a stranger's.
        let until = Some(invitation.expires_at);
        self.post(store, Parcel { to: &invitation.email, house: None, letter, until, decoy: false }).await
    }

    pub(super) fn invitation_url(&self, token: &PlainToken) -> String {
        format!("{}/invite/{}", self.public_url(), token.reveal())
    }

    /// The invitations of an organization, newest first.
    pub async fn invitations(
        &self,
        actor: &Actor,
        organization: &str,
        query: &PageQuery,
    ) -> Result<Page<InvitationView>, Error> {
        let permit = self.permit_at(actor, Action::Invite, organization).await?;
        let page = query.check(ORDERS)?;
        let mut reading = self.0.db.read().await?;
        let mut store = reading.store();
        let mut here = store.organization(permit.organization());
        let (found, total) = here.list_invitations((page.order, page.limit, page.offset)).await?;
        let items = found.into_iter().map(|invitation| InvitationView::new(invitation, self.now())).collect();
        Ok(Page { items, total })
    }

    /// Mails an invitation again, with a new link and its whole life; the link before is dead.
    pub async fn resend_invitation(
        &self,
        actor: &Actor,
        organization: &str,
        id: &str,
    ) -> Result<InvitationView, Error> {
        let (mut writing, permit, invitation) = self.open_invitation(actor, organization, id).await?;
        if !self.sends_mail() {
            return Err(Error::Conflict(Code::MailNotConfigured));
        }
        self.limit_asking("invitation", &actor.visitor, &invitation.email).await?;
        let (invitation, token) = self.renew_link(&mut writing.store(), actor, invitation, false).await?;
        self.mail_invitation(&mut writing.store(), &invitation, &token).await?;
        let told = Told::at(permit.organization(), actor, Deed::InvitationSent, invitation.id);
        self.tell(&mut writing.store(), told).await?;
        writing.commit().await?;
        Ok(InvitationView::new(invitation, self.now()))
    }

    /// Shows a new link of an invitation, to be handed over by another way; the link before is dead. Whoever opens it has
    /// not shown that the address is theirs.
    pub async fn show_invitation_link(
        &self,
        actor: &Actor,
        organization: &str,
        id: &str,
    ) -> Result<InvitationLinkView, Error> {
        let (mut writing, permit, invitation) = self.open_invitation(actor, organization, id).await?;
        let (invitation, token) = self.renew_link(&mut writing.store(), actor, invitation, true).await?;
        let told = Told::at(permit.organization(), actor, Deed::InvitationShown, invitation.id);
        self.tell(&mut writing.store(), told).await?;
        writing.commit().await?;
        let link = self.invitation_url(&token);
        Ok(InvitationLinkView { email: invitation.email.to_string(), link, expires_at: invitation.expires_at })
    }

    /// Withdraws an invitation; its link is dead at once.
    pub async fn withdraw_invitation(&self, actor: &Actor, organization: &str, id: &str) -> Result<(), Error> {
        let (mut writing, permit, invitation) = self.open_invitation(actor, organization, id).await?;
        let mut store = writing.store();
        let which = Invitations::One(invitation.id);
        if store.organization(permit.organization()).withdraw_invitations(which, self.now()).await? == 0 {
            return Err(Error::Malformed(Code::Gone));
        }
        self.tell(&mut store, Told::at(permit.organization(), actor, Deed::InvitationWithdrawn, invitation.id)).await?;
        writing.commit().await
    }

    /// An invitation that is still open and no stronger than the actor, in a transaction. One that has expired counts as
    /// open: it can be sent again.
    async fn open_invitation(
        &self,
        actor: &Actor,
        organization: &str,
        id: &str,
    ) -> Result<(Writing, Permit, Invitation), Error> {
        let granting = self.granting(actor, Action::Invite, organization).await?;
        let id: InvitationId = id.parse().map_err(|_| Error::NotFound)?;
        let mut writing = self.0.db.write().await?;
        self.lock_as(&mut writing.store(), actor, &granting.permit).await?;
        let found = writing.store().organization(granting.permit.organization()).find_invitation(id).await?;
        let invitation = found.ok_or(Error::NotFound)?;
        let permit = granting.reach(invitation.role)?;
        match invitation.state(self.now()) {
            InvitationState::Pending | InvitationState::Expired => Ok((writing, permit, invitation)),
            InvitationState::Accepted | InvitationState::Withdrawn => Err(Error::Malformed(Code::Gone)),
        }
    }

    async fn renew_link(
        &self,
        store: &mut Store<'_>,
        actor: &Actor,
        invitation: Invitation,
        shown: bool,
    ) -> Result<(Invitation, PlainToken), Error> {
        let (now, token) = (self.now(), PlainToken::random(""));
        let expires_at = now.plus(self.0.settings.links.invitation);
        // It is theirs from now on: their removal withdraws it.
        let by = store.find_user(actor.principal().user_id()).await?.ok_or(Error::NotFound)?;
        let (invited_by, inviter_name) = (by.id, by.name);
        let renewed = Invitation { shown, sent_at: now, expires_at, invited_by, inviter_name, ..invitation };
        if !store.organization(renewed.organization_id).update_invitation_link(&renewed, token.hashed()).await? {
            return Err(Error::Malformed(Code::Gone));
        }
        Ok((renewed, token))
    }

    /// The right to let people join an organization.
    pub(crate) async fn granting(&self, actor: &Actor, action: Action, organization: &str) -> Result<Granting, Error> {
        let permit = self.permit_at(actor, action, organization).await?;
        let owners = self.permit_at(actor, Action::ManageOwners, organization).await;
        Ok(Granting { permit, owners })
    }

    /// An invitation by the token of its link. Trying tokens that were never given out is limited.
    pub(crate) async fn invitation_of(&self, visitor: &Visitor, token: &str) -> Result<Invitation, Error> {
        let hash = PlainToken::presented(token).hashed();
        let who = (Counted::INVITATION_FROM, network(visitor.address));
        let find = async {
            let found = self.0.db.read().await?.store().find_invitation(hash).await?;
            found.ok_or(Error::Malformed(Code::InvalidToken))
        };
        self.counting_failures(&who, self.0.settings.limits.sign_in, Box::pin(find)).await
    }
}
