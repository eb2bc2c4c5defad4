//! What the verbs promise, on both engines.

mod accounts;
mod audit;
mod backup;
mod factor_changes;
mod faults;
mod guessing;
mod handoff;
mod invitation_codes;
mod invitations;
mod key_rotation;
mod key_watch;
mod keys;
mod landlord;
mod mail;
mod nodes;
mod opening;
mod organizations;
mod outbox;
mod phone;
mod policy;
mod second_factor;
mod sessions;
mod sign_in_policy;
mod tokens;
mod trusted_devices;
