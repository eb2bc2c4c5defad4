//! Statements that only tests need.

use sqlx::{AssertSqlSafe, Connection as _, Row as _, query};

use super::{OrganizationStore, Store};

/// Makes a database on a PostgreSQL server.
pub(crate) async fn create_postgres_database(server: &str, name: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(server).await.expect("a PostgreSQL server");
    query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.expect("made");
}

const TABLES: [&str; 21] = [
    "mails",
    "challenges",
    "facts",
    "users",
    "organizations",
    "memberships",
    "sessions",
    "refresh_tokens",
    "exchanged_tokens",
    "signing_keys",
    "api_keys",
    "api_key_secrets",
    "api_key_hours",
    "api_key_calls",
    "setup_links",
    "totp_factors",
    "totp_setups",
    "backup_codes",
    "half_sign_ins",
    "trusted_devices",
    "audit_events",
];

impl Store<'_> {
    pub(crate) async fn pretend_newer_schema(&mut self) {
        query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', TRUE, $1, 0)")
            .bind(vec![0_u8])
            .execute(&mut *self.connection)
            .await
            .expect("inserted");
    }

    pub(crate) async fn execute_for_test(&mut self, statement: &'static str) {
        query(statement).execute(&mut *self.connection).await.expect("executed");
    }

    pub(crate) async fn dump_for_test(&mut self) -> String {
        let mut dump = String::new();
        for table in TABLES {
            let rows = query(AssertSqlSafe(format!("SELECT * FROM {table}")));
            for row in rows.fetch_all(&mut *self.connection).await.expect("read") {
                for column in 0..row.len() {
                    let text = row.try_get::<String, _>(column).unwrap_or_default();
                    let bytes = row.try_get::<Vec<u8>, _>(column).unwrap_or_default();
                    dump.push_str(&text);
                    dump.push_str(&String::from_utf8_lossy(&bytes));
                    dump.push(' ');
                }
            }
        }
        dump
    }
}

impl OrganizationStore<'_> {
    pub(crate) async fn suspend_for_test(&mut self, now: crate::clock::Timestamp) {
        query("UPDATE organizations SET suspended_at = $2 WHERE id = $1")
            .bind(self.organization.to_string())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await
            .expect("updated");
    }
}
