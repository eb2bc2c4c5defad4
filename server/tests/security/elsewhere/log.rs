//! What the log says, and what it never says (C13): a whole walk against the binary, and its log read line by line.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::support::PASSWORD;

/// A server of its own, and the secrets that were shown by it or to it.
struct House {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    secrets: Vec<String>,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The names under which answers show secrets, and bodies carry them.
const SECRET: [&str; 14] = [
    "accessToken",
    "refreshToken",
    "csrfToken",
    "twoFactorToken",
    "deviceToken",
    "ticket",
    "key",
    "secret",
    "otpauthUrl",
    "backupCodes",
    "code",
    "link",
    "password",
    "newPassword",
];

impl House {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("free").local_addr().expect("bound").port();
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let child = command(folder.path())
            .arg("serve")
            .env("LATCHKEY_LISTEN", format!("127.0.0.1:{port}"))
            .env("LATCHKEY_PUBLIC_URL", "http://localhost:3000")
            .env("LATCHKEY_RATE_LIMITS", "relaxed")
            .env("LATCHKEY_HASH_MEMORY", "64")
            .env("LATCHKEY_HASH_ITERATIONS", "1")
            .env("LATCHKEY_LOG", "debug")
            .env("LATCHKEY_SMTP_URL", "smtp://127.0.0.1:1")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("starts");
        let mut house = Self { child, port, folder, secrets: vec![PASSWORD.to_owned()] };
        let began = Instant::now();
        while house.ask("GET", "/readyz", "", &Value::Null).is_none_or(|(status, _)| status != 200) {
            assert!(began.elapsed() < Duration::from_secs(30), "it does not get ready: {}", house.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        house
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }

    /// One request by hand. What is secret in it, and in its answer, is noted.
    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &Value) -> Option<(u16, Value)> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.note(body);
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            text.len()
        );
        stream.write_all(format!("{head}{headers}\r\n{text}").as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        for line in head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let value = line.split(';').next().and_then(|pair| pair.split_once('=')).map_or("", |(_, value)| value);
            self.secrets.push(value.to_owned());
        }
        let body = serde_json::from_str(body).unwrap_or_default();
        self.note(&body);
        Some((status, body))
    }

    fn note(&mut self, value: &Value) {
        for (name, value) in value.as_object().into_iter().flatten().filter(|(name, _)| SECRET.contains(&name.as_str()))
        {
            let texts = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            // An error has a code as well, which is no secret.
            let texts = texts.iter().filter_map(Value::as_str).filter(|text| name != "code" || !text.contains('_'));
            self.secrets.extend(texts.map(str::to_owned));
        }
    }

    fn post(&mut self, path: &str, headers: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, headers, body).expect("an answer")
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.current_dir(folder).env_clear().env("LATCHKEY_DATA_DIR", folder.join("data"));
    command
}

/// What is told of that belongs to no organization.
fn of_the_platform(folder: &Path) -> Vec<Value> {
    let output = command(folder).args(["audit", "export"]).output().expect("runs");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(|line| serde_json::from_str(line).expect("json")).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Everything that somebody does who has secrets, right and wrong.
fn walk(house: &mut House) {
    let email = "ada@example.org";
    let new = json!({"email": email, "password": PASSWORD, "name": "Ada\nFORGED", "company": "Works"});
    assert_eq!(house.post("/v1/auth/register", "", &new).0, 400, "a name has one line");
    let new = json!({"email": email, "password": PASSWORD, "name": "Ada", "company": "Works"});
    let (_, made) = house.post("/v1/auth/register", "", &new);
    let bearer = format!("authorization: Bearer {}\r\n", text(&made["accessToken"]));
    for wrong in ["wrong-horse-battery", "another wrong one"] {
        assert_eq!(house.post("/v1/auth/login", "", &json!({"email": email, "password": wrong})).0, 401);
    }
    let page = "origin: http://localhost:3000\r\nsec-fetch-site: same-origin\r\n";
    assert_eq!(house.post("/v1/auth/login", page, &json!({"email": email, "password": PASSWORD})).0, 200);
    let (_, key) = house.post("/v1/api-keys", &bearer, &json!({"name": "Export", "scopes": ["read"]}));
    let holder = format!("x-api-key: {}\r\n", text(&key["key"]));
    assert_eq!(house.ask("GET", "/v1/auth/verify", &holder, &Value::Null).expect("answered").0, 200);
    assert_eq!(house.ask("GET", "/v1/audit-events", &holder, &Value::Null).expect("answered").0, 403);
    let (_, again) = house.post("/v1/auth/refresh", "", &json!({"refreshToken": made["refreshToken"]}));
    assert!(again["accessToken"].is_string(), "{again}");
    let invited = house.post(
        &format!("/v1/organizations/{}/invitation-codes", text(&made["organization"]["id"])),
        &bearer,
        &json!({}),
    );
    assert_eq!(house.post("/v1/organizations/validate-code", "", &json!({"code": invited.1["code"]})).0, 200);
    let (_, ticket) = house.post("/v1/auth/handoff", &bearer, &Value::Null);
    assert_eq!(house.post("/v1/auth/handoff/redeem", "", &json!({"ticket": ticket["ticket"]})).0, 400);
    for query in ["token", "access_token", "api_key", "SF_Token", "password"] {
        let secret = format!("in-the-address-{query}");
        house.ask("GET", &format!("/v1/auth/me?{query}={secret}"), "", &Value::Null).expect("answered");
        house
            .ask("GET", &format!("/auth/thirdPartySignIn?{query}={secret}"), "accept: text/html\r\n", &Value::Null)
            .expect("answered");
        house
            .ask("GET", &format!("/magic-link?{query}={secret}"), "accept: text/html\r\n", &Value::Null)
            .expect("answered");
        house.ask("GET", &format!("/invite/{secret}"), "accept: text/html\r\n", &Value::Null).expect("answered");
        house.secrets.push(secret);
    }
    for path in ["magic-link", "forgot-password"] {
        assert_eq!(house.post(&format!("/v1/auth/{path}"), "", &json!({"email": email})).0, 200);
    }
    let odd = "authorization: Bearer FORGED-credential\r\nx-api-key: FORGED-key\r\nuser-agent: FORGED\" agent\r\nx-forwarded-for: FORGED\r\nx-request-id: FORGED\r\n";
    house.ask("FORGED", "/FORGED%0a%7B%22level%22%3A%22ERROR%22%7D", odd, &Value::Null).expect("answered");
    house.ask("GET", "/v1/auth/me", odd, &Value::Null).expect("answered");
    second_factor(house, &bearer);
}

fn second_factor(house: &mut House, bearer: &str) {
    let (_, begun) = house.post("/v1/auth/2fa/setup", bearer, &Value::Null);
    let secret = Secret::try_from_base32(text(&begun["secret"])).expect("base32");
    let now = std::time::UNIX_EPOCH.elapsed().expect("later").as_secs();
    let code = Builder::new().with_secret(secret).build().expect("a secret").generate(now).to_string();
    assert_eq!(house.post("/v1/auth/2fa/verify-setup", bearer, &json!({"code": code})).0, 200);
    let (_, due) = house.post("/v1/auth/login", "", &json!({"email": "ada@example.org", "password": PASSWORD}));
    let step = format!("authorization: Bearer {}\r\n", text(&due["twoFactorToken"]));
    assert_eq!(house.post("/v1/auth/2fa/verify", &step, &json!({"code": "wrong code"})).0, 401);
    let backup = json!({"code": begun["backupCodes"][0], "trustDevice": true});
    let (status, entered) = house.post("/v1/auth/2fa/verify", &step, &backup);
    assert_eq!(status, 200, "{entered}");
    let bearer = format!("authorization: Bearer {}\r\n", text(&entered["accessToken"]));
    let change = json!({"currentPassword": PASSWORD, "newPassword": "lantern over quiet water"});
    assert_eq!(house.post("/v1/auth/change-password", &bearer, &change).0, 200);
    let (_, listed) = house.ask("GET", "/v1/audit-events?limit=100", &bearer, &Value::Null).expect("answered");
    let mut events = of_the_platform(house.folder.path());
    events.extend(listed.as_array().expect("a list").iter().cloned());
    tells_who_when_and_where(&events);
    assert_eq!(house.post("/v1/auth/logout", &bearer, &Value::Null).0, 200);
}

/// The log of what was done, which is in the database: sign-ins and refusals, by whom, when, from where.
fn tells_who_when_and_where(events: &[Value]) {
    for action in ["user.created", "session.created", "session.refused", "api_key.created", "user.password_changed"] {
        let event = events.iter().find(|event| event["action"] == action);
        let event = event.unwrap_or_else(|| panic!("no {action} in {events:?}"));
        assert!(text(&event["createdAt"]).ends_with('Z'), "{event}");
        assert_eq!(event["ipAddress"], "127.0.0.1", "{event}");
        assert!(!text(&event["actor"]).is_empty() && !text(&event["requestId"]).is_empty(), "{event}");
    }
}

#[test]
fn c13_the_log_tells_what_happened_and_no_secret() {
    let mut house = House::open();
    walk(&mut house);
    let log = house.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("forged: {line}"))).collect();
    house.secrets.retain(|secret| secret.len() >= 6);
    house.secrets.sort_unstable();
    house.secrets.dedup();
    assert!(house.secrets.len() > 50, "{:?}", house.secrets);
    for secret in &house.secrets {
        let found = log.lines().find(|line| line.contains(secret.as_str()));
        assert!(found.is_none(), "{secret} is in the log: {found:?}");
    }
    assert!(!log.contains("FORGED"), "nothing of what a client makes up is written down");
    for line in &lines {
        assert!(text(&line["timestamp"]).ends_with('Z') && line["level"].is_string(), "{line}");
        assert_ne!(line["level"], "ERROR", "{line}");
    }
    let answered = |route: &str, status: u16| {
        lines
            .iter()
            .find(|line| line["route"] == route && line["status"] == status)
            .unwrap_or_else(|| panic!("no {route} {status} in {log}"))
    };
    for (route, status, code) in [
        ("/v1/auth/login", 200, None),
        ("/v1/auth/login", 401, Some("invalid_credentials")),
        ("/v1/auth/2fa/verify", 401, Some("invalid_code")),
        ("/v1/audit-events", 403, Some("insufficient_scope")),
        ("/v1/auth/me", 400, Some("token_in_query")),
    ] {
        let line = answered(route, status);
        assert_eq!((line["code"].as_str(), &line["client"]), (code, &json!("127.0.0.1")), "{line}");
        assert!(text(&line["request_id"]).starts_with("req_"), "{line}");
    }
    assert!(text(&answered("/v1/auth/verify", 200)["principal"]).starts_with("key_"), "who it was");
    assert!(text(&answered("/v1/audit-events", 200)["principal"]).starts_with("usr_"), "who it was");
}
