//! Keys as clients and pages see them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api_key::{self, KeyStatus, Scopes};
use crate::clock::Timestamp;
use crate::id::{ApiKeyId, OrganizationId, UserId};
use crate::key_watch::{Sighting, Signal};
use crate::store::StoredKey;

use super::Span;
use crate::agent::browser;

/// A new key, with its one and only reveal.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewKeyView {
    /// Which key.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: String,
    /// The key itself. Shown now and never again.
    pub key: String,
    /// What of it may be shown for ever.
    pub key_prefix: String,
    /// Its last four characters.
    pub last_four: String,
    /// What it may.
    pub scopes: Scopes,
    /// Calls in the window.
    pub rate_limit: i64,
    /// The window, in seconds.
    pub rate_limit_window: i64,
    /// Where it may be used from; empty: anywhere.
    pub allowed_ips: Vec<String>,
    /// Its last instant.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
    /// Of a renewed key: until when the secret before works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_ends_at: Option<Timestamp>,
    /// When the key was made.
    pub created_at: Timestamp,
    /// What to do now.
    pub message: &'static str,
}

/// A key, as those who may manage it see it. Never its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Which key.
    pub id: ApiKeyId,
    /// Its home.
    pub organization_id: OrganizationId,
    /// `user` or `organization`.
    #[schema(pattern = "^(user|organization)$")]
    pub owner: &'static str,
    /// Whose it is, or who is responsible for it.
    pub user_id: UserId,
    /// That person's name.
    pub owner_name: String,
    /// Who made it.
    pub created_by: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    #[schema(required)]
    pub description: Option<String>,
    /// `live` or `test`.
    #[schema(pattern = "^(live|test)$")]
    pub mode: &'static str,
    /// Where it stands.
    pub status: KeyStatus,
    /// What of it may be shown.
    pub key_prefix: String,
    /// Its last four characters.
    pub last_four: String,
    /// What it may.
    pub scopes: Scopes,
    /// Further organizations it may act in: their ids, or `all`.
    pub organization_ids: Span,
    /// Calls in the window.
    pub rate_limit: i64,
    /// The window, in seconds.
    pub rate_limit_window: i64,
    /// Calls a minute.
    #[schema(required)]
    pub rate_limit_per_minute: Option<i64>,
    /// Calls a day.
    #[schema(required)]
    pub rate_limit_per_day: Option<i64>,
    /// Where it may be used from; empty: anywhere.
    pub allowed_ips: Vec<String>,
    /// The same, by the name SalesOS clients know.
    pub ip_whitelist: Vec<String>,
    /// Domains for the asking service to hold to.
    pub allowed_domains: Vec<String>,
    /// Its last instant.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
    /// Until when the secret before the present one works.
    #[schema(required)]
    pub overlap_ends_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(required)]
    pub revoked_at: Option<Timestamp>,
    /// Why.
    #[schema(required)]
    pub revoked_reason: Option<String>,
    /// When it was last used; up to a minute behind.
    #[schema(required)]
    pub last_used_at: Option<Timestamp>,
    /// From where.
    #[schema(required)]
    pub last_used_ip: Option<String>,
    /// With what.
    #[schema(required)]
    pub last_used_by: Option<String>,
    /// How often it was used; up to a minute behind.
    pub usage_count: i64,
    /// What was unusual about its use, until somebody says that it was expected.
    #[schema(required)]
    pub unusual_use: Option<UnusualUseView>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What was unusual about the use of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"at": "2026-11-21T09:30:00Z", "signals": [
    {"signal": "new_network", "at": "2026-11-21T09:30:00Z", "calls": 12, "detail": "203.0.113.0/24"}]}))]
pub struct UnusualUseView {
    /// When something was unusual at last.
    pub at: Timestamp,
    /// What, the latest first; at most twenty.
    pub signals: Vec<SignalView>,
}

/// Something unusual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalView {
    /// What kind of thing.
    pub signal: Signal,
    /// When it was seen, at last.
    pub at: Timestamp,
    /// How many calls were counted with it.
    pub calls: i64,
    /// The network, the program, the amount, the span.
    pub detail: String,
}

/// What a key would be allowed now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TestedKeyView {
    /// Whether it works.
    pub valid: bool,
    /// What it may, as far as its owner may it now.
    pub scopes: Scopes,
}

impl KeyView {
    pub(super) fn new(key: StoredKey, owner_name: String, now: Timestamp) -> Self {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let allowed_ips = words(&key.allowed_ips);
        Self {
            id: key.id,
            organization_id: key.organization_id,
            owner: if key.of_organization { "organization" } else { "user" },
            user_id: key.user_id,
            owner_name,
            created_by: key.created_by,
            status: KeyStatus::at(now, &key.life),
            key_prefix: api_key::prefix(key.mode, &key.public_id),
            mode: key.mode.as_str(),
            organization_ids: Span::stored(&key.span),
            name: key.name,
            description: key.description,
            last_four: key.last_four,
            scopes: key.scopes,
            rate_limit: key.rate_limit,
            rate_limit_window: key.rate_limit_window,
            rate_limit_per_minute: key.rate_limit_per_minute,
            rate_limit_per_day: key.rate_limit_per_day,
            ip_whitelist: allowed_ips.clone(),
            allowed_ips,
            allowed_domains: words(&key.allowed_domains),
            expires_at: key.life.expires_at,
            overlap_ends_at: key.life.overlap_ends_at.filter(|end| *end > now),
            revoked_at: key.life.revoked_at,
            revoked_reason: key.revoked_reason,
            last_used_at: key.last_used_at,
            last_used_ip: key.last_used_ip,
            last_used_by: key.last_used_by.as_deref().map(browser),
            usage_count: key.usage_count,
            unusual_use: None,
            created_at: key.created_at,
            updated_at: key.updated_at,
        }
    }
}

impl KeyView {
    /// With what was unusual, the latest first.
    pub(super) fn with(mut self, seen: impl Iterator<Item = Sighting>) -> Self {
        let view = |Sighting { signal, at, calls, detail }| SignalView { signal, at, calls, detail };
        let signals: Vec<_> = seen.map(view).collect();
        self.unusual_use = signals.first().map(|latest| latest.at).map(|at| UnusualUseView { at, signals });
        self
    }
}

impl NewKeyView {
    pub(super) fn new(key: &StoredKey, secret: String) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            key: secret,
            key_prefix: api_key::prefix(key.mode, &key.public_id),
            last_four: key.last_four.clone(),
            scopes: key.scopes.clone(),
            rate_limit: key.rate_limit,
            rate_limit_window: key.rate_limit_window,
            allowed_ips: key.allowed_ips.split_whitespace().map(str::to_owned).collect(),
            expires_at: key.life.expires_at,
            overlap_ends_at: key.life.overlap_ends_at,
            created_at: key.created_at,
            message: "Copy this key now. It will not be shown again.",
        }
    }
}
