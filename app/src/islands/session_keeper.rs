//! Keeps the tokens of a session that was handed on (`SF_Token` in sessionStorage; contract sections 7, 8).
//!
//! Each tab has a pair of its own: it gets it from the HttpOnly session, and renews it before it expires, one tab at a time.
//! What tabs tell each other is that somebody signed out, and never a token.

use leptos::prelude::*;

/// Looks after the tokens of the session that `data-keeper` inside it names. Without it there are none.
#[island]
pub fn SessionKeeper(children: Children) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    keeping::begin();
    view! { <div class="keeper">{children()}</div> }
}
