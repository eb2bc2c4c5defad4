use std::time::Duration;

use crate::error::Error;
use crate::flow::counting::Counted;
use crate::limit::Rate;
use crate::testing::{TestCore, access, on_both_engines};

/// Another node on the same database, with the same clock.
async fn neighbour(core: &TestCore) -> TestCore {
    TestCore::over(core.reopened(|_| {}).await.expect("opens"))
}

/// Waits until something is so; the message says what was waited for.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..100 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} was not so within two seconds");
}

on_both_engines! {
    async fn what_guards_a_secret_is_counted_for_all_nodes_together(core: TestCore) {
        let other = neighbour(&core).await;
        if !core.latchkey.has_other_nodes() {
            return;
        }
        let rate = Rate::new(5, 60);
        let tries = (0..200).map(|number| {
            let node = if number % 2 == 0 { core.latchkey.clone() } else { other.latchkey.clone() };
            tokio::spawn(async move { node.limited(&(Counted::SIGN_IN_TO, "ada"), rate).await.is_ok() })
        });
        let mut taken = 0;
        for tried in tries.collect::<Vec<_>>() {
            taken += u32::from(tried.await.expect("ran"));
        }
        assert_eq!(taken, 5, "whatever node they came to");
        core.latchkey.give_back(&(Counted::SIGN_IN_TO, "ada"), rate).await;
        assert!(other.latchkey.limited(&(Counted::SIGN_IN_TO, "ada"), rate).await.is_ok(), "one was given back");
        let refused = other.latchkey.limited(&(Counted::SIGN_IN_TO, "ada"), rate).await.expect_err("full");
        let Error::RateLimited(window) = refused else { panic!("{refused:?}") };
        assert_eq!((window.limit, window.remaining, window.retry_after), (5, 0, Duration::from_secs(60)));
        core.pass(Duration::from_secs(60));
        assert!(core.latchkey.limited(&(Counted::SIGN_IN_TO, "ada"), rate).await.is_ok(), "the wait is over");
    }

    async fn a_revocation_is_told_to_nodes_that_hear(core: TestCore) {
        let other = neighbour(&core).await;
        if !core.latchkey.has_other_nodes() {
            return;
        }
        let hearing = other.latchkey.clone();
        let ear = tokio::spawn(async move { hearing.hear_other_nodes().await });
        let ada = core.owner("ada").await;
        let actor = core.actor(access(&ada)).await;
        let now = core.latchkey.now();
        let hears = async || other.latchkey.0.memory.belief.at(now) > Duration::from_secs(1);
        until("hearing", hears).await;
        other.bearer(access(&ada)).await.expect("good, and remembered for a minute");
        core.latchkey.sign_out(&actor).await.expect("signed out");
        // The clock stands still: only what was heard can end what is remembered.
        until("the end of the session on the other node", async || other.bearer(access(&ada)).await.is_err()).await;
        ear.abort();
    }

    async fn ordinary_calls_are_counted_together_before_long(core: TestCore) {
        let other = neighbour(&core).await;
        if !core.latchkey.has_other_nodes() {
            return;
        }
        let hearing = other.latchkey.clone();
        let ear = tokio::spawn(async move { hearing.hear_other_nodes().await });
        let now = core.latchkey.now();
        until("hearing", async || other.latchkey.0.memory.belief.at(now) > Duration::from_secs(1)).await;
        let rate = Rate::new(10, 60);
        for _ in 0..10 {
            core.latchkey.limited_here(&(Counted::ACTOR, "ada"), rate).expect("room");
        }
        core.latchkey.tell_counts().await.expect("told");
        until("full on the other node", async || other.latchkey.limited_here(&(Counted::ACTOR, "ada"), rate).is_err()).await;
        ear.abort();
    }

    async fn work_for_all_is_done_by_one_node_and_taken_over(core: TestCore) {
        let other = neighbour(&core).await;
        let life = Duration::from_secs(30);
        let takes = async |node: &TestCore| node.latchkey.takes_lease("work", life).await.expect("asked");
        assert!(takes(&core).await);
        if !core.latchkey.has_other_nodes() {
            return;
        }
        assert!(!takes(&other).await, "it is the first one's");
        assert!(takes(&core).await, "who may renew it");
        core.pass(life);
        assert!(takes(&other).await, "it was not renewed");
        assert!(!takes(&core).await);
        other.latchkey.leave_nodes().await;
        assert!(takes(&core).await, "it was given up");
    }
}
