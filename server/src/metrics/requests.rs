//! What is counted of requests: by method, by the route's template (never the path), by status.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use latchkey::metrics::{Histogram, Question, Seen};

/// What takes the place of every other method.
const OTHER: &str = "other";
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", OTHER];
/// What we answer with, in rising order. Any other status is counted under 0.
const STATUSES: [u16; 36] = [
    0, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412,
    413, 414, 415, 416, 419, 421, 422, 423, 429, 431, 500, 501, 503,
];
/// From a verification that is remembered to the longest that a request may take.
const CLASSES: &[Duration] = &[
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(10),
];

/// How many there are of something at the moment. Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Level(Arc<AtomicUsize>);

/// One of them; dropping it is its end.
#[derive(Debug)]
pub struct Present(Level);

impl Level {
    /// One more, until it is dropped.
    pub fn enter(&self) -> Present {
        self.0.fetch_add(1, Ordering::Relaxed);
        Present(self.clone())
    }

    /// How many.
    pub fn read(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All that is counted of requests.
#[derive(Default)]
pub struct Requests {
    routes: RwLock<HashMap<Box<str>, Arc<Route>>>,
    in_flight: Level,
    connections: Level,
}

/// What is counted of one route.
pub struct Route {
    template: Box<str>,
    question: Option<Question>,
    answers: Box<[AtomicU64]>,
    took: Histogram,
}

impl Requests {
    /// Requests that are being answered.
    pub const fn in_flight(&self) -> &Level {
        &self.in_flight
    }

    /// Connections that are open.
    pub const fn connections(&self) -> &Level {
        &self.connections
    }

    /// The route with this template. There are as many as the router has, and it is made at its first request.
    pub fn route(&self, template: &str) -> Arc<Route> {
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(template).cloned();
        known.unwrap_or_else(|| {
            let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(routes.entry(template.into()).or_insert_with(|| Arc::new(Route::new(template))))
        })
    }

    /// Every route that was asked for, by its template.
    pub fn routes(&self) -> Vec<Arc<Route>> {
        let mut routes: Vec<_> = self.routes.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        routes.sort_by(|a, b| a.template.cmp(&b.template));
        routes
    }
}

impl Route {
    fn new(template: &str) -> Self {
        Self {
            template: template.into(),
            question: question(template),
            answers: (0..METHODS.len() * STATUSES.len()).map(|_| AtomicU64::new(0)).collect(),
            took: Histogram::new(CLASSES),
        }
    }

    /// A request was answered.
    pub fn answered(&self, method: &Method, status: StatusCode, took: Duration) {
        let method = METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1);
        let status = STATUSES.binary_search(&status.as_u16()).unwrap_or(0);
        self.answers[method * STATUSES.len() + status].fetch_add(1, Ordering::Relaxed);
        self.took.observe(took);
    }

    /// What other services ask by it.
    pub const fn question(&self) -> Option<Question> {
        self.question
    }

    /// Its template.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// How often it was answered, by method and status.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, u16, u64)> {
        let read = |(index, cell): (usize, &AtomicU64)| {
            (METHODS[index / STATUSES.len()], STATUSES[index % STATUSES.len()], cell.load(Ordering::Relaxed))
        };
        self.answers.iter().enumerate().map(read).filter(|(_, _, count)| *count > 0)
    }

    /// How long that took.
    pub fn took(&self) -> Seen {
        self.took.read()
    }
}

fn question(template: &str) -> Option<Question> {
    let call = ["/v1/auth/", "/api/auth/"].iter().find_map(|base| template.strip_prefix(base))?;
    // Below `forward` stands what a proxy holds back.
    match call.split('/').next()? {
        "verify" => Some(Question::Verify),
        "forward" => Some(Question::Forward),
        "introspect" => Some(Question::Introspect),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_method_and_status() {
        let requests = Requests::default();
        let route = requests.route("/v1/auth/login");
        for status in [200, 200, 401, 418] {
            route.answered(&Method::POST, StatusCode::from_u16(status).expect("a status"), Duration::from_millis(3));
        }
        let invented = Method::from_bytes(b"ADA").expect("a method");
        requests.route("/v1/auth/login").answered(&invented, StatusCode::METHOD_NOT_ALLOWED, Duration::ZERO);
        let seen: Vec<_> = route.answers().collect();
        assert_eq!(seen, [("POST", 0, 1), ("POST", 200, 2), ("POST", 401, 1), (OTHER, 405, 1)]);
        assert_eq!(route.took().count, 5);
        assert_eq!(requests.routes().len(), 1);
    }

    #[test]
    fn statuses_can_be_searched() {
        assert!(STATUSES.is_sorted());
    }

    #[test]
    fn whatever_ends_is_present_no_longer() {
        let level = Level::default();
        let one = level.enter();
        drop(level.enter());
        assert_eq!(level.read(), 1);
        drop(one);
        assert_eq!(level.read(), 0);
    }

    #[test]
    fn verification_is_known_by_its_template() {
        assert_eq!(question("/v1/auth/verify"), Some(Question::Verify));
        assert_eq!(question("/api/auth/introspect"), Some(Question::Introspect));
        assert_eq!(question("/v1/auth/forward/{*path}"), Some(Question::Forward));
        assert_eq!(question("/v1/auth/verify-email"), None);
        assert_eq!(question("-"), None);
    }
}
