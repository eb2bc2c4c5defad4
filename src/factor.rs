//! The second factor: codes of an authenticator (RFC 6238), backup codes, and what was proven with them.

use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::crockford;
use crate::crypto;
use crate::error::Error;

/// One time step, in seconds (RFC 6238 section 4.1).
const STEP: i64 = 30;
/// How many steps a code may be early or late (RFC 6238 section 5.2).
const DRIFT: i64 = 1;
/// The digits of a code.
const DIGITS: usize = 6;
/// How many backup codes there are.
pub const BACKUP_CODES: usize = 10;
/// The letters of a backup code, without the dashes: 60 random bits.
const BACKUP_LETTERS: usize = 12;

/// With what a second factor was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A code of the authenticator.
    Totp,
    /// A backup code.
    BackupCode,
}

impl Method {
    /// The stored name, also the wire's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::BackupCode => "backup_code",
        }
    }

    /// Reads the stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Totp, Self::BackupCode].into_iter().find(|method| method.as_str() == text)
    }
}

/// When a second factor was last proven in a session, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// When.
    pub at: Timestamp,
    /// With what.
    pub method: Method,
}

/// What somebody typed as a second factor, told apart by its form.
pub enum Typed {
    /// A code of the authenticator: six digits.
    Totp(String),
    /// A backup code in its one canonical form, without dashes.
    BackupCode(Zeroizing<String>),
}

impl Typed {
    /// Reads a code with or without spaces and dashes; `None` for what can be neither kind.
    pub fn read(text: &str) -> Option<Self> {
        let bare: String = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
        if bare.len() == DIGITS && bare.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Totp(bare));
        }
        crockford::canonical(&bare, BACKUP_LETTERS).map(|code| Self::BackupCode(Zeroizing::new(code)))
    }
}

/// New backup codes, `K7QF-9M2X-4TAB` each.
pub fn new_backup_codes() -> Vec<String> {
    (0..BACKUP_CODES).map(|_| crockford::random_code(BACKUP_LETTERS)).collect()
}

/// The secret that an authenticator shares with us: 160 random bits (RFC 4226 section 4, R6).
pub struct TotpSecret(Zeroizing<[u8; 20]>);

impl TotpSecret {
    /// A new one.
    pub fn random() -> Self {
        Self(Zeroizing::new(crypto::random()))
    }

    /// From its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Its bytes, to be sealed.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// As people type it where no picture can be scanned (RFC 4648 section 6).
    pub fn base32(&self) -> String {
        Secret::from(self.0.to_vec()).to_base32()
    }

    /// The address that an authenticator opens or scans. A colon divides its label, so neither name may hold one.
    pub fn otpauth_url(&self, issuer: &str, account: &str) -> Result<String, Error> {
        let (issuer, account) = (issuer.replace(':', " "), account.replace(':', " "));
        let named = self.builder().with_issuer(Some(issuer)).with_account_name(account);
        named.build().and_then(|totp| totp.to_url()).map_err(|error| Error::internal(error.to_string()))
    }

    /// The time step for which `code` is right at `now`, when that is newer than `after`. The newest one counts.
    pub fn matching_step(&self, code: &str, now: Timestamp, after: i64) -> Option<i64> {
        let totp = self.exact();
        let present = step_at(now);
        let is_right = |step: &i64| u64::try_from(*step * STEP).is_ok_and(|time| totp.check(code, time).is_some());
        (present - DRIFT..=present + DRIFT).rev().filter(|step| *step > after).find(is_right)
    }

    fn builder(&self) -> Builder {
        Builder::new().with_secret(self.0.to_vec())
    }

    /// Without drift of its own: which step fits is ours to know.
    fn exact(&self) -> Totp {
        self.builder().with_skew(0).build_noncompliant()
    }
}

/// The time step of an instant.
fn step_at(now: Timestamp) -> i64 {
    now.seconds().div_euclid(STEP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6238 appendix B, SHA-1: the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").expect("20 bytes");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_seconds(seconds);
            assert_eq!(secret.matching_step(code, now, 0), Some(step_at(now)), "{seconds}");
        }
    }

    #[test]
    fn one_step_of_drift_and_no_more() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").expect("20 bytes");
        let (code, right) = ("050471", step_at(Timestamp::from_seconds(1_111_111_111)));
        for (away, fits) in [(-3, false), (-2, false), (-1, true), (0, true), (1, true), (2, false), (3, false)] {
            let now = Timestamp::from_seconds((right - away) * STEP);
            assert_eq!(secret.matching_step(code, now, 0).is_some(), fits, "{away} steps away");
        }
        assert_eq!(secret.matching_step(code, Timestamp::from_seconds(right * STEP), right), None, "it was accepted");
        assert_eq!(secret.matching_step(code, Timestamp::default(), -5), None, "long before its time");
    }

    #[test]
    fn the_address_names_the_issuer_and_the_account() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").expect("20 bytes");
        let url = secret.otpauth_url("Blue Harbour", "ada@example.org").expect("an address");
        let base32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(secret.base32(), base32);
        assert_eq!(
            url,
            format!("otpauth://totp/Blue%20Harbour:ada%40example.org?secret={base32}&issuer=Blue%20Harbour")
        );
        assert!(secret.otpauth_url("a:b", "c:d").is_ok(), "colons are no fault of ours");
    }

    #[test]
    fn backup_codes_are_three_groups_of_four_and_unlike_each_other() {
        let mut codes = new_backup_codes();
        for code in &codes {
            assert!(code.len() == 14 && code.split('-').all(|group| group.len() == 4), "{code}");
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), BACKUP_CODES);
    }

    #[test]
    fn codes_are_read_however_they_are_typed() {
        let totp = |text: &str| matches!(Typed::read(text), Some(Typed::Totp(code)) if code == "123456");
        assert!(totp("123456") && totp(" 123 456 ") && totp("12-34-56"));
        let backup = |text: &str| match Typed::read(text) {
            Some(Typed::BackupCode(code)) => code.to_string(),
            _ => String::new(),
        };
        assert_eq!(backup("k7qf-9m2x-4tab"), "K7QF9M2X4TAB");
        assert_eq!(backup("K7QF 9M2X 4TAB"), "K7QF9M2X4TAB");
        assert_eq!(backup("oil0-OIL0-abcd"), "01100110ABCD");
        for neither in ["", "12345", "1234567", "k7qf-9m2x-4ta", "k7qf-9m2x-4tau", "１２３４５６", "12345x"] {
            assert!(Typed::read(neither).is_none(), "{neither:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = Typed::read(&text);
        }

        #[test]
        fn what_is_given_out_is_read_again(index in 0..BACKUP_CODES) {
            let code = &new_backup_codes()[index];
            prop_assert!(matches!(Typed::read(code), Some(Typed::BackupCode(bare)) if *bare == code.replace('-', "")));
        }
    }
}
