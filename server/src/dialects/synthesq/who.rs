//! Who asks SynthesQ, as extractors.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use latchkey::error::Code;
use latchkey::flow::sign_in::Opening;
use latchkey::{Actor, Error, Latchkey, Visitor};

use crate::rest::cookies;
use crate::rest::failure::Failure;
use crate::rest::who::{By, Guest, acting_in, authenticate_barred, call, devices, presented_csrf, single};

const BUSINESS: HeaderName = HeaderName::from_static("x-business-id");

/// Somebody at the front door, whose page got its CSRF token from us for this very browser.
pub struct Caller(pub Visitor);

/// Somebody who has proven who they are, in the organization that `X-Business-ID` names.
pub struct Staff(pub Actor);

impl FromRequestParts<Latchkey> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, latchkey: &Latchkey) -> Result<Self, Failure> {
        let Guest(visitor) = Guest::from_request_parts(parts, latchkey).await?;
        let presented = presented_csrf(&parts.headers).unwrap_or_default();
        let fits = latchkey.is_csrf_of_visitor(cookies::visitor(&parts.headers), &presented)
            || signed_in(parts, latchkey).await.is_some_and(|actor| latchkey.is_csrf_of(&actor, &presented));
        if fits { Ok(Self(visitor)) } else { Err(Error::Forbidden(Code::CsrfFailed).into()) }
    }
}

impl FromRequestParts<Latchkey> for Staff {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, latchkey: &Latchkey) -> Result<Self, Failure> {
        let By(actor) = By::from_request_parts(parts, latchkey).await?;
        let Some(slug) = business(&parts.headers)? else { return Ok(Self(actor)) };
        let organization = latchkey.organization_named(&actor, slug).await?;
        if actor.principal().organization_id() == Some(organization) {
            return Ok(Self(actor));
        }
        match acting_in(parts, latchkey, &organization.to_string()).await {
            Ok(actor) => Ok(Self(actor)),
            // A key that may not act there.
            Err(failure) if matches!(failure.error(), Error::NotFound) => {
                Err(Error::Forbidden(Code::NotAMember).into())
            }
            Err(failure) => Err(failure),
        }
    }
}

/// The slug of the organization that is asked for.
pub fn business(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    Ok(single(headers, &BUSINESS)?.map(str::trim).filter(|slug| !slug.is_empty()))
}

/// Who is signed in on this browser.
pub async fn signed_in(parts: &Parts, latchkey: &Latchkey) -> Option<Actor> {
    cookies::session(&parts.headers)?;
    let (_, principal, _) = authenticate_barred(parts, latchkey).await.ok()?;
    Some(Actor::new(call(parts).ok()?.visitor.clone(), principal))
}

/// How its front ends hold a session: by the cookie alone, in place of the one they had.
pub fn by_cookie(headers: &HeaderMap) -> Opening<'_> {
    let opening = Opening::page(cookies::session(headers), cookies::visitor(headers));
    Opening { devices: cookies::devices(headers), ..opening }
}

/// How its programs hold one: by tokens alone. A script in a browser that we know is known here too.
pub fn by_tokens(headers: &HeaderMap) -> Opening<'_> {
    Opening { browser: cookies::visitor(headers), devices: devices(headers), ..Opening::api() }
}
