//! Where one is signed in.

use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::form::PostForm;
use crate::components::icon::Icon;
use crate::components::time::Moment;
use crate::error::Refusal;
use crate::note::{Note, Said};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::sessions::SessionView;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

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

/// The list of sessions.
#[component]
pub fn SessionsCard(sessions: Vec<SessionView>, now: Timestamp) -> impl IntoView {
    let places: Vec<_> = sessions.into_iter().map(place).collect();
    let others = places.iter().any(|place| !place.current);
    view! {
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
