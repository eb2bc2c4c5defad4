//! The master key, its files, and the root key that is sealed under it.
//!
//! The master key seals one thing only: the root key, a fact of the database from which everything else is derived
//! ([`super::vault`]). So the master key can be exchanged without touching what was sealed, hashed or signed, and servers
//! that run go on with the root key they hold.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::random;
use super::vault::{NotSealedByUs, derive, open, seal, sealer};
use crate::private_file::{self, PrivateFile};

/// The place the root key is sealed for.
const PLACE: &[u8] = b"root key\0";

/// The key that the root key is sealed under.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// The key that everything encrypted at rest hangs from.
pub struct RootKey(Zeroizing<[u8; 32]>);

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
    /// The one that fits is the former one, in this file.
    Former(PathBuf),
    /// The key of an exchange that is under way, or was cut short, is in this file.
    Unfinished(PathBuf),
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
            Self::Former(file) => write!(
                f,
                "this database is older than the last exchange of the master key: the key in {} fits it; keep the present \
                 one elsewhere and put that one in its place",
                file.display()
            ),
            Self::Unfinished(file) => write!(
                f,
                "{} is there already: an exchange of the master key is under way, or was cut short. When none is running, \
                 ask `latchkey doctor` which key fits: move this file over the master key file if it is this one, remove \
                 it if not",
                file.display()
            ),
        }
    }
}

impl std::error::Error for MasterKeyError {}

impl RootKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self(Zeroizing::new(random()))
    }

    /// The root key of a database from before there were root keys: the master key was one. So all that was derived from
    /// it stays what it is.
    pub fn before_roots(master: &MasterKey) -> Self {
        Self(master.0.clone())
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

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

    /// The text that [`MasterKey::parse`] reads.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_slice()))
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

    /// Makes a new key and a file for it that only the owner may read, and its folder too. When another process made the file meanwhile, that
    /// one counts.
    pub fn create(path: &Path) -> Result<Self, MasterKeyError> {
        let key = Self::generate();
        private_file::make_private_folder(private_file::folder_of(path)).map_err(MasterKeyError::File)?;
        match key.write(path) {
            Ok(()) => Ok(key),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Self::read(path)?.ok_or(MasterKeyError::File(error))
            }
            Err(error) => Err(MasterKeyError::File(error)),
        }
    }

    /// Writes it to a file that was not there, whole or not at all.
    fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut file = PrivateFile::beside(path)?;
        writeln!(file, "{}", *self.text())?;
        file.keep_unless_there()
    }

    /// The root key, sealed under this one.
    pub fn seal_root(&self, root: &RootKey) -> Result<Vec<u8>, NotSealedByUs> {
        seal(&sealer(&derive(&self.0, "root")), PLACE.to_vec(), root.0.as_slice())
    }

    /// Opens what [`MasterKey::seal_root`] made with the same key.
    pub fn open_root(&self, sealed: &[u8]) -> Result<RootKey, NotSealedByUs> {
        let bytes = open(&sealer(&derive(&self.0, "root")), PLACE.to_vec(), sealed)?;
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| NotSealedByUs)?;
        Ok(RootKey(Zeroizing::new(key)))
    }
}

/// The file of a key, and those beside it while the key is exchanged. The one that is to come is written first, the
/// database follows, and then it takes the place of the former one; so at every moment one of the three fits.
pub struct KeyFiles {
    /// The key.
    pub present: PathBuf,
    /// The one to come, until the exchange is complete.
    pub coming: PathBuf,
    /// The one before.
    pub former: PathBuf,
}

impl KeyFiles {
    /// Where they are.
    pub fn of(present: &Path) -> Self {
        let with = |ending: &str| {
            let mut name = present.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        Self { present: present.to_owned(), coming: with(".new"), former: with(".previous") }
    }

    /// Writes the key to come, and a copy of the present one.
    pub fn prepare(&self, key: &MasterKey) -> Result<(), MasterKeyError> {
        key.write(&self.coming).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => MasterKeyError::Unfinished(self.coming.clone()),
            _ => MasterKeyError::File(error),
        })?;
        self.copy_present().map_err(|error| {
            let _ = self.give_up();
            MasterKeyError::File(error)
        })
    }

    fn copy_present(&self) -> std::io::Result<()> {
        let text = Zeroizing::new(std::fs::read(&self.present)?);
        let mut file = PrivateFile::beside(&self.former)?;
        file.write_all(&text)?;
        file.keep()
    }

    /// The key to come is the present one.
    pub fn complete(&self) -> Result<(), MasterKeyError> {
        private_file::rename(&self.coming, &self.present).map_err(MasterKeyError::File)
    }

    /// The key to come never was.
    pub fn give_up(&self) -> Result<(), MasterKeyError> {
        std::fs::remove_file(&self.coming).map_err(MasterKeyError::File)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::vault::{Purpose, Vault};

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
    fn a_short_or_typed_master_key_is_refused() {
        for text in ["", "c2hvcnQ=", &"0".repeat(64), &"ab".repeat(32), "not base64 at all !!"] {
            assert!(matches!(MasterKey::parse(text), Err(MasterKeyError::Malformed)), "{text:?}");
        }
    }

    #[test]
    fn a_key_reads_its_own_text() {
        let (key, root) = (MasterKey::generate(), RootKey::generate());
        let sealed = key.seal_root(&root).expect("sealed");
        let again = MasterKey::parse(&key.text()).expect("read");
        assert_eq!(again.open_root(&sealed).expect("opens").bytes(), root.bytes());
    }

    #[test]
    fn the_root_opens_for_its_master_key_only_and_no_changed_byte_passes() {
        let key = MasterKey::generate();
        let mut sealed = key.seal_root(&RootKey::generate()).expect("sealed");
        assert!(MasterKey::generate().open_root(&sealed).is_err());
        for place in 0..sealed.len() {
            sealed[place] ^= 1;
            assert!(key.open_root(&sealed).is_err());
            sealed[place] ^= 1;
        }
    }

    #[test]
    fn what_was_sealed_before_there_were_roots_opens_after() {
        // Key and sealed text as the version before root keys wrote them.
        let key = MasterKey::parse("1QzKwZr0S2mJ8eGm0l7q3nXh5b4TfYc6VdPaLkR9uEs=").expect("a key");
        let vault = Vault::new(&RootKey::before_roots(&key));
        let sealed = STANDARD.decode(SEALED_BEFORE).expect("base64");
        assert_eq!(vault.open(Purpose::Factor, "usr_1", &sealed).expect("opens").as_slice(), b"shared with a phone");
        assert_eq!(vault.csrf_token("ses_1"), CSRF_BEFORE);
    }

    const SEALED_BEFORE: &str = "AAECAwQFBgcICQoL32+v8gwOVIefDqKWZptoFiQK/Xmd1opYTP+ba20kHEGgxw8=";
    const CSRF_BEFORE: &str = "j337pdZs-2uwKEy6XrfjMfqSGPAPjPLk2kj6ypGMLZo";
}
