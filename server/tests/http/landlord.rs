//! `/v1/landlord/…`.

use serde_json::json;

use crate::support::{PASSWORD, on_both_engines};

on_both_engines! {
    async fn a_landlord_opens_a_tenant_and_its_superuser_comes_by_mail(app) with ["mailbox"] {
        let landlord = app.landlord("lena").await;
        let made = landlord.post("/v1/landlord/superusers", json!({"email": "grace@example.org", "organizationName": "Blue Harbour"})).await.assert_status(201).json();
        let tenant = &made["tenant"];
        assert_eq!((&tenant["name"], &tenant["slug"], &tenant["status"], &tenant["memberCount"], &tenant["pendingInvitations"]),
            (&json!("Blue Harbour"), &json!("blue-harbour"), &json!("active"), &json!(0), &json!(1)));
        assert_eq!((&made["invitation"]["role"], &made["invitation"]["status"]), (&json!("OWNER"), &json!("pending")));
        let token = app.mail_to("grace@example.org", "You are invited to Blue Harbour").await.token();
        let answer = app.stranger().post(&format!("/v1/invitations/{token}/accept"), json!({"name": "Grace", "password": PASSWORD})).await.assert_status(201).json();
        assert_eq!((&answer["organization"]["name"], &answer["organization"]["role"]), (&json!("Blue Harbour"), &json!("OWNER")));
        let listed = landlord.get("/v1/landlord/tenants?search=harbour").await.assert_status(200);
        assert_eq!((listed.header("x-total-count"), &listed.json()[0]["memberCount"]), ("1", &json!(1)));
        landlord.post("/v1/landlord/superusers", json!({"email": "x"})).await
            .assert_invalid(&["email must be an email", "organizationName should not be empty"]);
        landlord.post("/v1/landlord/tenants", json!({"contactEmail": "x"})).await
            .assert_invalid(&["name should not be empty", "contactEmail must be an email"]);
        let opened = landlord.post("/v1/landlord/tenants", json!({"name": "Red Hill"})).await.assert_status(201).json();
        assert_eq!((&opened["memberCount"], &opened["contactEmail"]), (&json!(0), &json!(null)));
    }

    async fn a_suspended_tenant_stops_and_resumes(app) with ["mailbox"] {
        let landlord = app.landlord("lena").await;
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        let program = ada.with_key(&key.secret);
        let path = format!("/v1/landlord/tenants/{}", ada.organization);
        assert_eq!(landlord.patch(&path, json!({"status": "suspended", "reason": "Overdue"})).await.assert_status(200).json()["status"], "suspended");
        ada.get("/v1/auth/me").await.assert_refused(403, "organization_suspended");
        program.get("/v1/auth/verify").await.assert_refused(403, "organization_suspended");
        let credentials = json!({"email": ada.email, "password": PASSWORD});
        app.stranger().post("/v1/auth/login", credentials.clone()).await.assert_refused(403, "organization_suspended");
        landlord.patch(&path, json!({"status": "gone"})).await.assert_invalid(&["status must be one of the following values: active, suspended"]);
        assert_eq!(landlord.patch(&path, json!({"status": "active"})).await.assert_status(200).json()["suspendedAt"], json!(null));
        ada.get("/v1/auth/me").await.assert_status(200);
        program.get("/v1/auth/verify").await.assert_status(200);
        let told = ada.get("/v1/audit-events?action=organization.suspended").await.json();
        assert!(told[0]["detail"].to_string().contains("Overdue") && told[0]["actor"] == json!(landlord.id));
    }

    async fn a_landlord_revokes_the_tokens_of_a_tenant_and_of_a_user(app) with ["mailbox"] {
        let landlord = app.landlord("lena").await;
        let ada = app.register("ada").await;
        let path = format!("/v1/landlord/tenants/{}/revoke-tokens", ada.organization);
        assert_eq!(landlord.post_nothing(&path).await.assert_status(200).json(), json!({"success": true, "endedSessions": 1}));
        ada.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        let again = ada.signs_in_again().await;
        let path = format!("/v1/landlord/users/{}/revoke-tokens", ada.id);
        assert_eq!(landlord.post_nothing(&path).await.assert_status(200).json(), json!({"success": true, "endedSessions": 1}));
        again.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        let once_more = ada.signs_in_again().await;
        once_more.post_nothing(&path).await.assert_refused(403, "insufficient_role");
        once_more.get("/v1/landlord/tenants").await.assert_refused(403, "insufficient_role");
    }
}
