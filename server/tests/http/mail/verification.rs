//! `/v1/auth/verify-email`, `/v1/auth/verify-email/resend`, and what `register` mails

use std::time::Duration;

use serde_json::json;

use super::likeness;
use crate::support::{App, Client, Mail, PASSWORD, Reply, on_both_engines};

const VERIFY: &str = "/v1/auth/verify-email";
const CONFIRM: &str = "Confirm your address";

async fn registers(client: &Client, email: &str) -> Reply {
    let body = json!({"email": email, "password": PASSWORD, "name": "Ada Lovelace", "company": "Blue Harbour"});
    client.post("/v1/auth/register", body).await
}

async fn by_token(app: &App, mail: &Mail) -> Reply {
    app.stranger().post(VERIFY, json!({"token": mail.token()})).await
}

on_both_engines! {
    async fn a_new_address_is_confirmed_by_the_mailed_link(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        assert_eq!(ada.get("/v1/auth/me").await.json()["emailVerified"], false);
        let mail = app.mail_to(&ada.email, CONFIRM).await;
        assert!(mail.link().starts_with("/verify-email?token="));
        let answer = by_token(&app, &mail).await.assert_status(200).json();
        assert_eq!((&answer["success"], &answer["email"]), (&json!(true), &json!(ada.email)));
        assert_eq!(ada.get("/v1/auth/me").await.json()["emailVerified"], true);
        by_token(&app, &mail).await.assert_refused(400, "invalid_token");
    }

    async fn a_young_link_signs_in_and_an_older_one_only_confirms(app) with ["mailbox"] {
        let (ada, grace) = (app.register("ada").await, app.register("grace").await);
        let answer = by_token(&app, &app.mail_to(&ada.email, CONFIRM).await).await.assert_status(200).json();
        let token = answer["accessToken"].as_str().expect("a token");
        assert_eq!(app.stranger().with_bearer(token).get("/v1/auth/me").await.json()["id"], ada.id);
        app.later(Duration::from_secs(600));
        let reply = by_token(&app, &app.mail_to(&grace.email, CONFIRM).await).await.assert_status(200);
        assert!(reply.json().get("accessToken").is_none());
        assert_eq!(grace.get("/v1/auth/me").await.json()["emailVerified"], true);
    }

    async fn the_mailed_code_confirms_too_and_five_wrong_ones_end_it(app) with ["mailbox"] {
        let (ada, grace) = (app.register("ada").await, app.register("grace").await);
        let code = |email: &str, code: &str| json!({"email": email, "code": code});
        let mail = app.mail_to(&ada.email, CONFIRM).await;
        app.stranger().post(VERIFY, code(&ada.email, &mail.code())).await.assert_status(200);
        let mail = app.mail_to(&grace.email, CONFIRM).await;
        for _ in 0..5 {
            app.stranger().post(VERIFY, code(&grace.email, &mail.wrong_code())).await.assert_refused(400, "invalid_code");
        }
        app.stranger().post(VERIFY, code(&grace.email, &mail.code())).await.assert_refused(400, "invalid_code");
        by_token(&app, &mail).await.assert_refused(400, "invalid_token");
    }

    async fn m04_looking_at_the_link_confirms_nothing(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.mail_to(&ada.email, CONFIRM).await;
        let path = format!("{VERIFY}?token={}", mail.token());
        for method in ["HEAD", "GET", "GET"] {
            app.stranger().send(method, &path, None, axum::body::Body::empty()).await.assert_status(200);
        }
        let script = app.stranger().with_header("accept", "application/json");
        script.send("HEAD", &path, None, axum::body::Body::empty()).await.assert_status(200);
        assert_eq!(app.stranger().get(&path).await.json()["valid"], true);
        assert_eq!(ada.get("/v1/auth/me").await.json()["emailVerified"], false);
        assert_eq!(script.get(&path).await.assert_status(200).json()["email"], ada.email);
        assert_eq!(ada.get("/v1/auth/me").await.json()["emailVerified"], true);
        script.get(&path).await.assert_refused(400, "invalid_token");
    }

    async fn the_link_ends_after_a_day(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mail = app.mail_to(&ada.email, CONFIRM).await;
        app.later(Duration::from_secs(86_400));
        by_token(&app, &mail).await.assert_refused(400, "invalid_token");
    }

    async fn the_link_is_mailed_again_to_whoever_needs_it(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let resend = "/v1/auth/verify-email/resend";
        let first = app.mail_to(&ada.email, CONFIRM).await;
        app.later(Duration::from_secs(1));
        ada.post_nothing(resend).await.assert_status(200);
        by_token(&app, &first).await.assert_refused(400, "invalid_token");
        let own = app.mail_to(&ada.email, CONFIRM).await;
        app.later(Duration::from_secs(1));
        let cluttered = app.stranger().with_bearer("nonsense");
        let unconfirmed = cluttered.post(resend, json!({"email": ada.email})).await.assert_status(200);
        by_token(&app, &own).await.assert_refused(400, "invalid_token");
        by_token(&app, &app.mail_to(&ada.email, CONFIRM).await).await.assert_status(200);
        let confirmed = app.stranger().post(resend, json!({"email": ada.email})).await;
        let unknown = app.stranger().post(resend, json!({"email": "nobody@example.org"})).await;
        assert_eq!(likeness(&unconfirmed), likeness(&confirmed));
        assert_eq!(likeness(&unconfirmed), likeness(&unknown));
        assert_eq!(app.mails_to(&ada.email, CONFIRM).await.len(), 3);
        assert!(app.mails_to("nobody@example.org", "").await.is_empty());
        app.stranger().post_nothing(resend).await.assert_invalid(&["email should not be empty"]);
        app.stranger().with_bearer("nonsense").post_nothing(resend).await.assert_refused(401, "invalid_token");
    }

    async fn where_addresses_must_be_confirmed_nobody_is_signed_in_before(app) with ["mailbox", "--require-verified-email"] {
        let client = app.stranger().same_origin();
        let reply = registers(&client, "ada@example.org").await.assert_status(202);
        assert!(reply.session_cookie().is_none());
        let answer = reply.json();
        assert_eq!((&answer["email"], &answer["requiresVerification"]), (&json!("ada@example.org"), &json!(true)));
        assert!(answer.get("accessToken").is_none());
        let login = json!({"email": "ada@example.org", "password": PASSWORD});
        app.stranger().post("/v1/auth/login", login.clone()).await.assert_refused(403, "email_not_verified");
        let wrong = json!({"email": "ada@example.org", "password": "not the right one"});
        app.stranger().post("/v1/auth/login", wrong).await.assert_refused(401, "invalid_credentials");
        by_token(&app, &app.mail_to("ada@example.org", CONFIRM).await).await.assert_status(200);
        app.stranger().post("/v1/auth/login", login).await.assert_status(200);
    }

    async fn where_addresses_must_be_confirmed_a_taken_one_is_answered_alike(app) with ["mailbox", "--require-verified-email"] {
        let first = registers(&app.stranger(), "ada@example.org").await.assert_status(202);
        by_token(&app, &app.mail_to("ada@example.org", CONFIRM).await).await.assert_status(200);
        let again = registers(&app.stranger(), "ada@example.org").await.assert_status(202);
        assert_eq!(likeness(&first), likeness(&again));
        assert!(app.mail_to("ada@example.org", "You already have an account").await.text.contains("/login"));
        let login = json!({"email": "ada@example.org", "password": PASSWORD});
        app.stranger().post("/v1/auth/login", login).await.assert_status(200);
    }

    async fn a_link_to_sign_in_confirms_the_address_it_went_to(app) with ["mailbox", "--require-verified-email"] {
        registers(&app.stranger(), "ada@example.org").await.assert_status(202);
        let mail = app.magic_link("ada@example.org").await;
        let answer = app.stranger().post("/v1/auth/magic-link/verify", json!({"token": mail.token()})).await;
        assert_eq!(answer.assert_status(200).json()["user"]["emailVerified"], true);
    }
}
