//! Backup codes on the screen.

use super::dom;
use leptos::prelude::*;
use web_sys::{Element, Event};

/// Prints the codes inside it, and notes that they are kept: leaving the page asks no more.
#[island]
pub fn CodesBox(children: Children) -> impl IntoView {
    let kept = |event: Event| {
        let Some(way) = dom::closest::<Element>(&event, "[data-saves]") else {
            return;
        };
        if way.has_attribute("data-print") {
            let _ = window().print();
        }
        for codes in dom::all(".backup-codes") {
            dom::set(&codes, "data-uncopied", None);
        }
    };
    view! { <div class="live stack" on:click=move |event| kept(event.into())>{children()}</div> }
}
