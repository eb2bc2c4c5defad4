//! Many connections that do nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::serving::{request, start_with};

/// Memory in KiB.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_others_are_served() {
    let limit = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).expect("raised");
    let room = limit.map_or(usize::MAX, |limit| usize::try_from(limit).expect("fits"));
    let many = room.saturating_sub(1000).min(10_000);
    let folder = tempfile::tempdir().expect("a folder");
    let server = start_with(folder.path(), |command| {
        command.env("LATCHKEY_HEADER_TIMEOUT", "120");
    });
    let before = memory(server.child.id());
    let idle: Vec<_> = (0..many)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("connected");
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
            stream.read_exact(&mut [0]).expect("answered");
            stream
        })
        .collect();
    let each = (memory(server.child.id()) - before) / many as u64;
    println!("{many} idle connections: {each} KiB each");
    assert!(each < 64, "{each} KiB for an idle connection");
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(request(server.port, "GET", "/readyz", "", "").expect("an answer").0, 200);
        assert!(began.elapsed() < Duration::from_secs(1));
    }
    drop(idle);
}
