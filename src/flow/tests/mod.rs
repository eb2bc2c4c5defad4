//! What the verbs promise, on both engines.

mod accounts;
mod keys;
mod opening;
mod sessions;
mod tokens;
