//! What people are told of by mail, each with a way out.

use std::time::Duration;

use serde_json::json;

use crate::support::{App, Client, PASSWORD, Person, on_both_engines};

const NEW_SIGN_IN: &str = "New sign-in";

async fn signs_in(client: &Client, person: &Person) {
    let body = json!({"email": person.email, "password": PASSWORD});
    client.post("/v1/auth/login", body).await.assert_status(200);
}

async fn warnings(app: &App, person: &Person) -> Vec<String> {
    app.latchkey().warn_of_ending_keys().await.expect("warned");
    app.latchkey().warn_of_ending_keys().await.expect("warned");
    let mails = app.mails_to(&person.email, "Your API key").await;
    mails.into_iter().map(|mail| mail.subject).collect()
}

on_both_engines! {
    async fn a_new_browser_is_told_of_once_and_known_wherever_it_is(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(1));
        let browser = |name: &str| app.stranger().with_header("cookie", &format!("__Host-latchkey-visitor={name}"));
        signs_in(&browser("first"), &ada).await;
        assert_eq!(app.mails_to(&ada.email, NEW_SIGN_IN).await.len(), 1);
        signs_in(&browser("first"), &ada).await;
        signs_in(&browser("first").with_header("user-agent", "renewed/2"), &ada).await;
        assert_eq!(app.mails_to(&ada.email, NEW_SIGN_IN).await.len(), 1, "known by its cookie, at any address");
        signs_in(&browser("second"), &ada).await;
        assert_eq!(app.mails_to(&ada.email, NEW_SIGN_IN).await.len(), 2);
    }

    async fn a_program_without_cookies_is_known_by_its_name(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(1));
        signs_in(&app.stranger(), &ada).await;
        assert!(app.mails_to(&ada.email, NEW_SIGN_IN).await.is_empty(), "it made the account");
        for _ in 0..2 {
            signs_in(&app.stranger().with_header("user-agent", "another/1"), &ada).await;
        }
        assert_eq!(app.mails_to(&ada.email, NEW_SIGN_IN).await.len(), 1);
    }

    async fn the_link_of_a_notice_ends_every_session_once(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(1));
        let browser = ada.in_a_browser().await;
        signs_in(&app.stranger().with_header("user-agent", "stolen/1"), &ada).await;
        let notice = app.mail_to(&ada.email, NEW_SIGN_IN).await;
        assert!(notice.link().starts_with("/secure-account/") && notice.text.contains("21 November 2026, 09:30 UTC"));
        let body = json!({"token": notice.token()});
        let answer = app.stranger().post("/v1/auth/secure-account", body.clone()).await.assert_status(200).json();
        assert_eq!(answer["success"], true);
        for session in [&ada.client, &browser] {
            session.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        }
        app.stranger().post("/v1/auth/secure-account", body).await.assert_refused(400, "invalid_token");
        signs_in(&app.stranger(), &ada).await;
        app.stranger().post_nothing("/v1/auth/secure-account").await.assert_invalid(&["token should not be empty"]);
    }

    async fn the_link_of_a_notice_ends_after_a_week(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(1));
        signs_in(&app.stranger().with_header("user-agent", "another/1"), &ada).await;
        let body = json!({"token": app.mail_to(&ada.email, NEW_SIGN_IN).await.token()});
        app.later(Duration::from_secs(7 * 86_400));
        app.stranger().post("/v1/auth/secure-account", body).await.assert_refused(400, "invalid_token");
    }

    async fn a_changed_password_is_told(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let body = json!({"currentPassword": PASSWORD, "newPassword": "lantern over quiet water"});
        ada.post("/v1/auth/change-password", body).await.assert_status(200);
        let notice = app.mail_to(&ada.email, "Your password was changed").await;
        assert!(notice.link().starts_with("/secure-account/"));
    }

    async fn a_new_key_is_told_without_the_key(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export", "scopes": ["read", "READ_LEADS"]})).await;
        let notice = app.mail_to(&ada.email, "A new API key").await;
        assert!(notice.text.contains("Export") && notice.text.contains("READ_LEADS"));
        assert!(!notice.text.contains(&key.secret[17..]));
        assert!(notice.link().starts_with("/secure-account/"));
    }

    async fn the_end_of_a_key_is_told_two_weeks_one_week_and_one_day_before(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        ada.makes_a_key(json!({"name": "Export", "expiresAt": "2026-12-21T09:30:00Z"})).await;
        assert!(warnings(&app, &ada).await.is_empty());
        app.later(Duration::from_secs(16 * 86_400));
        assert_eq!(warnings(&app, &ada).await, ["Your API key “Export” expires in 14 days"]);
        app.later(Duration::from_secs(6 * 86_400));
        assert_eq!(warnings(&app, &ada).await.len(), 1);
        app.later(Duration::from_secs(86_400));
        assert_eq!(warnings(&app, &ada).await.last().map(String::as_str), Some("Your API key “Export” expires in 7 days"));
        app.later(Duration::from_secs(6 * 86_400));
        assert_eq!(warnings(&app, &ada).await.last().map(String::as_str), Some("Your API key “Export” expires tomorrow"));
        app.later(Duration::from_secs(2 * 86_400));
        assert_eq!(warnings(&app, &ada).await.len(), 3);
    }

    async fn who_was_not_told_in_time_gets_the_most_pressing_warning_only(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        ada.makes_a_key(json!({"name": "Export", "expiresAt": "2026-12-21T09:30:00Z"})).await;
        app.later(Duration::from_secs(29 * 86_400 + 43_200));
        assert_eq!(warnings(&app, &ada).await.len(), 1);
    }

    async fn a_key_that_was_revoked_ends_silently(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export", "expiresAt": "2026-12-21T09:30:00Z"})).await;
        ada.post_nothing(&format!("/v1/api-keys/{}/revoke", key.id)).await.assert_status(200);
        app.later(Duration::from_secs(25 * 86_400));
        assert!(warnings(&app, &ada).await.is_empty());
    }

    async fn a_stolen_refresh_token_is_told(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let body = json!({"refreshToken": ada.tokens.refresh});
        app.stranger().post("/v1/auth/refresh", body.clone()).await.assert_status(200);
        app.later(Duration::from_secs(31));
        app.stranger().post("/v1/auth/refresh", body.clone()).await.assert_refused(401, "token_revoked");
        app.stranger().post("/v1/auth/refresh", body).await.assert_status(401);
        assert_eq!(app.mails_to(&ada.email, "We ended a session").await.len(), 1);
    }
}
