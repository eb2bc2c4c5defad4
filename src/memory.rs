//! What is remembered so that verification rarely reads and never writes.
//!
//! An entry is believed for a while and while the *generations* of all it depends on stand still: every user, session,
//! organization, key and token maps to a slot of a fixed table of counters, and a change anywhere raises the counter.
//! What was read while anything at all changed is used once and not remembered.
//! Two things sharing a slot costs a needless read now and then, nothing else.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::api_key::KeyLife;
use crate::clock::Timestamp;
use crate::id::{OrganizationId, SessionId};
use crate::limit::Rate;
use crate::principal::Principal;

const SLOTS: usize = 1 << 15;
/// How many things one entry can depend on.
pub(crate) const TAGS: usize = 4;

/// The state of what an entry depends on, when it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    slots: [u32; TAGS],
    counts: [u32; TAGS],
    read_at: Timestamp,
}

/// The moment before a read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch(u64);

impl Stamp {
    /// The stamp of what is not to be remembered.
    pub(crate) fn never() -> Self {
        Self { slots: [0; TAGS], counts: [0; TAGS], read_at: Timestamp::default() }
    }
}

pub(crate) struct Generations {
    changes: AtomicU64,
    slots: Vec<AtomicU32>,
    hashing: RandomState,
}

impl Default for Generations {
    fn default() -> Self {
        Self {
            changes: AtomicU64::new(0),
            slots: (0..SLOTS).map(|_| AtomicU32::new(0)).collect(),
            hashing: RandomState::new(),
        }
    }
}

impl Generations {
    fn slot(&self, number: u128) -> usize {
        usize::try_from(self.hashing.hash_one(number) % SLOTS as u64).unwrap_or(0)
    }

    fn count(&self, slot: u32) -> u32 {
        self.slots[slot as usize].load(Ordering::Acquire)
    }

    /// To be taken before the database is read.
    pub(crate) fn watch(&self) -> Watch {
        Watch(self.changes.load(Ordering::Acquire))
    }

    /// The state of these things, unless anything changed since the watch began.
    pub(crate) fn stamp(&self, watch: Watch, tags: [u128; TAGS], now: Timestamp) -> Option<Stamp> {
        let slots = tags.map(|tag| u32::try_from(self.slot(tag)).unwrap_or(0));
        let stamp = Stamp { slots, counts: slots.map(|slot| self.count(slot)), read_at: now };
        (self.watch().0 == watch.0).then_some(stamp)
    }

    /// Whether nothing has changed since.
    pub(crate) fn holds(&self, stamp: &Stamp, now: Timestamp, believed: Duration) -> bool {
        now < stamp.read_at.plus(believed)
            && now.plus(Duration::from_secs(5)) >= stamp.read_at
            && stamp.slots.iter().zip(stamp.counts).all(|(slot, count)| self.count(*slot) == count)
    }

    /// Everything is to be read anew: what others changed meanwhile was not heard.
    pub(crate) fn everything_changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        for slot in &self.slots {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Everything that depends on this is to be read anew.
    pub(crate) fn changed(&self, number: u128) {
        // In this order: whoever sees the slot raised sees the count of changes raised too.
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.slots[self.slot(number)].fetch_add(1, Ordering::AcqRel);
    }
}

/// A session credential found good.
pub(crate) struct SessionEntry {
    pub(crate) principal: Principal,
    pub(crate) stamp: Stamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) seen_at: AtomicI64,
}

/// An API key as it was read; whether the presented secret fits is checked at every call.
pub(crate) struct KeyEntry {
    pub(crate) principal: Principal,
    pub(crate) stamp: Stamp,
    pub(crate) mac: [u8; 32],
    pub(crate) secret_ends_at: Option<Timestamp>,
    pub(crate) life: KeyLife,
    pub(crate) networks: Vec<ipnet::IpNet>,
    pub(crate) rates: Vec<Rate>,
}

/// How long entries are believed without asking the database.
///
/// A node that hears what others change may believe for long. One that does not (the connection it listens by is
/// gone, or has not proven alive within [`HEARD`]) believes for less than a second, so that with the time in which the
/// loss is not yet noticed a revocation elsewhere is felt here within a second whatever becomes of its notification.
pub(crate) struct Belief {
    long: Duration,
    short: Duration,
    heard_at: AtomicI64,
}

/// How long a node counts as hearing after its listening connection was proven alive.
const HEARD: Duration = Duration::from_millis(700);
/// How long entries are believed by a node that does not hear.
const DEAF: Duration = Duration::from_millis(900);
/// The same when it hears, or is alone.
const HEARING: Duration = Duration::from_secs(60);

impl Belief {
    /// Of a node beside others (`shared`) or alone; `wanted` when the operator says how long.
    pub(crate) fn new(wanted: Option<Duration>, shared: bool) -> Self {
        let long = wanted.unwrap_or(HEARING);
        let short = if shared { long.min(DEAF) } else { long };
        Self { long, short, heard_at: AtomicI64::new(i64::MIN) }
    }

    /// How long entries are believed now.
    pub(crate) fn at(&self, now: Timestamp) -> Duration {
        let since = now.millis().abs_diff(self.heard_at.load(Ordering::Acquire));
        if u128::from(since) < HEARD.as_millis() { self.long } else { self.short }
    }

    /// Notes that everything that others changed before `at` has been heard.
    pub(crate) fn hears(&self, at: Timestamp) {
        self.heard_at.store(at.millis(), Ordering::Release);
    }

    /// Notes that nothing is heard any more.
    pub(crate) fn hears_nothing(&self) {
        self.heard_at.store(i64::MIN, Ordering::Release);
    }
}

/// All of it, bounded.
pub(crate) struct Memory {
    pub(crate) generations: Arc<Generations>,
    pub(crate) sessions: Cache<[u8; 32], Arc<SessionEntry>>,
    pub(crate) keys: Cache<([u8; 8], Option<OrganizationId>), Arc<KeyEntry>>,
    pub(crate) belief: Belief,
    seen: Mutex<HashMap<SessionId, Timestamp>>,
}

impl Memory {
    pub(crate) fn new(entries: usize, belief: Belief, generations: Arc<Generations>) -> Self {
        Self { generations, sessions: Cache::new(entries), keys: Cache::new(entries), belief, seen: Mutex::default() }
    }

    /// Whether what was read then still holds.
    pub(crate) fn holds(&self, stamp: &Stamp, now: Timestamp) -> bool {
        self.generations.holds(stamp, now, self.belief.at(now))
    }

    /// Notes that a session was used.
    pub(crate) fn note_seen(&self, session: SessionId, at: Timestamp) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(session, at);
    }

    /// When a session was last used, if that is not written yet.
    pub(crate) fn last_seen(&self, session: SessionId) -> Option<Timestamp> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&session).copied()
    }

    /// Everything noted, to be written.
    pub(crate) fn take_seen(&self) -> Vec<(SessionId, Timestamp)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }

    /// What could not be written; newer notes stand.
    pub(crate) fn put_back_seen(&self, seen: Vec<(SessionId, Timestamp)>) {
        let mut noted = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (session, at) in seen {
            noted.entry(session).or_insert(at);
        }
    }
}

impl SessionEntry {
    pub(crate) fn seen_at(&self) -> Timestamp {
        Timestamp::from_millis(self.seen_at.load(Ordering::Relaxed))
    }

    pub(crate) fn see(&self, now: Timestamp) {
        self.seen_at.store(now.millis(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_during_a_change_is_not_remembered() {
        let generations = Generations::default();
        let watch = generations.watch();
        generations.changed(9);
        assert!(generations.stamp(watch, [1, 2, 3, 4], Timestamp::from_seconds(1)).is_none());
    }

    #[test]
    fn a_change_after_the_read_is_noticed() {
        let generations = Generations::default();
        let now = Timestamp::from_seconds(100);
        let stamp = generations.stamp(generations.watch(), [1, 2, 3, 4], now).expect("undisturbed");
        assert!(generations.holds(&stamp, now, Duration::from_secs(60)));
        generations.changed(3);
        assert!(!generations.holds(&stamp, now, Duration::from_secs(60)));
    }

    #[test]
    fn a_node_that_hears_nothing_believes_for_less_than_a_second() {
        let belief = Belief::new(None, true);
        let now = Timestamp::from_seconds(1_000);
        assert!(belief.at(now) < Duration::from_secs(1), "before it ever heard");
        belief.hears(now);
        assert_eq!(belief.at(now), Duration::from_secs(60));
        for later in [now.plus(HEARD), now.minus(Duration::from_secs(3_600))] {
            assert!(belief.at(later) < Duration::from_secs(1), "the connection is not proven alive any more");
        }
        belief.hears_nothing();
        assert!(belief.at(now) < Duration::from_secs(1));
        assert_eq!(Belief::new(None, false).at(now), Duration::from_secs(60), "alone, there is nothing to hear");
        let wanted = Belief::new(Some(Duration::from_millis(100)), true);
        assert_eq!(wanted.at(now), Duration::from_millis(100));
    }

    #[test]
    fn when_others_may_have_changed_anything_nothing_is_believed() {
        let generations = Generations::default();
        let now = Timestamp::from_seconds(100);
        let stamp = generations.stamp(generations.watch(), [1, 2, 3, 4], now).expect("undisturbed");
        let watch = generations.watch();
        generations.everything_changed();
        assert!(!generations.holds(&stamp, now, Duration::from_secs(60)));
        assert!(generations.stamp(watch, [1, 2, 3, 4], now).is_none(), "nor what was read meanwhile");
    }

    #[test]
    fn nothing_is_believed_for_ever() {
        let generations = Generations::default();
        let stamp =
            generations.stamp(generations.watch(), [1, 2, 3, 4], Timestamp::from_seconds(100)).expect("undisturbed");
        assert!(!generations.holds(&stamp, Timestamp::from_seconds(160), Duration::from_secs(60)));
        assert!(!generations.holds(&stamp, Timestamp::from_seconds(10), Duration::from_secs(60)), "clock set back");
    }
}
