//! The members, and help for those who lost their phone.

use super::here;
use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::icon::Icon;
use crate::components::pager::{Pager, Part};
use crate::error::Refusal;
use crate::note::{FormState, Note, Said};
use crate::pages::settings::profile::role_words;
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::flow::members::MemberView;
use latchkey::flow::page::{Page as Found, PageQuery};
use latchkey::flow::reset_factor::ResetFactor;
use latchkey::id::UserId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// How many members stand on one page.
pub const ON_A_PAGE: u32 = 100;

/// The order they stand in.
pub fn by_name(part: Part) -> PageQuery {
    PageQuery { sort_by: Some("name".to_owned()), sort_order: Some("asc".to_owned()), ..part.query() }
}

/// The list.
#[component]
pub fn MembersCard(
    /// The members of this part of the list.
    found: Found<MemberView>,
    /// Who looks at it.
    own: UserId,
    /// Which part.
    part: Part,
    /// What came of the form of the member that the query names.
    state: FormState,
) -> impl IntoView {
    let asked = request::query("member");
    let (total, number) = (found.total, part.number());
    let rows = found.items.into_iter().map(|member| {
        let is_asked = asked.as_deref() == Some(member.user_id.to_string().as_str());
        let state = if is_asked { state.clone() } else { FormState::default() };
        let is_self = member.user_id == own;
        view! { <MemberRow member=member is_self=is_self number=number.clone() state=state/> }
    });
    let rows = rows.collect_view();
    view! {
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
            <Pager page=Page::Organization part=part total=total/>
        </section>
    }
}

#[component]
fn MemberRow(member: MemberView, is_self: bool, number: String, state: FormState) -> impl IntoView {
    let id = member.user_id.to_string();
    let (word, tone) =
        if member.two_factor_enabled { ("Two-factor on", Tone::Good) } else { ("Two-factor off", Tone::Plain) };
    let can_reset = member.two_factor_enabled && !is_self;
    let name = member.user.name;
    let sends_mail = request::latchkey().is_ok_and(|latchkey| latchkey.sends_mail());
    let reason = Input {
        name: "reset[reason]",
        of: id.clone(),
        longest: Some(200),
        hint: if sends_mail { "The member reads it too." } else { "It stands in the audit log." },
        ..Input::default()
    };
    let opened = state.comes_back();
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
                            <input type="hidden" name="page" value=number/>
                            <TextField label="Why" input=reason state=state/>
                            <p class="soft">"They are signed out everywhere, and sign in with their password alone until they set it up again."</p>
                            <div class="card-foot">
                                <SubmitButton label="Reset two-factor" weight=Weight::Danger about=format!("of {name}")/>
                            </div>
                        </PostForm>
                    </details>
                })}
            </div>
        </li>
    }
}

/// Why a second factor is taken away.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reset {
    reason: String,
}

/// Takes a member's second factor away.
#[server(name = ResetMember, prefix = "/fn", endpoint = "reset-member")]
pub async fn reset_member(
    csrf: String,
    member: String,
    #[server(default)] page: String,
    #[server(default)] reset: Reset,
) -> Result<Done, Refusal> {
    let back = Page::Organization.with(&[("page", &page)]);
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
        Ok(back)
    })
    .await
}
