//! What only PostgreSQL needs.

use sqlx::{AnyConnection, Executor as _};

use super::connection::Door;
use super::db::{Db, Engine, OpenError};
use crate::settings::Storage;

pub(super) const BEGIN: &str = "BEGIN";

/// Locks of a node that vanished in the middle of a transaction are let go of soon, not when TCP gives up.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '30s'";

pub(super) async fn open(storage: &Storage) -> Result<Db, OpenError> {
    let pool = Db::pool(storage, storage.connections.max(2))
        .test_before_acquire(true)
        .after_connect(|connection: &mut AnyConnection, _| {
            Box::pin(async move { connection.execute(SETTINGS).await.map(|_| ()) })
        })
        .connect(&storage.url)
        .await
        .map_err(OpenError::Connect)?;
    let door = Door::new(pool, storage.waiting, Some(storage.answer));
    Ok(Db::new(Engine::Postgres, door.clone(), door))
}

/// Class 08 (connection), 53 (resources), 57P (operator intervention: shutting down, starting up), 58 (system).
pub(super) fn is_away(code: &str) -> bool {
    code.len() == 5 && ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class))
}
