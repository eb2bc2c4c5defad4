//! Failures on the wire: the core says the status, and there is one shape for all bodies (contract section 1).
//!
//! A handler returns [`Failure`]; the edge, which knows the request, writes the body.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use latchkey::Error;
use latchkey::error::Code;
use latchkey::field::FieldError;
use latchkey::flow::gate::{SecondFactorDue, SecondFactorDueView};
use latchkey::limit::Window;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::Dialect;
use crate::dialects::synthesq::refusal::{self, RefusalView};
use crate::middleware::Call;
use crate::telemetry::causes;

/// Why a call was refused.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    /// What a client needs that is to come again with its second factor.
    due: Option<SecondFactorDueView>,
}

/// The same inside an answer that has no body yet.
#[derive(Clone)]
pub struct Failed(Arc<Failure>);

/// The body of every refusal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorView<'a> {
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status_code: u16,
    /// The status in words.
    pub error: &'a str,
    /// What went wrong, for people: a sentence, or one for each field that is wrong.
    pub message: Message,
    /// What went wrong, for programs.
    pub code: &'a str,
    /// The request's name in the log, to be quoted when asking for help.
    pub request_id: &'a str,
    /// With `two_factor_required`: what the second step takes.
    #[serde(flatten)]
    #[schema(ignore)]
    pub second_factor: Option<&'a SecondFactorDueView>,
}

/// A sentence, or several.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Message {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, due: None }
    }
}

impl Failure {
    /// For clients that know no second step: they say the code along with the password, or go on with the token.
    pub fn second_factor_due(due: &SecondFactorDue) -> Self {
        Self { error: Error::Unauthenticated(Code::TwoFactorRequired), due: Some(due.view()) }
    }

    /// Whether it is about a credential that is good no longer, or a cookie that no form of ours came with.
    pub fn is_stale(&self) -> bool {
        matches!(self.error, Error::Unauthenticated(_) | Error::Forbidden(Code::CsrfFailed))
    }

    /// What the core said.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = status(&self.error).into_response();
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(Arc::new(error.into()))
    }
}

fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl Failed {
    /// The stable name of what went wrong.
    pub fn code(&self) -> Code {
        self.0.error.code()
    }

    /// The limit that was hit.
    pub fn window(&self) -> Option<Window> {
        match self.0.error {
            Error::RateLimited(window) => Some(window),
            _ => None,
        }
    }

    /// Writes body and headers, and logs a fault of ours with its causes: the one place that does.
    pub fn write(&self, call: &Call, dialect: Dialect, response: &mut Response) {
        let error = &self.0.error;
        let (status, body) = self.body(call, dialect);
        if matches!(error, Error::Internal(_) | Error::Unavailable(_)) {
            let request_id = call.visitor.request_id.as_str();
            tracing::error!(
                request_id,
                causes = causes(error),
                status = status.as_u16(),
                "a request could not be answered"
            );
        }
        *response.status_mut() = status;
        *response.body_mut() = Body::from(body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.remove(header::CONTENT_LENGTH);
        if let Some(wait) = error.retry_after() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(challenge) = challenge(error, call.has_presented()).filter(|_| status != StatusCode::LOCKED) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
    }
}

impl Failed {
    fn body(&self, call: &Call, dialect: Dialect) -> (StatusCode, Vec<u8>) {
        let Failure { error, due } = self.0.as_ref();
        if dialect == Dialect::SynthesQ {
            let view = RefusalView::new(error, due.as_ref());
            return (refusal::status(error), serde_json::to_vec(&view).unwrap_or_default());
        }
        let status = status(error);
        let view = ErrorView {
            status_code: status.as_u16(),
            error: status.canonical_reason().unwrap_or("Error"),
            message: message(error, dialect),
            code: error.code().as_str(),
            request_id: &call.visitor.request_id,
            second_factor: due.as_ref(),
        };
        (status, serde_json::to_vec(&view).unwrap_or_default())
    }
}

/// RFC 6750 section 3: `error=` only where a credential was sent.
fn challenge(error: &Error, presented: bool) -> Option<&'static str> {
    match error {
        Error::Unauthenticated(_) if presented => Some(r#"Bearer realm="latchkey", error="invalid_token""#),
        Error::Unauthenticated(_) => Some(r#"Bearer realm="latchkey""#),
        Error::Forbidden(Code::InsufficientScope) => Some(r#"Bearer realm="latchkey", error="insufficient_scope""#),
        _ => None,
    }
}

fn message(error: &Error, dialect: Dialect) -> Message {
    match error {
        Error::Invalid(errors) => Message::Several(errors.iter().map(FieldError::sentence).collect()),
        Error::Shape(sentences) => Message::Several(sentences.clone()),
        other => Message::One(dialect.message(other)),
    }
}
