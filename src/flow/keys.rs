//! Exchanging keys: the one that signs access tokens, and the master key. The operator's; nobody is signed out.

use std::path::PathBuf;
use std::time::Duration;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crypto::master_key::{KeyFiles, MasterKey};
use crate::error::Error;
use crate::fitting::{CHECK, Lock, ROOT};
use crate::latchkey::OpenError;
use crate::principal::Visitor;
use crate::store::StoredSigningKey;

use super::upkeep::SIGNING_KEYS;

/// By then every running server has loaded a new signing key.
const LEAD: Duration = Duration::from_secs(5);

/// When a new signing key signs, and what becomes of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningRotation {
    /// Once it has been published as long as any other before it.
    Planned,
    /// As soon as every running server knows it. Those before it are withdrawn once their tokens have expired.
    AtOnce,
    /// The same, and those before it are withdrawn now, which ends their tokens.
    Alone,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SigningRotated {
    /// A new key.
    Made(NextKey),
    /// The next key was published already.
    Awaited(NextKey),
    /// The key in this file signs, and no other.
    FileDecides(PathBuf),
}

/// The signing key that comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextKey {
    /// Its name in tokens.
    pub kid: String,
    /// From when it signs.
    pub signs_at: Timestamp,
}

impl Latchkey {
    /// Makes a signing key that takes over from the present one.
    pub async fn rotate_signing_key(&self, operator: &Visitor, how: SigningRotation) -> Result<SigningRotated, Error> {
        if let Some(file) = &self.0.settings.tokens.signing_key_file {
            return Ok(SigningRotated::FileDecides(file.clone()));
        }
        let now = self.now();
        let prepublish = self.0.settings.tokens.prepublish;
        let lead = if how == SigningRotation::Planned { prepublish } else { prepublish.min(LEAD) };
        let mut writing = self.0.db.write().await?;
        writing.store().lock("signing keys").await?;
        let mut stored = writing.store().list_signing_keys().await?;
        if how == SigningRotation::Planned
            && let Some(next) = stored.iter().find(|key| key.signs_at > now)
        {
            return Ok(SigningRotated::Awaited(next_key(next)));
        }
        // Keys that have yet to sign would take over from the new one; nothing is lost with them.
        let goes = |key: &StoredSigningKey| how == SigningRotation::Alone || key.signs_at > now;
        for key in stored.extract_if(.., |key| goes(key)) {
            writing.store().delete_signing_key(&key.kid).await?;
        }
        let key = self.new_signing_key(now.plus(lead))?;
        writing.store().insert_signing_key(&key, now).await?;
        self.tell(&mut writing.store(), told(operator, Deed::SigningKeyRotated, &key.kid)).await?;
        writing.changed(SIGNING_KEYS);
        writing.commit().await?;
        let next = next_key(&key);
        stored.push(key);
        self.load_signing_keys(&stored)?;
        Ok(SigningRotated::Made(next))
    }

    /// Seals the root key under another master key. Nothing else changes: servers that run hold the root key, and need the
    /// new master key at their next start only.
    pub async fn exchange_master_key(&self, operator: &Visitor, new: &MasterKey) -> Result<(), OpenError> {
        let mut writing = self.0.db.write().await?;
        let lock = Lock::read(&mut writing.store()).await?;
        let fitted = lock.fit(&self.0.settings.storage)?;
        let sealed = new.seal_root(&fitted.root).map_err(Error::internal)?;
        let was = lock.root.unwrap_or_default();
        if !writing.store().update_fact(ROOT, &was, &sealed).await? {
            return Err(Error::internal("the master key was exchanged by somebody else meanwhile").into());
        }
        writing.store().delete_fact(CHECK).await?;
        self.tell(&mut writing.store(), told(operator, Deed::MasterKeyExchanged, "master key")).await?;
        Ok(writing.commit().await?)
    }

    /// The same with the file that the master key is in: it has a new one afterwards. Gives the file with the former one.
    pub async fn exchange_master_key_file(&self, operator: &Visitor) -> Result<PathBuf, OpenError> {
        let files = KeyFiles::of(&self.0.settings.storage.master_key_file);
        let new = MasterKey::generate();
        files.prepare(&new)?;
        if let Err(error) = self.exchange_master_key(operator, &new).await {
            // A connection that breaks may hide that it was done: the database knows.
            if !self.fits(&new).await? {
                files.give_up()?;
                return Err(error);
            }
        }
        files.complete()?;
        Ok(files.former)
    }

    async fn fits(&self, master: &MasterKey) -> Result<bool, Error> {
        let lock = Lock::read(&mut self.0.db.read().await?.store()).await?;
        Ok(lock.opened_by(master).is_some())
    }
}

fn next_key(key: &StoredSigningKey) -> NextKey {
    NextKey { kid: key.kid.clone(), signs_at: key.signs_at }
}

fn told<'a>(operator: &'a Visitor, deed: Deed, target: &str) -> Told<'a> {
    Told {
        visitor: operator,
        actor: "operator".to_owned(),
        organization: None,
        deed,
        target: target.to_owned(),
        detail: serde_json::Value::Null,
    }
}
