//! Unusual use of API keys: judged when use is written, told of once, dismissed by whoever may change the key. The rules
//! are those of [`crate::key_watch`].

use crate::Latchkey;
use crate::api_key;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::id::ApiKeyId;
use crate::key_watch::{Sighting, Signal, after_end, program};
use crate::mail::Letter;
use crate::member::Role;
use crate::principal::{Actor, Visitor};
use crate::store::{StoredKey, WatchedKey, Writing};
use crate::usage::{Caller, KeyUse, Tally};

use super::api_keys::{KeyView, managed};
use super::mail::Parcel;

/// What was unusual about one key, and who is to be told.
pub(super) struct Alarm {
    key: StoredKey,
    seen: Vec<Sighting>,
    /// Who called.
    visitor: Visitor,
}

/// One of the things that callers are told apart by.
struct Distinct<'a> {
    what: String,
    /// Who was first.
    first: &'a Caller,
    calls: i64,
}

/// What the callers are called by `name`, each once.
fn distinct(callers: &[Caller], name: impl Fn(&Caller) -> String) -> Vec<Distinct<'_>> {
    let mut all: Vec<Distinct<'_>> = Vec::new();
    for caller in callers {
        let what = name(caller);
        match all.iter_mut().find(|known| known.what == what) {
            Some(known) => known.calls += caller.calls,
            None => all.push(Distinct { what, first: caller, calls: caller.calls }),
        }
    }
    all
}

/// A sighting, and who called.
type Found<'a> = (Sighting, &'a Caller);

impl Latchkey {
    /// Judges what has just been written of a key; `used_before` is when it was used before that.
    pub(super) async fn watch_key_use(
        &self,
        writing: &mut Writing,
        key: ApiKeyId,
        used: &KeyUse,
        used_before: Option<Timestamp>,
    ) -> Result<Option<Alarm>, Error> {
        if !self.0.settings.key_watch.is_on() {
            return Ok(None);
        }
        let mut found = Vec::new();
        let first_use = used.callers.first().map(|caller| caller.at);
        if let Some(watched) = writing.store().watch_key(key, first_use).await? {
            found.extend(self.silence(used, used_before));
            found.extend(self.new_ones(writing, (key, Signal::NewNetwork), used, &watched).await?);
            found.extend(self.new_ones(writing, (key, Signal::NewAgent), used, &watched).await?);
            found.extend(self.bursts(writing, key, used, &watched).await?);
            found.extend(self.after_end(writing, key, used).await?);
        }
        found.retain(|(seen, _)| self.0.settings.key_watch.tells(seen.signal));
        alarm(writing, key, found).await
    }

    fn silence<'a>(&self, used: &'a KeyUse, used_before: Option<Timestamp>) -> Option<Found<'a>> {
        let first = used.callers.first()?;
        let detail = self.0.settings.key_watch.silence(used_before, first.at)?;
        Some((Sighting { signal: Signal::AfterSilence, at: first.at, calls: used.calls, detail }, first))
    }

    /// Networks or programs that were not seen before. While the key is got to know they are only noted.
    async fn new_ones<'a>(
        &self,
        writing: &mut Writing,
        (key, signal): (ApiKeyId, Signal),
        used: &'a KeyUse,
        watched: &WatchedKey,
    ) -> Result<Vec<Found<'a>>, Error> {
        let name = |caller: &Caller| match signal {
            Signal::NewNetwork => caller.network.to_string(),
            _ => program(&caller.user_agent),
        };
        let mut found = Vec::new();
        for Distinct { what, first, calls } in distinct(&used.callers, name) {
            let is_new = writing.store().insert_seen(key, signal, &what, first.at).await?;
            if is_new && self.0.settings.key_watch.knows(watched.since, first.at) {
                found.push((Sighting { signal, at: first.at, calls, detail: what }, first));
            }
        }
        Ok(found)
    }

    async fn bursts<'a>(
        &self,
        writing: &mut Writing,
        key: ApiKeyId,
        used: &'a KeyUse,
        watched: &WatchedKey,
    ) -> Result<Option<Found<'a>>, Error> {
        let figures = &self.0.settings.key_watch;
        let (Some(caller), Some(last)) = (used.callers.last(), used.recent.back()) else { return Ok(None) };
        if !figures.knows(watched.since, last.at) {
            return Ok(None);
        }
        let mut hours: Vec<i64> = used.tallies.iter().map(|Tally { hour, .. }| *hour).collect();
        hours.sort_unstable();
        hours.dedup();
        let mut found = None;
        for hour in hours {
            let usual = match watched.usual {
                Some((of, usual)) if of == hour => usual,
                _ => writing.store().update_usual(key, hour, figures.usual_hours()).await?,
            };
            let calls = writing.store().count_calls(key, hour).await?;
            if let Some(detail) = figures.burst(calls, usual)
                && writing.store().consume_burst(key, hour).await?
            {
                found = Some((Sighting { signal: Signal::Burst, at: last.at, calls, detail }, caller));
            }
        }
        Ok(found)
    }

    async fn after_end<'a>(
        &self,
        writing: &mut Writing,
        key: ApiKeyId,
        used: &'a KeyUse,
    ) -> Result<Vec<Found<'a>>, Error> {
        let signal = Signal::AfterEnd;
        let name = |caller: &Caller| caller.ending.map_or_else(String::new, |ending| after_end(ending, caller.network));
        let mut found = Vec::new();
        for Distinct { what, first, calls } in distinct(&used.refused, name) {
            let is_new = writing.store().insert_seen(key, signal, &what, first.at).await?;
            let seen = Sighting { signal, at: first.at, calls, detail: what };
            if is_new {
                found.push((seen, first));
            } else {
                writing.store().update_flag(key, &seen).await?;
            }
        }
        Ok(found)
    }

    /// Tells of all that was unusual: in the audit log and by mail. Comes last in its transaction, in the order of the
    /// organizations: a log is locked while it is written to.
    pub(super) async fn raise_alarms(&self, writing: &mut Writing, mut alarms: Vec<Alarm>) -> Result<(), Error> {
        alarms.sort_by_key(|alarm| alarm.key.organization_id);
        for alarm in &alarms {
            let signal = |seen: &Sighting| serde_json::json!({ "signal": seen.signal, "calls": seen.calls, "detail": seen.detail });
            let signals: Vec<_> = alarm.seen.iter().map(signal).collect();
            let told = Told {
                visitor: &alarm.visitor,
                actor: alarm.key.id.to_string(),
                organization: Some(alarm.key.organization_id),
                deed: Deed::KeyUsedUnusually,
                target: alarm.key.id.to_string(),
                detail: serde_json::json!({ "signals": signals }),
            };
            self.tell(&mut writing.store(), told).await?;
            self.mail_alarm(writing, alarm).await?;
        }
        Ok(())
    }

    async fn mail_alarm(&self, writing: &mut Writing, alarm: &Alarm) -> Result<(), Error> {
        let (key, now) = (&alarm.key, self.now());
        let since = now.minus(self.0.settings.key_watch.mail_every);
        if !self.sends_mail() || !writing.store().consume_watch_mail(key.id, now, since).await? {
            return Ok(());
        }
        let house = writing.store().find_organization(key.organization_id).await?.map(|facts| facts.organization.name);
        let hint = format!("{}…{}", api_key::prefix(key.mode, &key.public_id), key.last_four);
        let keys_link = format!("{}/settings/api-keys?dialog=unusual-use&key={}", self.public_url(), key.id);
        for reader in readers(writing, key).await? {
            let letter =
                Letter::KeyUsedUnusually { name: &key.name, hint: &hint, seen: &alarm.seen, keys_link: &keys_link };
            let parcel = Parcel { to: &reader, house: house.as_deref(), letter, until: None, decoy: false };
            self.post(&mut writing.store(), parcel).await?;
        }
        Ok(())
    }

    /// Somebody who may change a key says that its unusual use was expected. Saying it again changes nothing.
    pub async fn dismiss_unusual_use(&self, actor: &Actor, id: &str) -> Result<KeyView, Error> {
        let (permit, id) = managed(actor, id)?;
        let mut writing = self.0.db.write().await?;
        self.managed_key(&mut writing, &permit, id).await?;
        if writing.store().organization(permit.organization()).consume_flags(id, self.now()).await? {
            self.tell(&mut writing.store(), Told::by(actor, Deed::KeyUseExpected, id)).await?;
        }
        writing.commit().await?;
        self.api_key(actor, &id.to_string()).await
    }
}

/// Keeps what was found; `None` when that is nothing, or the key is gone.
async fn alarm(writing: &mut Writing, key: ApiKeyId, found: Vec<Found<'_>>) -> Result<Option<Alarm>, Error> {
    let Some((_, caller)) = found.first() else { return Ok(None) };
    let visitor =
        Visitor { address: caller.address, user_agent: caller.user_agent.to_string(), request_id: String::new() };
    let Some(home) = writing.store().find_key_home(key).await? else { return Ok(None) };
    let Some(stored) = writing.store().organization(home).find_key(key).await? else { return Ok(None) };
    let seen: Vec<Sighting> = found.into_iter().map(|(seen, _)| seen).collect();
    for sighting in &seen {
        writing.store().insert_flag(key, sighting).await?;
    }
    Ok(Some(Alarm { key: stored, seen, visitor }))
}

/// Who is mailed about a key: whose it is; for a key of the organization, whoever is responsible for it while they are
/// an administrator; otherwise the organization's owners.
async fn readers(writing: &mut Writing, key: &StoredKey) -> Result<Vec<Email>, Error> {
    let mut store = writing.store();
    let mut organization = store.organization(key.organization_id);
    let keeper = organization.find_member(key.user_id).await?.filter(|member| {
        let can_act = member.suspended_at.is_none() && member.user.disabled_at.is_none();
        can_act && (!key.of_organization || member.role >= Role::Admin)
    });
    match keeper {
        Some(keeper) => Ok(vec![keeper.user.email]),
        None => organization.list_owner_emails().await,
    }
}
