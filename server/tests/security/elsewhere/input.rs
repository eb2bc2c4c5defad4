//! Whatever is sent: answered in one form, never by a fault of ours, and taken for what it is (C10, C11).

use std::time::{Duration, Instant};

use axum::body::Body;
use serde_json::{Value, json};

use super::standing;
use crate::support::{App, Client, Operation, PASSWORD, Person, Reply, on_both_engines};

/// What only somebody inside would say.
const INSIDE: [&str; 18] = [
    "panicked",
    "stack backtrace",
    ".rs:",
    "src/",
    "sqlx",
    "sqlite",
    "postgres",
    "select ",
    "insert into",
    "syntax error",
    "constraint",
    "serde",
    "axum",
    "tokio",
    "/root/",
    "/home/",
    "rustc",
    "no such table",
];

/// Refused by the client's own fault, in the one form of an error of that dialect, with nothing of the inside.
#[track_caller]
fn is_plain(operation: &Operation, reply: &Reply) {
    let place = operation.name();
    assert!(!reply.status.is_server_error(), "{place}: {reply:?}");
    if reply.status.is_client_error() {
        // Not where it succeeded: tokens are random letters, and make up any short word now and then.
        let said = reply.body.to_lowercase();
        assert!(INSIDE.iter().all(|word| !said.contains(word)), "{place}: {reply:?}");
        assert_eq!(reply.header("content-type"), "application/json", "{place}: {reply:?}");
        let body = reply.json();
        let names: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        if operation.is_synthesq() {
            assert!(body["success"] == false && body["message"].is_string(), "{place}: {reply:?}");
        } else {
            for name in ["code", "error", "message", "requestId", "statusCode"] {
                assert!(names.contains(&name), "{place}: {reply:?}");
            }
        }
    }
}

fn broken_bodies() -> Vec<Vec<u8>> {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [&[u8]; 16] = [
        b"{",
        b"[]",
        b"7",
        b"\"text\"",
        b"{\"name\":",
        b"\xff\xfe",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":\"a\\u0000b\"}",
        b"{\"__proto__\":1}",
        b"{\"rateLimit\":1e999}",
        deep.as_bytes(),
        b"{\"a\":1,}",
        b"{'a':1}",
        b"{\"a\":NaN}",
        b"\xef\xbb\xbf{}",
        b"{}{}",
    ];
    bodies.into_iter().map(<[u8]>::to_vec).collect()
}

/// A value of each kind, and the edges of each.
fn odd_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1.5),
        json!(1e308),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("\u{202e}\u{feff}\u{1f600}"),
        json!("a".repeat(5000)),
        json!([]),
        json!([[]]),
        json!([null, 1, "x", {}]),
        json!({}),
        json!({"a": {"b": [1]}}),
        json!(vec!["x".repeat(300); 50]),
        json!("\r\nX-Injected: 1"),
        json!("9999-12-31T23:59:59Z"),
        json!("-1"),
    ]
}

/// What would be more than text to a database, a shell, a path, a template, a log or a spreadsheet.
const INJECTIONS: [&str; 20] = [
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "'; DROP TABLE users; --",
    "1; SELECT pg_sleep(20)",
    "' || (SELECT password_hash FROM users) || '",
    "1 UNION SELECT * FROM users",
    "%27%20OR%201=1",
    "\\'; --",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "/etc/passwd",
    "$(sleep 20)",
    "`sleep 20`",
    "; sleep 20 #",
    "| id",
    "{{91*911117}}",
    "${91*911117}",
    "#{91*911117}",
    "<%= 91*911117 %>",
    "${jndi:ldap://127.0.0.1/a}",
];

/// Nothing of what was sent was carried out.
#[track_caller]
fn is_text(place: &str, reply: &Reply, took: Duration) {
    assert!(!reply.status.is_server_error(), "{place}: {reply:?}");
    assert!(took < Duration::from_secs(10), "{place} took {took:?}");
    for sign in ["82911647", "root:x:0", "uid=0", "$argon2id$"] {
        assert!(!reply.body.contains(sign), "{place}: {reply:?}");
    }
}

/// With `value` in place of one field of a body that would fit.
async fn with_field(client: &Client, operation: &Operation, (name, value): (&str, &Value)) -> Reply {
    let mut body = operation.example.clone();
    body[name] = value.clone();
    client.json(&operation.method, &operation.at("x"), &body).await
}

/// Somebody to try it on, whose session no operation of the walk can end.
async fn prober(app: &App) -> (Person, Client) {
    let ada = app.register("ada").await;
    let key = ada.makes_a_key(json!({"name": "Prober", "scopes": ["admin"], "rateLimit": 1_000_000_000})).await;
    let client = ada.with_key(&key.secret);
    (ada, client)
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

on_both_engines! {
    async fn c10_no_broken_body_is_a_fault_of_ours(app) with ["--rate-limits=relaxed"] {
        let (ada, key) = prober(&app).await;
        let before = standing(&ada).await;
        for operation in app.operations().await.iter().filter(|operation| !operation.kinds.is_empty()) {
            for body in broken_bodies() {
                for client in [&ada.client, &key] {
                    let answer = client.send(&operation.method, &operation.at("x"), Some("application/json"), Body::from(body.clone())).await;
                    is_plain(operation, &answer);
                    assert!(answer.status.is_client_error(), "{}: {answer:?}", operation.name());
                }
            }
        }
        assert_eq!(standing(&ada).await, before);
    }

    async fn c10_no_value_of_any_field_is_a_fault_of_ours(app) with ["--rate-limits=relaxed"] {
        let (ada, key) = prober(&app).await;
        let mut walked = 0;
        for operation in &app.operations().await {
            for name in &operation.fields {
                for value in odd_values() {
                    // A person's session would end by some of it; who asks anonymously and who asks with a key goes on.
                    for client in [&app.stranger(), &key] {
                        is_plain(operation, &with_field(client, operation, (name, &value)).await);
                        walked += 1;
                    }
                }
            }
            for name in &operation.queries {
                for value in ["", "%00", "%ff%fe", "-1", "99999999999999999999", "x", "1e9", "%F0%9F%98%80", "NaN", "true", "2026-02-30T00:00:00Z"] {
                    for client in [&ada.client, &key] {
                        let path = format!("{}?{name}={value}", operation.at("x"));
                        if !operation.is_change() {
                            is_plain(operation, &client.get(&path).await);
                        }
                    }
                }
            }
            for id in ["%00", "%ff", "..", "%2e%2e%2f", "a%2fb", "x%20y", &"x".repeat(3000), "usr_01kbk3x5g0r8m4t2v6w9y1z3b5"] {
                if operation.path.contains('{') {
                    let path = operation.at(id);
                    is_plain(operation, &key.send(&operation.method, &path, None, Body::empty()).await);
                }
            }
        }
        assert!(walked > 5000, "{walked}");
    }

    async fn c11_what_is_typed_is_never_carried_out(app) with ["--rate-limits=relaxed"] {
        let (ada, key) = prober(&app).await;
        let stranger = app.stranger();
        for operation in &app.operations().await {
            let place = operation.name();
            for text in INJECTIONS {
                let began = Instant::now();
                let encoded = percent_encoded(text);
                for name in &operation.fields {
                    for client in [&stranger, &key] {
                        for value in [json!(text), json!([text])] {
                            is_text(&place, &with_field(client, operation, (name, &value)).await, began.elapsed());
                        }
                    }
                }
                if !operation.is_change() {
                    for name in &operation.queries {
                        is_text(&place, &key.get(&format!("{}?{name}={encoded}", operation.at("x"))).await, began.elapsed());
                    }
                }
                if operation.path.contains('{') {
                    let answer = key.send(&operation.method, &operation.at(&encoded), None, Body::empty()).await;
                    is_text(&place, &answer, began.elapsed());
                }
            }
        }
        for text in INJECTIONS {
            let began = Instant::now();
            let odd = ["user-agent", "x-forwarded-for", "x-api-key", "x-organization-id", "x-device-token", "x-2fa-token", "cookie", "origin", "referer",
                "accept-language", "x-original-method", "x-business-id", "if-none-match", "accept-encoding", "range"];
            for name in odd {
                for path in ["/v1/auth/me", "/v1/auth/forward", "/login", "/robots.txt"] {
                    is_text(name, &ada.with_header(name, text).get(path).await, began.elapsed());
                }
            }
            let login = json!({"email": text, "password": text});
            assert!(stranger.post("/v1/auth/login", login).await.status.is_client_error());
            for (email, password) in [(ada.email.as_str(), text), (text, PASSWORD), ("ada@example.org'--", PASSWORD)] {
                let login = json!({"email": email, "password": password});
                assert!(stranger.post("/v1/auth/login", login).await.status.is_client_error(), "{email} {password}");
            }
            stranger.get(&format!("/{}", percent_encoded(text))).await.assert_status(404);
        }
        let named = INJECTIONS[2];
        let changed = ada.post("/v1/auth/update-profile", json!({"name": named})).await.assert_status(200).json();
        assert_eq!(changed["name"], named, "it is a name like any other");
        ada.signs_in_again().await;
    }
}
