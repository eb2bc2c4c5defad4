//! `/forgot-password`: asks for a mail, and takes its code.

use super::parts::{Address, AskForm, CodeForm, MailedCode, SendAgain};
use crate::components::badge::Tone;
use crate::components::layout::Front;
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::note::{Mailed, Note, Said};
use crate::request::{self, Desk, Done, Form};
use crate::routes::{Page, WAITING};
use latchkey::Error;
use latchkey::error::Code;
use latchkey::flow::links::MailTo;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// An address, or the code that was mailed to it.
#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    super::super::page(async move {
        let desk = Desk::open(Page::ForgotPassword, None)?;
        Ok::<_, Error>(match request::awaited(Page::ForgotPassword) {
            Some(mailed) => view! { <CheckMail desk=desk email=mailed.email/> }.into_any(),
            None => view! { <Ask desk=desk/> }.into_any(),
        })
    })
}

#[component]
fn Ask(desk: Desk) -> impl IntoView {
    let sends_mail = request::latchkey().is_ok_and(|latchkey| latchkey.sends_mail());
    let email =
        request::mailed(Page::ForgotPassword).or_else(|| request::mailed(Page::Login)).unwrap_or_default().email;
    let lead = "We mail you a link to choose a new one.";
    let without = "Mail is not set up here. Ask an administrator for a link to choose a new password.";
    view! {
        <Front title="Forgot your password?" lead=if sends_mail { lead } else { "" } aside=Some(to_login()) version=Some("ask")>
            {if sends_mail {
                let state = desk.form("forgot");
                view! { <AskForm action=AskReset::PATH state=state name="mail[email]" email=email label="Email me a link"/> }
                    .into_any()
            } else {
                view! { <Notice text=without tone=Tone::Plain/> }.into_any()
            }}
        </Front>
    }
}

#[component]
fn CheckMail(desk: Desk, email: String) -> impl IntoView {
    let lead = format!("If {email} has an account here, a mail is on its way. Open its link, or type its code here.");
    let again = vec![("again", "true".to_owned())];
    view! {
        <Front title="Check your mail" lead=lead aside=Some(to_login()) version=Some("waiting")>
            <CodeForm action=CheckResetCode::PATH state=desk.form("code") label="Choose a new password"/>
            <SendAgain action=AskReset::PATH label="Send a new one" hidden=again quiet=true/>
            <p class="aside"><a href=Page::ForgotPassword.path() data-live="">"Use another address"</a></p>
        </Front>
    }
}

fn to_login() -> AnyView {
    view! { "Remembered it? "<a href=Page::Login.path()>"Sign in"</a> }.into_any()
}

/// Mails a link and a code to choose a new password with.
#[server(name = AskReset, prefix = "/fn", endpoint = "ask-reset")]
pub async fn ask_reset(
    csrf: String,
    #[server(default)] again: bool,
    #[server(default)] mail: Address,
) -> Result<Done, Refusal> {
    let form = Form { typed: vec![("email", mail.email.clone())], ..Form::new("forgot", "mail", Page::ForgotPassword) };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let before = request::mailed(Page::ForgotPassword).filter(|_| again);
        if again && before.is_none() {
            return Ok(Page::ForgotPassword.path().to_owned());
        }
        let latchkey = request::latchkey()?;
        if !latchkey.sends_mail() {
            return Err(Error::Conflict(Code::MailNotConfigured));
        }
        let email = before.map_or(mail.email, |before| before.email);
        let to = MailTo { email: Some(email.clone()) };
        latchkey.ask_reset(&visitor, to, request::browser().as_deref()).await?;
        request::keep_mailed(Page::ForgotPassword, Mailed { email, ..Mailed::default() })?;
        if again {
            request::leave_note(Page::ForgotPassword, Note::Said(Said::MailSent))?;
        }
        Ok(Page::ForgotPassword.waiting(None))
    })
    .await
}

/// Exchanges the code of the mail for what the next page needs.
#[server(name = CheckResetCode, prefix = "/fn", endpoint = "reset-code")]
pub async fn check_reset_code(csrf: String, proof: MailedCode) -> Result<Done, Refusal> {
    let (name, value) = WAITING;
    let form = Form { query: vec![(name, value.to_owned())], ..Form::new("code", "proof", Page::ForgotPassword) };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let Some(mailed) = request::mailed(Page::ForgotPassword) else {
            return Ok(Page::ForgotPassword.path().to_owned());
        };
        let proof = proof.into_proof(mailed.email.clone());
        let token = request::latchkey()?.verify_reset_code(&visitor, proof).await?.token;
        request::keep_mailed(Page::ResetPassword, Mailed { token: Some(token), ..mailed })?;
        Ok(Page::ResetPassword.path().to_owned())
    })
    .await
}
