//! `/setup`: the first landlord, from the one-time link of the first start.

use crate::components::badge::Tone;
use crate::components::button::SubmitButton;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::Error;
use latchkey::flow::sign_in::SecretText;
use latchkey::flow::sign_up::SignUp;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// Who the first landlord is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Landlord {
    name: String,
    email: String,
    #[serde(skip_serializing)]
    password: SecretText,
}

/// Makes the first landlord, once.
#[component]
pub fn SetUpPage() -> impl IntoView {
    super::super::page(async move {
        let desk = Desk::open(Page::SetUp, None)?;
        let token = request::query("token").unwrap_or_default();
        let open = request::latchkey()?.setup_is_open(&token).await?;
        let spent = "This link has been used or is not complete. Sign in if you are set up already; otherwise start Latchkey \
                     again and use the link it prints.";
        Ok::<_, Error>(view! {
            <Front title="Set up Latchkey" lead="You will look after this installation.">
                {if open {
                    view! { <SetUpForm desk=desk.clone() token=token.clone()/> }.into_any()
                } else {
                    view! {
                        <Notice text=spent tone=Tone::Warn/>
                        <a class="button button-wide" href=Page::Login.path()>"Sign in"</a>
                    }
                    .into_any()
                }}
            </Front>
        })
    })
}

#[component]
fn SetUpForm(desk: Desk, token: String) -> impl IntoView {
    let state = desk.form("set-up");
    let name = Input {
        name: "landlord[name]",
        autocomplete: "name",
        longest: Some(100),
        focused: !state.comes_back(),
        ..Input::default()
    };
    let email = Input { name: "landlord[email]", kind: "email", autocomplete: "username", ..Input::default() };
    let password = Input::new_password("landlord[password]");
    view! {
        <PostForm action=SetUp::PATH state=state.clone()>
            <input type="hidden" name="token" value=token/>
            <TextField label="Name" input=name state=state.clone()/>
            <TextField label="Email" input=email state=state.clone()/>
            <TextField label="Password" input=password state=state.clone()/>
            <SubmitButton label="Finish setting up" wide=true/>
        </PostForm>
    }
}

/// Spends the one-time link.
#[server(name = SetUp, prefix = "/fn", endpoint = "set-up")]
pub async fn set_up(csrf: String, token: String, landlord: Landlord) -> Result<Done, Refusal> {
    let Landlord { name, email, password } = landlord;
    let form = Form {
        query: vec![("token", token.clone())],
        typed: vec![("name", name.clone()), ("email", email.clone())],
        ..Form::new("set-up", "landlord", Page::SetUp)
    };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let with = SignUp { name: Some(name), email: Some(email), password: Some(password), ..Default::default() };
        request::begin_session(async |latchkey, opening| latchkey.set_up(&visitor, &token, with, opening).await)
            .await?;
        Ok(Page::FIRST.path().to_owned())
    })
    .await
}
