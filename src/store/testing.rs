//! Statements that only tests need.

use sqlx::{AssertSqlSafe, Connection as _, Row as _, query};

use super::{OrganizationStore, Store};

/// Makes a database on a PostgreSQL server.
pub(crate) async fn create_postgres_database(server: &str, name: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(server).await.expect("a PostgreSQL server");
    query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.expect("made");
}

const TABLES: [&str; 33] = [
    "counts",
    "leases",
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
    "handoffs",
    "trusted_devices",
    "known_browsers",
    "guesses",
    "api_key_warnings",
    "api_key_watch",
    "api_key_seen",
    "api_key_flags",
    "invitations",
    "invitation_codes",
    "audit_events",
    "audit_chains",
];

/// What hands in the database can do to the audit log of an organization, and how it is undone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tampering {
    Change,
    ChangeBack,
    Backdate,
    DateBack,
    Move,
    MoveBack,
    Shorten,
    Lengthen,
    Append,
    RemoveAppended,
    RemoveEntry,
    RemoveChain,
}

impl Tampering {
    const fn statement(self) -> &'static str {
        match self {
            Self::Change => "UPDATE audit_events SET actor = 'x' || actor WHERE position = 3 AND chain <> 'platform'",
            Self::ChangeBack => {
                "UPDATE audit_events SET actor = SUBSTR(actor, 2) WHERE position = 3 AND chain <> 'platform'"
            }
            Self::Backdate => "UPDATE audit_events SET at = at - 1 WHERE position = 1 AND chain <> 'platform'",
            Self::DateBack => "UPDATE audit_events SET at = at + 1 WHERE position = 1 AND chain <> 'platform'",
            Self::Move => "UPDATE audit_events SET position = 9 WHERE position = 2 AND chain <> 'platform'",
            Self::MoveBack => "UPDATE audit_events SET position = 2 WHERE position = 9 AND chain <> 'platform'",
            Self::Shorten => "UPDATE audit_chains SET length = length - 1 WHERE chain <> 'platform'",
            Self::Lengthen => "UPDATE audit_chains SET length = length + 1 WHERE chain <> 'platform'",
            Self::Append => {
                "INSERT INTO audit_events (id, chain, position, at, actor, action, target, address, user_agent,
                    request_id, detail, hash)
                 SELECT id || 'x', chain, 99, at, actor, action, target, address, user_agent, request_id, detail, hash
                 FROM audit_events WHERE position = 1 AND chain <> 'platform'"
            }
            Self::RemoveAppended => "DELETE FROM audit_events WHERE position = 99",
            Self::RemoveEntry => "DELETE FROM audit_events WHERE position = 5 AND chain <> 'platform'",
            Self::RemoveChain => "DELETE FROM audit_chains WHERE chain <> 'platform'",
        }
    }
}

impl Store<'_> {
    pub(crate) async fn pretend_newer_schema(&mut self) {
        query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', TRUE, $1, 0)")
            .bind(vec![0_u8])
            .execute(&mut *self.connection)
            .await
            .expect("inserted");
    }

    pub(crate) async fn tamper_for_test(&mut self, tampering: Tampering) {
        query(tampering.statement()).execute(&mut *self.connection).await.expect("executed");
    }

    /// The disk is full as soon as the file is to grow; with `false` there is room again. On SQLite only.
    pub(crate) async fn fill_disk_for_test(&mut self, full: bool) {
        let most = if full { 1 } else { 1_000_000 };
        let limit = AssertSqlSafe(format!("PRAGMA max_page_count = {most}"));
        query(limit).fetch_one(&mut *self.connection).await.expect("limited");
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
