//! `/v1/landlord/mail`, `/v1/landlord/mail/test`

use serde_json::json;

use crate::support::on_both_engines;

on_both_engines! {
    async fn a_landlord_sees_how_mail_stands_and_tries_it(app) with ["mailbox"] {
        let grace = app.landlord("grace").await;
        let status = grace.get("/v1/landlord/mail").await.assert_status(200).json();
        assert_eq!((&status["transport"], &status["from"]), (&json!("mailbox"), &json!("Latchkey <no-reply@localhost>")));
        let tried = grace.post_nothing("/v1/landlord/mail/test").await.assert_status(200).json();
        assert_eq!(tried, json!({"success": true, "to": grace.email, "stage": null, "problem": null}));
        app.mail_to(&grace.email, "A test mail").await;
        assert_eq!(grace.get("/v1/landlord/mail").await.json()["waiting"], 0);
        assert_eq!(app.stranger().get("/readyz").await.assert_status(200).json()["mail"], "mailbox");
    }

    async fn nobody_else_does(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Strong", "scopes": ["admin"]})).await;
        ada.get("/v1/landlord/mail").await.assert_refused(403, "insufficient_role");
        ada.post_nothing("/v1/landlord/mail/test").await.assert_refused(403, "insufficient_role");
        ada.with_key(&key.secret).get("/v1/landlord/mail").await.assert_refused(403, "insufficient_scope");
        app.stranger().get("/v1/landlord/mail").await.assert_refused(401, "missing_credentials");
    }

    async fn without_a_mail_server_it_says_so(app) {
        let grace = app.landlord("grace").await;
        assert_eq!(grace.get("/v1/landlord/mail").await.assert_status(200).json()["transport"], "not_configured");
        grace.post_nothing("/v1/landlord/mail/test").await.assert_refused(409, "mail_not_configured");
    }

    async fn an_unreachable_mail_server_is_named_with_its_stage(app) with ["--smtp-url=smtp://127.0.0.1:1", "--smtp-timeout=2"] {
        let grace = app.landlord("grace").await;
        let tried = grace.post_nothing("/v1/landlord/mail/test").await.assert_status(200).json();
        assert_eq!((&tried["success"], &tried["stage"]), (&json!(false), &json!("connect")));
        assert!(tried["problem"].is_string());
        assert_eq!(app.stranger().get("/readyz").await.assert_status(200).json()["mail"], "smtp");
    }
}
