//! The master key, and everything derived from it: sealing at rest, keyed hashes, CSRF tokens.
//!
//! One master key of 256 bits; each purpose has a key of its own, derived by HMAC-SHA-256 over the purpose's name
//! (RFC 5869, expand with one block), so that no use can stand in for another.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{mac, random, same};

/// The key that everything encrypted at rest hangs from.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Why there is no usable master key.
#[derive(Debug)]
pub enum MasterKeyError {
    /// Neither 32 bytes in base64 nor 64 hexadecimal digits.
    Malformed,
    /// The file cannot be read or made.
    File(std::io::Error),
    /// Others than the owner may read the file.
    TooOpen,
    /// The database was made with a master key, and none is there now.
    Missing,
    /// The database was made with another master key.
    Wrong,
}

impl std::fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed => f.write_str("the master key must be 32 random bytes, in base64 or hexadecimal"),
            Self::File(error) => write!(f, "the master key file cannot be used: {error}"),
            Self::TooOpen => f.write_str("the master key file may be read by others: chmod 600 it"),
            Self::Missing => f.write_str(
                "this database was made with a master key that is not here: bring its file back, or set LATCHKEY_MASTER_KEY",
            ),
            Self::Wrong => f.write_str("this database was made with another master key"),
        }
    }
}

impl std::error::Error for MasterKeyError {}

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self(Zeroizing::new(random()))
    }

    /// Reads base64 or hexadecimal.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let bytes = if text.len() == 64 { from_hex(text) } else { STANDARD.decode(text).ok() };
        let bytes = Zeroizing::new(bytes.ok_or(MasterKeyError::Malformed)?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| MasterKeyError::Malformed)?;
        let mut seen = key.to_vec();
        seen.sort_unstable();
        seen.dedup();
        // 32 random bytes have 30 different ones on average; so few as these were typed, not drawn.
        if seen.len() < 16 { Err(MasterKeyError::Malformed) } else { Ok(Self(Zeroizing::new(key))) }
    }

    /// Reads the file; `None` when there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, MasterKeyError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(MasterKeyError::File(error)),
        };
        refuse_open_file(path)?;
        Self::parse(&text).map(Some)
    }

    /// Makes a new key and a file for it that only the owner may read; fails when the file exists.
    pub fn create(path: &Path) -> Result<Self, MasterKeyError> {
        use std::io::Write as _;
        let key = Self::generate();
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(key.0.as_slice())));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(MasterKeyError::File)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(MasterKeyError::File)?;
        Ok(key)
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    text.as_bytes().chunks(2).map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()).collect()
}

#[cfg(unix)]
fn refuse_open_file(path: &Path) -> Result<(), MasterKeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let found = std::fs::metadata(path).map_err(MasterKeyError::File)?;
    let owner = std::os::unix::fs::MetadataExt::uid(&found);
    if is_private(found.permissions().mode(), owner) { Ok(()) } else { Err(MasterKeyError::TooOpen) }
}

/// Nobody but the owner may read it; or what root hands to a service: that shows as readable by its group, be it for an
/// entry in an access list (credentials of systemd) or for a group of the service's own (secrets in containers).
#[cfg(unix)]
const fn is_private(mode: u32, owner: u32) -> bool {
    mode & 0o077 == 0 || (owner == 0 && mode & 0o777 == 0o440)
}

#[cfg(not(unix))]
fn refuse_open_file(_: &Path) -> Result<(), MasterKeyError> {
    Ok(())
}

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
    /// The value that tells whether the master key fits the database.
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
    /// Derives every key from the master key.
    pub fn new(master: &MasterKey) -> Result<Self, MasterKeyError> {
        let root = hmac::Key::new(hmac::HMAC_SHA256, master.0.as_slice());
        let derive = |purpose: &str| Zeroizing::new(mac(&root, format!("latchkey {purpose} v1\u{1}").as_bytes()));
        let keyed = |purpose: &str| hmac::Key::new(hmac::HMAC_SHA256, derive(purpose).as_slice());
        Ok(Self {
            seal: RandomizedNonceKey::new(&AES_256_GCM, derive("seal").as_slice())
                .map_err(|_| MasterKeyError::Malformed)?,
            api_keys: keyed("api keys"),
            csrf: keyed("csrf"),
            codes: keyed("mailed codes"),
            backup_codes: keyed("backup codes"),
            limits: keyed("limits"),
            guesses: keyed("guesses"),
        })
    }

    /// Encrypts and authenticates `plain` (AES-256-GCM, random nonce in front), bound to `purpose` and `context`.
    pub fn seal(&self, purpose: Purpose, context: &str, plain: &[u8]) -> Result<Vec<u8>, NotSealedByUs> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .seal
            .seal_in_place_append_tag(Aad::from(bound(purpose, context)), &mut sealed)
            .map_err(|_| NotSealedByUs)?;
        let mut whole = nonce.as_ref().to_vec();
        whole.append(&mut sealed);
        Ok(whole)
    }

    /// Opens what [`Vault::seal`] made for the same purpose and context.
    pub fn open(&self, purpose: Purpose, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotSealedByUs> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(NotSealedByUs)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealedByUs)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .seal
            .open_in_place(nonce, Aad::from(bound(purpose, context)), &mut body)
            .map_err(|_| NotSealedByUs)?
            .len();
        body.truncate(length);
        Ok(body)
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

fn bound(purpose: Purpose, context: &str) -> Vec<u8> {
    [purpose.label(), b"\0", context.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::new(&MasterKey::generate()).expect("a key of the right length")
    }

    #[test]
    fn what_is_sealed_opens_only_for_its_purpose_and_place() {
        let vault = vault();
        let sealed = vault.seal(Purpose::SigningKey, "a", b"secret").expect("sealed");
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(vault.open(Purpose::SigningKey, "a", &sealed).expect("opens").as_slice(), b"secret");
        assert!(vault.open(Purpose::SigningKey, "b", &sealed).is_err());
        assert!(vault.open(Purpose::Flash, "a", &sealed).is_err());
        assert!(Vault::new(&MasterKey::generate()).expect("key").open(Purpose::SigningKey, "a", &sealed).is_err());
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
    fn a_short_or_typed_master_key_is_refused() {
        for text in ["", "c2hvcnQ=", &"0".repeat(64), &"ab".repeat(32), "not base64 at all !!"] {
            assert!(matches!(MasterKey::parse(text), Err(MasterKeyError::Malformed)), "{text:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_for_its_owner_or_handed_over_by_root() {
        const PLAIN_FILE: u32 = 0o100_000;
        for (mode, owner, good) in [
            (0o600, 1000, true),
            (0o400, 0, true),
            (0o440, 0, true),
            (0o440, 1000, false),
            (0o640, 0, false),
            (0o444, 0, false),
            (0o644, 1000, false),
        ] {
            assert_eq!(is_private(PLAIN_FILE | mode, owner), good, "{mode:o} of {owner}");
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
