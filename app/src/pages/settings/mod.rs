//! The pages about oneself.

pub mod profile;
pub mod security;
