//! Changes that a page of another site might ask a browser for (C01 to C04).

use axum::body::Body;
use leptos::server_fn::axum::server_fn_paths;
use serde_json::json;

use super::standing;
use crate::support::{App, Browser, Client, ORIGIN, Person, Reply, form, on_both_engines};

const FOREIGN: [&str; 8] = [
    "https://evil.test",
    "null",
    "",
    "http://localhost:3000.evil.test",
    "http://site.localhost:3000",
    "http://evil-localhost:3000",
    "https://localhost:3000",
    "http://localhost:30001",
];

/// Where a page that waits for a mail asks how it stands.
const READS: &str = "/fn/look-for-link";

/// The same browser on a page that is not ours.
fn elsewhere(browser: &Client) -> Vec<Client> {
    let origins = FOREIGN.map(|origin| browser.with_header("origin", origin));
    let sites = ["cross-site", "same-site", "nonsense"].map(|site| browser.with_header("sec-fetch-site", site));
    origins.into_iter().chain(sites).collect()
}

/// Somebody in a browser, and what proves that a change comes from their page.
struct Victim {
    browser: Client,
    proof: String,
    wrong: Vec<String>,
}

async fn victim(app: &App, person: &Person, other: &Person) -> Victim {
    let proof_of = async |client: &Client| {
        client.get("/v1/auth/csrf-token").await.json()["csrfToken"].as_str().expect("a token").to_owned()
    };
    let mut visitor = Browser::new(&app.stranger());
    visitor.get("/login").await.assert_status(200);
    let browser = person.in_a_browser().await;
    let proof = proof_of(&browser).await;
    let altered = format!("{}{}", &proof[..proof.len() - 1], if proof.ends_with('A') { 'B' } else { 'A' });
    let wrong = vec![
        String::new(),
        "nonsense".to_owned(),
        altered,
        proof.to_uppercase(),
        format!("{proof} x"),
        proof_of(&person.in_a_browser().await).await,
        proof_of(&other.in_a_browser().await).await,
        visitor.csrf.clone(),
    ];
    Victim { browser, proof, wrong }
}

impl Victim {
    fn with_proof(&self) -> Client {
        self.browser.with_header("x-csrf-token", &self.proof)
    }

    /// The same with every proof that is none, and from every page that is not ours.
    fn attacks(&self) -> Vec<Client> {
        let mut attacks = elsewhere(&self.with_proof());
        attacks.extend(self.wrong.iter().map(|wrong| self.browser.with_header("x-csrf-token", wrong)));
        attacks.extend(self.wrong.iter().map(|wrong| self.browser.with_header("x-xsrf-token", wrong)));
        let nameless = self.with_proof().without_header("origin");
        attacks.push(nameless.with_header("referer", "https://evil.test/http://localhost:3000/"));
        attacks.push(nameless);
        attacks.push(self.browser.clone());
        attacks.push(self.browser.with_header("cookie", &self.jar_with("XSRF-TOKEN")));
        attacks.push(self.browser.with_header("cookie", &self.jar_with("X-CSRF-Token")));
        attacks
    }

    fn jar_with(&self, name: &str) -> String {
        format!("{}; {name}={}", self.browser.header("cookie"), self.proof)
    }
}

/// What the forms of our pages are filled in with.
const FIELDS: [(&str, &str); 21] = [
    ("member", "x"),
    ("invitation", "x"),
    ("session", "x"),
    ("device", "x"),
    ("tenant", "x"),
    ("token", "x"),
    ("theme", "dark"),
    ("organization", "x"),
    ("rotate[overlapSeconds]", "0"),
    ("revoke[reason]", ""),
    ("profile[name]", "Mallory"),
    ("address[email]", "x@example.org"),
    ("proof[code]", "1"),
    ("passwords[currentPassword]", "x"),
    ("account[name]", "x"),
    ("landlord[name]", "x"),
    ("reset[newPassword]", "x"),
    ("credentials[email]", "x"),
    ("second[code]", "1"),
    ("mail[email]", "x"),
    ("next", "/"),
];

/// Fields with which the form at `path` can be read, so that what refuses it is its proof.
async fn readable(client: &Client, path: &str) -> Vec<(&'static str, &'static str)> {
    let mut said = Vec::new();
    for further in [[("key", "x"), ("code", "x")], [("key[name]", "x"), ("code[role]", "MEMBER")]] {
        let fields: Vec<_> = FIELDS.into_iter().chain(further).collect();
        let answer = client.post_form(path, &form("nonsense", &fields)).await;
        if answer.status == 403 {
            return fields;
        }
        said.push(answer);
    }
    panic!("{path} does not get as far as its proof: {said:?}");
}

#[track_caller]
fn is_csrf_failure(name: &str, reply: &Reply, synthesq: bool) {
    if synthesq {
        assert_eq!(reply.status, 419, "{name}: {reply:?}");
    } else {
        let code = reply.json()["code"].clone();
        assert_eq!((reply.status.as_u16(), &code), (403, &json!("csrf_failed")), "{name}: {reply:?}");
    }
}

on_both_engines! {
    async fn c01_every_change_by_cookie_needs_the_proof_and_our_own_page(app) with ["--rate-limits=relaxed"] {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let victim = victim(&app, &ada, &ben).await;
        let before = standing(&ada).await;
        let attacks = victim.attacks();
        let mut walked = 0;
        for operation in app.operations().await.iter().filter(|operation| operation.is_change() && operation.takes("csrf")) {
            if !operation.is_guarded() {
                continue;
            }
            for attack in &attacks {
                let answer = attack.json(&operation.method, &operation.at("x"), &operation.example).await;
                is_csrf_failure(&operation.name(), &answer, operation.is_synthesq());
                walked += 1;
            }
        }
        assert!(walked > 1500, "{walked}");
        assert_eq!(standing(&ada).await, before);
        victim.with_proof().post("/v1/auth/update-profile", json!({"name": "Ada King"})).await.assert_status(200);
    }

    async fn c01_nobody_is_signed_in_or_up_from_another_site(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let browser = ada.in_a_browser().await;
        let before = standing(&ada).await;
        let mut walked = 0;
        for operation in app.operations().await.iter().filter(|operation| operation.is_change() && !operation.is_guarded()) {
            for attack in elsewhere(&app.stranger().same_origin()).into_iter().chain(elsewhere(&browser)) {
                let answer = attack.json(&operation.method, &operation.at("x"), &operation.example).await;
                is_csrf_failure(&operation.name(), &answer, operation.is_synthesq());
                assert!(answer.set_cookies().is_empty(), "{answer:?}");
                walked += 1;
            }
        }
        assert!(walked > 500, "{walked}");
        assert_eq!(standing(&ada).await, before);
    }

    async fn c01_every_form_of_a_page_needs_its_proof(app) with ["--rate-limits=relaxed"] {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let mut other = app.browser_of(&ben).await;
        let foreign = other.csrf.clone();
        other.post("/fn/sign-out", &[]).await.assert_status(303);
        other.get("/login").await.assert_status(200);
        let own = app.browser_of(&ada).await;
        let before = standing(&ada).await;
        let mut walked = 0;
        for (path, method) in server_fn_paths() {
            if method == "GET" {
                assert_eq!(path, READS, "whatever changes something is posted");
                continue;
            }
            let client = own.scripts();
            let fields = readable(&client, path).await;
            let mut answers = Vec::new();
            for proof in ["", "nonsense", &foreign, &other.csrf] {
                answers.push(client.post_form(path, &form(proof, &fields)).await);
            }
            for attack in elsewhere(&client) {
                answers.push(attack.post_form(path, &form(&own.csrf, &fields)).await);
            }
            for answer in answers {
                assert_eq!(answer.status, 403, "{path}: {answer:?}");
                let kept = answer.set_cookies().into_iter().filter(|line| !line.contains("Max-Age=0"));
                assert_eq!(kept.collect::<Vec<_>>(), Vec::<&str>::new(), "{path}");
                walked += 1;
            }
        }
        assert!(walked > 800, "{walked}");
        assert_eq!(standing(&ada).await, before);
    }

    async fn c02_nothing_changes_by_get_or_head(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        let browser = app.browser_of(&ada).await;
        let before = standing(&ada).await;
        let operations = app.operations().await;
        let reads = |path: &str| operations.iter().any(|operation| operation.path == path && !operation.is_change());
        for operation in operations.iter().filter(|operation| operation.is_change() && !reads(&operation.path)) {
            for method in ["GET", "HEAD"] {
                for id in [&key.id, &ada.organization] {
                    let answer = ada.send(method, &operation.at(id), Some("application/json"), Body::from(operation.example.to_string())).await;
                    // An address that is also that of one thing is read as its name.
                    assert!([404, 405].contains(&answer.status.as_u16()), "{method} {}: {answer:?}", operation.path);
                }
            }
        }
        browser.scripts().get(READS).await.assert_status(200);
        for (path, _) in server_fn_paths().filter(|(path, _)| *path != READS) {
            for method in ["GET", "HEAD", "PUT"] {
                let address = format!("{path}?{}", form(&browser.csrf, &[]));
                let answer = browser.scripts().send(method, &address, None, Body::empty()).await;
                assert!([404, 405].contains(&answer.status.as_u16()), "{method} {path}: {answer:?}");
            }
        }
        assert_eq!(standing(&ada).await, before);
    }

    async fn c02_what_takes_json_takes_nothing_else(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let before = standing(&ada).await;
        let mut walked = 0;
        for operation in app.operations().await.iter().filter(|operation| !operation.kinds.is_empty()) {
            let form = operation.kinds.iter().any(|kind| kind.ends_with("urlencoded"));
            let kinds = [Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data; boundary=x"),
                Some("text/json"), Some("application/jsonp"), Some("application/xml"), Some(""), None];
            for kind in kinds.into_iter().filter(|kind| !(form && kind.is_some_and(|kind| kind.ends_with("urlencoded")))) {
                let body = Body::from(json!({"password": "x", "email": "x@example.org"}).to_string());
                let answer = ada.send(&operation.method, &operation.at("x"), kind, body).await;
                let refused = [415, 419, 401].contains(&answer.status.as_u16());
                assert!(refused, "{} as {kind:?}: {answer:?}", operation.name());
                walked += usize::from(answer.status == 415);
            }
        }
        assert!(walked > 350, "{walked}");
        assert_eq!(standing(&ada).await, before);
    }

    async fn c03_a_proof_of_ones_own_making_is_none(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let script = app.stranger().same_origin();
        for (name, held) in [("x-csrf-token", "XSRF-TOKEN"), ("x-xsrf-token", "XSRF-TOKEN"), ("x-csrf-token", "__Host-latchkey-visitor"),
            ("x-xsrf-token", "__Host-latchkey-visitor"), ("x-csrf-token", "csrf"), ("x-csrf-token", "X-CSRF-Token")] {
            let planted = script.with_header("cookie", &format!("{held}=mine")).with_header(name, "mine");
            let login = json!({"email": ada.email, "password": crate::support::PASSWORD});
            is_csrf_failure(held, &planted.post("/api/v1/auth/login", login).await, true);
        }
        // A whole pair of somebody else's browser, planted into this one, proves nothing about its session.
        let mut other = Browser::new(&app.stranger());
        other.get("/login").await.assert_status(200);
        let mut own = app.browser_of(&ada).await;
        own.cookies.extend(other.cookies.clone());
        for client in [own.sends(), own.scripts()] {
            let pair = client.with_header("x-csrf-token", &other.csrf).with_header("x-xsrf-token", &other.csrf);
            is_csrf_failure("a pair", &pair.post("/v1/auth/update-profile", json!({"name": "Mallory"})).await, false);
            let profile = form(&other.csrf, &[("profile[name]", "Mallory")]);
            own.scripts().post_form("/fn/profile", &profile).await.assert_status(403);
        }
        let visitor = Browser::new(&app.stranger()).scripts();
        for (held, proof) in [("mine", "mine"), ("mine", &*other.csrf), ("", "")] {
            let planted = visitor.with_header("cookie", &format!("__Host-latchkey-visitor={held}"));
            let sign_in = form(proof, &[("credentials[email]", &ada.email), ("credentials[password]", crate::support::PASSWORD)]);
            planted.post_form("/fn/sign-in", &sign_in).await.assert_status(403);
        }
        assert_eq!(ada.get("/v1/auth/me").await.json()["name"], "ada");
    }

    async fn c04_no_stranger_reads_an_answer(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let browser = ada.in_a_browser().await;
        let asks = [("access-control-request-method", "POST"), ("access-control-request-headers", "x-csrf-token"), ("access-control-request-private-network", "true")];
        for operation in &app.operations().await {
            for origin in FOREIGN {
                // That no header of CORS is there is checked of every answer.
                let there = browser.with_header("origin", origin).with_header("sec-fetch-site", "cross-site");
                let path = operation.at("x");
                if !operation.is_change() {
                    there.send(&operation.method, &path, None, Body::empty()).await;
                }
                let preflight = asks.iter().fold(there, |client, (name, value)| client.with_header(name, value));
                let answer = preflight.send("OPTIONS", &path, None, Body::empty()).await;
                assert!([404, 405].contains(&answer.status.as_u16()), "{origin} at {path}: {answer:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c04_a_trusted_origin_is_compared_letter_by_letter() {
    const TRUSTED: &str = "https://app.example.org";
    let app =
        App::on_sqlite(&["--public-url=https://auth.example.org", "--trusted-origins=https://app.example.org"]).await;
    let client = app.stranger().allowing_cors();
    let allowed = async |origin: &str, method: &str| {
        let there = client.with_header("origin", origin).with_header("access-control-request-method", "POST");
        let answer = there.send(method, "/v1/auth/me", None, Body::empty()).await;
        assert!(answer.header("vary").contains("origin"), "{answer:?}");
        let names = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control"));
        (names.count() > 0).then(|| answer.header("access-control-allow-origin").to_owned())
    };
    for method in ["GET", "OPTIONS"] {
        assert_eq!(allowed(TRUSTED, method).await.as_deref(), Some(TRUSTED));
        for near in [
            "https://app.example.org.evil.test",
            "https://evil-app.example.org",
            "https://x.app.example.org",
            "https://example.org",
            "http://app.example.org",
            "https://app.example.org:443",
            "https://app.example.org:8443",
            "https://APP.example.org",
            "https://app.example.org/",
            "null",
            "*",
            ORIGIN,
        ] {
            assert_eq!(allowed(near, method).await, None, "{near}");
        }
    }
}
