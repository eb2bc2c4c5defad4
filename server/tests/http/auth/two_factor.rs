//! `/v1/auth/2fa/…`: the calls of the SalesOS reference.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{App, PASSWORD, Phone, Role, half, on_both_engines};

const VERIFY: &str = "/v1/auth/2fa/verify";

fn laptop() -> Value {
    json!({"deviceName": "Chrome on MacBook Pro", "deviceType": "desktop", "browserInfo": "Chrome 156",
        "ipAddress": "192.0.2.1", "location": "Lisbon", "deviceFingerprint": "f3a1"})
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

on_both_engines! {
    async fn t01_setting_up_turning_on_and_signing_in(app) {
        let ada = app.register("ada").await;
        let off = json!({"enabled": false, "isEnabled": false, "method": "TOTP", "enabledAt": null,
            "backupCodesRemaining": 0, "trustedDevicesCount": 0});
        assert_eq!(ada.get("/v1/auth/2fa/status").await.assert_status(200).json(), off);
        let begun = ada.post_nothing("/v1/auth/2fa/setup").await.assert_status(200).json();
        assert_eq!(keys(&begun), ["backupCodes", "otpauthUrl", "qrCode", "qrCodeDataUrl", "secret"]);
        assert!(begun["qrCode"].as_str().expect("a picture").starts_with("data:image/png;base64,"));
        assert_eq!(begun["qrCode"], begun["qrCodeDataUrl"]);
        let secret = begun["secret"].as_str().expect("a secret");
        assert!(secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte)));
        let url = format!("otpauth://totp/Latchkey:ada%40example.org?secret={secret}&issuer=Latchkey");
        assert_eq!(begun["otpauthUrl"], url);
        let phone = Phone::scanning(&begun);
        assert_eq!(phone.codes.len(), 10);
        let on = ada.post("/v1/auth/2fa/verify-setup", json!({"code": phone.shows(&app)})).await.assert_status(200).json();
        assert_eq!((on["success"].as_bool(), &on["backupCodes"]), (Some(true), &begun["backupCodes"]));
        assert!(on["message"].is_string());
        let status = ada.get("/v1/auth/2fa/status").await.json();
        assert_eq!((&status["isEnabled"], &status["backupCodesRemaining"]), (&json!(true), &json!(10)));
        assert_eq!(status["enabledAt"], "2026-11-21T09:30:00Z");

        app.later(Duration::from_secs(30));
        let due = app.stranger().post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await;
        let due = due.assert_status(200).json();
        assert_eq!(keys(&due), ["expiresIn", "methods", "requiresTwoFactor", "twoFactorToken"]);
        assert_eq!((&due["expiresIn"], &due["methods"]), (&json!(300), &json!(["totp", "backup_code"])));
        let answer = app.finishes(&app.stranger(), &half(&due), &phone.shows(&app)).await.assert_status(200).json();
        assert_eq!((&answer["user"]["email"], &answer["expiresIn"]), (&json!(ada.email), &json!(86_400)));
        let token = answer["accessToken"].as_str().expect("a token");
        let verified = app.stranger().with_bearer(token).get("/v1/auth/verify").await.assert_status(200).json();
        assert_eq!(verified["principal"]["amr"], json!(["pwd", "otp", "mfa"]));
    }

    async fn everything_answers_under_api_too(app) {
        let ada = app.register("ada").await;
        let begun = ada.post("/api/two-factor/setup", json!({})).await.assert_status(200).json();
        let phone = Phone::scanning(&begun);
        assert_eq!(ada.post_nothing("/api/auth/2fa/setup").await.assert_status(200).json()["secret"], begun["secret"]);
        ada.post("/api/auth/2fa/verify-setup", json!({"code": phone.shows(&app)})).await.assert_status(200);
        for path in ["status", "backup-codes", "trusted-devices"] {
            ada.get(&format!("/api/auth/2fa/{path}")).await.assert_status(200);
        }
    }

    async fn the_token_may_stand_in_a_header_of_its_own_and_what_is_left_over_is_ignored(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let token = app.half(&ada.email).await;
        let cluttered = app.stranger().with_bearer("nonsense").with_header("cookie", "__Host-latchkey=old")
            .with_header("x-organization-id", "org_x").with_header("x-2fa-token", &token);
        cluttered.post(VERIFY, json!({"code": phone.codes[0]})).await.assert_status(200);
        let again = app.stranger().with_header("x-2fa-token", &token);
        again.post(VERIFY, json!({"code": phone.codes[1]})).await.assert_refused(401, "invalid_token");
        app.stranger().post(VERIFY, json!({"code": "123456"})).await.assert_refused(401, "missing_credentials");
    }

    async fn a_browser_gets_its_cookie_only_after_the_second_step(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let browser = app.stranger().same_origin();
        let due = browser.post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.assert_status(200);
        assert!(due.session_cookie().is_none());
        let step = browser.with_header("x-2fa-token", &half(&due.json()));
        let body = json!({"code": phone.shows(&app), "trustDevice": true, "deviceName": "At home"});
        let answer = step.post(VERIFY, body).await.assert_status(200);
        let cookie = answer.session_cookie().expect("a session");
        assert!(answer.json().get("deviceToken").is_none(), "a browser keeps it in a cookie");
        let devices = answer.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
        let devices = devices.filter(|line| line.starts_with("__Host-latchkey-devices=")).collect::<Vec<_>>();
        assert_eq!(devices.len(), 1);
        for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=2592000"] {
            assert!(devices[0].contains(part), "{}", devices[0]);
        }
        let held = devices[0].split(';').next().expect("a pair").to_owned();
        let page = browser.with_header("cookie", &format!("{cookie}; {held}"));
        let listed = page.get("/v1/auth/2fa/trusted-devices").await.assert_status(200).json();
        assert_eq!((&listed[0]["name"], &listed[0]["isCurrent"]), (&json!("At home"), &json!(true)));
        let again = browser.with_header("cookie", &held);
        let answer = again.post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.assert_status(200);
        assert!(answer.session_cookie().is_some(), "a trusted browser is not asked");
        page.delete("/v1/auth/2fa/trusted-devices").await.assert_refused(403, "csrf_failed");
    }

    async fn refusals_have_their_codes(app) {
        let ada = app.register("ada").await;
        ada.post("/v1/auth/2fa/verify-setup", json!({"code": "123456"})).await.assert_refused(404, "not_found");
        ada.post_nothing("/v1/auth/2fa/verify-setup").await.assert_invalid(&["code should not be empty"]);
        ada.post("/v1/auth/2fa/setup", json!({"shoe": 1})).await.assert_invalid(&["property shoe should not exist"]);
        ada.post(VERIFY, json!({"code": "123456"})).await.assert_refused(400, "two_factor_not_enabled");
        ada.post("/v1/auth/2fa/disable", json!({"password": PASSWORD})).await.assert_refused(400, "two_factor_not_enabled");
        ada.post_nothing("/v1/auth/2fa/regenerate-backup-codes").await.assert_refused(400, "two_factor_not_enabled");
        let phone = app.enrols(&ada).await;
        ada.post_nothing("/v1/auth/2fa/setup").await.assert_refused(400, "two_factor_already_enabled");
        ada.post(VERIFY, json!({"code": "000000"})).await.assert_refused(400, "invalid_code");
        ada.post("/v1/auth/2fa/disable", json!({})).await.assert_invalid(&["password should not be empty"]);
        ada.post("/v1/auth/2fa/disable", json!({"password": "wrong"})).await.assert_refused(400, "invalid_password");
        let token = app.half(&ada.email).await;
        app.finishes(&app.stranger(), &token, "000000").await.assert_refused(401, "invalid_code");
        app.later(Duration::from_secs(300));
        app.finishes(&app.stranger(), &token, &phone.shows(&app)).await.assert_refused(401, "token_expired");
        let one_step = json!({"email": ada.email, "password": PASSWORD, "twoFactorCode": "000000"});
        app.stranger().post("/v1/auth/login", one_step).await.assert_refused(401, "invalid_code");
        let one_step = json!({"email": ada.email, "password": PASSWORD, "twoFactorCode": phone.shows(&app)});
        app.stranger().post("/v1/auth/login", one_step).await.assert_status(200);
    }

    async fn t04_the_tenth_wrong_code_locks_for_a_quarter_of_an_hour(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        for number in 0..10 {
            let answer = app.finishes(&app.stranger(), &app.half(&ada.email).await, "000000").await;
            if number < 9 {
                answer.assert_refused(401, "invalid_code");
            } else {
                assert_eq!(answer.assert_refused(423, "locked").header("retry-after"), "900");
            }
        }
        app.later(Duration::from_secs(100));
        let locked = app.finishes(&app.stranger(), &app.half(&ada.email).await, &phone.shows(&app)).await;
        assert_eq!(locked.assert_refused(423, "locked").header("retry-after"), "800");
        ada.post(VERIFY, json!({"code": phone.codes[0]})).await.assert_refused(423, "locked");
        app.stranger().post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.assert_status(200);
        app.later(Duration::from_secs(800));
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &phone.shows(&app)).await.assert_status(200);
    }

    async fn a_step_up_gives_a_fresh_proof_and_the_tokens_from_before_stay_good(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        app.later(Duration::from_secs(600));
        ada.post("/v1/auth/2fa/disable", json!({"password": PASSWORD})).await.assert_refused(403, "reauthentication_required");
        ada.post_nothing("/v1/auth/2fa/regenerate-backup-codes").await.assert_refused(403, "reauthentication_required");
        ada.post("/v1/auth/2fa/setup", json!({"replace": true})).await.assert_refused(403, "reauthentication_required");
        ada.post("/v1/auth/2fa/trusted-devices", laptop()).await.assert_refused(403, "reauthentication_required");
        let admin = json!({"name": "All", "scopes": ["admin"]});
        ada.post("/v1/api-keys", admin.clone()).await.assert_refused(403, "reauthentication_required");
        let shown = ada.post(VERIFY, json!({"code": phone.shows(&app)})).await.assert_status(200).json();
        assert_eq!(keys(&shown), ["accessToken", "success"]);
        ada.get("/v1/auth/me").await.assert_status(200);
        let refreshed = ada.anonymous().post("/v1/auth/refresh", json!({"refreshToken": ada.tokens.refresh})).await;
        refreshed.assert_status(200);
        ada.post("/v1/api-keys", admin).await.assert_status(201);
        ada.post("/v1/auth/2fa/disable", json!({"password": PASSWORD})).await.assert_status(200);
        assert_eq!(ada.get("/v1/auth/2fa/status").await.json()["enabled"], false);
    }

    async fn a_browser_that_steps_up_gets_a_new_cookie_and_the_old_one_is_dead(app) {
        let ada = app.register("ada").await;
        let browser = ada.in_a_browser().await;
        let csrf = browser.get("/v1/auth/csrf-token").await.json()["csrfToken"].as_str().expect("a token").to_owned();
        let page = browser.with_header("x-csrf-token", &csrf);
        browser.post("/v1/auth/reauthenticate", json!({"password": PASSWORD})).await.assert_refused(403, "csrf_failed");
        let shown = page.post("/v1/auth/reauthenticate", json!({"password": PASSWORD})).await.assert_status(200);
        let new = shown.session_cookie().expect("a new cookie");
        page.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        page.with_header("cookie", &new).get("/v1/auth/me").await.assert_status(200);
    }

    async fn b02_backup_codes_are_counted_and_never_told_again(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &phone.codes[0]).await.assert_status(200);
        let standing = ada.get("/v1/auth/2fa/backup-codes").await.assert_status(200).json();
        assert_eq!(standing, json!({"totalCodes": 10, "usedCodes": 1, "remainingCodes": 9, "usedCount": 1,
            "remainingCount": 9, "generatedAt": "2026-11-21T09:30:00Z", "codes": []}));
        let made = ada.post("/v1/auth/2fa/regenerate-backup-codes", json!({"password": PASSWORD})).await.assert_status(200).json();
        assert_eq!((made["codes"].as_array().map(Vec::len), &made["remainingCount"], &made["usedCount"]), (Some(10), &json!(10), &json!(0)));
        assert_eq!(made["codes"], made["backupCodes"]);
        let dead = app.finishes(&app.stranger(), &app.half(&ada.email).await, &phone.codes[1]).await;
        dead.assert_refused(401, "invalid_code");
    }

    async fn devices_are_trusted_listed_and_forgotten(app) {
        let ada = app.register("ada").await;
        app.enrols(&ada).await;
        let added = ada.post("/v1/auth/2fa/trusted-devices", laptop()).await.assert_status(201).json();
        let token = added["deviceToken"].as_str().expect("a token").to_owned();
        assert_ne!(added["ipAddress"], "192.0.2.1", "the address is the one the server saw");
        let listed = ada.with_header("x-device-token", &token).get("/v1/auth/2fa/trusted-devices").await.assert_status(200).json();
        assert_eq!(keys(&listed[0]), ["browser", "browserInfo", "createdAt", "deviceName", "deviceType", "expiresAt", "id",
            "ipAddress", "isCurrent", "lastUsedAt", "location", "name", "os"]);
        assert_eq!((&listed[0]["isCurrent"], &listed[0]["location"]), (&json!(true), &json!("Lisbon")));
        assert_eq!(listed[0]["expiresAt"], "2026-12-21T09:30:30Z");
        let login = json!({"email": ada.email, "password": PASSWORD});
        let trusted = app.stranger().with_header("x-device-token", &token);
        trusted.post("/v1/auth/login", login.clone()).await.assert_status(200).json()["accessToken"].as_str().expect("signed in");
        half(&app.stranger().with_header("x-device-token", "made up").post("/v1/auth/login", login.clone()).await.json());
        let bob = app.register("bob").await;
        let id = added["id"].as_str().expect("an id");
        for path in [id, "dev_01kbk3x5g0r8m4t2v6w9y1z3b5", "x"] {
            bob.delete(&format!("/v1/auth/2fa/trusted-devices/{path}")).await.assert_refused(404, "not_found");
        }
        ada.delete(&format!("/v1/auth/2fa/trusted-devices/{id}")).await.assert_status(200);
        half(&trusted.post("/v1/auth/login", login).await.json());
        ada.post("/v1/auth/2fa/trusted-devices", laptop()).await.assert_status(201);
        let gone = ada.delete("/v1/auth/2fa/trusted-devices").await.assert_status(200).json();
        assert_eq!(gone, json!({"success": true, "count": 1}));
        ada.post("/v1/auth/2fa/trusted-devices", json!({})).await.assert_invalid(&[
            "deviceName should not be empty", "deviceType should not be empty", "deviceFingerprint should not be empty",
        ]);
    }

    async fn a_client_that_trusts_while_signing_in_gets_the_secret(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let step = app.stranger().with_bearer(&app.half(&ada.email).await);
        let answer = step.post(VERIFY, json!({"code": phone.shows(&app), "trustDevice": true})).await.assert_status(200).json();
        let token = answer["deviceToken"].as_str().expect("a token");
        let login = json!({"email": ada.email, "password": PASSWORD});
        let signed_in = app.stranger().with_header("x-device-token", token).post("/v1/auth/login", login).await;
        assert!(signed_in.assert_status(200).json()["accessToken"].is_string());
    }

    async fn the_token_of_the_step_is_a_bearer_token(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let token = app.half(&ada.email).await;
        let basic = app.stranger().with_header("authorization", &format!("Basic {token}"));
        basic.post("/v1/auth/2fa/verify", json!({"code": phone.shows(&app)})).await.assert_status(401);
    }

    async fn keys_have_no_second_factor(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "All", "scopes": ["admin"]})).await;
        let program = ada.with_key(&key.secret);
        program.get("/v1/auth/2fa/status").await.assert_refused(403, "insufficient_scope");
        program.post_nothing("/v1/auth/2fa/setup").await.assert_refused(403, "insufficient_scope");
        program.post("/v1/auth/2fa/disable", json!({"password": PASSWORD})).await.assert_refused(403, "insufficient_scope");
    }

    async fn who_is_barred_may_set_it_up_and_nothing_else(app) {
        let olivia = app.register("olivia").await;
        app.enrols(&olivia).await;
        let ada = app.member_of(&olivia, "ada", Role::Member).await;
        let policy = format!("/v1/organizations/{}/policy", olivia.organization);
        let view = olivia.patch(&policy, json!({"requireTwoFactor": true})).await.assert_status(200).json();
        assert_eq!(view, json!({"requireTwoFactor": true, "twoFactorGraceUntil": "2026-11-21T09:30:30Z",
            "trustedDevices": true, "trustedDeviceDays": null, "signInMethods": ["password", "email"],
            "accessTokenSeconds": null, "invitationOnly": false}));
        assert_eq!(olivia.get(&policy).await.json(), view);
        let open = ["get /v1/auth/me", "get /v1/auth/profile", "get /v1/auth/csrf-token", "post /v1/auth/logout",
            "post /v1/auth/2fa/setup", "post /v1/auth/2fa/verify-setup", "get /v1/auth/2fa/status"];
        let document = app.stranger().get("/openapi.json").await.json();
        let mut walked = 0;
        let paths = document["paths"].as_object().expect("paths");
        for (path, item) in paths.iter().filter(|(path, _)| path.starts_with("/v1/")) {
            for (method, operation) in item.as_object().expect("methods") {
                let ways = operation["security"].as_array().expect("security");
                if ways.is_empty() || ways.contains(&json!({})) || open.contains(&format!("{method} {path}").as_str()) {
                    continue;
                }
                let path = path.replace("{id}", "x").replace("{userId}", "x").replace("{deviceId}", "x");
                let answer = ada.send(&method.to_uppercase(), &path, None, axum::body::Body::empty()).await;
                answer.assert_refused(403, "two_factor_enrolment_required");
                walked += 1;
            }
        }
        assert!(walked > 50, "{walked}");
        ada.get("/v1/auth/me").await.assert_status(200);
        let introspected = olivia.post("/v1/auth/introspect", json!({"token": ada.tokens.access})).await;
        assert_eq!(introspected.assert_status(200).json()["active"], false);
        app.enrols(&ada).await;
        ada.get("/v1/auth/verify").await.assert_status(200);
        ada.get(&policy).await.assert_refused(403, "insufficient_role");
        olivia.patch("/v1/organizations/org_x/policy", json!({})).await.assert_refused(404, "not_found");
    }

    async fn a_member_who_has_lost_everything_is_helped(app) with ["mailbox"] {
        let olivia = app.register("olivia").await;
        app.enrols(&olivia).await;
        let ada = app.member_of(&olivia, "ada", Role::Member).await;
        app.enrols(&ada).await;
        let path = format!("/v1/organizations/{}/members/{}/reset-two-factor", olivia.organization, ada.id);
        olivia.post_nothing(&path).await.assert_invalid(&["reason should not be empty"]);
        ada.post(&path, json!({"reason": "me"})).await.assert_refused(403, "insufficient_role");
        olivia.post(&path, json!({"reason": "Lost the phone"})).await.assert_status(200);
        ada.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        ada.signs_in_again().await;
        let mail = app.mail_to(&ada.email, "Two-factor authentication was reset").await;
        let text = mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("Lost the phone") && !text.contains("tests/1"), "{text}");
        let elsewhere = format!("/v1/organizations/{}/members/{}/reset-two-factor", ada.organization, ada.id);
        olivia.post(&elsewhere.replace(&ada.id, "usr_x"), json!({"reason": "x"})).await.assert_refused(404, "not_found");
        let anybody = format!("/v1/landlord/users/{}/reset-two-factor", ada.id);
        olivia.post(&anybody, json!({"reason": "x"})).await.assert_refused(403, "insufficient_role");
    }
}

#[tokio::test]
async fn wrong_proofs_at_a_change_are_limited() {
    let app = App::on_sqlite(&[]).await;
    let ada = app.register("ada").await;
    app.enrols(&ada).await;
    for _ in 0..3 {
        ada.post("/v1/auth/2fa/disable", json!({"password": "wrong"})).await.assert_refused(400, "invalid_password");
    }
    let refused =
        ada.post("/v1/auth/2fa/disable", json!({"password": PASSWORD})).await.assert_refused(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "300");
    assert_eq!(ada.get("/v1/auth/2fa/status").await.json()["enabled"], true);
}
