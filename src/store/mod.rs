//! Rows in, domain types out: the only SQL there is.
//!
//! [`Store`] holds what belongs to the whole installation; what belongs to one organization is reached only through
//! [`OrganizationStore`], which carries the organization's id into every statement. Verbs: `find`, `list`, `insert`,
//! `update`, `delete`, `consume` (one conditional statement that succeeds once).

mod api_keys;
mod audit;
mod challenges;
mod db;
mod devices;
mod factors;
mod facts;
mod half_sign_ins;
mod invitation_codes;
mod invitations;
mod key_warnings;
mod known_browsers;
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
pub use challenges::NewChallenge;
pub use db::{Db, Engine, OpenError, Reading, Writing};
pub use devices::NewDevice;
pub use factors::{NewFactor, StoredFactor};
pub use facts::StoredSigningKey;
pub use half_sign_ins::HalfSignIn;
pub use key_warnings::EndingKey;
pub use mails::{OutboxTotals, StoredMail};
pub use organizations::{StoredMember, StoredTenant};
pub use sessions::{NewSession, SessionStanding};
#[cfg(test)]
pub(crate) use testing::{Tampering, create_postgres_database};
pub use usage::{KeyCall, KeyTotals, UsageRow};

use crate::id::OrganizationId;

/// Statements on a connection.
pub struct Store<'c> {
    connection: &'c mut db::Connection,
    /// Where a transaction notes that it wrote mails.
    posted: Option<&'c mut bool>,
}

/// Statements that see one organization only.
pub struct OrganizationStore<'c> {
    connection: &'c mut db::Connection,
    organization: OrganizationId,
}

impl<'c> Store<'c> {
    pub(crate) fn new(connection: &'c mut db::Connection, posted: Option<&'c mut bool>) -> Self {
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
