//! What an answer leaves for the next page, and what a page keeps while it waits, in sealed cookies.

use super::{barred_actor, cookie, csrf, latchkey, query, set_cookie};
use crate::note::{Envelope, FormState, LIFE_SECONDS, MAILED_SECONDS, Mailed, MailedEnvelope, Note, kept};
use crate::routes::{Page, WAITING};
use latchkey::{Actor, Error};
use leptos::prelude::provide_context;
use serde::{Serialize, de::DeserializeOwned};

/// A form that waits until its person has shown once more who they are.
const FORM_COOKIE: &str = "__Host-latchkey-form";
const NOTE_COOKIE: &str = "__Host-latchkey-note";
const MAILED_COOKIE: &str = "__Host-latchkey-mailed";
const FORM_PURPOSE: &str = "page-form";
const NOTE_PURPOSE: &str = "page-note";
const MAILED_PURPOSE: &str = "page-mailed";
/// How long a form waits for that.
const CONFIRM_SECONDS: i64 = 10 * 60;

/// Leaves a note for `page`.
pub fn leave_note(page: Page, note: Note) -> Result<(), Error> {
    let secret = matches!(note, Note::NewKey { .. } | Note::InvitationLink { .. } | Note::BackupCodes { .. });
    let holder = if secret { holder()? } else { String::new() };
    let until = latchkey()?.now().seconds() + LIFE_SECONDS;
    keep(NOTE_COOKIE, NOTE_PURPOSE, &Envelope { page: page.path().to_owned(), holder, until, note }, LIFE_SECONDS)
}

/// Takes the note that was left for `page`; it is gone afterwards.
pub fn take_note(page: Page) -> Result<Option<Note>, Error> {
    let (holder, now) = (holder().unwrap_or_default(), latchkey()?.now().seconds());
    for (name, purpose) in [(NOTE_COOKIE, NOTE_PURPOSE), (FORM_COOKIE, FORM_PURPOSE)] {
        let note = held::<Envelope>(name, purpose)?.and_then(|envelope| envelope.open(page, &holder, now));
        if note.is_some() {
            set_cookie(name, "", Some(0));
            return Ok(note);
        }
    }
    Ok(None)
}

/// Keeps something in a sealed cookie.
fn keep(name: &str, purpose: &str, content: &impl Serialize, seconds: i64) -> Result<(), Error> {
    let plain = serde_json::to_vec(content).map_err(Error::internal)?;
    set_cookie(name, &latchkey()?.seal(purpose, &plain)?, Some(seconds));
    Ok(())
}

/// What such a cookie holds.
fn held<T: DeserializeOwned>(name: &str, purpose: &str) -> Result<Option<T>, Error> {
    let Some(sealed) = cookie(name) else { return Ok(None) };
    let plain = latchkey()?.unseal(purpose, &sealed);
    Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
}

/// Keeps a form of `page` until its person has shown once more who they are.
pub(super) fn keep_form(page: Page, form: Note) -> Result<(), Error> {
    let until = latchkey()?.now().seconds() + CONFIRM_SECONDS;
    let envelope = Envelope { page: page.path().to_owned(), holder: holder()?, until, note: form };
    keep(FORM_COOKIE, FORM_PURPOSE, &envelope, CONFIRM_SECONDS)
}

/// Says in the form that waits that it can be sent now.
pub fn release_form() -> Result<(), Error> {
    let Some(mut envelope) = held::<Envelope>(FORM_COOKIE, FORM_PURPOSE)? else { return Ok(()) };
    if let Note::Waiting { confirmed, .. } = &mut envelope.note {
        *confirmed = true;
    }
    keep(FORM_COOKIE, FORM_PURPOSE, &envelope, CONFIRM_SECONDS)
}

/// Keeps in this browser what `page` waits for.
pub fn keep_mailed(page: Page, mailed: Mailed) -> Result<(), Error> {
    let mailed = Mailed { email: kept(&mailed.email), ..mailed };
    let until = latchkey()?.now().seconds() + MAILED_SECONDS;
    let envelope = MailedEnvelope { page: page.path().to_owned(), until, mailed };
    keep(MAILED_COOKIE, MAILED_PURPOSE, &envelope, MAILED_SECONDS)
}

/// What `page` waits for in this browser.
pub fn mailed(page: Page) -> Option<Mailed> {
    let now = latchkey().ok()?.now().seconds();
    held::<MailedEnvelope>(MAILED_COOKIE, MAILED_PURPOSE).ok()??.open(page, now)
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
