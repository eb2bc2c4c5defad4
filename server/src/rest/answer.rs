//! The few shapes that answers have.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use latchkey::flow::enrol::Renewed;
use latchkey::flow::gate::{DevicesCookie, Entered, SecondFactorDueView};
use latchkey::flow::page::Page;
use latchkey::flow::sign_in::{SessionCookie, SignInView, SignedIn};
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

/// What a first factor gives: a session, or the second step.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes the answer; the parts are written as they are")]
pub enum EnteredView {
    /// Signed in.
    SignedIn(Box<SignInView>),
    /// A second factor is due.
    SecondFactorDue(SecondFactorDueView),
}

/// The answer to a first factor.
pub fn entered(entered: &Entered) -> Response {
    match entered {
        Entered::SignedIn(session) => signed_in(StatusCode::OK, session),
        Entered::SecondFactorDue(due) => Json(due.view()).into_response(),
    }
}

/// Any answer that comes with a session.
pub fn with_cookie(signed_in: &SignedIn, answer: impl IntoResponse) -> Response {
    let devices = with_devices(signed_in.devices.as_ref(), answer);
    with_session(signed_in.cookie.as_ref(), devices)
}

/// Any answer of a session that goes on with what is new in here.
pub fn renewed(renewed: &Renewed, answer: impl IntoResponse) -> Response {
    with_session(renewed.cookie.as_ref(), answer)
}

/// Any answer with the secrets of a browser's trusted devices, when they have changed.
pub fn with_devices(cookie: Option<&DevicesCookie>, answer: impl IntoResponse) -> Response {
    let cookie = cookie.and_then(cookies::set_devices);
    (AppendHeaders(cookie.map(|value| (header::SET_COOKIE, value))), answer).into_response()
}

fn with_session(cookie: Option<&SessionCookie>, answer: impl IntoResponse) -> Response {
    let cookie = cookie.and_then(cookies::set);
    (AppendHeaders(cookie.map(|value| (header::SET_COOKIE, value))), answer).into_response()
}

/// `{success:true}`, and the session cookie is taken away.
pub fn signed_out() -> Response {
    (AppendHeaders(cookies::clear().map(|value| (header::SET_COOKIE, value))), Success::json()).into_response()
}
