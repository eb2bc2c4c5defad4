//! `/settings/organization`: what the organization demands of its members, and help for those who lost their phone.

use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::card::Card;
use crate::components::choice::Check;
use crate::components::field::{Input, SelectField, TextField};
use crate::components::form::PostForm;
use crate::components::icon::Icon;
use crate::components::layout::{House, PageHead};
use crate::components::pager::Pager;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Note, Said};
use crate::pages::settings::profile::role_words;
use crate::pages::{page, resident};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::error::Code;
use latchkey::flow::members::MemberView;
use latchkey::flow::page::PageQuery;
use latchkey::flow::policy::{PolicyChanges, PolicyView};
use latchkey::flow::reset_factor::ResetFactor;
use latchkey::{Actor, Error};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// How many members stand on one page.
const ON_A_PAGE: u32 = 100;

/// The policy, and the members.
#[component]
pub fn OrganizationPage() -> impl IntoView {
    page(async move {
        let actor = request::require_actor()?;
        let desk = Desk::open(Page::Organization, Some(&actor))?;
        let latchkey = request::latchkey()?;
        let policy = latchkey.policy(&actor, &here(&actor)?).await?;
        let number = request::query("page").and_then(|page| page.parse::<u32>().ok()).unwrap_or(1).max(1);
        let query = PageQuery {
            page: Some(number.to_string()),
            limit: Some(ON_A_PAGE.to_string()),
            sort_by: Some("name".to_owned()),
            sort_order: Some("asc".to_owned()),
        };
        let everybody = latchkey.members(&actor, &here(&actor)?, &query).await?;
        let pages = u32::try_from(everybody.total).unwrap_or(1).div_ceil(ON_A_PAGE);
        let members = everybody.items;
        let own = actor.principal().user_id();
        let resident = resident(&actor).await?;
        let lead = format!("How people sign in to {}.", resident.place);
        let refused = desk.note.as_ref().and_then(|note| match note {
            Note::Refused { form, .. } if form == "reset" => request::query("member"),
            _ => None,
        });
        let rows = members.into_iter().map(|member| {
            let mine = refused.as_deref() == Some(member.user_id.to_string().as_str());
            let state = if mine { desk.form("reset") } else { FormState::default() };
            let is_self = member.user_id == own;
            view! { <MemberRow member=member is_self=is_self number=number state=state/> }
        });
        let rows = rows.collect_view();
        Ok::<_, Error>(view! {
            <House page=Page::Organization title="Organization" resident=resident narrow=true>
                <PageHead title="Organization" lead=lead/>
                <div class="stack">
                    <PolicyCard policy=policy state=desk.form("policy")/>
                    <section class="card" id="members" data-region="">
                        <div class="card-section">
                            <header>
                                <h2>"Members"</h2>
                                <p class="soft">
                                    "When somebody has lost their phone and their backup codes, reset it here. First make sure that it is really them."
                                </p>
                            </header>
                        </div>
                        <ul class="session-list">{rows}</ul>
                        <Pager page=Page::Organization number=number pages=pages/>
                    </section>
                </div>
            </House>
        })
    })
}

/// The organization acted in.
fn here(actor: &Actor) -> Result<String, Error> {
    let organization = actor.principal().organization_id().ok_or(Error::Forbidden(Code::NoOrganization))?;
    Ok(organization.to_string())
}

#[component]
fn PolicyCard(policy: PolicyView, state: FormState) -> impl IntoView {
    let from = policy.two_factor_grace_until.map(format::date_input).unwrap_or_default();
    let from = Input {
        name: "policy[from]",
        kind: "date",
        value: from,
        optional: true,
        hint: "From this day on nobody gets in without it. Empty: at once.",
        ..Input::default()
    };
    let first = match (policy.trusted_devices, policy.trusted_device_days) {
        (false, _) => "0",
        (true, Some(..=1)) => "1",
        (true, Some(..=7)) => "7",
        (true, Some(..=14)) => "14",
        (true, _) => "30",
    };
    let life = |value: &'static str, words: &str| (value, words.to_owned(), String::new());
    let lives = vec![
        life("30", "For 30 days"),
        life("14", "For 14 days"),
        life("7", "For 7 days"),
        life("1", "For 1 day"),
        life("0", "Never"),
    ];
    let required = state.chosen("policy[required]", "true", policy.require_two_factor);
    view! {
        <Card title="Two-factor authentication" lead="What you ask of everybody here, yourself included." region="policy">
            <PostForm action=SavePolicy::PATH state=state.clone() class="stack card-section-narrow">
                <Check name="policy[required]" label="Everybody must use two-factor authentication" checked=required/>
                <TextField label="Required from" input=from state=state.clone()/>
                <SelectField label="Devices may be trusted" name="policy[days]" options=lives first=first state=state.clone()/>
                <div class="card-foot"><SubmitButton label="Save policy"/></div>
            </PostForm>
        </Card>
    }
}

#[component]
fn MemberRow(member: MemberView, is_self: bool, number: u32, state: FormState) -> impl IntoView {
    let id = member.user_id.to_string();
    let (word, tone) =
        if member.two_factor_enabled { ("Two-factor on", Tone::Good) } else { ("Two-factor off", Tone::Plain) };
    let can_reset = member.two_factor_enabled && !is_self;
    let name = member.user.name;
    let reason = Input {
        name: "reset[reason]",
        of: id.clone(),
        longest: Some(200),
        hint: "The member reads it too.",
        ..Input::default()
    };
    let opened = state.is_refused();
    view! {
        <li class="member">
            <Icon name="person"/>
            <div>
                <p class="row">
                    <b>{name.clone()}</b>
                    <StateBadge text=word tone=tone/>
                </p>
                <p class="hint">{member.user.email}" · "{role_words(member.role.as_str())}</p>
                {can_reset.then(|| view! {
                    <details class="more" open=opened>
                        <summary>"Reset two-factor"<span class="visually-hidden">" of "{name.clone()}</span></summary>
                        <PostForm action=ResetMember::PATH state=state.clone() class="stack card-section-narrow">
                            <input type="hidden" name="member" value=id/>
                            <input type="hidden" name="page" value=number.to_string()/>
                            <TextField label="Why" input=reason state=state/>
                            <p class="soft">"They are signed out everywhere, and sign in with their password alone until they set it up again."</p>
                            <div class="card-foot"><SubmitButton label="Reset two-factor" weight=Weight::Danger/></div>
                        </PostForm>
                    </details>
                })}
            </div>
        </li>
    }
}

/// What the organization demands, as the form says it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyForm {
    required: bool,
    from: String,
    days: String,
}

/// Why a second factor is taken away.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reset {
    reason: String,
}

/// Saves what the organization demands.
#[server(name = SavePolicy, prefix = "/fn", endpoint = "policy")]
pub async fn save_policy(csrf: String, #[server(default)] policy: PolicyForm) -> Result<Done, Refusal> {
    let typed =
        vec![("required", policy.required.to_string()), ("from", policy.from.clone()), ("days", policy.days.clone())];
    request::answer(Form { typed, ..Form::new("policy", "policy", Page::Organization) }, async {
        let actor = request::change(&csrf)?;
        let days = policy.days.parse().unwrap_or(0);
        let now = format::machine(request::latchkey()?.now());
        let day = Some(policy.from.trim()).filter(|day| !day.is_empty()).map(|day| format!("{day}T00:00:00Z"));
        let changes = PolicyChanges {
            require_two_factor: Some(policy.required),
            two_factor_grace_until: Some(day.unwrap_or(now)).filter(|_| policy.required),
            trusted_devices: Some(days > 0),
            trusted_device_days: Some(days).filter(|days| *days > 0),
        };
        request::latchkey()?.update_policy(&actor, &here(&actor)?, changes).await?;
        request::leave_note(Page::Organization, Note::Said(Said::PolicySaved))?;
        Ok(Page::Organization.path().to_owned())
    })
    .await
}

/// Takes a member's second factor away.
#[server(name = ResetMember, prefix = "/fn", endpoint = "reset-member")]
pub async fn reset_member(
    csrf: String,
    member: String,
    #[server(default)] page: String,
    #[server(default)] reset: Reset,
) -> Result<Done, Refusal> {
    let form = Form {
        query: vec![("member", member.clone()), ("page", page)],
        typed: vec![("reason", reset.reason.clone())],
        ..Form::new("reset", "reset", Page::Organization)
    };
    request::answer(form, async {
        let actor = request::change(&csrf)?;
        let why = ResetFactor { reason: Some(reset.reason) };
        request::latchkey()?.reset_member_factor(&actor, &here(&actor)?, &member, why).await?;
        request::leave_note(Page::Organization, Note::Said(Said::FactorReset))?;
        Ok(Page::Organization.path().to_owned())
    })
    .await
}
