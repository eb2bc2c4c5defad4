//! Whose address it is: confirming it, and moving an account to another (contract section 2).

use axum::Json;
use axum::extract::{FromRequestParts as _, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use latchkey::Latchkey;
use latchkey::flow::address::{ChangeEmail, Verified, VerifiedView};
use latchkey::flow::authenticate::Presented;
use latchkey::flow::links::{LinkPreview, MailProof, MailTo};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Answer, MessageView, with_cookie};
use super::body::{Body, Query};
use super::cookies;
use super::links::{LinkQuery, is_to_be_spent, mailed};
use super::who::{By, Guest, credentials, opening};

const SENT: &str = "If this address has yet to be confirmed, a link and a code for it are on their way.";
const MOVING: &str = "A link to confirm the new address is on its way there. Until then nothing changes.";

/// What a mailed link that confirms an address answers: that it is confirmed when a script asked, a look at it otherwise.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum OpenedVerification<'a> {
    /// It was spent.
    Verified(VerifiedView<'a>),
    /// It was not.
    Preview(LinkPreview),
}

/// Confirm an address with what was mailed to it
///
/// With the token of the link, or with the address and the code: the address of a new account, or the one an account
/// moves to. A link of a new account that is younger than ten minutes also signs in, if nothing else is due.
#[utoipa::path(
    post, path = "/auth/verify-email", tag = "Addresses", security(()), request_body = MailProof,
    responses(
        (status = 200, description = "Confirmed.", body = VerifiedView),
        (status = 400, description = "`invalid_token`, `invalid_code`, or `validation_failed`."),
        (status = 403, description = "`csrf_failed`: a call from a page of another site."),
        (status = 409, description = "`email_taken`: another account has this address by now."),
    )
)]
pub async fn verify_email(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(input): Body<MailProof>,
) -> Answer<Response> {
    let verified = latchkey.verify_address(&visitor, input, opening(&headers)).await.map_err(mailed)?;
    Ok(confirmed(&verified))
}

/// Open a mailed link that confirms an address
///
/// Asked by a script (`Sec-Fetch-Dest: empty`, or `Accept` with `application/json`) it confirms. Anything else, `HEAD`
/// above all, looks at the link and does not spend it.
#[utoipa::path(
    get, path = "/auth/verify-email", tag = "Addresses", security(()),
    params(("token" = String, Query, description = "The token of the link.")),
    responses(
        (status = 200, description = "Confirmed, or a look at the link.", body = OpenedVerification),
        (status = 400, description = "`invalid_token`: never given out, replaced by a newer one, or spent."),
        (status = 403, description = "`csrf_failed`: a script on a page of another site."),
        (status = 409, description = "`email_taken`: another account has this address by now."),
    )
)]
pub async fn open_verification(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    parts: Parts,
    Query(query): Query<LinkQuery>,
) -> Answer<Response> {
    if !is_to_be_spent(&latchkey, &parts)? {
        let preview = latchkey.preview_verification(&query.token()?, cookies::visitor(&parts.headers)).await?;
        return Ok(Json(preview).into_response());
    }
    let verified = latchkey.verify_address(&visitor, query.proof()?, opening(&parts.headers)).await.map_err(mailed)?;
    Ok(confirmed(&verified))
}

fn confirmed(verified: &Verified) -> Response {
    let answer = Json(verified.view());
    match &verified.signed_in {
        Some(session) => with_cookie(session, answer),
        None => answer.into_response(),
    }
}

/// Mail the link that confirms an address once more
///
/// To the address in the body; without one, to that of whoever is signed in. The answer is the same, and takes the same
/// time, whether or not there is something to confirm.
#[utoipa::path(
    post, path = "/auth/verify-email/resend", tag = "Addresses", security((), ("bearer" = []), ("cookie" = [], "csrf" = [])),
    request_body(content = Option<MailTo>, description = "Nothing at all for one's own address."),
    responses(
        (status = 200, description = "Asked for.", body = MessageView, example = json!({"success": true, "message": SENT})),
        (status = 401, description = "`invalid_token`: the credential is not good."),
        (status = 403, description = "`csrf_failed` for a call from a page of another site; `insufficient_scope` for an API key."),
    )
)]
pub async fn resend_verification(
    State(latchkey): State<Latchkey>,
    mut parts: Parts,
    Body(input): Body<MailTo>,
) -> Answer<Json<MessageView>> {
    let browser = cookies::visitor(&parts.headers).map(str::to_owned);
    if input.email.is_some() || Presented::read(credentials(&parts.headers)?)?.is_none() {
        let Guest(visitor) = Guest::from_request_parts(&mut parts, &latchkey).await?;
        latchkey.ask_verification(&visitor, input, browser.as_deref()).await?;
    } else {
        let By(actor) = By::from_request_parts(&mut parts, &latchkey).await?;
        latchkey.ask_own_verification(&actor, browser.as_deref()).await?;
    }
    Ok(MessageView::json(SENT))
}

/// Move the account to another address
///
/// A link goes to the new address, and nothing changes before it is opened. Then the old address is told, and can undo it.
#[utoipa::path(
    post, path = "/auth/change-email", tag = "Addresses", request_body = ChangeEmail,
    responses(
        (status = 200, description = "Asked for; the same for an address that has an account.", body = MessageView,
            example = json!({"success": true, "message": MOVING})),
        (status = 409, description = "`mail_not_configured`: this installation cannot send mail."),
    )
)]
pub async fn change_email(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<ChangeEmail>,
) -> Answer<Json<MessageView>> {
    latchkey.ask_new_address(&actor, input).await?;
    Ok(MessageView::json(MOVING))
}
