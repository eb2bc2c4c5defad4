//! Proving a second factor, and what it opens (contract section 4).

use std::time::Duration;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::crypto::vault::Purpose;
use crate::error::{Code, Error};
use crate::factor::{Method, Proof, TotpSecret, Typed};
use crate::field::{Field, FieldCode, Findings};
use crate::id::UserId;
use crate::mail::FactorNews;
use crate::principal::Visitor;
use crate::secret::PlainToken;
use crate::session::Session;
use crate::store::{HalfSignIn, Store, StoredFactor, Writing};
use crate::user::User;

use super::address::told_of;
use super::gate::{DevicesCookie, Gate, Proven};
use super::mail::Notice;
use super::places::place_asked;
use super::sign_in::{Opening, SecretText, SignedIn};
use super::trusted_devices::Introduced;

/// The proof that somebody has shown their second factor: just now, or in the session that is handed on. Nothing else
/// makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SecondProven {
    user: UserId,
    proof: Proof,
}

impl SecondProven {
    /// Whose.
    pub(crate) const fn user(self) -> UserId {
        self.user
    }

    /// When, and with what.
    pub(crate) const fn proof(self) -> Proof {
        self.proof
    }

    /// What was shown in a session that is handed on.
    pub(crate) fn shown_in(session: &Session) -> Option<Self> {
        session.second_factor.map(|proof| Self { user: session.user_id, proof })
    }
}

/// A code, and whether this device is to be trusted from now on.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"code": "123456"}))]
pub struct VerifyFactor {
    /// A code of the authenticator, or a backup code; spaces and dashes in it do not count.
    #[schema(required)]
    pub code: Option<SecretText>,
    /// Whether this device is not to be asked again for a while. A backup code never makes a device trusted.
    pub trust_device: Option<bool>,
    /// What the device is called; without it, by its browser and system.
    pub device_name: Option<String>,
}

/// A half-done sign-in, as our page shows it to whoever has begun it.
#[derive(Clone, Debug)]
pub struct HalfView {
    /// Whose.
    pub email: String,
    /// Whether there are backup codes left.
    pub has_backup_codes: bool,
    /// How long this device may be trusted afterwards; `None`: not at all.
    pub trust: Option<Duration>,
}

/// A code that is not right is, where somebody signs in, a bad credential.
pub(crate) fn at_sign_in(error: Error) -> Error {
    match error {
        Error::Malformed(Code::InvalidCode) => Error::Unauthenticated(Code::InvalidCode),
        other => other,
    }
}

/// The code that was typed, or a note that there is none.
pub(crate) fn needed_code(code: Option<SecretText>) -> Result<SecretText, Error> {
    let code = code.filter(|code| !code.0.trim().is_empty());
    code.ok_or_else(|| Error::field(Field::Code, FieldCode::Required))
}

impl Latchkey {
    /// Checks a code of somebody's second factor; what it opens is the caller's to write, in the same transaction. Every
    /// try counts, also of many at once and from wherever they come; too many wrong ones lock the factor for a while,
    /// and nothing that is tried meanwhile makes that longer.
    pub(crate) async fn prove_second_factor(
        &self,
        mut writing: Writing,
        visitor: &Visitor,
        user: &User,
        code: &str,
    ) -> Result<(Writing, SecondProven), Error> {
        let (now, settings) = (self.now(), &self.0.settings.two_factor);
        let mut store = writing.store();
        let bounds = (now.minus(settings.failure_window), now.plus(settings.lock));
        let taken = store.consume_factor_try(user.id, now, bounds).await?;
        let Some(factor) = taken else { return Err(self.why_no_try(&mut store, user.id).await?) };
        if let Some(method) = self.spend(&mut store, visitor, user, (&factor, code)).await? {
            store.update_factor_proven(user.id).await?;
            return Ok((writing, SecondProven { user: user.id, proof: Proof { at: now, method } }));
        }
        self.tell(&mut store, told_of(visitor, Deed::TwoFactorFailed, user)).await?;
        let is_last = factor.failures >= i64::from(settings.failures);
        if is_last {
            self.lock_factor(&mut store, visitor, user).await?;
        }
        writing.commit().await?;
        Err(if is_last { Error::Locked { retry_after: settings.lock } } else { Error::Malformed(Code::InvalidCode) })
    }

    async fn why_no_try(&self, store: &mut Store<'_>, user: UserId) -> Result<Error, Error> {
        let locked = store.find_factor(user).await?.and_then(|factor| factor.locked_until);
        Ok(match locked {
            Some(until) => Error::Locked { retry_after: until.since(self.now()) },
            None => Error::Malformed(Code::TwoFactorNotEnabled),
        })
    }

    async fn lock_factor(&self, store: &mut Store<'_>, visitor: &Visitor, user: &User) -> Result<(), Error> {
        let lock = self.0.settings.two_factor.lock;
        store.update_factor_locked(user.id, self.now().plus(lock)).await?;
        self.tell(store, told_of(visitor, Deed::TwoFactorLocked, user)).await?;
        let minutes = lock.as_secs().div_ceil(60);
        self.notify_factor(store, visitor, user, FactorNews::Locked { minutes }).await
    }

    /// Spends what was typed: a time step, or a backup code. `None` when it is not right, or was spent before.
    async fn spend(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        user: &User,
        (factor, code): (&StoredFactor, &str),
    ) -> Result<Option<Method>, Error> {
        let is_right = match Typed::read(code) {
            None => return Ok(None),
            Some(Typed::Totp(code)) => {
                let step = self.open_factor(user.id, factor)?.matching_step(&code, self.now(), factor.last_step);
                let Some(step) = step else { return Ok(None) };
                return Ok(store.consume_step(user.id, step).await?.then_some(Method::Totp));
            }
            Some(Typed::BackupCode(code)) => {
                let mac = self.0.vault.backup_code_mac(&user.id.to_string(), &code);
                store.consume_backup_code(user.id, &mac, self.now()).await?
            }
        };
        if is_right {
            let (total, used) = store.count_backup_codes(user.id).await?;
            let left = u64::try_from(total - used).unwrap_or(0);
            let told = told_of(visitor, Deed::BackupCodeUsed, user).with(serde_json::json!({ "left": left }));
            self.tell(store, told).await?;
            self.notify_factor(store, visitor, user, FactorNews::CodeUsed { left }).await?;
        }
        Ok(is_right.then_some(Method::BackupCode))
    }

    fn open_factor(&self, user: UserId, factor: &StoredFactor) -> Result<TotpSecret, Error> {
        let plain = self.0.vault.open(Purpose::Factor, &user.to_string(), &factor.secret).map_err(Error::internal)?;
        TotpSecret::from_bytes(&plain).ok_or_else(|| Error::internal("a stored secret has another length"))
    }

    /// Mails somebody what became of their second factor.
    pub(crate) async fn notify_factor(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        user: &User,
        news: FactorNews<'_>,
    ) -> Result<(), Error> {
        let house = self.house_of(store, user.id, None).await?;
        self.notify(store, visitor, (user.id, &user.email), house.as_deref(), Notice::SecondFactor(news)).await
    }

    /// Signs in with the second factor, after a first one gave `token`. Wrong codes end that; so does time.
    pub async fn finish_sign_in(
        &self,
        visitor: &Visitor,
        token: &str,
        input: VerifyFactor,
        opening: Opening<'_>,
    ) -> Result<SignedIn, Error> {
        let signed_in = self.take_second_step(visitor, token, input, opening).await;
        self.0.metrics.second_step(&signed_in);
        signed_in
    }

    async fn take_second_step(
        &self,
        visitor: &Visitor,
        token: &str,
        input: VerifyFactor,
        opening: Opening<'_>,
    ) -> Result<SignedIn, Error> {
        let code = needed_code(input.code)?;
        let mut findings = Findings::default();
        let name = findings.optional_text(input.device_name.as_deref(), Field::DeviceName, 120);
        findings.check()?;
        let token = PlainToken::presented(token);
        let (mut writing, half, user) = self.take_half_try(&token).await?;
        let memberships = writing.store().list_memberships(user.id).await?;
        let asked = half.organization_id.map(|id| id.to_string());
        let place = asked.map(|asked| place_asked(&memberships, &asked)).transpose()?;
        let (mut writing, second) =
            self.prove_second_factor(writing, visitor, &user, &code.0).await.map_err(at_sign_in)?;
        if !writing.store().consume_half_sign_in(token.hashed()).await? {
            return Err(Error::Unauthenticated(Code::InvalidToken));
        }
        let proven = Proven { user: &user, place, amr: &half.amr, remember: half.kept, inherited: half.inherited };
        let gate = self.gate(&mut writing.store(), visitor, &proven, opening.devices, Some(second)).await?;
        let Gate::Open(passed) = gate else { return Err(Error::Unauthenticated(Code::TwoFactorRequired)) };
        let trusts = input.trust_device == Some(true) && second.proof().method == Method::Totp;
        let trusted = if trusts {
            let introduced = Introduced::seen(visitor, name);
            let place = place.map(|place| place.organization.id);
            let told = Told { organization: place, ..told_of(visitor, Deed::DeviceTrusted, &user) };
            self.trust_device(&mut writing.store(), told, &user, introduced).await?
        } else {
            None
        };
        let mut signed_in = self.open_session(writing, visitor, passed, opening).await?;
        if let Some((_, secret, life)) = trusted {
            if opening.cookie {
                signed_in.devices = Some(DevicesCookie::with(opening.devices, None, &secret, life));
            } else {
                signed_in.view.device_token = Some(secret.reveal().to_owned());
            }
        }
        Ok(signed_in)
    }

    /// Takes one of the tries of a half-done sign-in.
    async fn take_half_try(&self, token: &PlainToken) -> Result<(Writing, HalfSignIn, User), Error> {
        let (now, most) = (self.now(), i64::from(self.0.settings.two_factor.sign_in_tries));
        let invalid = || Error::Unauthenticated(Code::InvalidToken);
        // Looked up before the write lock is taken, so that invented tokens cannot make others wait for it.
        let found = self.0.db.read().await?.store().find_half_sign_in(token.hashed(), most).await?;
        if found.ok_or_else(invalid)?.expires_at <= now {
            return Err(Error::Unauthenticated(Code::TokenExpired));
        }
        let mut writing = self.0.db.write().await?;
        let half = writing.store().consume_half_try(token.hashed(), most, now).await?.ok_or_else(invalid)?;
        let user = writing.store().find_user(half.user_id).await?.ok_or_else(invalid)?;
        Ok((writing, half, user))
    }

    /// A half-done sign-in that can still be finished. Spends nothing.
    pub async fn half_sign_in(&self, token: &str) -> Result<Option<HalfView>, Error> {
        let most = i64::from(self.0.settings.two_factor.sign_in_tries);
        let mut reading = self.0.db.read().await?;
        let found = reading.store().find_half_sign_in(PlainToken::presented(token).hashed(), most).await?;
        let Some(half) = found.filter(|half| self.now() < half.expires_at) else { return Ok(None) };
        let Some(user) = reading.store().find_user(half.user_id).await? else { return Ok(None) };
        let (total, used) = reading.store().count_backup_codes(user.id).await?;
        let trust = self.trust_of(&mut reading.store(), user.id).await?.life();
        Ok(Some(HalfView { email: user.email.to_string(), has_backup_codes: used < total, trust }))
    }
}
