//! `/v1/auth/change-email`, and undoing it by `/v1/auth/secure-account`

use std::time::Duration;

use serde_json::{Value, json};

use super::likeness;
use crate::support::{App, Mail, PASSWORD, Person, Reply, on_both_engines};

const CHANGE: &str = "/v1/auth/change-email";
const NEW: &str = "ada.king@example.org";

fn to(email: &str) -> Value {
    json!({"newEmail": email, "currentPassword": PASSWORD})
}

async fn login(app: &App, email: &str, password: &str) -> Reply {
    app.stranger().post("/v1/auth/login", json!({"email": email, "password": password})).await
}

/// Moves the account; gives the mail that told the former address.
async fn moves(app: &App, person: &Person, email: &str) -> Mail {
    app.later(Duration::from_secs(1));
    person.post(CHANGE, to(email)).await.assert_status(200);
    let mail = app.mail_to(email, "Confirm your new address").await;
    app.stranger().post("/v1/auth/verify-email", json!({"token": mail.token()})).await.assert_status(200);
    app.mail_to(&person.email, "Your address for").await
}

on_both_engines! {
    async fn m10_nothing_changes_before_the_new_address_is_confirmed(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        ada.post(CHANGE, to(NEW)).await.assert_status(200);
        assert_eq!(ada.get("/v1/auth/me").await.json()["email"], ada.email);
        login(&app, NEW, PASSWORD).await.assert_refused(401, "invalid_credentials");
        let mail = app.mail_to(NEW, "Confirm your new address").await;
        let path = format!("/v1/auth/verify-email?token={}", mail.token());
        let looked_at = app.stranger().get(&path).await.assert_status(200).json();
        assert_eq!((&looked_at["valid"], &looked_at["email"]), (&json!(true), &json!(NEW)));
        let answer = app.stranger().post("/v1/auth/verify-email", json!({"token": mail.token()})).await.assert_status(200).json();
        assert_eq!(answer["email"], NEW);
        assert!(answer.get("accessToken").is_none());
        let me = ada.get("/v1/auth/me").await.json();
        assert_eq!((&me["email"], &me["emailVerified"]), (&json!(NEW), &json!(true)));
        login(&app, NEW, PASSWORD).await.assert_status(200);
        login(&app, &ada.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    }

    async fn the_code_confirms_the_new_address_too(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        ada.post(CHANGE, to(NEW)).await.assert_status(200);
        let code = app.mail_to(NEW, "Confirm your new address").await.code();
        app.stranger().post("/v1/auth/verify-email", json!({"email": NEW, "code": code})).await.assert_status(200);
        assert_eq!(ada.get("/v1/auth/me").await.json()["email"], NEW);
    }

    async fn the_former_address_is_told_and_can_undo_it(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let told = moves(&app, &ada, NEW).await;
        assert!(told.link().starts_with("/secure-account/") && told.text.contains(NEW));
        app.later(Duration::from_secs(3 * 86_400 - 10));
        let thief = Person::new(&app.stranger(), &login(&app, NEW, PASSWORD).await.assert_status(200).json());
        let undo = json!({"token": told.token()});
        let answer = app.stranger().post("/v1/auth/secure-account", undo.clone()).await.assert_status(200).json();
        assert!(answer["message"].as_str().is_some_and(|text| text.contains(&ada.email)), "{answer}");
        thief.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        for email in [NEW, &ada.email] {
            login(&app, email, PASSWORD).await.assert_refused(401, "invalid_credentials");
        }
        let reset = app.reset_mail(&ada.email).await;
        let body = json!({"token": reset.token(), "newPassword": "lantern over quiet water"});
        app.stranger().post("/v1/auth/reset-password", body).await.assert_status(200);
        login(&app, &ada.email, "lantern over quiet water").await.assert_status(200);
        app.stranger().post("/v1/auth/secure-account", undo).await.assert_refused(400, "invalid_token");
    }

    async fn after_three_days_it_cannot_be_undone(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let told = moves(&app, &ada, NEW).await;
        app.later(Duration::from_secs(3 * 86_400));
        let undo = json!({"token": told.token()});
        app.stranger().post("/v1/auth/secure-account", undo).await.assert_refused(400, "invalid_token");
        login(&app, NEW, PASSWORD).await.assert_status(200);
    }

    async fn the_first_address_wins_over_a_chain_of_changes(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let first = moves(&app, &ada, NEW).await;
        let second = {
            let there = Person { email: NEW.to_owned(), ..ada.signs_in_as(NEW).await };
            moves(&app, &there, "mallory@example.org").await
        };
        app.stranger().post("/v1/auth/secure-account", json!({"token": first.token()})).await.assert_status(200);
        app.stranger().post("/v1/auth/secure-account", json!({"token": second.token()})).await.assert_refused(400, "invalid_token");
        let reset = app.reset_mail(&ada.email).await;
        let body = json!({"token": reset.token(), "newPassword": "lantern over quiet water"});
        app.stranger().post("/v1/auth/reset-password", body).await.assert_status(200);
        login(&app, &ada.email, "lantern over quiet water").await.assert_status(200);
    }

    async fn while_it_can_be_undone_nobody_else_gets_the_former_address(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        moves(&app, &ada, NEW).await;
        let body = json!({"email": ada.email, "password": PASSWORD, "name": "Grace Hopper"});
        app.stranger().post("/v1/auth/register", body.clone()).await.assert_refused(409, "email_taken");
        app.later(Duration::from_secs(3 * 86_400));
        app.stranger().post("/v1/auth/register", body).await.assert_status(201);
    }

    async fn m10_an_address_that_is_taken_is_answered_alike(app) with ["mailbox"] {
        let (ada, grace) = (app.register("ada").await, app.register("grace").await);
        let taken = ada.post(CHANGE, to(&grace.email)).await.assert_status(200);
        let other = app.register("edsger").await;
        let free = other.post(CHANGE, to(NEW)).await.assert_status(200);
        assert_eq!(likeness(&taken), likeness(&free));
        assert!(app.mails_to(&grace.email, "Confirm your new address").await.is_empty());
        app.mail_to(&grace.email, "You already have an account").await;
    }

    async fn m10_the_present_password_must_be_right(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let body = json!({"newEmail": NEW, "currentPassword": "not the right one"});
        ada.post(CHANGE, body).await.assert_refused(400, "invalid_password");
        ada.post(CHANGE, json!({"newEmail": "ada"})).await
            .assert_invalid(&["newEmail must be an email", "currentPassword should not be empty"]);
        assert!(app.mails_to(NEW, "").await.is_empty());
        app.stranger().post(CHANGE, to(NEW)).await.assert_refused(401, "missing_credentials");
    }

    async fn without_mail_an_address_cannot_be_changed(app) {
        let ada = app.register("ada").await;
        ada.post(CHANGE, to(NEW)).await.assert_refused(409, "mail_not_configured");
    }
}
