//! Trusted devices: browsers and clients that are not asked for the second factor again for a while.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{DeviceId, UserId};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A trusted device as the store has it. The secret it holds is not part of it.
#[derive(Clone, Debug)]
pub struct TrustedDevice {
    /// Which one.
    pub id: DeviceId,
    /// Whose.
    pub user_id: UserId,
    /// What its person calls it.
    pub name: String,
    /// `desktop`, `mobile`, or what else the client said.
    pub kind: String,
    /// What the client said of itself.
    pub browser_info: Option<String>,
    /// What it called itself by when it was trusted.
    pub user_agent: String,
    /// The address the server saw when it was last used.
    pub address: String,
    /// Where it is, as the client said.
    pub location: Option<String>,
    /// When it was trusted.
    pub created_at: Timestamp,
    /// When it was last let in.
    pub last_used_at: Timestamp,
    /// Its last instant; using it does not move it.
    pub expires_at: Timestamp,
}

/// How long devices may be trusted: the usual time, and what the strictest organization of a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    usual: Duration,
    days: Option<u32>,
}

impl Trust {
    /// From the setting, and the fewest days that an organization of the person allows.
    pub const fn new(usual: Duration, days: Option<u32>) -> Self {
        Self { usual, days }
    }

    /// How long a device may be trusted; `None`: not at all.
    pub fn life(self) -> Option<Duration> {
        match self.days {
            Some(0) => None,
            Some(days) => Some(self.usual.min(DAY * days)),
            None => Some(self.usual),
        }
    }

    /// The last instant of a device: its own, or earlier where organizations have become stricter since.
    pub fn ends_at(self, device: &TrustedDevice) -> Timestamp {
        self.life().map_or(device.created_at, |life| device.created_at.plus(life).earliest(device.expires_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_makes_trust_shorter_or_forbids_it_and_never_longer() {
        let usual = DAY * 30;
        assert_eq!(Trust::new(usual, None).life(), Some(usual));
        assert_eq!(Trust::new(usual, Some(7)).life(), Some(DAY * 7));
        assert_eq!(Trust::new(usual, Some(90)).life(), Some(usual));
        assert_eq!(Trust::new(usual, Some(0)).life(), None);
    }
}
