//! The pages for people who are about to come in.

pub mod by_mail;
pub mod confirm;
pub mod forgot_password;
pub mod invite;
pub mod login;
pub mod magic_link;
pub mod parts;
pub mod register;
pub mod reset_password;
pub mod secure_account;
pub mod set_up;
pub mod third_party;
pub mod two_factor;
pub mod verify_email;
