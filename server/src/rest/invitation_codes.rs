//! Invitation codes (contract section 6).

use axum::Json;
use axum::extract::State;
use latchkey::Latchkey;
use latchkey::flow::invitation_codes::{CodeToValidate, CodeValidityView, InvitationCodeView, NewInvitationCode};
use latchkey::flow::page::PageQuery;

use super::answer::{Answer, Created, Listed};
use super::body::{Body, Id, Ids, Query};
use super::who::{By, Guest};

/// The invitation codes
///
/// Newest first. A code that gives more than the one who asks has is listed without its text.
#[utoipa::path(
    get, path = "/organizations/{id}/invitation-codes", tag = "Invitations", params(
        ("id" = String, Path, description = "Which organization."),
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
        ("sortBy" = Option<String>, Query, description = "`createdAt`."),
        ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`."),
    ),
    responses(
        (status = 200, description = "All of them.", body = Vec<InvitationCodeView>, headers(("X-Total-Count" = u64, description = "How many there are in all."))),
        (status = 403, description = "`insufficient_role`: for managers and above."),
    )
)]
pub async fn list_invitation_codes(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Query(query): Query<PageQuery>,
) -> Answer<Listed<InvitationCodeView>> {
    Ok(Listed(latchkey.invitation_codes(&actor, &id, &query).await?))
}

/// Make an invitation code
///
/// People join with it while they sign up (`organizationCode`), also where registration is by invitation. With a domain they join
/// once they have confirmed an address there.
#[utoipa::path(
    post, path = "/organizations/{id}/invitation-codes", tag = "Invitations", request_body = NewInvitationCode,
    params(("id" = String, Path, description = "Which organization.")),
    responses(
        (status = 201, description = "Made.", body = InvitationCodeView),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
        (status = 409, description = "`mail_not_configured`: a code for a domain needs mail; `invitation_only`: the organization has no codes."),
    )
)]
pub async fn create_invitation_code(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(input): Body<NewInvitationCode>,
) -> Answer<Created<InvitationCodeView>> {
    Ok(Created(latchkey.create_invitation_code(&actor, &id, input).await?))
}

/// Revoke an invitation code
///
/// Nobody joins with it any more; those who have stay.
#[utoipa::path(
    post, path = "/organizations/{id}/invitation-codes/{codeId}/revoke", tag = "Invitations",
    params(("id" = String, Path, description = "Which organization."), ("codeId" = String, Path, description = "Which code.")),
    responses(
        (status = 200, description = "Revoked.", body = InvitationCodeView),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
    )
)]
pub async fn revoke_invitation_code(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(id, code): Ids,
) -> Answer<Json<InvitationCodeView>> {
    Ok(Json(latchkey.revoke_invitation_code(&actor, &id, &code).await?))
}

/// Bring an invitation code back
///
/// With the uses that are left.
#[utoipa::path(
    post, path = "/organizations/{id}/invitation-codes/{codeId}/reactivate", tag = "Invitations",
    params(("id" = String, Path, description = "Which organization."), ("codeId" = String, Path, description = "Which code.")),
    responses(
        (status = 200, description = "Back.", body = InvitationCodeView),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
        (status = 409, description = "`code_over`: it has expired or is used up; `invitation_only`: the organization has no codes."),
    )
)]
pub async fn reactivate_invitation_code(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(id, code): Ids,
) -> Answer<Json<InvitationCodeView>> {
    Ok(Json(latchkey.reactivate_invitation_code(&actor, &id, &code).await?))
}

/// Ask what an invitation code is good for
///
/// Spends nothing. Nothing says why a code is not valid; wrong ones count by the client's address.
#[utoipa::path(
    post, path = "/organizations/validate-code", tag = "Invitations", security(()), request_body = CodeToValidate,
    responses((status = 200, description = "Whether it is valid, and where it leads.", body = CodeValidityView))
)]
pub async fn validate_code(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    Body(input): Body<CodeToValidate>,
) -> Answer<Json<CodeValidityView>> {
    Ok(Json(latchkey.validate_code(&visitor, input).await?))
}
