//! What is mailed and redeemed once: links and codes, and what each is good for.

use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::UserId;

/// Wrong codes that a challenge bears (contract section 3).
pub const CODE_TRIES: i64 = 5;

/// What a challenge is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To sign in.
    SignIn,
    /// To choose a new password.
    Reset,
    /// To confirm the address of a new account.
    Verify,
    /// To confirm the address an account moves to.
    Change,
    /// To undo such a move.
    Undo,
    /// To end all sessions, from a notice.
    Secure,
}

impl Kind {
    const ALL: [Self; 6] = [Self::SignIn, Self::Reset, Self::Verify, Self::Change, Self::Undo, Self::Secure];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Reset => "reset",
            Self::Verify => "verify",
            Self::Change => "change",
            Self::Undo => "undo",
            Self::Secure => "secure",
        }
    }

    /// Reads the stored name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A challenge as the store has it. The secrets are not part of it.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// What a new request of the same kind replaces.
    pub slot: String,
    /// What it is good for.
    pub kind: Kind,
    /// The address it was mailed to.
    pub email: Email,
    /// Whose it is; nobody's when the address has no account.
    pub user_id: Option<UserId>,
    /// The hash of the name of the browser that asked for it.
    pub browser: Option<Vec<u8>>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Its last instant.
    pub expires_at: Timestamp,
    /// When it was redeemed, or spoiled by wrong codes.
    pub ended_at: Option<Timestamp>,
}

/// What has become of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It can be redeemed.
    Open,
    /// It was redeemed, or spoiled by wrong codes.
    Used,
    /// Its time is over.
    Expired,
}

impl Challenge {
    /// What has become of it.
    pub fn state(&self, now: Timestamp) -> LinkState {
        match self.ended_at {
            Some(_) => LinkState::Used,
            None if now >= self.expires_at => LinkState::Expired,
            None => LinkState::Open,
        }
    }
}
