//! What a session's holder carries: tokens renewed, organization switched, CSRF token.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use latchkey::error::Code;
use latchkey::flow::sign_in::SignInView;
use latchkey::flow::tokens::Refresh;
use latchkey::{Error, Latchkey, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, signed_in};
use super::body::Body;
use super::who::{Barred, By, Guest, call};

/// Exchange a refresh token for a new pair
///
/// With a Bearer access token and no body: a fresh access token instead. A refresh token works once; a repeat within 30
/// seconds gets the same pair again, anything later ends the session.
#[utoipa::path(
    post, path = "/auth/refresh", tag = "Signing in", security((), ("bearer" = [])),
    request_body(content = Option<Refresh>, description = "Nothing at all with a Bearer token."),
    responses(
        (status = 200, description = "New tokens.", body = SignInView),
        (status = 401, description = "`invalid_token`, `token_expired` or `token_revoked`."),
        (status = 403, description = "`organization_suspended`, or `csrf_failed` for a call from a page of another site."),
    )
)]
pub async fn refresh(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    parts: Parts,
    Body(input): Body<Refresh>,
) -> Answer<Json<SignInView>> {
    Ok(Json(renewed(&latchkey, &visitor, &parts, input).await?))
}

/// New tokens for the refresh token in the body, or else for the access token in the header.
pub async fn renewed(latchkey: &Latchkey, visitor: &Visitor, parts: &Parts, input: Refresh) -> Answer<SignInView> {
    let told = input.refresh_token.as_ref().is_some_and(|token| !token.0.is_empty());
    let Some(token) = bearer(&parts.headers).filter(|_| !told) else {
        return Ok(latchkey.refresh(visitor, input).await?);
    };
    call(parts)?.note_presented();
    Ok(latchkey.refresh_access_token(token?).await?)
}

/// The token of `Authorization`, if there is one; an error when there is something else in it.
fn bearer(headers: &HeaderMap) -> Option<Result<&str, Error>> {
    let value = headers.get(header::AUTHORIZATION).filter(|value| !value.as_bytes().trim_ascii().is_empty())?;
    let (scheme, token) = value.to_str().ok().and_then(|text| text.trim().split_once(' ')).unwrap_or_default();
    let bad = || Error::Unauthenticated(Code::InvalidToken);
    Some(if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(bad()) })
}

/// Where to act from now on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schema(example = json!({"organizationId": "org_01kbk3x5g0r8m4t2v6w9y1z3b5"}))]
pub struct SwitchOrganization {
    /// One of the person's organizations.
    #[schema(required)]
    organization_id: Option<String>,
}

/// Act in another organization
///
/// The refresh token from before works no longer.
#[utoipa::path(
    post, path = "/auth/switch-organization", tag = "Signing in", request_body = SwitchOrganization,
    responses(
        (status = 200, description = "New tokens.", body = SignInView),
        (status = 404, description = "Not one of the person's organizations."),
    )
)]
pub async fn switch_organization(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<SwitchOrganization>,
) -> Answer<Response> {
    let organization = input.organization_id.unwrap_or_default();
    Ok(signed_in(StatusCode::OK, &latchkey.switch_organization(&actor, &organization).await?))
}

/// A CSRF token, in both of its spellings.
#[derive(Debug, Serialize, ToSchema)]
pub struct CsrfTokenView {
    success: bool,
    #[serde(rename = "csrfToken")]
    camel: String,
    #[serde(rename = "csrf_token")]
    snake: String,
}

/// The CSRF token of this session
///
/// To be sent as `X-CSRF-Token` with every change that the session cookie authenticates.
#[utoipa::path(
    get, path = "/auth/csrf-token", tag = "Signing in",
    responses((status = 200, description = "The token.", body = CsrfTokenView))
)]
pub async fn csrf_token(State(latchkey): State<Latchkey>, Barred(actor): Barred) -> Answer<Json<CsrfTokenView>> {
    let token = latchkey.csrf_token(&actor)?;
    Ok(Json(CsrfTokenView { success: true, camel: token.clone(), snake: token }))
}
