//! What the pages share that lead in by mail: the code, asking for a new mail, and links that are no longer good.

use crate::components::button::{SubmitButton, Weight};
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::note::FormState;
use crate::request;
use latchkey::Error;
use latchkey::challenge::LinkState;
use latchkey::error::Code;
use latchkey::flow::links::{LinkPreview, MailProof};
use latchkey::flow::sign_in::SecretText;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What people read where nobody may make an account.
pub const CLOSED: &str = "New accounts are closed here. Ask an administrator to add you.";

/// Where a mail is to go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// An address.
    pub email: String,
}

/// What somebody types from a mail.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MailedCode {
    #[serde(skip_serializing)]
    code: SecretText,
}

impl MailedCode {
    /// For the verbs that take a code, with the address it was mailed to.
    pub fn into_proof(self, email: String) -> MailProof {
        MailProof { email: Some(email), code: Some(self.code), ..MailProof::default() }
    }
}

/// A mailed link, as its landing page finds it.
pub enum Link {
    /// It can be redeemed.
    Open(LinkPreview),
    /// It cannot, and why.
    Dead(Dead),
}

/// Why a link cannot be redeemed.
#[derive(Clone)]
pub enum Dead {
    /// It was redeemed, or spoiled by wrong codes; it had gone to this address.
    Used(String),
    /// Its time is over; it had gone to this address.
    Expired(String),
    /// Never given out, or replaced by a newer one.
    Unknown,
    /// The address of the page holds no token.
    Missing,
}

impl Link {
    /// From what a preview found. A link that is no longer good also decides the status of the page.
    pub fn of(found: Result<LinkPreview, Error>) -> Result<Self, Error> {
        let dead = match found {
            Ok(link) => match link.state {
                LinkState::Open => return Ok(Self::Open(link)),
                LinkState::Used => Dead::Used(link.email),
                LinkState::Expired => Dead::Expired(link.email),
            },
            Err(Error::Malformed(Code::InvalidToken)) => Dead::Unknown,
            Err(error) => return Err(error),
        };
        let code = if matches!(dead, Dead::Unknown) { Code::InvalidToken } else { Code::Gone };
        request::set_status(&Error::Malformed(code));
        Ok(Self::Dead(dead))
    }
}

impl Dead {
    /// The heading.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Used(_) => "This link was used",
            Self::Expired(_) => "This link has expired",
            Self::Unknown => "This link is not valid",
            Self::Missing => "Open the link from your mail",
        }
    }

    /// What to do next. `again` says whether a new one can be had here.
    pub fn lead(&self, again: bool) -> String {
        let (what, next) = match self {
            Self::Used(_) => ("It works once, and that was it.", "Send a new one to go on."),
            Self::Expired(_) => ("Links from mails do not work for long.", "Send a new one to go on."),
            Self::Unknown => (
                "There may be a newer mail, or a part of the address is missing. Open the link of the newest mail.",
                "Or ask for a new one.",
            ),
            Self::Missing => ("Open it once more.", "Or ask for a new one."),
        };
        if again { format!("{what} {next}") } else { what.to_owned() }
    }

    /// The address it had gone to, as far as that is known.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::Used(email) | Self::Expired(email) => Some(email),
            Self::Unknown | Self::Missing => None,
        }
    }
}

/// Whether a failed redemption is for the landing page to explain.
pub fn is_dead(error: &Error) -> bool {
    matches!(error, Error::Malformed(Code::Gone | Code::InvalidToken))
}

/// Takes the token out of the address bar as soon as the page is read.
#[component]
pub fn CleanAddress(
    /// The path that stays.
    path: &'static str,
) -> impl IntoView {
    view! { <script nonce=use_nonce()>{format!("history.replaceState(null,\"\",{path:?})")}</script> }
}

/// The code of a mail, in one field.
#[component]
pub fn CodeForm(
    /// The address it posts to.
    action: &'static str,
    /// What came of it before.
    state: FormState,
    /// The button.
    label: &'static str,
    /// Where to go afterwards.
    #[prop(default = None)]
    next: Option<String>,
    /// Beside other forms, where it is not what people came for.
    #[prop(optional)]
    aside: bool,
) -> impl IntoView {
    let code = Input {
        name: "proof[code]",
        autocomplete: "one-time-code",
        keyboard: Some("numeric"),
        focused: !aside && !state.comes_back(),
        longest: Some(20),
        ..Input::default()
    };
    view! {
        <PostForm action=action state=state.clone() class="stack code-form">
            {next.map(|next| view! { <input type="hidden" name="next" value=next/> })}
            <TextField label="Code from the mail" input=code state=state/>
            <div class="card-foot"><SubmitButton label=label wide=!aside/></div>
        </PostForm>
    }
}

/// Asks for a mail where the address is known already.
#[component]
pub fn SendAgain(
    /// The address it posts to.
    action: &'static str,
    /// The button.
    label: &'static str,
    /// Name and value of further inputs.
    hidden: Vec<(&'static str, String)>,
    /// Quieter, beside something more important.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    let hidden = hidden.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    let weight = if quiet { Weight::Plain } else { Weight::Primary };
    view! {
        <PostForm action=action>
            {hidden.collect_view()}
            <SubmitButton label=label weight=weight wide=true/>
        </PostForm>
    }
}

/// Asks for a mail to an address that is yet to be typed.
#[component]
pub fn AskForm(
    /// The address it posts to.
    action: &'static str,
    /// What came of it before.
    state: FormState,
    /// Name of the input.
    name: &'static str,
    /// What stands in it at first.
    #[prop(optional)]
    email: String,
    /// The button.
    label: &'static str,
) -> impl IntoView {
    let email = Input {
        name,
        kind: "email",
        autocomplete: "username",
        focused: !state.comes_back(),
        value: email,
        ..Input::default()
    };
    view! {
        <PostForm action=action state=state.clone()>
            <TextField label="Email" input=email state=state/>
            <SubmitButton label=label wide=true/>
        </PostForm>
    }
}

/// A new mail in place of a link that is no longer good: one button where the address is known, a field where not.
#[component]
pub fn Anew(
    /// What is wrong with the link.
    dead: Dead,
    /// The address it posts to.
    action: &'static str,
    /// Name of the input.
    name: &'static str,
) -> impl IntoView {
    match dead.email() {
        Some(email) => {
            let hidden = vec![(name, email.to_owned())];
            view! { <SendAgain action=action label="Send a new one" hidden=hidden/> }.into_any()
        }
        None => {
            view! { <AskForm action=action state=FormState::default() name=name label="Send a new one"/> }.into_any()
        }
    }
}

/// For a browser without a script, which cannot notice by itself that the link was opened.
#[component]
pub fn Continue(
    /// This page.
    here: String,
) -> impl IntoView {
    view! {
        <p class="aside without-script">"Have you opened the link? "<a href=here>"Continue"</a></p>
    }
}
