//! Handing somebody who is signed in on to another site (contract sections 7, 11).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use latchkey::Latchkey;
use latchkey::flow::handoff::{HandOff, HandoffView, RedeemHandoff};

use super::answer::{Answer, EnteredView, entered};
use super::body::Body;
use super::links::mailed;
use super::who::{By, Guest, opening};

/// Make a ticket to go on elsewhere with
///
/// The answer's `url` opens a session for the same person at the site asked for, without a password: on our own page after
/// they have confirmed it, at another site once its server has redeemed the ticket. The ticket works once, at that site
/// alone, and ends with the session that asks.
#[utoipa::path(
    post, path = "/auth/handoff", tag = "Signing in", request_body = Option<HandOff>,
    responses(
        (status = 200, description = "The ticket, and the address to send the browser to.", body = HandoffView, example = json!({
            "url": "https://app.example.com/auth/thirdPartySignIn?ticket=lkh_gE1vYJxqkq0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c",
            "ticket": "lkh_gE1vYJxqkq0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c", "expiresIn": 60
        })),
        (status = 400, description = "`validation_failed`: a target that is not one of this installation's."),
        (status = 403, description = "`insufficient_scope`: API keys are not handed on."),
    )
)]
pub async fn hand_off(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<HandOff>,
) -> Answer<Json<HandoffView>> {
    Ok(Json(latchkey.hand_off(&actor, input).await?))
}

/// Redeem a ticket that somebody has brought
///
/// For the server of the site that the ticket was made for. The session is a new one, with the organization and the proofs
/// of the one it comes from; a second factor that was not proven there is due here.
#[utoipa::path(
    post, path = "/auth/handoff/redeem", tag = "Signing in", security(()), request_body = RedeemHandoff,
    responses(
        (status = 200, description = "Signed in, or the second factor is due.", body = EnteredView),
        (status = 400, description = "`invalid_token`: never given out, for another site, spent, expired, or its session has ended."),
        (status = 401, description = "`sign_in_method_not_allowed`: the organization asks for another way to sign in."),
        (status = 403, description = "`organization_suspended`, `email_not_verified`, or `csrf_failed` for a call from a page of another site."),
    )
)]
pub async fn redeem_handoff(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(input): Body<RedeemHandoff>,
) -> Answer<Response> {
    Ok(entered(&latchkey.redeem_handoff(&visitor, input, opening(&headers)).await.map_err(mailed)?))
}
