//! What stands around the API: health, keys, the document, well-known addresses.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use latchkey::Latchkey;
use serde::Serialize;
use utoipa::ToSchema;

use crate::middleware::Call;
use crate::middleware::client_address::chain;

/// How long others may keep the keys; shorter than the next key is published before it signs.
const KEYS_KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Whether the process lives.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub struct HealthView {
    /// Always `ok`.
    status: &'static str,
}

/// Is the process alive?
#[utoipa::path(
    get, path = "/healthz", tag = "Around", security(()),
    responses((status = 200, description = "It is.", body = HealthView))
)]
pub async fn healthz() -> Json<HealthView> {
    Json(HealthView { status: "ok" })
}

/// Whether requests can be answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok", "database": "ok", "migrations": "ok", "mail": "not_configured"}))]
pub struct ReadyView {
    /// `ok` or `unavailable`.
    status: &'static str,
    /// `ok` or `unavailable`.
    database: &'static str,
    /// `ok`: a server whose database is not up to date does not start.
    migrations: &'static str,
    /// How mail leaves: `smtp`, `mailbox` (development) or `not_configured`.
    mail: &'static str,
}

/// Can requests be answered?
#[utoipa::path(
    get, path = "/readyz", tag = "Around", security(()),
    responses(
        (status = 200, description = "They can.", body = ReadyView),
        (status = 503, description = "Something is down.", body = ReadyView,
            example = json!({"status": "unavailable", "database": "unavailable", "migrations": "ok", "mail": "not_configured"})),
    )
)]
pub async fn readyz(State(latchkey): State<Latchkey>) -> (StatusCode, Json<ReadyView>) {
    let (code, word) = match latchkey.check_database().await {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    (code, Json(ReadyView { status: word, database: word, migrations: "ok", mail: latchkey.mail_transport() }))
}

/// Where a request came from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"address": "203.0.113.9", "peer": "10.0.0.2", "forwardedFor": ["203.0.113.9"]}))]
pub struct WhoamiView {
    /// The client's address, as limits and lists see it.
    address: String,
    /// The other end of the connection.
    peer: String,
    /// `X-Forwarded-For`, as it came.
    forwarded_for: Vec<String>,
}

/// From where does this request come?
///
/// The address and the chain of proxies, to check `trusted_proxies` with.
#[utoipa::path(
    get, path = "/whoami", tag = "Around", security(()),
    responses((status = 200, description = "What was seen.", body = WhoamiView))
)]
pub async fn whoami(Extension(call): Extension<Arc<Call>>, headers: HeaderMap) -> Json<WhoamiView> {
    Json(WhoamiView {
        address: call.visitor.address.to_string(),
        peer: call.peer.to_string(),
        forwarded_for: chain(&headers).take(32).map(str::to_owned).collect(),
    })
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", tag = "Around", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value))
)]
pub async fn openapi_document(Extension(document): Extension<Arc<str>>) -> Response {
    let body = axum::body::Body::from(document.to_string());
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// The keys that access tokens are signed with (RFC 7517)
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "Around", security(()),
    responses((status = 200, description = "The public halves.", body = serde_json::Value))
)]
pub async fn jwks(State(latchkey): State<Latchkey>) -> Response {
    ([(header::CACHE_CONTROL, KEYS_KEPT)], Json(latchkey.published_keys())).into_response()
}

/// Where people change their password
#[utoipa::path(
    get, path = "/.well-known/change-password", tag = "Around", security(()),
    responses((status = 302, description = "There."))
)]
pub async fn change_password_page() -> Response {
    (StatusCode::FOUND, [(header::LOCATION, HeaderValue::from_static("/settings/security"))]).into_response()
}

/// Whom to tell about a weakness (RFC 9116)
#[utoipa::path(
    get, path = "/.well-known/security.txt", tag = "Around", security(()),
    responses((status = 200, description = "Whom to tell.", body = String, content_type = "text/plain"))
)]
pub async fn security_txt(State(latchkey): State<Latchkey>) -> String {
    let url = latchkey.public_url();
    let expires = latchkey.now().plus(std::time::Duration::from_secs(180 * 86_400)).rfc3339();
    let host = url.split("://").nth(1).unwrap_or_default().split(':').next().unwrap_or_default();
    format!("Contact: mailto:security@{host}\nExpires: {expires}\nCanonical: {url}/.well-known/security.txt\n")
}
