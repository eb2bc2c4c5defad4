//! From a presented API key to a principal: with [`super::authenticate`] the only maker of principals.

use std::sync::Arc;

use crate::Latchkey;
use crate::api_key::{KeyStatus, KeyText};
use crate::crypto::same;
use crate::error::{Code, Error};
use crate::id::OrganizationId;
use crate::key_watch::Ending;
use crate::limit::{Rate, Window};
use crate::member::Role;
use crate::memory::{KeyEntry, Stamp};
use crate::metrics::{Limit, Source};
use crate::principal::{Facts, Principal, Subject, Visitor};
use crate::store::KeyCredential;

use super::authenticate::{refused, tags};
use super::verification;

impl Latchkey {
    pub(super) async fn by_key(
        &self,
        visitor: &Visitor,
        text: &str,
        organization: Option<OrganizationId>,
        source: &mut Source,
    ) -> Result<(Principal, Option<Window>), Error> {
        let presented = KeyText::parse(text).ok_or(refused(Code::InvalidApiKey))?;
        let mac = self.0.vault.api_key_mac(presented.whole());
        let entry = self.key_entry(visitor, (presented.public_id(), organization), &mac, source).await?;
        self.check_key(&entry, visitor, &mac)?;
        let window = self.count_key(&entry)?;
        Ok((entry.principal.clone(), window))
    }

    async fn key_entry(
        &self,
        visitor: &Visitor,
        (public_id, organization): (&str, Option<OrganizationId>),
        mac: &[u8; 32],
        source: &mut Source,
    ) -> Result<Arc<KeyEntry>, Error> {
        let now = self.now();
        let memory = &self.0.memory;
        let mut name = ([0; 8], organization);
        name.0.copy_from_slice(public_id.as_bytes());
        if let Some(entry) = memory.keys.get(&name)
            && memory.holds(&entry.stamp, now)
        {
            *source = Source::Memory;
            return Ok(entry);
        }
        *source = Source::Database;
        let watch = memory.generations.watch();
        let found = self.0.db.read().await?.store().find_key_credential(public_id, organization).await?;
        let found = found.ok_or(refused(Code::InvalidApiKey))?;
        // Before anything is said of the key, the caller must have shown that they hold it.
        if !same(&found.mac, mac) {
            return Err(refused(Code::InvalidApiKey));
        }
        if found.secret_dropped_at.is_some() {
            self.note_ended_use(visitor, Some(found.key.id), Ending::Replaced);
            return Err(refused(Code::InvalidApiKey));
        }
        let principal = key_principal(&found, organization).inspect_err(|_| {
            if let Some(ending) = Ending::at(now, &found.key.life, found.secret_ends_at) {
                self.note_ended_use(visitor, Some(found.key.id), ending);
            }
        })?;
        let tags = tags(&principal, found.key.id.number());
        let stamp = memory.generations.stamp(watch, tags, now);
        let entry = KeyEntry {
            principal,
            stamp: stamp.unwrap_or_else(Stamp::never),
            mac: *mac,
            secret_ends_at: found.secret_ends_at,
            life: found.key.life,
            networks: found.key.allowed_ips.split_whitespace().filter_map(|text| text.parse().ok()).collect(),
            rates: rates(&found),
        };
        let entry = Arc::new(entry);
        if stamp.is_some() {
            memory.keys.insert(name, Arc::clone(&entry));
        }
        Ok(entry)
    }

    fn check_key(&self, entry: &KeyEntry, visitor: &Visitor, mac: &[u8; 32]) -> Result<(), Error> {
        let now = self.now();
        if !same(&entry.mac, mac) {
            return Err(refused(Code::InvalidApiKey));
        }
        if let Some(ending) = Ending::at(now, &entry.life, entry.secret_ends_at) {
            self.note_ended_use(visitor, entry.principal.key_id(), ending);
            return Err(refused(if ending == Ending::Expired { Code::ApiKeyExpired } else { Code::ApiKeyRevoked }));
        }
        if KeyStatus::at(now, &entry.life) == KeyStatus::Inactive {
            return Err(refused(Code::ApiKeyInactive));
        }
        let address = visitor.address.to_canonical();
        if !entry.networks.is_empty() && !entry.networks.iter().any(|network| network.contains(&address)) {
            return Err(Error::Forbidden(Code::AddressNotAllowed));
        }
        Ok(())
    }

    /// Counts a call against every window of the key; all must have room.
    fn count_key(&self, entry: &KeyEntry) -> Result<Option<Window>, Error> {
        let now = self.now();
        let Some(key) = entry.principal.key_id() else { return Ok(None) };
        let mut tightest: Option<Window> = None;
        for (index, rate) in entry.rates.iter().enumerate() {
            match self.0.counters.take(now, &("key", key.number(), rate.per), *rate) {
                Ok(window) => tightest = Some(tightest.map_or(window, |known| known.tightest(window))),
                Err(window) => {
                    // What was counted in the windows before this one did not happen.
                    for earlier in &entry.rates[..index] {
                        self.0.counters.give_back(now, &("key", key.number(), earlier.per), *earlier);
                    }
                    return Err(self.limit_reached(Limit::Key, window));
                }
            }
        }
        Ok(tightest)
    }
}

fn key_principal(found: &KeyCredential, asked: Option<OrganizationId>) -> Result<Principal, Error> {
    let key = &found.key;
    // A personal key dies with its owner's account and place; a key of the organization outlives them.
    if !key.of_organization && (found.disabled || !found.at_home) {
        return Err(refused(Code::ApiKeyRevoked));
    }
    let organization = asked.unwrap_or(key.organization_id);
    let spans = key.span == "all" || key.span.split(' ').any(|id| id == organization.to_string());
    if organization != key.organization_id && (key.of_organization || !spans || found.role.is_none()) {
        return Err(Error::NotFound);
    }
    if found.organization_suspended {
        return Err(Error::Forbidden(Code::OrganizationSuspended));
    }
    let role = if key.of_organization { Some(Role::Admin) } else { found.role };
    // A key never exceeds what its owner may do now.
    let scopes = if role >= Some(Role::Admin) { key.scopes.clone() } else { key.scopes.clone().without_admin() };
    let mut facts = Facts {
        subject: Subject::Key { id: key.id, of_organization: key.of_organization, mode: key.mode },
        user: key.user_id,
        email: found.email.clone(),
        landlord: false,
        organization: Some(organization),
        role,
        scopes,
        expires_at: key.life.expires_at,
        has_second_factor: false,
        barred_from: found.barred_from.filter(|_| !key.of_organization),
        verified: Arc::from(""),
    };
    facts.verified = verification::key_written(&facts, &key.allowed_domains)?;
    Ok(Principal(Arc::new(facts)))
}

fn rates(found: &KeyCredential) -> Vec<Rate> {
    let key = &found.key;
    let rate =
        |limit: i64, seconds: i64| Rate::new(u64::try_from(limit).unwrap_or(0), u64::try_from(seconds).unwrap_or(1));
    let mut rates = vec![rate(key.rate_limit, key.rate_limit_window)];
    rates.extend(key.rate_limit_per_minute.map(|limit| rate(limit, 60)));
    rates.extend(key.rate_limit_per_day.map(|limit| rate(limit, 86_400)));
    rates
}
