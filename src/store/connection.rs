//! Connections out of a pool, with bounds on all waiting: for a connection, for an answer, and for its way back.
//!
//! A database that is gone says so. One that is *silent* (a cable pulled, a machine that died, a full firewall table)
//! says nothing, and TCP would believe in it for a quarter of an hour. So every statement has a longest time, a
//! connection that was silent for that long is thrown away, and so is one whose fate nobody knows.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{Stream, stream};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Either, Execute, Executor, SqlStr};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::error::Error;

/// When to come back, who finds the queue full.
const COME_BACK: Duration = Duration::from_secs(1);
/// How long a connection may take to be fit for the next one.
const LONGEST_RETURN: Duration = Duration::from_secs(2);

type Answer<'e, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'e>>;
type Answers<'e, T> = Pin<Box<dyn Stream<Item = Result<T, sqlx::Error>> + Send + 'e>>;

/// A pool, and before it a queue of known length. Cheap to clone.
#[derive(Clone)]
pub(super) struct Door {
    pool: AnyPool,
    waiting: Arc<AtomicUsize>,
    most_waiting: usize,
    longest_answer: Option<Duration>,
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

/// A connection that is held. Its statements take only so long.
pub(super) struct Connection {
    held: Option<PoolConnection<Any>>,
    longest_answer: Option<Duration>,
    in_transaction: bool,
}

impl Door {
    pub(super) fn new(pool: AnyPool, most_waiting: usize, longest_answer: Option<Duration>) -> Self {
        Self { pool, waiting: Arc::default(), most_waiting, longest_answer }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) const fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// A connection; refused at once when too many wait for one already.
    pub(super) async fn enter(&self) -> Result<Connection, Error> {
        let place = Place(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.most_waiting {
            return Err(Error::Busy { retry_after: COME_BACK });
        }
        let held = Some(self.pool.acquire().await?);
        drop(place);
        Ok(Connection { held, longest_answer: self.longest_answer, in_transaction: false })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    /// Begins a transaction; when it is not committed, it is undone.
    pub(super) async fn begin(&mut self, statement: &'static str) -> Result<(), Error> {
        self.in_transaction = true;
        self.execute(statement).await?;
        Ok(())
    }

    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        self.execute("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Lets statements take longer than those that somebody waits for.
    pub(super) fn be_patient(&mut self, longest_answer: Duration) {
        self.longest_answer = self.longest_answer.map(|usual| usual.max(longest_answer));
    }

    fn raw(&mut self) -> Result<&mut sqlx::AnyConnection, sqlx::Error> {
        self.held.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let (Some(held), Ok(runtime)) = (self.held.take(), Handle::try_current()) {
            runtime.spawn(give_back(held, self.in_transaction));
        }
    }
}

/// Back into the pool, or away when it does not answer.
async fn give_back(mut held: PoolConnection<Any>, in_transaction: bool) {
    if in_transaction {
        match timeout(LONGEST_RETURN, held.execute("ROLLBACK")).await {
            // Refused is answered too: the database has ended the transaction itself.
            Ok(Ok(_) | Err(sqlx::Error::Database(_))) => {}
            _ => return drop(held.detach()),
        }
    }
    // What does not come back in time is closed.
    let _ = timeout(LONGEST_RETURN, held.return_to_pool()).await;
}

async fn within<T>(
    longest: Option<Duration>,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let Some(longest) = longest else { return answer.await };
    timeout(longest, answer).await.unwrap_or_else(|_| Err(silent()))
}

fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database did not answer in time"))
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("in_transaction", &self.in_transaction).finish_non_exhaustive()
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Any;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, AnyQueryResult>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let longest = self.longest_answer;
        Box::pin(async move { within(longest, self.raw()?.execute(query)).await })
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Vec<AnyRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let longest = self.longest_answer;
        Box::pin(async move { within(longest, self.raw()?.fetch_all(query)).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Option<AnyRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let longest = self.longest_answer;
        Box::pin(async move { within(longest, self.raw()?.fetch_optional(query)).await })
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Answers<'e, Either<AnyQueryResult, AnyRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        match self.raw() {
            Ok(raw) => raw.fetch_many(query),
            Err(error) => Box::pin(stream::once(std::future::ready(Err(error)))),
        }
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [AnyTypeInfo]) -> Answer<'e, AnyStatement>
    where
        'c: 'e,
    {
        let longest = self.longest_answer;
        Box::pin(async move { within(longest, self.raw()?.prepare_with(sql, parameters)).await })
    }
}
