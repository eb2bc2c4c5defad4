//! Servers that are started as an operator starts them, and what is asked of them by hand.

#![allow(dead_code, reason = "shared with tests/nodes, which needs a part of it")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const BINARY: &str = env!("CARGO_BIN_EXE_latchkey");

pub struct Server {
    pub child: Child,
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(folder).env_clear();
    command.env("LATCHKEY_DATA_DIR", folder.join("data"));
    command
        // Tests that look at metrics say where; the usual address is for one server only.
        .env("LATCHKEY_METRICS_LISTEN", "")
        .env("LATCHKEY_RATE_LIMITS", "relaxed")
        .env("LATCHKEY_HASH_MEMORY", "64")
        .env("LATCHKEY_HASH_ITERATIONS", "1");
    command
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port()
}

pub fn quiet(binary: &Path, folder: &Path) -> Command {
    let mut command = command(binary, folder);
    command.env("LATCHKEY_LOG", "error").stderr(Stdio::null());
    command
}

pub fn start(binary: &Path, folder: &Path) -> Server {
    launch(quiet(binary, folder))
}

/// The same with further settings.
pub fn start_with(folder: &Path, set: impl FnOnce(&mut Command)) -> Server {
    let mut command = quiet(Path::new(BINARY), folder);
    set(&mut command);
    launch(command)
}

pub fn launch(command: Command) -> Server {
    let server = launching(command);
    wait_until_ready(server.port);
    server
}

/// A server that is starting.
pub fn launching(mut command: Command) -> Server {
    let port = free_port();
    let child = command
        .arg("serve")
        .env("LATCHKEY_LISTEN", format!("127.0.0.1:{port}"))
        // The same at every start: it is the issuer of tokens that outlive a restart.
        .env("LATCHKEY_PUBLIC_URL", "http://localhost:3000")
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    Server { child, port }
}

pub fn wait_until_ready(port: u16) {
    let began = Instant::now();
    while request(port, "GET", "/readyz", "", "").is_none_or(|(status, _)| status != 200) {
        assert!(began.elapsed() < Duration::from_secs(30), "the server does not get ready");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One request by hand; `None` when the server went away meanwhile.
pub fn request(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Option<(u16, String)> {
    exchange(port, method, path, headers, body).map(|(status, _, body)| (status, body))
}

/// The same with the head of the answer.
pub fn exchange(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n");
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    stream.write_all(format!("{head}{kind}{headers}\r\n{body}").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((status, head.to_owned(), body.to_owned()))
}

pub fn register(port: u16, name: &str) -> Option<(u16, String)> {
    let body = format!(r#"{{"email":"{name}@example.org","password":"plum river candle","name":"{name}"}}"#);
    request(port, "POST", "/v1/auth/register", "", &body)
}

pub fn sign_in(port: u16, name: &str) -> u16 {
    let body = format!(r#"{{"email":"{name}@example.org","password":"plum river candle"}}"#);
    request(port, "POST", "/v1/auth/login", "", &body).expect("an answer").0
}

pub fn field(body: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(body).expect("json");
    value[name].as_str().expect("a text").to_owned()
}

pub fn run(command: &mut Command) -> (Output, String) {
    let output = command.output().expect("runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}
