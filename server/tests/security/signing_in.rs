//! L07 to L10: no way in is weaker than another, no step of it can be left out, and its owner hears of it.

use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};

use crate::support::{App, Client, Guest, PASSWORD, Person, Phone, Reply, half, on_both_engines};

const NEW: &str = "lantern over quiet water";

/// Whether an answer gives somebody a session, under any of the names that one has.
fn lets_in(reply: &Reply) -> bool {
    let body = reply.json();
    let tokens = ["accessToken", "access_token", "refreshToken", "refresh_token", "token", "localId", "deviceToken"];
    let given = |value: &Value| tokens.iter().any(|name| value[*name].is_string());
    reply.session_cookie().is_some() || given(&body) || given(&body["data"])
}

/// Every way to prove a first factor, with all that is needed for it.
async fn first_factors(app: &App, ada: &Person) -> Vec<(&'static str, Reply)> {
    let (login, stranger) = (json!({"email": ada.email, "password": PASSWORD}), || app.stranger().same_origin());
    let mut found = Vec::new();
    for path in ["/v1/auth/login", "/api/auth/login", "/auth/login"] {
        found.push((path, stranger().post(path, login.clone()).await));
    }
    let by_name = json!({"username": ada.email, "password": PASSWORD});
    found.push(("OrgStack", app.stranger().post("/api/auth/login", by_name).await));
    found.push(("SynthesQ's programs", app.stranger().post("/api/v1/auth/token", login.clone()).await));
    for path in ["/api/v1/auth/login", "/api/v1/login"] {
        found.push((path, Guest::new(&stranger()).calls("POST", path, &login).await));
    }
    found.push(("the form", Guest::new(&stranger()).signs_in(&ada.email).await));
    found.extend(by_mail(app, ada).await);
    found
}

async fn by_mail(app: &App, ada: &Person) -> Vec<(&'static str, Reply)> {
    let verify = "/v1/auth/magic-link/verify";
    let by_token = json!({"token": app.magic_link(&ada.email).await.token()});
    let by_token = app.stranger().same_origin().post(verify, by_token).await;
    let by_code = json!({"email": ada.email, "code": app.magic_link(&ada.email).await.code()});
    let by_code = app.stranger().same_origin().post(verify, by_code).await;
    let script = app.stranger().same_origin().with_header("accept", "application/json");
    let path = format!("/api/auth/magic-link?token={}", app.magic_link(&ada.email).await.token());
    let by_script = script.get(&path).await;
    let mut browser = Guest::new(&app.stranger());
    let token = app.magic_link(&ada.email).await.token();
    let by_page = browser.fills(&format!("/magic-link?token={token}"), "open-link", &[("token", &token)]).await;
    assert!(!browser.is_inside());
    vec![("link", by_token), ("mailed code", by_code), ("link, by a script", by_script), ("link, by its page", by_page)]
}

async fn sessions(person: &Person) -> Value {
    person.get("/v1/auth/sessions/count").await.assert_status(200).json()["activeSessionCount"].clone()
}

/// The half-done sign-in of a browser: its token, and the browser that keeps it.
async fn half_way(app: &App, ada: &Person) -> (String, Guest) {
    let mut browser = Guest::new(&app.stranger());
    let answer = browser.signs_in(&ada.email).await.assert_status(200).json();
    assert_eq!(answer["go"], "/login/two-factor");
    let kept = browser.cookie("__Host-latchkey-half").expect("half a sign-in");
    (kept.to_owned(), browser)
}

/// The operations of the API that want somebody, each as method and path.
async fn guarded(app: &App) -> Vec<(String, String)> {
    let document = app.stranger().get("/openapi.json").await.json();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let ways = operation["security"].as_array().expect("security");
            let step = ways.iter().any(|way| way.get("twoFactorToken").is_some());
            if !ways.is_empty() && !ways.contains(&json!({})) && !step {
                let bare = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
                found.push((method.to_uppercase(), bare.collect::<Vec<_>>().join("/")));
            }
        }
    }
    assert!(found.len() > 100, "{}", found.len());
    found
}

/// The ways to show a token where something else is wanted.
fn disguised(app: &App, token: &str) -> Vec<Client> {
    let stranger = app.stranger();
    vec![
        stranger.with_bearer(token),
        stranger.with_header("x-api-key", token),
        stranger.same_origin().with_header("cookie", &format!("__Host-latchkey={token}")),
        stranger.with_header("x-2fa-token", token),
    ]
}

on_both_engines! {
    async fn l07_a_fresh_install_knows_nobody(app) with ["--rate-limits=relaxed"] {
        assert!(app.db_texts("users", "email").await.is_empty());
        let names = ["admin", "administrator", "root", "test", "demo", "guest", "user", "latchkey", "landlord", "owner"];
        let passwords = ["", "admin", "password", "root", "test", "demo", "latchkey", "changeme", "123456", PASSWORD];
        for name in names {
            for password in passwords.iter().copied().chain([name]) {
                for email in [format!("{name}@example.org"), format!("{name}@localhost.localdomain")] {
                    let body = json!({"email": email, "password": password});
                    let answer = app.stranger().post("/v1/auth/login", body).await;
                    assert!([400, 401].contains(&answer.status.as_u16()), "{email} {password}: {answer:?}");
                }
                let body = json!({"username": name, "password": password});
                let answer = app.stranger().post("/api/auth/login", body).await;
                assert!([400, 401].contains(&answer.status.as_u16()), "{name} {password}: {answer:?}");
            }
        }
        for key in ["admin", "test", "lk_live_00000000_0000000000000000000000000000000000000000000000"] {
            app.stranger().with_key(key).get("/v1/auth/verify").await.assert_status(401);
        }
    }

    async fn l08_no_way_in_passes_the_second_factor(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let confirm = app.mail_to(&ada.email, "Confirm your address").await;
        app.enrols(&ada).await;
        let before = sessions(&ada).await;
        for (way, answer) in first_factors(&app, &ada).await {
            assert!(!lets_in(&answer), "{way}: {answer:?}");
            let asks = answer.json()["requiresTwoFactor"] == true || answer.json()["go"] == "/login/two-factor" || answer.status == 423;
            assert!(asks, "{way}: {answer:?}");
        }
        let confirmed = app.stranger().same_origin().post("/v1/auth/verify-email", json!({"token": confirm.token()})).await;
        assert!(confirmed.status == 200 && !lets_in(&confirmed), "{confirmed:?}");
        assert_eq!(sessions(&ada).await, before);
        for path in ["/token", "/oauth/token", "/oauth2/token", "/v1/auth/token"] {
            let form = format!("grant_type=password&username={}&password=plum+river+candle", ada.email);
            app.stranger().post_form(path, &form).await.assert_status(404);
        }
    }

    async fn l08_neither_reset_nor_invitation_passes_the_second_factor(app) with ["mailbox", "--rate-limits=relaxed"] {
        let (ada, olivia) = (app.register("ada").await, app.register("olivia").await);
        let phone = app.enrols(&ada).await;
        let invitations = format!("/v1/organizations/{}/invitations", olivia.organization);
        for (path, shape) in [("/v1/invitations/{token}/accept", "path"), ("/api/invitations/accept", "body")] {
            olivia.post(&invitations, json!({"email": ada.email})).await.assert_status(201);
            let token = app.mail_to(&ada.email, "You are invited").await.token();
            let mut body = json!({"password": PASSWORD});
            if shape == "body" {
                body["token"] = json!(token);
            }
            let answer = app.stranger().same_origin().post(&path.replace("{token}", &token), body).await;
            assert!(!lets_in(&answer) && answer.json()["requiresTwoFactor"] == true, "{answer:?}");
            // The password took the place that was offered; a session there is the code's to give.
            let place = format!("/v1/organizations/{}/members/{}", olivia.organization, ada.id);
            olivia.delete(&place).await.assert_status(200);
            app.later(Duration::from_secs(60));
        }
        let reset = json!({"token": app.reset_mail(&ada.email).await.token(), "newPassword": NEW});
        let answer = app.stranger().same_origin().post("/v1/auth/reset-password", reset).await.assert_status(200);
        assert!(!lets_in(&answer), "{answer:?}");
        let due = app.stranger().post("/v1/auth/login", json!({"email": ada.email, "password": NEW})).await.assert_status(200);
        assert!(!lets_in(&due));
        app.finishes(&app.stranger(), &half(&due.json()), &phone.shows(&app)).await.assert_status(200);
    }

    async fn l08_no_key_is_made_without_the_code(app) {
        let ada = app.register("ada").await;
        app.enrols(&ada).await;
        let token = app.half(&ada.email).await;
        for client in disguised(&app, &token) {
            client.post("/v1/api-keys", json!({"name": "Early"})).await.assert_status(401);
        }
        assert_eq!(ada.get("/v1/api-keys").await.json(), json!([]));
    }

    async fn l09_the_owner_hears_of_every_change_to_how_they_sign_in(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(1));
        let login = json!({"email": ada.email, "password": PASSWORD});
        app.stranger().with_header("user-agent", "elsewhere/1").post("/v1/auth/login", login).await.assert_status(200);
        ada.makes_a_key(json!({"name": "Export"})).await;
        let phone = app.enrols(&ada).await;
        ada.post("/v1/auth/2fa/regenerate-backup-codes", json!({"password": PASSWORD})).await.assert_status(200);
        ada.post("/v1/auth/2fa/disable", json!({"password": PASSWORD, "code": phone.shows(&app)})).await.assert_status(200);
        let change = json!({"currentPassword": PASSWORD, "newPassword": NEW});
        let answer = ada.post("/v1/auth/change-password", change).await.assert_status(200).json();
        let there = ada.with_bearer(answer["accessToken"].as_str().expect("a token"));
        let moving = json!({"newEmail": "ada.king@example.org", "currentPassword": NEW});
        there.post("/v1/auth/change-email", moving).await.assert_status(200);
        let confirm = app.mail_to("ada.king@example.org", "Confirm your new address").await;
        app.stranger().post("/v1/auth/verify-email", json!({"token": confirm.token()})).await.assert_status(200);
        for told in [
            "New sign-in", "A new API key", "Two-factor authentication is on", "New backup codes", "Two-factor authentication is off",
            "Your password was changed", "Your address for",
        ] {
            let mails = app.mails_to(&ada.email, told).await;
            assert_eq!(mails.len(), 1, "{told}");
            assert!(mails[0].link().starts_with("/secure-account/"), "{told} has a way out");
        }
    }

    async fn l09_a_reset_a_used_backup_code_and_a_lock_are_told(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &phone.codes[0]).await.assert_status(200);
        for _ in 0..10 {
            app.finishes(&app.stranger(), &app.half(&ada.email).await, "000000").await;
        }
        let reset = json!({"token": app.reset_mail(&ada.email).await.token(), "newPassword": NEW});
        app.stranger().post("/v1/auth/reset-password", reset).await.assert_status(200);
        for told in ["A backup code was used", "Too many wrong codes", "Your password was changed"] {
            assert_eq!(app.mails_to(&ada.email, told).await.len(), 1, "{told}");
        }
    }

    async fn l10_half_a_sign_in_opens_no_operation_of_the_api(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let token = app.half(&ada.email).await;
        let clients = disguised(&app, &token);
        for (method, path) in guarded(&app).await {
            for client in &clients {
                let answer = client.send(&method, &path, None, Body::empty()).await;
                assert!([401, 403, 419].contains(&answer.status.as_u16()), "{method} {path}: {answer:?}");
            }
        }
        let refresh = json!({"refreshToken": token});
        app.stranger().post("/v1/auth/refresh", refresh).await.assert_status(401);
        app.stranger().with_bearer(&token).post_nothing("/v1/auth/refresh").await.assert_status(401);
        let asked = ada.post("/v1/auth/introspect", json!({"token": token})).await.assert_status(200).json();
        assert_eq!(asked["active"], false);
        app.finishes(&app.stranger(), &token, &phone.shows(&app)).await.assert_status(200);
    }

    async fn l10_half_a_sign_in_opens_no_page_and_no_form(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone: Phone = app.enrols(&ada).await;
        let before = sessions(&ada).await;
        let (token, mut browser) = half_way(&app, &ada).await;
        for page in ["/", "/confirm", "/settings/profile", "/settings/security", "/settings/organization", "/settings/audit", "/settings/api-keys", "/landlord"] {
            let answer = browser.opens(page).await;
            let led_away = answer.status.is_redirection() && answer.header("location").starts_with("/login");
            assert!(led_away || [401, 403, 404].contains(&answer.status.as_u16()), "{page}: {answer:?}");
        }
        for form in [
            "password", "profile", "new-address", "create-key", "begin-two-factor", "end-two-factor", "renew-codes", "forget-devices",
            "end-other-sessions", "invite", "policy", "sign-in-policy", "switch-organization", "session-tokens",
        ] {
            let answer = browser.fills("/login", form, &[]).await;
            assert!([400, 401, 403].contains(&answer.status.as_u16()), "{form}: {answer:?}");
        }
        assert!(!browser.is_inside());
        let planted = app.stranger().same_origin().with_header("cookie", &format!("__Host-latchkey={token}"));
        assert!(planted.with_header("accept", "text/html").get("/settings/security").await.status.is_redirection());
        assert_eq!(sessions(&ada).await, before);
        let fields = [("second[code]", &*phone.shows(&app))];
        browser.fills("/login/two-factor", "second-step", &fields).await.assert_status(200);
        assert!(browser.is_inside());
    }

    async fn l10_the_code_alone_is_nothing(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let code = json!({"code": phone.shows(&app)});
        app.stranger().post("/v1/auth/2fa/verify", code.clone()).await.assert_status(401);
        let mut browser = Guest::new(&app.stranger());
        let fields = [("second[code]", &*phone.shows(&app))];
        let answer = browser.fills("/login", "second-step", &fields).await.assert_status(200).json();
        assert_eq!((browser.is_inside(), &answer["go"]), (false, &json!("/login/two-factor")));
        let body = json!({"email": ada.email, "twoFactorCode": phone.shows(&app)});
        app.stranger().post("/v1/auth/login", body).await.assert_status(400);
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &phone.shows(&app)).await.assert_status(200);
    }
}
