//! What the verbs promise, on both engines.

mod accounts;
mod keys;
mod mail;
mod opening;
mod outbox;
mod sessions;
mod tokens;
