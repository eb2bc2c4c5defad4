//! Handing somebody who is signed in on to another site of ours, or from one (contract sections 7, 11).
//!
//! Two forms lead in. A *ticket* is a random token, good once, for a minute, at one site, for as long as the session lives
//! that it comes from. The *raw* form is a link with the tokens of a session in it (`SF_Token`), as Salesflow's clients
//! make them. Either opens a session of its own, through the same gate as every sign-in: it is no fresher, proves no more
//! and lives no longer than the one it comes from.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode};
use crate::handoff::Site;
use crate::id::{SessionId, UserId};
use crate::metrics::Way;
use crate::organization::Membership;
use crate::principal::{Actor, Visitor};
use crate::secret::PlainToken;
use crate::session::{Inherited, Session};
use crate::store::{Store, StoredHandoff, Writing};
use crate::user::User;

use super::authenticate::{CredentialHeaders, Presented};
use super::counting::Counted;
use super::gate::{Entered, Proven, first_factor};
use super::second_factor::SecondProven;
use super::sf_token::{AuthorizationResponse, Claimed};
use super::sign_in::{Opening, SecretText};
use super::tokens::Holder;

/// What tickets begin with.
const TICKET_PREFIX: &str = "lkh_";
/// How long Salesflow's clients expect an access token to live.
pub const SF_LIFE: Duration = Duration::from_secs(3600);

/// Where somebody wants to go on.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"target": "https://app.example.com"}))]
pub struct HandOff {
    /// An origin that this installation hands people on to, or a page below one; our own pages when not said.
    pub target: Option<String>,
}

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandoffView {
    /// Where to send the browser.
    pub url: String,
    /// The ticket in it.
    pub ticket: String,
    /// Seconds it lives.
    pub expires_in: u64,
}

/// A ticket that somebody brings to another site, which redeems it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"ticket": "lkh_gE1vYJxqkq0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c"}))]
pub struct RedeemHandoff {
    /// The ticket.
    #[schema(required)]
    pub ticket: Option<SecretText>,
}

/// What somebody brings to our own page.
#[derive(Clone, Copy)]
pub enum Brought<'a> {
    /// A ticket.
    Ticket(&'a str),
    /// The tokens of a session.
    Tokens(&'a str),
}

/// Whom a ticket or a token would sign in.
#[derive(Clone, Debug)]
pub struct HandoffPreview {
    /// Which account.
    pub user: UserId,
    /// Its address.
    pub email: String,
    /// What the person is called.
    pub name: String,
}

/// Who redeems a ticket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Our own page.
    Page,
    /// The server of another site.
    OtherSite,
}

/// A live session that is handed on, with its person where they act.
struct Source {
    session: Session,
    user: User,
    place: Option<Membership>,
}

impl Latchkey {
    /// Makes a ticket for the session that asks.
    pub async fn hand_off(&self, actor: &Actor, input: HandOff) -> Result<HandoffView, Error> {
        let person = actor.person()?;
        let (now, settings) = (self.now(), &self.0.settings.handoff);
        if actor.principal().is_barred(now) {
            return Err(Error::Forbidden(Code::TwoFactorEnrolmentRequired));
        }
        let site = Site::of(input.target.as_deref(), self.public_url(), &settings.targets)
            .ok_or_else(|| Error::field(Field::Target, FieldCode::NotATarget))?;
        let ticket = PlainToken::random(TICKET_PREFIX);
        let handoff = StoredHandoff {
            session_id: person.session(),
            origin: site.origin().to_owned(),
            expires_at: now.plus(settings.ticket_life),
        };
        let mut writing = self.0.db.write().await?;
        // Nothing of a session that ended a moment ago.
        self.live_standing(&mut writing.store(), person.session()).await?;
        writing.store().insert_handoff(ticket.hashed(), &handoff).await?;
        let told = Told::by(actor, Deed::HandoffMade, person.session());
        self.tell(&mut writing.store(), told.with(serde_json::json!({ "site": site.origin() }))).await?;
        writing.commit().await?;
        Ok(HandoffView {
            url: site.url(ticket.reveal()),
            ticket: ticket.reveal().to_owned(),
            expires_in: settings.ticket_life.as_secs(),
        })
    }

    /// Redeems a ticket for the server of the site it was made for.
    pub async fn redeem_handoff(
        &self,
        visitor: &Visitor,
        input: RedeemHandoff,
        opening: Opening<'_>,
    ) -> Result<Entered, Error> {
        let ticket = input.ticket.filter(|ticket| !ticket.0.is_empty());
        let ticket = ticket.ok_or_else(|| Error::field(Field::Ticket, FieldCode::Required))?;
        let entered = self.redeem_ticket(visitor, &ticket.0, Door::OtherSite, opening).await;
        self.0.metrics.sign_in(Way::Handoff, &entered);
        entered
    }

    /// Whom something that was brought to our page would sign in. Spends nothing. What is not good is `invalid_token`, or
    /// `gone` when only its time is over.
    pub async fn preview_handoff(&self, visitor: &Visitor, brought: Brought<'_>) -> Result<HandoffPreview, Error> {
        let session = match brought {
            Brought::Ticket(ticket) => self.find_ticket(&PlainToken::presented(ticket), Door::Page).await?,
            Brought::Tokens(tokens) => self.check_tokens(visitor, tokens).await?,
        };
        let source = self.source(&mut self.0.db.read().await?.store(), session).await?;
        Ok(HandoffPreview { user: source.user.id, email: source.user.email.to_string(), name: source.user.name })
    }

    /// Signs in with what was brought to our page.
    pub async fn take_over(
        &self,
        visitor: &Visitor,
        brought: Brought<'_>,
        opening: Opening<'_>,
    ) -> Result<Entered, Error> {
        let entered = self.enter_with(visitor, brought, opening).await;
        self.0.metrics.sign_in(Way::Handoff, &entered);
        entered
    }

    async fn enter_with(
        &self,
        visitor: &Visitor,
        brought: Brought<'_>,
        opening: Opening<'_>,
    ) -> Result<Entered, Error> {
        match brought {
            Brought::Ticket(ticket) => self.redeem_ticket(visitor, ticket, Door::Page, opening).await,
            Brought::Tokens(tokens) => {
                let session = self.check_tokens(visitor, tokens).await?;
                self.open_from(self.0.db.write().await?, visitor, (session, "tokens"), opening).await
            }
        }
    }

    /// A pair of the session that asks, for scripts of its pages; only of one that was handed on.
    pub async fn session_tokens(&self, actor: &Actor) -> Result<AuthorizationResponse, Error> {
        let person = actor.person()?;
        if !actor.principal().was_handed_off() {
            return Err(Error::Forbidden(Code::InsufficientScope));
        }
        self.limited(&(Counted::SESSION_TOKENS, person.session().number()), self.0.settings.limits.ordinary).await?;
        let mut writing = self.0.db.write().await?;
        let standing = self.live_standing(&mut writing.store(), person.session()).await?;
        let holder = Holder::standing(&standing).for_at_most(Some(SF_LIFE));
        let pair = self.new_pair(&mut writing.store(), &standing.session, &holder).await?;
        writing.commit().await?;
        Ok(AuthorizationResponse {
            email: standing.email.to_string(),
            expires_in: pair.expires_in,
            access_token: pair.access_token,
            local_id: person.user().to_string(),
            refresh_token: pair.refresh_token.unwrap_or_default(),
        })
    }

    /// The session of a ticket that can be redeemed at this door.
    async fn find_ticket(&self, ticket: &PlainToken, door: Door) -> Result<SessionId, Error> {
        let found = self.0.db.read().await?.store().find_handoff(ticket.hashed()).await?;
        let is_for = |site: &str| (door == Door::Page) == (site == self.public_url());
        let found = found.filter(|handoff| is_for(&handoff.origin)).ok_or(Error::Malformed(Code::InvalidToken))?;
        if found.expires_at <= self.now() { Err(Error::Malformed(Code::Gone)) } else { Ok(found.session_id) }
    }

    async fn redeem_ticket(
        &self,
        visitor: &Visitor,
        ticket: &str,
        door: Door,
        opening: Opening<'_>,
    ) -> Result<Entered, Error> {
        let ticket = PlainToken::presented(ticket);
        // Looked at before the write lock is taken, so that invented tickets cannot make others wait for it.
        self.find_ticket(&ticket, door).await?;
        let mut writing = self.0.db.write().await?;
        let spent = writing.store().consume_handoff(ticket.hashed(), self.now()).await?;
        let spent = spent.ok_or(Error::Malformed(Code::InvalidToken))?;
        self.open_from(writing, visitor, (spent.session_id, "ticket"), opening).await
    }

    /// The session whose tokens these are: live ones of ours, of one session, of the person they name. Whatever else
    /// they are is answered alike.
    async fn check_tokens(&self, visitor: &Visitor, text: &str) -> Result<SessionId, Error> {
        let invalid = || Error::Malformed(Code::InvalidToken);
        let claimed = Claimed::read(text).filter(|_| self.0.settings.handoff.raw).ok_or_else(invalid)?;
        let authorization = format!("Bearer {}", claimed.access_token.0);
        let headers = CredentialHeaders { authorization: Some(&authorization), ..CredentialHeaders::default() };
        let presented = Presented::read(headers)?;
        if !presented.is_token() {
            return Err(invalid());
        }
        let (principal, _) = self.authenticate_barred(visitor, &presented).await.map_err(as_link)?;
        let session = principal.session_id().ok_or_else(invalid)?;
        if principal.user_id() != claimed.user || *principal.email() != claimed.email {
            return Err(invalid());
        }
        if let Some(refresh) = claimed.refresh_token {
            let found = self.0.db.read().await?.store().find_refresh_token(refresh.hashed()).await?;
            found.filter(|(of, used)| *of == session && used.is_none()).ok_or_else(invalid)?;
        }
        Ok(session)
    }

    async fn source(&self, store: &mut Store<'_>, session: SessionId) -> Result<Source, Error> {
        let session = self.live_standing(store, session).await.map_err(as_link)?.session;
        let user = store.find_user(session.user_id).await?.ok_or(Error::Malformed(Code::InvalidToken))?;
        let place = match session.organization_id {
            Some(organization) => store.find_membership(user.id, organization).await?,
            None => None,
        };
        Ok(Source { session, user, place: place.filter(Membership::is_live) })
    }

    /// Opens a session from another one, or begins the second step where that was not made there.
    async fn open_from(
        &self,
        mut writing: Writing,
        visitor: &Visitor,
        (session, form): (SessionId, &'static str),
        opening: Opening<'_>,
    ) -> Result<Entered, Error> {
        let Source { session, user, place } = self.source(&mut writing.store(), session).await?;
        let told = Told {
            visitor,
            actor: user.id.to_string(),
            organization: session.organization_id,
            deed: Deed::HandoffRedeemed,
            target: session.id.to_string(),
            detail: serde_json::json!({ "form": form }),
        };
        self.tell(&mut writing.store(), told).await?;
        let inherited = Inherited { authenticated_at: session.authenticated_at, expires_at: session.expires_at };
        let proven = Proven {
            user: &user,
            place: place.as_ref(),
            amr: first_factor(&session.amr),
            remember: session.kept,
            inherited: Some(inherited),
        };
        self.enter(writing, visitor, &proven, opening, SecondProven::shown_in(&session)).await
    }
}

/// A session that does not hold is, to whoever opens a link, a link that is not good.
fn as_link(error: Error) -> Error {
    match error {
        Error::Unauthenticated(code) if code != Code::SignInMethodNotAllowed => Error::Malformed(Code::InvalidToken),
        other => other,
    }
}
