//! Ways to the other pages of a list.

use crate::routes::Page;
use leptos::prelude::*;

/// Where the list goes on, when it is longer than one page.
#[component]
pub fn Pager(
    /// The page that shows the list.
    page: Page,
    /// What else stands in its query.
    #[prop(optional)]
    query: Vec<(&'static str, String)>,
    /// Which part of the list is shown, from 1.
    number: u32,
    /// How many parts there are.
    pages: u32,
) -> impl IntoView {
    let to = move |other: u32| {
        let other = other.to_string();
        let rest = query.iter().map(|(name, value)| (*name, Some(value.as_str()).filter(|value| !value.is_empty())));
        page.with_known(&rest.chain([("page", Some(other.as_str()))]).collect::<Vec<_>>())
    };
    (pages > 1).then(|| {
        view! {
            <nav class="card-section" aria-label="Pages of this list">
                <div class="row">
                    {(number > 1).then(|| view! { <a href=to(number - 1) rel="prev">"Previous"</a> })}
                    <span class="soft">{format!("Page {number} of {pages}")}</span>
                    {(number < pages).then(|| view! { <a href=to(number + 1) rel="next">"Next"</a> })}
                </div>
            </nav>
        }
    })
}
