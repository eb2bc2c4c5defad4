//! `/settings/security`: the password, and where one is signed in.

use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::card::Card;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::icon::Icon;
use crate::components::layout::{House, PageHead};
use crate::components::time::Moment;
use crate::error::Refusal;
use crate::note::{Note, Said};
use crate::pages::{page, resident};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::Error;
use latchkey::clock::Timestamp;
use latchkey::flow::account::ChangePassword as NewPassword;
use latchkey::flow::sessions::SessionView;
use latchkey::flow::sign_in::SecretText;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// The old password and the new one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Passwords {
    #[serde(skip_serializing)]
    current_password: SecretText,
    #[serde(skip_serializing)]
    new_password: SecretText,
}

/// A session as the list shows it.
#[derive(Clone)]
struct Place {
    id: String,
    device: String,
    is_phone: bool,
    address: String,
    seen: Timestamp,
    current: bool,
}

fn place(session: SessionView) -> Place {
    let is_phone = ["iPhone", "Android", "Mobile"].iter().any(|word| session.user_agent.contains(word));
    let device = if session.browser.is_empty() { "Unknown device".to_owned() } else { session.browser };
    Place {
        id: session.id.to_string(),
        device,
        is_phone,
        address: session.ip_address,
        seen: session.last_seen_at,
        current: session.is_current,
    }
}

/// Password and sessions.
#[component]
pub fn SecurityPage() -> impl IntoView {
    page(async move {
        let actor = request::require_actor()?;
        let desk = Desk::open(Page::Security, Some(&actor))?;
        let latchkey = request::latchkey()?;
        let places: Vec<_> = latchkey.sessions(&actor).await?.into_iter().map(place).collect();
        let (resident, now) = (resident(&actor).await?, latchkey.now());
        let others = places.iter().any(|place| !place.current);
        Ok::<_, Error>(view! {
            <House page=Page::Security title="Security" resident=resident narrow=true>
                <PageHead title="Security" lead="Your password, and the places where you are signed in."/>
                <div class="stack">
                    <PasswordCard desk=desk.clone()/>
                    <section class="card" id="sessions" data-region="">
                        <div class="card-section">
                            <header>
                                <h2>"Where you are signed in"</h2>
                                <p class="soft">"End what you do not recognise, then change your password."</p>
                            </header>
                        </div>
                        <ul class="session-list">
                            {places.iter().cloned().map(|place| view! { <PlaceRow place=place now=now/> }).collect_view()}
                        </ul>
                        {others.then(|| view! {
                            <div class="card-section">
                                <PostForm action=EndOtherSessions::PATH>
                                    <SubmitButton label="Sign out everywhere else" weight=Weight::Plain/>
                                </PostForm>
                            </div>
                        })}
                    </section>
                </div>
            </House>
        })
    })
}

#[component]
fn PasswordCard(desk: Desk) -> impl IntoView {
    let state = desk.form("password");
    let current = Input {
        name: "passwords[currentPassword]",
        kind: "password",
        autocomplete: "current-password",
        ..Input::default()
    };
    let new = Input {
        name: "passwords[newPassword]",
        kind: "password",
        autocomplete: "new-password",
        hint: "12 characters or more. A few unrelated words work well.",
        ..Input::default()
    };
    view! {
        <Card title="Password" lead="Changing it signs out every other device." region="password">
            <PostForm action=ChangePassword::PATH state=state.clone() class="stack card-section-narrow">
                <TextField label="Current password" input=current state=state.clone()/>
                <TextField label="New password" input=new state=state.clone()/>
                <div class="card-foot"><SubmitButton label="Change password"/></div>
            </PostForm>
        </Card>
    }
}

#[component]
fn PlaceRow(place: Place, now: Timestamp) -> impl IntoView {
    let icon = if place.is_phone { "phone" } else { "screen" };
    view! {
        <li>
            <Icon name=icon/>
            <div>
                <p class="row">
                    <b>{place.device.clone()}</b>
                    {place.current.then(|| view! { <StateBadge text="This device" tone=Tone::Good/> })}
                </p>
                <p class="hint">{place.address}" · seen "<Moment at=place.seen now=now/></p>
            </div>
            {(!place.current).then(|| view! {
                <PostForm action=EndSession::PATH>
                    <input type="hidden" name="session" value=place.id/>
                    <SubmitButton label="Sign out" weight=Weight::QuietBad about=place.device/>
                </PostForm>
            })}
        </li>
    }
}

/// Changes the password.
#[server(name = ChangePassword, prefix = "/fn", endpoint = "password")]
pub async fn change_password(csrf: String, passwords: Passwords) -> Result<Done, Refusal> {
    request::answer(Form::new("password", "passwords", Page::Security), async {
        let actor = request::change(&csrf)?;
        let Passwords { current_password, new_password } = passwords;
        let with = NewPassword { current_password: Some(current_password), new_password: Some(new_password) };
        request::keep_session(&request::latchkey()?.change_password(&actor, with).await?);
        request::leave_note(Page::Security, Note::Said(Said::PasswordChanged))?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}

/// Ends one session.
#[server(name = EndSession, prefix = "/fn", endpoint = "end-session")]
pub async fn end_session(csrf: String, session: String) -> Result<Done, Refusal> {
    request::answer(Form::new("end-session", "session", Page::Security), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.end_session(&actor, &session).await?;
        request::leave_note(Page::Security, Note::Said(Said::SessionEnded))?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}

/// Ends every session but this one.
#[server(name = EndOtherSessions, prefix = "/fn", endpoint = "end-other-sessions")]
pub async fn end_other_sessions(csrf: String) -> Result<Done, Refusal> {
    request::answer(Form::new("end-other-sessions", "sessions", Page::Security), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.end_other_sessions(&actor).await?;
        request::leave_note(Page::Security, Note::Said(Said::OtherSessionsEnded))?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}
