//! What is alive in the browser.
//!
//! One island, [`live::Live`], makes every form and every marked link inside it work without a full reload. The others
//! are single controls. None takes props: what they need stands in the HTML, so no deserialiser has to travel, and what
//! they show is written by the server, so no words or dates are formatted twice.

pub mod answer;
pub mod codes;
pub mod copy;
pub mod dom;
pub mod expiry;
pub mod keeping;
pub mod live;
pub mod locks;
pub mod pair;
pub mod password;
pub mod regions;
pub mod session_keeper;
pub mod theme;
pub mod watch;
