//! OrgStack: `POST /api/auth/login` with a `username` (contract section 8).

use axum::Json;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use latchkey::error::Code;
use latchkey::flow::gate::Entered;
use latchkey::flow::sign_in::{SecretText, SignIn};
use latchkey::{Error, Latchkey, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::needed;
use crate::rest::answer::{Answer, with_cookie};
use crate::rest::failure::Failure;
use crate::rest::who::opening;

/// What somebody who signs in says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = OrgStackSignIn, example = json!({"username": "ada@example.org", "password": "plum river candle"}))]
pub struct Credentials {
    /// The user name of the account, or its address.
    #[schema(required)]
    username: Option<String>,
    /// Its password.
    #[schema(required)]
    password: Option<SecretText>,
    /// The code of the second factor, when one is on.
    #[schema(value_type = Option<String>)]
    two_factor_code: Option<SecretText>,
}

/// What a sign-in gives.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrgStackSession)]
pub struct SessionView {
    /// The access token.
    token: String,
    /// Whose.
    user_id: String,
    /// Their user name; without one, their address.
    username: String,
    /// Seconds the token lives.
    expires_in: i64,
}

/// Signs in.
pub async fn login(
    latchkey: &Latchkey,
    visitor: &Visitor,
    headers: &HeaderMap,
    Credentials { username, password, two_factor_code }: Credentials,
) -> Answer<Response> {
    let typed = password.as_ref().map(|text| text.0.as_str());
    needed(&[("username", username.as_deref()), ("password", typed)])?;
    let email = latchkey.address_of(&username.unwrap_or_default()).await?;
    let input = SignIn { email: Some(email), password, two_factor_code, ..SignIn::default() };
    match latchkey.sign_in(visitor, input, opening(headers)).await {
        Ok(Entered::SignedIn(session)) => {
            let tokens = session.view.tokens.as_ref().ok_or_else(|| Error::internal("a sign-in without tokens"))?;
            let user = &session.view.user;
            let view = SessionView {
                token: tokens.access_token.clone(),
                user_id: user.id.to_string(),
                username: user.username.as_ref().unwrap_or(&user.email).clone(),
                expires_in: tokens.expires_in,
            };
            Ok(with_cookie(&session, Json(view)))
        }
        Ok(Entered::SecondFactorDue(due)) => Ok(Failure::second_factor_due(&due).into_response()),
        // What is no address is no account's: people cannot tell one from the other.
        Err(Error::Invalid(_)) => Err(Error::Unauthenticated(Code::InvalidCredentials).into()),
        Err(error) => Err(error.into()),
    }
}

/// Its words where the situation is the same; they hold for everything under `/api` (contract section 11).
pub(super) const fn message(code: Code) -> Option<&'static str> {
    match code {
        Code::InvalidCredentials => Some("Invalid username or password"),
        Code::InvalidToken | Code::TokenExpired | Code::TokenRevoked => Some("Invalid or expired token"),
        Code::MissingCredentials => Some("Missing authorization header"),
        Code::InsufficientRole | Code::InsufficientScope => Some("Insufficient permissions"),
        _ => None,
    }
}
