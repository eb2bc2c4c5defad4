//! What stands behind every first factor: a second one, a confirmed address, an organization that is not suspended
//! (safety L08).

use serde_json::json;

use crate::support::{PASSWORD, half, on_both_engines};

const VERIFY: &str = "/v1/auth/magic-link/verify";

on_both_engines! {
    async fn no_first_factor_passes_a_second_one(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let confirm = app.mail_to(&ada.email, "Confirm your address").await;
        let phone = app.enrols(&ada).await;
        let (token, code) = (app.magic_link(&ada.email).await.token(), async || app.magic_link(&ada.email).await.code());
        let browser = app.stranger().same_origin();
        let login = browser.post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await;
        let by_token = browser.post(VERIFY, json!({"token": token})).await;
        let by_code = browser.post(VERIFY, json!({"email": ada.email, "code": code().await})).await;
        let path = format!("/v1/auth/magic-link?token={}", app.magic_link(&ada.email).await.token());
        let by_script = browser.with_header("accept", "application/json").get(&path).await;
        for (answer, backup) in [login, by_token, by_code, by_script].into_iter().zip(&phone.codes) {
            let answer = answer.assert_status(200);
            assert!(answer.session_cookie().is_none() && answer.json().get("accessToken").is_none());
            app.finishes(&app.stranger(), &half(&answer.json()), backup).await.assert_status(200);
        }
        let sessions = async || ada.get("/v1/auth/sessions/count").await.json()["activeSessionCount"].clone();
        let before = sessions().await;
        let confirmed = browser.post("/v1/auth/verify-email", json!({"token": confirm.token()})).await.assert_status(200);
        assert!(confirmed.session_cookie().is_none() && confirmed.json().get("accessToken").is_none());
        assert_eq!(sessions().await, before, "confirming opens none");
    }

    async fn t07_a_link_is_spent_by_the_step_that_follows_it(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.enrols(&ada).await;
        let mail = app.magic_link(&ada.email).await;
        half(&app.stranger().post(VERIFY, json!({"token": mail.token()})).await.assert_status(200).json());
        app.stranger().post(VERIFY, json!({"token": mail.token()})).await.assert_refused(400, "invalid_token");
    }

    async fn m07_a_reset_does_not_pass_the_second_factor(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let mail = app.reset_mail(&ada.email).await;
        let body = json!({"token": mail.token(), "newPassword": "lantern over quiet water"});
        app.stranger().post("/v1/auth/reset-password", body).await.assert_status(200);
        let login = json!({"email": ada.email, "password": "lantern over quiet water"});
        let answer = app.stranger().post("/v1/auth/login", login).await.assert_status(200).json();
        app.finishes(&app.stranger(), &half(&answer), &phone.shows(&app)).await.assert_status(200);
        ada.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
    }

    async fn a_suspended_organization_is_told_after_the_proof(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        app.db_set("organizations", "suspended_at", Some(1)).await;
        app.stranger().post(VERIFY, json!({"token": "nonsense"})).await.assert_refused(400, "invalid_token");
        app.stranger().post(VERIFY, json!({"token": mail.token()})).await.assert_refused(403, "organization_suspended");
        app.db_set("organizations", "suspended_at", None).await;
        app.stranger().post(VERIFY, json!({"token": mail.token()})).await.assert_status(200);
    }

    async fn an_account_that_is_switched_off_gets_nothing(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        app.db_set("users", "disabled_at", Some(1)).await;
        app.stranger().post(VERIFY, json!({"token": mail.token()})).await.assert_status(401);
        let before = app.mails().await.len();
        for path in ["/v1/auth/magic-link", "/v1/auth/forgot-password", "/v1/auth/verify-email/resend"] {
            app.stranger().post(path, json!({"email": ada.email})).await.assert_status(200);
        }
        assert_eq!(app.mails().await.len(), before);
    }
}
