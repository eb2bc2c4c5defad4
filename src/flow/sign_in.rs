//! Signing in with a password, and opening the session that every way in ends in.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::api_key::Scopes;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crypto::random;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::id::{OrganizationId, SessionId};
use crate::member::Role;
use crate::metrics::Way;
use crate::organization::{Membership, barred_from};
use crate::principal::Visitor;
use crate::secret::{Password, PlainToken};
use crate::session::{EndedBy, Inherited, Session};
use crate::store::{NewSession, Store, Writing};
use crate::user::{User, UserName};

use super::counting::Counted;
use super::gate::{DeviceTokens, DevicesCookie, Entered, Passed, Proven};
use super::guessing::Tried;
use super::links::{browser_hash, program_hash};
use super::mail::Notice;
use super::places::{place_named, place_of};
use super::second_factor::at_sign_in;
use super::tokens::{Holder, TokenPair};

/// What somebody who signs in says.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "plum river candle"}))]
pub struct SignIn {
    /// The account's address.
    #[schema(required)]
    pub email: Option<String>,
    /// Its password.
    #[schema(required)]
    pub password: Option<SecretText>,
    /// The code of the second factor, when one is on.
    #[schema(value_type = Option<String>)]
    pub two_factor_code: Option<SecretText>,
    /// The organization to act in; without it the first one the person joined.
    #[schema(value_type = Option<OrganizationId>)]
    pub organization_id: Option<String>,
    /// Whether to keep the session when the browser closes; true when not said.
    pub remember: Option<bool>,
    /// The organization to act in by its slug, where a dialect names it so.
    #[serde(skip)]
    pub organization_slug: Option<String>,
}

/// A secret inside an input: it cannot be printed by accident.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub struct SecretText(pub String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// How the session will be used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening<'a> {
    /// A browser will hold it by a cookie.
    pub cookie: bool,
    /// A client will hold tokens.
    pub tokens: bool,
    /// The session cookie the browser held before: that session ends.
    pub replaces: Option<&'a str>,
    /// The name of the browser, from its long-lived cookie: by it a new one is told from a known one.
    pub browser: Option<&'a str>,
    /// The secrets of trusted devices that it presents.
    pub devices: DeviceTokens<'a>,
    /// The longest life of its access tokens, where a dialect promises one.
    pub access_life: Option<Duration>,
}

impl<'a> Opening<'a> {
    /// For our own pages: a cookie and no tokens.
    pub const fn page(replaces: Option<&'a str>, browser: Option<&'a str>) -> Self {
        Self { cookie: true, tokens: false, replaces, browser, devices: DeviceTokens::None, access_life: None }
    }

    /// For API clients: tokens and no cookie.
    pub const fn api() -> Self {
        Self {
            cookie: false,
            tokens: true,
            replaces: None,
            browser: None,
            devices: DeviceTokens::None,
            access_life: None,
        }
    }
}

/// What a sign-in gives.
pub struct SignedIn {
    /// The wire answer.
    pub view: SignInView,
    /// The session cookie, when a browser is to hold one.
    pub cookie: Option<SessionCookie>,
    /// The cookie with the secrets of trusted devices, when it has changed.
    pub devices: Option<DevicesCookie>,
}

/// The name of the session cookie (RFC 6265bis section 4.1.3.2: `__Host-` ties it to this very host).
pub const SESSION_COOKIE: &str = "__Host-latchkey";

/// The name of the long-lived cookie that tells one browser from another: forms of people who are not signed in are
/// bound to it, and a new browser is known by it.
pub const VISITOR_COOKIE: &str = "__Host-latchkey-visitor";

/// The session cookie to set.
pub struct SessionCookie {
    /// Its value.
    pub value: PlainToken,
    /// How long the browser keeps it; `None`: until it closes.
    pub max_age: Option<Duration>,
}

/// The sign-in answer (contract section 2).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInView {
    /// The pair of tokens.
    #[serde(flatten)]
    pub tokens: Option<TokenPair>,
    /// Bound to the session; to be sent as `X-CSRF-Token` with changes that the cookie authenticates.
    pub csrf_token: String,
    /// The person.
    pub user: UserView,
    /// Where they act.
    #[schema(required)]
    pub organization: Option<OrganizationView>,
    /// Said when that organization demands a second factor that the person has yet to set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub two_factor_enrolment: Option<EnrolmentView>,
    /// The secret of a device that was just trusted, for clients that keep no cookies; to be sent as `X-Device-Token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
}

/// A second factor that has yet to be set up.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnrolmentView {
    /// Always true.
    pub required: bool,
    /// From when on nothing else can be done without it.
    pub from: Timestamp,
}

/// A person.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Which account.
    pub id: crate::id::UserId,
    /// Its address.
    pub email: String,
    /// What they may sign in with in place of it; not said without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What the person is called.
    pub name: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// A picture.
    #[schema(required)]
    pub avatar_url: Option<String>,
    /// USER, MANAGER, ADMIN or SUPER_ADMIN.
    pub role: &'static str,
    /// Whether the address is known to be theirs.
    pub email_verified: bool,
    /// Whether the account is switched on.
    pub is_active: bool,
    /// Where they act.
    #[schema(required)]
    pub organization_id: Option<OrganizationId>,
    /// Its name.
    #[schema(required)]
    pub organization_name: Option<String>,
    /// Its slug.
    #[schema(required)]
    pub organization_slug: Option<String>,
    /// Their role there.
    #[schema(required)]
    pub organization_role: Option<Role>,
    /// Whether their place there is live.
    pub membership_active: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An organization, as somebody in it sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrganizationView {
    /// Which one.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
    /// The person's role there.
    pub role: Role,
}

impl UserView {
    /// A person in an organization.
    pub fn new(user: &User, membership: Option<&Membership>) -> Self {
        let organization = membership.map(|place| &place.organization);
        let coarse = membership.map_or("USER", |place| place.role.coarse());
        Self {
            id: user.id,
            email: user.email.to_string(),
            username: user.username.as_ref().map(|name| name.as_str().to_owned()),
            name: user.name.clone(),
            first_name: user.first_name(),
            last_name: user.last_name(),
            avatar_url: user.avatar_url.clone(),
            role: if user.landlord_since.is_some() { "SUPER_ADMIN" } else { coarse },
            email_verified: user.email_verified_at.is_some(),
            is_active: user.disabled_at.is_none(),
            organization_id: organization.map(|organization| organization.id),
            organization_name: organization.map(|organization| organization.name.clone()),
            organization_slug: organization.map(|organization| organization.slug.clone()),
            organization_role: membership.map(|place| place.role),
            membership_active: membership.is_some_and(Membership::is_live),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }

    /// What the person may do where they act.
    pub fn permissions(&self) -> Scopes {
        Scopes::of_person(self.organization_role.is_some_and(|role| role >= Role::Admin))
    }
}

impl OrganizationView {
    /// A place somebody has.
    pub fn new(place: &Membership) -> Self {
        let organization = &place.organization;
        Self { id: organization.id, name: organization.name.clone(), slug: organization.slug.clone(), role: place.role }
    }
}

impl Latchkey {
    /// Signs in with address and password, and with the code of the second factor when it is said along with them.
    pub async fn sign_in(&self, visitor: &Visitor, input: SignIn, opening: Opening<'_>) -> Result<Entered, Error> {
        let entered = self.sign_in_by_password(visitor, input, opening).await;
        self.0.metrics.sign_in(Way::Password, &entered);
        entered
    }

    async fn sign_in_by_password(
        &self,
        visitor: &Visitor,
        input: SignIn,
        opening: Opening<'_>,
    ) -> Result<Entered, Error> {
        let mut findings = Findings::default();
        let email = findings.email(input.email, Field::Email);
        let password = input.password.filter(|text| !text.0.is_empty());
        let password = findings.need(password, Field::Password, FieldCode::Required);
        findings.check()?;
        let (Some(email), Some(password)) = (email, password) else { return Err(Error::NotFound) };
        let password = Password::typed(&password.0);
        let tried = Tried { email: &email, password: &password, browser: opening.browser };
        let user = self.prove_password(visitor, tried).await?;
        let memberships = self.0.db.read().await?.store().list_memberships(user.id).await?;
        let place = match input.organization_slug.as_deref() {
            Some(slug) => Some(place_named(&memberships, slug)?),
            None => place_of(&user, &memberships, input.organization_id.as_deref(), "pwd")?,
        };
        let proven =
            Proven { user: &user, place, amr: "pwd", remember: input.remember.unwrap_or(true), inherited: None };
        let code = input.two_factor_code.filter(|code| !code.0.trim().is_empty());
        let writing = self.0.db.write().await?;
        let Some(code) = code.filter(|_| user.second_factor_since.is_some()) else {
            return self.enter(writing, visitor, &proven, opening, None).await;
        };
        let (writing, second) = self.prove_second_factor(writing, visitor, &user, &code.0).await.map_err(at_sign_in)?;
        self.enter(writing, visitor, &proven, opening, Some(second)).await
    }

    /// The address to sign in with for a user name or an address. A name that nobody has gives an address that nobody
    /// has (RFC 2606 section 2), so that both are answered alike and in the same time.
    pub async fn address_of(&self, username: &str) -> Result<String, Error> {
        if username.contains('@') {
            return Ok(username.to_owned());
        }
        let name = UserName::parse(username).ok_or(Error::Unauthenticated(Code::InvalidCredentials))?;
        let found = self.0.db.read().await?.store().find_email_by_username(&name).await?;
        Ok(found.map_or_else(|| format!("{}@username.invalid", name.as_str()), |email| email.to_string()))
    }

    pub(crate) async fn end_replaced(&self, writing: &mut Writing, cookie: Option<&str>) -> Result<(), Error> {
        let Some(cookie) = cookie else { return Ok(()) };
        let mut store = writing.store();
        let found = store.find_standing_by_cookie(PlainToken::presented(cookie).hashed(), None).await?;
        let Some(standing) = found else { return Ok(()) };
        let session = standing.session;
        store.consume_session(session.user_id, session.id, EndedBy::SignOut, self.now()).await?;
        writing.changed(session.id.number());
        Ok(())
    }

    /// Writes the session and what its holder gets: the one place where every way in ends.
    pub(crate) async fn insert_session(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        passed: &Passed<'_>,
        opening: Opening<'_>,
    ) -> Result<SignedIn, Error> {
        let (now, proven) = (self.now(), passed.proven());
        let session = self.new_session(visitor, passed, now);
        let cookie = opening.cookie.then(|| PlainToken::random(""));
        let hashed = cookie.as_ref().map(PlainToken::hashed);
        store.insert_session(&NewSession { session: &session, cookie: hashed }).await?;
        let holder = Holder::new(proven.user, proven.place).for_at_most(opening.access_life);
        let tokens = if opening.tokens { Some(self.new_pair(store, &session, &holder).await?) } else { None };
        let told = Told {
            visitor,
            actor: proven.user.id.to_string(),
            organization: session.organization_id,
            deed: Deed::SignedIn,
            target: session.id.to_string(),
            detail: serde_json::json!({ "amr": session.amr, "secondFactor": passed.second().map(|proof| proof.method.as_str()) }),
        };
        self.tell(store, told).await?;
        if proven.amr == "email" && proven.inherited.is_none() {
            self.clear_guesses(store, &proven.user.email).await?;
        }
        self.note_browser(store, visitor, proven, opening.browser).await?;
        Ok(SignedIn {
            view: self.sign_in_view(&session, tokens, proven.user, proven.place),
            cookie: cookie.map(|value| self.session_cookie(value, &session)),
            devices: None,
        })
    }

    /// Tells somebody by mail of a sign-in with a browser they never used before. A program that keeps no cookies is
    /// known by what it calls itself.
    async fn note_browser(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        proven: &Proven<'_>,
        browser: Option<&str>,
    ) -> Result<(), Error> {
        let user = proven.user;
        let hash = browser.map_or_else(|| program_hash(&visitor.user_agent), browser_hash);
        let is_new = store.insert_known_browser(user.id, &hash, self.now()).await?;
        let limit = self.0.settings.limits.mail;
        if !is_new || self.limited(&(Counted::NEW_BROWSER, user.id.number()), limit).await.is_err() {
            return Ok(());
        }
        let house = proven.place.map(|place| place.organization.name.as_str());
        self.notify(store, visitor, (user.id, &user.email), house, Notice::NewSignIn).await
    }

    fn new_session(&self, visitor: &Visitor, passed: &Passed<'_>, now: Timestamp) -> Session {
        let (lives, proven) = (&self.0.settings.sessions, passed.proven());
        let ends_at = now.plus(if proven.remember { lives.life } else { lives.short_life });
        let proven_before = |from: Inherited| {
            passed.second().map_or(from.authenticated_at, |second| from.authenticated_at.latest(second.at))
        };
        Session {
            id: SessionId::new(now, random()),
            user_id: proven.user.id,
            organization_id: proven.place.map(|place| place.organization.id),
            amr: passed.amr(),
            authenticated_at: proven.inherited.map_or(now, proven_before),
            second_factor: passed.second(),
            address: visitor.address.to_string(),
            user_agent: visitor.user_agent.clone(),
            kept: proven.remember,
            created_at: now,
            last_seen_at: now,
            expires_at: proven.inherited.map_or(ends_at, |from| ends_at.earliest(from.expires_at)),
            ended_at: None,
            handed_off: proven.inherited.is_some(),
        }
    }

    pub(crate) fn sign_in_view(
        &self,
        session: &Session,
        tokens: Option<TokenPair>,
        user: &User,
        place: Option<&Membership>,
    ) -> SignInView {
        let demanded = place.and_then(|place| place.organization.policy.two_factor_required_from);
        SignInView {
            tokens,
            csrf_token: self.0.vault.csrf_token(&session.id.to_string()),
            user: UserView::new(user, place),
            organization: place.map(OrganizationView::new),
            two_factor_enrolment: barred_from(demanded, user.second_factor_since.is_some())
                .map(|from| EnrolmentView { required: true, from }),
            device_token: None,
        }
    }

    pub(crate) fn session_cookie(&self, value: PlainToken, session: &Session) -> SessionCookie {
        SessionCookie { value, max_age: session.kept.then(|| session.expires_at.since(self.now())) }
    }
}
