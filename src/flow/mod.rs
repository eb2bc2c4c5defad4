//! The verbs, one file a group. Each checks the right, then does all that belongs together in one transaction.

pub mod account;
pub mod address;
pub mod api_key_use;
pub mod api_keys;
pub mod audit_log;
pub mod authenticate;
pub mod backup;
pub mod backup_codes;
pub(crate) mod by_key;
pub(crate) mod counting;
pub mod enrol;
pub mod gate;
pub(crate) mod guessing;
pub mod handoff;
pub mod invitation_codes;
pub mod invitations;
pub mod joining;
pub mod key_watch;
pub mod keys;
pub mod landlord;
pub mod links;
pub mod magic_link;
pub mod mail;
pub mod members;
pub mod nodes;
pub mod organizations;
pub mod outbox;
pub mod page;
pub(crate) mod places;
pub mod policy;
pub mod recovery;
pub mod reset_factor;
pub mod second_factor;
pub mod secure;
pub mod sessions;
pub mod set_up;
pub mod sf_token;
pub mod sign_in;
pub mod sign_up;
pub mod step_up;
pub mod tokens;
pub mod trusted_devices;
pub mod upkeep;
pub mod verification;

#[cfg(test)]
mod tests;
