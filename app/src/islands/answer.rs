//! What a form's address answers, and how a refusal is shown.

use super::dom;
use crate::words;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlElement, HtmlFormElement, Response};

/// The answer to a posted form.
pub enum Answer {
    /// It is done; the page to show next.
    Done {
        /// A path of this site.
        go: String,
    },
    /// It was refused.
    Refused(Failure),
}

/// Why a form was refused, in the server's words.
pub struct Failure {
    summary: String,
    fields: Vec<(String, String)>,
    sign_in: Option<String>,
    /// The page is older than the session; with new proofs the same form may pass.
    pub stale: bool,
}

impl Answer {
    /// Reads the JSON that our form addresses send.
    pub async fn read(response: Response) -> Self {
        let body = match response.json() {
            Ok(reading) => JsFuture::from(reading).await.unwrap_or(JsValue::NULL),
            Err(_) => JsValue::NULL,
        };
        match dom::text_of(&body, "go") {
            Some(go) if response.ok() => Self::Done { go },
            _ => Self::Refused(Failure::read(&body)),
        }
    }

    /// The request or its answer was lost on the way.
    pub fn unreachable() -> Self {
        Self::Refused(Failure { summary: words::UNREACHABLE.into(), fields: Vec::new(), sign_in: None, stale: false })
    }
}

impl Failure {
    fn read(body: &JsValue) -> Self {
        let fields = js_sys::Reflect::get(body, &"fields".into()).ok();
        let fields = fields.and_then(|list| list.dyn_into::<js_sys::Array>().ok()).unwrap_or_default();
        Self {
            summary: dom::text_of(body, "summary").unwrap_or_else(|| words::BROKEN.into()),
            fields: fields
                .iter()
                .filter_map(|one| Some((dom::text_of(&one, "name")?, dom::text_of(&one, "message")?)))
                .collect(),
            sign_in: dom::text_of(body, "signIn"),
            stale: dom::text_of(body, "stale").is_some(),
        }
    }

    /// Writes the refusal into the form and moves the focus to the first thing to mend.
    pub fn show(&self, form: &HtmlFormElement) {
        for old in dom::all("[aria-invalid]") {
            Self::clear(&old);
        }
        for (name, message) in &self.fields {
            if let Some(field) = dom::find::<HtmlElement>(form, &["[name=\"", name, "\"]:not([type=hidden])"].concat())
            {
                dom::set(&field, "aria-invalid", Some("true"));
                if let Some(place) = place_of(&field) {
                    place.set_text_content(Some(message));
                }
            }
        }
        let summary = dom::find::<HtmlElement>(form, "[data-summary]");
        if let Some(summary) = &summary {
            self.summarise(summary);
        }
        if let Some(focus) = dom::find::<HtmlElement>(form, "[aria-invalid]").or(summary) {
            let _ = focus.focus();
        }
    }

    fn summarise(&self, place: &HtmlElement) {
        place.set_hidden(false);
        if let Some(text) = dom::find::<Element>(place, "p") {
            text.set_text_content(Some(&self.summary));
        }
        if let Some(link) = dom::find::<HtmlElement>(place, "a") {
            link.set_hidden(self.sign_in.is_none());
            dom::set(&link, "href", self.sign_in.as_deref());
        }
    }

    /// Takes the error off one field.
    pub fn clear(field: &Element) {
        dom::set(field, "aria-invalid", None);
        if let Some(place) = place_of(field) {
            place.set_text_content(None);
        }
    }
}

/// Where the error of a field is written: the last element that describes it.
fn place_of(field: &Element) -> Option<Element> {
    let described = field.get_attribute("aria-describedby")?;
    let id = described.rsplit(' ').next()?;
    leptos::prelude::document().get_element_by_id(id)?.dyn_into().ok()
}
