//! `/magic-link`: where the mailed link to sign in leads. Looking spends nothing; the button does.

use super::by_mail::AskLink;
use super::parts::{Anew, CleanAddress, Dead, Link, is_dead};
use crate::components::badge::Tone;
use crate::components::button::SubmitButton;
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::note::FormState;
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::Error;
use latchkey::flow::links::{LinkPreview, MailProof};
use latchkey::flow::sign_in::SecretText;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// Who signs in, and one button.
#[component]
pub fn MagicLinkPage() -> impl IntoView {
    super::super::page(async move {
        let desk = Desk::open(Page::MagicLink, None)?;
        let Some(token) = request::query("token") else {
            return Ok::<_, Error>(view! { <DeadPage dead=Dead::Missing/> }.into_any());
        };
        let found = request::latchkey()?.preview_magic_link(&token, request::browser().as_deref()).await;
        Ok(match Link::of(found)? {
            Link::Open(link) => {
                let state = desk.form("open-link");
                view! { <OpenPage link=link token=token state=state/> }.into_any()
            }
            Link::Dead(dead) => view! { <DeadPage dead=dead/> }.into_any(),
        })
    })
}

#[component]
fn OpenPage(link: LinkPreview, token: String, state: FormState) -> impl IntoView {
    let LinkPreview { email, same_browser, .. } = link;
    let label = if same_browser { format!("Sign in as {email}") } else { "Sign in on this browser".to_owned() };
    let elsewhere = "This link was asked for in another browser. If you want to sign in there, type the code from the \
                     mail there instead.";
    view! {
        <CleanAddress path=Page::MagicLink.path()/>
        <Front title="Sign in" lead=format!("You are about to sign in as {email}.")>
            {(!same_browser).then(|| view! { <Notice text=elsewhere tone=Tone::Warn/> })}
            <PostForm action=OpenLink::PATH state=state>
                <input type="hidden" name="token" value=token/>
                <SubmitButton label=label wide=true/>
            </PostForm>
        </Front>
    }
}

#[component]
fn DeadPage(dead: Dead) -> impl IntoView {
    let inside = matches!(request::actor(), Ok(Some(_)));
    let sends_mail = request::latchkey().is_ok_and(|latchkey| latchkey.sends_mail());
    let aside = if inside {
        view! { "You are signed in here. "<a href=Page::FIRST.path()>"Go on"</a> }.into_any()
    } else {
        view! { <a href=Page::Login.path()>"Use your password instead"</a> }.into_any()
    };
    view! {
        <CleanAddress path=Page::MagicLink.path()/>
        <Front title=dead.title() lead=dead.lead(sends_mail) aside=Some(aside)>
            {sends_mail.then(|| view! { <Anew dead=dead.clone() action=AskLink::PATH name="credentials[email]"/> })}
        </Front>
    }
}

/// Signs in with the link. The browser that asked for it goes on to the page first asked for.
#[server(name = OpenLink, prefix = "/fn", endpoint = "open-link")]
pub async fn open_link(csrf: String, token: String) -> Result<Done, Refusal> {
    let here = Page::MagicLink.with(&[("token", &token)]);
    let form = Form { query: vec![("token", token.clone())], ..Form::new("open-link", "link", Page::MagicLink) };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let mailed = request::mailed(Page::Login).unwrap_or_default();
        let proof =
            MailProof { token: Some(SecretText(token)), remember: Some(mailed.remember), ..MailProof::default() };
        let opened =
            request::begin_session(async |latchkey, opening| latchkey.sign_in_by_mail(&visitor, proof, opening).await);
        match opened.await {
            Err(error) if is_dead(&error) => Ok(here),
            Err(error) => Err(error),
            Ok(entered) => {
                request::forget_mailed();
                Ok(request::way_on(&entered, mailed.next))
            }
        }
    })
    .await
}
