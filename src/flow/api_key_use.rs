//! How keys are used: counted on the way, read by those who manage them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ApiKeyId, TokenId};
use crate::key_watch::Ending;
use crate::member::Action;
use crate::principal::{Actor, Permit, Principal, Visitor};
use crate::store::{KeyCall, KeyTotals};

use super::api_keys::{may_see, sees_all};
use super::page::{Orders, Page, PageQuery};

const HOUR: i64 = 3_600_000;
const ORDERS: Orders = Orders { names: &["createdAt"], columns: &[("", "")] };

/// One call.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    /// Its id.
    #[schema(value_type = String)]
    pub id: TokenId,
    /// When.
    pub at: Timestamp,
    /// Method and path.
    pub endpoint: String,
    /// The status of the answer.
    pub status: i64,
    /// From where.
    pub ip_address: String,
    /// With what.
    pub user_agent: String,
}

/// How much a key, or a whole organization's keys, were used.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatsView {
    /// Calls in the last 24 hours.
    pub last24_hours: i64,
    /// Calls in the last 7 days.
    pub last7_days: i64,
    /// Calls in the last 30 days.
    pub last30_days: i64,
    /// What part of the calls of 30 days failed, from 0 to 1.
    pub error_rate: f64,
    /// The endpoints most called in 30 days.
    pub top_endpoints: Vec<EndpointView>,
    /// Calls by hour for the last 24 hours, oldest first.
    pub hourly: Vec<HourView>,
    /// Of an organization: how many keys were used in 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_keys: Option<i64>,
}

/// How often an endpoint was called.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EndpointView {
    /// Method and path.
    pub endpoint: String,
    /// Calls.
    pub calls: i64,
    /// How many of them failed.
    pub errors: i64,
}

/// Calls of one hour.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HourView {
    /// When the hour began.
    pub hour: Timestamp,
    /// Calls.
    pub calls: i64,
    /// How many of them failed.
    pub errors: i64,
}

impl Latchkey {
    /// Counts a call that a key made. In memory; written once a minute.
    pub fn note_key_use(&self, principal: &Principal, visitor: &Visitor, endpoint: &str, status: u16) {
        if let Some(key) = principal.key_id() {
            self.0.usage.note(key, self.now(), endpoint, status, visitor);
        }
    }

    /// Notes that the right secret of a key that had ended was presented. In memory, like every use.
    pub(super) fn note_ended_use(&self, visitor: &Visitor, key: Option<ApiKeyId>, ending: Ending) {
        if let Some(key) = key.filter(|_| self.0.settings.key_watch.is_on()) {
            self.0.usage.note_refused(key, self.now(), ending, visitor);
        }
    }

    /// Recent calls of a key, newest first.
    pub async fn api_key_calls(&self, actor: &Actor, id: &str, page: &PageQuery) -> Result<Page<CallView>, Error> {
        let (permit, id) = self.seen_key(actor, id).await?;
        let page = page.check(ORDERS)?;
        let mut reading = self.0.db.read().await?;
        let mut store = reading.store();
        let (calls, total) = store.organization(permit.organization()).list_calls(id, page.limit, page.offset).await?;
        Ok(Page { items: calls.into_iter().map(call_view).collect(), total })
    }

    /// Totals of a key.
    pub async fn api_key_stats(&self, actor: &Actor, id: &str) -> Result<KeyStatsView, Error> {
        let (permit, id) = self.seen_key(actor, id).await?;
        self.stats(&permit, Some(id)).await
    }

    /// Totals of every key of the organization.
    pub async fn organization_key_stats(&self, actor: &Actor) -> Result<KeyStatsView, Error> {
        let permit = actor.permit(Action::ManageOrganizationKeys)?;
        self.stats(&permit, None).await
    }

    /// Calls by hour for the last 24 hours of every key the actor may manage, oldest hour first.
    pub async fn api_key_lines(&self, actor: &Actor) -> Result<Vec<(ApiKeyId, Vec<i64>)>, Error> {
        let permit = actor.permit(Action::ManageOwnKeys)?;
        let hour = self.now().millis().div_euclid(HOUR);
        let mut reading = self.0.db.read().await?;
        let mut store = reading.store();
        let totals = store.organization(permit.organization()).list_totals(None, hour - 23).await?;
        let mut lines: Vec<(ApiKeyId, Vec<i64>)> = Vec::new();
        for total in totals {
            let place = lines.iter().position(|(key, _)| *key == total.key).unwrap_or_else(|| {
                lines.push((total.key, vec![0; 24]));
                lines.len() - 1
            });
            if let Ok(index) = usize::try_from(total.hour - (hour - 23))
                && let Some(calls) = lines[place].1.get_mut(index)
            {
                *calls += total.calls;
            }
        }
        if !sees_all(&permit) {
            let mut own = Vec::new();
            for (key, line) in lines {
                let found = reading.store().organization(permit.organization()).find_key(key).await?;
                if found.is_some_and(|key| may_see(&permit, &key)) {
                    own.push((key, line));
                }
            }
            lines = own;
        }
        Ok(lines)
    }

    async fn seen_key(&self, actor: &Actor, id: &str) -> Result<(Permit, ApiKeyId), Error> {
        let permit = actor.permit(Action::ManageOwnKeys)?;
        let id: ApiKeyId = id.parse().map_err(|_| Error::NotFound)?;
        let mut reading = self.0.db.read().await?;
        let key = reading.store().organization(permit.organization()).find_key(id).await?;
        key.filter(|key| may_see(&permit, key)).ok_or(Error::NotFound)?;
        Ok((permit, id))
    }

    async fn stats(&self, permit: &Permit, key: Option<ApiKeyId>) -> Result<KeyStatsView, Error> {
        let hour = self.now().millis().div_euclid(HOUR);
        let mut reading = self.0.db.read().await?;
        let mut store = reading.store();
        let totals = store.organization(permit.organization()).list_totals(key, hour - 30 * 24 + 1).await?;
        let mut view = summed(&totals, hour);
        view.active_keys = key.is_none().then(|| {
            let mut keys: Vec<_> = totals.iter().map(|total| total.key).collect();
            keys.sort_unstable();
            keys.dedup();
            i64::try_from(keys.len()).unwrap_or(i64::MAX)
        });
        Ok(view)
    }
}

fn call_view(call: KeyCall) -> CallView {
    CallView {
        id: call.id,
        at: call.at,
        endpoint: call.endpoint,
        status: call.status,
        ip_address: call.address,
        user_agent: call.user_agent,
    }
}

fn summed(totals: &[KeyTotals], hour: i64) -> KeyStatsView {
    let since = |hours: i64| totals.iter().filter(move |total| total.hour > hour - hours);
    let calls = |hours: i64| since(hours).map(|total| total.calls).sum::<i64>();
    let all = calls(30 * 24);
    let errors: i64 = since(30 * 24).map(|total| total.errors).sum();
    let hourly = (hour - 23..=hour).map(|hour| {
        let of = || totals.iter().filter(move |total| total.hour == hour);
        HourView {
            hour: Timestamp::from_millis(hour * HOUR),
            calls: of().map(|total| total.calls).sum(),
            errors: of().map(|total| total.errors).sum(),
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    let error_rate = if all == 0 { 0.0 } else { errors as f64 / all as f64 };
    KeyStatsView {
        last24_hours: calls(24),
        last7_days: calls(7 * 24),
        last30_days: all,
        error_rate,
        top_endpoints: top(totals),
        hourly: hourly.collect(),
        active_keys: None,
    }
}

fn top(totals: &[KeyTotals]) -> Vec<EndpointView> {
    let mut endpoints: Vec<EndpointView> = Vec::new();
    for total in totals {
        let place = endpoints.iter().position(|known| known.endpoint == total.endpoint).unwrap_or_else(|| {
            endpoints.push(EndpointView { endpoint: total.endpoint.clone(), calls: 0, errors: 0 });
            endpoints.len() - 1
        });
        endpoints[place].calls += total.calls;
        endpoints[place].errors += total.errors;
    }
    endpoints.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.endpoint.cmp(&b.endpoint)));
    endpoints.truncate(10);
    endpoints
}
