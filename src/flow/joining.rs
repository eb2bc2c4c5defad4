//! How people come to a place in an organization that is not their own: by an invitation, or by a code.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::id::OrganizationId;
use crate::invitation::{Invitation, InvitationCode, InvitationState};
use crate::member::Role;
use crate::metrics::Way;
use crate::organization::Membership;
use crate::principal::{Actor, Visitor};
use crate::secret::{HashedToken, Password, PlainToken};
use crate::session::Session;
use crate::store::Store;
use crate::user::User;

use super::address::told_of;
use super::gate::{Entered, Proven};
use super::guessing::Tried;
use super::sign_in::{Opening, SecretText, SignedIn};
use super::sign_up::{SignUp, SignedUp};

/// Where a new account has its place.
pub(crate) enum Home {
    /// In an organization of its own.
    Own,
    /// Where this code leads.
    Code(InvitationCode),
    /// Where the invitation with this token leads, and whether it came by mail.
    Invitation(HashedToken, bool),
}

impl Home {
    /// Whether coming from there shows that the address is theirs.
    pub(crate) const fn proves_address(&self) -> bool {
        matches!(self, Self::Invitation(_, true))
    }
}

/// An invitation, as whoever holds its link sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationPreview {
    /// `pending`, `accepted`, `withdrawn` or `expired`.
    pub status: &'static str,
    /// What they are invited to.
    pub organization_name: String,
    /// Who invites.
    pub inviter_name: String,
    /// The address it is for.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Its last instant.
    pub expires_at: Timestamp,
    /// Whether that address has an account: then it is accepted by whoever is signed in to it.
    pub has_account: bool,
    /// The same state, for our own pages.
    #[serde(skip)]
    pub state: InvitationState,
}

/// What accepting gives to somebody who was not signed in.
pub enum Accepted {
    /// A new account.
    SignedUp(SignedUp),
    /// The account that was there already, or its second step.
    Entered(Entered),
}

/// What somebody says to accept who is not signed in.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Grace Hopper", "password": "plum river candle"}))]
pub struct Acceptance {
    /// What they are called.
    pub name: Option<String>,
    /// The password of their new account; or, without a name, of the one they have.
    pub password: Option<SecretText>,
}

impl Latchkey {
    /// Looks at an invitation. Spends nothing.
    pub async fn invitation(&self, visitor: &Visitor, token: &str) -> Result<InvitationPreview, Error> {
        let invitation = self.invitation_of(visitor, token).await?;
        let state = invitation.state(self.now());
        let mut reading = self.0.db.read().await?;
        let home = reading.store().find_organization(invitation.organization_id).await?.ok_or(Error::NotFound)?;
        let has_account = reading.store().find_user_by_email(&invitation.email).await?.is_some();
        Ok(InvitationPreview {
            status: state.as_str(),
            organization_name: home.organization.name,
            inviter_name: invitation.inviter_name,
            email: invitation.email.to_string(),
            role: invitation.role,
            expires_at: invitation.expires_at,
            has_account,
            state,
        })
    }

    /// Accepts an invitation as somebody who is not signed in. Whoever has an account with the invited address says its
    /// password, and its second factor as at every sign-in; everybody else gets an account. A mailed link shows that the
    /// address is theirs; one that was handed over does not.
    pub async fn accept_invitation(
        &self,
        visitor: &Visitor,
        token: &str,
        input: Acceptance,
        opening: Opening<'_>,
    ) -> Result<Accepted, Error> {
        let invitation = self.invitation_of(visitor, token).await?;
        self.is_open(&invitation)?;
        let known = self.0.db.read().await?.store().find_user_by_email(&invitation.email).await?.is_some();
        if known && input.name.is_none() && input.password.is_some() {
            let entered = self.accept_with_password(visitor, token, &invitation, input, opening).await;
            self.0.metrics.sign_in(Way::Invitation, &entered);
            return entered.map(Accepted::Entered);
        }
        if self.registration_is_closed() {
            return Err(Error::Forbidden(Code::RegistrationClosed));
        }
        let Acceptance { name, password } = input;
        let email = Some(invitation.email.to_string());
        let account = SignUp { email, password, name, ..SignUp::default() }.check()?;
        let home = Home::Invitation(PlainToken::presented(token).hashed(), !invitation.shown);
        self.make_account(visitor, &account, home, opening).await.map(Accepted::SignedUp)
    }

    async fn accept_with_password(
        &self,
        visitor: &Visitor,
        token: &str,
        invitation: &Invitation,
        input: Acceptance,
        opening: Opening<'_>,
    ) -> Result<Entered, Error> {
        let password = Password::typed(&input.password.unwrap_or_default().0);
        let tried = Tried { email: &invitation.email, password: &password, browser: opening.browser };
        let user = self.prove_password(visitor, tried).await?;
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        let hash = PlainToken::presented(token).hashed();
        let place = self.join_by_invitation(&mut store, visitor, &user, hash).await?;
        if !invitation.shown {
            store.update_verified(user.id, self.now()).await?;
        }
        let user = store.find_user(user.id).await?.ok_or(Error::NotFound)?;
        let proven = Proven { user: &user, place: Some(&place), amr: "pwd", remember: true, inherited: None };
        writing.changed(user.id.number());
        self.enter(writing, visitor, &proven, opening, None).await
    }

    /// Accepts an invitation as somebody who is signed in, with the address it is for. Their session moves there.
    pub async fn accept_invitation_as(&self, actor: &Actor, token: &str) -> Result<SignedIn, Error> {
        let person = actor.person()?;
        let invitation = self.invitation_of(&actor.visitor, token).await?;
        if invitation.email != *actor.principal().email() {
            return Err(Error::Forbidden(Code::InvitationForAnother));
        }
        self.is_open(&invitation)?;
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        let user = store.find_user(person.user()).await?.ok_or(Error::NotFound)?;
        let hash = PlainToken::presented(token).hashed();
        let place = self.join_by_invitation(&mut store, &actor.visitor, &user, hash).await?;
        if !actor.principal().came_by(place.organization.policy.methods) {
            return Err(Error::Forbidden(Code::SignInMethodNotAllowed));
        }
        if !invitation.shown {
            store.update_verified(user.id, self.now()).await?;
        }
        let standing = self.live_standing(&mut store, person.session()).await?;
        store.update_session_organization(person.session(), place.organization.id).await?;
        let session = Session { organization_id: Some(place.organization.id), ..standing.session };
        let signed_in = self.renew(&mut store, actor, &session, (Some(&place), None)).await?;
        writing.changed(person.session().number());
        writing.changed(person.user().number());
        writing.commit().await?;
        Ok(signed_in)
    }

    fn is_open(&self, invitation: &Invitation) -> Result<(), Error> {
        if invitation.state(self.now()) == InvitationState::Pending {
            Ok(())
        } else {
            Err(Error::Malformed(Code::Gone))
        }
    }

    /// Spends an invitation on a place: of any number of tries at once, one succeeds.
    pub(crate) async fn join_by_invitation(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        user: &User,
        token: HashedToken,
    ) -> Result<Membership, Error> {
        let spent = store.consume_invitation(token, self.now()).await?;
        let invitation = spent.ok_or(Error::Malformed(Code::Gone))?;
        if invitation.email != user.email {
            return Err(Error::Forbidden(Code::InvitationForAnother));
        }
        let (home, role) = (invitation.organization_id, invitation.role);
        let place = self.join(store, user, (home, role)).await?;
        if place.organization.suspended_at.is_some() {
            return Err(Error::Forbidden(Code::OrganizationSuspended));
        }
        let told = Told {
            organization: Some(home),
            target: invitation.id.to_string(),
            ..told_of(visitor, Deed::InvitationAccepted, user)
        };
        self.tell(store, told.with(serde_json::json!({ "role": role }))).await?;
        Ok(place)
    }

    /// Takes a use of a code for a place. One that came with a code for a domain waits until the address is confirmed.
    pub(crate) async fn join_by_code(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        user: &User,
        code: &InvitationCode,
    ) -> Result<Membership, Error> {
        let now = self.now();
        if !store.consume_invitation_code(code.id, now).await? {
            return Err(Error::Malformed(Code::InvalidInvitationCode));
        }
        let mut place = self.join(store, user, (code.organization_id, code.role)).await?;
        if place.organization.suspended_at.is_some() || place.organization.policy.invitation_only {
            return Err(Error::Malformed(Code::InvalidInvitationCode));
        }
        if code.email_domain.is_some() {
            store.organization(code.organization_id).await_address(user.id, now).await?;
            place.suspended_at = Some(now);
        }
        let told = Told { organization: Some(code.organization_id), ..told_of(visitor, Deed::MemberJoined, user) };
        self.tell(store, told.with(serde_json::json!({ "code": code.id, "role": code.role }))).await?;
        Ok(place)
    }

    async fn join(
        &self,
        store: &mut Store<'_>,
        user: &User,
        (home, role): (OrganizationId, Role),
    ) -> Result<Membership, Error> {
        store.organization(home).insert_member(user.id, role, self.now()).await?;
        store.find_membership(user.id, home).await?.ok_or(Error::NotFound)
    }
}
