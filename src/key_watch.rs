//! Unusual use of API keys: what is told of, and why.
//!
//! A key is compared with nothing but its own past. Five things are told of:
//!
//! * **New network**: a call from a network that the key was not used from before. IPv4 addresses are one network as far
//!   as their first 24 bits agree, IPv6 addresses as far as their first 48 do.
//! * **New program**: a call by a program that had not used the key before. Of the user agent only the name counts, or
//!   browser and system; another version is the same program.
//! * **Burst**: more than ten times as many calls in an hour as in the busiest hour of the seven days before it, and at
//!   least a hundred. A key that was not used in those days has nothing to be compared with. An hour is told of once, and
//!   counts for what is usual from then on.
//! * **After silence**: the first call after thirty days without any, by a key that was used before.
//! * **After its end**: somebody presented the right secret of a key that is revoked or expired, or a secret that a newer
//!   one had replaced. It was refused. Each network is told of once; further calls from there are counted. A replaced
//!   secret is noticed for a month.
//!
//! Each network and each program is told of once, however often it comes back, and by one node of several. For the first
//! 24 hours of its use a key is being got to know: networks, programs and amounts are learned and not told of. Networks
//! and programs are remembered in bounds, the latest 200 of each; what has been forgotten is new again.
//!
//! The figures here are those of [`crate::settings::KeyWatch`] when nobody says otherwise.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::agent::browser;
use crate::api_key::{KeyLife, KeyStatus};
use crate::clock::Timestamp;
use crate::settings::KeyWatch;

/// How many leading bits make an IPv4 network.
const V4_BITS: u8 = 24;
/// The same for IPv6.
const V6_BITS: u8 = 48;
/// No program's name is longer than this.
const LONGEST_NAME: usize = 60;
const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// What can be unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// A network it was not used from before.
    NewNetwork,
    /// A program that had not used it before.
    NewAgent,
    /// Far more calls in an hour than usual.
    Burst,
    /// The first call after long silence.
    AfterSilence,
    /// Presented although it had ended.
    AfterEnd,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::NewNetwork, Self::NewAgent, Self::Burst, Self::AfterSilence, Self::AfterEnd];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewNetwork => "new_network",
            Self::NewAgent => "new_agent",
            Self::Burst => "burst",
            Self::AfterSilence => "after_silence",
            Self::AfterEnd => "after_end",
        }
    }

    /// Reads a wire name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.as_str() == text)
    }
}

impl serde::Serialize for Signal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How the presented secret had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The key is past its last day.
    Expired,
    /// The key was revoked.
    Revoked,
    /// A newer secret took its place, and the overlap is over.
    Replaced,
}

impl Ending {
    /// How a secret that ends then, of a key with these dates, had ended at `now`, if it had.
    pub fn at(now: Timestamp, life: &KeyLife, secret_ends_at: Option<Timestamp>) -> Option<Self> {
        if secret_ends_at.is_some_and(|end| end <= now) {
            return Some(Self::Replaced);
        }
        match KeyStatus::at(now, life) {
            KeyStatus::Expired => Some(Self::Expired),
            KeyStatus::Revoked => Some(Self::Revoked),
            KeyStatus::Active | KeyStatus::Rotating | KeyStatus::Inactive => None,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Replaced => "an old secret",
        }
    }
}

/// Something unusual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// What kind of thing.
    pub signal: Signal,
    /// When it was seen, at last.
    pub at: Timestamp,
    /// How many calls were counted with it.
    pub calls: i64,
    /// The network, the program, the amount, the span.
    pub detail: String,
}

/// The network that an address belongs to.
pub fn network(address: IpAddr) -> IpNet {
    let address = address.to_canonical();
    IpNet::new_assert(address, if address.is_ipv4() { V4_BITS } else { V6_BITS }).trunc()
}

/// The program behind a user agent, without its version.
pub fn program(user_agent: &str) -> String {
    browser(user_agent).chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect()
}

/// The detail of a use after the end.
pub fn after_end(ending: Ending, network: IpNet) -> String {
    format!("{}, from {network}", ending.words())
}

impl KeyWatch {
    /// Whether anything is told of.
    pub fn is_on(&self) -> bool {
        !self.signals.is_empty()
    }

    /// Whether this is told of.
    pub fn tells(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// Whether a key first used at `since` is known well enough at `at` to be compared with its past.
    pub fn knows(&self, since: Option<Timestamp>, at: Timestamp) -> bool {
        since.is_some_and(|since| at > since.plus(self.learning))
    }

    /// How many hours before an hour say what is usual.
    pub fn usual_hours(&self) -> i64 {
        i64::try_from(self.usual.as_secs() / HOUR).unwrap_or(i64::MAX)
    }

    /// Whether `calls` in an hour are too many; `usual` were made in the busiest hour before, none when there was none.
    pub fn burst(&self, calls: i64, usual: i64) -> Option<String> {
        let most = usual.saturating_mul(i64::from(self.burst_factor));
        let is_burst = usual > 0 && calls > most && calls >= i64::from(self.burst_calls);
        is_burst.then(|| format!("{calls} calls in an hour, at most {usual} before"))
    }

    /// Whether a call at `first` ends a silence that was too long; `last` is the last one before it.
    pub fn silence(&self, last: Option<Timestamp>, first: Timestamp) -> Option<String> {
        let quiet = first.since(last?);
        let days = quiet.as_secs() / DAY;
        (quiet >= self.silence).then(|| match days {
            0 => format!("{} hours", quiet.as_secs() / HOUR),
            1 => "1 day".to_owned(),
            _ => format!("{days} days"),
        })
    }

    /// How many networks, and how many programs, of a key are remembered.
    pub fn remembers(&self) -> i64 {
        if self.is_on() { i64::from(self.remembered) } else { 0 }
    }
}

/// How long a network that used a key after its end is remembered: whoever comes back later is told of again.
pub(crate) const ENDED_KEPT: Duration = Duration::from_secs(30 * DAY);
/// How long it is known what was expected.
pub(crate) const DISMISSED_KEPT: Duration = Duration::from_secs(30 * DAY);
/// How many things are kept that were told of one key.
pub(crate) const FLAGS_KEPT: i64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: u64) -> Timestamp {
        Timestamp::default().plus(Duration::from_secs(days * DAY))
    }

    #[test]
    fn addresses_are_told_apart_by_network() {
        for (one, other, same) in [
            ("203.0.113.7", "203.0.113.250", true),
            ("203.0.113.7", "203.0.114.7", false),
            ("::ffff:203.0.113.7", "203.0.113.8", true),
            ("2001:db8:1:2::3", "2001:db8:1:ffff::9", true),
            ("2001:db8:1::3", "2001:db8:2::3", false),
        ] {
            let net = |text: &str| network(text.parse().expect("an address"));
            assert_eq!(net(one) == net(other), same, "{one} {other}");
        }
        assert_eq!(network([203, 0, 113, 7].into()).to_string(), "203.0.113.0/24");
    }

    #[test]
    fn another_version_is_the_same_program() {
        let firefox = |version: u32| format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Firefox/{version}.0");
        for (one, other, same) in [
            ("curl/8.5.0", "curl/8.6.1", true),
            ("billing-worker/2.1", "billing-worker/3.0 (node 22)", true),
            (firefox(140).as_str(), firefox(141).as_str(), true),
            ("curl/8.5.0", "wget/1.21", false),
            ("", "curl/8.5.0", false),
        ] {
            assert_eq!(program(one) == program(other), same, "{one} {other}");
        }
        assert_eq!(program(&"x".repeat(400)).len(), LONGEST_NAME);
    }

    #[test]
    fn a_key_is_got_to_know_for_a_day() {
        let figures = KeyWatch::default();
        let day = Duration::from_secs(DAY);
        for (passed, known) in [
            (Duration::ZERO, false),
            (Duration::from_secs(HOUR), false),
            (day, false),
            (day + Duration::from_millis(1), true),
        ] {
            assert_eq!(figures.knows(Some(at(3)), at(3).plus(passed)), known, "{passed:?}");
        }
        let hasty = KeyWatch { learning: Duration::ZERO, ..figures };
        assert!(!hasty.knows(Some(at(3)), at(3)), "the very first call is never new");
        assert!(hasty.knows(Some(at(3)), at(3).plus(Duration::from_millis(1))));
        assert!(!hasty.knows(None, at(3)), "and nobody knows a key that was never used");
    }

    #[test]
    fn a_burst_is_ten_times_the_busiest_hour_and_a_hundred_calls() {
        for (calls, usual, burst) in [
            (1_000_000, 0, false),
            (99, 1, false),
            (100, 1, true),
            (100, 9, true),
            (100, 10, false),
            (101, 10, true),
            (2_000, 200, false),
            (2_001, 200, true),
            (i64::MAX, i64::MAX, false),
        ] {
            assert_eq!(KeyWatch::default().burst(calls, usual).is_some(), burst, "{calls} after {usual}");
        }
        let said = KeyWatch::default().burst(1240, 40);
        assert_eq!(said.as_deref(), Some("1240 calls in an hour, at most 40 before"));
    }

    #[test]
    fn silence_is_thirty_days_since_a_call() {
        let figures = KeyWatch::default();
        for (last, first, said) in [
            (None, at(400), None),
            (Some(at(1)), at(2), None),
            (Some(at(1)), at(31).minus(Duration::from_millis(1)), None),
            (Some(at(1)), at(31), Some("30 days")),
            (Some(at(1)), at(366), Some("365 days")),
            (Some(at(9)), at(1), None),
        ] {
            assert_eq!(figures.silence(last, first).as_deref(), said, "{last:?} {first:?}");
        }
        let short = KeyWatch { silence: Duration::from_secs(2 * HOUR), ..figures };
        assert_eq!(short.silence(Some(at(1)), at(1).plus(Duration::from_secs(3 * HOUR))).as_deref(), Some("3 hours"));
    }

    #[test]
    fn what_is_not_watched_is_not_told_of_and_not_remembered() {
        let all = KeyWatch::default();
        assert!(Signal::ALL.into_iter().all(|signal| all.tells(signal)));
        let some = KeyWatch { signals: vec![Signal::AfterEnd], ..KeyWatch::default() };
        assert!(some.is_on() && some.tells(Signal::AfterEnd) && !some.tells(Signal::Burst));
        assert_eq!(some.remembers(), 200);
        let none = KeyWatch { signals: Vec::new(), ..KeyWatch::default() };
        assert!(!none.is_on());
        assert_eq!(none.remembers(), 0);
    }

    #[test]
    fn a_key_and_its_secrets_end_each_in_its_way() {
        let life = |expires: Option<Timestamp>, revoked: Option<Timestamp>| KeyLife {
            expires_at: expires,
            revoked_at: revoked,
            ..KeyLife::default()
        };
        for (life, secret, ending) in [
            (life(None, None), None, None),
            (life(Some(at(6)), None), Some(at(6)), None),
            (life(Some(at(5)), None), None, Some(Ending::Expired)),
            (life(Some(at(5)), Some(at(4))), None, Some(Ending::Revoked)),
            (life(None, None), Some(at(5)), Some(Ending::Replaced)),
            (KeyLife { inactive_at: Some(at(1)), ..KeyLife::default() }, None, None),
        ] {
            assert_eq!(Ending::at(at(5), &life, secret), ending, "{life:?} {secret:?}");
        }
        let detail = after_end(Ending::Revoked, network([203, 0, 113, 7].into()));
        assert_eq!(detail, "revoked, from 203.0.113.0/24");
    }

    #[test]
    fn wire_names_are_read_again() {
        assert!(Signal::ALL.into_iter().all(|signal| Signal::parse(signal.as_str()) == Some(signal)));
        assert_eq!(Signal::parse("nothing"), None);
    }
}
