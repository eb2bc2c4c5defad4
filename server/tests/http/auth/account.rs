//! `/v1/auth/me`, `/profile`, `/update-profile`, `/change-password`, `/switch-organization`

use latchkey::member::Role;
use serde_json::json;

use crate::support::{PASSWORD, Tokens, on_both_engines};

const NEW: &str = "lantern over quiet water";

on_both_engines! {
    async fn me_is_the_bare_person(app) {
        let ada = app.register("ada").await;
        let me = ada.get("/v1/auth/me").await.assert_status(200).json();
        assert_eq!(me["id"], ada.id);
        assert_eq!(ada.get("/v1/auth/profile").await.assert_status(200).json(), me);
        for secret in ["password", "passwordHash", "password_hash"] {
            assert!(me.get(secret).is_none());
        }
    }

    async fn only_what_is_named_changes(app) {
        let ada = app.register("ada").await;
        let change = json!({"firstName": "Augusta", "avatarUrl": "https://pictures.example.org/ada.png", "lastName": null});
        let changed = ada.post("/v1/auth/update-profile", change).await.assert_status(200).json();
        assert_eq!((&changed["name"], &changed["firstName"]), (&json!("ada"), &json!("Augusta")));
        ada.post("/v1/auth/update-profile", json!({"role": "SUPER_ADMIN", "emailVerified": true})).await
            .assert_refused(400, "validation_failed");
        for bad in ["javascript:alert(1)", "http://pictures.example.org/a.png", "https://"] {
            ada.post("/v1/auth/update-profile", json!({"avatarUrl": bad})).await.assert_invalid(&["avatarUrl must be a URL address"]);
        }
    }

    async fn a_new_password_ends_the_other_sessions(app) {
        let ada = app.register("ada").await;
        let other = ada.signs_in_again().await;
        let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
        let answer = ada.post("/v1/auth/change-password", body).await.assert_status(200).json();
        assert_eq!(answer["success"], true);
        assert!(answer["message"].is_string());
        other.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        let body = json!({"refreshToken": other.tokens.refresh});
        other.anonymous().post("/v1/auth/refresh", body).await.assert_refused(401, "token_revoked");
        let fresh = Tokens::of(&answer);
        ada.with_bearer(&fresh.access).get("/v1/auth/me").await.assert_status(200);
        let login = |password: &str| json!({"email": "ada@example.org", "password": password});
        app.stranger().post("/v1/auth/login", login(PASSWORD)).await.assert_status(401);
        app.stranger().post("/v1/auth/login", login(NEW)).await.assert_status(200);
    }

    async fn the_current_password_must_be_right(app) {
        let ada = app.register("ada").await;
        let body = json!({"currentPassword": "not the right one", "newPassword": NEW});
        ada.post("/v1/auth/change-password", body).await.assert_refused(400, "invalid_password");
        let body = json!({"currentPassword": PASSWORD, "newPassword": "short"});
        ada.post("/v1/auth/change-password", body).await.assert_refused(422, "weak_password");
        ada.get("/v1/auth/me").await.assert_status(200);
        ada.signs_in_again().await;
    }

    async fn a_browser_gets_a_new_cookie_with_the_new_password(app) {
        let ada = app.register("ada").await;
        let browser = ada.in_a_browser().await;
        let token = browser.get("/v1/auth/csrf-token").await.json()["csrfToken"].as_str().expect("a token").to_owned();
        let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
        let answer = browser.with_header("x-csrf-token", &token).post("/v1/auth/change-password", body).await.assert_status(200);
        browser.get("/v1/auth/me").await.assert_status(401);
        let cookie = answer.session_cookie().expect("a cookie");
        browser.with_header("cookie", &cookie).get("/v1/auth/me").await.assert_status(200);
    }

    async fn a_person_acts_in_one_organization_at_a_time(app) {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let switch = json!({"organizationId": ada.organization});
        ben.post("/v1/auth/switch-organization", switch.clone()).await.assert_refused(404, "not_found");
        app.joins(&ben, &ada, Role::Member).await;
        let answer = ben.post("/v1/auth/switch-organization", switch).await.assert_status(200).json();
        assert_eq!(answer["organization"]["id"], ada.organization);
        assert_eq!(answer["user"]["organizationRole"], "MEMBER");
        let old = json!({"refreshToken": ben.tokens.refresh});
        ben.anonymous().post("/v1/auth/refresh", old).await.assert_refused(401, "invalid_token");
        let there = ben.with_bearer(answer["accessToken"].as_str().expect("a token"));
        assert_eq!(there.get("/v1/auth/me").await.json()["organizationId"], ada.organization);
    }

    async fn a_header_selects_among_ones_own_organizations(app) {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let there = ben.with_header("x-organization-id", &ada.organization);
        let foreign = there.get("/v1/auth/me").await.assert_refused(404, "not_found").json();
        let unknown = ben.with_header("x-organization-id", "org_00000000000000000000000000");
        let unknown = unknown.get("/v1/auth/me").await.assert_refused(404, "not_found").json();
        assert_eq!(foreign["message"], unknown["message"]);
        app.joins(&ben, &ada, Role::Manager).await;
        let me = there.get("/v1/auth/me").await.assert_status(200).json();
        assert_eq!((&me["organizationId"], &me["organizationRole"]), (&json!(ada.organization), &json!("MANAGER")));
        assert_eq!(ben.get("/v1/auth/me").await.json()["organizationId"], ben.organization);
    }
}
