//! People with a second factor, and what their phones show.

use std::time::Duration;

use totp_rs::{Builder, Secret};

use super::mail::secret;
use crate::clock::Timestamp;
use crate::flow::enrol::{BeginFactor, ConfirmFactor};
use crate::flow::gate::Entered;
use crate::flow::second_factor::VerifyFactor;
use crate::flow::sign_in::{Opening, SignIn, SignedIn};
use crate::settings::Limits;
use crate::testing::{PASSWORD, TestCore, access, address, visitor};
use crate::{Actor, Error};

/// An authenticator on somebody's phone, fed with what people type. The arithmetic is held against RFC 6238 in `factor`, and
/// against oathtool and otpauth by the browser tests.
pub(super) struct Phone(Secret);

impl Phone {
    pub(super) fn new(base32: &str) -> Self {
        Self(Secret::try_from_base32(base32).expect("base32"))
    }

    /// What it shows so many steps from now.
    pub(super) fn shows(&self, now: Timestamp, steps: i64) -> String {
        let totp = Builder::new().with_secret(self.0.clone()).build().expect("a secret");
        totp.generate(u64::try_from(now.seconds() + steps * 30).expect("later")).to_string()
    }
}

/// Somebody with a second factor.
pub(super) struct Guarded {
    pub(super) actor: Actor,
    pub(super) phone: Phone,
    pub(super) codes: Vec<String>,
    pub(super) token: String,
}

pub(super) fn typed(code: &str) -> VerifyFactor {
    VerifyFactor { code: Some(secret(code)), ..VerifyFactor::default() }
}

pub(super) fn password(name: &str) -> SignIn {
    SignIn { email: Some(address(name)), password: Some(secret(PASSWORD)), ..SignIn::default() }
}

impl TestCore {
    /// The next time step: codes of this one are spent.
    pub(super) fn next_step(&self) {
        self.pass(Duration::from_secs(30));
    }

    pub(super) fn shown(&self, phone: &Phone) -> String {
        phone.shows(self.latchkey.now(), 0)
    }

    /// Switches a second factor on for somebody who is signed in.
    pub(super) async fn enrol(&self, actor: &Actor) -> Guarded {
        let begun = self.latchkey.begin_factor(actor, BeginFactor::default()).await.expect("begun");
        let phone = Phone::new(&begun.secret);
        let first = ConfirmFactor { code: Some(secret(&self.shown(&phone))) };
        let on = self.latchkey.confirm_factor(actor, first).await.expect("on");
        assert_eq!(on.backup_codes, begun.backup_codes);
        self.next_step();
        let token = on.renewed.access_token;
        Guarded { actor: self.actor(&token).await, phone, codes: on.backup_codes, token }
    }

    /// Somebody new with a second factor.
    pub(super) async fn guarded(&self, name: &str) -> Guarded {
        let signed_in = self.owner(name).await;
        self.enrol(&self.actor(access(&signed_in)).await).await
    }

    /// The right to prove the second factor, after the password.
    pub(super) async fn half(&self, name: &str) -> String {
        half(self.latchkey.sign_in(&visitor(), password(name), Opening::api()).await)
    }

    pub(super) async fn finish(&self, half: &str, code: &str) -> Result<SignedIn, Error> {
        self.latchkey.finish_sign_in(&visitor(), half, typed(code), Opening::api()).await
    }

    /// The same with the limits of production.
    pub(super) async fn strict(&self) -> Self {
        Self::over(self.reopened(|settings| settings.limits = Limits::default()).await.expect("opens"))
    }
}

/// The token of a second step.
pub(super) fn half(entered: Result<Entered, Error>) -> String {
    match entered.expect("the first factor is right") {
        Entered::SecondFactorDue(due) => due.token.reveal().to_owned(),
        Entered::SignedIn(_) => panic!("no second factor was asked for"),
    }
}
