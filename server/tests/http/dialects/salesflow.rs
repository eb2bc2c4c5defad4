//! `/auth/…`: every row of Salesflow's document.

use std::time::Duration;

use serde_json::{Value, json};

use super::{REFUSAL, REFUSAL_WITH_STEP, names};
use crate::support::{Client, PASSWORD, Person, Role, on_both_engines};

const NEW_PASSWORD: &str = "lantern over quiet water";

/// The answer of every way in, and the client that holds it.
#[track_caller]
fn holder(client: &Client, answer: &Value, email: &str) -> Client {
    assert_eq!(names(answer), ["accessToken", "email", "expiresIn", "localId", "refreshToken"], "{answer}");
    assert_eq!((&answer["email"], &answer["expiresIn"]), (&json!(email), &json!(3600)), "{answer}");
    assert!(answer["localId"].as_str().is_some_and(|id| id.starts_with("usr_")), "{answer}");
    client.with_bearer(answer["accessToken"].as_str().expect("a token"))
}

on_both_engines! {
    async fn an_account_is_made_with_an_address_and_a_password_alone(app) {
        let new = json!({"email": "ada.byron@example.org", "password": PASSWORD});
        let answer = app.stranger().post("/auth/register", new.clone()).await.assert_status(201).json();
        let ada = holder(&app.stranger(), &answer, "ada.byron@example.org");
        assert_eq!(ada.get("/v1/auth/me").await.assert_status(200).json()["name"], "ada.byron");
        app.stranger().post("/auth/register", new).await.assert_refused(409, "email_taken");
        let spaces = json!({"email": "grace@example.org", "password": PASSWORD, "name": "  "});
        let answer = app.stranger().post("/auth/register", spaces).await.assert_status(201).json();
        let grace = holder(&app.stranger(), &answer, "grace@example.org");
        assert_eq!(grace.get("/v1/auth/me").await.json()["name"], "grace");
        let weak = json!({"email": "ben@example.org", "password": "short"});
        app.stranger().post("/auth/register", weak).await.assert_refused(422, "weak_password");
        app.stranger().post("/auth/register", json!({})).await.assert_refused(400, "validation_failed");
    }

    async fn signing_in_gives_tokens_for_an_hour(app) {
        let ada = app.register("ada").await;
        let body = json!({"email": ada.email, "password": PASSWORD});
        let answer = app.stranger().post("/auth/login", body.clone()).await.assert_status(200).json();
        let client = holder(&app.stranger(), &answer, &ada.email);
        app.later(Duration::from_secs(3599));
        client.get("/v1/auth/verify").await.assert_status(200);
        app.later(Duration::from_secs(1));
        client.get("/v1/auth/verify").await.assert_refused(401, "token_expired");
        let wrong = app.stranger().post("/auth/login", json!({"email": ada.email, "password": "not the password"})).await;
        let refused = wrong.assert_refused(401, "invalid_credentials");
        assert_eq!(names(&refused.json()), REFUSAL);
        app.stranger().get("/auth/login").await.assert_refused(405, "method_not_allowed");
        app.stranger().get("/auth/nowhere").await.assert_refused(404, "not_found");
    }

    async fn an_organization_can_make_the_hour_shorter(app) {
        let ada = app.register("ada").await;
        let policy = format!("/v1/organizations/{}/policy", ada.organization);
        ada.patch(&policy, json!({"accessTokenSeconds": 600})).await.assert_status(200);
        let answer = app.stranger().post("/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.json();
        assert_eq!(answer["expiresIn"], 600);
    }

    async fn a_refresh_token_is_exchanged_once_and_for_another_hour(app) {
        let ada = app.register("ada").await;
        let first = app.stranger().post("/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.json();
        let old = json!({"refreshToken": first["refreshToken"]});
        let second = app.stranger().post("/auth/refreshToken", old.clone()).await.assert_status(200).json();
        let client = holder(&app.stranger(), &second, &ada.email);
        assert_ne!(first["refreshToken"], second["refreshToken"]);
        assert_eq!(app.stranger().post("/auth/refreshToken", old.clone()).await.assert_status(200).json(), second, "two tabs");
        app.later(Duration::from_secs(31));
        app.stranger().post("/auth/refreshToken", old).await.assert_refused(401, "token_revoked");
        client.get("/v1/auth/verify").await.assert_refused(401, "token_revoked");
        app.stranger().post("/auth/refreshToken", json!({"refreshToken": "nonsense"})).await.assert_refused(401, "invalid_token");
        app.stranger().post("/auth/refreshToken", json!({})).await.assert_refused(400, "validation_failed");
    }

    async fn the_password_is_changed_with_the_old_one(app) {
        let ada = app.register("ada").await;
        let other = ada.signs_in_again().await;
        let change = |old: &str, new: &str| json!({"oldPassword": old, "newPassword": new});
        ada.post("/auth/changePassword", change("not the password", NEW_PASSWORD)).await.assert_refused(400, "invalid_password");
        ada.post("/auth/changePassword", change(PASSWORD, "short")).await.assert_refused(422, "weak_password");
        let none = ada.post("/auth/changePassword", json!({})).await;
        none.assert_invalid(&["oldPassword should not be empty", "newPassword should not be empty"]);
        other.get("/v1/auth/me").await.assert_status(200);
        let answer = ada.post("/auth/changePassword", change(PASSWORD, NEW_PASSWORD)).await.assert_status(200).json();
        holder(&app.stranger(), &answer, &ada.email).get("/v1/auth/me").await.assert_status(200);
        other.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        app.stranger().post("/auth/changePassword", change(PASSWORD, NEW_PASSWORD)).await.assert_refused(401, "missing_credentials");
        app.stranger().post("/auth/login", json!({"email": ada.email, "password": NEW_PASSWORD})).await.assert_status(200);
    }

    async fn a_second_factor_is_said_with_the_password(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let login = |code: Option<String>| json!({"email": ada.email, "password": PASSWORD, "twoFactorCode": code});
        let due = app.stranger().post("/auth/login", login(None)).await.assert_refused(401, "two_factor_required");
        assert_eq!(names(&due.json()), REFUSAL_WITH_STEP);
        app.stranger().post("/auth/login", login(Some("000000".to_owned()))).await.assert_refused(401, "invalid_code");
        let answer = app.stranger().post("/auth/login", login(Some(phone.shows(&app)))).await.assert_status(200).json();
        let verified = holder(&app.stranger(), &answer, &ada.email).get("/v1/auth/verify").await.json();
        assert_eq!(verified["principal"]["amr"], json!(["pwd", "otp", "mfa"]));
    }

    async fn managers_and_keys_that_may_write_make_codes(app) {
        let ada = app.register("ada").await;
        let path = "/auth/generateInvitationCode";
        let made = ada.post(path, json!({"maxUses": 2, "expiresInDays": 7})).await.assert_status(201).json();
        assert_eq!(names(&made), ["expiresAt", "invitationCode"]);
        assert_eq!(made["expiresAt"], "2026-11-28T09:30:00Z");
        let join = json!({"email": "ben@example.org", "password": PASSWORD, "name": "Ben", "invitationCode": made["invitationCode"]});
        let ben = app.stranger().post("/auth/register", join).await.assert_status(201).json();
        let ben = holder(&app.stranger(), &ben, "ben@example.org");
        assert_eq!(ben.get("/v1/auth/me").await.json()["organizationId"], json!(ada.organization));
        ben.post_nothing(path).await.assert_refused(403, "insufficient_role");

        let writes = ada.makes_a_key(json!({"name": "Writes", "scopes": ["write"]})).await;
        let by_key = ada.with_key(&writes.secret).post_nothing(path).await.assert_status(201).json();
        assert_eq!(by_key["expiresAt"], Value::Null);
        let reads = ada.makes_a_key(json!({"name": "Reads", "scopes": ["read"]})).await;
        ada.with_key(&reads.secret).post_nothing(path).await.assert_refused(403, "insufficient_scope");
        let manager = app.member_of(&ada, "carol", Role::Manager).await;
        manager.post(path, json!({})).await.assert_status(201);
        app.stranger().post_nothing(path).await.assert_refused(401, "missing_credentials");
        for days in [0, -1, 3651, i64::MAX] {
            ada.post(path, json!({"expiresInDays": days})).await.assert_invalid(&["expiresInDays must be between 1 and 3650"]);
        }
        ada.post(path, json!({"maxUses": 0})).await.assert_refused(400, "validation_failed");
    }

    async fn a_page_of_another_site_cannot_sign_anybody_in(app) {
        let ada = app.register("ada").await;
        let evil = app.stranger().with_header("origin", "https://evil.test").with_header("sec-fetch-site", "cross-site");
        let body = json!({"email": ada.email, "password": PASSWORD});
        evil.post("/auth/login", body.clone()).await.assert_refused(403, "csrf_failed");
        let own = app.stranger().same_origin().post("/auth/login", body).await.assert_status(200);
        let cookie = own.session_cookie().expect("a cookie beside the tokens, on the same session");
        let person = Person::new(&app.stranger(), &json!({}));
        person.client.anonymous().with_header("cookie", &cookie).get("/v1/auth/me").await.assert_status(200);
    }
}
