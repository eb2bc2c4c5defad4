use std::sync::Arc;
use std::time::Duration;

use super::mail::{by_token, reset, secret, token_of};
use crate::Error;
use crate::flow::sign_in::{Opening, SignIn, SignedIn};
use crate::guessing::Lane;
use crate::settings::Limits;
use crate::store::{GuessBounds, GuessCount};
use crate::testing::{PASSWORD, TestCore, address, code, on_both_engines, through, visitor};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WRONG: &str = "not the password";
const NEW_PASSWORD: &str = "lantern over quiet water";
const SUBJECT: &str = "Somebody is trying passwords at Ada Works";

impl TestCore {
    /// Tries a password, with a browser or as a stranger.
    async fn tries(&self, name: &str, password: &str, browser: Option<&str>) -> Result<SignedIn, Error> {
        let input = SignIn { email: Some(address(name)), password: Some(secret(password)), ..SignIn::default() };
        let opening = Opening { browser, ..Opening::api() };
        through(self.latchkey.sign_in(&visitor(), input, opening).await)
    }

    /// How long the next try has to wait.
    async fn wait(&self, name: &str, browser: Option<&str>) -> Duration {
        match self.tries(name, PASSWORD, browser).await {
            Err(error @ Error::RateLimited(_)) => error.retry_after().expect("a time"),
            other => panic!("nobody has to wait: {}", code(other)),
        }
    }

    /// Wrong passwords until the tries that count are `failures` in a row, waiting as long as it takes.
    async fn guesses(&self, name: &str, failures: usize, browser: Option<&str>) {
        for _ in 0..failures {
            loop {
                match self.tries(name, WRONG, browser).await {
                    Err(error @ Error::RateLimited(_)) => self.pass(error.retry_after().expect("a time")),
                    other => break assert_eq!(code(other), "invalid_credentials"),
                }
            }
        }
    }

    /// With the limits that there are where nobody sets any, the short-lived ones aside.
    async fn with_growing_waits(&self) -> Self {
        let guessing = Limits::default().guessing;
        Self::over(self.reopened(|settings| settings.limits.guessing = guessing).await.expect("opens"))
    }

    async fn with_a_known_browser(&self) -> Self {
        let core = self.with_growing_waits().await;
        core.owner("Ada").await;
        core.tries("Ada", PASSWORD, Some("at home")).await.expect("signed in");
        core
    }

    async fn told_of_guessing(&self, name: &str) -> usize {
        self.subjects(name).await.iter().filter(|subject| subject.starts_with("Somebody is trying")).count()
    }

    /// How often the audit log tells of a lane that was held.
    async fn holds(&self) -> usize {
        self.latchkey.dump_for_test().await.matches("session.held").count()
    }
}

on_both_engines! {
    async fn the_tenth_wrong_password_makes_the_next_wait_and_each_further_one_longer(core: TestCore) {
        let core = core.with_growing_waits().await;
        core.owner("Ada").await;
        core.guesses("Ada", 9, None).await;
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok(), "nine are free, and a right one begins anew");
        core.guesses("Ada", 10, None).await;
        for seconds in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(core.wait("Ada", None).await, wait);
            core.pass(wait / 2);
            assert_eq!(core.wait("Ada", None).await, wait / 2, "who asks meanwhile does not make it longer");
            core.pass(wait / 2);
            assert_eq!(code(core.tries("Ada", WRONG, None).await), "invalid_credentials");
        }
        core.pass(HOUR);
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok(), "the wait ends by itself");
        assert_eq!(code(core.tries("Ada", WRONG, None).await), "invalid_credentials");
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok(), "and nothing is left of it");
    }

    async fn the_wait_holds_on_every_node_and_after_a_restart(core: TestCore) {
        let (one, other) = (core.with_growing_waits().await, core.with_growing_waits().await);
        one.owner("Ada").await;
        for node in [&one, &other].into_iter().cycle().take(10) {
            assert_eq!(code(node.tries("Ada", WRONG, None).await), "invalid_credentials");
        }
        for node in [&one, &other, &core.with_growing_waits().await] {
            assert_eq!(node.wait("Ada", None).await, Duration::from_secs(30));
        }
    }

    async fn of_many_who_have_waited_one_may_try(core: TestCore) {
        let core = Arc::new(core.with_growing_waits().await);
        core.owner("Ada").await;
        core.guesses("Ada", 10, None).await;
        core.pass(Duration::from_secs(30));
        let tries: Vec<_> = (0..50).map(|_| {
            let core = Arc::clone(&core);
            tokio::spawn(async move { code(core.tries("Ada", WRONG, None).await) })
        }).collect();
        let mut checked = 0;
        for tried in tries {
            checked += usize::from(tried.await.expect("ran") == "invalid_credentials");
        }
        assert_eq!(checked, 1);
        assert_eq!(core.wait("Ada", None).await, Duration::from_secs(60));
    }

    async fn ninety_in_a_row_are_the_end_until_a_mailed_link(core: TestCore) {
        let core = core.with_growing_waits().await;
        core.owner("Ada").await;
        core.guesses("Ada", 90, None).await;
        for _ in 0..3 {
            assert_eq!(core.wait("Ada", None).await, HOUR);
            core.pass(DAY);
        }
        let token = token_of(&core.magic_link("Ada").await, "/magic-link");
        assert_eq!(core.wait("Ada", None).await, HOUR, "asking for a link proves nothing");
        core.by_mail(by_token(&token)).await.expect("signed in");
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok());
    }

    async fn a_new_password_chosen_by_mail_clears_both_lanes(core: TestCore) {
        let core = core.with_a_known_browser().await;
        core.guesses("Ada", 10, None).await;
        core.guesses("Ada", 10, Some("at home")).await;
        core.latchkey.ask_reset(&visitor(), super::mail::to("Ada"), None).await.expect("asked");
        let token = token_of(&core.mail("Ada", "/reset-password").await, "/reset-password");
        core.latchkey.reset_password(&visitor(), reset(&token, NEW_PASSWORD)).await.expect("set");
        for browser in [None, Some("at home")] {
            assert!(core.tries("Ada", NEW_PASSWORD, browser).await.is_ok());
        }
    }

    async fn strangers_do_not_hold_back_a_browser_that_was_here_before(core: TestCore) {
        let core = core.with_a_known_browser().await;
        core.guesses("Ada", 11, None).await;
        assert_eq!(core.wait("Ada", Some("at work")).await, Duration::from_secs(60), "another browser is a stranger");
        core.owner("Ben").await;
        core.tries("Ben", PASSWORD, Some("at Ben's")).await.expect("signed in");
        assert_eq!(core.wait("Ada", Some("at Ben's")).await, Duration::from_secs(60), "one that others use is too");
        assert!(core.tries("Ada", PASSWORD, Some("at home")).await.is_ok());
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok(), "which clears the other lane");
    }

    async fn a_known_browser_has_ten_tries_in_a_row(core: TestCore) {
        let core = core.with_a_known_browser().await;
        core.guesses("Ada", 10, Some("at home")).await;
        assert_eq!(core.wait("Ada", Some("at home")).await, HOUR);
        core.pass(DAY);
        assert_eq!(core.wait("Ada", Some("at home")).await, HOUR, "that is the end");
        assert_eq!((core.told_of_guessing("Ada").await, core.holds().await), (0, 1));
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok(), "strangers' tries count apart");
        assert!(core.tries("Ada", PASSWORD, Some("at home")).await.is_ok(), "and a right one clears both");
    }

    async fn no_more_than_a_hundred_in_a_row_are_looked_at(core: TestCore) {
        let core = Arc::new(core.with_a_known_browser().await);
        let mut checked = 0;
        for _ in 0..120 {
            core.pass(2 * HOUR);
            let tries: Vec<_> = [None, Some("at home"), None, Some("at home")].into_iter().map(|browser| {
                let core = Arc::clone(&core);
                tokio::spawn(async move { code(core.tries("Ada", WRONG, browser).await) })
            }).collect();
            for tried in tries {
                checked += usize::from(tried.await.expect("ran") == "invalid_credentials");
            }
        }
        assert_eq!(checked, 100);
    }

    async fn the_owner_is_told_once_a_day_and_nobody_else_is(core: TestCore) {
        let core = core.with_growing_waits().await;
        core.owner("Ada").await;
        core.pass(Duration::from_secs(1));
        for name in ["Ada", "Nobody"] {
            core.guesses(name, 9, None).await;
            assert_eq!(core.told_of_guessing(name).await, 0);
            core.guesses(name, 3, None).await;
        }
        let mail = core.mail("Ada", "/login").await;
        assert_eq!(mail.written.subject, SUBJECT);
        assert!(mail.written.text.contains("are not affected"));
        assert_eq!((core.told_of_guessing("Ada").await, core.told_of_guessing("Nobody").await), (1, 0));
        assert_eq!(core.holds().await, 2, "the log tells of both addresses");
        core.pass(HOUR);
        core.tries("Ada", PASSWORD, None).await.expect("signed in");
        core.guesses("Ada", 10, None).await;
        assert_eq!((core.told_of_guessing("Ada").await, core.holds().await), (1, 3), "once a day");
        core.pass(DAY);
        core.tries("Ada", PASSWORD, None).await.expect("signed in");
        core.guesses("Ada", 10, None).await;
        assert_eq!(core.told_of_guessing("Ada").await, 2);
    }

    async fn old_failures_are_forgotten(core: TestCore) {
        let core = core.with_growing_waits().await;
        core.owner("Ada").await;
        core.guesses("Ada", 90, None).await;
        core.pass(90 * DAY);
        core.latchkey.clean_up().await.expect("cleaned");
        assert_eq!(core.wait("Ada", None).await, HOUR);
        core.pass(Duration::from_millis(1));
        core.latchkey.clean_up().await.expect("cleaned");
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok());
    }

    async fn a_new_account_does_not_pay_for_what_was_tried_before(core: TestCore) {
        let core = core.with_growing_waits().await;
        core.guesses("Ada", 12, None).await;
        core.owner("Ada").await;
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok());
    }

    async fn a_try_that_came_to_nothing_does_not_count(core: TestCore) {
        let core = core.with_growing_waits().await;
        core.owner("Ada").await;
        core.guesses("Ada", 10, None).await;
        let (tenth_at, address) = (core.latchkey.now(), core.latchkey.0.vault.guess_mac(&address("Ada")));
        let count = GuessCount { address: &address, lane: Lane::Strangers };
        let bounds = GuessBounds { seen: 10, held_from: 10, most: 90 };
        core.pass(Duration::from_secs(30));
        let mut writing = core.latchkey.0.db.write().await.expect("writes");
        let mut store = writing.store();
        assert_eq!(store.consume_guess(count, bounds, core.latchkey.now()).await.expect("taken"), Some(11));
        assert_eq!(store.consume_guess(count, bounds, core.latchkey.now()).await.expect("answered"), None);
        store.update_guess_undone(count, 11, tenth_at).await.expect("given back");
        writing.commit().await.expect("committed");
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok(), "as if it had not been");
    }

    async fn relaxed_limits_relax_this_too(core: TestCore) {
        core.owner("Ada").await;
        core.guesses("Ada", 150, None).await;
        assert!(core.tries("Ada", PASSWORD, None).await.is_ok());
    }

    async fn nobody_reads_from_the_counts_which_addresses_were_tried(core: TestCore) {
        core.guesses("Nobody", 2, None).await;
        let mac = core.latchkey.0.vault.guess_mac(&address("Nobody"));
        let streaks = core.latchkey.0.db.read().await.expect("reads").store().find_streaks(&mac).await.expect("reads");
        assert_eq!(streaks.strangers.failures, 2);
        let stranger = crate::crypto::vault::Vault::new(&crate::crypto::master_key::RootKey::generate());
        assert_ne!(stranger.guess_mac(&address("Nobody")), mac, "without the key nobody finds them");
    }
}
