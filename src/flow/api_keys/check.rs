//! What a new or changed key may look like.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api_key::{KeyLife, KeyMode, Scopes};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::field::{Field, FieldCode, Findings};
use crate::id::{ApiKeyId, OrganizationId, UserId};
use crate::organization::Membership;
use crate::store::StoredKey;

const MOST_CALLS: i64 = 1_000_000_000;
const LONGEST_WINDOW: i64 = 30 * 86_400;
const MOST_ENTRIES: u32 = 100;

/// A key to be made.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Nightly export", "scopes": ["read"], "expiresAt": "2099-01-01T00:00:00Z"}))]
pub struct NewKey {
    /// What it is called.
    #[schema(required, max_length = 100)]
    pub name: Option<String>,
    /// What it is for.
    #[schema(max_length = 500)]
    pub description: Option<String>,
    /// What it may: `read`, `write`, `delete`, `admin`, and scopes of your own applications; `read` when not said.
    pub scopes: Option<Vec<String>>,
    /// Calls in the window; 1000 when not said.
    #[schema(minimum = 1)]
    pub rate_limit: Option<i64>,
    /// The window in seconds; 3600 when not said.
    #[schema(minimum = 1, maximum = 2_592_000)]
    pub rate_limit_window: Option<i64>,
    /// Calls a minute.
    #[schema(minimum = 1)]
    pub rate_limit_per_minute: Option<i64>,
    /// Calls a day.
    #[schema(minimum = 1)]
    pub rate_limit_per_day: Option<i64>,
    /// Addresses and networks (CIDR) it may be used from.
    pub allowed_ips: Option<Vec<String>>,
    /// Domains it is meant for; told to whoever asks `verify`.
    pub allowed_domains: Option<Vec<String>>,
    /// Its last instant, RFC 3339.
    #[schema(value_type = Option<Timestamp>)]
    pub expires_at: Option<String>,
    /// `user` (when not said) or `organization`.
    #[schema(pattern = "^(user|organization)$")]
    pub owner: Option<String>,
    /// Further organizations it may act in.
    pub organization_ids: Option<Span>,
    /// `live` (when not said) or `test`.
    #[schema(pattern = "^(live|test)$")]
    pub mode: Option<String>,
}

/// What may be changed of a key; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Nightly export, Berlin"}))]
pub struct KeyChanges {
    /// What it is called.
    #[schema(max_length = 100)]
    pub name: Option<String>,
    /// What it is for; an empty text takes it away.
    #[schema(max_length = 500)]
    pub description: Option<String>,
    /// What it may.
    pub scopes: Option<Vec<String>>,
    /// Calls in the window.
    #[schema(minimum = 1)]
    pub rate_limit: Option<i64>,
    /// The window in seconds.
    #[schema(minimum = 1, maximum = 2_592_000)]
    pub rate_limit_window: Option<i64>,
    /// Calls a minute.
    #[schema(minimum = 1)]
    pub rate_limit_per_minute: Option<i64>,
    /// Calls a day.
    #[schema(minimum = 1)]
    pub rate_limit_per_day: Option<i64>,
    /// Addresses and networks; an empty list takes the restriction away.
    pub allowed_ips: Option<Vec<String>>,
    /// Domains; an empty list takes them away.
    pub allowed_domains: Option<Vec<String>>,
    /// Its last instant, RFC 3339; an empty text takes it away.
    #[schema(value_type = Option<Timestamp>)]
    pub expires_at: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    #[schema(pattern = "^(ACTIVE|INACTIVE)$")]
    pub status: Option<String>,
}

/// Which organizations a key may act in besides its home.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Span {
    /// None.
    #[default]
    #[serde(skip)]
    None,
    /// These.
    Some(Vec<String>),
    /// `all`: wherever its owner is a member.
    All(String),
}

impl Span {
    /// From the stored form.
    pub(crate) fn stored(text: &str) -> Self {
        if text == "all" {
            Self::All(text.to_owned())
        } else {
            Self::Some(text.split_whitespace().map(str::to_owned).collect())
        }
    }

    /// The stored form, when the owner belongs to all of them. Only a person's key can span: one of an organization
    /// acts in that organization.
    pub(crate) fn check(&self, memberships: &[Membership], of_organization: bool) -> Result<String, Error> {
        let wrong =
            || Error::field(Field::OrganizationIds, FieldCode::NotOneOf(&["all", "organizations you belong to"]));
        let stored = match self {
            Self::None => String::new(),
            Self::All(text) if text == "all" => text.clone(),
            Self::All(_) => return Err(wrong()),
            Self::Some(ids) => {
                for id in ids {
                    let id: OrganizationId = id.parse().map_err(|_| Error::NotFound)?;
                    let member = memberships.iter().any(|place| place.is_live() && place.organization.id == id);
                    if !member {
                        return Err(Error::NotFound);
                    }
                }
                ids.join(" ")
            }
        };
        if of_organization && !stored.is_empty() { Err(wrong()) } else { Ok(stored) }
    }
}

/// A new key, checked.
pub(crate) struct Checked {
    name: String,
    description: Option<String>,
    pub(crate) scopes: Scopes,
    limits: Limits,
    allowed_ips: String,
    allowed_domains: String,
    expires_at: Option<Timestamp>,
    pub(crate) of_organization: bool,
    pub(crate) span: Span,
    pub(crate) mode: KeyMode,
}

struct Limits {
    rate: i64,
    window: i64,
    per_minute: Option<i64>,
    per_day: Option<i64>,
}

impl NewKey {
    pub(crate) fn check(self, now: Timestamp) -> Result<Checked, Error> {
        let mut findings = Findings::default();
        let name = findings.text(self.name.as_deref(), Field::Name, 100);
        let description = findings.optional_text(self.description.as_deref(), Field::Description, 500);
        let scopes = scopes(&mut findings, &self.scopes.unwrap_or_else(|| vec!["read".to_owned()]));
        let limits = Limits {
            rate: amount(&mut findings, self.rate_limit, Field::RateLimit, MOST_CALLS).unwrap_or(1000),
            window: amount(&mut findings, self.rate_limit_window, Field::RateLimitWindow, LONGEST_WINDOW)
                .unwrap_or(3600),
            per_minute: amount(&mut findings, self.rate_limit_per_minute, Field::RateLimitPerMinute, MOST_CALLS),
            per_day: amount(&mut findings, self.rate_limit_per_day, Field::RateLimitPerDay, MOST_CALLS),
        };
        let allowed_ips = addresses(&mut findings, &self.allowed_ips.unwrap_or_default());
        let allowed_domains = domains(&mut findings, &self.allowed_domains.unwrap_or_default());
        let expires_at = self.expires_at.filter(|text| !text.trim().is_empty());
        let expires_at = expires_at.and_then(|text| instant(&mut findings, &text, now));
        let of_organization = match self.owner.as_deref() {
            None | Some("user") => false,
            Some("organization") => true,
            Some(_) => {
                findings.add(Field::Owner, FieldCode::NotOneOf(&["user", "organization"]));
                false
            }
        };
        let mode = self.mode.as_deref().map_or(Some(KeyMode::Live), KeyMode::parse);
        let mode = findings.need(mode, Field::Mode, FieldCode::NotOneOf(&["live", "test"]));
        findings.check()?;
        let (Some(name), Some(mode)) = (name, mode) else { return Err(Error::NotFound) };
        let span = self.organization_ids.unwrap_or_default();
        Ok(Checked {
            name,
            description,
            scopes,
            limits,
            allowed_ips,
            allowed_domains,
            expires_at,
            of_organization,
            span,
            mode,
        })
    }
}

impl Checked {
    /// The key, but for what only the verb knows.
    pub(crate) fn into_key(self, now: Timestamp) -> StoredKey {
        StoredKey {
            id: ApiKeyId::new(now, [0; 10]),
            organization_id: OrganizationId::new(now, [0; 10]),
            user_id: UserId::new(now, [0; 10]),
            of_organization: self.of_organization,
            created_by: String::new(),
            name: self.name,
            description: self.description,
            mode: self.mode,
            scopes: self.scopes,
            span: String::new(),
            public_id: String::new(),
            last_four: String::new(),
            rate_limit: self.limits.rate,
            rate_limit_window: self.limits.window,
            rate_limit_per_minute: self.limits.per_minute,
            rate_limit_per_day: self.limits.per_day,
            allowed_ips: self.allowed_ips,
            allowed_domains: self.allowed_domains,
            life: KeyLife { expires_at: self.expires_at, ..KeyLife::default() },
            revoked_by: None,
            revoked_reason: None,
            last_used_at: None,
            last_used_ip: None,
            last_used_by: None,
            usage_count: 0,
            created_at: now,
            updated_at: now,
        }
    }
}

impl KeyChanges {
    pub(crate) fn apply(self, mut key: StoredKey, now: Timestamp) -> Result<StoredKey, Error> {
        let mut findings = Findings::default();
        if let Some(name) = &self.name {
            key.name = findings.text(Some(name), Field::Name, 100).unwrap_or(key.name);
        }
        if let Some(description) = &self.description {
            key.description = findings.optional_text(Some(description), Field::Description, 500);
        }
        if let Some(names) = &self.scopes {
            key.scopes = scopes(&mut findings, names);
        }
        self.apply_limits(&mut key, &mut findings);
        if let Some(list) = &self.allowed_ips {
            key.allowed_ips = addresses(&mut findings, list);
        }
        if let Some(list) = &self.allowed_domains {
            key.allowed_domains = domains(&mut findings, list);
        }
        match self.expires_at.as_deref().map(str::trim) {
            None => {}
            Some("") => key.life.expires_at = None,
            Some(text) => key.life.expires_at = instant(&mut findings, text, now),
        }
        match self.status.as_deref() {
            None => {}
            Some("ACTIVE") => key.life.inactive_at = None,
            Some("INACTIVE") => key.life.inactive_at = key.life.inactive_at.or(Some(now)),
            Some(_) => findings.add(Field::Status, FieldCode::NotOneOf(&["ACTIVE", "INACTIVE"])),
        }
        findings.check()?;
        Ok(key)
    }

    fn apply_limits(&self, key: &mut StoredKey, findings: &mut Findings) {
        if let Some(rate) = amount(findings, self.rate_limit, Field::RateLimit, MOST_CALLS) {
            key.rate_limit = rate;
        }
        if let Some(window) = amount(findings, self.rate_limit_window, Field::RateLimitWindow, LONGEST_WINDOW) {
            key.rate_limit_window = window;
        }
        let per_minute = amount(findings, self.rate_limit_per_minute, Field::RateLimitPerMinute, MOST_CALLS);
        key.rate_limit_per_minute = per_minute.or(key.rate_limit_per_minute);
        let per_day = amount(findings, self.rate_limit_per_day, Field::RateLimitPerDay, MOST_CALLS);
        key.rate_limit_per_day = per_day.or(key.rate_limit_per_day);
    }
}

fn scopes(findings: &mut Findings, names: &[String]) -> Scopes {
    let scopes = findings.need(Scopes::parse(names), Field::Scopes, FieldCode::NotScopes).unwrap_or_default();
    if names.is_empty() {
        findings.add(Field::Scopes, FieldCode::Empty);
    }
    if scopes.len() > Scopes::MOST {
        findings.add(Field::Scopes, FieldCode::TooMany(u32::try_from(Scopes::MOST).unwrap_or(u32::MAX)));
    }
    scopes
}

fn amount(findings: &mut Findings, value: Option<i64>, field: Field, most: i64) -> Option<i64> {
    let value = value?;
    if !(1..=most).contains(&value) {
        findings.add(field, FieldCode::OutOfRange(1, most));
    }
    Some(value)
}

fn instant(findings: &mut Findings, text: &str, now: Timestamp) -> Option<Timestamp> {
    let at = findings.need(Timestamp::parse_rfc3339(text.trim()), Field::ExpiresAt, FieldCode::NotADate)?;
    if at <= now {
        findings.add(Field::ExpiresAt, FieldCode::NotInTheFuture);
    }
    Some(at)
}

fn addresses(findings: &mut Findings, list: &[String]) -> String {
    let network = |text: &String| {
        let text = text.trim();
        let single = text.parse::<std::net::IpAddr>().map(|address| ipnet::IpNet::from(address.to_canonical()));
        text.parse::<ipnet::IpNet>().or(single).ok().map(|network| network.trunc().to_string())
    };
    words(findings, list, Field::AllowedIps, FieldCode::NotAddresses, network)
}

fn domains(findings: &mut Findings, list: &[String]) -> String {
    let domain = |text: &String| {
        let domain = text.trim().to_ascii_lowercase();
        let bare = domain.strip_prefix("*.").unwrap_or(&domain);
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        (bare.len() <= 253 && bare.split('.').all(label)).then_some(domain)
    };
    words(findings, list, Field::AllowedDomains, FieldCode::NotDomains, domain)
}

fn words(
    findings: &mut Findings,
    list: &[String],
    field: Field,
    wrong: FieldCode,
    read: impl Fn(&String) -> Option<String>,
) -> String {
    if list.len() > MOST_ENTRIES as usize {
        findings.add(field, FieldCode::TooMany(MOST_ENTRIES));
        return String::new();
    }
    let read: Option<Vec<String>> = list.iter().map(read).collect();
    findings.need(read, field, wrong).unwrap_or_default().join(" ")
}
