//! Something to copy.

use crate::islands::copy::CopyButton;
use leptos::prelude::*;

/// A text with a copy button. Without a script it can be selected at one click.
#[component]
pub fn Secret(
    /// What it is.
    #[prop(into)]
    label: String,
    /// The text.
    text: String,
    /// Unique on the page.
    id: &'static str,
    /// Shown only once: the page asks before it is left uncopied.
    #[prop(optional)]
    once: bool,
    /// Over several lines.
    #[prop(optional)]
    long: bool,
) -> impl IntoView {
    let shown = if long {
        view! { <pre id=id tabindex="0">{text.clone()}</pre> }.into_any()
    } else {
        view! { <input id=id readonly autocomplete="off" spellcheck="false" value=text.clone() autofocus/> }.into_any()
    };
    let label = if long {
        view! { <span class="label">{label}</span> }.into_any()
    } else {
        view! { <label for=id>{label}</label> }.into_any()
    };
    view! {
        <div class="field">
            {label}
            <div class="secret" data-copy=text data-uncopied=once.then_some("")>
                {shown}
                <CopyButton/>
            </div>
        </div>
    }
}
