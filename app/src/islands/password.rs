//! Show and hide a password.

use super::dom;
use leptos::prelude::*;
use web_sys::{Element, HtmlInputElement, MouseEvent};

/// Shows the password of the field it stands in, and hides it again.
#[island]
pub fn ShowPassword() -> impl IntoView {
    let toggle = |event: MouseEvent| {
        let (Some(button), Some(field)) =
            (dom::closest::<Element>(&event, "button"), dom::closest::<Element>(&event, ".field"))
        else {
            return;
        };
        if let Some(input) = dom::find::<HtmlInputElement>(&field, "input") {
            let show = input.type_() == "password";
            input.set_type(if show { "text" } else { "password" });
            if let Some(word) = button.first_element_child() {
                word.set_text_content(Some(if show { "Hide" } else { "Show" }));
            }
        }
    };
    view! {
        <button type="button" class="show-password needs-script" on:click=toggle>
            <span>"Show"</span>
            <span class="visually-hidden">" password"</span>
        </button>
    }
}
