//! Light, dark, or what the system says.

use super::dom;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlButtonElement, HtmlDocument, SubmitEvent};

/// Makes the theme form inside it answer at once; without it the same form is posted.
#[island]
pub fn ThemeSwitch(children: Children) -> impl IntoView {
    let choose = |event: SubmitEvent| {
        let Some(button) = event.submitter().and_then(|button| button.dyn_into::<HtmlButtonElement>().ok()) else {
            return;
        };
        event.prevent_default();
        let theme = button.value();
        if let (Some(root), Ok(page)) = (document().document_element(), document().dyn_into::<HtmlDocument>()) {
            dom::set(&root, "data-theme", Some(&theme));
            let _ = page.set_cookie(
                &["__Host-latchkey-theme=", &theme, "; Path=/; Secure; SameSite=Lax; Max-Age=31536000"].concat(),
            );
        }
        for other in dom::all(".theme-switch button") {
            let same = other.get_attribute("value").as_deref() == Some(&theme);
            dom::set(&other, "aria-pressed", Some(if same { "true" } else { "false" }));
        }
    };
    view! { <div class="live" on:submit=choose>{children()}</div> }
}
