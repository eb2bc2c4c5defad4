//! Everything derived from the root key: sealing at rest, keyed hashes, CSRF tokens.
//!
//! One root key of 256 bits; each purpose has a key of its own, derived by HMAC-SHA-256 over the purpose's name
//! (RFC 5869, expand with one block), so that no use can stand in for another. The root key itself lies in the database,
//! sealed under the master key ([`super::master_key`]).

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use zeroize::Zeroizing;

use super::master_key::RootKey;
use super::{mac, same};

/// What a sealed value is for. A value sealed for one purpose does not open for another.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Private halves of signing keys.
    SigningKey,
    /// The pair that follows a refresh, kept for the 30 s in which it may be asked for again.
    Successor,
    /// Short-lived values that travel in a cookie of ours.
    Flash,
    /// Mails in the outbox, which hold one-time links.
    Mail,
    /// Secrets shared with authenticators.
    Factor,
    /// Authenticators that have yet to be proven.
    SetUp,
    /// Invitation codes, for those who may hand them out.
    InvitationCode,
    /// The value that told whether a master key fits a database, before there were root keys.
    Check,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SigningKey => b"signing key",
            Self::Successor => b"successor",
            Self::Flash => b"flash",
            Self::Mail => b"mail",
            Self::Factor => b"factor",
            Self::SetUp => b"set-up",
            Self::InvitationCode => b"invitation code",
            Self::Check => b"check",
        }
    }
}

/// The keys in use, prepared once.
pub struct Vault {
    seal: RandomizedNonceKey,
    api_keys: hmac::Key,
    csrf: hmac::Key,
    codes: hmac::Key,
    backup_codes: hmac::Key,
    limits: hmac::Key,
    guesses: hmac::Key,
}

/// A sealed value could not be opened: another key, another purpose, or somebody changed it.
#[derive(Debug)]
pub struct NotSealedByUs;

impl std::fmt::Display for NotSealedByUs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a sealed value does not open")
    }
}

impl std::error::Error for NotSealedByUs {}

impl Vault {
    /// Derives every key from the root key.
    pub fn new(root: &RootKey) -> Self {
        let keyed = |purpose: &str| hmac::Key::new(hmac::HMAC_SHA256, derive(root.bytes(), purpose).as_slice());
        Self {
            seal: sealer(&derive(root.bytes(), "seal")),
            api_keys: keyed("api keys"),
            csrf: keyed("csrf"),
            codes: keyed("mailed codes"),
            backup_codes: keyed("backup codes"),
            limits: keyed("limits"),
            guesses: keyed("guesses"),
        }
    }

    /// Encrypts and authenticates `plain`, bound to `purpose` and `context`.
    pub fn seal(&self, purpose: Purpose, context: &str, plain: &[u8]) -> Result<Vec<u8>, NotSealedByUs> {
        seal(&self.seal, bound(purpose, context), plain)
    }

    /// Opens what [`Vault::seal`] made for the same purpose and context.
    pub fn open(&self, purpose: Purpose, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotSealedByUs> {
        open(&self.seal, bound(purpose, context), sealed)
    }

    /// The keyed hash of an API key, the only form in which the store has it.
    pub fn api_key_mac(&self, key: &str) -> [u8; 32] {
        mac(&self.api_keys, key.as_bytes())
    }

    /// The keyed hash of a mailed code: six digits are found at once by whoever has a hash without a key.
    pub fn code_mac(&self, slot: &str, code: &str) -> [u8; 32] {
        mac(&self.codes, format!("{slot}\0{code}").as_bytes())
    }

    /// The keyed hash of a backup code in its canonical form, bound to whose it is.
    pub fn backup_code_mac(&self, owner: &str, code: &str) -> [u8; 32] {
        mac(&self.backup_codes, format!("{owner}\0{code}").as_bytes())
    }

    /// What names of counters are hashed with: the same on every node, and known to nobody else.
    pub fn limits_seed(&self) -> [u8; 16] {
        let mut seed = [0; 16];
        seed.copy_from_slice(&mac(&self.limits, b"names")[..16]);
        seed
    }

    /// The keyed hash of an address at which passwords were tried: whoever reads the store does not learn which
    /// addresses people type that have no account.
    pub fn guess_mac(&self, address: &str) -> [u8; 32] {
        mac(&self.guesses, address.as_bytes())
    }

    /// The CSRF token bound to `holder`: a session, or the visitor cookie of somebody not signed in.
    pub fn csrf_token(&self, holder: &str) -> String {
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac(&self.csrf, holder.as_bytes()))
    }

    /// Whether `presented` is the CSRF token of `holder`.
    pub fn csrf_matches(&self, holder: &str, presented: &str) -> bool {
        same(self.csrf_token(holder).as_bytes(), presented.as_bytes())
    }
}

/// The key for one purpose, derived from another.
pub(super) fn derive(from: &[u8; 32], purpose: &str) -> Zeroizing<[u8; 32]> {
    let from = hmac::Key::new(hmac::HMAC_SHA256, from);
    Zeroizing::new(mac(&from, format!("latchkey {purpose} v1\u{1}").as_bytes()))
}

/// A key to seal with.
#[expect(clippy::expect_used, reason = "the only way to fail is another length")]
pub(super) fn sealer(key: &[u8; 32]) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM, key).expect("a key of 256 bits")
}

/// Encrypts and authenticates (AES-256-GCM, random nonce in front), bound to a place.
pub(super) fn seal(key: &RandomizedNonceKey, place: Vec<u8>, plain: &[u8]) -> Result<Vec<u8>, NotSealedByUs> {
    let mut sealed = plain.to_vec();
    let nonce = key.seal_in_place_append_tag(Aad::from(place), &mut sealed).map_err(|_| NotSealedByUs)?;
    let mut whole = nonce.as_ref().to_vec();
    whole.append(&mut sealed);
    Ok(whole)
}

/// Opens what [`seal`] made with the same key for the same place.
pub(super) fn open(
    key: &RandomizedNonceKey,
    place: Vec<u8>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotSealedByUs> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(NotSealedByUs)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealedByUs)?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = key.open_in_place(nonce, Aad::from(place), &mut body).map_err(|_| NotSealedByUs)?.len();
    body.truncate(length);
    Ok(body)
}

fn bound(purpose: Purpose, context: &str) -> Vec<u8> {
    [purpose.label(), b"\0", context.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::new(&RootKey::generate())
    }

    #[test]
    fn what_is_sealed_opens_only_for_its_purpose_and_place() {
        let vault = vault();
        let sealed = vault.seal(Purpose::SigningKey, "a", b"secret").expect("sealed");
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(vault.open(Purpose::SigningKey, "a", &sealed).expect("opens").as_slice(), b"secret");
        assert!(vault.open(Purpose::SigningKey, "b", &sealed).is_err());
        assert!(vault.open(Purpose::Flash, "a", &sealed).is_err());
        assert!(self::vault().open(Purpose::SigningKey, "a", &sealed).is_err());
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let vault = vault();
        let mut sealed = vault.seal(Purpose::Flash, "", b"secret").expect("sealed");
        for place in 0..sealed.len() {
            sealed[place] ^= 1;
            assert!(vault.open(Purpose::Flash, "", &sealed).is_err());
            sealed[place] ^= 1;
        }
    }

    #[test]
    fn a_csrf_token_belongs_to_its_holder() {
        let vault = vault();
        let token = vault.csrf_token("ses_1");
        assert!(vault.csrf_matches("ses_1", &token));
        assert!(!vault.csrf_matches("ses_2", &token));
        assert!(!vault.csrf_matches("ses_1", ""));
    }
}
