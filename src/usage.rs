//! How API keys are used, counted in memory and written once in a while: never on the path of a request.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use crate::clock::Timestamp;
use crate::id::{ApiKeyId, TokenId};
use crate::key_watch::{Ending, network};
use crate::principal::Visitor;

const SHARDS: usize = 16;
/// How many calls of one key are kept word for word between two writings.
const RECENT: usize = 50;
/// How many callers of one key are told apart between two writings; calls of further ones are counted all the same.
const CALLERS: usize = 64;
const HOUR: i64 = 3_600_000;

/// One call, as it is kept until it is written.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) at: Timestamp,
    pub(crate) endpoint: Arc<str>,
    pub(crate) status: u16,
    pub(crate) address: IpAddr,
    pub(crate) user_agent: Arc<str>,
}

/// Calls of one hour and endpoint.
pub(crate) struct Tally {
    pub(crate) hour: i64,
    pub(crate) endpoint: Arc<str>,
    pub(crate) calls: i64,
    pub(crate) errors: i64,
}

/// Calls from one network by one program.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) network: IpNet,
    pub(crate) user_agent: Arc<str>,
    /// Of what was refused: why.
    pub(crate) ending: Option<Ending>,
    /// The first of the calls, and its very address.
    pub(crate) at: Timestamp,
    pub(crate) address: IpAddr,
    pub(crate) calls: i64,
}

/// All that is kept of one key.
#[derive(Default)]
pub(crate) struct KeyUse {
    pub(crate) calls: i64,
    pub(crate) tallies: Vec<Tally>,
    pub(crate) recent: VecDeque<Call>,
    /// Who made them, the first one first.
    pub(crate) callers: Vec<Caller>,
    /// Who was refused since the key, or its secret, had ended.
    pub(crate) refused: Vec<Caller>,
}

#[derive(Default)]
pub(crate) struct Usage {
    shards: [Mutex<HashMap<ApiKeyId, KeyUse>>; SHARDS],
}

impl Usage {
    /// Counts one call.
    pub(crate) fn note(&self, key: ApiKeyId, now: Timestamp, endpoint: &str, status: u16, visitor: &Visitor) {
        self.shard(key).entry(key).or_default().note(now, endpoint, status, visitor);
    }

    /// Notes that somebody presented a key that had ended.
    pub(crate) fn note_refused(&self, key: ApiKeyId, now: Timestamp, ending: Ending, visitor: &Visitor) {
        note_caller(&mut self.shard(key).entry(key).or_default().refused, now, visitor, Some(ending));
    }

    fn shard(&self, key: ApiKeyId) -> MutexGuard<'_, HashMap<ApiKeyId, KeyUse>> {
        let shard = usize::try_from(key.number() % SHARDS as u128).unwrap_or(0);
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that was counted since the last time. In the order of the ids: nodes that write at once take the rows of the
    /// database in the same order, and so never wait for each other in a circle.
    pub(crate) fn take(&self) -> Vec<(ApiKeyId, KeyUse)> {
        let drain = |shard: &Mutex<HashMap<ApiKeyId, KeyUse>>| {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.drain().collect::<Vec<_>>()
        };
        let mut taken: Vec<_> = self.shards.iter().flat_map(drain).collect();
        taken.sort_unstable_by_key(|(key, _)| *key);
        taken
    }

    /// What could not be written is counted on.
    pub(crate) fn put_back(&self, taken: Vec<(ApiKeyId, KeyUse)>) {
        for (key, used) in taken {
            let mut shard = self.shard(key);
            let later = shard.remove(&key).unwrap_or_default();
            shard.insert(key, used.followed_by(later));
        }
    }
}

impl Caller {
    fn is(&self, other: &Self) -> bool {
        self.network == other.network && self.ending == other.ending && self.user_agent == other.user_agent
    }
}

impl KeyUse {
    /// This, and what came after it.
    fn followed_by(mut self, later: Self) -> Self {
        self.calls += later.calls;
        for tally in later.tallies {
            let same = |kept: &&mut Tally| kept.hour == tally.hour && kept.endpoint == tally.endpoint;
            match self.tallies.iter_mut().find(same) {
                Some(kept) => {
                    kept.calls += tally.calls;
                    kept.errors += tally.errors;
                }
                None => self.tallies.push(tally),
            }
        }
        follow(&mut self.callers, later.callers);
        follow(&mut self.refused, later.refused);
        self.recent.extend(later.recent);
        self.recent.drain(..self.recent.len().saturating_sub(RECENT));
        self
    }

    fn note(&mut self, now: Timestamp, endpoint: &str, status: u16, visitor: &Visitor) {
        let hour = now.millis().div_euclid(HOUR);
        let errors = i64::from(status >= 400);
        self.calls += 1;
        note_caller(&mut self.callers, now, visitor, None);
        let place = self.tallies.iter().position(|tally| tally.hour == hour && *tally.endpoint == *endpoint);
        let place = place.unwrap_or_else(|| {
            self.tallies.push(Tally { hour, endpoint: endpoint.into(), calls: 0, errors: 0 });
            self.tallies.len() - 1
        });
        let tally = &mut self.tallies[place];
        tally.calls += 1;
        tally.errors += errors;
        let endpoint = Arc::clone(&tally.endpoint);
        let user_agent = match self.recent.back() {
            Some(last) if *last.user_agent == *visitor.user_agent => Arc::clone(&last.user_agent),
            _ => visitor.user_agent.as_str().into(),
        };
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Call { at: now, endpoint, status, address: visitor.address, user_agent });
    }
}

fn note_caller(callers: &mut Vec<Caller>, now: Timestamp, visitor: &Visitor, ending: Option<Ending>) {
    let network = network(visitor.address);
    let is_known = |caller: &&mut Caller| {
        caller.network == network && caller.ending == ending && *caller.user_agent == *visitor.user_agent
    };
    if let Some(caller) = callers.iter_mut().find(is_known) {
        caller.calls += 1;
    } else if callers.len() < CALLERS {
        let (user_agent, address) = (visitor.user_agent.as_str().into(), visitor.address);
        callers.push(Caller { network, user_agent, ending, at: now, address, calls: 1 });
    }
}

/// Adds what callers did later to what they did before.
fn follow(callers: &mut Vec<Caller>, later: Vec<Caller>) {
    for caller in later {
        if let Some(known) = callers.iter_mut().find(|known| known.is(&caller)) {
            known.calls += caller.calls;
        } else if callers.len() < CALLERS {
            callers.push(caller);
        }
    }
}

/// The id under which a call is kept: sortable by its instant.
pub(crate) fn call_id(at: Timestamp) -> TokenId {
    TokenId::new(at, crate::crypto::random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_counted_and_the_last_ones_are_kept() {
        let usage = Usage::default();
        let key = ApiKeyId::new(Timestamp::from_seconds(1), [1; 10]);
        let visitor =
            Visitor { address: [127, 0, 0, 1].into(), user_agent: "curl".to_owned(), request_id: String::new() };
        for call in 0..120 {
            let status = if call % 4 == 0 { 403 } else { 200 };
            usage.note(key, Timestamp::from_seconds(call), "GET /v1/auth/verify", status, &visitor);
        }
        let taken = usage.take();
        let (_, used) = &taken[0];
        assert_eq!((used.calls, used.tallies[0].calls, used.tallies[0].errors), (120, 120, 30));
        assert_eq!(used.recent.len(), RECENT);
        assert!(usage.take().is_empty());
        usage.note(key, Timestamp::from_seconds(200), "GET /v1/auth/verify", 200, &visitor);
        usage.put_back(taken);
        let (_, used) = &usage.take()[0];
        assert_eq!((used.calls, used.tallies[0].calls, used.tallies.len(), used.recent.len()), (121, 121, 1, RECENT));
        assert_eq!(used.recent.back().map(|call| call.at), Some(Timestamp::from_seconds(200)), "in their order");
    }

    #[test]
    fn callers_are_told_apart_by_network_and_program_and_are_bounded() {
        let usage = Usage::default();
        let key = ApiKeyId::new(Timestamp::from_seconds(1), [1; 10]);
        let from = |address: [u8; 4], user_agent: &str| Visitor {
            address: address.into(),
            user_agent: user_agent.to_owned(),
            request_id: String::new(),
        };
        let note = |visitor: &Visitor| usage.note(key, Timestamp::from_seconds(9), "GET /", 200, visitor);
        for visitor in [from([10, 0, 0, 1], "curl/8"), from([10, 0, 0, 2], "curl/8"), from([10, 0, 0, 1], "wget/1")] {
            note(&visitor);
        }
        for net in 0..=255 {
            usage.note_refused(key, Timestamp::from_seconds(9), Ending::Revoked, &from([10, 1, net, 1], "curl/8"));
        }
        let taken = usage.take();
        let (_, used) = &taken[0];
        let callers: Vec<_> = used.callers.iter().map(|caller| (&*caller.user_agent, caller.calls)).collect();
        assert_eq!(callers, [("curl/8", 2), ("wget/1", 1)]);
        assert_eq!((used.refused.len(), used.calls), (CALLERS, 3), "what is refused is no use");
        assert!(used.refused.iter().all(|caller| caller.ending == Some(Ending::Revoked)));
    }
}
