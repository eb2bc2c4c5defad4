//! The small set of parts that pages are made of.

pub mod badge;
pub mod button;
pub mod card;
pub mod choice;
pub mod dialog;
pub mod empty;
pub mod field;
pub mod form;
pub mod icon;
pub mod keeper;
pub mod layout;
pub mod notice;
pub mod pager;
pub mod secret;
pub mod switcher;
pub mod theme;
pub mod time;
