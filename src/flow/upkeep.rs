//! What goes on in the background: writing what was counted, rotating signing keys, dropping what has ended.

use std::time::Duration;

use crate::Latchkey;
use crate::api_key;
use crate::clock::Timestamp;
use crate::crypto::signing::{KeyRing, SigningKey, algorithm_name, generate};
use crate::crypto::vault::Purpose;
use crate::error::Error;
use crate::id::{ApiKeyId, SessionId};
use crate::mail::Letter;
use crate::store::{EndingKey, KeyCall, StoredSigningKey, UsageRow};
use crate::usage::{Call, KeyUse, call_id};

use super::mail::Parcel;

/// How long single calls of API keys are kept.
const CALLS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long hourly counts are kept.
const HOURS_KEPT: i64 = 31 * 24;

/// What changes with the signing keys; no id has this number.
pub(crate) const SIGNING_KEYS: u128 = 1;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many days before its end the owner of a key is told.
const WARNING_DAYS: [u32; 3] = [14, 7, 1];
/// How long it is noticed that somebody presents a secret that was replaced.
const SECRETS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long links that have expired are still recognised, so that their page can offer a new one.
const LINKS_KEPT: Duration = Duration::from_secs(2 * 24 * 60 * 60);
/// How long it is known what became of a mail.
const MAILS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long it is known that the time of a half-done sign-in, or of a ticket, is over.
const HALVES_KEPT: Duration = Duration::from_secs(60 * 60);
/// How long an unused browser is known.
const BROWSERS_KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// How long it is known that wrong passwords were tried, after the last of them.
const GUESSES_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

impl Latchkey {
    /// Writes what was counted in memory: last-seen of sessions, use of keys. While the database is away it is counted on.
    pub async fn flush(&self) -> Result<(), Error> {
        let seen = self.0.memory.take_seen();
        let used = self.0.usage.take();
        if seen.is_empty() && used.is_empty() {
            return Ok(());
        }
        let written = self.write_counted(&seen, &used).await;
        if matches!(written, Err(Error::Unavailable(_) | Error::Busy { .. })) {
            self.0.memory.put_back_seen(seen);
            self.0.usage.put_back(used);
        }
        written
    }

    async fn write_counted(&self, seen: &[(SessionId, Timestamp)], used: &[(ApiKeyId, KeyUse)]) -> Result<(), Error> {
        let mut writing = self.0.db.write().await?.patient();
        writing.store().update_last_seen(seen).await?;
        let mut alarms = Vec::new();
        for (key, used) in used {
            for tally in &used.tallies {
                let row = UsageRow {
                    key: *key,
                    hour: tally.hour,
                    endpoint: &tally.endpoint,
                    calls: tally.calls,
                    errors: tally.errors,
                };
                writing.store().update_usage(&row).await?;
            }
            let used_before = write_calls(&mut writing, *key, used).await?;
            alarms.extend(self.watch_key_use(&mut writing, *key, used, used_before).await?);
        }
        self.raise_alarms(&mut writing, alarms).await?;
        writing.commit().await
    }

    /// Drops what has ended so long ago that nobody can ask for it.
    pub async fn clean_up(&self) -> Result<(), Error> {
        let now = self.now();
        let mut writing = self.0.db.write().await?.patient();
        let ended = now.minus(self.0.settings.tokens.access_life).minus(Duration::from_secs(24 * 60 * 60));
        writing.store().delete_old_sessions(ended, now).await?;
        writing.store().delete_old_successors(now.minus(self.0.settings.tokens.replay)).await?;
        writing.store().delete_ended_secrets(now.minus(DAY), now.minus(SECRETS_KEPT), now).await?;
        let first_hour = now.millis().div_euclid(3_600_000) - HOURS_KEPT;
        writing.store().delete_old_usage(now.minus(CALLS_KEPT), first_hour).await?;
        writing.store().delete_old_watch(self.0.settings.key_watch.remembers(), now).await?;
        writing.store().delete_old_challenges(now.minus(LINKS_KEPT)).await?;
        writing.store().delete_old_mails(now.minus(MAILS_KEPT)).await?;
        writing.store().delete_old_setups(now).await?;
        writing.store().delete_old_half_sign_ins(now.minus(HALVES_KEPT)).await?;
        writing.store().delete_old_handoffs(now.minus(HALVES_KEPT)).await?;
        writing.store().delete_old_devices(now).await?;
        writing.store().delete_old_counts(now).await?;
        writing.store().delete_old_browsers(now.minus(BROWSERS_KEPT)).await?;
        writing.store().delete_old_guesses(now.minus(GUESSES_KEPT)).await?;
        writing.commit().await
    }

    /// Mails the owners of keys that end before long: 14, 7 and 1 days before, each once. Who was not told in time,
    /// because nothing ran, gets the most pressing of them only.
    pub async fn warn_of_ending_keys(&self) -> Result<(), Error> {
        if !self.sends_mail() {
            return Ok(());
        }
        let now = self.now();
        let until = now.plus(DAY * WARNING_DAYS[0]);
        let ending = self.0.db.read().await?.store().list_ending_keys(now, until).await?;
        for key in ending {
            self.warn_of_ending_key(&key, now).await?;
        }
        Ok(())
    }

    async fn warn_of_ending_key(&self, key: &EndingKey, now: Timestamp) -> Result<(), Error> {
        let is_due = |days: &&u32| {
            let at = key.expires_at.minus(DAY * **days);
            at <= now && at > key.made_at
        };
        let due: Vec<u32> = WARNING_DAYS.iter().filter(is_due).copied().collect();
        let Some(most_pressing) = due.last() else { return Ok(()) };
        let mut writing = self.0.db.write().await?;
        let mut is_first = false;
        for days in &due {
            // The last one decides: it is the most pressing.
            is_first = writing.store().consume_key_warning(key.id, key.expires_at, i64::from(*days)).await?;
        }
        if is_first && let Some(owner) = writing.store().find_user(key.user_id).await? {
            let house = self.house_of(&mut writing.store(), owner.id, Some(key.organization_id)).await?;
            let hint = format!("{}…{}", api_key::prefix(key.mode, &key.public_id), key.last_four);
            let keys_link = format!("{}/settings/api-keys", self.public_url());
            let days = u64::from(*most_pressing);
            let letter =
                Letter::KeyExpires { name: &key.name, hint: &hint, at: key.expires_at, days, keys_link: &keys_link };
            let until = Some(key.expires_at);
            let parcel = Parcel { to: &owner.email, house: house.as_deref(), letter, until, decoy: false };
            self.post(&mut writing.store(), parcel).await?;
        }
        writing.commit().await
    }

    /// Sees to it that a key signs, that the next one is published before it signs, and that an old one is withdrawn
    /// once its last token has expired. Then loads what there is, also what others made or withdrew.
    pub async fn keep_signing_keys(&self) -> Result<(), Error> {
        let now = self.now();
        let stored = self.0.db.read().await?.store().list_signing_keys().await?;
        if self.is_key_due(&stored, now) || self.keys_over(&stored, now) > 0 {
            self.renew_signing_keys(now).await
        } else {
            self.load_signing_keys(&stored)
        }
    }

    async fn renew_signing_keys(&self, now: Timestamp) -> Result<(), Error> {
        let mut writing = self.0.db.write().await?;
        writing.store().lock("signing keys").await?;
        let mut stored = writing.store().list_signing_keys().await?;
        if self.is_key_due(&stored, now)
            && let Some(signs_at) = self.next_key_signs_at(&stored, now)
        {
            let key = self.new_signing_key(signs_at)?;
            writing.store().insert_signing_key(&key, now).await?;
            writing.changed(SIGNING_KEYS);
            stored.push(key);
        }
        for key in stored.drain(..self.keys_over(&stored, now)) {
            writing.store().delete_signing_key(&key.kid).await?;
        }
        writing.commit().await?;
        self.load_signing_keys(&stored)
    }

    /// Loads the signing keys that there are.
    pub(crate) async fn load_stored_signing_keys(&self) -> Result<(), Error> {
        let stored = self.0.db.read().await?.store().list_signing_keys().await?;
        self.load_signing_keys(&stored)
    }

    fn is_key_due(&self, stored: &[StoredSigningKey], now: Timestamp) -> bool {
        self.0.settings.tokens.signing_key_file.is_none() && self.next_key_signs_at(stored, now).is_some()
    }

    /// How many of the oldest keys have signed nothing that still counts.
    fn keys_over(&self, stored: &[StoredSigningKey], now: Timestamp) -> usize {
        let life = self.0.settings.tokens.access_life + Duration::from_secs(60);
        stored.windows(2).take_while(|pair| pair[1].signs_at.plus(life) <= now).count()
    }

    /// When the key to be made now will sign, if one is due.
    fn next_key_signs_at(&self, stored: &[StoredSigningKey], now: Timestamp) -> Option<Timestamp> {
        let settings = &self.0.settings.tokens;
        let wanted = algorithm_name(settings.algorithm);
        match stored.last() {
            None => Some(now),
            Some(last) if last.signs_at <= now && last.algorithm != wanted => Some(now.plus(settings.prepublish)),
            Some(last) if last.signs_at.plus(settings.rotation) <= now.plus(settings.prepublish) => {
                Some(last.signs_at.plus(settings.rotation).latest(now.plus(settings.prepublish)))
            }
            Some(_) => None,
        }
    }

    pub(super) fn new_signing_key(&self, signs_at: Timestamp) -> Result<StoredSigningKey, Error> {
        let algorithm = algorithm_name(self.0.settings.tokens.algorithm);
        let private = generate(self.0.settings.tokens.algorithm)?;
        let kid = SigningKey::from_pkcs8(algorithm, &private, signs_at)?.kid().to_owned();
        let private = self.0.vault.seal(Purpose::SigningKey, &kid, &private).map_err(Error::internal)?;
        Ok(StoredSigningKey { kid, algorithm: algorithm.to_owned(), private, signs_at })
    }

    /// Signs and reads with these from now on. What a withdrawn key had signed is forgotten.
    pub(super) fn load_signing_keys(&self, stored: &[StoredSigningKey]) -> Result<(), Error> {
        let file = &self.0.settings.tokens.signing_key_file;
        let former = self.signing();
        let known = former.keys().iter().map(|key| (key.kid(), key.signs_at()));
        if file.is_none() && known.eq(stored.iter().map(|key| (key.kid.as_str(), key.signs_at))) {
            return Ok(());
        }
        let mut keys = Vec::with_capacity(stored.len() + 1);
        for key in stored {
            let private = self.0.vault.open(Purpose::SigningKey, &key.kid, &key.private).map_err(Error::internal)?;
            keys.push(SigningKey::from_pkcs8(&key.algorithm, &private, key.signs_at)?);
        }
        if let Some(path) = file {
            let pem = std::fs::read_to_string(path)
                .map_err(|error| Error::internal(format!("the signing key file {}: {error}", path.display())))?;
            // It signs from now on, whatever generated keys there were before.
            keys.push(SigningKey::from_pem(&pem, "", self.now())?);
        }
        let ring = KeyRing::new(keys);
        let withdrawn = former.keys().iter().any(|key| !ring.has(key.kid()));
        self.set_signing(ring);
        if withdrawn {
            self.0.memory.generations.everything_changed();
        }
        Ok(())
    }
}

/// Writes single calls and the last of them; says when the key was used before.
async fn write_calls(
    writing: &mut crate::store::Writing,
    key: ApiKeyId,
    used: &KeyUse,
) -> Result<Option<Timestamp>, Error> {
    for call in &used.recent {
        writing.store().insert_call(key, &stored_call(call)).await?;
    }
    match used.recent.back() {
        Some(last) => writing.store().update_last_use(key, &stored_call(last), used.calls).await,
        None => Ok(None),
    }
}

fn stored_call(call: &Call) -> KeyCall {
    KeyCall {
        id: call_id(call.at),
        at: call.at,
        endpoint: call.endpoint.to_string(),
        status: i64::from(call.status),
        address: call.address.to_string(),
        user_agent: call.user_agent.to_string(),
    }
}
