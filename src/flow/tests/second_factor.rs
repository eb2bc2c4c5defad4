use std::sync::Arc;
use std::time::Duration;

use super::mail::{by_code, by_token, code_of, reset, secret, successes, to, token_of};
use super::phone::{password, typed};
use crate::clock::Clock;
use crate::flow::account::ChangePassword;
use crate::flow::enrol::{BeginFactor, EndFactor};
use crate::flow::gate::{DeviceTokens, Entered};
use crate::flow::second_factor::VerifyFactor;
use crate::flow::sign_in::{Opening, SignIn};
use crate::testing::{PASSWORD, TestCore, access, code, on_both_engines, through, visitor};
use crate::{Error, Latchkey};

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

    async fn t03_a_clock_that_is_set_back_brings_no_code_back(core: TestCore) {
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

    async fn t04_of_two_hundred_guesses_at_once_nine_are_compared_before_the_lock(core: TestCore) {
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

    async fn l08_every_first_factor_meets_the_gate(core: TestCore) {
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
        let input = ChangePassword { current_password: Some(secret(PASSWORD)), new_password: Some(secret("lantern over quiet water")), ..ChangePassword::default() };
        core.latchkey.change_password(&ada.actor, input).await.expect("changed");
        assert_eq!(code(core.finish(&half, &core.shown(&ada.phone)).await), "invalid_token");
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
        let bare = totp_rs::Secret::try_from_base32(&begun.secret).expect("base32").as_bytes().to_vec();
        let listed = serde_json::to_string(&bare).expect("a list of numbers");
        for dump in [pending, on] {
            assert!(!dump.contains(&begun.secret) && !dump.contains(&half));
            assert!(!dump.contains(&*String::from_utf8_lossy(&bare)) && !dump.contains(&listed));
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
