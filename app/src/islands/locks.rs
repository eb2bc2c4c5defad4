//! Web Locks, which web-sys has no stable names for: one tab at a time does what must not be done twice.

use js_sys::{Function, Object, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A lock that this tab holds; until it is released, or the page is left.
pub struct Held(Option<Function>);

impl Held {
    /// Lets others have it.
    pub fn release(self) {
        if let Some(release) = self.0 {
            let _ = release.call0(&JsValue::NULL);
        }
    }
}

/// Takes the lock called `name`: waits for it, or finds out whether it can be had at once. Where a browser has no locks,
/// it is had.
pub async fn take(name: &str, wait: bool) -> Option<Held> {
    let Some((locks, request)) = manager() else { return Some(Held(None)) };
    let mut release = None;
    let held = Promise::new(&mut |resolve, _| release = Some(resolve));
    let granted = Promise::new(&mut |resolve, _| {
        let held = held.clone();
        let given = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            let _ = resolve.call1(&JsValue::NULL, &lock);
            held.into()
        });
        let options = Object::new();
        let _ = Reflect::set(&options, &"ifAvailable".into(), &(!wait).into());
        let _ = request.call3(&locks, &name.into(), &options, &given);
    });
    let held = Held(release);
    let lock = JsFuture::from(granted).await.unwrap_or(JsValue::NULL);
    if lock.is_null() {
        held.release();
        return None;
    }
    Some(held)
}

fn manager() -> Option<(JsValue, Function)> {
    let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
    let request = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    Some((locks, request))
}
