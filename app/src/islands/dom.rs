//! The few DOM helpers that the islands share.

use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CustomEvent, CustomEventInit, Element, Event, HtmlElement};

/// The nearest element at or above the event's target that matches `selector`.
pub fn closest<T: JsCast>(event: &Event, selector: &str) -> Option<T> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest(selector).ok()??.dyn_into().ok()
}

/// The first element below `root` that matches `selector`.
pub fn find<T: JsCast>(root: &Element, selector: &str) -> Option<T> {
    root.query_selector(selector).ok()??.dyn_into().ok()
}

/// All elements of the document that match `selector`.
pub fn all(selector: &str) -> Vec<Element> {
    let Ok(found) = document().query_selector_all(selector) else {
        return Vec::new();
    };
    (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect()
}

/// Sets or removes an attribute; a browser that refuses loses nothing but the nicety.
pub fn set(element: &Element, name: &str, value: Option<&str>) {
    match value {
        Some(value) => drop(element.set_attribute(name, value)),
        None => drop(element.remove_attribute(name)),
    }
}

/// Moves the focus to the element with this id.
pub fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id).and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Says something to people who listen instead of looking.
pub fn announce(text: &str) {
    if let Some(place) = document().get_element_by_id("announcer") {
        place.set_text_content(Some(text));
    }
}

/// Tells the loader script that new HTML with islands in it has arrived under `element`.
pub fn hydrate_below(element: &Element) {
    let options = CustomEventInit::new();
    options.set_bubbles(true);
    if let Ok(event) = CustomEvent::new_with_event_init_dict("latchkey:changed", &options) {
        let _ = element.dispatch_event(&event);
    }
}

/// Leaves this page for another one.
pub fn leave(url: &str) {
    let _ = window().location().assign(url);
}

/// Reads a property of a JavaScript object as text.
pub fn text_of(object: &JsValue, name: &str) -> Option<String> {
    js_sys::Reflect::get(object, &name.into()).ok()?.as_string()
}
