//! Icons from the one sprite, and the mark of the product.

use crate::shell::Assets;
use leptos::prelude::*;

/// A picture from the sprite. It never stands alone: a word beside it, or a label, says what it means.
#[component]
pub fn Icon(
    /// Its id in the sprite.
    name: &'static str,
) -> impl IntoView {
    let sprite = use_context::<Assets>().map(|assets| assets.icons).unwrap_or_default();
    view! {
        <svg class="icon" aria-hidden="true">
            <use href=format!("{sprite}#{name}")></use>
        </svg>
    }
}

/// The mark and the name, leading home.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/">
            <svg viewBox="0 0 32 32" aria-hidden="true">
                <rect class="brand-plate" width="32" height="32" rx="8"></rect>
                <g class="brand-key">
                    <circle cx="12" cy="16" r="4.5"></circle>
                    <path d="M16.5 16H25v4m-4-4v3"></path>
                </g>
            </svg>
            "Latchkey"
        </a>
    }
}
