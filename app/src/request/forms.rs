//! Posted forms, and how they are answered: JSON for a script, a redirect for a browser without one.

use super::notes::{keep_form, leave_note};
use super::{Headers, latchkey, record, see, set_status, wants_page};
use crate::error::Refusal;
use crate::note::{Note, kept};
use crate::routes::Page;
use latchkey::Error;
use latchkey::error::Code;
use serde::{Deserialize, Serialize};
use std::future::Future;

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
    let go = match work.await {
        Ok(go) => go,
        Err(Error::Forbidden(Code::ReauthenticationRequired)) => confirmation(&form),
        Err(error) => return Err(refuse(&form, &error)),
    };
    if wants_page() {
        see(&go);
    }
    Ok(Done { go })
}

/// Answers a script that asks for something by itself.
pub async fn give<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Refusal> {
    work.await.map_err(|error| {
        set_status(&error);
        Refusal::of(&error, "", &record(&error))
    })
}

/// Where people show once more who they are, and then go back to what they have typed.
fn confirmation(form: &Form) -> String {
    let waiting = Note::Waiting { form: form.name.to_owned(), typed: typed_of(form), confirmed: false };
    if let Err(lost) = keep_form(form.page, waiting) {
        record(&lost);
    }
    Page::Confirm.with(&[("next", &form.url())])
}

fn refuse(form: &Form, error: &Error) -> Refusal {
    let mut refusal = Refusal::of(error, form.group, &record(error));
    let ended = matches!(
        error,
        Error::Unauthenticated(code) if !matches!(code, Code::InvalidCredentials | Code::InvalidCode | Code::SignInMethodNotAllowed)
    );
    let back = form.url();
    let sign_in = ended.then(|| Page::Login.with(&[("next", &back)]));
    if wants_page() {
        if let Err(lost) = keep_typed(form, &refusal) {
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
fn keep_typed(form: &Form, refusal: &Refusal) -> Result<(), Error> {
    if Headers::read().check(|origins| latchkey()?.check_same_origin(origins)).is_err() {
        return Ok(());
    }
    let note = Note::Refused { form: form.name.to_owned(), refusal: refusal.clone(), typed: typed_of(form) };
    leave_note(form.page, note)
}

fn typed_of(form: &Form) -> Vec<(String, String)> {
    form.typed.iter().map(|(name, text)| (format!("{}[{name}]", form.group), kept(text))).collect()
}
