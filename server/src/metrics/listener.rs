//! Where metrics are read: a listener of their own, for whoever watches this installation and nobody else.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Exporter;
use crate::config::MetricsListen;

/// Where metrics are when nobody says otherwise.
pub const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
/// The one path there is.
const PATH: &str = "/metrics";
/// The head of a request.
const HEAD: Duration = Duration::from_secs(5);
/// All of a connection, which serves one request.
const WHOLE: Duration = Duration::from_secs(15);
const LARGEST_HEAD: usize = 16 * 1024;
const MOST_CONNECTIONS: usize = 16;

/// Listens where it is said, port 0 being any free one. An address that somebody chose must be free; without the usual
/// one the server does its work all the same.
pub async fn bind(wanted: Option<MetricsListen>) -> Result<Option<TcpListener>, String> {
    let address = match wanted {
        Some(MetricsListen::Off) => return Ok(None),
        Some(MetricsListen::At(address)) => address,
        None => DEFAULT,
    };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if wanted.is_none() => {
            let (address, error) = (address.to_string(), error.to_string());
            tracing::warn!(address, error, "metrics are not served: set LATCHKEY_METRICS_LISTEN, or leave it empty");
            Ok(None)
        }
        Err(error) => Err(format!("cannot listen on {address} for metrics: {error}")),
    }
}

/// Answers until it is dropped.
pub async fn serve(listener: TcpListener, exporter: Arc<Exporter>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let exporter = Arc::clone(&exporter);
                connections.spawn(async move {
                    let _ = timeout(WHOLE, connected(stream, exporter)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(error = error.to_string(), "a connection for metrics could not be accepted");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn connected(stream: TcpStream, exporter: Arc<Exporter>) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let exporter = Arc::clone(&exporter);
        async move { Ok::<_, Infallible>(answer(&exporter, request.method(), request.uri().path()).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LARGEST_HEAD).keep_alive(false);
    // A client that goes away in the middle is nothing to report.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(exporter: &Exporter, method: &Method, path: &str) -> Response<Body> {
    if path != PATH {
        return plain(StatusCode::NOT_FOUND, "metrics are at /metrics\n");
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let mut response = Response::new(Body::from(exporter.render().await));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}

fn plain(status: StatusCode, words: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
