//! The keeper of the tokens of a session that was handed on.

#[cfg(feature = "hydrate")]
use super::keeping;
use leptos::prelude::*;

/// Looks after the tokens of the session that `data-session` inside it names.
#[island]
pub fn SessionKeeper(children: Children) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    keeping::begin();
    view! { <div class="keeper">{children()}</div> }
}
