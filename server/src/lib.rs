//! The server: every door of Latchkey but the pages' own, in one binary.
//!
//! - [`cli`] reads the command line, [`config`] everything that can be set, [`telemetry`] decides what is logged.
//! - [`application`] puts the parts together and runs them: [`router`], [`listener`], [`worker`]; [`descriptors`] makes
//!   room for its connections.
//! - [`middleware`] is what every request passes, one concern a file; [`rest`] is the API, one area a file, with its
//!   rules in prose at the top; [`dialects`] translate it for the clients of other systems, one system a file;
//!   [`openapi`] describes it; [`assets`] and [`pages`] serve browsers; [`metrics`] is for who watches it all.
//!
//! No rule about accounts, tokens or keys lives here: handlers parse, call one verb of the core, and answer.

pub mod application;
pub mod assets;
pub mod cli;
pub mod config;
pub mod descriptors;
pub mod dialects;
pub mod listener;
pub mod metrics;
pub mod middleware;
pub mod openapi;
pub mod pages;
pub mod rest;
pub mod router;
pub mod telemetry;
pub mod worker;

pub use application::Application;
pub use config::Config;
