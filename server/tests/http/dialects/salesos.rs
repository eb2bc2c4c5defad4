//! `/api`: the native API with the names and addresses that SalesOS's clients know.

use serde_json::{Value, json};

use super::names;
use crate::support::{PASSWORD, Person, Role, half, on_both_engines};

/// Both spellings of what a client holds.
#[track_caller]
fn is_spelled_out(answer: &Value) {
    for (camel, snake) in [
        ("accessToken", "access_token"),
        ("refreshToken", "refresh_token"),
        ("csrfToken", "csrf_token"),
        ("expiresIn", "expires_in"),
        ("tokenType", "token_type"),
    ] {
        assert!(!answer[camel].is_null(), "{camel}: {answer}");
        assert_eq!(answer[camel], answer[snake], "{answer}");
    }
    assert_eq!(answer["user"]["isEmailVerified"], answer["user"]["emailVerified"], "{answer}");
}

fn invited(link: &Value) -> String {
    link["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a token").to_owned()
}

on_both_engines! {
    async fn every_answer_with_tokens_has_both_spellings(app) {
        let stranger = app.stranger();
        let new = json!({"email": "ada@example.org", "password": PASSWORD, "firstName": "Ada", "lastName": "Byron"});
        let registered = stranger.post("/api/auth/register", new).await.assert_status(201).json();
        is_spelled_out(&registered);
        let ada = Person::new(&stranger, &registered);
        let body = json!({"email": ada.email, "password": PASSWORD});
        let signed_in = stranger.post("/api/auth/login", body).await.assert_status(200).json();
        is_spelled_out(&signed_in);
        let refreshed = stranger.post("/api/auth/refresh", json!({"refreshToken": signed_in["refresh_token"]})).await;
        is_spelled_out(&refreshed.assert_status(200).json());
        let switched = ada.post("/api/auth/switch-organization", json!({"organizationId": ada.organization})).await;
        is_spelled_out(&switched.assert_status(200).json());
        let csrf = ada.get("/api/auth/csrf-token").await.assert_status(200).json();
        assert_eq!(names(&csrf), ["csrfToken", "csrf_token", "success"]);
    }

    async fn so_have_the_mailed_link_and_the_second_step(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let link = app.magic_link(&ada.email).await;
        let verified = app.stranger().post("/api/auth/magic-link/verify", json!({"token": link.token()})).await;
        is_spelled_out(&verified.assert_status(200).json());
        let phone = app.enrols(&ada).await;
        let body = json!({"email": ada.email, "password": PASSWORD});
        let due = app.stranger().post("/api/auth/login", body).await.assert_status(200).json();
        assert_eq!(names(&due), ["expiresIn", "methods", "requiresTwoFactor", "twoFactorToken"]);
        let code = json!({"code": phone.shows(&app)});
        let step = app.stranger().with_bearer(&half(&due)).post("/api/auth/2fa/verify", code).await;
        is_spelled_out(&step.assert_status(200).json());
    }

    async fn under_v1_there_is_one_spelling(app) {
        let ada = app.register("ada").await;
        let answer = ada.signs_in_again().await.get("/v1/auth/me").await.assert_status(200).json();
        assert!(answer["isEmailVerified"].is_null(), "{answer}");
        let body = json!({"email": ada.email, "password": PASSWORD});
        let answer = app.stranger().post("/v1/auth/login", body).await.assert_status(200).json();
        assert!(!names(&answer).iter().any(|name| name.contains('_')), "{answer}");
    }

    async fn people_organizations_and_members_have_the_names_its_clients_read(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Member).await;
        let me = ada.get("/api/users/me").await.assert_status(200).json();
        assert_eq!((&me["id"], &me["isEmailVerified"]), (&json!(ada.id), &json!(false)));
        let changed = ada.json("PUT", "/api/users/me", &json!({"firstName": "Ada", "lastName": "King"})).await;
        assert_eq!(changed.assert_status(200).json()["lastName"], "King");
        let mine = ada.get("/api/organizations/my-organization").await.assert_status(200).json();
        assert_eq!(mine["_count"], json!({"members": 2}));
        let members = ada.get(&format!("/api/organizations/{}/members", ada.organization)).await.assert_status(200).json();
        let member = members.as_array().expect("a list").iter().find(|member| member["userId"] == json!(ben.id)).expect("ben");
        assert_eq!((&member["userName"], &member["userEmail"]), (&json!("ben"), &json!(ben.email)));
        assert!(member.get("userAvatarUrl").is_some_and(Value::is_null), "{member}");
    }

    async fn a_page_size_asks_for_a_page_with_its_numbers(app) {
        let ada = app.register("ada").await;
        for name in ["Second", "Third"] {
            ada.post("/v1/organizations", json!({"name": name})).await.assert_status(201);
        }
        let page = ada.get("/api/organizations?pageSize=2&page=2&sortBy=name&sortOrder=asc").await.assert_status(200).json();
        assert_eq!(names(&page), ["organizations", "page", "pageSize", "total"]);
        assert_eq!((&page["total"], &page["page"], &page["pageSize"]), (&json!(3), &json!(2), &json!(2)));
        assert_eq!(page["organizations"][0]["_count"], json!({"members": 1}));
        assert_eq!(page["organizations"].as_array().map(Vec::len), Some(1));
        let list = ada.get("/api/organizations?limit=2").await.assert_status(200);
        assert_eq!((list.json().as_array().map(Vec::len), list.header("x-total-count")), (Some(2), "3"));
        for bad in ["pageSize=0", "pageSize=101", "pageSize=x", "pageSize=2&page=0"] {
            ada.get(&format!("/api/organizations?{bad}")).await.assert_refused(400, "validation_failed");
        }
    }

    async fn codes_have_their_names_and_their_four_states(app) {
        let ada = app.register("ada").await;
        let new = json!({"organizationId": ada.organization, "maxUses": 1, "validUntil": "2026-12-01T00:00:00Z", "defaultRole": "USER"});
        let made = ada.post("/api/organizations/codes", new).await.assert_status(201).json();
        assert_eq!(names(&made), ["code", "currentUses", "defaultRole", "expiresAt", "id", "maxUses", "status"]);
        assert_eq!((&made["status"], &made["defaultRole"], &made["currentUses"]), (&json!("ACTIVE"), &json!("MEMBER"), &json!(0)));
        assert_eq!(made["expiresAt"], "2026-12-01T00:00:00Z");
        let path = format!("/api/organizations/codes/{}", made["id"].as_str().expect("an id"));
        let state = |reply: crate::support::Reply| reply.assert_status(200).json()["status"].clone();
        assert_eq!(state(ada.post_nothing(&format!("{path}/revoke")).await), "REVOKED");
        assert_eq!(state(ada.post_nothing(&format!("{path}/reactivate")).await), "ACTIVE");
        let join = json!({"email": "ben@example.org", "password": PASSWORD, "name": "Ben", "organizationCode": made["code"]});
        let ben = app.stranger().post("/api/auth/register", join).await.assert_status(201).json();
        assert_eq!(ben["user"]["organizationRole"], "MEMBER");
        let list = format!("/api/organizations/{}/codes", ada.organization);
        let first = |reply: crate::support::Reply| reply.assert_status(200).json()[0].clone();
        let used = first(ada.get(&list).await);
        assert_eq!((&used["status"], &used["currentUses"]), (&json!("EXHAUSTED"), &json!(1)));
        ada.post_nothing(&format!("{path}/reactivate")).await.assert_refused(409, "code_over");
        app.later(std::time::Duration::from_secs(1));
        let other = ada.post("/api/organizations/codes", json!({"validUntil": "2026-11-21T10:00:00Z"})).await.assert_status(201).json();
        app.later(std::time::Duration::from_secs(3600));
        assert_eq!(first(ada.get(&list).await)["status"], "EXPIRED", "{other}");
        app.member_of(&ada, "carol", Role::Member).await.post("/api/organizations/codes", json!({})).await.assert_refused(403, "insufficient_role");
    }

    async fn an_invitation_is_looked_at_and_accepted_by_its_token(app) {
        let ada = app.register("ada").await;
        let path = format!("/v1/organizations/{}/invitations", ada.organization);
        let invitation = ada.post(&path, json!({"email": "grace@example.org", "role": "MANAGER"})).await.assert_status(201).json();
        let link = format!("{path}/{}/link", invitation["id"].as_str().expect("an id"));
        let token = invited(&ada.post_nothing(&link).await.assert_status(200).json());
        let info = format!("/api/invitations/info?token={token}");
        let seen = app.stranger().get(&info).await.assert_status(200).json();
        assert_eq!(names(&seen), ["email", "existingUser", "expiresAt", "inviterName", "organizationName", "role"]);
        assert_eq!((&seen["email"], &seen["inviterName"], &seen["role"], &seen["existingUser"]),
            (&json!("grace@example.org"), &json!("ada"), &json!("MANAGER"), &json!(false)));
        app.stranger().get(&format!("/api/auth/me?token={token}")).await.assert_refused(400, "token_in_query");
        app.stranger().get("/api/invitations/info?token=nonsense").await.assert_refused(400, "invalid_token");
        app.stranger().get("/api/invitations/info").await.assert_refused(400, "invalid_token");
        let accept = json!({"token": token, "name": "Grace Hopper", "password": PASSWORD});
        let joined = app.stranger().post("/api/invitations/accept", accept.clone()).await.assert_status(201).json();
        is_spelled_out(&joined);
        assert_eq!(joined["organization"]["id"], json!(ada.organization));
        app.stranger().post("/api/invitations/accept", accept).await.assert_refused(410, "gone");
        app.stranger().get(&info).await.assert_refused(410, "gone");
    }

    async fn the_hot_path_is_answered_as_under_v1(app) {
        let ada = app.register("ada").await;
        let (native, mirrored) = (ada.get("/v1/auth/verify").await, ada.get("/api/auth/verify").await);
        assert_eq!(native.assert_status(200).body, mirrored.assert_status(200).body);
    }
}
