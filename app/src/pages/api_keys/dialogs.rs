//! The dialogs about a key that exists, and the addresses that they post to.

use super::rows::Row;
use crate::components::button::{LinkButton, Weight};
use crate::components::choice::Choice;
use crate::components::dialog::{Dialog, DialogFoot};
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::secret::Secret;
use crate::components::time::Moment;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Note, Said};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::flow::api_keys::{RegenerateKey, RevokeKey as RevokeWith};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

const OVERLAP: &str = "rotate[overlapSeconds]";

/// The form of a dialog.
pub fn form_of(dialog: &str) -> &'static str {
    match dialog {
        "create" => "create-key",
        "rotate" | "regenerate" => "rotate-key",
        "end-overlap" => "end-overlap",
        "unusual-use" => "unusual-use",
        _ => "revoke-key",
    }
}

/// Shows a new key, once.
#[component]
pub fn Reveal(name: String, key: String, base: String) -> impl IntoView {
    let curl = format!("curl -H \"Authorization: Bearer {key}\" {base}/v1/auth/verify");
    view! {
        <Dialog title="Copy your new key now" lead="It is shown this once and never again. We keep no copy." back=Page::ApiKeys>
            <div class="dialog-body">
                <Secret label=name text=key id="new-key" once=true/>
                <Secret label="Try it" text=curl id="new-key-curl"/>
            </div>
            <div class="dialog-foot">
                <LinkButton href=Page::ApiKeys.path() label="Done" closes=true/>
            </div>
        </Dialog>
    }
}

/// Asks how long the old secret shall go on.
#[component]
pub fn RotateDialog(row: Row, state: FormState) -> impl IntoView {
    let before = state.clone();
    let choice = move |value: &'static str, label: &'static str, hint: &'static str| {
        let checked = before.chosen(OVERLAP, value, value == "86400");
        view! { <Choice name=OVERLAP value=value label=label hint=hint checked=checked single=true/> }
    };
    let title = format!("Rotate “{}”", row.name);
    view! {
        <Dialog title=title lead="You get a new key. The old one goes on for a while, so that nothing breaks." back=Page::ApiKeys>
            <PostForm action=RotateKey::PATH state=state class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="key" value=row.id/>
                    <fieldset class="field">
                        <legend>"The old key stops working"</legend>
                        <div class="choices">
                            {choice("86400", "After 24 hours", "Time to change it where it is used.")}
                            {choice("604800", "After 7 days", "For slow releases.")}
                            {choice("3600", "After 1 hour", "You can change it now.")}
                            {choice("0", "Now", "It has leaked. Callers fail until they have the new one.")}
                        </div>
                    </fieldset>
                </div>
                <DialogFoot back=Page::ApiKeys cancel="Cancel" go="Rotate key"/>
            </PostForm>
        </Dialog>
    }
}

/// Asks whether an expired key shall live again.
#[component]
pub fn RegenerateDialog(row: Row, state: FormState) -> impl IntoView {
    let title = format!("Regenerate “{}”", row.name);
    let lead = "You get a new key with the same settings, for as long a time as the expired one had.";
    view! {
        <Dialog title=title lead=lead back=Page::ApiKeys small=true>
            <PostForm action=RotateKey::PATH state=state class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="key" value=row.id.clone()/>
                    <input type="hidden" name=OVERLAP value="0"/>
                    <Loss row=row/>
                </div>
                <DialogFoot back=Page::ApiKeys cancel="Cancel" go="Regenerate key" focused=true/>
            </PostForm>
        </Dialog>
    }
}

/// Asks whether the old secret shall end early.
#[component]
pub fn EndOverlapDialog(row: Row, state: FormState) -> impl IntoView {
    let title = format!("End the old key of “{}”?", row.name);
    view! {
        <Dialog title=title lead="Only the new key works from then on. This cannot be undone." back=Page::ApiKeys small=true>
            <PostForm action=EndOverlap::PATH state=state class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="key" value=row.id.clone()/>
                    <Loss row=row/>
                </div>
                <DialogFoot back=Page::ApiKeys cancel="Keep both" go="End old key" weight=Weight::Danger focused=true/>
            </PostForm>
        </Dialog>
    }
}

/// Says what stops working, and asks why.
#[component]
pub fn RevokeDialog(row: Row, state: FormState) -> impl IntoView {
    let title = format!("Revoke “{}”?", row.name);
    let reason = Input {
        name: "revoke[reason]",
        hint: "Shown in the list, so that others know why.".into(),
        longest: Some(200),
        optional: true,
        focused: true,
        ..Input::default()
    };
    view! {
        <Dialog title=title lead="Whatever uses this key stops working at once. This cannot be undone." back=Page::ApiKeys small=true>
            <PostForm action=RevokeKey::PATH state=state.clone() class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="key" value=row.id.clone()/>
                    <Loss row=row/>
                    <TextField label="Reason" input=reason state=state.clone()/>
                </div>
                <DialogFoot back=Page::ApiKeys cancel="Keep the key" go="Revoke key" weight=Weight::Danger/>
            </PostForm>
        </Dialog>
    }
}

/// What is lost with a key.
#[component]
fn Loss(row: Row) -> impl IntoView {
    let used = row
        .last_used_at
        .map_or_else(|| view! { "Never" }.into_any(), |at| view! { <Moment at=at now=row.now/> }.into_any());
    let by = (!row.last_used_by.is_empty()).then(|| view! { <div><dt>"By"</dt><dd>{row.last_used_by}</dd></div> });
    view! {
        <dl class="loss">
            <div><dt>"Last used"</dt><dd>{used}</dd></div>
            {by}
            <div><dt>"In all"</dt><dd>{format::counted(row.calls, "call")}</dd></div>
        </dl>
    }
}

pub(super) fn form(dialog: &'static str, group: &'static str, key: &str) -> Form {
    let query = vec![("dialog", dialog.to_owned()), ("key", key.to_owned())];
    Form { query, ..Form::new(form_of(dialog), group, Page::ApiKeys) }
}

pub(super) fn back() -> String {
    Page::ApiKeys.path().to_owned()
}

/// What the rotation says.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rotation {
    overlap_seconds: String,
}

/// Gives a key a new secret.
#[server(name = RotateKey, prefix = "/fn", endpoint = "rotate-key")]
pub async fn rotate_key(csrf: String, key: String, rotate: Rotation) -> Result<Done, Refusal> {
    let form =
        Form { typed: vec![("overlapSeconds", rotate.overlap_seconds.clone())], ..form("rotate", "rotate", &key) };
    request::answer(form, async {
        let actor = request::change(&csrf)?;
        let overlap = RegenerateKey { overlap_seconds: Some(rotate.overlap_seconds.parse().unwrap_or(-1)) };
        let made = request::latchkey()?.regenerate_api_key(&actor, &key, overlap).await?;
        request::leave_note(Page::ApiKeys, Note::NewKey { name: made.name.clone(), key: made.key.clone() })?;
        Ok(back())
    })
    .await
}

/// Ends the old secret of a key that rotates.
#[server(name = EndOverlap, prefix = "/fn", endpoint = "end-overlap")]
pub async fn end_overlap(csrf: String, key: String) -> Result<Done, Refusal> {
    request::answer(form("end-overlap", "overlap", &key), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.end_key_overlap(&actor, &key).await?;
        request::leave_note(Page::ApiKeys, Note::Said(Said::OverlapEnded))?;
        Ok(back())
    })
    .await
}

/// Why a key is revoked.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Revocation {
    reason: String,
}

/// Ends a key for good.
#[server(name = RevokeKey, prefix = "/fn", endpoint = "revoke-key")]
pub async fn revoke_key(csrf: String, key: String, revoke: Revocation) -> Result<Done, Refusal> {
    let form = Form { typed: vec![("reason", revoke.reason.clone())], ..form("revoke", "revoke", &key) };
    request::answer(form, async {
        let actor = request::change(&csrf)?;
        let reason = Some(revoke.reason).filter(|reason| !reason.trim().is_empty());
        request::latchkey()?.revoke_api_key(&actor, &key, RevokeWith { reason }).await?;
        request::leave_note(Page::ApiKeys, Note::Said(Said::KeyRevoked))?;
        Ok(back())
    })
    .await
}
