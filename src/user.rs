//! People's accounts.

use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::UserId;

/// An account as the store has it. The password's hash is not part of it: only the sign-in verbs ask for that.
#[derive(Clone, Debug)]
pub struct User {
    /// Which account.
    pub id: UserId,
    /// Its address.
    pub email: Email,
    /// What the person is called.
    pub name: String,
    /// First name, when given apart.
    pub first_name: Option<String>,
    /// Last name, when given apart.
    pub last_name: Option<String>,
    /// A picture.
    pub avatar_url: Option<String>,
    /// Since when the address is known to be theirs.
    pub email_verified_at: Option<Timestamp>,
    /// Since when the account is switched off.
    pub disabled_at: Option<Timestamp>,
    /// Since when the person looks after the whole platform.
    pub landlord_since: Option<Timestamp>,
    /// Since when a second factor stands behind every first one.
    pub second_factor_since: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// The first name: as given, or the name up to its first space.
    pub fn first_name(&self) -> String {
        self.first_name.clone().unwrap_or_else(|| split(&self.name).0.to_owned())
    }

    /// The last name: as given, or the name after its first space.
    pub fn last_name(&self) -> String {
        self.last_name.clone().unwrap_or_else(|| split(&self.name).1.to_owned())
    }
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(' ').map_or((name, ""), |(first, last)| (first, last.trim_start()))
}
