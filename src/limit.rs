//! Limits: how many of something in how long, and where a caller stands.

use std::time::Duration;

use crate::clock::Timestamp;

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub limit: u64,
    /// In how long.
    pub per: Duration,
}

impl Rate {
    /// `limit` in `seconds`.
    pub const fn new(limit: u64, seconds: u64) -> Self {
        Self { limit, per: Duration::from_secs(seconds) }
    }

    /// The same with room for `factor` times as many.
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self { limit: self.limit.saturating_mul(factor), per: self.per }
    }
}

/// Where a caller stands in one limit, for the headers of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many are allowed.
    pub limit: u64,
    /// How many are left.
    pub remaining: u64,
    /// When the count begins anew, in Unix seconds.
    pub reset: i64,
    /// How long until then.
    pub retry_after: Duration,
}

impl Window {
    /// Where somebody stands who has used so many of a window that ends then.
    pub fn of(rate: Rate, used: u64, ends: Timestamp, now: Timestamp) -> Self {
        Self {
            limit: rate.limit,
            remaining: rate.limit.saturating_sub(used),
            // Whole seconds, and not one too early.
            reset: ends.plus(Duration::from_millis(999)).seconds(),
            retry_after: ends.since(now).max(Duration::from_secs(1)),
        }
    }

    /// The one that leaves less room.
    #[must_use]
    pub fn tightest(self, other: Self) -> Self {
        if other.remaining < self.remaining { other } else { self }
    }
}

#[cfg(feature = "server")]
pub use counters::{Counters, Said};

#[cfg(feature = "server")]
mod counters {
    use std::collections::HashMap;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use siphasher::sip128::{Hasher128 as _, SipHasher13};

    use super::{Rate, Window};
    use crate::clock::Timestamp;

    const SHARDS: usize = 64;
    /// How many counters one shard keeps before it drops those whose time is over.
    const CROWDED: usize = 4096;
    /// How many it keeps at most, so that a flood from countless addresses cannot fill the memory.
    const FULL: usize = 4 * CROWDED;

    #[derive(Clone, Copy)]
    struct Count {
        began: Timestamp,
        ends: Timestamp,
        used: u64,
        /// How many of those other nodes were not told of yet.
        unsaid: i64,
    }

    /// What one node tells the others of a counter.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Said {
        /// Whose, as [`Counters::name`] makes it.
        pub name: u128,
        /// When the window began there.
        pub began: Timestamp,
        /// When it ends there.
        pub ends: Timestamp,
        /// How many calls were counted since the last time; less than none when some were given back.
        pub used: i64,
    }

    #[derive(Default)]
    struct Shard {
        counts: HashMap<u128, Count>,
        /// Those that other nodes are to be told of.
        unsaid: Vec<u128>,
        /// How many there must be before it is looked which of them are over.
        looked_at_from: usize,
    }

    impl Shard {
        /// Drops what is over once in a while: each look at all of them is paid for by as many new ones.
        fn make_room(&mut self, name: u128, now: Timestamp) {
            if self.counts.len() < self.looked_at_from.max(CROWDED) || self.counts.contains_key(&name) {
                return;
            }
            self.counts.retain(|_, count| !is_over(count, now));
            if self.counts.len() >= FULL {
                // Whoever called once has the least to lose by being forgotten.
                self.counts.retain(|_, count| count.used > 1);
                if self.counts.len() > FULL / 2 {
                    self.counts.clear();
                }
            }
            self.looked_at_from = (self.counts.len() * 2).min(FULL);
        }
    }

    /// Fixed windows, each beginning with its first call, so that exactly `limit` calls fit in one and a refused
    /// call does not lengthen the wait. Kept in memory. Where there are several nodes each tells the others what it
    /// counted ([`Counters::take_unsaid`], [`Counters::hear`]).
    pub struct Counters {
        shards: Vec<Mutex<Shard>>,
        seed: [u8; 16],
        shared: bool,
    }

    impl Counters {
        /// None counted yet. Nodes with the same `seed` give counters the same names; whoever does not know it cannot
        /// find two callers that share one.
        pub fn new(seed: [u8; 16], shared: bool) -> Self {
            Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), seed, shared }
        }

        /// Counts one call of `who` if there is room.
        pub fn take(&self, now: Timestamp, who: &impl std::hash::Hash, rate: Rate) -> Result<Window, Window> {
            self.with(now, who, rate, |count| {
                let room = count.used < rate.limit;
                count.used += u64::from(room);
                room
            })
        }

        /// Gives one counted call back.
        pub fn give_back(&self, now: Timestamp, who: &impl std::hash::Hash, rate: Rate) {
            let _ = self.with(now, who, rate, |count| {
                count.used = count.used.saturating_sub(1);
                true
            });
        }

        fn with(
            &self,
            now: Timestamp,
            who: &impl std::hash::Hash,
            rate: Rate,
            act: impl FnOnce(&mut Count) -> bool,
        ) -> Result<Window, Window> {
            let name = self.name(who);
            let mut shard = self.shard(name);
            let fresh = Count { began: now, ends: now.plus(rate.per), used: 0, unsaid: 0 };
            shard.make_room(name, now);
            let Shard { counts, unsaid, .. } = &mut *shard;
            let count = counts.entry(name).or_insert(fresh);
            if is_over(count, now) {
                *count = fresh;
            }
            let (used, nothing_unsaid) = (count.used, count.unsaid == 0);
            let room = act(count);
            if self.shared && used != count.used {
                count.unsaid += if count.used > used { 1 } else { -1 };
                if nothing_unsaid {
                    unsaid.push(name);
                }
            }
            let window = Window::of(rate, count.used, count.ends, now);
            if room { Ok(window) } else { Err(window) }
        }

        /// What was counted here since the last time, for the other nodes.
        pub fn take_unsaid(&self) -> Vec<Said> {
            let mut all = Vec::new();
            for shard in &self.shards {
                let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                let Shard { counts, unsaid, .. } = &mut *shard;
                for name in unsaid.drain(..) {
                    let Some(count) = counts.get_mut(&name) else { continue };
                    let used = std::mem::take(&mut count.unsaid);
                    if used != 0 {
                        all.push(Said { name, began: count.began, ends: count.ends, used });
                    }
                }
            }
            all
        }

        /// Counts what another node counted.
        pub fn hear(&self, now: Timestamp, said: Said) {
            let theirs = Count { began: said.began, ends: said.ends, used: 0, unsaid: 0 };
            if is_over(&theirs, now) {
                return;
            }
            let mut shard = self.shard(said.name);
            shard.make_room(said.name, now);
            let count = shard.counts.entry(said.name).or_insert(theirs);
            if is_over(count, now) {
                *count = theirs;
            }
            count.used = count.used.saturating_add_signed(said.used);
        }

        /// The name of somebody's counter.
        pub fn name(&self, who: &impl std::hash::Hash) -> u128 {
            let mut hasher = SipHasher13::new_with_key(&self.seed);
            who.hash(&mut hasher);
            hasher.finish128().as_u128()
        }

        fn shard(&self, name: u128) -> MutexGuard<'_, Shard> {
            let index = usize::try_from(name % SHARDS as u128).unwrap_or(0);
            self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// Whether a window has ended, or the clock was set back to well before it began. Clocks of nodes differ a little,
    /// and a window that began "in a moment" elsewhere is no sign of that.
    fn is_over(count: &Count, now: Timestamp) -> bool {
        count.ends <= now || count.began > now.plus(count.ends.since(count.began))
    }

    #[cfg(test)]
    mod tests {
        use std::time::Duration;

        use super::*;

        const RATE: Rate = Rate::new(3, 60);

        #[test]
        fn exactly_the_limit_fits_in_a_window() {
            let counters = Counters::new([7; 16], false);
            let now = Timestamp::from_seconds(1000);
            let taken = (0..10).filter(|_| counters.take(now, &"ada", RATE).is_ok()).count();
            assert_eq!(taken, 3);
            assert!(counters.take(now, &"bob", RATE).is_ok());
        }

        #[test]
        fn a_refused_call_does_not_lengthen_the_wait() {
            let counters = Counters::new([7; 16], false);
            let start = Timestamp::from_seconds(1000);
            for second in 0..60 {
                let _ = counters.take(start.plus(Duration::from_secs(second)), &"ada", RATE);
            }
            assert!(counters.take(start.plus(Duration::from_secs(60)), &"ada", RATE).is_ok());
        }

        #[test]
        fn the_window_tells_what_is_left_and_until_when() {
            let counters = Counters::new([7; 16], false);
            let window = counters.take(Timestamp::from_seconds(1000), &"ada", RATE).expect("room");
            assert_eq!((window.limit, window.remaining, window.reset), (3, 2, 1060));
        }

        fn hears(counters: &Counters, now: Timestamp, said: Vec<Said>) {
            for said in said {
                counters.hear(now, said);
            }
        }

        #[test]
        fn what_one_node_counts_counts_on_the_others() {
            let (here, there) = (Counters::new([7; 16], true), Counters::new([7; 16], true));
            let now = Timestamp::from_seconds(1000);
            for _ in 0..2 {
                let _ = here.take(now, &"ada", RATE);
            }
            let said = here.take_unsaid();
            assert_eq!(said.iter().map(|said| said.used).collect::<Vec<_>>(), [2]);
            assert!(here.take_unsaid().is_empty(), "said once");
            hears(&there, now, said);
            assert!(there.take_unsaid().is_empty(), "what was heard is not said again");
            let behind = now.minus(Duration::from_millis(200));
            assert!(there.take(behind, &"ada", RATE).is_ok(), "its clock is behind a little");
            assert!(there.take(now, &"ada", RATE).is_err());
            hears(&here, now, there.take_unsaid());
            assert!(here.take(now, &"ada", RATE).is_err());
        }

        #[test]
        fn what_is_given_back_is_given_back_everywhere() {
            let (here, there) = (Counters::new([7; 16], true), Counters::new([7; 16], true));
            let now = Timestamp::from_seconds(1000);
            for _ in 0..3 {
                let _ = here.take(now, &"ada", RATE);
            }
            hears(&there, now, here.take_unsaid());
            here.give_back(now, &"ada", RATE);
            hears(&there, now, here.take_unsaid());
            assert!(there.take(now, &"ada", RATE).is_ok());
            assert!(there.take(now, &"ada", RATE).is_err());
        }

        #[test]
        fn a_flood_of_callers_is_forgotten_before_those_who_came_often() {
            let counters = Counters::new([7; 16], false);
            let now = Timestamp::from_seconds(1000);
            for _ in 0..3 {
                counters.take(now, &"ada", RATE).expect("room");
            }
            for stranger in 0..SHARDS * FULL * 2 {
                let _ = counters.take(now, &stranger, RATE);
            }
            let kept: usize = counters.shards.iter().map(|shard| shard.lock().expect("whole").counts.len()).sum();
            assert!(kept <= SHARDS * (FULL + 1), "{kept}");
            assert!(counters.take(now, &"ada", RATE).is_err());
        }

        #[test]
        fn a_node_with_another_secret_names_counters_otherwise() {
            let name = |seed: u8| Counters::new([seed; 16], true).name(&("sign-in to", "ada@example.org"));
            assert_eq!(name(7), name(7));
            assert_ne!(name(7), name(8));
        }

        #[test]
        fn a_clock_set_back_does_not_lock_anybody_out() {
            let counters = Counters::new([7; 16], false);
            let now = Timestamp::from_seconds(10_000);
            for _ in 0..4 {
                let _ = counters.take(now, &"ada", RATE);
            }
            assert!(counters.take(Timestamp::from_seconds(5_000), &"ada", RATE).is_ok());
        }
    }
}
