//! Somebody who sends requests.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use latchkey_server::listener::Peer;
use serde_json::Value;
use tower::ServiceExt as _;

use super::Reply;

/// What our own pages are served from in tests.
pub const ORIGIN: &str = "http://localhost:3000";

/// Somebody who sends requests, each with the same headers and from the same address. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    router: axum::Router,
    address: IpAddr,
    headers: Vec<(String, String)>,
    is_trusted: bool,
}

impl Client {
    pub fn new(router: axum::Router, address: IpAddr) -> Self {
        Self { router, address, headers: vec![("user-agent".to_owned(), "tests/1".to_owned())], is_trusted: false }
    }

    /// The same with a header more, in place of one of the same name.
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut other = self.without_header(name);
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    /// A page of a trusted origin: its answers may have headers of CORS.
    pub fn allowing_cors(&self) -> Self {
        Self { is_trusted: true, ..self.clone() }
    }

    /// The same headers as another, from here.
    pub fn with_headers_of(&self, other: &Self) -> Self {
        Self { headers: other.headers.clone(), ..self.clone() }
    }

    pub fn without_header(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(known, _)| known != name);
        other
    }

    /// What it sends under a name.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All that it sends.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    pub fn with_bearer(&self, token: &str) -> Self {
        self.with_header("authorization", &format!("Bearer {token}"))
    }

    pub fn with_key(&self, key: &str) -> Self {
        self.anonymous().with_header("x-api-key", key)
    }

    /// The same machine without any credential.
    pub fn anonymous(&self) -> Self {
        self.without_header("authorization").without_header("x-api-key").without_header("cookie")
    }

    pub fn at_address(&self, address: &str) -> Self {
        Self { address: address.parse().expect("an address"), ..self.clone() }
    }

    /// A script on one of our own pages.
    pub fn same_origin(&self) -> Self {
        self.with_header("origin", ORIGIN).with_header("sec-fetch-site", "same-origin")
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None, Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.json("POST", path, &body).await
    }

    /// A POST without a body.
    pub async fn post_nothing(&self, path: &str) -> Reply {
        self.send("POST", path, None, Body::empty()).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.json("PATCH", path, &body).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, None, Body::empty()).await
    }

    pub async fn json(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(method, path, Some("application/json"), Body::from(body.to_string())).await
    }

    /// A POST of a form.
    pub async fn post_form(&self, path: &str, form: &str) -> Reply {
        self.send("POST", path, Some("application/x-www-form-urlencoded"), Body::from(form.to_owned())).await
    }

    pub async fn send(&self, method: &str, path: &str, kind: Option<&str>, body: Body) -> Reply {
        let method: Method = method.parse().expect("a method");
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
        }
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        self.ask(request.body(body).expect("a request")).await
    }

    /// Sends a request as it is, from the same address.
    pub async fn ask(&self, mut request: Request<Body>) -> Reply {
        let path = request.uri().to_string();
        request.extensions_mut().insert(Peer(SocketAddr::new(self.address, 40_000)));
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        Reply::read(&path, response, self.is_trusted).await
    }
}
