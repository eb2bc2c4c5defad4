//! `/v1/auth/verify`, `/forward`, `/introspect`

use serde_json::json;

use crate::support::on_both_engines;

on_both_engines! {
    async fn verify_says_who_it_is(app) {
        let ada = app.register("ada").await;
        let body = ada.get("/v1/auth/verify").await.assert_status(200).json();
        assert_eq!(body["active"], true);
        let principal = &body["principal"];
        assert_eq!((&principal["type"], &principal["userId"]), (&json!("user"), &json!(ada.id)));
        assert_eq!(principal["organizationId"], ada.organization);
        assert_eq!(principal["scopes"], json!(["read", "write", "delete", "admin"]));
        assert_eq!(principal["amr"], json!(["pwd"]));
        let key = ada.makes_a_key(json!({"name": "Export", "scopes": ["read", "READ_LEADS"]})).await;
        let service = app.stranger().with_key(&key.secret);
        let body = service.get("/v1/auth/verify?scope=READ_LEADS").await.assert_status(200).json();
        assert_eq!((&body["principal"]["type"], &body["principal"]["keyId"]), (&json!("api_key"), &json!(key.id)));
        let refused = service.get("/v1/auth/verify?scope=write").await.assert_refused(403, "insufficient_scope");
        assert!(refused.header("www-authenticate").contains("insufficient_scope"));
        app.stranger().get("/v1/auth/verify").await.assert_refused(401, "missing_credentials");
    }

    async fn verify_does_not_count_against_the_ordinary_limit(app) {
        let ada = app.register("ada").await;
        for _ in 0..120 {
            ada.get("/v1/auth/verify").await.assert_status(200);
        }
        let me = ada.get("/v1/auth/me").await.assert_status(200);
        assert_eq!(me.header("x-ratelimit-remaining"), "99");
    }

    async fn a_proxy_learns_who_may_pass(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Reader", "scopes": ["read"]})).await;
        let passed = ada.with_header("x-original-method", "DELETE").get("/v1/auth/forward").await.assert_status(200);
        assert_eq!(passed.header("x-auth-user"), ada.id);
        assert_eq!(passed.header("x-auth-email"), "ada@example.org");
        assert_eq!(passed.header("x-auth-organization"), ada.organization);
        assert_eq!(passed.header("x-auth-role"), "OWNER");
        let reader = app.stranger().with_key(&key.secret);
        let get = reader.with_header("x-forwarded-method", "GET");
        assert_eq!(get.get("/v1/auth/forward").await.assert_status(200).header("x-auth-scopes"), "read");
        for method in ["POST", "DELETE", "PROPFIND", ""] {
            let refused = reader.with_header("x-forwarded-method", method).get("/v1/auth/forward").await;
            refused.assert_refused(403, "insufficient_scope");
            // A client cannot hide what the proxy says behind the other header.
            let hidden = reader.with_header("x-forwarded-method", method).with_header("x-original-method", "GET");
            hidden.get("/v1/auth/forward").await.assert_refused(403, "insufficient_scope");
        }
        app.stranger().get("/v1/auth/forward").await.assert_refused(401, "missing_credentials");
    }

    async fn envoy_asks_with_the_method_and_at_the_path_of_the_request_it_holds_back(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Reader", "scopes": ["read"]})).await;
        let reader = app.stranger().with_key(&key.secret);
        for path in ["/", "/reports/2026?token=theirs&sort=up", "/a%2Fb/%C3%A9", "/v1/auth/login"] {
            let path = format!("/v1/auth/forward{path}");
            assert_eq!(reader.get(&path).await.assert_status(200).header("x-auth-scopes"), "read");
            let hidden = reader.with_header("x-original-method", "GET").with_header("x-forwarded-method", "GET");
            for method in ["POST", "DELETE", "PROPFIND"] {
                let body = || axum::body::Body::empty();
                hidden.send(method, &path, None, body()).await.assert_refused(403, "insufficient_scope");
                let person = ada.client.send(method, &path, None, body()).await.assert_status(200);
                assert_eq!(person.header("x-auth-user"), ada.id);
                app.stranger().send(method, &path, None, body()).await.assert_refused(401, "missing_credentials");
            }
        }
        // The site checks its own changes: a token of ours would prove nothing of them.
        let passed = app.browser_of(&ada).await.sends().send("POST", "/v1/auth/forward/orders", None, axum::body::Body::empty()).await;
        assert_eq!(passed.assert_status(200).header("x-auth-user"), ada.id);
    }

    async fn introspection_takes_form_and_json(app) {
        let ada = app.register("ada").await;
        let other = ada.signs_in_again().await;
        let by_json = ada.post("/v1/auth/introspect", json!({"token": other.tokens.access})).await.assert_status(200).json();
        assert_eq!((&by_json["active"], &by_json["sub"]), (&json!(true), &json!(ada.id)));
        let form = format!("token={}&token_type_hint=access_token", other.tokens.access);
        assert_eq!(ada.post_form("/v1/auth/introspect", &form).await.assert_status(200).json(), by_json);
        let refresh = ada.post("/v1/auth/introspect", json!({"token": other.tokens.refresh})).await.json();
        assert_eq!(refresh["token_type"], "refresh_token");
        ada.post("/v1/auth/introspect", json!({})).await.assert_invalid(&["token should not be empty"]);
        app.stranger().post("/v1/auth/introspect", json!({"token": "x"})).await.assert_refused(401, "missing_credentials");
    }

    async fn tokens_of_others_are_not_active(app) {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let key = ben.makes_a_key(json!({"name": "Export"})).await;
        for token in [&ben.tokens.access, &ben.tokens.refresh, &key.secret, &"nonsense".to_owned()] {
            let body = ada.post("/v1/auth/introspect", json!({"token": token})).await.assert_status(200).json();
            assert_eq!(body, json!({"active": false}));
        }
    }

    async fn two_credentials_of_different_principals_are_ambiguous(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        let both = ada.with_header("x-api-key", &key.secret);
        both.get("/v1/auth/verify").await.assert_refused(400, "ambiguous_credentials");
        let same = app.stranger().with_bearer(&key.secret).with_header("x-api-key", &key.secret);
        same.get("/v1/auth/verify").await.assert_status(200);
    }
}
