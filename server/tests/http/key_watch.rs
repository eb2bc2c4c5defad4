//! Unusual use of API keys: as programs read it, as the page shows it, and who may say that it was expected.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{App, Key, Person, Role, on_both_engines};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A call with a key, from somewhere with something.
async fn calls(owner: &Person, key: &Key, address: &str, program: &str) -> u16 {
    let holder = owner.with_key(&key.secret).at_address(address).with_header("user-agent", program);
    holder.get("/v1/auth/verify").await.status.as_u16()
}

/// A key that was used from home for two days, and then from elsewhere too.
async fn used_unusually(app: &App, owner: &Person) -> Key {
    let key = owner.makes_a_key(json!({"name": "Export", "scopes": ["read"]})).await;
    assert_eq!(calls(owner, &key, "203.0.113.7", "curl/8.5.0").await, 200);
    app.flush().await;
    app.later(2 * DAY);
    calls(owner, &key, "198.51.100.20", "billing-worker/2.1").await;
    app.flush().await;
    key
}

/// What is in a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("a field");
    rest.split('"').next().expect("a value").to_owned()
}

on_both_engines! {
    async fn unusual_use_is_told_with_the_key_until_it_is_dismissed(app) {
        let ada = app.register("ada").await;
        let quiet = ada.makes_a_key(json!({"name": "Quiet"})).await;
        let key = used_unusually(&app, &ada).await;
        let ada = ada.signs_in_again().await;
        let path = format!("/v1/api-keys/{}", key.id);
        let at = "2026-11-23T09:30:00Z";
        let seen = |signal: &str, detail: &str| json!({"signal": signal, "at": at, "calls": 1, "detail": detail});
        let signals = json!([seen("new_agent", "billing-worker"), seen("new_network", "198.51.100.0/24")]);
        let unusual = json!({"at": at, "signals": signals});
        assert_eq!(ada.get(&path).await.assert_status(200).json()["unusualUse"], unusual);
        assert_eq!(ada.get(&path.replace("/v1/", "/api/")).await.assert_status(200).json()["unusualUse"], unusual);
        for listed in ada.get("/v1/api-keys").await.assert_status(200).json().as_array().expect("a list") {
            let expected = if listed["id"] == key.id { unusual.clone() } else { Value::Null };
            assert_eq!(listed["unusualUse"], expected);
        }
        assert_eq!(ada.get(&format!("/v1/api-keys/{}", quiet.id)).await.json()["unusualUse"], Value::Null);
        let dismiss = format!("/api/api-keys/{}/dismiss-unusual-use", key.id);
        for _ in 0..2 {
            let after = ada.post_nothing(&dismiss).await.assert_status(200).json();
            assert_eq!((&after["id"], &after["unusualUse"]), (&json!(key.id), &Value::Null));
        }
        let log = ada.get("/v1/audit-events?action=api_key.").await.assert_status(200).json();
        let (expected, told) = (&log[0], &log[1]);
        assert_eq!((&expected["action"], &expected["actor"]), (&json!("api_key.use_expected"), &json!(ada.id)));
        assert_eq!((&told["action"], &told["actor"]), (&json!("api_key.used_unusually"), &json!(key.id)));
        assert_eq!((&told["ipAddress"], &told["userAgent"]), (&json!("198.51.100.20"), &json!("billing-worker/2.1")));
        assert_eq!(told["detail"]["signals"][0], json!({"signal": "new_network", "calls": 1, "detail": "198.51.100.0/24"}));
    }

    async fn only_who_may_change_a_key_says_that_it_was_expected(app) {
        let ada = app.register("ada").await;
        let grace = app.register("grace").await;
        let key = used_unusually(&app, &ada).await;
        let (ada, grace) = (ada.signs_in_again().await, grace.signs_in_again().await);
        let dismiss = format!("/v1/api-keys/{}/dismiss-unusual-use", key.id);
        let member = app.member_of(&ada, "ben", Role::Member).await;
        let still = async || ada.get(&format!("/v1/api-keys/{}", key.id)).await.json()["unusualUse"].is_object();
        for stranger in [&grace, &member] {
            stranger.post_nothing(&dismiss).await.assert_refused(404, "not_found");
        }
        app.stranger().post_nothing(&dismiss).await.assert_status(401);
        ada.with_key(&key.secret).post_nothing(&dismiss).await.assert_refused(403, "insufficient_scope");
        ada.post_nothing("/v1/api-keys/key_unknown/dismiss-unusual-use").await.assert_refused(404, "not_found");
        assert!(still().await, "nothing was changed by any of them");
        let admin = app.member_of(&ada, "mary", Role::Admin).await;
        admin.post_nothing(&dismiss).await.assert_status(200);
        assert!(!still().await);
    }

    async fn a_key_that_has_ended_is_refused_without_a_word_more(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Laptop"})).await;
        ada.post_nothing(&format!("/v1/api-keys/{}/revoke", key.id)).await.assert_status(200);
        let holder = ada.with_key(&key.secret).at_address("198.51.100.20");
        let before = holder.get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked").json();
        app.flush().await;
        let after = holder.get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked").json();
        for part in ["statusCode", "error", "message", "code"] {
            assert_eq!(before[part], after[part]);
        }
        let seen = ada.get(&format!("/v1/api-keys/{}", key.id)).await.json();
        assert_eq!((&seen["usageCount"], &seen["lastUsedAt"]), (&json!(0), &Value::Null));
        assert_eq!(seen["unusualUse"]["signals"][0]["detail"], "revoked, from 198.51.100.0/24");
        let mail = app.mail_to(&ada.email, "Unusual use of the API key “Laptop”").await;
        assert!(mail.text.contains(&format!("/settings/api-keys?dialog=unusual-use&key={}", key.id)), "{}", mail.text);
        assert!(mail.text.contains("revoked, from 198.51.100.0/24, 1 call"), "{}", mail.text);
    }

    async fn the_page_shows_it_and_its_plain_form_dismisses_it(app) {
        let ada = app.register("ada").await;
        let key = used_unusually(&app, &ada).await;
        let browser = ada.in_a_browser().await.with_header("accept", "text/html");
        let list = browser.get("/settings/api-keys").await.assert_status(200).body;
        assert!(list.contains("Unusual use"), "the badge");
        let page = format!("/settings/api-keys?dialog=unusual-use&key={}", key.id);
        let page = browser.get(&page).await.assert_status(200).body;
        for told in ["A network it was not used from before", "198.51.100.0/24, 1 call", "billing-worker", "This was expected"] {
            assert!(page.contains(told), "{told}");
        }
        let csrf = hidden(&page, "csrf");
        browser.post_form("/fn/dismiss-unusual-use", &format!("csrf=x&key={}", key.id)).await;
        assert!(browser.get("/settings/api-keys").await.body.contains("Unusual use"), "a forged form does nothing");
        let form = format!("csrf={}&key={}", csrf.replace('+', "%2B").replace('=', "%3D"), key.id);
        let done = browser.post_form("/fn/dismiss-unusual-use", &form).await;
        assert_eq!((done.status.as_u16(), done.header("location")), (303, "/settings/api-keys"));
        assert!(!browser.get("/settings/api-keys").await.body.contains("Unusual use"));
        let page = format!("/settings/api-keys?dialog=unusual-use&key={}", key.id);
        assert!(!browser.get(&page).await.assert_status(200).body.contains("This was expected"), "nothing to say");
    }

    async fn it_can_be_switched_off(app) with ["--key-watch=off"] {
        let ada = app.register("ada").await;
        let key = used_unusually(&app, &ada).await;
        let ada = ada.signs_in_again().await;
        ada.post_nothing(&format!("/v1/api-keys/{}/revoke", key.id)).await.assert_status(200);
        assert_eq!(calls(&ada, &key, "192.0.2.1", "curl/8").await, 401);
        app.flush().await;
        assert_eq!(ada.get(&format!("/v1/api-keys/{}", key.id)).await.json()["unusualUse"], Value::Null);
    }
}
