//! Creating a key.

use crate::components::choice::{Check, Choice};
use crate::components::dialog::{Dialog, DialogFoot};
use crate::components::field::{Input, SelectField, TextField, told};
use crate::components::form::PostForm;
use crate::error::Refusal;
use crate::format;
use crate::islands::expiry::ExpiryChoice;
use crate::note::{FormState, Note};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::api_keys::{NewKey, Span};
use latchkey::member::Action;
use latchkey::{Actor, Error};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const SCOPES: &str = "key[scopes][]";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the dialog has to know.
#[derive(Clone)]
pub struct Setting {
    /// The organization the person acts in.
    place: String,
    /// Whether the person belongs to several organizations.
    several: bool,
    /// Whether the person may make keys of the organization, and keys with `admin`.
    leads: bool,
    /// When the page was made.
    now: Timestamp,
}

impl Setting {
    /// For this person.
    pub async fn of(actor: &Actor) -> Result<Self, Error> {
        let latchkey = request::latchkey()?;
        let place = latchkey.me(actor).await?.organization_name.unwrap_or_else(|| "my organization".to_owned());
        let several = latchkey.organizations(actor).await?.len() > 1;
        let leads = actor.permit(Action::ManageOrganizationKeys).is_ok();
        Ok(Self { place, several, leads, now: latchkey.now() })
    }
}

/// The form for a new key.
#[component]
pub fn CreateDialog(about: Setting, state: FormState) -> impl IntoView {
    let name = Input {
        name: "key[name]",
        hint: "For example the program that will use it.".into(),
        longest: Some(100),
        focused: !state.comes_back(),
        ..Input::default()
    };
    view! {
        <Dialog title="Create an API key" lead="You see the key once, right after this." back=Page::ApiKeys>
            <PostForm action=CreateKey::PATH state=state.clone() class="dialog-form">
                <div class="dialog-body">
                    <TextField label="Name" input=name state=state.clone()/>
                    <ScopeChoice about=about.clone() state=state.clone()/>
                    <Expiry now=about.now state=state.clone()/>
                    <OwnerChoice about=about.clone() state=state.clone()/>
                    <MoreSettings about=about state=state.clone()/>
                </div>
                <DialogFoot back=Page::ApiKeys cancel="Cancel" go="Create key"/>
            </PostForm>
        </Dialog>
    }
}

#[component]
fn ScopeChoice(about: Setting, state: FormState) -> impl IntoView {
    let choice = |value: &'static str, label: &'static str, hint: &'static str| {
        let checked = state.chosen(SCOPES, value, value == "read");
        view! { <Choice name=SCOPES value=value label=label hint=hint checked=checked error_id="key-scopes-error"/> }
    };
    view! {
        <fieldset class="field">
            <legend>"What it may do"</legend>
            <div class="choices">
                {choice("read", "Read", "Fetch data. GET requests.")}
                {choice("write", "Write", "Add and change. POST, PUT and PATCH.")}
                {choice("delete", "Delete", "Remove things. DELETE.")}
                {about.leads.then(|| choice("admin", "Admin", "All of it, and manage keys and people."))}
            </div>
            <p class="field-error" id="key-scopes-error">{told(state.error(SCOPES))}</p>
        </fieldset>
    }
}

/// The days a key may live; the words name the date, so that it can be read without a script too.
fn lives(now: Timestamp) -> Vec<(&'static str, String, String)> {
    let days = [("7", 7), ("30", 30), ("60", 60), ("90", 90), ("365", 365)];
    let dated = days.map(|(value, count)| {
        let date = format::day(now.plus(DAY * count));
        (value, format!("{count} days ({date})"), format!("Stops working on {date}."))
    });
    let never = ("none", "Never".to_owned(), "Works until it is revoked. Choose a date where you can.".to_owned());
    let custom =
        ("custom", "On a day I choose".to_owned(), "Stops working at the end of the day you choose, UTC.".to_owned());
    dated.into_iter().chain([custom, never]).collect()
}

#[component]
fn Expiry(now: Timestamp, state: FormState) -> impl IntoView {
    let chosen = state.text("key[life]", "90");
    let options = lives(now);
    let sentence = options.iter().find(|life| life.0 == chosen).map(|life| life.2.clone()).unwrap_or_default();
    let error = state.error("key[expiresAt]");
    view! {
        <ExpiryChoice>
            <div class="field expiry">
                <SelectField label="Expires" name="key[life]" options=options first="90" state=state.clone()/>
                <input
                    class="input expiry-day"
                    type="date"
                    name="key[expiresAt]"
                    aria-label="Last day"
                    min=format::date_input(now.plus(DAY))
                    value=state.text("key[expiresAt]", "")
                    aria-invalid=(!error.is_empty()).then_some("true")
                    aria-describedby="key-expiresAt-error"
                />
                <p class="hint expiry-sentence" aria-live="polite">{sentence}</p>
                <p class="field-error" id="key-expiresAt-error">{told(error)}</p>
            </div>
        </ExpiryChoice>
    }
}

#[component]
fn OwnerChoice(about: Setting, state: FormState) -> impl IntoView {
    let choice = |value: &'static str, label: String, hint: &'static str, first: bool| {
        let checked = state.chosen("key[owner]", value, first);
        view! { <Choice name="key[owner]" value=value label=label hint=hint checked=checked single=true/> }
    };
    about.leads.then(|| {
        view! {
            <fieldset class="field">
                <legend>"Belongs to"</legend>
                <div class="choices">
                    {choice("user", "Me".to_owned(), "Ends when I leave.", true)}
                    {choice("organization", about.place.clone(), "Lives on without me.", false)}
                </div>
                <p class="field-error">{told(state.error("key[owner]"))}</p>
            </fieldset>
        }
    })
}

#[component]
fn MoreSettings(about: Setting, state: FormState) -> impl IntoView {
    let text =
        |name: &'static str, hint: &'static str| Input { name, hint: hint.into(), optional: true, ..Input::default() };
    let description = text("key[description]", "");
    let own = text("key[ownScopes]", "Checked by your own services, such as READ_LEADS. Commas between.");
    let addresses = text("key[allowedIps]", "Only from there: 203.0.113.7 or 10.0.0.0/8, commas between.");
    let rate = Input { name: "key[rateLimit]", kind: "number", value: "1000".to_owned(), ..Input::default() };
    let windows = [("60", "a minute"), ("3600", "an hour"), ("86400", "a day")];
    let windows = windows.map(|(value, words)| (value, words.to_owned(), String::new())).to_vec();
    let mode = |value: &'static str, label: &'static str, hint: &'static str| {
        let checked = state.chosen("key[mode]", value, value == "live");
        view! { <Choice name="key[mode]" value=value label=label hint=hint checked=checked single=true/> }
    };
    view! {
        <details class="more" open=state.comes_back()>
            <summary>"More settings"</summary>
            <div class="stack">
                <TextField label="Description" input=description state=state.clone()/>
                <TextField label="Scopes of your own" input=own state=state.clone()/>
                <TextField label="Allowed addresses" input=addresses state=state.clone()/>
                <div class="field-pair">
                    <TextField label="Most calls" input=rate state=state.clone()/>
                    <SelectField label="In" name="key[rateLimitWindow]" options=windows first="3600" state=state.clone()/>
                </div>
                <fieldset class="field">
                    <legend>"For"</legend>
                    <div class="choices">
                        {mode("live", "Live", "Real work.")}
                        {mode("test", "Test", "Trying things out; counted apart.")}
                    </div>
                </fieldset>
                {about.several.then(|| view! {
                    <Check
                        name="key[everywhere]"
                        label="Works in all my organizations"
                        checked=state.chosen("key[everywhere]", "true", false)
                    />
                })}
            </div>
        </details>
    }
}

/// A new key, as the form says it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct KeyForm {
    name: String,
    description: String,
    scopes: Vec<String>,
    own_scopes: String,
    life: String,
    expires_at: String,
    owner: String,
    mode: String,
    allowed_ips: String,
    rate_limit: String,
    rate_limit_window: String,
    everywhere: bool,
}

impl KeyForm {
    fn typed(&self) -> Vec<(&'static str, String)> {
        let mut typed = vec![
            ("name", self.name.clone()),
            ("description", self.description.clone()),
            ("ownScopes", self.own_scopes.clone()),
            ("life", self.life.clone()),
            ("expiresAt", self.expires_at.clone()),
            ("owner", self.owner.clone()),
            ("mode", self.mode.clone()),
            ("allowedIps", self.allowed_ips.clone()),
            ("rateLimit", self.rate_limit.clone()),
            ("rateLimitWindow", self.rate_limit_window.clone()),
            ("everywhere", self.everywhere.to_string()),
        ];
        typed.extend(self.scopes.iter().map(|scope| ("scopes][", scope.clone())));
        typed
    }

    fn expires_at(&self, now: Timestamp) -> Option<String> {
        match self.life.as_str() {
            "none" => None,
            "custom" => Some(format::end_of_day(&self.expires_at).unwrap_or_else(|| "?".to_owned())),
            days => {
                Some(days.parse().map_or_else(|_| "?".to_owned(), |days: u32| format::machine(now.plus(DAY * days))))
            }
        }
    }

    fn read(self, now: Timestamp) -> NewKey {
        let list = |text: &str| {
            text.split([',', ' ', '\n'])
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let number = |text: &str| some(text).map(|text| text.parse::<i64>().unwrap_or(-1));
        let own = list(&self.own_scopes);
        NewKey {
            name: some(&self.name),
            description: some(&self.description),
            expires_at: self.expires_at(now),
            scopes: Some(self.scopes.iter().cloned().chain(own).collect()),
            owner: some(&self.owner),
            mode: some(&self.mode),
            allowed_ips: Some(list(&self.allowed_ips)).filter(|list| !list.is_empty()),
            rate_limit: number(&self.rate_limit),
            rate_limit_window: number(&self.rate_limit_window),
            organization_ids: self.everywhere.then(|| Span::All("all".to_owned())),
            ..Default::default()
        }
    }
}

/// Makes a key and leaves it for the page to show, once.
#[server(name = CreateKey, prefix = "/fn", endpoint = "create-key")]
pub async fn create_key(csrf: String, key: KeyForm) -> Result<Done, Refusal> {
    let query = vec![("dialog", "create".to_owned())];
    let form = Form { query, typed: key.typed(), ..Form::new("create-key", "key", Page::ApiKeys) };
    request::answer(form, async {
        let actor = request::change(&csrf)?;
        let latchkey = request::latchkey()?;
        let made = latchkey.create_api_key(&actor, key.read(latchkey.now())).await?;
        request::leave_note(Page::ApiKeys, Note::NewKey { name: made.name.clone(), key: made.key.clone() })?;
        Ok(Page::ApiKeys.path().to_owned())
    })
    .await
}
