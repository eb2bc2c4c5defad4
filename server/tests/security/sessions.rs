//! Sessions (S01 to S09). S08, and S07 as far as the Back button goes, are proven in a browser.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{App, Browser, Client, PASSWORD, Person, Reply, Role, half, on_both_engines};

const NEW: &str = "lantern over quiet water";
const PAGES: [&str; 5] =
    ["/settings/profile", "/settings/security", "/settings/organization", "/settings/audit", "/settings/api-keys"];

fn credentials(person: &Person) -> Value {
    json!({"email": person.email, "password": PASSWORD})
}

async fn refreshes(client: &Client, token: &str) -> Reply {
    client.anonymous().post("/v1/auth/refresh", json!({"refreshToken": token})).await
}

/// Somebody on one of our pages: the cookie of a session, and the tokens of the same.
async fn both(app: &App, person: &Person) -> (Client, Person) {
    let browser = app.stranger().same_origin();
    let answer = browser.post("/v1/auth/login", credentials(person)).await.assert_status(200);
    let inside = browser.with_header("cookie", &answer.session_cookie().expect("a cookie"));
    (inside, Person::new(&browser, &answer.json()))
}

/// Everything of a session is refused.
async fn is_dead(browser: &Client, tokens: &Person) {
    browser.get("/v1/auth/me").await.assert_status(401);
    tokens.get("/v1/auth/me").await.assert_status(401);
    tokens.post_nothing("/v1/auth/refresh").await.assert_status(401);
    refreshes(tokens, &tokens.tokens.refresh).await.assert_status(401);
    browser.with_header("accept", "text/html").get("/settings/profile").await.assert_status(303);
}

async fn is_alive(browser: &Client, tokens: &Person) {
    browser.get("/v1/auth/me").await.assert_status(200);
    tokens.get("/v1/auth/me").await.assert_status(200);
}

on_both_engines! {
    async fn s01_each_step_of_signing_in_has_a_secret_of_its_own(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        // A cookie that somebody planted before opens nothing, neither then nor afterwards.
        let planted = app.stranger().same_origin().with_header("cookie", "__Host-latchkey=planted");
        let due = planted.post("/v1/auth/login", credentials(&ada)).await.assert_status(200);
        assert!(due.session_cookie().is_none(), "{due:?}");
        let step = half(&due.json());
        let verify = planted.with_header("x-2fa-token", &step);
        let entered = verify.post("/v1/auth/2fa/verify", json!({"code": phone.shows(&app)})).await.assert_status(200);
        planted.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        app.finishes(&app.stranger(), &step, &phone.codes[0]).await.assert_refused(401, "invalid_token");

        let first = planted.with_header("cookie", &entered.session_cookie().expect("a cookie"));
        let csrf = entered.json()["csrfToken"].as_str().expect("a token").to_owned();
        let again = first.with_header("x-csrf-token", &csrf);
        let shown = again.post("/v1/auth/reauthenticate", json!({"code": phone.codes[1]})).await.assert_status(200);
        first.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        let second = first.with_header("cookie", &shown.session_cookie().expect("a new cookie"));
        second.get("/v1/auth/me").await.assert_status(200);

        let step = half(&second.post("/v1/auth/login", credentials(&ada)).await.json());
        let verify = second.with_header("x-2fa-token", &step);
        let entered = verify.post("/v1/auth/2fa/verify", json!({"code": phone.codes[2]})).await.assert_status(200);
        second.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        let third = second.with_header("cookie", &entered.session_cookie().expect("a cookie"));
        third.get("/v1/auth/me").await.assert_status(200);
    }

    async fn s01_a_page_gives_a_new_cookie_at_every_sign_in(app) {
        let ada = app.register("ada").await;
        let mut browser = Browser::new(&app.stranger());
        browser.cookies.insert("__Host-latchkey".to_owned(), "planted".to_owned());
        browser.signs_in(&ada).await;
        let first = browser.cookies["__Host-latchkey"].clone();
        assert_ne!(first, "planted");
        let held = browser.sends();
        held.get("/v1/auth/me").await.assert_status(200);
        browser.get("/settings/profile").await.assert_status(200);
        browser.post("/fn/show-again", &[("next", "/settings/profile"), ("second[password]", PASSWORD)]).await.assert_status(303);
        assert_ne!(browser.cookies["__Host-latchkey"], first);
        held.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        browser.sends().get("/v1/auth/me").await.assert_status(200);
    }

    async fn s02_signing_out_ends_cookie_and_tokens_on_the_server(app) {
        let ada = app.register("ada").await;
        let (inside, held) = both(&app, &ada).await;
        is_alive(&inside, &held).await;
        let gone = inside.post_nothing("/v1/auth/logout").await.assert_status(200);
        assert_eq!(gone.json(), json!({"success": true}));
        assert!(gone.set_cookies().iter().any(|line| line.starts_with("__Host-latchkey=;") && line.contains("Max-Age=0")));
        is_dead(&inside, &held).await;
        for token in [&held.tokens.access, &held.tokens.refresh] {
            let seen = ada.post("/v1/auth/introspect", json!({"token": token})).await.assert_status(200).json();
            assert_eq!(seen, json!({"active": false}));
        }
        ada.get("/v1/auth/me").await.assert_status(200);

        let (inside, held) = both(&app, &ada).await;
        held.post_nothing("/v1/auth/logout").await.assert_status(200);
        is_dead(&inside, &held).await;
        let mut browser = app.browser_of(&ada).await;
        let before = browser.sends();
        browser.post("/fn/sign-out", &[]).await.assert_status(303);
        before.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
    }

    async fn s03_a_session_ends_by_rest_and_by_age_on_the_server(app) with ["--session-idle=600", "--session-life=3600"] {
        let ada = app.register("ada").await;
        let later = |seconds| app.later(Duration::from_secs(seconds));
        let (browser, tokens) = both(&app, &ada).await;
        for _ in 0..2 {
            later(599);
            browser.get("/v1/auth/me").await.assert_status(200);
        }
        later(600);
        is_dead(&browser, &tokens).await;

        let (browser, tokens) = both(&app, &ada).await;
        for _ in 0..7 {
            later(500);
            is_alive(&browser, &tokens).await;
        }
        later(99);
        is_alive(&browser, &tokens).await;
        let fresh = refreshes(&tokens, &tokens.tokens.refresh).await.assert_status(200).json();
        assert_eq!(fresh["expiresIn"], 1, "a new token ends with the session");
        later(1);
        is_dead(&browser, &tokens).await;
        refreshes(&tokens, fresh["refreshToken"].as_str().expect("a token")).await.assert_status(401);
    }

    async fn s04_an_account_that_is_switched_off_is_out_at_once(app) {
        let ada = app.register("ada").await;
        let landlord = app.landlord("lena").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        let program = ada.with_key(&key.secret);
        let (browser, tokens) = both(&app, &ada).await;
        is_alive(&browser, &tokens).await;
        program.get("/v1/auth/verify").await.assert_status(200);
        let account = format!("/v1/landlord/users/{}", ada.id);
        landlord.patch(&account, json!({"status": "disabled"})).await.assert_status(200);
        is_dead(&browser, &tokens).await;
        program.get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked");
        app.stranger().post("/v1/auth/login", credentials(&ada)).await.assert_refused(401, "invalid_credentials");
    }

    async fn s04_a_place_that_is_taken_away_or_made_smaller_is_so_at_once(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Admin).await;
        let place = format!("/v1/organizations/{}/members/{}", ada.organization, ben.id);
        let strong = ben.makes_a_key(json!({"name": "Strong", "scopes": ["admin"]})).await;
        let there = json!({"email": ben.email, "password": PASSWORD, "organizationId": ada.organization});
        let answer = app.stranger().same_origin().post("/v1/auth/login", there).await.assert_status(200);
        let browser = app.stranger().same_origin().with_header("cookie", &answer.session_cookie().expect("a cookie"));
        let doors = [browser.clone(), ben.client.clone(), ben.with_key(&strong.secret)];
        for door in &doors {
            door.get("/v1/audit-events").await.assert_status(200);
        }
        ada.patch(&place, json!({"role": "MEMBER"})).await.assert_status(200);
        for door in &doors[..2] {
            door.get("/v1/audit-events").await.assert_refused(403, "insufficient_role");
            door.get("/v1/organizations/my-organization").await.assert_status(200);
        }
        doors[2].get("/v1/audit-events").await.assert_status(403);
        ada.patch(&place, json!({"isActive": false})).await.assert_status(200);
        for door in &doors[..2] {
            door.get("/v1/organizations/my-organization").await.assert_refused(403, "no_organization");
        }
        doors[2].get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked");
        ada.patch(&place, json!({"isActive": true})).await.assert_status(200);
        ada.delete(&place).await.assert_status(200);
        for door in &doors {
            let refused = door.get("/v1/organizations/my-organization").await;
            assert!([401, 403].contains(&refused.status.as_u16()), "{refused:?}");
        }
    }

    async fn s04_a_tenant_that_is_suspended_is_out_at_once(app) {
        let ada = app.register("ada").await;
        let landlord = app.landlord("lena").await;
        let (browser, tokens) = both(&app, &ada).await;
        is_alive(&browser, &tokens).await;
        let tenant = format!("/v1/landlord/tenants/{}", ada.organization);
        landlord.patch(&tenant, json!({"status": "suspended"})).await.assert_status(200);
        for door in [&browser, &tokens.client] {
            door.get("/v1/auth/me").await.assert_refused(403, "organization_suspended");
        }
        refreshes(&tokens, &tokens.tokens.refresh).await.assert_refused(403, "organization_suspended");
    }

    async fn s05_a_new_password_ends_the_other_sessions_and_the_trust_in_devices(app) {
        let ada = app.register("ada").await;
        app.enrols(&ada).await;
        let device = json!({"deviceName": "Laptop", "deviceType": "desktop", "deviceFingerprint": "f"});
        let device = ada.post("/v1/auth/2fa/trusted-devices", device).await.assert_status(201).json();
        let trusted = app.stranger().same_origin().with_header("x-device-token", device["deviceToken"].as_str().expect("a token"));
        let answer = trusted.post("/v1/auth/login", credentials(&ada)).await.assert_status(200);
        let browser = trusted.with_header("cookie", &answer.session_cookie().expect("a cookie"));
        let other = Person::new(&app.stranger(), &answer.json());
        is_alive(&browser, &other).await;
        let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
        let kept = ada.post("/v1/auth/change-password", body).await.assert_status(200).json();
        is_dead(&browser, &other).await;
        refreshes(&ada, &ada.tokens.refresh).await.assert_status(401);
        ada.with_bearer(kept["accessToken"].as_str().expect("a token")).get("/v1/auth/me").await.assert_status(200);
        let login = json!({"email": ada.email, "password": NEW});
        half(&trusted.post("/v1/auth/login", login).await.assert_status(200).json());
    }

    async fn s05_a_changed_second_factor_ends_the_other_sessions(app) {
        let ada = app.register("ada").await;
        let (browser, other) = both(&app, &ada).await;
        is_alive(&browser, &other).await;
        let phone = app.enrols(&ada).await;
        is_dead(&browser, &other).await;
        ada.get("/v1/auth/me").await.assert_status(200);
        let step = app.half(&ada.email).await;
        let answer = app.finishes(&app.stranger(), &step, &phone.shows(&app)).await.assert_status(200).json();
        let other = Person::new(&app.stranger(), &answer);
        other.get("/v1/auth/me").await.assert_status(200);
        ada.post("/v1/auth/2fa/disable", json!({"password": PASSWORD, "code": phone.codes[0]})).await.assert_status(200);
        other.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        refreshes(&other, &other.tokens.refresh).await.assert_refused(401, "token_revoked");
        ada.get("/v1/auth/me").await.assert_status(200);
    }

    async fn s05_a_forgotten_password_ends_every_session(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let (browser, other) = both(&app, &ada).await;
        let mail = app.reset_mail(&ada.email).await;
        is_alive(&browser, &other).await;
        let reset = json!({"token": mail.token(), "newPassword": NEW});
        app.stranger().post("/v1/auth/reset-password", reset).await.assert_status(200);
        is_dead(&browser, &other).await;
        ada.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
    }

    async fn s06_people_see_their_sessions_and_end_any_of_them(app) {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(1));
        let other = ada.signs_in_again().await;
        let list = other.get("/v1/auth/sessions").await.assert_status(200).json();
        let current: Vec<_> = list.as_array().expect("a list").iter().map(|session| session["isCurrent"] == true).collect();
        assert_eq!(current, [true, false], "newest first");
        assert_eq!(list[0]["amr"], json!(["pwd"]));
        let count = other.get("/v1/auth/sessions/count").await.assert_status(200).json();
        assert_eq!(count, json!({"activeSessionCount": 2}));
        let old = list[1]["id"].as_str().expect("an id");
        other.delete(&format!("/v1/auth/sessions/{old}")).await.assert_status(200);
        ada.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        refreshes(&ada, &ada.tokens.refresh).await.assert_refused(401, "token_revoked");
        other.delete(&format!("/v1/auth/sessions/{old}")).await.assert_refused(404, "not_found");
        other.get("/v1/auth/me").await.assert_status(200);
    }

    async fn s06_sessions_of_others_do_not_exist(app) {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let list = ben.get("/v1/auth/sessions").await.json();
        let foreign = list[0]["id"].as_str().expect("an id");
        let unknown = ada.delete("/v1/auth/sessions/ses_00000000000000000000000000").await.assert_refused(404, "not_found");
        for id in [foreign, "nonsense", "%ff", "ses_"] {
            let answer = ada.delete(&format!("/v1/auth/sessions/{id}")).await.assert_refused(404, "not_found");
            assert_eq!(answer.json()["message"], unknown.json()["message"]);
        }
        ben.get("/v1/auth/me").await.assert_status(200);
    }

    async fn s06_an_administrator_ends_the_sessions_of_a_member_and_of_nobody_else(app) {
        let (ada, eve) = (app.register("ada").await, app.register("eve").await);
        let ben = app.member_of(&ada, "ben", Role::Member).await;
        let of = |organization: &str, user: &str| format!("/v1/organizations/{organization}/members/{user}/revoke-tokens");
        let theirs = of(&ada.organization, &ben.id);
        eve.post_nothing(&theirs).await.assert_refused(404, "not_found");
        eve.post_nothing(&of(&eve.organization, &ben.id)).await.assert_refused(404, "not_found");
        ben.post_nothing(&of(&ada.organization, &ada.id)).await.assert_refused(403, "insufficient_role");
        ben.get("/v1/auth/me").await.assert_status(200);
        let ended = ada.post_nothing(&theirs).await.assert_status(200).json();
        assert_eq!(ended, json!({"success": true, "endedSessions": 1}));
        ben.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        refreshes(&ben, &ben.tokens.refresh).await.assert_refused(401, "token_revoked");
        ada.get("/v1/auth/me").await.assert_status(200);
    }

    async fn s07_every_page_can_be_left_and_none_is_kept(app) {
        let ada = app.register("ada").await;
        let mut browser = app.browser_of(&ada).await;
        for path in PAGES {
            let page = browser.get(path).await.assert_status(200);
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
            assert!(page.body.contains("action=\"/fn/sign-out\""), "{path}");
        }
        let before = browser.sends();
        let gone = browser.post("/fn/sign-out", &[]).await.assert_status(303);
        assert_eq!((gone.header("location"), gone.header("clear-site-data")), ("/login", "\"storage\""));
        assert!(!browser.cookies.contains_key("__Host-latchkey"));
        for client in [before, browser.sends()] {
            for path in PAGES {
                let sent_on = client.get(path).await.assert_status(303);
                assert!(sent_on.header("location").starts_with("/login"), "{sent_on:?}");
                assert!(!sent_on.body.contains(&ada.email));
            }
        }
    }

    async fn s09_every_cookie_is_bound_to_this_host_and_out_of_reach(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let mut replies = Vec::new();
        let mut browser = Browser::new(&app.stranger());
        for path in ["/login", "/register", "/forgot-password"] {
            replies.push(browser.get(path).await);
        }
        let sign_in = [("credentials[email]", ada.email.as_str()), ("credentials[password]", PASSWORD)];
        replies.push(browser.post("/fn/sign-in", &[("credentials[password]", "wrong"), sign_in[0]]).await);
        replies.push(browser.get("/login").await);
        replies.push(browser.post("/fn/sign-in", &sign_in).await);
        replies.push(browser.get("/login/two-factor").await);
        replies.push(browser.post("/fn/second-step", &[("second[code]", &phone.shows(&app)), ("second[trust]", "true")]).await);
        replies.push(browser.get("/settings/api-keys").await);
        replies.push(browser.post("/fn/create-key", &[("key[name]", "Export"), ("key[scopes][]", "read"), ("key[life]", "90")]).await);
        replies.push(browser.get("/settings/api-keys").await);
        replies.push(browser.post("/fn/theme", &[("theme", "dark")]).await);
        replies.push(browser.post("/fn/sign-out", &[]).await);
        let script = app.stranger().same_origin();
        let due = script.post("/v1/auth/login", credentials(&ada)).await;
        let step = script.with_header("x-2fa-token", &half(&due.json()));
        replies.push(step.post("/v1/auth/2fa/verify", json!({"code": phone.codes[0], "trustDevice": true})).await);
        replies.push(script.post_nothing("/v1/auth/logout").await);
        let mut names = std::collections::BTreeSet::new();
        for line in replies.iter().flat_map(Reply::set_cookies) {
            let name = line.split('=').next().expect("a name");
            names.insert(name.to_owned());
            assert!(line.starts_with("__Host-latchkey") && line.len() < 4096, "{line}");
            for part in ["; Path=/", "; Secure", "; SameSite=Lax"] {
                assert!(line.contains(part), "{part}: {line}");
            }
            // What theme was chosen is no secret: the page's own script reads it before the first paint.
            assert!(line.contains("; HttpOnly") || name == "__Host-latchkey-theme", "{line}");
            assert!(!line.to_ascii_lowercase().contains("domain="), "{line}");
        }
        for expected in ["", "-devices", "-half", "-visitor", "-theme"] {
            assert!(names.contains(&format!("__Host-latchkey{expected}")), "{expected} was not seen: {names:?}");
        }
    }
}
