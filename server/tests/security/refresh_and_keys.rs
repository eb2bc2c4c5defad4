//! Refresh tokens (R01 to R03) and API keys (K01 to K04).

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};

use crate::support::{App, Client, Operation, PASSWORD, Person, Reply, Role, Tokens, on_both_engines};

async fn refresh(client: &Client, token: &str) -> Reply {
    client.anonymous().post("/v1/auth/refresh", json!({"refreshToken": token})).await
}

async fn refreshed(client: &Client, token: &str) -> Tokens {
    Tokens::of(&refresh(client, token).await.assert_status(200).json())
}

/// What two hundred at once get.
async fn race(client: &Client, token: &str) -> Vec<Reply> {
    let tries = (0..200).map(|_| {
        let (client, token) = (client.clone(), token.to_owned());
        tokio::spawn(async move { refresh(&client, &token).await })
    });
    let mut replies = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        replies.push(one.await.expect("answered"));
    }
    replies
}

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).expect("a token");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("json")
}

/// What any key may, whatever its scopes.
const FREE: [&str; 9] = [
    "GET /v1/auth/verify",
    "GET /v1/auth/forward",
    "POST /v1/auth/introspect",
    "GET /v1/auth/me",
    "GET /v1/auth/profile",
    "GET /api/users/me",
    "GET /api/v1/auth/user",
    "GET /api/v1/user",
    "POST /v1/api-keys/self/revoke",
];
/// What a key with the scope `read` may besides, and one with `write`.
const READ: [&str; 4] = [
    "GET /v1/organizations",
    "GET /v1/organizations/my-organization",
    "GET /v1/organizations/{id}",
    "GET /v1/organizations/{id}/members",
];
const WRITE: [&str; 3] = [
    "POST /v1/organizations/{id}/invitation-codes",
    "POST /api/organizations/codes",
    "POST /auth/generateInvitationCode",
];

/// Asks for something that exists, with a body that fits.
async fn asks(client: &Client, operation: &Operation, (ada, key): (&Person, &str)) -> Reply {
    let path = if operation.path.contains("/organizations/{id}") {
        operation.at(&ada.id).replacen(&ada.id, &ada.organization, 1)
    } else {
        operation.at(key)
    };
    let mut body = operation.example.clone();
    if operation.fields.iter().any(|name| name == "organizationId") {
        body["organizationId"] = json!(ada.organization);
    }
    if operation.kinds.is_empty() {
        client.send(&operation.method, &path, None, Body::empty()).await
    } else {
        client.json(&operation.method, &path, &body).await
    }
}

on_both_engines! {
    async fn r01_two_tabs_racing_get_the_same_pair(app) {
        let ada = app.register("ada").await;
        let one = refreshed(&ada, &ada.tokens.refresh).await;
        assert_ne!(one.refresh, ada.tokens.refresh);
        app.later(Duration::from_secs(29));
        let other = refreshed(&ada, &ada.tokens.refresh).await;
        assert_eq!((one.access, one.refresh), (other.access, other.refresh));
    }

    async fn r01_a_repeat_after_thirty_seconds_ends_the_family(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let fresh = refreshed(&ada, &ada.tokens.refresh).await;
        app.later(Duration::from_secs(30));
        refresh(&ada, &ada.tokens.refresh).await.assert_refused(401, "token_revoked");
        refresh(&ada, &fresh.refresh).await.assert_refused(401, "token_revoked");
        for token in [&ada.tokens.access, &fresh.access] {
            ada.with_bearer(token).get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        }
        let mails = app.mails_to(&ada.email, "").await;
        assert!(mails.iter().any(|mail| mail.text.contains("/secure-account/")), "the owner hears of it");
        let told = ada.signs_in_again().await.get("/v1/audit-events?action=refresh_token.").await;
        assert_eq!(told.header("x-total-count"), "1", "{told:?}");
    }

    async fn r01_an_older_ancestor_ends_the_family_at_once(app) {
        let ada = app.register("ada").await;
        let second = refreshed(&ada, &ada.tokens.refresh).await;
        let third = refreshed(&ada, &second.refresh).await;
        refresh(&ada, &ada.tokens.refresh).await.assert_refused(401, "token_revoked");
        refresh(&ada, &third.refresh).await.assert_refused(401, "token_revoked");
        ada.with_bearer(&third.access).get("/v1/auth/me").await.assert_refused(401, "token_revoked");
    }

    async fn r01_two_hundred_at_once_get_one_successor(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let replies = race(&ada, &ada.tokens.refresh).await;
        let good = replies.iter().filter(|reply| reply.status == 200);
        let pairs: BTreeSet<_> = good.map(|reply| Tokens::of(&reply.json()).refresh).collect();
        assert_eq!(pairs.len(), 1, "one successor");
        let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 200 && reply.status != 503).collect();
        assert!(refused.is_empty(), "{refused:?}");
        let successor = pairs.first().expect("one");
        refresh(&ada, successor).await.assert_status(200);
    }

    async fn r01_of_a_thief_and_the_owner_racing_none_keeps_a_second_family(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let fresh = refreshed(&ada, &ada.tokens.refresh).await;
        app.later(Duration::from_secs(31));
        let (stolen, owned) = tokio::join!(race(&ada, &ada.tokens.refresh), race(&ada, &fresh.refresh));
        assert!(stolen.iter().all(|reply| [401, 503].contains(&reply.status.as_u16())));
        for reply in owned.iter().filter(|reply| reply.status == 200) {
            let tokens = Tokens::of(&reply.json());
            ada.with_bearer(&tokens.access).get("/v1/auth/me").await.assert_refused(401, "token_revoked");
            refresh(&ada, &tokens.refresh).await.assert_refused(401, "token_revoked");
        }
    }

    async fn r02_refreshing_does_not_move_the_last_day(app) {
        let ada = app.register("ada").await;
        let mut token = ada.tokens.refresh.clone();
        for _ in 0..3 {
            app.later(Duration::from_secs(9 * 86_400));
            token = refreshed(&app.stranger(), &token).await.refresh;
        }
        app.later(Duration::from_secs(3 * 86_400));
        refresh(&app.stranger(), &token).await.assert_refused(401, "token_revoked");
    }

    async fn r03_a_refresh_gives_the_same_rights_or_less_whatever_is_asked_for(app) {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let ben = app.joins(&ben, &ada, Role::Admin).await;
        for (name, value) in [("scope", json!("admin")), ("client_id", json!("other")), ("organizationId", json!(ada.organization)),
            ("expiresIn", json!(9_999_999)), ("grant_type", json!("password")), ("audience", json!("https://evil.test"))] {
            let body = json!({"refreshToken": ben.tokens.refresh, name: value});
            ben.anonymous().post("/v1/auth/refresh", body).await.assert_invalid(&[&format!("property {name} should not exist")]);
        }
        let before = claims(&ben.tokens.access);
        let there = ben.anonymous().with_header("x-organization-id", "org_01kbk3x5g0r8m4t2v6w9y1z3b5");
        let same = Tokens::of(&there.post("/v1/auth/refresh", json!({"refreshToken": ben.tokens.refresh})).await.assert_status(200).json());
        let after = claims(&same.access);
        for name in ["iss", "aud", "sub", "sid", "org", "org_role", "scope", "amr", "auth_time"] {
            assert_eq!(before[name], after[name], "{name}");
        }
        let place = format!("/v1/organizations/{}/members/{}", ada.organization, ben.id);
        ada.patch(&place, json!({"role": "MEMBER"})).await.assert_status(200);
        let less = claims(&refreshed(&ben, &same.refresh).await.access);
        assert_eq!((&less["org_role"], &less["scope"]), (&json!("MEMBER"), &json!("read write delete")));
    }

    async fn r03_a_refresh_token_ends_with_its_session_and_with_the_password(app) {
        let ada = app.register("ada").await;
        let other = ada.signs_in_again().await;
        other.post_nothing("/v1/auth/logout").await.assert_status(200);
        refresh(&other, &other.tokens.refresh).await.assert_refused(401, "token_revoked");
        let other = ada.signs_in_again().await;
        let body = json!({"currentPassword": PASSWORD, "newPassword": "lantern over quiet water"});
        ada.post("/v1/auth/change-password", body).await.assert_status(200);
        refresh(&other, &other.tokens.refresh).await.assert_refused(401, "token_revoked");
    }

    async fn k01_a_key_is_shown_once_random_and_kept_as_a_hash(app) {
        let ada = app.register("ada").await;
        let made = ada.post("/v1/api-keys", json!({"name": "Export"})).await.assert_status(201).json();
        let (id, key) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
        assert!(key.starts_with("lk_live_") && key.len() == "lk_live_".len() + 8 + 1 + 40 + 6, "{key}");
        assert_eq!(made["keyPrefix"], key[..16]);
        assert_eq!(made["lastFour"], key[key.len() - 4..]);
        assert_eq!(made["scopes"], json!(["read"]));
        assert_eq!((&made["rateLimit"], &made["rateLimitWindow"]), (&json!(1000), &json!(3600)));
        assert_eq!((&made["allowedIps"], &made["expiresAt"]), (&json!([]), &Value::Null));
        assert!(made["message"].as_str().is_some_and(|text| text.contains("not be shown again")));
        ada.with_key(key).get("/v1/auth/verify").await.assert_status(200);
        app.flush().await;
        let one = format!("/v1/api-keys/{id}");
        for path in ["/v1/api-keys", &one, &format!("{one}/usage"), &format!("{one}/stats"), "/v1/audit-events"] {
            let seen = ada.get(path).await.assert_status(200);
            assert!(!seen.body.contains(&key[17..]) && !seen.body.contains("mac\""), "{path}: {}", seen.body);
        }
        let stored = app.db_dump().await;
        let holds = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds(&key[8..16]) && !holds(&key[17..]) && !holds(&key[17..57]), "the secret half is nowhere");
    }

    async fn k01_no_two_keys_share_a_letter_by_more_than_chance(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let mut secrets = Vec::new();
        for _ in 0..100 {
            secrets.push(ada.makes_a_key(json!({"name": "One of many"})).await.secret[17..57].to_owned());
        }
        for at in 0..40 {
            let letters: BTreeSet<_> = secrets.iter().map(|secret| secret.as_bytes()[at]).collect();
            // A hundred draws from 62 letters give fewer than 35 different ones once in ten million times.
            assert!(letters.len() > 34, "place {at}: {letters:?}");
        }
        assert_eq!(secrets.iter().collect::<BTreeSet<_>>().len(), 100);
    }

    async fn k02_scopes_hold_at_every_operation(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let target = ada.makes_a_key(json!({"name": "Target"})).await;
        let operations = app.operations().await;
        let mut checked = 0;
        for scopes in [vec![], vec!["read"], vec!["write"], vec!["delete"], vec!["read", "write", "delete"]] {
            let held: Vec<_> = scopes.iter().copied().chain(["READ_LEADS", "ADMIN", "keys:admin"]).collect();
            let key = ada.makes_a_key(json!({"name": "Prober", "scopes": held, "rateLimit": 100_000})).await.secret;
            let prober = ada.with_key(&key);
            for operation in operations.iter().filter(|operation| operation.is_guarded()) {
                let name = operation.name();
                if FREE.contains(&name.as_str()) {
                    continue;
                }
                let may = (scopes.contains(&"read") && READ.contains(&name.as_str()))
                    || (scopes.contains(&"write") && WRITE.contains(&name.as_str()));
                let answer = asks(&prober, operation, (&ada, &target.id)).await;
                let wanted: &[u16] = if may { &[200, 201] } else { &[403] };
                assert!(wanted.contains(&answer.status.as_u16()), "{name} with {scopes:?}: {answer:?}");
                checked += 1;
            }
        }
        assert!(checked > 350, "{checked}");
        ada.with_key(&target.secret).get("/v1/auth/verify").await.assert_status(200);
        assert_eq!(ada.get("/v1/api-keys?limit=100").await.header("x-total-count"), "6");
        assert_eq!(ada.get("/v1/auth/me").await.json()["name"], "ada");
    }

    async fn k02_no_key_touches_the_account_of_its_maker_or_the_platform(app) with ["--rate-limits=relaxed"] {
        let landlord = app.landlord("lena").await;
        let ada = app.joins(&landlord, &app.register("ada").await, Role::Admin).await;
        let key = ada.makes_a_key(json!({"name": "Strong", "scopes": ["admin"], "rateLimit": 100_000})).await;
        let holder = ada.with_key(&key.secret);
        let mut refused = 0;
        for operation in app.operations().await.iter().filter(|operation| operation.is_guarded()) {
            let name = operation.name();
            let personal = ["/auth/", "/two-factor/", "/users/me", "/user/", "/landlord/"].iter().any(|part| name.contains(part));
            let of_codes = WRITE.contains(&name.as_str());
            if !personal || of_codes || FREE.contains(&name.as_str()) {
                continue;
            }
            let answer = asks(&holder, operation, (&ada, &key.id)).await;
            assert_eq!(answer.status, 403, "{name}: {answer:?}");
            refused += 1;
        }
        assert!(refused > 30, "{refused}");
        assert!(holder.post("/v1/api-keys", json!({"name": "By a key"})).await.assert_status(201).json()["key"].is_string());
        ada.signs_in_again().await;
    }

    async fn k02_a_key_loses_what_its_maker_loses(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Admin).await;
        let key = ben.makes_a_key(json!({"name": "Strong", "scopes": ["admin"]})).await;
        let holder = ada.with_key(&key.secret);
        let place = format!("/v1/organizations/{}/members/{}", ada.organization, ben.id);
        for path in ["/v1/api-keys", "/v1/audit-events"] {
            holder.get(path).await.assert_status(200);
        }
        ada.patch(&place, json!({"role": "MEMBER"})).await.assert_status(200);
        for path in ["/v1/api-keys", "/v1/audit-events", "/v1/organizations/my-organization"] {
            holder.get(path).await.assert_refused(403, "insufficient_scope");
        }
        holder.post("/v1/api-keys", json!({"name": "By a key"})).await.assert_refused(403, "insufficient_scope");
        ben.post("/v1/api-keys", json!({"name": "x", "scopes": ["admin"]})).await.assert_refused(403, "insufficient_role");
        ben.post("/v1/api-keys", json!({"name": "x", "owner": "organization"})).await.assert_refused(403, "insufficient_role");
        ada.delete(&place).await.assert_status(200);
        holder.get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked");
    }

    async fn k03_a_revoked_key_stops_at_once_and_says_why(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        let holder = ada.with_key(&key.secret);
        holder.get("/v1/auth/verify").await.assert_status(200);
        let path = format!("/v1/api-keys/{}/revoke", key.id);
        let revoked = ada.post(&path, json!({"reason": "The laptop is lost"})).await.assert_status(200).json();
        assert_eq!((&revoked["status"], &revoked["revokedReason"]), (&json!("REVOKED"), &json!("The laptop is lost")));
        let refused = holder.get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked");
        assert!(refused.headers.contains_key("www-authenticate"));
        ada.post_nothing(&path).await.assert_status(200);
        assert_eq!(ada.get("/v1/api-keys?status=REVOKED").await.header("x-total-count"), "1");
        assert_eq!(ada.get("/v1/api-keys?status=ACTIVE").await.header("x-total-count"), "0");
    }

    async fn k03_a_key_ends_to_the_second_and_with_its_owner(app) {
        let ada = app.register("ada").await;
        let landlord = app.landlord("lena").await;
        let brief = ada.makes_a_key(json!({"name": "Brief", "expiresAt": "2026-11-21T09:31:00Z"})).await;
        let own = ada.makes_a_key(json!({"name": "Own"})).await;
        app.later(Duration::from_secs(59));
        ada.with_key(&brief.secret).get("/v1/auth/verify").await.assert_status(200);
        app.later(Duration::from_secs(1));
        ada.with_key(&brief.secret).get("/v1/auth/verify").await.assert_refused(401, "api_key_expired");
        ada.with_key(&own.secret).get("/v1/auth/verify").await.assert_status(200);
        let account = format!("/v1/landlord/users/{}", ada.id);
        landlord.patch(&account, json!({"status": "disabled"})).await.assert_status(200);
        ada.with_key(&own.secret).get("/v1/auth/verify").await.assert_refused(401, "api_key_revoked");
    }

    async fn k03_a_key_is_of_its_tenant_and_its_last_use_is_shown(app) {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let key = ada.makes_a_key(json!({"name": "Export", "scopes": ["admin"]})).await;
        let holder = ada.with_key(&key.secret).at_address("203.0.113.7");
        let there = holder.with_header("x-organization-id", &ben.organization);
        there.get("/v1/auth/verify").await.assert_refused(404, "not_found");
        there.get("/v1/api-keys").await.assert_refused(404, "not_found");
        holder.get(&format!("/v1/organizations/{}", ben.organization)).await.assert_refused(404, "not_found");
        app.later(Duration::from_secs(5));
        holder.get("/v1/auth/verify").await.assert_status(200);
        app.flush().await;
        let seen = ada.get(&format!("/v1/api-keys/{}", key.id)).await.assert_status(200).json();
        assert_eq!((&seen["lastUsedAt"], &seen["lastUsedIp"]), (&json!("2026-11-21T09:30:05Z"), &json!("203.0.113.7")));
    }

    async fn k04_a_key_counts_in_its_headers_alone_and_a_cookie_is_none(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await.secret;
        let stranger = app.stranger();
        for name in ["api_key", "apiKey", "apikey", "api-key", "key", "x-api-key", "API_KEY", "%61pi_key"] {
            stranger.get(&format!("/v1/auth/verify?{name}={key}")).await.assert_refused(400, "token_in_query");
        }
        stranger.post_form("/v1/auth/introspect", &format!("token={key}&api_key={key}")).await.assert_refused(401, "missing_credentials");
        stranger.post("/v1/auth/introspect", json!({"token": key, "apiKey": key})).await.assert_refused(401, "missing_credentials");
        for name in ["__Host-latchkey", "x-api-key", "api_key", "apiKey"] {
            stranger.with_header("cookie", &format!("{name}={key}")).get("/v1/auth/verify").await.assert_status(401);
        }
        let held = cookie_of(&app, &ada).await;
        for as_key in [stranger.with_header("x-api-key", &held), stranger.with_bearer(&held)] {
            as_key.get("/v1/auth/verify").await.assert_status(401);
        }
        ada.with_key(&key).get("/v1/auth/verify").await.assert_status(200);
        stranger.with_bearer(&key).get("/v1/auth/verify").await.assert_status(200);
    }
}

/// The bare secret of a session cookie.
async fn cookie_of(app: &App, person: &Person) -> String {
    let browser = app.stranger().same_origin();
    let answer = browser.post("/v1/auth/login", json!({"email": person.email, "password": PASSWORD})).await;
    answer.session_cookie().and_then(|pair| pair.split_once('=').map(|(_, value)| value.to_owned())).expect("a cookie")
}
