//! Pages for when there is no page.

use crate::components::icon::Brand;
use crate::request;
use latchkey::Error;
use leptos::prelude::*;
use leptos_meta::Title;

/// Nothing at this address.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    request::set_status(&Error::NotFound);
    view! { <Excuse title="There is no such page" words="The address may be mistyped, or the page has moved.".to_owned()/> }
}

/// A page that could not be shown.
#[component]
pub fn Trouble(
    /// What went wrong and what to do next.
    words: String,
) -> impl IntoView {
    view! { <Excuse title="This did not work" words=words/> }
}

#[component]
fn Excuse(title: &'static str, words: String) -> impl IntoView {
    view! {
        <Title text=format!("{title} · Latchkey")/>
        <div class="front">
            <main id="main">
                <Brand/>
                <div class="card">
                    <header>
                        <h1>{title}</h1>
                        <p class="soft">{words}</p>
                    </header>
                    <a class="button button-primary button-wide" href="/">"Go to the start"</a>
                </div>
            </main>
        </div>
    }
}
