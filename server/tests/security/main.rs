//! What the product must show from outside, row by row: every test here bears the id of the row that it proves.
//!
//! `docs/security.md` has the rows; `tools/check-security` holds that each has its test. The words are those of the HTTP
//! tests.

#[path = "../http/support/mod.rs"]
mod support;

mod elsewhere;
mod refresh_and_keys;
mod sessions;
mod tokens;
