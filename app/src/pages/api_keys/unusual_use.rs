//! What was unusual about the use of a key, and the one thing to say about it.

use super::dialogs::{back, form};
use super::rows::{Row, State};
use crate::components::button::{LinkButton, Weight};
use crate::components::dialog::{Dialog, DialogFoot};
use crate::components::form::PostForm;
use crate::components::time::Moment;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Note, Said};
use crate::request::{self, Done};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::api_keys::SignalView;
use latchkey::key_watch::Signal;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// Says what was unusual, and asks whether it was expected.
#[component]
pub fn UnusualUseDialog(row: Row, state: FormState) -> impl IntoView {
    let title = format!("Unusual use of “{}”", row.name);
    let lead = "Compared with how this key was used before. Look whether it was you or a program of yours.";
    let now = row.now;
    let seen = row.unusual.iter().map(|seen| view! { <Seen seen=seen.clone() now=now/> }).collect_view();
    view! {
        <Dialog title=title lead=lead back=Page::ApiKeys>
            <PostForm action=DismissUnusualUse::PATH state=state class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="key" value=row.id.clone()/>
                    <ul class="unusual">{seen}</ul>
                    <WayOut row=row/>
                </div>
                <DialogFoot back=Page::ApiKeys cancel="Close" go="This was expected" focused=true/>
            </PostForm>
        </Dialog>
    }
}

#[component]
fn Seen(seen: SignalView, now: Timestamp) -> impl IntoView {
    let told = match seen.signal {
        // The amount and the span say it all.
        Signal::Burst | Signal::AfterSilence => seen.detail,
        _ => format!("{}, {}", seen.detail, format::counted(seen.calls.unsigned_abs(), "call")),
    };
    view! {
        <li>
            <b>{headline(seen.signal)}</b>
            <span>{told}</span>
            <span class="hint"><Moment at=seen.at now=now/></span>
        </li>
    }
}

const fn headline(signal: Signal) -> &'static str {
    match signal {
        Signal::NewNetwork => "A network it was not used from before",
        Signal::NewAgent => "A program that had not used it before",
        Signal::Burst => "Far more calls than usual",
        Signal::AfterSilence => "The first call after a long silence",
        Signal::AfterEnd => "Somebody used it after its end, and was refused",
    }
}

/// What to do when it was somebody else.
#[component]
fn WayOut(row: Row) -> impl IntoView {
    let to = |dialog: &'static str, label: &'static str, weight: Weight| {
        let href = Page::ApiKeys.with(&[("dialog", dialog), ("key", &row.id)]);
        view! { <LinkButton href=href label=label weight=weight/> }
    };
    let got_in = row.unusual.iter().any(|seen| seen.signal != Signal::AfterEnd);
    let (advice, links) = match row.state {
        _ if !got_in => ("Nobody got in with it. Look for what still holds it, or who.", None),
        State::Active | State::Off => (
            "If it was somebody else, revoke the key. If you are not sure, give it a new secret.",
            Some([to("rotate", "Rotate the key", Weight::Quiet), to("revoke", "Revoke the key", Weight::QuietBad)]),
        ),
        State::Rotating => (
            "If it was somebody else, revoke the key. If it was somebody with its old secret, end that.",
            Some([
                to("end-overlap", "End the old secret", Weight::Quiet),
                to("revoke", "Revoke the key", Weight::QuietBad),
            ]),
        ),
        State::Expired | State::Revoked => {
            ("The key has ended and lets nobody in any more. Look for what still holds it.", None)
        }
    };
    view! {
        <p class="soft">{advice}</p>
        {links.map(|links| view! { <div class="row">{links}</div> })}
    }
}

/// Somebody expected it.
#[server(name = DismissUnusualUse, prefix = "/fn", endpoint = "dismiss-unusual-use")]
pub async fn dismiss_unusual_use(csrf: String, key: String) -> Result<Done, Refusal> {
    request::answer(form("unusual-use", "unusual", &key), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.dismiss_unusual_use(&actor, &key).await?;
        request::leave_note(Page::ApiKeys, Note::Said(Said::UseExpected))?;
        Ok(back())
    })
    .await
}
