//! What happens when things break: the database is gone or silent, the server is killed while many write.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

use crate::proxy::Proxy;
use crate::serving::{BINARY, Server, field, quiet, register, request, run, sign_in, start, start_with};

/// The longest that a request may wait for a database that does not answer.
const BOUND: Duration = Duration::from_millis(4500);

/// The whole answer, head and all, and how long it took.
fn ask(port: u16, method: &str, path: &str, headers: &str, body: &str) -> (String, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    let length = body.len();
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n");
    stream.write_all(format!("{head}{kind}{headers}\r\n{body}").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    (answer, began.elapsed())
}

/// A PostgreSQL database of its own behind a line, and a server that uses it.
fn behind_a_line(folder: &Path) -> Option<(Proxy, Server)> {
    let Ok(address) = std::env::var("LATCHKEY_TEST_POSTGRES_URL") else {
        let only_sqlite = std::env::var("LATCHKEY_TEST_ENGINES").is_ok_and(|engines| engines == "sqlite");
        assert!(only_sqlite, "run through tools/with-postgres, or set LATCHKEY_TEST_ENGINES=sqlite");
        return None;
    };
    let name = format!("latchkey_process_{}_{}", std::process::id(), crate::free_port());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&address).await.expect("a PostgreSQL server");
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("made");
    });
    let (who, place) = address.split_once('@').expect("somebody at a place");
    let proxy = Proxy::to(place.split('/').next().expect("an address"));
    let url = format!("{who}@127.0.0.1:{}/{name}", proxy.port);
    // For the master key: there is no file of a database whose folder would be made.
    std::fs::create_dir(folder.join("data")).expect("made");
    let server = start_with(folder, |command| {
        command.env("LATCHKEY_DATABASE_URL", url);
        command.env("LATCHKEY_USAGE_FLUSH", "1");
    });
    Some((proxy, server))
}

fn bearer(body: &str) -> String {
    format!("authorization: Bearer {}\r\n", field(body, "accessToken"))
}

/// Somebody with an API key: the header of the person, the header of the key, and its id.
fn with_key(port: u16, name: &str) -> (String, String, String) {
    let person = bearer(&register(port, name).expect("registered").1);
    let (status, made) = request(port, "POST", "/v1/api-keys", &person, r#"{"name":"Kept"}"#).expect("an answer");
    assert_eq!(status, 201, "{made}");
    (person, format!("x-api-key: {}\r\n", field(&made, "key")), field(&made, "id"))
}

/// Somebody who writes for as long as the server takes it, or until told to stop; whoever was acknowledged.
fn writer(port: u16, name: &str, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<String>> {
    let (name, stop) = (name.to_owned(), Arc::clone(stop));
    std::thread::spawn(move || {
        let mut acknowledged = Vec::new();
        for number in 0.. {
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let person = format!("{name}x{number}");
            match register(port, &person) {
                Some((201, _)) => acknowledged.push(person),
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        acknowledged
    })
}

/// What clients and operators see while the database does not answer.
fn assert_away(port: u16, key: &str) {
    let login = r#"{"email":"ada@example.org","password":"plum river candle"}"#;
    let (answer, took) = ask(port, "POST", "/v1/auth/login", "", login);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\r\nretry-after: "), "{answer}");
    assert!(answer.contains(r#""code":"unavailable""#) || answer.contains(r#""code":"busy""#), "{answer}");
    assert!(took < BOUND, "{took:?}");
    let (answer, took) = ask(port, "GET", "/readyz", "", "");
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains(r#""database":"unavailable""#), "{answer}");
    assert!(took < BOUND, "{took:?}");
    let (answer, took) = ask(port, "GET", "/healthz", "", "");
    assert!(answer.starts_with("HTTP/1.1 200") && took < Duration::from_secs(1), "{took:?} {answer}");
    // A revocation on another node could not be heard: nothing that is remembered is believed any longer.
    let (answer, took) = ask(port, "GET", "/v1/auth/verify", key, "");
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\r\nretry-after: "), "{answer}");
    assert!(took < BOUND, "{took:?}");
}

/// Soon it is ready, and people sign in.
fn assert_recovers(port: u16) {
    let began = Instant::now();
    while request(port, "GET", "/readyz", "", "").is_none_or(|(status, _)| status != 200) {
        assert!(began.elapsed() < Duration::from_secs(10), "it does not recover");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(sign_in(port, "ada"), 200);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// Whether every use of a key is written in the end.
fn assert_counted(port: u16, (person, id): (&str, &str), uses: u64) {
    let began = Instant::now();
    loop {
        let (_, seen) = request(port, "GET", &format!("/v1/api-keys/{id}"), person, "").expect("an answer");
        let seen: serde_json::Value = serde_json::from_str(&seen).expect("json");
        if seen["usageCount"] == uses {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{uses} uses: {seen}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Takes the database away and gives it back, while some write.
fn through_an_outage(lasting: Duration, begin: impl FnOnce(&mut Proxy)) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((mut proxy, server)) = behind_a_line(folder.path()) else { return };
    let port = server.port;
    let (person, key, id) = with_key(port, "ada");
    let stop = Arc::default();
    let writers: Vec<_> = (0..4).map(|number| writer(port, &format!("writer{number}"), &stop)).collect();
    std::thread::sleep(Duration::from_millis(500));
    // Counted in memory when the database goes away.
    let uses = 20;
    for _ in 0..uses {
        assert_eq!(request(port, "GET", "/v1/auth/verify", &key, "").expect("an answer").0, 200);
    }
    begin(&mut proxy);
    let began = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    while began.elapsed() < lasting {
        assert_away(port, &key);
    }
    proxy.mend();
    assert_recovers(port);
    std::thread::sleep(Duration::from_secs(2));
    stop.store(true, Ordering::SeqCst);
    let acknowledged: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().expect("ran")).collect();
    assert!(!acknowledged.is_empty());
    for name in &acknowledged {
        assert_eq!(sign_in(port, name), 200, "{name} was acknowledged");
    }
    assert_counted(port, (&person, &id), uses);
}

#[test]
fn a_database_that_is_gone_for_ten_seconds_is_503_at_once_and_then_over() {
    through_an_outage(Duration::from_secs(10), Proxy::cut);
}

#[test]
fn a_database_that_falls_silent_is_503_in_bounded_time_and_then_over() {
    through_an_outage(Duration::from_secs(8), |proxy| proxy.fall_silent());
}

/// One of those who write when the server is killed.
#[derive(Default)]
struct Written {
    tried: Vec<String>,
    people: Vec<String>,
    keys: Vec<String>,
    /// The newest refresh token, and the one it came from.
    refresh: Vec<String>,
}

/// Signs people up, makes each a key, and refreshes their tokens, until the server is gone.
fn busy_client(port: u16, name: &str) -> Written {
    let mut written = Written::default();
    for number in 0.. {
        let person = format!("{name}x{number}");
        written.tried.push(person.clone());
        let Some((201, body)) = register(port, &person) else { return written };
        written.people.push(person);
        let Some((201, made)) = request(port, "POST", "/v1/api-keys", &bearer(&body), r#"{"name":"Kept"}"#) else {
            return written;
        };
        written.keys.push(field(&made, "key"));
        let mut token = field(&body, "refreshToken");
        for _ in 0..3 {
            written.refresh.push(token.clone());
            let body = format!(r#"{{"refreshToken":"{token}"}}"#);
            let Some((200, pair)) = request(port, "POST", "/v1/auth/refresh", "", &body) else { return written };
            written.refresh.pop();
            token = field(&pair, "refreshToken");
        }
        written.refresh.push(token);
    }
    written
}

fn assert_whole(port: u16, written: &Written) {
    for name in &written.tried {
        let body = format!(r#"{{"email":"{name}@example.org","password":"plum river candle"}}"#);
        let (status, view) = request(port, "POST", "/v1/auth/login", "", &body).expect("an answer");
        if status != 200 {
            assert!(status == 401 && !written.people.contains(name), "{name}: {status} {view}");
            continue;
        }
        let view: serde_json::Value = serde_json::from_str(&view).expect("json");
        assert!(view["organization"]["role"] == "OWNER" && view["user"]["membershipActive"] == true, "{name}: {view}");
    }
    for key in &written.keys {
        let status =
            request(port, "GET", "/v1/auth/verify", &format!("x-api-key: {key}\r\n"), "").expect("an answer").0;
        assert_eq!(status, 200, "the key was acknowledged");
    }
    for token in &written.refresh {
        let body = format!(r#"{{"refreshToken":"{token}"}}"#);
        let (status, said) = request(port, "POST", "/v1/auth/refresh", "", &body).expect("an answer");
        // One that was being exchanged in that moment may be repeated: its pair is the same.
        assert_eq!(status, 200, "the newest refresh token works: {said}");
    }
}

#[test]
fn killed_at_any_moment_while_eight_write_it_keeps_what_it_acknowledged_and_nothing_by_halves() {
    let folder = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    let mut round = 0;
    while round < 2 || (round < 6 && began.elapsed() < Duration::from_secs(12)) {
        let mut server = start(Path::new(BINARY), folder.path());
        let port = server.port;
        let clients: Vec<_> = (0..8)
            .map(|client| std::thread::spawn(move || busy_client(port, &format!("round{round}x{client}"))))
            .collect();
        std::thread::sleep(Duration::from_millis(230 + 170 * round));
        server.child.kill().expect("killed");
        let written: Vec<_> = clients.into_iter().map(|client| client.join().expect("ran")).collect();
        drop(server);
        assert!(written.iter().any(|written| !written.people.is_empty()), "something was written before the kill");
        let server = start(Path::new(BINARY), folder.path());
        for written in &written {
            assert_whole(server.port, written);
        }
        let (output, said) = run(quiet(Path::new(BINARY), folder.path()).args(["audit", "verify"]));
        assert!(output.status.success() && said.contains("untouched"), "{said}");
        round += 1;
    }
}
