//! The copy button.

use super::dom;
use crate::words;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, HtmlElement, MouseEvent};

/// How long the button says that it has copied.
const SAID_FOR: Duration = Duration::from_secs(2);

/// Copies what stands in the nearest `data-copy` attribute above it.
#[island]
pub fn CopyButton() -> impl IntoView {
    let press = |event: MouseEvent| {
        let (Some(button), Some(holder)) = (dom::closest(&event, "button"), dom::closest(&event, "[data-copy]")) else {
            return;
        };
        spawn_local(copy(button, holder));
    };
    view! {
        <button type="button" class="button button-quiet copy-button needs-script" on:click=press>
            {words::COPY}
        </button>
    }
}

async fn copy(button: Element, holder: Element) {
    let text = holder.get_attribute("data-copy").unwrap_or_default();
    let written = JsFuture::from(window().navigator().clipboard().write_text(&text)).await.is_ok();
    let said = if written { words::COPIED } else { words::COPY_BY_HAND };
    button.set_text_content(Some(said));
    dom::announce(said);
    if written {
        dom::set(&holder, "data-uncopied", None);
    } else if let Some(shown) = dom::find::<HtmlElement>(&holder, "pre, ol") {
        let _ = shown.focus();
        if let Ok(Some(selection)) = window().get_selection() {
            let _ = selection.select_all_children(&shown);
        }
    }
    set_timeout(move || button.set_text_content(Some(words::COPY)), SAID_FOR);
}
