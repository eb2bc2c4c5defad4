//! The further names in answers under `/api`.

use axum::body::{Body as HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use latchkey::Error;
use serde_json::{Map, Value, json};

use crate::rest::failure::Failure;

/// More than any answer of ours is long.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Adds the further names to an answer: both spellings of tokens, and what its clients read of people and organizations.
pub async fn spell_out(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !is_json || !response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LONGEST_ANSWER).await else {
        return Failure::from(Error::internal("an answer is too long to be spelled out")).into_response();
    };
    if !NAMED.iter().any(|name| holds(&bytes, name.as_bytes())) {
        return Response::from_parts(parts, bytes.into());
    }
    let Ok(mut value) = serde_json::from_slice(&bytes) else { return Response::from_parts(parts, bytes.into()) };
    spell(&mut value);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, HttpBody::from(value.to_string()))
}

/// An answer without any of these has nothing to be spelled out.
const NAMED: [&str; 5] = ["accessToken", "csrfToken", "emailVerified", "memberCount", "joinedAt"];
/// Names in both spellings.
const BOTH: [(&str, &str); 5] = [
    ("accessToken", "access_token"),
    ("refreshToken", "refresh_token"),
    ("csrfToken", "csrf_token"),
    ("tokenType", "token_type"),
    ("emailVerified", "isEmailVerified"),
];

fn holds(bytes: &[u8], name: &[u8]) -> bool {
    bytes.windows(name.len()).any(|window| window == name)
}

fn spell(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(spell),
        Value::Object(fields) => {
            fields.values_mut().for_each(spell);
            add_names(fields);
        }
        _ => {}
    }
}

fn add_names(fields: &mut Map<String, Value>) {
    let also = |fields: &mut Map<String, Value>, name: &str, other: &str| {
        if let Some(value) = fields.get(name).cloned() {
            fields.insert(other.to_owned(), value);
        }
    };
    for (name, other) in BOTH {
        also(fields, name, other);
    }
    if fields.contains_key("accessToken") {
        also(fields, "expiresIn", "expires_in");
    }
    if let Some(members) = fields.get("memberCount").cloned() {
        fields.insert("_count".to_owned(), json!({ "members": members }));
    }
    if let (true, Some(user)) = (fields.contains_key("joinedAt"), fields.get("user").cloned()) {
        for (name, own) in [("userName", "name"), ("userEmail", "email"), ("userAvatarUrl", "avatarUrl")] {
            fields.insert(name.to_owned(), user[own].clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_salesos_reads_is_added_and_nothing_is_taken_away() {
        let mut answer = json!({
            "accessToken": "a", "expiresIn": 1, "user": { "emailVerified": true },
            "list": [{ "memberCount": 3 }, { "joinedAt": "x", "user": { "name": "Ada", "email": "e", "avatarUrl": null } }],
        });
        let before = answer.clone();
        spell(&mut answer);
        assert_eq!((&answer["access_token"], &answer["expires_in"]), (&json!("a"), &json!(1)));
        assert_eq!(answer["user"]["isEmailVerified"], true);
        assert_eq!(answer["list"][0]["_count"], json!({ "members": 3 }));
        assert_eq!(answer["list"][1]["userName"], "Ada");
        assert_eq!(answer["list"][1]["userAvatarUrl"], Value::Null);
        for (name, value) in before.as_object().expect("an object") {
            assert!(answer.get(name).is_some() && !value.is_null(), "{name}");
        }
    }

    #[test]
    fn a_life_without_a_token_keeps_its_one_name() {
        let mut due = json!({ "requiresTwoFactor": true, "expiresIn": 300 });
        spell(&mut due);
        assert_eq!(due, json!({ "requiresTwoFactor": true, "expiresIn": 300 }));
    }
}
