//! Limits on size and time (C12): bodies, heads, depth, slow clients.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use axum::body::Body;
use serde_json::json;

use crate::support::{App, on_both_engines};

async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await;
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c12_heads_that_are_too_large_are_refused() {
    let mut app = App::on_sqlite(&[]).await;
    let address = app.listen();
    for length in [64 * 1024, 400 * 1024] {
        let request = format!(
            "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-padding: {}\r\n\r\n",
            "a".repeat(length)
        );
        let answer = ask(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c12_slow_clients_do_not_keep_others_waiting() {
    let mut app = App::on_sqlite(&["--header-timeout=1"]).await;
    let address = app.listen();
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await.expect("sent");
        slow.push(stream);
    }
    let began = Instant::now();
    let answer = ask(address, "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(2));
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), slow[0].read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "a slow client is cut off");
}

/// Sends what a client that never ends would send; whether and how it was answered before all of it was sent.
async fn pours(address: std::net::SocketAddr, head: &str, megabytes: usize) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, " ".repeat(64 * 1024));
    for _ in 0..megabytes * 16 {
        let plain = head.contains("content-length");
        let part = if plain { &chunk.as_bytes()[7..7 + 64 * 1024] } else { chunk.as_bytes() };
        if stream.write_all(part).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await;
    let length = read.expect("in time").unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c12_ten_megabytes_are_not_read() {
    let mut app = App::on_sqlite(&[]).await;
    let address = app.listen();
    for length in ["content-length: 10485760", "transfer-encoding: chunked"] {
        let head =
            format!("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{length}\r\n\r\n");
        let answer = pours(address, &head, 10).await;
        // A server that has answered closes the line; what it said may be lost with what was still being sent.
        assert!(answer.starts_with("HTTP/1.1 413") || answer.is_empty(), "{length}: {answer}");
    }
    let head = "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 10485760\r\n\r\n";
    assert!(ask(address, head).await.starts_with("HTTP/1.1 413"), "it is told at once, before anything was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c12_a_body_that_does_not_come_is_not_waited_for() {
    let mut app = App::on_sqlite(&["--request-timeout=1"]).await;
    let address = app.listen();
    let head = "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{";
    let (slow, began) = (tokio::spawn(async move { ask(address, head).await }), Instant::now());
    let quick = ask(address, "GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(quick.starts_with("HTTP/1.1 200"), "{quick}");
    let answer = slow.await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 503") && began.elapsed() < Duration::from_secs(5), "{answer}");
}

on_both_engines! {
    async fn c12_what_is_too_large_or_too_deep_goes_no_further(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let large = json!({"name": "a".repeat(65 * 1024)});
        ada.post("/v1/auth/update-profile", large.clone()).await.assert_refused(413, "payload_too_large");
        let length = large.to_string().len().to_string();
        ada.with_header("content-length", &length).post("/v1/auth/update-profile", large).await.assert_refused(413, "payload_too_large");
        ada.with_header("x-padding", &"a".repeat(17 * 1024)).get("/v1/auth/me").await.assert_refused(431, "headers_too_large");
        let almost = json!({"name": "a".repeat(63 * 1024)});
        ada.post("/v1/auth/update-profile", almost).await.assert_refused(400, "validation_failed");
        let huge = "a".repeat(70 * 1024);
        let deep = [("[", "]"), ("{\"a\":", "}")].map(|(open, close)| format!("{}1{}", open.repeat(10_000), close.repeat(10_000)));
        for operation in app.operations().await.iter().filter(|operation| !operation.kinds.is_empty()) {
            let kind = Some("application/json");
            let path = operation.at("x");
            let answer = ada.send(&operation.method, &path, kind, Body::from(huge.clone())).await;
            assert!([413, 419].contains(&answer.status.as_u16()), "{}: {answer:?}", operation.name());
            for deep in &deep {
                let answer = ada.send(&operation.method, &path, kind, Body::from(deep.clone())).await;
                assert!([400, 413, 419, 422].contains(&answer.status.as_u16()), "{}: {answer:?}", operation.name());
            }
        }
        ada.get(&format!("/v1/api-keys?search={}", "a".repeat(17 * 1024))).await.assert_refused(431, "headers_too_large");
    }
}
