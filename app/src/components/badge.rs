//! Small labels.

use leptos::prelude::*;

/// What a badge or a notice tells at a glance. The word beside it says the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to do.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Worth a look.
    Warn,
    /// Ended or wrong.
    Bad,
}

impl Tone {
    /// The end of the class name, for instance of `badge-good`.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A state, with a dot in its colour.
#[component]
pub fn StateBadge(
    /// The word.
    #[prop(into)]
    text: String,
    /// The colour.
    tone: Tone,
) -> impl IntoView {
    view! { <span class=format!("badge badge-dot badge-{}", tone.suffix())>{text}</span> }
}

/// A technical word, with an explanation on hover.
#[component]
pub fn CodeBadge(
    /// The word.
    #[prop(into)]
    text: String,
    /// What it means.
    #[prop(into)]
    title: String,
) -> impl IntoView {
    view! { <span class="badge badge-code" title=title>{text}</span> }
}
