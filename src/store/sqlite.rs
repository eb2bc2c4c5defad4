//! What only SQLite needs: one writer beside many readers, WAL, and durability before a commit is acknowledged.

use sqlx::{AnyConnection, AnyPool, Executor as _};

use super::backup::Catalog;
use super::connection::Door;
use super::db::{Db, Engine, OpenError};
use crate::settings::Storage;

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Under WAL a transaction goes on seeing what its first statement saw.
pub(super) const SNAPSHOT: &str = "BEGIN DEFERRED";

pub(super) const CATALOG: Catalog = Catalog {
    columns: "SELECT t.name AS table_name, c.name AS column_name, c.type AS kind
        FROM sqlite_master t JOIN pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY t.name, c.cid",
    references: "SELECT DISTINCT t.name AS table_name, f.\"table\" AS refers_to
        FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
};

const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000;";

/// The file in an address of ours; `None` when the address names another engine.
pub(super) fn path(url: &str) -> Option<&str> {
    let path = url.strip_prefix("sqlite:")?;
    Some(path.strip_prefix("//").unwrap_or(path))
}

pub(super) async fn open(storage: &Storage, path: &str) -> Result<Db, OpenError> {
    let url = format!("sqlite://{}?mode=rwc", path.replace('%', "%25").replace('?', "%3f").replace('#', "%23"));
    // A file answers sooner or later, and there is no other one to turn to: statements have no time-out.
    let writer = Door::new(pool(storage, 1, &url).await?, storage.waiting, None);
    let reader = Door::new(pool(storage, storage.connections.max(1), &url).await?, storage.waiting, None);
    Ok(Db::new(Engine::Sqlite, writer, reader, None))
}

async fn pool(storage: &Storage, most: u32, url: &str) -> Result<AnyPool, OpenError> {
    Db::pool(storage, most)
        .after_connect(|connection: &mut AnyConnection, _| {
            Box::pin(async move { connection.execute(SETTINGS).await.map(|_| ()) })
        })
        .connect(url)
        .await
        .map_err(OpenError::Connect)
}

/// SQLITE_BUSY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN, in their extended forms too.
pub(super) fn is_away(code: &str) -> bool {
    // PostgreSQL's codes have five characters and may be numbers too.
    code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 10 | 13 | 14))
}
