//! What is logged, and how.
//!
//! One JSON object a line on standard error, so that nothing in a request can forge a line. A request is logged once,
//! by the edge, with its id, method, route *template*, status, code of a refusal, duration, client address and the principal's name.
//! Never a path, a query, a body, a header, a cookie, or anything that was in one: templates cannot hold a token.
//! A sign-in is logged with whose it is, once it is durable. A fault of ours is logged once with the chain of its causes.
//! One-time links are printed on the terminal instead.

use std::str::FromStr as _;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use latchkey::error::causes;

/// Starts logging what `filter` lets through.
pub fn start(filter: &str) -> Result<(), String> {
    let filter = Targets::from_str(filter).map_err(|error| format!("LATCHKEY_LOG: {error}"))?;
    // The database's own statements are not for logs, unless asked for by name.
    let filter = if filter.iter().any(|(name, _)| name.starts_with("sqlx")) {
        filter
    } else {
        filter.with_target("sqlx", tracing::level_filters::LevelFilter::WARN)
    };
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    let lines = lines.with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(lines).try_init().map_err(|error| error.to_string())
}
