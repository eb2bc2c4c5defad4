//! `/v1/auth/…`

mod account;
mod csrf;
mod handoff;
mod login;
mod refresh;
mod register;
mod sessions;
mod two_factor;
mod verification;
