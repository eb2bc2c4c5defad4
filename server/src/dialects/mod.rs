//! The wire forms of other systems, over the same core: same rules, same second factor, same limits, same audit log.
//!
//! Each file translates for the clients of one system and decides nothing. Whose clients a path is for says
//! [`Dialect::of`]; in which form a refusal is written follows from it, also for paths that do not exist.
//!
//! - [`salesos`] is the native API under `/api`, with the further names and addresses that its clients know.
//! - [`orgstack`] is sign-in with `username` under `/api`, and its messages there.
//! - [`salesflow`] is `/auth/…`.
//! - [`synthesq`] is `/api/v1/…` and `/sanctum/…`.

use latchkey::{Actor, Error};

pub mod orgstack;
pub mod salesflow;
pub mod salesos;
pub mod synthesq;

/// Whose clients a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Our own.
    Native,
    /// SalesOS, and OrgStack whose clients sign in at the same address.
    SalesOs,
    /// Salesflow.
    Salesflow,
    /// SynthesQ.
    SynthesQ,
}

impl Dialect {
    /// By the path of a request.
    pub fn of(path: &str) -> Self {
        if is_below(path, "/api/v1") || is_below(path, "/sanctum") {
            Self::SynthesQ
        } else if is_below(path, "/api") {
            Self::SalesOs
        } else if is_below(path, "/auth") {
            Self::Salesflow
        } else {
            Self::Native
        }
    }

    /// What a refusal says to people.
    pub fn message(self, error: &Error) -> String {
        let own = match self {
            Self::SalesOs => orgstack::message(error.code()),
            Self::Native | Self::Salesflow | Self::SynthesQ => None,
        };
        own.map_or_else(|| error.to_string(), str::to_owned)
    }
}

/// Whether `path` is `base`, or lies below it.
pub fn is_below(path: &str, base: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Refuses a body in which one of these fields is missing or empty, and names all that are.
fn needed(fields: &[(&str, Option<&str>)]) -> Result<(), Error> {
    let missing = fields.iter().filter(|(_, value)| value.is_none_or(str::is_empty));
    let sentences: Vec<_> = missing.map(|(name, _)| format!("{name} should not be empty")).collect();
    if sentences.is_empty() { Ok(()) } else { Err(Error::Shape(sentences)) }
}

/// The organization that the caller acts in; without one an empty text, which is that of none.
fn acted_in(actor: &Actor) -> String {
    actor.principal().organization_id().map(|id| id.to_string()).unwrap_or_default()
}
