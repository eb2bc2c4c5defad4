//! `/settings/organization`: its members, who is invited, and what it demands.

mod codes;
mod invitations;
mod member_dialogs;
mod members;
mod policy;
mod sign_in_policy;

use crate::components::layout::{House, PageHead};
use crate::components::pager::Part;
use crate::note::{Note, Said};
use crate::pages::settings::profile::role_words;
use crate::pages::{invitation_link::link_shown, page, resident};
use crate::request::{self, Desk};
use crate::routes::Page;
use codes::CodesCard;
use invitations::InvitationsCard;
use latchkey::error::Code;
use latchkey::flow::page::PageQuery;
use latchkey::member::{Action, Role};
use latchkey::{Actor, Error};
use leptos::prelude::*;
use members::{MembersCard, Viewer};
use policy::PolicyCard;
use sign_in_policy::SignInPolicyCard;

/// How many invitations, and how many codes, the page shows: the newest.
const NEWEST: u32 = 50;

/// Everything about the organization that its administrators look after; its managers see whom they may invite.
#[component]
pub fn OrganizationPage() -> impl IntoView {
    page(async move {
        let actor = request::require_actor()?;
        let role = actor.permit(Action::Invite)?.role();
        let desk = Desk::open(Page::Organization, Some(&actor))?;
        let (latchkey, here) = (request::latchkey()?, here(&actor)?);
        let policy = match actor.permit(Action::SetPolicy) {
            Ok(_) => Some(latchkey.policy(&actor, &here).await?),
            Err(_) => None,
        };
        let part = Part::asked(members::ON_A_PAGE);
        let found = latchkey.members(&actor, &here, &members::by_name(part)).await?;
        let newest = PageQuery { limit: Some(NEWEST.to_string()), ..PageQuery::default() };
        let invited = latchkey.invitations(&actor, &here, &newest).await?.items;
        let codes = latchkey.invitation_codes(&actor, &here, &newest).await?.items;
        let viewer = Viewer::of(&actor, role);
        let overlay = match link_shown(&desk, Page::Organization) {
            Some(link) => Some(link),
            None => member_dialogs::open(&actor, &here, &desk, &viewer).await?,
        };
        let (resident, now) = (resident(&actor).await?, latchkey.now());
        let lead = format!("Who belongs to {}, and how they sign in.", resident.place);
        let policy = policy.map(|policy| {
            view! {
                <SignInPolicyCard policy=policy.clone() state=desk.form("sign-in-policy")/>
                <PolicyCard policy=policy state=desk.form("policy")/>
            }
        });
        Ok::<_, Error>(view! {
            <House page=Page::Organization title="Organization" resident=resident narrow=true overlay=overlay>
                <PageHead title="Organization" lead=lead/>
                <div class="stack">
                    <MembersCard found=found viewer=viewer part=part/>
                    <InvitationsCard invited=invited role=role now=now state=desk.form("invite")/>
                    <CodesCard codes=codes role=role now=now state=desk.form("code")/>
                    {policy}
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

/// Back to the page, which says that something is done.
fn said(said: Said) -> Result<String, Error> {
    request::leave_note(Page::Organization, Note::Said(said))?;
    Ok(Page::Organization.path().to_owned())
}

/// Roles for a select, weakest first.
fn roles(those: impl Fn(Role) -> bool) -> Vec<(&'static str, String, String)> {
    let roles = Role::ALL.into_iter().filter(|role| those(*role));
    roles.map(|role| (role.as_str(), role_words(role.as_str()).to_owned(), String::new())).collect()
}
