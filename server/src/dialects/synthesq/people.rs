//! The account, passwords by mail, owners of tenants, and revocation, as SynthesQ's clients know them.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use latchkey::Latchkey;
use latchkey::flow::account::{ChangePassword, ProfileChanges};
use latchkey::flow::landlord::{NewSuperuser, SuperuserView};
use latchkey::flow::links::MailTo;
use latchkey::flow::recovery::ResetPassword;
use latchkey::flow::sign_in::{SecretText, UserView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::who::{Caller, Staff};
use super::{Done, StaffView, UserData, check_typed_twice};
use crate::dialects::{acted_in, needed};
use crate::rest::answer::{Answer, MessageView, with_cookie};
use crate::rest::body::Body;
use crate::rest::cookies;
use crate::rest::links::mailed;
use crate::rest::recovery::{RESET, SENT};

/// A person: at the top level, and once more under `data`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SynthesqUserAnswer)]
pub struct UserAnswer {
    /// Always true.
    success: bool,
    /// For people.
    message: &'static str,
    #[serde(flatten)]
    user: StaffView,
    data: UserData,
}

fn answer(message: &'static str, user: &UserView, actor: &latchkey::Actor) -> Json<UserAnswer> {
    let user = StaffView::new(user, actor.principal().scopes().clone());
    Json(UserAnswer { success: true, message, data: UserData { user: user.clone() }, user })
}

/// Who is asking, as SynthesQ says it
#[utoipa::path(
    get, path = "/api/v1/auth/user", tag = "SynthesQ",
    responses(
        (status = 200, description = "The person.", body = UserAnswer),
        (status = 403, description = "`not_a_member` of the organization that `X-Business-ID` names."),
    )
)]
pub async fn user(State(latchkey): State<Latchkey>, Staff(actor): Staff) -> Answer<Json<UserAnswer>> {
    Ok(answer("This is you.", &latchkey.me(&actor).await?, &actor))
}

/// What may be changed of a profile; what is not named stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SynthesqProfile, example = json!({"name": "Ada King"}))]
pub struct Profile {
    /// What the person is called.
    name: Option<String>,
    /// A picture, by its https address; empty for none.
    avatar_url: Option<String>,
}

/// Change the profile, as SynthesQ's clients do
#[utoipa::path(
    put, path = "/api/v1/user/profile", tag = "SynthesQ", request_body = Profile,
    responses((status = 200, description = "The person, changed.", body = UserAnswer))
)]
pub async fn update_profile(
    State(latchkey): State<Latchkey>,
    Staff(actor): Staff,
    Body(Profile { name, avatar_url }): Body<Profile>,
) -> Answer<Json<UserAnswer>> {
    let changes = ProfileChanges { name, avatar_url, ..ProfileChanges::default() };
    Ok(answer("Your profile is changed.", &latchkey.update_profile(&actor, changes).await?, &actor))
}

/// A new password, typed twice, and the present one as proof.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SynthesqNewPassword, example = json!({"current_password": "plum river candle", "password": "lantern over quiet water", "password_confirmation": "lantern over quiet water"}))]
pub struct NewPassword {
    /// The present password.
    #[schema(required)]
    current_password: Option<SecretText>,
    /// The new one.
    #[schema(required)]
    password: Option<SecretText>,
    /// The new one once more.
    #[schema(required)]
    password_confirmation: Option<SecretText>,
}

/// Change the password, as SynthesQ's clients do
///
/// Ends all other sessions of the person. A browser goes on with a new cookie; so does a program with its access token.
#[utoipa::path(
    put, path = "/api/v1/user/password", tag = "SynthesQ", request_body = NewPassword,
    responses((status = 200, description = "Changed.", body = MessageView))
)]
pub async fn update_password(
    State(latchkey): State<Latchkey>,
    Staff(actor): Staff,
    Body(NewPassword { current_password, password, password_confirmation }): Body<NewPassword>,
) -> Answer<Response> {
    let text = |secret: &Option<SecretText>| secret.as_ref().map(|secret| secret.0.clone());
    needed(&[
        ("current_password", text(&current_password).as_deref()),
        ("password", text(&password).as_deref()),
        ("password_confirmation", text(&password_confirmation).as_deref()),
    ])?;
    check_typed_twice(password.as_ref(), password_confirmation.as_ref())?;
    let input = ChangePassword { current_password, new_password: password, access_life: None };
    let renewed = latchkey.change_password(&actor, input).await?;
    let message = "Your password was changed. You are signed out everywhere else.";
    Ok(with_cookie(&renewed, MessageView::json(message)))
}

/// Where a mail is to go.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SynthesqForgotPassword, example = json!({"email": "ada@example.org"}))]
pub struct Forgotten {
    /// The account's address.
    #[schema(required)]
    email: Option<String>,
}

/// Mail a link and a code to choose a new password with, as SynthesQ's front ends do
#[utoipa::path(
    post, path = "/api/v1/auth/forgot-password", tag = "SynthesQ", security(()), request_body = Forgotten,
    responses(
        (status = 200, description = "Asked for, whether or not there is an account.", body = MessageView),
        (status = 419, description = "`csrf_failed`: without the CSRF token of this browser."),
    )
)]
pub async fn forgot_password(
    State(latchkey): State<Latchkey>,
    Caller(visitor): Caller,
    headers: HeaderMap,
    Body(Forgotten { email }): Body<Forgotten>,
) -> Answer<Json<MessageView>> {
    latchkey.ask_reset(&visitor, MailTo { email }, cookies::visitor(&headers)).await?;
    Ok(MessageView::json(SENT))
}

/// A new password, typed twice, and the mailed token as proof.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SynthesqResetPassword, example = json!({"token": "9Jx0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c1d0e9f8", "email": "ada@example.org", "password": "lantern over quiet water", "password_confirmation": "lantern over quiet water"}))]
pub struct Reset {
    /// The token of the mailed link.
    #[schema(required)]
    token: Option<SecretText>,
    /// The address, as Laravel's clients send it; the token says whose it is.
    #[allow(dead_code, reason = "clients send it")]
    email: Option<String>,
    /// The new password.
    #[schema(required)]
    password: Option<SecretText>,
    /// The new password once more.
    #[schema(value_type = Option<String>)]
    password_confirmation: Option<SecretText>,
}

/// Choose a new password, as SynthesQ's front ends do
#[utoipa::path(
    post, path = "/api/v1/auth/reset-password", tag = "SynthesQ", security(()), request_body = Reset,
    responses(
        (status = 200, description = "Changed.", body = MessageView),
        (status = 419, description = "`csrf_failed`: without the CSRF token of this browser."),
    )
)]
pub async fn reset_password(
    State(latchkey): State<Latchkey>,
    Caller(visitor): Caller,
    Body(Reset { token, password, password_confirmation, .. }): Body<Reset>,
) -> Answer<Json<MessageView>> {
    check_typed_twice(password.as_ref(), password_confirmation.as_ref())?;
    let input = ResetPassword { token, new_password: None, password };
    latchkey.reset_password(&visitor, input).await.map_err(mailed)?;
    Ok(MessageView::json(RESET))
}

/// Who is to own a tenant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SynthesqSuperuser, example = json!({"email": "grace@example.org", "business_name": "Blue Harbour"}))]
pub struct Superuser {
    /// Their address. They choose a password themselves.
    #[schema(required)]
    email: Option<String>,
    /// The tenant, when it is there already.
    #[serde(alias = "organizationId")]
    organization_id: Option<String>,
    /// What the new tenant is called, otherwise.
    #[serde(alias = "organization_name", alias = "organizationName")]
    business_name: Option<String>,
}

/// Invite who is to own a tenant, as SynthesQ's landlords do
#[utoipa::path(
    post, path = "/api/v1/landlord/superusers", tag = "SynthesQ", request_body = Superuser,
    responses(
        (status = 201, description = "Invited.", body = Done<SuperuserView>),
        (status = 403, description = "`insufficient_role`: for landlords."),
        (status = 404, description = "`not_found`: there is no such tenant."),
        (status = 409, description = "`already_member`."),
    )
)]
pub async fn invite_superuser(
    State(latchkey): State<Latchkey>,
    Staff(actor): Staff,
    Body(Superuser { email, organization_id, business_name }): Body<Superuser>,
) -> Answer<Response> {
    let input = NewSuperuser { email, organization_id, organization_name: business_name };
    let invited = latchkey.invite_superuser(&actor, input).await?;
    Ok((StatusCode::CREATED, Json(Done::new("The invitation is on its way.", invited))).into_response())
}

/// Whose tokens.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SynthesqRevocation, example = json!({"userId": "usr_01kbk3x5g0r8m4t2v6w9y1z3b5"}))]
pub struct Revocation {
    /// A member of the organization acted in.
    #[serde(alias = "user_id")]
    #[schema(required)]
    user_id: Option<String>,
}

/// How many sessions ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SynthesqRevoked)]
pub struct Revoked {
    #[schema(minimum = 0)]
    ended_sessions: usize,
}

/// Revoke a member's tokens, as SynthesQ's administrators do
#[utoipa::path(
    post, path = "/api/v1/admin/tokens/revoke", tag = "SynthesQ", request_body = Revocation,
    responses(
        (status = 200, description = "Revoked.", body = Done<Revoked>),
        (status = 403, description = "`insufficient_role`: for administrators, and below owners."),
        (status = 404, description = "`not_found`: no such member."),
    )
)]
pub async fn revoke_tokens(
    State(latchkey): State<Latchkey>,
    Staff(actor): Staff,
    Body(Revocation { user_id }): Body<Revocation>,
) -> Answer<Json<Done<Revoked>>> {
    needed(&[("userId", user_id.as_deref())])?;
    let user = user_id.unwrap_or_default();
    let ended_sessions = latchkey.revoke_member_tokens(&actor, &acted_in(&actor), &user).await?;
    Ok(Json(Done::new("The tokens are revoked.", Revoked { ended_sessions })))
}
