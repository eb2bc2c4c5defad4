//! Dialogs.

use super::button::{LinkButton, SubmitButton, Weight};
use crate::routes::Page;
use leptos::prelude::*;

/// A dialog that the server renders open, at an address of its own: it works without a script, where the page behind it
/// is inert. With one it becomes a real modal dialog that Escape closes.
#[component]
pub fn Dialog(
    /// The heading.
    #[prop(into)]
    title: String,
    /// A sentence under it.
    #[prop(into)]
    lead: String,
    /// The page behind it, where closing leads.
    back: Page,
    /// Narrower, for a question.
    #[prop(optional)]
    small: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <dialog open class:dialog-small=small data-back=back.path() aria-labelledby="dialog-title" aria-describedby="dialog-lead">
            <div class="dialog-head">
                <h2 id="dialog-title">{title}</h2>
                <p class="soft" id="dialog-lead">{lead}</p>
            </div>
            {children()}
        </dialog>
    }
}

/// Cancel, and the one thing to do.
#[component]
pub fn DialogFoot(
    /// The page behind it, where cancelling leads.
    back: Page,
    /// What leads back.
    cancel: &'static str,
    /// What goes on.
    go: &'static str,
    /// How loud that is.
    #[prop(optional)]
    weight: Weight,
    /// There is no field before it: the focus begins on the way back.
    #[prop(optional)]
    focused: bool,
) -> impl IntoView {
    view! {
        <div class="dialog-foot">
            <LinkButton href=back.path() label=cancel weight=Weight::Plain closes=true focused=focused/>
            <SubmitButton label=go weight=weight/>
        </div>
    }
}
