//! Choosing a new password by mail, and "it was not me" (contract sections 2 and 3).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use latchkey::Latchkey;
use latchkey::flow::links::{MailProof, MailTo};
use latchkey::flow::recovery::{ResetPassword, ResetTokenView};
use latchkey::flow::secure::Secured;

use super::answer::{Answer, MessageView};
use super::body::Body;
use super::cookies;
use super::links::{MailedToken, mailed};
use super::who::Guest;

/// What everybody is told who asks.
pub const SENT: &str =
    "If there is an account with this address, a link and a code to choose a new password with are on their way to it.";
/// What whoever has chosen a new password is told.
pub const RESET: &str = "Your password was changed, and you are signed out everywhere. Sign in with the new one.";

/// Mail a link and a code to choose a new password with
///
/// The answer is the same, and takes the same time, whether or not there is an account. Link and code are one: they work
/// once, for thirty minutes, and a new request replaces the one before.
#[utoipa::path(
    post, path = "/auth/forgot-password", tag = "Recovery", security(()), request_body = MailTo,
    responses(
        (status = 200, description = "Asked for.", body = MessageView, example = json!({"success": true, "message": SENT})),
        (status = 403, description = "`csrf_failed`: a call from a page of another site."),
    )
)]
pub async fn forgot_password(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(input): Body<MailTo>,
) -> Answer<Json<MessageView>> {
    latchkey.ask_reset(&visitor, input, cookies::visitor(&headers)).await?;
    Ok(MessageView::json(SENT))
}

/// Exchange a mailed code for a token to choose a new password with
///
/// Code and link are dead from then on. Five wrong codes end both.
#[utoipa::path(
    post, path = "/auth/verify-reset-code", tag = "Recovery", security(()), request_body = MailProof,
    responses(
        (status = 200, description = "The code is right.", body = ResetTokenView,
            example = json!({"success": true, "valid": true, "token": "9Jx0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c1d0e9f8"})),
        (status = 400, description = "`invalid_code`, or `validation_failed`."),
        (status = 403, description = "`csrf_failed`: a call from a page of another site."),
    )
)]
pub async fn verify_reset_code(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    Body(input): Body<MailProof>,
) -> Answer<Json<ResetTokenView>> {
    Ok(Json(latchkey.verify_reset_code(&visitor, input).await.map_err(mailed)?))
}

/// Choose a new password
///
/// With the token of the mailed link, or the one that the mailed code was exchanged for. Ends every session of the
/// person and does not sign in. A password that will not do spends nothing.
#[utoipa::path(
    post, path = "/auth/reset-password", tag = "Recovery", security(()), request_body = ResetPassword,
    responses(
        (status = 200, description = "Changed.", body = MessageView, example = json!({"success": true, "message": RESET})),
        (status = 400, description = "`invalid_token`, or `validation_failed`."),
        (status = 403, description = "`csrf_failed`: a call from a page of another site."),
        (status = 422, description = "`weak_password`: the password will not do."),
    )
)]
pub async fn reset_password(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    Body(input): Body<ResetPassword>,
) -> Answer<Json<MessageView>> {
    latchkey.reset_password(&visitor, input).await.map_err(mailed)?;
    Ok(MessageView::json(RESET))
}

/// It was not me
///
/// With the token of the link in a notice. Ends every session of the person; the link of a change of address also moves
/// the account back and takes its password away.
#[utoipa::path(
    post, path = "/auth/secure-account", tag = "Recovery", security(()), request_body = MailedToken,
    responses(
        (status = 200, description = "Done.", body = MessageView,
            example = json!({"success": true, "message": "You are signed out everywhere."})),
        (status = 400, description = "`invalid_token`, or `validation_failed`."),
        (status = 403, description = "`csrf_failed`: a call from a page of another site."),
    )
)]
pub async fn secure_account(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    Body(input): Body<MailedToken>,
) -> Answer<Json<MessageView>> {
    let secured = latchkey.secure_account(&visitor, &input.token()?).await.map_err(mailed)?;
    Ok(MessageView::json(match secured {
        Secured::SessionsEnded => "You are signed out everywhere.".to_owned(),
        Secured::AddressRestored(email) => {
            format!("Your account is back at {email}, and you are signed out everywhere. Choose a new password.")
        }
    }))
}
