//! Notices.

use super::badge::Tone;
use super::icon::Icon;
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
    let said = match use_context::<Desk>().and_then(|desk| desk.note) {
        Some(Note::Said(said)) => Some(said.words()),
        _ => None,
    };
    view! {
        <div class="notices" id="notices" data-region="" role="status">
            {said.map(|words| view! { <Notice text=words tone=Tone::Good/> })}
        </div>
    }
}
