//! Forms and links without a full reload.

use super::answer::{Answer, Failure};
use super::dom::{self, closest};
use super::keeping;
use super::regions;
#[cfg(feature = "hydrate")]
use super::watch;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, Event, FormData, HtmlButtonElement, HtmlDialogElement, HtmlElement, HtmlFormElement};
use web_sys::{HtmlInputElement, MouseEvent, RequestInit, Response, SubmitEvent, UrlSearchParams};

/// How long an answer may take before the page says that it is busy.
const BUSY_AFTER: Duration = Duration::from_millis(150);
/// How long typing in a search field must rest before the list follows.
const SEARCH_AFTER: Duration = Duration::from_millis(200);

/// Makes the forms and the `data-live` links inside it work without a reload: errors appear beside their fields, and
/// what changed on the page is fetched and put in place. Without it, the same forms and links do the same by reloading.
#[island]
pub fn Live(children: Children) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    wake();
    view! {
        <div
            class="live"
            on:submit=submitted
            on:click=clicked
            on:input=typed
            on:cancel:capture=dismissed
            on:close:capture=closed
        >
            {children()}
        </div>
    }
}

#[cfg(feature = "hydrate")]
fn wake() {
    regions::open_dialogs();
    watch::begin();
    let _ = window_event_listener_untyped("popstate", |_| {
        if let Ok(url) = window().location().href() {
            regions::visit(url, false);
        }
    });
    let _ = window_event_listener_untyped("beforeunload", |event| {
        if regions::is_key_uncopied() {
            event.prevent_default();
        }
    });
}

fn submitted(event: SubmitEvent) {
    let Some(form) = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok()) else {
        return;
    };
    if event.default_prevented() || form.has_attribute("data-plain") || form.method() == "dialog" {
        return;
    }
    event.prevent_default();
    if form.method() == "get" {
        search(&form);
    } else if !form.has_attribute("data-sending") {
        // At once: a second press may come before the first has begun to be sent.
        dom::set(&form, "data-sending", Some(""));
        let pressed = event.submitter();
        spawn_local(async move { send(form, pressed, true).await });
    }
}

fn clicked(event: MouseEvent) {
    let plain = event.button() == 0 && !(event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key());
    let Some(link) = closest::<web_sys::HtmlAnchorElement>(&event, "a[data-live]").filter(|_| plain) else {
        return;
    };
    event.prevent_default();
    if let Some(dialog) = closest::<HtmlDialogElement>(&event, "dialog").filter(|_| link.has_attribute("data-close")) {
        if regions::may_close(&dialog) {
            dialog.close();
        }
    } else {
        regions::remember_opener(&link.id());
        regions::visit(link.href(), true);
    }
}

/// Escape on a dialog: a key that nobody has copied yet is not thrown away unasked.
fn dismissed(event: Event) {
    if let Some(dialog) = closest::<HtmlDialogElement>(&event, "dialog").filter(|dialog| !regions::may_close(dialog)) {
        event.prevent_default();
        let _ = dialog.focus();
    }
}

fn closed(event: Event) {
    if let Some(dialog) = closest::<HtmlDialogElement>(&event, "dialog") {
        regions::after_close(&dialog);
    }
}

fn typed(event: Event) {
    let Some(field) = closest::<HtmlInputElement>(&event, "input") else {
        return;
    };
    if field.get_attribute("aria-invalid").is_some() {
        Failure::clear(&field);
    }
    if field.type_() == "search"
        && let Some(form) = field.form()
    {
        let before = field.value();
        set_timeout(
            move || {
                if field.value() == before {
                    search(&form);
                }
            },
            SEARCH_AFTER,
        );
    }
}

/// A GET form: its answer is the page at the address it makes.
fn search(form: &HtmlFormElement) {
    if let Ok(query) = body_of(form, None) {
        regions::visit([&form.action(), "?", &String::from(query.to_string())].concat(), true);
    }
}

fn body_of(form: &HtmlFormElement, pressed: Option<&HtmlElement>) -> Result<UrlSearchParams, JsValue> {
    let data = FormData::new_with_form(form)?;
    if let Some(button) =
        pressed.and_then(|pressed| pressed.dyn_ref::<HtmlButtonElement>()).filter(|b| !b.name().is_empty())
    {
        data.append_with_str(&button.name(), &button.value())?;
    }
    UrlSearchParams::new_with_str_sequence_sequence(&data)
}

/// Posts a form and shows what came of it. `fresh` says whether a stale page may be renewed and tried once more.
async fn send(form: HtmlFormElement, pressed: Option<HtmlElement>, fresh: bool) {
    let waiting = form.clone();
    let timer = set_timeout_with_handle(move || dom::set(&waiting, "aria-busy", Some("true")), BUSY_AFTER);
    let answer = match post(&form, pressed.as_ref()).await {
        Ok(response) => Answer::read(response).await,
        Err(_) => Answer::unreachable(),
    };
    if let Ok(timer) = timer {
        timer.clear();
    }
    dom::set(&form, "data-sending", None);
    dom::set(&form, "aria-busy", None);
    match answer {
        Answer::Done { go } if form.has_attribute("data-ends-session") => {
            keeping::tell_others();
            dom::leave(&go);
        }
        Answer::Done { go } if regions::is_here(&go) => {
            form.reset();
            regions::visit(go, true);
        }
        Answer::Done { go } => dom::leave(&go),
        Answer::Refused(failure) if failure.stale && fresh && regions::renew_proofs().await => {
            dom::set(&form, "data-sending", Some(""));
            Box::pin(send(form, pressed, false)).await;
        }
        Answer::Refused(failure) => failure.show(&form),
    }
}

async fn post(form: &HtmlFormElement, pressed: Option<&HtmlElement>) -> Result<Response, JsValue> {
    let options = RequestInit::new();
    options.set_method("POST");
    options.set_body(body_of(form, pressed)?.as_ref());
    let headers = web_sys::Headers::new()?;
    headers.set("Accept", "application/json")?;
    options.set_headers(&headers);
    let element: &Element = form;
    let own = pressed.and_then(|pressed| pressed.get_attribute("formaction"));
    let action = own.or_else(|| element.get_attribute("action")).unwrap_or_default();
    JsFuture::from(window().fetch_with_str_and_init(&action, &options)).await?.dyn_into()
}
