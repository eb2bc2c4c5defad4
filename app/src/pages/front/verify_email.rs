//! `/verify-email`: confirms an address, by a mailed link or its code.

use super::parts::{Address, Anew, AskForm, CleanAddress, CodeForm, Dead, Link, MailedCode, SendAgain, is_dead};
use crate::components::button::SubmitButton;
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::error::Refusal;
use crate::note::{FormState, Mailed, Note, Said};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::Error;
use latchkey::challenge::Kind;
use latchkey::error::Code;
use latchkey::flow::address::Verified;
use latchkey::flow::links::{LinkPreview, MailProof, MailTo};
use latchkey::flow::sign_in::SecretText;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// With a token: whose address, and one button. Without: where to look for the mail.
#[component]
pub fn VerifyEmailPage() -> impl IntoView {
    super::super::page(async move {
        let desk = Desk::open(Page::VerifyEmail, None)?;
        let latchkey = request::latchkey()?;
        if let Some(token) = request::query("token") {
            let found = latchkey.preview_verification(&token, request::browser().as_deref()).await;
            return Ok(match Link::of(found)? {
                Link::Open(link) => {
                    let state = desk.form("confirm");
                    view! { <OpenPage link=link token=token state=state/> }.into_any()
                }
                Link::Dead(dead) => view! { <DeadPage dead=dead/> }.into_any(),
            });
        }
        let mine = match request::barred_actor()? {
            Some(actor) => Some(latchkey.me(&actor).await?),
            None => None,
        };
        if mine.as_ref().is_some_and(|user| user.email_verified) {
            return Ok(view! { <NothingToDo/> }.into_any());
        }
        let email =
            mine.map(|user| user.email).or_else(|| request::mailed(Page::VerifyEmail).map(|mailed| mailed.email));
        Ok::<_, Error>(match email {
            Some(email) => view! { <CheckMail desk=desk email=email/> }.into_any(),
            None => view! { <Ask desk=desk/> }.into_any(),
        })
    })
}

#[component]
fn OpenPage(link: LinkPreview, token: String, state: FormState) -> impl IntoView {
    let LinkPreview { email, kind, .. } = link;
    let (title, lead, label) = if kind == Kind::Change {
        (
            "Move your account",
            "From then on you sign in with this address. The old one is told, and can undo it for a while.".to_owned(),
            format!("Move your account to {email}"),
        )
    } else {
        ("Confirm your address", format!("One press, and we know that {email} is yours."), format!("Confirm {email}"))
    };
    view! {
        <CleanAddress path=Page::VerifyEmail.path()/>
        <Front title=title lead=lead>
            <PostForm action=Confirm::PATH state=state>
                <input type="hidden" name="token" value=token/>
                <SubmitButton label=label wide=true/>
            </PostForm>
        </Front>
    }
}

#[component]
fn CheckMail(desk: Desk, email: String) -> impl IntoView {
    let inside = matches!(request::actor(), Ok(Some(_)));
    let begin = if inside { "Confirm" } else { "Before you can sign in, confirm" };
    let lead = format!("{begin} that {email} is yours: open the link we mailed there, or type its code here.");
    view! {
        <Front title="Check your mail" lead=lead aside=Some(way_out()) version=Some("waiting")>
            <CodeForm action=ConfirmByCode::PATH state=desk.form("code") label="Confirm"/>
            <SendAgain
                action=AskVerification::PATH
                label="Send the link again"
                hidden=vec![("mail[email]", email)]
                quiet=true
            />
        </Front>
    }
}

#[component]
fn Ask(desk: Desk) -> impl IntoView {
    let state = desk.form("verification");
    view! {
        <Front title="Confirm your address" lead="We mail you a link for that." aside=Some(way_out()) version=Some("ask")>
            <AskForm action=AskVerification::PATH state=state name="mail[email]" label="Send the link"/>
        </Front>
    }
}

#[component]
fn NothingToDo() -> impl IntoView {
    view! {
        <Front title="Your address is confirmed" lead="There is nothing left to do here.">
            <a class="button button-primary button-wide" href=Page::FIRST.path()>"Go on"</a>
        </Front>
    }
}

#[component]
fn DeadPage(dead: Dead) -> impl IntoView {
    let again = request::latchkey().is_ok_and(|latchkey| latchkey.sends_mail());
    let lead = match &dead {
        Dead::Used(_) => "If that was you, your address is confirmed. Otherwise send a new one.".to_owned(),
        other => other.lead(again),
    };
    view! {
        <CleanAddress path=Page::VerifyEmail.path()/>
        <Front title=dead.title() lead=lead aside=Some(way_out())>
            {again.then(|| view! { <Anew dead=dead.clone() action=AskVerification::PATH name="mail[email]"/> })}
        </Front>
    }
}

fn way_out() -> AnyView {
    if matches!(request::actor(), Ok(Some(_))) {
        view! { <a href=Page::FIRST.path()>"Go on"</a> }.into_any()
    } else {
        view! { <a href=Page::Login.path()>"Sign in"</a> }.into_any()
    }
}

/// Mails the link that confirms an address once more.
#[server(name = AskVerification, prefix = "/fn", endpoint = "ask-verification")]
pub async fn ask_verification(csrf: String, #[server(default)] mail: Address) -> Result<Done, Refusal> {
    let form =
        Form { typed: vec![("email", mail.email.clone())], ..Form::new("verification", "mail", Page::VerifyEmail) };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let latchkey = request::latchkey()?;
        if !latchkey.sends_mail() {
            return Err(Error::Conflict(Code::MailNotConfigured));
        }
        let before = request::mailed(Page::VerifyEmail).filter(|before| before.email == mail.email);
        let again = before.is_some();
        let to = MailTo { email: Some(mail.email.clone()) };
        latchkey.ask_verification(&visitor, to, request::browser().as_deref()).await?;
        let mailed = before.unwrap_or(Mailed { email: mail.email, ..Mailed::default() });
        request::keep_mailed(Page::VerifyEmail, mailed)?;
        if again {
            request::leave_note(Page::VerifyEmail, Note::Said(Said::MailSent))?;
        }
        Ok(Page::VerifyEmail.path().to_owned())
    })
    .await
}

/// Confirms an address with the link.
#[server(name = Confirm, prefix = "/fn", endpoint = "confirm")]
pub async fn confirm(csrf: String, token: String) -> Result<Done, Refusal> {
    let here = Page::VerifyEmail.with(&[("token", &token)]);
    let form = Form { query: vec![("token", token.clone())], ..Form::new("confirm", "link", Page::VerifyEmail) };
    request::answer(form, async {
        request::visitor_change(&csrf)?;
        let browser = request::browser();
        let kind = request::latchkey()?.preview_verification(&token, browser.as_deref()).await.map(|link| link.kind);
        let proof = MailProof { token: Some(SecretText(token)), ..MailProof::default() };
        match prove(proof, kind.is_ok_and(|kind| kind == Kind::Change)).await {
            Err(error) if is_dead(&error) => Ok(here),
            done => done,
        }
    })
    .await
}

/// Confirms an address with the code.
#[server(name = ConfirmByCode, prefix = "/fn", endpoint = "confirm-code")]
pub async fn confirm_by_code(csrf: String, proof: MailedCode) -> Result<Done, Refusal> {
    request::answer(Form::new("code", "proof", Page::VerifyEmail), async {
        request::visitor_change(&csrf)?;
        let mine = request::barred_actor()?.map(|actor| actor.principal().email().to_string());
        let Some(email) = mine.or_else(|| request::mailed(Page::VerifyEmail).map(|mailed| mailed.email)) else {
            return Ok(Page::VerifyEmail.path().to_owned());
        };
        prove(proof.into_proof(email), false).await
    })
    .await
}

/// Confirms, or moves, with what was mailed, and says where to go: on for people who are signed in now, to sign in for
/// others.
pub async fn prove(proof: MailProof, moves: bool) -> Result<String, Error> {
    let visitor = request::visitor()?;
    let mailed = request::mailed(Page::VerifyEmail).unwrap_or_default();
    let proof = MailProof { remember: Some(mailed.remember), ..proof };
    let Verified { signed_in, .. } =
        request::begin_session(async |latchkey, opening| latchkey.verify_address(&visitor, proof, opening).await)
            .await?;
    request::forget_mailed();
    let inside = request::barred_actor()?.is_some();
    if let Some(next) = mailed.next.filter(|_| signed_in.is_some()) {
        return Ok(next);
    }
    let (page, said) = match (moves, signed_in.is_some() || inside) {
        (false, true) if inside => (Page::Profile, Said::AddressConfirmed),
        (false, true) => (Page::FIRST, Said::AddressConfirmed),
        (false, false) => (Page::Login, Said::AddressConfirmedOnly),
        (true, true) => (Page::Profile, Said::AccountMoved),
        (true, false) => (Page::Login, Said::AccountMovedOnly),
    };
    request::leave_note(page, Note::Said(said))?;
    Ok(page.path().to_owned())
}
