//! How a master key fits a database: the facts that tell, and where the key is looked for.

use std::path::PathBuf;

use crate::crypto::master_key::{KeyFiles, MasterKey, MasterKeyError, RootKey};
use crate::crypto::vault::{Purpose, Vault};
use crate::error::Error;
use crate::latchkey::OpenError;
use crate::settings::Storage;
use crate::store::{Db, Store};

/// The fact that is the root key, sealed under the master key.
pub(crate) const ROOT: &str = "root-key";
/// The fact that told whether a master key fits, before there were root keys.
pub(crate) const CHECK: &str = "master-key-check";

/// What a database says of its keys.
#[derive(Default)]
pub(crate) struct Lock {
    /// The sealed root key.
    pub(crate) root: Option<Vec<u8>>,
    /// What the master key of a database without a root key opens.
    pub(crate) check: Option<Vec<u8>>,
}

/// Where the master key that fits was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Among the settings.
    Setting,
    /// In its file.
    File,
    /// In this file beside it: an exchange was cut short before it could give the key its name.
    Unfinished(PathBuf),
}

/// A master key that fits, and the root key under it.
pub(crate) struct Fitted {
    pub(crate) master: MasterKey,
    pub(crate) root: RootKey,
    pub(crate) place: Place,
}

impl Lock {
    /// Of a database.
    pub(crate) async fn read(store: &mut Store<'_>) -> Result<Self, Error> {
        Ok(Self { root: store.find_fact(ROOT).await?, check: store.find_fact(CHECK).await? })
    }

    /// Whether no key was needed yet.
    pub(crate) const fn is_new(&self) -> bool {
        self.root.is_none() && self.check.is_none()
    }

    /// The root key, when this master key fits.
    pub(crate) fn opened_by(&self, master: &MasterKey) -> Option<RootKey> {
        if let Some(sealed) = &self.root {
            return master.open_root(sealed).ok();
        }
        let root = RootKey::before_roots(master);
        let check = self.check.as_ref()?;
        Vault::new(&root).open(Purpose::Check, CHECK, check).ok().map(|_| root)
    }

    /// Finds the master key that fits.
    pub(crate) fn fit(&self, storage: &Storage) -> Result<Fitted, MasterKeyError> {
        let fitted = |master: MasterKey, place| self.opened_by(&master).map(|root| Fitted { master, root, place });
        if let Some(text) = &storage.master_key {
            return fitted(MasterKey::parse(text)?, Place::Setting).ok_or(MasterKeyError::Wrong);
        }
        let files = KeyFiles::of(&storage.master_key_file);
        let present = MasterKey::read(&files.present)?;
        let otherwise = if present.is_some() { MasterKeyError::Wrong } else { MasterKeyError::Missing };
        if let Some(found) = present.and_then(|key| fitted(key, Place::File)) {
            return Ok(found);
        }
        // Those beside it need not be there, nor be good.
        let beside = |path: &PathBuf, place| MasterKey::read(path).ok().flatten().and_then(|key| fitted(key, place));
        if let Some(found) = beside(&files.coming, Place::Unfinished(files.coming.clone())) {
            return Ok(found);
        }
        let former = beside(&files.former, Place::File);
        Err(if former.is_some() { MasterKeyError::Former(files.former) } else { otherwise })
    }
}

/// The key among the settings or in its file, whether it fits or not.
pub(crate) fn held(storage: &Storage) -> Result<Option<(MasterKey, Place)>, MasterKeyError> {
    match &storage.master_key {
        Some(text) => MasterKey::parse(text).map(|key| Some((key, Place::Setting))),
        None => Ok(MasterKey::read(&storage.master_key_file)?.map(|key| (key, Place::File))),
    }
}

/// Finds the master key that fits the database, or makes one for a new database. Gives the root key under it.
pub(crate) async fn fit_master_key(db: &Db, storage: &Storage) -> Result<RootKey, OpenError> {
    let lock = Lock::read(&mut db.read().await?.store()).await?;
    let fitted = if lock.is_new() { first(storage)? } else { lock.fit(storage)? };
    if let Place::Unfinished(path) = &fitted.place {
        let (path, file) = (path.display(), storage.master_key_file.display());
        tracing::warn!("an exchange of the master key was cut short: {path} fits, {file} does not; move it there");
    }
    if lock.root.is_some() { Ok(fitted.root) } else { keep_root(db, fitted).await }
}

fn first(storage: &Storage) -> Result<Fitted, MasterKeyError> {
    let (master, place) = match held(storage)? {
        Some(held) => held,
        None => (MasterKey::create(&storage.master_key_file)?, Place::File),
    };
    Ok(Fitted { master, root: RootKey::generate(), place })
}

/// Writes the root key into a database that has none. Where another node was first its root counts, if it was sealed
/// under the same master key.
async fn keep_root(db: &Db, fitted: Fitted) -> Result<RootKey, OpenError> {
    let sealed = fitted.master.seal_root(&fitted.root).map_err(Error::internal)?;
    let mut writing = db.write().await?;
    let first = writing.store().insert_fact(ROOT, &sealed).await?;
    writing.commit().await?;
    if first {
        return Ok(fitted.root);
    }
    let lock = Lock::read(&mut db.read().await?.store()).await?;
    lock.opened_by(&fitted.master).ok_or(OpenError::MasterKey(MasterKeyError::Wrong))
}
