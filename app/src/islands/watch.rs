//! A tab that waits for something to be finished elsewhere.

use super::answer::Answer;
use super::{dom, regions};
use leptos::prelude::{document, set_timeout, window};
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, Response};

/// How long it rests between two looks.
const EVERY: Duration = Duration::from_secs(3);
/// How often it looks at most: a little longer than a link to sign in with lives.
const LOOKS: u32 = 220;

/// Asks the address in `data-watch` again and again where to go, for as long as that element stands on the page.
pub fn begin() {
    for place in dom::all("[data-watch]") {
        if let Some(address) = place.get_attribute("data-watch") {
            dom::set(&place, "data-watch", None);
            rest(place, address, LOOKS);
        }
    }
}

fn rest(place: Element, address: String, left: u32) {
    set_timeout(
        move || {
            if !place.is_connected() || left == 0 {
                return;
            }
            if document().hidden() {
                rest(place, address, left);
            } else {
                spawn_local(look(place, address, left));
            }
        },
        EVERY,
    );
}

async fn look(place: Element, address: String, left: u32) {
    match ask(&address).await {
        Ok(Answer::Done { go }) if !go.is_empty() => {
            if regions::is_here(&go) {
                regions::visit(go, false);
            } else {
                dom::leave(&go);
            }
        }
        _ => rest(place, address, left - 1),
    }
}

async fn ask(address: &str) -> Result<Answer, JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(address)).await?.dyn_into()?;
    Ok(Answer::read(response).await)
}
