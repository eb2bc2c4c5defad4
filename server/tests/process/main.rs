//! The binary as an operator meets it: started, killed, copied, misconfigured.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

mod backup;
mod crowd;
mod faults;
mod handoff;
mod keys;
mod mail;
mod metrics;
mod post_office;
mod proxy;
mod serving;

use serving::*;

#[test]
fn killed_in_the_middle_of_writes_it_has_lost_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..3 {
        let mut server = start(Path::new(BINARY), folder.path());
        let port = server.port;
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                std::thread::spawn(move || {
                    let mut acknowledged = Vec::new();
                    for number in 0.. {
                        let name = format!("person{round}x{writer}x{number}");
                        match register(port, &name) {
                            Some((201, _)) => acknowledged.push(name),
                            _ => return acknowledged,
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(700));
        server.child.kill().expect("killed");
        let acknowledged: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().expect("ran")).collect();
        assert!(!acknowledged.is_empty(), "something was written before the kill");
        drop(server);
        let server = start(Path::new(BINARY), folder.path());
        for name in acknowledged {
            assert_eq!(sign_in(server.port, &name), 200, "{name} was acknowledged");
        }
    }
}

#[test]
fn the_one_file_works_from_another_folder() {
    let folder = tempfile::tempdir().expect("a folder with a space").keep().join("a new home");
    std::fs::create_dir_all(&folder).expect("made");
    let copy = folder.join("latchkey");
    std::fs::copy(BINARY, &copy).expect("copied");
    let server = start(&copy, &folder);
    let (status, page) = request(server.port, "GET", "/login", "accept: text/html\r\n", "").expect("an answer");
    assert_eq!(status, 200);
    assert!(page.contains("<form"), "{page}");
    drop(server);
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn usage_counted_in_memory_is_written_when_the_server_is_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(Path::new(BINARY), folder.path());
    let (_, body) = register(server.port, "ada").expect("registered");
    let bearer = format!("authorization: Bearer {}\r\n", field(&body, "accessToken"));
    let (status, made) =
        request(server.port, "POST", "/v1/api-keys", &bearer, r#"{"name":"Counted"}"#).expect("an answer");
    assert_eq!(status, 201, "{made}");
    let (key, id) = (field(&made, "key"), field(&made, "id"));
    for _ in 0..5 {
        let header = format!("x-api-key: {key}\r\n");
        assert_eq!(request(server.port, "GET", "/v1/auth/verify", &header, "").expect("an answer").0, 200);
    }
    let mut server = server;
    let stopped = Command::new("kill").arg(server.child.id().to_string()).status().expect("signalled");
    assert!(stopped.success());
    assert!(server.child.wait().expect("ended").success(), "a stopped server ends well");
    drop(server);
    let server = start(Path::new(BINARY), folder.path());
    let (_, seen) = request(server.port, "GET", &format!("/v1/api-keys/{id}"), &bearer, "").expect("an answer");
    let seen: serde_json::Value = serde_json::from_str(&seen).expect("json");
    assert_eq!(seen["usageCount"], 5);
}

#[test]
fn the_audit_log_is_proven_and_exported_beside_a_running_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(Path::new(BINARY), folder.path());
    let (_, body) = register(server.port, "ada").expect("registered");
    let view: serde_json::Value = serde_json::from_str(&body).expect("json");
    let organization = view["organization"]["id"].as_str().expect("an organization");
    let audit = |words: &[&str]| run(quiet(Path::new(BINARY), folder.path()).arg("audit").args(words));
    let (output, said) = audit(&["verify"]);
    assert!(output.status.success() && said.contains(organization) && said.contains("untouched"), "{said}");
    let (output, table) = audit(&["export", "--format", "csv", "--organization", organization]);
    assert!(
        output.status.success() && table.lines().next().is_some_and(|head| head.starts_with("position,id,")),
        "{table}"
    );
    assert!(table.contains("user.created") && table.contains("session.created"), "{table}");
    let (output, _) = audit(&["export", "--organization", "org_of_nobody"]);
    assert!(!output.status.success(), "a wrong id is not an empty log");
}

#[test]
fn an_unknown_setting_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (output, said) = run(command(Path::new(BINARY), folder.path()).arg("serve").env("LATCHKEY_LISTN", "x"));
    assert!(!output.status.success() && said.contains("LATCHKEY_LISTN"), "{said}");
    std::fs::write(folder.path().join("latchkey.toml"), "listn = \"127.0.0.1:1\"\n").expect("written");
    let (output, said) = run(command(Path::new(BINARY), folder.path()).arg("serve"));
    assert!(!output.status.success() && said.contains("listn"), "{said}");
}

#[test]
fn a_lost_master_key_stops_the_start_with_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(start(Path::new(BINARY), folder.path()));
    std::fs::remove_file(folder.path().join("data/master.key")).expect("lost");
    let (output, said) = run(command(Path::new(BINARY), folder.path()).arg("serve"));
    assert!(!output.status.success() && said.contains("master key"), "{said}");
    assert!(!folder.path().join("data/master.key").exists(), "no new key was made over the old data");
}

#[test]
fn a_landlord_is_made_from_the_command_line_and_can_sign_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = command(Path::new(BINARY), folder.path())
        .args(["landlord", "create", "--email", "landlord@example.org", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    child.stdin.take().expect("a pipe").write_all(b"plum river candle\n").expect("written");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let server = start(Path::new(BINARY), folder.path());
    assert_eq!(sign_in(server.port, "landlord"), 200);
}

#[test]
fn doctor_tells_good_from_bad_by_its_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port().to_string();
    let listen = format!("127.0.0.1:{port}");
    let (output, said) = run(command(Path::new(BINARY), folder.path()).arg("doctor").env("LATCHKEY_LISTEN", &listen));
    assert!(output.status.success(), "{said}");
    let bad = "postgres://nobody@127.0.0.1:1/none";
    let mut doctor = command(Path::new(BINARY), folder.path());
    let (output, said) = run(doctor.arg("doctor").env("LATCHKEY_LISTEN", &listen).env("LATCHKEY_DATABASE_URL", bad));
    assert!(!output.status.success(), "{said}");
}
