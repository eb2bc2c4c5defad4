//! The OpenAPI document: the routes' own descriptions, and in one place what is true of all of them.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::dialects::Dialect;
use crate::dialects::synthesq::refusal::RefusalView;
use crate::rest::failure::ErrorView;

#[derive(OpenApi)]
#[openapi(components(schemas(ErrorView, RefusalView)))]
struct Frame;

/// The parts of the reference, in the order of reading.
const PARTS: [(&str, &str); 15] = [
    (
        "Signing in",
        "By password, by mail, by an invitation code or with a ticket from elsewhere; and going on with new tokens.",
    ),
    (
        "Two-factor",
        "Authenticators, backup codes, trusted devices, and showing once more who one is before something that matters.",
    ),
    ("Sessions", "Where a person is signed in, and how that ends."),
    ("Recovery", "For who lost the password, or finds that somebody else has it."),
    ("Addresses", "Confirming an address, and moving to another."),
    ("Account", "The person themself: name, picture, password."),
    ("API keys", "Keys for programs: made, watched, exchanged and ended."),
    ("Verification", "For other services and reverse proxies: who is this, and what may they do?"),
    ("Organizations", "Tenants, their members and roles, and what they demand of them."),
    ("Invitations", "Bringing people in, by mail for one address or by a code for many."),
    ("Audit", "Who did what, in a chain that shows whether it was touched."),
    ("Landlord", "For those who run the installation: tenants, their owners, mail."),
    ("Salesflow", "The wire forms of Salesflow (docs/salesflow.md)."),
    ("SynthesQ", "The wire forms of SynthesQ (docs/synthesq.md)."),
    ("Around", "Health, published keys, well-known addresses, this document."),
];

const SCHEMA: &str = "#/components/schemas/ErrorView";
/// The same in SynthesQ's own shape.
const SYNTHESQ_SCHEMA: &str = "#/components/schemas/SynthesqError";
/// What SynthesQ says besides: status, description, when.
const SYNTHESQ_REFUSALS: [(&str, &str, When); 2] = [
    ("419", "Without the session's CSRF token.", When::IsGuarded),
    ("422", "What was sent is not right; `errors` names the fields.", When::HasInput),
];
/// What one refused call of each kind looks like: status, code, message, and when an operation can answer so.
const REFUSALS: [(&str, &str, &str, When); 9] = [
    ("400", "validation_failed", "What was sent is malformed.", When::HasInput),
    ("401", "missing_credentials", "No credential, or a bad one.", When::IsGuarded),
    ("403", "insufficient_scope", "A good credential without the right.", When::IsGuarded),
    ("404", "not_found", "Does not exist, or belongs to another organization.", When::HasPathId),
    ("413", "payload_too_large", "The body is larger than 64 KiB.", When::HasBody),
    ("415", "unsupported_media_type", "The body is not JSON.", When::HasBody),
    ("429", "rate_limited", "Too many requests; `Retry-After` says when to come back.", When::IsApi),
    ("500", "internal", "A fault of ours.", When::IsApi),
    ("503", "unavailable", "A part of the service is down or busy; `Retry-After` says when to come back.", When::IsApi),
];

#[derive(Clone, Copy)]
enum When {
    IsApi,
    IsGuarded,
    HasInput,
    HasBody,
    HasPathId,
}

/// The document before any route is in it.
pub fn frame() -> utoipa::openapi::OpenApi {
    Frame::openapi()
}

/// The whole document, without a server.
pub fn document() -> String {
    finished(crate::router::described().into_openapi())
}

/// Adds what is true of all operations.
pub fn finished(document: utoipa::openapi::OpenApi) -> String {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": "Latchkey",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Authentication for everything you run. The same API answers under `/v1` and under `/api`, there with further names in answers (docs/salesos.md).",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["tags"] =
        PARTS.iter().map(|(name, description)| json!({ "name": name, "description": description })).collect();
    document["servers"] = json!([{ "url": "/" }]);
    document["components"]["securitySchemes"] = security_schemes();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                finish(path, method, operation);
            }
        }
    }
    document.to_string()
}

fn security_schemes() -> Value {
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "An access token, or an API key." },
        "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
        "cookie": { "type": "apiKey", "in": "cookie", "name": "__Host-latchkey" },
        "twoFactorToken": { "type": "apiKey", "in": "header", "name": "X-2FA-Token", "description": "From a sign-in that waits for its second factor." },
        "csrf": {
            "type": "apiKey", "in": "header", "name": "X-CSRF-Token",
            "description": "With every change that the cookie authenticates.",
        },
    })
}

fn finish(path: &str, method: &str, operation: &mut Value) {
    let (is_api, dialect) = (crate::middleware::is_api(path), Dialect::of(path));
    // One handler at several addresses: operations must have names of their own.
    match dialect {
        Dialect::SalesOs => {
            let id = operation["operationId"].as_str().map(|id| format!("{id}_under_api"));
            operation["operationId"] = json!(id);
        }
        Dialect::SynthesQ => operation["operationId"] = json!(named_by_path(method, path)),
        Dialect::Native | Dialect::Salesflow => {}
    }
    match operation.get("security").and_then(Value::as_array) {
        None => operation["security"] = guarded(method),
        Some(ways) if ways.iter().all(|way| *way == json!({})) => operation["security"] = json!([]),
        Some(_) => {}
    }
    let is = |when: When| match when {
        When::IsApi => is_api,
        When::IsGuarded => {
            operation["security"].as_array().is_some_and(|ways| !ways.is_empty() && !ways.contains(&json!({})))
        }
        When::HasInput => operation.get("requestBody").is_some() || operation.get("parameters").is_some(),
        When::HasBody => operation.get("requestBody").is_some(),
        When::HasPathId => path.contains('{'),
    };
    let due: Vec<_> = REFUSALS.iter().filter(|refusal| is(refusal.3)).collect();
    let further: Vec<_> =
        SYNTHESQ_REFUSALS.iter().filter(|refusal| dialect == Dialect::SynthesQ && is(refusal.2)).collect();
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, _, description, _) in due {
        responses.entry(*status).or_insert_with(|| json!({ "description": description }));
    }
    for (status, description, _) in further {
        responses.entry(*status).or_insert_with(|| json!({ "description": description }));
    }
    for (status, response) in responses.iter_mut() {
        if let Some(response) = response.as_object_mut() {
            complete(status, response, is_api);
            if dialect == Dialect::SynthesQ {
                speak_synthesq(status, response);
            }
        }
    }
}

/// `post /api/v1/auth/login` as `synthesq_post_api_v1_auth_login`.
fn named_by_path(method: &str, path: &str) -> String {
    let name: String = path.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    format!("synthesq_{method}{name}")
}

/// Puts its own shape in place of the common one.
fn speak_synthesq(status: &str, response: &mut Map<String, Value>) {
    let Some(content) = response.get_mut("content").filter(|_| status >= "400") else { return };
    let message = content["application/json"]["example"]["message"].take();
    let message = if message.is_null() { response["description"].clone() } else { message };
    let example = json!({ "success": false, "message": message });
    response["content"] = json!({ "application/json": { "schema": { "$ref": SYNTHESQ_SCHEMA }, "example": example } });
}

fn guarded(method: &str) -> Value {
    let cookie = if method == "get" { json!({ "cookie": [] }) } else { json!({ "cookie": [], "csrf": [] }) };
    json!([{ "bearer": [] }, { "apiKey": [] }, cookie])
}

/// Headers for every answer of the API; the error shape with an example for every refusal that has no body described.
fn complete(status: &str, response: &mut Map<String, Value>, is_api: bool) {
    if is_api {
        let headers = response.entry("headers").or_insert_with(|| json!({}));
        let number = |text: &str| json!({ "description": text, "schema": { "type": "integer" } });
        headers["X-RateLimit-Limit"] = number("How many calls the tightest limit allows.");
        headers["X-RateLimit-Remaining"] = number("How many are left.");
        headers["X-RateLimit-Reset"] = number("When the count begins anew, in Unix seconds.");
    }
    if status < "400" || response.contains_key("content") {
        return;
    }
    let described = response.get("description").and_then(Value::as_str).unwrap_or_default();
    let known = REFUSALS.iter().find(|refusal| refusal.0 == status);
    // A description of one's own begins with its code in backquotes.
    let own = described.strip_prefix('`').and_then(|rest| rest.split('`').next());
    let code = own.or(known.map(|refusal| refusal.1)).unwrap_or("conflict").to_owned();
    let number: u16 = status.parse().unwrap_or_default();
    let reason = axum::http::StatusCode::from_u16(number).ok().and_then(|status| status.canonical_reason());
    let message = latchkey::Code::ALL.iter().find(|known| known.as_str() == code).map(|code| code.message());
    let example = json!({
        "statusCode": number,
        "error": reason,
        "message": message,
        "code": code,
        "requestId": "req_7f3a2b1c9d0e0000002a",
    });
    let content = json!({ "application/json": { "schema": { "$ref": SCHEMA }, "example": example } });
    response.insert("content".to_owned(), content);
}
