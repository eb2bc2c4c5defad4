//! What the product promises to whoever is afraid of it: a test for each row of `docs/security.md`, which names them.
//!
//! A test bears the id of its row: `p01_…` proves P01. They speak the words of the HTTP tests, against the same real router on
//! both engines. Rows that are proven elsewhere, in the core or in a browser, have their tests there under the same id;
//! `tools/check-security` sees to it that none is without.

#[path = "../http/support/mod.rs"]
mod support;

mod doors;

mod elsewhere;
mod factors;
mod links;
mod passwords;
mod refresh_and_keys;
mod sessions;
mod signing_in;
mod tokens;
