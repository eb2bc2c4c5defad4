//! Metrics have an address of their own, and never stand in the way of the server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::Connection as _;

use super::serving::{BINARY, Server, command, free_port, quiet, register, request, run, start_with, wait_until_ready};

#[test]
fn metrics_are_read_at_their_own_address_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let metrics = free_port();
    let server = start_with(folder.path(), |command| {
        command.env("LATCHKEY_METRICS_LISTEN", format!("127.0.0.1:{metrics}"));
    });
    register(server.port, "ada").expect("registered");
    let ask = |method: &str, path: &str| request(metrics, method, path, "", "").expect("an answer");
    let (status, text) = ask("GET", "/metrics");
    let counted = r#"latchkey_http_requests_total{method="POST",route="/v1/auth/register",status="201"} 1"#;
    assert!(status == 200 && text.contains(counted), "{text}");
    assert!(text.contains("\nlatchkey_database_up 1\n") && text.contains("\nprocess_resident_memory_bytes "), "{text}");
    assert_eq!(ask("HEAD", "/metrics"), (200, String::new()));
    assert_eq!((ask("POST", "/metrics").0, ask("DELETE", "/metrics").0), (405, 405));
    assert_eq!((ask("GET", "/").0, ask("GET", "/v1/auth/me").0), (404, 404));
    assert_eq!(request(server.port, "GET", "/metrics", "", "").expect("an answer").0, 404);
}

/// Breaks the database under a running server.
fn take_away_sessions(folder: &Path) {
    let url = format!("sqlite://{}/data/latchkey.db", folder.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&url).await.expect("connected");
        sqlx::query("ALTER TABLE sessions RENAME TO gone").execute(&mut connection).await.expect("renamed");
    });
}

#[test]
fn a_sign_in_a_refusal_and_a_fault_can_be_found_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let server = start_with(folder.path(), |command| {
        command.env("LATCHKEY_LOG", "info").stderr(std::fs::File::create(&log).expect("a file"));
    });
    let user = register(server.port, "ada").expect("registered").1;
    let user: serde_json::Value = serde_json::from_str(&user).expect("json");
    let login = |password: &str| {
        let body = format!(r#"{{"email":"ada@example.org","password":"{password}"}}"#);
        request(server.port, "POST", "/v1/auth/login", "", &body).expect("an answer").1
    };
    login("plum river candle");
    let refused = login("not hers at all");
    take_away_sessions(folder.path());
    let failed = login("plum river candle");
    drop(server);
    let lines = std::fs::read_to_string(&log).expect("a log");
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
    let said = |message: &'static str| lines.iter().filter(move |line| line["message"] == message);
    let signed_in = said("signed in").next().expect("a sign-in");
    assert_eq!((&signed_in["user"], &signed_in["amr"]), (&user["user"]["id"], &"pwd".into()));
    assert!(said("answered").any(|line| line["request_id"] == signed_in["request_id"] && line["status"] == 200));
    let refusal = said("answered").find(|line| line["code"] == "invalid_credentials").expect("a refusal");
    let (id, route) = (super::field(&refused, "requestId"), "/v1/auth/login");
    assert_eq!((refusal["request_id"].as_str(), refusal["route"].as_str()), (Some(id.as_str()), Some(route)));
    let fault = said("a request could not be answered").next().expect("a fault");
    assert_eq!(fault["request_id"].as_str(), Some(super::field(&failed, "requestId").as_str()));
    assert!(fault["causes"].as_str().is_some_and(|causes| causes.contains("no such table")), "{fault}");
    assert!(refusal["client"] == "127.0.0.1" && refusal["duration_us"].is_u64(), "{refusal}");
}

#[test]
fn open_connections_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let metrics = free_port();
    let server = start_with(folder.path(), |command| {
        command.env("LATCHKEY_METRICS_LISTEN", format!("127.0.0.1:{metrics}"));
    });
    let open: Vec<_> = (0..3).map(|_| TcpStream::connect(("127.0.0.1", server.port)).expect("connected")).collect();
    let levels = |level: usize| {
        let began = Instant::now();
        let line = format!("\nlatchkey_http_connections {level}\n");
        while !request(metrics, "GET", "/metrics", "", "").expect("an answer").1.contains(&line) {
            assert!(began.elapsed() < Duration::from_secs(10), "never {level} connections");
        }
    };
    levels(3);
    drop(open);
    levels(0);
}

#[test]
fn who_dawdles_there_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let metrics = free_port();
    let _server = start_with(folder.path(), |command| {
        command.env("LATCHKEY_METRICS_LISTEN", format!("127.0.0.1:{metrics}"));
    });
    let mut slow = TcpStream::connect(("127.0.0.1", metrics)).expect("connected");
    slow.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    slow.write_all(b"GET /metrics HTTP/1.1\r\nhost:").expect("written");
    assert_eq!(request(metrics, "GET", "/metrics", "", "").expect("an answer").0, 200);
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).expect("closed by the server");
    assert!(!String::from_utf8_lossy(&rest).contains("latchkey_"));
}

#[test]
fn a_chosen_address_must_be_free_and_the_usual_one_need_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let chosen = taken.local_addr().expect("bound").to_string();
    let serve = |name: &str| {
        let mut command = command(Path::new(BINARY), folder.path());
        command.arg(name).env("LATCHKEY_LISTEN", format!("127.0.0.1:{}", free_port()));
        command.env("LATCHKEY_METRICS_LISTEN", &chosen);
        run(&mut command)
    };
    let (output, said) = serve("serve");
    assert!(!output.status.success() && said.contains(&chosen) && said.contains("metrics"), "{said}");
    let (output, said) = serve("doctor");
    assert!(!output.status.success() && said.contains("FAIL  metrics"), "{said}");
    // Held here, or by whoever was faster: either way it is taken.
    let _usual = TcpListener::bind("127.0.0.1:9464");
    let usual = start_with(folder.path(), |command| {
        command.env_remove("LATCHKEY_METRICS_LISTEN");
    });
    assert_eq!(request(usual.port, "GET", "/healthz", "", "").expect("an answer").0, 200);
    let mut doctor = command(Path::new(BINARY), folder.path());
    doctor.arg("doctor").env("LATCHKEY_LISTEN", format!("127.0.0.1:{}", usual.port));
    let (output, said) = run(doctor.env_remove("LATCHKEY_METRICS_LISTEN"));
    assert!(output.status.success() && said.contains("ok    metrics"), "{said}");
    let (_, said) = run(doctor.env("LATCHKEY_METRICS_LISTEN", ""));
    assert!(said.contains("ok    metrics      switched off"), "{said}");
}

#[test]
fn the_terminal_says_where_metrics_are_when_any_port_will_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let mut serve = quiet(Path::new(BINARY), folder.path());
    serve
        .arg("serve")
        .env("LATCHKEY_LISTEN", format!("127.0.0.1:{port}"))
        .env("LATCHKEY_METRICS_LISTEN", "127.0.0.1:0");
    let child = serve.stdout(Stdio::piped()).spawn().expect("starts");
    let mut server = Server { child, port };
    wait_until_ready(port);
    let lines = BufReader::new(server.child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let found = lines.take(5).find_map(|line| {
        let address = line.strip_prefix("Metrics are at http://127.0.0.1:")?;
        address.strip_suffix("/metrics.")?.parse::<u16>().ok()
    });
    let (status, text) = request(found.expect("a port"), "GET", "/metrics", "", "").expect("an answer");
    assert!(status == 200 && text.contains("latchkey_build_info"), "{text}");
}
