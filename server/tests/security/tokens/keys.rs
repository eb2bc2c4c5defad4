//! The keys that sign: strong, made here, rotated, and read by others (J05, J06).

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use latchkey_server::Application;
use latchkey_server::cli::read_config;
use serde_json::{Value, json};

use crate::support::{App, PASSWORD, on_both_engines, pem};

const PRIVATE: [&str; 8] = ["d", "p", "q", "k", "dp", "dq", "qi", "oth"];

/// Why a server with these settings does not start.
async fn refusal(folder: &Path, option: &str) -> String {
    let data = format!("--data-dir={}", folder.display());
    let config = read_config(&[&data, "--listen=127.0.0.1:0", option]).expect("settings");
    let built = Application::build(&config).await;
    built.err().unwrap_or_else(|| panic!("it starts with {option}"))
}

fn rsa(size: KeySize) -> String {
    let key = RsaKeyPair::generate(size).and_then(|pair| pair.as_der()).expect("a key");
    pem(key.as_ref())
}

#[tokio::test]
async fn j05_a_weak_secret_or_key_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let weak = [
        "changeme",
        "",
        "c2hvcnQ=",
        &"00".repeat(32),
        &"ab".repeat(16),
        &"q".repeat(43),
        "00112233445566778899aabbccddeeff",
    ];
    for secret in weak {
        let said = refusal(folder.path(), &format!("--master-key={secret}")).await;
        assert!(said.contains("master key must be 32 random bytes"), "{secret}: {said}");
    }
    let open = folder.path().join("open.key");
    std::fs::write(&open, "q".repeat(64)).expect("written");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).expect("opened");
    let said = refusal(folder.path(), &format!("--master-key-file={}", open.display())).await;
    assert!(said.contains("may be read by others"), "{said}");
    let key = folder.path().join("signing.pem");
    let option = format!("--signing-key-file={}", key.display());
    for weak in [String::new(), "secret".to_owned(), pem(b"too short"), rsa(KeySize::Rsa2048)] {
        std::fs::write(&key, &weak).expect("written");
        let said = refusal(folder.path(), &option).await;
        assert!(said.contains("signing key"), "{said}");
    }
    std::fs::write(&key, rsa(KeySize::Rsa3072)).expect("written");
    let data = format!("--data-dir={}", folder.path().display());
    let config = read_config(&[&data, "--listen=127.0.0.1:0", &option]).expect("settings");
    assert!(Application::build(&config).await.is_ok(), "one of 3072 bits is strong enough");
}

#[tokio::test]
async fn j05_two_installations_have_nothing_in_common() {
    let names = async || {
        let app = App::on_sqlite(&[]).await;
        let keys = app.stranger().get("/.well-known/jwks.json").await.json();
        let path = &app.latchkey().settings().storage.master_key_file;
        let mode = std::fs::metadata(path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "nobody else reads the master key");
        (keys["keys"][0]["kid"].to_string(), std::fs::read_to_string(path).expect("a key"))
    };
    let (one, other) = (names().await, names().await);
    assert!(one.0 != other.0 && one.1 != other.1);
}

/// Whether a token verifies with these keys; two libraries that have nothing in common must agree.
fn verifies(keys: &Value, token: &str) -> bool {
    let here = here(keys, token);
    let mut node = Command::new("node")
        .args(["--input-type=module", "--eval", include_str!("verify.mjs")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    let asked = json!({"keys": keys["keys"], "token": token}).to_string();
    node.stdin.take().expect("a pipe").write_all(asked.as_bytes()).expect("asked");
    let said = node.wait_with_output().expect("answered");
    let there = match String::from_utf8_lossy(&said.stdout).trim() {
        "true" => true,
        "false" => false,
        other => panic!("{other}"),
    };
    assert_eq!(here, there, "jsonwebtoken and Node's crypto agree");
    there
}

fn here(keys: &Value, token: &str) -> bool {
    let header = jsonwebtoken::decode_header(token).expect("a header");
    let known = keys["keys"].as_array().expect("keys").iter().find(|key| key["kid"].as_str() == header.kid.as_deref());
    let Some(known) = known else { return false };
    let key = DecodingKey::from_jwk(&serde_json::from_value(known.clone()).expect("a key")).expect("a key");
    let mut validation = Validation::new(header.alg);
    // The clock of the test is not that of the library.
    (validation.validate_exp, validation.validate_aud) = (false, false);
    jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
}

async fn published(app: &App) -> Value {
    app.latchkey().keep_signing_keys().await.expect("kept");
    let keys = app.stranger().get("/.well-known/jwks.json").await.assert_status(200).json();
    for key in keys["keys"].as_array().expect("keys") {
        assert!(PRIVATE.iter().all(|name| key.get(name).is_none()), "{key}");
        assert_eq!(key["use"], "sig");
    }
    keys
}

async fn token(app: &App) -> String {
    let login = json!({"email": "ada@example.org", "password": PASSWORD});
    let answer = app.stranger().post("/v1/auth/login", login).await.assert_status(200).json();
    answer["accessToken"].as_str().expect("a token").to_owned()
}

async fn rotates(app: &App) {
    const DAY: u64 = 86_400;
    app.register("ada").await;
    let later = |seconds| app.later(Duration::from_secs(seconds));
    let is_good = async |token: &str| app.stranger().with_bearer(token).get("/v1/auth/me").await.status == 200;
    later(88 * DAY);
    let both = published(app).await;
    assert_eq!(both["keys"].as_array().map(Vec::len), Some(2), "the next one is published before it signs");
    later(2 * DAY - 60);
    let old = token(app).await;
    later(60);
    let new = token(app).await;
    let kid = |token: &str| jsonwebtoken::decode_header(token).expect("a header").kid;
    assert_ne!(kid(&old), kid(&new));
    for token in [&old, &new] {
        assert!(verifies(&both, token) && verifies(&published(app).await, token) && is_good(token).await);
        let (message, _) = token.rsplit_once('.').expect("parts");
        let forged = format!("{message}.{}", super::encoded([7; 64]));
        assert!(!here(&both, &forged));
    }
    later(DAY - 61);
    assert!(is_good(&old).await && verifies(&published(app).await, &old), "until its last token has expired");
    later(3 * 60);
    let left = published(app).await;
    assert!(!verifies(&left, &old) && !is_good(&old).await, "then it is withdrawn");
    assert!(verifies(&left, &token(app).await));
}

on_both_engines! {
    async fn j06_rotation_keeps_old_tokens_until_they_expire_and_no_longer(app) {
        let eve = app.register("eve").await;
        assert_eq!(jsonwebtoken::decode_header(&eve.tokens.access).expect("a header").alg, Algorithm::ES256);
        rotates(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j06_so_it_is_with_every_algorithm() {
    for (option, algorithm) in
        [("--signing-algorithm=eddsa", Algorithm::EdDSA), ("--signing-algorithm=rs256", Algorithm::RS256)]
    {
        let app = App::on_sqlite(&[option]).await;
        let eve = app.register("eve").await;
        assert_eq!(jsonwebtoken::decode_header(&eve.tokens.access).expect("a header").alg, algorithm);
        rotates(&app).await;
    }
}
