//! Organizations and their members (contract section 6).

use axum::Json;
use axum::extract::State;
use latchkey::Latchkey;
use latchkey::flow::members::{AffectedKeyView, MemberChanges, MemberView, RemovedView};
use latchkey::flow::organizations::{NewOrganization, OrganizationChanges, OrganizationDetailView};
use latchkey::flow::page::PageQuery;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Answer, Created, Listed, Success};
use super::body::{Body, Id, Ids, Query};
use super::who::By;

/// The person's organizations
///
/// With an API key: the one it acts in.
#[utoipa::path(
    get, path = "/organizations", tag = "Organizations", params(
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
        ("sortBy" = Option<String>, Query, description = "`createdAt` or `name`."),
        ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`."),
    ),
    responses((status = 200, description = "Those they have a live place in.", body = Vec<OrganizationDetailView>, headers(("X-Total-Count" = u64, description = "How many there are in all."))))
)]
pub async fn list_organizations(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Query(query): Query<PageQuery>,
) -> Answer<Listed<OrganizationDetailView>> {
    Ok(Listed(latchkey.my_organizations(&actor, &query).await?))
}

/// Make an organization
///
/// Whoever makes it owns it. Where registration is not open, only landlords may.
#[utoipa::path(
    post, path = "/organizations", tag = "Organizations", request_body = NewOrganization,
    responses(
        (status = 201, description = "Made.", body = OrganizationDetailView),
        (status = 403, description = "`registration_closed`; `insufficient_scope` for an API key."),
    )
)]
pub async fn create_organization(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<NewOrganization>,
) -> Answer<Created<OrganizationDetailView>> {
    Ok(Created(latchkey.create_organization(&actor, input).await?))
}

/// The organization acted in
#[utoipa::path(
    get, path = "/organizations/my-organization", tag = "Organizations",
    responses(
        (status = 200, description = "The organization.", body = OrganizationDetailView),
        (status = 403, description = "`no_organization`: the person belongs to none."),
    )
)]
pub async fn my_organization(State(latchkey): State<Latchkey>, By(actor): By) -> Answer<Json<OrganizationDetailView>> {
    Ok(Json(latchkey.my_organization(&actor).await?))
}

/// One organization
#[utoipa::path(
    get, path = "/organizations/{id}", tag = "Organizations", params(("id" = String, Path, description = "Which one.")),
    responses((status = 200, description = "The organization.", body = OrganizationDetailView))
)]
pub async fn get_organization(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
) -> Answer<Json<OrganizationDetailView>> {
    Ok(Json(latchkey.organization(&actor, &id).await?))
}

/// Change an organization
///
/// What is not named stays.
#[utoipa::path(
    patch, path = "/organizations/{id}", tag = "Organizations", request_body = OrganizationChanges,
    params(("id" = String, Path, description = "Which one.")),
    responses(
        (status = 200, description = "The whole organization.", body = OrganizationDetailView),
        (status = 403, description = "`insufficient_role`: for administrators."),
    )
)]
pub async fn update_organization(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(changes): Body<OrganizationChanges>,
) -> Answer<Json<OrganizationDetailView>> {
    Ok(Json(latchkey.update_organization(&actor, &id, changes).await?))
}

/// Delete an organization
///
/// With its places and keys; its people keep their accounts. For owners, within ten minutes of having shown who
/// they are.
#[utoipa::path(
    delete, path = "/organizations/{id}", tag = "Organizations", params(("id" = String, Path, description = "Which one.")),
    responses(
        (status = 200, description = "Deleted.", body = Success),
        (status = 403, description = "`insufficient_role`: for owners; `reauthentication_required`."),
    )
)]
pub async fn delete_organization(State(latchkey): State<Latchkey>, By(actor): By, Id(id): Id) -> Answer<Json<Success>> {
    latchkey.delete_organization(&actor, &id).await?;
    Ok(Success::json())
}

/// The members
#[utoipa::path(
    get, path = "/organizations/{id}/members", tag = "Organizations", params(
        ("id" = String, Path, description = "Which organization."),
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
        ("sortBy" = Option<String>, Query, description = "`createdAt` or `name`."),
        ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`."),
    ),
    responses((status = 200, description = "Everybody with a place.", body = Vec<MemberView>, headers(("X-Total-Count" = u64, description = "How many there are in all."))))
)]
pub async fn list_members(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Query(query): Query<PageQuery>,
) -> Answer<Listed<MemberView>> {
    Ok(Listed(latchkey.members(&actor, &id, &query).await?))
}

/// Change a member
///
/// Another role, or suspend the place and bring it back. Nobody grants above their own role, owners are for owners, and the
/// last owner stays.
#[utoipa::path(
    patch, path = "/organizations/{id}/members/{userId}", tag = "Organizations", request_body = MemberChanges,
    params(("id" = String, Path, description = "Which organization."), ("userId" = String, Path, description = "Which member.")),
    responses(
        (status = 200, description = "The member, changed.", body = MemberView),
        (status = 403, description = "`insufficient_role`: for administrators, below owners, up to one's own role."),
        (status = 409, description = "`last_owner`: an organization needs an owner."),
    )
)]
pub async fn update_member(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(id, user): Ids,
    Body(changes): Body<MemberChanges>,
) -> Answer<Json<MemberView>> {
    Ok(Json(latchkey.update_member(&actor, &id, &user, changes).await?))
}

/// Remove a member, or leave
///
/// Their own keys end at once, and so do their sessions there. Keys of the organization that they were responsible for go to
/// whoever removes them; of those who leave, to the oldest owner.
#[utoipa::path(
    delete, path = "/organizations/{id}/members/{userId}", tag = "Organizations",
    params(("id" = String, Path, description = "Which organization."), ("userId" = String, Path, description = "Which member.")),
    responses(
        (status = 200, description = "Removed.", body = RemovedView),
        (status = 403, description = "`insufficient_role`: for administrators, and below owners."),
        (status = 409, description = "`last_owner`: an organization needs an owner."),
    )
)]
pub async fn remove_member(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(id, user): Ids,
) -> Answer<Json<RemovedView>> {
    Ok(Json(latchkey.remove_member(&actor, &id, &user).await?))
}

/// The keys that are affected when a member leaves
#[utoipa::path(
    get, path = "/organizations/{id}/members/{userId}/api-keys", tag = "Organizations",
    params(("id" = String, Path, description = "Which organization."), ("userId" = String, Path, description = "Which member.")),
    responses(
        (status = 200, description = "Their own, which end, and those of the organization, which get another responsible person.", body = Vec<AffectedKeyView>),
        (status = 403, description = "`insufficient_role`: for administrators."),
    )
)]
pub async fn member_api_keys(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(id, user): Ids,
) -> Answer<Json<Vec<AffectedKeyView>>> {
    Ok(Json(latchkey.keys_of_member(&actor, &id, &user).await?))
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"success": true, "endedSessions": 2}))]
pub struct RevokedTokensView {
    /// Always true.
    success: bool,
    /// How many.
    #[schema(minimum = 0)]
    ended_sessions: usize,
}

impl RevokedTokensView {
    /// The answer.
    pub fn json(ended_sessions: usize) -> Json<Self> {
        Json(Self { success: true, ended_sessions })
    }
}

/// Revoke a member's tokens
///
/// Ends their sessions that act in this organization, with their tokens; no others.
#[utoipa::path(
    post, path = "/organizations/{id}/members/{userId}/revoke-tokens", tag = "Organizations",
    params(("id" = String, Path, description = "Which organization."), ("userId" = String, Path, description = "Which member.")),
    responses(
        (status = 200, description = "Revoked.", body = RevokedTokensView),
        (status = 403, description = "`insufficient_role`: for administrators, and below owners."),
    )
)]
pub async fn revoke_member_tokens(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(id, user): Ids,
) -> Answer<Json<RevokedTokensView>> {
    Ok(RevokedTokensView::json(latchkey.revoke_member_tokens(&actor, &id, &user).await?))
}
