//! The audit log (contract section 9).

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use latchkey::flow::audit_log::{AuditEventView, AuditQuery, Export, ExportFormat};
use latchkey::{Error, Latchkey};

use super::answer::{Answer, Listed};
use super::body::Query;
use super::who::By;

/// The audit log
///
/// Of the organization acted in, newest first. With `format` all that the filters leave is sent, oldest first, as one JSON
/// object a line or as a table; that is noted in the log itself.
#[utoipa::path(
    get, path = "/audit-events", tag = "Audit", params(
        ("actor" = Option<String>, Query, description = "Only by this person or key, or `anonymous`."),
        ("action" = Option<String>, Query, description = "Only of this kind; with a dot at the end of all kinds that begin so.", example = "api_key."),
        ("target" = Option<String>, Query, description = "Only about this."),
        ("from" = Option<String>, Query, description = "Not before this instant.", example = "2026-11-21T00:00:00Z"),
        ("to" = Option<String>, Query, description = "Before this instant.", example = "2026-11-22T00:00:00Z"),
        ("format" = Option<String>, Query, description = "`ndjson` or `csv`: all of it."),
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
        ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`."),
    ),
    responses(
        (status = 200, description = "What happened.", body = Vec<AuditEventView>, headers(("X-Total-Count" = u64, description = "How many there are in all."))),
        (status = 403, description = "`insufficient_role`: for administrators."),
    )
)]
pub async fn audit_events(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Query(query): Query<AuditQuery>,
) -> Answer<Response> {
    let Some(format) = query.export_format()? else {
        return Ok(Listed(latchkey.audit_events(&actor, &query).await?).into_response());
    };
    let export = latchkey.begin_export(&actor, &query, format).await?;
    Ok(exported(latchkey, export))
}

/// Sends an export piece by piece. A fault on the way cuts the answer off, so that nobody takes a part for the whole.
fn exported(latchkey: Latchkey, export: Export) -> Response {
    let (kind, name) = match export.format() {
        ExportFormat::Ndjson => ("application/x-ndjson", "attachment; filename=\"audit-events.ndjson\""),
        ExportFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit-events.csv\""),
    };
    let pieces = stream::try_unfold((latchkey, export), async |(latchkey, mut export)| {
        let piece = latchkey.export_next(&mut export).await?;
        Ok::<_, Error>(piece.map(|piece| (Bytes::from(piece), (latchkey, export))))
    });
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    (headers.map(|(name, value)| (name, HeaderValue::from_static(value))), Body::from_stream(pieces)).into_response()
}
