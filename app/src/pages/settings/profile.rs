//! `/settings/profile`.

use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::card::Card;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::{House, PageHead};
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Mailed, Note, Said};
use crate::pages::front::parts::{CodeForm, MailedCode};
use crate::pages::front::verify_email::prove;
use crate::pages::{page, resident};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::Error;
use latchkey::flow::account::ProfileChanges;
use latchkey::flow::address::ChangeEmail;
use latchkey::flow::sign_in::SecretText;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// What people may say about themselves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    name: String,
    username: String,
}

/// Another address, and the password as proof.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NewAddress {
    new_email: String,
    #[serde(skip_serializing)]
    current_password: SecretText,
}

/// Name, address and organization.
#[component]
pub fn ProfilePage() -> impl IntoView {
    page(async move {
        let actor = request::require_actor()?;
        let desk = Desk::open(Page::Profile, Some(&actor))?;
        let user = request::latchkey()?.me(&actor).await?;
        let state = desk.form("profile");
        let resident = resident(&actor).await?;
        let name = Input {
            name: "profile[name]",
            autocomplete: "name",
            value: user.name.clone(),
            longest: Some(100),
            ..Input::default()
        };
        let username = Input {
            name: "profile[username]",
            autocomplete: "off",
            value: user.username.clone().unwrap_or_default(),
            longest: Some(32),
            hint: "Where a program asks for a user name, this works in place of your email.".into(),
            ..Input::default()
        };
        let initials = format::initials(&user.name);
        let organizations = request::latchkey()?.organizations(&actor).await?;
        let rows = organizations
            .into_iter()
            .map(|organization| view! { <div><dt>{organization.name}</dt><dd>{role_words(organization.role.as_str())}</dd></div> })
            .collect_view();
        Ok::<_, Error>(view! {
            <House page=Page::Profile title="Profile" resident=resident narrow=true>
                <PageHead title="Profile" lead="How others see you."/>
                <div class="stack">
                    <Card title="You" lead="What others call you." region="you">
                        <div class="row">
                            <span class="initials initials-large" aria-hidden="true">{initials.clone()}</span>
                            <p class="soft">{user.name.clone()}</p>
                        </div>
                        <PostForm action=SaveProfile::PATH state=state.clone() class="stack card-section-narrow">
                            <TextField label="Name" input=name.clone() state=state.clone()/>
                            <TextField label="User name (optional)" input=username.clone() state=state.clone()/>
                            <div class="card-foot"><SubmitButton label="Save profile"/></div>
                        </PostForm>
                    </Card>
                    <EmailCard desk=desk email=user.email.clone() confirmed=user.email_verified/>
                    <Card title="Organizations" lead="Where you belong, and what you are there.">
                        <dl class="facts">{rows}</dl>
                    </Card>
                </div>
            </House>
        })
    })
}

/// The address, whether it is known to be theirs, and how to move to another.
#[component]
fn EmailCard(desk: Desk, email: String, confirmed: bool) -> impl IntoView {
    let sends_mail = request::latchkey().is_ok_and(|latchkey| latchkey.sends_mail());
    let moving = request::mailed(Page::Profile).map(|mailed| mailed.email).filter(|to| *to != email);
    view! {
        <Card title="Email" lead="What you sign in with, and where mail about your account goes." region="email">
            <div class="row">
                <p class="breaks">{email}</p>
                {if confirmed {
                    view! { <StateBadge text="Confirmed" tone=Tone::Good/> }
                } else {
                    view! { <StateBadge text="Not confirmed yet" tone=Tone::Warn/> }
                }}
            </div>
            {(!confirmed && sends_mail).then(|| view! {
                <PostForm action=SendConfirmation::PATH state=desk.form("confirmation")>
                    <div class="card-foot"><SubmitButton label="Send the link again" weight=Weight::Plain/></div>
                </PostForm>
            })}
            {moving.map(|to| view! {
                <p>"Waiting for "<b>{to}</b>". Open the link we sent there, or type its code here."</p>
                <CodeForm action=MoveByCode::PATH state=desk.form("move") label="Confirm new email" aside=true/>
            })}
            {if sends_mail {
                view! { <ChangeEmailForm state=desk.form("address")/> }.into_any()
            } else {
                let words = "Mail is not configured here, so your email cannot be changed or confirmed. Whoever runs this \
                             installation can set a mail server.";
                view! { <Notice text=words tone=Tone::Plain/> }.into_any()
            }}
        </Card>
    }
}

#[component]
fn ChangeEmailForm(state: FormState) -> impl IntoView {
    let new = Input { name: "address[newEmail]", kind: "email", autocomplete: "email", ..Input::default() };
    let current = Input {
        name: "address[currentPassword]",
        kind: "password",
        autocomplete: "current-password",
        ..Input::default()
    };
    let opened = state.comes_back();
    view! {
        <details class="more" open=opened>
            <summary>"Change your email"</summary>
            <PostForm action=AskNewAddress::PATH state=state.clone() class="stack card-section-narrow">
                <TextField label="New email" input=new state=state.clone()/>
                <TextField label="Current password" input=current state=state/>
                <div class="card-foot"><SubmitButton label="Send a link to the new email"/></div>
            </PostForm>
        </details>
    }
}

/// A role in words.
pub fn role_words(role: &str) -> &'static str {
    match role {
        "OWNER" => "Owner",
        "ADMIN" => "Admin",
        "MANAGER" => "Manager",
        _ => "Member",
    }
}

/// Saves the profile.
#[server(name = SaveProfile, prefix = "/fn", endpoint = "profile")]
pub async fn save_profile(csrf: String, profile: Profile) -> Result<Done, Refusal> {
    let typed = vec![("name", profile.name.clone()), ("username", profile.username.clone())];
    let form = Form { typed, ..Form::new("profile", "profile", Page::Profile) };
    request::answer(form, async {
        let actor = request::change(&csrf)?;
        let Profile { name, username } = profile;
        let update = ProfileChanges { name: Some(name), username: Some(username), ..Default::default() };
        request::latchkey()?.update_profile(&actor, update).await?;
        request::leave_note(Page::Profile, Note::Said(Said::ProfileSaved))?;
        Ok(Page::Profile.path().to_owned())
    })
    .await
}

/// Mails the link that confirms one's own address.
#[server(name = SendConfirmation, prefix = "/fn", endpoint = "send-confirmation")]
pub async fn send_confirmation(csrf: String) -> Result<Done, Refusal> {
    request::answer(Form::new("confirmation", "confirmation", Page::Profile), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.ask_own_verification(&actor, request::browser().as_deref()).await?;
        Ok(Page::VerifyEmail.path().to_owned())
    })
    .await
}

/// Begins to move the account to another address.
#[server(name = AskNewAddress, prefix = "/fn", endpoint = "new-address")]
pub async fn ask_new_address(csrf: String, address: NewAddress) -> Result<Done, Refusal> {
    let NewAddress { new_email: to, current_password } = address;
    let form = Form { typed: vec![("newEmail", to.clone())], ..Form::new("address", "address", Page::Profile) };
    request::answer(form, async {
        let actor = request::change(&csrf)?;
        let with = ChangeEmail { new_email: Some(to.clone()), current_password: Some(current_password) };
        request::latchkey()?.ask_new_address(&actor, with).await?;
        request::keep_mailed(Page::Profile, Mailed { email: to.clone(), ..Mailed::default() })?;
        request::leave_note(Page::Profile, Note::NewAddressAsked { to })?;
        Ok(Page::Profile.path().to_owned())
    })
    .await
}

/// Moves the account with the code of the mail.
#[server(name = MoveByCode, prefix = "/fn", endpoint = "move-code")]
pub async fn move_by_code(csrf: String, proof: MailedCode) -> Result<Done, Refusal> {
    request::answer(Form::new("move", "proof", Page::Profile), async {
        request::change(&csrf)?;
        let Some(mailed) = request::mailed(Page::Profile) else {
            return Ok(Page::Profile.path().to_owned());
        };
        prove(proof.into_proof(mailed.email), true).await
    })
    .await
}
