//! Setting an authenticator up, in three steps.

use super::two_factor::Second;
use crate::components::button::{SubmitButton, Weight};
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::secret::Secret;
use crate::error::Refusal;
use crate::note::{FormState, Note, Said};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::flow::enrol::{BeginFactor, ConfirmFactor, PendingFactor};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// The steps: scan, type the code; the backup codes come after that.
#[component]
pub fn Enrolment(pending: PendingFactor, state: FormState, replaces: bool) -> impl IntoView {
    let code = Input::code("second[code]");
    let cancel = if replaces { "Keep the present one" } else { "Not now" };
    view! {
        <ol class="steps">
            <li>
                <h3>"Scan this picture"</h3>
                <p class="soft">"Open your authenticator app, add an account, and point the camera here."</p>
                <div class="qr" role="img" aria-label="QR code with the key that stands below it" inner_html=pending.picture></div>
                <a class="button phones-only" href=pending.otpauth_url>"Open in an app on this phone"</a>
                <Secret label="No camera? Type this key instead" text=pending.grouped copied=pending.secret id="totp-key"/>
            </li>
            <li>
                <h3>"Type the code it shows"</h3>
                <PostForm action=ConfirmTwoFactor::PATH state=state.clone() class="stack card-section-narrow code-form">
                    <TextField label="Code of six digits" input=code state=state/>
                    <div class="card-foot"><SubmitButton label="Turn on"/></div>
                </PostForm>
            </li>
            <li>
                <h3>"Save your backup codes"</h3>
                <p class="soft">"They come next. They let you in when your phone is lost."</p>
            </li>
        </ol>
        <PostForm action=ForgetSetUp::PATH>
            <div class="card-foot"><SubmitButton label=cancel weight=Weight::Plain/></div>
        </PostForm>
    }
}

/// Begins to set an authenticator up.
#[server(name = BeginTwoFactor, prefix = "/fn", endpoint = "begin-two-factor")]
pub async fn begin_two_factor(csrf: String, #[server(default)] replace: bool) -> Result<Done, Refusal> {
    request::answer(Form::new("begin", "second", Page::Security), async {
        let actor = request::barred_change(&csrf)?;
        request::latchkey()?.begin_factor(&actor, BeginFactor { replace: Some(replace) }).await?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}

/// Switches the second factor on.
#[server(name = ConfirmTwoFactor, prefix = "/fn", endpoint = "confirm-two-factor")]
pub async fn confirm_two_factor(csrf: String, second: Second) -> Result<Done, Refusal> {
    request::answer(Form::new("enrol", "second", Page::Security), async {
        let actor = request::barred_change(&csrf)?;
        let on = request::latchkey()?.confirm_factor(&actor, ConfirmFactor { code: Some(second.code) }).await?;
        request::keep_renewed(&on.renewed);
        request::leave_note(Page::Security, Note::BackupCodes { codes: on.backup_codes, first: true })?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}

/// Gives up what was begun.
#[server(name = ForgetSetUp, prefix = "/fn", endpoint = "forget-set-up")]
pub async fn forget_set_up(csrf: String) -> Result<Done, Refusal> {
    request::answer(Form::new("forget-set-up", "second", Page::Security), async {
        let actor = request::barred_change(&csrf)?;
        request::latchkey()?.forget_pending_factor(&actor).await?;
        request::leave_note(Page::Security, Note::Said(Said::SetUpForgotten))?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}
