//! The password.

use crate::components::button::SubmitButton;
use crate::components::card::Card;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::error::Refusal;
use crate::note::{Note, Said};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::flow::account::ChangePassword as NewPassword;
use latchkey::flow::sign_in::SecretText;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// The old password and the new one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Passwords {
    #[serde(skip_serializing)]
    current_password: SecretText,
    #[serde(skip_serializing)]
    new_password: SecretText,
}

/// Exchanges the password.
#[component]
pub fn PasswordCard(desk: Desk) -> impl IntoView {
    let state = desk.form("password");
    let current = Input {
        name: "passwords[currentPassword]",
        kind: "password",
        autocomplete: "current-password",
        ..Input::default()
    };
    let new = Input::new_password("passwords[newPassword]");
    view! {
        <Card title="Password" lead="Changing it signs out every other device." region="password">
            <PostForm action=ChangePassword::PATH state=state.clone() class="stack card-section-narrow">
                <TextField label="Current password" input=current state=state.clone()/>
                <TextField label="New password" input=new state=state.clone()/>
                <div class="card-foot"><SubmitButton label="Change password"/></div>
            </PostForm>
        </Card>
    }
}

/// Changes the password.
#[server(name = ChangePassword, prefix = "/fn", endpoint = "password")]
pub async fn change_password(csrf: String, passwords: Passwords) -> Result<Done, Refusal> {
    request::answer(Form::new("password", "passwords", Page::Security), async {
        let actor = request::change(&csrf)?;
        let Passwords { current_password, new_password } = passwords;
        let with = NewPassword {
            current_password: Some(current_password),
            new_password: Some(new_password),
            ..NewPassword::default()
        };
        request::keep_session(&request::latchkey()?.change_password(&actor, with).await?);
        request::leave_note(Page::Security, Note::Said(Said::PasswordChanged))?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}
