//! `/v1/organizations/…` and `/v1/audit-events`.

use std::time::Duration;

use serde_json::json;

use crate::support::{Role, on_both_engines};

on_both_engines! {
    async fn organizations_are_made_read_renamed_and_deleted(app) {
        let ada = app.register("ada").await;
        let made = ada.post("/v1/organizations", json!({"name": "Second House"})).await.assert_status(201).json();
        assert_eq!((&made["slug"], &made["status"], &made["memberCount"], &made["role"]),
            (&json!("second-house"), &json!("active"), &json!(1), &json!("OWNER")));
        assert_eq!(made["contactEmail"], ada.email);
        let id = made["id"].as_str().expect("an id");
        let listed = ada.get("/v1/organizations?sortBy=name&sortOrder=asc").await.assert_status(200);
        assert_eq!(listed.header("x-total-count"), "2");
        assert_eq!(listed.json()[0]["name"], "ada works");
        assert_eq!(ada.get("/v1/organizations/my-organization").await.assert_status(200).json()["id"], ada.organization);
        let path = format!("/v1/organizations/{id}");
        let changed = ada.patch(&path, json!({"name": "Third House", "contactEmail": ""})).await.assert_status(200).json();
        assert_eq!((&changed["name"], &changed["contactEmail"]), (&json!("Third House"), &json!(null)));
        ada.patch(&path, json!({"name": "", "contactEmail": "nobody"})).await
            .assert_invalid(&["name should not be empty", "contactEmail must be an email"]);
        ada.patch(&path, json!({"slug": "x"})).await.assert_invalid(&["property slug should not exist"]);
        ada.delete(&path).await.assert_status(200);
        ada.get(&path).await.assert_refused(404, "not_found");
        ada.post("/v1/organizations", json!({})).await.assert_invalid(&["name should not be empty"]);
    }

    async fn members_are_listed_changed_and_removed(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Member).await;
        let members = format!("/v1/organizations/{}/members", ada.organization);
        let listed = ben.get(&format!("{members}?sortBy=name&sortOrder=asc")).await.assert_status(200);
        assert_eq!(listed.header("x-total-count"), "2");
        let listed = listed.json();
        assert_eq!((&listed[1]["userId"], &listed[1]["role"], &listed[1]["isActive"]), (&json!(ben.id), &json!("MEMBER"), &json!(true)));
        assert_eq!(listed[1]["user"], json!({"id": ben.id, "name": "ben", "email": ben.email, "avatarUrl": null}));
        let place = format!("{members}/{}", ben.id);
        ben.patch(&place, json!({"role": "OWNER"})).await.assert_refused(403, "insufficient_role");
        let shared = ada.makes_a_key(json!({"name": "Shared", "scopes": ["admin"], "owner": "organization"})).await;
        ada.with_key(&shared.secret).patch(&place, json!({"role": "OWNER"})).await.assert_refused(403, "insufficient_scope");
        ada.patch(&place, json!({"role": "KING"})).await
            .assert_invalid(&["role must be one of the following values: OWNER, ADMIN, MANAGER, MEMBER"]);
        assert_eq!(ada.patch(&place, json!({"role": "MANAGER"})).await.assert_status(200).json()["role"], "MANAGER");
        let key = ben.makes_a_key(json!({"name": "Export"})).await;
        let affected = ada.get(&format!("{place}/api-keys")).await.assert_status(200).json();
        assert_eq!((&affected[0]["name"], &affected[0]["owner"]), (&json!("Export"), &json!("user")));
        ada.patch(&place, json!({"isActive": false})).await.assert_status(200);
        ben.get("/v1/organizations/my-organization").await.assert_refused(403, "no_organization");
        ada.patch(&place, json!({"isActive": true})).await.assert_status(200);
        let revoked = ada.post_nothing(&format!("{place}/revoke-tokens")).await.assert_status(200).json();
        assert_eq!(revoked, json!({"success": true, "endedSessions": 1}));
        ben.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        ben.with_key(&key.secret).get("/v1/auth/verify").await.assert_status(200);
        let removed = ada.delete(&place).await.assert_status(200).json();
        assert_eq!(removed, json!({"success": true, "revokedKeys": 1, "movedKeys": 0}));
        ben.with_key(&key.secret).get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked");
        ada.delete(&place).await.assert_refused(404, "not_found");
        ada.delete(&format!("{members}/{}", ada.id)).await.assert_refused(409, "last_owner");
    }

    async fn deleting_needs_a_recent_proof(app) {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(600));
        let path = format!("/v1/organizations/{}", ada.organization);
        ada.delete(&path).await.assert_refused(403, "reauthentication_required");
        ada.post("/v1/auth/reauthenticate", json!({"password": crate::support::PASSWORD})).await.assert_status(200);
        ada.delete(&path).await.assert_status(200);
    }

    async fn keys_read_with_read_and_change_with_admin(app) {
        let ada = app.register("ada").await;
        let path = format!("/v1/organizations/{}", ada.organization);
        for (scope, reads, changes) in [("read", 200, 403), ("write", 403, 403), ("READ_LEADS", 403, 403), ("admin", 200, 200)] {
            let key = ada.makes_a_key(json!({"name": scope, "scopes": [scope]})).await;
            let program = ada.with_key(&key.secret);
            program.get(&path).await.assert_status(reads);
            program.get(&format!("{path}/members")).await.assert_status(reads);
            program.get("/v1/audit-events").await.assert_status(changes);
            program.patch(&path, json!({"name": "By a program"})).await.assert_status(changes);
            program.delete(&path).await.assert_refused(403, "insufficient_scope");
        }
    }

    async fn an_organization_says_how_people_sign_in_and_join(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let policy = format!("/v1/organizations/{}/policy", ada.organization);
        let usual = ada.get(&policy).await.assert_status(200).json();
        assert_eq!((&usual["signInMethods"], &usual["accessTokenSeconds"], &usual["invitationOnly"]),
            (&json!(["password", "email"]), &json!(null), &json!(false)));
        ada.patch(&policy, json!({"signInMethods": [], "accessTokenSeconds": 5})).await
            .assert_invalid(&["signInMethods must be one of the following values: password, email", "accessTokenSeconds must be a number between 60 and 86400"]);
        ada.patch(&policy, json!({"signInMethods": ["email"]})).await.assert_refused(409, "sign_in_method_not_allowed");
        let changed = ada.patch(&policy, json!({"accessTokenSeconds": 900, "invitationOnly": true, "signInMethods": ["password"]})).await.assert_status(200).json();
        assert_eq!((&changed["signInMethods"], &changed["accessTokenSeconds"], &changed["invitationOnly"]),
            (&json!(["password"]), &json!(900), &json!(true)));
        let codes = format!("/v1/organizations/{}/invitation-codes", ada.organization);
        ada.post(&codes, json!({})).await.assert_refused(409, "invitation_only");
        let again = json!({"email": ada.email, "password": crate::support::PASSWORD});
        assert_eq!(app.stranger().post("/v1/auth/login", again).await.assert_status(200).json()["expiresIn"], 900);
        let by_mail = app.magic_link(&ada.email).await;
        app.stranger().post("/v1/auth/magic-link/verify", json!({"token": by_mail.token()})).await
            .assert_refused(401, "sign_in_method_not_allowed");
    }

    async fn the_audit_log_is_read_filtered_and_exported(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Manager).await;
        let key = ada.makes_a_key(json!({"name": "=Export"})).await;
        let listed = ada.get("/v1/audit-events?action=api_key.&limit=5").await.assert_status(200);
        assert_eq!(listed.header("x-total-count"), "1");
        let event = &listed.json()[0];
        assert_eq!((&event["action"], &event["actor"], &event["target"]), (&json!("api_key.created"), &json!(ada.id), &json!(key.id)));
        assert_eq!(event["hash"].as_str().map(str::len), Some(64));
        ben.get("/v1/audit-events").await.assert_refused(403, "insufficient_role");
        ada.get("/v1/audit-events?format=xml").await.assert_invalid(&["format must be one of the following values: ndjson, csv"]);
        let lines = ada.get("/v1/audit-events?format=ndjson").await.assert_status(200);
        assert_eq!(lines.header("content-type"), "application/x-ndjson");
        assert!(lines.body.lines().all(|line| line.starts_with("{\"id\":\"evt_")) && lines.body.contains("audit.exported"));
        let table = ada.get(&format!("/v1/audit-events?format=csv&actor={}", ada.id)).await.assert_status(200);
        assert!(table.body.starts_with("position,id,createdAt,actor,actorName,action,target,targetName,ipAddress,userAgent,requestId,detail,hash\r\n"));
        assert_eq!(ada.get("/v1/audit-events?action=audit.exported").await.header("x-total-count"), "2");
    }
}
