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
    /// What is copied, when it is not the text as it is shown.
    #[prop(optional, into)]
    copied: Option<String>,
    /// Shown only once: the page asks before it is left uncopied.
    #[prop(optional)]
    once: bool,
) -> impl IntoView {
    let name = format!("{id}-label");
    let copied = copied.unwrap_or_else(|| text.clone());
    view! {
        <div class="field">
            <span class="label" id=name.clone()>{label}</span>
            <div class="secret" data-copy=copied data-uncopied=once.then_some("")>
                <pre id=id role="textbox" aria-readonly="true" aria-labelledby=name tabindex="0" autofocus=once>{text}</pre>
                <CopyButton/>
            </div>
        </div>
    }
}
