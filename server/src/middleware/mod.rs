//! What every request passes, one concern a file, in this order:
//!
//! 1. [`call`]: the request's id, the client's address behind proxies we trust ([`client_address`]).
//! 2. [`size_limits`] and [`query_credentials`]: what is too large or carries a credential in its address goes no further.
//! 3. The handler, with a bound on its time and its panics caught.
//! 4. [`rate_headers`]: an answer of the API that counted against nothing yet counts against the client's address.
//! 5. Failures become the one error shape ([`crate::rest::failure`]).
//! 6. [`front_ends`] on other origins of the same site, [`security_headers`], use of API keys and [`crate::metrics`] are
//!    counted, and [`access_log`] writes one line.
//!
//! It is one layer and not six because each costs an allocation and two calls at every request, and `verify` is asked
//! tens of thousands of times a second. Who is asking is found out by extractors ([`crate::rest::who`]), so that a
//! handler without the proof does not compile and unknown methods need none.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use ipnet::IpNet;
use latchkey::error::Code;
use latchkey::handoff::LANDING;
use latchkey::{Error, Latchkey};

use crate::config::{FrontEndConfig, ServerConfig};
use crate::dialects::{Dialect, is_below};
use crate::metrics::requests::Requests;
use crate::rest::failure::{Failed, Failure};

pub mod access_log;
pub mod call;
pub mod client_address;
pub mod front_ends;
pub mod query_credentials;
pub mod rate_headers;
pub mod security_headers;
pub mod size_limits;

pub use call::Call;
use front_ends::FrontEnds;

/// What the edge needs to know.
pub struct Edge {
    latchkey: Latchkey,
    proxies: Vec<IpNet>,
    timeout: Duration,
    is_https: bool,
    front_ends: FrontEnds,
    requests: Arc<Requests>,
}

impl Edge {
    /// From the settings.
    pub fn new(latchkey: Latchkey, config: &ServerConfig, front_ends: &FrontEndConfig) -> Self {
        Self {
            latchkey,
            proxies: config.trusted_proxies.clone(),
            timeout: Duration::from_secs(config.request_timeout),
            is_https: config.public_url.starts_with("https://"),
            front_ends: FrontEnds {
                trusted: front_ends.trusted_origins.clone(),
                cookie_domain: front_ends.cookie_domain.clone(),
            },
            requests: Arc::default(),
        }
    }

    /// The core.
    pub fn latchkey(&self) -> &Latchkey {
        &self.latchkey
    }

    /// What is counted of requests.
    pub fn requests(&self) -> &Arc<Requests> {
        &self.requests
    }
}

/// The part of a request that outlives its handling.
struct Seen {
    method: axum::http::Method,
    template: Option<MatchedPath>,
    is_api: bool,
    dialect: Dialect,
    began: Instant,
}

/// The one layer around everything.
pub async fn edge(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let seen = Seen {
        method: request.method().clone(),
        template: request.extensions().get::<MatchedPath>().cloned(),
        is_api: is_api(request.uri().path()),
        dialect: Dialect::of(request.uri().path()),
        began: Instant::now(),
    };
    let _in_flight = edge.requests.in_flight().enter();
    let call = Arc::new(Call::new(&request, &edge.proxies));
    request.extensions_mut().insert(Arc::clone(&call));
    let origin = edge.front_ends.origin(&request);
    edge.front_ends.read_cookies(request.headers_mut());
    let mut response = match refuse(&mut request, seen.is_api) {
        Err(failure) => failure.into_response(),
        Ok(()) if origin.is_some() && FrontEnds::is_preflight(&request) => FrontEnds::preflight(),
        Ok(()) => guarded(edge.timeout, next.run(request)).await,
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && response.extensions().get::<Failed>().is_none() {
        // The router says only so much; which methods there are stands in its header already.
        response.extensions_mut().insert(Failed::from(Error::Malformed(Code::MethodNotAllowed)));
    }
    if seen.is_api {
        rate_headers::settle(&edge.latchkey, &call, &mut response);
    }
    let failed = response.extensions_mut().remove::<Failed>();
    if let Some(failed) = &failed {
        failed.write(&call, seen.dialect, &mut response);
    }
    security_headers::add(&mut response, &call, edge.is_https);
    edge.front_ends.allow(origin, response.headers_mut());
    edge.front_ends.write_cookies(response.headers_mut());
    conclude(&edge, &call, &seen, &response, failed.map(|failed| failed.code().as_str()));
    response
}

/// Whether an address belongs to the API (contract section 11: the paths whose answers carry rate-limit headers). One
/// page lies among those of Salesflow.
pub fn is_api(path: &str) -> bool {
    path != LANDING && ["/v1", "/api", "/auth", "/sanctum"].iter().any(|base| is_below(path, base))
}

fn refuse(request: &mut Request, is_api: bool) -> Result<(), Failure> {
    size_limits::check(request)?;
    if is_api { query_credentials::check(request.method(), request.uri()) } else { Ok(()) }
}

async fn guarded(timeout: Duration, answer: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(timeout, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let words = words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Failure::from(Error::internal(format!("a handler panicked: {words}"))).into_response()
        }
        Err(_) => Failure::from(Error::Unavailable("the request took too long".into())).into_response(),
    }
}

fn conclude(edge: &Edge, call: &Call, seen: &Seen, response: &Response, code: Option<&str>) {
    let template = seen.template.as_ref().map_or("-", MatchedPath::as_str);
    if let Some(principal) = call.principal()
        && principal.key_id().is_some()
    {
        let endpoint = format!("{} {template}", seen.method);
        edge.latchkey.note_key_use(principal, &call.visitor, &endpoint, response.status().as_u16());
    }
    let line = access_log::Line {
        method: &seen.method,
        template,
        status: response.status(),
        code,
        took: seen.began.elapsed(),
    };
    let route = edge.requests.route(template);
    route.answered(line.method, line.status, line.took);
    if let Some(question) = route.question() {
        edge.latchkey.metrics().verification(question, line.status.as_u16(), call.source());
    }
    access_log::write(call, &line);
}
