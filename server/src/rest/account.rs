//! The account behind the credential.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use latchkey::Latchkey;
use latchkey::flow::account::{ChangePassword, ProfileChanges};
use latchkey::flow::sign_in::{SignInView, UserView};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Answer, with_cookie};
use super::body::Body;
use super::who::{Barred, By};

/// Who is asking
///
/// For an organization's key: the person who is responsible for it.
#[utoipa::path(
    get, path = "/auth/me", tag = "Account",
    responses((status = 200, description = "The person.", body = UserView))
)]
pub async fn me(State(latchkey): State<Latchkey>, Barred(actor): Barred) -> Answer<Json<UserView>> {
    Ok(Json(latchkey.me(&actor).await?))
}

/// The same as `/auth/me`
#[utoipa::path(
    get, path = "/auth/profile", tag = "Account",
    responses((status = 200, description = "The person.", body = UserView))
)]
pub async fn profile(state: State<Latchkey>, by: Barred) -> Answer<Json<UserView>> {
    me(state, by).await
}

/// Change the profile
///
/// What is not named stays.
#[utoipa::path(
    post, path = "/auth/update-profile", tag = "Account", request_body = ProfileChanges,
    responses(
        (status = 200, description = "The person, changed.", body = UserView),
        (status = 409, description = "`username_taken`: another account has this user name."),
    )
)]
pub async fn update_profile(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(changes): Body<ProfileChanges>,
) -> Answer<Json<UserView>> {
    Ok(Json(latchkey.update_profile(&actor, changes).await?))
}

/// The password was changed; this session goes on with what is in here.
#[derive(Serialize, ToSchema)]
pub struct PasswordChangedView<'a> {
    /// Always true.
    success: bool,
    /// For people.
    message: &'static str,
    /// New tokens for this session.
    #[serde(flatten)]
    session: &'a SignInView,
}

/// Change the password
///
/// Ends all other sessions of the person, and everything issued to them.
#[utoipa::path(
    post, path = "/auth/change-password", tag = "Account", request_body = ChangePassword,
    responses(
        (status = 200, description = "Changed.", body = PasswordChangedView),
        (status = 422, description = "`weak_password`: the new password will not do."),
    )
)]
pub async fn change_password(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<ChangePassword>,
) -> Answer<Response> {
    let renewed = latchkey.change_password(&actor, input).await?;
    let message = "Your password was changed. You are signed out everywhere else.";
    Ok(with_cookie(&renewed, Json(PasswordChangedView { success: true, message, session: &renewed.view })))
}
