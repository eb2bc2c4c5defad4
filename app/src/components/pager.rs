//! Ways to the other pages of a list.

use crate::routes::Page;
use leptos::prelude::*;

/// Where the list goes on, when it is longer than one page.
#[component]
pub fn Pager(page: Page, number: u32, pages: u32) -> impl IntoView {
    let to = move |other: u32| page.with(&[("page", &other.to_string())]);
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
