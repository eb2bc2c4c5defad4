use std::sync::Arc;
use std::time::Duration;

use totp_rs::{Builder, Secret};

use super::mail::{by_code, by_token, code_of, reset, secret, successes, to, token_of};
use crate::clock::{Clock, Timestamp};
use crate::flow::account::ChangePassword;
use crate::flow::api_keys::{NewKey, RegenerateKey};
use crate::flow::backup_codes::RenewBackupCodes;
use crate::flow::enrol::{BeginFactor, ConfirmFactor, EndFactor};
use crate::flow::gate::{DeviceTokens, Entered};
use crate::flow::second_factor::VerifyFactor;
use crate::flow::sign_in::{Opening, SignIn, SignedIn};
use crate::flow::step_up::Reauthenticate;
use crate::settings::Limits;
use crate::testing::{PASSWORD, TestCore, access, address, code, on_both_engines, strings, through, visitor};
use crate::{Actor, Error, Latchkey};

/// An authenticator on somebody's phone: another maker's arithmetic, fed with what people type.
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

fn typed(code: &str) -> VerifyFactor {
    VerifyFactor { code: Some(secret(code)), ..VerifyFactor::default() }
}

fn password(name: &str) -> SignIn {
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

    async fn strict(&self) -> Self {
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

on_both_engines! {
    async fn the_code_of_the_phone_is_asked_for_after_the_password(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let half = core.half("Ada").await;
        let signed_in = core.finish(&half, &core.shown(&ada.phone)).await.expect("signed in");
        let principal = core.bearer(access(&signed_in)).await.expect("good");
        assert!(core.latchkey.verify(&principal, None).expect("verified").contains(r#""amr":["pwd","otp","mfa"]"#));
        assert_eq!(code(core.finish(&half, "000000").await), "invalid_token", "the step is spent");
        assert_eq!(code(core.bearer(&half).await), "invalid_token", "and was never good for anything else");
    }

    async fn the_code_may_be_said_along_with_the_password(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let with = |code: &str| SignIn { two_factor_code: Some(secret(code)), ..password("Ada") };
        let wrong = through(core.latchkey.sign_in(&visitor(), with("000000"), Opening::api()).await);
        assert!(matches!(wrong, Err(Error::Unauthenticated(crate::Code::InvalidCode))));
        let right = with(&core.shown(&ada.phone));
        through(core.latchkey.sign_in(&visitor(), right, Opening::api()).await).expect("signed in");
    }

    async fn nothing_changes_before_the_first_code(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        let first = core.latchkey.begin_factor(&ada, BeginFactor::default()).await.expect("begun");
        assert!(core.sign_in("Ada", PASSWORD).await.is_ok(), "no code is asked for yet");
        let again = core.latchkey.begin_factor(&ada, BeginFactor::default()).await.expect("begun");
        assert_eq!((first.secret.as_str(), &first.backup_codes), (again.secret.as_str(), &again.backup_codes), "it survives a reload");
        let typo = ConfirmFactor { code: Some(secret("000000")) };
        assert_eq!(code(core.latchkey.confirm_factor(&ada, typo).await), "invalid_code");
        let backup = ConfirmFactor { code: Some(secret(&first.backup_codes[0])) };
        assert_eq!(code(core.latchkey.confirm_factor(&ada, backup).await), "invalid_code", "a backup code proves no phone");
        core.pass(Duration::from_secs(599));
        let phone = Phone::new(&first.secret);
        let on = core.latchkey.confirm_factor(&ada, ConfirmFactor { code: Some(secret(&core.shown(&phone))) }).await;
        assert!(on.is_ok(), "it survives a typo, and ten minutes");
    }

    async fn what_is_begun_is_over_after_ten_minutes(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        let begun = core.latchkey.begin_factor(&ada, BeginFactor::default()).await.expect("begun");
        core.pass(Duration::from_secs(600));
        let late = ConfirmFactor { code: Some(secret(&core.shown(&Phone::new(&begun.secret)))) };
        assert_eq!(code(core.latchkey.confirm_factor(&ada, late).await), "not_found");
        assert!(core.latchkey.pending_factor(&ada).await.expect("read").is_none());
    }

    async fn the_first_code_is_spent_and_other_sessions_end(core: TestCore) {
        let elsewhere = core.owner("Ada").await;
        let here = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        let ada = core.actor(access(&here)).await;
        let begun = core.latchkey.begin_factor(&ada, BeginFactor::default()).await.expect("begun");
        let first = core.shown(&Phone::new(&begun.secret));
        core.latchkey.confirm_factor(&ada, ConfirmFactor { code: Some(secret(&first)) }).await.expect("on");
        assert_eq!(code(core.finish(&core.half("Ada").await, &first).await), "invalid_code");
        assert_eq!(code(core.bearer(access(&elsewhere)).await), "token_revoked");
        assert!(core.bearer(access(&here)).await.is_ok());
        assert!(core.subjects("Ada").await.iter().any(|subject| subject.starts_with("Two-factor authentication is on")));
    }

    async fn a_code_works_once_whatever_it_is_for(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let shown = core.shown(&ada.phone);
        core.finish(&core.half("Ada").await, &shown).await.expect("signed in");
        assert_eq!(code(core.finish(&core.half("Ada").await, &shown).await), "invalid_code");
        assert_eq!(code(core.latchkey.step_up(&ada.actor, Some(secret(&shown))).await), "invalid_code");
        let before = ada.phone.shows(core.latchkey.now(), -1);
        assert_eq!(code(core.finish(&core.half("Ada").await, &before).await), "invalid_code", "an older step after a newer");
        let off = EndFactor { password: Some(secret(PASSWORD)), code: Some(secret(&shown)) };
        assert_eq!(code(core.latchkey.end_factor(&ada.actor, off).await), "invalid_code");
        let next = ada.phone.shows(core.latchkey.now(), 1);
        core.finish(&core.half("Ada").await, &next).await.expect("one step early is fine");
    }

    async fn one_step_of_drift_is_accepted_and_two_are_not(core: TestCore) {
        for (name, steps, fits) in [("Ada", -2, false), ("Grace", -1, true), ("Mary", 0, true), ("Emmy", 1, true), ("Lise", 2, false)] {
            let person = core.guarded(name).await;
            core.pass(Duration::from_secs(300));
            let shown = person.phone.shows(core.latchkey.now(), steps);
            assert_eq!(core.finish(&core.half(name).await, &shown).await.is_ok(), fits, "{steps} steps");
        }
    }

    async fn a_clock_that_is_set_back_brings_no_code_back(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let shown = core.shown(&ada.phone);
        core.finish(&core.half("Ada").await, &shown).await.expect("signed in");
        let earlier = Clock::fixed(core.latchkey.now().minus(Duration::from_secs(3600)));
        let back = TestCore::over(Latchkey::open(core.latchkey.settings().clone(), earlier).await.expect("opens"));
        assert_eq!(code(back.finish(&back.half("Ada").await, &shown).await), "invalid_code", "it is not its time");
        let old = back.shown(&ada.phone);
        assert_eq!(code(back.finish(&back.half("Ada").await, &old).await), "invalid_code", "an older step after a newer");
    }

    async fn of_two_hundred_uses_of_one_code_one_succeeds(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let (shown, backup) = (core.shown(&ada.phone), ada.codes[0].clone());
        let core = Arc::new(core);
        for one in [shown, backup] {
            let mut halves = Vec::new();
            for _ in 0..200 {
                halves.push(core.half("Ada").await);
            }
            let tries = halves.into_iter().map(|half| {
                let (core, one) = (Arc::clone(&core), one.clone());
                tokio::spawn(async move { core.finish(&half, &one).await.is_ok() })
            });
            assert_eq!(successes(tries.collect()).await, 1, "{one}");
            core.pass(Duration::from_secs(900));
        }
    }

    async fn of_two_hundred_uses_of_one_half_sign_in_one_succeeds(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let (half, codes) = (core.half("Ada").await, ada.codes.clone());
        let core = Arc::new(core);
        let tries = (0..200).map(|number| {
            let (core, half, one) = (Arc::clone(&core), half.clone(), codes[number % codes.len()].clone());
            tokio::spawn(async move { core.finish(&half, &one).await.is_ok() })
        });
        assert_eq!(successes(tries.collect()).await, 1);
    }

    async fn five_wrong_codes_end_the_step_and_ten_lock_the_factor(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let half = core.half("Ada").await;
        for _ in 0..5 {
            assert_eq!(code(core.finish(&half, "000000").await), "invalid_code");
        }
        assert_eq!(code(core.finish(&half, &core.shown(&ada.phone)).await), "invalid_token");
        let (second, elsewhere) = (core.half("Ada").await, crate::Visitor { address: [10, 0, 0, 9].into(), ..visitor() });
        for number in 0..5 {
            let tried = core.latchkey.finish_sign_in(&elsewhere, &second, typed("000000"), Opening::api()).await;
            assert_eq!(code(tried), if number < 4 { "invalid_code" } else { "locked" }, "{number}");
        }
        let third = core.half("Ada").await;
        for one in [core.shown(&ada.phone), ada.codes[0].clone()] {
            assert_eq!(code(core.finish(&third, &one).await), "locked", "the lock covers both");
            assert_eq!(code(core.latchkey.step_up(&ada.actor, Some(secret(&one))).await), "locked", "everywhere");
        }
        core.pass(Duration::from_secs(899));
        let Err(Error::Locked { retry_after }) = core.finish(&core.half("Ada").await, "000000").await else {
            panic!("it is still locked")
        };
        assert_eq!(retry_after, Duration::from_secs(1), "what was tried meanwhile did not make it longer");
        core.pass(Duration::from_secs(1));
        core.finish(&core.half("Ada").await, &core.shown(&ada.phone)).await.expect("the wait is over");
        assert_eq!(core.subjects("Ada").await.iter().filter(|subject| subject.starts_with("Too many wrong codes")).count(), 1);
    }

    async fn of_two_hundred_guesses_at_once_nine_are_compared_before_the_lock(core: TestCore) {
        core.guarded("Ada").await;
        let mut halves = Vec::new();
        for _ in 0..200 {
            halves.push(core.half("Ada").await);
        }
        let core = Arc::new(core);
        let tries: Vec<_> = halves.into_iter().map(|half| {
            let core = Arc::clone(&core);
            tokio::spawn(async move { code(core.finish(&half, "000000").await) == "invalid_code" })
        }).collect();
        assert_eq!(successes(tries).await, 9, "the tenth locks, the others find it locked");
    }

    async fn a_right_password_does_not_clear_the_count_and_a_right_code_does(core: TestCore) {
        let ada = core.guarded("Ada").await;
        for number in 0..9 {
            let half = core.half("Ada").await;
            assert_eq!(code(core.finish(&half, "000000").await), "invalid_code", "{number}");
        }
        core.finish(&core.half("Ada").await, &core.shown(&ada.phone)).await.expect("signed in");
        for number in 0..9 {
            assert_eq!(code(core.finish(&core.half("Ada").await, "000000").await), "invalid_code", "{number}");
        }
        assert_eq!(code(core.finish(&core.half("Ada").await, "000000").await), "locked");
    }

    async fn a_step_lives_five_minutes(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let half = core.half("Ada").await;
        core.pass(Duration::from_secs(299));
        assert!(core.latchkey.half_sign_in(&half).await.expect("read").is_some());
        core.pass(Duration::from_secs(1));
        assert!(core.latchkey.half_sign_in(&half).await.expect("read").is_none());
        assert_eq!(code(core.finish(&half, &core.shown(&ada.phone)).await), "token_expired");
    }

    async fn a_backup_code_stands_in_for_the_phone_once(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let one = ada.codes[3].to_lowercase().replace('-', " ");
        core.finish(&core.half("Ada").await, &one).await.expect("signed in");
        assert_eq!(code(core.finish(&core.half("Ada").await, &one).await), "invalid_code");
        let standing = core.latchkey.backup_codes(&ada.actor).await.expect("read");
        assert_eq!((standing.total_codes, standing.used_codes, standing.remaining_codes), (10, 1, 9));
        let mails = core.mails("Ada").await;
        let told = mails.iter().find(|mail| mail.written.subject.starts_with("A backup code was used")).expect("told");
        assert!(told.written.text.contains("9 codes are left"));
    }

    async fn the_codes_of_one_person_open_nothing_for_another(core: TestCore) {
        let ada = core.guarded("Ada").await;
        core.guarded("Grace").await;
        assert_eq!(code(core.finish(&core.half("Grace").await, &ada.codes[0]).await), "invalid_code");
        assert_eq!(code(core.finish(&core.half("Grace").await, &core.shown(&ada.phone)).await), "invalid_code");
    }

    async fn new_backup_codes_need_a_proof_and_kill_the_old_ones(core: TestCore) {
        let ada = core.guarded("Ada").await;
        core.pass(Duration::from_secs(600));
        let none = RenewBackupCodes::default();
        assert_eq!(code(core.latchkey.renew_backup_codes(&ada.actor, none.clone()).await), "reauthentication_required");
        let wrong = RenewBackupCodes { password: Some(secret("not the password")), code: None };
        assert_eq!(code(core.latchkey.renew_backup_codes(&ada.actor, wrong).await), "invalid_password");
        let with = RenewBackupCodes { password: Some(secret(PASSWORD)), code: None };
        let made = core.latchkey.renew_backup_codes(&ada.actor, with).await.expect("made");
        assert_eq!((made.backup_codes.len(), made.used_count, made.remaining_count), (10, 0, 10));
        assert_eq!(code(core.finish(&core.half("Ada").await, &ada.codes[0]).await), "invalid_code");
        core.finish(&core.half("Ada").await, &made.codes[0]).await.expect("signed in");
        assert!(core.subjects("Ada").await.iter().any(|subject| subject.starts_with("New backup codes")));
    }

    async fn switching_off_needs_both_proofs(core: TestCore) {
        let ada = core.guarded("Ada").await;
        core.pass(Duration::from_secs(600));
        let end = |password: Option<&str>, code: Option<&str>| EndFactor { password: password.map(secret), code: code.map(secret) };
        for (proofs, refused) in [
            (end(None, None), "validation_failed"),
            (end(Some("not the password"), None), "invalid_password"),
            (end(Some(PASSWORD), None), "reauthentication_required"),
            (end(Some(PASSWORD), Some("000000")), "invalid_code"),
            (end(None, Some(&core.shown(&ada.phone))), "validation_failed"),
        ] {
            assert_eq!(code(core.latchkey.end_factor(&ada.actor, proofs).await), refused);
            assert!(core.latchkey.factor_status(&ada.actor).await.expect("read").enabled, "{refused}");
        }
        let both = end(Some(PASSWORD), Some(&core.shown(&ada.phone)));
        core.latchkey.end_factor(&ada.actor, both).await.expect("off");
        core.sign_in("Ada", PASSWORD).await.expect("the password is enough again");
        assert_eq!(core.latchkey.backup_codes(&ada.actor).await.expect("read").total_codes, 0);
        assert_eq!(code(core.latchkey.step_up(&ada.actor, Some(secret("000000"))).await), "two_factor_not_enabled");
    }

    async fn after_a_step_up_the_password_alone_switches_off(core: TestCore) {
        let ada = core.guarded("Ada").await;
        core.pass(Duration::from_secs(600));
        let shown = core.latchkey.step_up(&ada.actor, Some(secret(&core.shown(&ada.phone)))).await.expect("shown");
        let ada = core.actor(&shown.access_token).await;
        let with = EndFactor { password: Some(secret(PASSWORD)), code: None };
        core.latchkey.end_factor(&ada, with).await.expect("off");
    }

    async fn a_new_phone_takes_the_place_of_the_old_when_it_is_proven(core: TestCore) {
        let ada = core.guarded("Ada").await;
        assert_eq!(code(core.latchkey.begin_factor(&ada.actor, BeginFactor::default()).await), "two_factor_already_enabled");
        let again = BeginFactor { replace: Some(true) };
        let begun = core.latchkey.begin_factor(&ada.actor, again.clone()).await.expect("the set-up counts as a proof");
        core.finish(&core.half("Ada").await, &core.shown(&ada.phone)).await.expect("the old one is still in force");
        let new = Phone::new(&begun.secret);
        core.latchkey.confirm_factor(&ada.actor, ConfirmFactor { code: Some(secret(&core.shown(&new))) }).await.expect("on");
        core.next_step();
        assert_eq!(code(core.finish(&core.half("Ada").await, &core.shown(&ada.phone)).await), "invalid_code");
        assert_eq!(code(core.finish(&core.half("Ada").await, &ada.codes[0]).await), "invalid_code");
        core.finish(&core.half("Ada").await, &core.shown(&new)).await.expect("signed in");
        core.pass(Duration::from_secs(600));
        assert_eq!(code(core.latchkey.begin_factor(&ada.actor, again).await), "reauthentication_required");
    }

    async fn keys_with_admin_are_made_only_after_a_recent_proof(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        let admin = || NewKey { scopes: Some(strings(&["admin"])), ..NewKey::default() };
        let key = core.make_key(&ada, admin()).await.expect("right after signing up");
        core.pass(Duration::from_secs(600));
        assert_eq!(code(core.make_key(&ada, admin()).await), "reauthentication_required");
        assert_eq!(code(core.latchkey.regenerate_api_key(&ada, &key.id.to_string(), RegenerateKey::default()).await), "reauthentication_required");
        let wrong = Reauthenticate { password: Some(secret("not the password")), code: None };
        assert_eq!(code(core.latchkey.reauthenticate(&ada, wrong).await), "invalid_password");
        let shown = Reauthenticate { password: Some(secret(PASSWORD)), code: None };
        core.latchkey.reauthenticate(&ada, shown).await.expect("shown");
        let ada = core.actor(access(&session)).await;
        core.make_key(&ada, admin()).await.expect("made");
        let by_key = core.actor(&key.key).await;
        core.make_key(&by_key, admin()).await.expect("a key with admin has no person to ask");
    }

    async fn every_first_factor_meets_the_gate(core: TestCore) {
        for first in ["password", "link", "mailed code", "recovery"] {
            for second in ["none", "code", "backup code", "trusted device", "locked"] {
                let name = format!("{first}.{second}").replace(' ', "-");
                let outcome = pass_the_gate(&core, &name, first, second).await;
                let expected = match second {
                    "code" | "backup code" => "asked, then signed in",
                    // Choosing a new password ends the trust in every device.
                    "trusted device" if first == "recovery" => "asked, then signed in",
                    "none" | "trusted device" => "signed in",
                    _ => "asked, then locked",
                };
                assert_eq!(outcome, expected, "{first}, {second}");
            }
        }
    }

    async fn confirming_an_address_opens_no_session_where_a_second_factor_is_due(core: TestCore) {
        core.guarded("Ada").await;
        let token = token_of(&core.mail("Ada", "/verify-email").await, "/verify-email");
        let verified = core.latchkey.verify_address(&visitor(), by_token(&token), Opening::api()).await.expect("verified");
        assert!(verified.signed_in.is_none());
    }

    async fn a_new_password_ends_what_was_half_done(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let half = core.half("Ada").await;
        let input = ChangePassword { current_password: Some(secret(PASSWORD)), new_password: Some(secret("lantern over quiet water")) };
        core.latchkey.change_password(&ada.actor, input).await.expect("changed");
        assert_eq!(code(core.finish(&half, &core.shown(&ada.phone)).await), "invalid_token");
    }

    async fn setting_up_is_limited(core: TestCore) {
        let strict = core.strict().await;
        let session = strict.owner("Ada").await;
        let ada = strict.actor(access(&session)).await;
        for number in 0..4 {
            let begun = strict.latchkey.begin_factor(&ada, BeginFactor::default()).await;
            assert_eq!(code(begun), if number < 3 { "it succeeded" } else { "rate_limited" }, "{number}");
        }
        for number in 0..6 {
            let tried = strict.latchkey.confirm_factor(&ada, ConfirmFactor { code: Some(secret("000000")) }).await;
            assert_eq!(code(tried), if number < 5 { "invalid_code" } else { "rate_limited" }, "{number}");
        }
    }

    async fn wrong_proofs_at_a_change_are_limited(core: TestCore) {
        let strict = core.strict().await;
        let ada = strict.guarded("Ada").await;
        for number in 0..4 {
            let wrong = EndFactor { password: Some(secret("not the password")), code: None };
            let answer = code(strict.latchkey.end_factor(&ada.actor, wrong).await);
            assert_eq!(answer, if number < 3 { "invalid_password" } else { "rate_limited" }, "{number}");
        }
    }

    async fn no_secret_and_no_code_stands_in_the_database(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        let begun = core.latchkey.begin_factor(&ada, BeginFactor::default()).await.expect("begun");
        let pending = core.latchkey.dump_for_test().await;
        let guarded = core.enrol(&ada).await;
        let half = core.half("Ada").await;
        let on = core.latchkey.dump_for_test().await;
        assert!(on.contains("ada@example.org"), "the dump shows something");
        for dump in [pending, on] {
            assert!(!dump.contains(&begun.secret) && !dump.contains(&half));
            for one in &guarded.codes {
                assert!(!dump.contains(one.as_str()) && !dump.contains(&one.replace('-', "")));
            }
        }
    }
}

/// Signs in by one first factor against one second, and says what happened.
async fn pass_the_gate(core: &TestCore, name: &str, first: &str, second: &str) -> &'static str {
    core.pass(Duration::from_secs(60));
    let session = core.owner(name).await;
    let mut opening = Opening::api();
    let (mut proof, mut device) = (String::new(), None);
    if second != "none" {
        let guarded = core.enrol(&core.actor(access(&session)).await).await;
        proof = if second == "backup code" { guarded.codes[0].clone() } else { core.shown(&guarded.phone) };
        if second == "trusted device" {
            let trusting = VerifyFactor { trust_device: Some(true), ..typed(&proof) };
            let half = core.half(name).await;
            let signed_in = core.latchkey.finish_sign_in(&visitor(), &half, trusting, Opening::api()).await;
            device = signed_in.expect("signed in").view.device_token;
            core.next_step();
            proof = core.shown(&guarded.phone);
        }
        if second == "locked" {
            for _ in 0..10 {
                let _ = core.finish(&core.half(name).await, "000000").await;
            }
        }
    }
    opening.devices = device.as_deref().map_or(DeviceTokens::None, DeviceTokens::Header);
    match enter(core, name, first, opening).await.expect("the first factor is right") {
        Entered::SignedIn(_) => "signed in",
        Entered::SecondFactorDue(due) => match code(core.finish(due.token.reveal(), &proof).await) {
            "it succeeded" => "asked, then signed in",
            "locked" => "asked, then locked",
            other => other,
        },
    }
}

async fn enter(core: &TestCore, name: &str, first: &str, opening: Opening<'_>) -> Result<Entered, Error> {
    let latchkey = &core.latchkey;
    match first {
        "password" => latchkey.sign_in(&visitor(), password(name), opening).await,
        "link" => {
            let token = token_of(&core.magic_link(name).await, "/magic-link");
            latchkey.sign_in_by_mail(&visitor(), by_token(&token), opening).await
        }
        "mailed code" => {
            let mailed = code_of(&core.magic_link(name).await);
            latchkey.sign_in_by_mail(&visitor(), by_code(name, &mailed), opening).await
        }
        _ => {
            latchkey.ask_reset(&visitor(), to(name), None).await?;
            let token = token_of(&core.mail(name, "/reset-password").await, "/reset-password");
            latchkey.reset_password(&visitor(), reset(&token, "lantern over quiet water")).await?;
            let input = SignIn { password: Some(secret("lantern over quiet water")), ..password(name) };
            latchkey.sign_in(&visitor(), input, opening).await
        }
    }
}
