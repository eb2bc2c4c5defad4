//! Pages, files and everything beside the API (C05, C06, C07, C14).

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::support::{App, Browser, PASSWORD, Person, Reply, on_both_engines};

const PAGES: [&str; 20] = [
    "/",
    "/login",
    "/login/two-factor",
    "/confirm",
    "/register",
    "/setup",
    "/magic-link",
    "/forgot-password",
    "/reset-password",
    "/verify-email",
    "/secure-account/x",
    "/auth/thirdPartySignIn",
    "/invite/x",
    "/landlord",
    "/settings/profile",
    "/settings/security",
    "/settings/audit",
    "/docs",
    "/docs/api-keys",
    "/nowhere",
];
const BESIDE: [&str; 11] = [
    "/robots.txt",
    "/favicon.ico",
    "/favicon.svg",
    "/icons.svg",
    "/pkg/latchkey.js",
    "/pkg/",
    "/.well-known/security.txt",
    "/.well-known/jwks.json",
    "/.well-known/change-password",
    "/healthz",
    "/openapi.json",
];

fn has_its_headers(place: &str, reply: &Reply) {
    let wanted = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ];
    for (name, value) in wanted {
        assert_eq!(reply.header(name), value, "{place}");
    }
    let policy = reply.header("content-security-policy");
    for part in ["default-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{place}: {policy}");
    }
    for loose in ["unsafe-inline", "unsafe-eval'", "*", "http:", "https:", "'unsafe-hashes'"] {
        assert!(!policy.replace("'wasm-unsafe-eval'", "").contains(loose), "{place}: {policy}");
    }
    if policy.contains("script-src") {
        assert!(policy.contains("script-src 'nonce-") && policy.contains("'strict-dynamic'"), "{place}: {policy}");
    }
    assert!(reply.header("permissions-policy").contains("camera=()"), "{place}");
    assert!(reply.body.is_empty() || !reply.header("content-type").is_empty(), "{place}: what is it? {reply:?}");
    for text in ["text/html", "text/plain"] {
        let kind = reply.header("content-type");
        assert!(!kind.starts_with(text) || kind.contains("charset=utf-8"), "{place}: {kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c05_every_answer_has_its_headers() {
    let app = App::on_sqlite(&["--public-url=https://auth.example.org", "--rate-limits=relaxed"]).await;
    let ada = app.register("ada").await;
    let cookie = ada
        .client
        .anonymous()
        .with_header("sec-fetch-site", "same-origin")
        .with_header("origin", "https://auth.example.org");
    let cookie =
        cookie.post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.session_cookie();
    let held = app.stranger().with_header("cookie", &cookie.expect("a cookie"));
    for operation in app.operations().await {
        for client in [&app.stranger(), &ada.client] {
            for method in [operation.method.as_str(), "GET", "PROPFIND", "OPTIONS", "TRACE"] {
                let answer = client.send(method, &operation.at("x"), None, Body::empty()).await;
                has_its_headers(&operation.name(), &answer);
            }
        }
    }
    for path in PAGES.into_iter().chain(BESIDE) {
        for client in [&app.stranger(), &held] {
            for method in ["GET", "HEAD", "POST", "DELETE"] {
                let client = client.with_header("accept", "text/html");
                has_its_headers(path, &client.send(method, path, None, Body::empty()).await);
            }
        }
    }
    has_its_headers("too large", &app.stranger().with_header("x-padding", &"a".repeat(17 * 1024)).get("/login").await);
    has_its_headers("a token", &app.stranger().get("/v1/auth/me?token=x").await);
}

const OUTWARD: [&str; 22] = [
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "https://evil.test/settings/api-keys",
    "http://localhost:3000@evil.test/",
    "/%2f%2fevil.test",
    "/%5cevil.test",
    "/\t/evil.test",
    "/\r\nLocation: https://evil.test",
    " //evil.test",
    "/user@evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "/fn/sign-out",
    "/login?next=//evil.test",
    "/..//evil.test",
    "/.//evil.test",
    "evil.test",
    "?//evil.test",
    "/\u{2044}evil.test",
];

/// Leads to a page of ours, on this very site.
#[track_caller]
fn leads_inward(place: &str, reply: &Reply) {
    let to = reply.header("location");
    assert!(!to.contains("evil") && to.starts_with('/') && !to.starts_with("//"), "{place}: {reply:?}");
    assert!(!reply.headers.contains_key("refresh"), "{place}: {reply:?}");
}

on_both_engines! {
    async fn c06_no_address_leads_out_of_the_house(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let mut browser = app.browser_of(&ada).await;
        let credentials = [("credentials[email]", ada.email.as_str()), ("credentials[password]", PASSWORD)];
        for next in OUTWARD {
            let query: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            for page in ["/login", "/register", "/login/two-factor", "/confirm", "/"] {
                for name in ["next", "redirect", "redirect_uri", "return_to", "url"] {
                    let answer = browser.get(&format!("{page}?{name}={query}")).await;
                    if answer.status.is_redirection() {
                        leads_inward(page, &answer);
                    }
                    for outward in ["href=\"//", "href=\"https:", "href=\"http:", "href=\"javascript:", "href=\"\\", "action=\"//", "action=\"http"] {
                        assert!(!answer.body.contains(outward), "{page} {next:?}: {outward}");
                    }
                }
            }
            let mut guest = Browser::new(&app.stranger());
            guest.get(&format!("/login?next={query}")).await.assert_status(200);
            let fields = [credentials[0], credentials[1], ("next", next)];
            leads_inward(next, &guest.post("/fn/sign-in", &fields).await.assert_status(303));
            guest.get("/settings/profile").await;
            leads_inward(next, &guest.post("/fn/show-again", &[("second[password]", PASSWORD), ("next", next)]).await.assert_status(303));
        }
        // A form that cannot be read leads back to where it stood, which is what the browser says and not to be believed.
        for referer in ["https://evil.test/login", "https://evil.test/", "//evil.test/login", "http://localhost:3000.evil.test/login"] {
            let lost = browser.sends().with_header("referer", referer).post_form("/fn/sign-in", "nonsense").await;
            leads_inward(referer, &lost.assert_status(303));
            let chosen = browser.sends().with_header("referer", referer).post_form("/fn/theme", "csrf=x&theme=dark").await;
            leads_inward(referer, &chosen.assert_status(303));
        }
        for host in ["evil.test", "localhost:3000.evil.test"] {
            let there = browser.sends().with_header("x-forwarded-host", host).with_header("host", host).with_header("forwarded", "host=evil.test;proto=https");
            for path in ["/", "/settings/profile", "/.well-known/change-password"] {
                let answer = there.get(path).await;
                assert!(!format!("{answer:?}").contains("evil"), "{path}: {answer:?}");
            }
        }
    }

    async fn c07_text_stays_text_on_pages_and_in_mails(app) with ["mailbox", "--rate-limits=relaxed"] {
        const EVIL: [&str; 5] = [
            "</script><script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "--><b>{{7*7}}</b>", "</title><h1>x",
        ];
        for (number, evil) in EVIL.iter().enumerate() {
            let email = format!("person{number}@example.org");
            let new = json!({"email": email, "password": PASSWORD, "name": evil, "company": evil});
            let strange = app.stranger().with_header("user-agent", &format!("Mozilla/5.0 {evil} Firefox/140.0"));
            let ada = Person::new(&strange, &strange.post("/v1/auth/register", new).await.assert_status(201).json());
            ada.post("/v1/api-keys", json!({"name": evil, "description": evil, "scopes": ["read"]})).await.assert_status(201);
            let lost = ada.makes_a_key(json!({"name": "Lost"})).await;
            ada.post(&format!("/v1/api-keys/{}/revoke", lost.id), json!({"reason": evil})).await.assert_status(200);
            ada.post(&format!("/v1/organizations/{}/invitations", ada.organization), json!({"email": "guest@example.org"})).await.assert_status(201);
            let mut browser = app.browser_of(&ada).await;
            for path in ["/settings/profile", "/settings/security", "/settings/organization", "/settings/audit", "/settings/api-keys", "/settings/api-keys?dialog=create"] {
                let page = browser.get(path).await.assert_status(200);
                assert!(!page.body.contains(evil), "{path} shows {evil} as markup");
            }
            let page = browser.get("/settings/profile").await.body;
            assert!(page.contains("&lt;") && !page.contains("<script>alert"), "{page}");
        }
        for mail in app.mails().await {
            for sign in ["<script", "<img src=x", "<svg", "<b>{{", "<h1>x"] {
                assert!(!mail.html.contains(sign), "{}: {}", mail.subject, mail.html);
            }
        }
    }

    async fn c14_what_is_nobodys_business_is_not_there(app) with ["--rate-limits=relaxed"] {
        let (stranger, reader) = (app.stranger(), app.stranger().with_header("accept", "text/html"));
        for path in [
            "/.git/config", "/.git/HEAD", "/.env", "/.svn/entries", "/.DS_Store", "/metrics", "/debug", "/debug/pprof", "/actuator", "/server-status", "/phpinfo.php",
            "/admin", "/console", "/swagger", "/graphql", "/backup.sql", "/latchkey.db", "/latchkey.toml", "/latchkey-data/master.key", "/master.key", "/Cargo.toml",
            "/src/main.rs", "/target", "/pkg/", "/pkg", "/fn/", "/fn", "/dev/mailbox", "/index.html.bak", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/robots.txt~",
        ] {
            for client in [&stranger, &reader] {
                let answer = client.get(path).await.assert_status(404);
                assert!(!answer.body.contains("root:") && !answer.body.contains("Index of"), "{answer:?}");
            }
        }
        for path in ["/v1/auth/me", "/login", "/healthz", "/fn/sign-in", "/nowhere"] {
            for method in ["TRACE", "TRACK", "CONNECT", "DEBUG"] {
                let request = Request::builder().method(method).uri(path).header("x-secret", "echo-me").body(Body::empty()).expect("a request");
                let answer = stranger.ask(request).await;
                assert!([404, 405].contains(&answer.status.as_u16()) && !answer.body.contains("echo-me"), "{method} {path}: {answer:?}");
            }
        }
        let version = env!("CARGO_PKG_VERSION");
        for path in ["/v1/auth/me", "/login", "/healthz", "/readyz", "/whoami", "/nowhere", "/v1/nowhere", "/robots.txt"] {
            let answer = reader.get(path).await;
            for name in ["server", "x-powered-by", "via", "x-aspnet-version", "x-runtime"] {
                assert!(!answer.headers.contains_key(name), "{path}: {answer:?}");
            }
            assert!(!answer.body.contains(version) && !answer.body.to_lowercase().contains("axum"), "{path}: {answer:?}");
        }
    }
}
