//! Keys exchanged beside a running server.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::serving::{BINARY, command, field, register, request, run, start, start_with};

fn rotate(folder: &Path, words: &[&str], set: impl FnOnce(&mut Command)) -> (bool, String) {
    let mut command = command(Path::new(BINARY), folder);
    set(&mut command);
    let (output, said) = run(command.args(["keys", "rotate"]).args(words));
    (output.status.success(), said)
}

fn kids(port: u16) -> Vec<String> {
    let (_, body) = request(port, "GET", "/.well-known/jwks.json", "", "").expect("an answer");
    let keys: serde_json::Value = serde_json::from_str(&body).expect("json");
    keys["keys"].as_array().expect("keys").iter().map(|key| key["kid"].as_str().expect("a name").to_owned()).collect()
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(15), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn verify(port: u16, access: &str) -> u16 {
    let bearer = format!("authorization: Bearer {access}\r\n");
    request(port, "GET", "/v1/auth/verify", &bearer, "").expect("an answer").0
}

fn refresh(port: u16, token: &str) -> String {
    let body = format!(r#"{{"refreshToken":"{token}"}}"#);
    let (status, body) = request(port, "POST", "/v1/auth/refresh", "", &body).expect("an answer");
    assert_eq!(status, 200, "{body}");
    body
}

#[test]
fn a_new_signing_key_is_picked_up_and_nobody_is_signed_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(Path::new(BINARY), folder.path());
    let port = server.port;
    let (_, ada) = register(port, "ada").expect("registered");
    let (first, old) = (kids(port), field(&ada, "accessToken"));
    let (well, said) = rotate(folder.path(), &[], |_| ());
    assert!(well && said.contains("is published, and signs from"), "{said}");
    wait_until("the next key is published", || kids(port).len() == 2);
    assert!(kids(port).contains(&first[0]));
    let (_, said) = rotate(folder.path(), &["signing"], |_| ());
    assert!(said.contains("published already"), "{said}");

    let planned = kids(port);
    assert!(rotate(folder.path(), &["signing", "--now"], |_| ()).0);
    wait_until("the new key is published", || kids(port) != planned);
    assert_eq!(verify(port, &old), 200);
    std::thread::sleep(Duration::from_secs(5));
    let pair = refresh(port, &field(&ada, "refreshToken"));
    let new = field(&pair, "accessToken");
    assert_eq!((verify(port, &new), kids(port).len()), (200, 2));
    assert_ne!(new.split('.').next(), old.split('.').next(), "another key signed");

    assert!(!rotate(folder.path(), &["--withdraw-old"], |_| ()).0, "only together with --now");
    assert!(rotate(folder.path(), &["--now", "--withdraw-old"], |_| ()).0);
    wait_until("former tokens end", || verify(port, &new) == 401);
    assert_eq!(kids(port).len(), 1);
    let pair = refresh(port, &field(&pair, "refreshToken"));
    assert_eq!(verify(port, &field(&pair, "accessToken")), 200, "the session goes on");
}

#[test]
fn a_signing_key_from_a_file_is_not_exchanged() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("signing.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
        .arg(&file)
        .output()
        .expect("runs");
    assert!(made.status.success());
    let (well, said) = rotate(folder.path(), &["--now"], |command| {
        command.env("LATCHKEY_SIGNING_KEY_FILE", &file);
    });
    assert!(!well && said.contains("put another key there"), "{said}");
}

#[test]
fn a_master_key_is_exchanged_while_the_server_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = start(Path::new(BINARY), folder.path());
    let (_, ada) = register(server.port, "ada").expect("registered");
    let former = std::fs::read_to_string(data.join("master.key")).expect("a key");
    let (well, said) = rotate(folder.path(), &["master"], |_| ());
    assert!(well && said.contains("master.key.previous"), "{said}");
    assert_eq!(std::fs::read_to_string(data.join("master.key.previous")).expect("kept"), former);
    assert_ne!(std::fs::read_to_string(data.join("master.key")).expect("a key"), former);
    for file in ["master.key", "master.key.previous"] {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(data.join(file)).expect("there").permissions());
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(register(server.port, "grace").expect("an answer").0, 201, "the server goes on");
    let pair = refresh(server.port, &field(&ada, "refreshToken"));
    drop(server);
    let server = start(Path::new(BINARY), folder.path());
    assert_eq!(verify(server.port, &field(&pair, "accessToken")), 200, "and after a start nobody is signed out");
    drop(server);
    let (well, said) = rotate(folder.path(), &["signing"], |command| {
        command.env("LATCHKEY_MASTER_KEY", former.trim());
    });
    assert!(!well && said.contains("another master key"), "{said}");
    std::fs::write(data.join("master.key"), &former).expect("written");
    let (output, said) = run(command(Path::new(BINARY), folder.path()).arg("serve"));
    assert!(!output.status.success() && said.contains("another master key"), "{said}");
    let (_, said) = run(command(Path::new(BINARY), folder.path()).arg("doctor").env("LATCHKEY_LISTEN", "127.0.0.1:0"));
    assert!(said.contains("another master key"), "{said}");
}

#[test]
fn a_master_key_from_the_environment_is_shown_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let former = "bHVDSm9XbUE4c0x0cVlRdk5rUjJ4ZUgzYkZwVHlHMWk=".to_owned();
    let with = |key: String| {
        move |command: &mut Command| {
            command.env("LATCHKEY_MASTER_KEY", key);
        }
    };
    drop(start_with(folder.path(), with(former.clone())));
    let (well, said) = rotate(folder.path(), &["master"], with(former.clone()));
    assert!(well, "{said}");
    let new =
        said.lines().map(str::trim).find(|line| line.len() == 44 && line.ends_with('=')).expect("a key").to_owned();
    assert!(!rotate(folder.path(), &["master"], with(former)).0, "the former one opens nothing");
    drop(start_with(folder.path(), with(new)));
    assert!(!folder.path().join("data/master.key").exists());
}
