//! What goes on beside the requests: sending mail, writing counters, dropping what has ended, keeping signing keys.
//!
//! All of it can be dropped at any time and goes on at the next start, but for a mail that is being handed over: whether
//! the mail server took it would never be known. So [`Workers::stop`] lets senders finish what they have in hand.

use std::time::Duration;

use latchkey::{Error, Latchkey};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::telemetry::causes;

const CLEAN_UP_EVERY: Duration = Duration::from_secs(60 * 60);
/// Other nodes make and withdraw keys too, and so does the operator; what they sign must be known here before long.
const KEYS_EVERY: Duration = Duration::from_secs(5);
const GIVE_UP_EVERY: Duration = Duration::from_secs(60);
const WARN_EVERY: Duration = Duration::from_secs(60 * 60);
/// The first look at keys that end before long; by then the start is over.
const FIRST_WARNING: Duration = Duration::from_secs(10);
/// How long a sender rests after something went wrong on our side.
const AFTER_A_FAULT: Duration = Duration::from_secs(5);

/// All of it, at work.
pub struct Workers {
    senders: JoinSet<()>,
    stopping: watch::Sender<bool>,
    /// Dropping it stops them.
    _others: JoinSet<()>,
}

/// Starts all of it, with as many senders of mail. Mails that were in hand when the last run was killed are due again.
pub async fn start(latchkey: &Latchkey, senders: u32) -> Result<Workers, Error> {
    latchkey.reclaim_mail().await?;
    let stopping = watch::Sender::new(false);
    let mut sending = JoinSet::new();
    for _ in 0..if latchkey.sends_mail() { senders } else { 0 } {
        sending.spawn(send(latchkey.clone(), stopping.subscribe()));
    }
    Ok(Workers { senders: sending, stopping, _others: others(latchkey) })
}

impl Workers {
    /// Stops all of it. A mail in hand is finished, if that takes no longer than `most`.
    pub async fn stop(mut self, most: Duration) {
        self.stopping.send_replace(true);
        let finished = async { while self.senders.join_next().await.is_some() {} };
        if tokio::time::timeout(most, finished).await.is_err() {
            tracing::warn!("a mail was still being handed over and has been cut off; it may be sent once more");
        }
    }
}

async fn send(latchkey: Latchkey, mut stopping: watch::Receiver<bool>) {
    let mut rest = Duration::ZERO;
    loop {
        tokio::select! {
            () = latchkey.mail_is_due(rest) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        rest = latchkey.deliver_mail(|| !*stopping.borrow()).await.unwrap_or_else(|error| {
            tracing::error!(causes = causes(&error), "mail could not be looked after; it will be tried again");
            AFTER_A_FAULT
        });
    }
}

fn others(latchkey: &Latchkey) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    let handle = latchkey.clone();
    workers.spawn(every(handle.settings().sessions.flush, "writing counters", async move || handle.flush().await));
    let handle = latchkey.clone();
    workers.spawn(every(CLEAN_UP_EVERY, "cleaning up", async move || handle.clean_up().await));
    let handle = latchkey.clone();
    workers.spawn(every(KEYS_EVERY, "keeping signing keys", async move || handle.keep_signing_keys().await));
    let handle = latchkey.clone();
    workers.spawn(every(GIVE_UP_EVERY, "giving up mail", async move || handle.give_up_mail().await));
    let handle = latchkey.clone();
    let warn = async move || handle.warn_of_ending_keys().await;
    workers.spawn(first_after(FIRST_WARNING, WARN_EVERY, "warning of keys that end", warn));
    workers
}

async fn every(period: Duration, what: &'static str, work: impl AsyncFn() -> Result<(), Error>) {
    first_after(period, period, what, work).await;
}

async fn first_after(first: Duration, period: Duration, what: &'static str, work: impl AsyncFn() -> Result<(), Error>) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + first, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = work().await {
            tracing::error!(what, causes = causes(&error), "work in the background failed; it will be tried again");
        }
    }
}
