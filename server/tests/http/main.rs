//! HTTP tests: the real router, a clock that stands until it is moved, on SQLite and on PostgreSQL.
//!
//! One file for each part of the URL tree. A test is a claim and reads like a story:
//!
//! ```ignore
//! on_both_engines! {
//!     async fn a_member_cannot_see_the_keys_of_others(app) {
//!         let ada = app.register("ada").await;
//!         let ben = app.member_of(&ada, "ben", Role::Member).await;
//!         let key = ada.makes_a_key(json!({"name": "Export"})).await;
//!         ben.get(&format!("/v1/api-keys/{}", key.id)).await.assert_refused(404, "not_found");
//!     }
//! }
//! ```

mod support;

mod api_keys;
mod around;
mod auth;
mod config;
mod dialects;
mod errors;
mod guessing;
mod invitations;
mod key_watch;
mod landlord;
mod limits;
mod mail;
mod metrics;
mod openapi;
mod organizations;
mod wire;
