//! What asking for a mail tells, costs and leaves behind (safety L05, M05, M06, M08).

use serde_json::{Value, json};

use super::likeness;
use crate::support::{App, Client, Mail, Reply, holds, on_both_engines};

const ASKING: [&str; 3] = ["/v1/auth/magic-link", "/v1/auth/forgot-password", "/v1/auth/verify-email/resend"];

async fn ask(client: &Client, path: &str, email: &str) -> Reply {
    client.post(path, json!({"email": email})).await
}

/// Every mail with something secret in it that there is for one person.
async fn secret_mails(app: &App, email: &str) -> Vec<Mail> {
    let mails = app.mails().await.into_iter();
    mails
        .filter(|mail| mail.to == email && (mail.text.contains("?token=") || mail.text.contains("/secure-account/")))
        .collect()
}

on_both_engines! {
    async fn known_and_unknown_addresses_are_answered_alike(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        for path in ASKING {
            for client in [app.stranger(), app.stranger().same_origin(), ada.in_a_browser().await] {
                let like = || app.stranger().with_headers_of(&client);
                let known = ask(&like(), path, &ada.email).await.assert_status(200);
                let unknown = ask(&like(), path, "nobody@example.org").await;
                assert!(known.headers.get("set-cookie").is_none());
                assert_eq!(likeness(&known), likeness(&unknown));
            }
        }
        assert!(app.mails_to("nobody@example.org", "").await.is_empty());
    }

    async fn wrong_proofs_for_known_and_unknown_addresses_are_answered_alike(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        for (ask_at, prove_at) in [(ASKING[0], "/v1/auth/magic-link/verify"), (ASKING[1], "/v1/auth/verify-reset-code")] {
            for email in [&ada.email, "nobody@example.org"] {
                ask(&app.stranger(), ask_at, email).await.assert_status(200);
            }
            for _ in 0..7 {
                let body = |email: &str| json!({"email": email, "code": "000 000"});
                let known = app.stranger().post(prove_at, body(&ada.email)).await.assert_refused(400, "invalid_code");
                let unknown = app.stranger().post(prove_at, body("nobody@example.org")).await;
                assert_eq!(likeness(&known), likeness(&unknown));
            }
        }
    }

    async fn m08_asking_twenty_times_sends_few_mails_and_tells_nothing(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        for path in [ASKING[0], ASKING[1]] {
            for _ in 0..20 {
                let known = ask(&app.stranger(), path, &ada.email).await;
                let unknown = ask(&app.stranger(), path, "nobody@example.org").await;
                assert_eq!(likeness(&known), likeness(&unknown));
                assert!(known.status == 200 || known.header("retry-after") == "300", "{known:?}");
            }
            ask(&app.stranger(), path, &ada.email).await.assert_refused(429, "rate_limited");
        }
        assert_eq!(app.mails_to(&ada.email, "Your sign-in link").await.len(), 3);
        assert_eq!(app.mails_to(&ada.email, "Choose a new password").await.len(), 3);
        app.later(std::time::Duration::from_secs(300));
        ask(&app.stranger(), ASKING[0], &ada.email).await.assert_status(200);
    }

    async fn one_client_cannot_write_to_everybody(app) with ["mailbox"] {
        let client = app.stranger();
        for number in 0..30 {
            ask(&client, ASKING[0], &format!("person{number}@example.org")).await.assert_status(200);
        }
        ask(&client, ASKING[0], "one.more@example.org").await.assert_refused(429, "rate_limited");
        ask(&app.stranger(), ASKING[0], "one.more@example.org").await.assert_status(200);
    }

    async fn left_over_credentials_are_ignored(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.later(std::time::Duration::from_secs(1));
        let cluttered = app.stranger().with_bearer("nonsense").with_header("x-api-key", "nonsense")
            .with_header("cookie", "__Host-latchkey=old").with_header("x-organization-id", "org_x").with_header("x-csrf-token", "x");
        for path in ASKING {
            ask(&cluttered, path, &ada.email).await.assert_status(200);
        }
        let token = |mail: &Mail| json!({"token": mail.token()});
        let magic = app.mail_to(&ada.email, "Your sign-in link").await;
        cluttered.get(&format!("/v1/auth/magic-link?token={}", magic.token())).await.assert_status(200);
        cluttered.post("/v1/auth/magic-link/verify", token(&magic)).await.assert_status(200);
        let mut calls: Vec<(&str, Value)> = Vec::new();
        let reset = app.mail_to(&ada.email, "Choose a new password").await;
        calls.push(("/v1/auth/reset-password", json!({"token": reset.token(), "newPassword": "lantern over quiet water"})));
        calls.push(("/v1/auth/verify-email", token(&app.mail_to(&ada.email, "Confirm your address").await)));
        for (path, body) in calls {
            cluttered.post(path, body).await.assert_status(200);
        }
        let notice = app.mail_to(&ada.email, "Your password was changed").await;
        cluttered.post("/v1/auth/secure-account", token(&notice)).await.assert_status(200);
    }

    async fn m06_the_host_in_a_mail_is_the_configured_one(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let evil = app.stranger().with_header("host", "evil.test").with_header("x-forwarded-host", "evil.test")
            .with_header("forwarded", "host=evil.test").with_header("x-forwarded-proto", "gopher");
        for path in ASKING {
            ask(&evil, path, &ada.email).await.assert_status(200);
        }
        let mails = secret_mails(&app, &ada.email).await;
        assert!(mails.len() >= 4);
        for mail in mails {
            assert!(!mail.text.contains("evil.test") && !mail.text.contains("gopher"), "{}", mail.text);
            assert!(mail.text.contains("http://localhost:3000/"));
        }
    }

    async fn m05_what_is_mailed_is_not_in_the_database(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.later(std::time::Duration::from_secs(1));
        ada.makes_a_key(json!({"name": "Export"})).await;
        ada.post("/v1/auth/change-email", json!({"newEmail": "ada.king@example.org", "currentPassword": "plum river candle"}))
            .await.assert_status(200);
        for path in ASKING {
            ask(&app.stranger(), path, &ada.email).await.assert_status(200);
        }
        let mut mails = secret_mails(&app, &ada.email).await;
        mails.extend(secret_mails(&app, "ada.king@example.org").await);
        assert!(mails.len() >= 6, "{mails:?}");
        let dump = app.db_dump().await;
        assert!(holds(&dump, ada.email.as_bytes()), "the dump holds what is no secret");
        for mail in mails {
            assert!(mail.token().len() >= 40, "{}", mail.token());
            assert!(!holds(&dump, mail.token().as_bytes()), "{}", mail.subject);
        }
    }
}
