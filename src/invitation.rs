//! Invitations by mail and by code, as data and rules.

use crate::clock::Timestamp;
use crate::crockford;
use crate::email::Email;
use crate::id::{InvitationCodeId, InvitationId, OrganizationId, UserId};
use crate::member::Role;

/// Letters of a code, without the dashes: 50 random bits.
const CODE_LETTERS: usize = 10;

/// An invitation as the store has it. Its link is not part of it.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Which one.
    pub id: InvitationId,
    /// Where to.
    pub organization_id: OrganizationId,
    /// Whom.
    pub email: Email,
    /// As what.
    pub role: Role,
    /// By whom.
    pub invited_by: UserId,
    /// What they are called.
    pub inviter_name: String,
    /// Whether its link was shown to the inviter rather than mailed: then it proves nothing about the address.
    pub shown: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its link was last sent or shown.
    pub sent_at: Timestamp,
    /// Its last instant.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

/// What has become of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationState {
    /// It can be accepted.
    Pending,
    /// It was accepted.
    Accepted,
    /// It was withdrawn.
    Withdrawn,
    /// Its time is over.
    Expired,
}

impl InvitationState {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }
}

impl Invitation {
    /// What has become of it.
    pub fn state(&self, now: Timestamp) -> InvitationState {
        match (self.accepted_at, self.withdrawn_at) {
            (Some(_), _) => InvitationState::Accepted,
            (None, Some(_)) => InvitationState::Withdrawn,
            (None, None) if now >= self.expires_at => InvitationState::Expired,
            (None, None) => InvitationState::Pending,
        }
    }
}

/// An invitation code as the store has it. The code itself is sealed.
#[derive(Clone, Debug)]
pub struct InvitationCode {
    /// Which one.
    pub id: InvitationCodeId,
    /// Where to.
    pub organization_id: OrganizationId,
    /// The code, sealed.
    pub sealed: Vec<u8>,
    /// As what.
    pub role: Role,
    /// How many people may join with it.
    pub max_uses: i64,
    /// How many have.
    pub uses: i64,
    /// The domain that addresses must have.
    pub email_domain: Option<String>,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its last instant.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl InvitationCode {
    /// `active`, `revoked`, `expired` or `used_up`.
    pub fn status(&self, now: Timestamp) -> &'static str {
        match self {
            _ if self.revoked_at.is_some() => "revoked",
            _ if self.expires_at.is_some_and(|end| end <= now) => "expired",
            _ if self.uses >= self.max_uses => "used_up",
            _ => "active",
        }
    }

    /// Whether somebody with this address may join with it.
    pub fn admits(&self, email: &Email) -> bool {
        self.email_domain.as_deref().is_none_or(|domain| email.domain() == domain)
    }
}

/// A new code: `K7QF-9M2X-4T`.
pub fn new_code() -> String {
    crockford::random_code(CODE_LETTERS)
}

/// A code as it is compared; `None` for what can be none.
pub fn canonical_code(text: &str) -> Option<String> {
    crockford::canonical(text, CODE_LETTERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(change: impl FnOnce(&mut InvitationCode)) -> InvitationCode {
        let now = Timestamp::from_seconds(1000);
        let mut code = InvitationCode {
            id: InvitationCodeId::new(now, [1; 10]),
            organization_id: OrganizationId::new(now, [1; 10]),
            sealed: Vec::new(),
            role: Role::Member,
            max_uses: 2,
            uses: 1,
            email_domain: None,
            created_by: UserId::new(now, [1; 10]),
            created_at: now,
            expires_at: None,
            revoked_at: None,
        };
        change(&mut code);
        code
    }

    #[test]
    fn a_code_is_good_until_it_is_revoked_expired_or_used_up() {
        let now = Timestamp::from_seconds(2000);
        assert_eq!(code(|_| {}).status(now), "active");
        assert_eq!(code(|code| code.uses = 2).status(now), "used_up");
        assert_eq!(code(|code| code.expires_at = Some(now)).status(now), "expired");
        assert_eq!(code(|code| code.revoked_at = Some(now)).status(now), "revoked");
    }

    #[test]
    fn a_code_for_a_domain_admits_no_other_and_nothing_below_it() {
        let code = code(|code| code.email_domain = Some("example.org".to_owned()));
        for (text, admitted) in [
            ("ada@example.org", true),
            ("ADA@EXAMPLE.ORG", true),
            ("ada@mail.example.org", false),
            ("ada@badexample.org", false),
            ("ada@example.org.test", false),
        ] {
            assert_eq!(code.admits(&Email::parse(text).expect("an address")), admitted, "{text}");
        }
    }

    #[test]
    fn a_new_code_has_the_form_of_the_contract() {
        let code = new_code();
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 2], "{code}");
        assert_eq!(canonical_code(&code.to_lowercase()), Some(code.replace('-', "")));
    }
}
