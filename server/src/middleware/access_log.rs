//! One line a request; what may stand in it is said in [`crate::telemetry`].

use std::time::Duration;

use axum::http::{Method, StatusCode};

use super::Call;

/// Writes it.
pub fn write(call: &Call, method: &Method, template: &str, status: StatusCode, took: Duration) {
    if !tracing::enabled!(target: "latchkey::request", tracing::Level::INFO) {
        return;
    }
    let principal = call.principal().map(latchkey::Principal::name);
    tracing::info!(
        target: "latchkey::request",
        request_id = call.visitor.request_id,
        method = known(method),
        route = template,
        status = status.as_u16(),
        duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        client = %call.visitor.address,
        principal,
        "answered"
    );
}

/// A method of one's own making is a text of the client's, and has no place in a log.
fn known(method: &Method) -> &str {
    match method.as_str() {
        name @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE" | "CONNECT") => name,
        _ => "other",
    }
}
