//! Limits: how many of something in how long, and where a caller stands.

use std::time::Duration;

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
    /// The one that leaves less room.
    #[must_use]
    pub fn tightest(self, other: Self) -> Self {
        if other.remaining < self.remaining { other } else { self }
    }
}

#[cfg(feature = "server")]
pub use counters::Counters;

#[cfg(feature = "server")]
mod counters {
    use std::collections::HashMap;
    use std::hash::{BuildHasher, RandomState};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use super::{Rate, Window};
    use crate::clock::Timestamp;

    const SHARDS: usize = 64;
    /// How many counters one shard keeps before it drops those whose time is over.
    const CROWDED: usize = 4096;

    #[derive(Clone, Copy)]
    struct Count {
        began: Timestamp,
        ends: Timestamp,
        used: u64,
    }

    /// Fixed windows, each beginning with its first call, so that exactly `limit` calls fit in one and a refused
    /// call does not lengthen the wait. Kept in memory; one set a process.
    pub struct Counters {
        shards: Vec<Mutex<HashMap<u128, Count>>>,
        hashing: (RandomState, RandomState),
    }

    impl Default for Counters {
        fn default() -> Self {
            Self {
                shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
                hashing: (RandomState::new(), RandomState::new()),
            }
        }
    }

    impl Counters {
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
            let key = self.key(who);
            let mut shard = self.shard(key);
            if shard.len() > CROWDED && !shard.contains_key(&key) {
                shard.retain(|_, count| count.ends > now);
            }
            let fresh = Count { began: now, ends: now.plus(rate.per), used: 0 };
            let count = shard.entry(key).or_insert(fresh);
            if count.ends <= now || count.began > now {
                *count = fresh;
            }
            let room = act(count);
            let retry_after = count.ends.since(now).max(Duration::from_secs(1));
            let window = Window {
                limit: rate.limit,
                remaining: rate.limit.saturating_sub(count.used),
                reset: count.ends.plus(Duration::from_millis(999)).seconds(),
                retry_after,
            };
            if room { Ok(window) } else { Err(window) }
        }

        fn key(&self, who: &impl std::hash::Hash) -> u128 {
            u128::from(self.hashing.0.hash_one(who)) << 64 | u128::from(self.hashing.1.hash_one(who))
        }

        fn shard(&self, key: u128) -> MutexGuard<'_, HashMap<u128, Count>> {
            let index = usize::try_from(key % SHARDS as u128).unwrap_or(0);
            self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const RATE: Rate = Rate::new(3, 60);

        #[test]
        fn exactly_the_limit_fits_in_a_window() {
            let counters = Counters::default();
            let now = Timestamp::from_seconds(1000);
            let taken = (0..10).filter(|_| counters.take(now, &"ada", RATE).is_ok()).count();
            assert_eq!(taken, 3);
            assert!(counters.take(now, &"bob", RATE).is_ok());
        }

        #[test]
        fn a_refused_call_does_not_lengthen_the_wait() {
            let counters = Counters::default();
            let start = Timestamp::from_seconds(1000);
            for second in 0..60 {
                let _ = counters.take(start.plus(Duration::from_secs(second)), &"ada", RATE);
            }
            assert!(counters.take(start.plus(Duration::from_secs(60)), &"ada", RATE).is_ok());
        }

        #[test]
        fn the_window_tells_what_is_left_and_until_when() {
            let counters = Counters::default();
            let window = counters.take(Timestamp::from_seconds(1000), &"ada", RATE).expect("room");
            assert_eq!((window.limit, window.remaining, window.reset), (3, 2, 1060));
        }

        #[test]
        fn a_clock_set_back_does_not_lock_anybody_out() {
            let counters = Counters::default();
            let now = Timestamp::from_seconds(10_000);
            for _ in 0..4 {
                let _ = counters.take(now, &"ada", RATE);
            }
            assert!(counters.take(Timestamp::from_seconds(5_000), &"ada", RATE).is_ok());
        }
    }
}
