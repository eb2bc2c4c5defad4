//! Health, keys, well-known addresses, pages.

use crate::support::on_both_engines;

on_both_engines! {
    async fn health_and_readiness_are_told(app) {
        let stranger = app.stranger();
        assert_eq!(stranger.get("/healthz").await.assert_status(200).json()["status"], "ok");
        let ready = stranger.get("/readyz").await.assert_status(200).json();
        assert_eq!(ready, serde_json::json!({"status": "ok", "database": "ok", "migrations": "ok", "mail": "not_configured"}));
    }

    async fn the_key_set_holds_public_halves_only(app) {
        let reply = app.stranger().get("/.well-known/jwks.json").await.assert_status(200);
        assert!(reply.header("cache-control").starts_with("public, max-age="));
        assert!(!reply.headers.contains_key("x-ratelimit-limit"));
        let keys = reply.json()["keys"].as_array().expect("keys").clone();
        assert!(!keys.is_empty());
        for key in keys {
            assert_eq!((&key["kty"], &key["alg"]), (&"EC".into(), &"ES256".into()));
            for private in ["d", "p", "q", "k", "dp", "dq", "qi"] {
                assert!(key.get(private).is_none());
            }
        }
    }

    async fn well_known_addresses_lead_somewhere(app) {
        let stranger = app.stranger();
        let moved = stranger.get("/.well-known/change-password").await.assert_status(302);
        assert_eq!(moved.header("location"), "/settings/security");
        let text = stranger.get("/.well-known/security.txt").await.assert_status(200);
        assert!(text.body.contains("Contact: ") && text.body.contains("Expires: 2027-"));
        for hidden in ["/.git/config", "/metrics", "/debug", "/.env", "/pkg/", "/docs.json"] {
            stranger.get(hidden).await.assert_refused(404, "not_found");
        }
    }

    async fn a_page_runs_only_what_carries_its_nonce(app) {
        let browser = app.stranger().with_header("accept", "text/html");
        let page = browser.get("/login").await.assert_status(200);
        assert!(page.header("content-type").starts_with("text/html"));
        let policy = page.header("content-security-policy");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
        assert!(page.body.contains(&format!("nonce=\"{nonce}\"")));
        assert!(!policy.contains("unsafe-inline"));
        let again = browser.get("/login").await;
        assert_ne!(again.header("content-security-policy"), policy);
        let missing = browser.get("/nowhere").await.assert_status(404);
        assert!(missing.header("content-type").starts_with("text/html"));
    }
}
