//! Sessions: signing out, the list, ending one.

use axum::Json;
use axum::extract::{FromRequestParts as _, State};
use axum::http::request::Parts;
use axum::response::Response;
use latchkey::flow::sessions::SessionView;
use latchkey::{Actor, Error, Latchkey};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Answer, Success, signed_out};
use super::body::Id;
use super::failure::Failure;
use super::who::{By, Guest, authenticate_barred, credentials, origins};

/// Sign out
///
/// Ends this session and takes its cookie away. With no credential at all there is nothing to end, and that is fine.
#[utoipa::path(
    post, path = "/auth/logout", tag = "Sessions", security((), ("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "Signed out.", body = Success),
        (status = 401, description = "The token is not good."),
        (status = 403, description = "`csrf_failed` for a call from a page of another site; `insufficient_scope` for an API key."),
    )
)]
pub async fn logout(State(latchkey): State<Latchkey>, mut parts: Parts) -> Answer<Response> {
    let found = credentials(&parts.headers)?;
    let by_header = [found.authorization, found.api_key].into_iter().flatten().any(|text| !text.trim().is_empty());
    if !by_header && found.cookie.is_none() {
        Guest::from_request_parts(&mut parts, &latchkey).await?;
        return Ok(signed_out());
    }
    match authenticate_barred(&parts, &latchkey).await {
        Ok((call, principal, _)) => {
            if let Some(window) = latchkey.admit_actor(&principal)? {
                call.note_window(window);
            }
            if !by_header {
                latchkey.check_same_origin(origins(&parts.headers))?;
            }
            latchkey.sign_out(&Actor::new(call.visitor.clone(), principal)).await?;
        }
        Err(failure) if by_header || !has_ended(&failure) => return Err(failure),
        Err(_) => {}
    }
    Ok(signed_out())
}

fn has_ended(failure: &Failure) -> bool {
    matches!(failure.error(), Error::Unauthenticated(_))
}

/// Sign out everywhere
///
/// Ends every session of the person, this one included.
#[utoipa::path(
    post, path = "/auth/logout-all", tag = "Sessions",
    responses((status = 200, description = "Signed out everywhere.", body = Success))
)]
pub async fn logout_all(State(latchkey): State<Latchkey>, By(actor): By) -> Answer<Response> {
    latchkey.sign_out_everywhere(&actor).await?;
    Ok(signed_out())
}

/// The person's sessions
#[utoipa::path(
    get, path = "/auth/sessions", tag = "Sessions",
    responses((status = 200, description = "Those that still hold, newest first.", body = Vec<SessionView>))
)]
pub async fn list_sessions(State(latchkey): State<Latchkey>, By(actor): By) -> Answer<Json<Vec<SessionView>>> {
    Ok(Json(latchkey.sessions(&actor).await?))
}

/// How many sessions there are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"activeSessionCount": 2}))]
pub struct SessionCountView {
    /// How many still hold.
    #[schema(minimum = 0)]
    active_session_count: usize,
}

/// How many sessions the person has
#[utoipa::path(
    get, path = "/auth/sessions/count", tag = "Sessions",
    responses((status = 200, description = "How many still hold.", body = SessionCountView))
)]
pub async fn count_sessions(State(latchkey): State<Latchkey>, By(actor): By) -> Answer<Json<SessionCountView>> {
    Ok(Json(SessionCountView { active_session_count: latchkey.sessions(&actor).await?.len() }))
}

/// End one session
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", tag = "Sessions", params(("id" = String, Path, description = "Which session.")),
    responses((status = 200, description = "Ended.", body = Success))
)]
pub async fn end_session(State(latchkey): State<Latchkey>, By(actor): By, Id(id): Id) -> Answer<Json<Success>> {
    latchkey.end_session(&actor, &id).await?;
    Ok(Success::json())
}
