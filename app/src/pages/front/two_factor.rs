//! `/login/two-factor`: the second step of signing in.

use crate::components::button::SubmitButton;
use crate::components::choice::Check;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::error::Refusal;
use crate::format;
use crate::note::FormState;
use crate::request::{self, Desk, Done, Form};
use crate::routes::{Page, inward};
use latchkey::Error;
use latchkey::error::Code;
use latchkey::flow::second_factor::{HalfView, VerifyFactor};
use latchkey::flow::sign_in::SecretText;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// The query under which a backup code is asked for.
const BACKUP: (&str, &str) = ("with", "backup");

/// The code of the authenticator, or a backup code.
#[component]
pub fn TwoFactorPage() -> impl IntoView {
    super::super::page(async move {
        let next = request::next();
        if request::actor()?.is_some() {
            request::see(next.as_deref().unwrap_or(Page::FIRST.path()));
        }
        let desk = Desk::open(Page::TwoFactor, None)?;
        let half = match request::half_token() {
            Some(token) => request::latchkey()?.half_sign_in(&token).await?,
            None => None,
        };
        let Some(half) = half else {
            return Ok::<_, Error>(view! { <Over next=next/> }.into_any());
        };
        let backup = half.has_backup_codes && request::query(BACKUP.0).as_deref() == Some(BACKUP.1);
        let state = desk.form("second");
        let page = if backup {
            view! { <BackupPage next=next state=state/> }.into_any()
        } else {
            view! { <CodePage half=half next=next state=state/> }.into_any()
        };
        Ok(page)
    })
}

#[component]
fn CodePage(half: HalfView, next: Option<String>, state: FormState) -> impl IntoView {
    let other = Page::TwoFactor.with_known(&[(BACKUP.0, Some(BACKUP.1)), ("next", next.as_deref())]);
    let aside = if half.has_backup_codes {
        view! { <a href=other data-live="">"Use a backup code instead"</a> }.into_any()
    } else {
        view! { "Lost your authenticator? Whoever administers your organization, or this installation, can reset it." }
            .into_any()
    };
    let code = Input { focused: !state.comes_back(), ..Input::code("second[code]") };
    let trust = half.trust.map(format::duration);
    let trusted = state.chosen("second[trust]", "true", false);
    view! {
        <Front title="Enter your code" lead=format!("From the authenticator app of {}.", half.email) aside=Some(aside) version=Some("code")>
            <PostForm action=SecondStep::PATH state=state.clone() class="stack code-form">
                <input type="hidden" name="next" value=next/>
                <TextField label="Code of six digits" input=code state=state/>
                {trust.map(|life| view! {
                    <Check name="second[trust]" label=format!("Trust this device for {life}") checked=trusted/>
                })}
                <SubmitButton label="Sign in" wide=true/>
            </PostForm>
        </Front>
    }
}

#[component]
fn BackupPage(next: Option<String>, state: FormState) -> impl IntoView {
    let other = Page::TwoFactor.with_known(&[("next", next.as_deref())]);
    let aside = view! { <a href=other data-live="">"Use your authenticator instead"</a> }.into_any();
    let code = Input { autocomplete: "off", focused: !state.comes_back(), ..Input::any_code("second[code]") };
    let lead = "One of those that you saved when you set up two-factor authentication. Each works once.";
    view! {
        <Front title="Enter a backup code" lead=lead aside=Some(aside) version=Some("backup")>
            <PostForm action=SecondStep::PATH state=state.clone() class="stack code-form">
                <input type="hidden" name="next" value=next/>
                <input type="hidden" name="second[backup]" value="true"/>
                <TextField label="Backup code" input=code state=state/>
                <SubmitButton label="Sign in" wide=true/>
            </PostForm>
        </Front>
    }
}

/// The first step has to be made again.
#[component]
fn Over(next: Option<String>) -> impl IntoView {
    let login = Page::Login.with_known(&[("next", next.as_deref())]);
    let lead =
        "The code must follow the password within a few minutes, and there are only so many tries. Sign in once more.";
    view! {
        <Front title="Sign in again" lead=lead version=Some("over")>
            <a class="button button-primary button-wide" href=login>"Go to sign-in"</a>
        </Front>
    }
}

/// A code, and whether to trust this device.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SecondCode {
    #[serde(skip_serializing)]
    code: SecretText,
    trust: bool,
    backup: bool,
}

/// Finishes signing in.
#[server(name = SecondStep, prefix = "/fn", endpoint = "second-step")]
pub async fn second_step(
    csrf: String,
    #[server(default)] next: String,
    #[server(default)] second: SecondCode,
) -> Result<Done, Refusal> {
    let next = inward(&next).map(str::to_owned);
    let backup = second.backup.then(|| (BACKUP.0, BACKUP.1.to_owned()));
    let form = Form {
        query: backup.into_iter().chain(next.iter().map(|next| ("next", next.clone()))).collect(),
        typed: vec![("trust", second.trust.to_string())],
        ..Form::new("second", "second", Page::TwoFactor)
    };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let over = Page::TwoFactor.with_known(&[("next", next.as_deref())]);
        let Some(token) = request::half_token() else { return Ok(over) };
        let with = VerifyFactor { code: Some(second.code), trust_device: Some(second.trust), device_name: None };
        let opened = request::begin_session(async |latchkey, opening| {
            latchkey.finish_sign_in(&visitor, &token, with, opening).await
        });
        match opened.await {
            Err(Error::Unauthenticated(Code::InvalidToken | Code::TokenExpired)) => {
                request::forget_half_token();
                Ok(over)
            }
            Err(error) => Err(error),
            Ok(signed_in) => {
                request::forget_half_token();
                Ok(request::way_on(&signed_in, next))
            }
        }
    })
    .await
}
