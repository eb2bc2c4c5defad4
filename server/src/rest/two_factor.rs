//! Two-factor authentication (contract section 4): the calls of the SalesOS reference.

use axum::Json;
use axum::extract::{FromRequestParts as _, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use latchkey::Latchkey;
use latchkey::flow::authenticate::bearer;
use latchkey::flow::backup_codes::{BackupCodesView, NewBackupCodesView, RenewBackupCodes};
use latchkey::flow::enrol::{BeginFactor, ConfirmFactor, EndFactor, FactorStatusView, NewFactorView, Renewed};
use latchkey::flow::gate::HALF_PREFIX;
use latchkey::flow::second_factor::VerifyFactor;
use latchkey::flow::sign_in::SignInView;
use latchkey::flow::step_up::Reauthenticate;
use latchkey::flow::trusted_devices::{AddedDeviceView, NewTrustedDevice, TrustedDeviceView};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Answer, Success, renewed, signed_in, with_devices};
use super::body::{Body, Id};
use super::cookies;
use super::failure::Failure;
use super::who::{Barred, By, Guest, call, credentials, devices, is_same_origin, opening, single};

const HALF_TOKEN: HeaderName = HeaderName::from_static("x-2fa-token");

/// How the second factor stands
#[utoipa::path(
    get, path = "/auth/2fa/status", tag = "Two-factor",
    responses((status = 200, description = "Whether it is on, and what is left.", body = FactorStatusView))
)]
pub async fn two_factor_status(
    State(latchkey): State<Latchkey>,
    Barred(actor): Barred,
) -> Answer<Json<FactorStatusView>> {
    Ok(Json(latchkey.factor_status(&actor).await?))
}

/// Begin to set an authenticator up
///
/// It counts once `verify-setup` has proven it, within ten minutes; asked again meanwhile, this gives the same one. While
/// one is on, `replace` begins another, which takes its place when it is proven.
#[utoipa::path(
    post, path = "/auth/2fa/setup", tag = "Two-factor", request_body(content = Option<BeginFactor>, description = "Nothing at all, as a rule."),
    responses(
        (status = 200, description = "The secret, as a picture and as text, and the backup codes that will belong to it.", body = NewFactorView),
        (status = 400, description = "`two_factor_already_enabled`: one is on, and `replace` was not said."),
        (status = 403, description = "`reauthentication_required`: replacing needs a recent second factor; `insufficient_scope` for an API key."),
    )
)]
pub async fn set_up_two_factor(
    State(latchkey): State<Latchkey>,
    Barred(actor): Barred,
    Body(input): Body<BeginFactor>,
) -> Answer<Json<NewFactorView>> {
    Ok(Json(latchkey.begin_factor(&actor, input).await?))
}

/// The same as `/auth/2fa/setup`
#[utoipa::path(
    post, path = "/api/two-factor/setup", tag = "Two-factor", request_body(content = Option<BeginFactor>, description = "Nothing at all, as a rule."),
    responses(
        (status = 200, description = "The secret, as a picture and as text, and the backup codes that will belong to it.", body = NewFactorView),
        (status = 400, description = "`two_factor_already_enabled`: one is on, and `replace` was not said."),
        (status = 403, description = "`reauthentication_required`: replacing needs a recent second factor; `insufficient_scope` for an API key."),
    )
)]
pub async fn set_up_two_factor_alias(
    state: State<Latchkey>,
    by: Barred,
    body: Body<BeginFactor>,
) -> Answer<Json<NewFactorView>> {
    set_up_two_factor(state, by, body).await
}

/// Two-factor authentication is on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TwoFactorOnView {
    /// Always true.
    success: bool,
    /// For people.
    message: &'static str,
    /// The backup codes, for the last time.
    backup_codes: Vec<String>,
    /// A new access token, which tells of the second factor. Those from before stay good.
    access_token: String,
}

/// Switch two-factor authentication on with the first code
///
/// The code is spent. Every other session of the person ends, and so does the trust in their devices.
#[utoipa::path(
    post, path = "/auth/2fa/verify-setup", tag = "Two-factor", request_body = ConfirmFactor,
    responses(
        (status = 200, description = "On from now on.", body = TwoFactorOnView),
        (status = 400, description = "`invalid_code`: the code is not right; `validation_failed`."),
        (status = 404, description = "No authenticator is waiting to be proven."),
    )
)]
pub async fn verify_two_factor_setup(
    State(latchkey): State<Latchkey>,
    Barred(actor): Barred,
    Body(input): Body<ConfirmFactor>,
) -> Answer<Response> {
    let on = latchkey.confirm_factor(&actor, input).await?;
    let view = TwoFactorOnView {
        success: true,
        message: "Two-factor authentication is on. Keep the backup codes in a safe place.",
        backup_codes: on.backup_codes,
        access_token: on.renewed.access_token.clone(),
    };
    Ok(renewed(&on.renewed, Json(view)))
}

/// Who one is was shown once more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SteppedUpView {
    /// Always true.
    success: bool,
    /// A new access token with a fresh `auth_time`. Those from before stay good.
    access_token: String,
}

/// What a code gives: a session when one was being opened, a fresh proof in one that is open.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes the answer; the parts are written as they are")]
pub enum VerifiedCodeView {
    /// Signed in.
    SignedIn(Box<SignInView>),
    /// Shown once more.
    SteppedUp(SteppedUpView),
}

/// Prove the second factor
///
/// With a `twoFactorToken` (as a Bearer token or in `X-2FA-Token`) it finishes signing in; five wrong codes end that. With
/// an ordinary credential it shows once more who is there (step-up), and `trustDevice` does not count. Ten wrong codes within fifteen minutes, from wherever
/// they come, lock the factor for fifteen minutes.
#[utoipa::path(
    post, path = "/auth/2fa/verify", tag = "Two-factor", request_body = VerifyFactor,
    security(("twoFactorToken" = []), ("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses(
        (status = 200, description = "Right.", body = VerifiedCodeView),
        (status = 400, description = "`invalid_code` in a session that is open; `two_factor_not_enabled`; `validation_failed`."),
        (status = 401, description = "`invalid_code` while signing in; `token_expired` or `invalid_token` when that has ended."),
        (status = 403, description = "`organization_suspended`; `csrf_failed`; `insufficient_scope` for an API key."),
        (status = 423, description = "`locked`: too many wrong codes."),
    )
)]
pub async fn verify_two_factor(
    State(latchkey): State<Latchkey>,
    mut parts: Parts,
    Body(input): Body<VerifyFactor>,
) -> Answer<Response> {
    if let Some(token) = half_token(&parts.headers)? {
        let Guest(visitor) = Guest::from_request_parts(&mut parts, &latchkey).await?;
        call(&parts)?.note_presented();
        let session = latchkey.finish_sign_in(&visitor, &token, input, opening(&parts.headers)).await?;
        return Ok(signed_in(StatusCode::OK, &session));
    }
    let By(actor) = By::from_request_parts(&mut parts, &latchkey).await?;
    Ok(stepped_up(&latchkey.step_up(&actor, input.code).await?))
}

fn stepped_up(proof: &Renewed) -> Response {
    renewed(proof, Json(SteppedUpView { success: true, access_token: proof.access_token.clone() }))
}

/// The token of a half-done sign-in, in either of its places.
fn half_token(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let own = single(headers, &HALF_TOKEN)?.map(str::trim).filter(|token| !token.is_empty());
    if let Some(token) = own {
        return Ok(Some(token.to_owned()));
    }
    let token = credentials(headers)?.authorization.and_then(bearer);
    Ok(token.filter(|token| token.starts_with(HALF_PREFIX)).map(str::to_owned))
}

/// Show once more who one is
///
/// What changes how somebody signs in answers 403 `reauthentication_required` when that was not shown within the last ten
/// minutes: with a code by people who have a second factor, with the password by those who have none.
#[utoipa::path(
    post, path = "/auth/reauthenticate", tag = "Two-factor", request_body = Reauthenticate,
    responses(
        (status = 200, description = "Shown.", body = SteppedUpView),
        (status = 400, description = "`invalid_code` or `invalid_password`; `validation_failed`."),
        (status = 423, description = "`locked`: too many wrong codes."),
    )
)]
pub async fn reauthenticate(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<Reauthenticate>,
) -> Answer<Response> {
    Ok(stepped_up(&latchkey.reauthenticate(&actor, input).await?))
}

/// Two-factor authentication is off.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TwoFactorOffView {
    /// Always true.
    success: bool,
    /// For people.
    message: &'static str,
    /// A new access token. Those from before stay good.
    access_token: String,
}

/// Switch two-factor authentication off
///
/// Needs the password, and a second factor: its code here, or one proven within the last ten minutes. Its secret, the
/// backup codes and the trust in devices are gone, and every other session ends.
#[utoipa::path(
    post, path = "/auth/2fa/disable", tag = "Two-factor", request_body = EndFactor,
    responses(
        (status = 200, description = "Off from now on.", body = TwoFactorOffView),
        (status = 400, description = "`invalid_password`, `invalid_code`, `two_factor_not_enabled`, or `validation_failed`."),
        (status = 403, description = "`reauthentication_required`: no second factor was shown a short while ago; `insufficient_scope` for an API key."),
        (status = 409, description = "`two_factor_mandatory`: an organization of the person demands it."),
        (status = 423, description = "`locked`: too many wrong codes."),
    )
)]
pub async fn disable_two_factor(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<EndFactor>,
) -> Answer<Response> {
    let proof = latchkey.end_factor(&actor, input).await?;
    let message = "Two-factor authentication is off. You are signed out everywhere else.";
    let view = TwoFactorOffView { success: true, message, access_token: proof.access_token.clone() };
    Ok(renewed(&proof, Json(view)))
}

/// How the backup codes stand
///
/// The codes themselves are never told again.
#[utoipa::path(
    get, path = "/auth/2fa/backup-codes", tag = "Two-factor",
    responses((status = 200, description = "How many are left.", body = BackupCodesView))
)]
pub async fn backup_codes(State(latchkey): State<Latchkey>, By(actor): By) -> Answer<Json<BackupCodesView>> {
    Ok(Json(latchkey.backup_codes(&actor).await?))
}

/// Make new backup codes
///
/// Those from before are dead. Needs a second factor proven within the last ten minutes, or the password, or a code.
#[utoipa::path(
    post, path = "/auth/2fa/regenerate-backup-codes", tag = "Two-factor",
    request_body(content = Option<RenewBackupCodes>, description = "Nothing at all after a recent second factor."),
    responses(
        (status = 200, description = "The new codes, shown once.", body = NewBackupCodesView),
        (status = 400, description = "`invalid_password`, `invalid_code`, or `two_factor_not_enabled`."),
        (status = 403, description = "`reauthentication_required`: nothing was proven a short while ago; `insufficient_scope` for an API key."),
        (status = 423, description = "`locked`: too many wrong codes."),
    )
)]
pub async fn regenerate_backup_codes(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<RenewBackupCodes>,
) -> Answer<Json<NewBackupCodesView>> {
    Ok(Json(latchkey.renew_backup_codes(&actor, input).await?))
}

/// The trusted devices
#[utoipa::path(
    get, path = "/auth/2fa/trusted-devices", tag = "Two-factor",
    responses((status = 200, description = "Those that still hold, newest first.", body = Vec<TrustedDeviceView>))
)]
pub async fn trusted_devices(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    headers: HeaderMap,
) -> Answer<Json<Vec<TrustedDeviceView>>> {
    Ok(Json(latchkey.trusted_devices(&actor, devices(&headers)).await?))
}

/// Trust a device
///
/// In a session whose second factor was proven within the last ten minutes, and not by a backup code. The address that is
/// recorded is the one the server sees.
#[utoipa::path(
    post, path = "/auth/2fa/trusted-devices", tag = "Two-factor", request_body = NewTrustedDevice,
    responses(
        (status = 201, description = "The device, and once its secret, to be sent as `X-Device-Token` when its person signs in.", body = AddedDeviceView),
        (status = 403, description = "`reauthentication_required`; `trusted_devices_forbidden` by an organization of the person; `insufficient_scope` for an API key."),
    )
)]
pub async fn add_trusted_device(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    headers: HeaderMap,
    Body(input): Body<NewTrustedDevice>,
) -> Answer<Response> {
    let added = latchkey.add_trusted_device(&actor, input).await?;
    let answer = (StatusCode::CREATED, Json(&added.view));
    let cookie = is_same_origin(&headers).then(|| added.cookie(cookies::devices(&headers)));
    Ok(with_devices(cookie.as_ref(), answer))
}

/// How many devices are no longer trusted.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"success": true, "count": 2}))]
pub struct ForgottenDevicesView {
    /// Always true.
    success: bool,
    /// How many.
    #[schema(minimum = 0)]
    count: u64,
}

/// Trust no device any more
#[utoipa::path(
    delete, path = "/auth/2fa/trusted-devices", tag = "Two-factor",
    responses((status = 200, description = "None is trusted now.", body = ForgottenDevicesView))
)]
pub async fn forget_trusted_devices(
    State(latchkey): State<Latchkey>,
    By(actor): By,
) -> Answer<Json<ForgottenDevicesView>> {
    Ok(Json(ForgottenDevicesView { success: true, count: latchkey.forget_devices(&actor).await? }))
}

/// Trust one device no longer
#[utoipa::path(
    delete, path = "/auth/2fa/trusted-devices/{deviceId}", tag = "Two-factor",
    params(("deviceId" = String, Path, description = "Which device.")),
    responses((status = 200, description = "It is not trusted now.", body = Success))
)]
pub async fn forget_trusted_device(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
) -> Answer<Json<Success>> {
    latchkey.forget_device(&actor, &id).await?;
    Ok(Success::json())
}
