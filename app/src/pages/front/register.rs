//! `/register`.

use crate::components::badge::Tone;
use crate::components::button::SubmitButton;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::note::Mailed;
use crate::request::{self, Desk, Done, Form};
use crate::routes::{Page, inward};
use latchkey::Error;
use latchkey::flow::sign_in::SecretText;
use latchkey::flow::sign_up::{SignUp, SignedUp};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// What a new account is made of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewAccount {
    name: String,
    email: String,
    #[serde(skip_serializing)]
    password: SecretText,
    company: String,
}

/// Makes an account, and an organization with it.
#[component]
pub fn RegisterPage() -> impl IntoView {
    super::super::page(async move {
        if request::actor()?.is_some() {
            request::see(Page::FIRST.path());
        }
        let desk = Desk::open(Page::Register, None)?;
        let next = request::next();
        let open = request::latchkey()?.registration_is_open();
        let login =
            next.as_deref().map_or_else(|| Page::Login.path().to_owned(), |next| Page::Login.with(&[("next", next)]));
        let aside = view! { "Have an account? "<a href=login>"Sign in"</a> }.into_any();
        let aside = Some(aside);
        let closed = "New accounts are closed here. Ask an administrator to add you.";
        Ok::<_, Error>(view! {
            <Front title="Create your account" lead="It takes a minute." aside=aside>
                {if open {
                    view! { <RegisterForm desk=desk.clone() next=next.clone()/> }.into_any()
                } else {
                    view! { <Notice text=closed tone=Tone::Plain/> }.into_any()
                }}
            </Front>
        })
    })
}

#[component]
fn RegisterForm(desk: Desk, next: Option<String>) -> impl IntoView {
    let state = desk.form("register");
    let name = Input {
        name: "account[name]",
        autocomplete: "name",
        longest: Some(100),
        focused: !state.comes_back(),
        ..Input::default()
    };
    let email = Input { name: "account[email]", kind: "email", autocomplete: "username", ..Input::default() };
    let password = Input {
        name: "account[password]",
        kind: "password",
        autocomplete: "new-password",
        hint: "12 characters or more. A few unrelated words work well.",
        ..Input::default()
    };
    let company = Input {
        name: "account[company]",
        autocomplete: "organization",
        optional: true,
        longest: Some(100),
        ..Input::default()
    };
    view! {
        <PostForm action=Register::PATH state=state.clone()>
            <input type="hidden" name="next" value=next/>
            <TextField label="Name" input=name state=state.clone()/>
            <TextField label="Email" input=email state=state.clone()/>
            <TextField label="Password" input=password state=state.clone()/>
            <TextField label="Organization" input=company state=state.clone()/>
            <SubmitButton label="Create account" wide=true/>
        </PostForm>
    }
}

/// Makes an account and signs its person in.
#[server(name = Register, prefix = "/fn", endpoint = "register")]
pub async fn register(csrf: String, #[server(default)] next: String, account: NewAccount) -> Result<Done, Refusal> {
    let next = inward(&next).map(str::to_owned);
    let NewAccount { name, email, password, company } = account;
    let form = Form {
        query: next.iter().map(|next| ("next", next.clone())).collect(),
        typed: vec![("name", name.clone()), ("email", email.clone()), ("company", company.clone())],
        ..Form::new("register", "account", Page::Register)
    };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let company = Some(company).filter(|company| !company.trim().is_empty());
        let with =
            SignUp { name: Some(name), email: Some(email), password: Some(password), company, ..Default::default() };
        let signed_up =
            request::begin_session(async |latchkey, opening| latchkey.sign_up(&visitor, with, opening).await).await?;
        if let SignedUp::ToVerify(email) = signed_up {
            request::keep_mailed(Page::VerifyEmail, Mailed { email: email.to_string(), next, ..Mailed::default() })?;
            return Ok(Page::VerifyEmail.path().to_owned());
        }
        Ok(next.unwrap_or_else(|| Page::FIRST.path().to_owned()))
    })
    .await
}
