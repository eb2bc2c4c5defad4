//! Below HTTP's meaning: sockets, slow clients, heads that are too large.

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_are_too_large_are_refused() {
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
async fn slow_clients_do_not_keep_others_waiting() {
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
