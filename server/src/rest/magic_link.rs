//! Signing in with a mailed link or code (contract section 3).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use latchkey::Latchkey;
use latchkey::flow::links::{MailProof, MailTo};

use super::answer::{Answer, EnteredView, MessageView, entered};
use super::body::{Body, Query};
use super::cookies;
use super::links::{LinkQuery, OpenedLink, is_to_be_spent, mailed};
use super::who::{Guest, opening};

const SENT: &str =
    "If there is an account with this address, a link and a code to sign in with are on their way to it.";

/// Mail a link and a code to sign in with
///
/// The answer is the same, and takes the same time, whether or not there is an account. Link and code are one: they work
/// once, for ten minutes, and a new request replaces the one before.
#[utoipa::path(
    post, path = "/auth/magic-link", tag = "Signing in", security(()), request_body = MailTo,
    responses(
        (status = 200, description = "Asked for.", body = MessageView, example = json!({"success": true, "message": SENT})),
        (status = 403, description = "`csrf_failed`: a call from a page of another site."),
    )
)]
pub async fn ask_magic_link(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(input): Body<MailTo>,
) -> Answer<Json<MessageView>> {
    latchkey.ask_magic_link(&visitor, input, cookies::visitor(&headers)).await?;
    Ok(MessageView::json(SENT))
}

/// Sign in with what was mailed
///
/// With the token of the link, or with the address and the code. Five wrong codes end both. Where a second factor is on,
/// what was mailed is spent, and the answer gives the right to prove that factor with `2fa/verify`.
#[utoipa::path(
    post, path = "/auth/magic-link/verify", tag = "Signing in", security(()), request_body = MailProof,
    responses(
        (status = 200, description = "Signed in, or the second factor is due.", body = EnteredView),
        (status = 400, description = "`invalid_token`, `invalid_code`, or `validation_failed`."),
        (status = 403, description = "`organization_suspended`, or `csrf_failed` for a call from a page of another site."),
        (status = 404, description = "The organization asked for is not one of theirs."),
    )
)]
pub async fn sign_in_by_mail(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(input): Body<MailProof>,
) -> Answer<Response> {
    Ok(entered(&latchkey.sign_in_by_mail(&visitor, input, opening(&headers)).await.map_err(mailed)?))
}

/// Open a mailed link to sign in with
///
/// Asked by a script (`Sec-Fetch-Dest: empty`, or `Accept` with `application/json`) it signs in. Anything else, `HEAD`
/// above all, looks at the link and does not spend it.
#[utoipa::path(
    get, path = "/auth/magic-link", tag = "Signing in", security(()),
    params(("token" = String, Query, description = "The token of the link.")),
    responses(
        (status = 200, description = "Signed in, the second factor is due, or a look at the link.", body = OpenedLink),
        (status = 400, description = "`invalid_token`: never given out, replaced by a newer one, or spent."),
        (status = 403, description = "`organization_suspended`, or `csrf_failed` for a script on a page of another site."),
    )
)]
pub async fn open_magic_link(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    parts: Parts,
    Query(query): Query<LinkQuery>,
) -> Answer<Response> {
    if !is_to_be_spent(&latchkey, &parts)? {
        let preview = latchkey.preview_magic_link(&query.token()?, cookies::visitor(&parts.headers)).await?;
        return Ok(Json(preview).into_response());
    }
    Ok(entered(&latchkey.sign_in_by_mail(&visitor, query.proof()?, opening(&parts.headers)).await.map_err(mailed)?))
}
