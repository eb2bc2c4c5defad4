//! The link of an invitation, shown once to whoever is to hand it over.

use crate::components::button::LinkButton;
use crate::components::dialog::Dialog;
use crate::components::secret::Secret;
use crate::note::Note;
use crate::request::Desk;
use crate::routes::Page;
use leptos::prelude::*;

/// The dialog, when the form before has left a link.
pub fn link_shown(desk: &Desk, back: Page) -> Option<AnyView> {
    let Some(Note::InvitationLink { email, link }) = desk.note.clone() else { return None };
    let lead =
        "It is shown this once. Earlier links of this invitation work no longer; whoever has this one can accept.";
    let label = format!("For {email}");
    Some(
        view! {
            <Dialog title="Hand over this link" lead=lead back=back>
                <div class="dialog-body"><Secret label=label text=link id="invitation-link" once=true/></div>
                <div class="dialog-foot"><LinkButton href=back.path() label="Done" closes=true/></div>
            </Dialog>
        }
        .into_any(),
    )
}
