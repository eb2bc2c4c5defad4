//! The audit log's vocabulary, and how verbs write to it: in the transaction of what they tell of.

use crate::Latchkey;
use crate::error::Error;
use crate::id::{EventId, OrganizationId};
use crate::principal::{Actor, Permit, Visitor};
use crate::store::{NewEvent, Store};

/// What can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    SignedIn,
    SignInFailed,
    SignedUp,
    SignedOut,
    SignedOutEverywhere,
    SessionEnded,
    OrganizationSwitched,
    ProfileChanged,
    PasswordChanged,
    MagicLinkAsked,
    ResetAsked,
    PasswordReset,
    VerificationAsked,
    EmailVerified,
    EmailChangeAsked,
    EmailChanged,
    EmailChangeUndone,
    AccountSecured,
    TwoFactorOn,
    TwoFactorReplaced,
    TwoFactorOff,
    TwoFactorReset,
    TwoFactorFailed,
    TwoFactorLocked,
    SteppedUp,
    BackupCodeUsed,
    BackupCodesRenewed,
    DeviceTrusted,
    DeviceForgotten,
    OrganizationMade,
    OrganizationChanged,
    OrganizationDeleted,
    OrganizationSuspended,
    OrganizationResumed,
    MemberJoined,
    MemberChanged,
    MemberRemoved,
    MemberLeft,
    TokensRevoked,
    InvitationMade,
    InvitationSent,
    InvitationShown,
    InvitationWithdrawn,
    InvitationAccepted,
    CodeMade,
    CodeRevoked,
    CodeReactivated,
    PolicyChanged,
    AuditExported,
    MailGivenUp,
    MailTested,
    RefreshTokenReused,
    LandlordMade,
    KeyCreated,
    KeyChanged,
    KeyRegenerated,
    KeyOverlapEnded,
    KeyRevoked,
    KeyDeleted,
}

impl Deed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "session.created",
            Self::SignInFailed => "session.refused",
            Self::SignedUp => "user.created",
            Self::SignedOut => "session.signed_out",
            Self::SignedOutEverywhere => "session.all_ended",
            Self::SessionEnded => "session.ended",
            Self::OrganizationSwitched => "session.organization_switched",
            Self::ProfileChanged => "user.profile_changed",
            Self::PasswordChanged => "user.password_changed",
            Self::MagicLinkAsked => "magic_link.asked",
            Self::ResetAsked => "password_reset.asked",
            Self::PasswordReset => "user.password_reset",
            Self::VerificationAsked => "email_verification.asked",
            Self::EmailVerified => "user.email_verified",
            Self::EmailChangeAsked => "user.email_change_asked",
            Self::EmailChanged => "user.email_changed",
            Self::EmailChangeUndone => "user.email_change_undone",
            Self::AccountSecured => "user.secured_by_notice",
            Self::TwoFactorOn => "two_factor.enabled",
            Self::TwoFactorReplaced => "two_factor.replaced",
            Self::TwoFactorOff => "two_factor.disabled",
            Self::TwoFactorReset => "two_factor.reset",
            Self::TwoFactorFailed => "two_factor.refused",
            Self::TwoFactorLocked => "two_factor.locked",
            Self::SteppedUp => "session.stepped_up",
            Self::BackupCodeUsed => "backup_code.used",
            Self::BackupCodesRenewed => "backup_codes.renewed",
            Self::DeviceTrusted => "trusted_device.added",
            Self::DeviceForgotten => "trusted_device.removed",
            Self::AuditExported => "audit.exported",
            Self::OrganizationMade => "organization.created",
            Self::OrganizationChanged => "organization.changed",
            Self::OrganizationDeleted => "organization.deleted",
            Self::OrganizationSuspended => "organization.suspended",
            Self::OrganizationResumed => "organization.resumed",
            Self::MemberJoined => "member.joined",
            Self::MemberChanged => "member.changed",
            Self::MemberRemoved => "member.removed",
            Self::MemberLeft => "member.left",
            Self::TokensRevoked => "tokens.revoked",
            Self::InvitationMade => "invitation.created",
            Self::InvitationSent => "invitation.sent_again",
            Self::InvitationShown => "invitation.link_shown",
            Self::InvitationWithdrawn => "invitation.withdrawn",
            Self::InvitationAccepted => "invitation.accepted",
            Self::CodeMade => "invitation_code.created",
            Self::CodeRevoked => "invitation_code.revoked",
            Self::CodeReactivated => "invitation_code.reactivated",
            Self::PolicyChanged => "organization.policy_changed",
            Self::MailGivenUp => "mail.given_up",
            Self::MailTested => "mail.tested",
            Self::RefreshTokenReused => "refresh_token.reused",
            Self::LandlordMade => "landlord.created",
            Self::KeyCreated => "api_key.created",
            Self::KeyChanged => "api_key.changed",
            Self::KeyRegenerated => "api_key.regenerated",
            Self::KeyOverlapEnded => "api_key.overlap_ended",
            Self::KeyRevoked => "api_key.revoked",
            Self::KeyDeleted => "api_key.deleted",
        }
    }
}

/// Who did what to what, where.
pub(crate) struct Told<'a> {
    pub(crate) visitor: &'a Visitor,
    pub(crate) actor: String,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) deed: Deed,
    pub(crate) target: String,
    pub(crate) detail: serde_json::Value,
}

impl<'a> Told<'a> {
    /// Something an actor did in their organization.
    pub(crate) fn by(actor: &'a Actor, deed: Deed, target: impl std::fmt::Display) -> Self {
        Self {
            visitor: &actor.visitor,
            actor: actor.principal().name(),
            organization: actor.principal().organization_id(),
            deed,
            target: target.to_string(),
            detail: serde_json::Value::Null,
        }
    }

    /// Something an actor did in the organization of a permit, which need not be the one they act in.
    pub(crate) fn at(permit: &Permit, actor: &'a Actor, deed: Deed, target: impl std::fmt::Display) -> Self {
        Self { organization: Some(permit.organization()), ..Self::by(actor, deed, target) }
    }

    /// With further facts.
    pub(crate) fn with(mut self, detail: serde_json::Value) -> Self {
        self.detail = detail;
        self
    }
}

impl Latchkey {
    /// Writes one entry.
    pub(crate) async fn tell(&self, store: &mut Store<'_>, told: Told<'_>) -> Result<(), Error> {
        let now = self.now();
        let chain = told.organization.map_or_else(|| "platform".to_owned(), |id| id.to_string());
        let detail = if told.detail.is_null() { String::new() } else { told.detail.to_string() };
        store
            .insert_event(&NewEvent {
                id: EventId::new(now, crate::crypto::random()),
                chain: &chain,
                at: now,
                actor: &told.actor,
                action: told.deed.as_str(),
                target: &told.target,
                address: &told.visitor.address.to_string(),
                user_agent: &told.visitor.user_agent,
                request_id: &told.visitor.request_id,
                detail: &detail,
            })
            .await
    }
}
