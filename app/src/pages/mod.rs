//! The pages, and with each the addresses that its forms post to.

pub mod api_keys;
pub mod front;
pub mod home;
pub mod invitation_link;
pub mod landlord;
pub mod mailbox;
pub mod reference;
pub mod settings;
pub mod trouble;

use crate::components::layout::Resident;
use crate::components::switcher::Place;
use crate::request;
use crate::routes::Page;
use latchkey::flow::page::PageQuery;
use latchkey::member::{Action, Role};
use latchkey::{Actor, Error};
use leptos::prelude::*;
use std::future::Future;

/// Shows what `work` makes, or why it cannot be made. The page is sent whole, with the status that fits.
pub fn page<V: IntoView + 'static>(work: impl Future<Output = Result<V, Error>> + Send + 'static) -> impl IntoView {
    Suspend::new(async move {
        match work.await {
            Ok(view) => view.into_any(),
            Err(error) => {
                let words = request::excuse(&error);
                view! { <trouble::Trouble words=words/> }.into_any()
            }
        }
    })
}

/// Who is at home, for the frame of the page.
pub async fn resident(actor: &Actor) -> Result<Resident, Error> {
    let latchkey = request::latchkey()?;
    let user = latchkey.me(actor).await?;
    let query = PageQuery { limit: Some("100".to_owned()), ..PageQuery::default() };
    let here = actor.principal().organization_id();
    let places = latchkey.my_organizations(actor, &query).await?.items.into_iter();
    let others = places.filter(|place| Some(place.id) != here && place.status == "active");
    Ok(Resident {
        others: others.map(|place| Place { id: place.id.to_string(), name: place.name }).collect(),
        place: user.organization_name.unwrap_or(user.email),
        name: user.name,
        pages: pages_for(actor, actor.principal().is_barred(latchkey.now())),
        mail_banner: mail_banner(actor, latchkey.sends_mail()),
        handed_off: handed_off(actor),
    })
}

/// The session and its person, when it was handed on from another site.
fn handed_off(actor: &Actor) -> Option<(String, String)> {
    let principal = actor.principal();
    let session = principal.session_id().filter(|_| principal.was_handed_off())?;
    Some((session.to_string(), principal.user_id().to_string()))
}

/// The pages of the navigation that somebody may open. Who must set up a second factor first, only where that is done.
fn pages_for(actor: &Actor, is_barred: bool) -> Vec<Page> {
    let all = [
        (Page::ApiKeys, !is_barred),
        (Page::Profile, !is_barred),
        (Page::Security, true),
        (Page::Organization, !is_barred && actor.permit(Action::Invite).is_ok()),
        (Page::Audit, !is_barred && actor.permit(Action::ReadAudit).is_ok()),
        (Page::Landlord, !is_barred && actor.principal().is_landlord()),
    ];
    all.into_iter().filter(|(_, open)| *open).map(|(page, _)| page).collect()
}

/// What those are told who can do something about it when no mail can be sent.
fn mail_banner(actor: &Actor, sends_mail: bool) -> Option<&'static str> {
    let principal = actor.principal();
    if sends_mail {
        None
    } else if principal.is_landlord() {
        Some(
            "Mail is not configured: nobody can recover a password by mail, and no notices are sent. Set a mail server \
             with LATCHKEY_SMTP_URL and start Latchkey again. Until then, hand over links from \u{201c}latchkey landlord \
             recovery-link\u{201d}.",
        )
    } else if principal.role() >= Some(Role::Admin) {
        Some(
            "Mail is not configured: nobody can recover a password by mail, and no notices are sent. Ask whoever runs \
             this installation to set a mail server; they can also hand over a link to choose a new password.",
        )
    } else {
        None
    }
}
