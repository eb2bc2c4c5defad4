//! What an organization demands of its members, and what is done for members who have lost their second factor.

use axum::Json;
use axum::extract::State;
use latchkey::Latchkey;
use latchkey::flow::policy::{PolicyChanges, PolicyView};
use latchkey::flow::reset_factor::ResetFactor;

use super::answer::{Answer, Success};
use super::body::{Body, Id, Ids};
use super::who::By;

/// What the organization demands
#[utoipa::path(
    get, path = "/organizations/{id}/policy", tag = "Organizations",
    params(("id" = String, Path, description = "One of the person's organizations.")),
    responses((status = 200, description = "Its policy.", body = PolicyView))
)]
pub async fn organization_policy(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
) -> Answer<Json<PolicyView>> {
    Ok(Json(latchkey.policy(&actor, &id).await?))
}

/// Change what the organization demands
///
/// What is not named stays. From the date on, members without a second factor can do nothing but set one up. Whoever
/// demands one must have one.
#[utoipa::path(
    patch, path = "/organizations/{id}/policy", tag = "Organizations", request_body = PolicyChanges,
    params(("id" = String, Path, description = "One of the person's organizations.")),
    responses(
        (status = 200, description = "The whole policy.", body = PolicyView),
        (status = 403, description = "`insufficient_role`; `two_factor_enrolment_required`: set up your own second factor first."),
        (status = 409, description = "`sign_in_method_not_allowed`: sign in that way yourself first; `mail_not_configured`."),
    )
)]
pub async fn update_organization_policy(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(changes): Body<PolicyChanges>,
) -> Answer<Json<PolicyView>> {
    Ok(Json(latchkey.update_policy(&actor, &id, changes).await?))
}

/// Take a member's second factor away
///
/// For members who have lost it. Needs ADMIN, and a second factor of one's own proven within the last ten minutes. Ends the
/// member's sessions and the trust in their devices, and mails them the reason.
#[utoipa::path(
    post, path = "/organizations/{id}/members/{userId}/reset-two-factor", tag = "Organizations", request_body = ResetFactor,
    params(
        ("id" = String, Path, description = "One of the person's organizations."),
        ("userId" = String, Path, description = "The member."),
    ),
    responses(
        (status = 200, description = "Taken away.", body = Success),
        (status = 400, description = "`two_factor_not_enabled`: the member has none; `validation_failed`."),
        (status = 403, description = "`insufficient_role`: also on oneself, and on members of a stronger role; `reauthentication_required`; `two_factor_enrolment_required`: set up your own first."),
        (status = 409, description = "`belongs_elsewhere`: other organizations rely on this person's second factor too; a landlord can do it."),
    )
)]
pub async fn reset_member_two_factor(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Ids(organization, user): Ids,
    Body(input): Body<ResetFactor>,
) -> Answer<Json<Success>> {
    latchkey.reset_member_factor(&actor, &organization, &user, input).await?;
    Ok(Success::json())
}

/// Take anybody's second factor away
///
/// For landlords, with a second factor of their own proven within the last ten minutes.
#[utoipa::path(
    post, path = "/landlord/users/{id}/reset-two-factor", tag = "Landlord", request_body = ResetFactor,
    params(("id" = String, Path, description = "The person.")),
    responses(
        (status = 200, description = "Taken away.", body = Success),
        (status = 400, description = "`two_factor_not_enabled`: the person has none; `validation_failed`."),
        (status = 403, description = "`insufficient_role`: for landlords, and not on oneself; `reauthentication_required`; `two_factor_enrolment_required`: set up your own first."),
    )
)]
pub async fn reset_user_two_factor(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Body(input): Body<ResetFactor>,
) -> Answer<Json<Success>> {
    latchkey.reset_factor(&actor, &id, input).await?;
    Ok(Success::json())
}
