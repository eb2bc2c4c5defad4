//! Changes that a cookie authenticates (contract section 7, safety C01).

use serde_json::json;

use crate::support::on_both_engines;

on_both_engines! {
    async fn a_change_by_cookie_needs_the_token_and_the_origin(app) {
        let ada = app.register("ada").await;
        let browser = ada.in_a_browser().await;
        let body = browser.get("/v1/auth/csrf-token").await.assert_status(200).json();
        assert_eq!(body["csrfToken"], body["csrf_token"]);
        let token = body["csrfToken"].as_str().expect("a token");
        let change = json!({"name": "Ada King"});
        let with = browser.with_header("x-csrf-token", token);
        let changed = with.post("/v1/auth/update-profile", change.clone()).await.assert_status(200).json();
        assert_eq!(changed["name"], "Ada King");
        let other = ada.in_a_browser().await.get("/v1/auth/csrf-token").await.json();
        let bad = [
            browser.clone(),
            browser.with_header("x-csrf-token", ""),
            browser.with_header("x-csrf-token", "nonsense"),
            browser.with_header("x-csrf-token", other["csrfToken"].as_str().expect("a token")),
            browser.with_header("x-csrf-token", &token.to_uppercase()),
            with.with_header("origin", "https://evil.test"),
            with.with_header("origin", "null"),
            with.without_header("origin"),
            with.with_header("sec-fetch-site", "cross-site"),
            with.with_header("sec-fetch-site", "same-site"),
        ];
        for client in bad {
            let refused = client.post("/v1/auth/update-profile", json!({"name": "Mallory"})).await;
            assert!(refused.assert_refused(403, "csrf_failed").body.contains("CSRF"));
        }
        assert_eq!(ada.get("/v1/auth/me").await.json()["name"], "Ada King");
    }

    async fn the_referer_stands_in_for_the_origin(app) {
        let ada = app.register("ada").await;
        let browser = ada.in_a_browser().await.without_header("origin");
        let token = browser.get("/v1/auth/csrf-token").await.json()["csrfToken"].as_str().expect("a token").to_owned();
        let browser = browser.with_header("x-csrf-token", &token);
        let ours = browser.with_header("referer", "http://localhost:3000/settings/profile");
        ours.post("/v1/auth/update-profile", json!({"name": "Ada King"})).await.assert_status(200);
        let theirs = browser.with_header("referer", "http://localhost:3000.evil.test/");
        theirs.post("/v1/auth/update-profile", json!({"name": "M"})).await.assert_refused(403, "csrf_failed");
    }

    async fn a_header_is_proof_enough(app) {
        let ada = app.register("ada").await;
        let cross = ada.with_header("origin", "https://elsewhere.test").with_header("sec-fetch-site", "cross-site");
        cross.post("/v1/auth/update-profile", json!({"name": "Ada King"})).await.assert_status(200);
    }

    async fn an_explicit_header_wins_over_the_cookie(app) {
        let ada = app.register("ada").await;
        let ben = app.register("ben").await;
        let browser = ada.in_a_browser().await;
        let both = browser.with_bearer(&ben.tokens.access);
        assert_eq!(both.get("/v1/auth/me").await.json()["email"], "ben@example.org");
        browser.with_bearer("nonsense").get("/v1/auth/me").await.assert_refused(401, "invalid_token");
    }
}
