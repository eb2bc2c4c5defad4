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
    /// What they may sign in with in place of it.
    pub username: Option<UserName>,
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

/// Fewest characters of a user name.
const SHORTEST: usize = 3;
/// Most characters of a user name.
const LONGEST: usize = 32;

/// What somebody may sign in with in place of their address. It has lower-case letters, digits, dots, dashes and
/// underscores, begins with a letter or digit, and so never looks like an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// Reads one; case does not count.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fine = (SHORTEST..=LONGEST).contains(&name.len())
            && name.bytes().all(plain)
            && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        fine.then_some(Self(name))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_has_no_case_and_is_never_an_address() {
        assert_eq!(UserName::parse(" Ada.Byron_1 ").as_ref().map(UserName::as_str), Some("ada.byron_1"));
        for bad in ["", "ab", "ada@example.org", "ada byron", ".ada", "-ada", "ädä", "ada\u{200b}", &"a".repeat(33)] {
            assert_eq!(UserName::parse(bad), None, "{bad:?}");
        }
    }
}
