//! The wire forms of other systems: each row of their documents, over the same core.

mod orgstack;
mod salesflow;
mod salesos;
mod synthesq;

use serde_json::Value;

/// The names of an object, in order.
fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// What every refused call says, and what one adds that waits for its second factor.
const REFUSAL: [&str; 5] = ["code", "error", "message", "requestId", "statusCode"];
const REFUSAL_WITH_STEP: [&str; 9] = [
    "code",
    "error",
    "expiresIn",
    "message",
    "methods",
    "requestId",
    "requiresTwoFactor",
    "statusCode",
    "twoFactorToken",
];
