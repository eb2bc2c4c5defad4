//! `/settings/organization`: what the organization demands of its members, and help for those who lost their phone.

mod members;
mod policy;

use crate::components::layout::{House, PageHead};
use crate::components::pager::Part;
use crate::pages::{page, resident};
use crate::request::{self, Desk};
use crate::routes::Page;
use latchkey::error::Code;
use latchkey::{Actor, Error};
use leptos::prelude::*;
use members::MembersCard;
use policy::PolicyCard;

/// The policy, and the members.
#[component]
pub fn OrganizationPage() -> impl IntoView {
    page(async move {
        let actor = request::require_actor()?;
        let desk = Desk::open(Page::Organization, Some(&actor))?;
        let (latchkey, here) = (request::latchkey()?, here(&actor)?);
        let policy = latchkey.policy(&actor, &here).await?;
        let part = Part::asked(members::ON_A_PAGE);
        let found = latchkey.members(&actor, &here, &members::by_name(part)).await?;
        let own = actor.principal().user_id();
        let resident = resident(&actor).await?;
        let lead = format!("How people sign in to {}.", resident.place);
        Ok::<_, Error>(view! {
            <House page=Page::Organization title="Organization" resident=resident narrow=true>
                <PageHead title="Organization" lead=lead/>
                <div class="stack">
                    <PolicyCard policy=policy state=desk.form("policy")/>
                    <MembersCard found=found own=own part=part state=desk.form("reset")/>
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
