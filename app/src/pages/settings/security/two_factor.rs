//! The second factor: how it stands, and what can be done about it.

use super::backup_codes::{CodesShown, RenewCodes};
use super::enrol::{BeginTwoFactor, Enrolment};
use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Note, Said};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::flow::enrol::{EndFactor, FactorStatusView, PendingFactor};
use latchkey::flow::sign_in::SecretText;
use latchkey::flow::step_up::Proofs;
use latchkey::{Actor, Error, Latchkey};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// Fewer backup codes than this are worth a word.
const FEW_CODES: i64 = 3;

/// All that the card has to know.
#[derive(Clone)]
pub struct Standing {
    status: FactorStatusView,
    pending: Option<PendingFactor>,
    /// Backup codes to be shown, and whether the second factor was switched on with them.
    codes: Option<(Vec<String>, bool)>,
    proofs: Proofs,
}

impl Standing {
    /// Of this person.
    pub async fn of(latchkey: &Latchkey, actor: &Actor, desk: &Desk) -> Result<Self, Error> {
        let codes = match &desk.note {
            Some(Note::BackupCodes { codes, first }) => Some((codes.clone(), *first)),
            _ => None,
        };
        Ok(Self {
            status: latchkey.factor_status(actor).await?,
            pending: latchkey.pending_factor(actor).await?,
            codes,
            proofs: latchkey.proofs(actor).await?,
        })
    }
}

/// The card; it is in one of four states.
#[component]
pub fn TwoFactorCard(standing: Standing, desk: Desk) -> impl IntoView {
    let (word, tone) = if standing.status.enabled { ("On", Tone::Good) } else { ("Off", Tone::Plain) };
    let Standing { status, pending, codes, proofs } = standing;
    let replaces = status.enabled;
    let inside = match (codes, pending) {
        (Some((codes, first)), _) => view! { <CodesShown codes=codes first=first/> }.into_any(),
        (None, Some(pending)) => {
            view! { <Enrolment pending=pending state=desk.form("enrol") replaces=replaces/> }.into_any()
        }
        (None, None) if status.enabled => view! { <IsOn status=status proofs=proofs desk=desk/> }.into_any(),
        (None, None) => view! { <IsOff state=desk.form("begin")/> }.into_any(),
    };
    view! {
        <section class="card" id="two-factor" data-region="">
            <div class="card-section">
                <header>
                    <div class="row">
                        <h2 tabindex="-1">"Two-factor authentication"</h2>
                        <StateBadge text=word tone=tone/>
                    </div>
                    <p class="soft">"A code from your phone besides your password, so that a stolen password is not enough."</p>
                </header>
                {inside}
            </div>
        </section>
    }
}

#[component]
fn IsOff(state: FormState) -> impl IntoView {
    view! {
        <p class="soft">
            "You need an authenticator app, such as those of Google, Microsoft, Apple or 1Password. It takes a minute."
        </p>
        <PostForm action=BeginTwoFactor::PATH state=state>
            <div class="card-foot"><SubmitButton label="Set up two-factor authentication"/></div>
        </PostForm>
    }
}

#[component]
fn IsOn(status: FactorStatusView, proofs: Proofs, desk: Desk) -> impl IntoView {
    let left = status.backup_codes_remaining;
    let few = match left {
        0 => Some(
            "You have no backup codes left. Make new ones: without them you are locked out when your phone is lost.",
        ),
        1..FEW_CODES => Some("You have few backup codes left. Make new ones before you run out."),
        _ => None,
    };
    view! {
        {few.map(|words| view! { <Notice text=words tone=Tone::Warn/> })}
        <dl class="facts">
            <div><dt>"Authenticator"</dt><dd>"On since "{status.enabled_at.map(format::day)}</dd></div>
            <div><dt>"Backup codes"</dt><dd>{format!("{left} left")}</dd></div>
        </dl>
        <details class="more" open=desk.form("codes").comes_back()>
            <summary>"Make new backup codes"</summary>
            <RenewCodesForm state=desk.form("codes") proofs=proofs/>
        </details>
        <details class="more" open=desk.form("begin").comes_back()>
            <summary>"Move to another phone or app"</summary>
            <PostForm action=BeginTwoFactor::PATH state=desk.form("begin")>
                <input type="hidden" name="replace" value="true"/>
                <p class="soft">"The present one works until the new one has shown its first code."</p>
                <div class="card-foot"><SubmitButton label="Set up another authenticator" weight=Weight::Plain/></div>
            </PostForm>
        </details>
        <details class="more" open=desk.form("end").comes_back()>
            <summary>"Turn off"</summary>
            <EndForm state=desk.form("end") proofs=proofs/>
        </details>
    }
}

#[component]
fn RenewCodesForm(state: FormState, proofs: Proofs) -> impl IntoView {
    let password = Input { of: "renew".to_owned(), ..Input::password("second[password]") };
    let asked = !proofs.fresh && proofs.password;
    view! {
        <PostForm action=RenewCodes::PATH state=state.clone() class="stack card-section-narrow">
            <p class="soft">"The old ones stop working at once."</p>
            {asked.then(|| view! { <TextField label="Your password" input=password state=state/> })}
            <div class="card-foot"><SubmitButton label="Make new codes" weight=Weight::Plain/></div>
        </PostForm>
    }
}

#[component]
fn EndForm(state: FormState, proofs: Proofs) -> impl IntoView {
    let password = Input { of: "end".to_owned(), ..Input::password("second[password]") };
    let code = Input { of: "end".to_owned(), ..Input::any_code("second[code]") };
    let lead = "Your password alone lets somebody in then. Your backup codes and trusted devices end, and you are signed out \
                everywhere else.";
    view! {
        <PostForm action=EndTwoFactor::PATH state=state.clone() class="stack card-section-narrow">
            <p class="soft">{lead}</p>
            {proofs.password.then(|| view! { <TextField label="Your password" input=password state=state.clone()/> })}
            {(!proofs.fresh).then(|| view! { <TextField label="Code or backup code" input=code state=state.clone()/> })}
            <div class="card-foot"><SubmitButton label="Turn it off" weight=Weight::Danger/></div>
        </PostForm>
    }
}

/// What is proven before the second factor is changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Second {
    #[serde(skip_serializing)]
    pub password: SecretText,
    #[serde(skip_serializing)]
    pub code: SecretText,
}

/// Switches the second factor off.
#[server(name = EndTwoFactor, prefix = "/fn", endpoint = "end-two-factor")]
pub async fn end_two_factor(csrf: String, #[server(default)] second: Second) -> Result<Done, Refusal> {
    request::answer(Form::new("end", "second", Page::Security), async {
        let actor = request::change(&csrf)?;
        let proofs = EndFactor { password: Some(second.password), code: Some(second.code) };
        request::keep_renewed(&request::latchkey()?.end_factor(&actor, proofs).await?);
        request::leave_note(Page::Security, Note::Said(Said::TwoFactorOff))?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}
