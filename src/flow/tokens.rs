//! Pairs of tokens: issued, refreshed, and defended against being used twice (RFC 9700 section 4.14).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::api_key::Scopes;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crypto::random;
use crate::crypto::signing::Claims;
use crate::crypto::vault::Purpose;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode};
use crate::id::{OrganizationId, SessionId, TokenId};
use crate::member::Role;
use crate::organization::{Membership, barred_from};
use crate::principal::{Actor, Visitor};
use crate::secret::PlainToken;
use crate::session::{EndedBy, Session};
use crate::store::{SessionStanding, Store};
use crate::user::User;

use super::authenticate::check_subject;
use super::mail::Notice;
use super::places::place_asked;
use super::sign_in::{SignInView, SignedIn};

/// What refresh tokens begin with.
pub(crate) const REFRESH_PREFIX: &str = "lkr_";

/// What a client holds of a session.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenPair {
    /// The access token, a JWT (RFC 9068).
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds the access token lives.
    pub expires_in: i64,
    /// The refresh token; absent when only the access token was renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// A refresh token, to be exchanged.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"refreshToken": "lkr_gE1vYJxqkq0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c"}))]
pub struct Refresh {
    /// The refresh token.
    pub refresh_token: Option<super::sign_in::SecretText>,
    /// The longest life of the access token that is asked for; not the client's to say.
    #[serde(skip)]
    pub access_life: Option<Duration>,
}

/// Whom an access token is for.
pub(crate) struct Holder<'a> {
    email: &'a Email,
    place: Option<(OrganizationId, Role)>,
    barred_from: Option<Timestamp>,
    /// The longest life of the token, in seconds, when the organization shortens it.
    longest: Option<u32>,
}

impl<'a> Holder<'a> {
    /// A person in an organization.
    pub(crate) fn new(user: &'a User, place: Option<&Membership>) -> Self {
        let demanded = place.and_then(|place| place.organization.policy.two_factor_required_from);
        Self {
            email: &user.email,
            place: place.map(|place| (place.organization.id, place.role)),
            barred_from: barred_from(demanded, user.second_factor_since.is_some()),
            longest: place.and_then(|place| place.organization.policy.access_token_seconds),
        }
    }

    /// The person of a session, where it acts.
    pub(crate) fn standing(standing: &'a SessionStanding) -> Self {
        let (place, longest) = (place(standing), standing.policy.access_token_seconds);
        Self { email: &standing.email, place, barred_from: standing.barred_from(), longest }
    }

    /// The same with a token that lives no longer than this.
    pub(crate) fn for_at_most(self, life: Option<Duration>) -> Self {
        let seconds = life.map(|life| u32::try_from(life.as_secs()).unwrap_or(u32::MAX));
        let longest = [self.longest, seconds].into_iter().flatten().min();
        Self { longest, ..self }
    }
}

impl Latchkey {
    /// A first pair for a session.
    pub(crate) async fn new_pair(
        &self,
        store: &mut Store<'_>,
        session: &Session,
        holder: &Holder<'_>,
    ) -> Result<TokenPair, Error> {
        let now = self.now();
        let refresh = PlainToken::random(REFRESH_PREFIX);
        store.insert_refresh_token(refresh.hashed(), session.id, now).await?;
        let mut pair = self.access_pair(session, holder, now)?;
        pair.refresh_token = Some(refresh.reveal().to_owned());
        Ok(pair)
    }

    /// An access token alone.
    pub(crate) fn access_pair(
        &self,
        session: &Session,
        holder: &Holder<'_>,
        now: Timestamp,
    ) -> Result<TokenPair, Error> {
        let Holder { email, place, barred_from, longest } = *holder;
        let life = self.0.settings.tokens.access_life;
        let life = longest.map_or(life, |longest| life.min(Duration::from_secs(longest.into())));
        let ends_at = now.plus(life).earliest(session.expires_at);
        let is_admin = place.is_some_and(|(_, role)| role >= Role::Admin);
        let claims = Claims {
            iss: self.public_url().to_owned(),
            aud: self.public_url().to_owned(),
            sub: session.user_id.to_string(),
            sid: session.id.to_string(),
            jti: TokenId::new(now, random()).to_string(),
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: ends_at.seconds(),
            auth_time: session.authenticated_at.seconds(),
            amr: session.amr.split_whitespace().map(str::to_owned).collect(),
            org: place.map(|(organization, _)| organization.to_string()),
            org_role: place.map(|(_, role)| role.as_str().to_owned()),
            // Others check tokens without asking us: to them too, who is barred may do nothing.
            scope: if barred_from.is_some_and(|from| from <= now) {
                String::new()
            } else {
                Scopes::of_person(is_admin).joined()
            },
            email: email.to_string(),
        };
        Ok(TokenPair {
            access_token: self.signing().sign(&claims, now)?,
            token_type: "Bearer".to_owned(),
            expires_in: ends_at.seconds() - now.seconds(),
            refresh_token: None,
        })
    }

    /// Exchanges a refresh token for a new pair. A repeat of the direct predecessor within 30 s gets the same pair
    /// again (two tabs racing); anything older is theft and ends the whole family.
    pub async fn refresh(&self, visitor: &Visitor, input: Refresh) -> Result<SignInView, Error> {
        let token = input.refresh_token.filter(|token| !token.0.is_empty());
        let token = token.ok_or_else(|| Error::field(Field::RefreshToken, FieldCode::Required))?;
        let hash = PlainToken::presented(&token.0).hashed();
        // Looked up before the write lock is taken, so that invented tokens cannot make others wait for it.
        let found = self.0.db.read().await?.store().find_refresh_token(hash).await?;
        let (session, _) = found.ok_or(Error::Unauthenticated(Code::InvalidToken))?;
        let mut writing = self.0.db.write().await?;
        let standing = self.live_standing(&mut writing.store(), session).await?;
        let now = self.now();
        let next = PlainToken::random(REFRESH_PREFIX);
        let holder = Holder::standing(&standing).for_at_most(input.access_life);
        let mut pair = self.access_pair(&standing.session, &holder, now)?;
        pair.refresh_token = Some(next.reveal().to_owned());
        let sealed = self.seal_pair(session, &pair)?;
        if writing.store().consume_refresh_token(hash, &sealed, now).await? {
            writing.store().insert_refresh_token(next.hashed(), session, now).await?;
        } else if let Some(same) = self.same_again(&mut writing.store(), hash, now).await? {
            pair = same;
        } else {
            self.end_family(&mut writing.store(), visitor, &standing).await?;
            writing.changed(session.number());
            writing.commit().await?;
            return Err(Error::Unauthenticated(Code::TokenRevoked));
        }
        let view = self.refreshed_view(&mut writing.store(), &standing, pair).await?;
        writing.commit().await?;
        self.0.memory.note_seen(session, now);
        Ok(view)
    }

    /// The pair that this token was exchanged for, if it may still be asked for and its own refresh token is unused.
    async fn same_again(
        &self,
        store: &mut Store<'_>,
        hash: crate::secret::HashedToken,
        now: Timestamp,
    ) -> Result<Option<TokenPair>, Error> {
        let Some((session, Some((used_at, Some(sealed))))) = store.find_refresh_token(hash).await? else {
            return Ok(None);
        };
        if !used_at.is_within(self.0.settings.tokens.replay, now) {
            return Ok(None);
        }
        let pair = self.open_pair(session, &sealed)?;
        let successor = PlainToken::presented(pair.refresh_token.as_deref().unwrap_or_default()).hashed();
        let direct = matches!(store.find_refresh_token(successor).await?, Some((_, None)));
        Ok(direct.then_some(pair))
    }

    async fn end_family(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        standing: &SessionStanding,
    ) -> Result<(), Error> {
        let session = &standing.session;
        store.consume_session(session.user_id, session.id, EndedBy::TokenReuse, self.now()).await?;
        let told = Told {
            visitor,
            actor: "anonymous".to_owned(),
            organization: session.organization_id,
            deed: Deed::RefreshTokenReused,
            target: session.id.to_string(),
            detail: serde_json::json!({ "user": session.user_id }),
        };
        self.tell(store, told).await?;
        let house = self.house_of(store, session.user_id, session.organization_id).await?;
        let to = (session.user_id, &standing.email);
        self.notify(store, visitor, to, house.as_deref(), Notice::RefreshTokenReused).await
    }

    async fn refreshed_view(
        &self,
        store: &mut Store<'_>,
        standing: &SessionStanding,
        pair: TokenPair,
    ) -> Result<SignInView, Error> {
        let session = &standing.session;
        let user = store.find_user(session.user_id).await?.ok_or(Error::NotFound)?;
        let place = match session.organization_id {
            Some(organization) => store.find_membership(session.user_id, organization).await?,
            None => None,
        };
        Ok(self.sign_in_view(session, Some(pair), &user, place.as_ref().filter(|place| place.is_live())))
    }

    /// Exchanges an access token for a fresh one (SalesOS). The old one is dead at once for everything, except that a
    /// second exchange within 30 s gets the same successor.
    pub async fn refresh_access_token(&self, token: &str) -> Result<SignInView, Error> {
        let now = self.now();
        let claims = self.signing().read(token, self.public_url(), now)?;
        let bad = |_| Error::Unauthenticated(Code::InvalidToken);
        let jti: TokenId = claims.jti.parse().map_err(bad)?;
        let session: SessionId = claims.sid.parse().map_err(bad)?;
        let mut writing = self.0.db.write().await?;
        let standing = self.live_standing(&mut writing.store(), session).await?;
        check_subject(&claims, &standing)?;
        let mut pair = self.access_pair(&standing.session, &Holder::standing(&standing), now)?;
        let sealed = self.seal_pair(session, &pair)?;
        let life = (now, Timestamp::from_seconds(claims.exp));
        if !writing.store().consume_access_token(jti, session, &sealed, life).await? {
            let found = writing.store().find_exchanged_token(jti).await?;
            let Some((at, Some(sealed))) = found else { return Err(Error::Unauthenticated(Code::TokenRevoked)) };
            if !at.is_within(self.0.settings.tokens.replay, now) {
                return Err(Error::Unauthenticated(Code::TokenRevoked));
            }
            pair = self.open_pair(session, &sealed)?;
        }
        let view = self.refreshed_view(&mut writing.store(), &standing, pair).await?;
        writing.changed(jti.number());
        writing.commit().await?;
        self.0.memory.note_seen(session, now);
        Ok(view)
    }

    /// Moves the session to another organization of the same person. Its refresh token and cookie are replaced; an
    /// access token issued before names the organization it was issued for, and acts there until it expires.
    pub async fn switch_organization(&self, actor: &Actor, organization: &str) -> Result<SignedIn, Error> {
        let person = actor.person()?;
        let mut writing = self.0.db.write().await?;
        let memberships = writing.store().list_memberships(person.user()).await?;
        let place = place_asked(&memberships, organization)?;
        let standing = self.live_standing(&mut writing.store(), person.session()).await?;
        if !actor.principal().came_by(place.organization.policy.methods) {
            return Err(Error::Forbidden(Code::SignInMethodNotAllowed));
        }
        writing.store().update_session_organization(person.session(), place.organization.id).await?;
        let session = Session { organization_id: Some(place.organization.id), ..standing.session };
        let told = Told::by(actor, Deed::OrganizationSwitched, place.organization.id);
        self.tell(&mut writing.store(), told).await?;
        let signed_in = self.renew(&mut writing.store(), actor, &session, (Some(place), None)).await?;
        writing.changed(person.session().number());
        writing.commit().await?;
        Ok(signed_in)
    }

    /// A new secret for a session that goes on: a new cookie where one authenticated the call, and a new pair.
    pub(crate) async fn renew(
        &self,
        store: &mut Store<'_>,
        actor: &Actor,
        session: &Session,
        (place, access_life): (Option<&Membership>, Option<Duration>),
    ) -> Result<SignedIn, Error> {
        let user = store.find_user(session.user_id).await?.ok_or(Error::NotFound)?;
        store.delete_unused_refresh_tokens(session.id).await?;
        let by_cookie = actor.principal().came_by_cookie();
        let cookie = by_cookie.then(|| PlainToken::random(""));
        if let Some(cookie) = &cookie {
            store.update_session_cookie(session.id, Some(cookie.hashed())).await?;
        }
        let holder = Holder::new(&user, place).for_at_most(access_life);
        let pair = self.new_pair(store, session, &holder).await?;
        Ok(SignedIn {
            view: self.sign_in_view(session, Some(pair), &user, place),
            cookie: cookie.map(|value| self.session_cookie(value, session)),
            devices: None,
        })
    }

    /// Where a session stands in its own organization; an error when its holder may not go on.
    pub(crate) async fn live_standing(
        &self,
        store: &mut Store<'_>,
        session: SessionId,
    ) -> Result<SessionStanding, Error> {
        let none = TokenId::new(Timestamp::default(), [0; 10]);
        let revoked = Error::Unauthenticated(Code::TokenRevoked);
        let Some(first) = store.find_standing(session, None, none).await? else { return Err(revoked) };
        let organization = first.session.organization_id;
        let Some(mut standing) = store.find_standing(session, organization, none).await? else { return Err(revoked) };
        if let Some(seen) = self.0.memory.last_seen(session) {
            standing.session.last_seen_at = standing.session.last_seen_at.latest(seen);
        }
        if standing.disabled || !standing.session.is_live(self.now(), self.0.settings.sessions.idle) {
            return Err(revoked);
        }
        if standing.role.is_some() && standing.organization_suspended {
            return Err(Error::Forbidden(Code::OrganizationSuspended));
        }
        if standing.role.is_some() && !standing.policy.methods.allow(&standing.session.amr) {
            return Err(Error::Unauthenticated(Code::SignInMethodNotAllowed));
        }
        Ok(standing)
    }

    fn seal_pair(&self, session: SessionId, pair: &TokenPair) -> Result<Vec<u8>, Error> {
        let text = serde_json::to_vec(pair).map_err(Error::internal)?;
        self.0.vault.seal(Purpose::Successor, &session.to_string(), &text).map_err(Error::internal)
    }

    fn open_pair(&self, session: SessionId, sealed: &[u8]) -> Result<TokenPair, Error> {
        let text = self.0.vault.open(Purpose::Successor, &session.to_string(), sealed).map_err(Error::internal)?;
        serde_json::from_slice(&text).map_err(Error::internal)
    }
}

fn place(standing: &SessionStanding) -> Option<(OrganizationId, Role)> {
    let role = standing.role.filter(|_| !standing.member_suspended)?;
    standing.session.organization_id.map(|organization| (organization, role))
}
