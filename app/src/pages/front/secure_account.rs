//! `/secure-account/{token}`: "it was not me", from the notices by mail.

use super::parts::{CleanAddress, Dead, Link, is_dead};
use crate::components::badge::Tone;
use crate::components::button::{SubmitButton, Weight};
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::note::{FormState, Mailed, Note};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::Error;
use latchkey::challenge::Kind;
use latchkey::flow::links::LinkPreview;
use latchkey::flow::secure::Secured;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// What the link does, and one button; without a token, what it has done.
#[component]
pub fn SecureAccountPage() -> impl IntoView {
    super::super::page(async move {
        let desk = Desk::open(Page::SecureAccount, None)?;
        if let Some(Note::Secured { back_at }) = desk.note.clone() {
            return Ok::<_, Error>(view! { <DonePage back_at=back_at/> }.into_any());
        }
        let Some(token) = request::below(Page::SecureAccount) else {
            return Ok(view! { <DeadPage dead=Dead::Missing/> }.into_any());
        };
        Ok(match Link::of(request::latchkey()?.preview_secure(&token).await)? {
            Link::Open(link) => {
                let state = desk.form("secure");
                view! { <OpenPage link=link token=token state=state/> }.into_any()
            }
            Link::Dead(dead) => view! { <DeadPage dead=dead/> }.into_any(),
        })
    })
}

#[component]
fn OpenPage(link: LinkPreview, token: String, state: FormState) -> impl IntoView {
    let LinkPreview { email, kind, .. } = link;
    let (title, lead, label) = if kind == Kind::Undo {
        (
            "Move your account back?",
            format!(
                "This moves your account back to {email}, signs it out everywhere, and takes its password away, since \
                 whoever moved it knew that. You choose a new one next."
            ),
            format!("Move your account back to {email}"),
        )
    } else {
        (
            "Was it not you?",
            format!(
                "This signs {email} out everywhere, on every device and in every program that signed in with the \
                 password. API keys go on. Choose a new password next."
            ),
            "End all sessions".to_owned(),
        )
    };
    view! {
        <CleanAddress path=Page::SecureAccount.path()/>
        <Front title=title lead=lead>
            <PostForm action=SecureAccount::PATH state=state>
                <input type="hidden" name="token" value=token/>
                <SubmitButton label=label weight=Weight::Danger wide=true/>
            </PostForm>
        </Front>
    }
}

#[component]
fn DonePage(back_at: Option<String>) -> impl IntoView {
    let (title, lead) = match back_at {
        Some(email) => (
            "Your account is back",
            format!("It belongs to {email} again. It is signed out everywhere and its old password is gone."),
        ),
        None => ("All sessions are ended", "Whoever was signed in is out.".to_owned()),
    };
    let next = "Choose a new password now: the old one may be known to somebody else.";
    view! {
        <Front title=title lead=lead>
            <Notice text=next tone=Tone::Warn/>
            <a class="button button-primary button-wide" href=Page::ForgotPassword.path()>"Choose a new password"</a>
        </Front>
    }
}

#[component]
fn DeadPage(dead: Dead) -> impl IntoView {
    let lead = match &dead {
        Dead::Used(_) => "It did its work once. If something still looks wrong, choose a new password.",
        Dead::Expired(_) => "Links from notices work for a few days. You can still choose a new password.",
        Dead::Unknown => "A part of the address may be missing. Open the link in the mail once more.",
        Dead::Missing => "Open it once more, or choose a new password.",
    };
    view! {
        <CleanAddress path=Page::SecureAccount.path()/>
        <Front title=dead.title() lead=lead>
            <a class="button button-primary button-wide" href=Page::ForgotPassword.path()>"Choose a new password"</a>
        </Front>
    }
}

/// Does what the link is for.
#[server(name = SecureAccount, prefix = "/fn", endpoint = "secure-account")]
pub async fn secure_account(csrf: String, token: String) -> Result<Done, Refusal> {
    let here = format!("{}/{}", Page::SecureAccount.path(), crate::routes::encoded(&token));
    request::answer(Form::new("secure", "secure", Page::SecureAccount), async {
        let visitor = request::visitor_change(&csrf)?;
        let latchkey = request::latchkey()?;
        let email = latchkey.preview_secure(&token).await.map(|link| link.email);
        let back_at = match latchkey.secure_account(&visitor, &token).await {
            Err(error) if is_dead(&error) => return Ok(here),
            Err(error) => return Err(error),
            Ok(Secured::SessionsEnded) => None,
            Ok(Secured::AddressRestored(email)) => Some(email),
        };
        if let Ok(email) = email {
            request::keep_mailed(Page::ForgotPassword, Mailed { email, ..Mailed::default() })?;
        }
        request::leave_note(Page::SecureAccount, Note::Secured { back_at })?;
        Ok(Page::SecureAccount.path().to_owned())
    })
    .await
}
