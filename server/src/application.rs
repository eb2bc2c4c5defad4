//! The server as a value: built from settings, run until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use latchkey::Latchkey;
use latchkey::clock::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::metrics::Exporter;
use crate::metrics::requests::Level;
use crate::middleware::Edge;
use crate::{Config, listener, metrics, router, worker};

/// A server that listens already, and has not answered yet.
pub struct Application {
    latchkey: Latchkey,
    router: Router,
    listener: TcpListener,
    address: SocketAddr,
    limits: listener::Limits,
    mail_senders: u32,
    connections: Level,
    exporter: Arc<Exporter>,
    metrics: Option<TcpListener>,
}

impl Application {
    /// Opens the core and the address to listen on; port 0 takes any free port.
    pub async fn build(config: &Config) -> Result<Self, String> {
        Self::build_with(config, Clock::System).await
    }

    /// The same with a clock of one's own.
    pub async fn build_with(config: &Config, clock: Clock) -> Result<Self, String> {
        let latchkey = Latchkey::open(config.settings()?, clock).await.map_err(|error| error.to_string())?;
        let wanted = config.server.listen;
        let listener = listener::bind(wanted).map_err(|error| format!("cannot listen on {wanted}: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let metrics = metrics::listener::bind(config.metrics.metrics_listen).await?;
        let edge = Arc::new(Edge::new(latchkey.clone(), &config.server, &config.front_ends));
        let requests = edge.requests();
        Ok(Self {
            connections: requests.connections().clone(),
            exporter: Arc::new(Exporter::new(latchkey.clone(), Arc::clone(requests))),
            metrics,
            router: router::router(edge),
            latchkey,
            listener,
            address,
            limits: config.server.limits(),
            mail_senders: config.mail.mail_senders,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics are served, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// What is served there.
    pub fn exporter(&self) -> &Arc<Exporter> {
        &self.exporter
    }

    /// The core behind it.
    pub fn latchkey(&self) -> &Latchkey {
        &self.latchkey
    }

    /// Every route with every layer, as it will be served.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Answers requests until `stop`; then finishes the requests and the mails that are under way, writes what is counted
    /// in memory, and closes.
    pub async fn run_until_stopped(self, stop: impl Future<Output = ()>) -> Result<(), String> {
        let workers = worker::start(&self.latchkey, self.mail_senders).await.map_err(|error| error.to_string())?;
        let mut watched = JoinSet::new();
        if let Some(metrics) = self.metrics {
            watched.spawn(metrics::listener::serve(metrics, self.exporter));
        }
        listener::serve(self.listener, self.router, (self.limits, self.connections), stop).await;
        workers.stop(self.limits.shutdown).await;
        self.latchkey.close().await.map_err(|error| error.to_string())
    }
}
