//! `/login?way=mail`: the tab that waits for a mailed link or code.

use super::login::Credentials;
use super::parts::{CodeForm, Continue, MailedCode, SendAgain};
use crate::components::layout::Front;
use crate::error::Refusal;
use crate::format;
use crate::note::{Mailed, Note, Said};
use crate::request::{self, Desk, Done, Form};
use crate::routes::{Page, inward};
use latchkey::Error;
use latchkey::flow::links::{MailProof, MailTo};
use latchkey::flow::magic_link::MagicLinkState;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use leptos::server_fn::codec::GetUrl;

/// What the tab waits for, and how far that has come.
#[derive(Clone)]
pub struct Waiting {
    mailed: Mailed,
    state: MagicLinkState,
}

/// What this tab waits for, if its address says that it does.
pub async fn waiting() -> Result<Option<Waiting>, Error> {
    let (Some(mailed), Some(browser)) = (request::awaited(Page::Login), request::browser()) else {
        return Ok(None);
    };
    let state = request::latchkey()?.magic_link_state(&browser).await?;
    Ok((state != MagicLinkState::None).then_some(Waiting { mailed, state }))
}

/// "Check your mail", or what has become of that mail.
#[component]
pub fn WaitingPage(desk: Desk, next: Option<String>, waiting: Waiting) -> impl IntoView {
    let Waiting { mailed, state } = waiting;
    let email = &mailed.email;
    let life = request::latchkey().map(|latchkey| format::duration(latchkey.settings().links.sign_in));
    let life = life.unwrap_or_default();
    let (title, lead, version) = match state {
        MagicLinkState::Used => (
            "That mail is used up",
            format!(
                "Its link or code was used in another browser, or there were too many wrong codes. To sign in here, \
                 send a new one to {email}."
            ),
            "used",
        ),
        MagicLinkState::Expired => (
            "That mail has expired",
            format!("It was good for {life}. Send a new one to {email} to sign in."),
            "expired",
        ),
        MagicLinkState::Waiting | MagicLinkState::None => (
            "Check your mail",
            format!("If {email} has an account here, a mail is on its way. Open its link, or type its code here."),
            "waiting",
        ),
    };
    let password = Page::Login.with_known(&[("next", next.as_deref())]);
    view! {
        <Front title=title lead=lead version=Some(version)>
            {if version == "waiting" {
                view! { <CodeAndAgain desk=desk next=next/> }.into_any()
            } else {
                view! { <SendAgain action=AskLink::PATH label="Send a new one" hidden=again(next)/> }.into_any()
            }}
            <p class="aside"><a href=password data-live="">"Use your password instead"</a></p>
        </Front>
    }
}

fn again(next: Option<String>) -> Vec<(&'static str, String)> {
    vec![("again", "true".to_owned()), ("next", next.unwrap_or_default())]
}

#[component]
fn CodeAndAgain(desk: Desk, next: Option<String>) -> impl IntoView {
    let here = Page::Login.waiting(next.as_deref());
    let look = format!("{}?next={}", LookForLink::PATH, crate::routes::encoded(next.as_deref().unwrap_or_default()));
    view! {
        <CodeForm action=SignInByCode::PATH state=desk.form("code") label="Sign in" next=next.clone()/>
        <SendAgain action=AskLink::PATH label="Send a new one" hidden=again(next) quiet=true/>
        <div data-watch=look hidden></div>
        <Continue here=here/>
    }
}

/// Mails a link and a code to sign in with.
#[server(name = AskLink, prefix = "/fn", endpoint = "ask-link")]
pub async fn ask_link(
    csrf: String,
    #[server(default)] next: String,
    #[server(default)] again: bool,
    #[server(default)] credentials: Credentials,
) -> Result<Done, Refusal> {
    let next = inward(&next).map(str::to_owned);
    let form = Form {
        query: next.iter().map(|next| ("next", next.clone())).collect(),
        typed: credentials.typed(),
        ..Form::new("sign-in", "credentials", Page::Login)
    };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let before = request::mailed(Page::Login).filter(|_| again);
        if again && before.is_none() {
            return Ok(Page::Login.with_known(&[("next", next.as_deref())]));
        }
        let mailed = before.unwrap_or_else(|| credentials.into_mailed(next.clone()));
        let latchkey = request::latchkey()?;
        if !latchkey.sends_mail() {
            return Err(Error::Conflict(latchkey::error::Code::MailNotConfigured));
        }
        let to = MailTo { email: Some(mailed.email.clone()) };
        latchkey.ask_magic_link(&visitor, to, request::browser().as_deref()).await?;
        request::keep_mailed(Page::Login, mailed)?;
        if again {
            request::leave_note(Page::Login, Note::Said(Said::MailSent))?;
        }
        Ok(Page::Login.waiting(next.as_deref()))
    })
    .await
}

/// Signs a person in with the code of the mail.
#[server(name = SignInByCode, prefix = "/fn", endpoint = "sign-in-code")]
pub async fn sign_in_by_code(
    csrf: String,
    #[server(default)] next: String,
    proof: MailedCode,
) -> Result<Done, Refusal> {
    let next = inward(&next).map(str::to_owned);
    let (name, value) = crate::routes::WAITING;
    let query = [(name, Some(value.to_owned())), ("next", next.clone())];
    let query = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let form = Form { query, ..Form::new("code", "proof", Page::Login) };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let Some(mailed) = request::mailed(Page::Login) else {
            return Ok(Page::Login.with_known(&[("next", next.as_deref())]));
        };
        let proof = MailProof { remember: Some(mailed.remember), ..proof.into_proof(mailed.email) };
        let entered =
            request::begin_session(async |latchkey, opening| latchkey.sign_in_by_mail(&visitor, proof, opening).await)
                .await?;
        request::forget_mailed();
        Ok(request::way_on(&entered, next))
    })
    .await
}

/// Where the tab that waits should go now; nowhere for as long as nothing has happened.
#[server(name = LookForLink, prefix = "/fn", endpoint = "look-for-link", input = GetUrl)]
pub async fn look_for_link(#[server(default)] next: String) -> Result<Done, Refusal> {
    let next = inward(&next).map(str::to_owned);
    let form = Form::new("look", "look", Page::Login);
    request::answer(form, async {
        if request::barred_actor()?.is_some() {
            return Ok(next.unwrap_or_else(|| Page::FIRST.path().to_owned()));
        }
        let state = match request::browser() {
            Some(browser) => request::latchkey()?.magic_link_state(&browser).await?,
            None => MagicLinkState::None,
        };
        Ok(match (state, request::half_token()) {
            (MagicLinkState::Waiting, _) => String::new(),
            // The link was opened in another tab of this browser, and the second step is due there and here.
            (MagicLinkState::Used, Some(_)) => Page::TwoFactor.with_known(&[("next", next.as_deref())]),
            _ => Page::Login.waiting(next.as_deref()),
        })
    })
    .await
}
