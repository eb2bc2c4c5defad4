//! Rows in, domain types out: the only SQL there is.
//!
//! [`Store`] holds what belongs to the whole installation; what belongs to one organization is reached only through
//! [`OrganizationStore`], which carries the organization's id into every statement. Verbs: `find`, `list`, `insert`,
//! `update`, `delete`, `consume` (one conditional statement that succeeds once).

mod api_keys;
mod audit;
mod backup;
mod challenges;
mod connection;
mod counts;
mod db;
mod devices;
mod factors;
mod facts;
mod guesses;
mod half_sign_ins;
mod handoffs;
mod invitation_codes;
mod invitations;
mod key_warnings;
mod key_watch;
mod known_browsers;
mod leases;
mod mails;
mod organizations;
mod policies;
mod postgres;
mod row;
mod sessions;
mod sqlite;
#[cfg(test)]
mod testing;
mod usage;
mod users;

pub use api_keys::{KeyCredential, KeyFilter, NewKeyRow, StoredKey};
pub use audit::{AuditFilter, NewEvent, StoredEvent, Tampered};
pub use backup::{Fields, Schema, Table};
pub use challenges::NewChallenge;
pub use db::{Db, Ear, Engine, Heard, OpenError, PoolLevel, Reading, Writing, failures};
pub use devices::NewDevice;
pub use factors::{NewFactor, StoredFactor};
pub use facts::StoredSigningKey;
pub use guesses::{GuessBounds, GuessCount};
pub use half_sign_ins::HalfSignIn;
pub use handoffs::StoredHandoff;
pub use invitations::Invitations;
pub use key_warnings::EndingKey;
pub use key_watch::WatchedKey;
pub use mails::{OutboxTotals, StoredMail};
pub use organizations::{StoredMember, StoredTenant};
pub use sessions::{NewSession, SessionStanding};
#[cfg(test)]
pub(crate) use testing::{Tampering, create_postgres_database};
pub use usage::{KeyCall, KeyTotals, UsageRow};

use sqlx::{AssertSqlSafe, query};

use row::Columns as _;

use crate::error::Error;
use crate::id::OrganizationId;

/// Statements on a connection.
pub struct Store<'c> {
    connection: &'c mut db::Connection,
    /// Where a transaction notes that it wrote mails.
    posted: Option<&'c mut bool>,
}

/// Which part of a list: the ORDER BY, one of those the list knows, how many at most, how many to pass over.
type Part = (&'static str, i64, i64);

/// Statements that see one organization only.
pub struct OrganizationStore<'c> {
    connection: &'c mut db::Connection,
    organization: OrganizationId,
}

impl<'c> Store<'c> {
    fn new(connection: &'c mut db::Connection, posted: Option<&'c mut bool>) -> Self {
        Self { connection, posted }
    }

    fn note_posted(&mut self) {
        if let Some(posted) = &mut self.posted {
            **posted = true;
        }
    }

    /// What belongs to one organization. The id comes from the proof of a right, never from a request.
    pub fn organization(&mut self, organization: OrganizationId) -> OrganizationStore<'_> {
        OrganizationStore { connection: &mut *self.connection, organization }
    }
}

impl OrganizationStore<'_> {
    /// A part of its rows in `table`, and how many there are in all.
    async fn list_of<T>(
        &mut self,
        table: &'static str,
        (order, limit, offset): Part,
        read: fn(&db::Row) -> Result<T, Error>,
    ) -> Result<(Vec<T>, i64), Error> {
        let counting = format!("SELECT CAST(COUNT(*) AS BIGINT) AS total FROM {table} WHERE organization_id = $1");
        let total =
            query(AssertSqlSafe(counting)).bind(self.organization.to_string()).fetch_one(&mut *self.connection).await?;
        let listing =
            format!("SELECT * FROM {table} WHERE organization_id = $1 ORDER BY {order}, id LIMIT $2 OFFSET $3");
        let rows = query(AssertSqlSafe(listing))
            .bind(self.organization.to_string())
            .bind(limit)
            .bind(offset)
            .fetch_all(&mut *self.connection)
            .await?;
        Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total.number("total")?))
    }

    /// One of its rows in `table`.
    async fn find_in<T>(
        &mut self,
        table: &'static str,
        id: String,
        read: fn(&db::Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let row = query(AssertSqlSafe(format!("SELECT * FROM {table} WHERE organization_id = $1 AND id = $2")))
            .bind(self.organization.to_string())
            .bind(id)
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(read).transpose()
    }
}
