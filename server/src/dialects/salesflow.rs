//! Salesflow: `/auth/…`, where every way in answers with an `AuthorizationResponse`, which its clients keep as `SF_Token`
//! (contract section 8). Refusals have the common shape.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use latchkey::clock::Timestamp;
use latchkey::flow::account::ChangePassword;
use latchkey::flow::gate::Entered;
use latchkey::flow::handoff::SF_LIFE;
use latchkey::flow::invitation_codes::NewInvitationCode;
use latchkey::flow::sf_token::AuthorizationResponse;
use latchkey::flow::sign_in::{Opening, SecretText, SignIn};
use latchkey::flow::sign_up::{SignUp, SignedUp};
use latchkey::flow::tokens::Refresh;
use latchkey::{Error, Latchkey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{acted_in, needed};
use crate::rest::answer::{Answer, Created, with_cookie};
use crate::rest::body::Body;
use crate::rest::failure::Failure;
use crate::rest::sign_in::{ToVerifyView, signed_up};
use crate::rest::who::{By, Guest, opening};

/// The longest life of an invitation code that is made here, in days.
const LONGEST_CODE: u32 = 3650;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// All of it.
pub fn routes() -> OpenApiRouter<Latchkey> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(register))
        .routes(routes!(change_password))
        .routes(routes!(refresh_token))
        .routes(routes!(generate_invitation_code))
}

fn short(headers: &HeaderMap) -> Opening<'_> {
    Opening { access_life: Some(SF_LIFE), ..opening(headers) }
}

/// What somebody who signs in says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SalesflowSignIn, example = json!({"email": "ada@example.org", "password": "plum river candle"}))]
pub struct Credentials {
    /// The account's address.
    #[schema(required)]
    email: Option<String>,
    /// Its password.
    #[schema(required)]
    password: Option<SecretText>,
    /// The code of the second factor, when one is on.
    #[schema(value_type = Option<String>)]
    two_factor_code: Option<SecretText>,
}

/// Sign in, as Salesflow does
///
/// A second factor that is due is 401 `two_factor_required`, to be tried again with `twoFactorCode`; the body also has a
/// `twoFactorToken` for `2fa/verify`.
#[utoipa::path(
    post, path = "/auth/login", operation_id = "salesflow_login", tag = "Salesflow", security(()), request_body = Credentials,
    responses(
        (status = 200, description = "Signed in.", body = AuthorizationResponse),
        (status = 401, description = "`invalid_credentials`; `two_factor_required`; `invalid_code`; `sign_in_method_not_allowed`."),
        (status = 403, description = "`email_not_verified`, `organization_suspended`, or `csrf_failed` for a call from a page of another site."),
        (status = 423, description = "`locked`: too many wrong codes."),
    )
)]
pub async fn login(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(Credentials { email, password, two_factor_code }): Body<Credentials>,
) -> Answer<Response> {
    let input = SignIn { email, password, two_factor_code, ..SignIn::default() };
    match latchkey.sign_in(&visitor, input, short(&headers)).await? {
        Entered::SignedIn(session) => Ok(with_cookie(&session, Json(AuthorizationResponse::of(&session.view)?))),
        Entered::SecondFactorDue(due) => Ok(Failure::second_factor_due(&due).into_response()),
    }
}

/// What somebody who signs up says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SalesflowSignUp, example = json!({"email": "ada@example.org", "password": "plum river candle", "name": "Ada Byron"}))]
pub struct NewAccount {
    /// The address of the new account.
    #[schema(required)]
    email: Option<String>,
    /// Its password.
    #[schema(required)]
    password: Option<SecretText>,
    /// What the person is called; without it, what stands before the @ of the address.
    name: Option<String>,
    /// An invitation code; without one a new organization is made.
    invitation_code: Option<String>,
}

/// Make an account, as Salesflow does
#[utoipa::path(
    post, path = "/auth/register", operation_id = "salesflow_register", tag = "Salesflow", security(()), request_body = NewAccount,
    responses(
        (status = 201, description = "Made, and signed in.", body = AuthorizationResponse),
        (status = 202, description = "The address must be confirmed first.", body = ToVerifyView),
        (status = 400, description = "`invalid_invitation_code`: revoked, expired, used up, for another domain, or none at all."),
        (status = 403, description = "`registration_closed`, or `csrf_failed` for a call from a page of another site."),
        (status = 409, description = "`email_taken`: there is an account with this address."),
        (status = 422, description = "`weak_password`: the password will not do."),
    )
)]
pub async fn register(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(NewAccount { email, password, name, invitation_code }): Body<NewAccount>,
) -> Answer<Response> {
    let input = SignUp { name, email, password, organization_code: invitation_code, ..SignUp::default() };
    match latchkey.sign_up(&visitor, input.named(), short(&headers)).await? {
        SignedUp::Open(session) => {
            let answer = Created(AuthorizationResponse::of(&session.view)?);
            Ok(with_cookie(&session, answer))
        }
        to_verify @ SignedUp::ToVerify(_) => Ok(signed_up(to_verify)),
    }
}

/// A new password, and the present one as proof.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SalesflowNewPassword, example = json!({"oldPassword": "plum river candle", "newPassword": "lantern over quiet water"}))]
pub struct NewPassword {
    /// The present password.
    #[schema(required)]
    old_password: Option<SecretText>,
    /// The new one.
    #[schema(required)]
    new_password: Option<SecretText>,
}

/// Change the password, as Salesflow does
///
/// Ends all other sessions of the person; this one goes on with the new tokens.
#[utoipa::path(
    post, path = "/auth/changePassword", operation_id = "salesflow_change_password", tag = "Salesflow", request_body = NewPassword,
    responses(
        (status = 200, description = "Changed.", body = AuthorizationResponse),
        (status = 422, description = "`weak_password`: the new password will not do."),
    )
)]
pub async fn change_password(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(NewPassword { old_password, new_password }): Body<NewPassword>,
) -> Answer<Response> {
    needed(&[
        ("oldPassword", old_password.as_ref().map(|text| text.0.as_str())),
        ("newPassword", new_password.as_ref().map(|text| text.0.as_str())),
    ])?;
    let input = ChangePassword { current_password: old_password, new_password, access_life: Some(SF_LIFE) };
    let renewed = latchkey.change_password(&actor, input).await?;
    Ok(with_cookie(&renewed, Json(AuthorizationResponse::of(&renewed.view)?)))
}

/// A refresh token, to be exchanged.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SalesflowRefresh, example = json!({"refreshToken": "lkr_gE1vYJxqkq0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c"}))]
pub struct OldToken {
    /// The refresh token.
    #[schema(required)]
    refresh_token: Option<SecretText>,
}

/// Exchange a refresh token, as Salesflow does
///
/// It works once; a repeat within 30 seconds gets the same tokens again, anything later ends the session.
#[utoipa::path(
    post, path = "/auth/refreshToken", operation_id = "salesflow_refresh_token", tag = "Salesflow", security(()), request_body = OldToken,
    responses(
        (status = 200, description = "New tokens.", body = AuthorizationResponse),
        (status = 401, description = "`invalid_token` or `token_revoked`."),
        (status = 403, description = "`organization_suspended`, or `csrf_failed` for a call from a page of another site."),
    )
)]
pub async fn refresh_token(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    Body(OldToken { refresh_token }): Body<OldToken>,
) -> Answer<Json<AuthorizationResponse>> {
    let input = Refresh { refresh_token, access_life: Some(SF_LIFE) };
    Ok(Json(AuthorizationResponse::of(&latchkey.refresh(&visitor, input).await?)?))
}

/// A new invitation code.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SalesflowNewCode, example = json!({"maxUses": 20, "expiresInDays": 7}))]
pub struct NewCode {
    /// How many people may join with it; 1 when not said.
    #[schema(minimum = 1, maximum = 10_000)]
    max_uses: Option<i64>,
    /// How many days it works; it does not expire when not said.
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<i64>,
}

/// An invitation code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SalesflowCode)]
pub struct CodeView {
    /// The code, to be handed out.
    invitation_code: String,
    /// Its last instant.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

/// Make an invitation code, as Salesflow does
///
/// For the organization acted in; people join it as MEMBER. By managers and above, or with an API key that has `write`.
#[utoipa::path(
    post, path = "/auth/generateInvitationCode", operation_id = "salesflow_generate_invitation_code", tag = "Salesflow",
    request_body = NewCode,
    responses(
        (status = 201, description = "Made.", body = CodeView),
        (status = 403, description = "`insufficient_role`: for managers and above; `insufficient_scope`: the key lacks `write`."),
        (status = 404, description = "`not_found`: the caller acts in no organization."),
        (status = 409, description = "`invitation_only`: the organization has no codes."),
    )
)]
pub async fn generate_invitation_code(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(NewCode { max_uses, expires_in_days }): Body<NewCode>,
) -> Answer<Created<CodeView>> {
    let expires_at = expires_in_days.map(|days| after(latchkey.now(), days)).transpose()?;
    let new = NewInvitationCode { max_uses, expires_at, ..NewInvitationCode::default() };
    let made = latchkey.create_invitation_code(&actor, &acted_in(&actor), new).await?;
    Ok(Created(CodeView { invitation_code: made.code.unwrap_or_default(), expires_at: made.expires_at }))
}

fn after(now: Timestamp, days: i64) -> Result<String, Error> {
    let days = u32::try_from(days).ok().filter(|days| (1..=LONGEST_CODE).contains(days));
    let days = days.ok_or_else(|| Error::Shape(vec![format!("expiresInDays must be between 1 and {LONGEST_CODE}")]))?;
    Ok(now.plus(DAY * days).rfc3339())
}
