//! What is too large goes no further: heads over 16 KiB (431), bodies over 64 KiB (413).

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::Limited;
use latchkey::Error;
use latchkey::error::Code;

use crate::rest::failure::Failure;

/// Longest body.
pub const LARGEST_BODY: usize = 64 * 1024;
const LARGEST_HEAD: usize = 16 * 1024;

/// Refuses what says that it is too large, and bounds what does not say.
pub fn check(request: &mut Request) -> Result<(), Failure> {
    let head: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if head + request.uri().path().len() + request.uri().query().map_or(0, str::len) > LARGEST_HEAD {
        return Err(Failure::from(Error::Malformed(Code::HeadersTooLarge)));
    }
    match content_length(request.headers()) {
        Some(length) if length > LARGEST_BODY as u64 => Err(Failure::from(Error::Malformed(Code::PayloadTooLarge))),
        Some(_) => Ok(()),
        None if !request.headers().contains_key(header::TRANSFER_ENCODING) => Ok(()),
        None => {
            let body = std::mem::take(request.body_mut());
            *request.body_mut() = Body::new(Limited::new(body, LARGEST_BODY));
            Ok(())
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
