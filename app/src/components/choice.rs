//! Choices that explain themselves.

use leptos::prelude::*;

/// One choice as a small card: a check box, or a radio button when only one may be chosen.
#[component]
pub fn Choice(
    /// The name of the input.
    name: &'static str,
    /// What is sent when it is chosen.
    value: &'static str,
    /// The word.
    #[prop(into)]
    label: String,
    /// What it means.
    #[prop(into)]
    hint: String,
    /// Whether it is chosen at first.
    checked: bool,
    /// Only one of the group may be chosen.
    #[prop(optional)]
    single: bool,
    /// The element that describes the group's error.
    #[prop(optional)]
    error_id: Option<&'static str>,
) -> impl IntoView {
    let kind = if single { "radio" } else { "checkbox" };
    view! {
        <label class="choice">
            <input type=kind name=name value=value checked=checked aria-describedby=error_id/>
            <b>{label}</b>
            <span class="hint">{hint}</span>
        </label>
    }
}

/// A check box with a sentence.
#[component]
pub fn Check(
    /// The name of the input.
    name: &'static str,
    /// The sentence.
    #[prop(into)]
    label: String,
    /// Whether it is ticked at first.
    checked: bool,
) -> impl IntoView {
    view! {
        <label class="check">
            <input type="checkbox" name=name value="true" checked=checked/>
            {label}
        </label>
    }
}
