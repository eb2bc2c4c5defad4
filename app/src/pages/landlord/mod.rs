//! `/landlord`: what those look after who look after the whole installation.

mod mail;
mod tenant_dialogs;
mod tenants;

use crate::components::layout::{House, PageHead};
use crate::components::pager::Part;
use crate::pages::{invitation_link::link_shown, page, resident};
use crate::request::{self, Desk};
use crate::routes::Page;
use latchkey::Error;
use latchkey::flow::landlord::TenantQuery;
use leptos::prelude::*;
use mail::MailCard;
use tenants::TenantsCard;

/// The tenants, and how mail stands.
#[component]
pub fn LandlordPage() -> impl IntoView {
    page(async move {
        let actor = request::require_actor()?;
        let latchkey = request::latchkey()?;
        let mail = latchkey.mail_status(&actor).await?;
        let desk = Desk::open(Page::Landlord, Some(&actor))?;
        let (part, search) = (Part::asked(tenants::ON_A_PAGE), request::query("search").unwrap_or_default());
        let query = TenantQuery { search: Some(search.clone()), page: part.query() };
        let found = latchkey.tenants(&actor, &query).await?;
        let overlay = link_shown(&desk, Page::Landlord);
        let overlay = match overlay {
            Some(link) => Some(link),
            None => tenant_dialogs::open(&actor, &desk).await?,
        };
        let (resident, now) = (resident(&actor).await?, latchkey.now());
        Ok::<_, Error>(view! {
            <House page=Page::Landlord title="Landlord" resident=resident narrow=true overlay=overlay>
                <PageHead title="Landlord" lead="What concerns the whole installation."/>
                <div class="stack">
                    <TenantsCard found=found part=part search=search state=desk.form("superuser")/>
                    <MailCard desk=desk mail=mail now=now/>
                </div>
            </House>
        })
    })
}
