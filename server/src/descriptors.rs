//! As many open files as the system lets us have: every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open besides connections: the database and its pool, mail, logs.
const BESIDES: u64 = 256;

/// Raises the soft limit to the hard one, and says so in the log when even that is too low for so many connections.
pub fn raise(connections: u32) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let held = setrlimit(Resource::Nofile, raised).map_or(limit.current, |()| limit.maximum);
    let needed = u64::from(connections) + BESIDES;
    // `None` is no limit.
    if let Some(held) = held.filter(|held| *held < needed) {
        tracing::warn!(held, needed, "fewer files may be open than max_connections needs; raise the limit (ulimit -n)");
    }
}
