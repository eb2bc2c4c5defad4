//! What only PostgreSQL needs.

use super::backup::Catalog;
use super::db::{Db, Engine, OpenError};
use crate::settings::Storage;

pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

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
