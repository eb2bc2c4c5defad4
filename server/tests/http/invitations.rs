//! `/v1/organizations/{id}/invitations…`, `/v1/invitations/…`, invitation codes, and signing up with one.

use std::time::Duration;

use serde_json::json;

use crate::support::{PASSWORD, Role, half, on_both_engines};

const SUBJECT: &str = "You are invited to ada works";

on_both_engines! {
    async fn an_invitation_is_mailed_looked_at_and_accepted_as_somebody_new(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let invitations = format!("/v1/organizations/{}/invitations", ada.organization);
        let made = ada.post(&invitations, json!({"email": "Grace@Example.org", "role": "MANAGER"})).await.assert_status(201).json();
        assert_eq!((&made["email"], &made["role"], &made["status"], &made["inviterName"]),
            (&json!("grace@example.org"), &json!("MANAGER"), &json!("pending"), &json!("ada")));
        let token = app.mail_to("grace@example.org", SUBJECT).await.token();
        let path = format!("/v1/invitations/{token}");
        let guest = app.stranger();
        for _ in 0..2 {
            let seen = guest.get(&path).await.assert_status(200).json();
            assert_eq!((&seen["status"], &seen["organizationName"], &seen["email"], &seen["hasAccount"]),
                (&json!("pending"), &json!("ada works"), &json!("grace@example.org"), &json!(false)));
        }
        let accept = format!("{path}/accept");
        guest.post_nothing(&accept).await.assert_invalid(&["password should not be empty", "name should not be empty"]);
        guest.post(&accept, json!({"name": "Grace", "password": "short"})).await.assert_refused(422, "weak_password");
        guest.post(&accept, json!({"name": "Grace", "password": PASSWORD, "role": "OWNER"})).await.assert_invalid(&["property role should not exist"]);
        let answer = guest.post(&accept, json!({"name": "Grace", "password": PASSWORD})).await.assert_status(201).json();
        assert_eq!((&answer["user"]["emailVerified"], &answer["user"]["organizationRole"], &answer["organization"]["id"]),
            (&json!(true), &json!("MANAGER"), &json!(ada.organization)));
        guest.post(&accept, json!({"name": "Grace", "password": PASSWORD})).await.assert_refused(410, "gone");
        assert_eq!(guest.get(&path).await.assert_status(200).json()["status"], "accepted");
        let listed = ada.get(&invitations).await.assert_status(200);
        assert_eq!((listed.header("x-total-count"), &listed.json()[0]["status"]), ("1", &json!("accepted")));
        let told = ada.get("/v1/audit-events?action=invitation.").await.json();
        assert_eq!((&told[0]["action"], &told[1]["action"]), (&json!("invitation.accepted"), &json!("invitation.created")));
    }

    async fn m09_an_invitation_is_accepted_by_the_account_it_is_for_and_no_other(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let grace = app.register("grace").await;
        let mallory = app.register("mallory").await;
        let invitations = format!("/v1/organizations/{}/invitations", ada.organization);
        ada.post(&invitations, json!({"email": grace.email})).await.assert_status(201);
        let accept = format!("/v1/invitations/{}/accept", app.mail_to(&grace.email, SUBJECT).await.token());
        app.stranger().post(&accept, json!({"name": "Grace", "password": PASSWORD})).await.assert_refused(409, "email_taken");
        mallory.post_nothing(&accept).await.assert_refused(403, "invitation_for_another");
        let key = grace.makes_a_key(json!({"name": "Export"})).await;
        grace.with_key(&key.secret).post_nothing(&accept).await.assert_refused(403, "insufficient_scope");
        grace.with_bearer("left over from before").post_nothing(&accept).await
            .assert_invalid(&["password should not be empty", "name should not be empty"]);
        grace.anonymous().post(&accept, json!({"password": "not hers at all"})).await.assert_refused(401, "invalid_credentials");
        let answer = grace.post_nothing(&accept).await.assert_status(200).json();
        assert_eq!((&answer["organization"]["id"], &answer["organization"]["role"]), (&json!(ada.organization), &json!("MEMBER")));
        ada.post(&invitations, json!({"email": grace.email})).await.assert_refused(409, "already_member");
    }

    async fn with_a_second_factor_an_invitation_is_spent_by_the_password_and_the_step_leads_there(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let grace = app.register("grace").await;
        let phone = app.enrols(&grace).await;
        let invitations = format!("/v1/organizations/{}/invitations", ada.organization);
        ada.post(&invitations, json!({"email": grace.email, "role": "ADMIN"})).await.assert_status(201);
        let accept = format!("/v1/invitations/{}/accept", app.mail_to(&grace.email, SUBJECT).await.token());
        let due = app.stranger().post(&accept, json!({"password": PASSWORD})).await.assert_status(200).json();
        let half = half(&due);
        app.stranger().with_bearer(&half).get("/v1/auth/me").await.assert_refused(401, "invalid_token");
        app.stranger().post(&accept, json!({"password": PASSWORD})).await.assert_refused(410, "gone");
        let answer = app.finishes(&app.stranger(), &half, &phone.shows(&app)).await.assert_status(200).json();
        assert_eq!((&answer["organization"]["id"], &answer["organization"]["role"]), (&json!(ada.organization), &json!("ADMIN")));
        app.finishes(&app.stranger(), &half, &phone.codes[0]).await.assert_refused(401, "invalid_token");
    }

    async fn tokens_of_invitations_that_nobody_gave_out_are_counted(app) {
        let stranger = app.stranger();
        for _ in 0..5 {
            stranger.get("/v1/invitations/nonsense").await.assert_refused(400, "invalid_token");
        }
        stranger.get("/v1/invitations/nonsense").await.assert_refused(429, "rate_limited");
        stranger.post("/v1/invitations/nonsense/accept", json!({"password": PASSWORD})).await.assert_refused(429, "rate_limited");
        app.stranger().get("/v1/invitations/nonsense").await.assert_refused(400, "invalid_token");
    }

    async fn an_invitation_is_sent_again_shown_and_withdrawn(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let invitations = format!("/v1/organizations/{}/invitations", ada.organization);
        let made = ada.post(&invitations, json!({"email": "grace@example.org"})).await.assert_status(201).json();
        let one = format!("{invitations}/{}", made["id"].as_str().expect("an id"));
        let first = app.mail_to("grace@example.org", SUBJECT).await.token();
        app.later(Duration::from_secs(60));
        ada.post_nothing(&format!("{one}/resend")).await.assert_status(200);
        app.stranger().get(&format!("/v1/invitations/{first}")).await.assert_refused(400, "invalid_token");
        let shown = ada.post_nothing(&format!("{one}/link")).await.assert_status(200).json();
        let token = shown["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a token").to_owned();
        assert_eq!(app.stranger().get(&format!("/v1/invitations/{token}")).await.json()["status"], "pending");
        let ben = app.member_of(&ada, "ben", Role::Member).await;
        for path in [format!("{one}/resend"), format!("{one}/link")] {
            ben.post_nothing(&path).await.assert_refused(403, "insufficient_role");
        }
        ben.delete(&one).await.assert_refused(403, "insufficient_role");
        ben.get(&invitations).await.assert_refused(403, "insufficient_role");
        ada.delete(&one).await.assert_status(200);
        assert_eq!(app.stranger().get(&format!("/v1/invitations/{token}")).await.json()["status"], "withdrawn");
        ada.delete(&one).await.assert_refused(410, "gone");
        ada.post(&invitations, json!({"email": "x", "role": "KING"})).await
            .assert_invalid(&["email must be an email", "role must be one of the following values: OWNER, ADMIN, MANAGER, MEMBER"]);
    }

    async fn codes_are_made_asked_about_revoked_and_joined_with(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let codes = format!("/v1/organizations/{}/invitation-codes", ada.organization);
        let made = ada.post(&codes, json!({"role": "MEMBER", "maxUses": 2})).await.assert_status(201).json();
        let text = made["code"].as_str().expect("a code").to_owned();
        assert_eq!((text.len(), &made["uses"], &made["maxUses"], &made["status"]), (12, &json!(0), &json!(2), &json!("active")));
        let asked = |code: &str| json!({"code": code});
        let valid = app.stranger().post("/v1/organizations/validate-code", asked(&text.to_lowercase())).await.assert_status(200).json();
        assert_eq!((&valid["valid"], &valid["organizationId"], &valid["organizationName"]),
            (&json!(true), &json!(ada.organization), &json!("ada works")));
        let no = app.stranger().post("/v1/organizations/validate-code", asked("AAAA-BBBB-CC")).await.assert_status(200).json();
        assert_eq!(no, json!({"valid": false, "organizationId": null, "organizationName": null, "message": "This invitation code is not valid."}));

        let sign_up = |name: &str, code: &str| json!({"email": format!("{name}@example.org"), "password": PASSWORD, "name": name, "organizationCode": code});
        let answer = app.stranger().post("/v1/auth/register", sign_up("grace", &text)).await.assert_status(201).json();
        assert_eq!((&answer["organization"]["id"], &answer["organization"]["role"]), (&json!(ada.organization), &json!("MEMBER")));
        let one = format!("{codes}/{}", made["id"].as_str().expect("an id"));
        assert_eq!(ada.post_nothing(&format!("{one}/revoke")).await.assert_status(200).json()["status"], "revoked");
        app.stranger().post("/v1/auth/register", sign_up("ben", &text)).await.assert_refused(400, "invalid_invitation_code");
        assert_eq!(ada.post_nothing(&format!("{one}/reactivate")).await.assert_status(200).json()["uses"], 1);
        app.stranger().post("/v1/auth/register", sign_up("ben", &text)).await.assert_status(201);
        app.stranger().post("/v1/auth/register", sign_up("cleo", &text)).await.assert_refused(400, "invalid_invitation_code");
        assert_eq!(ada.get(&codes).await.assert_status(200).json()[0]["status"], "used_up");
        ada.post(&codes, json!({"role": "OWNER", "maxUses": 0, "expiresAt": "2020-01-01T00:00:00Z", "emailDomain": "nowhere"})).await
            .assert_invalid(&["role must be one of the following values: ADMIN, MANAGER, MEMBER", "maxUses must be a number between 1 and 10000",
                "expiresAt must be in the future", "each value in emailDomain must be a domain name"]);
    }

    async fn a_code_for_a_domain_answers_that_the_address_must_be_confirmed(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let codes = format!("/v1/organizations/{}/invitation-codes", ada.organization);
        let made = ada.post(&codes, json!({"emailDomain": "example.org"})).await.assert_status(201).json();
        let body = json!({"email": "grace@example.org", "password": PASSWORD, "name": "Grace", "organizationCode": made["code"]});
        assert_eq!(app.stranger().post("/v1/auth/register", body).await.assert_status(202).json()["requiresVerification"], true);
        let members = ada.get(&format!("/v1/organizations/{}/members?sortBy=name", ada.organization)).await.json();
        assert_eq!((&members[0]["user"]["email"], &members[0]["isActive"]), (&json!("grace@example.org"), &json!(false)));
        let token = app.mail_to("grace@example.org", "Confirm your address").await.token();
        let answer = app.stranger().post("/v1/auth/verify-email", json!({"token": token})).await.assert_status(200).json();
        assert_eq!(answer["organization"]["id"], ada.organization);
    }
}
