//! `POST /api/auth/login` with `username`, and the messages that its clients know.

use serde_json::{Value, json};

use super::{REFUSAL, REFUSAL_WITH_STEP, names};
use crate::support::{App, PASSWORD, Reply, Role, on_both_engines};

const LOGIN: &str = "/api/auth/login";

async fn login(app: &App, body: Value) -> Reply {
    app.stranger().post(LOGIN, body).await
}

#[track_caller]
fn says(reply: &Reply, status: u16, message: &str) {
    let body = reply.json();
    assert_eq!((reply.status.as_u16(), body["message"].as_str()), (status, Some(message)), "{reply:?}");
    assert_eq!(names(&body), REFUSAL, "{reply:?}");
}

on_both_engines! {
    async fn a_username_and_a_password_give_a_token_for_a_day(app) {
        let ada = app.register("ada").await;
        let answer = login(&app, json!({"username": "ADA@example.org", "password": PASSWORD})).await.assert_status(200).json();
        assert_eq!(names(&answer), ["expiresIn", "token", "userId", "username"]);
        assert_eq!((&answer["expiresIn"], &answer["userId"], &answer["username"]), (&json!(86_400), &json!(ada.id), &json!(ada.email)));
        let token = answer["token"].as_str().expect("a token");
        app.stranger().with_bearer(token).get("/api/auth/me").await.assert_status(200);
        app.stranger().with_bearer(token).get("/v1/auth/verify").await.assert_status(200);
    }

    async fn a_user_name_works_in_place_of_the_address_and_only_here(app) {
        let ada = app.register("ada").await;
        let ben = app.register("ben").await;
        let profile = |username: &str| json!({"username": username});
        let named = ada.post("/v1/auth/update-profile", profile(" Ada.Byron ")).await.assert_status(200).json();
        assert_eq!(named["username"], "ada.byron");
        let answer = login(&app, json!({"username": "ADA.byron", "password": PASSWORD})).await.assert_status(200).json();
        assert_eq!((&answer["username"], &answer["userId"]), (&json!("ada.byron"), &json!(ada.id)));
        let by_address = login(&app, json!({"username": ada.email, "password": PASSWORD})).await.assert_status(200).json();
        assert_eq!(by_address["username"], "ada.byron");
        app.stranger().post("/v1/auth/login", json!({"email": "ada.byron", "password": PASSWORD})).await.assert_refused(400, "validation_failed");

        ben.post("/v1/auth/update-profile", profile("ADA.BYRON")).await.assert_refused(409, "username_taken");
        for bad in ["ab", "ada@example.org", "ada byron", "-ada", "ädä"] {
            ben.post("/v1/auth/update-profile", profile(bad)).await.assert_refused(400, "validation_failed");
        }
        assert_eq!(ben.get("/v1/auth/me").await.json()["username"], Value::Null);
        ada.post("/v1/auth/update-profile", json!({"name": "Ada King"})).await.assert_status(200);
        assert_eq!(ada.get("/v1/auth/me").await.json()["username"], "ada.byron", "what is not named stays");
        ada.post("/v1/auth/update-profile", profile("")).await.assert_status(200);
        login(&app, json!({"username": "ada.byron", "password": PASSWORD})).await.assert_refused(401, "invalid_credentials");
        ben.post("/v1/auth/update-profile", profile("ada.byron")).await.assert_status(200);
    }

    async fn wrong_passwords_for_a_user_name_count_for_its_account(app) {
        let ada = app.register("ada").await;
        ada.post("/v1/auth/update-profile", json!({"username": "ada"})).await.assert_status(200);
        for username in ["ada", "ADA", "ada", "ada@example.org", "Ada"] {
            login(&app, json!({"username": username, "password": "not the password"})).await.assert_refused(401, "invalid_credentials");
        }
        login(&app, json!({"username": "ada", "password": PASSWORD})).await.assert_refused(429, "rate_limited");
        app.stranger().post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.assert_refused(429, "rate_limited");
    }

    async fn what_is_missing_is_400_and_named(app) {
        let sentences = |reply: &Reply| reply.json()["message"].clone();
        let none = login(&app, json!({"username": ""})).await.assert_refused(400, "validation_failed");
        assert_eq!(sentences(&none), json!(["username should not be empty", "password should not be empty"]));
        let one = login(&app, json!({"username": "ada@example.org"})).await.assert_refused(400, "validation_failed");
        assert_eq!(sentences(&one), json!(["password should not be empty"]));
        for body in [json!({}), json!({"password": PASSWORD}), json!({"username": null, "password": PASSWORD}),
            json!({"username": "ada@example.org", "email": "ada@example.org", "password": PASSWORD})] {
            let reply = login(&app, body).await.assert_refused(400, "validation_failed");
            assert_eq!(sentences(&reply), json!(["either email or username must be given"]));
        }
        login(&app, json!({"username": 7, "password": PASSWORD})).await.assert_invalid(&["username must be a string"]);
        login(&app, json!({"username": "a", "password": "b", "zebra": 1})).await.assert_invalid(&["property zebra should not exist"]);
    }

    async fn a_wrong_password_an_unknown_name_and_no_address_at_all_are_answered_alike(app) {
        let ada = app.register("ada").await;
        for username in [ada.email.as_str(), "grace@example.org", "grace", "' OR 1=1 --"] {
            says(&login(&app, json!({"username": username, "password": "not the password"})).await, 401, "Invalid username or password");
        }
        says(&login(&app, json!({"email": ada.email, "password": "not the password"})).await, 401, "Invalid username or password");
    }

    async fn wrong_passwords_are_counted_together_with_those_of_every_other_door(app) {
        let ada = app.register("ada").await;
        for door in 0..5 {
            let wrong = "not the password";
            let (path, body) = match door % 3 {
                0 => (LOGIN, json!({"username": ada.email, "password": wrong})),
                1 => ("/auth/login", json!({"email": ada.email, "password": wrong})),
                _ => ("/v1/auth/login", json!({"email": ada.email, "password": wrong})),
            };
            app.stranger().post(path, body).await.assert_refused(401, "invalid_credentials");
        }
        let refused = login(&app, json!({"username": ada.email, "password": PASSWORD})).await.assert_refused(429, "rate_limited");
        assert!(!refused.header("retry-after").is_empty());
    }

    async fn a_second_factor_is_said_with_the_password(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let due = login(&app, json!({"username": ada.email, "password": PASSWORD})).await.assert_refused(401, "two_factor_required");
        assert_eq!(names(&due.json()), REFUSAL_WITH_STEP);
        let wrong = json!({"username": ada.email, "password": PASSWORD, "twoFactorCode": "000000"});
        login(&app, wrong).await.assert_refused(401, "invalid_code");
        let right = json!({"username": ada.email, "password": PASSWORD, "twoFactorCode": phone.shows(&app)});
        assert_eq!(names(&login(&app, right).await.assert_status(200).json()), ["expiresIn", "token", "userId", "username"]);
        let token = due.json()["twoFactorToken"].as_str().expect("a token").to_owned();
        app.later(std::time::Duration::from_secs(30));
        app.finishes(&app.stranger(), &token, &phone.shows(&app)).await.assert_status(200);
    }

    async fn its_messages_hold_for_everything_under_api_and_for_nothing_else(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Member).await;
        let stranger = app.stranger();
        let bearer = |token: &str| stranger.with_bearer(token);
        says(&stranger.get("/api/auth/me").await, 401, "Missing authorization header");
        says(&bearer("nonsense").get("/api/auth/me").await, 401, "Invalid or expired token");
        says(&ben.get("/api/audit-events").await, 403, "Insufficient permissions");
        ben.post_nothing("/api/auth/logout").await.assert_status(200);
        says(&ben.get("/api/auth/me").await, 401, "Invalid or expired token");
        says(&stranger.get("/v1/auth/me").await, 401, "This needs a credential.");
        let old = login(&app, json!({"username": ada.email, "password": PASSWORD})).await.json();
        app.later(std::time::Duration::from_secs(86_401));
        says(&bearer(old["token"].as_str().expect("a token")).get("/api/auth/me").await, 401, "Invalid or expired token");
    }
}
