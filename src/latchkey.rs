//! The one handle that every door holds, and how it is opened.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::crypto::hasher::{Hasher, Load};
use crate::crypto::master_key::MasterKeyError;
use crate::crypto::random;
use crate::crypto::signing::KeyRing;
use crate::crypto::vault::{Purpose, Vault};
use crate::error::Error;
use crate::fitting::{Lock, Place, ROOT, fit_master_key, held};
use crate::flow::counting::Counted;
use crate::limit::{Counters, Window};
use crate::mail::Smtp;
use crate::memory::{Belief, Memory};
use crate::metrics::Metrics;
use crate::settings::{Settings, Storage, Transport};
use crate::store::{Db, OpenError as StoreError, PoolLevel};
use crate::usage::Usage;

/// The auth core. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub struct Latchkey(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    /// Everything that decides about time or amount.
    pub(crate) settings: Settings,
    /// The time.
    pub(crate) clock: Clock,
    /// The database.
    pub(crate) db: Db,
    /// Keys derived from the root key.
    pub(crate) vault: Vault,
    /// The pool that hashes passwords.
    pub(crate) hasher: Hasher,
    /// The keys that sign access tokens.
    pub(crate) signing: RwLock<Arc<KeyRing>>,
    /// What is remembered for verification.
    pub(crate) memory: Memory,
    /// How keys were used since it was last written.
    pub(crate) usage: Usage,
    /// Limits.
    pub(crate) counters: Counters,
    /// The name of this process among the nodes that share the database.
    pub(crate) node: String,
    /// The way out for mail.
    pub(crate) outbox: Outbox,
    /// What is counted for operators.
    pub(crate) metrics: Metrics,
}

/// The way out for mail, and how it stands.
pub(crate) struct Outbox {
    /// The mail server, when there is one.
    pub(crate) smtp: Option<Smtp>,
    away: Mutex<Away>,
}

/// How a mail server that cannot be reached is left in peace.
#[derive(Default)]
struct Away {
    /// How often in a row it could not be reached.
    times: u32,
    /// Until when it is not tried.
    until: Timestamp,
}

impl Outbox {
    fn new(smtp: Option<Smtp>) -> Self {
        Self { smtp, away: Mutex::default() }
    }

    fn away(&self) -> MutexGuard<'_, Away> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the mail server is still left in peace.
    pub(crate) fn away_for(&self, now: Timestamp) -> Duration {
        self.away().until.since(now)
    }

    /// Notes that the mail server could not be reached. Senders that find out together count once. Says how long to
    /// rest.
    pub(crate) fn server_is_away(&self, now: Timestamp, rest: impl FnOnce(u32) -> Duration) -> Duration {
        let mut away = self.away();
        if now >= away.until {
            away.times = away.times.saturating_add(1);
            away.until = now.plus(rest(away.times));
        }
        away.until.since(now)
    }

    /// Notes that it can.
    pub(crate) fn server_is_there(&self) {
        *self.away() = Away::default();
    }
}

/// Why the core cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The database.
    Store(StoreError),
    /// The master key.
    MasterKey(MasterKeyError),
    /// The settings for mail.
    Mail(String),
    /// Anything else.
    Other(Error),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::MasterKey(error) => error.fmt(f),
            Self::Mail(problem) => f.write_str(problem),
            Self::Other(Error::Internal(source) | Error::Unavailable(source)) => source.fmt(f),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<MasterKeyError> for OpenError {
    fn from(error: MasterKeyError) -> Self {
        Self::MasterKey(error)
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Latchkey {
    /// Opens the database, brings it up to date, fits the master key to it, and prepares everything.
    pub async fn open(settings: Settings, clock: Clock) -> Result<Self, OpenError> {
        let outbox = open_outbox(&settings)?;
        let db = Db::open(&settings.storage).await?;
        db.migrate().await?;
        let vault = Vault::new(&fit_master_key(&db, &settings.storage).await?);
        let hasher = Hasher::start(&settings.hashing)?;
        let belief = Belief::new(settings.memory.believed, db.is_shared());
        let memory = Memory::new(settings.memory.principals, belief, db.generations());
        let counters = Counters::new(vault.limits_seed(), db.is_shared());
        let latchkey = Self(Arc::new(Inner {
            settings,
            clock,
            db,
            vault,
            hasher,
            signing: RwLock::default(),
            memory,
            usage: Usage::default(),
            counters,
            node: format!("{:016x}", u64::from_be_bytes(random())),
            outbox,
            metrics: Metrics::default(),
        }));
        latchkey.keep_signing_keys().await?;
        Ok(latchkey)
    }

    /// The time, as this installation sees it.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock itself, for tests that move it.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Everything that decides about time or amount.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The address people reach us at, without a slash at its end.
    pub fn public_url(&self) -> &str {
        &self.0.settings.public_url.0
    }

    /// The public halves of the signing keys (RFC 7517).
    pub fn published_keys(&self) -> serde_json::Value {
        self.signing().published()
    }

    /// Whether the database answers.
    pub async fn check_database(&self) -> Result<(), Error> {
        self.0.db.read().await?.store().find_fact(ROOT).await.map(|_| ())
    }

    /// Counts an ordinary call of an anonymous client.
    pub fn admit_visitor(&self, address: IpAddr) -> Result<Window, Error> {
        self.limited_here(&(Counted::VISITOR, network(address)), self.0.settings.limits.ordinary)
    }

    /// Seals a short-lived value that travels in a cookie of ours.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<String, Error> {
        use base64::Engine as _;
        let sealed = self.0.vault.seal(Purpose::Flash, purpose, plain).map_err(Error::internal)?;
        Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`Latchkey::seal`] made for the same purpose; `None` for anything else.
    pub fn unseal(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        use base64::Engine as _;
        let sealed = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(sealed).ok()?;
        self.0.vault.open(Purpose::Flash, purpose, &sealed).ok().map(|plain| plain.to_vec())
    }

    /// Writes what is counted in memory and closes the database. Nothing may be asked afterwards.
    pub async fn close(&self) -> Result<(), Error> {
        let flushed = self.flush().await;
        self.leave_nodes().await;
        self.0.db.close().await;
        flushed
    }

    pub(crate) fn signing(&self) -> Arc<KeyRing> {
        Arc::clone(&self.0.signing.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_signing(&self, ring: KeyRing) {
        *self.0.signing.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    /// What is counted for operators.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// How busy the hashing threads are.
    pub fn hashing(&self) -> &Load {
        self.0.hasher.load()
    }

    /// How the connections to the database stand.
    pub fn connections(&self) -> Vec<PoolLevel> {
        self.0.db.levels()
    }
}

/// What an operator wants to know before starting; found out without changing anything.
#[derive(Debug)]
pub struct Inspection {
    /// Whether there is a database yet.
    pub database: bool,
    /// How many migrations a start would run.
    pub pending: usize,
    /// Where the master key is that fits; `None` when it is yet to be made.
    pub master_key: Result<Option<Place>, MasterKeyError>,
}

/// Looks at the database and the master key.
pub async fn inspect(storage: &Storage) -> Result<Inspection, OpenError> {
    if !Db::is_there(storage) {
        return Ok(Inspection { database: false, pending: 0, master_key: held_in(storage) });
    }
    let db = Db::open(storage).await?;
    let pending = db.pending().await?;
    let lock = if pending == 0 { Lock::read(&mut db.read().await?.store()).await? } else { Lock::default() };
    db.close().await;
    let master_key = if lock.is_new() { held_in(storage) } else { lock.fit(storage).map(|found| Some(found.place)) };
    Ok(Inspection { database: true, pending, master_key })
}

fn held_in(storage: &Storage) -> Result<Option<Place>, MasterKeyError> {
    held(storage).map(|found| found.map(|(_, place)| place))
}

/// The network by which an address is counted: all of IPv4, the first 64 bits of IPv6.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
    }
}

fn open_outbox(settings: &Settings) -> Result<Outbox, OpenError> {
    let without_mail = matches!(settings.mail.transport, Transport::None);
    if settings.require_verified_email && without_mail {
        let problem =
            "addresses must be confirmed before people may sign in, but no mail can be sent: set a mail server";
        return Err(OpenError::Mail(problem.to_owned()));
    }
    let smtp = crate::flow::mail::smtp(settings).map_err(OpenError::Mail)?;
    Ok(Outbox::new(smtp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_is_counted_by_its_first_64_bits() {
        let net = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(net("2001:db8:1:2:3:4:5:6"), net("2001:db8:1:2:ffff::1"));
        assert_ne!(net("2001:db8:1:2::1"), net("2001:db8:1:3::1"));
        assert_eq!(net("::ffff:10.0.0.1"), net("10.0.0.1"));
        assert_ne!(net("10.0.0.1"), net("10.0.0.2"));
    }
}
