//! `/api/v1/…` and `/sanctum/…`: SynthesQ's front ends with their cookies, and its programs with their tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::names;
use crate::support::{App, Client, PASSWORD, Person, Reply, Role, on_both_engines};

const NEW_PASSWORD: &str = "lantern over quiet water";

/// A front end in a browser: it keeps cookies, and sends the CSRF token it reads from one of them.
struct FrontEnd {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl FrontEnd {
    async fn of(app: &App) -> Self {
        let mut front = Self { client: app.stranger().same_origin(), cookies: BTreeMap::new() };
        front.get("/sanctum/csrf-cookie").await.assert_status(204);
        front
    }

    fn sends(&self) -> Client {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let client = if cookies.is_empty() { self.client.clone() } else { self.client.with_header("cookie", &cookies) };
        match self.cookies.get("XSRF-TOKEN") {
            Some(token) => client.with_header("x-xsrf-token", token),
            None => client,
        }
    }

    fn keeps(&mut self, reply: Reply) -> Reply {
        for line in reply.headers.get_all("set-cookie") {
            let line = line.to_str().expect("a text");
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            assert!(line.contains("Path=/") && line.contains("Secure") && line.contains("SameSite=Lax"), "{line}");
            assert_eq!(line.contains("HttpOnly"), name != "XSRF-TOKEN", "{line}");
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    async fn get(&mut self, path: &str) -> Reply {
        let reply = self.sends().get(path).await;
        self.keeps(reply)
    }

    async fn post(&mut self, path: &str, body: Value) -> Reply {
        let reply = self.sends().post(path, body).await;
        self.keeps(reply)
    }

    async fn put(&mut self, path: &str, body: Value) -> Reply {
        let reply = self.sends().json("PUT", path, &body).await;
        self.keeps(reply)
    }

    async fn signs_in(&mut self, email: &str) -> Value {
        self.post("/api/v1/auth/login", json!({"email": email, "password": PASSWORD})).await.assert_status(200).json()
    }
}

/// Refused with this status, in SynthesQ's own shape.
#[track_caller]
fn refused(reply: &Reply, status: u16) -> Value {
    let body = reply.json();
    assert_eq!((reply.status.as_u16(), &body["success"]), (status, &json!(false)), "{reply:?}");
    assert!(body["message"].is_string(), "{reply:?}");
    assert!(names(&body).iter().all(|name| ["success", "message", "errors", "data"].contains(name)), "{reply:?}");
    body
}

#[track_caller]
fn is_user(user: &Value, person: &Person) {
    assert_eq!(user["id"], json!(person.id), "{user}");
    assert_eq!((&user["email"], &user["roles"]), (&json!(person.email), &json!(["OWNER"])), "{user}");
    assert_eq!(user["permissions"], json!(["read", "write", "delete", "admin"]), "{user}");
}

on_both_engines! {
    async fn a_front_end_signs_in_asks_who_it_is_and_signs_out(app) {
        let ada = app.register("ada").await;
        let mut front = FrontEnd::of(&app).await;
        let answer = front.signs_in(&ada.email).await;
        assert_eq!(names(&answer), ["business_id", "data", "message", "success", "user"]);
        assert_eq!(names(&answer["user"]), ["business_id", "email", "id", "name", "permissions", "roles"]);
        is_user(&answer["user"], &ada);
        assert_eq!((&answer["data"]["user"], &answer["business_id"]), (&answer["user"], &json!("ada-works")));
        let me = front.get("/api/v1/auth/user").await.assert_status(200).json();
        assert_eq!(names(&me), ["business_id", "data", "email", "id", "message", "name", "permissions", "roles", "success"]);
        is_user(&me, &ada);
        is_user(&me["data"]["user"], &ada);
        is_user(&front.get("/api/v1/user").await.assert_status(200).json(), &ada);
        let held = front.cookies["__Host-latchkey"].clone();
        front.post("/api/v1/auth/logout", json!({})).await.assert_status(200);
        assert!(!front.cookies.contains_key("__Host-latchkey"));
        refused(&front.get("/api/v1/auth/user").await, 401);
        let old = app.stranger().with_header("cookie", &format!("__Host-latchkey={held}"));
        refused(&old.get("/api/v1/auth/user").await, 401);
        front.post("/api/v1/logout", json!({})).await.assert_status(200);
        front.signs_in(&ada.email).await;
    }

    async fn every_address_of_the_csrf_cookie_gives_one(app) {
        for path in ["/sanctum/csrf-cookie", "/api/v1/sanctum/csrf-cookie", "/api/v1/csrf-cookie"] {
            let reply = app.stranger().get(path).await.assert_status(204);
            let set = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("a text")).collect::<Vec<_>>();
            assert_eq!(set.iter().filter(|line| line.starts_with("XSRF-TOKEN=")).count(), 1, "{set:?}");
            assert!(reply.body.is_empty());
        }
    }

    async fn without_the_token_of_this_very_browser_it_is_419(app) {
        let ada = app.register("ada").await;
        let login = json!({"email": ada.email, "password": PASSWORD});
        let front = FrontEnd::of(&app).await;
        let other = FrontEnd::of(&app).await;
        let none = front.sends().without_header("x-xsrf-token").post("/api/v1/auth/login", login.clone()).await;
        assert_eq!(refused(&none, 419), json!({"success": false, "message": "CSRF token mismatch."}));
        for wrong in ["", "nonsense", "%ff", other.cookies["XSRF-TOKEN"].as_str()] {
            refused(&front.sends().with_header("x-xsrf-token", wrong).post("/api/v1/auth/login", login.clone()).await, 419);
        }
        // A cookie and a header of one's own making fit each other, and nothing else.
        let planted = app.stranger().same_origin().with_header("cookie", "XSRF-TOKEN=mine").with_header("x-xsrf-token", "mine");
        refused(&planted.post("/api/v1/auth/login", login.clone()).await, 419);
        let evil = front.sends().with_header("origin", "https://evil.test").with_header("sec-fetch-site", "cross-site");
        refused(&evil.post("/api/v1/auth/login", login.clone()).await, 419);
        for path in ["register", "forgot-password", "reset-password"] {
            refused(&app.stranger().post(&format!("/api/v1/auth/{path}"), json!({})).await, 419);
        }

        let mut front = front;
        let before = front.cookies["XSRF-TOKEN"].clone();
        front.post("/api/v1/login", login).await.assert_status(200);
        assert_ne!(front.cookies["XSRF-TOKEN"], before, "the session has a token of its own");
        for token in [None, Some(before.as_str()), Some(other.cookies["XSRF-TOKEN"].as_str())] {
            let client = front.sends().without_header("x-xsrf-token");
            let client = token.map_or(client.clone(), |token| client.with_header("x-xsrf-token", token));
            refused(&client.json("PUT", "/api/v1/user/profile", &json!({"name": "Mallory"})).await, 419);
            refused(&client.post("/api/v1/auth/logout", json!({})).await, 419);
        }
        assert_eq!(front.get("/api/v1/user").await.assert_status(200).json()["name"], "ada");
        front.put("/api/v1/user/profile", json!({"name": "Ada King"})).await.assert_status(200);
        assert_eq!(front.get("/api/v1/user").await.json()["name"], "Ada King");
        front.get("/api/v1/csrf-cookie").await.assert_status(204);
        front.put("/api/v1/user/profile", json!({"name": "Ada Lovelace"})).await.assert_status(200);
    }

    async fn what_is_typed_wrongly_is_422_under_its_field(app) {
        let ada = app.register("ada").await;
        let mut front = FrontEnd::of(&app).await;
        let none = refused(&front.post("/api/v1/auth/login", json!({})).await, 422);
        assert_eq!(names(&none["errors"]), ["email", "password"]);
        let wrong = refused(&front.post("/api/v1/auth/login", json!({"email": ada.email, "password": "not the password"})).await, 401);
        assert_eq!(names(&wrong), ["message", "success"]);
        let strange = refused(&front.post("/api/v1/auth/login", json!({"zebra": 1})).await, 422);
        assert!(strange["errors"]["zebra"].is_array(), "{strange}");
        let new = |email: &str, password: &str, again: &str| {
            json!({"name": "Grace", "email": email, "password": password, "password_confirmation": again, "business_name": "Cobol"})
        };
        let register = "/api/v1/auth/register";
        assert!(refused(&front.post(register, new("grace@example.org", PASSWORD, "another one")).await, 422)["errors"]["password"].is_array());
        assert!(refused(&front.post(register, new("grace@example.org", "short", "short")).await, 422)["errors"]["password"].is_array());
        assert!(refused(&front.post(register, new(&ada.email, PASSWORD, PASSWORD)).await, 422)["errors"]["email"].is_array());
        let made = front.post(register, new("grace@example.org", PASSWORD, PASSWORD)).await.assert_status(201).json();
        assert_eq!((&made["user"]["name"], &made["business_id"]), (&json!("Grace"), &json!("cobol")));
        refused(&front.sends().send("POST", "/api/v1/auth/login", Some("application/json"), axum::body::Body::from("{")).await, 400);
        refused(&front.get("/api/v1/nowhere").await, 404);
        refused(&front.get("/sanctum/nowhere").await, 404);
        refused(&front.get("/api/v1/auth/login").await, 405);
        refused(&app.stranger().get("/api/v1/auth/me").await, 404);
    }

    async fn a_second_factor_is_423_and_then_a_challenge(app) {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let mut front = FrontEnd::of(&app).await;
        let login = json!({"email": ada.email, "password": PASSWORD});
        refused(&front.post("/api/v1/auth/login", login.clone()).await, 423);
        assert!(front.cookies.contains_key("__Host-latchkey-half") && !front.cookies.contains_key("__Host-latchkey"));
        refused(&front.get("/api/v1/auth/user").await, 401);
        refused(&front.post("/api/v1/auth/two-factor-challenge", json!({"code": "000000"})).await, 401);
        refused(&front.post("/api/v1/auth/two-factor-challenge", json!({})).await, 422);
        refused(&front.sends().without_header("x-xsrf-token").post("/api/v1/auth/two-factor-challenge", json!({"code": phone.shows(&app)})).await, 419);
        let answer = front.post("/api/v1/auth/two-factor-challenge", json!({"code": phone.shows(&app)})).await.assert_status(200).json();
        is_user(&answer["user"], &ada);
        assert!(!front.cookies.contains_key("__Host-latchkey-half"));
        is_user(&front.get("/api/v1/auth/user").await.assert_status(200).json(), &ada);

        app.later(Duration::from_secs(30));
        let due = refused(&app.stranger().post("/api/v1/auth/token", login.clone()).await, 423);
        let challenge =
            json!({"two_factor_token": due["data"]["twoFactorToken"], "code": phone.shows(&app), "trust_device": true});
        let tokens = app.stranger().post("/api/v1/auth/two-factor-challenge", challenge.clone()).await.assert_status(200).json();
        let token = tokens["data"]["access_token"].as_str().expect("a token");
        app.stranger().with_bearer(token).get("/api/v1/user").await.assert_status(200);
        let device = tokens["data"]["device_token"].as_str().expect("the secret of the device");
        let trusted = app.stranger().with_header("x-device-token", device).post("/api/v1/auth/token", login.clone()).await;
        trusted.assert_status(200);
        refused(&app.stranger().post("/api/v1/auth/two-factor-challenge", challenge).await, 401);
    }

    async fn too_many_wrong_passwords_are_429_in_its_own_shape_too(app) {
        let ada = app.register("ada").await;
        let mut front = FrontEnd::of(&app).await;
        let wrong = json!({"email": ada.email, "password": "not the password"});
        for _ in 0..5 {
            refused(&front.post("/api/v1/auth/login", wrong.clone()).await, 401);
        }
        let limited = front.post("/api/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await;
        assert!(!limited.header("retry-after").is_empty(), "{limited:?}");
        refused(&limited, 429);
    }

    async fn a_locked_factor_is_429(app) {
        let ada = app.register("ada").await;
        app.enrols(&ada).await;
        let request = json!({"email": ada.email, "password": PASSWORD, "twoFactorCode": "000000"});
        for _ in 0..9 {
            refused(&app.stranger().post("/api/v1/auth/token", request.clone()).await, 401);
        }
        let locked = app.stranger().post("/api/v1/auth/token", request).await;
        assert!(!locked.header("retry-after").is_empty(), "{locked:?}");
        refused(&locked, 429);
    }

    async fn the_business_is_chosen_by_its_slug_among_ones_own(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Member).await;
        let mut front = FrontEnd::of(&app).await;
        front.client = front.client.with_header("x-business-id", "ada-works");
        assert_eq!(front.signs_in(&ben.email).await["business_id"], "ada-works");
        let seen = front.get("/api/v1/auth/user").await.assert_status(200).json();
        assert_eq!((&seen["business_id"], &seen["roles"]), (&json!("ada-works"), &json!(["MEMBER"])));
        front.client = front.client.with_header("x-business-id", "ben-works");
        let seen = front.get("/api/v1/auth/user").await.assert_status(200).json();
        assert_eq!((&seen["business_id"], &seen["roles"]), (&json!("ben-works"), &json!(["OWNER"])));
        app.register("mallory").await;
        for slug in ["mallory-works", "nowhere", "org_01kbk3x5g0r8m4t2v6w9y1z3b5"] {
            front.client = front.client.with_header("x-business-id", slug);
            let foreign = refused(&front.get("/api/v1/auth/user").await, 403);
            assert_eq!(foreign["message"], "You do not belong to that organization.");
            let login = json!({"email": ben.email, "password": PASSWORD});
            assert_eq!(refused(&front.post("/api/v1/auth/login", login).await, 403), foreign);
        }
    }

    async fn programs_get_tokens_for_a_password_or_a_key(app) {
        let ada = app.register("ada").await;
        let answer = app.stranger().post("/api/v1/auth/token", json!({"email": ada.email, "password": PASSWORD})).await.assert_status(200).json();
        assert_eq!(names(&answer), ["data", "message", "success"]);
        assert_eq!(names(&answer["data"]), ["access_token", "expires_in", "refresh_token", "token_type"]);
        assert_eq!((&answer["data"]["expires_in"], &answer["data"]["token_type"]), (&json!(86_400), &json!("Bearer")));
        let bearer = |answer: &Value| app.stranger().with_bearer(answer["data"]["access_token"].as_str().expect("a token"));
        is_user(&bearer(&answer).get("/api/v1/auth/user").await.assert_status(200).json(), &ada);
        bearer(&answer).json("PUT", "/api/v1/user/profile", &json!({"name": "Ada King"})).await.assert_status(200);
        let next = app.stranger().post("/api/v1/auth/refresh", json!({"refresh_token": answer["data"]["refresh_token"]})).await;
        let next = next.assert_status(200).json();
        bearer(&next).get("/api/v1/auth/user").await.assert_status(200);
        let renewed = bearer(&next).post_nothing("/api/v1/auth/refresh").await.assert_status(200).json();
        assert_eq!(renewed["data"]["refresh_token"], Value::Null);
        refused(&bearer(&next).get("/api/v1/auth/user").await, 401);
        refused(&app.stranger().post("/api/v1/auth/token", json!({})).await, 422);
        refused(&app.stranger().post("/api/v1/auth/token", json!({"email": ada.email, "password": "not the password"})).await, 401);

        let key = ada.makes_a_key(json!({"name": "Sync", "scopes": ["read"]})).await;
        let by_key = app.stranger().post("/api/v1/auth/token", json!({"apiKey": key.secret})).await.assert_status(200).json();
        bearer(&by_key).get("/api/v1/auth/user").await.assert_status(200);
        ada.post(&format!("/v1/api-keys/{}/revoke", key.id), json!({"reason": "over"})).await.assert_status(200);
        refused(&bearer(&by_key).get("/api/v1/auth/user").await, 401);
        for bad in [key.secret.as_str(), "nonsense"] {
            refused(&app.stranger().post("/api/v1/auth/token", json!({"apiKey": bad})).await, 401);
        }
    }

    async fn the_password_is_changed_and_every_other_session_ends(app) {
        let ada = app.register("ada").await;
        let mut front = FrontEnd::of(&app).await;
        front.signs_in(&ada.email).await;
        let change = |old: &str, new: &str, again: &str| json!({"current_password": old, "password": new, "password_confirmation": again});
        let path = "/api/v1/user/password";
        assert!(refused(&front.put(path, change("not the password", NEW_PASSWORD, NEW_PASSWORD)).await, 422)["errors"]["current_password"].is_array());
        assert!(refused(&front.put(path, change(PASSWORD, NEW_PASSWORD, "another")).await, 422)["errors"]["password"].is_array());
        assert!(refused(&front.put(path, change(PASSWORD, "short", "short")).await, 422)["errors"]["password"].is_array());
        assert_eq!(names(&refused(&front.put(path, json!({})).await, 422)["errors"]), ["current_password", "password", "password_confirmation"]);
        ada.get("/v1/auth/me").await.assert_status(200);
        front.put(path, change(PASSWORD, NEW_PASSWORD, NEW_PASSWORD)).await.assert_status(200);
        front.get("/api/v1/user").await.assert_status(200);
        ada.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
    }

    async fn a_forgotten_password_is_chosen_anew_by_mail(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mut front = FrontEnd::of(&app).await;
        let known = front.post("/api/v1/auth/forgot-password", json!({"email": ada.email})).await.assert_status(200);
        let unknown = front.post("/api/v1/auth/forgot-password", json!({"email": "grace@example.org"})).await.assert_status(200);
        assert_eq!(known.body, unknown.body);
        let token = app.mail_to(&ada.email, "Choose a new password").await.token();
        let reset = |token: &str| json!({"token": token, "email": ada.email, "password": NEW_PASSWORD, "password_confirmation": NEW_PASSWORD});
        let path = "/api/v1/auth/reset-password";
        assert!(refused(&front.post(path, reset("nonsense")).await, 422)["errors"]["token"].is_array());
        front.post(path, reset(&token)).await.assert_status(200);
        refused(&front.post(path, reset(&token)).await, 422);
        refused(&front.get("/api/v1/user").await, 401);
        app.stranger().post("/v1/auth/login", json!({"email": ada.email, "password": NEW_PASSWORD})).await.assert_status(200);
    }

    async fn a_landlord_invites_a_superuser_by_address_alone_who_chooses_a_password(app) with ["mailbox"] {
        let landlord = app.landlord("landlord").await;
        let ada = app.register("ada").await;
        let body = json!({"email": "grace@example.org", "business_name": "Cobol"});
        refused(&ada.post("/api/v1/landlord/superusers", body.clone()).await, 403);
        let invited = landlord.post("/api/v1/landlord/superusers", body).await.assert_status(201).json();
        assert_eq!(names(&invited), ["data", "message", "success"]);
        let token = app.mail_to("grace@example.org", "").await.token();
        let path = format!("/api/v1/invitations/{token}/accept");
        let accept = json!({"name": "Grace Hopper", "password": PASSWORD, "password_confirmation": PASSWORD});
        refused(&app.stranger().post(&path, json!({"name": "Grace", "password": PASSWORD, "password_confirmation": "x"})).await, 422);
        let mut front = FrontEnd::of(&app).await;
        let joined = front.post(&path, accept.clone()).await.assert_status(201).json();
        assert_eq!((&joined["user"]["roles"], &joined["business_id"]), (&json!(["OWNER"]), &json!("cobol")));
        front.get("/api/v1/auth/user").await.assert_status(200);
        refused(&app.stranger().post(&path, accept).await, 410);
        FrontEnd::of(&app).await.signs_in("grace@example.org").await;
    }

    async fn an_administrator_revokes_a_members_tokens(app) {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Member).await;
        let stranger = app.register("mallory").await;
        let path = "/api/v1/admin/tokens/revoke";
        refused(&ben.post(path, json!({"userId": ada.id})).await, 403);
        refused(&ada.post(path, json!({})).await, 422);
        let (foreign, nobody) = (json!({"userId": stranger.id}), json!({"userId": "usr_01kbk3x5g0r8m4t2v6w9y1z3b5"}));
        assert_eq!(refused(&ada.post(path, foreign).await, 404), refused(&ada.post(path, nobody).await, 404));
        let done = ada.post(path, json!({"userId": ben.id})).await.assert_status(200).json();
        assert!(done["data"]["ended_sessions"].as_u64().is_some_and(|ended| ended >= 1), "{done}");
        ben.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        stranger.get("/v1/auth/me").await.assert_status(200);
    }
}

/// A front end on another origin of the same site.
const APP: &str = "https://app.example.org";

fn elsewhere(client: &Client) -> Client {
    client.with_header("origin", APP).with_header("sec-fetch-site", "same-site")
}

#[tokio::test]
async fn a_front_end_on_a_trusted_origin_counts_as_our_own_and_reads_answers() {
    let app =
        App::on_sqlite(&["--public-url=https://auth.example.org", "--trusted-origins=https://app.example.org"]).await;
    let mut front = FrontEnd { client: elsewhere(&app.stranger()).allowing_cors(), cookies: BTreeMap::new() };
    let set = front.get("/sanctum/csrf-cookie").await.assert_status(204);
    assert_eq!(
        (set.header("access-control-allow-origin"), set.header("access-control-allow-credentials")),
        (APP, "true")
    );
    assert!(set.header("vary").contains("origin"));
    let new = json!({"name": "Ada", "email": "ada@example.org", "password": PASSWORD});
    front.post("/api/v1/auth/register", new).await.assert_status(201);
    front.put("/api/v1/user/profile", json!({"name": "Ada King"})).await.assert_status(200);
    let preflight = front.client.with_header("access-control-request-method", "PUT");
    let preflight =
        preflight.send("OPTIONS", "/api/v1/user/profile", None, axum::body::Body::empty()).await.assert_status(204);
    assert!(preflight.header("access-control-allow-headers").contains("x-xsrf-token"));
    assert!(preflight.header("access-control-allow-methods").contains("PUT"));

    for origin in [
        "https://evil.test",
        "null",
        "https://app.example.org.evil.test",
        "http://app.example.org",
        "https://app.example.org:8443",
    ] {
        let stranger = front.sends().with_header("origin", origin);
        let answer = stranger.get("/api/v1/auth/user").await.assert_status(200);
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{origin}: {answer:?}");
        refused(&stranger.json("PUT", "/api/v1/user/profile", &json!({"name": "Mallory"})).await, 419);
        let asks = stranger.with_header("access-control-request-method", "PUT");
        asks.send("OPTIONS", "/api/v1/user/profile", None, axum::body::Body::empty()).await.assert_status(405);
    }
    let claims = front.sends().with_header("sec-fetch-site", "cross-site");
    refused(&claims.json("PUT", "/api/v1/user/profile", &json!({"name": "Mallory"})).await, 419);
    assert_eq!(front.get("/api/v1/user").await.json()["name"], "Ada King");
}

#[tokio::test]
async fn a_cookie_domain_shares_the_session_under_a_name_that_may_have_one() {
    let app = App::on_sqlite(&["--public-url=https://auth.example.org", "--cookie-domain=example.org"]).await;
    let client =
        app.stranger().with_header("origin", "https://auth.example.org").with_header("sec-fetch-site", "same-origin");
    let mut front = FrontEnd { client, cookies: BTreeMap::new() };
    front.get("/sanctum/csrf-cookie").await.assert_status(204);
    let new = json!({"name": "Ada", "email": "ada@example.org", "password": PASSWORD});
    let made = front.post("/api/v1/auth/register", new).await.assert_status(201);
    let lines: Vec<_> = made.headers.get_all("set-cookie").iter().map(|line| line.to_str().expect("a text")).collect();
    for name in ["__Secure-latchkey=", "XSRF-TOKEN="] {
        assert!(lines.iter().any(|line| line.starts_with(name) && line.ends_with("; Domain=example.org")), "{lines:?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("__Host-latchkey=")), "{lines:?}");
    front.get("/api/v1/auth/user").await.assert_status(200);
    let held = front.cookies["__Secure-latchkey"].clone();
    let planted = app.stranger().with_header("cookie", &format!("__Host-latchkey={held}"));
    refused(&planted.get("/api/v1/auth/user").await, 401);
    front.post("/api/v1/auth/logout", json!({})).await.assert_status(200);
    assert!(!front.cookies.contains_key("__Secure-latchkey"));
}
