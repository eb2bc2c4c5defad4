//! What the list shows of each key, and what is looked for in it.

use crate::pages::resident;
use crate::request;
use crate::routes::Page;
use latchkey::api_key::KeyStatus;
use latchkey::clock::Timestamp;
use latchkey::flow::api_keys::{KeyView, ListKeys, SignalView};
use latchkey::flow::page::PageQuery;
use latchkey::{Actor, Error};
use std::collections::HashMap;

/// Where a key stands, as the filters cut it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It works.
    Active,
    /// It works, and so does its predecessor.
    Rotating,
    /// Switched off.
    Off,
    /// Past its day.
    Expired,
    /// Ended.
    Revoked,
}

impl State {
    const ALL: [Self; 5] = [Self::Active, Self::Rotating, Self::Off, Self::Expired, Self::Revoked];

    fn of(status: KeyStatus) -> Self {
        match status {
            KeyStatus::Active => Self::Active,
            KeyStatus::Rotating => Self::Rotating,
            KeyStatus::Inactive => Self::Off,
            KeyStatus::Expired => Self::Expired,
            KeyStatus::Revoked => Self::Revoked,
        }
    }

    /// The word on the badge.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Rotating => "Rotating",
            Self::Off => "Off",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    /// The word in an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Rotating => "rotating",
            Self::Off => "off",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// Whether a key of this state is shown under the filter `other`. A rotating key is an active one.
    pub fn falls_under(self, other: Self) -> bool {
        self == other || (self == Self::Rotating && other == Self::Active)
    }

    /// Whether it has ended.
    pub const fn is_dead(self) -> bool {
        matches!(self, Self::Expired | Self::Revoked)
    }
}

/// A key as the list shows it.
#[derive(Clone)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its beginning and its end.
    pub hint: String,
    /// Its public beginning.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Whose it is.
    pub owner: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// From where, and with what.
    pub last_used_by: String,
    /// How often.
    pub calls: u64,
    /// Calls per hour of the last day, the oldest first.
    pub usage: Vec<i64>,
    /// Its last instant.
    pub expires_at: Option<Timestamp>,
    /// Where it stands.
    pub state: State,
    /// Until when its predecessor works.
    pub overlap_ends_at: Option<Timestamp>,
    /// Why it was revoked.
    pub reason: Option<String>,
    /// What was unusual about its use, the latest first.
    pub unusual: Vec<SignalView>,
    /// When the list was made.
    pub now: Timestamp,
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Looking {
    /// Only this state.
    pub state: Option<State>,
    /// Only names that hold this, or keys that begin so.
    pub search: String,
}

impl Looking {
    /// What the address of the page asks for.
    pub fn from_query() -> Self {
        let state = request::query("state").and_then(|name| State::ALL.into_iter().find(|state| state.name() == name));
        Self { state, search: request::query("q").unwrap_or_default().trim().chars().take(16).collect() }
    }

    /// The address of the same search under another filter.
    pub fn with_state(&self, state: Option<State>) -> String {
        let mut query = Vec::new();
        if let Some(state) = state {
            query.push(("state", state.name()));
        }
        if !self.search.is_empty() {
            query.push(("q", self.search.as_str()));
        }
        Page::ApiKeys.with(&query)
    }

    /// Whether a key is among what is looked for.
    pub fn finds(&self, row: &Row) -> bool {
        self.state.is_none_or(|state| row.state.falls_under(state))
            && (row.name.to_lowercase().contains(&self.search.to_lowercase()) || row.prefix.starts_with(&self.search))
    }
}

/// Every key that this person sees, the newest first.
pub async fn all(actor: &Actor) -> Result<Vec<Row>, Error> {
    let latchkey = request::latchkey()?;
    let mut keys = Vec::new();
    for page in 1.. {
        let page = PageQuery { page: Some(page.to_string()), limit: Some("100".to_owned()), ..PageQuery::default() };
        let part = latchkey.list_api_keys(actor, &ListKeys { page, ..ListKeys::default() }).await?;
        let is_last = part.items.len() < 100;
        keys.extend(part.items);
        if is_last {
            break;
        }
    }
    let mut lines: HashMap<_, _> = latchkey.api_key_lines(actor).await?.into_iter().collect();
    let (place, now) = (resident(actor).await?.place, latchkey.now());
    let mine = actor.principal().user_id();
    let row = |key: KeyView| {
        let owner = match (key.owner, key.user_id == mine) {
            ("organization", _) => place.clone(),
            (_, true) => "Me".to_owned(),
            (_, false) => key.owner_name.clone(),
        };
        let usage = lines.remove(&key.id).unwrap_or_default();
        Row::new(key, owner, usage, now)
    };
    Ok(keys.into_iter().map(row).collect())
}

impl Row {
    fn new(key: KeyView, owner: String, usage: Vec<i64>, now: Timestamp) -> Self {
        let used_by = [key.last_used_ip, key.last_used_by].into_iter().flatten().filter(|part| !part.is_empty());
        Self {
            id: key.id.to_string(),
            hint: format!("{}…{}", key.key_prefix, key.last_four),
            scopes: key.scopes.names().to_vec(),
            last_used_by: used_by.collect::<Vec<_>>().join(", "),
            calls: key.usage_count.unsigned_abs(),
            state: State::of(key.status),
            name: key.name,
            description: key.description,
            prefix: key.key_prefix,
            created_by: key.created_by,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            expires_at: key.expires_at,
            overlap_ends_at: key.overlap_ends_at,
            reason: key.revoked_reason,
            unusual: key.unusual_use.map(|unusual| unusual.signals).unwrap_or_default(),
            owner,
            usage,
            now,
        }
    }
}
