//! Invitations by mail (contract section 6).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use latchkey::Latchkey;
use latchkey::flow::invitations::{InvitationLinkView, InvitationView, NewInvitation};
use latchkey::flow::joining::{Acceptance, Accepted, InvitationPreview};
use latchkey::flow::page::PageQuery;
use latchkey::flow::sign_in::SignInView;

use super::answer::{Answer, Created, EnteredView, Listed, Success, entered, signed_in};
use super::body::{Body, Id, Ids, Query};
use super::sign_in::{ToVerifyView, signed_up};
use super::who::{Anybody, By, Guest, opening};

/// The invitations
///
/// Newest first, whatever has become of them.
#[utoipa::path(
    get, path = "/organizations/{id}/invitations", tag = "Invitations", params(
        ("id" = String, Path, description = "Which organization."),
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
        ("sortBy" = Option<String>, Query, description = "`createdAt` or `email`."),
        ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`."),
    ),
    responses(
        (status = 200, description = "All of them.", body = Vec<InvitationView>, headers(("X-Total-Count" = u64, description = "How many there are in all."))),
        (status = 403, description = "`insufficient_role`: for managers and above."),
    )
)]
pub async fn list_invitations(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Query(query): Query<PageQuery>,
) -> Answer<Listed<InvitationView>> {
    Ok(Listed(latchkey.invitations(&actor, &id, &query).await?))
}

/// Invite somebody
///
/// A link goes to their address; it works once, for 72 hours unless that is set otherwise. An open invitation for the same address gives way to it. Where
/// mail is not configured the invitation is made all the same, and its link can be shown.
#[utoipa::path(
    post, path = "/organizations/{id}/invitations", tag = "Invitations", request_body = NewInvitation,
    params(("id" = String, Path, description = "Which organization.")),
    responses(
        (status = 201, description = "Invited.", body = InvitationView),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
        (status = 409, description = "`already_member`."),
    )
)]
pub async fn invite(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(input): Body<NewInvitation>,
) -> Answer<Created<InvitationView>> {
    Ok(Created(latchkey.invite(&actor, &id, input).await?))
}

/// Mail an invitation again
///
/// With a new link and its whole life; the link before works no longer. Also for one that has expired.
#[utoipa::path(
    post, path = "/organizations/{id}/invitations/{invitationId}/resend", tag = "Invitations",
    params(("id" = String, Path, description = "Which organization."), ("invitationId" = String, Path, description = "Which invitation.")),
    responses(
        (status = 200, description = "Sent.", body = InvitationView),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
        (status = 409, description = "`mail_not_configured`."),
        (status = 410, description = "`gone`: it was accepted or withdrawn."),
    )
)]
pub async fn resend_invitation(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(id, invitation): Ids,
) -> Answer<Json<InvitationView>> {
    Ok(Json(latchkey.resend_invitation(&actor, &id, &invitation).await?))
}

/// Show the link of an invitation
///
/// A new link, to be handed over by another way than mail; the link before works no longer. Whoever opens it has not shown
/// that the address is theirs: a new account confirms it by mail.
#[utoipa::path(
    post, path = "/organizations/{id}/invitations/{invitationId}/link", tag = "Invitations",
    params(("id" = String, Path, description = "Which organization."), ("invitationId" = String, Path, description = "Which invitation.")),
    responses(
        (status = 200, description = "The link, shown once.", body = InvitationLinkView),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
        (status = 410, description = "`gone`: it was accepted or withdrawn."),
    )
)]
pub async fn show_invitation_link(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(id, invitation): Ids,
) -> Answer<Json<InvitationLinkView>> {
    Ok(Json(latchkey.show_invitation_link(&actor, &id, &invitation).await?))
}

/// Withdraw an invitation
#[utoipa::path(
    delete, path = "/organizations/{id}/invitations/{invitationId}", tag = "Invitations",
    params(("id" = String, Path, description = "Which organization."), ("invitationId" = String, Path, description = "Which invitation.")),
    responses(
        (status = 200, description = "Withdrawn; its link is dead.", body = Success),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
        (status = 410, description = "`gone`: it was accepted or withdrawn before."),
    )
)]
pub async fn withdraw_invitation(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(id, invitation): Ids,
) -> Answer<Json<Success>> {
    latchkey.withdraw_invitation(&actor, &id, &invitation).await?;
    Ok(Success::json())
}

/// Look at an invitation
///
/// By the token of its link: who invites whom to what. Spends nothing.
#[utoipa::path(
    get, path = "/invitations/{token}", tag = "Invitations", security(()), params(("token" = String, Path, description = "The token of the link.")),
    responses(
        (status = 200, description = "The invitation, whatever has become of it.", body = InvitationPreview),
        (status = 400, description = "`invalid_token`: no link has it, or a newer link took its place."),
    )
)]
pub async fn get_invitation(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    Id(token): Id,
) -> Answer<Json<InvitationPreview>> {
    Ok(Json(latchkey.invitation(&visitor, &token).await?))
}

/// Accept an invitation
///
/// Somebody with an account sends its credential, and nothing else: their session moves to the organization. Without a good
/// credential: the password alone, for the account that the address has, which may lead to its second step; or name and
/// password, for a new account with the invited address, which a mailed link confirms.
#[utoipa::path(
    post, path = "/invitations/{token}/accept", tag = "Invitations", security((), ("bearer" = []), ("cookie" = [], "csrf" = [])), request_body = Acceptance,
    params(("token" = String, Path, description = "The token of the link.")),
    responses(
        (status = 200, description = "Joined, with the account that asks or whose password was said; or its second step.", body = EnteredView),
        (status = 201, description = "Joined, with a new account, and signed in.", body = SignInView),
        (status = 202, description = "Joined with a new account, whose address must be confirmed first.", body = ToVerifyView),
        (status = 400, description = "`invalid_token`: no link has it, or a newer link took its place."),
        (status = 401, description = "`invalid_credentials`: this is not the password of the account."),
        (status = 403, description = "`invitation_for_another`: it is for another address; `organization_suspended`, `registration_closed`, `sign_in_method_not_allowed`."),
        (status = 409, description = "`email_taken`: that address has an account, sign in to it first; `already_member`."),
        (status = 410, description = "`gone`: accepted, withdrawn or expired."),
        (status = 422, description = "`weak_password`: the password will not do."),
    )
)]
pub async fn accept_invitation(
    State(latchkey): State<Latchkey>,
    Anybody { visitor, actor }: Anybody,
    headers: HeaderMap,
    Id(token): Id,
    Body(input): Body<Acceptance>,
) -> Answer<Response> {
    Ok(match actor {
        Some(actor) => signed_in(StatusCode::OK, &latchkey.accept_invitation_as(&actor, &token).await?),
        None => match latchkey.accept_invitation(&visitor, &token, input, opening(&headers)).await? {
            Accepted::SignedUp(made) => signed_up(made),
            Accepted::Entered(known) => entered(&known),
        },
    })
}
