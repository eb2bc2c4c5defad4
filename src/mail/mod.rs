//! Mail: what we write to people, and how it leaves the house.
//!
//! [`Letter`] knows the words, one layout makes text and HTML of them, [`Smtp`] hands the result to a server. Nothing
//! here knows accounts, the store or the queue: what is sent, to whom and how often is the caller's business.

mod layout;
mod letter;
mod server;
mod smtp;
mod words;

#[cfg(test)]
mod letter_tests;
#[cfg(test)]
pub(crate) mod scripted_server;
#[cfg(test)]
mod smtp_tests;

pub use letter::{Circumstances, FactorNews, House, Letter, Written};
pub use server::{BadSmtpUrl, SmtpServer, SmtpTls};
pub use smtp::{Line, Smtp, Stage, Trouble};
