//! Connections, transactions, and what the two engines do differently. Beside `sqlite.rs` and `postgres.rs` this is
//! the only file that knows there are two.
//!
//! 2026-11-22: `sqlx::Any` holds under the limits the schema keeps (text, 64-bit integers, bytes, `$1`), so one
//! set of statements serves both. Sums are cast to BIGINT because PostgreSQL's are NUMERIC.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::SqlSafeStr as _;
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use tokio::sync::Notify;

use super::backup::Catalog;
use super::connection::Door;
use super::postgres::Nodes;
pub use super::postgres::{Ear, Heard};
use super::{Store, postgres, sqlite};
use crate::error::Error;
use crate::memory::Generations;
use crate::private_file::make_private_folder;
use crate::settings::Storage;

/// How long one statement may take that nobody waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The engine behind the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded; one process.
    Sqlite,
    /// For more than one node.
    Postgres,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    writer: Door,
    reader: Door,
    engine: Engine,
    /// Rung when mails were written.
    posted: Arc<Notify>,
    /// Raised when anything changed that credentials depend on.
    generations: Arc<Generations>,
    /// The way to other nodes, where there may be any.
    nodes: Option<Arc<Nodes>>,
}

/// How many connections there are, and how many of them nobody uses.
#[derive(Clone, Copy, Debug)]
pub struct PoolLevel {
    /// What they are for.
    pub name: &'static str,
    /// How many there are.
    pub open: u32,
    /// How many nobody uses.
    pub idle: u32,
    /// How many there can be.
    pub most: u32,
}

/// Failures of this process, whichever database it was: one error has no way to the handle it came from.
static AWAY: AtomicU64 = AtomicU64::new(0);
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// How often the database could not be reached, and how often it failed to do what was asked.
pub fn failures() -> (u64, u64) {
    (AWAY.load(Ordering::Relaxed), REFUSED.load(Ordering::Relaxed))
}

/// A connection to read with.
pub struct Reading(Connection);

/// A connection that sees the whole database as it was at its first statement, whatever is written meanwhile.
pub struct Snapshot(Connection);

/// A transaction to write in; what is not committed is undone.
pub struct Writing {
    connection: Connection,
    posted: bool,
    changed: Vec<u128>,
    db: Db,
}

/// Why the database cannot be used.
#[derive(Debug)]
pub enum OpenError {
    /// The address names no engine we know.
    UnknownEngine,
    /// The folder for the file cannot be made.
    Folder(std::io::Error),
    /// It cannot be reached or read.
    Connect(sqlx::Error),
    /// It was made by a newer version of this program.
    Newer(i64),
    /// A migration failed.
    Migrate(MigrateError),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownEngine => f.write_str("the database address must begin with sqlite: or postgres://"),
            Self::Folder(error) => write!(f, "the folder of the database cannot be made: {error}"),
            Self::Connect(error) => write!(f, "the database cannot be reached: {error}"),
            Self::Newer(version) => write!(
                f,
                "the database was made by a newer version of Latchkey (schema {version}); this one would not understand it",
            ),
            Self::Migrate(error) => write!(f, "bringing the database up to date failed: {error}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl Db {
    /// Opens the database; makes the file when there is none.
    pub async fn open(storage: &Storage) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        if let Some(path) = sqlite::path(&storage.url) {
            let folder = std::path::Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Some(folder) = folder {
                make_private_folder(folder).map_err(OpenError::Folder)?;
            }
            sqlite::open(storage, path).await
        } else if storage.url.starts_with("postgres:") || storage.url.starts_with("postgresql:") {
            postgres::open(storage).await
        } else {
            Err(OpenError::UnknownEngine)
        }
    }

    /// Whether there is anything to open: a database server is always there, a file may be yet to be made.
    pub fn is_there(storage: &Storage) -> bool {
        sqlite::path(&storage.url).is_none_or(|path| std::path::Path::new(path).exists())
    }

    /// Where writing and reading share a pool they share its queue.
    pub(super) fn new(engine: Engine, writer: Door, reader: Door, nodes: Option<Nodes>) -> Self {
        let nodes = nodes.map(Arc::new);
        Self { writer, reader, engine, posted: Arc::default(), generations: Arc::default(), nodes }
    }

    pub(super) fn pool(storage: &Storage, most: u32) -> AnyPoolOptions {
        AnyPoolOptions::new().max_connections(most).acquire_timeout(storage.wait).test_before_acquire(false)
    }

    /// Which engine it is.
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// Brings the schema up to date; refuses a database that a newer version made.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        migrator().run(self.writer.pool()).await.map_err(|error| match error {
            MigrateError::VersionMissing(version) => OpenError::Newer(version),
            error => OpenError::Migrate(error),
        })
    }

    /// Brings an empty database to the schema that had this version, and no further.
    pub async fn migrate_to(&self, version: i64) -> Result<(), OpenError> {
        migrator().run_to(version, self.writer.pool()).await.map_err(OpenError::Migrate)
    }

    /// The newest version of the schema that this program knows.
    pub fn newest_schema() -> i64 {
        migrator().iter().map(|migration| migration.version).max().unwrap_or(0)
    }

    /// How many migrations are still to be run. Changes nothing.
    pub async fn pending(&self) -> Result<usize, OpenError> {
        let known = migrator().iter().count();
        // The table is not there before the first migration.
        let applied = sqlx::query("SELECT version FROM _sqlx_migrations").fetch_all(self.reader.pool()).await;
        let applied = applied.unwrap_or_default();
        let versions = applied.iter().filter_map(|row| sqlx::Row::try_get::<i64, _>(row, "version").ok());
        match versions.clone().find(|version| !migrator().version_exists(*version)) {
            Some(newer) => Err(OpenError::Newer(newer)),
            None => Ok(known - versions.count()),
        }
    }

    /// A connection to read with.
    pub async fn read(&self) -> Result<Reading, Error> {
        Ok(Reading(self.reader.enter().await?))
    }

    /// A connection that reads everything as of one moment.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        let begin = match self.engine {
            Engine::Sqlite => sqlite::SNAPSHOT,
            Engine::Postgres => postgres::SNAPSHOT,
        };
        let mut connection = self.reader.enter().await?;
        connection.be_patient(PATIENCE);
        connection.begin(begin).await?;
        Ok(Snapshot(connection))
    }

    /// How the engine is asked for its tables.
    pub const fn catalog(&self) -> Catalog {
        match self.engine {
            Engine::Sqlite => sqlite::CATALOG,
            Engine::Postgres => postgres::CATALOG,
        }
    }

    /// A transaction. On SQLite it takes the write lock at once, so that it cannot fail half-way for want of it.
    pub async fn write(&self) -> Result<Writing, Error> {
        let mut connection = self.writer.enter().await?;
        let begin = match self.engine {
            Engine::Sqlite => sqlite::BEGIN,
            Engine::Postgres => postgres::BEGIN,
        };
        connection.begin(begin).await?;
        Ok(Writing { connection, posted: false, changed: Vec::new(), db: self.clone() })
    }

    /// What credentials depend on, and whether it changed.
    pub(crate) fn generations(&self) -> Arc<Generations> {
        Arc::clone(&self.generations)
    }

    /// Whether other nodes may use this database too.
    pub fn is_shared(&self) -> bool {
        self.nodes.is_some()
    }

    /// A connection for counts that all nodes share; `None` where this one is alone and counts in memory. What is
    /// written by it is seen by all at once, and may be lost when the database server crashes.
    pub async fn counting(&self) -> Result<Option<Reading>, Error> {
        let Some(nodes) = &self.nodes else { return Ok(None) };
        Ok(Some(Reading(nodes.counting.enter().await?)))
    }

    /// Tells the other nodes what was counted here.
    pub async fn tell_counts(&self, texts: &[String]) -> Result<(), Error> {
        let Some(mut connection) = self.counting().await? else { return Ok(()) };
        postgres::tell_counts(&mut connection.0, texts).await
    }

    /// Listens to what other nodes say; `None` where there are none.
    pub async fn listen(&self) -> Result<Option<Ear>, Error> {
        match &self.nodes {
            Some(nodes) => Ok(Some(Ear::open(nodes).await?)),
            None => Ok(None),
        }
    }

    /// How the connections stand.
    pub fn levels(&self) -> Vec<PoolLevel> {
        let level = |name, pool: &sqlx::AnyPool| PoolLevel {
            name,
            open: pool.size(),
            idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
            most: pool.options().get_max_connections(),
        };
        match self.engine {
            Engine::Sqlite => vec![level("read", self.reader.pool()), level("write", self.writer.pool())],
            // One pool for both.
            Engine::Postgres => vec![level("all", self.writer.pool())],
        }
    }

    /// How many wait for a connection to read with.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.reader.waiting()
    }

    /// Waits until this process has written mails.
    pub async fn posted(&self) {
        self.posted.notified().await;
    }

    /// Closes every connection, after what is under way.
    pub async fn close(&self) {
        if let Some(nodes) = &self.nodes {
            nodes.counting.pool().close().await;
        }
        self.reader.pool().close().await;
        self.writer.pool().close().await;
    }
}

impl Reading {
    /// The statements.
    pub fn store(&mut self) -> Store<'_> {
        Store::new(&mut self.0, None)
    }
}

impl Snapshot {
    /// The statements.
    pub fn store(&mut self) -> Store<'_> {
        Store::new(&mut self.0, None)
    }
}

impl Writing {
    /// The same for work in the background, of which nobody knows how much has gathered.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.connection.be_patient(PATIENCE);
        self
    }

    /// The statements.
    pub fn store(&mut self) -> Store<'_> {
        Store::new(&mut self.connection, Some(&mut self.posted))
    }

    /// Notes that this changes what credentials depend on: once it is committed, what is remembered of it is read anew,
    /// here and on every other node.
    pub fn changed(&mut self, number: u128) {
        self.changed.push(number);
    }

    /// Makes all of it durable, or none; then wakes whoever sends the mails in it.
    pub async fn commit(mut self) -> Result<(), Error> {
        if self.db.is_shared() {
            postgres::tell_changes(&mut self.connection, &self.changed).await?;
        }
        let committed = self.connection.commit().await;
        // Also when that failed: the answer may have been lost, and not the commit.
        for number in &self.changed {
            self.db.generations.changed(*number);
        }
        committed?;
        if self.posted {
            self.db.posted.notify_one();
        }
        Ok(())
    }
}

fn migrator() -> Migrator {
    const TEXTS: &[(i64, &str, &str)] = &[
        (1, "first", include_str!("migrations/0001_first.sql")),
        (2, "mail", include_str!("migrations/0002_mail.sql")),
        (3, "two factor", include_str!("migrations/0003_two_factor.sql")),
        (4, "organizations", include_str!("migrations/0004_organizations.sql")),
        (5, "handoff", include_str!("migrations/0005_handoff.sql")),
        (6, "user names", include_str!("migrations/0006_user_names.sql")),
        (7, "nodes", include_str!("migrations/0007_nodes.sql")),
        (8, "guessing", include_str!("migrations/0008_guessing.sql")),
        (9, "key watch", include_str!("migrations/0009_key_watch.sql")),
    ];
    let migrations = TEXTS.iter().map(|(version, description, sql)| {
        Migration::new(*version, (*description).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                sqlite::is_away(&code) || postgres::is_away(&code)
            }
            _ => false,
        };
        if away { &AWAY } else { &REFUSED }.fetch_add(1, Ordering::Relaxed);
        if away { Self::Unavailable(Box::new(error)) } else { Self::Internal(Box::new(error)) }
    }
}

/// Whether `error` says that a row with this unique value exists already. `column` is the column as SQLite names it
/// (`users.email`), `constraint` the index as PostgreSQL does.
pub(super) fn is_duplicate(error: &sqlx::Error, column: &str, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.is_unique_violation() && (error.constraint() == Some(constraint) || error.message().contains(column))
    })
}

/// What statements run on.
pub(super) use super::connection::Connection;
/// What they give back.
pub(super) type Row = AnyRow;
