//! Every parser of the server that meets bytes from outside, fed with bytes that nobody meant.
//!
//! | What comes from outside | Read by | Claim besides "no panic" |
//! | --- | --- | --- |
//! | Bodies of every operation: JSON, forms, neither | the router | never a fault of ours; one form of error |
//! | Forms of every page | the router | never a fault of ours; nobody is signed in |
//! | Paths and queries, of operations and pages | the router | never a fault of ours; leads to no other site |
//! | Every header that is read: credentials, cookies, origins, methods held back, user agent | the router | never a fault of ours; what a good credential proves stays proven |
//! | `Accept-Encoding`, `If-None-Match`, `Range` of files | the router | the file, whole, in an encoding that was asked for |
//! | `X-Forwarded-For` | [`client_address`] | what a client writes never counts for more than what a proxy saw |
//! | Credentials in a query | [`query_credentials`] | found behind anything |
//! | Cookies | [`cookies`] | the named one or none |
//! | Return address of pages | the router | a page of this site, as a browser reads it, and none of the doors |
//! | The settings file | `read_config` | read or refused with a sentence |
//!
//! What the core reads is fed in `src/fuzz.rs`, which says how the bytes are drawn, why so, and how to draw for longer.
//!
//! [`client_address`]: latchkey_server::middleware::client_address::client_address
//! [`query_credentials`]: latchkey_server::middleware::query_credentials
//! [`cookies`]: latchkey_server::rest::cookies

#[path = "../../../src/fuzz/draw.rs"]
mod draw;
#[path = "../http/support/mod.rs"]
mod support;

mod edges;
mod requests;
