//! Credentials do not belong into addresses: those end up in logs, histories and `Referer` (RFC 9700 section 4.3.2).
//! Mailed links have no other place to carry their token; it is good once, and for minutes.

use axum::http::{Method, Uri};
use latchkey::Error;
use latchkey::error::Code;

use crate::rest::failure::Failure;
use crate::rest::verification::HELD_BACK;

const NAMES: [&str; 15] = [
    "sf_token",
    "ticket",
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

/// Where mailed links lead on the API. Those to pages are not asked about.
const MAILED: [&str; 5] = [
    "/v1/auth/magic-link",
    "/api/auth/magic-link",
    "/v1/auth/verify-email",
    "/api/auth/verify-email",
    "/api/invitations/info",
];

/// Refuses a query that carries a credential, but for those of requests that a proxy holds back.
pub fn check(method: &Method, uri: &Uri) -> Result<(), Failure> {
    let Some(query) = uri.query().filter(|_| !uri.path().starts_with(HELD_BACK)) else { return Ok(()) };
    let mailed = matches!(*method, Method::GET | Method::HEAD) && MAILED.contains(&uri.path());
    let carries = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !mailed || name != "token")
        .any(|(name, _)| NAMES.iter().any(|known| known.eq_ignore_ascii_case(&name)));
    if carries { Err(Failure::from(Error::Malformed(Code::TokenInQuery))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(method: &Method, address: &str) -> bool {
        check(method, &address.parse().expect("an address")).is_err()
    }

    #[test]
    fn credentials_in_a_query_are_found_however_they_are_spelled() {
        for bad in [
            "/v1/auth/me?token=x",
            "/v1/x?a=1&apiKey=y",
            "/v1/x?%61pi_key=z",
            "/v1/x?ACCESS_TOKEN",
            "/auth/login?SF_Token={}",
            "/v1/auth/handoff?ticket=t",
        ] {
            assert!(is_refused(&Method::GET, bad), "{bad}");
        }
        for good in [
            "/v1/auth/verify?scope=token",
            "/v1/api-keys?search=key&page=2",
            "/v1/auth/me",
            "/v1/auth/forward/share?token=theirs",
        ] {
            assert!(!is_refused(&Method::GET, good), "{good}");
        }
    }

    #[test]
    fn a_mailed_token_may_stand_where_its_link_leads_and_nowhere_else() {
        for path in MAILED {
            let link = format!("{path}?token=x");
            assert!(!is_refused(&Method::GET, &link) && !is_refused(&Method::HEAD, &link), "{link}");
            assert!(is_refused(&Method::POST, &link), "{link}");
            assert!(is_refused(&Method::GET, &format!("{link}&access_token=y")), "{link}");
            assert!(is_refused(&Method::GET, &format!("{path}/?token=x")), "{link}");
        }
        assert!(is_refused(&Method::GET, "/v1/auth/reset-password?token=x"));
    }
}
