//! `/v1/api-keys/…` (contract section 5), and what keys may at every other operation.

use std::time::Duration;

use latchkey::member::Role;
use serde_json::{Value, json};

use crate::support::on_both_engines;

fn usable(answer: &Value) -> (&str, &str) {
    (answer["id"].as_str().expect("an id"), answer["key"].as_str().expect("a key"))
}

on_both_engines! {
    async fn a_key_is_listed_with_all_that_may_be_known(app) {
        let ada = app.register("ada").await;
        let body = json!({"name": "Export", "description": "Nightly", "scopes": ["read", "READ_LEADS"], "mode": "test",
            "allowedIps": ["10.0.0.0/8"], "allowedDomains": ["example.org"], "rateLimitPerMinute": 5});
        let key = ada.makes_a_key(body).await;
        let listed = ada.get("/v1/api-keys").await.assert_status(200);
        assert_eq!(listed.header("x-total-count"), "1");
        let seen = &listed.json()[0];
        assert_eq!(seen["status"], "ACTIVE");
        assert_eq!((&seen["mode"], &seen["owner"]), (&json!("test"), &json!("user")));
        assert_eq!(seen["ipWhitelist"], json!(["10.0.0.0/8"]));
        assert_eq!((&seen["lastUsedAt"], &seen["lastUsedIp"], &seen["usageCount"]), (&Value::Null, &Value::Null, &json!(0)));
        assert_eq!(ada.get(&format!("/v1/api-keys/{}", key.id)).await.assert_status(200).json(), *seen);
    }

    async fn a_key_is_edited_only_where_it_is_told_to(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export", "scopes": ["read"]})).await;
        let path = format!("/v1/api-keys/{}", key.id);
        let changed = ada.patch(&path, json!({"name": "Import", "description": null})).await.assert_status(200).json();
        assert_eq!((&changed["name"], &changed["scopes"]), (&json!("Import"), &json!(["read"])));
        ada.patch(&path, json!({"status": "INACTIVE"})).await.assert_status(200);
        ada.with_key(&key.secret).get("/v1/auth/verify").await.assert_refused(401, "api_key_inactive");
        ada.patch(&path, json!({"status": "ACTIVE"})).await.assert_status(200);
        ada.with_key(&key.secret).get("/v1/auth/verify").await.assert_status(200);
        ada.patch(&path, json!({"key": "lk_live_mine"})).await.assert_invalid(&["property key should not exist"]);
        ada.patch(&path, json!({"scopes": []})).await.assert_status(400);
    }

    async fn a_deleted_key_is_gone(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        ada.with_key(&key.secret).get("/v1/auth/verify").await.assert_status(200);
        let answer = ada.delete(&format!("/v1/api-keys/{}", key.id)).await.assert_status(200).json();
        assert_eq!(answer, json!({"success": true}));
        ada.with_key(&key.secret).get("/v1/auth/verify").await.assert_refused(401, "invalid_api_key");
        ada.delete(&format!("/v1/api-keys/{}", key.id)).await.assert_refused(404, "not_found");
    }

    async fn a_holder_kills_the_presented_key_and_no_other(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Leaked", "scopes": ["READ_LEADS"]})).await;
        let other = ada.makes_a_key(json!({"name": "Safe"})).await;
        let holder = ada.with_key(&key.secret);
        assert_eq!(holder.post_nothing("/v1/api-keys/self/revoke").await.assert_status(200).json(), json!({"success": true}));
        holder.get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked");
        ada.with_key(&other.secret).get("/v1/auth/verify").await.assert_status(200);
    }

    async fn a_regenerated_key_has_a_new_secret_and_an_overlap(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export", "scopes": ["read", "write"]})).await;
        let path = format!("/v1/api-keys/{}/regenerate", key.id);
        let new = ada.post(&path, json!({"overlapSeconds": 3600})).await.assert_status(200).json();
        let (id, secret) = usable(&new);
        assert_eq!((id, &new["scopes"]), (key.id.as_str(), &json!(["read", "write"])));
        for secret in [secret, key.secret.as_str()] {
            ada.with_key(secret).get("/v1/auth/verify").await.assert_status(200);
        }
        assert_eq!(ada.get(&format!("/v1/api-keys/{id}")).await.json()["status"], "ROTATING");
        ada.post_nothing(&format!("/v1/api-keys/{id}/end-overlap")).await.assert_status(200);
        ada.with_key(&key.secret).get("/v1/auth/verify").await.assert_status(401);
        ada.with_key(secret).get("/v1/auth/verify").await.assert_status(200);
        ada.post_nothing(&format!("/v1/api-keys/{id}/end-overlap")).await.assert_status(409);
        for bad in [json!({"overlapSeconds": -1}), json!({"overlapSeconds": 604_801}), json!({"overlapSeconds": "1"})] {
            ada.post(&path, bad).await.assert_refused(400, "validation_failed");
        }
    }

    async fn use_is_shown_after_a_minute(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        let holder = ada.with_key(&key.secret);
        holder.get("/v1/auth/verify").await.assert_status(200);
        holder.get("/v1/auth/verify?scope=write").await.assert_refused(403, "insufficient_scope");
        app.flush().await;
        let seen = ada.get(&format!("/v1/api-keys/{}", key.id)).await.json();
        assert_eq!((&seen["usageCount"], seen["lastUsedAt"].is_string()), (&json!(2), true));
        let calls = ada.get(&format!("/v1/api-keys/{}/usage?limit=1", key.id)).await.assert_status(200);
        assert_eq!(calls.header("x-total-count"), "2");
        assert_eq!(calls.json()[0]["endpoint"], "GET /v1/auth/verify");
        let stats = ada.get(&format!("/v1/api-keys/{}/stats", key.id)).await.assert_status(200).json();
        assert_eq!((&stats["last24Hours"], &stats["errorRate"]), (&json!(2), &json!(0.5)));
        assert_eq!(ada.get("/v1/api-keys/stats").await.assert_status(200).json()["activeKeys"], 1);
        let tested = ada.post_nothing(&format!("/v1/api-keys/{}/test", key.id)).await.assert_status(200).json();
        assert_eq!(tested, json!({"valid": true, "scopes": ["read"]}));
    }

    async fn a_keys_own_limit_is_told_and_holds(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Small", "rateLimit": 2, "rateLimitWindow": 60})).await;
        let holder = ada.with_key(&key.secret);
        let first = holder.get("/v1/auth/verify").await.assert_status(200);
        assert_eq!((first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")), ("2", "1"));
        holder.get("/v1/auth/verify").await.assert_status(200);
        let refused = holder.get("/v1/auth/verify").await.assert_refused(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "60");
        app.later(Duration::from_secs(60));
        holder.get("/v1/auth/verify").await.assert_status(200);
    }

    async fn only_our_form_of_key_is_looked_at(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await.secret;
        let altered = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
        for bad in ["lk_live_", "nonsense", &altered, &key.replace("live", "test"), &key[..40]] {
            ada.with_key(bad).get("/v1/auth/verify").await.assert_refused(401, "invalid_api_key");
        }
        ada.anonymous().with_bearer(&key).get("/v1/auth/verify").await.assert_status(200);
        ada.anonymous().get(&format!("/v1/auth/verify?api_key={key}")).await.assert_refused(400, "token_in_query");
    }

    async fn two_different_credentials_are_ambiguous(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await.secret;
        let both = ada.with_header("x-api-key", &key);
        both.get("/v1/auth/verify").await.assert_refused(400, "ambiguous_credentials");
        let same = ada.anonymous().with_bearer(&key).with_header("x-api-key", &key);
        same.get("/v1/auth/verify").await.assert_status(200);
    }

    async fn a_spanning_key_chooses_its_organization(app) {
        let ada = app.register("ada").await;
        let ben = app.register("ben").await;
        app.joins(&ada, &ben, Role::Manager).await;
        let narrow = ada.makes_a_key(json!({"name": "Narrow"})).await.secret;
        let wide = ada.makes_a_key(json!({"name": "Wide", "organizationIds": [ben.organization]})).await.secret;
        let all = ada.makes_a_key(json!({"name": "All", "organizationIds": "all"})).await.secret;
        let there = |key: &str| ada.with_key(key).with_header("x-organization-id", &ben.organization);
        for key in [&wide, &all] {
            let principal = there(key).get("/v1/auth/verify").await.assert_status(200).json();
            assert_eq!(principal["principal"]["organizationId"], ben.organization);
            assert_eq!(principal["principal"]["role"], "MANAGER");
        }
        there(&narrow).get("/v1/auth/verify").await.assert_refused(404, "not_found");
        let nowhere = ada.with_key(&all).with_header("x-organization-id", "org_01kbk3x5g0r8m4t2v6w9y1z3b5");
        nowhere.get("/v1/auth/verify").await.assert_refused(404, "not_found");
        let foreign = json!({"name": "Foreign", "organizationIds": [ada.organization]});
        ben.post("/v1/api-keys", foreign).await.assert_refused(404, "not_found");
    }

    async fn members_see_their_own_keys_and_admins_all(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Member).await;
        let adas = ada.makes_a_key(json!({"name": "Ada's"})).await;
        let bens = ben.makes_a_key(json!({"name": "Ben's"})).await;
        let of_all = ada.makes_a_key(json!({"name": "Everybody's", "owner": "organization"})).await;
        assert_eq!(ben.get("/v1/api-keys").await.header("x-total-count"), "1");
        assert_eq!(ada.get("/v1/api-keys").await.header("x-total-count"), "3");
        for id in [&adas.id, &of_all.id] {
            ben.get(&format!("/v1/api-keys/{id}")).await.assert_refused(404, "not_found");
            ben.post_nothing(&format!("/v1/api-keys/{id}/revoke")).await.assert_refused(404, "not_found");
        }
        ben.get("/v1/api-keys/stats").await.assert_refused(403, "insufficient_role");
        ben.post("/v1/api-keys", json!({"name": "x", "owner": "organization"})).await.assert_refused(403, "insufficient_role");
        ben.post("/v1/api-keys", json!({"name": "x", "scopes": ["admin"]})).await.assert_refused(403, "insufficient_role");
        ada.post_nothing(&format!("/v1/api-keys/{}/revoke", bens.id)).await.assert_status(200);
        ada.with_key(&bens.secret).get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked");
        assert_eq!(ben.get("/v1/api-keys").await.header("x-total-count"), "1");
    }

    async fn lists_are_paged_and_sorted(app) {
        let ada = app.register("ada").await;
        for name in ["b", "c", "a"] {
            ada.makes_a_key(json!({"name": name})).await;
            app.later(Duration::from_secs(1));
        }
        let names = async |query: &str| {
            let listed = ada.get(&format!("/v1/api-keys?{query}")).await.assert_status(200);
            assert_eq!(listed.header("x-total-count"), "3");
            let keys = listed.json();
            keys.as_array().expect("a list").iter().map(|key| key["name"].as_str().expect("a name").to_owned()).collect::<String>()
        };
        assert_eq!(names("").await, "acb");
        assert_eq!(names("sortBy=name&sortOrder=asc").await, "abc");
        assert_eq!(names("sortBy=createdAt&sortOrder=asc&limit=2&page=2").await, "a");
        for bad in ["limit=101", "limit=0", "page=0", "limit=x", "sortBy=mac", "sortOrder=up", "status=BROKEN"] {
            ada.get(&format!("/v1/api-keys?{bad}")).await.assert_refused(400, "validation_failed");
        }
    }

    async fn every_method_needs_its_scope_at_the_reverse_proxy(app) {
        let ada = app.register("ada").await;
        let needs = [
            ("GET", "read"), ("HEAD", "read"), ("OPTIONS", "read"), ("POST", "write"), ("PUT", "write"), ("PATCH", "write"),
            ("DELETE", "delete"), ("BREW", "admin"),
        ];
        for scope in ["read", "write", "delete", "admin", "READ_LEADS"] {
            let key = ada.makes_a_key(json!({"name": scope, "scopes": [scope]})).await.secret;
            for (method, needed) in needs {
                for header in ["x-original-method", "x-forwarded-method"] {
                    let asking = ada.with_key(&key).with_header(header, method);
                    let answer = asking.get("/v1/auth/forward").await;
                    if scope == needed || scope == "admin" {
                        assert_eq!(answer.assert_status(200).header("x-auth-scopes"), scope);
                    } else {
                        answer.assert_refused(403, "insufficient_scope");
                    }
                }
            }
        }
        let person = ada.with_header("x-original-method", "BREW");
        assert_eq!(person.get("/v1/auth/forward").await.assert_status(200).header("x-auth-user"), ada.id);
    }

    async fn two_hundred_revocations_at_once_are_one(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Contested"})).await;
        let admin = ada.makes_a_key(json!({"name": "Admin", "scopes": ["admin"]})).await;
        let path = format!("/v1/api-keys/{}/revoke", key.id);
        let tries: Vec<_> = (0..200).map(|number| {
            let (client, path) = (ada.with_key(&admin.secret), path.clone());
            tokio::spawn(async move { client.post(&path, json!({"reason": format!("try {number}")})).await.json()["revokedReason"].clone() })
        }).collect();
        let mut reasons = std::collections::HashSet::new();
        for tried in tries {
            reasons.insert(tried.await.expect("ran").to_string());
        }
        assert_eq!(reasons.len(), 1, "{reasons:?}");
    }
}
