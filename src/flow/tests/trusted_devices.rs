use std::time::Duration;

use super::mail::secret;
use super::phone::{Guarded, half};
use crate::flow::account::ChangePassword;
use crate::flow::gate::DeviceTokens;
use crate::flow::policy::PolicyChanges;
use crate::flow::second_factor::VerifyFactor;
use crate::flow::sign_in::{Opening, SignIn};
use crate::flow::trusted_devices::NewTrustedDevice;
use crate::testing::{PASSWORD, TestCore, access, address, code, on_both_engines, visitor};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn password(name: &str) -> SignIn {
    SignIn { email: Some(address(name)), password: Some(secret(PASSWORD)), ..SignIn::default() }
}

pub(super) fn by_header(token: &str) -> Opening<'_> {
    Opening { devices: DeviceTokens::Header(token), ..Opening::api() }
}

fn by_cookie(tokens: &str) -> Opening<'_> {
    Opening { devices: DeviceTokens::Cookie(tokens), ..Opening::page(None, None) }
}

fn laptop(fingerprint: &str) -> NewTrustedDevice {
    NewTrustedDevice {
        device_name: Some("Laptop".to_owned()),
        device_type: Some("desktop".to_owned()),
        device_fingerprint: Some(fingerprint.to_owned()),
        ..NewTrustedDevice::default()
    }
}

impl TestCore {
    /// Trusts a device of an API client while signing in.
    pub(super) async fn trusts(&self, name: &str, guarded: &Guarded) -> String {
        let with = VerifyFactor {
            trust_device: Some(true),
            code: Some(secret(&self.shown(&guarded.phone))),
            device_name: None,
        };
        let token = self.half(name).await;
        let signed_in =
            self.latchkey.finish_sign_in(&visitor(), &token, with, Opening::api()).await.expect("signed in");
        self.next_step();
        signed_in.view.device_token.expect("a token")
    }

    /// Whether a device is let in without a code.
    async fn lets_in(&self, name: &str, opening: Opening<'_>) -> bool {
        let entered = self.latchkey.sign_in(&visitor(), password(name), opening).await.expect("the password is right");
        matches!(entered, crate::flow::gate::Entered::SignedIn(_))
    }
}

on_both_engines! {
    async fn a_trusted_device_is_asked_for_the_password_only(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let device = core.trusts("Ada", &ada).await;
        assert!(core.lets_in("Ada", by_header(&device)).await);
        let wrong = SignIn { password: Some(secret("not the password")), ..password("Ada") };
        assert_eq!(code(core.latchkey.sign_in(&visitor(), wrong, by_header(&device)).await), "invalid_credentials");
        core.guarded("Grace").await;
        assert!(!core.lets_in("Grace", by_header(&device)).await, "it is trusted by Ada alone");
        assert!(!core.lets_in("Ada", by_header("made up")).await);
    }

    async fn trust_ends_after_thirty_days_however_often_it_is_used(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let device = core.trusts("Ada", &ada).await;
        core.pass(DAY * 29);
        assert!(core.lets_in("Ada", by_header(&device)).await);
        core.pass(Duration::from_secs(24 * 60 * 60 - 31));
        assert!(core.lets_in("Ada", by_header(&device)).await);
        core.pass(Duration::from_secs(1));
        assert!(!core.lets_in("Ada", by_header(&device)).await);
    }

    async fn a_trusted_session_has_no_recent_second_factor(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let device = core.trusts("Ada", &ada).await;
        let entered = core.latchkey.sign_in(&visitor(), password("Ada"), by_header(&device)).await;
        let crate::flow::gate::Entered::SignedIn(session) = entered.expect("signed in") else { panic!("trusted") };
        let ada = core.actor(access(&session)).await;
        assert_eq!(code(core.latchkey.add_trusted_device(&ada, laptop("a")).await.map(|_| ())), "reauthentication_required");
    }

    async fn the_secret_of_a_browser_is_exchanged_at_each_use(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let with = VerifyFactor { trust_device: Some(true), code: Some(secret(&core.shown(&ada.phone))), device_name: None };
        let token = core.half("Ada").await;
        let opened = core.latchkey.finish_sign_in(&visitor(), &token, with, Opening::page(None, None)).await.expect("signed in");
        assert!(opened.view.device_token.is_none(), "a browser keeps it in a cookie");
        let first = opened.devices.expect("a cookie").value.reveal().to_owned();
        let entered = core.latchkey.sign_in(&visitor(), password("Ada"), by_cookie(&first)).await.expect("in");
        let crate::flow::gate::Entered::SignedIn(session) = entered else { panic!("trusted") };
        let second = session.devices.expect("a new cookie").value.reveal().to_owned();
        assert!(!core.lets_in("Ada", by_cookie(&first)).await, "the old one is spent");
        assert!(core.lets_in("Ada", by_cookie(&second)).await);
        let both = format!("{second}.other");
        assert!(!core.lets_in("Ada", by_cookie(&both)).await, "and so is that");
    }

    async fn trust_ends_with_every_change_of_how_one_signs_in(core: TestCore) {
        for (number, how) in ["password", "everywhere", "others", "off"].into_iter().enumerate() {
            let name = format!("Ada{number}");
            let ada = core.guarded(&name).await;
            let device = core.trusts(&name, &ada).await;
            match how {
                "password" => {
                    let input = ChangePassword { current_password: Some(secret(PASSWORD)), new_password: Some(secret("lantern over quiet water")), ..ChangePassword::default() };
                    core.latchkey.change_password(&ada.actor, input).await.expect("changed");
                    let again = SignIn { password: Some(secret("lantern over quiet water")), ..password(&name) };
                    half(core.latchkey.sign_in(&visitor(), again, by_header(&device)).await);
                    continue;
                }
                "everywhere" => core.latchkey.sign_out_everywhere(&ada.actor).await.expect("out"),
                "others" => core.latchkey.end_other_sessions(&ada.actor).await.expect("out"),
                _ => {
                    let end = crate::flow::enrol::EndFactor { password: Some(secret(PASSWORD)), code: None };
                    core.latchkey.end_factor(&ada.actor, end).await.expect("off");
                    core.enrol(&ada.actor).await;
                }
            }
            assert!(!core.lets_in(&name, by_header(&device)).await, "{how}");
        }
    }

    async fn a_backup_code_never_makes_a_device_trusted(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let with = VerifyFactor { trust_device: Some(true), code: Some(secret(&ada.codes[0])), device_name: None };
        let token = core.half("Ada").await;
        let signed_in = core.latchkey.finish_sign_in(&visitor(), &token, with, Opening::api()).await.expect("signed in");
        assert!(signed_in.view.device_token.is_none());
        let session = core.actor(access(&signed_in)).await;
        assert_eq!(code(core.latchkey.add_trusted_device(&session, laptop("a")).await.map(|_| ())), "reauthentication_required");
        assert!(core.latchkey.trusted_devices(&session, DeviceTokens::None).await.expect("listed").is_empty());
    }

    async fn devices_are_listed_and_forgotten(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let first = core.latchkey.add_trusted_device(&ada.actor, laptop("one")).await.expect("trusted");
        let again = core.latchkey.add_trusted_device(&ada.actor, laptop("one")).await.expect("trusted");
        core.latchkey.add_trusted_device(&ada.actor, laptop("two")).await.expect("trusted");
        let token = again.view.device_token.clone();
        let listed = core.latchkey.trusted_devices(&ada.actor, DeviceTokens::Header(&token)).await.expect("listed");
        assert_eq!(listed.len(), 2, "one fingerprint, one device");
        assert_eq!(listed.iter().filter(|device| device.is_current).count(), 1);
        assert!(!core.lets_in("Ada", by_header(&first.view.device_token)).await, "it was replaced");
        assert!(core.lets_in("Ada", by_header(&token)).await);
        let grace = core.guarded("Grace").await;
        let id = again.view.device.id.to_string();
        for foreign in [id.as_str(), "dev_x", "nonsense"] {
            assert_eq!(code(core.latchkey.forget_device(&grace.actor, foreign).await), "not_found");
        }
        core.latchkey.forget_device(&ada.actor, &id).await.expect("forgotten");
        assert!(!core.lets_in("Ada", by_header(&token)).await);
        assert_eq!(core.latchkey.forget_devices(&ada.actor).await.expect("forgotten"), 1);
    }

    async fn an_organization_can_shorten_or_forbid_trust(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let device = core.trusts("Ada", &ada).await;
        let organization = ada.actor.principal().organization_id().expect("a place").to_string();
        let set = async |days: Option<i64>, trusted: Option<bool>| {
            let changes = PolicyChanges { trusted_device_days: days, trusted_devices: trusted, ..PolicyChanges::default() };
            core.latchkey.update_policy(&ada.actor, &organization, changes).await.expect("set");
        };
        core.pass(DAY * 3);
        set(Some(2), None).await;
        assert!(!core.lets_in("Ada", by_header(&device)).await, "three days are too long now");
        set(Some(7), None).await;
        assert!(core.lets_in("Ada", by_header(&device)).await);
        let listed = core.latchkey.trusted_devices(&ada.actor, DeviceTokens::None).await.expect("listed");
        assert_eq!(listed[0].expires_at, listed[0].created_at.plus(DAY * 7));
        set(None, Some(false)).await;
        assert!(!core.lets_in("Ada", by_header(&device)).await);
        let shown = core.latchkey.step_up(&ada.actor, Some(secret(&core.shown(&ada.phone)))).await.expect("shown");
        let actor = core.actor(&shown.access_token).await;
        assert_eq!(code(core.latchkey.add_trusted_device(&actor, laptop("a")).await.map(|_| ())), "trusted_devices_forbidden");
    }
}
