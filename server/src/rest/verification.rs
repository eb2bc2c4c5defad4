//! Who may what: the answers for other services. `verify` is the hot path of the product.

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use latchkey::field::{Field, FieldCode};
use latchkey::flow::verification::{Introspection, VerifiedView};
use latchkey::{Error, Latchkey};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::Answer;
use super::body::{Body, Query, object, read};
use super::who::{Checking, HeldBack};

/// Below it stand the addresses of requests that Envoy holds back.
pub const HELD_BACK: &str = "/v1/auth/forward/";

/// What must be held.
#[derive(Debug, Default, Deserialize)]
pub struct VerifyQuery {
    scope: Option<String>,
}

/// Is this credential good, and what may it?
///
/// The hot path: answered from memory, never a write. It has a high limit of its own and an API key's own limits.
#[utoipa::path(
    get, path = "/auth/verify", tag = "Verification", params(
        ("scope" = Option<String>, Query, description = "Refuse with 403 unless the credential has this scope.", example = "write"),
    ),
    responses((status = 200, description = "Good.", body = VerifiedView))
)]
pub async fn verify(
    State(latchkey): State<Latchkey>,
    checking: Checking,
    Query(query): Query<VerifyQuery>,
) -> Answer<Response> {
    let written = latchkey.verify(&checking.principal, query.scope.as_deref())?;
    let body = HttpBody::from(axum::body::Bytes::copy_from_slice(written.as_bytes()));
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
}

/// May this request pass the reverse proxy?
///
/// Decides by the method of the request that the proxy holds back (`X-Original-Method` or `X-Forwarded-Method`), and
/// says who it is in headers for the service behind. Envoy asks otherwise: with that very method, at that very path below
/// `/v1/auth/forward/`.
#[utoipa::path(
    get, path = "/auth/forward", tag = "Verification",
    params(
        ("X-Original-Method" = Option<String>, Header, description = "The method of the request held back (nginx).", example = "POST"),
        ("X-Forwarded-Method" = Option<String>, Header, description = "The same (Traefik, Caddy).", example = "POST"),
    ),
    responses((status = 200, description = "It may.", headers(
        ("X-Auth-User" = String, description = "The person, or the organization's key."),
        ("X-Auth-Email" = String, description = "The person's address."),
        ("X-Auth-Organization" = String, description = "Where they act."),
        ("X-Auth-Role" = String, description = "As what."),
        ("X-Auth-Scopes" = String, description = "What the credential may, separated by spaces."),
    )))
)]
pub async fn forward(
    State(latchkey): State<Latchkey>,
    checking: Checking,
    method: Method,
    headers: HeaderMap,
) -> Answer<Response> {
    let mut methods = claimed_methods(&headers);
    if methods.is_empty() {
        methods.push(method.as_str());
    }
    admit(&latchkey, &checking, &methods)
}

/// The same as Envoy asks it: with the method and at the path of the request that it holds back, below this one's.
pub async fn forward_below(
    State(latchkey): State<Latchkey>,
    HeldBack(checking): HeldBack,
    method: Method,
    headers: HeaderMap,
) -> Answer<Response> {
    let mut methods = claimed_methods(&headers);
    methods.push(method.as_str());
    admit(&latchkey, &checking, &methods)
}

/// A client can send what the proxy does not overwrite, so every method that is claimed must be allowed.
fn admit(latchkey: &Latchkey, checking: &Checking, methods: &[&str]) -> Answer<Response> {
    let mut admitted = None;
    for method in methods {
        admitted = Some(latchkey.admit_forwarded(&checking.principal, method)?);
    }
    let admitted = admitted.ok_or(Error::NotFound)?;
    let mut response = ().into_response();
    let said = [
        ("x-auth-user", admitted.user),
        ("x-auth-email", admitted.email),
        ("x-auth-organization", admitted.organization),
        ("x-auth-role", admitted.role),
        ("x-auth-scopes", admitted.scopes),
    ];
    for (name, value) in said {
        let value = HeaderValue::from_str(&value).map_err(Error::internal)?;
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(response)
}

fn claimed_methods(headers: &HeaderMap) -> Vec<&str> {
    let names = ["x-original-method", "x-forwarded-method"];
    let values = names.iter().flat_map(|name| headers.get_all(*name));
    values.map(|value| value.to_str().unwrap_or("?").trim()).collect()
}

/// A token to be looked into.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"token": "lkr_gE1vYJxqkq0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c"}))]
pub struct Introspect {
    /// An access token, a refresh token or an API key.
    #[schema(required)]
    token: Option<String>,
    /// What kind it is thought to be; makes no difference.
    #[serde(rename = "token_type_hint")]
    #[allow(dead_code, reason = "RFC 7662 lets clients send it")]
    token_type_hint: Option<String>,
}

/// Look into a token (RFC 7662)
///
/// A token of another organization is `{"active":false}`, like one that does not exist.
#[utoipa::path(
    post, path = "/auth/introspect", tag = "Verification",
    request_body(content((Introspect = "application/x-www-form-urlencoded"), (Introspect = "application/json"))),
    responses((status = 200, description = "What it is.", body = Introspection))
)]
pub async fn introspect(
    State(latchkey): State<Latchkey>,
    checking: Checking,
    request: Request,
) -> Answer<Json<Introspection>> {
    let input = introspected(request).await?;
    let token = input.token.filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Error::field(Field::Token, FieldCode::Required))?;
    Ok(Json(latchkey.introspect(&checking.actor(), &token).await?))
}

async fn introspected(request: Request) -> Answer<Introspect> {
    let kind = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !kind.starts_with(b"application/x-www-form-urlencoded") {
        let Body(input) = Body::from_request(request, &()).await?;
        return Ok(input);
    }
    let bytes = read(request.into_body()).await?;
    let pairs =
        form_urlencoded::parse(&bytes).map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
    Ok(object(pairs.collect::<Map<_, _>>())?)
}
