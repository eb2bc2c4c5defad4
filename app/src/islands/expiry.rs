//! The sentence under the expiry of a new key.

use super::dom;
use leptos::prelude::*;
use web_sys::{Element, Event, HtmlInputElement, HtmlSelectElement};

/// Says on which day the key will expire, as the choice inside it changes. The sentence of each choice stands on its
/// option; the server has written the one of the first choice.
#[island]
pub fn ExpiryChoice(children: Children) -> impl IntoView {
    let follow = |event: Event| {
        let Some(group) = dom::closest::<Element>(&event, ".expiry") else {
            return;
        };
        if let Some(place) = dom::find::<Element>(&group, ".expiry-sentence") {
            place.set_text_content(sentence(&group).as_deref());
        }
    };
    view! { <div class="live" on:input=follow>{children()}</div> }
}

fn sentence(group: &Element) -> Option<String> {
    let select = dom::find::<HtmlSelectElement>(group, "select")?;
    let day = dom::find::<HtmlInputElement>(group, "input")?.value();
    if select.value() == "custom" && !day.is_empty() {
        return Some(["Stops working at the end of ", &day, ", UTC."].concat());
    }
    dom::find::<Element>(&select, "option:checked")?.get_attribute("data-sentence")
}
