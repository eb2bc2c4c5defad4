//! Buttons, and links that look like them.

use super::icon::Icon;
use leptos::prelude::*;

/// How loud a button is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// The one thing to do here.
    #[default]
    Primary,
    /// Something else to do.
    Plain,
    /// In a row of many.
    Quiet,
    /// In a row of many, and it ends something.
    QuietBad,
    /// It ends something.
    Danger,
}

impl Weight {
    const fn class(self) -> &'static str {
        match self {
            Self::Primary => "button button-primary",
            Self::Plain => "button",
            Self::Quiet => "button button-quiet",
            Self::QuietBad => "button button-quiet button-bad",
            Self::Danger => "button button-danger",
        }
    }
}

/// Sends the form it stands in.
#[component]
pub fn SubmitButton(
    /// What it does, as a verb and its object.
    #[prop(into)]
    label: String,
    /// How loud.
    #[prop(optional)]
    weight: Weight,
    /// Over the whole width.
    #[prop(optional)]
    wide: bool,
    /// What the label leaves open, for people who do not see the row it stands in.
    #[prop(optional, into)]
    about: Option<String>,
) -> impl IntoView {
    view! {
        <button type="submit" class=weight.class() class:button-wide=wide>
            {label}
            {about.map(|about| view! { <span class="visually-hidden">" "{about}</span> })}
        </button>
    }
}

/// Leads to another view of the same page, without a reload where that is possible.
#[component]
pub fn LinkButton(
    /// Where to.
    #[prop(into)]
    href: String,
    /// What it does.
    #[prop(into)]
    label: String,
    /// How loud.
    #[prop(optional)]
    weight: Weight,
    /// A picture from the sprite.
    #[prop(optional)]
    icon: Option<&'static str>,
    /// Unique on the page; the focus returns to it when a dialog that it opened is closed.
    #[prop(optional, into)]
    id: Option<String>,
    /// What the label leaves open.
    #[prop(optional, into)]
    about: Option<String>,
    /// Closes the dialog it stands in.
    #[prop(optional)]
    closes: bool,
    /// Where the focus begins.
    #[prop(optional)]
    focused: bool,
) -> impl IntoView {
    view! {
        <a class=weight.class() href=href id=id data-live="" data-close=closes.then_some("") autofocus=focused>
            {icon.map(|name| view! { <Icon name=name/> })}
            {label}
            {about.map(|about| view! { <span class="visually-hidden">" "{about}</span> })}
        </a>
    }
}
