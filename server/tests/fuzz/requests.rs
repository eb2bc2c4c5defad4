//! Whole requests, through the router.

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode};
use bolero::generator::bolero_generator::produce;
use leptos::server_fn::axum::server_fn_paths;
use serde_json::json;
use tokio::runtime::Runtime;
use url::Url;

use crate::draw::{self, Pick, bytes, fuzz, hold, pick};
use crate::support::{App, Browser, Client, Operation, Person, Reply, form};

/// A server, and somebody who is known to it.
struct Stage {
    runtime: Runtime,
    app: App,
    ada: Person,
    operations: Vec<Operation>,
}

impl Stage {
    fn set() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (app, ada, operations) = runtime.block_on(async {
            let app = App::on_sqlite(&["--rate-limits=relaxed"]).await;
            let ada = app.register("ada").await;
            let operations = app.operations().await;
            (app, ada, operations)
        });
        Self { runtime, app, ada, operations }
    }

    /// Those who ask: nobody, a person, a program, and a person in a browser with the proof of their page.
    fn askers(&self) -> Vec<Client> {
        self.runtime.block_on(async {
            let strong = json!({"name": "Prober", "scopes": ["admin"], "rateLimit": 1_000_000_000});
            let key = self.ada.makes_a_key(strong).await;
            let other = self.ada.signs_in_again().await;
            let browser = self.ada.in_a_browser().await;
            let csrf =
                browser.get("/v1/auth/csrf-token").await.json()["csrfToken"].as_str().expect("a token").to_owned();
            let browser = browser.with_header("x-csrf-token", &csrf);
            vec![self.app.stranger(), self.ada.with_key(&key.secret), other.client.clone(), browser]
        })
    }

    fn ask(&self, client: &Client, request: Request<Body>) -> Reply {
        self.runtime.block_on(client.ask(request))
    }
}

/// A request with what `client` always sends.
fn request(client: &Client, method: &str, address: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(address);
    client.headers().iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// That it is no fault of ours is checked of every reply; a refusal of the API has its form.
fn is_plain(reply: &Reply, place: &str) {
    assert_ne!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{place}: {reply:?}");
    let is_api = latchkey_server::middleware::is_api(
        place.split_once(' ').map_or(place, |(_, path)| path).split('?').next().unwrap_or_default(),
    );
    if is_api && reply.status.is_client_error() && !place.starts_with("HEAD") {
        assert!(reply.json()["message"].is_string() || reply.json()["message"].is_array(), "{place}: {reply:?}");
    }
}

#[test]
fn bodies_of_every_operation() {
    let stage = Stage::set();
    let askers = stage.askers();
    // Whoever signs out is nobody afterwards, and the rest would be asked by nobody.
    let ends = |operation: &&Operation| operation.path.contains("logout") || operation.path.contains("self/revoke");
    let taking: Vec<_> =
        stage.operations.iter().filter(|operation| !operation.kinds.is_empty() && !ends(operation)).collect();
    let examples: Vec<String> = taking.iter().map(|operation| operation.example.to_string()).collect();
    let mut seeds: Vec<&str> = examples.iter().map(String::as_str).collect();
    seeds.extend([
        "{",
        "[]",
        "null",
        "{\"a\":{\"a\":{}}}",
        "{\"name\":\"\\ud800\"}",
        "token=x&token=y",
        "a[b]=c&a[b][]=d",
        "\u{feff}{}",
    ]);
    let kinds = [
        "application/json",
        "application/json; charset=utf-8",
        "application/x-www-form-urlencoded",
        "application/problem+json",
        "text/plain",
        "*/*",
        "",
    ];
    let drawn = (pick(), pick(), pick(), bytes(&seeds), produce::<bool>());
    hold!(drawn, |(operation, asker, kind, body, own): &(Pick, Pick, Pick, Vec<u8>, bool)| {
        let operation = operation.get(&taking);
        // Half of the time what goes wrong goes wrong with a body that is meant for this very operation.
        let body = if *own { damaged(&operation.example.to_string(), body) } else { body.clone() };
        let client = asker.get(&askers);
        let sent = request(client, &operation.method, &operation.at("x")).header("content-type", *kind.get(&kinds));
        let reply = stage.ask(client, sent.body(Body::from(body)).expect("a request"));
        is_plain(&reply, &operation.name());
        assert!(operation.is_synthesq() || reply.status != 419);
    });
}

/// A text with `bytes` in the middle of one of its values.
fn damaged(text: &str, bytes: &[u8]) -> Vec<u8> {
    let at = text.rfind(['"', ':', '{']).map_or(0, |at| at.min(bytes.len() * 7 % text.len().max(1)));
    let bytes = &bytes[..bytes.len().min(40)];
    [&text.as_bytes()[..at], bytes, &text.as_bytes()[at..]].concat()
}

#[test]
fn forms_of_every_page() {
    let stage = Stage::set();
    let mut browser = Browser::new(&stage.app.stranger());
    stage.runtime.block_on(browser.get("/login"));
    let client = browser.scripts();
    let paths: Vec<_> = server_fn_paths().filter(|(_, method)| *method == "POST").map(|(path, _)| path).collect();
    let whole = form(
        &browser.csrf,
        &[("credentials[email]", "x@example.org"), ("credentials[password]", "x"), ("next", "/settings/profile")],
    );
    let key = form(
        &browser.csrf,
        &[("key[name]", "x"), ("key[scopes][]", "read"), ("key", "x"), ("member", "x"), ("token", "x")],
    );
    let seeds = [
        whole.as_str(),
        &key,
        "csrf=x",
        "csrf=x&csrf=y",
        "a[b]=1&a[b][c]=2",
        "a[][][]=1",
        "%",
        "csrf=%00",
        "a[",
        "]=x",
        "&&&",
        "{}",
    ];
    let kinds =
        ["application/x-www-form-urlencoded", "application/json", "text/plain", "multipart/form-data; boundary=x", ""];
    let drawn = (pick(), pick(), bytes(&seeds));
    hold!(drawn, |(path, kind, body): &(Pick, Pick, Vec<u8>)| {
        let path = path.get(&paths);
        let sent = request(&client, "POST", path).header("content-type", *kind.get(&kinds));
        let reply = stage.ask(&client, sent.body(Body::from(body.clone())).expect("a request"));
        assert!(!reply.status.is_server_error() && reply.session_cookie().is_none(), "{path}: {reply:?}");
        assert!(!reply.header("location").contains("//"), "{path}: {reply:?}");
    });
}

#[test]
fn paths_and_queries() {
    let stage = Stage::set();
    let askers = stage.askers();
    let page = stage.runtime.block_on(stage.app.browser_of(&stage.ada)).sends();
    let addresses: Vec<String> =
        stage.operations.iter().map(|operation| operation.at(&stage.ada.organization)).collect();
    let mut seeds: Vec<&str> = addresses.iter().map(String::as_str).collect();
    seeds.extend([
        "/v1/api-keys?status=ACTIVE&limit=100&page=2&sortBy=name",
        "/v1/audit-events?from=2026-01-01T00:00:00Z&format=csv",
        "/login?next=/settings/profile",
        "/magic-link?token=x",
        "/settings/api-keys?dialog=rotate&key=x",
        "/settings/audit?page=2&actor=x",
        "/auth/thirdPartySignIn?SF_Token=%7B%7D",
        "/invite/x",
        "/%ff",
        "/pkg/../x",
        "/v1//auth",
        "/robots.txt?v=x",
    ]);
    let methods = ["GET", "HEAD", "GET", "OPTIONS", "PATCH", "PROPFIND"];
    let drawn = (pick(), pick(), bytes(&seeds));
    hold!(drawn, |(method, asker, address): &(Pick, Pick, Vec<u8>)| {
        let address = String::from_utf8_lossy(address).into_owned();
        if !address.starts_with('/') || address.parse::<axum::http::Uri>().is_err() {
            return;
        }
        let (method, client) = (method.get(&methods), if asker.index(5) == 4 { &page } else { asker.get(&askers) });
        let reply = stage.ask(client, request(client, method, &address).body(Body::empty()).expect("a request"));
        is_plain(&reply, &format!("{method} {address}"));
        let to = reply.header("location");
        assert!(to.is_empty() || (to.starts_with('/') && !to.starts_with("//")), "{address}: {reply:?}");
    });
}

#[test]
fn return_addresses() {
    let stage = Stage::set();
    let client = stage.runtime.block_on(stage.app.browser_of(&stage.ada)).sends();
    let seeds = [
        "/settings/api-keys?dialog=create&key=key_1",
        "/",
        "//evil.test",
        "/\\evil.test",
        "/a/../b",
        "/login?next=/",
        "/settings/./profile",
        "/fn/sign-out",
        "/magic-link?token=x",
        "/secure-account/abc",
        "/..//evil.test",
        "/a~b/c.d?x=%2F#y",
        "https://evil.test",
    ];
    let here = Url::parse("https://login.example.org/login").expect("an address");
    fuzz!(&seeds, |next| {
        let encoded: String = form_urlencoded::byte_serialize(next).collect();
        let address = format!("/login?next={encoded}");
        let reply = stage.ask(&client, request(&client, "GET", &address).body(Body::empty()).expect("a request"));
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{reply:?}");
        let to = reply.header("location");
        assert!(to.as_bytes() == next || to == "/settings/api-keys", "{to}");
        let there = here.join(to).expect("an address");
        assert_eq!(there.origin(), here.origin(), "{to}");
        // A browser goes where it was looked at, and that is no door.
        assert_eq!(there.path(), to.split(['?', '#']).next().expect("a path"));
        assert!(!there.path().starts_with("/fn/"), "{to}");
        for door in ["/login", "/magic-link", "/reset-password", "/secure-account", "/auth/thirdPartySignIn"] {
            assert!(there.path() != door && !there.path().starts_with(&format!("{door}/")), "{to}");
        }
    });
}

/// Every header that something of ours reads.
const READ: [&str; 27] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "access-control-request-method",
    "authorization",
    "content-encoding",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "if-none-match",
    "origin",
    "range",
    "referer",
    "sec-fetch-dest",
    "sec-fetch-site",
    "user-agent",
    "x-2fa-token",
    "x-api-key",
    "x-business-id",
    "x-csrf-token",
    "x-device-token",
    "x-forwarded-for",
    "x-forwarded-method",
    "x-organization-id",
    "x-original-method",
    "x-xsrf-token",
];

#[test]
fn headers() {
    let stage = Stage::set();
    let person = stage.ada.client.clone();
    let bearer = format!("Bearer {}", stage.ada.tokens.access);
    let seeds = [
        bearer.as_str(),
        "Basic YTpi",
        "lk_live_AbCd0123_0123456789012345678901234567890123456789",
        "__Host-latchkey=x; XSRF-TOKEN=y",
        "org_01kbk3x5g0r8m4t2v6w9y1z3b5",
        "text/html, */*;q=0.1",
        "gzip, br;q=0.5, *;q=0",
        "bytes=0-10,5-",
        "\"0123456789abcdef\", W/\"x\", *",
        "http://localhost:3000",
        "null",
        "cross-site",
        "203.0.113.9, 10.0.0.1",
        "DELETE",
        "for=\"[::1]\";proto=https",
        "Mozilla/5.0 (iPhone) Safari/604.1",
    ];
    let places = [
        ("GET", "/v1/auth/me"),
        ("GET", "/v1/auth/forward"),
        ("POST", "/v1/auth/login"),
        ("GET", "/login"),
        ("GET", "/settings/profile"),
        ("GET", "/robots.txt"),
        ("GET", "/whoami"),
        ("POST", "/v1/auth/update-profile"),
        ("GET", "/sanctum/csrf-cookie"),
        ("POST", "/api/v1/auth/login"),
        ("POST", "/fn/sign-in"),
        ("GET", "/v1/auth/magic-link?token=x"),
        ("OPTIONS", "/v1/auth/me"),
    ];
    let drawn = (pick(), pick(), bytes(&seeds), produce::<bool>());
    hold!(drawn, |(name, place, value, known): &(Pick, Pick, Vec<u8>, bool)| {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        let (name, (method, path)) = (*name.get(&READ), *place.get(&places));
        let client = if *known && name != "authorization" { &person } else { &person.anonymous() };
        let sent = request(&client.without_header(name), method, path).header(name, value).body(Body::empty());
        let reply = stage.ask(client, sent.expect("a request"));
        is_plain(&reply, &format!("{method} {path}"));
        if *known && path == "/v1/auth/me" && method == "GET" && name.starts_with("sec-") {
            assert_eq!(reply.status, StatusCode::OK, "{name}: {reply:?}");
        }
        assert!(reply.session_cookie().is_none(), "{name}: {reply:?}");
    });
    stage.runtime.block_on(person.get("/v1/auth/me")).assert_status(200);
}

#[test]
fn files() {
    let stage = Stage::set();
    let client = stage.app.stranger();
    let page = stage.runtime.block_on(client.with_header("accept", "text/html").get("/login")).body;
    let named =
        page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).filter(|path| path.contains('.'));
    let paths: Vec<String> = named.map(str::to_owned).chain(["/robots.txt".to_owned()]).collect();
    let plain: Vec<Reply> = paths.iter().map(|path| stage.runtime.block_on(client.get(path))).collect();
    let seeds = [
        "gzip, deflate, br",
        "br;q=0",
        "identity;q=0, *;q=0",
        "gzip;q=1e9",
        "\"0123456789abcdef\"",
        "W/\"x\"",
        "*",
        "bytes=0-1",
        "bytes=-",
        "br;q=0.0;q=1",
        ";;,,",
    ];
    let drawn = (pick(), pick(), bytes(&seeds));
    hold!(drawn, |(path, name, value): &(Pick, Pick, Vec<u8>)| {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        let at = path.index(paths.len());
        let name = *name.get(&["accept-encoding", "if-none-match", "range", "if-range", "if-modified-since"]);
        let sent = request(&client, "GET", &paths[at]).header(name, &value).body(Body::empty());
        let (reply, plain) = (stage.ask(&client, sent.expect("a request")), &plain[at]);
        let encoding = reply.header("content-encoding");
        let asked = value.to_str().is_ok_and(|value| value.to_ascii_lowercase().contains(encoding));
        if reply.status == StatusCode::NOT_MODIFIED {
            assert!(name == "if-none-match" && value == plain.header("etag") && reply.body.is_empty(), "{reply:?}");
        } else {
            assert_eq!(reply.status, plain.status, "{}: {name}: {value:?}", paths[at]);
            // Before a first build there are no files, and the answer that says so has an id of its own.
            let same = plain.status != StatusCode::OK || reply.body == plain.body;
            let encoded = name == "accept-encoding" && asked;
            assert!(if encoding.is_empty() { same } else { encoded }, "{name}: {value:?}");
        }
    });
}
