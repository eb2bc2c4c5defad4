//! What only PostgreSQL needs.

use super::db::{Db, Engine, OpenError};
use crate::settings::Storage;

pub(super) async fn open(storage: &Storage) -> Result<Db, OpenError> {
    let pool = Db::pool(storage, storage.connections.max(2))
        .test_before_acquire(true)
        .connect(&storage.url)
        .await
        .map_err(OpenError::Connect)?;
    Ok(Db::new(Engine::Postgres, pool.clone(), pool))
}

/// Class 08 (connection), 53 (resources), 57P (operator intervention: shutting down, starting up), 58 (system).
pub(super) fn is_away(code: &str) -> bool {
    code.len() == 5 && ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class))
}
