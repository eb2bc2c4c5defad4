//! `/reset-password`: a new password, by a mailed link or after its code.

use super::forgot_password::AskReset;
use super::parts::{Anew, CleanAddress, Dead, Link, is_dead};
use crate::components::button::SubmitButton;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::error::Refusal;
use crate::note::{FormState, Mailed, Note, Said};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::Error;
use latchkey::flow::recovery::ResetPassword as Reset;
use latchkey::flow::sign_in::SecretText;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// The new password.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NewPassword {
    #[serde(skip_serializing)]
    new_password: SecretText,
}

/// One field for the new password.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    super::super::page(async move {
        let desk = Desk::open(Page::ResetPassword, None)?;
        let kept = || request::mailed(Page::ResetPassword).and_then(|mailed| mailed.token);
        let Some(token) = request::query("token").or_else(kept) else {
            return Ok::<_, Error>(view! { <DeadPage dead=Dead::Missing/> }.into_any());
        };
        Ok(match Link::of(request::latchkey()?.preview_reset(&token).await)? {
            Link::Open(link) => {
                let state = desk.form("reset");
                view! { <OpenPage email=link.email token=token state=state/> }.into_any()
            }
            Link::Dead(dead) => view! { <DeadPage dead=dead/> }.into_any(),
        })
    })
}

#[component]
fn OpenPage(email: String, token: String, state: FormState) -> impl IntoView {
    let new = Input { focused: !state.comes_back(), ..Input::new_password("reset[newPassword]") };
    view! {
        <CleanAddress path=Page::ResetPassword.path()/>
        <Front title="Choose a new password" lead=format!("For {email}. It signs you out everywhere.")>
            <PostForm action=ResetPassword::PATH state=state.clone()>
                <input type="hidden" name="token" value=token/>
                // For password managers: whose password it is.
                <input type="email" autocomplete="username" value=email hidden/>
                <TextField label="New password" input=new state=state/>
                <SubmitButton label="Change password" wide=true/>
            </PostForm>
        </Front>
    }
}

#[component]
fn DeadPage(dead: Dead) -> impl IntoView {
    let sends_mail = request::latchkey().is_ok_and(|latchkey| latchkey.sends_mail());
    let aside = view! { <a href=Page::Login.path()>"Sign in"</a> }.into_any();
    view! {
        <CleanAddress path=Page::ResetPassword.path()/>
        <Front title=dead.title() lead=dead.lead(sends_mail) aside=Some(aside)>
            {sends_mail.then(|| view! { <Anew dead=dead.clone() action=AskReset::PATH name="mail[email]"/> })}
        </Front>
    }
}

/// Sets the new password. One that will not do can be mended: the token is kept.
#[server(name = ResetPassword, prefix = "/fn", endpoint = "reset-password")]
pub async fn reset_password(csrf: String, token: String, reset: NewPassword) -> Result<Done, Refusal> {
    let here = Page::ResetPassword.with(&[("token", &token)]);
    request::answer(Form::new("reset", "reset", Page::ResetPassword), async {
        let visitor = request::visitor_change(&csrf)?;
        let kept = Mailed { token: Some(token.clone()), ..Mailed::default() };
        let with = Reset { token: Some(SecretText(token)), new_password: Some(reset.new_password), password: None };
        match request::latchkey()?.reset_password(&visitor, with).await {
            Err(error) if is_dead(&error) => Ok(here),
            Err(error) => {
                request::keep_mailed(Page::ResetPassword, kept)?;
                Err(error)
            }
            Ok(()) => {
                request::forget_mailed();
                request::leave_note(Page::Login, Note::Said(Said::PasswordReset))?;
                Ok(Page::Login.path().to_owned())
            }
        }
    })
    .await
}
