//! Who is invited by mail.

use super::{here, roles, said};
use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::field::{Input, SelectField, TextField};
use crate::components::form::{ActionButton, PostForm};
use crate::components::icon::Icon;
use crate::components::time::Moment;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Note, Said};
use crate::pages::settings::profile::role_words;
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::invitations::{InvitationView, NewInvitation};
use latchkey::member::Role;
use latchkey::{Actor, Error, Latchkey};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// The form, and the list.
#[component]
pub fn InvitationsCard(
    /// The newest.
    invited: Vec<InvitationView>,
    /// What whoever looks at it is.
    role: Role,
    /// When the page was made.
    now: Timestamp,
    /// What came of the form before.
    state: FormState,
) -> impl IntoView {
    let latchkey = request::latchkey().ok();
    let sends_mail = latchkey.as_ref().is_some_and(Latchkey::sends_mail);
    let life = latchkey.map(|latchkey| format::duration(latchkey.settings().links.invitation)).unwrap_or_default();
    let email = Input { name: "invite[email]", kind: "email", ..Input::default() };
    let (lead, label) = if sends_mail {
        (format!("A link goes to their address. It works once, for {life}."), "Send invitation")
    } else {
        (format!("Mail is not configured: you get a link to hand over. It works once, for {life}."), "Make a link")
    };
    let rows = invited.into_iter().map(|one| {
        let reaches = role.may_invite(one.role);
        view! { <InvitationRow invitation=one now=now reaches=reaches sends_mail=sends_mail/> }
    });
    let rows = rows.collect_view();
    view! {
        <section class="card" id="invitations" data-region="">
            <div class="card-section">
                <header>
                    <h2 tabindex="-1">"Invite people"</h2>
                    <p class="soft">{lead}</p>
                </header>
                <PostForm action=Invite::PATH state=state.clone() class="stack card-section-narrow">
                    <TextField label="Email" input=email state=state.clone()/>
                    <SelectField label="Role" name="invite[role]" options=roles(|other| role.may_invite(other)) first="MEMBER" state=state/>
                    <div class="card-foot"><SubmitButton label=label/></div>
                </PostForm>
            </div>
            <ul class="session-list" aria-label="Invitations">{rows}</ul>
        </section>
    }
}

#[component]
fn InvitationRow(invitation: InvitationView, now: Timestamp, reaches: bool, sends_mail: bool) -> impl IntoView {
    let (word, tone) = match invitation.status {
        "pending" => ("Waiting", Tone::Plain),
        "accepted" => ("Accepted", Tone::Good),
        "expired" => ("Expired", Tone::Warn),
        _ => ("Withdrawn", Tone::Bad),
    };
    let open = reaches && matches!(invitation.status, "pending" | "expired");
    let (id, about) = (invitation.id.to_string(), format!("for {}", invitation.email));
    let button = |action: &'static str, label: &'static str, weight: Weight| {
        let (id, about) = (id.clone(), about.clone());
        view! { <ActionButton action=action name="invitation" value=id label=label weight=weight about=about/> }
    };
    let actions = open.then(|| {
        view! {
            <div class="member-actions">
                {sends_mail.then(|| button(ResendInvitation::PATH, "Send again", Weight::Quiet))}
                {button(ShowInvitation::PATH, "Show a link", Weight::Quiet)}
                {button(WithdrawInvitation::PATH, "Withdraw", Weight::QuietBad)}
            </div>
        }
    });
    let when = match (invitation.status, invitation.accepted_at) {
        (_, Some(at)) => view! { "accepted "<Moment at=at now=now/> }.into_any(),
        ("pending", _) => view! { "ends "<Moment at=invitation.expires_at now=now/> }.into_any(),
        _ => view! { "sent "<Moment at=invitation.sent_at now=now/> }.into_any(),
    };
    view! {
        <li class="member">
            <Icon name="mail"/>
            <div>
                <p class="row"><b>{invitation.email.clone()}</b><StateBadge text=word tone=tone/></p>
                <p class="hint">
                    {role_words(invitation.role.as_str())}" · by "{invitation.inviter_name.clone()}" · "{when}
                </p>
                {actions}
            </div>
        </li>
    }
}

/// Whom to invite.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Invited {
    email: String,
    role: String,
}

/// Invites somebody; where no mail can be sent, shows the link.
#[server(name = Invite, prefix = "/fn", endpoint = "invite")]
pub async fn invite(csrf: String, #[server(default)] invite: Invited) -> Result<Done, Refusal> {
    let typed = vec![("email", invite.email.clone()), ("role", invite.role.clone())];
    request::answer(Form { typed, ..Form::new("invite", "invite", Page::Organization) }, async {
        let actor = request::change(&csrf)?;
        let latchkey = request::latchkey()?;
        let input = NewInvitation { email: Some(invite.email), role: Some(invite.role) };
        let made = latchkey.invite(&actor, &here(&actor)?, input).await?;
        if latchkey.sends_mail() { said(Said::Invited) } else { show_link(&actor, &made.id.to_string()).await }
    })
    .await
}

async fn show_link(actor: &Actor, id: &str) -> Result<String, Error> {
    let shown = request::latchkey()?.show_invitation_link(actor, &here(actor)?, id).await?;
    request::leave_note(Page::Organization, Note::InvitationLink { email: shown.email, link: shown.link })?;
    Ok(Page::Organization.path().to_owned())
}

/// Mails an invitation again.
#[server(name = ResendInvitation, prefix = "/fn", endpoint = "resend-invitation")]
pub async fn resend_invitation(csrf: String, invitation: String) -> Result<Done, Refusal> {
    request::answer(Form::new("invite", "invite", Page::Organization), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.resend_invitation(&actor, &here(&actor)?, &invitation).await?;
        said(Said::InvitedAgain)
    })
    .await
}

/// Shows a new link of an invitation.
#[server(name = ShowInvitation, prefix = "/fn", endpoint = "show-invitation")]
pub async fn show_invitation(csrf: String, invitation: String) -> Result<Done, Refusal> {
    request::answer(Form::new("invite", "invite", Page::Organization), async {
        let actor = request::change(&csrf)?;
        show_link(&actor, &invitation).await
    })
    .await
}

/// Withdraws an invitation.
#[server(name = WithdrawInvitation, prefix = "/fn", endpoint = "withdraw-invitation")]
pub async fn withdraw_invitation(csrf: String, invitation: String) -> Result<Done, Refusal> {
    request::answer(Form::new("invite", "invite", Page::Organization), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.withdraw_invitation(&actor, &here(&actor)?, &invitation).await?;
        said(Said::InvitationWithdrawn)
    })
    .await
}
