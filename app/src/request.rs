//! The request that is being answered: who sent it, what it carried, and what its answer does besides showing a page.
//!
//! The only file that knows axum and `leptos_axum`. The server provides [`Latchkey`] as context and puts [`Visitor`] and
//! [`SignedInAs`] into the extensions of the request; everything else is read from the request itself.

use crate::error::{Refusal, summary_of};
use crate::note::{Envelope, FormState, LIFE_SECONDS, MAILED_SECONDS, Mailed, MailedEnvelope, Note, kept};
use crate::routes::{Page, WAITING, inward};
use axum::extract::Query;
use axum::http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use latchkey::error::Code;
use latchkey::flow::address::Verified;
use latchkey::flow::enrol::Renewed;
use latchkey::flow::gate::{DEVICES_COOKIE, DeviceTokens, DevicesCookie, Entered, SecondFactorDue};
use latchkey::flow::sessions::Origins;
use latchkey::flow::sign_in::{Opening, SESSION_COOKIE, SessionCookie, SignedIn, VISITOR_COOKIE};
use latchkey::flow::sign_up::SignedUp;
use latchkey::{Actor, Error, Latchkey, Visitor};
use leptos::prelude::{provide_context, use_context, with_context};
use leptos_axum::ResponseOptions;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::sync::Arc;

/// The right to prove a second factor, while the page for it is open.
const HALF_COOKIE: &str = "__Host-latchkey-half";
const NOTE_COOKIE: &str = "__Host-latchkey-note";
const MAILED_COOKIE: &str = "__Host-latchkey-mailed";
const THEME_COOKIE: &str = "__Host-latchkey-theme";
const NOTE_PURPOSE: &str = "page-note";
const MAILED_PURPOSE: &str = "page-mailed";
/// How long what was typed waits for its person to show once more who they are.
const CONFIRM_SECONDS: i64 = 10 * 60;
const YEAR: i64 = 365 * 24 * 60 * 60;

/// Who sent the request, as the server found out: nobody, somebody, or why that could not be told.
#[derive(Clone)]
pub struct SignedInAs(pub Arc<Result<Option<Actor>, Error>>);

/// The handle to the core.
pub fn latchkey() -> Result<Latchkey, Error> {
    use_context().ok_or_else(|| Error::internal("no Latchkey in the context of the page"))
}

/// The unauthenticated facts of the request.
pub fn visitor() -> Result<Visitor, Error> {
    extension().ok_or_else(|| Error::internal("no Visitor in the extensions of the request"))
}

/// Who is signed in. An ended session counts as nobody; a fault on our side is one, and so is somebody who may do nothing
/// but set up a second factor.
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
        Err(Error::Forbidden(code)) => Err(Error::Forbidden(*code)),
        Err(_) => Ok(None),
    }
}

/// Who is signed in, for a page that is for people who are; everybody else is sent to sign in and comes back.
pub fn require_actor() -> Result<Actor, Error> {
    actor()?.ok_or(Error::Unauthenticated(Code::MissingCredentials))
}

/// The same, also for somebody who may do nothing but set up a second factor.
pub fn require_barred_actor() -> Result<Actor, Error> {
    barred_actor()?.ok_or(Error::Unauthenticated(Code::MissingCredentials))
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
    let path = referer.and_then(|url| url.path_and_query().map(ToString::to_string)).unwrap_or_default();
    Page::ALL.iter().find(|page| path.split('?').next() == Some(page.path())).map_or("/", |page| page.path()).to_owned()
}

/// What a verb gives that may open a session.
pub trait Opens {
    /// The session, if it did.
    fn opened(&self) -> Option<&SignedIn>;

    /// The second step, if that is what comes now.
    fn due(&self) -> Option<&SecondFactorDue> {
        None
    }
}

impl Opens for Entered {
    fn opened(&self) -> Option<&SignedIn> {
        match self {
            Self::SignedIn(signed_in) => Some(signed_in),
            Self::SecondFactorDue(_) => None,
        }
    }

    fn due(&self) -> Option<&SecondFactorDue> {
        match self {
            Self::SignedIn(_) => None,
            Self::SecondFactorDue(due) => Some(due),
        }
    }
}

impl Opens for SignedIn {
    fn opened(&self) -> Option<&SignedIn> {
        Some(self)
    }
}

impl Opens for SignedUp {
    fn opened(&self) -> Option<&SignedIn> {
        match self {
            Self::Open(signed_in) => Some(signed_in),
            Self::ToVerify(_) => None,
        }
    }
}

impl Opens for Verified {
    fn opened(&self) -> Option<&SignedIn> {
        self.signed_in.as_ref()
    }
}

/// Calls a verb that may open a session, and keeps that in the browser. The one it held before ends.
pub async fn begin_session<T: Opens>(
    open: impl AsyncFnOnce(Latchkey, Opening<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (before, browser, devices) = (cookie(SESSION_COOKIE), browser(), cookie(DEVICES_COOKIE));
    let opening = Opening {
        devices: devices.as_deref().map_or(DeviceTokens::None, DeviceTokens::Cookie),
        ..Opening::page(before.as_deref(), browser.as_deref())
    };
    let done = open(latchkey()?, opening).await?;
    if let Some(signed_in) = done.opened() {
        keep_session(signed_in);
    }
    if let Some(due) = done.due() {
        set_cookie(HALF_COOKIE, due.token.reveal(), i64::try_from(due.life.as_secs()).ok());
    }
    Ok(done)
}

/// Where somebody goes who has just come in: on to the second step, to setting up a second factor where that is demanded,
/// or to the page first asked for.
pub fn way_on(done: &impl Opens, next: Option<String>) -> String {
    if done.due().is_some() {
        return Page::TwoFactor.with_known(&[("next", next.as_deref())]);
    }
    let demanded = done.opened().is_some_and(|signed_in| signed_in.view.two_factor_enrolment.is_some());
    if demanded {
        return Page::Security.path().to_owned();
    }
    next.unwrap_or_else(|| Page::FIRST.path().to_owned())
}

/// The right to prove a second factor that this browser holds.
pub fn half_token() -> Option<String> {
    cookie(HALF_COOKIE).filter(|token| !token.is_empty())
}

/// Takes it away.
pub fn forget_half_token() {
    set_cookie(HALF_COOKIE, "", Some(0));
}

/// The secrets of trusted devices that this browser holds.
pub fn devices() -> Option<String> {
    cookie(DEVICES_COOKIE)
}

/// Keeps what a session that goes on has got anew.
pub fn keep_renewed(renewed: &Renewed) {
    keep_cookies(renewed.cookie.as_ref(), None);
}

/// The name of this browser, from its long-lived cookie.
pub fn browser() -> Option<String> {
    cookie(VISITOR_COOKIE).filter(|name| !name.is_empty())
}

/// Keeps a session in the browser.
pub fn keep_session(signed_in: &SignedIn) {
    keep_cookies(signed_in.cookie.as_ref(), signed_in.devices.as_ref());
}

fn keep_cookies(session: Option<&SessionCookie>, devices: Option<&DevicesCookie>) {
    let seconds = |life: std::time::Duration| i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    if let Some(session) = session {
        set_cookie(SESSION_COOKIE, session.value.reveal(), session.max_age.map(seconds));
    }
    if let Some(devices) = devices {
        set_cookie(DEVICES_COOKIE, devices.value.reveal(), Some(seconds(devices.max_age)));
    }
}

/// Takes the session, and what the browser kept of its pages, away.
pub fn end_session() {
    set_cookie(SESSION_COOKIE, "", Some(0));
    add_header(HeaderName::from_static("clear-site-data"), "\"storage\"");
}

/// Leaves a note for `page`.
pub fn leave_note(page: Page, note: Note) -> Result<(), Error> {
    leave_note_for(page, note, LIFE_SECONDS)
}

fn leave_note_for(page: Page, note: Note, life: i64) -> Result<(), Error> {
    let latchkey = latchkey()?;
    let secret = matches!(note, Note::NewKey { .. } | Note::BackupCodes { .. });
    let holder = if secret { holder()? } else { String::new() };
    let envelope = Envelope { page: page.path().to_owned(), holder, until: latchkey.now().seconds() + life, note };
    let plain = serde_json::to_vec(&envelope).map_err(Error::internal)?;
    set_cookie(NOTE_COOKIE, &latchkey.seal(NOTE_PURPOSE, &plain)?, Some(life));
    Ok(())
}

/// Takes the note that was left for `page`; it is gone afterwards.
pub fn take_note(page: Page) -> Result<Option<Note>, Error> {
    let Some(sealed) = cookie(NOTE_COOKIE) else {
        return Ok(None);
    };
    let latchkey = latchkey()?;
    let envelope =
        latchkey.unseal(NOTE_PURPOSE, &sealed).and_then(|plain| serde_json::from_slice::<Envelope>(&plain).ok());
    let note =
        envelope.and_then(|envelope| envelope.open(page, &holder().unwrap_or_default(), latchkey.now().seconds()));
    if note.is_some() {
        set_cookie(NOTE_COOKIE, "", Some(0));
    }
    Ok(note)
}

/// Keeps in this browser what `page` waits for.
pub fn keep_mailed(page: Page, mailed: Mailed) -> Result<(), Error> {
    let latchkey = latchkey()?;
    let mailed = Mailed { email: kept(&mailed.email), ..mailed };
    let envelope =
        MailedEnvelope { page: page.path().to_owned(), until: latchkey.now().seconds() + MAILED_SECONDS, mailed };
    let plain = serde_json::to_vec(&envelope).map_err(Error::internal)?;
    set_cookie(MAILED_COOKIE, &latchkey.seal(MAILED_PURPOSE, &plain)?, Some(MAILED_SECONDS));
    Ok(())
}

/// What `page` waits for in this browser.
pub fn mailed(page: Page) -> Option<Mailed> {
    let latchkey = latchkey().ok()?;
    let plain = latchkey.unseal(MAILED_PURPOSE, &cookie(MAILED_COOKIE)?)?;
    serde_json::from_slice::<MailedEnvelope>(&plain).ok()?.open(page, latchkey.now().seconds())
}

/// The same, when the address of `page` says that it waits.
pub fn awaited(page: Page) -> Option<Mailed> {
    let (name, value) = WAITING;
    mailed(page).filter(|_| query(name).as_deref() == Some(value))
}

/// Nothing is waited for any more.
pub fn forget_mailed() {
    set_cookie(MAILED_COOKIE, "", Some(0));
}

fn holder() -> Result<String, Error> {
    let session = barred_actor()?.and_then(|actor| actor.principal().session_id());
    Ok(session.map(|id| id.to_string()).unwrap_or_default())
}

/// The proof for a form that stands on pages of both kinds: of the session, or of the browser alone.
pub fn any_change(csrf: &str) -> Result<(), Error> {
    barred_change(csrf).map(|_| ()).or_else(|_| visitor_change(csrf).map(|_| ()))
}

/// What every page of a signed-in person, and every form on it, begins with.
#[derive(Clone)]
pub struct Desk {
    /// The proof for forms.
    pub csrf: String,
    /// What the answer before left.
    pub note: Option<Note>,
}

impl Desk {
    /// The desk of `page`. Forms and notices on the page find it as context.
    pub fn open(page: Page, actor: Option<&Actor>) -> Result<Self, Error> {
        let desk = Self { csrf: csrf(actor)?, note: take_note(page)? };
        provide_context(desk.clone());
        Ok(desk)
    }

    /// What came of the form called `form`.
    pub fn form(&self, form: &str) -> FormState {
        FormState::of(self.note.as_ref(), form)
    }
}

/// A form as its address sees it.
pub struct Form {
    /// Its name on the page.
    pub name: &'static str,
    /// What its inputs' names begin with.
    pub group: &'static str,
    /// The page it stands on.
    pub page: Page,
    /// The query under which that page shows it.
    pub query: Vec<(&'static str, String)>,
    /// What was typed, secrets left out.
    pub typed: Vec<(&'static str, String)>,
}

impl Form {
    /// A form that always stands on its page.
    pub fn new(name: &'static str, group: &'static str, page: Page) -> Self {
        Self { name, group, page, query: Vec::new(), typed: Vec::new() }
    }

    fn url(&self) -> String {
        let query: Vec<_> = self.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.page.with(&query)
    }
}

/// The answer to a form that did its work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    /// The page to show next.
    pub go: String,
}

/// Answers a posted form: a script gets JSON, a browser without one a redirect. `work` says where to go next.
pub async fn answer(form: Form, work: impl Future<Output = Result<String, Error>>) -> Result<Done, Refusal> {
    match work.await {
        Ok(go) => {
            if wants_page() {
                see(&go);
            }
            Ok(Done { go })
        }
        Err(Error::Forbidden(Code::ReauthenticationRequired)) => Ok(ask_to_confirm(&form)),
        Err(error) => Err(refuse(&form, &error)),
    }
}

/// Leads to the page where people show once more who they are, and then back to what they have typed.
fn ask_to_confirm(form: &Form) -> Done {
    let back = form.url();
    if let Err(lost) = keep_typed(form, &Refusal::confirmed(), CONFIRM_SECONDS) {
        record(&lost);
    }
    let go = Page::Confirm.with(&[("next", &back)]);
    if wants_page() {
        see(&go);
    }
    Done { go }
}

fn refuse(form: &Form, error: &Error) -> Refusal {
    let mut refusal = Refusal::of(error, form.group, &record(error));
    let ended = matches!(
        error,
        Error::Unauthenticated(code) if !matches!(code, Code::InvalidCredentials | Code::InvalidCode)
    );
    let back = form.url();
    let sign_in = ended.then(|| Page::Login.with(&[("next", &back)]));
    if wants_page() {
        if let Err(lost) = keep_typed(form, &refusal, LIFE_SECONDS) {
            record(&lost);
        }
        see(sign_in.as_deref().unwrap_or(&back));
    } else {
        set_status(error);
        refusal.sign_in = sign_in;
    }
    refusal
}

/// Keeps a refused form for the page that shows it again; what another site sent is not kept.
fn keep_typed(form: &Form, refusal: &Refusal, life: i64) -> Result<(), Error> {
    if Headers::read().check(|origins| latchkey()?.check_same_origin(origins)).is_err() {
        return Ok(());
    }
    let typed = form.typed.iter().map(|(name, text)| (format!("{}[{name}]", form.group), kept(text))).collect();
    leave_note_for(form.page, Note::Refused { form: form.name.to_owned(), refusal: refusal.clone(), typed }, life)
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
    if let Error::Internal(source) | Error::Unavailable(source) = error {
        tracing::error!(request_id, error = source.to_string(), "a page could not do its work");
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
