//! The pages about oneself and one's organization.

pub mod audit;
pub mod organization;
pub mod profile;
pub mod security;
