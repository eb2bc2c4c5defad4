//! From whatever a request carries to a principal: the only maker of principals.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use crate::Latchkey;
use crate::api_key::{KeyText, Scopes};
use crate::clock::Timestamp;
use crate::crypto::sha256;
use crate::crypto::signing::Claims;
use crate::error::{Code, Error};
use crate::id::{OrganizationId, SessionId, TokenId};
use crate::limit::Window;
use crate::member::Role;
use crate::memory::{SessionEntry, Watch};
use crate::metrics::{Shown, Source};
use crate::principal::{Facts, Principal, Subject, Visitor};
use crate::secret::PlainToken;
use crate::store::SessionStanding;

use super::verification;

/// How often a session's last use is noted.
const NOTED_EVERY: Duration = Duration::from_secs(20);

/// The headers of a request that can carry a credential, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct CredentialHeaders<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `X-API-Key`.
    pub api_key: Option<&'a str>,
    /// The value of our session cookie.
    pub cookie: Option<&'a str>,
    /// `X-Organization-ID`.
    pub organization: Option<&'a str>,
}

/// What a request presents. Nothing is proven by it.
pub struct Presented<'a> {
    credential: Credential<'a>,
    organization: Option<&'a str>,
}

enum Credential<'a> {
    None,
    Unreadable,
    Token(&'a str),
    Key(&'a str),
    Cookie(&'a str),
}

impl<'a> Presented<'a> {
    /// Sorts out which credential counts: an explicit header before the cookie, and never two that differ.
    pub fn read(headers: CredentialHeaders<'a>) -> Result<Self, Error> {
        let bearer = headers.authorization.map(str::trim).filter(|value| !value.is_empty()).map(bearer);
        let key = headers.api_key.map(str::trim).filter(|value| !value.is_empty());
        let credential = match (bearer, key) {
            (Some(Some(token)), Some(key)) if token != key => return Err(Error::Malformed(Code::AmbiguousCredentials)),
            (Some(None), Some(_)) => return Err(Error::Malformed(Code::AmbiguousCredentials)),
            (_, Some(key)) => Credential::Key(key),
            (Some(Some(token)), None) if KeyText::looks_like_one(token) => Credential::Key(token),
            (Some(Some(token)), None) => Credential::Token(token),
            (Some(None), None) => Credential::Unreadable,
            (None, None) => headers.cookie.map_or(Credential::None, Credential::Cookie),
        };
        let organization = headers.organization.map(str::trim).filter(|value| !value.is_empty());
        Ok(Self { credential, organization })
    }

    /// Whether there is any credential at all.
    pub fn is_none(&self) -> bool {
        matches!(self.credential, Credential::None)
    }

    /// Whether it is an access token, as far as its form goes.
    pub(crate) fn is_token(&self) -> bool {
        matches!(self.credential, Credential::Token(_))
    }

    /// The organization asked for. An id of the wrong form is that of an organization nobody belongs to, so that the
    /// answer is the same as for any other foreign one, and comes after the credential was checked.
    fn organization(&self) -> Option<OrganizationId> {
        self.organization.map(|text| text.parse().unwrap_or(OrganizationId::new(Timestamp::default(), [0; 10])))
    }
}

/// The token of an `Authorization` header with the scheme Bearer (RFC 6750 section 2.1).
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')).then_some(token)
}

pub(super) fn refused(code: Code) -> Error {
    Error::Unauthenticated(code)
}

impl Latchkey {
    /// Proves who is asking. Counts against an API key's own limit, and against nothing else. Whoever is barred for want
    /// of a second factor is refused: that is so for everything that does not ask for
    /// [`Latchkey::authenticate_barred`].
    pub async fn authenticate(
        &self,
        visitor: &Visitor,
        presented: &Presented<'_>,
    ) -> Result<(Principal, Option<Window>), Error> {
        self.authenticate_noting(visitor, presented, &mut Source::Nowhere).await
    }

    /// The same, noting where it was looked up.
    pub async fn authenticate_noting(
        &self,
        visitor: &Visitor,
        presented: &Presented<'_>,
        source: &mut Source,
    ) -> Result<(Principal, Option<Window>), Error> {
        let (principal, window) = self.recognise(visitor, presented, source).await?;
        if principal.is_barred(self.now()) {
            return Err(Error::Forbidden(Code::TwoFactorEnrolmentRequired));
        }
        Ok((principal, window))
    }

    /// The same for what somebody may do who has yet to set up the second factor that their organization demands.
    pub async fn authenticate_barred(
        &self,
        visitor: &Visitor,
        presented: &Presented<'_>,
    ) -> Result<(Principal, Option<Window>), Error> {
        self.recognise(visitor, presented, &mut Source::Nowhere).await
    }

    async fn recognise(
        &self,
        visitor: &Visitor,
        presented: &Presented<'_>,
        source: &mut Source,
    ) -> Result<(Principal, Option<Window>), Error> {
        let organization = presented.organization();
        let (shown, found) = match presented.credential {
            Credential::None => (Shown::Nothing, Err(refused(Code::MissingCredentials))),
            Credential::Unreadable => (Shown::Nothing, Err(refused(Code::InvalidToken))),
            Credential::Token(token) => {
                (Shown::Token, self.by_token(token, organization, source).await.map(|found| (found, None)))
            }
            Credential::Cookie(secret) => {
                (Shown::Cookie, self.by_cookie(secret, organization, source).await.map(|found| (found, None)))
            }
            Credential::Key(key) => (Shown::Key, self.by_key(visitor, key, organization, source).await),
        };
        self.0.metrics.authentication(shown, &found, *source);
        found
    }

    async fn by_token(
        &self,
        token: &str,
        organization: Option<OrganizationId>,
        source: &mut Source,
    ) -> Result<Principal, Error> {
        let now = self.now();
        let key = remembered_as(token, organization);
        if let Some(principal) = self.remembered(&key, now) {
            *source = Source::Memory;
            return Ok(principal);
        }
        let watch = self.0.memory.generations.watch();
        let claims = self.signing().read(token, self.public_url(), now)?;
        let bad = |_| refused(Code::InvalidToken);
        let session: SessionId = claims.sid.parse().map_err(bad)?;
        let jti: TokenId = claims.jti.parse().map_err(bad)?;
        let org: Option<OrganizationId> = claims.org.as_deref().map(str::parse).transpose().map_err(bad)?;
        *source = Source::Database;
        let standing = self.0.db.read().await?.store().find_standing(session, organization.or(org), jti).await?;
        let standing = standing.ok_or(refused(Code::TokenRevoked))?;
        check_subject(&claims, &standing)?;
        if standing.exchanged {
            return Err(refused(Code::TokenRevoked));
        }
        let wanted = organization.or(org);
        let ends_at = Timestamp::from_seconds(claims.exp);
        let principal = self.person(&standing, wanted, organization.is_some(), Some(jti), ends_at)?;
        self.remember(key, watch, (&principal, jti.number()));
        Ok(principal)
    }

    async fn by_cookie(
        &self,
        secret: &str,
        organization: Option<OrganizationId>,
        source: &mut Source,
    ) -> Result<Principal, Error> {
        let now = self.now();
        // A token holds no space, so that neither is ever taken for the other.
        let key = remembered_as(&format!("cookie {secret}"), organization);
        if let Some(principal) = self.remembered(&key, now) {
            *source = Source::Memory;
            return Ok(principal);
        }
        let cookie = PlainToken::presented(secret).hashed();
        *source = Source::Database;
        let watch = self.0.memory.generations.watch();
        let standing = self.0.db.read().await?.store().find_standing_by_cookie(cookie, organization).await?;
        let standing = standing.ok_or(refused(Code::TokenRevoked))?;
        let wanted = organization.or(standing.session.organization_id);
        let ends_at = standing.session.expires_at;
        let principal = self.person(&standing, wanted, organization.is_some(), None, ends_at)?;
        self.remember(key, watch, (&principal, standing.session.id.number()));
        Ok(principal)
    }

    fn remembered(&self, key: &[u8; 32], now: Timestamp) -> Option<Principal> {
        let memory = &self.0.memory;
        let entry = memory.sessions.get(key)?;
        let seen_at = entry.seen_at();
        let good =
            now < entry.ends_at && now < seen_at.plus(self.0.settings.sessions.idle) && memory.holds(&entry.stamp, now);
        if !good {
            return None;
        }
        if now >= seen_at.plus(NOTED_EVERY.min(self.0.settings.sessions.idle / 4)) {
            entry.see(now);
            if let Some(session) = entry.principal.session_id() {
                memory.note_seen(session, now);
            }
        }
        Some(entry.principal.clone())
    }

    /// Remembers a principal that was read since `watch`, under `own` beside all else it depends on.
    fn remember(&self, key: [u8; 32], watch: Watch, (principal, own): (&Principal, u128)) {
        let now = self.now();
        let memory = &self.0.memory;
        if let Some(session) = principal.session_id() {
            memory.note_seen(session, now);
        }
        if let Some(stamp) = memory.generations.stamp(watch, tags(principal, own), now) {
            let ends_at = principal.expires_at().unwrap_or(now);
            let seen_at = AtomicI64::new(now.millis());
            let entry = SessionEntry { principal: principal.clone(), stamp, ends_at, seen_at };
            memory.sessions.insert(key, Arc::new(entry));
        }
    }

    /// The person of a session that still holds, in the organization they act in.
    fn person(
        &self,
        standing: &SessionStanding,
        organization: Option<OrganizationId>,
        asked: bool,
        token: Option<TokenId>,
        ends_at: Timestamp,
    ) -> Result<Principal, Error> {
        let session = self.seen_session(standing);
        if standing.disabled || !session.is_live(self.now(), self.0.settings.sessions.idle) {
            return Err(refused(Code::TokenRevoked));
        }
        let member = standing.role.is_some() && !standing.member_suspended;
        if organization.is_some() && asked && !member {
            return Err(Error::NotFound);
        }
        // Whoever looks after the platform is never shut out of it, not even by a place of their own.
        let member = member && (asked || !(standing.landlord && standing.organization_suspended));
        if member && standing.organization_suspended {
            return Err(Error::Forbidden(Code::OrganizationSuspended));
        }
        if member && !standing.policy.methods.allow(&session.amr) {
            let code = Code::SignInMethodNotAllowed;
            return Err(if asked { Error::Forbidden(code) } else { refused(code) });
        }
        let role = standing.role.filter(|_| member);
        let mut facts = Facts {
            subject: Subject::Person {
                session: session.id,
                token,
                amr: session.amr.clone(),
                authenticated_at: session.authenticated_at,
                second_factor: session.second_factor,
                handed_off: session.handed_off,
            },
            user: session.user_id,
            email: standing.email.clone(),
            landlord: standing.landlord,
            organization: organization.filter(|_| member),
            role,
            scopes: Scopes::of_person(role >= Some(Role::Admin)),
            expires_at: Some(ends_at.earliest(session.expires_at)),
            has_second_factor: standing.has_second_factor,
            barred_from: standing.barred_from(),
            verified: Arc::from(""),
        };
        facts.verified = verification::written(&facts)?;
        Ok(Principal(Arc::new(facts)))
    }

    fn seen_session(&self, standing: &SessionStanding) -> crate::session::Session {
        let mut session = standing.session.clone();
        if let Some(seen) = self.0.memory.last_seen(session.id) {
            session.last_seen_at = session.last_seen_at.latest(seen);
        }
        session
    }
}

/// A token names a session and its person; one that names another's is none of ours.
pub(super) fn check_subject(claims: &Claims, standing: &SessionStanding) -> Result<(), Error> {
    let fits = claims.sub == standing.session.user_id.to_string();
    if fits { Ok(()) } else { Err(refused(Code::InvalidToken)) }
}

fn remembered_as(secret: &str, organization: Option<OrganizationId>) -> [u8; 32] {
    match organization {
        None => sha256(secret.as_bytes()),
        Some(organization) => sha256(&[secret.as_bytes(), b" ", &organization.number().to_be_bytes()].concat()),
    }
}

/// What an entry depends on.
pub(super) fn tags(principal: &Principal, own: u128) -> [u128; 4] {
    let facts = &principal.0;
    let session = principal.session_id().map_or(own, SessionId::number);
    [own, session, facts.user.number(), facts.organization.map_or(own, OrganizationId::number)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read<'a>(
        authorization: Option<&'a str>,
        api_key: Option<&'a str>,
        cookie: Option<&'a str>,
    ) -> Result<Presented<'a>, Error> {
        Presented::read(CredentialHeaders { authorization, api_key, cookie, organization: None })
    }

    #[test]
    fn an_explicit_header_wins_over_the_cookie() {
        assert!(matches!(
            read(Some("Bearer abc"), None, Some("c")).expect("fine").credential,
            Credential::Token("abc")
        ));
        assert!(matches!(read(None, Some("k"), Some("c")).expect("fine").credential, Credential::Key("k")));
        assert!(matches!(read(None, None, Some("c")).expect("fine").credential, Credential::Cookie("c")));
    }

    #[test]
    fn an_empty_authorization_counts_as_none() {
        assert!(read(Some(""), None, None).expect("fine").is_none());
        assert!(matches!(read(Some("  "), None, Some("c")).expect("fine").credential, Credential::Cookie("c")));
    }

    #[test]
    fn two_different_credentials_are_ambiguous() {
        assert_eq!(
            read(Some("Bearer a"), Some("b"), None).err().map(|error| error.code()),
            Some(Code::AmbiguousCredentials)
        );
        assert!(read(Some("Bearer lk_live_x"), Some("lk_live_x"), None).is_ok());
    }

    #[test]
    fn another_scheme_is_a_bad_credential_not_a_missing_one() {
        for value in ["Basic YTpi", "Bearer", "Bearer a b", "Digest x"] {
            assert!(
                matches!(read(Some(value), None, Some("c")).expect("read").credential, Credential::Unreadable),
                "{value}"
            );
        }
        assert!(matches!(read(Some("bearer abc"), None, None).expect("read").credential, Credential::Token("abc")));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(a in "\\PC{0,60}", k in "\\PC{0,60}", c in "\\PC{0,60}") {
            let _ = read(Some(&a), Some(&k), Some(&c));
        }
    }
}
