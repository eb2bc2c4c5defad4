//! The tenants: opened, looked through, and what can be done with each.

use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{LinkButton, SubmitButton, Weight};
use crate::components::field::{Input, TextField};
use crate::components::form::{ActionButton, PostForm};
use crate::components::icon::Icon;
use crate::components::pager::{Pager, Part};
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Note, Said};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::flow::landlord::{NewSuperuser, SuperuserView, TenantChanges, TenantView};
use latchkey::flow::page::Page as Found;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// How many tenants stand on one page.
pub const ON_A_PAGE: u32 = 50;

/// Opens a tenant by inviting its owner, and lists those there are.
#[component]
pub fn TenantsCard(
    /// Those of this part of the list.
    found: Found<TenantView>,
    /// Which part.
    part: Part,
    /// What their names hold.
    search: String,
    /// What came of the form before.
    state: FormState,
) -> impl IntoView {
    let name = Input { name: "superuser[organizationName]", longest: Some(120), ..Input::default() };
    let email = Input { name: "superuser[email]", kind: "email", ..Input::default() };
    let opened = state.comes_back();
    let (total, query) = (found.total, vec![("search", search.clone())]);
    let rows = found.items.into_iter().map(|tenant| view! { <TenantRow tenant=tenant/> }).collect_view();
    view! {
        <section class="card">
            <div class="card-section">
                <h2>"Tenants"</h2>
                <details class="more" open=opened>
                    <summary>"Open a tenant"</summary>
                    <PostForm action=OpenTenant::PATH state=state.clone() class="stack card-section-narrow">
                        <TextField label="Name of the tenant" input=name state=state.clone()/>
                        <TextField label="Email of its owner" input=email state=state/>
                        <p class="hint">"Whoever owns it gets a link, chooses a password, and takes it from there."</p>
                        <div class="card-foot"><SubmitButton label="Open and invite"/></div>
                    </PostForm>
                </details>
                <form method="get" action=Page::Landlord.path() class="tenant-search" role="search">
                    <input class="input" type="search" name="search" value=search aria-label="Search tenants" placeholder="Search tenants"/>
                </form>
            </div>
            // What is typed above stays while this is exchanged.
            <div id="tenants" data-region="">
                <p class="card-section soft" data-announce="" tabindex="-1">{counted(total)}</p>
                <ul class="session-list" aria-label="Tenants">{rows}</ul>
                <Pager page=Page::Landlord query=query part=part total=total/>
            </div>
        </section>
    }
}

fn counted(total: i64) -> String {
    format::counted(u64::try_from(total).unwrap_or_default(), "organization")
}

#[component]
fn TenantRow(tenant: TenantView) -> impl IntoView {
    let suspended = tenant.suspended_at.is_some();
    let (word, tone) = if suspended { ("Suspended", Tone::Bad) } else { ("Active", Tone::Good) };
    let count = |number: i64, one: &str| format::counted(u64::try_from(number).unwrap_or_default(), one);
    let facts = [
        count(tenant.member_count, "member"),
        count(tenant.api_key_count, "API key"),
        count(tenant.pending_invitations, "open invitation"),
    ];
    let (id, name) = (tenant.id.to_string(), tenant.name);
    let dialog = |dialog: &'static str, label: &'static str, weight: Weight| {
        let href = Page::Landlord.with(&[("dialog", dialog), ("tenant", &id)]);
        view! { <LinkButton href=href label=label weight=weight id=format!("{dialog}-{id}") about=name.clone()/> }
    };
    let standing = if suspended {
        let about = name.clone();
        view! { <ActionButton action=ResumeTenant::PATH name="tenant" value=id.clone() label="Resume" weight=Weight::Quiet about=about/> }
            .into_any()
    } else {
        dialog("suspend", "Suspend", Weight::QuietBad).into_any()
    };
    view! {
        <li class="member">
            <Icon name="people"/>
            <div>
                <p class="row"><b>{name.clone()}</b><StateBadge text=word tone=tone/></p>
                <p class="hint">{facts.join(" · ")}{tenant.contact_email.map(|email| format!(" · {email}"))}</p>
                <div class="member-actions">
                    {dialog("invite", "Invite an owner", Weight::Quiet)}
                    {dialog("sign-out", "Sign everybody out", Weight::Quiet)}
                    {standing}
                </div>
            </div>
        </li>
    }
}

/// A new tenant, and who is to own it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Superuser {
    organization_name: String,
    email: String,
}

/// Opens a tenant, and invites who is to own it.
#[server(name = OpenTenant, prefix = "/fn", endpoint = "open-tenant")]
pub async fn open_tenant(csrf: String, #[server(default)] superuser: Superuser) -> Result<Done, Refusal> {
    let Superuser { organization_name, email } = superuser;
    let typed = vec![("organizationName", organization_name.clone()), ("email", email.clone())];
    request::answer(Form { typed, ..Form::new("superuser", "superuser", Page::Landlord) }, async {
        let actor = request::change(&csrf)?;
        let input =
            NewSuperuser { email: Some(email), organization_id: None, organization_name: Some(organization_name) };
        invited(Box::pin(request::latchkey()?.invite_superuser(&actor, input)).await?)
    })
    .await
}

/// Resumes a tenant.
#[server(name = ResumeTenant, prefix = "/fn", endpoint = "resume-tenant")]
pub async fn resume_tenant(csrf: String, tenant: String) -> Result<Done, Refusal> {
    request::answer(Form::new("tenant", "tenant", Page::Landlord), async {
        let actor = request::change(&csrf)?;
        let changes = TenantChanges { status: Some("active".to_owned()), reason: None };
        request::latchkey()?.update_tenant(&actor, &tenant, changes).await?;
        said(Said::TenantResumed)
    })
    .await
}

/// Back to the page, which says that the invitation is on its way, or shows its link where it is not.
pub fn invited(made: SuperuserView) -> Result<String, latchkey::Error> {
    let Some(link) = made.link else { return said(Said::Invited) };
    request::leave_note(Page::Landlord, Note::InvitationLink { email: made.invitation.email, link })?;
    Ok(Page::Landlord.path().to_owned())
}

/// Back to the page, which says that something is done.
pub fn said(said: Said) -> Result<String, latchkey::Error> {
    request::leave_note(Page::Landlord, Note::Said(said))?;
    Ok(Page::Landlord.path().to_owned())
}
