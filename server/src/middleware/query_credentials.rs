//! Credentials do not belong into addresses: those end up in logs, histories and `Referer` (RFC 9700 section 4.3.2).

use axum::http::Uri;
use latchkey::Error;
use latchkey::error::Code;

use crate::rest::failure::Failure;

const NAMES: [&str; 13] = [
    "token",
    "access_token",
    "accesstoken",
    "refresh_token",
    "refreshtoken",
    "api_key",
    "apikey",
    "api-key",
    "x-api-key",
    "key",
    "authorization",
    "bearer",
    "password",
];

/// Refuses a query that carries a credential.
pub fn check(uri: &Uri) -> Result<(), Failure> {
    let Some(query) = uri.query() else { return Ok(()) };
    let carries = form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| NAMES.iter().any(|known| known.eq_ignore_ascii_case(&name)));
    if carries { Err(Failure::from(Error::Malformed(Code::TokenInQuery))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_query_are_found_however_they_are_spelled() {
        for bad in ["/v1/auth/me?token=x", "/v1/x?a=1&apiKey=y", "/v1/x?%61pi_key=z", "/v1/x?ACCESS_TOKEN"] {
            assert!(check(&bad.parse().expect("an address")).is_err(), "{bad}");
        }
        for good in ["/v1/auth/verify?scope=token", "/v1/api-keys?search=key&page=2", "/v1/auth/me"] {
            assert!(check(&good.parse().expect("an address")).is_ok(), "{good}");
        }
    }
}
