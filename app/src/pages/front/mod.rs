//! The pages for people who are about to come in.

pub mod login;
pub mod register;
pub mod set_up;
