//! The words that tests are written in.
//!
//! [`App`] is a server with a database of its own; [`Client`] somebody who sends requests (nobody in particular, a
//! person with tokens, a browser with a cookie, a program with a key); [`Reply`] what came back. Every reply is
//! checked for what holds of all: no 5xx, a request id, the security headers, rate-limit headers on the API.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "several test targets share these words, and none needs all of them"
)]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use latchkey::Latchkey;
use latchkey::clock::{Clock, Timestamp};
use latchkey::crypto::signing::generate;
use latchkey::settings::SigningAlgorithm;
use latchkey_server::Application;
use latchkey_server::cli::read_config;
use latchkey_server::metrics::Exporter;
use serde_json::{Value, json};
use tempfile::TempDir;

mod browser;
mod client;
mod database;
mod guest;
mod log;
mod mail;
mod operations;
mod phone;
mod reply;

pub use browser::{Browser, form};
pub use client::{Client, ORIGIN};
pub use database::holds;
pub use guest::{Guest, field};
pub use latchkey::member::Role;
pub use log::{begin_log, logged};
pub use mail::Mail;
pub use operations::Operation;
pub use phone::{Phone, half};
pub use reply::Reply;

const SIGNING_KEY: &str = "signing.pem";

/// The password of everybody.
pub const PASSWORD: &str = "plum river candle";

/// Runs a test once on SQLite and once on PostgreSQL. After `with` stand further options of `latchkey serve`, and
/// `mailbox` where mails are to be kept and read, and `signing-key` where tests sign as the server does
/// ([`App::signing_key`]).
macro_rules! on_both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($app:ident) $(with [$($option:literal),*])? $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn story($app: $crate::support::App) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$meta])*
            async fn on_sqlite() {
                story($crate::support::App::on_sqlite(&[$($($option),*)?]).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$meta])*
            async fn on_postgres() {
                if let Some(app) = $crate::support::App::on_postgres(&[$($($option),*)?]).await {
                    story(app).await;
                }
            }
        }
    )*};
}
pub(crate) use on_both_engines;

/// A server with a database of its own.
pub struct App {
    router: axum::Router,
    latchkey: Latchkey,
    pub clock: Clock,
    next_address: AtomicU64,
    application: Option<Application>,
    exporter: Arc<Exporter>,
    folder: TempDir,
}

/// Somebody with an account, an organization and tokens. Requests of theirs carry the access token.
pub struct Person {
    pub client: Client,
    pub email: String,
    pub id: String,
    pub organization: String,
    pub tokens: Tokens,
}

/// What a client holds of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub csrf: String,
}

/// A key that was made.
pub struct Key {
    pub id: String,
    pub secret: String,
}

impl std::ops::Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl App {
    /// On a file of its own.
    pub async fn on_sqlite(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("--database-url=sqlite:{}/latchkey.db", folder.path().display());
        Self::start(folder, &url, options).await
    }

    /// On a database of its own; `None` only when the person at the keyboard wants SQLite alone.
    pub async fn on_postgres(options: &[&str]) -> Option<Self> {
        let url = database::create().await?;
        let folder = tempfile::tempdir().expect("a folder");
        Some(Self::start(folder, &format!("--database-url={url}"), options).await)
    }

    async fn start(folder: TempDir, url: &str, options: &[&str]) -> Self {
        let data = format!("--data-dir={}", folder.path().display());
        let usual = [
            url,
            &data,
            "--listen=127.0.0.1:0",
            "--metrics-listen=",
            "--database-connections=4",
            "--hash-memory=64",
            "--hash-iterations=1",
            "--hash-threads=2",
            "--hash-queue=1000",
        ];
        let keeps_mail = options.contains(&"mailbox");
        let key = format!("--signing-key-file={}", folder.path().join(SIGNING_KEY).display());
        let name = |word: &str| word.split('=').next().unwrap_or_default().to_owned();
        let unsaid = usual.iter().filter(|word| options.iter().all(|option| name(option) != name(word)));
        let mut words: Vec<&str> = unsaid.chain(options).copied().filter(|word| word.starts_with("--")).collect();
        if options.contains(&"signing-key") {
            let der = generate(SigningAlgorithm::Es256).expect("a key");
            std::fs::write(folder.path().join(SIGNING_KEY), pem(&der)).expect("written");
            words.push(&key);
        }
        let mut config = read_config(&words).expect("settings");
        config.mail.kept_here = keeps_mail;
        let clock = Clock::fixed(Timestamp::parse_rfc3339("2026-11-21T09:30:00Z").expect("an instant"));
        let application = Application::build_with(&config, clock.clone()).await.expect("a server");
        Self {
            router: application.router(),
            latchkey: application.latchkey().clone(),
            clock,
            next_address: AtomicU64::new(1),
            exporter: Arc::clone(application.exporter()),
            application: Some(application),
            folder,
        }
    }

    /// The private key that the server signs with, where a test asked for `signing-key`.
    pub fn signing_key(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(SIGNING_KEY)).expect("a key")
    }

    /// Lets the server listen, for tests of what is below HTTP's meaning.
    pub fn listen(&mut self) -> SocketAddr {
        let application = self.application.take().expect("listens once");
        let address = application.address();
        tokio::spawn(application.run_until_stopped(std::future::pending()));
        address
    }

    /// What an operator can measure.
    pub fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// Time goes by.
    pub fn later(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Somebody unknown, at an address that nobody else in the test has.
    pub fn stranger(&self) -> Client {
        let number = self.next_address.fetch_add(1, Ordering::Relaxed);
        let [.., a, b, c] = number.to_be_bytes();
        Client::new(self.router.clone(), IpAddr::from([10, a, b, c]))
    }

    /// The same in a network that nobody else in the test is in.
    pub fn far_away(&self) -> Client {
        let number = self.next_address.fetch_add(1, Ordering::Relaxed);
        let [.., a, b] = number.to_be_bytes();
        Client::new(self.router.clone(), IpAddr::from([172, 16 + a, b, 9]))
    }

    /// Somebody who signs up: `name@example.org`, owner of an organization of their own.
    pub async fn register(&self, name: &str) -> Person {
        let client = self.stranger();
        let email = format!("{name}@example.org");
        let body = json!({"email": email, "password": PASSWORD, "name": name, "company": format!("{name} works")});
        let answer = client.post("/v1/auth/register", body).await;
        Person::new(&client, &answer.assert_status(201).json())
    }

    /// Somebody new with a place in the organization of `owner`, signed in there.
    pub async fn member_of(&self, owner: &Person, name: &str, role: Role) -> Person {
        let person = self.register(name).await;
        self.joins(&person, owner, role).await
    }

    /// Somebody who is there already joins the organization of `owner` by an invitation, and acts there.
    pub async fn joins(&self, person: &Person, owner: &Person, role: Role) -> Person {
        let path = format!("/v1/organizations/{}/invitations", owner.organization);
        let invited =
            owner.post(&path, json!({"email": person.email, "role": role.as_str()})).await.assert_status(201).json();
        let id = invited["id"].as_str().expect("an id");
        let shown = owner.post_nothing(&format!("{path}/{id}/link")).await.assert_status(200).json();
        let token = shown["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a token").to_owned();
        let answer = person.post_nothing(&format!("/v1/invitations/{token}/accept")).await;
        Person::new(&person.client.anonymous(), &answer.assert_status(200).json())
    }

    /// Sets a column in every row past HTTP, for what no door can do yet.
    pub async fn db_set(&self, table: &str, column: &str, value: Option<i64>) {
        database::set(&self.latchkey.settings().storage.url, (table, column), value).await;
    }

    /// The texts in a column, in no order.
    pub async fn db_texts(&self, table: &str, column: &str) -> Vec<String> {
        database::texts(&self.latchkey.settings().storage.url, (table, column)).await
    }

    /// Everything that is stored.
    pub async fn db_dump(&self) -> Vec<u8> {
        database::dump(&self.latchkey.settings().storage.url).await
    }

    /// Writes what is counted in memory, as the worker does once a minute.
    pub async fn flush(&self) {
        self.latchkey.flush().await.expect("written");
    }
}

impl Person {
    /// From a sign-in answer.
    pub fn new(client: &Client, answer: &Value) -> Self {
        let tokens = Tokens::of(answer);
        Self {
            client: client.with_bearer(&tokens.access),
            email: answer["user"]["email"].as_str().unwrap_or_default().to_owned(),
            id: answer["user"]["id"].as_str().unwrap_or_default().to_owned(),
            organization: answer["organization"]["id"].as_str().unwrap_or_default().to_owned(),
            tokens,
        }
    }

    /// Signs in once more, on another device.
    pub async fn signs_in_again(&self) -> Self {
        self.signs_in_as(&self.email).await
    }

    /// The same with another address of theirs.
    pub async fn signs_in_as(&self, email: &str) -> Self {
        let client = self.client.anonymous();
        let body = json!({"email": email, "password": PASSWORD});
        let answer = client.post("/v1/auth/login", body).await;
        Self::new(&client, &answer.assert_status(200).json())
    }

    /// The same person in a browser: a session cookie, and same-origin headers on every request.
    pub async fn in_a_browser(&self) -> Client {
        let browser = self.client.anonymous().same_origin();
        let body = json!({"email": self.email, "password": PASSWORD});
        let answer = browser.post("/v1/auth/login", body).await.assert_status(200);
        browser.with_header("cookie", &answer.session_cookie().expect("a session cookie"))
    }

    /// Makes an API key.
    pub async fn makes_a_key(&self, body: Value) -> Key {
        let answer = self.post("/v1/api-keys", body).await.assert_status(201).json();
        let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
        Key { id: text("id"), secret: text("key") }
    }
}

/// Sends them all at once; how each was answered.
pub async fn at_once<F: Future<Output = Reply> + Send + 'static>(tries: impl IntoIterator<Item = F>) -> Vec<u16> {
    let running: Vec<_> = tries.into_iter().map(tokio::spawn).collect();
    let mut statuses = Vec::new();
    for one in running {
        statuses.push(one.await.expect("answered").status.as_u16());
    }
    statuses
}

impl Tokens {
    /// From a sign-in answer.
    pub fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("accessToken"), refresh: text("refreshToken"), csrf: text("csrfToken") }
    }
}

/// A private key as PEM (RFC 7468).
pub fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}
