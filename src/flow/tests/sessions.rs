use std::time::Duration;

use crate::Actor;
use crate::flow::account::ChangePassword;
use crate::flow::sessions::Origins;
use crate::flow::sign_in::{Opening, SecretText, SignIn};
use crate::testing::{PASSWORD, access, address, code, on_both_engines, through, visitor};

const DAY: Duration = Duration::from_secs(86_400);

fn secret(signed_in: &crate::flow::sign_in::SignedIn) -> &str {
    signed_in.cookie.as_ref().expect("a cookie").value.reveal()
}

on_both_engines! {
    async fn signing_out_ends_the_cookie_and_the_tokens_at_once(core: TestCore) {
        let ada = core.owner("Ada").await;
        assert!(core.cookie(secret(&ada)).await.is_ok());
        let actor = core.actor(access(&ada)).await;
        core.latchkey.sign_out(&actor).await.expect("signed out");
        assert_eq!(code(core.bearer(access(&ada)).await), "token_revoked");
        assert_eq!(code(core.cookie(secret(&ada)).await), "token_revoked");
    }

    async fn signing_out_everywhere_ends_every_session(core: TestCore) {
        let one = core.owner("Ada").await;
        let two = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        let actor = core.actor(access(&one)).await;
        assert!(core.bearer(access(&two)).await.is_ok());
        core.latchkey.sign_out_everywhere(&actor).await.expect("ended");
        assert_eq!(code(core.bearer(access(&one)).await), "token_revoked");
        assert_eq!(code(core.bearer(access(&two)).await), "token_revoked");
    }

    async fn ending_the_other_sessions_leaves_this_one(core: TestCore) {
        let one = core.owner("Ada").await;
        let two = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        let actor = core.actor(access(&one)).await;
        assert!(core.bearer(access(&two)).await.is_ok());
        core.latchkey.end_other_sessions(&actor).await.expect("ended");
        assert!(core.bearer(access(&one)).await.is_ok());
        assert_eq!(code(core.bearer(access(&two)).await), "token_revoked");
    }

    async fn a_person_ends_their_own_sessions_and_nobody_elses(core: TestCore) {
        let ada = core.owner("Ada").await;
        let grace = core.owner("Grace").await;
        let other = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        let actor = core.actor(access(&ada)).await;
        let graces = core.latchkey.sessions(&core.actor(access(&grace)).await).await.expect("listed")[0].id.to_string();
        assert_eq!(code(core.latchkey.end_session(&actor, &graces).await), "not_found");
        assert!(core.bearer(access(&grace)).await.is_ok());
        let sessions = core.latchkey.sessions(&actor).await.expect("listed");
        assert_eq!(sessions.len(), 2);
        let away = sessions.iter().find(|session| !session.is_current).expect("the other one").id.to_string();
        core.latchkey.end_session(&actor, &away).await.expect("ended");
        assert_eq!(code(core.bearer(access(&other)).await), "token_revoked");
        assert_eq!(code(core.latchkey.end_session(&actor, &away).await), "not_found");
    }

    async fn a_session_ends_by_rest(core: TestCore) {
        let ada = core.owner("Ada").await;
        core.pass(13 * DAY);
        assert!(core.cookie(secret(&ada)).await.is_ok());
        core.pass(13 * DAY);
        assert!(core.cookie(secret(&ada)).await.is_ok(), "it was used in between");
        core.latchkey.flush().await.expect("flushed");
        core.pass(3 * DAY);
        assert!(core.cookie(secret(&ada)).await.is_ok());
        core.pass(DAY);
        assert_eq!(code(core.cookie(secret(&ada)).await), "token_revoked");
    }

    async fn a_session_that_was_not_kept_lasts_a_day(core: TestCore) {
        core.owner("Ada").await;
        let input = SignIn {
            email: Some(address("Ada")),
            password: Some(SecretText(PASSWORD.to_owned())),
            remember: Some(false),
            ..SignIn::default()
        };
        let short = through(core.latchkey.sign_in(&visitor(), input, Opening::page(None, None)).await).expect("signed in");
        assert!(short.cookie.as_ref().expect("a cookie").max_age.is_none());
        core.pass(DAY.checked_sub(Duration::from_secs(1)).expect("less"));
        assert!(core.cookie(secret(&short)).await.is_ok());
        core.pass(Duration::from_secs(1));
        assert_eq!(code(core.cookie(secret(&short)).await), "token_revoked");
    }

    async fn signing_in_again_in_one_browser_ends_the_session_before(core: TestCore) {
        let ada = core.owner("Ada").await;
        let before = secret(&ada).to_owned();
        assert!(core.cookie(&before).await.is_ok());
        let input = SignIn {
            email: Some(address("Ada")),
            password: Some(SecretText(PASSWORD.to_owned())),
            ..SignIn::default()
        };
        let after = through(core.latchkey.sign_in(&visitor(), input, Opening::page(Some(&before), None)).await).expect("signed in");
        assert_eq!(code(core.cookie(&before).await), "token_revoked");
        assert!(core.cookie(secret(&after)).await.is_ok());
    }

    async fn changing_the_password_ends_all_other_sessions_and_renews_this_one(core: TestCore) {
        let ada = core.owner("Ada").await;
        let other = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        let actor = Actor::new(visitor(), core.cookie(secret(&ada)).await.expect("good"));
        let change = |current: &str, new: &str| ChangePassword {
            current_password: Some(SecretText(current.to_owned())),
            new_password: Some(SecretText(new.to_owned())),
            ..ChangePassword::default()
        };
        assert_eq!(code(core.latchkey.change_password(&actor, change("wrong", "lantern over water")).await), "invalid_password");
        assert_eq!(code(core.latchkey.change_password(&actor, change(PASSWORD, "short")).await), "weak_password");
        assert!(core.bearer(access(&other)).await.is_ok(), "nothing has changed yet");
        let renewed = core.latchkey.change_password(&actor, change(PASSWORD, "lantern over water")).await.expect("changed");
        assert_eq!(code(core.bearer(access(&other)).await), "token_revoked");
        assert_eq!(code(core.cookie(secret(&ada)).await), "token_revoked", "the old cookie is dead");
        assert!(core.cookie(secret(&renewed)).await.is_ok());
        assert_eq!(code(core.sign_in("Ada", PASSWORD).await), "invalid_credentials");
        assert!(core.sign_in("Ada", "lantern over water").await.is_ok());
    }

    async fn changes_by_cookie_need_the_token_of_that_session_and_our_own_page(core: TestCore) {
        let ada = core.owner("Ada").await;
        let grace = core.owner("Grace").await;
        let by_cookie = Actor::new(visitor(), core.cookie(secret(&ada)).await.expect("good"));
        let ours = Origins { origin: Some("http://localhost:3000"), referer: None, fetch_site: Some("same-origin") };
        let check = |token: Option<&str>, origins| core.latchkey.check_csrf(&by_cookie, token, origins);
        let token = ada.view.csrf_token.as_str();
        assert!(check(Some(token), ours).is_ok());
        assert_eq!(code(check(None, ours)), "csrf_failed");
        assert_eq!(code(check(Some(&grace.view.csrf_token), ours)), "csrf_failed");
        let referer = Origins { origin: None, referer: Some("http://localhost:3000/settings"), fetch_site: None };
        assert!(check(Some(token), referer).is_ok());
        for foreign in [
            Origins { origin: Some("http://evil.test"), ..ours },
            Origins { origin: Some("null"), ..ours },
            Origins { origin: Some("http://localhost:3000.evil.test"), ..ours },
            Origins { fetch_site: Some("cross-site"), ..ours },
            Origins { fetch_site: Some("same-site"), ..ours },
            Origins { origin: None, referer: Some("http://localhost:30001/"), fetch_site: None },
            Origins::default(),
        ] {
            assert_eq!(code(check(Some(token), foreign)), "csrf_failed", "{foreign:?}");
        }
        let by_token = core.actor(access(&ada)).await;
        assert!(core.latchkey.check_csrf(&by_token, None, Origins::default()).is_ok());
    }

    async fn what_ended_long_ago_is_dropped(core: TestCore) {
        let ada = core.owner("Ada").await;
        core.pass(40 * DAY);
        core.latchkey.clean_up().await.expect("cleaned");
        assert_eq!(code(core.cookie(secret(&ada)).await), "token_revoked");
        assert!(core.sign_in("Ada", PASSWORD).await.is_ok());
    }
}
