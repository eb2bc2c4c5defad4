//! Fields: a label, an input, a hint, and a place for what is wrong.

use crate::islands::password::ShowPassword;
use crate::note::FormState;
use crate::request;
use leptos::prelude::*;
use std::borrow::Cow;

/// What a field is, besides its label.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Name of the input.
    pub name: &'static str,
    /// What tells its id from that of an input of the same name in another form of the page.
    pub of: String,
    /// `type`; text when empty.
    pub kind: &'static str,
    /// `autocomplete`; off when empty.
    pub autocomplete: &'static str,
    /// What stands in it at first.
    pub value: String,
    /// A sentence under it.
    pub hint: Cow<'static, str>,
    /// May be left empty; the label says so.
    pub optional: bool,
    /// The focus begins here.
    pub focused: bool,
    /// Most characters.
    pub longest: Option<u32>,
    /// `inputmode`, where the keyboard of a phone is to differ from what `kind` says.
    pub keyboard: Option<&'static str>,
}

impl Input {
    /// For the present password.
    pub fn password(name: &'static str) -> Self {
        Self { name, kind: "password", autocomplete: "current-password", ..Self::default() }
    }

    /// For a password that is chosen now.
    pub fn new_password(name: &'static str) -> Self {
        let rules = request::latchkey().map(|latchkey| latchkey.settings().passwords.clone()).unwrap_or_default();
        let hint = format!("{} characters or more. A few unrelated words work well.", rules.shortest).into();
        Self { hint, autocomplete: "new-password", ..Self::password(name) }
    }

    /// For a code of the authenticator.
    pub fn code(name: &'static str) -> Self {
        Self { keyboard: Some("numeric"), longest: Some(10), ..Self::any_code(name) }
    }

    /// For a code of the authenticator, or a backup code.
    pub fn any_code(name: &'static str) -> Self {
        Self { name, autocomplete: "one-time-code", longest: Some(24), ..Self::default() }
    }
}

/// `key[name]` as an id: `key-name`.
pub fn id_of(name: &str) -> String {
    name.replace('[', "-").replace(']', "")
}

fn described(id: &str, hint: &str) -> String {
    if hint.is_empty() { format!("{id}-error") } else { format!("{id}-hint {id}-error") }
}

/// The content of an error's place: really nothing when there is none, so that it takes no room.
pub fn told(error: String) -> Option<String> {
    Some(error).filter(|error| !error.is_empty())
}

/// A field for one line of text.
#[component]
pub fn TextField(
    /// The label.
    label: &'static str,
    /// The input.
    input: Input,
    /// What came of the form before.
    state: FormState,
) -> impl IntoView {
    let id = if input.of.is_empty() { id_of(input.name) } else { format!("{}-{}", id_of(input.name), input.of) };
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let error = state.error(input.name);
    view! {
        <div class="field" class:field-password=input.kind == "password">
            <label for=id.clone()>
                {label}
                {input.optional.then(|| view! { <span class="optional">" (optional)"</span> })}
            </label>
            <input
                class="input"
                id=id.clone()
                name=input.name
                type=if input.kind.is_empty() { "text" } else { input.kind }
                autocomplete=if input.autocomplete.is_empty() { "off" } else { input.autocomplete }
                value=(input.kind != "password").then(|| state.text(input.name, &input.value))
                maxlength=input.longest
                inputmode=input.keyboard
                aria-required=(!input.optional).then_some("true")
                autofocus=input.focused
                spellcheck=matches!(input.kind, "email" | "password" | "url").then_some("false")
                autocapitalize=matches!(input.kind, "email" | "password").then_some("none")
                aria-invalid=(!error.is_empty()).then_some("true")
                aria-describedby=described(&id, &input.hint)
            />
            {(input.kind == "password").then(|| view! { <ShowPassword/> })}
            {(!input.hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{input.hint}</p> })}
            <p class="field-error" id=error_id>{told(error)}</p>
        </div>
    }
}

/// A field whose value is one of a list.
#[component]
pub fn SelectField<V: AsRef<str> + 'static>(
    /// The label.
    label: &'static str,
    /// Name of the select.
    name: &'static str,
    /// Value, words, and a sentence that is shown when it is chosen.
    options: Vec<(V, String, String)>,
    /// The value chosen at first.
    #[prop(into)]
    first: String,
    /// What came of the form before.
    state: FormState,
) -> impl IntoView {
    let id = id_of(name);
    let error_id = format!("{id}-error");
    let options = options
        .into_iter()
        .map(|(value, words, sentence)| {
            let value = value.as_ref();
            let selected = state.chosen(name, value, value == first);
            view! {
                <option value=value.to_owned() selected=selected data-sentence=(!sentence.is_empty()).then_some(sentence)>
                    {words}
                </option>
            }
        })
        .collect_view();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select class="select" id=id name=name aria-describedby=error_id.clone()>
                {options}
            </select>
            <p class="field-error" id=error_id>{told(state.error(name))}</p>
        </div>
    }
}
