//! `/v1/auth/forgot-password`, `/verify-reset-code`, `/reset-password`

use std::time::Duration;

use serde_json::json;

use super::successes_of_two_hundred;
use crate::support::{PASSWORD, Reply, on_both_engines};

const NEW: &str = "lantern over quiet water";
const RESET: &str = "/v1/auth/reset-password";

on_both_engines! {
    async fn m07_a_mailed_link_sets_a_new_password_and_signs_nobody_in(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let browser = ada.in_a_browser().await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        let mail = app.reset_mail(&ada.email).await;
        assert!(mail.link().starts_with("/reset-password?token="));
        let body = json!({"token": mail.token(), "newPassword": NEW});
        let answer = app.stranger().same_origin().post(RESET, body).await.assert_status(200);
        assert_eq!(answer.json()["success"], true);
        assert!(answer.session_cookie().is_none() && answer.json().get("accessToken").is_none());
        for session in [&ada.client, &browser] {
            session.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        }
        let refresh = json!({"refreshToken": ada.tokens.refresh});
        app.stranger().post("/v1/auth/refresh", refresh).await.assert_refused(401, "token_revoked");
        ada.with_key(&key.secret).get("/v1/auth/verify").await.assert_status(200);
        let login = |password: &str| json!({"email": "ada@example.org", "password": password});
        app.stranger().post("/v1/auth/login", login(PASSWORD)).await.assert_refused(401, "invalid_credentials");
        app.stranger().post("/v1/auth/login", login(NEW)).await.assert_status(200);
        assert!(app.mail_to(&ada.email, "Your password was changed").await.link().starts_with("/secure-account/"));
    }

    async fn a_mailed_code_is_exchanged_for_a_token(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.reset_mail(&ada.email).await;
        let body = json!({"email": ada.email, "code": mail.code()});
        let answer = app.stranger().post("/v1/auth/verify-reset-code", body.clone()).await.assert_status(200).json();
        assert_eq!((&answer["success"], &answer["valid"]), (&json!(true), &json!(true)));
        app.stranger().post("/v1/auth/verify-reset-code", body).await.assert_refused(400, "invalid_code");
        let by_link = json!({"token": mail.token(), "newPassword": NEW});
        app.stranger().post(RESET, by_link).await.assert_refused(400, "invalid_token");
        let by_code = json!({"token": answer["token"], "password": NEW});
        app.stranger().post(RESET, by_code).await.assert_status(200);
        app.stranger().post("/v1/auth/login", json!({"email": ada.email, "password": NEW})).await.assert_status(200);
    }

    async fn a_weak_password_spends_nothing(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.reset_mail(&ada.email).await;
        let reset = async |password: &str| -> Reply {
            app.stranger().post(RESET, json!({"token": mail.token(), "newPassword": password})).await
        };
        for weak in ["short", "password1234", "ada@example.org"] {
            reset(weak).await.assert_refused(422, "weak_password");
        }
        ada.get("/v1/auth/me").await.assert_status(200);
        reset(NEW).await.assert_status(200);
        reset("another quiet evening").await.assert_refused(400, "invalid_token");
    }

    async fn five_wrong_codes_end_it(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.reset_mail(&ada.email).await;
        for _ in 0..5 {
            let body = json!({"email": ada.email, "code": mail.wrong_code()});
            app.stranger().post("/v1/auth/verify-reset-code", body).await.assert_refused(400, "invalid_code");
        }
        let body = json!({"email": ada.email, "code": mail.code()});
        app.stranger().post("/v1/auth/verify-reset-code", body).await.assert_refused(400, "invalid_code");
        app.stranger().post(RESET, json!({"token": mail.token(), "newPassword": NEW})).await.assert_refused(400, "invalid_token");
    }

    async fn m02_one_second_past_its_time_it_is_refused(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.reset_mail(&ada.email).await;
        app.later(Duration::from_secs(1800));
        app.stranger().post(RESET, json!({"token": mail.token(), "newPassword": NEW})).await.assert_refused(400, "invalid_token");
        let body = json!({"email": ada.email, "code": mail.code()});
        app.stranger().post("/v1/auth/verify-reset-code", body).await.assert_refused(400, "invalid_code");
    }

    async fn m03_a_new_request_replaces_the_one_before(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let old = app.reset_mail(&ada.email).await;
        let new = app.reset_mail(&ada.email).await;
        app.stranger().post(RESET, json!({"token": old.token(), "newPassword": NEW})).await.assert_refused(400, "invalid_token");
        app.stranger().post(RESET, json!({"token": new.token(), "newPassword": NEW})).await.assert_status(200);
    }

    async fn m01_a_link_of_one_kind_is_good_for_nothing_else(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let (reset, magic) = (app.reset_mail(&ada.email).await, app.magic_link(&ada.email).await);
        let token = |mail: &crate::support::Mail| json!({"token": mail.token()});
        for path in ["/v1/auth/magic-link/verify", "/v1/auth/verify-email", "/v1/auth/secure-account"] {
            app.stranger().post(path, token(&reset)).await.assert_refused(400, "invalid_token");
        }
        for path in ["/v1/auth/verify-email", "/v1/auth/secure-account"] {
            app.stranger().post(path, token(&magic)).await.assert_refused(400, "invalid_token");
        }
        app.stranger().post(RESET, json!({"token": magic.token(), "newPassword": NEW})).await.assert_refused(400, "invalid_token");
        app.stranger().post("/v1/auth/magic-link/verify", token(&magic)).await.assert_status(200);
        app.stranger().post(RESET, json!({"token": reset.token(), "newPassword": NEW})).await.assert_status(200);
    }

    async fn a_new_password_ends_what_was_mailed_before(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let (magic, reset) = (app.magic_link(&ada.email).await, app.reset_mail(&ada.email).await);
        app.stranger().post(RESET, json!({"token": reset.token(), "newPassword": NEW})).await.assert_status(200);
        let verify = json!({"token": magic.token()});
        app.stranger().post("/v1/auth/magic-link/verify", verify).await.assert_refused(400, "invalid_token");
    }

    async fn m01_of_two_hundred_resets_at_once_one_succeeds(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let mail = app.reset_mail(&ada.email).await;
        let body = json!({"token": mail.token(), "newPassword": NEW});
        assert_eq!(successes_of_two_hundred(&app.stranger(), RESET, &body).await, 1);
        let mail = app.reset_mail(&ada.email).await;
        let body = json!({"email": ada.email, "code": mail.code()});
        assert_eq!(successes_of_two_hundred(&app.stranger(), "/v1/auth/verify-reset-code", &body).await, 1);
    }

    async fn what_is_missing_is_named(app) with ["mailbox"] {
        let stranger = app.stranger();
        stranger.post_nothing("/v1/auth/forgot-password").await.assert_invalid(&["email should not be empty"]);
        stranger.post_nothing(RESET).await.assert_invalid(&["token should not be empty", "newPassword should not be empty"]);
        stranger.post("/v1/auth/verify-reset-code", json!({"token": "x"})).await.assert_invalid(&["code should not be empty"]);
        stranger.post(RESET, json!({"token": "nonsense", "newPassword": NEW})).await.assert_refused(400, "invalid_token");
    }
}
