//! Setting a second factor up, exchanging it, switching it off (contract section 4).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crockford::in_fours;
use crate::crypto::vault::Purpose;
use crate::error::{Code, Error};
use crate::factor::{self, Method, TotpSecret, Typed};
use crate::field::{Field, FieldCode};
use crate::id::UserId;
use crate::mail::FactorNews;
use crate::organization::Policy;
use crate::principal::Actor;
use crate::qr::Picture;
use crate::session::EndedBy;
use crate::store::{NewFactor, Store};
use crate::user::User;

use super::counting::Counted;
use super::second_factor::{SecondProven, needed_code};
use super::sign_in::{SecretText, SessionCookie};

/// How an authenticator is begun to be set up.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct BeginFactor {
    /// Takes the place of the authenticator that is on, once it is proven. Needs a recent second factor.
    pub replace: Option<bool>,
}

/// A new authenticator, to be proven with its first code. The only time its secret is shown.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewFactorView {
    /// The picture to be scanned, as a `data:` URL.
    pub qr_code: String,
    /// The same.
    pub qr_code_data_url: String,
    /// The secret in base32, to be typed where nothing can be scanned.
    pub secret: String,
    /// The same as an address that an authenticator opens.
    pub otpauth_url: String,
    /// The backup codes; they count once the authenticator is proven.
    pub backup_codes: Vec<String>,
}

/// The same as our pages show it.
#[derive(Clone)]
pub struct PendingFactor {
    /// The picture as SVG.
    pub picture: String,
    /// The secret in groups of four.
    pub grouped: String,
    /// The secret as it is.
    pub secret: String,
    /// The address that an authenticator on this very device opens.
    pub otpauth_url: String,
}

/// The first code of a new authenticator.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"code": "123456"}))]
pub struct ConfirmFactor {
    /// A code of the new authenticator.
    #[schema(required)]
    pub code: Option<SecretText>,
}

/// A second factor was proven or changed; this session goes on with what is in here.
pub struct Renewed {
    /// A new access token, which tells of the proof.
    pub access_token: String,
    /// The session cookie, when a browser holds one.
    pub cookie: Option<SessionCookie>,
}

/// A second factor is on.
pub struct FactorOn {
    /// This session.
    pub renewed: Renewed,
    /// The backup codes, for the last time.
    pub backup_codes: Vec<String>,
}

/// How a second factor is switched off.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"password": "plum river candle", "code": "123456"}))]
pub struct EndFactor {
    /// The present password, of accounts that have one.
    pub password: Option<SecretText>,
    /// A code of the second factor; without it, one must have been proven a short while ago.
    pub code: Option<SecretText>,
}

/// How the second factor stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FactorStatusView {
    /// Whether it is on.
    pub enabled: bool,
    /// The same.
    pub is_enabled: bool,
    /// Always `TOTP`.
    pub method: &'static str,
    /// Since when.
    #[schema(required)]
    pub enabled_at: Option<Timestamp>,
    /// How many backup codes are left.
    pub backup_codes_remaining: i64,
    /// How many devices are trusted.
    #[schema(minimum = 0)]
    pub trusted_devices_count: usize,
}

/// What is kept of an authenticator until it is proven.
#[derive(Serialize, Deserialize)]
struct SetUp {
    secret: Vec<u8>,
    codes: Vec<String>,
}

impl SetUp {
    fn new() -> Self {
        Self { secret: TotpSecret::random().bytes().to_vec(), codes: factor::new_backup_codes() }
    }

    fn secret(&self) -> Result<TotpSecret, Error> {
        TotpSecret::from_bytes(&self.secret).ok_or_else(|| Error::internal("a pending secret has another length"))
    }
}

impl Latchkey {
    /// How somebody's second factor stands.
    pub async fn factor_status(&self, actor: &Actor) -> Result<FactorStatusView, Error> {
        let person = actor.person()?;
        let mut reading = self.0.db.read().await?;
        let user = reading.store().find_user(person.user()).await?.ok_or(Error::NotFound)?;
        let (total, used) = reading.store().count_backup_codes(user.id).await?;
        drop(reading);
        let enabled = user.second_factor_since.is_some();
        Ok(FactorStatusView {
            enabled,
            is_enabled: enabled,
            method: "TOTP",
            enabled_at: user.second_factor_since,
            backup_codes_remaining: total - used,
            trusted_devices_count: self.devices_of(user.id).await?.len(),
        })
    }

    /// Begins to set an authenticator up. Whoever asks again while there is time gets the same one; one that is on stays
    /// in force until the new one is proven.
    pub async fn begin_factor(&self, actor: &Actor, input: BeginFactor) -> Result<NewFactorView, Error> {
        actor.person()?;
        let user = self.own_user(actor).await?;
        if user.second_factor_since.is_some() {
            if input.replace != Some(true) {
                return Err(Error::Malformed(Code::TwoFactorAlreadyEnabled));
            }
            self.fresh(actor)?;
        }
        self.limited(&(Counted::FACTOR_SET_UP, user.id.number()), self.0.settings.limits.factor_set_up).await?;
        let now = self.now();
        let mut writing = self.0.db.write().await?;
        let set_up = match writing.store().find_setup(user.id, now).await? {
            Some(sealed) => self.open_set_up(user.id, &sealed)?,
            None => SetUp::new(),
        };
        let sealed = self.seal_set_up(user.id, &set_up)?;
        writing.store().replace_setup(user.id, &sealed, now.plus(self.0.settings.two_factor.set_up)).await?;
        writing.commit().await?;
        let secret = set_up.secret()?;
        let otpauth_url = secret.otpauth_url(&self.0.settings.two_factor.issuer, user.email.as_str())?;
        let picture = Picture::of(&otpauth_url)?.png_url()?;
        Ok(NewFactorView {
            qr_code: picture.clone(),
            qr_code_data_url: picture,
            secret: secret.base32(),
            otpauth_url,
            backup_codes: set_up.codes,
        })
    }

    /// The authenticator that somebody has begun to set up, while there is time to prove it.
    pub async fn pending_factor(&self, actor: &Actor) -> Result<Option<PendingFactor>, Error> {
        let person = actor.person()?;
        let sealed = self.0.db.read().await?.store().find_setup(person.user(), self.now()).await?;
        let Some(sealed) = sealed else { return Ok(None) };
        let secret = self.open_set_up(person.user(), &sealed)?.secret()?;
        let account = actor.principal().email().as_str();
        let otpauth_url = secret.otpauth_url(&self.0.settings.two_factor.issuer, account)?;
        let base32 = secret.base32();
        Ok(Some(PendingFactor {
            picture: Picture::of(&otpauth_url)?.svg(),
            grouped: in_fours(&base32, " "),
            secret: base32,
            otpauth_url,
        }))
    }

    /// Gives up an authenticator that was begun to be set up.
    pub async fn forget_pending_factor(&self, actor: &Actor) -> Result<(), Error> {
        let person = actor.person()?;
        let mut writing = self.0.db.write().await?;
        if let Some(sealed) = writing.store().find_setup(person.user(), self.now()).await? {
            writing.store().consume_setup(person.user(), &sealed).await?;
        }
        writing.commit().await
    }

    /// Switches the second factor on with the first code of its authenticator. That code is spent, the backup codes
    /// count from now on, and every other session ends, as does the trust in devices.
    pub async fn confirm_factor(&self, actor: &Actor, input: ConfirmFactor) -> Result<FactorOn, Error> {
        let person = actor.person()?;
        let code = needed_code(input.code)?;
        let sealed = self.0.db.read().await?.store().find_setup(person.user(), self.now()).await?;
        let sealed = sealed.ok_or(Error::NotFound)?;
        let set_up = self.open_set_up(person.user(), &sealed)?;
        let who = (Counted::FACTOR_SET_UP_CODE, person.user().number());
        let first = async { self.first_step(&set_up, &code.0) };
        let step = self.counting_failures(&who, self.0.settings.limits.factor_set_up_code, Box::pin(first)).await?;
        let now = self.now();
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        if !store.consume_setup(person.user(), &sealed).await? {
            return Err(Error::NotFound);
        }
        let user = store.find_user(person.user()).await?.ok_or(Error::NotFound)?;
        let secret = self.0.vault.seal(Purpose::Factor, &user.id.to_string(), &set_up.secret);
        let secret = secret.map_err(Error::internal)?;
        let codes = self.code_macs(user.id, &set_up.codes);
        store.replace_factor(&NewFactor { user: user.id, secret: &secret, step, codes: &codes, now }).await?;
        let (deed, news) = match user.second_factor_since {
            None => (Deed::TwoFactorOn, FactorNews::On),
            Some(_) => (Deed::TwoFactorReplaced, FactorNews::Replaced),
        };
        self.after_factor_change(&mut store, actor, &user, (deed, news)).await?;
        let renewed = self.renew_proof(&mut store, actor, Some(Method::Totp)).await?;
        writing.changed(user.id.number());
        writing.commit().await?;
        Ok(FactorOn { renewed, backup_codes: set_up.codes })
    }

    fn first_step(&self, set_up: &SetUp, code: &str) -> Result<i64, Error> {
        let Some(Typed::Totp(code)) = Typed::read(code) else { return Err(Error::Malformed(Code::InvalidCode)) };
        let step = set_up.secret()?.matching_step(&code, self.now(), i64::MIN);
        step.ok_or(Error::Malformed(Code::InvalidCode))
    }

    /// Switches the second factor off. Needs the password, and a code or a recent proof. Its secret, its backup codes
    /// and the trust in devices are gone; every other session ends.
    pub async fn end_factor(&self, actor: &Actor, input: EndFactor) -> Result<Renewed, Error> {
        actor.person()?;
        let user = self.own_user(actor).await?;
        if user.second_factor_since.is_none() {
            return Err(Error::Malformed(Code::TwoFactorNotEnabled));
        }
        let places = self.0.db.read().await?.store().list_memberships(user.id).await?;
        if Policy::demands_factor(&places, self.now()) {
            return Err(Error::Conflict(Code::TwoFactorMandatory));
        }
        let who = (Counted::FACTOR_OFF, user.id.number());
        let proofs = self.prove_both(actor, &user, input);
        self.counting_failures(&who, self.0.settings.limits.factor_change, Box::pin(proofs)).await?;
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        if !store.delete_factor(user.id, self.now()).await? {
            return Err(Error::Malformed(Code::TwoFactorNotEnabled));
        }
        self.after_factor_change(&mut store, actor, &user, (Deed::TwoFactorOff, FactorNews::Off)).await?;
        let renewed = self.renew_proof(&mut store, actor, None).await?;
        writing.changed(user.id.number());
        writing.commit().await?;
        Ok(renewed)
    }

    /// Proves both factors: the password where there is one, and the second by a code or by a recent proof.
    async fn prove_both(&self, actor: &Actor, user: &User, input: EndFactor) -> Result<(), Error> {
        let has_password = self.0.db.read().await?.store().find_password_hash(user.id).await?.is_some();
        if has_password {
            let password = input.password.filter(|text| !text.0.is_empty());
            let password = password.ok_or_else(|| Error::field(Field::Password, FieldCode::Required))?;
            self.prove_current(actor, &password).await?;
        }
        match input.code.filter(|code| !code.0.trim().is_empty()) {
            Some(code) => self.prove_code_now(actor, user, &code).await.map(|_| ()),
            None => self.fresh(actor).map(|_| ()),
        }
    }

    /// Proves the second factor in a transaction of its own.
    pub(crate) async fn prove_code_now(
        &self,
        actor: &Actor,
        user: &User,
        code: &SecretText,
    ) -> Result<SecondProven, Error> {
        let writing = self.0.db.write().await?;
        let (writing, second) = self.prove_second_factor(writing, &actor.visitor, user, &code.0).await?;
        writing.commit().await?;
        Ok(second)
    }

    /// What belongs to every change of a second factor by its person: other sessions and shortcuts end, it is told.
    async fn after_factor_change(
        &self,
        store: &mut Store<'_>,
        actor: &Actor,
        user: &User,
        (deed, news): (Deed, FactorNews<'_>),
    ) -> Result<(), Error> {
        let session = actor.person()?.session();
        store.consume_sessions(user.id, Some(session), EndedBy::FactorChange, self.now()).await?;
        self.end_shortcuts(store, user.id).await?;
        self.tell(store, Told::by(actor, deed, user.id)).await?;
        self.notify_factor(store, &actor.visitor, user, news).await
    }

    /// The keyed hashes of backup codes.
    pub(crate) fn code_macs(&self, user: UserId, codes: &[String]) -> Vec<[u8; 32]> {
        let owner = user.to_string();
        codes.iter().map(|code| self.0.vault.backup_code_mac(&owner, &code.replace('-', ""))).collect()
    }

    fn seal_set_up(&self, user: UserId, set_up: &SetUp) -> Result<Vec<u8>, Error> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(set_up).map_err(Error::internal)?);
        self.0.vault.seal(Purpose::SetUp, &user.to_string(), &plain).map_err(Error::internal)
    }

    fn open_set_up(&self, user: UserId, sealed: &[u8]) -> Result<SetUp, Error> {
        let plain = self.0.vault.open(Purpose::SetUp, &user.to_string(), sealed).map_err(Error::internal)?;
        serde_json::from_slice(&plain).map_err(Error::internal)
    }
}
