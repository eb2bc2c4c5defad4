//! What stands behind every first factor: a second one, a confirmed address, an organization that is not suspended
//! (safety L08).

use serde_json::json;

use crate::support::{App, PASSWORD, on_both_engines};

const VERIFY: &str = "/v1/auth/magic-link/verify";

/// There is no way yet to switch a second factor on by HTTP.
async fn second_factor(app: &App, since: Option<i64>) {
    app.db_set("users", "second_factor_since", since).await;
}

on_both_engines! {
    async fn no_first_factor_passes_a_second_one(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let (magic, confirm) = (app.magic_link(&ada.email).await, app.mail_to(&ada.email, "Confirm your address").await);
        second_factor(&app, Some(1)).await;
        let login = json!({"email": ada.email, "password": PASSWORD});
        let refused = app.stranger().same_origin().post("/v1/auth/login", login).await.assert_refused(401, "two_factor_required");
        assert!(refused.session_cookie().is_none());
        for body in [json!({"token": magic.token()}), json!({"email": ada.email, "code": magic.code()})] {
            let refused = app.stranger().same_origin().post(VERIFY, body).await.assert_refused(401, "two_factor_required");
            assert!(refused.session_cookie().is_none());
        }
        let path = format!("/v1/auth/magic-link?token={}", magic.token());
        let script = app.stranger().with_header("accept", "application/json");
        script.get(&path).await.assert_refused(401, "two_factor_required");
        let confirmed = app.stranger().same_origin().post("/v1/auth/verify-email", json!({"token": confirm.token()})).await;
        let confirmed = confirmed.assert_status(200);
        assert!(confirmed.session_cookie().is_none() && confirmed.json().get("accessToken").is_none());
        assert_eq!(ada.get("/v1/auth/sessions/count").await.json()["activeSessionCount"], 1, "the one from before");
    }

    async fn a_link_refused_for_the_second_factor_is_not_spent(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.magic_link(&ada.email).await;
        second_factor(&app, Some(1)).await;
        app.stranger().post(VERIFY, json!({"token": mail.token()})).await.assert_refused(401, "two_factor_required");
        second_factor(&app, None).await;
        app.stranger().post(VERIFY, json!({"token": mail.token()})).await.assert_status(200);
    }

    async fn a_reset_does_not_pass_the_second_factor(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        second_factor(&app, Some(1)).await;
        let mail = app.reset_mail(&ada.email).await;
        let body = json!({"token": mail.token(), "newPassword": "lantern over quiet water"});
        app.stranger().post("/v1/auth/reset-password", body).await.assert_status(200);
        let login = json!({"email": ada.email, "password": "lantern over quiet water"});
        app.stranger().post("/v1/auth/login", login).await.assert_refused(401, "two_factor_required");
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
