//! Notices.

use super::badge::Tone;
use super::icon::Icon;
use crate::error::mail_trouble;
use crate::note::Note;
use crate::request::Desk;
use leptos::prelude::*;

/// A sentence that matters.
#[component]
pub fn Notice(
    /// The sentence.
    #[prop(into)]
    text: String,
    /// What kind of news it is.
    tone: Tone,
) -> impl IntoView {
    let icon = match tone {
        Tone::Plain => "info",
        Tone::Good => "done",
        Tone::Warn | Tone::Bad => "warning",
    };
    view! {
        <div class=format!("notice notice-{}", tone.suffix())>
            <Icon name=icon/>
            <p data-announce="">{text}</p>
        </div>
    }
}

/// Where a page says what was just done.
#[component]
pub fn Notices() -> impl IntoView {
    let news = use_context::<Desk>().and_then(|desk| desk.note).and_then(|note| news(&note));
    view! {
        <div class="notices" id="notices" data-region="" role="status">
            {news.map(|(words, tone)| view! { <Notice text=words tone=tone/> })}
        </div>
    }
}

/// What a note tells above the page, if that is its place.
fn news(note: &Note) -> Option<(String, Tone)> {
    match note {
        Note::Said(said) => Some((said.words().to_owned(), Tone::Good)),
        Note::NewAddressAsked { to } => {
            Some((format!("We sent a link to {to}. Your address changes when you open it."), Tone::Good))
        }
        Note::MailTried { to, trouble: None } => {
            Some((format!("The mail server took the test mail to {to}. Have a look whether it arrives."), Tone::Good))
        }
        Note::MailTried { trouble: Some((stage, _)), .. } => Some((mail_trouble(stage).to_owned(), Tone::Bad)),
        Note::Refused { .. }
        | Note::Waiting { .. }
        | Note::Secured { .. }
        | Note::NewKey { .. }
        | Note::InvitationLink { .. }
        | Note::BackupCodes { .. } => None,
    }
}
