//! A full disk, a crowd before the database, a clock that jumps an hour ahead or back and returns.

use std::time::Duration;

use super::mail::{by_token, token_of};
use super::phone::password;
use crate::flow::sign_in::{Opening, SecretText};
use crate::flow::tokens::Refresh;
use crate::settings::Limits;
use crate::testing::{PASSWORD, TestCore, access, code, on_both_engines, refresh, through, visitor};
use crate::{Error, Latchkey};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn with(token: &str) -> Refresh {
    Refresh { refresh_token: Some(SecretText(token.to_owned())), ..Refresh::default() }
}

impl TestCore {
    fn set_back(&self, span: Duration) {
        self.latchkey.clock().set_back(span);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writing_halves_nothing_and_is_over_when_there_is_room() {
    let core = TestCore::sqlite().await;
    let ada = core.owner("Ada").await;
    let actor = core.actor(access(&ada)).await;
    let key = core.key(&actor, &["read"]).await;
    core.latchkey.fill_disk_for_test(true).await;
    let mut taken = Vec::new();
    let mut refused = None;
    for number in 0..200 {
        let name = format!("Person{number}");
        match core.sign_up(&name).await {
            Ok(_) => taken.push(name),
            Err(error) => {
                refused = Some((name, error));
                break;
            }
        }
    }
    let (name, error) = refused.expect("the disk is full");
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!((error.status(), error.retry_after().is_some()), (503, true));
    assert!(core.bearer(access(&ada)).await.is_ok() && core.bearer(&key.key).await.is_ok(), "verification goes on");
    assert!(core.latchkey.check_database().await.is_ok(), "and so does reading");
    let half = core.latchkey.dump_for_test().await;
    assert!(!half.contains(&crate::testing::address(&name)), "nothing half done");
    core.latchkey.fill_disk_for_test(false).await;
    core.sign_up(&name).await.expect("there is room");
    for name in taken {
        core.sign_in(&name, PASSWORD).await.expect("acknowledged");
    }
}

on_both_engines! {
    async fn who_comes_to_a_crowd_before_the_database_is_sent_away_at_once(core: TestCore) {
        let narrow = core.reopened(|settings| {
            settings.storage.connections = 2;
            settings.storage.waiting = 3;
        });
        let crowded = narrow.await.expect("opens");
        let held = [crowded.0.db.read().await.expect("one"), crowded.0.db.read().await.expect("two")];
        let wait = |latchkey: Latchkey| tokio::spawn(async move { latchkey.check_database().await });
        let waiting: Vec<_> = (0..3).map(|_| wait(crowded.clone())).collect();
        while crowded.0.db.waiting() < 3 {
            tokio::task::yield_now().await;
        }
        let refused = crowded.check_database().await.expect_err("too many");
        assert!(matches!(refused, Error::Busy { .. }) && refused.retry_after().is_some(), "{refused:?}");
        drop(held);
        for waited in waiting {
            waited.await.expect("ran").expect("its turn came");
        }
        crowded.check_database().await.expect("the crowd is gone");
    }

    async fn a_clock_that_was_an_hour_ahead_or_behind_ends_no_session_and_no_key(core: TestCore) {
        let ada = core.owner("Ada").await;
        let key = core.key(&core.actor(access(&ada)).await, &["read"]).await;
        for ahead in [true, false] {
            let jump = |forth: bool| if forth == ahead { core.pass(HOUR) } else { core.set_back(HOUR) };
            jump(true);
            let meanwhile = core.sign_in("Ada", PASSWORD).await.expect("signed in");
            assert!(core.bearer(access(&meanwhile)).await.is_ok());
            jump(false);
            assert!(core.bearer(access(&ada)).await.is_ok(), "the session of before");
            assert!(core.bearer(&key.key).await.is_ok(), "the key");
            let renewed = core.latchkey.refresh(&visitor(), with(refresh(&meanwhile))).await.expect("refreshed");
            assert!(core.bearer(&renewed.tokens.expect("a pair").access_token).await.is_ok(), "the session of meanwhile");
            core.sign_in("Ada", PASSWORD).await.expect("and a new one");
        }
    }

    async fn limits_that_were_full_while_the_clock_was_ahead_begin_anew(core: TestCore) {
        let core = TestCore::over(core.reopened(|settings| settings.limits = Limits::default()).await.expect("opens"));
        core.owner("Ada").await;
        core.pass(HOUR);
        for _ in 0..5 {
            assert_eq!(code(core.sign_in("Ada", "not the right one").await), "invalid_credentials");
        }
        assert_eq!(code(core.sign_in("Ada", PASSWORD).await), "rate_limited");
        core.set_back(HOUR);
        core.sign_in("Ada", PASSWORD).await.expect("not locked out for an hour");
    }

    async fn a_factor_locked_while_the_clock_was_ahead_is_not_locked_for_an_hour(core: TestCore) {
        let ada = core.guarded("Ada").await;
        core.pass(HOUR);
        for _ in 0..core.latchkey.settings().two_factor.failures {
            let _ = core.finish(&core.half("Ada").await, "000000").await;
        }
        let shown = core.shown(&ada.phone);
        assert_eq!(code(core.finish(&core.half("Ada").await, &shown).await), "locked");
        core.set_back(HOUR);
        core.finish(&core.half("Ada").await, &core.shown(&ada.phone)).await.expect("the lock went with the jump");
    }

    async fn steps_spent_while_the_clock_was_ahead_stay_spent_until_it_is_that_time_and_backup_codes_help(core: TestCore) {
        let ada = core.guarded("Ada").await;
        core.pass(HOUR);
        core.finish(&core.half("Ada").await, &core.shown(&ada.phone)).await.expect("signed in");
        core.set_back(HOUR);
        assert_eq!(code(core.finish(&core.half("Ada").await, &core.shown(&ada.phone)).await), "invalid_code");
        core.finish(&core.half("Ada").await, &ada.codes[0]).await.expect("a backup code");
        core.pass(HOUR + Duration::from_secs(30));
        core.finish(&core.half("Ada").await, &core.shown(&ada.phone)).await.expect("an hour later at the latest");
    }

    async fn what_works_once_works_once_whichever_way_the_clock_jumps(core: TestCore) {
        let ada = core.owner("Ada").await;
        let link = token_of(&core.magic_link("Ada").await, "/magic-link");
        core.by_mail(by_token(&link)).await.expect("signed in");
        let next = core.latchkey.refresh(&visitor(), with(refresh(&ada))).await.expect("refreshed").tokens.expect("a pair");
        core.set_back(HOUR);
        assert!(core.by_mail(by_token(&link)).await.is_err(), "a link");
        assert_eq!(code(core.latchkey.refresh(&visitor(), with(refresh(&ada))).await), "token_revoked", "a refresh token");
        core.pass(HOUR);
        assert_eq!(code(core.bearer(&next.access_token).await), "token_revoked", "nor does what came of it");
        assert!(core.by_mail(by_token(&link)).await.is_err(), "and not afterwards");
    }

    async fn a_mailed_link_that_ran_out_in_a_jump_ahead_is_good_again_after_it(core: TestCore) {
        core.owner("Ada").await;
        let link = token_of(&core.magic_link("Ada").await, "/magic-link");
        core.pass(HOUR);
        core.latchkey.clean_up().await.expect("cleaned up");
        assert!(core.by_mail(by_token(&link)).await.is_err(), "its time is over");
        core.set_back(HOUR);
        core.by_mail(by_token(&link)).await.expect("good again");
    }

    async fn a_proof_given_while_the_clock_was_ahead_is_not_recent_after_it(core: TestCore) {
        core.owner("Ada").await;
        core.pass(HOUR);
        let meanwhile = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        core.set_back(HOUR);
        let renewed = core.latchkey.refresh(&visitor(), with(refresh(&meanwhile))).await.expect("refreshed");
        let actor = core.actor(&renewed.tokens.expect("a pair").access_token).await;
        assert_eq!(code(core.latchkey.fresh(&actor)), "reauthentication_required");
        let again = core.actor(access(&through(core.latchkey.sign_in(&visitor(), password("Ada"), Opening::api()).await).expect("in"))).await;
        assert!(core.latchkey.fresh(&again).is_ok());
    }
}
