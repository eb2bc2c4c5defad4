//! Who is asking, proven; and what follows from it.
//!
//! A [`Principal`] can be made only by authentication (its fields are private and its maker is not public), an
//! [`Actor`] only from one, and a right only from an actor: a forgotten check does not compile.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::api_key::{KeyMode, Scopes};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::factor::Proof;
use crate::id::{ApiKeyId, OrganizationId, SessionId, TokenId, UserId};
use crate::member::{Action, KeyRule, Role};
use crate::organization::{Membership, SignInMethods};

/// What is known of a request before anybody proved anything.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The client's address, behind proxies we trust.
    pub address: IpAddr,
    /// What the client calls itself.
    pub user_agent: String,
    /// The request's name in answers, logs and the audit log.
    pub request_id: String,
}

impl Visitor {
    /// What the product itself is called where it acts without being asked.
    pub(crate) fn ourselves() -> Self {
        Self {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            user_agent: "latchkey".to_owned(),
            request_id: String::new(),
        }
    }
}

/// Somebody or something that has proven who it is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Principal(pub(crate) Arc<Facts>);

/// What authentication found.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) subject: Subject,
    pub(crate) user: UserId,
    pub(crate) email: Email,
    pub(crate) landlord: bool,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) role: Option<Role>,
    pub(crate) scopes: Scopes,
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether the person has a second factor; never said of a key.
    pub(crate) has_second_factor: bool,
    /// From when on the organization bars the person for want of one.
    pub(crate) barred_from: Option<Timestamp>,
    /// The answer of `verify`, written once.
    pub(crate) verified: Arc<str>,
}

/// What kind of principal.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A person in a session.
    Person {
        /// The session.
        session: SessionId,
        /// The access token, when it was not the session's cookie.
        token: Option<TokenId>,
        /// How the person authenticated.
        amr: String,
        /// When the person last proved who they are.
        authenticated_at: Timestamp,
        /// When they last proved a second factor in it, and with what.
        second_factor: Option<Proof>,
        /// Whether the session was handed on from another one.
        handed_off: bool,
    },
    /// An API key.
    Key {
        /// The key.
        id: ApiKeyId,
        /// Whether it belongs to the organization rather than to a person.
        of_organization: bool,
        /// Live or test.
        mode: KeyMode,
    },
}

impl Principal {
    /// What kind of principal.
    pub fn subject(&self) -> &Subject {
        &self.0.subject
    }

    /// The person, or the person behind the key.
    pub fn user_id(&self) -> UserId {
        self.0.user
    }

    /// That person's address.
    pub fn email(&self) -> &Email {
        &self.0.email
    }

    /// Where the principal acts.
    pub fn organization_id(&self) -> Option<OrganizationId> {
        self.0.organization
    }

    /// As what.
    pub fn role(&self) -> Option<Role> {
        self.0.role
    }

    /// What the credential may.
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// Whether the person looks after the platform; never said of a key.
    pub fn is_landlord(&self) -> bool {
        self.0.landlord && self.session_id().is_some()
    }

    /// The credential's last instant.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// The session, when it is a person.
    pub fn session_id(&self) -> Option<SessionId> {
        match self.0.subject {
            Subject::Person { session, .. } => Some(session),
            Subject::Key { .. } => None,
        }
    }

    /// The key, when it is one.
    pub fn key_id(&self) -> Option<ApiKeyId> {
        match self.0.subject {
            Subject::Person { .. } => None,
            Subject::Key { id, .. } => Some(id),
        }
    }

    /// Whether the person has a second factor; never said of a key.
    pub fn has_second_factor(&self) -> bool {
        self.0.has_second_factor
    }

    /// From when on the organization lets the person do nothing but set up a second factor.
    pub fn barred_from(&self) -> Option<Timestamp> {
        self.0.barred_from
    }

    /// Whether that is so by now.
    pub fn is_barred(&self, now: Timestamp) -> bool {
        self.0.barred_from.is_some_and(|from| from <= now)
    }

    /// Whether the credential was the session's cookie, which a browser sends by itself: changes then need a CSRF
    /// token.
    pub fn came_by_cookie(&self) -> bool {
        matches!(self.0.subject, Subject::Person { token: None, .. })
    }

    /// Whether the session was handed on from another one: only the pages of such a session keep tokens for scripts.
    pub fn was_handed_off(&self) -> bool {
        matches!(self.0.subject, Subject::Person { handed_off: true, .. })
    }

    /// Whether the session was opened with a first factor that is taken. A key is no sign-in.
    pub fn came_by(&self, methods: SignInMethods) -> bool {
        match self.subject() {
            Subject::Person { amr, .. } => methods.allow(amr),
            Subject::Key { .. } => true,
        }
    }

    /// The name in the audit log.
    pub fn name(&self) -> String {
        self.key_id().map_or_else(|| self.0.user.to_string(), |key| key.to_string())
    }
}

/// A principal in a request: what every verb behind a credential is called with.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The request.
    pub visitor: Visitor,
    principal: Principal,
}

/// The right to do something in an organization.
#[derive(Clone, Copy, Debug)]
pub struct Permit {
    user: UserId,
    organization: OrganizationId,
    role: Role,
}

/// The proof that the actor is a person in a session, not a key.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    user: UserId,
    session: SessionId,
}

/// The proof that a person has shown again, a short while ago, who they are: what changes how they sign in needs it.
#[derive(Clone, Copy, Debug)]
pub struct Fresh(Person);

impl Actor {
    /// Puts a proven principal into its request.
    pub fn new(visitor: Visitor, principal: Principal) -> Self {
        Self { visitor, principal }
    }

    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The right to do `action` in the actor's organization, or why not. The one authorization function.
    pub fn permit(&self, action: Action) -> Result<Permit, Error> {
        self.check_credential(action)?;
        let facts = &self.principal.0;
        let (Some(organization), Some(role)) = (facts.organization, facts.role) else {
            return Err(Error::Forbidden(Code::NoOrganization));
        };
        if !role.may(action) {
            return Err(Error::Forbidden(Code::InsufficientRole));
        }
        Ok(Permit { user: facts.user, organization, role })
    }

    /// The same in another organization of the same person, whose place there was just read.
    pub(crate) fn permit_in(&self, action: Action, place: &Membership) -> Result<Permit, Error> {
        self.check_credential(action)?;
        if !place.role.may(action) {
            return Err(Error::Forbidden(Code::InsufficientRole));
        }
        Ok(Permit { user: self.principal.0.user, organization: place.organization.id, role: place.role })
    }

    /// The proof that this is a person in a session: accounts are not for keys to change.
    pub fn person(&self) -> Result<Person, Error> {
        self.check_credential(Action::ManageAccount)?;
        let session = self.principal.session_id().ok_or(Error::Forbidden(Code::InsufficientScope))?;
        Ok(Person { user: self.principal.0.user, session })
    }

    /// The proof of a recent proof: of the second factor where there is one, of the first otherwise (step-up).
    pub(crate) fn fresh(&self, now: Timestamp, recent: Duration) -> Result<Fresh, Error> {
        let person = self.person()?;
        let Subject::Person { authenticated_at, second_factor, .. } = self.principal.subject() else {
            return Err(Error::Forbidden(Code::InsufficientScope));
        };
        let proven_at = if self.principal.has_second_factor() {
            second_factor.map(|proof| proof.at)
        } else {
            Some(*authenticated_at)
        };
        match proven_at {
            Some(at) if at.is_within(recent, now) => Ok(Fresh(person)),
            _ => Err(Error::Forbidden(Code::ReauthenticationRequired)),
        }
    }

    /// The same, where a first factor alone is not enough.
    pub(crate) fn fresh_second_factor(&self, now: Timestamp, recent: Duration) -> Result<Fresh, Error> {
        self.person()?;
        if !self.principal.has_second_factor() {
            return Err(Error::Forbidden(Code::TwoFactorEnrolmentRequired));
        }
        self.fresh(now, recent)
    }

    /// Refuses whoever does not look after the platform.
    pub fn landlord(&self) -> Result<Person, Error> {
        let person = self.person()?;
        if self.principal.is_landlord() { Ok(person) } else { Err(Error::Forbidden(Code::InsufficientRole)) }
    }

    fn check_credential(&self, action: Action) -> Result<(), Error> {
        if self.principal.key_id().is_none() {
            return Ok(());
        }
        match action.key_rule() {
            KeyRule::AnyKey => Ok(()),
            KeyRule::Needs(scope) if self.principal.0.scopes.allow(scope.as_str()) => Ok(()),
            KeyRule::Needs(_) | KeyRule::PeopleOnly => Err(Error::Forbidden(Code::InsufficientScope)),
        }
    }
}

impl Permit {
    /// Whose right.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// Where.
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// As what.
    pub const fn role(&self) -> Role {
        self.role
    }
}

impl Fresh {
    /// The person.
    pub const fn person(&self) -> Person {
        self.0
    }
}

impl Person {
    /// Who.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// In which session.
    pub const fn session(&self) -> SessionId {
        self.session
    }
}
