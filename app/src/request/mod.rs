//! The request that is being answered: who sent it, what it carried, and what its answer does besides showing a page.
//!
//! The only folder that knows axum and `leptos_axum`. The server provides [`Latchkey`] as context and puts [`Visitor`],
//! [`SignedInAs`] and the reference into the extensions of the request; everything else is read from the request itself.

mod forms;
mod notes;
mod sessions;

pub use forms::{Done, Form, answer, give};
pub use notes::{Desk, awaited, forget_mailed, keep_mailed, leave_note, mailed, release_form, take_note};
pub use sessions::{
    Opens, begin_session, browser, devices, end_session, forget_half_token, half_token, keep_renewed, keep_session,
    way_on,
};

use crate::error::summary_of;
use crate::reference::Lazily;
use crate::routes::{Page, inward, standing};
use axum::extract::Query;
use axum::http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use latchkey::error::{Code, causes};
use latchkey::flow::sessions::Origins;
use latchkey::flow::sign_in::VISITOR_COOKIE;
use latchkey::{Actor, Error, Latchkey, Visitor};
use leptos::prelude::{use_context, with_context};
use leptos_axum::ResponseOptions;
use std::sync::Arc;

const THEME_COOKIE: &str = "__Host-latchkey-theme";
const YEAR: i64 = 365 * 24 * 60 * 60;

/// Who sent the request, as the server found out: nobody, somebody, or why that could not be told.
#[derive(Clone)]
pub struct SignedInAs(pub Arc<Result<Option<Actor>, Error>>);

/// The handle to the core.
pub fn latchkey() -> Result<Latchkey, Error> {
    use_context().ok_or_else(|| Error::internal("no Latchkey in the context of the page"))
}

/// What `/docs` shows.
pub fn reference() -> Result<Arc<Lazily>, Error> {
    extension().ok_or_else(|| Error::internal("no Reference in the extensions of the request"))
}

/// The unauthenticated facts of the request.
pub fn visitor() -> Result<Visitor, Error> {
    extension().ok_or_else(|| Error::internal("no Visitor in the extensions of the request"))
}

/// Who is signed in. An ended session counts as nobody, and so does one whose organization is suspended: its person can
/// still go and sign in elsewhere. A fault on our side is one, and so is somebody who may do nothing but set up a second
/// factor.
pub fn actor() -> Result<Option<Actor>, Error> {
    let now = latchkey()?.now();
    match barred_actor()? {
        Some(actor) if actor.principal().is_barred(now) => Err(Error::Forbidden(Code::TwoFactorEnrolmentRequired)),
        known => Ok(known),
    }
}

/// The same, for the few things that such a person may do.
pub fn barred_actor() -> Result<Option<Actor>, Error> {
    let known: SignedInAs =
        extension().ok_or_else(|| Error::internal("no SignedInAs in the extensions of the request"))?;
    match known.0.as_ref() {
        Ok(actor) => Ok(actor.clone()),
        Err(Error::Unavailable(source)) => Err(Error::Unavailable(source.to_string().into())),
        Err(Error::Internal(source)) => Err(Error::internal(source.to_string())),
        Err(Error::Forbidden(code)) if *code != Code::OrganizationSuspended => Err(Error::Forbidden(*code)),
        Err(_) => Ok(None),
    }
}

/// Why nobody is signed in, for a page that is for people who are.
fn nobody() -> Error {
    let known = extension::<SignedInAs>();
    match known.as_ref().map(|known| known.0.as_ref()) {
        Some(Err(Error::Forbidden(code))) => Error::Forbidden(*code),
        _ => Error::Unauthenticated(Code::MissingCredentials),
    }
}

/// Who is signed in, for a page that is for people who are; everybody else is sent to sign in and comes back.
pub fn require_actor() -> Result<Actor, Error> {
    actor()?.ok_or_else(nobody)
}

/// The same, also for somebody who may do nothing but set up a second factor.
pub fn require_barred_actor() -> Result<Actor, Error> {
    barred_actor()?.ok_or_else(nobody)
}

/// Who makes a change, after the proof that the request comes from a page of ours.
pub fn change(csrf: &str) -> Result<Actor, Error> {
    proven(require_actor()?, csrf)
}

/// The same, also for somebody who may do nothing but set up a second factor.
pub fn barred_change(csrf: &str) -> Result<Actor, Error> {
    proven(require_barred_actor()?, csrf)
}

fn proven(actor: Actor, csrf: &str) -> Result<Actor, Error> {
    Headers::read().check(|origins| latchkey()?.check_csrf(&actor, Some(csrf), origins))?;
    Ok(actor)
}

/// The same for forms that need nobody to be signed in.
pub fn visitor_change(csrf: &str) -> Result<Visitor, Error> {
    let holder = cookie(VISITOR_COOKIE);
    Headers::read().check(|origins| latchkey()?.check_visitor_csrf(holder.as_deref(), csrf, origins))?;
    visitor()
}

/// What the browser says of where the request comes from.
struct Headers {
    origin: Option<String>,
    referer: Option<String>,
    fetch_site: Option<String>,
}

impl Headers {
    fn read() -> Self {
        Self {
            origin: header_of(&header::ORIGIN),
            referer: header_of(&header::REFERER),
            fetch_site: header_of(&HeaderName::from_static("sec-fetch-site")),
        }
    }

    fn check(&self, rule: impl FnOnce(Origins<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let Self { origin, referer, fetch_site } = self;
        rule(Origins { origin: origin.as_deref(), referer: referer.as_deref(), fetch_site: fetch_site.as_deref() })
    }
}

/// The proof that forms of this page carry. A visitor without the cookie it is bound to gets one.
pub fn csrf(actor: Option<&Actor>) -> Result<String, Error> {
    let latchkey = latchkey()?;
    if let Some(actor) = actor {
        return latchkey.csrf_token(actor);
    }
    let holder = cookie(VISITOR_COOKIE).filter(|value| !value.is_empty()).unwrap_or_else(|| {
        let holder = latchkey.new_visitor();
        set_cookie(VISITOR_COOKIE, &holder, Some(YEAR));
        holder
    });
    Ok(latchkey.visitor_csrf(&holder))
}

/// The values of one name in the query of this page.
pub fn query(name: &str) -> Option<String> {
    let uri = with_context::<Parts, _>(|parts| parts.uri.clone())?;
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()?;
    pairs.into_iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
}

/// Whether the page that is shown is `page`.
pub fn is_at(page: Page) -> bool {
    with_context::<Parts, _>(|parts| parts.uri.path() == page.path()).unwrap_or(false)
}

/// What stands below `page` in the address of this one.
pub fn below(page: Page) -> Option<String> {
    let path = with_context::<Parts, _>(|parts| parts.uri.path().to_owned())?;
    path.strip_prefix(page.path())?.strip_prefix('/').filter(|rest| !rest.is_empty()).map(str::to_owned)
}

/// The page first asked for, when it may be gone to.
pub fn next() -> Option<String> {
    query("next").filter(|next| inward(next).is_some())
}

/// The theme that was chosen on this browser.
pub fn theme() -> &'static str {
    match cookie(THEME_COOKIE).as_deref() {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "system",
    }
}

/// Keeps a theme.
pub fn keep_theme(theme: &str) {
    if let Some(theme) = ["system", "light", "dark"].into_iter().find(|known| *known == theme) {
        let value = format!("{THEME_COOKIE}={theme}; Path=/; Secure; SameSite=Lax; Max-Age={YEAR}");
        add_header(header::SET_COOKIE, &value);
    }
}

/// The page that this one's form stands on, for forms that stand on every page.
pub fn came_from() -> String {
    let referer = header_of(&header::REFERER).and_then(|url| url.parse::<axum::http::Uri>().ok());
    standing(referer.as_ref().map(axum::http::Uri::path).unwrap_or_default()).unwrap_or("/").to_owned()
}

/// The proof for a form that stands on pages of both kinds: of the session, or of the browser alone.
pub fn any_change(csrf: &str) -> Result<(), Error> {
    barred_change(csrf).map(|_| ()).or_else(|_| visitor_change(csrf).map(|_| ()))
}

/// A form that could not even be read: back to the page it stands on, never to an unchecked address.
pub fn unreadable() {
    if wants_page() {
        see(&came_from());
    } else {
        set_status(&Error::Malformed(Code::MalformedBody));
    }
}

/// Sends the browser to another page of ours with GET.
pub fn see(path: &str) {
    if let Some(options) = use_context::<ResponseOptions>() {
        options.set_status(StatusCode::SEE_OTHER);
        if let Ok(path) = HeaderValue::from_str(path) {
            options.insert_header(header::LOCATION, path);
        }
    }
}

/// What a page does when it cannot be shown: go and sign in, or say what is wrong. The words are the answer.
pub fn excuse(error: &Error) -> String {
    if matches!(error, Error::Unauthenticated(_)) {
        let here = with_context::<Parts, _>(|parts| parts.uri.to_string()).unwrap_or_default();
        let next = inward(&here).filter(|next| *next != "/").unwrap_or(Page::FIRST.path());
        see(&Page::Login.with(&[("next", next)]));
    } else if matches!(error, Error::Forbidden(Code::TwoFactorEnrolmentRequired)) {
        see(Page::Security.path());
    } else {
        set_status(error);
    }
    summary_of(error, &record(error))
}

/// Says with which status the page is sent.
pub fn set_status(error: &Error) {
    let Some(options) = use_context::<ResponseOptions>() else {
        return;
    };
    options.set_status(StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    if let Some(wait) = error.retry_after() {
        options.insert_header(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
}

/// Logs a fault of ours once, here at the edge, and gives the id of the request that people may quote.
fn record(error: &Error) -> String {
    let request_id = visitor().map(|visitor| visitor.request_id).unwrap_or_default();
    if matches!(error, Error::Internal(_) | Error::Unavailable(_)) {
        tracing::error!(request_id, causes = causes(error), "a page could not do its work");
    }
    request_id
}

/// Whether the answer is for a browser without a script.
fn wants_page() -> bool {
    header_of(&header::ACCEPT).is_some_and(|accept| accept.contains("text/html"))
}

fn extension<T: Clone + Send + Sync + 'static>() -> Option<T> {
    with_context::<Parts, _>(|parts| parts.extensions.get::<T>().cloned()).flatten()
}

fn header_of(name: &HeaderName) -> Option<String> {
    with_context::<Parts, _>(|parts| parts.headers.get(name)?.to_str().ok().map(str::to_owned)).flatten()
}

fn cookie(name: &str) -> Option<String> {
    with_context::<Parts, _>(|parts| {
        let all = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    })
    .flatten()
}

fn set_cookie(name: &str, value: &str, max_age: Option<i64>) {
    let life = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    add_header(header::SET_COOKIE, &format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}"));
}

fn add_header(name: HeaderName, value: &str) {
    if let (Some(options), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(value)) {
        options.append_header(name, value);
    }
}
