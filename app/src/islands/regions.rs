//! The parts of a page that may change: fetched with the page they belong to, and put in place where they differ.

use super::dom::{self, all};
use crate::words;
use leptos::prelude::{document, window};
use std::sync::atomic::{AtomicU32, Ordering};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Document, DomParser, Element, HtmlDialogElement, HtmlElement, Node, Response, SupportedType, Url};

/// How often a page was asked for: an answer that comes after a later question is of no use any more.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// Shows the page at `url` by exchanging the regions that differ. Another page, or a failure, is an ordinary navigation.
pub fn visit(url: String, push: bool) {
    let mine = ASKED.fetch_add(1, Ordering::Relaxed) + 1;
    spawn_local(async move {
        let fetched = fetch(&url).await;
        if ASKED.load(Ordering::Relaxed) != mine {
            return;
        }
        match fetched {
            Ok((page, landed)) if is_here(&landed) => show(&page, &landed, push),
            _ => dom::leave(&url),
        }
    });
}

/// Whether `url` is the page that is on the screen, whatever its query.
pub fn is_here(url: &str) -> bool {
    let here = window().location();
    let (Ok(path), Ok(base)) = (here.pathname(), here.href()) else {
        return false;
    };
    Url::new_with_base(url, &base).is_ok_and(|url| url.pathname() == path)
}

async fn fetch(url: &str) -> Result<(Document, String), JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(url)).await?.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    Ok((DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml)?, response.url()))
}

fn show(page: &Document, url: &str, push: bool) {
    let mut said = None;
    for old in all("[data-region]") {
        let Some(new) = page.get_element_by_id(&old.id()) else {
            continue;
        };
        if is_same(&old, &new) {
            continue;
        }
        let held = old.contains(document().active_element().as_deref());
        said = said.or_else(|| dom::find::<Element>(&new, "[data-announce]").and_then(|told| told.text_content()));
        let node: &Node = &new;
        if old.replace_with_with_node_1(node).is_ok() {
            dom::hydrate_below(&new);
            let first = || dom::find(&new, "[autofocus]").or_else(|| dom::find::<HtmlElement>(&new, "[tabindex='-1']"));
            if let Some(first) = held.then(first).flatten() {
                let _ = first.focus();
            }
        }
    }
    take_proofs(page);
    document().set_title(&page.title());
    if let (true, Ok(history)) = (push, window().history()) {
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(url));
    }
    open_dialogs();
    super::watch::begin();
    if let Some(said) = said {
        dom::announce(&said);
    }
}

/// Whether a region needs no exchange. One that holds a field in use says by a version when it does.
fn is_same(old: &Element, new: &Element) -> bool {
    match (old.get_attribute("data-version"), new.get_attribute("data-version")) {
        (Some(old), Some(new)) => old == new,
        _ => old.outer_html() == new.outer_html(),
    }
}

/// Takes the proofs against forged forms from a fresh copy of this page; a session may have been renewed elsewhere.
pub async fn renew_proofs() -> bool {
    let Ok(here) = window().location().href() else {
        return false;
    };
    let Ok((page, _)) = fetch(&here).await else {
        return false;
    };
    take_proofs(&page)
}

fn take_proofs(page: &Document) -> bool {
    let fresh = page.query_selector("input[name=csrf]").ok().flatten().and_then(|input| input.get_attribute("value"));
    for old in all("input[name=csrf]") {
        dom::set(&old, "value", fresh.as_deref());
    }
    fresh.is_some()
}

/// Turns the dialogs that the server rendered open into real modal ones.
pub fn open_dialogs() {
    for dialog in all("dialog[open]").into_iter().filter_map(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok()) {
        if dialog.matches(":modal").unwrap_or(true) {
            continue;
        }
        dialog.set_open(false);
        for covered in all("[inert]") {
            dom::set(&covered, "inert", None);
        }
        let _ = dialog.show_modal();
    }
}

/// Puts the page back as it was before the dialog: its address, and the focus where it came from.
pub fn after_close(dialog: &HtmlDialogElement) {
    if let (Some(url), Ok(history)) = (dialog.get_attribute("data-back"), window().history()) {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&url));
    }
    dialog.remove();
    if let Some(id) = document().body().and_then(|body| body.get_attribute("data-opener")) {
        dom::focus(&id);
    }
}

/// Keeps the id of the link that opens something, so that the focus can return to it.
pub fn remember_opener(id: &str) {
    if let (Some(body), false) = (document().body(), id.is_empty()) {
        dom::set(&body, "data-opener", Some(id));
    }
}

/// Whether a new key stands on the page that has not been copied.
pub fn is_key_uncopied() -> bool {
    !all("[data-uncopied]").is_empty()
}

/// Whether a dialog may be closed; asks when a key in it has not been copied.
pub fn may_close(dialog: &HtmlDialogElement) -> bool {
    let uncopied = dom::find::<Element>(dialog, "[data-uncopied]");
    let may = uncopied.is_none() || window().confirm_with_message(words::LEAVE_KEY).unwrap_or(true);
    if let (true, Some(key)) = (may, uncopied) {
        dom::set(&key, "data-uncopied", None);
    }
    may
}
