//! `/settings/api-keys`: the keys, and all that can be done with them.

pub mod create;
pub mod dialogs;
pub mod list;
pub mod rows;
pub mod unusual_use;

use crate::components::button::{LinkButton, Weight};
use crate::components::empty::Empty;
use crate::components::layout::{House, PageHead, Resident};
use crate::note::Note;
use crate::pages::{page, resident};
use crate::request::{self, Desk};
use crate::routes::Page;
use latchkey::{Actor, Error};
use leptos::prelude::*;
use list::{Filters, KeyList, SearchForm};
use rows::{Looking, Row};

/// The page; an open dialog is part of its address.
#[component]
pub fn ApiKeysPage() -> impl IntoView {
    page(async move {
        let actor = request::require_actor()?;
        let desk = Desk::open(Page::ApiKeys, Some(&actor))?;
        let resident = resident(&actor).await?;
        if actor.principal().organization_id().is_none() {
            return Ok::<_, Error>(view! { <NoOrganization resident=resident/> }.into_any());
        }
        let looking = Looking::from_query();
        let rows = rows::all(&actor).await?;
        let overlay = overlay(&actor, &desk, &rows).await?;
        let lead = format!("Keys let your programs act for you or for {}. Treat them like passwords.", resident.place);
        let create = create_button("create-key").into_any();
        let version = if rows.is_empty() { "none" } else { "some" };
        let hidden = rows.is_empty();
        let house = view! {
            <House page=Page::ApiKeys title="API keys" resident=resident overlay=overlay>
                <PageHead title="API keys" lead=lead action=create/>
                <div class="card table-holder">
                    <div class="keys-tools" id="tools" data-region="" data-version=version hidden=hidden>
                        <Filters rows=rows.clone() looking=looking.clone()/>
                        <SearchForm looking=looking.clone()/>
                    </div>
                    <KeyList rows=rows looking=looking/>
                </div>
                <p class="page-foot">"What can be called with a key: see the " <a href=Page::Reference.path()>"API reference"</a> "."</p>
            </House>
        };
        Ok(house.into_any())
    })
}

/// For those who look after the platform and belong to no organization.
#[component]
fn NoOrganization(resident: Resident) -> impl IntoView {
    view! {
        <House page=Page::ApiKeys title="API keys" resident=resident>
            <PageHead title="API keys" lead="Keys let programs act for a person or an organization."/>
            <div class="card">
                <Empty icon="key" text="You belong to no organization yet. Keys live in one, so there is nothing to make here.">
                    <LinkButton href=Page::Profile.path() label="See your profile" weight=Weight::Plain/>
                </Empty>
            </div>
        </House>
    }
}

fn create_button(id: &'static str) -> impl IntoView {
    view! { <LinkButton href=Page::ApiKeys.with(&[("dialog", "create")]) label="Create key" icon="plus" id=id/> }
}

/// The dialog that the address asks for, or the new key that the form before has left.
async fn overlay(actor: &Actor, desk: &Desk, rows: &[Row]) -> Result<Option<AnyView>, Error> {
    if let Some(Note::NewKey { name, key }) = desk.note.clone() {
        let base = request::latchkey()?.public_url().to_owned();
        return Ok(Some(view! { <dialogs::Reveal name=name key=key base=base/> }.into_any()));
    }
    let Some(dialog) = request::query("dialog") else {
        return Ok(None);
    };
    let wanted = request::query("key").unwrap_or_default();
    let row = rows.iter().find(|row| row.id == wanted).cloned();
    let state = desk.form(dialogs::form_of(&dialog));
    Ok(match (dialog.as_str(), row) {
        ("create", _) => {
            let about = create::Setting::of(actor).await?;
            Some(view! { <create::CreateDialog about=about state=state/> }.into_any())
        }
        ("rotate", Some(row)) => Some(view! { <dialogs::RotateDialog row=row state=state/> }.into_any()),
        ("regenerate", Some(row)) => Some(view! { <dialogs::RegenerateDialog row=row state=state/> }.into_any()),
        ("end-overlap", Some(row)) => Some(view! { <dialogs::EndOverlapDialog row=row state=state/> }.into_any()),
        ("revoke", Some(row)) => Some(view! { <dialogs::RevokeDialog row=row state=state/> }.into_any()),
        ("unusual-use", Some(row)) if !row.unusual.is_empty() => {
            Some(view! { <unusual_use::UnusualUseDialog row=row state=state/> }.into_any())
        }
        _ => None,
    })
}
