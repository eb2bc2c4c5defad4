//! The audit log's vocabulary, and how verbs write to it: in the transaction of what they tell of.

use crate::Latchkey;
use crate::email::Email;
use crate::error::Error;
use crate::id::{EventId, OrganizationId};
use crate::principal::{Actor, Visitor};
use crate::store::{NewEvent, Store};

macro_rules! deeds {
    ($($name:ident = $text:literal,)*) => {
        /// What can be told of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Deed { $($name,)* }

        impl Deed {
            /// The name in the log.
            const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

deeds! {
    SignedIn = "session.created",
    SignInFailed = "session.refused",
    SignInHeld = "session.held",
    HandoffMade = "handoff.created",
    HandoffRedeemed = "handoff.redeemed",
    SignedUp = "user.created",
    SignedOut = "session.signed_out",
    SignedOutEverywhere = "session.all_ended",
    SessionEnded = "session.ended",
    OrganizationSwitched = "session.organization_switched",
    ProfileChanged = "user.profile_changed",
    PasswordChanged = "user.password_changed",
    MagicLinkAsked = "magic_link.asked",
    ResetAsked = "password_reset.asked",
    PasswordReset = "user.password_reset",
    VerificationAsked = "email_verification.asked",
    EmailVerified = "user.email_verified",
    EmailChangeAsked = "user.email_change_asked",
    EmailChanged = "user.email_changed",
    EmailChangeUndone = "user.email_change_undone",
    AccountSecured = "user.secured_by_notice",
    TwoFactorOn = "two_factor.enabled",
    TwoFactorReplaced = "two_factor.replaced",
    TwoFactorOff = "two_factor.disabled",
    TwoFactorReset = "two_factor.reset",
    TwoFactorFailed = "two_factor.refused",
    TwoFactorLocked = "two_factor.locked",
    SteppedUp = "session.stepped_up",
    BackupCodeUsed = "backup_code.used",
    BackupCodesRenewed = "backup_codes.renewed",
    DeviceTrusted = "trusted_device.added",
    DeviceForgotten = "trusted_device.removed",
    OrganizationMade = "organization.created",
    OrganizationChanged = "organization.changed",
    OrganizationDeleted = "organization.deleted",
    UserDisabled = "user.disabled",
    UserEnabled = "user.enabled",
    OrganizationSuspended = "organization.suspended",
    OrganizationResumed = "organization.resumed",
    MemberJoined = "member.joined",
    MemberChanged = "member.changed",
    MemberRemoved = "member.removed",
    MemberLeft = "member.left",
    TokensRevoked = "tokens.revoked",
    InvitationMade = "invitation.created",
    InvitationSent = "invitation.sent_again",
    InvitationShown = "invitation.link_shown",
    InvitationWithdrawn = "invitation.withdrawn",
    InvitationAccepted = "invitation.accepted",
    CodeMade = "invitation_code.created",
    CodeRevoked = "invitation_code.revoked",
    CodeReactivated = "invitation_code.reactivated",
    PolicyChanged = "organization.policy_changed",
    AuditExported = "audit.exported",
    MailGivenUp = "mail.given_up",
    MailTested = "mail.tested",
    RefreshTokenReused = "refresh_token.reused",
    LandlordMade = "landlord.created",
    SigningKeyRotated = "signing_key.rotated",
    MasterKeyExchanged = "master_key.exchanged",
    KeyCreated = "api_key.created",
    KeyChanged = "api_key.changed",
    KeyRegenerated = "api_key.regenerated",
    KeyOverlapEnded = "api_key.overlap_ended",
    KeyRevoked = "api_key.revoked",
    KeyDeleted = "api_key.deleted",
    KeyUsedUnusually = "api_key.used_unusually",
    KeyUseExpected = "api_key.use_expected",
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

    /// Something an actor did in an organization that need not be the one they act in.
    pub(crate) fn at(
        organization: OrganizationId,
        actor: &'a Actor,
        deed: Deed,
        target: impl std::fmt::Display,
    ) -> Self {
        Self { organization: Some(organization), ..Self::by(actor, deed, target) }
    }

    /// Something that somebody unknown did at an address, whether or not it has an account.
    pub(crate) fn anonymous(visitor: &'a Visitor, deed: Deed, email: &Email) -> Self {
        Self {
            visitor,
            actor: "anonymous".to_owned(),
            organization: None,
            deed,
            target: email.to_string(),
            detail: serde_json::Value::Null,
        }
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
