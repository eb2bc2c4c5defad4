//! `POST /v1/auth/login`

use serde_json::json;

use crate::support::{PASSWORD, on_both_engines};

on_both_engines! {
    async fn the_right_password_opens_a_session(app) {
        let ada = app.register("ada").await;
        let answer = ada.anonymous().post("/v1/auth/login", json!({"email": "ADA@example.org", "password": PASSWORD})).await;
        let body = answer.assert_status(200).json();
        assert_eq!(body["tokenType"], "Bearer");
        assert_eq!(body["expiresIn"], 86_400);
        assert_eq!(body["user"]["email"], "ada@example.org");
        assert_eq!(body["user"]["role"], "ADMIN");
        assert_eq!(body["user"]["organizationRole"], "OWNER");
        assert_eq!(body["organization"]["id"], ada.organization);
        let token = body["accessToken"].as_str().expect("a token");
        ada.anonymous().with_bearer(token).get("/v1/auth/me").await.assert_status(200);
    }

    async fn unknown_and_wrong_are_answered_alike(app) {
        app.register("ada").await;
        let login = |email: &str| {
            let body = json!({"email": email, "password": "not the right one"});
            let client = app.stranger();
            async move { client.post("/v1/auth/login", body).await }
        };
        let wrong = login("ada@example.org").await.assert_refused(401, "invalid_credentials");
        let unknown = login("nobody@example.org").await.assert_refused(401, "invalid_credentials");
        assert_eq!(wrong.json()["message"], unknown.json()["message"]);
        assert_eq!(wrong.header("www-authenticate"), r#"Bearer realm="latchkey""#);
    }

    async fn what_is_missing_is_named(app) {
        let stranger = app.stranger();
        stranger.post_nothing("/v1/auth/login").await
            .assert_invalid(&["email should not be empty", "password should not be empty"]);
        stranger.post("/v1/auth/login", json!({"email": "ada", "password": null})).await
            .assert_invalid(&["email must be an email", "password should not be empty"]);
        stranger.post("/v1/auth/login", json!({"email": 7, "shoe": 1})).await
            .assert_invalid(&["email must be a string", "property shoe should not exist"]);
    }

    async fn five_wrong_passwords_close_the_door_for_a_minute(app) {
        let ada = app.register("ada").await;
        let wrong = json!({"email": ada.email, "password": "not the right one"});
        for _ in 0..5 {
            app.stranger().post("/v1/auth/login", wrong.clone()).await.assert_status(401);
        }
        let right = json!({"email": ada.email, "password": PASSWORD});
        let refused = app.stranger().post("/v1/auth/login", right.clone()).await.assert_refused(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "60");
        assert_eq!(refused.header("x-ratelimit-limit"), "5");
        assert_eq!(refused.header("x-ratelimit-remaining"), "0");
        app.later(std::time::Duration::from_secs(60));
        app.stranger().post("/v1/auth/login", right).await.assert_status(200);
    }

    async fn left_over_credentials_are_ignored(app) {
        let ada = app.register("ada").await;
        let cluttered = ada.with_bearer("nonsense").with_header("x-api-key", "nonsense")
            .with_header("cookie", "__Host-latchkey=old").with_header("x-organization-id", "org_x");
        cluttered.post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.assert_status(200);
    }

    async fn a_page_of_another_site_cannot_sign_anybody_in(app) {
        let ada = app.register("ada").await;
        let body = json!({"email": ada.email, "password": PASSWORD});
        for (name, value) in [
            ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.test"), ("origin", "null"),
            ("origin", "http://localhost:3000.evil.test"),
        ] {
            let there = app.stranger().with_header(name, value);
            there.post("/v1/auth/login", body.clone()).await.assert_refused(403, "csrf_failed");
        }
    }

    async fn a_script_on_our_own_page_gets_the_cookie_too(app) {
        let ada = app.register("ada").await;
        let body = json!({"email": ada.email, "password": PASSWORD});
        let answer = app.stranger().same_origin().post("/v1/auth/login", body.clone()).await.assert_status(200);
        let line = answer.header("set-cookie");
        for part in ["__Host-latchkey=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age=2592000"] {
            assert!(line.contains(part), "{line}");
        }
        let cookie = answer.session_cookie().expect("a cookie");
        let browser = app.stranger().with_header("cookie", &cookie);
        let sessions = browser.get("/v1/auth/sessions").await.assert_status(200).json();
        let token = answer.json()["accessToken"].as_str().expect("a token").to_owned();
        let same = app.stranger().with_bearer(&token).get("/v1/auth/sessions").await.json();
        assert_eq!(sessions, same, "cookie and token are of the same session");
        assert!(app.stranger().post("/v1/auth/login", body).await.session_cookie().is_none());
    }

    async fn without_remember_the_cookie_ends_with_the_browser(app) {
        let ada = app.register("ada").await;
        let body = json!({"email": ada.email, "password": PASSWORD, "remember": false});
        let answer = app.stranger().same_origin().post("/v1/auth/login", body).await.assert_status(200);
        assert!(!answer.header("set-cookie").contains("Max-Age"));
        let cookie = answer.session_cookie().expect("a cookie");
        app.later(std::time::Duration::from_secs(86_400));
        app.stranger().with_header("cookie", &cookie).get("/v1/auth/me").await.assert_refused(401, "token_revoked");
    }

    async fn a_foreign_organization_is_not_found_once_the_password_was_right(app) {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let body = |password: &str, organization: &str| {
            json!({"email": ada.email, "password": password, "organizationId": organization})
        };
        for organization in [ben.organization.as_str(), "org_00000000000000000000000000", "nonsense"] {
            app.stranger().post("/v1/auth/login", body(PASSWORD, organization)).await.assert_refused(404, "not_found");
        }
        app.stranger().post("/v1/auth/login", body("not the right one", &ben.organization)).await.assert_status(401);
    }

    async fn the_same_answers_stand_under_api(app) {
        let ada = app.register("ada").await;
        let body = json!({"email": ada.email, "password": PASSWORD});
        app.stranger().post("/api/auth/login", body).await.assert_status(200);
        ada.get("/api/auth/me").await.assert_status(200);
        ada.get("/api/v1/auth/me").await.assert_status(404);
    }

    async fn no_provider_is_set_up(app) {
        let body = app.stranger().get("/v1/auth/oauth-status").await.assert_status(200).json();
        for provider in ["google", "apple", "github", "microsoft"] {
            assert_eq!(body[provider], json!({"enabled": false, "configured": false}));
        }
    }
}
