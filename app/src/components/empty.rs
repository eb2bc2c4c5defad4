//! Nothing to show yet.

use super::icon::Icon;
use leptos::prelude::*;

/// One sentence, and what to do.
#[component]
pub fn Empty(
    /// A picture from the sprite.
    icon: &'static str,
    /// The sentence.
    text: &'static str,
    /// The button.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <Icon name=icon/>
            <p class="soft">{text}</p>
            {children()}
        </div>
    }
}
