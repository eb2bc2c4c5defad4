//! Codes with which people join while they sign up.

use super::{here, roles, said};
use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::field::{Input, SelectField, TextField};
use crate::components::form::{ActionButton, PostForm};
use crate::components::icon::Icon;
use crate::components::time::Moment;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Said};
use crate::pages::settings::profile::role_words;
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::invitation_codes::{InvitationCodeView, NewInvitationCode};
use latchkey::member::Role;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// The form, and the list.
#[component]
pub fn CodesCard(
    /// The newest.
    codes: Vec<InvitationCodeView>,
    /// What whoever looks at it is.
    role: Role,
    /// When the page was made.
    now: Timestamp,
    /// What came of the form before.
    state: FormState,
) -> impl IntoView {
    let opened = state.comes_back();
    let rows = codes.into_iter().map(|code| view! { <CodeRow code=code now=now/> }).collect_view();
    view! {
        <section class="card" id="codes" data-region="">
            <div class="card-section">
                <header>
                    <h2 tabindex="-1">"Invitation codes"</h2>
                    <p class="soft">"For people whose addresses you do not know yet. Whoever has a code joins with it while signing up."</p>
                </header>
                <details class="more" open=opened>
                    <summary>"Make a code"</summary>
                    <CodeForm own=role state=state/>
                </details>
            </div>
            <ul class="session-list" aria-label="Invitation codes">{rows}</ul>
        </section>
    }
}

#[component]
fn CodeForm(own: Role, state: FormState) -> impl IntoView {
    let uses = Input {
        name: "code[maxUses]",
        kind: "number",
        value: "1".to_owned(),
        hint: "How many people may join with it.".into(),
        ..Input::default()
    };
    let until = Input {
        name: "code[expiresAt]",
        kind: "date",
        optional: true,
        hint: "Its last day, UTC.".into(),
        ..Input::default()
    };
    let domain = Input {
        name: "code[emailDomain]",
        optional: true,
        hint: "Only addresses of exactly this domain. They join once they have confirmed theirs.".into(),
        ..Input::default()
    };
    view! {
        <PostForm action=MakeCode::PATH state=state.clone() class="stack card-section-narrow">
            <SelectField label="Role" name="code[role]" options=roles(|other| other < Role::Owner && own.may_invite(other)) first="MEMBER" state=state.clone()/>
            <TextField label="People" input=uses state=state.clone()/>
            <TextField label="Until" input=until state=state.clone()/>
            <TextField label="Domain" input=domain state=state/>
            <div class="card-foot"><SubmitButton label="Make code"/></div>
        </PostForm>
    }
}

#[component]
fn CodeRow(code: InvitationCodeView, now: Timestamp) -> impl IntoView {
    let (word, tone) = match code.status {
        "active" => ("Works", Tone::Good),
        "used_up" => ("Used up", Tone::Plain),
        "expired" => ("Expired", Tone::Warn),
        _ => ("Revoked", Tone::Bad),
    };
    let id = code.id.to_string();
    let about = code.code.clone().unwrap_or_else(|| "of a stronger role".to_owned());
    let change = match (code.code.is_some(), code.status) {
        (true, "active") => Some((RevokeCode::PATH, "Revoke", Weight::QuietBad)),
        (true, "revoked") => Some((ReactivateCode::PATH, "Bring back", Weight::Quiet)),
        _ => None,
    };
    let text = code.code.clone().map_or_else(
        || view! { <b>"For a stronger role than yours"</b> }.into_any(),
        |text| view! { <code class="code-text">{text}</code> }.into_any(),
    );
    let domain = code.email_domain.map(|domain| format!(" · @{domain}"));
    view! {
        <li class="member">
            <Icon name="key"/>
            <div>
                <p class="row">{text}<StateBadge text=word tone=tone/></p>
                <p class="hint">
                    {role_words(code.role.as_str())}" · "{code.uses}" of "{code.max_uses}" joined"{domain}
                    {code.expires_at.map(|at| view! { " · ends "<Moment at=at now=now/> })}
                </p>
                {change.map(|(action, label, weight)| view! {
                    <div class="member-actions">
                        <ActionButton action=action name="code" value=id label=label weight=weight about=about/>
                    </div>
                })}
            </div>
        </li>
    }
}

/// What a new code gives.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NewCode {
    role: String,
    max_uses: String,
    expires_at: String,
    email_domain: String,
}

/// Makes a code.
#[server(name = MakeCode, prefix = "/fn", endpoint = "make-code")]
pub async fn make_code(csrf: String, #[server(default)] code: NewCode) -> Result<Done, Refusal> {
    let typed = vec![
        ("role", code.role.clone()),
        ("maxUses", code.max_uses.clone()),
        ("expiresAt", code.expires_at.clone()),
        ("emailDomain", code.email_domain.clone()),
    ];
    request::answer(Form { typed, ..Form::new("code", "code", Page::Organization) }, async {
        let actor = request::change(&csrf)?;
        let day = Some(code.expires_at).filter(|day| !day.trim().is_empty());
        let input = NewInvitationCode {
            role: Some(code.role),
            // What is no number is left to the core, which refuses what is out of its range.
            max_uses: Some(code.max_uses.trim().parse().unwrap_or(0)),
            expires_at: day.map(|day| format::end_of_day(&day).unwrap_or(day)),
            email_domain: Some(code.email_domain),
        };
        request::latchkey()?.create_invitation_code(&actor, &here(&actor)?, input).await?;
        said(Said::CodeMade)
    })
    .await
}

/// Revokes a code.
#[server(name = RevokeCode, prefix = "/fn", endpoint = "revoke-code")]
pub async fn revoke_code(csrf: String, code: String) -> Result<Done, Refusal> {
    request::answer(Form::new("code", "code", Page::Organization), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.revoke_invitation_code(&actor, &here(&actor)?, &code).await?;
        said(Said::CodeRevoked)
    })
    .await
}

/// Brings a code back.
#[server(name = ReactivateCode, prefix = "/fn", endpoint = "reactivate-code")]
pub async fn reactivate_code(csrf: String, code: String) -> Result<Done, Refusal> {
    request::answer(Form::new("code", "code", Page::Organization), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.reactivate_invitation_code(&actor, &here(&actor)?, &code).await?;
        said(Said::CodeReactivated)
    })
    .await
}
