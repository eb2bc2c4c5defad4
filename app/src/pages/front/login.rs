//! `/login`.

use crate::components::button::SubmitButton;
use crate::components::choice::Check;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::error::Refusal;
use crate::request::{self, Desk, Done, Form};
use crate::routes::{Page, inward};
use latchkey::Error;
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

/// Address and password; leads back to the page first asked for.
#[component]
pub fn LoginPage() -> impl IntoView {
    super::super::page(async move {
        let next = request::next();
        if request::actor()?.is_some() {
            request::see(next.as_deref().unwrap_or(Page::FIRST.path()));
        }
        let desk = Desk::open(Page::Login, None)?;
        let aside = request::latchkey()?.registration_is_open().then(|| {
            let href = next
                .as_deref()
                .map_or_else(|| Page::Register.path().to_owned(), |next| Page::Register.with(&[("next", next)]));
            view! { "New here? "<a href=href>"Create an account"</a> }.into_any()
        });
        let lead = if next.is_some() { "Sign in to go on to the page you asked for." } else { "Welcome back." };
        Ok::<_, Error>(view! {
            <Front title="Sign in" lead=lead aside=aside>
                <LoginForm desk=desk.clone() next=next.clone()/>
            </Front>
        })
    })
}

#[component]
fn LoginForm(desk: Desk, next: Option<String>) -> impl IntoView {
    let state = desk.form("sign-in");
    let kept = state.chosen("credentials[remember]", "true", false);
    let email = Input {
        name: "credentials[email]",
        kind: "email",
        autocomplete: "username",
        focused: !state.is_refused(),
        ..Input::default()
    };
    let password =
        Input { name: "credentials[password]", kind: "password", autocomplete: "current-password", ..Input::default() };
    view! {
        <PostForm action=SignIn::PATH state=state.clone()>
            <input type="hidden" name="next" value=next/>
            <TextField label="Email" input=email state=state.clone()/>
            <TextField label="Password" input=password state=state.clone()/>
            <Check name="credentials[remember]" label="Keep me signed in" checked=kept/>
            <SubmitButton label="Sign in" wide=true/>
        </PostForm>
    }
}

/// Signs a person in.
#[server(name = SignIn, prefix = "/fn", endpoint = "sign-in")]
pub async fn sign_in(csrf: String, #[server(default)] next: String, credentials: Credentials) -> Result<Done, Refusal> {
    let next = inward(&next).map(str::to_owned);
    let form = Form {
        query: next.iter().map(|next| ("next", next.clone())).collect(),
        typed: vec![("email", credentials.email.clone()), ("remember", credentials.remember.to_string())],
        ..Form::new("sign-in", "credentials", Page::Login)
    };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let Credentials { email, password, remember } = credentials;
        let with = latchkey::flow::sign_in::SignIn {
            email: Some(email),
            password: Some(password),
            remember: Some(remember),
            ..Default::default()
        };
        request::begin_session(async |latchkey, opening| latchkey.sign_in(&visitor, with, opening).await).await?;
        Ok(next.unwrap_or_else(|| Page::FIRST.path().to_owned()))
    })
    .await
}
