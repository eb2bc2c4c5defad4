//! What is done with a tenant, each in a dialog, and the addresses that they post to.

use super::tenants::{invited, said};
use crate::components::button::Weight;
use crate::components::dialog::{Dialog, DialogFoot};
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Said};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::flow::landlord::{NewSuperuser, TenantChanges, TenantView};
use latchkey::{Actor, Error, Latchkey};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// The dialog that the address asks for.
pub async fn open(actor: &Actor, desk: &Desk) -> Result<Option<AnyView>, Error> {
    let (Some(dialog), Some(wanted)) = (request::query("dialog"), request::query("tenant")) else { return Ok(None) };
    let tenant = match request::latchkey()?.tenant_by_id(actor, &wanted).await {
        Err(Error::NotFound) => return Ok(None),
        found => found?,
    };
    Ok(Some(match dialog.as_str() {
        "suspend" => view! { <SuspendDialog tenant=tenant state=desk.form("suspend")/> }.into_any(),
        "invite" => view! { <InviteDialog tenant=tenant state=desk.form("owner")/> }.into_any(),
        "sign-out" => view! { <SignOutDialog tenant=tenant state=desk.form("sign-out-tenant")/> }.into_any(),
        _ => return Ok(None),
    }))
}

#[component]
fn SuspendDialog(tenant: TenantView, state: FormState) -> impl IntoView {
    let title = format!("Suspend {}?", tenant.name);
    let lead = "Nobody signs in, and its sessions and API keys are refused, until you resume it. Nothing is deleted.";
    let reason = Input {
        name: "suspend[reason]",
        optional: true,
        longest: Some(200),
        focused: true,
        hint: "Its administrators read it in their audit log.".into(),
        ..Input::default()
    };
    view! {
        <Dialog title=title lead=lead back=Page::Landlord small=true>
            <PostForm action=SuspendTenant::PATH state=state.clone() class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="tenant" value=tenant.id.to_string()/>
                    <TextField label="Reason" input=reason state=state/>
                </div>
                <DialogFoot back=Page::Landlord cancel="Cancel" go="Suspend" weight=Weight::Danger/>
            </PostForm>
        </Dialog>
    }
}

#[component]
fn InviteDialog(tenant: TenantView, state: FormState) -> impl IntoView {
    let title = format!("Invite an owner of {}", tenant.name);
    let email = Input { name: "owner[email]", kind: "email", focused: true, ..Input::default() };
    let latchkey = request::latchkey().ok();
    let life = latchkey.as_ref().map(|latchkey| format::duration(latchkey.settings().links.invitation));
    let life = life.unwrap_or_default();
    let (lead, go) = if latchkey.as_ref().is_some_and(Latchkey::sends_mail) {
        (format!("They get a link by mail. It works once, for {life}."), "Send invitation")
    } else {
        (format!("Mail is not configured: you get a link to hand over. It works once, for {life}."), "Make a link")
    };
    view! {
        <Dialog title=title lead=lead back=Page::Landlord small=true>
            <PostForm action=InviteOwner::PATH state=state.clone() class="dialog-form">
                <div class="dialog-body">
                    <input type="hidden" name="tenant" value=tenant.id.to_string()/>
                    <TextField label="Email" input=email state=state/>
                </div>
                <DialogFoot back=Page::Landlord cancel="Cancel" go=go/>
            </PostForm>
        </Dialog>
    }
}

#[component]
fn SignOutDialog(tenant: TenantView, state: FormState) -> impl IntoView {
    let title = format!("Sign everybody in {} out?", tenant.name);
    let lead = "Every session that acts there ends, with its tokens. They can sign in again. API keys go on.";
    view! {
        <Dialog title=title lead=lead back=Page::Landlord small=true>
            <PostForm action=SignOutTenant::PATH state=state class="dialog-form">
                <input type="hidden" name="tenant" value=tenant.id.to_string()/>
                <DialogFoot back=Page::Landlord cancel="Cancel" go="Sign everybody out" weight=Weight::Danger focused=true/>
            </PostForm>
        </Dialog>
    }
}

fn form(dialog: &'static str, name: &'static str, group: &'static str, tenant: &str) -> Form {
    let query = vec![("dialog", dialog.to_owned()), ("tenant", tenant.to_owned())];
    Form { query, ..Form::new(name, group, Page::Landlord) }
}

/// Why a tenant is suspended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Suspension {
    reason: String,
}

/// Suspends a tenant.
#[server(name = SuspendTenant, prefix = "/fn", endpoint = "suspend-tenant")]
pub async fn suspend_tenant(
    csrf: String,
    tenant: String,
    #[server(default)] suspend: Suspension,
) -> Result<Done, Refusal> {
    let typed = vec![("reason", suspend.reason.clone())];
    request::answer(Form { typed, ..form("suspend", "suspend", "suspend", &tenant) }, async {
        let actor = request::change(&csrf)?;
        let changes = TenantChanges { status: Some("suspended".to_owned()), reason: Some(suspend.reason) };
        request::latchkey()?.update_tenant(&actor, &tenant, changes).await?;
        said(Said::TenantSuspended)
    })
    .await
}

/// Whom to invite.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    email: String,
}

/// Invites another owner of a tenant.
#[server(name = InviteOwner, prefix = "/fn", endpoint = "invite-owner")]
pub async fn invite_owner(csrf: String, tenant: String, #[server(default)] owner: Owner) -> Result<Done, Refusal> {
    let typed = vec![("email", owner.email.clone())];
    request::answer(Form { typed, ..form("invite", "owner", "owner", &tenant) }, async {
        let actor = request::change(&csrf)?;
        let input = NewSuperuser { email: Some(owner.email), organization_id: Some(tenant), organization_name: None };
        invited(Box::pin(request::latchkey()?.invite_superuser(&actor, input)).await?)
    })
    .await
}

/// Ends every session that acts in a tenant.
#[server(name = SignOutTenant, prefix = "/fn", endpoint = "sign-out-tenant")]
pub async fn sign_out_tenant(csrf: String, tenant: String) -> Result<Done, Refusal> {
    request::answer(form("sign-out", "sign-out-tenant", "tenant", &tenant), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.revoke_tenant_tokens(&actor, &tenant).await?;
        said(Said::TenantSignedOut)
    })
    .await
}
