//! `/v1/auth/handoff`, `/v1/auth/handoff/redeem`, and the page `/auth/thirdPartySignIn`

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{App, Client, PASSWORD, Person, Reply, Role, field, half, on_both_engines};

const HANDOFF: &str = "/v1/auth/handoff";
const REDEEM: &str = "/v1/auth/handoff/redeem";
const PAGE: &str = "/auth/thirdPartySignIn";
const APP: &str = "https://app.example.com";

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

/// What Salesflow's clients hold after signing in.
async fn response(app: &App, person: &Person) -> Value {
    let body = json!({"email": person.email, "password": PASSWORD});
    app.stranger().post("/auth/login", body).await.assert_status(200).json()
}

/// The same from a device that they trust: the password alone was proven.
async fn by_device(app: &App, person: &Person) -> Value {
    let about = json!({"deviceName": "Program", "deviceType": "desktop", "deviceFingerprint": "f"});
    let device = person.post("/v1/auth/2fa/trusted-devices", about).await.assert_status(201).json();
    let trusted = app.stranger().with_header("x-device-token", device["deviceToken"].as_str().expect("a token"));
    let body = json!({"email": person.email, "password": PASSWORD});
    trusted.post("/auth/login", body).await.assert_status(200).json()
}

async fn ticket(client: &Client, target: Option<&str>) -> String {
    let made = client.post(HANDOFF, json!({"target": target})).await.assert_status(200).json();
    made["ticket"].as_str().expect("a ticket").to_owned()
}

async fn redeem(client: &Client, ticket: &str) -> Reply {
    client.post(REDEEM, json!({"ticket": ticket})).await
}

/// A browser that reads pages.
fn reader(app: &App) -> Client {
    app.stranger().same_origin().with_header("accept", "text/html")
}

/// The cookie that the proof of a page is bound to.
fn visitor_cookie(page: &Reply) -> String {
    let set = page.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let pair = set.filter_map(|line| line.split(';').next()).find(|pair| pair.starts_with("__Host-latchkey-visitor="));
    pair.expect("a cookie").to_owned()
}

/// Presses the button of an open page.
async fn goes_on(reader: &Client, page: &Reply, name: &str) -> Reply {
    let held = reader.with_header("cookie", &visitor_cookie(page));
    let form = format!("csrf={}&{name}={}", encoded(&field(page, "csrf")), encoded(&field(page, name)));
    held.post_form("/fn/continue", &form).await
}

on_both_engines! {
    async fn a_ticket_for_another_site_is_redeemed_by_its_server_once(app) with ["--handoff-targets=https://app.example.com"] {
        let ada = app.register("ada").await;
        let made = ada.post(HANDOFF, json!({"target": APP})).await.assert_status(200).json();
        let ticket = made["ticket"].as_str().expect("a ticket");
        assert_eq!(made, json!({"url": format!("{APP}{PAGE}?ticket={ticket}"), "ticket": ticket, "expiresIn": 60}));
        let server = app.stranger();
        let answer = redeem(&server, ticket).await.assert_status(200).json();
        assert_eq!((&answer["user"]["email"], &answer["organization"]["id"]), (&json!(ada.email), &json!(ada.organization)));
        Person::new(&server, &answer).get("/v1/auth/me").await.assert_status(200);
        redeem(&server, ticket).await.assert_refused(400, "invalid_token");
        let page = made["url"].as_str().expect("an address").replace(APP, "");
        reader(&app).get(&page).await.assert_status(400);
        let below = ada.post("/api/auth/handoff", json!({"target": format!("{APP}/come/in")})).await.assert_status(200).json();
        assert!(below["url"].as_str().is_some_and(|url| url.starts_with("https://app.example.com/come/in?ticket=lkh_")), "{below}");
        let mirrored = app.stranger().post("/api/auth/handoff/redeem", json!({"ticket": below["ticket"]})).await.assert_status(200).json();
        assert_eq!(mirrored["access_token"], mirrored["accessToken"]);
    }

    async fn a_site_that_is_not_allowed_is_a_wrong_field(app) with ["--handoff-targets=https://app.example.com"] {
        let ada = app.register("ada").await;
        for target in ["https://app.example.com.evil.test", "https://app.example.com@evil.test", "http://app.example.com", "https://APP.example.com", "https://app.example.com:8443", "//app.example.com", "x"] {
            let refused = ada.post(HANDOFF, json!({"target": target})).await;
            refused.assert_invalid(&["target must be an allowed origin or a page below one"]);
        }
        ada.post(HANDOFF, json!({"target": 7})).await.assert_invalid(&["target must be a string"]);
        ada.post(HANDOFF, json!({"site": APP})).await.assert_invalid(&["property site should not exist"]);
    }

    async fn without_a_target_the_ticket_is_for_our_own_page(app) {
        let ada = app.register("ada").await;
        for body in [json!({}), json!({"target": null}), json!({"target": "http://localhost:3000"})] {
            let made = ada.post(HANDOFF, body).await.assert_status(200).json();
            assert!(made["url"].as_str().is_some_and(|url| url.starts_with("http://localhost:3000/auth/thirdPartySignIn?ticket=lkh_")), "{made}");
        }
        ada.post_nothing(HANDOFF).await.assert_status(200);
        ada.post(HANDOFF, json!({"target": APP})).await.assert_refused(400, "validation_failed");
        redeem(&app.stranger(), &ticket(&ada, None).await).await.assert_refused(400, "invalid_token");
    }

    async fn only_people_in_a_session_hand_themselves_on(app) {
        let ada = app.register("ada").await;
        app.stranger().post_nothing(HANDOFF).await.assert_refused(401, "missing_credentials");
        let key = ada.makes_a_key(json!({"name": "Everything", "scopes": ["admin"]})).await;
        ada.with_key(&key.secret).post_nothing(HANDOFF).await.assert_refused(403, "insufficient_scope");
        ada.in_a_browser().await.post_nothing(HANDOFF).await.assert_refused(403, "csrf_failed");
        for client in [app.stranger().with_header("origin", "https://evil.test"), app.stranger().with_header("sec-fetch-site", "cross-site")] {
            client.post(REDEEM, json!({"ticket": "lkh_x"})).await.assert_refused(403, "csrf_failed");
        }
        app.stranger().post_nothing(REDEEM).await.assert_invalid(&["ticket should not be empty"]);
        ada.with_bearer("left over").post(REDEEM, json!({"ticket": "lkh_x"})).await.assert_refused(400, "invalid_token");
    }

    async fn a_ticket_ends_after_a_minute_and_with_its_session(app) with ["--handoff-targets=https://app.example.com"] {
        let ada = app.register("ada").await;
        let late = ticket(&ada, Some(APP)).await;
        app.later(Duration::from_secs(60));
        redeem(&app.stranger(), &late).await.assert_refused(400, "invalid_token");
        let ended = ticket(&ada, Some(APP)).await;
        ada.post_nothing("/v1/auth/logout").await.assert_status(200);
        redeem(&app.stranger(), &ended).await.assert_refused(400, "invalid_token");
    }

    async fn a_second_factor_that_was_not_proven_is_due_at_the_other_site(app) with ["--handoff-targets=https://app.example.com"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let proven = redeem(&app.stranger(), &ticket(&ada, Some(APP)).await).await.assert_status(200).json();
        assert!(proven["accessToken"].is_string(), "it was proven when it was set up: {proven}");
        let trusted = by_device(&app, &ada).await;
        let holder = app.stranger().with_bearer(trusted["accessToken"].as_str().expect("a token"));
        let due = redeem(&app.stranger(), &ticket(&holder, Some(APP)).await).await.assert_status(200).json();
        assert_eq!(due["requiresTwoFactor"], true);
        let step = app.stranger().with_bearer(&half(&due));
        step.post("/v1/auth/2fa/verify", json!({"code": phone.codes[0]})).await.assert_status(200);
    }

    async fn nobody_redeems_for_a_suspended_organization(app) with ["--handoff-targets=https://app.example.com"] {
        let (grace, ada) = (app.landlord("grace").await, app.register("ada").await);
        let ticket = ticket(&ada, Some(APP)).await;
        let tenant = format!("/v1/landlord/tenants/{}", ada.organization);
        grace.patch(&tenant, json!({"status": "suspended"})).await.assert_status(200);
        redeem(&app.stranger(), &ticket).await.assert_refused(403, "organization_suspended");
    }

    async fn in_a_query_both_are_credentials(app) {
        for path in [HANDOFF, REDEEM, "/api/auth/handoff", "/auth/login", "/auth/refreshToken", "/v1/auth/me", "/auth/thirdPartySignIn/x"] {
            for name in ["ticket", "SF_Token", "sf_token", "TICKET"] {
                app.stranger().get(&format!("{path}?{name}=x")).await.assert_refused(400, "token_in_query");
            }
        }
    }

    async fn looking_signs_nobody_in_and_spends_nothing(app) {
        let ada = app.register("ada").await;
        let (ticket, tokens) = (ticket(&ada, None).await, encoded(&response(&app, &ada).await.to_string()));
        for query in [format!("ticket={ticket}"), format!("SF_Token={tokens}")] {
            let path = format!("{PAGE}?{query}");
            for _ in 0..2 {
                let page = reader(&app).get(&path).await.assert_status(200);
                assert!(page.body.contains("Continue as ada (ada@example.org)"), "{page:?}");
                assert!(page.session_cookie().is_none());
                assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "same-origin"));
                let first = page.body.find("<script").expect("a script");
                assert!(page.body[first..].contains(">history.replaceState(null,\"\",location.pathname)</script>"));
                assert!(first < page.body.find("<link").expect("a file"), "before anything is fetched");
                assert!(!page.headers.contains_key("x-ratelimit-limit"), "it is a page");
            }
            app.stranger().send("HEAD", &path, None, axum::body::Body::empty()).await.assert_status(200);
        }
        assert_eq!(ada.get("/v1/auth/sessions/count").await.json()["activeSessionCount"], 2);
    }

    async fn the_button_opens_a_session(app) {
        let ada = app.register("ada").await;
        for (name, query) in [
            ("ticket", format!("ticket={}", ticket(&ada, None).await)),
            ("tokens", format!("SF_Token={}", encoded(&response(&app, &ada).await.to_string()))),
            ("tokens", format!("SF_Token={}", encoded(&encoded(&response(&app, &ada).await.to_string())))),
        ] {
            let reader = reader(&app);
            let page = reader.get(&format!("{PAGE}?{query}")).await.assert_status(200);
            let done = goes_on(&reader, &page, name).await.assert_status(303);
            assert_eq!(done.header("location"), "/settings/api-keys");
            let cookie = done.session_cookie().expect("a session cookie");
            app.stranger().with_header("cookie", &cookie).get("/v1/auth/me").await.assert_status(200);
            let keys = reader.with_header("cookie", &cookie).get("/settings/api-keys").await.assert_status(200);
            assert!(keys.body.contains("data-keeper=\"/fn/session-tokens\""), "{}", keys.body);
            if name == "ticket" {
                let again = goes_on(&reader, &page, name).await.assert_status(303);
                assert_eq!(again.header("location"), "/auth/thirdPartySignIn?state=over");
                reader.get("/auth/thirdPartySignIn?state=over").await.assert_status(410);
            }
        }
        let usual = ada.in_a_browser().await.with_header("accept", "text/html").get("/settings/api-keys").await;
        assert!(!usual.assert_status(200).body.contains("data-keeper"), "a session of our own keeps no tokens for scripts");
    }

    async fn the_button_needs_the_proof_of_this_browser_and_this_site(app) {
        let ada = app.register("ada").await;
        let reader = reader(&app);
        let page = reader.get(&format!("{PAGE}?ticket={}", ticket(&ada, None).await)).await.assert_status(200);
        let form = format!("csrf={}&ticket={}", encoded(&field(&page, "csrf")), field(&page, "ticket"));
        let held = reader.with_header("cookie", &visitor_cookie(&page));
        for client in [reader.clone(), held.with_header("origin", "https://evil.test"), held.with_header("sec-fetch-site", "cross-site")] {
            let refused = client.post_form("/fn/continue", &form).await.assert_status(303);
            assert!(refused.session_cookie().is_none() && refused.header("location").starts_with("/auth/thirdPartySignIn?ticket="));
        }
        held.post_form("/fn/continue", &form).await.assert_status(303).session_cookie().expect("not spent by that");
    }

    async fn somebody_else_who_is_signed_in_here_is_named(app) {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let path = format!("{PAGE}?ticket={}", ticket(&ada, None).await);
        let there = ben.in_a_browser().await.with_header("accept", "text/html");
        let page = there.get(&path).await.assert_status(200);
        assert!(page.body.contains("You are signed in as ben@example.org. That session ends."), "{page:?}");
        let same = ada.in_a_browser().await.with_header("accept", "text/html").get(&path).await.assert_status(200);
        assert!(!same.body.contains("That session ends."), "{same:?}");
        there.without_header("accept").get("/v1/auth/me").await.assert_status(200);
    }

    async fn the_second_step_is_due_where_it_was_not_made(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let login = json!({"email": ada.email, "password": PASSWORD, "twoFactorCode": phone.codes[0]});
        let proven = app.stranger().post("/auth/login", login).await.assert_status(200).json();
        for (tokens, way) in [(proven, "/settings/api-keys"), (by_device(&app, &ada).await, "/login/two-factor")] {
            let reader = reader(&app);
            let page = reader.get(&format!("{PAGE}?SF_Token={}", encoded(&tokens.to_string()))).await.assert_status(200);
            let done = goes_on(&reader, &page, "tokens").await.assert_status(303);
            assert_eq!((done.header("location"), done.session_cookie().is_some()), (way, way == "/settings/api-keys"));
        }
    }

    async fn what_is_not_good_is_a_page_and_stores_nothing(app) {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let good = response(&app, &ada).await;
        let key = ada.makes_a_key(json!({"name": "Everything", "scopes": ["admin"]})).await;
        let with = |name: &str, value: Value| {
            let mut other = good.clone();
            other[name] = value;
            other.to_string()
        };
        let access = good["accessToken"].as_str().expect("a token");
        let mut queries = vec![
            String::new(), "ticket=".to_owned(), "ticket=lkh_nonsense".to_owned(), "SF_Token=".to_owned(), "SF_Token=%7B".to_owned(),
            "SF_Token=%FF%FE".to_owned(), format!("SF_Token={access}"), format!("SF_Token={}", "x".repeat(9000)),
            format!("ticket={}", good["refreshToken"].as_str().expect("a token")),
        ];
        let bad = [
            with("email", json!(ben.email)), with("localId", json!(ben.id)), with("accessToken", json!(ben.tokens.access)),
            with("accessToken", json!(format!("{access}x"))), with("accessToken", json!(key.secret)), with("accessToken", good["refreshToken"].clone()),
            with("refreshToken", json!(ben.tokens.refresh)), with("refreshToken", json!("lkr_x")), with("accessToken", Value::Null), "[]".to_owned(),
        ];
        queries.extend(bad.iter().map(|text| format!("SF_Token={}", encoded(text))));
        for query in queries {
            let page = reader(&app).get(&format!("{PAGE}?{query}")).await.assert_status(400);
            assert!(page.body.contains("Go to sign-in") && page.session_cookie().is_none(), "{query}");
            assert!(!page.body.contains("<input type=\"hidden\" name=\"tokens\""), "{query}");
        }
        app.later(Duration::from_secs(3600));
        reader(&app).get(&format!("{PAGE}?SF_Token={}", encoded(&good.to_string()))).await.assert_status(400);
        let late = ticket(&ada, None).await;
        app.later(Duration::from_secs(60));
        reader(&app).get(&format!("{PAGE}?ticket={late}")).await.assert_status(410);
        assert_eq!(ada.get("/v1/auth/sessions/count").await.json()["activeSessionCount"], 2);
    }

    async fn a_huge_query_goes_no_further(app) {
        reader(&app).get(&format!("{PAGE}?SF_Token={}", "x".repeat(17_000))).await.assert_refused(431, "headers_too_large");
    }

    async fn without_the_raw_form_tickets_go_on(app) with ["--raw-handoff=false"] {
        let ada = app.register("ada").await;
        let tokens = encoded(&response(&app, &ada).await.to_string());
        reader(&app).get(&format!("{PAGE}?SF_Token={tokens}")).await.assert_status(400);
        reader(&app).get(&format!("{PAGE}?ticket={}", ticket(&ada, None).await)).await.assert_status(200);
    }

    async fn only_pages_of_a_session_that_was_handed_on_get_its_tokens(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Member).await;
        let reader = reader(&app);
        let page = reader.get(&format!("{PAGE}?ticket={}", ticket(&ben, None).await)).await.assert_status(200);
        let cookie = goes_on(&reader, &page, "ticket").await.session_cookie().expect("a session cookie");
        let there = app.stranger().same_origin().with_header("cookie", &cookie);
        let csrf = there.get("/v1/auth/csrf-token").await.json()["csrfToken"].as_str().expect("a token").to_owned();
        let form = format!("csrf={}", encoded(&csrf));
        let pair = there.post_form("/fn/session-tokens", &form).await.assert_status(200).json();
        assert_eq!((&pair["email"], &pair["localId"], &pair["expiresIn"]), (&json!(ben.email), &json!(ben.id), &json!(3600)));
        let refreshed = there.post("/auth/refreshToken", json!({"refreshToken": pair["refreshToken"]})).await.assert_status(200).json();
        let holder = app.stranger().with_bearer(refreshed["accessToken"].as_str().expect("a token"));
        assert_eq!(holder.get("/v1/auth/me").await.assert_status(200).json()["organizationId"], json!(ada.organization));
        there.post_form("/fn/session-tokens", "csrf=x").await.assert_status(403);
        there.with_header("origin", "https://evil.test").post_form("/fn/session-tokens", &form).await.assert_status(403);
        let usual = ada.in_a_browser().await;
        let csrf = usual.get("/v1/auth/csrf-token").await.json()["csrfToken"].as_str().expect("a token").to_owned();
        usual.post_form("/fn/session-tokens", &format!("csrf={}", encoded(&csrf))).await.assert_status(403);
        app.stranger().same_origin().post_form("/fn/session-tokens", "csrf=x").await.assert_status(401);
    }
}
