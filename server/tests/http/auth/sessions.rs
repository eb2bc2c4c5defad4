//! `/v1/auth/logout`, `/v1/auth/sessions`

use std::time::Duration;

use serde_json::json;

use crate::support::on_both_engines;

on_both_engines! {
    async fn with_no_credential_there_is_nothing_to_sign_out_of(app) {
        app.stranger().post_nothing("/v1/auth/logout").await.assert_status(200);
        app.stranger().post("/v1/auth/logout", json!({})).await.assert_status(200);
        app.stranger().with_bearer("nonsense").post_nothing("/v1/auth/logout").await.assert_refused(401, "invalid_token");
        let stale = app.stranger().with_header("cookie", "__Host-latchkey=stale");
        stale.post_nothing("/v1/auth/logout").await.assert_status(200);
    }

    async fn by_cookie_the_origin_is_proof_enough_to_sign_out(app) {
        let ada = app.register("ada").await;
        let browser = ada.in_a_browser().await;
        let elsewhere = browser.with_header("origin", "https://evil.test").with_header("sec-fetch-site", "cross-site");
        elsewhere.post_nothing("/v1/auth/logout").await.assert_refused(403, "csrf_failed");
        browser.get("/v1/auth/me").await.assert_status(200);
        browser.post_nothing("/v1/auth/logout").await.assert_status(200);
        browser.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
    }

    async fn signing_out_everywhere_ends_all_of_them(app) {
        let ada = app.register("ada").await;
        let other = ada.signs_in_again().await;
        ada.post_nothing("/v1/auth/logout-all").await.assert_status(200);
        for session in [&ada, &other] {
            session.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        }
    }

    async fn a_session_at_rest_ends_after_two_weeks(app) {
        let ada = app.register("ada").await;
        let browser = ada.in_a_browser().await;
        app.later(Duration::from_secs(13 * 86_400));
        browser.get("/v1/auth/me").await.assert_status(200);
        app.later(Duration::from_secs(14 * 86_400));
        browser.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
    }

    async fn an_access_token_ends_after_a_day(app) {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(86_399));
        ada.get("/v1/auth/me").await.assert_status(200);
        app.later(Duration::from_secs(200));
        let ended = ada.get("/v1/auth/me").await.assert_refused(401, "token_expired");
        assert!(ended.header("www-authenticate").contains("error="));
    }
}
