//! Every kind of token at every door, and where a token may stand in a request (J04, J07).

use axum::body::Body;
use serde_json::{Value, json};

use super::Forge;
use crate::support::{App, Client, Operation, PASSWORD, Person, Reply, on_both_engines};

/// The doors that take a token in a body: where, under which name, and the kind that is theirs. The last ones end what
/// the kinds before them hang from.
const DOORS: [(&str, &str, &str); 9] = [
    ("/auth/refreshToken", "refreshToken", "refresh"),
    ("/v1/auth/refresh", "refreshToken", "refresh"),
    ("/api/v1/auth/token", "apiKey", "key"),
    ("/v1/auth/handoff/redeem", "ticket", "ticket"),
    ("/v1/auth/verify-email", "token", "verification"),
    ("/v1/auth/magic-link/verify", "token", "magic link"),
    ("/api/invitations/accept", "token", "invitation"),
    ("/v1/auth/secure-account", "token", "notice"),
    ("/v1/auth/reset-password", "token", "reset"),
];

async fn tries(client: &Client, (path, name, _): (&str, &str, &str), token: &str) -> Reply {
    let mut body = json!({ name: token });
    if path.ends_with("reset-password") {
        body["newPassword"] = json!("lantern over quiet water");
    }
    if path.ends_with("accept") {
        body["name"] = json!("Guest");
        body["password"] = json!(PASSWORD);
    }
    client.post(path, body).await
}

/// One of everything that could be taken for something else.
struct Kinds(Vec<(&'static str, String)>);

impl Kinds {
    async fn of(app: &App, ada: &Person) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let guarded = app.register("grace").await;
        let phone = app.enrols(&guarded).await;
        let device = json!({"deviceName": "Laptop", "deviceType": "desktop", "deviceFingerprint": "f"});
        let device = guarded.post("/v1/auth/2fa/trusted-devices", device).await.assert_status(201).json();
        let step = app.half(&guarded.email).await;
        let other = ada.signs_in_again().await;
        let browser = ada.in_a_browser().await;
        let csrf = browser.get("/v1/auth/csrf-token").await.json();
        let handoff = json!({"target": "https://app.example.com"});
        let ticket = other.post("/v1/auth/handoff", handoff).await.assert_status(200).json();
        let invitations = format!("/v1/organizations/{}/invitations", ada.organization);
        let invited = ada.post(&invitations, json!({"email": "guest@example.org"})).await.assert_status(201).json();
        let shown = ada.post_nothing(&format!("{invitations}/{}/link", text(&invited["id"]))).await.json();
        let strange = app.stranger().with_header("user-agent", "Elsewhere/1");
        strange.post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.assert_status(200);
        Self(vec![
            ("access", ada.tokens.access.clone()),
            ("refresh", other.tokens.refresh.clone()),
            ("cookie", cookie_of(ada).await),
            ("csrf", text(&csrf["csrfToken"])),
            ("half", step),
            ("device", text(&device["deviceToken"])),
            ("backup code", phone.codes[0].clone()),
            ("ticket", text(&ticket["ticket"])),
            (
                "key",
                ada.makes_a_key(json!({"name": "Export", "scopes": ["admin"], "rateLimit": 1_000_000})).await.secret,
            ),
            ("invitation", text(&shown["link"]).rsplit('/').next().expect("a token").to_owned()),
            ("verification", app.mail_to(&ada.email, "Confirm your address").await.token()),
            ("magic link", app.magic_link(&ada.email).await.token()),
            ("notice", notice(app, &ada.email).await),
            ("reset", app.reset_mail(&ada.email).await.token()),
        ])
    }
}

/// The bare secret of a session cookie.
async fn cookie_of(person: &Person) -> String {
    let browser = person.client.anonymous().same_origin();
    let answer = browser.post("/v1/auth/login", json!({"email": person.email, "password": PASSWORD})).await;
    answer.session_cookie().and_then(|pair| pair.split_once('=').map(|(_, value)| value.to_owned())).expect("a cookie")
}

/// The token in the newest mail that says that something has happened.
async fn notice(app: &App, email: &str) -> String {
    let mails = app.mails_to(email, "").await;
    let mail = mails.iter().rev().find(|mail| mail.text.contains("/secure-account/")).expect("a notice");
    mail.token()
}

/// The ways in which a text can be presented as a credential.
fn ways(client: &Client, token: &str) -> [(&'static str, Client); 4] {
    [
        ("bearer", client.with_bearer(token)),
        ("apiKey", client.with_header("x-api-key", token)),
        ("cookie", client.same_origin().with_header("cookie", &format!("__Host-latchkey={token}"))),
        ("twoFactorToken", client.with_header("x-2fa-token", token)),
    ]
}

fn is_right(kind: &str, way: &str, operation: &Operation) -> bool {
    match (kind, way) {
        ("access" | "key", "bearer") | ("key", "apiKey") | ("cookie", "cookie") => true,
        ("half", "bearer" | "twoFactorToken") => operation.takes("twoFactorToken"),
        _ => false,
    }
}

on_both_engines! {
    async fn j04_every_kind_of_token_opens_its_own_doors_and_no_other(app) with ["mailbox", "--rate-limits=relaxed", "--handoff-targets=https://app.example.com"] {
        let ada = app.register("ada").await;
        let Kinds(kinds) = Kinds::of(&app, &ada).await;
        let stranger = app.stranger();
        let mut walked = 0;
        for operation in app.operations().await.iter().filter(|operation| operation.is_guarded()) {
            for (kind, token) in &kinds {
                for (way, client) in ways(&stranger, token) {
                    if is_right(kind, way, operation) {
                        continue;
                    }
                    let answer = if operation.takes("twoFactorToken") {
                        client.post(&operation.path, json!({"code": "123456"})).await
                    } else {
                        client.send(&operation.method, &operation.at("x"), None, Body::empty()).await
                    };
                    assert_eq!(answer.status, 401, "{kind} as {way} at {}: {answer:?}", operation.name());
                    walked += 1;
                }
            }
        }
        assert!(walked > 3000, "{walked}");
        for door in DOORS {
            for (kind, token) in kinds.iter().filter(|(kind, _)| *kind != door.2) {
                let answer = tries(&stranger, door, token).await;
                assert!(answer.status.is_client_error(), "{kind} at {}: {answer:?}", door.0);
            }
        }
        for (kind, token) in &kinds {
            let pretends = stranger.with_header("x-device-token", token);
            let login = json!({"email": "grace@example.org", "password": PASSWORD});
            let answer = pretends.post("/v1/auth/login", login).await.assert_status(200).json();
            assert_eq!(answer.get("requiresTwoFactor").is_none(), *kind == "device", "{kind}: {answer}");
        }
        // None of them was harmed by being shown at the wrong door.
        let held = |kind: &str| kinds.iter().find(|(known, _)| *known == kind).map(|(_, token)| token.as_str()).expect("held");
        stranger.with_bearer(held("access")).get("/v1/auth/me").await.assert_status(200);
        app.finishes(&stranger, held("half"), held("backup code")).await.assert_status(200);
        for door in DOORS.into_iter().skip(1) {
            let answer = tries(&stranger, door, held(door.2)).await;
            assert!(answer.status.is_success(), "{}: {answer:?}", door.0);
        }
    }

    async fn j04_another_type_issuer_or_audience_is_refused(app) with ["signing-key"] {
        let ada = app.register("ada").await;
        let forge = Forge::new(&app, &ada.tokens.access);
        let refused = async |token: String| {
            ada.with_bearer(&token).get("/v1/auth/me").await.assert_refused(401, "invalid_token");
        };
        for typ in [json!("JWT"), json!("jwt"), json!("at+JWT"), json!("application/at+jwt"), json!("id+jwt"), json!(""), json!(null), json!(1)] {
            refused(forge.signs(&forge.header_with(json!({"typ": typ})), &forge.claims.to_string())).await;
        }
        for name in ["iss", "aud"] {
            for wrong in ["http://localhost:3000/", "http://localhost:3000.evil.test", "HTTP://localhost:3000", "https://localhost:3000", "", "latchkey"] {
                refused(forge.signs(&forge.header, &forge.claims_with(json!({name: wrong})))).await;
            }
        }
    }

    async fn j07_every_refusal_names_the_scheme_and_what_is_wrong(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let weak = ada.makes_a_key(json!({"name": "Weak", "scopes": ["READ_LEADS"], "rateLimit": 1_000_000})).await;
        let (stranger, weak) = (app.stranger(), ada.with_key(&weak.secret));
        let mut insufficient = 0;
        for operation in app.operations().await.iter().filter(|operation| operation.is_guarded()) {
            let (name, path) = (operation.name(), operation.at("x"));
            let said = async |client: &Client| {
                let body = (!operation.kinds.is_empty()).then_some("application/json");
                let example = if body.is_some() { Body::from(operation.example.to_string()) } else { Body::empty() };
                let answer = client.send(&operation.method, &path, body, example).await;
                (answer.status.as_u16(), answer.header("www-authenticate").to_owned(), answer)
            };
            let (status, challenge, _) = said(&stranger).await;
            assert_eq!((status, challenge.as_str()), (401, r#"Bearer realm="latchkey""#), "{name}");
            let (status, challenge, _) = said(&stranger.with_bearer("nonsense")).await;
            assert_eq!((status, challenge.as_str()), (401, r#"Bearer realm="latchkey", error="invalid_token""#), "{name}");
            if name == "POST /v1/api-keys/self/revoke" {
                continue;
            }
            let (status, challenge, answer) = said(&weak).await;
            if status == 403 && !operation.is_synthesq() {
                assert_eq!(answer.json()["code"], "insufficient_scope", "{name}");
                assert!(challenge.contains(r#"error="insufficient_scope""#), "{name}: {challenge}");
                insufficient += 1;
            }
        }
        assert!(insufficient > 50, "{insufficient}");
    }

    async fn j07_a_token_counts_in_the_header_alone(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let (stranger, token) = (app.stranger(), &ada.tokens.access);
        for name in ["access_token", "token", "accessToken", "authorization", "bearer", "Access_Token", "%61ccess_token"] {
            stranger.get(&format!("/v1/auth/me?{name}={token}")).await.assert_refused(400, "token_in_query");
            stranger.post_form("/v1/auth/logout-all", &format!("{name}={token}")).await.assert_refused(401, "missing_credentials");
            stranger.post("/v1/auth/logout-all", json!({name: token})).await.assert_refused(401, "missing_credentials");
        }
        for name in ["access_token", "token", "Authorization", "__Host-latchkey", "__Secure-latchkey", "latchkey"] {
            let held = stranger.same_origin().with_header("cookie", &format!("{name}={token}"));
            held.get("/v1/auth/me").await.assert_status(401);
        }
        for name in ["x-access-token", "x-auth-token", "x-authorization", "proxy-authorization", "x-forwarded-authorization", "token"] {
            stranger.with_header(name, &format!("Bearer {token}")).get("/v1/auth/me").await.assert_refused(401, "missing_credentials");
            stranger.with_header(name, token).get("/v1/auth/me").await.assert_refused(401, "missing_credentials");
        }
        ada.get("/v1/auth/me").await.assert_status(200);
    }
}
