//! Forms.

use super::badge::Tone;
use super::button::{SubmitButton, Weight};
use super::icon::Icon;
use super::notice::Notice;
use crate::note::FormState;
use crate::request::Desk;
use leptos::prelude::*;

/// A form that posts to one of our addresses: with the proof that it is ours, and a place for what went wrong.
#[component]
pub fn PostForm(
    /// The address it posts to.
    action: &'static str,
    /// What came of it before.
    #[prop(optional)]
    state: FormState,
    /// How its parts are laid out.
    #[prop(default = "stack")]
    class: &'static str,
    /// Always a full load of the next page.
    #[prop(optional)]
    plain: bool,
    /// What it does ends the session; other tabs are told.
    #[prop(optional)]
    ends_session: bool,
    children: Children,
) -> impl IntoView {
    let csrf = use_context::<Desk>().map(|desk| desk.csrf).unwrap_or_default();
    view! {
        <form method="post" action=action class=class data-plain=plain.then_some("") data-ends-session=ends_session.then_some("") novalidate>
            <input type="hidden" name="csrf" value=csrf/>
            {state.is_confirmed().then(|| view! { <Notice text="Thank you. Send the form once more." tone=Tone::Good/> })}
            <Summary state=state/>
            {children()}
        </form>
    }
}

/// What went wrong with the whole form. Always there, so that a script has a place to write to.
#[component]
fn Summary(state: FormState) -> impl IntoView {
    let text = state.summary();
    let refused = text.is_some();
    view! {
        <div class="notice notice-bad" role="alert" tabindex="-1" data-summary="" hidden=!refused autofocus=refused>
            <Icon name="warning"/>
            <div>
                <p>{text}</p>
                <a href="/login" target="_blank" hidden>"Sign in again in a new tab"</a>
            </div>
        </div>
    }
}

/// A form of one button, which posts one value.
#[component]
pub fn ActionButton(
    /// The address it posts to.
    action: &'static str,
    /// Name of the value.
    name: &'static str,
    /// The value.
    value: String,
    /// What it does.
    label: &'static str,
    /// How loud.
    #[prop(optional)]
    weight: Weight,
    /// What the label leaves open, for people who do not see the row it stands in.
    #[prop(into)]
    about: String,
) -> impl IntoView {
    view! {
        <PostForm action=action>
            <input type="hidden" name=name value=value/>
            <SubmitButton label=label weight=weight about=about/>
        </PostForm>
    }
}
