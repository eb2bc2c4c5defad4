//! What stands between a first factor, whichever it was, and a session: the one place that decides.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::device::Trust;
use crate::error::{Code, Error};
use crate::factor::{Method, Proof};
use crate::id::UserId;
use crate::organization::{Membership, Policy};
use crate::principal::Visitor;
use crate::secret::PlainToken;
use crate::session::Inherited;
use crate::store::{HalfSignIn, Store, Writing};
use crate::user::User;

use super::second_factor::SecondProven;
use super::sign_in::{Opening, SignedIn};

/// The name of the cookie that holds the secrets of trusted devices.
pub const DEVICES_COOKIE: &str = "__Host-latchkey-devices";
/// The name of the cookie that holds the token of a half-done sign-in.
pub const HALF_COOKIE: &str = "__Host-latchkey-half";
/// How many people can trust one browser; the cookie holds a secret for each.
const DEVICES_A_BROWSER: usize = 20;
/// What divides the secrets in the cookie.
const BETWEEN: char = '.';
/// What a second factor adds to how a session was authenticated.
const SECOND_FACTOR: &str = " otp mfa";
/// What the secret of a trusted device begins with.
pub(crate) const DEVICE_PREFIX: &str = "lkd_";
/// What the token of a half-done sign-in begins with.
pub const HALF_PREFIX: &str = "lk2f_";

/// Somebody who has proven a first factor, and where they will act.
pub(crate) struct Proven<'a> {
    pub(crate) user: &'a User,
    pub(crate) place: Option<&'a Membership>,
    pub(crate) amr: &'a str,
    pub(crate) remember: bool,
    /// What is taken over from the session that is handed on.
    pub(crate) inherited: Option<Inherited>,
}

/// Somebody whom the gate let through. Only the gate makes one, and no session opens without.
pub(crate) struct Passed<'a> {
    proven: &'a Proven<'a>,
    second: Option<Proof>,
    devices: Option<DevicesCookie>,
}

/// What the gate says.
pub(crate) enum Gate<'a> {
    /// Come in.
    Open(Passed<'a>),
    /// A second factor is due.
    SecondFactorDue,
}

/// What a first factor gives.
pub enum Entered {
    /// A session.
    SignedIn(Box<SignedIn>),
    /// Nothing yet but the right to prove the second factor.
    SecondFactorDue(SecondFactorDue),
}

/// The right to prove the second factor.
pub struct SecondFactorDue {
    /// To be presented with the code, and good for nothing else.
    pub token: PlainToken,
    /// How long.
    pub life: Duration,
    /// Whether there are backup codes left.
    has_backup_codes: bool,
}

/// The same on the wire (contract section 2).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"requiresTwoFactor": true, "twoFactorToken": "lk2f_9Jx0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c1d0e9f8", "expiresIn": 300, "methods": ["totp", "backup_code"]}))]
pub struct SecondFactorDueView {
    /// Always true.
    requires_two_factor: bool,
    /// For `2fa/verify` alone, as a Bearer token or in `X-2FA-Token`.
    two_factor_token: String,
    /// Seconds it lives.
    expires_in: u64,
    /// What can be proven with: `totp`, and `backup_code` while there are any left.
    methods: Vec<&'static str>,
}

impl SecondFactorDue {
    /// What goes over the wire.
    pub fn view(&self) -> SecondFactorDueView {
        let mut methods = vec![Method::Totp.as_str()];
        if self.has_backup_codes {
            methods.push(Method::BackupCode.as_str());
        }
        SecondFactorDueView {
            requires_two_factor: true,
            two_factor_token: self.token.reveal().to_owned(),
            expires_in: self.life.as_secs(),
            methods,
        }
    }
}

/// The secrets of trusted devices that a request presents.
#[derive(Clone, Copy, Debug, Default)]
pub enum DeviceTokens<'a> {
    /// None.
    #[default]
    None,
    /// The cookie of a browser, with a secret for each person who trusts it.
    Cookie(&'a str),
    /// The header of an API client.
    Header(&'a str),
}

impl<'a> DeviceTokens<'a> {
    /// Those of a browser, when it has such a cookie.
    pub fn of_browser(cookie: Option<&'a str>) -> Self {
        cookie.map_or(Self::None, Self::Cookie)
    }

    /// Each secret.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> {
        let text = match self {
            Self::None => "",
            Self::Cookie(text) | Self::Header(text) => text,
        };
        text.split(BETWEEN).filter(|token| !token.is_empty()).take(DEVICES_A_BROWSER)
    }
}

/// The cookie with the secrets of trusted devices, to be set.
pub struct DevicesCookie {
    /// Its value.
    pub value: PlainToken,
    /// How long the browser keeps it.
    pub max_age: Duration,
}

impl DevicesCookie {
    /// With a new secret first; `spent` gives way to it, and so does the oldest when there are too many.
    pub(crate) fn with(before: DeviceTokens<'_>, spent: Option<&str>, new: &PlainToken, max_age: Duration) -> Self {
        let kept = before.iter().filter(|token| Some(*token) != spent);
        let all: Vec<_> = std::iter::once(new.reveal()).chain(kept).take(DEVICES_A_BROWSER).collect();
        Self { value: PlainToken::presented(&all.join(&BETWEEN.to_string())), max_age }
    }
}

impl<'a> Passed<'a> {
    /// Who, where, and by which first factor.
    pub(crate) const fn proven(&self) -> &'a Proven<'a> {
        self.proven
    }

    /// When and with what the second factor was proven, if it was.
    pub(crate) const fn second(&self) -> Option<Proof> {
        self.second
    }

    /// All that was proven (RFC 8176).
    pub(crate) fn amr(&self) -> String {
        self.second.map_or_else(|| self.proven.amr.to_owned(), |_| with_second_factor(self.proven.amr))
    }
}

/// How a session was authenticated before a second factor was proven in it.
pub(crate) fn first_factor(amr: &str) -> &str {
    amr.strip_suffix(SECOND_FACTOR).unwrap_or(amr)
}

/// How a session was authenticated once a second factor is proven in it too (RFC 8176).
pub(crate) fn with_second_factor(amr: &str) -> String {
    if amr.ends_with(SECOND_FACTOR) { amr.to_owned() } else { format!("{amr}{SECOND_FACTOR}") }
}

impl Latchkey {
    /// Lets somebody with a first factor in, or says that the second is due.
    pub(crate) async fn gate<'a>(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        proven: &'a Proven<'a>,
        devices: DeviceTokens<'_>,
        second: Option<SecondProven>,
    ) -> Result<Gate<'a>, Error> {
        let user = proven.user;
        if user.disabled_at.is_some() {
            return Err(Error::Unauthenticated(Code::InvalidCredentials));
        }
        if self.0.settings.require_verified_email && user.email_verified_at.is_none() {
            return Err(Error::Forbidden(Code::EmailNotVerified));
        }
        let methods = proven.place.map(|place| place.organization.policy.methods).unwrap_or_default();
        if !methods.allow(proven.amr) {
            return Err(Error::Unauthenticated(Code::SignInMethodNotAllowed));
        }
        let passed = |second, devices| Gate::Open(Passed { proven, second, devices });
        if user.second_factor_since.is_none() {
            return Ok(passed(None, None));
        }
        if let Some(second) = second.filter(|second| second.user() == user.id) {
            return Ok(passed(Some(second.proof()), None));
        }
        Ok(match self.let_device_in(store, visitor, user.id, devices).await? {
            Some(devices) => passed(None, devices),
            None => Gate::SecondFactorDue,
        })
    }

    /// Whether the request comes from a device that the person trusts. The secret of a browser is exchanged at each use.
    async fn let_device_in(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        user: UserId,
        devices: DeviceTokens<'_>,
    ) -> Result<Option<Option<DevicesCookie>>, Error> {
        let now = self.now();
        let trust = self.trust_of(store, user).await?;
        for token in devices.iter() {
            let hash = PlainToken::presented(token).hashed();
            let found = store.find_device(user, hash, now).await?;
            let Some(device) = found.filter(|device| now < trust.ends_at(device)) else { continue };
            let next = matches!(devices, DeviceTokens::Cookie(_)).then(|| PlainToken::random(DEVICE_PREFIX));
            let next_hash = next.as_ref().map_or(hash, PlainToken::hashed);
            if store.consume_device_token((hash, next_hash), &visitor.address.to_string(), now).await? {
                let left = device.expires_at.since(now);
                return Ok(Some(next.map(|next| DevicesCookie::with(devices, Some(token), &next, left))));
            }
        }
        Ok(None)
    }

    /// How long devices of somebody may be trusted.
    pub(crate) async fn trust_of(&self, store: &mut Store<'_>, user: UserId) -> Result<Trust, Error> {
        let places = store.list_memberships(user).await?;
        Ok(Trust::new(self.0.settings.two_factor.trust, Policy::trusted_days(&places)))
    }

    /// Opens a session, or begins the second step, in the transaction that spent what was presented as a first factor.
    pub(crate) async fn enter(
        &self,
        mut writing: Writing,
        visitor: &Visitor,
        proven: &Proven<'_>,
        opening: Opening<'_>,
        second: Option<SecondProven>,
    ) -> Result<Entered, Error> {
        match self.gate(&mut writing.store(), visitor, proven, opening.devices, second).await? {
            Gate::Open(passed) => {
                let signed_in = self.open_session(writing, visitor, passed, opening).await?;
                Ok(Entered::SignedIn(Box::new(signed_in)))
            }
            Gate::SecondFactorDue => {
                let due = self.begin_second_step(&mut writing.store(), proven).await?;
                writing.commit().await?;
                Ok(Entered::SecondFactorDue(due))
            }
        }
    }

    /// Opens the first session of a new account, which can have no second factor yet.
    pub(crate) async fn open_first_session(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        proven: &Proven<'_>,
        opening: Opening<'_>,
    ) -> Result<SignedIn, Error> {
        match self.gate(store, visitor, proven, DeviceTokens::None, None).await? {
            Gate::Open(passed) => self.insert_session(store, visitor, &passed, opening).await,
            Gate::SecondFactorDue => Err(Error::Unauthenticated(Code::TwoFactorRequired)),
        }
    }

    /// Opens the session of somebody whom the gate let through.
    pub(crate) async fn open_session(
        &self,
        mut writing: Writing,
        visitor: &Visitor,
        mut passed: Passed<'_>,
        opening: Opening<'_>,
    ) -> Result<SignedIn, Error> {
        self.end_replaced(&mut writing, opening.replaces).await?;
        let mut signed_in = self.insert_session(&mut writing.store(), visitor, &passed, opening).await?;
        writing.commit().await?;
        tracing::info!(request_id = visitor.request_id, user = %passed.proven().user.id, amr = passed.amr(), "signed in");
        signed_in.devices = passed.devices.take();
        Ok(signed_in)
    }

    async fn begin_second_step(&self, store: &mut Store<'_>, proven: &Proven<'_>) -> Result<SecondFactorDue, Error> {
        let (now, life) = (self.now(), self.0.settings.two_factor.sign_in);
        let token = PlainToken::random(HALF_PREFIX);
        let half = HalfSignIn {
            user_id: proven.user.id,
            organization_id: proven.place.map(|place| place.organization.id),
            amr: proven.amr.to_owned(),
            kept: proven.remember,
            expires_at: now.plus(life),
            inherited: proven.inherited,
        };
        store.insert_half_sign_in(token.hashed(), &half).await?;
        let (total, used) = store.count_backup_codes(proven.user.id).await?;
        Ok(SecondFactorDue { token, life, has_backup_codes: used < total })
    }

    /// Ends all that would let somebody in with less than the present proofs: trusted devices, half-done sign-ins.
    pub(crate) async fn end_shortcuts(&self, store: &mut Store<'_>, user: UserId) -> Result<(), Error> {
        store.delete_devices(user).await?;
        store.delete_half_sign_ins(user).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_keeps_the_newest_twenty_secrets() {
        let many = (0..30).map(|number| number.to_string()).collect::<Vec<_>>().join(".");
        let new = PlainToken::presented("new");
        let cookie = DevicesCookie::with(DeviceTokens::Cookie(&many), Some("3"), &new, Duration::ZERO);
        let tokens: Vec<_> = cookie.value.reveal().split('.').collect();
        assert_eq!(tokens.len(), 20);
        assert_eq!((tokens[0], tokens[1]), ("new", "0"));
        assert!(!tokens.contains(&"3"));
    }

    #[test]
    fn what_was_proven_is_said_once() {
        assert_eq!(with_second_factor("pwd"), "pwd otp mfa");
        assert_eq!(with_second_factor("pwd otp mfa"), "pwd otp mfa");
        assert_eq!((first_factor("pwd otp mfa"), first_factor("email")), ("pwd", "email"));
    }
}
