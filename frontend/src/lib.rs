//! The wasm entry point of Latchkey's pages.

// Linking the crate is what keeps the islands' own entry points in the module.
use latchkey_app as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// Prepares the runtime; the loader script then wakes the islands one by one.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
