//! Backups made beside a running server, and what becomes of them elsewhere.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{AnyConnection, Connection as _, Executor as _};
use totp_rs::{Builder, Secret};

use super::serving::{BINARY, command, exchange, field, quiet, register, request, run, sign_in, start_with};

/// A folder with a database of its own.
struct Home {
    folder: tempfile::TempDir,
    database: String,
}

impl Home {
    /// With SQLite, and with PostgreSQL where there is one.
    fn of_each_kind() -> Vec<Self> {
        let folder = || tempfile::tempdir().expect("a folder");
        let (first, second) = (folder(), folder());
        let file = format!("sqlite:{}", first.path().join("data/latchkey.db").display());
        let mut homes = vec![Self { folder: first, database: file }];
        homes.extend(postgres_database().map(|database| Self { folder: second, database }));
        homes
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn set(&self, command: &mut Command) {
        command.env("LATCHKEY_DATABASE_URL", &self.database);
    }

    /// What a command says, and whether it went well.
    fn says(&self, words: &[&str]) -> (bool, String) {
        let mut command = command(Path::new(BINARY), self.folder.path());
        self.set(&mut command);
        let (output, said) = run(command.args(words));
        (output.status.success(), said)
    }

    fn well(&self, words: &[&str]) -> String {
        let (well, said) = self.says(words);
        assert!(well, "{words:?}: {said}");
        said
    }

    fn refused(&self, words: &[&str], why: &str) {
        let (well, said) = self.says(words);
        assert!(!well && said.contains(why), "{words:?}: {said}");
    }

    /// Brings the master key of another home here.
    fn take_key(&self, from: &Self) {
        std::fs::create_dir_all(self.path("data")).expect("made");
        std::fs::copy(from.path("data/master.key"), self.path("data/master.key")).expect("copied");
    }

    fn serve(&self) -> super::Server {
        start_with(self.folder.path(), |command| self.set(command))
    }
}

fn postgres_database() -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let Ok(server) = std::env::var("LATCHKEY_TEST_POSTGRES_URL") else {
        let enough = std::env::var("LATCHKEY_TEST_ENGINES").is_ok_and(|engines| engines == "sqlite");
        assert!(enough, "run the tests through tools/with-postgres, or set LATCHKEY_TEST_ENGINES=sqlite");
        return None;
    };
    let name = format!("latchkey_process_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&server).await.expect("the server can be reached");
        let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(statement).await.expect("made");
    });
    Some(format!("{}/{name}", server.rsplit_once('/').expect("the address names a database").0))
}

fn text(path: &Path) -> String {
    path.to_str().expect("text").to_owned()
}

#[test]
fn a_backup_made_while_two_hundred_people_sign_up_has_all_who_had_by_then() {
    for home in Home::of_each_kind() {
        let server = home.serve();
        let port = server.port;
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let acknowledged = Arc::clone(&acknowledged);
                std::thread::spawn(move || {
                    for number in 0..50 {
                        let name = format!("person{writer}x{number}");
                        assert_eq!(register(port, &name).expect("an answer").0, 201);
                        acknowledged.lock().expect("no panic").push(name);
                    }
                })
            })
            .collect();
        while acknowledged.lock().expect("no panic").len() < 40 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let before = acknowledged.lock().expect("no panic").clone();
        let file = text(&home.path("all.backup"));
        home.well(&["backup", &file]);
        assert!(acknowledged.lock().expect("no panic").len() < 200, "people still sign up");
        for writer in writers {
            writer.join().expect("ran");
        }
        drop(server);
        for other in Home::of_each_kind() {
            other.take_key(&home);
            let said = other.well(&["restore", &file]);
            assert!(said.contains("The audit log is untouched"), "{said}");
            other.well(&["audit", "verify"]);
            let server = other.serve();
            for name in &before {
                assert_eq!(sign_in(server.port, name), 200, "{name} had signed up before the backup began");
            }
        }
    }
}

/// A person and all they can come with.
struct Person {
    cookie: String,
    access: String,
    key: String,
    secret: String,
}

fn furnished(port: u16) -> Person {
    let body = r#"{"email":"ada@example.org","password":"plum river candle","name":"ada"}"#;
    let json = "content-type: application/json\r\n";
    let page = format!("{json}sec-fetch-site: same-origin\r\n");
    let (status, head, body) = exchange(port, "POST", "/v1/auth/register", &page, body).expect("an answer");
    assert_eq!(status, 201, "{body}");
    let cookie = head.split("__Host-latchkey=").nth(1).and_then(|rest| rest.split(';').next()).expect("a cookie");
    let bearer = format!("authorization: Bearer {}\r\n", field(&body, "accessToken"));
    let (_, made) = request(port, "POST", "/v1/api-keys", &bearer, r#"{"name":"Kept"}"#).expect("an answer");
    let (_, begun) = request(port, "POST", "/v1/auth/2fa/setup", &bearer, "").expect("an answer");
    let secret = field(&begun, "secret");
    let code = format!(r#"{{"code":"{}"}}"#, shown(&secret, 0));
    let (status, on) = request(port, "POST", "/v1/auth/2fa/verify-setup", &bearer, &code).expect("an answer");
    assert_eq!(status, 200, "{on}");
    Person { cookie: cookie.to_owned(), access: field(&on, "accessToken"), key: field(&made, "key"), secret }
}

/// What the phone shows so many steps from now.
fn shown(secret: &str, steps: u64) -> String {
    let secret = Secret::try_from_base32(secret).expect("base32");
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    Builder::new().with_secret(secret).build().expect("a secret").generate(now + steps * 30).to_string()
}

#[test]
fn after_a_restore_cookie_token_key_and_phone_are_as_good_as_before() {
    for home in Home::of_each_kind() {
        let server = home.serve();
        let ada = furnished(server.port);
        let file = text(&home.path("all.backup"));
        home.well(&["backup", &file]);
        drop(server);
        for other in Home::of_each_kind() {
            let said = other.well(&["restore", &file]);
            assert!(said.contains("master key is not here"), "{said}");
            other.refused(&["migrate"], "master key");
            other.take_key(&home);
            let server = other.serve();
            let me = |header: String| request(server.port, "GET", "/v1/auth/me", &header, "").expect("an answer").0;
            assert_eq!(me(format!("cookie: __Host-latchkey={}\r\n", ada.cookie)), 200);
            assert_eq!(me(format!("authorization: Bearer {}\r\n", ada.access)), 200);
            assert_eq!(me(format!("x-api-key: {}\r\n", ada.key)), 200);
            let body = r#"{"email":"ada@example.org","password":"plum river candle"}"#;
            let (_, due) = request(server.port, "POST", "/v1/auth/login", "", body).expect("an answer");
            let half = format!("authorization: Bearer {}\r\n", field(&due, "twoFactorToken"));
            let code = format!(r#"{{"code":"{}"}}"#, shown(&ada.secret, 1));
            let (status, said) = request(server.port, "POST", "/v1/auth/2fa/verify", &half, &code).expect("an answer");
            assert_eq!(status, 200, "{said}");
        }
    }
}

#[test]
fn what_would_be_lost_or_is_not_whole_is_refused_in_words() {
    for home in Home::of_each_kind() {
        let file = text(&home.path("all.backup"));
        home.refused(&["backup", &file], "nothing to back up");
        assert!(!home.path("all.backup").exists() && !home.path("data/latchkey.db").exists());
        drop(home.serve());
        home.well(&["backup", &file]);
        let whole = std::fs::read(&file).expect("read");
        assert_eq!(mode(Path::new(&file)), 0o600);
        home.refused(&["backup", &file], "--force");
        assert_eq!(std::fs::read(&file).expect("read"), whole, "it is as it was");
        home.well(&["backup", "--force", &file]);
        home.refused(&["restore", &file], "not empty");
        let other = Home::of_each_kind().remove(0);
        std::fs::create_dir_all(other.path("data")).expect("made");
        std::fs::write(other.path("data/master.key"), "bHVDSm9XbUE4c0x0cVlRdk5rUjJ4ZUgzYkZwVHlHMWk=\n")
            .expect("written");
        std::fs::set_permissions(other.path("data/master.key"), private()).expect("set");
        other.refused(&["restore", &file], "another master key");
        std::fs::write(&file, &whole[..whole.len() - 9]).expect("written");
        other.refused(&["restore", &file], "cut short or changed");
        assert!(!other.path("data/latchkey.db").exists(), "nothing was written");
        other.refused(&["restore", &text(&other.path("none"))], "the backup file");
    }
}

fn private() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o600)
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn a_backup_goes_through_a_pipe() {
    let home = Home::of_each_kind().remove(0);
    let server = home.serve();
    register(server.port, "ada").expect("registered");
    let mut command = quiet(Path::new(BINARY), home.folder.path());
    let output = command.args(["backup", "-"]).output().expect("runs");
    assert!(output.status.success());
    let (file, other) = (home.path("piped.backup"), Home::of_each_kind().remove(0));
    std::fs::write(&file, &output.stdout).expect("written");
    other.take_key(&home);
    other.well(&["restore", &text(&file)]);
    assert_eq!(sign_in(other.serve().port, "ada"), 200);
}
