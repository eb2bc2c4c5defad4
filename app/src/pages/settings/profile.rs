//! `/settings/profile`.

use crate::components::button::SubmitButton;
use crate::components::card::Card;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::{House, PageHead};
use crate::error::Refusal;
use crate::format;
use crate::note::{Note, Said};
use crate::pages::{page, resident};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::Error;
use latchkey::flow::account::ProfileChanges;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// What people may say about themselves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    name: String,
}

/// Name, address and organization.
#[component]
pub fn ProfilePage() -> impl IntoView {
    page(async move {
        let actor = request::require_actor()?;
        let desk = Desk::open(Page::Profile, Some(&actor))?;
        let user = request::latchkey()?.me(&actor).await?;
        let state = desk.form("profile");
        let resident = resident(&actor).await?;
        let name = Input {
            name: "profile[name]",
            autocomplete: "name",
            value: user.name.clone(),
            longest: Some(100),
            ..Input::default()
        };
        let initials = format::initials(&user.name);
        let organizations = request::latchkey()?.organizations(&actor).await?;
        let rows = organizations
            .into_iter()
            .map(|organization| view! { <div><dt>{organization.name}</dt><dd>{role_words(organization.role.as_str())}</dd></div> })
            .collect_view();
        Ok::<_, Error>(view! {
            <House page=Page::Profile title="Profile" resident=resident narrow=true>
                <PageHead title="Profile" lead="How others see you."/>
                <div class="stack">
                    <Card title="You" lead="Your email is also what you sign in with." region="you">
                        <div class="row">
                            <span class="initials initials-large" aria-hidden="true">{initials.clone()}</span>
                            <p class="soft">{user.email.clone()}</p>
                        </div>
                        <PostForm action=SaveProfile::PATH state=state.clone() class="stack card-section-narrow">
                            <TextField label="Name" input=name.clone() state=state.clone()/>
                            <div class="card-foot"><SubmitButton label="Save profile"/></div>
                        </PostForm>
                    </Card>
                    <Card title="Organizations" lead="Where you belong, and what you are there.">
                        <dl class="facts">{rows}</dl>
                    </Card>
                </div>
            </House>
        })
    })
}

fn role_words(role: &str) -> &'static str {
    match role {
        "OWNER" => "Owner",
        "ADMIN" => "Admin",
        "MANAGER" => "Manager",
        _ => "Member",
    }
}

/// Saves the profile.
#[server(name = SaveProfile, prefix = "/fn", endpoint = "profile")]
pub async fn save_profile(csrf: String, profile: Profile) -> Result<Done, Refusal> {
    let form = Form { typed: vec![("name", profile.name.clone())], ..Form::new("profile", "profile", Page::Profile) };
    request::answer(form, async {
        let actor = request::change(&csrf)?;
        let update = ProfileChanges { name: Some(profile.name), ..Default::default() };
        request::latchkey()?.update_profile(&actor, update).await?;
        request::leave_note(Page::Profile, Note::Said(Said::ProfileSaved))?;
        Ok(Page::Profile.path().to_owned())
    })
    .await
}
