//! What is wrong with a request is said in one shape, and is never a fault of ours (safety C10).

use axum::body::Body;

use crate::support::on_both_engines;

on_both_engines! {
    async fn unknown_paths_and_methods_are_told_apart(app) {
        let stranger = app.stranger();
        for path in ["/v1", "/v1/", "/v1/nowhere", "/api/nowhere", "/auth/nowhere", "/v1/auth/me/"] {
            stranger.get(path).await.assert_refused(404, "not_found");
        }
        let allowed = |reply: crate::support::Reply| reply.assert_refused(405, "method_not_allowed").header("allow").to_owned();
        assert_eq!(allowed(stranger.delete("/v1/auth/me").await), "GET,HEAD");
        assert_eq!(allowed(stranger.get("/v1/auth/login").await), "POST");
        let mut methods: Vec<_> = allowed(stranger.post_nothing("/v1/api-keys/x").await).split(',').map(str::to_owned).collect();
        methods.sort_unstable();
        assert_eq!(methods, ["DELETE", "GET", "HEAD", "PATCH"]);
        for method in ["TRACE", "OPTIONS", "PROPFIND"] {
            stranger.send(method, "/v1/auth/login", None, Body::empty()).await.assert_refused(405, "method_not_allowed");
        }
    }

    async fn broken_bodies_are_never_a_fault_of_ours(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let bodies: [(&[u8], u16); 13] = [
            (b"{", 400), (b"[]", 400), (b"7", 400), (b"\"text\"", 400), (b"{\"name\":", 400), (b"\xff\xfe", 400),
            (b"{\"name\":\"\\ud800\"}", 400), (b"{\"name\":\"a\\u0000b\"}", 400), (b"{\"name\":{}}", 400),
            (b"{\"__proto__\":1}", 400), (b"{\"rateLimit\":1e999}", 400), (deep.as_bytes(), 400),
            (b"{\"rateLimit\":99999999999999999999}", 400),
        ];
        for path in ["/v1/api-keys", "/v1/auth/update-profile", "/v1/auth/login", "/v1/auth/register", "/v1/auth/refresh"] {
            for (body, status) in bodies {
                ada.send("POST", path, Some("application/json"), Body::from(body.to_vec())).await.assert_status(status);
            }
            let twice = br#"{"email":"a@example.org","email":"b@example.org"}"#;
            let answer = ada.send("POST", path, Some("application/json"), Body::from(twice.to_vec())).await;
            assert!(answer.status.is_client_error(), "{answer:?}");
        }
    }

    async fn what_is_not_json_is_refused_unless_there_is_nothing(app) {
        let ada = app.register("ada").await;
        let body = || Body::from(r#"{"name":"Ada King"}"#);
        for kind in [Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data; boundary=x"), None] {
            ada.send("POST", "/v1/auth/update-profile", kind, body()).await.assert_refused(415, "unsupported_media_type");
            ada.send("POST", "/v1/auth/update-profile", kind, Body::empty()).await.assert_status(200);
        }
        assert_eq!(ada.get("/v1/auth/me").await.json()["name"], "ada");
        let kind = Some("application/json; charset=utf-8");
        ada.send("POST", "/v1/auth/update-profile", kind, body()).await.assert_status(200);
    }

    async fn credentials_in_an_address_are_refused(app) {
        let ada = app.register("ada").await;
        for query in ["token=x", "api_key=x", "apiKey=x", "access_token=x", "Authorization=x", "a=b&%6bey=x"] {
            ada.get(&format!("/v1/auth/me?{query}")).await.assert_refused(400, "token_in_query");
        }
        ada.get("/v1/auth/verify?scope=read").await.assert_status(200);
    }

    async fn queries_are_checked(app) {
        let ada = app.register("ada").await;
        ada.get("/v1/api-keys?limit=101").await.assert_invalid(&["limit must be a number between 1 and 100"]);
        for query in ["page=0", "page=x", "limit=", "sortBy=secret", "sortOrder=sideways", "status=LOST", "page=1&page=2", "search=%00"] {
            ada.get(&format!("/v1/api-keys?{query}")).await.assert_refused(400, "validation_failed");
        }
        for query in ["", "search=%ff", "search=%25%27%22", "sortBy=name&sortOrder=asc", "unknown=1", "&&="] {
            ada.get(&format!("/v1/api-keys?{query}")).await.assert_status(200);
        }
    }

    async fn headers_that_cannot_be_read_are_refused(app) {
        let ada = app.register("ada").await;
        ada.with_header("authorization", "Bearer \u{e9}").get("/v1/auth/me").await.assert_refused(400, "malformed_header");
        for value in ["Basic YTpi", "Bearer", "Digest x", "Bearer a b"] {
            let refused = ada.with_header("authorization", value).get("/v1/auth/me").await.assert_refused(401, "invalid_token");
            assert_eq!(refused.header("www-authenticate"), r#"Bearer realm="latchkey", error="invalid_token""#);
        }
        let none = ada.with_header("authorization", "").get("/v1/auth/me").await.assert_refused(401, "missing_credentials");
        assert_eq!(none.header("www-authenticate"), r#"Bearer realm="latchkey""#);
    }
}
