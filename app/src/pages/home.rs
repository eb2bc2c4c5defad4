//! `/`: sends people where they belong.

use crate::request;
use crate::routes::Page;
use latchkey::Error;
use leptos::prelude::*;

/// Signed in: the first page. Signed out: the sign-in page.
#[component]
pub fn HomePage() -> impl IntoView {
    super::page(async move {
        let to = if request::actor()?.is_some() { Page::FIRST } else { Page::Login };
        request::see(to.path());
        Ok::<_, Error>(view! { <p><a href=to.path()>"Go on"</a></p> })
    })
}
