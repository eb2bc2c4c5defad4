//! Who is asking, as extractors: a handler takes one of these first, and cannot be called without.
//!
//! - [`Guest`]: nobody needs to be known; credentials left over from before are ignored.
//! - [`By`]: a principal, under its ordinary limit, with the CSRF check where a cookie is the credential.
//! - [`Anybody`]: the same, or nobody in particular.
//! - [`Barred`]: the same, also for whoever has yet to set up the second factor that their organization demands.
//! - [`Checking`]: the same under the high limit of `verify`, `forward` and `introspect`.
//! - [`HeldBack`]: the same for a request that a proxy holds back, which changes nothing here whatever its method.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use latchkey::error::Code;
use latchkey::flow::authenticate::{CredentialHeaders, Presented};
use latchkey::flow::gate::DeviceTokens;
use latchkey::flow::sessions::Origins;
use latchkey::flow::sign_in::Opening;
use latchkey::limit::Window;
use latchkey::metrics::Source;
use latchkey::{Actor, Error, Latchkey, Principal, Visitor};
use percent_encoding::percent_decode_str;

use super::cookies;
use super::failure::Failure;
use crate::middleware::Call;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ORGANIZATION: HeaderName = HeaderName::from_static("x-organization-id");
const DEVICE_TOKEN: HeaderName = HeaderName::from_static("x-device-token");
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// The same as Laravel's clients send it: the percent-encoded value of a cookie.
const XSRF: HeaderName = HeaderName::from_static("x-xsrf-token");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Somebody of whom nothing is proven, under the limit of their address.
pub struct Guest(pub Visitor);

/// Somebody who has proven who they are.
pub struct By(pub Actor);

/// The same, also when they may do nothing but set up a second factor.
pub struct Barred(pub Actor);

/// Anybody: under the limit of their address, or, with a good credential, as who they are.
pub struct Anybody {
    /// The request.
    pub visitor: Visitor,
    /// Who asks, when they brought a credential.
    pub actor: Option<Actor>,
}

/// The same as [`By`], asking about a credential.
pub struct Checking {
    /// Who asks.
    pub principal: Principal,
    call: Arc<Call>,
}

/// The same as [`Checking`], asked with the method of somebody else's request: a CSRF token of ours proves nothing of it.
pub struct HeldBack(pub Checking);

impl Checking {
    async fn read(parts: &Parts, latchkey: &Latchkey) -> Result<Self, Failure> {
        let (call, principal, window) = authenticate(parts, latchkey).await?;
        note(&call, window, Some(latchkey.admit_verification(&principal)?));
        Ok(Self { principal, call })
    }

    /// The principal in its request.
    pub fn actor(&self) -> Actor {
        Actor::new(self.call.visitor.clone(), self.principal.clone())
    }
}

impl FromRequestParts<Latchkey> for Guest {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, latchkey: &Latchkey) -> Result<Self, Failure> {
        let call = call(parts)?;
        call.note_window(latchkey.admit_visitor(call.visitor.address)?);
        if is_change(&parts.method) {
            latchkey.check_no_other_site(origins(&parts.headers))?;
        }
        Ok(Self(call.visitor.clone()))
    }
}

impl FromRequestParts<Latchkey> for By {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, latchkey: &Latchkey) -> Result<Self, Failure> {
        let found = authenticate(parts, latchkey).await?;
        admit(parts, latchkey, found).map(Self)
    }
}

impl FromRequestParts<Latchkey> for Anybody {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, latchkey: &Latchkey) -> Result<Self, Failure> {
        if presented(parts)?.1.is_none() {
            let Guest(visitor) = Guest::from_request_parts(parts, latchkey).await?;
            return Ok(Self { visitor, actor: None });
        }
        match Barred::from_request_parts(parts, latchkey).await {
            Ok(Barred(actor)) => Ok(Self { visitor: actor.visitor.clone(), actor: Some(actor) }),
            // What is left over from before is no credential.
            Err(failure) if failure.is_stale() => {
                let Guest(visitor) = Guest::from_request_parts(parts, latchkey).await?;
                Ok(Self { visitor, actor: None })
            }
            Err(failure) => Err(failure),
        }
    }
}

impl FromRequestParts<Latchkey> for Barred {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, latchkey: &Latchkey) -> Result<Self, Failure> {
        let found = authenticate_barred(parts, latchkey).await?;
        admit(parts, latchkey, found).map(Self)
    }
}

impl FromRequestParts<Latchkey> for Checking {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, latchkey: &Latchkey) -> Result<Self, Failure> {
        let checking = Self::read(parts, latchkey).await?;
        if is_change(&parts.method) {
            check_csrf(parts, latchkey, &checking.actor())?;
        }
        Ok(checking)
    }
}

impl FromRequestParts<Latchkey> for HeldBack {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, latchkey: &Latchkey) -> Result<Self, Failure> {
        Checking::read(parts, latchkey).await.map(Self)
    }
}

/// What authentication finds: the request, who sent it, and where an API key stands in its limits.
type Found = (Arc<Call>, Principal, Option<Window>);

/// Proves who is asking and notes it for the log, the limits and the counting of keys.
async fn authenticate(parts: &Parts, latchkey: &Latchkey) -> Result<Found, Failure> {
    let (call, presented) = presented(parts)?;
    let mut source = Source::Nowhere;
    let found = latchkey.authenticate_noting(&call.visitor, &presented, &mut source).await;
    call.note_source(source);
    let (principal, window) = found?;
    call.note_principal(&principal);
    Ok((call, principal, window))
}

/// The same, also for whoever has yet to set up the second factor that their organization demands.
pub async fn authenticate_barred(parts: &Parts, latchkey: &Latchkey) -> Result<Found, Failure> {
    let (call, presented) = presented(parts)?;
    let (principal, window) = latchkey.authenticate_barred(&call.visitor, &presented).await?;
    call.note_principal(&principal);
    Ok((call, principal, window))
}

fn presented(parts: &Parts) -> Result<(Arc<Call>, Presented<'_>), Failure> {
    let call = call(parts)?;
    let presented = Presented::read(credentials(&parts.headers)?)?;
    if !presented.is_none() {
        call.note_presented();
    }
    Ok((call, presented))
}

/// Lets somebody on under their ordinary limit; a change by cookie needs its CSRF token.
fn admit(parts: &Parts, latchkey: &Latchkey, (call, principal, window): Found) -> Result<Actor, Failure> {
    note(&call, window, latchkey.admit_actor(&principal)?);
    let actor = Actor::new(call.visitor.clone(), principal);
    check_csrf(parts, latchkey, &actor)?;
    Ok(actor)
}

/// The request being answered.
pub fn call(parts: &Parts) -> Result<Arc<Call>, Failure> {
    let call = parts.extensions.get::<Arc<Call>>();
    call.cloned().ok_or_else(|| Error::internal("the edge has not seen this request").into())
}

fn note(call: &Call, one: Option<Window>, other: Option<Window>) {
    let tightest = match (one, other) {
        (Some(one), Some(other)) => Some(one.tightest(other)),
        (one, other) => one.or(other),
    };
    if let Some(window) = tightest {
        call.note_window(window);
    }
}

/// The headers that can carry a credential. Two of a kind, or one that is no text, cannot be acted on.
pub fn credentials(headers: &HeaderMap) -> Result<CredentialHeaders<'_>, Failure> {
    Ok(CredentialHeaders {
        authorization: single(headers, &header::AUTHORIZATION)?,
        api_key: single(headers, &API_KEY)?,
        cookie: cookies::session(headers),
        organization: single(headers, &ORGANIZATION)?,
    })
}

/// A header that may stand there once, as text.
pub fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Failure> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(Error::Malformed(Code::MalformedHeader).into()),
    }
}

/// What the browser says of where the request comes from.
pub fn origins(headers: &HeaderMap) -> Origins<'_> {
    // What is there but no text is not ours.
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    Origins { origin: text(&header::ORIGIN), referer: text(&header::REFERER), fetch_site: text(&FETCH_SITE) }
}

/// Whether the request comes from a script on a page of ours, in a browser that says so.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site == "same-origin")
}

/// How a session will be held: a script on a page of ours gets its cookie as well, in place of the one it had.
pub fn opening(headers: &HeaderMap) -> Opening<'_> {
    let cookie = is_same_origin(headers);
    let replaces = cookies::session(headers).filter(|_| cookie);
    let browser = cookies::visitor(headers);
    Opening { cookie, tokens: true, replaces, browser, devices: devices(headers), access_life: None }
}

/// The secrets of trusted devices that a request presents: an API client's in a header of its own, or a browser's cookie.
pub fn devices(headers: &HeaderMap) -> DeviceTokens<'_> {
    let own = headers.get(DEVICE_TOKEN).and_then(|value| value.to_str().ok()).map(str::trim);
    own.filter(|token| !token.is_empty()).map_or_else(|| cookies::devices(headers), DeviceTokens::Header)
}

fn check_csrf(parts: &Parts, latchkey: &Latchkey, actor: &Actor) -> Result<(), Failure> {
    if !is_change(&parts.method) {
        return Ok(());
    }
    let presented = presented_csrf(&parts.headers);
    Ok(latchkey.check_csrf(actor, presented.as_deref(), origins(&parts.headers))?)
}

/// The CSRF token that a request carries, in either of its headers.
pub fn presented_csrf(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let encoded = || text(&XSRF).and_then(|value| percent_decode_str(value).decode_utf8().ok());
    text(&CSRF).map(Cow::Borrowed).or_else(encoded)
}

/// The same caller in another organization of theirs.
pub async fn acting_in(parts: &Parts, latchkey: &Latchkey, organization: &str) -> Result<Actor, Failure> {
    let call = call(parts)?;
    let headers = CredentialHeaders { organization: Some(organization), ..credentials(&parts.headers)? };
    let (principal, _) = latchkey.authenticate(&call.visitor, &Presented::read(headers)?).await?;
    Ok(Actor::new(call.visitor.clone(), principal))
}

fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
