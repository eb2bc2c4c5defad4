//! Trusted devices, as their people look after them (contract section 4).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::agent::{Agent, browser};
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crypto::{random, sha256};
use crate::device::TrustedDevice;
use crate::error::{Code, Error};
use crate::factor::Method;
use crate::field::{Field, Findings};
use crate::id::{DeviceId, UserId};
use crate::principal::{Actor, Subject, Visitor};
use crate::secret::PlainToken;
use crate::store::{NewDevice, Store};
use crate::user::User;

use super::gate::{DEVICE_PREFIX, DeviceTokens, DevicesCookie};

/// A device that is to be trusted, as it says of itself.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"deviceName": "Chrome on MacBook Pro", "deviceType": "desktop", "deviceFingerprint": "f3a1c9"}))]
pub struct NewTrustedDevice {
    /// What it is called.
    #[schema(required)]
    pub device_name: Option<String>,
    /// `desktop`, `mobile` and the like.
    #[schema(required)]
    pub device_type: Option<String>,
    /// Its browser, in words.
    pub browser_info: Option<String>,
    /// Taken for compatibility; the address recorded is the one the server saw.
    pub ip_address: Option<String>,
    /// Where it is, in words.
    pub location: Option<String>,
    /// By what the client tells it from others; a device with the same one is replaced. It opens nothing.
    #[schema(required)]
    pub device_fingerprint: Option<String>,
}

/// A trusted device, as its person sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustedDeviceView {
    /// Which one.
    pub id: DeviceId,
    /// What it is called.
    pub device_name: String,
    /// The same.
    pub name: String,
    /// `desktop`, `mobile` and the like.
    pub device_type: String,
    /// Its browser, in words.
    pub browser_info: String,
    /// Its browser, as far as it is known.
    #[schema(required)]
    pub browser: Option<&'static str>,
    /// Its system, as far as it is known.
    #[schema(required)]
    pub os: Option<&'static str>,
    /// From where it was last used.
    pub ip_address: String,
    /// Where it is, as its client said.
    #[schema(required)]
    pub location: Option<String>,
    /// When it was last let in without a code.
    pub last_used_at: Timestamp,
    /// Its last instant.
    pub expires_at: Timestamp,
    /// Since when it is trusted.
    pub created_at: Timestamp,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// A device that was just trusted. The only time its secret is shown.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddedDeviceView {
    /// The device.
    #[serde(flatten)]
    pub device: TrustedDeviceView,
    /// To be sent as `X-Device-Token` when its person signs in.
    pub device_token: String,
}

/// A device that was just trusted, and what it holds.
pub struct AddedDevice {
    /// The wire answer.
    pub view: AddedDeviceView,
    secret: PlainToken,
    life: Duration,
}

impl AddedDevice {
    /// The cookie for a browser that holds `before`.
    pub fn cookie(&self, before: DeviceTokens<'_>) -> DevicesCookie {
        DevicesCookie::with(before, None, &self.secret, self.life)
    }
}

/// What is known of a device that is to be trusted.
pub(crate) struct Introduced {
    name: String,
    kind: String,
    browser_info: Option<String>,
    location: Option<String>,
    fingerprint: Option<[u8; 32]>,
}

impl Introduced {
    /// A browser, by what the request tells of it.
    pub(crate) fn seen(visitor: &Visitor, name: Option<String>) -> Self {
        Self {
            name: name.unwrap_or_else(|| browser(&visitor.user_agent)),
            kind: Agent::of(&visitor.user_agent).kind().to_owned(),
            browser_info: None,
            location: None,
            fingerprint: None,
        }
    }
}

impl NewTrustedDevice {
    fn check(self) -> Result<Introduced, Error> {
        let mut findings = Findings::default();
        let name = findings.text(self.device_name.as_deref(), Field::DeviceName, 120);
        let kind = findings.text(self.device_type.as_deref(), Field::DeviceType, 40);
        let browser_info = findings.optional_text(self.browser_info.as_deref(), Field::BrowserInfo, 400);
        let location = findings.optional_text(self.location.as_deref(), Field::Location, 120);
        let fingerprint = findings.text(self.device_fingerprint.as_deref(), Field::DeviceFingerprint, 512);
        findings.check()?;
        let (Some(name), Some(kind), Some(fingerprint)) = (name, kind, fingerprint) else {
            return Err(Error::NotFound);
        };
        let fingerprint = Some(sha256(fingerprint.as_bytes()));
        Ok(Introduced { name, kind, browser_info, location, fingerprint })
    }
}

impl Latchkey {
    /// The devices that a person trusts, newest first; `presented` tells which of them asks.
    pub async fn trusted_devices(
        &self,
        actor: &Actor,
        presented: DeviceTokens<'_>,
    ) -> Result<Vec<TrustedDeviceView>, Error> {
        let person = actor.person()?;
        let mut reading = self.0.db.read().await?;
        let mut current = None;
        for token in presented.iter() {
            let hash = PlainToken::presented(token).hashed();
            let found = reading.store().find_device(person.user(), hash, self.now()).await?;
            current = current.or(found.map(|device| device.id));
        }
        drop(reading);
        let devices = self.devices_of(person.user()).await?;
        Ok(devices.into_iter().map(|device| view(&device, current == Some(device.id))).collect())
    }

    /// Somebody's devices whose trust still holds, each with the end that its organizations leave it.
    pub(crate) async fn devices_of(&self, user: UserId) -> Result<Vec<TrustedDevice>, Error> {
        let now = self.now();
        let mut reading = self.0.db.read().await?;
        let trust = self.trust_of(&mut reading.store(), user).await?;
        let devices = reading.store().list_devices(user, now).await?;
        let ending = devices.into_iter().map(|device| TrustedDevice { expires_at: trust.ends_at(&device), ..device });
        Ok(ending.filter(|device| now < device.expires_at).collect())
    }

    /// Trusts a device, in a session whose second factor was proven a short while ago. A backup code is not enough: it is
    /// for people who have lost their device.
    pub async fn add_trusted_device(&self, actor: &Actor, input: NewTrustedDevice) -> Result<AddedDevice, Error> {
        let person = self.fresh(actor)?.person();
        let introduced = input.check()?;
        if let Subject::Person { second_factor: Some(proof), .. } = actor.principal().subject()
            && proof.method == Method::BackupCode
        {
            return Err(Error::Forbidden(Code::ReauthenticationRequired));
        }
        let mut writing = self.0.db.write().await?;
        let user = writing.store().find_user(person.user()).await?.ok_or(Error::NotFound)?;
        let told = Told::by(actor, Deed::DeviceTrusted, user.id);
        let trusted = self.trust_device(&mut writing.store(), told, &user, introduced).await?;
        let (device, secret, life) = trusted.ok_or(Error::Forbidden(Code::TrustedDevicesForbidden))?;
        writing.commit().await?;
        let view = AddedDeviceView { device: view(&device, true), device_token: secret.reveal().to_owned() };
        Ok(AddedDevice { view, secret, life })
    }

    /// Writes a device that is trusted from now on; `None` where the person's organizations do not allow that.
    pub(crate) async fn trust_device(
        &self,
        store: &mut Store<'_>,
        told: Told<'_>,
        user: &User,
        introduced: Introduced,
    ) -> Result<Option<(TrustedDevice, PlainToken, Duration)>, Error> {
        let Some(life) = self.trust_of(store, user.id).await?.life() else { return Ok(None) };
        let now = self.now();
        let secret = PlainToken::random(DEVICE_PREFIX);
        let device = TrustedDevice {
            id: DeviceId::new(now, random()),
            user_id: user.id,
            name: introduced.name,
            kind: introduced.kind,
            browser_info: introduced.browser_info,
            user_agent: told.visitor.user_agent.clone(),
            address: told.visitor.address.to_string(),
            location: introduced.location,
            created_at: now,
            last_used_at: now,
            expires_at: now.plus(life),
        };
        let new = NewDevice { device: &device, token: secret.hashed(), fingerprint: introduced.fingerprint };
        store.insert_device(&new).await?;
        self.tell(store, told.with(serde_json::json!({ "device": device.id }))).await?;
        Ok(Some((device, secret, life)))
    }

    /// Ends the trust in one device.
    pub async fn forget_device(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        let person = actor.person()?;
        let id: DeviceId = id.parse().map_err(|_| Error::NotFound)?;
        let mut writing = self.0.db.write().await?;
        if !writing.store().delete_device(person.user(), id).await? {
            return Err(Error::NotFound);
        }
        self.tell(&mut writing.store(), Told::by(actor, Deed::DeviceForgotten, id)).await?;
        writing.commit().await
    }

    /// Ends the trust in all of a person's devices; says how many there were.
    pub async fn forget_devices(&self, actor: &Actor) -> Result<u64, Error> {
        let person = actor.person()?;
        let mut writing = self.0.db.write().await?;
        let count = writing.store().delete_devices(person.user()).await?;
        let told = Told::by(actor, Deed::DeviceForgotten, person.user()).with(serde_json::json!({ "count": count }));
        self.tell(&mut writing.store(), told).await?;
        writing.commit().await?;
        Ok(count)
    }
}

fn view(device: &TrustedDevice, is_current: bool) -> TrustedDeviceView {
    let agent = Agent::of(&device.user_agent);
    TrustedDeviceView {
        id: device.id,
        device_name: device.name.clone(),
        name: device.name.clone(),
        device_type: device.kind.clone(),
        browser_info: device.browser_info.clone().unwrap_or_else(|| browser(&device.user_agent)),
        browser: agent.program,
        os: agent.system,
        ip_address: device.address.clone(),
        location: device.location.clone(),
        last_used_at: device.last_used_at,
        expires_at: device.expires_at,
        created_at: device.created_at,
        is_current,
    }
}
