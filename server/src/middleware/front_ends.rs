//! Front ends on other origins of the same site (contract section 8). Both settings are empty by default, and then there
//! is no CORS at all and the session cookie belongs to this very host.
//!
//! Everything else knows the session cookie by its one name; where a domain shares it, it is renamed here on its way in
//! and out, since `__Host-` forbids a domain (RFC 6265bis section 4.1.3.2).

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use latchkey::flow::sign_in::SESSION_COOKIE;
use latchkey::handoff::Origin;

use super::is_api;
use crate::rest::cookies::CSRF_COOKIE;

/// The name of the session cookie where a domain shares it.
const SHARED_COOKIE: &str = "__Secure-latchkey";
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, x-2fa-token, x-api-key, x-business-id, x-csrf-token, x-device-token, x-organization-id, \
     x-requested-with, x-xsrf-token",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id, x-total-count",
);
/// How long a browser may remember what it was allowed, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// What is set about them.
pub struct FrontEnds {
    /// Origins that may call with credentials.
    pub trusted: Vec<Origin>,
    /// The domain that shares the session cookie.
    pub cookie_domain: Option<String>,
}

impl FrontEnds {
    /// The origin of a call to the API, when it is trusted.
    pub fn origin(&self, request: &Request) -> Option<HeaderValue> {
        let origin = request.headers().get(header::ORIGIN)?;
        let trusted = self.trusted.iter().any(|trusted| origin == trusted.as_str());
        (trusted && is_api(request.uri().path())).then(|| origin.clone())
    }

    /// Whether a request only asks what it may send (Fetch section 3.2.2).
    pub fn is_preflight(request: &Request) -> bool {
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// The answer to that.
    pub fn preflight() -> Response {
        let mut response = (StatusCode::NO_CONTENT, Body::empty()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
        response
    }

    /// Lets the pages of a trusted origin read an answer; nobody else's, and no cache confuses the two.
    pub fn allow(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        if self.trusted.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    /// Gives the shared cookie of a request the name that everything else knows; one that is not shared is not ours.
    pub fn read_cookies(&self, headers: &mut HeaderMap) {
        if self.cookie_domain.is_none() {
            return;
        }
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).map(str::trim);
        let named = |pair: &str| match pair.split_once('=') {
            Some((SESSION_COOKIE, _)) => None,
            Some((SHARED_COOKIE, value)) => Some(format!("{SESSION_COOKIE}={value}")),
            _ => Some(pair.to_owned()),
        };
        let cookies = pairs.filter_map(named).collect::<Vec<_>>().join("; ");
        headers.remove(header::COOKIE);
        if let (false, Ok(cookies)) = (cookies.is_empty(), HeaderValue::from_str(&cookies)) {
            headers.insert(header::COOKIE, cookies);
        }
    }

    /// Shares the session cookie and the readable CSRF token of an answer with the domain.
    pub fn write_cookies(&self, headers: &mut HeaderMap) {
        let Some(domain) = self.cookie_domain.as_deref() else { return };
        let lines: Vec<_> = headers.get_all(header::SET_COOKIE).iter().map(|line| shared(line, domain)).collect();
        set_all(headers, &header::SET_COOKIE, lines);
    }
}

fn shared(line: &HeaderValue, domain: &str) -> HeaderValue {
    let text = line.to_str().unwrap_or_default();
    let written = match text.split_once('=') {
        Some((SESSION_COOKIE, rest)) => format!("{SHARED_COOKIE}={rest}; Domain={domain}"),
        Some((CSRF_COOKIE, _)) => format!("{text}; Domain={domain}"),
        _ => return line.clone(),
    };
    HeaderValue::from_str(&written).unwrap_or_else(|_| line.clone())
}

fn set_all(headers: &mut HeaderMap, name: &HeaderName, values: Vec<HeaderValue>) {
    headers.remove(name);
    for value in values {
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sharing(domain: &str) -> FrontEnds {
        FrontEnds { trusted: Vec::new(), cookie_domain: Some(domain.to_owned()) }
    }

    #[test]
    fn a_shared_cookie_is_renamed_on_its_way_in_and_a_planted_one_is_dropped() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; __Host-latchkey=planted"));
        headers.append(header::COOKIE, HeaderValue::from_static("__Secure-latchkey=own; b"));
        sharing("example.org").read_cookies(&mut headers);
        let lines: Vec<_> = headers.get_all(header::COOKIE).iter().collect();
        assert_eq!(lines, ["a=1; __Host-latchkey=own; b"]);
    }

    #[test]
    fn only_session_and_csrf_token_are_shared() {
        let mut headers = HeaderMap::new();
        for line in ["__Host-latchkey=s; Path=/; Secure", "XSRF-TOKEN=t; Path=/", "__Host-latchkey-devices=d; Path=/"] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(line));
        }
        sharing("example.org").write_cookies(&mut headers);
        let lines: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(
            lines,
            [
                "__Secure-latchkey=s; Path=/; Secure; Domain=example.org",
                "XSRF-TOKEN=t; Path=/; Domain=example.org",
                "__Host-latchkey-devices=d; Path=/",
            ]
        );
    }

    #[test]
    fn without_a_domain_nothing_is_touched() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("__Secure-latchkey=x; __Host-latchkey=y"));
        let none = FrontEnds { trusted: Vec::new(), cookie_domain: None };
        none.read_cookies(&mut headers);
        assert_eq!(headers[header::COOKIE], "__Secure-latchkey=x; __Host-latchkey=y");
    }
}
