//! What landlords do (contract section 6).

use axum::Json;
use axum::extract::State;
use latchkey::Latchkey;
use latchkey::flow::landlord::{
    AccountView, NewSuperuser, NewTenant, SuperuserView, TenantChanges, TenantQuery, TenantView, UserChanges,
};

use super::answer::{Answer, Created, Listed};
use super::body::{Body, Id, Query};
use super::organizations::RevokedTokensView;
use super::who::By;

/// The tenants
///
/// Names, counts and standing; nothing that they keep.
#[utoipa::path(
    get, path = "/landlord/tenants", tag = "Landlord", params(
        ("search" = Option<String>, Query, description = "Only those whose name or slug holds this."),
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
        ("sortBy" = Option<String>, Query, description = "`createdAt` or `name`."),
        ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`."),
    ),
    responses(
        (status = 200, description = "All of them.", body = Vec<TenantView>, headers(("X-Total-Count" = u64, description = "How many there are in all."))),
        (status = 403, description = "`insufficient_role`: for landlords."),
    )
)]
pub async fn list_tenants(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Query(query): Query<TenantQuery>,
) -> Answer<Listed<TenantView>> {
    Ok(Listed(latchkey.tenants(&actor, &query).await?))
}

/// Open a tenant
///
/// Nobody belongs to it yet: invite who is to own it.
#[utoipa::path(
    post, path = "/landlord/tenants", tag = "Landlord", request_body = NewTenant,
    responses(
        (status = 201, description = "Opened.", body = TenantView),
        (status = 403, description = "`insufficient_role`: for landlords."),
    )
)]
pub async fn create_tenant(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<NewTenant>,
) -> Answer<Created<TenantView>> {
    Ok(Created(latchkey.create_tenant(&actor, input).await?))
}

/// Suspend a tenant, or resume it
///
/// Suspended, nobody signs in to it, and its tokens and keys are refused: here at once, on other nodes within a second.
/// Resumed, they work again.
#[utoipa::path(
    patch, path = "/landlord/tenants/{id}", tag = "Landlord", request_body = TenantChanges,
    params(("id" = String, Path, description = "Which tenant.")),
    responses(
        (status = 200, description = "The tenant, changed.", body = TenantView),
        (status = 403, description = "`insufficient_role`: for landlords."),
    )
)]
pub async fn update_tenant(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(changes): Body<TenantChanges>,
) -> Answer<Json<TenantView>> {
    Ok(Json(latchkey.update_tenant(&actor, &id, changes).await?))
}

/// Invite who is to own a tenant
///
/// By address alone: they open the link, choose a password, and are OWNER. With `organizationName` the tenant is opened by the
/// same call.
#[utoipa::path(
    post, path = "/landlord/superusers", tag = "Landlord", request_body = NewSuperuser,
    responses(
        (status = 201, description = "Invited.", body = SuperuserView),
        (status = 403, description = "`insufficient_role`: for landlords."),
        (status = 404, description = "`not_found`: there is no such tenant."),
        (status = 409, description = "`already_member`."),
    )
)]
pub async fn invite_superuser(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<NewSuperuser>,
) -> Answer<Created<SuperuserView>> {
    Ok(Created(latchkey.invite_superuser(&actor, input).await?))
}

/// Revoke a tenant's tokens
///
/// Ends every session that acts in it, with its tokens. API keys stay; suspending the tenant stops them.
#[utoipa::path(
    post, path = "/landlord/tenants/{id}/revoke-tokens", tag = "Landlord", params(("id" = String, Path, description = "Which tenant.")),
    responses(
        (status = 200, description = "Revoked.", body = RevokedTokensView),
        (status = 403, description = "`insufficient_role`: for landlords."),
    )
)]
pub async fn revoke_tenant_tokens(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
) -> Answer<Json<RevokedTokensView>> {
    Ok(RevokedTokensView::json(latchkey.revoke_tenant_tokens(&actor, &id).await?))
}

/// Switch an account off, or on again
///
/// Off, nobody signs in to it, and its sessions and personal keys are refused: here at once, on other nodes within a second.
#[utoipa::path(
    patch, path = "/landlord/users/{id}", tag = "Landlord", request_body = UserChanges,
    params(("id" = String, Path, description = "Whose.")),
    responses(
        (status = 200, description = "The account, changed.", body = AccountView),
        (status = 403, description = "`insufficient_role`: for landlords, and not one's own."),
    )
)]
pub async fn update_user(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(changes): Body<UserChanges>,
) -> Answer<Json<AccountView>> {
    Ok(Json(latchkey.update_user(&actor, &id, changes).await?))
}

/// Revoke somebody's tokens
///
/// Ends every session of theirs, with its tokens, and the trust in their devices.
#[utoipa::path(
    post, path = "/landlord/users/{id}/revoke-tokens", tag = "Landlord", params(("id" = String, Path, description = "Whose.")),
    responses(
        (status = 200, description = "Revoked.", body = RevokedTokensView),
        (status = 403, description = "`insufficient_role`: for landlords."),
    )
)]
pub async fn revoke_user_tokens(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
) -> Answer<Json<RevokedTokensView>> {
    Ok(RevokedTokensView::json(latchkey.revoke_user_tokens(&actor, &id).await?))
}
