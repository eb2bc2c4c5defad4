//! The way from one of one's organizations to another.

use super::form::PostForm;
use crate::error::Refusal;
use crate::note::{Note, Said};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// An organization to act in.
#[derive(Clone)]
pub struct Place {
    /// Which one.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// The other organizations of the person; nothing when there is none.
#[component]
pub fn Switcher(
    /// What the one is called that is acted in.
    here: String,
    /// All others.
    others: Vec<Place>,
) -> impl IntoView {
    let any = !others.is_empty();
    let buttons = others.into_iter().map(|place| {
        view! {
            <li><button type="submit" class="button button-quiet" name="organization" value=place.id>{place.name}</button></li>
        }
    });
    let buttons = buttons.collect_view();
    any.then(|| {
        view! {
            <details class="switcher more">
                <summary><span class="switcher-here">{here}": "</span>"Switch organization"</summary>
                <PostForm action=SwitchOrganization::PATH>
                    <ul>{buttons}</ul>
                </PostForm>
            </details>
        }
    })
}

/// Acts in another organization from now on.
#[server(name = SwitchOrganization, prefix = "/fn", endpoint = "switch-organization")]
pub async fn switch_organization(csrf: String, organization: String) -> Result<Done, Refusal> {
    request::answer(Form::new("switch", "switch", Page::FIRST), async {
        let actor = request::barred_change(&csrf)?;
        let switched = request::latchkey()?.switch_organization(&actor, &organization).await?;
        request::keep_session(&switched);
        request::leave_note(Page::FIRST, Note::Said(Said::Switched))?;
        Ok(request::way_on(&switched, None))
    })
    .await
}
