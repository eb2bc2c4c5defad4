use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, query};

use super::Store;
use super::db::Row;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::crypto::sha256;
use crate::error::Error;
use crate::id::EventId;

/// An entry to be written.
pub struct NewEvent<'a> {
    /// Its id.
    pub id: EventId,
    /// Which chain: an organization's id, or `platform`.
    pub chain: &'a str,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: &'a str,
    /// Did what.
    pub action: &'a str,
    /// To what.
    pub target: &'a str,
    /// From where.
    pub address: &'a str,
    /// With what.
    pub user_agent: &'a str,
    /// In which request.
    pub request_id: &'a str,
    /// Further facts, as JSON.
    pub detail: &'a str,
}

/// An entry as the store has it.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// Its place in its chain, from 1.
    pub position: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Did what.
    pub action: String,
    /// To what.
    pub target: String,
    /// From where.
    pub address: String,
    /// With what.
    pub user_agent: String,
    /// In which request.
    pub request_id: String,
    /// Further facts, as JSON.
    pub detail: String,
    /// What ties it to its place.
    pub hash: Vec<u8>,
    /// What the person or key that did it is called today, while there is one.
    pub actor_name: Option<String>,
    /// What the person or key it was done to is called today, while there is one.
    pub target_name: Option<String>,
}

/// Which entries of a chain.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only by this one.
    pub actor: Option<String>,
    /// Only of this kind; of all kinds that begin so when it ends with a dot.
    pub action: Option<String>,
    /// Only about this.
    pub target: Option<String>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub to: Option<Timestamp>,
}

/// Where a chain is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tampered {
    /// Which chain.
    pub chain: String,
    /// The place of the first entry that is changed, missing or out of its place.
    pub position: i64,
    /// What is wrong there.
    pub what: &'static str,
}

fn event(row: &Row) -> Result<StoredEvent, Error> {
    Ok(StoredEvent {
        id: row.parsed("id")?,
        position: row.number("position")?,
        at: row.at("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        target: row.text("target")?,
        address: row.text("address")?,
        user_agent: row.text("user_agent")?,
        request_id: row.text("request_id")?,
        detail: row.text("detail")?,
        hash: row.bytes("hash")?,
        actor_name: row.maybe_text("actor_name")?,
        target_name: row.maybe_text("target_name")?,
    })
}

impl StoredEvent {
    /// Whether it is what was written at its place after the entry with the hash `before`.
    fn is_untouched(&self, chain: &str, before: &[u8]) -> bool {
        let written = NewEvent {
            id: self.id,
            chain,
            at: self.at,
            actor: &self.actor,
            action: &self.action,
            target: &self.target,
            address: &self.address,
            user_agent: &self.user_agent,
            request_id: &self.request_id,
            detail: &self.detail,
        };
        written.hash(before, self.position).as_slice() == self.hash
    }
}

/// What an [`AuditFilter`] says, as a WHERE over `$1` to `$6`.
const FILTERED: &str = "chain = $1 AND ($2 = '' OR actor = $2)
    AND ($3 = '' OR action = $3 OR (SUBSTR($3, LENGTH($3), 1) = '.' AND SUBSTR(action, 1, LENGTH($3)) = $3))
    AND ($4 = '' OR target = $4) AND at >= $5 AND at < $6";

/// The entries of a chain, cut by `part` to some of them, with the names of who they are about.
fn listing(part: &str, order: &str) -> String {
    format!(
        "SELECT entry.*, COALESCE(doer.name, doing_key.name) AS actor_name, COALESCE(done_to.name, key.name) AS target_name
         FROM (SELECT * FROM audit_events WHERE {FILTERED} {part}) entry
         LEFT JOIN users doer ON doer.id = entry.actor LEFT JOIN api_keys doing_key ON doing_key.id = entry.actor
         LEFT JOIN users done_to ON done_to.id = entry.target LEFT JOIN api_keys key ON key.id = entry.target
         ORDER BY {order}"
    )
}

impl NewEvent<'_> {
    /// The hash that ties the entry to its place: SHA-256 over the hash before it, its position, and every field, each
    /// preceded by its length so that no two different entries read alike.
    fn hash(&self, before: &[u8], position: i64) -> [u8; 32] {
        let id = self.id.to_string();
        let mut bytes = before.to_vec();
        bytes.extend_from_slice(&position.to_be_bytes());
        bytes.extend_from_slice(&self.at.millis().to_be_bytes());
        let fields = [
            id.as_str(),
            self.chain,
            self.actor,
            self.action,
            self.target,
            self.address,
            self.user_agent,
            self.request_id,
            self.detail,
        ];
        for field in fields {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        sha256(&bytes)
    }
}

impl Store<'_> {
    /// Adds an entry at the end of its chain. The chain's row is the lock: one entry after the other.
    pub async fn insert_event(&mut self, event: &NewEvent<'_>) -> Result<(), Error> {
        let row = query(
            "INSERT INTO audit_chains (chain, length, head) VALUES ($1, 1, $2)
             ON CONFLICT (chain) DO UPDATE SET length = audit_chains.length + 1 RETURNING length, head",
        )
        .bind(event.chain)
        .bind(Vec::new())
        .fetch_one(&mut *self.connection)
        .await?;
        let position = row.number("length")?;
        let hash = event.hash(&row.bytes("head")?, position);
        query(
            "INSERT INTO audit_events (id, chain, position, at, actor, action, target, address, user_agent, request_id,
                detail, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(event.id.to_string())
        .bind(event.chain)
        .bind(position)
        .bind(event.at.millis())
        .bind(event.actor)
        .bind(event.action)
        .bind(event.target)
        .bind(event.address)
        .bind(event.user_agent)
        .bind(event.request_id)
        .bind(event.detail)
        .bind(hash.to_vec())
        .execute(&mut *self.connection)
        .await?;
        query("UPDATE audit_chains SET head = $2 WHERE chain = $1")
            .bind(event.chain)
            .bind(hash.to_vec())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// A page of a chain, and how many entries there are in all.
    pub async fn list_events(
        &mut self,
        chain: &str,
        filter: &AuditFilter,
        (order, limit, offset): (&'static str, i64, i64),
    ) -> Result<(Vec<StoredEvent>, i64), Error> {
        let counting = format!("SELECT CAST(COUNT(*) AS BIGINT) AS total FROM audit_events WHERE {FILTERED}");
        let total = filtered(query(AssertSqlSafe(counting)), chain, filter).fetch_one(&mut *self.connection).await?;
        let listing = listing(&format!("ORDER BY {order} LIMIT $7 OFFSET $8"), order);
        let rows = filtered(query(AssertSqlSafe(listing)), chain, filter)
            .bind(limit)
            .bind(offset)
            .fetch_all(&mut *self.connection)
            .await?;
        Ok((rows.iter().map(event).collect::<Result<_, _>>()?, total.number("total")?))
    }

    /// Entries after one place and up to another, oldest first.
    pub async fn list_events_between(
        &mut self,
        chain: &str,
        filter: &AuditFilter,
        (after, until): (i64, i64),
        most: i64,
    ) -> Result<Vec<StoredEvent>, Error> {
        let listing = listing("AND position > $7 AND position <= $8 ORDER BY position LIMIT $9", "position");
        let rows = filtered(query(AssertSqlSafe(listing)), chain, filter)
            .bind(after)
            .bind(until)
            .bind(most)
            .fetch_all(&mut *self.connection)
            .await?;
        rows.iter().map(event).collect()
    }

    /// Every chain.
    pub async fn list_chains(&mut self) -> Result<Vec<String>, Error> {
        let chains = "SELECT chain FROM audit_chains UNION SELECT chain FROM audit_events ORDER BY chain";
        let rows = query(chains).fetch_all(&mut *self.connection).await?;
        rows.iter().map(|row| row.text("chain")).collect()
    }

    /// How many entries a chain has.
    pub async fn find_chain_length(&mut self, chain: &str) -> Result<i64, Error> {
        let row = query("SELECT length FROM audit_chains WHERE chain = $1")
            .bind(chain)
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map_or(Ok(0), |row| row.number("length"))
    }

    /// Walks a chain from its beginning: how long it is, or where it is not what was written.
    pub async fn verify_chain(&mut self, chain: &str, chunk: i64) -> Result<Result<i64, Tampered>, Error> {
        let row = query("SELECT length, head FROM audit_chains WHERE chain = $1")
            .bind(chain)
            .fetch_optional(&mut *self.connection)
            .await?;
        let wrong = |position, what| Ok(Err(Tampered { chain: chain.to_owned(), position, what }));
        let Some(row) = row else { return wrong(1, "its chain is gone") };
        let (length, head) = (row.number("length")?, row.bytes("head")?);
        let (mut position, mut before) = (0, Vec::new());
        while position < length {
            let range = (position, length);
            let events = self.list_events_between(chain, &AuditFilter::default(), range, chunk).await?;
            if events.is_empty() {
                return wrong(position + 1, "it is missing");
            }
            for event in events {
                position += 1;
                if event.position != position {
                    return wrong(position, "it is missing");
                }
                if !event.is_untouched(chain, &before) {
                    return wrong(position, "it was changed, or stands where another stood");
                }
                before = event.hash;
            }
        }
        if before != head {
            return wrong(position, "the chain does not end with it");
        }
        // In one statement: the log of a running server has grown since the walk began.
        let beyond = query(
            "SELECT e.position FROM audit_events e JOIN audit_chains c ON c.chain = e.chain
             WHERE e.chain = $1 AND e.position > c.length ORDER BY e.position LIMIT 1",
        )
        .bind(chain)
        .fetch_optional(&mut *self.connection)
        .await?;
        match beyond {
            Some(row) => wrong(row.number("position")?, "it was added past the chain's end"),
            None => Ok(Ok(length)),
        }
    }
}

type Statement<'q> = Query<'q, Any, AnyArguments>;

fn filtered<'q>(statement: Statement<'q>, chain: &str, filter: &AuditFilter) -> Statement<'q> {
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    statement
        .bind(chain.to_owned())
        .bind(said(&filter.actor))
        .bind(said(&filter.action))
        .bind(said(&filter.target))
        .bind(filter.from.map_or(i64::MIN, Timestamp::millis))
        .bind(filter.to.map_or(i64::MAX, Timestamp::millis))
}
