//! What an organization demands of how its members sign in (contract section 6).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::member::Action;
use crate::organization::{Policy, SignInMethods};
use crate::principal::Actor;

/// How many seconds access tokens may live.
const LIVES: std::ops::RangeInclusive<u32> = 60..=86_400;

/// The policy of an organization.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// Whether members must have a second factor.
    pub require_two_factor: bool,
    /// From when on they can do nothing without it.
    #[schema(required)]
    pub two_factor_grace_until: Option<Timestamp>,
    /// Whether devices may be trusted.
    pub trusted_devices: bool,
    /// How many days at most, when it is less than the installation allows.
    #[schema(required)]
    pub trusted_device_days: Option<u32>,
    /// With what members sign in: `password`, `email` (a link or code by mail).
    pub sign_in_methods: Vec<&'static str>,
    /// How many seconds new access tokens live, when it is less than the installation says.
    #[schema(required)]
    pub access_token_seconds: Option<u32>,
    /// Whether people join by an invitation for their address alone, and never by a code.
    pub invitation_only: bool,
}

/// Changes to it; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"requireTwoFactor": true, "twoFactorGraceUntil": "2026-12-24T00:00:00Z"}))]
pub struct PolicyChanges {
    /// Whether members must have a second factor.
    pub require_two_factor: Option<bool>,
    /// From when on they can do nothing without it; at once when not said.
    #[schema(value_type = Option<Timestamp>)]
    pub two_factor_grace_until: Option<String>,
    /// Whether devices may be trusted.
    pub trusted_devices: Option<bool>,
    /// How many days at most; 1 to 365.
    #[schema(minimum = 1, maximum = 365)]
    pub trusted_device_days: Option<i64>,
    /// With what members sign in: `password`, `email`; at least one. Felt at the next call of every session that was opened
    /// with another.
    pub sign_in_methods: Option<Vec<String>>,
    /// How many seconds new access tokens live; never longer than the installation says. 86400 takes the limit back.
    #[schema(minimum = 60, maximum = 86_400)]
    pub access_token_seconds: Option<i64>,
    /// Whether people join by an invitation for their address alone. Codes stop working meanwhile.
    pub invitation_only: Option<bool>,
}

impl PolicyView {
    fn new(policy: Policy) -> Self {
        Self {
            require_two_factor: policy.two_factor_required_from.is_some(),
            two_factor_grace_until: policy.two_factor_required_from,
            trusted_devices: policy.trusted_device_days != Some(0),
            trusted_device_days: policy.trusted_device_days.filter(|days| *days > 0),
            sign_in_methods: policy.methods.names(),
            access_token_seconds: policy.access_token_seconds,
            invitation_only: policy.invitation_only,
        }
    }
}

impl PolicyChanges {
    fn apply(&self, policy: Policy, now: Timestamp) -> Result<Policy, Error> {
        let mut findings = Findings::default();
        let grace = self.two_factor_grace_until.as_deref().filter(|text| !text.is_empty());
        let grace = grace.and_then(|text| {
            findings.need(Timestamp::parse_rfc3339(text), Field::TwoFactorGraceUntil, FieldCode::NotADate)
        });
        let days = self.trusted_device_days.and_then(|days| {
            let days = u32::try_from(days).ok().filter(|days| (1..=365).contains(days));
            findings.need(days, Field::TrustedDeviceDays, FieldCode::OutOfRange(1, 365))
        });
        let methods = self.sign_in_methods.as_ref().and_then(|names| {
            let methods = SignInMethods::parse(names.iter().map(String::as_str));
            findings.need(methods, Field::SignInMethods, FieldCode::NotOneOf(SignInMethods::NAMES))
        });
        let life = self.access_token_seconds.and_then(|life| {
            let life = u32::try_from(life).ok().filter(|life| LIVES.contains(life));
            let range = FieldCode::OutOfRange((*LIVES.start()).into(), (*LIVES.end()).into());
            findings.need(life, Field::AccessTokenSeconds, range)
        });
        findings.check()?;
        let required = self.require_two_factor.unwrap_or(policy.two_factor_required_from.is_some());
        let from = grace.or(policy.two_factor_required_from).unwrap_or(now);
        let trusted_device_days = match self.trusted_devices {
            Some(false) => Some(0),
            Some(true) => days.or(policy.trusted_device_days.filter(|days| *days > 0)),
            None => days.or(policy.trusted_device_days),
        };
        Ok(Policy {
            two_factor_required_from: required.then_some(from),
            trusted_device_days,
            methods: methods.unwrap_or(policy.methods),
            // The most that can be said takes the limit back.
            access_token_seconds: life.or(policy.access_token_seconds).filter(|life| life != LIVES.end()),
            invitation_only: self.invitation_only.unwrap_or(policy.invitation_only),
        })
    }
}

impl Latchkey {
    /// What the organization demands.
    pub async fn policy(&self, actor: &Actor, organization: &str) -> Result<PolicyView, Error> {
        let permit = self.permit_at(actor, Action::SetPolicy, organization).await?;
        let policy = self.0.db.read().await?.store().organization(permit.organization()).find_policy().await?;
        Ok(PolicyView::new(policy))
    }

    /// Nobody locks themselves out: who sets this came in so, and where only mail is left there is mail.
    fn can_sign_in_so(&self, actor: &Actor, methods: SignInMethods) -> Result<(), Error> {
        if !methods.password && !self.sends_mail() {
            return Err(Error::Conflict(Code::MailNotConfigured));
        }
        if actor.principal().came_by(methods) { Ok(()) } else { Err(Error::Conflict(Code::SignInMethodNotAllowed)) }
    }

    /// Changes it; felt at the next call of every member. Nobody demands a second factor who has none, or a way to sign in
    /// that they did not come by themselves.
    pub async fn update_policy(
        &self,
        actor: &Actor,
        organization: &str,
        changes: PolicyChanges,
    ) -> Result<PolicyView, Error> {
        let permit = self.permit_at(actor, Action::SetPolicy, organization).await?;
        let mut writing = self.0.db.write().await?;
        self.lock_as(&mut writing.store(), actor, &permit).await?;
        let before = writing.store().organization(permit.organization()).find_policy().await?;
        let policy = changes.apply(before, self.now())?;
        let is_person = actor.principal().session_id().is_some();
        let demands = policy.two_factor_required_from.is_some() && before.two_factor_required_from.is_none();
        if demands && is_person && !actor.principal().has_second_factor() {
            return Err(Error::Forbidden(Code::TwoFactorEnrolmentRequired));
        }
        if policy.methods != before.methods {
            self.can_sign_in_so(actor, policy.methods)?;
        }
        writing.store().organization(permit.organization()).update_policy(&policy, self.now()).await?;
        let view = PolicyView::new(policy);
        let detail = serde_json::to_value(&view).map_err(Error::internal)?;
        let told = Told::at(permit.organization(), actor, Deed::PolicyChanged, permit.organization());
        self.tell(&mut writing.store(), told.with(detail)).await?;
        writing.changed(permit.organization().number());
        writing.commit().await?;
        Ok(view)
    }
}
