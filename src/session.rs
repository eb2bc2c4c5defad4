//! Sessions: one sign-in on one device.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::factor::Proof;
use crate::id::{OrganizationId, SessionId, UserId};

/// A session as the store has it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Which one.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// Where the person acts.
    pub organization_id: Option<OrganizationId>,
    /// How it was authenticated (RFC 8176), separated by spaces.
    pub amr: String,
    /// When the person last proved who they are.
    pub authenticated_at: Timestamp,
    /// When a second factor was last proven in it, and with what.
    pub second_factor: Option<Proof>,
    /// From where.
    pub address: String,
    /// With what.
    pub user_agent: String,
    /// Whether it was to be kept when the browser closes.
    pub kept: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, as far as the store knows.
    pub last_seen_at: Timestamp,
    /// Its last instant, whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// Whether it was handed on from another session.
    pub handed_off: bool,
}

/// What a session takes over from the one it was handed on from: it is no fresher, and lives no longer.
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    /// When the person proved there who they are.
    pub authenticated_at: Timestamp,
    /// Its last instant.
    pub expires_at: Timestamp,
}

impl Session {
    /// Whether it still holds at `now`, when it may rest for at most `idle`.
    pub fn is_live(&self, now: Timestamp, idle: Duration) -> bool {
        self.ended_at.is_none() && now < self.expires_at && now < self.last_seen_at.plus(idle)
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The person signed out.
    SignOut,
    /// The person ended it from the list, or signed out everywhere.
    Person,
    /// The password was chosen anew by mail.
    Recovery,
    /// The person followed the link of a notice: it was not them.
    Notice,
    /// The password changed.
    PasswordChange,
    /// The second factor was switched on, exchanged or switched off.
    FactorChange,
    /// The person left the organization it acted in, or was removed.
    Removal,
    /// An administrator ended it.
    Administrator,
    /// The second factor was taken away, by an administrator, a landlord or the operator.
    FactorReset,
    /// A refresh token was used a second time.
    TokenReuse,
}

impl EndedBy {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignOut => "sign_out",
            Self::Person => "person",
            Self::Recovery => "recovery",
            Self::Notice => "notice",
            Self::PasswordChange => "password_change",
            Self::FactorChange => "factor_change",
            Self::Removal => "removal",
            Self::Administrator => "administrator",
            Self::FactorReset => "factor_reset",
            Self::TokenReuse => "token_reuse",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_rest_by_age_and_by_hand() {
        let at = Timestamp::from_seconds;
        let session = Session {
            id: SessionId::new(at(0), [0; 10]),
            user_id: UserId::new(at(0), [0; 10]),
            organization_id: None,
            amr: "pwd".to_owned(),
            authenticated_at: at(0),
            second_factor: None,
            address: String::new(),
            user_agent: String::new(),
            kept: true,
            created_at: at(0),
            last_seen_at: at(100),
            expires_at: at(1000),
            ended_at: None,
            handed_off: false,
        };
        let idle = Duration::from_secs(60);
        assert!(session.is_live(at(159), idle));
        assert!(!session.is_live(at(160), idle));
        assert!(!Session { last_seen_at: at(999), ..session.clone() }.is_live(at(1000), idle));
        assert!(!Session { ended_at: Some(at(120)), ..session }.is_live(at(121), idle));
    }
}
