//! Where the caller stands in their limits, on every answer of the API (contract section 1).

use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use latchkey::{Error, Latchkey};

use super::Call;
use crate::rest::failure::{Failed, Failure};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Counts a call that counted against nothing yet (refused before anybody was asked, or a path or method that does not
/// exist) against the client's address, and writes the headers.
pub fn settle(latchkey: &Latchkey, call: &Call, response: &mut Response) {
    let refused = response.extensions().get::<Failed>().and_then(Failed::window);
    let window =
        refused.or_else(|| call.window()).unwrap_or_else(|| match latchkey.admit_visitor(call.visitor.address) {
            Ok(window) => window,
            Err(Error::RateLimited(window)) => {
                *response = Failure::from(Error::RateLimited(window)).into_response();
                window
            }
            Err(_) => {
                latchkey::limit::Window { limit: 0, remaining: 0, reset: 0, retry_after: std::time::Duration::ZERO }
            }
        });
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(window.limit));
    headers.insert(REMAINING, HeaderValue::from(window.remaining));
    headers.insert(RESET, HeaderValue::from(window.reset));
}
