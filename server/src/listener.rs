//! From sockets to the router, with bounds on how long a client may dawdle.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::Service as _;

use crate::metrics::requests::{Level, Present};

/// Larger heads are refused by hyper itself with 431; smaller ones that are still too large by the middleware.
const LARGEST_HEAD: usize = 256 * 1024;

/// How long things may take, and where it is counted what is open.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The head of a request.
    pub header: Duration,
    /// What is under way when the server is stopped.
    pub shutdown: Duration,
    /// Connections that are open.
    pub open: Level,
}

/// The other end of the connection that a request came by.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Serves until `stop`, then finishes what is under way.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header).max_buf_size(LARGEST_HEAD);
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connect(&http, &graceful, (stream, peer, limits.open.enter()), &router),
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

fn connect(
    http: &http1::Builder,
    graceful: &GracefulShutdown,
    (stream, peer, open): (TcpStream, SocketAddr, Present),
    router: &Router,
) {
    let _ = stream.set_nodelay(true);
    let router = router.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let mut router = router.clone();
        async move { Ok::<Response, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
    });
    let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
    // A client that goes away in the middle is nothing to report.
    tokio::spawn(async move { drop((connection.await, open)) });
}
