//! Our cookies on the wire: the session, the long-lived name of a browser, and the secrets of trusted devices.

use axum::http::{HeaderMap, HeaderValue, header};
use latchkey::flow::gate::{DEVICES_COOKIE, DeviceTokens, DevicesCookie, HALF_COOKIE, SecondFactorDue};
use latchkey::flow::sign_in::{SESSION_COOKIE as NAME, SessionCookie, VISITOR_COOKIE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What Laravel's clients read the CSRF token from.
pub const CSRF_COOKIE: &str = "XSRF-TOKEN";
const YEAR: u64 = 365 * 24 * 60 * 60;

/// The secret of the session, in a request.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    value(headers, NAME)
}

/// What the browser is called, in a request. Our pages give it the name.
pub fn visitor(headers: &HeaderMap) -> Option<&str> {
    value(headers, VISITOR_COOKIE)
}

/// The secrets of trusted devices, in a request.
pub fn devices(headers: &HeaderMap) -> DeviceTokens<'_> {
    DeviceTokens::of_browser(value(headers, DEVICES_COOKIE))
}

fn value<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| value)
}

/// The header that gives the session to a browser.
pub fn set(cookie: &SessionCookie) -> Option<HeaderValue> {
    let life = cookie.max_age.map(|life| format!("; Max-Age={}", life.as_secs())).unwrap_or_default();
    header_value(NAME, cookie.value.reveal(), &life)
}

/// The header that gives a browser the secrets of its trusted devices.
pub fn set_devices(cookie: &DevicesCookie) -> Option<HeaderValue> {
    header_value(DEVICES_COOKIE, cookie.value.reveal(), &format!("; Max-Age={}", cookie.max_age.as_secs()))
}

/// The header that takes it away.
pub fn clear() -> Option<HeaderValue> {
    header_value(NAME, "", "; Max-Age=0")
}

/// The token of a half-done sign-in, in a request.
pub fn half(headers: &HeaderMap) -> Option<&str> {
    value(headers, HALF_COOKIE)
}

/// The header that keeps a half-done sign-in in a browser.
pub fn set_half(due: &SecondFactorDue) -> Option<HeaderValue> {
    header_value(HALF_COOKIE, due.token.reveal(), &format!("; Max-Age={}", due.life.as_secs()))
}

/// The header that takes it away.
pub fn clear_half() -> Option<HeaderValue> {
    header_value(HALF_COOKIE, "", "; Max-Age=0")
}

/// The header that gives a browser its name.
pub fn set_visitor(name: &str) -> Option<HeaderValue> {
    header_value(VISITOR_COOKIE, name, &format!("; Max-Age={YEAR}"))
}

/// The header that lets scripts read the CSRF token, as Laravel's clients do.
pub fn set_csrf(token: &str) -> Option<HeaderValue> {
    let encoded = utf8_percent_encode(token, NON_ALPHANUMERIC);
    HeaderValue::from_str(&format!("{CSRF_COOKIE}={encoded}; Path=/; Secure; SameSite=Lax")).ok()
}

fn header_value(name: &str, value: &str, life: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}")).ok()
}
