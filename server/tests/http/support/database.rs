//! A PostgreSQL database for each test; and what tests do to a database, or look for in it, past HTTP: the one place
//! for SQL outside the store.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};

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
    let name = format!("latchkey_http_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    execute(&server, &format!("CREATE DATABASE {name}")).await;
    let (base, _) = server.rsplit_once('/').expect("the address names a database");
    Some(format!("{base}/{name}"))
}

async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(url).await.expect("the database can be reached")
}

/// Sets a column in every row.
pub async fn set(url: &str, (table, column): (&str, &str), value: Option<i64>) {
    let value = value.map_or("NULL".to_owned(), |value| value.to_string());
    execute(url, &format!("UPDATE {table} SET {column} = {value}")).await;
}

/// The texts in a column, in no order.
pub async fn texts(url: &str, (table, column): (&str, &str)) -> Vec<String> {
    let mut connection = connect(url).await;
    let statement = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
    let rows = connection.fetch_all(sqlx::AssertSqlSafe(statement)).await.expect("rows");
    connection.close().await.expect("closed");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn execute(url: &str, statement: &str) {
    let mut connection = connect(url).await;
    connection.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.expect("executed");
    connection.close().await.expect("closed");
}

/// Everything that is stored, bytes as they are on the disk or written in hexadecimal.
pub async fn dump(url: &str) -> Vec<u8> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let files = ["", "-wal"].map(|ending| std::fs::read(Path::new(&format!("{path}{ending}"))).unwrap_or_default());
        return files.concat();
    }
    let mut connection = connect(url).await;
    let tables = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'";
    let mut dump = String::new();
    for table in connection.fetch_all(tables).await.expect("tables") {
        let table: String = table.get(0);
        let rows = format!("SELECT CAST(t AS TEXT) FROM \"{table}\" t");
        for row in connection.fetch_all(sqlx::AssertSqlSafe(rows)).await.expect("rows") {
            dump.push_str(row.get(0));
        }
    }
    connection.close().await.expect("closed");
    dump.into_bytes()
}

/// Whether a secret is in a dump, as it is or written in hexadecimal.
pub fn holds(dump: &[u8], secret: &[u8]) -> bool {
    let hexadecimal = secret.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    [secret, hexadecimal.as_bytes()].iter().any(|form| dump.windows(form.len()).any(|part| part == *form))
}
