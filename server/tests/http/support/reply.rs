//! What came back, and claims about it.

use axum::body::to_bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    path: String,
    may_allow_origin: bool,
}

impl Reply {
    /// Reads an answer, and checks what holds of all of them.
    pub async fn read(path: &str, response: Response, may_allow_origin: bool) -> Self {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000_000).await.expect("a body");
        let body = String::from_utf8_lossy(&body).into_owned();
        let reply =
            Self { status: parts.status, headers: parts.headers, body, path: path.to_owned(), may_allow_origin };
        reply.check_what_always_holds();
        reply
    }

    fn check_what_always_holds(&self) {
        assert!(!self.status.is_server_error() || self.status == 503, "{self:?}");
        for name in ["x-request-id", "x-content-type-options", "x-frame-options", "permissions-policy", "cache-control"]
        {
            assert!(self.headers.contains_key(name), "no {name}: {self:?}");
        }
        assert!(self.header("content-security-policy").starts_with("default-src 'none'"), "{self:?}");
        let allows = self.headers.keys().any(|name| name.as_str().starts_with("access-control"));
        assert!(self.may_allow_origin || !allows, "{self:?}");
        if latchkey_server::middleware::is_api(self.path.split('?').next().unwrap_or_default()) {
            for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
                assert!(self.headers.contains_key(name), "no {name}: {self:?}");
            }
        }
    }

    #[track_caller]
    pub fn assert_status(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Refused with this status and code, in the one shape.
    #[track_caller]
    pub fn assert_refused(self, status: u16, code: &str) -> Self {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str().unwrap_or("none")), (status, code), "{self:?}");
        assert_eq!(body["statusCode"], status, "{self:?}");
        assert_eq!(body["requestId"].as_str(), Some(self.header("x-request-id")), "{self:?}");
        assert!(body["error"].is_string() && (body["message"].is_string() || body["message"].is_array()), "{self:?}");
        self
    }

    /// Refused with 400 and exactly these sentences.
    #[track_caller]
    pub fn assert_invalid(self, sentences: &[&str]) -> Self {
        let reply = self.assert_refused(400, "validation_failed");
        assert_eq!(reply.json()["message"], serde_json::json!(sentences), "{reply:?}");
        reply
    }

    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Every `Set-Cookie`.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect()
    }

    /// The cookies that were set, each by name with its value.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let set = self.set_cookies().into_iter();
        let pairs = set.filter_map(|line| line.split(';').next().and_then(|pair| pair.split_once('=')));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The session cookie that was set, as a browser sends it back.
    pub fn session_cookie(&self) -> Option<String> {
        let mut cookies = self.cookies().into_iter();
        let (name, value) = cookies.find(|(name, _)| name == "__Host-latchkey")?;
        (!value.is_empty()).then(|| format!("{name}={value}"))
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {:?}\n{}", self.status, self.path, self.headers, self.body)
    }
}
