//! Keeps the tokens of a session that was handed on (`SF_Token` in sessionStorage; contract sections 7, 8).
//!
//! Each tab has a pair of its own: it gets it from the HttpOnly session, and renews it before it expires, one tab at a
//! time. What tabs tell each other is that somebody has signed out, and never a token.

use super::pair::{self, Pair};
use super::{dom, locks, regions};
use leptos::prelude::{document, set_timeout, window, window_event_listener_untyped};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{BroadcastChannel, Element, HtmlElement, MessageEvent, RequestInit, Response};

/// What tabs tell each other.
const SIGNED_OUT: &str = "signed-out";
/// How many seconds before its end a pair is renewed.
const MARGIN: f64 = 60.0;
/// After how many seconds what could not be done is tried again.
const AGAIN: f64 = 15.0;
const JSON: (&str, &str) = ("Content-Type", "application/json");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The timer that counts: a later one takes its place.
static TURN: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static CHANNEL: Option<BroadcastChannel> = BroadcastChannel::new("latchkey").ok();
}

/// What came of asking for a pair.
enum Outcome {
    /// There is one.
    Kept,
    /// The session has ended.
    Ended,
    /// Somebody is signed in here, in a session that keeps no tokens.
    Elsewhere,
    /// That could not be found out.
    Unknown,
}

/// Tells the other tabs that the person has signed out in this one.
pub fn tell_others() {
    pair::forget();
    CHANNEL.with(|channel| {
        if let Some(channel) = channel {
            let _ = channel.post_message(&SIGNED_OUT.into());
        }
    });
}

/// Begins to look after the tokens of the session that `data-session` names.
pub fn begin() {
    let Some(place) = dom::all("[data-keeper]").into_iter().next() else {
        return;
    };
    let told = place.clone();
    let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if event.data().as_string().as_deref() == Some(SIGNED_OUT) {
            end(&told);
        }
    });
    CHANNEL.with(|channel| {
        if let Some(channel) = channel {
            channel.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        }
    });
    hear.forget();
    let seen = place.clone();
    let _ = window_event_listener_untyped("visibilitychange", move |_| {
        if !document().hidden() {
            spawn_local(look(seen.clone()));
        }
    });
    spawn_local(start(place));
}

/// Finds the pair of this tab, or gets one.
async fn start(place: Element) {
    let known = match pair::tab() {
        Some(tab) => locks::take(&tab, false).await,
        None => None,
    };
    if known.is_none() {
        // What lies here is another tab's.
        pair::forget();
        locks::take(&pair::name_tab(), false).await;
    }
    let stored = Pair::stored().filter(|pair| Some(pair.session()) == place.get_attribute("data-session"));
    match stored.map(|pair| pair.left() - MARGIN) {
        Some(seconds) if seconds > 0.0 => rest(place, seconds),
        // Also when it is time to renew it: the page before may have begun to, and its refresh token works once.
        _ => settle(place.clone(), fetch(&place).await),
    }
}

/// Rests for so many seconds, and then renews the pair.
fn rest(place: Element, seconds: f64) {
    let turn = TURN.fetch_add(1, Ordering::Relaxed) + 1;
    let due = move || {
        if TURN.load(Ordering::Relaxed) == turn {
            spawn_local(renew_when_due(place));
        }
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of seconds above nought")]
    set_timeout(due, Duration::from_secs(seconds.max(1.0) as u64));
}

async fn renew_when_due(place: Element) {
    let seen = Pair::stored().map(|pair| pair.access()).unwrap_or_default();
    settle(place.clone(), renew(&place, &seen).await);
}

fn settle(place: Element, outcome: Outcome) {
    match outcome {
        Outcome::Ended => end(&place),
        Outcome::Elsewhere => show(&place, false),
        Outcome::Unknown => rest(place, AGAIN),
        Outcome::Kept => {
            show(&place, false);
            rest(place, Pair::stored().map(|pair| pair.life()).unwrap_or_default() - MARGIN);
        }
    }
}

/// Looks whether the session still holds, when somebody comes back to this tab.
async fn look(place: Element) {
    if notice(&place).is_some_and(|notice| !notice.hidden()) {
        // They may have signed in again in another tab.
        if regions::renew_proofs().await {
            settle(place.clone(), fetch(&place).await);
        }
        return;
    }
    for is_last in [false, true] {
        let access = Pair::stored().map(|pair| pair.access()).unwrap_or_default();
        let bearer = ["Bearer ", &access].concat();
        let answer = send("GET", "/v1/auth/verify", ("Authorization", &bearer), None).await;
        match answer {
            Some((401, _)) if is_last => return end(&place),
            Some((401, _)) => {
                let outcome = renew(&place, &access).await;
                let is_kept = matches!(outcome, Outcome::Kept);
                settle(place.clone(), outcome);
                if !is_kept {
                    return;
                }
            }
            _ => return,
        }
    }
}

/// Renews the pair that was seen, one tab at a time; unless that has happened while this one waited.
async fn renew(place: &Element, seen: &str) -> Outcome {
    let turn = locks::take("latchkey-renew", true).await;
    let outcome = match Pair::stored() {
        Some(pair) if pair.access() != seen => Outcome::Kept,
        Some(pair) => exchange(place, &pair.refresh()).await,
        None => fetch(place).await,
    };
    if let Some(turn) = turn {
        turn.release();
    }
    outcome
}

/// A new pair for a refresh token. Where that is not taken any more the session itself has the last word.
async fn exchange(place: &Element, refresh: &str) -> Outcome {
    let body = ["{\"refreshToken\":\"", refresh, "\"}"].concat();
    match send("POST", "/auth/refreshToken", JSON, Some(&body)).await {
        Some((200, text)) => {
            pair::keep(&text);
            Outcome::Kept
        }
        Some((400..=403, _)) => {
            pair::forget();
            fetch(place).await
        }
        _ => Outcome::Unknown,
    }
}

/// A pair of this session, from the session itself.
async fn fetch(place: &Element) -> Outcome {
    let path = place.get_attribute("data-keeper").unwrap_or_default();
    let csrf = dom::all("input[name=csrf]").first().and_then(|input| input.get_attribute("value"));
    let body = ["csrf=", &encoded(&csrf.unwrap_or_default())].concat();
    match send("POST", &path, FORM, Some(&body)).await {
        Some((200, text)) => match Pair::read(&text) {
            Some(pair) if Some(pair.person()) == place.get_attribute("data-person") => {
                dom::set(place, "data-session", Some(&pair.session()));
                pair::keep(&text);
                Outcome::Kept
            }
            _ => Outcome::Ended,
        },
        Some((403, text)) if !text.contains("\"stale\"") => Outcome::Elsewhere,
        Some((401 | 403, _)) => Outcome::Ended,
        _ => Outcome::Unknown,
    }
}

/// The session has ended: its tokens go, and the page says so, with everything that was typed.
fn end(place: &Element) {
    TURN.fetch_add(1, Ordering::Relaxed);
    pair::forget();
    show(place, true);
}

fn show(place: &Element, ended: bool) {
    let Some(notice) = notice(place) else {
        return;
    };
    let here = window().location();
    if let (Some(link), Ok(path), Ok(query)) = (dom::find::<Element>(&notice, "a"), here.pathname(), here.search()) {
        let login = place.get_attribute("data-login").unwrap_or_default();
        dom::set(&link, "href", Some(&[&login, "?next=", &encoded(&[path, query].concat())].concat()));
    }
    notice.set_hidden(!ended);
}

fn notice(place: &Element) -> Option<HtmlElement> {
    dom::find(place, "[data-signed-out]")
}

fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// Asks, and gives status and body; nothing when no answer came.
async fn send(method: &str, path: &str, (name, value): (&str, &str), body: Option<&str>) -> Option<(u16, String)> {
    let options = RequestInit::new();
    options.set_method(method);
    if let Some(body) = body {
        options.set_body(&body.into());
    }
    let headers = web_sys::Headers::new().ok()?;
    headers.set("Accept", "application/json").ok()?;
    headers.set(name, value).ok()?;
    options.set_headers(&headers);
    let answer: JsValue = JsFuture::from(window().fetch_with_str_and_init(path, &options)).await.ok()?;
    let response: Response = answer.dyn_into().ok()?;
    let text = JsFuture::from(response.text().ok()?).await.ok()?;
    Some((response.status(), text.as_string().unwrap_or_default()))
}
