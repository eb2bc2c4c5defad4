//! What is done with a member, each in a dialog, and the addresses that they post to.

use super::members::Viewer;
use super::{here, roles, said};
use crate::components::button::Weight;
use crate::components::dialog::{Dialog, DialogFoot};
use crate::components::field::{Input, SelectField, TextField};
use crate::components::form::PostForm;
use crate::components::time::Moment;
use crate::error::Refusal;
use crate::note::{FormState, Note, Said};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::members::{AffectedKeyView, MemberChanges, MemberView};
use latchkey::flow::reset_factor::ResetFactor;
use latchkey::member::Role;
use latchkey::{Actor, Error};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// The dialog that the address asks for.
pub async fn open(actor: &Actor, here: &str, desk: &Desk, viewer: &Viewer) -> Result<Option<AnyView>, Error> {
    let (Some(dialog), Some(wanted)) = (request::query("dialog"), request::query("member")) else { return Ok(None) };
    let latchkey = request::latchkey()?;
    let member = match latchkey.member(actor, here, &wanted).await {
        Err(Error::NotFound) => return Ok(None),
        found => found?,
    };
    Ok(match dialog.as_str() {
        "change" if viewer.may_change(&member) => {
            Some(view! { <ChangeDialog member=member most=viewer.role state=desk.form("change")/> }.into_any())
        }
        "reset" if viewer.may_reset(&member) => {
            Some(view! { <ResetDialog member=member state=desk.form("reset")/> }.into_any())
        }
        "remove" if viewer.is(&member) => {
            Some(view! { <LeaveDialog member=member state=desk.form("remove")/> }.into_any())
        }
        "remove" if viewer.may_change(&member) => {
            let keys = latchkey.keys_of_member(actor, here, &wanted).await?;
            let now = latchkey.now();
            Some(view! { <RemoveDialog member=member keys=keys now=now state=desk.form("remove")/> }.into_any())
        }
        _ => None,
    })
}

#[component]
fn ChangeDialog(member: MemberView, most: Role, state: FormState) -> impl IntoView {
    let title = format!("Change {}", member.user.name);
    let places = [("live", "Active", ""), ("suspended", "Suspended", "")];
    let places = places.map(|(value, words, more)| (value, words.to_owned(), more.to_owned())).to_vec();
    let place = if member.is_active { "live" } else { "suspended" };
    view! {
        <Dialog title=title lead="It counts at their next call." back=Page::Organization small=true>
            <PostForm action=ChangeMember::PATH state=state.clone() class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="member" value=member.user_id.to_string()/>
                    <SelectField label="Role" name="change[role]" options=roles(|role| role <= most) first=member.role.as_str() state=state.clone()/>
                    <input type="hidden" name="change[before]" value=place/>
                    <SelectField label="Place" name="change[place]" options=places first=place state=state/>
                    <p class="hint">"Suspended, they and their own keys get in nowhere here, until you bring the place back."</p>
                </div>
                <DialogFoot back=Page::Organization cancel="Cancel" go="Save"/>
            </PostForm>
        </Dialog>
    }
}

#[component]
fn ResetDialog(member: MemberView, state: FormState) -> impl IntoView {
    let title = format!("Reset two-factor of {}", member.user.name);
    let sends_mail = request::latchkey().is_ok_and(|latchkey| latchkey.sends_mail());
    let reason = Input {
        name: "reset[reason]",
        longest: Some(200),
        focused: true,
        hint: if sends_mail { "The member reads it too." } else { "It stands in the audit log." }.into(),
        ..Input::default()
    };
    let lead = "For somebody who has lost their phone and their backup codes. First make sure that it is really them.";
    view! {
        <Dialog title=title lead=lead back=Page::Organization small=true>
            <PostForm action=ResetMember::PATH state=state.clone() class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="member" value=member.user_id.to_string()/>
                    <TextField label="Why" input=reason state=state/>
                    <p class="soft">"They are signed out everywhere, and sign in with their password alone until they set it up again."</p>
                </div>
                <DialogFoot back=Page::Organization cancel="Cancel" go="Reset two-factor" weight=Weight::Danger/>
            </PostForm>
        </Dialog>
    }
}

#[component]
fn RemoveDialog(member: MemberView, keys: Vec<AffectedKeyView>, now: Timestamp, state: FormState) -> impl IntoView {
    let title = format!("Remove {}?", member.user.name);
    let (own, shared): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.owner == "user");
    view! {
        <Dialog title=title lead="They lose their place here at once. Their account stays." back=Page::Organization small=true>
            <PostForm action=RemoveMember::PATH state=state class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="member" value=member.user_id.to_string()/>
                    <Keys title="These keys of theirs stop working" keys=own now=now/>
                    <Keys title="For these keys of the organization you become responsible" keys=shared now=now/>
                </div>
                <DialogFoot back=Page::Organization cancel="Keep them" go="Remove" weight=Weight::Danger focused=true/>
            </PostForm>
        </Dialog>
    }
}

#[component]
fn Keys(title: &'static str, keys: Vec<AffectedKeyView>, now: Timestamp) -> impl IntoView {
    let any = !keys.is_empty();
    let rows = keys.into_iter().map(|key| {
        let used = key.last_used_at.map_or_else(
            || view! { "never used" }.into_any(),
            |at| view! { "used "<Moment at=at now=now/> }.into_any(),
        );
        view! { <li><b>{key.name}</b>", "{used}</li> }
    });
    let rows = rows.collect_view();
    any.then(|| view! { <div><p class="label">{title}</p><ul class="affected">{rows}</ul></div> })
}

#[component]
fn LeaveDialog(member: MemberView, state: FormState) -> impl IntoView {
    let lead =
        "You lose your place here, and your own keys here stop working at once. Somebody must invite you to come back.";
    view! {
        <Dialog title="Leave this organization?" lead=lead back=Page::Organization small=true>
            <PostForm action=RemoveMember::PATH state=state class="dialog-form">
                <input type="hidden" name="member" value=member.user_id.to_string()/>
                <DialogFoot back=Page::Organization cancel="Stay" go="Leave" weight=Weight::Danger focused=true/>
            </PostForm>
        </Dialog>
    }
}

fn form(dialog: &'static str, member: &str) -> Form {
    let query = vec![("dialog", dialog.to_owned()), ("member", member.to_owned())];
    Form { query, ..Form::new(dialog, dialog, Page::Organization) }
}

/// Another role, another standing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    role: String,
    place: String,
    /// What stood there: a place that was not changed is not decided anew.
    before: String,
}

/// Changes a member.
#[server(name = ChangeMember, prefix = "/fn", endpoint = "change-member")]
pub async fn change_member(csrf: String, member: String, #[server(default)] change: Change) -> Result<Done, Refusal> {
    let typed = vec![("role", change.role.clone()), ("place", change.place.clone())];
    request::answer(Form { typed, ..form("change", &member) }, async {
        let actor = request::change(&csrf)?;
        let is_active = (change.place != change.before).then_some(change.place == "live");
        let changes = MemberChanges { role: Some(change.role), is_active };
        request::latchkey()?.update_member(&actor, &here(&actor)?, &member, changes).await?;
        said(Said::MemberChanged)
    })
    .await
}

/// Takes a member's place away, or one's own.
#[server(name = RemoveMember, prefix = "/fn", endpoint = "remove-member")]
pub async fn remove_member(csrf: String, member: String) -> Result<Done, Refusal> {
    request::answer(form("remove", &member), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.remove_member(&actor, &here(&actor)?, &member).await?;
        if member == actor.principal().user_id().to_string() {
            request::end_session();
            request::leave_note(Page::Login, Note::Said(Said::SignedOut))?;
            return Ok(Page::Login.path().to_owned());
        }
        said(Said::MemberRemoved)
    })
    .await
}

/// Why a second factor is taken away.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reset {
    reason: String,
}

/// Takes a member's second factor away.
#[server(name = ResetMember, prefix = "/fn", endpoint = "reset-member")]
pub async fn reset_member(csrf: String, member: String, #[server(default)] reset: Reset) -> Result<Done, Refusal> {
    let typed = vec![("reason", reset.reason.clone())];
    request::answer(Form { typed, ..form("reset", &member) }, async {
        let actor = request::change(&csrf)?;
        let why = ResetFactor { reason: Some(reset.reason) };
        request::latchkey()?.reset_member_factor(&actor, &here(&actor)?, &member, why).await?;
        said(Said::FactorReset)
    })
    .await
}
