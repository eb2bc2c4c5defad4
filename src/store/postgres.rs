//! What only PostgreSQL needs: above all, how nodes that share a database tell each other what they must know at once.
//!
//! A change of what credentials depend on is told by `NOTIFY` in the transaction that makes it, so that it is heard if
//! and only if it happened, the moment it is committed. Notifications are not kept: a node whose listening connection was
//! gone has missed some, and then believes nothing that it read before ([`crate::memory::Belief`]).

use std::time::Duration;

use sqlx::postgres::{PgListener, PgNotification, PgPool, PgPoolOptions};
use sqlx::{AnyConnection, Executor as _, query};
use tokio::time::Instant;

use super::backup::Catalog;
use super::connection::{Connection, Door};
use super::db::{Db, Engine, OpenError};
use crate::clock::{Clock, Timestamp};
use crate::error::Error;
use crate::settings::Storage;

const CHANGES: &str = "latchkey_changes";
const COUNTS: &str = "latchkey_counts";
/// How many changes one notification holds; the longest is 8000 bytes.
const CHANGES_A_NOTE: usize = 200;
/// How many connections count.
const COUNTING: u32 = 4;
/// How often the listening connection is asked whether it is there.
const PROVEN_EVERY: Duration = Duration::from_millis(200);
/// How long it may take to answer that.
const ANSWER: Duration = Duration::from_millis(400);
const CONNECT: Duration = Duration::from_secs(2);

/// It locks nothing, and what is made of it may be slow.
pub(super) const SNAPSHOT: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0";

pub(super) const CATALOG: Catalog = Catalog {
    columns: "SELECT CAST(c.table_name AS TEXT) AS table_name, CAST(c.column_name AS TEXT) AS column_name,
            CAST(c.data_type AS TEXT) AS kind
        FROM information_schema.columns c
        JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
        WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
        ORDER BY c.table_name, c.ordinal_position",
    references: "SELECT DISTINCT CAST(child.relname AS TEXT) AS table_name, CAST(parent.relname AS TEXT) AS refers_to
        FROM pg_constraint k JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
        JOIN pg_namespace n ON n.oid = child.relnamespace WHERE k.contype = 'f' AND n.nspname = current_schema()",
};

/// Nobody waits longer for a lock than they usually do for an answer, work in the background included. The database server
/// sees to it itself, since a node that vanished or was frozen while it waited would get the lock and keep it.
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '3s'";

/// Locks of a node that vanished or was frozen in the middle of a transaction are let go of soon, not when TCP gives up.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '5s'";

pub(super) async fn open(storage: &Storage) -> Result<Db, OpenError> {
    let pool = Db::pool(storage, storage.connections.max(2))
        .test_before_acquire(true)
        .after_connect(|connection: &mut AnyConnection, _| {
            Box::pin(async move { connection.execute(SETTINGS).await.map(|_| ()) })
        })
        .connect(&storage.url)
        .await
        .map_err(OpenError::Connect)?;
    // Counts need not survive a crash of the database server, and nobody should wait for a disk because of them.
    let counting = Db::pool(storage, COUNTING)
        .test_before_acquire(true)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute("SET synchronous_commit = off").await.map(|_| ()) })
        })
        .connect_lazy(&storage.url)
        .map_err(OpenError::Connect)?;
    let counting = Door::new(counting, storage.waiting, Some(storage.answer));
    let listening = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT)
        .connect_lazy(&storage.url)
        .map_err(OpenError::Connect)?;
    let door = Door::new(pool, storage.waiting, Some(storage.answer));
    Ok(Db::new(Engine::Postgres, door.clone(), door, Some(Nodes { counting, listening })))
}

/// The way to other nodes.
pub(super) struct Nodes {
    pub(super) counting: Door,
    listening: PgPool,
}

/// Tells every node that these changed, once the transaction is committed.
pub(super) async fn tell_changes(connection: &mut Connection, changed: &[u128]) -> Result<(), Error> {
    for some in changed.chunks(CHANGES_A_NOTE) {
        let text = some.iter().map(|number| format!("{number:x}")).collect::<Vec<_>>().join(" ");
        tell(connection, CHANGES, &text).await?;
    }
    Ok(())
}

/// Tells every node what was counted.
pub(super) async fn tell_counts(connection: &mut Connection, texts: &[String]) -> Result<(), Error> {
    for text in texts {
        tell(connection, COUNTS, text).await?;
    }
    Ok(())
}

async fn tell(connection: &mut Connection, channel: &str, text: &str) -> Result<(), Error> {
    query("SELECT CAST(pg_notify($1, $2) AS TEXT)").bind(channel).bind(text).execute(connection).await?;
    Ok(())
}

/// What was heard.
#[derive(Debug)]
pub enum Heard {
    /// These changed.
    Changes(Vec<u128>),
    /// What a node counted, in its own words.
    Counts(String),
    /// The connection is alive, and all that was said before this instant has been heard.
    EverythingUntil(Timestamp),
}

/// A connection that listens to what other nodes say. When anything fails it is of no use any more.
pub struct Ear {
    listener: PgListener,
    asked: Instant,
    /// When the connection proved alive, until that is told.
    alive: Option<Timestamp>,
}

impl Ear {
    pub(super) async fn open(nodes: &Nodes) -> Result<Self, Error> {
        let mut listener = PgListener::connect_with(&nodes.listening).await?;
        listener.ignore_pool_close_event(true);
        listener.listen_all([CHANGES, COUNTS]).await?;
        Ok(Self { listener, asked: Instant::now(), alive: None })
    }

    /// The next thing that is said. An error when it may have missed something.
    pub async fn next(&mut self, clock: &Clock) -> Result<Heard, Error> {
        loop {
            if let Some(said) = self.listener.next_buffered() {
                return Ok(understood(&said));
            }
            if let Some(alive) = self.alive.take() {
                return Ok(Heard::EverythingUntil(alive));
            }
            // Also when others never fall silent.
            if self.asked.elapsed() >= PROVEN_EVERY {
                self.prove_alive(clock).await?;
                continue;
            }
            if let Ok(said) = tokio::time::timeout_at(self.asked + PROVEN_EVERY, self.listener.try_recv()).await {
                return said?.map(|said| understood(&said)).ok_or_else(lost);
            }
        }
    }

    /// Asks the database server something. Whatever was said before comes before the answer.
    async fn prove_alive(&mut self, clock: &Clock) -> Result<(), Error> {
        let before = clock.now();
        self.asked = Instant::now();
        let answer = tokio::time::timeout(ANSWER, (&mut self.listener).execute("SELECT 1")).await;
        answer.map_err(|_| lost())??;
        self.alive = Some(before);
        Ok(())
    }
}

fn understood(said: &PgNotification) -> Heard {
    if said.channel() == COUNTS {
        return Heard::Counts(said.payload().to_owned());
    }
    let numbers = said.payload().split(' ').filter_map(|text| u128::from_str_radix(text, 16).ok());
    Heard::Changes(numbers.collect())
}

fn lost() -> Error {
    Error::Unavailable("the connection that listens to other nodes was lost".into())
}

/// Class 08 (connection), 53 (resources), 57P (operator intervention: shutting down, starting up), 58 (system); a lock that
/// somebody held for too long, and a transaction that rested for too long because this process was frozen.
pub(super) fn is_away(code: &str) -> bool {
    code.len() == 5 && ["08", "53", "57P", "58", "55P03", "25P03"].iter().any(|class| code.starts_with(class))
}
