//! Below HTTP's meaning: sockets, clients that stand still, more of them than there may be.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::App;

async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await;
    answer
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

async fn assert_others_are_served(address: std::net::SocketAddr) {
    let began = Instant::now();
    let answer = ask(address, HEALTH).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

/// Whether the other end closes within five seconds; what it said before.
async fn ending(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is ended");
    String::from_utf8_lossy(&rest).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_stand_still_do_not_keep_others_waiting_and_are_ended() {
    let mut app = App::on_sqlite(&["--stall-timeout=1", "--rate-limits=relaxed"]).await;
    let address = app.listen();
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let head =
            "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.expect("sent");
        slow.push(stream);
    }
    assert_others_are_served(address).await;
    for stream in &mut slow {
        let answer = ending(stream).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_rests_too_long_is_ended() {
    let mut app = App::on_sqlite(&["--header-timeout=1"]).await;
    let address = app.listen();
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    assert_eq!(ending(&mut stream).await.matches("HTTP/1.1").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_are_given_up() {
    let mut app = App::on_sqlite(&["--stall-timeout=1"]).await;
    let address = app.listen();
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let asked = 400;
    let asking = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(asked);
    stream.write_all(asking.as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let answered = ending(&mut stream).await.matches("HTTP/1.1 200").count();
    assert!(answered < asked, "{answered} of {asked}");
    assert_others_are_served(address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_bound_connections_are_closed_at_once_until_there_is_room() {
    let mut app = App::on_sqlite(&["--max-connections=5"]).await;
    let address = app.listen();
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        stream.read_u8().await.expect("answered");
        held.push(stream);
    }
    let began = Instant::now();
    assert_eq!(ask(address, "").await, "", "closed without a word");
    assert!(began.elapsed() < Duration::from_secs(1));
    held.pop();
    while !ask(address, HEALTH).await.starts_with("HTTP/1.1 200") {
        assert!(began.elapsed() < Duration::from_secs(5), "there is room");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_without_end_is_malformed() {
    let mut app = App::on_sqlite(&[]).await;
    let address = app.listen();
    let body = format!("{}{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let body = &body[..body.len().min(60 * 1024)];
    let length = body.len();
    let head = "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let answer = ask(address, &format!("{head}content-length: {length}\r\n\r\n{body}")).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("malformed_body"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_large_bodies_is_refused_unread() {
    let mut app = App::on_sqlite(&[]).await;
    let address = app.listen();
    let head = "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n";
    for _ in 0..50 {
        let answer = ask(address, &format!("{head}content-length: 10485760\r\n\r\n{{")).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
    assert_others_are_served(address).await;
}
