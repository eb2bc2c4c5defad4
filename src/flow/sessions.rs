//! Sessions: the list, ending one, ending all; and the CSRF tokens bound to them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::agent::browser;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::id::{OrganizationId, SessionId};
use crate::principal::Actor;
use crate::secret::PlainToken;
use crate::session::{EndedBy, Session};

/// A session, as its person sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Which one.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// Its last instant.
    pub expires_at: Timestamp,
    /// From where it began.
    pub ip_address: String,
    /// With what.
    pub user_agent: String,
    /// The same, for people: `Firefox on Linux`.
    pub browser: String,
    /// How it was authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// Where the person acts in it.
    #[schema(required)]
    pub organization_id: Option<OrganizationId>,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// What a browser said of where a request came from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origins<'a> {
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Referer`.
    pub referer: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
}

impl Origins<'_> {
    /// Whether a request comes from a page of `ours`: by `Origin`, or else by `Referer`.
    fn are_of(&self, ours: &str) -> bool {
        let from = |url: &str| url.strip_prefix(ours).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match (self.origin, self.referer) {
            (Some(origin), _) => origin == ours,
            (None, Some(referer)) => from(referer),
            (None, None) => false,
        }
    }
}

impl Latchkey {
    /// The sessions of the person that still hold, newest first.
    pub async fn sessions(&self, actor: &Actor) -> Result<Vec<SessionView>, Error> {
        let person = actor.person()?;
        let now = self.now();
        let sessions = self.0.db.read().await?.store().list_sessions(person.user(), now).await?;
        let seen = sessions.into_iter().map(|mut session| {
            if let Some(seen) = self.0.memory.last_seen(session.id) {
                session.last_seen_at = session.last_seen_at.latest(seen);
            }
            session
        });
        let live = seen.filter(|session| session.is_live(now, self.0.settings.sessions.idle));
        Ok(live.map(|session| view(session, person.session())).collect())
    }

    /// Ends one session of the person.
    pub async fn end_session(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        let person = actor.person()?;
        let id: SessionId = id.parse().map_err(|_| Error::NotFound)?;
        let mut writing = self.0.db.write().await?;
        if !writing.store().consume_session(person.user(), id, EndedBy::Person, self.now()).await? {
            return Err(Error::NotFound);
        }
        self.tell(&mut writing.store(), Told::by(actor, Deed::SessionEnded, id)).await?;
        writing.changed(id.number());
        writing.commit().await?;
        Ok(())
    }

    /// Ends the session that asks.
    pub async fn sign_out(&self, actor: &Actor) -> Result<(), Error> {
        let person = actor.person()?;
        let mut writing = self.0.db.write().await?;
        writing.store().consume_session(person.user(), person.session(), EndedBy::SignOut, self.now()).await?;
        self.tell(&mut writing.store(), Told::by(actor, Deed::SignedOut, person.session())).await?;
        writing.changed(person.session().number());
        writing.commit().await?;
        Ok(())
    }

    /// Ends every session of the person, and the trust in their devices.
    pub async fn sign_out_everywhere(&self, actor: &Actor) -> Result<(), Error> {
        let person = actor.person()?;
        let mut writing = self.0.db.write().await?;
        writing.store().consume_sessions(person.user(), None, EndedBy::Person, self.now()).await?;
        self.end_shortcuts(&mut writing.store(), person.user()).await?;
        self.tell(&mut writing.store(), Told::by(actor, Deed::SignedOutEverywhere, person.user())).await?;
        writing.changed(person.user().number());
        writing.commit().await?;
        Ok(())
    }

    /// Ends every session of the person but the one that asks, and the trust in their devices.
    pub async fn end_other_sessions(&self, actor: &Actor) -> Result<(), Error> {
        let person = actor.person()?;
        let mut writing = self.0.db.write().await?;
        let except = Some(person.session());
        let ended = writing.store().consume_sessions(person.user(), except, EndedBy::Person, self.now()).await?;
        self.end_shortcuts(&mut writing.store(), person.user()).await?;
        self.tell(&mut writing.store(), Told::by(actor, Deed::SignedOutEverywhere, person.user())).await?;
        for session in ended {
            writing.changed(session.number());
        }
        writing.commit().await?;
        Ok(())
    }

    /// The CSRF token of the session that asks.
    pub fn csrf_token(&self, actor: &Actor) -> Result<String, Error> {
        Ok(self.0.vault.csrf_token(&actor.person()?.session().to_string()))
    }

    /// Refuses a change that a cookie authenticates unless it carries the session's CSRF token and comes from our own
    /// pages. A credential in a header is proof enough: no other site can send it.
    pub fn check_csrf(&self, actor: &Actor, presented: Option<&str>, origins: Origins<'_>) -> Result<(), Error> {
        if !actor.principal().came_by_cookie() {
            return Ok(());
        }
        let fits = presented.is_some_and(|presented| self.is_csrf_of(actor, presented));
        if fits { self.check_same_origin(origins) } else { Err(Error::Forbidden(Code::CsrfFailed)) }
    }

    /// Refuses what does not come from our own pages or those of a trusted origin: `Origin`, or else `Referer`, must be
    /// one of theirs, and `Sec-Fetch-Site`, where the browser sends it, must not say otherwise.
    pub fn check_same_origin(&self, origins: Origins<'_>) -> Result<(), Error> {
        let site = origins.fetch_site.unwrap_or("none");
        let own = matches!(site, "same-origin" | "none") && origins.are_of(self.public_url());
        let trusted = || self.0.settings.trusted_origins.iter().any(|trusted| origins.are_of(trusted.as_str()));
        if own || (matches!(site, "same-site" | "none") && trusted()) {
            Ok(())
        } else {
            Err(Error::Forbidden(Code::CsrfFailed))
        }
    }

    /// Refuses a sign-in that a page of another site asks for. What is no browser sends neither header.
    pub fn check_no_other_site(&self, origins: Origins<'_>) -> Result<(), Error> {
        match (origins.origin, origins.fetch_site) {
            (None, None | Some("same-origin" | "none")) => Ok(()),
            (None, Some(_)) => Err(Error::Forbidden(Code::CsrfFailed)),
            (Some(_), _) => self.check_same_origin(origins),
        }
    }

    /// A name for a browser that is not signed in, kept in a cookie.
    pub fn new_visitor(&self) -> String {
        PlainToken::random("").reveal().to_owned()
    }

    /// The CSRF token of such a browser.
    pub fn visitor_csrf(&self, visitor: &str) -> String {
        self.0.vault.csrf_token(&format!("visitor {visitor}"))
    }

    /// Whether `presented` is the CSRF token of the session that asks.
    pub fn is_csrf_of(&self, actor: &Actor, presented: &str) -> bool {
        actor.principal().session_id().is_some_and(|id| self.0.vault.csrf_matches(&id.to_string(), presented))
    }

    /// Whether `presented` is the CSRF token of a browser that is not signed in.
    pub fn is_csrf_of_visitor(&self, visitor: Option<&str>, presented: &str) -> bool {
        visitor.is_some_and(|name| self.0.vault.csrf_matches(&format!("visitor {name}"), presented))
    }

    /// Refuses a form of somebody not signed in unless it was made by us for this very browser.
    pub fn check_visitor_csrf(
        &self,
        visitor: Option<&str>,
        presented: &str,
        origins: Origins<'_>,
    ) -> Result<(), Error> {
        let fits = self.is_csrf_of_visitor(visitor, presented);
        if fits { self.check_same_origin(origins) } else { Err(Error::Forbidden(Code::CsrfFailed)) }
    }
}

fn view(session: Session, current: SessionId) -> SessionView {
    SessionView {
        id: session.id,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        expires_at: session.expires_at,
        browser: browser(&session.user_agent),
        ip_address: session.address,
        user_agent: session.user_agent,
        amr: session.amr.split_whitespace().map(str::to_owned).collect(),
        organization_id: session.organization_id,
        is_current: session.id == current,
    }
}
