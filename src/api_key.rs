//! API keys: their form, their checksum, their scopes, their states (contract section 5).
//!
//! `lk_live_` or `lk_test_`, an 8-character public id, `_`, 40 random base62 characters, and 6 base62 characters of
//! CRC-32 (ISO-HDLC) over all that stands before. The checksum lets a mistyped or invented key be refused before
//! any look-up, and lets secret scanners be sure of what they found.

use crate::clock::Timestamp;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PUBLIC_ID: usize = 8;
const SECRET: usize = 40;
const CHECKSUM: usize = 6;
/// How long every key is.
pub const KEY_LENGTH: usize = "lk_live_".len() + PUBLIC_ID + 1 + SECRET + CHECKSUM;

/// What a key is for; test keys are counted apart and named so by `verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyMode {
    /// Real work.
    Live,
    /// Trying things out.
    Test,
}

impl KeyMode {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// Reads a wire name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Live, Self::Test].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// A presented key whose form and checksum are right. It proves nothing yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyText<'a> {
    whole: &'a str,
}

impl<'a> KeyText<'a> {
    /// Reads a key; `None` when the form or the checksum is wrong.
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() != KEY_LENGTH || !text.is_ascii() {
            return None;
        }
        let rest = text.strip_prefix("lk_live_").or_else(|| text.strip_prefix("lk_test_"))?.as_bytes();
        let digits = |part: &[u8]| part.iter().all(u8::is_ascii_alphanumeric);
        let well_formed = digits(&rest[..PUBLIC_ID]) && rest[PUBLIC_ID] == b'_' && digits(&rest[PUBLIC_ID + 1..]);
        let (body, sum) = text.split_at(KEY_LENGTH - CHECKSUM);
        (well_formed && checksum(body) == sum).then_some(Self { whole: text })
    }

    /// Whether the text at least begins like a key of ours: then it is not a JWT.
    pub fn looks_like_one(text: &str) -> bool {
        text.starts_with("lk_live_") || text.starts_with("lk_test_")
    }

    /// The public id, by which the key is looked up.
    pub fn public_id(&self) -> &'a str {
        &self.whole[8..8 + PUBLIC_ID]
    }

    /// The whole key, the input of its keyed hash.
    pub fn whole(&self) -> &'a str {
        self.whole
    }
}

/// Composes the text of a new key.
pub fn compose(mode: KeyMode, public_id: &str, secret: &str) -> String {
    let mut key = format!("lk_{}_{public_id}_{secret}", mode.as_str());
    let sum = checksum(&key);
    key.push_str(&sum);
    key
}

/// What of a key may be shown for ever: up to its public id.
pub fn prefix(mode: KeyMode, public_id: &str) -> String {
    format!("lk_{}_{public_id}", mode.as_str())
}

/// `count` base62 digits from a source of random bytes, each digit equally likely (bytes from 248 up are dropped).
pub fn random_digits(count: usize, mut byte: impl FnMut() -> u8) -> String {
    let mut digits = String::with_capacity(count);
    while digits.len() < count {
        let drawn = usize::from(byte());
        if drawn < 248 {
            digits.push(char::from(BASE62[drawn % 62]));
        }
    }
    digits
}

/// A new public id.
pub fn random_public_id(byte: impl FnMut() -> u8) -> String {
    random_digits(PUBLIC_ID, byte)
}

/// A new secret part.
pub fn random_secret(byte: impl FnMut() -> u8) -> String {
    random_digits(SECRET, byte)
}

fn checksum(body: &str) -> String {
    let mut value = usize::try_from(crc32fast::hash(body.as_bytes())).unwrap_or_default();
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[value % 62];
        value /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// The four scopes that mean something to Latchkey itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// GET, HEAD, OPTIONS.
    Read,
    /// POST, PUT, PATCH.
    Write,
    /// DELETE.
    Delete,
    /// Everything, and administration.
    Admin,
}

impl Scope {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Delete, Self::Admin];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Admin => "admin",
        }
    }

    /// What a call with this HTTP method needs; an unknown method needs `admin`.
    pub fn for_method(method: &str) -> Self {
        match method {
            "GET" | "HEAD" | "OPTIONS" => Self::Read,
            "POST" | "PUT" | "PATCH" => Self::Write,
            "DELETE" => Self::Delete,
            _ => Self::Admin,
        }
    }
}

/// A set of scopes, ours and applications', in the order they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// How many a key may have.
    pub const MOST: usize = 32;

    /// Reads a list; `None` when one of them has a form that no scope has.
    pub fn parse<T: AsRef<str>>(names: &[T]) -> Option<Self> {
        let mut scopes = Self::default();
        for name in names.iter().map(AsRef::as_ref) {
            if !is_scope(name) {
                return None;
            }
            if !scopes.0.iter().any(|known| known == name) {
                scopes.0.push(name.to_owned());
            }
        }
        Some(scopes)
    }

    /// What a person of this role holds: `read write delete`, and `admin` from ADMIN up (contract section 11).
    pub fn of_person(is_admin: bool) -> Self {
        let count = if is_admin { 4 } else { 3 };
        Self(Scope::ALL[..count].iter().map(|scope| scope.as_str().to_owned()).collect())
    }

    /// Whether the set holds `name`. `admin` implies all of ours and all of the applications'.
    pub fn allow(&self, name: &str) -> bool {
        self.0.iter().any(|held| held == name || held == Scope::Admin.as_str())
    }

    /// The same set without `admin`.
    #[must_use]
    pub fn without_admin(mut self) -> Self {
        self.0.retain(|held| held != Scope::Admin.as_str());
        self
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many scopes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Names separated by spaces: the form of the `scope` claim (RFC 8693 section 4.2) and of the store.
    pub fn joined(&self) -> String {
        self.0.join(" ")
    }

    /// The inverse of [`Scopes::joined`].
    pub fn split(text: &str) -> Self {
        Self(text.split_ascii_whitespace().map(str::to_owned).collect())
    }
}

impl serde::Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

fn is_scope(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// It works, and so does the secret it had before.
    Rotating,
    /// Switched off for now.
    Inactive,
    /// Past its last day.
    Expired,
    /// Ended for good.
    Revoked,
}

impl KeyStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Active, Self::Rotating, Self::Inactive, Self::Expired, Self::Revoked];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Rotating => "ROTATING",
            Self::Inactive => "INACTIVE",
            Self::Expired => "EXPIRED",
            Self::Revoked => "REVOKED",
        }
    }

    /// Reads a wire name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Where a key with these dates stands at `now`; the graver state wins.
    pub fn at(now: Timestamp, life: &KeyLife) -> Self {
        if life.revoked_at.is_some() {
            Self::Revoked
        } else if life.expires_at.is_some_and(|end| end <= now) {
            Self::Expired
        } else if life.inactive_at.is_some() {
            Self::Inactive
        } else if life.overlap_ends_at.is_some_and(|end| end > now) {
            Self::Rotating
        } else {
            Self::Active
        }
    }
}

impl serde::Serialize for KeyStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The dates that decide a key's state.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyLife {
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Its last instant.
    pub expires_at: Option<Timestamp>,
    /// Since when it is switched off.
    pub inactive_at: Option<Timestamp>,
    /// Until when the secret before the present one works.
    pub overlap_ends_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_key() -> impl Strategy<Value = String> {
        ("[0-9A-Za-z]{8}", "[0-9A-Za-z]{40}", any::<bool>())
            .prop_map(|(id, secret, live)| compose(if live { KeyMode::Live } else { KeyMode::Test }, &id, &secret))
    }

    proptest! {
        #[test]
        fn a_composed_key_is_read_again(key in any_key()) {
            let read = KeyText::parse(&key).expect("well formed");
            prop_assert_eq!(read.whole(), key.as_str());
            prop_assert_eq!(read.public_id(), &key[8..16]);
        }

        #[test]
        fn one_changed_character_is_noticed(key in any_key(), place in 8_usize..KEY_LENGTH, digit in "[0-9A-Za-z]") {
            let mut other = key.clone();
            other.replace_range(place..=place, &digit);
            prop_assert_eq!(KeyText::parse(&other).is_some(), other == key);
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}", tail in "\\PC{0,70}") {
            let _ = KeyText::parse(&text);
            let _ = KeyText::parse(&format!("lk_live_{tail}"));
        }
    }

    #[test]
    fn the_checksum_is_crc32_iso_hdlc_in_six_base62_digits() {
        // CRC-32 of "123456789" is 0xCBF43926 = 3421780262.
        assert_eq!(checksum("123456789"), "3jZRME");
        assert_eq!(checksum(""), "000000");
    }

    #[test]
    fn scopes_do_not_imply_each_other_but_admin_implies_all() {
        let write = Scopes::split("write");
        assert!(write.allow("write") && !write.allow("read") && !write.allow("delete"));
        assert!(Scopes::split("admin").allow("delete") && Scopes::split("admin").allow("READ_LEADS"));
        assert!(!Scopes::default().allow("read"));
    }

    #[test]
    fn application_scopes_have_a_form() {
        assert!(Scopes::parse(&["READ_LEADS", "crm:leads.read-all"]).is_some());
        for bad in ["", "1read", "a b", "é", &"x".repeat(65)] {
            assert_eq!(Scopes::parse(&[bad]), None, "{bad:?}");
        }
    }

    #[test]
    fn the_graver_state_wins() {
        let now = Timestamp::from_seconds(100);
        let mut life = KeyLife { overlap_ends_at: Some(Timestamp::from_seconds(200)), ..KeyLife::default() };
        assert_eq!(KeyStatus::at(now, &life), KeyStatus::Rotating);
        life.inactive_at = Some(now);
        assert_eq!(KeyStatus::at(now, &life), KeyStatus::Inactive);
        life.expires_at = Some(now);
        assert_eq!(KeyStatus::at(now, &life), KeyStatus::Expired);
        life.revoked_at = Some(now);
        assert_eq!(KeyStatus::at(now, &life), KeyStatus::Revoked);
    }

    #[test]
    fn methods_need_the_scope_of_the_contract() {
        for (method, scope) in [
            ("GET", "read"),
            ("HEAD", "read"),
            ("OPTIONS", "read"),
            ("POST", "write"),
            ("PUT", "write"),
            ("PATCH", "write"),
            ("DELETE", "delete"),
            ("BREW", "admin"),
        ] {
            assert_eq!(Scope::for_method(method).as_str(), scope);
        }
    }
}
