//! Reading the audit log: by the administrators of an organization, and by the operator (contract section 9).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::field::{Field, FieldCode, Findings};
use crate::id::EventId;
use crate::member::Action;
use crate::principal::{Actor, Permit};
use crate::store::{AuditFilter, Store, StoredEvent, Tampered};

use super::page::{Orders, Page, PageQuery};

/// How many entries are read at a time for an export.
const CHUNK: i64 = 500;

const ORDERS: Orders = Orders { names: &["createdAt"], columns: &[("position", "position DESC")] };

/// Which entries.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditQuery {
    /// Only by this person, key, or `anonymous`.
    pub actor: Option<String>,
    /// Only of this kind, or of all kinds that begin so, as in `api_key.`.
    pub action: Option<String>,
    /// Only about this.
    pub target: Option<String>,
    /// Not before this instant.
    pub from: Option<String>,
    /// Before this instant.
    pub to: Option<String>,
    /// `ndjson` or `csv` for an export of all of them.
    pub format: Option<String>,
    /// Which part of the list.
    #[serde(flatten)]
    pub page: PageQuery,
}

/// An entry of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEventView {
    /// Which one.
    pub id: EventId,
    /// Its place in the chain, from 1.
    pub position: i64,
    /// When.
    pub created_at: Timestamp,
    /// Who: a person, a key, `anonymous` or `operator`.
    pub actor: String,
    /// What that person or key is called today, while there is one.
    #[schema(required)]
    pub actor_name: Option<String>,
    /// Did what, as in `api_key.created`.
    pub action: String,
    /// To what.
    pub target: String,
    /// What that person or key is called today, while there is one.
    #[schema(required)]
    pub target_name: Option<String>,
    /// From where.
    pub ip_address: String,
    /// With what.
    pub user_agent: String,
    /// In which request.
    pub request_id: String,
    /// Further facts.
    #[schema(value_type = Option<Object>, required)]
    pub detail: serde_json::Value,
    /// The hash that ties it to its place (SHA-256, hexadecimal).
    pub hash: String,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values (RFC 4180).
    Csv,
}

/// An export, read piece by piece. Only [`Latchkey::begin_export`] makes one, which notes it in the log itself.
pub struct Export {
    chain: String,
    filter: AuditFilter,
    format: ExportFormat,
    /// Up to which place it has been read.
    after: i64,
    /// The place of the last entry when it began.
    until: i64,
    /// What stands before the first entry, until it is read.
    head: &'static str,
}

impl Export {
    fn new(chain: String, filter: AuditFilter, format: ExportFormat, until: i64) -> Self {
        let head = match format {
            ExportFormat::Ndjson => "",
            ExportFormat::Csv => CSV_HEAD,
        };
        Self { chain, filter, format, after: 0, until, head }
    }

    /// How it is written.
    pub const fn format(&self) -> ExportFormat {
        self.format
    }
}

impl AuditQuery {
    fn filter(&self) -> Result<AuditFilter, Error> {
        let mut findings = Findings::default();
        let mut at = |text: &Option<String>, field: Field| {
            let text = text.as_deref().filter(|text| !text.is_empty())?;
            findings.need(Timestamp::parse_rfc3339(text), field, FieldCode::NotADate)
        };
        let (from, to) = (at(&self.from, Field::From), at(&self.to, Field::To));
        findings.check()?;
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Ok(AuditFilter { actor: said(&self.actor), action: said(&self.action), target: said(&self.target), from, to })
    }

    /// How it is to be exported, if it is.
    pub fn export_format(&self) -> Result<Option<ExportFormat>, Error> {
        match self.format.as_deref() {
            None | Some("") => Ok(None),
            Some("ndjson") => Ok(Some(ExportFormat::Ndjson)),
            Some("csv") => Ok(Some(ExportFormat::Csv)),
            Some(_) => Err(Error::field(Field::Format, FieldCode::NotOneOf(&["ndjson", "csv"]))),
        }
    }
}

impl Latchkey {
    /// A page of the organization's audit log, newest first.
    pub async fn audit_events(&self, actor: &Actor, query: &AuditQuery) -> Result<Page<AuditEventView>, Error> {
        let permit = actor.permit(Action::ReadAudit)?;
        let (filter, page) = (query.filter()?, query.page.check(ORDERS)?);
        let mut reading = self.0.db.read().await?;
        let (events, total) =
            reading.store().list_events(&chain_of(&permit), &filter, (page.order, page.limit, page.offset)).await?;
        Ok(Page { items: events.into_iter().map(view).collect(), total })
    }

    /// Begins an export of the organization's audit log, oldest first. That it was exported is an entry itself.
    pub async fn begin_export(&self, actor: &Actor, query: &AuditQuery, format: ExportFormat) -> Result<Export, Error> {
        let permit = actor.permit(Action::ReadAudit)?;
        let filter = query.filter()?;
        let chain = chain_of(&permit);
        let mut writing = self.0.db.write().await?;
        self.tell(&mut writing.store(), Told::by(actor, Deed::AuditExported, permit.organization())).await?;
        let until = writing.store().find_chain_length(&chain).await?;
        writing.commit().await?;
        Ok(Export::new(chain, filter, format, until))
    }

    /// The next piece of an export; `None` when that was all.
    pub async fn export_next(&self, export: &mut Export) -> Result<Option<String>, Error> {
        let mut text = std::mem::take(&mut export.head).to_owned();
        let mut reading = self.0.db.read().await?;
        let range = (export.after, export.until);
        let events = reading.store().list_events_between(&export.chain, &export.filter, range, CHUNK).await?;
        let Some(last) = events.last() else { return Ok(Some(text).filter(|text| !text.is_empty())) };
        export.after = last.position;
        for event in events {
            write_line(&mut text, &view(event), export.format)?;
        }
        Ok(Some(text))
    }

    /// Walks every chain of the log and says how many entries stand there untouched, or the first that does not. For the
    /// operator.
    pub async fn verify_audit_log(&self) -> Result<Result<Vec<(String, i64)>, Tampered>, Error> {
        verify_chains(&mut self.0.db.read().await?.store()).await
    }

    /// An export of one chain, or of the platform's, for the operator.
    pub async fn export_chain(&self, chain: &str, format: ExportFormat) -> Result<Export, Error> {
        let until = self.0.db.read().await?.store().find_chain_length(chain).await?;
        if until == 0 {
            return Err(Error::NotFound);
        }
        let (chain, filter) = (chain.to_owned(), AuditFilter::default());
        Ok(Export::new(chain, filter, format, until))
    }
}

/// How many entries every chain has that stand there untouched, or the first that does not.
pub(super) async fn verify_chains(store: &mut Store<'_>) -> Result<Result<Vec<(String, i64)>, Tampered>, Error> {
    let mut sound = Vec::new();
    for chain in store.list_chains().await? {
        match store.verify_chain(&chain, CHUNK).await? {
            Ok(length) => sound.push((chain, length)),
            Err(tampered) => return Ok(Err(tampered)),
        }
    }
    Ok(Ok(sound))
}

fn chain_of(permit: &Permit) -> String {
    permit.organization().to_string()
}

fn view(event: StoredEvent) -> AuditEventView {
    AuditEventView {
        id: event.id,
        position: event.position,
        created_at: event.at,
        actor: event.actor,
        actor_name: event.actor_name,
        action: event.action,
        target: event.target,
        target_name: event.target_name,
        ip_address: event.address,
        user_agent: event.user_agent,
        request_id: event.request_id,
        detail: serde_json::from_str(&event.detail).unwrap_or_default(),
        hash: crate::crypto::hexadecimal(&event.hash),
    }
}

const CSV_HEAD: &str =
    "position,id,createdAt,actor,actorName,action,target,targetName,ipAddress,userAgent,requestId,detail,hash\r\n";

fn write_line(text: &mut String, event: &AuditEventView, format: ExportFormat) -> Result<(), Error> {
    if format == ExportFormat::Ndjson {
        text.push_str(&serde_json::to_string(event).map_err(Error::internal)?);
        text.push('\n');
        return Ok(());
    }
    let detail = if event.detail.is_null() { String::new() } else { event.detail.to_string() };
    let (position, id, at) = (event.position.to_string(), event.id.to_string(), event.created_at.rfc3339());
    let none = String::new();
    let cells = [
        &position,
        &id,
        &at,
        &event.actor,
        event.actor_name.as_ref().unwrap_or(&none),
        &event.action,
        &event.target,
        event.target_name.as_ref().unwrap_or(&none),
        &event.ip_address,
        &event.user_agent,
        &event.request_id,
        &detail,
        &event.hash,
    ];
    text.push_str(&cells.map(|cell| csv_cell(cell)).join(","));
    text.push_str("\r\n");
    Ok(())
}

/// A cell of a table (RFC 4180). What a spreadsheet would take for a formula is made text by an apostrophe.
fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        assert_eq!(csv_cell("plain"), "plain");
        assert_eq!(csv_cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(csv_cell("=1+1"), "'=1+1");
    }
}
