//! What an operator can measure: [`requests`] counts what comes in, the core what it decides
//! ([`latchkey::metrics`]), and [`listener`] shows all of it to Prometheus, away from the public address.
//!
//! Counting is an increment; everything else happens at a look. No label names a person, a tenant, an address or a key.

use std::sync::Arc;
use std::time::Duration;

use latchkey::Latchkey;
use latchkey::clock::{Clock, Timestamp};
use tokio::sync::Mutex;

mod export;
pub mod listener;
mod process;
pub mod requests;

use export::{Look, Outbox};
use requests::Requests;

/// How long a look waits for the database. Without its answer the rest is shown.
const DATABASE: Duration = Duration::from_secs(1);

/// Shows all that is counted.
pub struct Exporter {
    latchkey: Latchkey,
    requests: Arc<Requests>,
    began: Timestamp,
    /// One look at a time asks the database, however many there are.
    asking: Mutex<()>,
}

impl Exporter {
    /// Of this server, which starts now.
    pub fn new(latchkey: Latchkey, requests: Arc<Requests>) -> Self {
        Self { latchkey, requests, began: Clock::System.now(), asking: Mutex::new(()) }
    }

    /// All of it as Prometheus reads it.
    pub async fn render(&self) -> String {
        let (latchkey, requests) = (self.latchkey.clone(), Arc::clone(&self.requests));
        export::written(Look { outbox: self.outbox().await, latchkey, requests, began: self.began })
    }

    async fn outbox(&self) -> Option<Outbox> {
        let asked = async {
            let _asking = self.asking.lock().await;
            self.latchkey.mails_waiting().await
        };
        let (waiting, oldest) = tokio::time::timeout(DATABASE, asked).await.ok()?.ok()?;
        Some((waiting, oldest.as_secs_f64()))
    }
}
