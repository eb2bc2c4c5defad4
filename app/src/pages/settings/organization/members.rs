//! The members.

use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{LinkButton, Weight};
use crate::components::icon::Icon;
use crate::components::pager::{Pager, Part};
use crate::pages::settings::profile::role_words;
use crate::routes::Page;
use latchkey::Actor;
use latchkey::flow::members::MemberView;
use latchkey::flow::page::{Page as Found, PageQuery};
use latchkey::id::UserId;
use latchkey::member::{Action, Role};
use leptos::prelude::*;

/// How many members stand on one page.
pub const ON_A_PAGE: u32 = 100;

/// The order they stand in.
pub fn by_name(part: Part) -> PageQuery {
    PageQuery { sort_by: Some("name".to_owned()), sort_order: Some("asc".to_owned()), ..part.query() }
}

/// Who looks at the list, and what they may do with whom. The core decides again when it is done.
#[derive(Clone)]
pub struct Viewer {
    id: UserId,
    /// As what.
    pub role: Role,
    manages: bool,
    owns: bool,
    resets: bool,
}

impl Viewer {
    /// Somebody with this role.
    pub fn of(actor: &Actor, role: Role) -> Self {
        let may = |action| actor.permit(action).is_ok();
        Self {
            id: actor.principal().user_id(),
            role,
            manages: may(Action::ManageMembers),
            owns: may(Action::ManageOwners),
            resets: may(Action::ResetFactor),
        }
    }

    /// Whether the member is who looks.
    pub fn is(&self, member: &MemberView) -> bool {
        member.user_id == self.id
    }

    /// Whether role and place of the member are theirs to change.
    pub fn may_change(&self, member: &MemberView) -> bool {
        self.manages && !self.is(member) && (member.role < Role::Owner || self.owns)
    }

    /// Whether the member's second factor is theirs to reset.
    pub fn may_reset(&self, member: &MemberView) -> bool {
        self.resets && member.two_factor_enabled && !self.is(member) && member.role <= self.role
    }
}

/// The list.
#[component]
pub fn MembersCard(
    /// The members of this part of the list.
    found: Found<MemberView>,
    /// Who looks at it.
    viewer: Viewer,
    /// Which part.
    part: Part,
) -> impl IntoView {
    let (total, number) = (found.total, part.number());
    let rows = found.items.into_iter().map(|member| {
        view! { <MemberRow member=member viewer=viewer.clone() number=number.clone()/> }
    });
    let rows = rows.collect_view();
    view! {
        <section class="card" id="members" data-region="">
            <div class="card-section">
                <header>
                    <h2 tabindex="-1">"Members"</h2>
                    <p class="soft">"Who acts here, and as what."</p>
                </header>
            </div>
            <ul class="session-list">{rows}</ul>
            <Pager page=Page::Organization part=part total=total/>
        </section>
    }
}

#[component]
fn MemberRow(member: MemberView, viewer: Viewer, number: String) -> impl IntoView {
    let id = member.user_id.to_string();
    let dialog = |name: &'static str| {
        Page::Organization.with(&[("dialog", name), ("member", id.as_str()), ("page", number.as_str())])
    };
    let about = member.user.name.clone();
    let link = |name: &'static str, label: &'static str, weight: Weight| {
        let (id, about) = (format!("{name}-{id}"), about.clone());
        view! { <LinkButton href=dialog(name) label=label weight=weight id=id about=about/> }
    };
    let (word, tone) =
        if member.two_factor_enabled { ("Two-factor on", Tone::Good) } else { ("Two-factor off", Tone::Plain) };
    let (is_self, changes) = (viewer.is(&member), viewer.may_change(&member));
    view! {
        <li class="member">
            <Icon name="person"/>
            <div>
                <p class="row">
                    <b>{member.user.name.clone()}</b>
                    {is_self.then(|| view! { <StateBadge text="You" tone=Tone::Plain/> })}
                    {(!member.is_active).then(|| view! { <StateBadge text="Suspended" tone=Tone::Warn/> })}
                    <StateBadge text=word tone=tone/>
                </p>
                <p class="hint">{member.user.email.clone()}" · "{role_words(member.role.as_str())}</p>
                <div class="member-actions">
                    {changes.then(|| link("change", "Change", Weight::Quiet))}
                    {viewer.may_reset(&member).then(|| link("reset", "Reset two-factor", Weight::Quiet))}
                    {changes.then(|| link("remove", "Remove", Weight::QuietBad))}
                    {is_self.then(|| link("remove", "Leave", Weight::QuietBad))}
                </div>
            </div>
        </li>
    }
}
