//! `/v1/auth/magic-link`, `/v1/auth/magic-link/verify`

use std::time::Duration;

use serde_json::{Value, json};

use super::successes_of_two_hundred;
use crate::support::{Client, Person, Reply, on_both_engines};

const VERIFY: &str = "/v1/auth/magic-link/verify";

async fn by_token(client: &Client, token: &str) -> Reply {
    client.post(VERIFY, json!({"token": token})).await
}

async fn by_code(client: &Client, email: &str, code: &str) -> Reply {
    client.post(VERIFY, json!({"email": email, "code": code})).await
}

on_both_engines! {
    async fn the_mailed_link_signs_in(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        assert!(mail.link().starts_with("/magic-link?token="));
        let client = app.stranger();
        let answer = by_token(&client, &mail.token()).await.assert_status(200).json();
        assert_eq!((&answer["user"]["email"], &answer["user"]["emailVerified"]), (&json!(ada.email), &json!(true)));
        assert_eq!(answer["organization"]["id"], ada.organization);
        let there = Person::new(&client, &answer);
        let sessions = there.get("/v1/auth/sessions").await.assert_status(200).json();
        let by_mail = sessions.as_array().expect("a list").iter().find(|session| session["isCurrent"] == true);
        assert_eq!(by_mail.expect("this one")["amr"], json!(["email"]));
    }

    async fn the_mailed_code_signs_in_however_it_is_typed(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        for spelled in [|code: &str| code.to_owned(), |code: &str| format!(" {}-{} ", &code[..3], &code[3..])] {
            let mail = app.magic_link(&ada.email).await;
            by_code(&app.stranger(), "ADA@Example.org", &spelled(&mail.code())).await.assert_status(200);
        }
    }

    async fn a_script_on_our_own_page_gets_the_cookie_too(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        let answer = by_token(&app.stranger().same_origin(), &mail.token()).await.assert_status(200);
        let cookie = answer.session_cookie().expect("a cookie");
        app.stranger().with_header("cookie", &cookie).get("/v1/auth/me").await.assert_status(200);
        let mail = app.magic_link(&ada.email).await;
        let body = json!({"token": mail.token(), "remember": false});
        let answer = app.stranger().same_origin().post(VERIFY, body).await.assert_status(200);
        assert!(!answer.header("set-cookie").contains("Max-Age"));
    }

    async fn m04_looking_at_a_link_spends_nothing(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        let path = format!("/v1/auth/magic-link?token={}", mail.token());
        let scanner = app.stranger();
        let script = app.stranger().with_header("accept", "application/json").with_header("sec-fetch-dest", "empty");
        let page = app.stranger().with_header("accept", "text/html").with_header("sec-fetch-dest", "document");
        for client in [&scanner, &page] {
            let preview = client.get(&path).await.assert_status(200);
            assert_eq!(preview.json(), json!({"valid": true, "email": ada.email, "expiresAt": "2026-11-21T09:40:00Z"}));
            assert!(preview.session_cookie().is_none());
        }
        for client in [&scanner, &script, &page] {
            let head = client.send("HEAD", &path, None, axum::body::Body::empty()).await.assert_status(200);
            assert_eq!(head.body, "");
        }
        by_token(&app.stranger(), &mail.token()).await.assert_status(200);
        assert_eq!(scanner.get(&path).await.assert_status(200).json()["valid"], false);
    }

    async fn a_link_opened_by_a_script_signs_in(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        for (name, value) in [("accept", "application/json, */*"), ("sec-fetch-dest", "empty")] {
            let mail = app.magic_link(&ada.email).await;
            let script = app.stranger().with_header(name, value);
            let path = format!("/api/auth/magic-link?token={}", mail.token());
            let answer = script.get(&path).await.assert_status(200).json();
            script.with_bearer(answer["accessToken"].as_str().expect("a token")).get("/api/auth/me").await.assert_status(200);
            script.get(&path).await.assert_refused(400, "invalid_token");
        }
    }

    async fn a_page_of_another_site_neither_asks_nor_spends(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        let there = app.stranger().with_header("sec-fetch-site", "cross-site").with_header("sec-fetch-dest", "empty");
        there.get(&format!("/v1/auth/magic-link?token={}", mail.token())).await.assert_refused(403, "csrf_failed");
        by_token(&there, &mail.token()).await.assert_refused(403, "csrf_failed");
        there.post("/v1/auth/magic-link", json!({"email": ada.email})).await.assert_refused(403, "csrf_failed");
        by_token(&app.stranger(), &mail.token()).await.assert_status(200);
    }

    async fn m01_link_and_code_are_spent_together_and_once(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        by_token(&app.stranger(), &mail.token()).await.assert_status(200);
        by_token(&app.stranger(), &mail.token()).await.assert_refused(400, "invalid_token");
        by_code(&app.stranger(), &ada.email, &mail.code()).await.assert_refused(400, "invalid_code");
        let mail = app.magic_link(&ada.email).await;
        by_code(&app.stranger(), &ada.email, &mail.code()).await.assert_status(200);
        by_token(&app.stranger(), &mail.token()).await.assert_refused(400, "invalid_token");
        by_code(&app.stranger(), &ada.email, &mail.code()).await.assert_refused(400, "invalid_code");
    }

    async fn m03_a_new_request_replaces_the_one_before(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let old = app.magic_link(&ada.email).await;
        let new = app.magic_link(&ada.email).await;
        by_token(&app.stranger(), &old.token()).await.assert_refused(400, "invalid_token");
        app.stranger().get(&format!("/v1/auth/magic-link?token={}", old.token())).await.assert_refused(400, "invalid_token");
        if old.code() != new.code() {
            by_code(&app.stranger(), &ada.email, &old.code()).await.assert_refused(400, "invalid_code");
        }
        by_token(&app.stranger(), &new.token()).await.assert_status(200);
    }

    async fn m03_a_code_is_good_for_its_own_address_only(app) with ["mailbox"] {
        let (ada, grace) = (app.register("ada").await, app.register("grace").await);
        let mail = app.magic_link(&ada.email).await;
        by_code(&app.stranger(), &grace.email, &mail.code()).await.assert_refused(400, "invalid_code");
        by_code(&app.stranger(), "nobody@example.org", &mail.code()).await.assert_refused(400, "invalid_code");
        by_code(&app.stranger(), &ada.email, &mail.code()).await.assert_status(200);
    }

    async fn five_wrong_codes_end_it(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        for _ in 0..4 {
            by_code(&app.stranger(), &ada.email, &mail.wrong_code()).await.assert_refused(400, "invalid_code");
        }
        let path = format!("/v1/auth/magic-link?token={}", mail.token());
        assert_eq!(app.stranger().get(&path).await.json()["valid"], true);
        by_code(&app.stranger(), &ada.email, &mail.wrong_code()).await.assert_refused(400, "invalid_code");
        by_code(&app.stranger(), &ada.email, &mail.code()).await.assert_refused(400, "invalid_code");
        by_token(&app.stranger(), &mail.token()).await.assert_refused(400, "invalid_token");
        let fresh = app.magic_link(&ada.email).await;
        by_code(&app.stranger(), &ada.email, &fresh.code()).await.assert_status(200);
    }

    async fn guessing_is_limited_by_address(app) with ["mailbox"] {
        let client = app.stranger();
        for _ in 0..5 {
            by_token(&client, "nonsense").await.assert_refused(400, "invalid_token");
        }
        let refused = by_code(&client, "ada@example.org", "000000").await.assert_refused(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "60");
    }

    async fn m02_one_second_past_its_time_it_is_refused(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        app.later(Duration::from_secs(599));
        let path = format!("/v1/auth/magic-link?token={}", mail.token());
        assert_eq!(app.stranger().get(&path).await.json()["valid"], true);
        app.later(Duration::from_secs(1));
        assert_eq!(app.stranger().get(&path).await.assert_status(200).json()["valid"], false);
        by_token(&app.stranger(), &mail.token()).await.assert_refused(400, "invalid_token");
        by_code(&app.stranger(), &ada.email, &mail.code()).await.assert_refused(400, "invalid_code");
    }

    async fn m01_of_two_hundred_redemptions_at_once_one_succeeds(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        let body = json!({"token": mail.token()});
        assert_eq!(successes_of_two_hundred(&app.stranger(), VERIFY, &body).await, 1);
        let mail = app.magic_link(&ada.email).await;
        let body = json!({"email": ada.email, "code": mail.code()});
        assert_eq!(successes_of_two_hundred(&app.stranger(), VERIFY, &body).await, 1);
        let sessions = ada.get("/v1/auth/sessions/count").await.json();
        assert_eq!(sessions["activeSessionCount"], 3);
    }

    async fn of_two_hundred_guesses_at_once_five_are_looked_at(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        let body = json!({"email": ada.email, "code": mail.wrong_code()});
        assert_eq!(successes_of_two_hundred(&app.stranger(), VERIFY, &body).await, 0);
        by_code(&app.stranger(), &ada.email, &mail.code()).await.assert_refused(400, "invalid_code");
        by_token(&app.stranger(), &mail.token()).await.assert_refused(400, "invalid_token");
    }

    async fn a_foreign_organization_is_not_found_and_nothing_is_spent(app) with ["mailbox"] {
        let (ada, grace) = (app.register("ada").await, app.register("grace").await);
        let mail = app.magic_link(&ada.email).await;
        let body = json!({"token": mail.token(), "organizationId": grace.organization});
        app.stranger().post(VERIFY, body).await.assert_refused(404, "not_found");
        by_token(&app.stranger(), &mail.token()).await.assert_status(200);
    }

    async fn what_is_missing_is_named(app) with ["mailbox"] {
        let stranger = app.stranger();
        stranger.post_nothing("/v1/auth/magic-link").await.assert_invalid(&["email should not be empty"]);
        stranger.post("/v1/auth/magic-link", json!({"email": "ada"})).await.assert_invalid(&["email must be an email"]);
        stranger.post_nothing(VERIFY).await.assert_invalid(&["email should not be empty", "code should not be empty"]);
        stranger.get("/v1/auth/magic-link").await.assert_invalid(&["token should not be empty"]);
        stranger.get("/v1/auth/magic-link?token=").await.assert_invalid(&["token should not be empty"]);
        stranger.post(VERIFY, json!({"token": 7})).await.assert_invalid(&["token must be a string"]);
        stranger.post(&format!("{VERIFY}?token=x"), Value::Null).await.assert_refused(400, "token_in_query");
    }

    async fn without_mail_asking_is_answered_alike(app) {
        let ada = app.register("ada").await;
        app.stranger().post("/v1/auth/magic-link", json!({"email": ada.email})).await.assert_status(200);
        assert_eq!(app.stranger().get("/readyz").await.assert_status(200).json()["mail"], "not_configured");
    }
}
