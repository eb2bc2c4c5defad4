//! Our cookies on the wire: the session, the long-lived name of a browser, and the secrets of trusted devices.

use axum::http::{HeaderMap, HeaderValue, header};
use latchkey::flow::gate::{DEVICES_COOKIE, DeviceTokens, DevicesCookie};
use latchkey::flow::sign_in::{SESSION_COOKIE as NAME, SessionCookie, VISITOR_COOKIE};

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

fn header_value(name: &str, value: &str, life: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}")).ok()
}
