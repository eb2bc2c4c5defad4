//! # Latchkey: the auth core
//!
//! Every door of the product (REST, dialects, pages, command line) opens into this crate, which alone knows the rules.
//!
//! **The nouns** stand in the crate's root and do no IO: [`id`], [`email`], [`member`] (roles and the table of who may
//! do what), [`api_key`] (form, checksum, scopes, states), [`clock`], [`field`], [`error`], [`handoff`] (to which sites), [`limit`]. Without the
//! feature `server` that is all there is, and it compiles for wasm. With it come more, among them `factor` (codes of
//! authenticators, backup codes), `device`, `key_watch` (what use of a key is unusual) and `qr`.
//!
//! **The verbs** are methods of the one handle `Latchkey`, one file a group in `flow`: `authenticate` makes
//! principals, `gate` stands before every session, `guessing` before every password, `sign_in`, `sign_up`, `tokens`, `sessions`, `account`, `api_keys`,
//! `api_key_use`, `key_watch`, `verification`, `handoff`, `set_up`, `upkeep`, `keys`, `backup`; for the second factor `second_factor`, `enrol`, `backup_codes`,
//! `step_up`, `trusted_devices`, `policy`, `reset_factor`. A verb takes a `Visitor` (nothing proven) or an `Actor`
//! (proven), checks the right, and does all that belongs together in one transaction.
//!
//! **Below** stand `store` (the only SQL), `crypto` (hashing, sealing, signing), `memory` (what verification
//! remembers, and how revocation reaches it), `usage` (counting without writing), `metrics` (what operators want counted),
//! `audit`, `fitting` (which master key fits a database), `backup` (the form of a backup), `private_file`.
//!
//! Arrows point down only: this crate knows neither the server nor the pages.

pub mod api_key;
pub mod clock;
pub mod email;
pub mod error;
pub mod field;
pub mod handoff;
pub mod id;
pub mod limit;
pub mod member;

#[cfg(feature = "server")]
pub mod agent;
#[cfg(feature = "server")]
mod audit;
#[cfg(feature = "server")]
pub mod backup;
#[cfg(feature = "server")]
pub mod challenge;
#[cfg(feature = "server")]
mod crockford;
#[cfg(feature = "server")]
pub mod crypto;
#[cfg(feature = "server")]
pub mod device;
#[cfg(feature = "server")]
pub mod factor;
#[cfg(feature = "server")]
mod fitting;
#[cfg(feature = "server")]
pub mod flow;
#[cfg(all(test, feature = "server"))]
mod fuzz;
#[cfg(feature = "server")]
pub mod guessing;
#[cfg(feature = "server")]
pub mod invitation;
#[cfg(feature = "server")]
pub mod key_watch;
#[cfg(feature = "server")]
mod latchkey;
#[cfg(feature = "server")]
pub mod mail;
#[cfg(feature = "server")]
mod memory;
#[cfg(feature = "server")]
pub mod metrics;
#[cfg(feature = "server")]
pub mod organization;
#[cfg(feature = "server")]
pub mod password;
#[cfg(feature = "server")]
pub mod principal;
#[cfg(feature = "server")]
pub mod private_file;
#[cfg(feature = "server")]
pub mod qr;
#[cfg(feature = "server")]
mod schema;
#[cfg(feature = "server")]
pub mod secret;
#[cfg(feature = "server")]
pub mod session;
#[cfg(feature = "server")]
pub mod settings;
#[cfg(feature = "server")]
pub mod store;
#[cfg(all(test, feature = "server"))]
mod testing;
#[cfg(feature = "server")]
mod usage;
#[cfg(feature = "server")]
pub mod user;

pub use error::{Code, Error};

#[cfg(feature = "server")]
pub use crate::fitting::Place as MasterKeyPlace;
#[cfg(feature = "server")]
pub use crate::latchkey::{Inspection, Latchkey, OpenError, inspect};
#[cfg(feature = "server")]
pub use crate::principal::{Actor, Principal, Visitor};
