//! `/invite/{token}`: an invitation, and its endings.

use super::parts::{CLOSED, CleanAddress, Dead};
use crate::components::badge::Tone;
use crate::components::button::SubmitButton;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::note::{FormState, Mailed, Note, Said};
use crate::request::{self, Desk, Done, Form};
use crate::routes::{Page, encoded};
use latchkey::Error;
use latchkey::error::Code;
use latchkey::flow::joining::{Acceptance, Accepted, InvitationPreview};
use latchkey::flow::sign_in::SecretText;
use latchkey::flow::sign_up::SignedUp;
use latchkey::invitation::InvitationState;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// Who somebody is to us who opens an invitation.
enum Guest {
    /// Nobody is signed in, and the address has no account.
    New,
    /// Nobody is signed in, and the address has an account.
    Known,
    /// Signed in with the address it is for.
    Invited,
    /// Signed in with this one instead.
    Other(String),
}

/// What it is, and what can be done with it.
#[component]
pub fn InvitePage() -> impl IntoView {
    super::super::page(async move {
        let actor = request::barred_actor()?;
        let desk = Desk::open(Page::Invite, actor.as_ref())?;
        let Some(token) = request::below(Page::Invite).or_else(|| request::query("token")) else {
            return Ok::<_, Error>(view! { <UnknownPage dead=Dead::Missing/> }.into_any());
        };
        let invitation = match request::latchkey()?.invitation(&request::visitor()?, &token).await {
            Ok(invitation) if invitation.state == InvitationState::Pending => invitation,
            Ok(over) => {
                request::set_status(&Error::Malformed(Code::Gone));
                return Ok(view! { <OverPage over=over/> }.into_any());
            }
            Err(error @ Error::Malformed(Code::InvalidToken)) => {
                request::set_status(&error);
                return Ok(view! { <UnknownPage dead=Dead::Unknown/> }.into_any());
            }
            Err(error) => return Err(error),
        };
        let guest = match actor {
            Some(actor) if actor.principal().email().as_str() == invitation.email => Guest::Invited,
            Some(actor) => Guest::Other(actor.principal().email().to_string()),
            None if invitation.has_account => Guest::Known,
            None => Guest::New,
        };
        let state = desk.form("accept");
        Ok(view! { <OpenPage invitation=invitation guest=guest token=token state=state/> }.into_any())
    })
}

#[component]
fn OpenPage(invitation: InvitationPreview, guest: Guest, token: String, state: FormState) -> impl IntoView {
    let InvitationPreview { organization_name, inviter_name, email, role, .. } = invitation;
    let closed = request::latchkey().is_ok_and(|latchkey| latchkey.registration_is_closed());
    let title = format!("Join {organization_name}");
    let lead = format!("{inviter_name} invites you to join {organization_name} as {}.", role.in_a_sentence());
    let (version, rest) = match guest {
        Guest::New if closed => ("closed", view! { <Notice text=CLOSED tone=Tone::Plain/> }.into_any()),
        Guest::New => ("new", view! { <NewForm email=email token=token state=state/> }.into_any()),
        Guest::Known => ("known", view! { <SignInFirst email=email token=token/> }.into_any()),
        Guest::Invited => ("invited", view! { <JoinForm email=email token=token state=state/> }.into_any()),
        Guest::Other(own) => ("other", view! { <OtherAccount email=email own=own token=token/> }.into_any()),
    };
    view! {
        <CleanAddress path=Page::Invite.path()/>
        <Front title=title lead=lead version=Some(version)>{rest}</Front>
    }
}

/// For somebody new: name and password, and nothing else.
#[component]
fn NewForm(email: String, token: String, state: FormState) -> impl IntoView {
    let name = Input {
        name: "account[name]",
        autocomplete: "name",
        longest: Some(100),
        focused: !state.comes_back(),
        ..Input::default()
    };
    let password = Input::new_password("account[password]");
    view! {
        <PostForm action=AcceptAsNew::PATH state=state.clone()>
            <input type="hidden" name="token" value=token/>
            // For password managers, which keep it beside the new password.
            <input type="email" name="username" value=email.clone() autocomplete="username" readonly hidden/>
            <p class="soft">"Your account will have the address "<b>{email}</b>"."</p>
            <TextField label="Your name" input=name state=state.clone()/>
            <TextField label="Password" input=password state=state/>
            <SubmitButton label="Create account and join" wide=true/>
        </PostForm>
    }
}

#[component]
fn SignInFirst(email: String, token: String) -> impl IntoView {
    let here = here(&token);
    let login = Page::Login.with(&[("next", &here)]);
    view! {
        <p class="soft">"The address "<b>{email}</b>" has an account here. Sign in to it, then you can join."</p>
        <a class="button button-primary button-wide" href=login>"Sign in to join"</a>
    }
}

#[component]
fn JoinForm(email: String, token: String, state: FormState) -> impl IntoView {
    view! {
        <PostForm action=Accept::PATH state=state>
            <input type="hidden" name="token" value=token/>
            <p class="soft">"You are signed in as "<b>{email}</b>"."</p>
            <SubmitButton label="Join" wide=true/>
        </PostForm>
    }
}

#[component]
fn OtherAccount(email: String, own: String, token: String) -> impl IntoView {
    let words = format!("This invitation is for {email}, and you are signed in as {own}.");
    view! {
        <Notice text=words tone=Tone::Warn/>
        <PostForm action=LeaveForInvitation::PATH ends_session=true>
            <input type="hidden" name="token" value=token/>
            <SubmitButton label="Sign out and go on" wide=true/>
        </PostForm>
        <a class="button button-wide" href=Page::FIRST.path()>"Stay signed in"</a>
    }
}

/// An invitation that can be accepted no longer.
#[component]
fn OverPage(over: InvitationPreview) -> impl IntoView {
    let InvitationPreview { inviter_name, organization_name, .. } = over;
    let (title, lead) = match over.state {
        InvitationState::Accepted => (
            "This invitation was accepted",
            format!("It works once, and that was it. Sign in to act in {organization_name}."),
        ),
        InvitationState::Withdrawn => (
            "This invitation was withdrawn",
            format!("Ask {inviter_name} of {organization_name} if you think that is a mistake."),
        ),
        InvitationState::Expired | InvitationState::Pending => {
            ("This invitation has expired", format!("Ask {inviter_name} of {organization_name} to send it again."))
        }
    };
    view! { <Ending title=title lead=lead/> }
}

/// No invitation: the address holds no token, or one that was never given out or was replaced by a newer.
#[component]
fn UnknownPage(dead: Dead) -> impl IntoView {
    let title = if matches!(dead, Dead::Missing) { dead.title() } else { "This invitation is not valid" };
    view! { <Ending title=title lead=dead.lead(false)/> }
}

#[component]
fn Ending(title: &'static str, lead: String) -> impl IntoView {
    view! {
        <CleanAddress path=Page::Invite.path()/>
        <Front title=title lead=lead>
            <a class="button button-wide" href=Page::Login.path()>"Go to sign-in"</a>
        </Front>
    }
}

fn here(token: &str) -> String {
    format!("{}/{}", Page::Invite.path(), encoded(token))
}

/// A form of this page; refused, it leads back to the same invitation.
fn form(token: &str) -> Form {
    Form { query: vec![("token", token.to_owned())], ..Form::new("accept", "account", Page::Invite) }
}

/// Whether a refusal is for the page to explain: the invitation ended while the form was open.
fn is_over(error: &Error) -> bool {
    matches!(error, Error::Malformed(Code::Gone | Code::InvalidToken) | Error::Forbidden(Code::InvitationForAnother))
}

/// What somebody new says of themselves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewAccount {
    name: String,
    #[serde(skip_serializing)]
    password: SecretText,
}

/// Accepts as somebody new.
#[server(name = AcceptAsNew, prefix = "/fn", endpoint = "accept-as-new")]
pub async fn accept_as_new(csrf: String, token: String, account: NewAccount) -> Result<Done, Refusal> {
    let NewAccount { name, password } = account;
    let form = Form { typed: vec![("name", name.clone())], ..form(&token) };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let with = Acceptance { name: Some(name), password: Some(password) };
        let made = request::begin_session(async |latchkey, opening| {
            latchkey.accept_invitation(&visitor, &token, with, opening).await
        });
        match made.await {
            Err(error) if is_over(&error) => Ok(here(&token)),
            Err(error) => Err(error),
            Ok(Accepted::SignedUp(SignedUp::ToVerify(email))) => {
                request::keep_mailed(Page::VerifyEmail, Mailed { email: email.to_string(), ..Mailed::default() })?;
                Ok(Page::VerifyEmail.path().to_owned())
            }
            Ok(joined) => {
                request::leave_note(Page::FIRST, Note::Said(Said::Joined))?;
                Ok(request::way_on(&joined, None))
            }
        }
    })
    .await
}

/// Accepts as somebody who is signed in.
#[server(name = Accept, prefix = "/fn", endpoint = "accept")]
pub async fn accept(csrf: String, token: String) -> Result<Done, Refusal> {
    request::answer(form(&token), async {
        let actor = request::barred_change(&csrf)?;
        match request::latchkey()?.accept_invitation_as(&actor, &token).await {
            Err(error) if is_over(&error) => Ok(here(&token)),
            Err(error) => Err(error),
            Ok(joined) => {
                request::keep_session(&joined);
                request::leave_note(Page::FIRST, Note::Said(Said::Joined))?;
                Ok(request::way_on(&joined, None))
            }
        }
    })
    .await
}

/// Signs out, and comes back to the invitation.
#[server(name = LeaveForInvitation, prefix = "/fn", endpoint = "leave-for-invitation")]
pub async fn leave_for_invitation(csrf: String, token: String) -> Result<Done, Refusal> {
    request::answer(form(&token), async {
        let actor = request::barred_change(&csrf)?;
        request::latchkey()?.sign_out(&actor).await?;
        request::end_session();
        Ok(here(&token))
    })
    .await
}
