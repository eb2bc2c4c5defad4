//! A core to test with: a database of its own, a clock that stands still, cheap hashes; and people in it.

use std::time::Duration;

use crate::api_key::KeyText;
use crate::clock::{Clock, Timestamp};
use crate::error::{Code, Error};
use crate::flow::api_keys::{NewKey, NewKeyView};
use crate::flow::authenticate::{CredentialHeaders, Presented};
use crate::flow::gate::Entered;
use crate::flow::sign_in::{Opening, SecretText, SignIn, SignedIn};
use crate::flow::sign_up::{SignUp, SignedUp};
use crate::settings::{Hashing, Mail, Settings, Storage, Transport};
use crate::{Actor, Latchkey, Principal, Visitor};

/// What every test person's password is.
pub(crate) const PASSWORD: &str = "plum river candle";

/// A core of its own for one test.
pub(crate) struct TestCore {
    pub(crate) latchkey: Latchkey,
    folder: std::path::PathBuf,
}

/// Runs every test on both engines. Without a PostgreSQL the tests fail, unless told that SQLite is enough.
macro_rules! on_both_engines {
    ($(async fn $name:ident($core:ident: TestCore) $body:block)*) => {
        $(async fn $name($core: $crate::testing::TestCore) $body)*
        mod sqlite { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::testing::TestCore::sqlite().await).await }
        )* }
        mod postgres { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(core) = $crate::testing::TestCore::postgres().await { super::$name(core).await }
            }
        )* }
    };
}
pub(crate) use on_both_engines;

impl TestCore {
    pub(crate) async fn sqlite() -> Self {
        let folder = fresh_folder();
        let url = format!("sqlite:{}/latchkey.db", folder.display());
        Self::open(url, folder).await
    }

    pub(crate) async fn postgres() -> Option<Self> {
        Some(Self::open(postgres_database().await?, fresh_folder()).await)
    }

    /// An empty database of each kind, opened by the master key of this one.
    pub(crate) async fn empty_databases(&self) -> Vec<Storage> {
        let name = crate::crypto::random::<8>().map(|byte| format!("{byte:02x}")).concat();
        let file = format!("sqlite:{}", self.file(&format!("{name}.db")).display());
        let with = |url| Storage { url, ..self.latchkey.settings().storage.clone() };
        std::iter::once(file).chain(postgres_database().await).map(with).collect()
    }

    /// A file of this name in a folder that goes with the test.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.join(name)
    }

    async fn open(url: String, folder: std::path::PathBuf) -> Self {
        let latchkey = Latchkey::open(settings(url, &folder), clock()).await.expect("opens");
        Self { latchkey, folder }
    }

    /// The same installation after a restart, with other settings.
    pub(crate) async fn reopened(&self, change: impl FnOnce(&mut Settings)) -> Result<Latchkey, crate::OpenError> {
        let mut settings = self.latchkey.settings().clone();
        change(&mut settings);
        Latchkey::open(settings, self.latchkey.clock().clone()).await
    }

    /// Another handle of an installation that a test holds already.
    pub(crate) fn over(latchkey: Latchkey) -> Self {
        Self { latchkey, folder: std::path::PathBuf::new() }
    }

    /// The stored hash of somebody's password.
    pub(crate) async fn password_hash(&self, name: &str) -> String {
        let email = crate::email::Email::parse(&address(name)).expect("an address");
        let found = self.latchkey.0.db.read().await.expect("reads").store().find_user_by_email(&email).await;
        found.expect("reads").and_then(|(_, hash)| hash).expect("a hash")
    }

    /// The same person, as authentication finds them now.
    pub(crate) async fn again(&self, actor: &Actor) -> Actor {
        let signed_in = self.sign_in(actor.principal().email().local_part(), PASSWORD).await.expect("signed in");
        self.actor(access(&signed_in)).await
    }

    /// Who holds this credential, acting in that organization.
    pub(crate) async fn bearer_in(&self, token: &str, organization: &str) -> Result<Principal, Error> {
        let headers = CredentialHeaders {
            api_key: Some(token),
            organization: Some(organization),
            ..CredentialHeaders::default()
        };
        Ok(self.latchkey.authenticate(&visitor(), &Presented::read(headers)?).await?.0)
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.latchkey.clock().advance(span);
    }

    /// Somebody new who owns an organization.
    pub(crate) async fn owner(&self, name: &str) -> SignedIn {
        self.sign_up(name).await.expect("signs up")
    }

    pub(crate) async fn sign_up(&self, name: &str) -> Result<SignedIn, Error> {
        let input = SignUp {
            email: Some(address(name)),
            password: Some(SecretText(PASSWORD.to_owned())),
            name: Some(name.to_owned()),
            company: Some(format!("{name} Works")),
            ..SignUp::default()
        };
        let opening = Opening { cookie: true, tokens: true, ..Opening::default() };
        match self.latchkey.sign_up(&visitor(), input, opening).await? {
            SignedUp::Open(signed_in) => Ok(*signed_in),
            SignedUp::ToVerify(_) => Err(Error::Forbidden(Code::EmailNotVerified)),
        }
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Result<SignedIn, Error> {
        let input =
            SignIn { email: Some(address(name)), password: Some(SecretText(password.to_owned())), ..SignIn::default() };
        let opening = Opening { cookie: true, tokens: true, ..Opening::default() };
        through(self.latchkey.sign_in(&visitor(), input, opening).await)
    }

    /// Who holds this access token or API key.
    pub(crate) async fn bearer(&self, token: &str) -> Result<Principal, Error> {
        self.bearer_from(token, visitor()).await
    }

    pub(crate) async fn bearer_from(&self, token: &str, visitor: Visitor) -> Result<Principal, Error> {
        let authorization = format!("Bearer {token}");
        let headers = CredentialHeaders { authorization: Some(&authorization), ..CredentialHeaders::default() };
        Ok(self.latchkey.authenticate(&visitor, &Presented::read(headers)?).await?.0)
    }

    pub(crate) async fn cookie(&self, secret: &str) -> Result<Principal, Error> {
        let headers = CredentialHeaders { cookie: Some(secret), ..CredentialHeaders::default() };
        Ok(self.latchkey.authenticate(&visitor(), &Presented::read(headers)?).await?.0)
    }

    pub(crate) async fn actor(&self, token: &str) -> Actor {
        Actor::new(visitor(), self.bearer(token).await.expect("a good credential"))
    }

    pub(crate) async fn key(&self, actor: &Actor, scopes: &[&str]) -> NewKeyView {
        self.make_key(actor, NewKey { scopes: Some(strings(scopes)), ..NewKey::default() }).await.expect("made")
    }

    pub(crate) async fn make_key(&self, actor: &Actor, input: NewKey) -> Result<NewKeyView, Error> {
        let input = NewKey { name: input.name.or(Some("A key".to_owned())), ..input };
        let made = self.latchkey.create_api_key(actor, input).await?;
        assert!(KeyText::parse(&made.key).is_some(), "the key has the form of a key");
        Ok(made)
    }
}

impl Drop for TestCore {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(crate) fn address(name: &str) -> String {
    format!("{}@example.org", name.to_lowercase())
}

pub(crate) fn visitor() -> Visitor {
    Visitor { address: [127, 0, 0, 1].into(), user_agent: "test/1".to_owned(), request_id: "req".to_owned() }
}

/// The session that a first factor gives, when no second is due.
pub(crate) fn through(entered: Result<Entered, Error>) -> Result<SignedIn, Error> {
    match entered? {
        Entered::SignedIn(signed_in) => Ok(*signed_in),
        Entered::SecondFactorDue(_) => Err(Error::Unauthenticated(Code::TwoFactorRequired)),
    }
}

/// The access token of a sign-in.
pub(crate) fn access(signed_in: &SignedIn) -> &str {
    &signed_in.view.tokens.as_ref().expect("tokens").access_token
}

/// The refresh token of a sign-in.
pub(crate) fn refresh(signed_in: &SignedIn) -> &str {
    signed_in.view.tokens.as_ref().and_then(|tokens| tokens.refresh_token.as_deref()).expect("a refresh token")
}

/// The stable code of a failure.
pub(crate) fn code<T>(result: Result<T, Error>) -> &'static str {
    result.err().map_or("it succeeded", |error| error.code().as_str())
}

async fn postgres_database() -> Option<String> {
    let Ok(server) = std::env::var("LATCHKEY_TEST_POSTGRES_URL") else {
        let enough = std::env::var("LATCHKEY_TEST_ENGINES").is_ok_and(|engines| engines == "sqlite");
        assert!(enough, "run the tests through tools/with-postgres, or set LATCHKEY_TEST_ENGINES=sqlite");
        return None;
    };
    let name = format!("core_{}", crate::crypto::random::<8>().map(|byte| format!("{byte:02x}")).concat());
    crate::store::create_postgres_database(&server, &name).await;
    Some(format!("{}/{name}", server.rsplit_once('/').expect("a database in the address").0))
}

fn clock() -> Clock {
    Clock::fixed(Timestamp::parse_rfc3339("2026-11-21T09:30:00Z").expect("an instant"))
}

fn fresh_folder() -> std::path::PathBuf {
    let name = crate::crypto::random::<8>().map(|byte| format!("{byte:02x}")).concat();
    let folder = std::env::temp_dir().join(format!("latchkey-test-{name}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn settings(url: String, folder: &std::path::Path) -> Settings {
    let mut settings = Settings {
        storage: Storage {
            url,
            connections: 4,
            wait: Duration::from_secs(60),
            master_key_file: folder.join("master.key"),
            ..Storage::default()
        },
        hashing: Hashing { memory_kib: 64, iterations: 1, queue: 1000, ..Hashing::default() },
        mail: Mail { transport: Transport::Mailbox, ..Mail::default() },
        ..Settings::default()
    };
    settings.limits = settings.limits.relaxed();
    settings
}

impl Latchkey {
    /// Gives somebody another role in their organization, or none.
    pub(crate) async fn set_role_for_test(&self, actor: &Actor, role: Option<crate::member::Role>) {
        let (user, organization) = (actor.principal().user_id(), actor.principal().organization_id().expect("a place"));
        let mut writing = self.0.db.write().await.expect("writes");
        writing.store().organization(organization).delete_member(user).await.expect("deleted");
        if let Some(role) = role {
            writing.store().organization(organization).insert_member(user, role, self.now()).await.expect("inserted");
        }
        writing.changed(user.number());
        writing.commit().await.expect("committed");
    }

    /// Gives somebody a place in the actor's organization.
    pub(crate) async fn add_member_for_test(&self, actor: &Actor, user: crate::id::UserId, role: crate::member::Role) {
        let organization = actor.principal().organization_id().expect("a place");
        let mut writing = self.0.db.write().await.expect("writes");
        writing.store().organization(organization).insert_member(user, role, self.now()).await.expect("inserted");
        writing.commit().await.expect("committed");
    }

    /// Suspends an organization.
    pub(crate) async fn suspend_for_test(&self, organization: crate::id::OrganizationId) {
        let mut writing = self.0.db.write().await.expect("writes");
        writing.store().organization(organization).suspend_for_test(self.now()).await;
        writing.changed(organization.number());
        writing.commit().await.expect("committed");
    }

    /// Makes the database look as if a later version had migrated it.
    pub(crate) async fn pretend_newer_schema(&self) {
        let mut writing = self.0.db.write().await.expect("writes");
        writing.store().pretend_newer_schema().await;
        writing.commit().await.expect("committed");
    }

    /// Does something to the audit log past every rule.
    pub(crate) async fn tamper_for_test(&self, tampering: crate::store::Tampering) {
        let mut writing = self.0.db.write().await.expect("writes");
        writing.store().tamper_for_test(tampering).await;
        writing.commit().await.expect("committed");
    }

    /// Lets the disk be full, or have room again. On SQLite only.
    pub(crate) async fn fill_disk_for_test(&self, full: bool) {
        let mut writing = self.0.db.write().await.expect("writes");
        writing.store().fill_disk_for_test(full).await;
        writing.commit().await.expect("committed");
    }

    /// Everything in the database as text.
    pub(crate) async fn dump_for_test(&self) -> String {
        self.0.db.read().await.expect("reads").store().dump_for_test().await
    }
}
