use std::sync::Arc;
use std::time::Duration;

use super::mail::{secret, successes};
use super::phone::Phone;
use crate::flow::api_keys::{NewKey, RegenerateKey};
use crate::flow::backup_codes::RenewBackupCodes;
use crate::flow::enrol::{BeginFactor, ConfirmFactor, EndFactor};
use crate::flow::step_up::Reauthenticate;
use crate::testing::{PASSWORD, access, code, on_both_engines, strings};

on_both_engines! {
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

    async fn of_codes_renewed_many_times_at_once_ten_are_left(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let core = Arc::new(core);
        let renew = |_| {
            let (core, actor) = (Arc::clone(&core), ada.actor.clone());
            tokio::spawn(async move { core.latchkey.renew_backup_codes(&actor, RenewBackupCodes::default()).await.is_ok() })
        };
        assert_eq!(successes((0..20).map(renew).collect()).await, 20);
        assert_eq!(core.latchkey.backup_codes(&ada.actor).await.expect("read").total_codes, 10);
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
}
