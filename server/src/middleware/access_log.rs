//! One line a request; what may stand in it is said in [`crate::telemetry`].

use std::time::Duration;

use axum::http::{Method, StatusCode};

use super::Call;

/// What a line says besides who asked.
pub struct Line<'a> {
    /// The method.
    pub method: &'a Method,
    /// The route's template.
    pub template: &'a str,
    /// How it was answered.
    pub status: StatusCode,
    /// Why it was refused.
    pub code: Option<&'a str>,
    /// How long that took.
    pub took: Duration,
}

/// Writes it.
pub fn write(call: &Call, line: &Line<'_>) {
    if !tracing::enabled!(target: "latchkey::request", tracing::Level::INFO) {
        return;
    }
    let principal = call.principal().map(latchkey::Principal::name);
    tracing::info!(
        target: "latchkey::request",
        request_id = call.visitor.request_id,
        method = known(line.method),
        route = line.template,
        status = line.status.as_u16(),
        code = line.code,
        duration_us = u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX),
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
