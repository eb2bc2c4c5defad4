//! The few shapes that answers have.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use latchkey::flow::page::Page;
use latchkey::flow::sign_in::SignedIn;
use serde::Serialize;
use utoipa::ToSchema;

use super::cookies;
use super::failure::Failure;

/// What a handler gives back.
pub type Answer<T> = Result<T, Failure>;

const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Something that was made. 201.
pub struct Created<T>(pub T);

/// A page of a list: an array, and `X-Total-Count`.
pub struct Listed<T>(pub Page<T>);

/// What succeeded without a body of its own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"success": true}))]
pub struct Success {
    /// Always true.
    pub success: bool,
}

impl Success {
    /// The answer.
    pub const fn json() -> Json<Self> {
        Json(Self { success: true })
    }
}

/// What succeeded with nothing but a sentence to say about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"success": true, "message": "You are signed out everywhere."}))]
pub struct MessageView {
    /// Always true.
    success: bool,
    /// For people.
    message: String,
}

impl MessageView {
    /// The answer.
    pub fn json(message: impl Into<String>) -> Json<Self> {
        Json(Self { success: true, message: message.into() })
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        ([(TOTAL, HeaderValue::from(self.0.total))], Json(self.0.items)).into_response()
    }
}

/// A sign-in answer, with the session cookie where a browser is to hold one.
pub fn signed_in(status: StatusCode, signed_in: &SignedIn) -> Response {
    with_cookie(signed_in, (status, Json(&signed_in.view)))
}

/// Any answer that comes with a session.
pub fn with_cookie(signed_in: &SignedIn, answer: impl IntoResponse) -> Response {
    let cookie = signed_in.cookie.as_ref().and_then(cookies::set);
    (AppendHeaders(cookie.map(|value| (header::SET_COOKIE, value))), answer).into_response()
}

/// `{success:true}`, and the session cookie is taken away.
pub fn signed_out() -> Response {
    (AppendHeaders(cookies::clear().map(|value| (header::SET_COOKIE, value))), Success::json()).into_response()
}
