//! `/login`.

use super::by_mail;
use super::parts::CleanAddress;
use crate::components::button::SubmitButton;
use crate::components::choice::Check;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::error::Refusal;
use crate::note::Mailed;
use crate::request::{self, Desk, Done, Form};
use crate::routes::{Page, inward};
use latchkey::Error;
use latchkey::error::Code;
use latchkey::flow::sign_in::SecretText;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// What people sign in with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Credentials {
    email: String,
    #[serde(skip_serializing)]
    password: SecretText,
    remember: bool,
}

impl Credentials {
    /// What of it is kept when the form is refused.
    pub fn typed(&self) -> Vec<(&'static str, String)> {
        vec![("email", self.email.clone()), ("remember", self.remember.to_string())]
    }

    /// What the tab remembers that waits for a mail.
    pub fn into_mailed(self, next: Option<String>) -> Mailed {
        Mailed { email: self.email, remember: self.remember, next, token: None }
    }
}

/// Address and password, or a link by mail; leads back to the page first asked for.
#[component]
pub fn LoginPage() -> impl IntoView {
    super::super::page(async move {
        let next = request::next();
        if request::actor()?.is_some() {
            request::see(next.as_deref().unwrap_or(Page::FIRST.path()));
        }
        let desk = Desk::open(Page::Login, None)?;
        if let Some(waiting) = by_mail::waiting().await? {
            return Ok(view! { <by_mail::WaitingPage desk=desk next=next waiting=waiting/> }.into_any());
        }
        let latchkey = request::latchkey()?;
        let aside = latchkey.registration_is_open().then(|| {
            let href = Page::Register.with_known(&[("next", next.as_deref())]);
            view! { "New here? "<a href=href>"Create an account"</a> }.into_any()
        });
        let lead = if next.is_some() { "Sign in to go on to the page you asked for." } else { "Welcome back." };
        // The link of an invitation is good for days: it is not left in the address bar.
        let secret = next.as_deref().is_some_and(|next| next.starts_with(Page::Invite.path()));
        let by_mail = latchkey.sends_mail();
        Ok::<_, Error>(
            view! {
                {secret.then(|| view! { <CleanAddress path=Page::Login.path()/> })}
                <Front title="Sign in" lead=lead aside=aside version=Some("password")>
                    <LoginForm desk=desk next=next by_mail=by_mail/>
                </Front>
            }
            .into_any(),
        )
    })
}

#[component]
fn LoginForm(desk: Desk, next: Option<String>, by_mail: bool) -> impl IntoView {
    let state = desk.form("sign-in");
    let before = request::mailed(Page::Login).unwrap_or_default();
    let kept = state.chosen("credentials[remember]", "true", before.remember);
    let email = Input {
        name: "credentials[email]",
        kind: "email",
        autocomplete: "username",
        value: before.email,
        focused: !state.comes_back(),
        ..Input::default()
    };
    let password =
        Input { name: "credentials[password]", kind: "password", autocomplete: "current-password", ..Input::default() };
    view! {
        <PostForm action=SignIn::PATH state=state.clone()>
            <input type="hidden" name="next" value=next/>
            <TextField label="Email" input=email state=state.clone()/>
            <TextField label="Password" input=password state=state.clone()/>
            <div class="row row-apart">
                <Check name="credentials[remember]" label="Keep me signed in" checked=kept/>
                <a class="target" href=Page::ForgotPassword.path()>"Forgot your password?"</a>
            </div>
            <SubmitButton label="Sign in" wide=true/>
            {by_mail.then(|| view! {
                <button type="submit" class="button button-wide" formaction=by_mail::AskLink::PATH>
                    "Email me a link instead"
                </button>
            })}
        </PostForm>
    }
}

/// Signs a person in.
#[server(name = SignIn, prefix = "/fn", endpoint = "sign-in")]
pub async fn sign_in(csrf: String, #[server(default)] next: String, credentials: Credentials) -> Result<Done, Refusal> {
    let next = inward(&next).map(str::to_owned);
    let form = Form {
        query: next.iter().map(|next| ("next", next.clone())).collect(),
        typed: credentials.typed(),
        ..Form::new("sign-in", "credentials", Page::Login)
    };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let mailed = credentials.clone().into_mailed(next.clone());
        let Credentials { email, password, remember } = credentials;
        let with = latchkey::flow::sign_in::SignIn {
            email: Some(email),
            password: Some(password),
            remember: Some(remember),
            ..Default::default()
        };
        let opened =
            request::begin_session(async |latchkey, opening| latchkey.sign_in(&visitor, with, opening).await).await;
        if matches!(opened, Err(Error::Forbidden(Code::EmailNotVerified))) {
            request::keep_mailed(Page::VerifyEmail, mailed)?;
            return Ok(Page::VerifyEmail.path().to_owned());
        }
        Ok(request::way_on(&opened?, next))
    })
    .await
}
