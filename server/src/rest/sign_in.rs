//! Signing in and up.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use latchkey::Latchkey;
use latchkey::flow::sign_in::{SignIn, SignInView};
use latchkey::flow::sign_up::{SignUp, SignedUp};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Answer, EnteredView, entered, signed_in};
use super::body::Body;
use super::who::{Guest, opening};

/// The account was made; its address must be confirmed before anybody can sign in to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"success": true, "message": TO_VERIFY, "email": "ada@example.org", "requiresVerification": true}))]
pub struct ToVerifyView {
    /// Always true.
    success: bool,
    /// For people.
    message: &'static str,
    /// Where the link and the code went.
    email: String,
    /// Always true.
    requires_verification: bool,
}

impl ToVerifyView {
    fn new(email: String) -> Self {
        Self { success: true, message: TO_VERIFY, email, requires_verification: true }
    }
}

const TO_VERIFY: &str = "A link to confirm your address is on its way. Open it to sign in.";

/// Sign in with address and password
///
/// The answer is the same, and takes the same time, for an unknown address, a wrong password and an account that is
/// switched off. Failures count by account, address, network and all together, and make the next try wait; a browser that has
/// signed in to the account before counts apart. Where a second factor is on, its code may be said along with
/// them, or the answer gives the right to prove it with `2fa/verify`; a trusted device (`X-Device-Token`) is not asked.
#[utoipa::path(
    post, path = "/auth/login", tag = "Signing in", security(()), request_body = SignIn,
    responses(
        (status = 200, description = "Signed in, or the second factor is due.", body = EnteredView),
        (status = 401, description = "`invalid_credentials`: the address or the password is not right; `invalid_code`: they are, and the code is not; `sign_in_method_not_allowed`: the organization takes no passwords."),
        (status = 403, description = "`email_not_verified`, `organization_suspended`, or `csrf_failed` for a call from a page of another site."),
        (status = 404, description = "The organization asked for is not one of theirs."),
        (status = 423, description = "`locked`: too many wrong codes."),
    )
)]
pub async fn login(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(input): Body<SignIn>,
) -> Answer<Response> {
    Ok(entered(&latchkey.sign_in(&visitor, input, opening(&headers)).await?))
}

/// Make an account, and an organization that it owns
///
/// With an invitation code (`organizationCode`) it joins the organization of the code instead, also where registration is by
/// invitation. Where addresses must be confirmed first, nobody is signed in yet, and an address that is taken is answered alike.
#[utoipa::path(
    post, path = "/auth/register", tag = "Signing in", security(()), request_body = SignUp,
    responses(
        (status = 201, description = "Made, and signed in.", body = SignInView),
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
    Body(input): Body<SignUp>,
) -> Answer<Response> {
    Ok(signed_up(latchkey.sign_up(&visitor, input, opening(&headers)).await?))
}

/// The answer to a new account.
pub fn signed_up(made: SignedUp) -> Response {
    match made {
        SignedUp::Open(session) => signed_in(StatusCode::CREATED, &session),
        SignedUp::ToVerify(email) => (StatusCode::ACCEPTED, Json(ToVerifyView::new(email.to_string()))).into_response(),
    }
}

/// Which other ways to sign in there are
#[derive(Debug, Serialize, ToSchema)]
pub struct ProvidersView {
    google: ProviderView,
    apple: ProviderView,
    github: ProviderView,
    microsoft: ProviderView,
}

/// A way to sign in through somebody else.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct ProviderView {
    /// Whether people can sign in this way.
    enabled: bool,
    /// Whether it was set up.
    configured: bool,
}

/// Which providers people can sign in with
#[utoipa::path(
    get, path = "/auth/oauth-status", tag = "Signing in", security(()),
    responses((status = 200, description = "Every known provider.", body = ProvidersView))
)]
pub async fn oauth_status(_: Guest) -> Json<ProvidersView> {
    let none = ProviderView::default();
    Json(ProvidersView { google: none, apple: none, github: none, microsoft: none })
}
