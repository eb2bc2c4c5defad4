//! The pair of tokens of this tab, as it lies in sessionStorage: an `AuthorizationResponse`.

use super::dom::text_of;
use gloo_storage::{SessionStorage, Storage as _};
use js_sys::{Date, JSON, Math, Number, Reflect};
use leptos::prelude::window;
use wasm_bindgen::JsValue;

const PAIR: &str = "SF_Token";
/// What this tab calls itself: a tab that is made from another one begins with a copy of its storage.
const TAB: &str = "SF_Tab";

/// The pair.
pub struct Pair(JsValue);

impl Pair {
    /// Reads one.
    pub fn read(text: &str) -> Option<Self> {
        let pair = Self(JSON::parse(text).ok()?);
        pair.claim("sid").is_some().then_some(pair)
    }

    /// The one that lies here.
    pub fn stored() -> Option<Self> {
        Self::read(&SessionStorage::raw().get_item(PAIR).ok()??)
    }

    /// The access token.
    pub fn access(&self) -> String {
        self.text("accessToken")
    }

    /// The refresh token.
    pub fn refresh(&self) -> String {
        self.text("refreshToken")
    }

    /// Whose it is.
    pub fn person(&self) -> String {
        self.text("localId")
    }

    /// Of which session.
    pub fn session(&self) -> String {
        self.claim("sid").and_then(|sid| sid.as_string()).unwrap_or_default()
    }

    /// How many seconds a fresh one lives.
    pub fn life(&self) -> f64 {
        Reflect::get(&self.0, &"expiresIn".into()).ok().and_then(|life| life.as_f64()).unwrap_or_default()
    }

    /// How many seconds this one still lives, by the clock of the browser.
    pub fn left(&self) -> f64 {
        self.claim("exp").and_then(|exp| exp.as_f64()).unwrap_or_default() - Date::now() / 1000.0
    }

    fn text(&self, name: &str) -> String {
        text_of(&self.0, name).unwrap_or_default()
    }

    /// What the access token says, which is for its issuer to prove.
    fn claim(&self, name: &str) -> Option<JsValue> {
        let access = self.access();
        let payload = access.split('.').nth(1)?.replace('-', "+").replace('_', "/");
        let claims = JSON::parse(&window().atob(&payload).ok()?).ok()?;
        Reflect::get(&claims, &name.into()).ok().filter(|claim| !claim.is_undefined())
    }
}

/// Keeps a pair.
pub fn keep(text: &str) {
    let _ = SessionStorage::raw().set_item(PAIR, text);
}

/// Forgets it.
pub fn forget() {
    SessionStorage::delete(PAIR);
}

/// What this tab calls itself.
pub fn tab() -> Option<String> {
    SessionStorage::raw().get_item(TAB).ok()?
}

/// A new name for it.
pub fn name_tab() -> String {
    let name = Number::from(Math::random()).to_string_with_radix(36).map(String::from).unwrap_or_default();
    let _ = SessionStorage::raw().set_item(TAB, &name);
    name
}
