//! Identifiers: prefixed, sortable by age, safe in a URL.
//!
//! 48 bits of milliseconds and 80 random bits, written as 26 Crockford base32 digits behind the kind's prefix.

use crate::clock::Timestamp;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

/// The text is no identifier of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

fn write(value: u128, prefix: &str) -> String {
    let mut text = String::with_capacity(prefix.len() + LENGTH);
    text.push_str(prefix);
    for place in (0..LENGTH).rev() {
        let digit = usize::try_from((value >> (place * 5)) & 31).unwrap_or(0);
        text.push(char::from(DIGITS[digit]));
    }
    text
}

fn read(text: &str, prefix: &str) -> Result<u128, NotAnId> {
    let digits = text.strip_prefix(prefix).ok_or(NotAnId)?;
    if digits.len() != LENGTH || digits.as_bytes()[0] > b'7' {
        return Err(NotAnId);
    }
    digits.bytes().try_fold(0_u128, |value, byte| {
        let digit = DIGITS.iter().position(|known| *known == byte).ok_or(NotAnId)?;
        Ok((value << 5) | u128::try_from(digit).unwrap_or(0))
    })
}

fn compose(now: Timestamp, random: [u8; 10]) -> u128 {
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&now.millis().to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    u128::from_be_bytes(bytes)
}

macro_rules! ids {
    ($($(#[$about:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What the written form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier from an instant and ten random bytes.
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                Self(compose(now, random))
            }

            /// The bare number, for use as a key in memory.
            pub const fn number(self) -> u128 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&write(self.0, $prefix))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                read(text, $prefix).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

ids! {
    /// A person's account.
    UserId = "usr_";
    /// An organization, also called tenant.
    OrganizationId = "org_";
    /// An API key, whatever secrets it has had.
    ApiKeyId = "key_";
    /// One sign-in on one device.
    SessionId = "ses_";
    /// A trusted device.
    DeviceId = "dev_";
    /// An entry of the audit log.
    EventId = "evt_";
    /// An invitation by mail.
    InvitationId = "inv_";
    /// An invitation code.
    InvitationCodeId = "cod_";
    /// A mail in the outbox.
    MailId = "mail_";
    /// One access token (`jti`) or one recorded call: things that are named but never looked up by people.
    TokenId = "tok_";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(millis in 0_i64..(1 << 47), random: [u8; 10]) {
            let id = UserId::new(Timestamp::from_millis(millis), random);
            prop_assert_eq!(id.to_string().parse::<UserId>(), Ok(id));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<UserId>();
        }
    }

    #[test]
    fn ids_sort_by_age() {
        let older = UserId::new(Timestamp::from_seconds(1), [255; 10]).to_string();
        let newer = UserId::new(Timestamp::from_seconds(2), [0; 10]).to_string();
        assert!(older < newer);
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = UserId::new(Timestamp::from_seconds(1), [7; 10]).to_string();
        assert_eq!(id.parse::<OrganizationId>(), Err(NotAnId));
        assert_eq!("usr_".parse::<UserId>(), Err(NotAnId));
        assert_eq!("usr_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<UserId>(), Err(NotAnId));
    }
}
