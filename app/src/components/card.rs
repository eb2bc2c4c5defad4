//! Cards.

use leptos::prelude::*;

/// A titled part of a page.
#[component]
pub fn Card(
    /// The heading.
    title: &'static str,
    /// A sentence under it.
    lead: &'static str,
    /// The id that the page exchanges it by, when what it shows may change.
    #[prop(optional)]
    region: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card" id=region data-region=region.map(|_| "")>
            <div class="card-section">
                <header>
                    <h2>{title}</h2>
                    <p class="soft">{lead}</p>
                </header>
                {children()}
            </div>
        </section>
    }
}
