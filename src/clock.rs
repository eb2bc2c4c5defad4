//! Instants, and where they come from.
//!
//! Rules never ask the machine for the time: they are given a [`Timestamp`], so every rule about expiry is an
//! instant test. Only [`Clock`] knows whether time is real.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch, the form the store keeps.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch, the form tokens keep (RFC 7519, `NumericDate`).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant and `span` later; stays at the far end rather than overflow.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant and `span` earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long from `earlier` to this instant; nothing when it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether this instant lies in the last `span` before `now`. One that lies further than `span` ahead was seen by a
    /// clock that has been set back since: nobody knows how long ago it was, so it is not recent.
    pub fn is_within(self, span: Duration, now: Self) -> bool {
        now < self.plus(span) && self < now.plus(span)
    }

    /// The later of the two.
    #[must_use]
    pub fn latest(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// The earlier of the two.
    #[must_use]
    pub fn earliest(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

#[cfg(feature = "server")]
impl Timestamp {
    /// RFC 3339 in UTC with whole seconds: `2026-11-21T09:30:00Z`.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.seconds()).unwrap_or_default().to_string()
    }

    /// Reads RFC 3339; `None` for anything else.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }
}

#[cfg(feature = "server")]
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

/// Where the time comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands still until it is moved: for tests.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.0)))
    }

    /// The present instant.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may ask the machine for the time")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Fixed(at) => Timestamp(at.load(Ordering::Relaxed)),
        }
    }

    /// Sets a fixed clock back; the machine's clock is not ours to set.
    #[cfg(test)]
    pub(crate) fn set_back(&self, span: Duration) {
        if let Self::Fixed(at) = self {
            at.fetch_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }

    /// Moves a fixed clock on; the machine's clock is not ours to move.
    pub fn advance(&self, span: Duration) {
        if let Self::Fixed(at) = self {
            at.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_with_whole_seconds() {
        let at = Timestamp::parse_rfc3339("2026-11-21T10:30:00.250+01:00").expect("valid");
        assert_eq!(at.rfc3339(), "2026-11-21T09:30:00Z");
        assert_eq!(Timestamp::parse_rfc3339("tomorrow"), None);
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = Clock::fixed(Timestamp::from_seconds(10));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), Timestamp::from_seconds(15));
    }
}
