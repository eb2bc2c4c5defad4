//! `POST /v1/auth/register`

use serde_json::json;

use crate::support::{PASSWORD, on_both_engines};

on_both_engines! {
    async fn a_new_person_owns_a_new_organization(app) {
        let body = json!({"email": "ada@example.org", "password": PASSWORD, "firstName": "Ada", "lastName": "Byron"});
        let answer = app.stranger().post("/v1/auth/register", body).await.assert_status(201).json();
        assert_eq!(answer["user"]["name"], "Ada Byron");
        assert_eq!(answer["user"]["firstName"], "Ada");
        assert_eq!(answer["organization"]["role"], "OWNER");
        assert_eq!(answer["user"]["emailVerified"], false);
    }

    async fn an_address_is_taken_once_however_it_is_spelled(app) {
        app.register("ada").await;
        let body = json!({"email": " Ada@Example.ORG", "password": PASSWORD, "name": "Other"});
        app.stranger().post("/v1/auth/register", body).await.assert_refused(409, "email_taken");
    }

    async fn of_two_hundred_at_once_one_gets_the_account(app) with ["--rate-limits=relaxed"] {
        let body = json!({"email": "ada@example.org", "password": PASSWORD, "name": "Ada"});
        let tries = (0..200).map(|_| {
            let (client, body) = (app.stranger(), body.clone());
            tokio::spawn(async move { client.post("/v1/auth/register", body).await.status.as_u16() })
        });
        let mut statuses = Vec::new();
        for one in tries.collect::<Vec<_>>() {
            statuses.push(one.await.expect("answered"));
        }
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [201, 409, 503].contains(status)), "{statuses:?}");
    }

    async fn weak_passwords_are_refused_with_the_reason(app) {
        for (password, reason) in [
            ("short", "at least 12"), ("password1234", "common"), ("ada@example.org", "your"),
        ] {
            let body = json!({"email": "ada@example.org", "password": password, "name": "Ada"});
            let answer = app.stranger().post("/v1/auth/register", body).await.assert_refused(422, "weak_password");
            assert!(answer.json()["message"].as_str().is_some_and(|text| text.contains(reason)), "{answer:?}");
        }
    }

    async fn a_closed_door_stays_closed(app) with ["--registration=closed"] {
        let body = json!({"email": "ada@example.org", "password": PASSWORD, "name": "Ada"});
        app.stranger().post("/v1/auth/register", body).await.assert_refused(403, "registration_closed");
    }

    async fn an_invitation_code_nobody_gave_out_is_not_right(app) {
        let body = json!({"email": "ada@example.org", "password": PASSWORD, "name": "Ada", "organizationCode": "K7QF-9M2X-4T"});
        app.stranger().post("/v1/auth/register", body).await.assert_refused(400, "invalid_invitation_code");
    }

    async fn text_stays_text(app) {
        let name = "</script><img src=x onerror=alert(1)>";
        let body = json!({"email": "ada@example.org", "password": PASSWORD, "name": name});
        let answer = app.stranger().post("/v1/auth/register", body).await.assert_status(201);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json()["user"]["name"], name);
    }
}
