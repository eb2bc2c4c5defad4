//! What goes on beside the requests: sending mail, writing counters, dropping what has ended, keeping signing keys.
//!
//! All of it can be dropped at any time and goes on at the next start, but for a mail that is being handed over: whether
//! the mail server took it would never be known. So [`Workers::stop`] lets senders finish what they have in hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkey::{Error, Latchkey};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::telemetry::causes;

/// How often nodes tell each other what they counted: limits are felt everywhere within a second.
const COUNTS_EVERY: Duration = Duration::from_millis(250);
/// How long it takes at most until another node goes on with what a node that was killed did for all.
const LEASE: Duration = Duration::from_secs(30);
const LEASE_RENEWED_EVERY: Duration = Duration::from_secs(10);
/// How soon a connection that hears other nodes is made anew.
const HEAR_AGAIN: Duration = Duration::from_millis(200);
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
    let shared = latchkey.has_other_nodes();
    let mut workers = JoinSet::new();
    let handle = latchkey.clone();
    workers.spawn(every(handle.settings().sessions.flush, "writing counters", async move || handle.flush().await));
    let handle = latchkey.clone();
    workers.spawn(every(KEYS_EVERY, "keeping signing keys", async move || handle.keep_signing_keys().await));
    if shared {
        workers.spawn(hear(latchkey.clone()));
        let handle = latchkey.clone();
        workers.spawn(every(COUNTS_EVERY, "telling what was counted", async move || handle.tell_counts().await));
    }
    for_all(latchkey, &mut workers);
    workers
}

/// What one node does for all.
fn for_all(latchkey: &Latchkey, workers: &mut JoinSet<()>) {
    let lease = Lease::default();
    workers.spawn(hold(lease.clone(), latchkey.clone()));
    let (handle, mine) = (latchkey.clone(), lease.clone());
    let clean_up = async move || if mine.is_held() { handle.clean_up().await } else { Ok(()) };
    workers.spawn(every(CLEAN_UP_EVERY, "cleaning up", clean_up));
    let (handle, mine) = (latchkey.clone(), lease.clone());
    let give_up = async move || if mine.is_held() { handle.give_up_mail().await } else { Ok(()) };
    workers.spawn(every(GIVE_UP_EVERY, "giving up mail", give_up));
    let handle = latchkey.clone();
    let warn = async move || if lease.is_held() { handle.warn_of_ending_keys().await } else { Ok(()) };
    workers.spawn(first_after(FIRST_WARNING, WARN_EVERY, "warning of keys that end", warn));
}

/// Whether this node does what one node does for all.
#[derive(Clone, Default)]
struct Lease(Arc<AtomicBool>);

impl Lease {
    fn is_held(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Takes the lease, and renews it. What cannot be renewed is not held any more. Who is alone holds it at once.
async fn hold(lease: Lease, latchkey: Latchkey) {
    loop {
        let taken = latchkey.takes_lease("background work", LEASE).await;
        if let Err(error) = &taken {
            tracing::error!(causes = causes(error), "the lease on background work could not be renewed");
        }
        let held = taken.unwrap_or(false);
        if lease.0.swap(held, Ordering::AcqRel) != held {
            tracing::info!(held, "background work for all nodes changed hands");
        }
        tokio::time::sleep(LEASE_RENEWED_EVERY).await;
    }
}

/// Hears other nodes; when that is lost, again as soon as the database is there.
async fn hear(latchkey: Latchkey) {
    while let Err(error) = latchkey.hear_other_nodes().await {
        tracing::warn!(
            causes = causes(&error),
            "other nodes are not heard; what is remembered is believed for less than a second"
        );
        tokio::time::sleep(HEAR_AGAIN).await;
    }
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
