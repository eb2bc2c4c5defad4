//! Programs of SynthesQ: tokens for a password or an API key, and their renewal.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use latchkey::error::Code;
use latchkey::flow::authenticate::{CredentialHeaders, Presented};
use latchkey::flow::gate::Entered;
use latchkey::flow::sign_in::{SecretText, SignIn, SignInView};
use latchkey::flow::tokens::Refresh;
use latchkey::{Error, Latchkey, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Done;
use super::who::{business, by_tokens};
use crate::rest::answer::Answer;
use crate::rest::body::Body;
use crate::rest::failure::Failure;
use crate::rest::tokens::renewed;
use crate::rest::who::Guest;

/// How long a program is told to use a key that does not expire before it asks again, in seconds.
const ASK_AGAIN: i64 = 86_400;

/// What a program holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SynthesqTokens)]
pub struct TokensView {
    /// To be sent as a Bearer token.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds it lives.
    expires_in: i64,
    /// For `refresh`; an API key has none.
    #[schema(required)]
    refresh_token: Option<String>,
}

impl TokensView {
    /// The tokens of a session.
    pub fn of(view: &SignInView) -> Result<Self, Error> {
        let tokens = view.tokens.as_ref().ok_or_else(|| Error::internal("a sign-in without tokens"))?;
        Ok(Self {
            access_token: tokens.access_token.clone(),
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token.clone(),
        })
    }
}

/// A password, or an API key.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SynthesqTokenRequest, example = json!({"email": "ada@example.org", "password": "plum river candle"}))]
pub struct TokenRequest {
    /// The account's address.
    email: Option<String>,
    /// Its password.
    #[schema(value_type = Option<String>)]
    password: Option<SecretText>,
    /// The code of the second factor, when one is on.
    #[serde(alias = "two_factor_code")]
    #[schema(value_type = Option<String>)]
    two_factor_code: Option<SecretText>,
    /// An API key instead.
    #[serde(alias = "api_key")]
    #[schema(value_type = Option<String>)]
    api_key: Option<SecretText>,
}

/// Exchange a password or an API key for an access token
///
/// An API key is its own access token: it is checked, and given back as one.
#[utoipa::path(
    post, path = "/api/v1/auth/token", tag = "SynthesQ", security(()), request_body = TokenRequest,
    responses(
        (status = 200, description = "Tokens.", body = Done<TokensView>),
        (status = 401, description = "`invalid_credentials`, `invalid_api_key`, `api_key_expired`, `api_key_revoked`; `invalid_code`."),
        (status = 403, description = "`not_a_member` of the organization asked for; `address_not_allowed`; `organization_suspended`."),
        (status = 423, description = "`two_factor_required`: say the code too, or go on with `two-factor-challenge`."),
    )
)]
pub async fn issue(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(input): Body<TokenRequest>,
) -> Answer<Response> {
    let TokenRequest { email, password, two_factor_code, api_key } = input;
    if let Some(key) = api_key.filter(|key| !key.0.is_empty()) {
        let tokens = of_key(&latchkey, &visitor, key.0).await?;
        return Ok(Json(Done::new("Use the API key as a Bearer token.", tokens)).into_response());
    }
    let organization_slug = business(&headers)?.map(str::to_owned);
    let input = SignIn { email, password, two_factor_code, organization_slug, ..SignIn::default() };
    match latchkey.sign_in(&visitor, input, by_tokens(&headers)).await? {
        Entered::SignedIn(session) => {
            Ok(Json(Done::new("You are signed in.", TokensView::of(&session.view)?)).into_response())
        }
        Entered::SecondFactorDue(due) => Ok(Failure::second_factor_due(&due).into_response()),
    }
}

async fn of_key(latchkey: &Latchkey, visitor: &Visitor, key: String) -> Result<TokensView, Error> {
    let headers = CredentialHeaders { api_key: Some(&key), ..CredentialHeaders::default() };
    let (principal, _) = latchkey.authenticate(visitor, &Presented::read(headers)?).await?;
    if principal.key_id().is_none() {
        return Err(Error::Unauthenticated(Code::InvalidApiKey));
    }
    let expires_in = principal.expires_at().map_or(ASK_AGAIN, |end| end.seconds() - latchkey.now().seconds());
    Ok(TokensView { access_token: key, token_type: "Bearer", expires_in, refresh_token: None })
}

/// A refresh token, to be exchanged.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SynthesqRefresh, example = json!({"refresh_token": "lkr_gE1vYJxqkq0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c"}))]
pub struct OldToken {
    /// The refresh token.
    #[serde(alias = "refresh_token")]
    #[schema(value_type = Option<String>, rename = "refresh_token")]
    refresh_token: Option<SecretText>,
}

/// Exchange a refresh token, as SynthesQ's programs do
///
/// It works once. With a Bearer access token and no body: a fresh access token instead.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", tag = "SynthesQ", security((), ("bearer" = [])), request_body = OldToken,
    responses(
        (status = 200, description = "New tokens.", body = Done<TokensView>),
        (status = 401, description = "`invalid_token`, `token_expired` or `token_revoked`."),
        (status = 403, description = "`organization_suspended`."),
    )
)]
pub async fn refresh(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    parts: Parts,
    Body(OldToken { refresh_token }): Body<OldToken>,
) -> Answer<Json<Done<TokensView>>> {
    let input = Refresh { refresh_token, access_life: None };
    let view = renewed(&latchkey, &visitor, &parts, input).await?;
    Ok(Json(Done::new("The token is renewed.", TokensView::of(&view)?)))
}
