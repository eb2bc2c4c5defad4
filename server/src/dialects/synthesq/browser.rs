//! Front ends with a session cookie. A sign-in needs the CSRF token of this browser, a change that of the session; both
//! are read from the cookie `XSRF-TOKEN` and sent as `X-XSRF-TOKEN`.

use axum::Json;
use axum::extract::{FromRequestParts as _, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use latchkey::error::Code;
use latchkey::flow::gate::Entered;
use latchkey::flow::joining::{Acceptance, Accepted};
use latchkey::flow::second_factor::VerifyFactor;
use latchkey::flow::sign_in::{SecretText, SignIn, SignedIn};
use latchkey::flow::sign_up::{SignUp, SignedUp};
use latchkey::{Error, Latchkey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::token::TokensView;
use super::who::{Caller, business, by_cookie, by_tokens, signed_in};
use super::{Done, StaffView, UserData, check_typed_twice};
use crate::rest::answer::{Answer, MessageView, with_cookie};
use crate::rest::body::{Body, Id};
use crate::rest::cookies;
use crate::rest::failure::Failure;
use crate::rest::who::{Barred, Guest};

const TO_VERIFY: &str = "A link to confirm your address is on its way. Open it to sign in.";

/// What a sign-in gives, besides the session cookie.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SynthesqSession)]
pub struct SessionView {
    /// Always true.
    success: bool,
    /// For people.
    message: &'static str,
    data: UserData,
    user: StaffView,
    /// Where they act: the slug of the organization.
    #[schema(required)]
    business_id: Option<String>,
}

/// Several cookies beside an answer.
fn cookie_headers(
    all: impl IntoIterator<Item = Option<HeaderValue>>,
) -> AppendHeaders<Vec<(header::HeaderName, HeaderValue)>> {
    AppendHeaders(all.into_iter().flatten().map(|value| (header::SET_COOKIE, value)).collect())
}

/// The answer of every way in: the person, the session cookie, and the session's own CSRF token.
fn opened(status: StatusCode, message: &'static str, session: &SignedIn) -> Response {
    let user = StaffView::new(&session.view.user, session.view.user.permissions());
    let business_id = user.business_id.clone();
    let view = SessionView { success: true, message, data: UserData { user: user.clone() }, user, business_id };
    let cookies = cookie_headers([cookies::set_csrf(&session.view.csrf_token), cookies::clear_half()]);
    with_cookie(session, (status, cookies, Json(view)))
}

/// Opened, or 423 with the half-done sign-in kept in the browser.
fn entered(entered: &Entered) -> Response {
    match entered {
        Entered::SignedIn(session) => opened(StatusCode::OK, "You are signed in.", session),
        Entered::SecondFactorDue(due) => {
            (cookie_headers([cookies::set_half(due)]), Failure::second_factor_due(due)).into_response()
        }
    }
}

/// Give this browser a CSRF token
///
/// In the cookie `XSRF-TOKEN`, for scripts to read and to send as `X-XSRF-TOKEN`: of the session, or of a browser that is
/// not signed in.
#[utoipa::path(
    get, path = "/sanctum/csrf-cookie", tag = "SynthesQ", security(()),
    responses((status = 204, description = "Set."))
)]
pub async fn csrf_cookie(State(latchkey): State<Latchkey>, mut parts: Parts) -> Answer<Response> {
    Guest::from_request_parts(&mut parts, &latchkey).await?;
    let cookies = match signed_in(&parts, &latchkey).await {
        Some(actor) => [cookies::set_csrf(&latchkey.csrf_token(&actor)?), None],
        None => visitor_cookies(&latchkey, &parts.headers),
    };
    Ok((StatusCode::NO_CONTENT, cookie_headers(cookies)).into_response())
}

/// The CSRF token of a browser that is not signed in, and its name where it has none yet.
fn visitor_cookies(latchkey: &Latchkey, headers: &HeaderMap) -> [Option<HeaderValue>; 2] {
    match cookies::visitor(headers) {
        Some(name) => [cookies::set_csrf(&latchkey.visitor_csrf(name)), None],
        None => {
            let name = latchkey.new_visitor();
            [cookies::set_csrf(&latchkey.visitor_csrf(&name)), cookies::set_visitor(&name)]
        }
    }
}

/// What somebody who signs in says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SynthesqSignIn, example = json!({"email": "ada@example.org", "password": "plum river candle"}))]
pub struct Credentials {
    /// The account's address.
    #[schema(required)]
    email: Option<String>,
    /// Its password.
    #[schema(required)]
    password: Option<SecretText>,
    /// Whether to keep the session when the browser closes; true when not said.
    remember: Option<bool>,
}

/// Sign in, as SynthesQ's front ends do
///
/// `X-Business-ID` says in which organization, by its slug.
#[utoipa::path(
    post, path = "/api/v1/auth/login", tag = "SynthesQ", security(()), request_body = Credentials,
    responses(
        (status = 200, description = "Signed in.", body = SessionView),
        (status = 401, description = "`invalid_credentials`: the address or the password is not right."),
        (status = 403, description = "`not_a_member` of the organization asked for; `email_not_verified`; `organization_suspended`."),
        (status = 419, description = "`csrf_failed`: without the CSRF token of this browser."),
        (status = 423, description = "`two_factor_required`: go on with `two-factor-challenge`."),
    )
)]
pub async fn login(
    State(latchkey): State<Latchkey>,
    Caller(visitor): Caller,
    headers: HeaderMap,
    Body(Credentials { email, password, remember }): Body<Credentials>,
) -> Answer<Response> {
    let organization_slug = business(&headers)?.map(str::to_owned);
    let input = SignIn { email, password, remember, organization_slug, ..SignIn::default() };
    Ok(entered(&latchkey.sign_in(&visitor, input, by_cookie(&headers)).await?))
}

/// The code of a second factor.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SynthesqChallenge, example = json!({"code": "123456"}))]
pub struct Challenge {
    /// A code of the authenticator, or a backup code.
    #[schema(required)]
    code: Option<SecretText>,
    /// From the answer 423, for programs that keep no cookies: they are answered with tokens.
    #[schema(value_type = Option<String>)]
    two_factor_token: Option<SecretText>,
    /// Whether this browser is not to be asked again for a while.
    trust_device: Option<bool>,
}

/// A session, or tokens.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SynthesqEntered)]
#[allow(dead_code, reason = "it describes the answer; the parts are written as they are")]
pub enum ChallengeAnswer {
    /// A browser's.
    Session(Box<SessionView>),
    /// A program's.
    Tokens(Done<TokensView>),
}

/// Prove the second factor, as SynthesQ's clients do
///
/// Five wrong codes end the half-done sign-in.
#[utoipa::path(
    post, path = "/api/v1/auth/two-factor-challenge", tag = "SynthesQ", security(()), request_body = Challenge,
    responses(
        (status = 200, description = "Signed in.", body = ChallengeAnswer),
        (status = 401, description = "`invalid_code`; `token_expired` or `invalid_token` when the half-done sign-in has ended."),
        (status = 403, description = "`organization_suspended`."),
        (status = 419, description = "`csrf_failed`: without the CSRF token of this browser."),
        (status = 429, description = "`locked`: too many wrong codes."),
    )
)]
pub async fn two_factor_challenge(
    State(latchkey): State<Latchkey>,
    mut parts: Parts,
    Body(Challenge { code, two_factor_token, trust_device }): Body<Challenge>,
) -> Answer<Response> {
    let input = VerifyFactor { code, trust_device, device_name: None };
    if let Some(token) = two_factor_token.filter(|token| !token.0.is_empty()) {
        let Guest(visitor) = Guest::from_request_parts(&mut parts, &latchkey).await?;
        let session = latchkey.finish_sign_in(&visitor, &token.0, input, by_tokens(&parts.headers)).await?;
        return Ok(Json(Done::new("You are signed in.", TokensView::of(&session.view)?)).into_response());
    }
    let Caller(visitor) = Caller::from_request_parts(&mut parts, &latchkey).await?;
    let token = cookies::half(&parts.headers).ok_or(Error::Unauthenticated(Code::InvalidToken))?;
    let session = latchkey.finish_sign_in(&visitor, token, input, by_cookie(&parts.headers)).await?;
    Ok(opened(StatusCode::OK, "You are signed in.", &session))
}

/// What somebody who signs up says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SynthesqSignUp, example = json!({"name": "Ada Byron", "email": "ada@example.org", "password": "plum river candle", "password_confirmation": "plum river candle", "business_name": "Blue Harbour"}))]
pub struct NewAccount {
    /// What the person is called.
    #[schema(required)]
    name: Option<String>,
    /// The address of the new account.
    #[schema(required)]
    email: Option<String>,
    /// Its password.
    #[schema(required)]
    password: Option<SecretText>,
    /// The same once more.
    #[schema(value_type = Option<String>)]
    password_confirmation: Option<SecretText>,
    /// What the new organization is called.
    business_name: Option<String>,
    /// An invitation code; without one a new organization is made.
    invitation_code: Option<String>,
}

/// Make an account, as SynthesQ's front ends do
#[utoipa::path(
    post, path = "/api/v1/auth/register", tag = "SynthesQ", security(()), request_body = NewAccount,
    responses(
        (status = 201, description = "Made, and signed in.", body = SessionView),
        (status = 202, description = "The address must be confirmed first.", body = MessageView),
        (status = 403, description = "`registration_closed`."),
        (status = 419, description = "`csrf_failed`: without the CSRF token of this browser."),
    )
)]
pub async fn register(
    State(latchkey): State<Latchkey>,
    Caller(visitor): Caller,
    headers: HeaderMap,
    Body(input): Body<NewAccount>,
) -> Answer<Response> {
    let NewAccount { name, email, password, password_confirmation, business_name, invitation_code } = input;
    check_typed_twice(password.as_ref(), password_confirmation.as_ref())?;
    let organization_code = invitation_code;
    let input = SignUp { name, email, password, company: business_name, organization_code, ..SignUp::default() };
    Ok(signed_up(latchkey.sign_up(&visitor, input, by_cookie(&headers)).await?))
}

fn signed_up(made: SignedUp) -> Response {
    match made {
        SignedUp::Open(session) => opened(StatusCode::CREATED, "Your account is made.", &session),
        SignedUp::ToVerify(_) => (StatusCode::ACCEPTED, MessageView::json(TO_VERIFY)).into_response(),
    }
}

/// Sign out, as SynthesQ's front ends do
#[utoipa::path(
    post, path = "/api/v1/auth/logout", tag = "SynthesQ", security((), ("bearer" = []), ("cookie" = [], "csrf" = [])),
    responses(
        (status = 200, description = "Signed out, or nobody was signed in.", body = MessageView),
        (status = 419, description = "`csrf_failed`: without the session's CSRF token."),
    )
)]
pub async fn logout(State(latchkey): State<Latchkey>, mut parts: Parts) -> Answer<Response> {
    match Barred::from_request_parts(&mut parts, &latchkey).await {
        Ok(Barred(actor)) => latchkey.sign_out(&actor).await?,
        Err(failure) if matches!(failure.error(), Error::Unauthenticated(_)) => {
            Guest::from_request_parts(&mut parts, &latchkey).await?;
        }
        Err(failure) => return Err(failure),
    }
    let [csrf, visitor] = visitor_cookies(&latchkey, &parts.headers);
    let cookies = cookie_headers([cookies::clear(), csrf, visitor]);
    Ok((cookies, MessageView::json("You are signed out.")).into_response())
}

/// How an invitation is accepted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SynthesqAcceptance, example = json!({"name": "Grace Hopper", "password": "plum river candle", "password_confirmation": "plum river candle"}))]
pub struct NewStaff {
    /// What they are called; not said by whoever has an account.
    name: Option<String>,
    /// The password of their new account, or of the one they have.
    #[schema(required)]
    password: Option<SecretText>,
    /// The same once more.
    #[schema(value_type = Option<String>)]
    password_confirmation: Option<SecretText>,
}

/// Accept an invitation, as SynthesQ's superusers do
///
/// They choose a password and are in.
#[utoipa::path(
    post, path = "/api/v1/invitations/{token}/accept", tag = "SynthesQ", security(()), request_body = NewStaff,
    params(("token" = String, Path, description = "The token of the link.")),
    responses(
        (status = 200, description = "Joined with the account that the address has.", body = SessionView),
        (status = 201, description = "Joined with a new account.", body = SessionView),
        (status = 202, description = "Joined with a new account, whose address must be confirmed first.", body = MessageView),
        (status = 401, description = "`invalid_credentials`: this is not the password of the account."),
        (status = 403, description = "`registration_closed`, `organization_suspended`."),
        (status = 410, description = "`gone`: accepted, withdrawn or expired."),
        (status = 423, description = "`two_factor_required`: go on with `two-factor-challenge`."),
    )
)]
pub async fn accept_invitation(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Id(token): Id,
    Body(NewStaff { name, password, password_confirmation }): Body<NewStaff>,
) -> Answer<Response> {
    check_typed_twice(password.as_ref(), password_confirmation.as_ref())?;
    let input = Acceptance { name, password };
    Ok(match latchkey.accept_invitation(&visitor, &token, input, by_cookie(&headers)).await? {
        Accepted::SignedUp(made) => signed_up(made),
        Accepted::Entered(known) => entered(&known),
    })
}
