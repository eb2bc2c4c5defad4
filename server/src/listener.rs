//! From sockets to the router, with bounds on how many there are and how long a client may dawdle.
//!
//! 2026-11-26, read in hyper 1.12: `header_read_timeout` runs from the moment a head is waited for, so it ends idle
//! keep-alive connections as well as slow heads. Bodies that stall end by their own time-out, bodies that trickle by
//! that of the request; answers that nobody reads end when not a byte leaves for [`Limits::stall`]; a peer that
//! vanished is noticed by TCP keep-alive. Beyond the bound new connections are closed at once and not left waiting: a
//! load balancer then tries another node, and whoever holds the connections gains no queue.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutWriter;
use tower::Service as _;
use tower_http::timeout::TimeoutBody;

use crate::metrics::requests::Level;

/// Larger heads are refused by hyper itself with 431; smaller ones that are still too large by the middleware.
const LARGEST_HEAD: usize = 256 * 1024;
/// How many connections the system keeps for us until we take them.
const BACKLOG: u32 = 4096;
/// After how long without a byte a peer is asked whether it is still there, and how often until it is given up.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);
/// How often the log says that connections are turned away.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// How many there may be, and how long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// The head of a request, and the rest between two requests.
    pub header: Duration,
    /// A body that does not go on, an answer that nobody reads.
    pub stall: Duration,
    /// What is under way when the server is stopped.
    pub shutdown: Duration,
}

/// The other end of the connection that a request came by.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Listens with a long backlog.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop`, then finishes what is under way. Connections are counted in `open`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    (limits, open): (Limits, Level),
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header).max_buf_size(LARGEST_HEAD);
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut door = Door { http, router, limits, open, room, said: None };
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => door.connect(&graceful, stream, peer),
                Err(error) => {
                    // Out of descriptors, most likely: let others go on and free some.
                    tracing::warn!(error = error.to_string(), "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.shutdown, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way and have been cut off");
    }
}

/// What every new connection passes.
struct Door {
    http: http1::Builder,
    router: Router,
    limits: Limits,
    open: Level,
    room: Arc<Semaphore>,
    /// When the log said last that there is no room.
    said: Option<tokio::time::Instant>,
}

impl Door {
    fn connect(&mut self, graceful: &GracefulShutdown, stream: TcpStream, peer: SocketAddr) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else { return self.turn_away() };
        let _ = stream.set_nodelay(true);
        let keep_alive = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE_EVERY);
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keep_alive);
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.limits.stall));
        let open = self.open.enter();
        let (router, stall) = (self.router.clone(), self.limits.stall);
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(|body| Body::new(TimeoutBody::new(stall, body)));
            request.extensions_mut().insert(Peer(peer));
            let mut router = router.clone();
            async move { Ok::<Response, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
        });
        let connection = self.http.serve_connection(TokioIo::new(Box::pin(stream)), service);
        let connection = graceful.watch(connection);
        // A client that goes away in the middle is nothing to report.
        tokio::spawn(async move {
            drop(connection.await);
            drop((place, open));
        });
    }

    fn turn_away(&mut self) {
        if self.said.is_none_or(|said| said.elapsed() > SAY_EVERY) {
            self.said = Some(tokio::time::Instant::now());
            let most = self.limits.connections;
            tracing::warn!(most, "there are as many connections as there may be; new ones are closed");
        }
    }
}
