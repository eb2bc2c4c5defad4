//! Guessing passwords: how wrong ones in a row make the next tries wait, and end them.
//!
//! Tries at one address go in two lanes, each with a count of its own: one for strangers, one for browsers that have
//! signed in to the account before. So nobody who guesses keeps the owner out.
//!
//! 2026-11-26: NIST SP 800-63B-4 section 3.2.2 allows no more than 100 wrong tries in a row at one account. The lanes
//! share them: 90 for strangers, 10 for known browsers.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::settings::Guessing;

/// Whose tries count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Of whoever cannot show that they have been here before.
    Strangers,
    /// Of browsers that have signed in to this account before.
    KnownBrowsers,
}

impl Lane {
    /// The name in the store and in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strangers => "strangers",
            Self::KnownBrowsers => "known_browsers",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Strangers, Self::KnownBrowsers].into_iter().find(|lane| lane.as_str() == text)
    }
}

/// Wrong passwords in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// How many.
    pub failures: i64,
    /// When the last of them was tried.
    pub last_failed_at: Timestamp,
}

/// Those at one address, in each lane.
#[derive(Clone, Copy, Debug, Default)]
pub struct Streaks {
    /// Of strangers.
    pub strangers: Streak,
    /// Of known browsers.
    pub known_browsers: Streak,
}

impl Streaks {
    /// Those in one lane.
    pub const fn of(&self, lane: Lane) -> Streak {
        match lane {
            Lane::Strangers => self.strangers,
            Lane::KnownBrowsers => self.known_browsers,
        }
    }

    /// The same with another streak in one lane.
    #[must_use]
    pub const fn with(self, lane: Lane, streak: Streak) -> Self {
        match lane {
            Lane::Strangers => Self { strangers: streak, ..self },
            Lane::KnownBrowsers => Self { known_browsers: streak, ..self },
        }
    }

    /// Whether there are none in either.
    pub const fn is_clean(&self) -> bool {
        self.strangers.failures == 0 && self.known_browsers.failures == 0
    }
}

impl Guessing {
    /// How many wrong passwords in a row end the tries in a lane, until something else has cleared it.
    pub fn most(&self, lane: Lane) -> i64 {
        i64::from(match lane {
            Lane::Strangers => self.most_of_strangers,
            Lane::KnownBrowsers => self.most_of_known_browsers,
        })
    }

    /// With which of them a lane is held for the first time.
    pub fn first_hold(&self, lane: Lane) -> i64 {
        i64::from(self.failures).min(self.most(lane))
    }

    /// How long no password is looked at in a lane; `None` when one is.
    pub fn held(&self, lane: Lane, streak: Streak, now: Timestamp) -> Option<Duration> {
        if streak.failures >= self.most(lane) {
            return Some(self.longest_wait);
        }
        let wait = self.wait_after(streak.failures)?;
        // So far ahead is only what was written before a clock was set back.
        if streak.last_failed_at.since(now) > wait {
            return None;
        }
        let left = streak.last_failed_at.plus(wait).since(now).min(wait);
        (!left.is_zero()).then_some(left)
    }

    /// How long so many make the next try wait.
    pub fn wait_after(&self, failures: i64) -> Option<Duration> {
        let doublings = u32::try_from((failures - i64::from(self.failures)).min(31)).ok()?;
        Some(self.first_wait.saturating_mul(2_u32.pow(doublings)).min(self.longest_wait))
    }
}

/// The network around an address, in which somebody may have many: the first 24 bits of IPv4, the first 48 of IPv6.
pub fn wide_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4((u32::from(address) & !0xff).into()),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 80 << 80).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn held(lane: Lane, failures: i64, now: i64) -> Option<u64> {
        let streak = Streak { failures, last_failed_at: at(100_000) };
        Guessing::default().held(lane, streak, at(now)).map(|wait| wait.as_secs())
    }

    #[test]
    fn the_tenth_failure_holds_and_each_further_one_twice_as_long_up_to_an_hour() {
        let waits = [(9, None), (10, Some(30)), (11, Some(60)), (16, Some(1920)), (17, Some(3600)), (89, Some(3600))];
        for (failures, wait) in waits {
            assert_eq!(held(Lane::Strangers, failures, 100_000), wait, "{failures}");
        }
        assert_eq!(Guessing::default().wait_after(i64::MAX), Some(Duration::from_secs(3600)));
    }

    #[test]
    fn a_wait_ends_by_itself_and_an_end_does_not() {
        assert_eq!(held(Lane::Strangers, 10, 100_029), Some(1));
        assert_eq!(held(Lane::Strangers, 10, 100_030), None);
        for (lane, most) in [(Lane::Strangers, 90), (Lane::KnownBrowsers, 10)] {
            assert_eq!(held(lane, most - 1, 200_000), None);
            assert_eq!(held(lane, most, 9_999_999), Some(3600));
        }
        let settings = Guessing::default();
        assert!(settings.most(Lane::Strangers) + settings.most(Lane::KnownBrowsers) <= 100);
    }

    #[test]
    fn a_clock_set_back_holds_nobody_for_long() {
        assert_eq!(held(Lane::Strangers, 10, 99_990), Some(30), "clocks of nodes are never quite the same");
        assert_eq!(held(Lane::Strangers, 10, 50_000), None);
    }

    #[test]
    fn the_network_around_an_address() {
        let net = |text: &str| wide_network(text.parse().expect("an address")).to_string();
        assert_eq!(net("203.0.113.9"), "203.0.113.0");
        assert_eq!(net("::ffff:203.0.113.9"), "203.0.113.0");
        assert_eq!(net("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
        assert_ne!(net("203.0.114.9"), net("203.0.113.9"));
        assert_ne!(net("2001:db8:2::1"), net("2001:db8:1::1"));
    }

    #[test]
    fn a_lane_is_read_as_it_is_written() {
        for lane in [Lane::Strangers, Lane::KnownBrowsers] {
            assert_eq!(Lane::parse(lane.as_str()), Some(lane));
        }
        assert_eq!(Lane::parse(""), None);
    }
}
