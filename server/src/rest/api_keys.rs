//! API keys (contract section 5).

use axum::Json;
use axum::extract::State;
use latchkey::Latchkey;
use latchkey::flow::api_key_use::{CallView, KeyStatsView};
use latchkey::flow::api_keys::{
    KeyChanges, KeyView, ListKeys, NewKey, NewKeyView, RegenerateKey, RevokeKey, TestedKeyView,
};
use latchkey::flow::page::PageQuery;

use super::answer::{Answer, Created, Listed, Success};
use super::body::{Body, Id, Query};
use super::who::By;

/// Make a key
///
/// The answer is the only time the key is shown.
#[utoipa::path(
    post, path = "/api-keys", tag = "API keys", request_body = NewKey,
    responses(
        (status = 201, description = "Made.", body = NewKeyView),
        (status = 403, description = "`insufficient_role` or `insufficient_scope`; `reauthentication_required`: with the scope `admin` the person must have shown a short while ago who they are."),
        (status = 404, description = "One of `organizationIds` is not the person's."),
    )
)]
pub async fn create_api_key(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<NewKey>,
) -> Answer<Created<NewKeyView>> {
    Ok(Created(latchkey.create_api_key(&actor, input).await?))
}

/// The keys one may manage
///
/// One's own; from ADMIN up, all of the organization.
#[utoipa::path(
    get, path = "/api-keys", tag = "API keys",
    params(
        ("status" = Option<String>, Query, description = "ACTIVE, ROTATING, INACTIVE, EXPIRED or REVOKED.", example = "ACTIVE"),
        ("search" = Option<String>, Query, description = "Part of a name, or the beginning of a key."),
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
        ("sortBy" = Option<String>, Query, description = "createdAt, name or lastUsedAt.", example = "name"),
        ("sortOrder" = Option<String>, Query, description = "asc or desc.", example = "asc"),
    ),
    responses((status = 200, description = "A page of them.", body = Vec<KeyView>,
        headers(("X-Total-Count" = u64, description = "How many there are in all."))))
)]
pub async fn list_api_keys(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Query(query): Query<ListKeys>,
) -> Answer<Listed<KeyView>> {
    Ok(Listed(latchkey.list_api_keys(&actor, &query).await?))
}

/// One key
#[utoipa::path(
    get, path = "/api-keys/{id}", tag = "API keys", params(("id" = String, Path, description = "Which key.")),
    responses((status = 200, description = "The key, without its secret.", body = KeyView))
)]
pub async fn get_api_key(State(latchkey): State<Latchkey>, By(actor): By, Id(id): Id) -> Answer<Json<KeyView>> {
    Ok(Json(latchkey.api_key(&actor, &id).await?))
}

/// Change a key
///
/// What is not named stays.
#[utoipa::path(
    patch, path = "/api-keys/{id}", tag = "API keys", request_body = KeyChanges,
    params(("id" = String, Path, description = "Which key.")),
    responses(
        (status = 200, description = "The key, changed.", body = KeyView),
        (status = 403, description = "`insufficient_role` or `insufficient_scope`; `reauthentication_required`: with the scope `admin` the person must have shown a short while ago who they are."),
        (status = 409, description = "`key_not_usable`: it has been revoked."),
    )
)]
pub async fn update_api_key(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(changes): Body<KeyChanges>,
) -> Answer<Json<KeyView>> {
    Ok(Json(latchkey.update_api_key(&actor, &id, changes).await?))
}

/// Delete a key with all that is known of it
#[utoipa::path(
    delete, path = "/api-keys/{id}", tag = "API keys", params(("id" = String, Path, description = "Which key.")),
    responses((status = 200, description = "Deleted.", body = Success))
)]
pub async fn delete_api_key(State(latchkey): State<Latchkey>, By(actor): By, Id(id): Id) -> Answer<Json<Success>> {
    latchkey.delete_api_key(&actor, &id).await?;
    Ok(Success::json())
}

/// End a key for good, at once
#[utoipa::path(
    post, path = "/api-keys/{id}/revoke", tag = "API keys", request_body = Option<RevokeKey>,
    params(("id" = String, Path, description = "Which key.")),
    responses((status = 200, description = "The key, ended.", body = KeyView))
)]
pub async fn revoke_api_key(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(input): Body<RevokeKey>,
) -> Answer<Json<KeyView>> {
    Ok(Json(latchkey.revoke_api_key(&actor, &id, input).await?))
}

/// Give a key a new secret
///
/// Everything else stays. The present secret works on for the overlap, never past the key's own end.
#[utoipa::path(
    post, path = "/api-keys/{id}/regenerate", tag = "API keys", request_body = Option<RegenerateKey>,
    params(("id" = String, Path, description = "Which key.")),
    responses(
        (status = 200, description = "The new secret, shown once.", body = NewKeyView),
        (status = 403, description = "`insufficient_role` or `insufficient_scope`; `reauthentication_required`: with the scope `admin` the person must have shown a short while ago who they are."),
        (status = 409, description = "`key_not_usable`: it has been revoked."),
    )
)]
pub async fn regenerate_api_key(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(input): Body<RegenerateKey>,
) -> Answer<Json<NewKeyView>> {
    Ok(Json(latchkey.regenerate_api_key(&actor, &id, input).await?))
}

/// End the overlap of a renewed key ahead of its time
#[utoipa::path(
    post, path = "/api-keys/{id}/end-overlap", tag = "API keys", params(("id" = String, Path, description = "Which key.")),
    responses(
        (status = 200, description = "The key; the secret before works no longer.", body = KeyView),
        (status = 409, description = "`key_not_usable`: there is no overlap."),
    )
)]
pub async fn end_api_key_overlap(State(latchkey): State<Latchkey>, By(actor): By, Id(id): Id) -> Answer<Json<KeyView>> {
    Ok(Json(latchkey.end_key_overlap(&actor, &id).await?))
}

/// Say that the unusual use of a key was expected
///
/// What `unusualUse` shows is dismissed. Of networks and programs that are known now nothing more is told.
#[utoipa::path(
    post, path = "/api-keys/{id}/dismiss-unusual-use", tag = "API keys",
    params(("id" = String, Path, description = "Which key.")),
    responses((status = 200, description = "The key; nothing is unusual about it.", body = KeyView))
)]
pub async fn dismiss_unusual_use(State(latchkey): State<Latchkey>, By(actor): By, Id(id): Id) -> Answer<Json<KeyView>> {
    Ok(Json(latchkey.dismiss_unusual_use(&actor, &id).await?))
}

/// Recent calls of a key
#[utoipa::path(
    get, path = "/api-keys/{id}/usage", tag = "API keys",
    params(
        ("id" = String, Path, description = "Which key."),
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
    ),
    responses((status = 200, description = "Newest first; up to a minute behind.", body = Vec<CallView>,
        headers(("X-Total-Count" = u64, description = "How many there are in all."))))
)]
pub async fn api_key_usage(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Query(page): Query<PageQuery>,
) -> Answer<Listed<CallView>> {
    Ok(Listed(latchkey.api_key_calls(&actor, &id, &page).await?))
}

/// How much a key was used
#[utoipa::path(
    get, path = "/api-keys/{id}/stats", tag = "API keys", params(("id" = String, Path, description = "Which key.")),
    responses((status = 200, description = "Totals; up to a minute behind.", body = KeyStatsView))
)]
pub async fn api_key_stats(State(latchkey): State<Latchkey>, By(actor): By, Id(id): Id) -> Answer<Json<KeyStatsView>> {
    Ok(Json(latchkey.api_key_stats(&actor, &id).await?))
}

/// How much all keys of the organization were used
///
/// For ADMIN and up.
#[utoipa::path(
    get, path = "/api-keys/stats", tag = "API keys",
    responses((status = 200, description = "Totals; up to a minute behind.", body = KeyStatsView))
)]
pub async fn organization_api_key_stats(State(latchkey): State<Latchkey>, By(actor): By) -> Answer<Json<KeyStatsView>> {
    Ok(Json(latchkey.organization_key_stats(&actor).await?))
}

/// Would this key work now?
#[utoipa::path(
    post, path = "/api-keys/{id}/test", tag = "API keys", params(("id" = String, Path, description = "Which key.")),
    responses((status = 200, description = "Whether it works, and what it may.", body = TestedKeyView))
)]
pub async fn test_api_key(State(latchkey): State<Latchkey>, By(actor): By, Id(id): Id) -> Answer<Json<TestedKeyView>> {
    Ok(Json(latchkey.test_api_key(&actor, &id).await?))
}

/// End the key that makes this call
///
/// For whoever finds that the key they hold is known to others.
#[utoipa::path(
    post, path = "/api-keys/self/revoke", tag = "API keys", security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Ended.", body = Success))
)]
pub async fn revoke_own_api_key(State(latchkey): State<Latchkey>, By(actor): By) -> Answer<Json<Success>> {
    latchkey.revoke_presented_key(&actor).await?;
    Ok(Success::json())
}
