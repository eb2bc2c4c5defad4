//! Dialogs.

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
