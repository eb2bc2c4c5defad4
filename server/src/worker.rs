//! What goes on beside the requests: writing counters, dropping what has ended, keeping signing keys.

use std::time::Duration;

use latchkey::{Error, Latchkey};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

const CLEAN_UP_EVERY: Duration = Duration::from_secs(60 * 60);
/// Other nodes make keys too, and tokens that they sign must be known here before long.
const KEYS_EVERY_SHARED: Duration = Duration::from_secs(5);
const KEYS_EVERY: Duration = Duration::from_secs(5 * 60);

/// Starts all of it; dropping what is returned stops it.
pub fn start(latchkey: &Latchkey) -> JoinSet<()> {
    let shared = !latchkey.settings().storage.url.starts_with("sqlite:");
    let keys_every = if shared { KEYS_EVERY_SHARED } else { KEYS_EVERY };
    let mut workers = JoinSet::new();
    let handle = latchkey.clone();
    workers.spawn(every(handle.settings().sessions.flush, "writing counters", async move || handle.flush().await));
    let handle = latchkey.clone();
    workers.spawn(every(CLEAN_UP_EVERY, "cleaning up", async move || handle.clean_up().await));
    let handle = latchkey.clone();
    workers.spawn(every(keys_every, "keeping signing keys", async move || handle.keep_signing_keys().await));
    workers
}

async fn every(period: Duration, what: &'static str, work: impl AsyncFn() -> Result<(), Error>) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if let Err(error) = work().await {
            let causes = crate::telemetry::causes(&error);
            tracing::error!(what, causes, "work in the background failed; it will be tried again");
        }
    }
}
