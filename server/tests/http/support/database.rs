//! A PostgreSQL database for each test.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AnyConnection, Connection as _, Executor as _};

const SERVER: &str = "LATCHKEY_TEST_POSTGRES_URL";
const ENGINES: &str = "LATCHKEY_TEST_ENGINES";

/// Makes one and gives its address.
pub async fn create() -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let Ok(server) = std::env::var(SERVER) else {
        let only_sqlite = std::env::var(ENGINES).is_ok_and(|engines| engines == "sqlite");
        assert!(only_sqlite, "{SERVER} is not set: run through tools/with-postgres, or set {ENGINES}=sqlite");
        return None;
    };
    sqlx::any::install_default_drivers();
    let name = format!("latchkey_http_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = AnyConnection::connect(&server).await.expect("PostgreSQL can be reached");
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a database");
    connection.close().await.expect("closed");
    let (base, _) = server.rsplit_once('/').expect("the address names a database");
    Some(format!("{base}/{name}"))
}
