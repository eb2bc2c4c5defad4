use std::time::Duration;

use crate::flow::api_keys::{KeyView, ListKeys, NewKey, NewKeyView, RegenerateKey, RevokeKey, SignalView};
use crate::flow::audit_log::AuditQuery;
use crate::flow::authenticate::{CredentialHeaders, Presented};
use crate::flow::mail::MailView;
use crate::key_watch::Signal;
use crate::member::Role;
use crate::settings::KeyWatch;
use crate::testing::{PASSWORD, TestCore, access, code, on_both_engines, visitor};
use crate::{Actor, Visitor};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const HOME: &str = "203.0.113.7";
const AWAY: &str = "198.51.100.20";

fn from(address: &str, program: &str) -> Visitor {
    Visitor {
        address: address.parse().expect("an address"),
        user_agent: program.to_owned(),
        request_id: "req".to_owned(),
    }
}

/// What stands in the list of unusual things, as signals and details.
fn told(key: &KeyView) -> Vec<(Signal, String)> {
    let signals = key.unusual_use.iter().flat_map(|unusual| &unusual.signals);
    signals.map(|SignalView { signal, detail, .. }| (*signal, detail.clone())).collect()
}

fn only(signal: Signal, detail: &str) -> Vec<(Signal, String)> {
    vec![(signal, detail.to_owned())]
}

impl TestCore {
    async fn actor_called(&self, name: &str) -> Actor {
        let session = self.owner(name).await;
        self.actor(access(&session)).await
    }

    /// Somebody new with a place in the organization of `owner`, acting there.
    async fn joins(&self, owner: &Actor, name: &str, role: Role) -> Actor {
        let newcomer = self.actor_called(name).await;
        self.latchkey.add_member_for_test(owner, newcomer.principal().user_id(), role).await;
        let session = self.sign_in(name, PASSWORD).await.expect("in");
        let authorization = format!("Bearer {}", access(&session));
        let home = owner.principal().organization_id().expect("home").to_string();
        let headers = CredentialHeaders {
            authorization: Some(&authorization),
            organization: Some(&home),
            ..CredentialHeaders::default()
        };
        let presented = Presented::read(headers).expect("read");
        let (principal, _) = self.latchkey.authenticate(&visitor(), &presented).await.expect("a member");
        Actor::new(visitor(), principal)
    }

    /// Calls once with a key, or is refused.
    async fn uses(&self, key: &NewKeyView, address: &str, program: &str) -> bool {
        self.uses_often(key, (address, program), 1).await
    }

    async fn uses_often(&self, key: &NewKeyView, (address, program): (&str, &str), times: usize) -> bool {
        let visitor = from(address, program);
        let Ok(principal) = self.bearer_from(&key.key, visitor.clone()).await else { return false };
        for _ in 0..times {
            self.latchkey.note_key_use(&principal, &visitor, "GET /v1/auth/verify", 200);
        }
        true
    }

    async fn flush(&self) {
        self.latchkey.flush().await.expect("written");
    }

    /// Somebody's key that has been used from home, with curl, for longer than it takes to know it.
    async fn known_key(&self, ada: &Actor) -> NewKeyView {
        let key = self.key(ada, &["read"]).await;
        assert!(self.uses(&key, HOME, "curl/8.5.0").await);
        self.flush().await;
        self.pass(DAY + MINUTE);
        key
    }

    async fn seen(&self, actor: &Actor, key: &NewKeyView) -> Vec<(Signal, String)> {
        let one = self.latchkey.api_key(actor, &key.id.to_string()).await.expect("seen");
        let all = self.latchkey.list_api_keys(actor, &ListKeys::default()).await.expect("listed");
        let listed = all.items.iter().find(|listed| listed.id == key.id).expect("is listed");
        assert_eq!(one.unusual_use, listed.unusual_use, "the list says the same");
        told(&one)
    }

    /// How often that is told of in the audit log.
    async fn entries(&self, actor: &Actor, action: &str) -> Vec<serde_json::Value> {
        let query = AuditQuery { action: Some(action.to_owned()), ..AuditQuery::default() };
        let found = self.latchkey.audit_events(actor, &query).await.expect("read");
        found.items.into_iter().map(|event| event.detail).collect()
    }

    async fn alarms(&self, name: &str) -> Vec<MailView> {
        let mut mails = self.mails(name).await;
        mails.retain(|mail| mail.written.subject.starts_with("Unusual use"));
        mails
    }
}

on_both_engines! {
    async fn a_new_network_and_a_new_program_are_told_of_once(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let key = core.known_key(&ada).await;
        core.uses(&key, "203.0.113.99", "curl/9.0.0").await;
        core.flush().await;
        assert!(core.seen(&ada, &key).await.is_empty(), "the same network, the same program");
        for _ in 0..3 {
            core.uses(&key, AWAY, "curl/8.5.0").await;
            core.flush().await;
            core.pass(MINUTE);
        }
        assert_eq!(core.seen(&ada, &key).await, only(Signal::NewNetwork, "198.51.100.0/24"));
        core.uses_often(&key, (HOME, "python-requests/2.31"), 4).await;
        core.flush().await;
        let view = core.latchkey.api_key(&ada, &key.id.to_string()).await.expect("seen");
        let newest = view.unusual_use.expect("unusual").signals.remove(0);
        assert_eq!((newest.signal, newest.detail.as_str(), newest.calls), (Signal::NewAgent, "python-requests", 4));
        let entries = core.entries(&ada, "api_key.used_unusually").await;
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1], serde_json::json!({"signals": [{"signal": "new_network", "calls": 1, "detail": "198.51.100.0/24"}]}));
    }

    async fn while_a_key_is_got_to_know_nothing_is_new(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let key = core.key(&ada, &["read"]).await;
        core.pass(30 * DAY);
        let ada = core.again(&ada).await;
        for (address, program) in [(HOME, "curl/8"), (AWAY, "curl/8"), ("2001:db8::1", "wget/1")] {
            core.uses_often(&key, (address, program), 500).await;
            core.flush().await;
            core.pass(8 * HOUR);
        }
        core.pass(MINUTE);
        for (address, program) in [("2001:db8::9", "curl/8"), (AWAY, "wget/1")] {
            core.uses(&key, address, program).await;
        }
        core.flush().await;
        assert!(core.seen(&ada, &key).await.is_empty(), "what was learned is known");
        core.uses(&key, "2001:db8:1::1", "wget/1").await;
        core.flush().await;
        assert_eq!(core.seen(&ada, &key).await, only(Signal::NewNetwork, "2001:db8:1::/48"));
    }

    async fn of_two_nodes_one_tells(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let key = core.known_key(&ada).await;
        let other = TestCore::over(core.reopened(|_| {}).await.expect("opens"));
        for node in [&core, &other] {
            assert!(node.uses_often(&key, (AWAY, "wget/1"), 80).await);
        }
        let (one, two) = tokio::join!(core.latchkey.flush(), other.latchkey.flush());
        one.and(two).expect("both written");
        let mut seen = core.seen(&ada, &key).await;
        seen.sort_by_key(|(signal, _)| signal.as_str());
        let signals: Vec<_> = seen.iter().map(|(signal, _)| *signal).collect();
        assert_eq!(signals, [Signal::Burst, Signal::NewAgent, Signal::NewNetwork], "{seen:?}");
        let entries = core.entries(&ada, "api_key.used_unusually").await;
        let told: usize = entries.iter().map(|entry| entry["signals"].as_array().map_or(0, Vec::len)).sum();
        assert_eq!(told, 3, "{entries:?}");
        assert_eq!(core.alarms("Ada").await.len(), 1);
    }

    async fn of_two_nodes_one_ends_the_silence(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let key = core.known_key(&ada).await;
        core.pass(45 * DAY);
        let ada = core.again(&ada).await;
        let other = TestCore::over(core.reopened(|_| {}).await.expect("opens"));
        for node in [&core, &other] {
            assert!(node.uses(&key, HOME, "curl/8.5.0").await);
        }
        let (one, two) = tokio::join!(core.latchkey.flush(), other.latchkey.flush());
        one.and(two).expect("both written");
        assert_eq!(core.seen(&ada, &key).await, only(Signal::AfterSilence, "46 days"));
        assert_eq!(core.entries(&ada, "api_key.used_unusually").await.len(), 1);
        core.uses(&key, HOME, "curl/8.5.0").await;
        core.flush().await;
        assert_eq!(core.entries(&ada, "api_key.used_unusually").await.len(), 1);
    }

    async fn a_burst_is_told_of_once_and_is_usual_afterwards(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let key = core.known_key(&ada).await;
        for calls in [30, 40, 20] {
            core.uses_often(&key, (HOME, "curl/8.5.0"), calls).await;
            core.flush().await;
            core.pass(HOUR);
        }
        core.uses_often(&key, (HOME, "curl/8.5.0"), 400).await;
        core.flush().await;
        assert!(core.seen(&ada, &key).await.is_empty(), "ten times as many is not more than ten times as many");
        for _ in 0..3 {
            core.uses(&key, HOME, "curl/8.5.0").await;
            core.flush().await;
            core.pass(MINUTE);
        }
        assert_eq!(core.seen(&ada, &key).await, only(Signal::Burst, "401 calls in an hour, at most 40 before"));
        core.pass(HOUR);
        core.uses_often(&key, (HOME, "curl/8.5.0"), 4_000).await;
        core.flush().await;
        assert_eq!(core.entries(&ada, "api_key.used_unusually").await.len(), 1);
    }

    async fn a_key_that_has_ended_is_refused_as_ever_and_told_of(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let revoked = core.key(&ada, &["read"]).await;
        core.latchkey.revoke_api_key(&ada, &revoked.id.to_string(), RevokeKey::default()).await.expect("revoked");
        let soon = Some(core.latchkey.now().plus(HOUR).rfc3339());
        let expired = core.make_key(&ada, NewKey { expires_at: soon, ..NewKey::default() }).await.expect("made");
        let replaced = core.key(&ada, &["read"]).await;
        let at_once = RegenerateKey { overlap_seconds: Some(60) };
        core.latchkey.regenerate_api_key(&ada, &replaced.id.to_string(), at_once).await.expect("renewed");
        core.pass(HOUR);
        for (key, refusal) in [(&revoked, "api_key_revoked"), (&expired, "api_key_expired"), (&replaced, "api_key_revoked")] {
            for _ in 0..3 {
                assert_eq!(code(core.bearer_from(&key.key, from(AWAY, "curl/8")).await), refusal);
            }
        }
        let unknown = crate::api_key::compose(crate::api_key::KeyMode::Live, &revoked.key[8..16], &"x".repeat(40));
        assert_eq!(code(core.bearer_from(&unknown, from("192.0.2.1", "curl/8")).await), "invalid_api_key");
        core.flush().await;
        for (key, how) in [(&revoked, "revoked"), (&expired, "expired"), (&replaced, "an old secret")] {
            let expected = only(Signal::AfterEnd, &format!("{how}, from 198.51.100.0/24"));
            assert_eq!(core.seen(&ada, key).await, expected, "who held no secret is not told of");
        }
        assert_eq!(core.latchkey.api_key(&ada, &revoked.id.to_string()).await.expect("seen").usage_count, 0);
        assert_eq!(core.entries(&ada, "api_key.used_unusually").await.len(), 3);
        core.bearer_from(&revoked.key, from(AWAY, "curl/8")).await.expect_err("refused");
        core.flush().await;
        let view = core.latchkey.api_key(&ada, &revoked.id.to_string()).await.expect("seen");
        let signals = view.unusual_use.expect("unusual").signals;
        assert_eq!((signals.len(), signals[0].calls), (1, 4), "further calls from there are counted");
        assert_eq!(core.entries(&ada, "api_key.used_unusually").await.len(), 3);
    }

    async fn a_replaced_secret_is_noticed_for_a_month_whatever_it_is_answered(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let leaked = core.key(&ada, &["read"]).await;
        let id = leaked.id.to_string();
        core.latchkey.regenerate_api_key(&ada, &id, RegenerateKey::default()).await.expect("renewed");
        let expected = |net: &str| only(Signal::AfterEnd, &format!("an old secret, from {net}"));
        let dismissed = async |ada: &Actor| core.latchkey.dismiss_unusual_use(ada, &id).await.map(|_| ()).expect("dismissed");
        assert_eq!(code(core.bearer_from(&leaked.key, from(AWAY, "curl/8")).await), "invalid_api_key");
        core.flush().await;
        assert_eq!(core.seen(&ada, &leaked).await, expected("198.51.100.0/24"));
        dismissed(&ada).await;
        let overlapping = || RegenerateKey { overlap_seconds: Some(3600) };
        let second = core.latchkey.regenerate_api_key(&ada, &id, overlapping()).await.expect("renewed");
        let third = core.latchkey.regenerate_api_key(&ada, &id, overlapping()).await.expect("renewed");
        assert!(core.bearer(&third.key).await.is_ok());
        core.latchkey.end_key_overlap(&ada, &id).await.expect("ended");
        for secret in [&second.key, &leaked.key] {
            assert_eq!(code(core.bearer_from(secret, from("192.0.2.1", "curl/8")).await), "invalid_api_key");
        }
        core.flush().await;
        assert_eq!(core.seen(&ada, &leaked).await, expected("192.0.2.0/24"));
        dismissed(&ada).await;
        core.pass(29 * DAY);
        core.latchkey.clean_up().await.expect("cleaned");
        let ada = core.again(&ada).await;
        core.bearer_from(&leaked.key, from("10.0.0.1", "curl/8")).await.expect_err("refused");
        core.flush().await;
        assert_eq!(core.seen(&ada, &leaked).await, expected("10.0.0.0/24"));
        dismissed(&ada).await;
        core.pass(2 * DAY);
        core.latchkey.clean_up().await.expect("cleaned");
        core.bearer_from(&leaked.key, from("10.1.0.1", "curl/8")).await.expect_err("refused");
        core.flush().await;
        assert!(core.seen(&ada, &leaked).await.is_empty(), "by then nobody knows it");
    }

    async fn the_key_of_somebody_who_left_is_told_of_to_the_owners(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let grace = core.joins(&ada, "Grace", Role::Member).await;
        let home = ada.principal().organization_id().expect("home").to_string();
        let key = core.key(&grace, &["read"]).await;
        core.latchkey.remove_member(&ada, &home, &grace.principal().user_id().to_string()).await.expect("removed");
        assert_eq!(code(core.bearer_from(&key.key, from(AWAY, "curl/8")).await), "api_key_revoked");
        core.flush().await;
        assert_eq!(core.seen(&ada, &key).await, only(Signal::AfterEnd, "revoked, from 198.51.100.0/24"));
        assert_eq!((core.alarms("Ada").await.len(), core.alarms("Grace").await.len()), (1, 0));
    }

    async fn who_may_change_a_key_says_that_it_was_expected(core: TestCore) {
        let (ada, grace) = (core.actor_called("Ada").await, core.actor_called("Grace").await);
        let key = core.known_key(&ada).await;
        let id = key.id.to_string();
        core.uses(&key, AWAY, "curl/8.5.0").await;
        core.flush().await;
        assert_eq!(code(core.latchkey.dismiss_unusual_use(&grace, &id).await.map(|_| ())), "not_found");
        assert_eq!(core.seen(&ada, &key).await.len(), 1);
        for _ in 0..2 {
            let view = core.latchkey.dismiss_unusual_use(&ada, &id).await.expect("dismissed");
            assert_eq!(view.unusual_use, None);
        }
        assert_eq!(core.entries(&ada, "api_key.use_expected").await.len(), 1, "saying it again changes nothing");
        core.uses(&key, AWAY, "curl/8.5.0").await;
        core.flush().await;
        assert!(core.seen(&ada, &key).await.is_empty(), "the network is known now");
        core.uses(&key, "192.0.2.1", "curl/8.5.0").await;
        core.flush().await;
        assert_eq!(core.seen(&ada, &key).await, only(Signal::NewNetwork, "192.0.2.0/24"));
    }

    async fn one_mail_a_day_names_the_key_and_what_was_seen(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let key = core.known_key(&ada).await;
        core.uses_often(&key, (AWAY, "wget/1"), 12).await;
        core.flush().await;
        let text = core.alarms("Ada").await[0].written.text.clone();
        let link = format!("/settings/api-keys?dialog=unusual-use&key={}", key.id);
        for part in ["A key (", "198.51.100.0/24, 12 calls", "wget, 12 calls", "22 November 2026, 09:31 UTC", &link] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains(&key.key));
        for (net, (later, mails)) in [(HOUR, 1), (22 * HOUR, 1), (HOUR, 2), (HOUR, 2), (2 * DAY, 3)].into_iter().enumerate() {
            core.pass(later);
            core.uses(&key, &format!("10.0.{net}.1"), "wget/1").await;
            core.flush().await;
            assert_eq!(core.alarms("Ada").await.len(), mails);
        }
        assert_eq!(core.entries(&ada, "api_key.used_unusually").await.len(), 6, "the log has them all");
    }

    async fn of_an_organizations_key_its_maker_is_told_while_an_administrator(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let grace = core.joins(&ada, "Grace", Role::Admin).await;
        let key = NewKey { owner: Some("organization".to_owned()), ..NewKey::default() };
        let key = core.make_key(&grace, key).await.expect("made");
        core.uses(&key, HOME, "curl/8").await;
        core.flush().await;
        core.pass(2 * DAY);
        core.uses(&key, AWAY, "curl/8").await;
        core.flush().await;
        assert_eq!((core.alarms("Ada").await.len(), core.alarms("Grace").await.len()), (0, 1));
        core.latchkey.set_role_for_test(&grace, Some(Role::Member)).await;
        core.pass(2 * DAY);
        core.uses(&key, "192.0.2.1", "curl/8").await;
        core.flush().await;
        assert_eq!((core.alarms("Ada").await.len(), core.alarms("Grace").await.len()), (1, 1));
    }

    async fn what_is_switched_off_is_neither_told_of_nor_remembered(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let key = core.known_key(&ada).await;
        let set = |signals: Vec<Signal>| core.reopened(move |settings| {
            settings.key_watch = KeyWatch { signals, ..KeyWatch::default() };
        });
        let some = TestCore::over(set(vec![Signal::NewAgent]).await.expect("opens"));
        some.uses(&key, AWAY, "wget/1").await;
        some.flush().await;
        assert_eq!(core.seen(&ada, &key).await, only(Signal::NewAgent, "wget"));
        core.latchkey.dismiss_unusual_use(&ada, &key.id.to_string()).await.expect("dismissed");
        let none = TestCore::over(set(Vec::new()).await.expect("opens"));
        none.uses(&key, "192.0.2.1", "fetch/1").await;
        none.latchkey.revoke_api_key(&ada, &key.id.to_string(), RevokeKey::default()).await.expect("revoked");
        assert!(!none.uses(&key, "192.0.2.1", "fetch/1").await);
        none.flush().await;
        none.latchkey.clean_up().await.expect("cleaned");
        assert!(core.seen(&ada, &key).await.is_empty());
        assert_eq!(core.entries(&ada, "api_key.used_unusually").await.len(), 1);
        assert!(!core.latchkey.dump_for_test().await.contains("203.0.113.0/24"), "what was seen is forgotten");
    }

    async fn what_is_remembered_has_bounds(core: TestCore) {
        let core = TestCore::over(core.reopened(|settings| settings.key_watch.remembered = 3).await.expect("opens"));
        let ada = core.actor_called("Ada").await;
        let key = core.known_key(&ada).await;
        for net in 0..5 {
            core.uses(&key, &format!("10.0.{net}.1"), "curl/8").await;
            core.flush().await;
            core.pass(2 * HOUR);
        }
        core.latchkey.clean_up().await.expect("cleaned");
        core.latchkey.dismiss_unusual_use(&ada, &key.id.to_string()).await.expect("dismissed");
        for address in ["10.0.4.1", "10.0.2.1", HOME] {
            core.uses(&key, address, "curl/8").await;
        }
        core.flush().await;
        assert_eq!(core.seen(&ada, &key).await, only(Signal::NewNetwork, "203.0.113.0/24"), "the oldest was forgotten");
    }

    async fn a_key_that_is_deleted_meanwhile_is_passed_over(core: TestCore) {
        let ada = core.actor_called("Ada").await;
        let key = core.known_key(&ada).await;
        core.uses(&key, AWAY, "wget/1").await;
        core.latchkey.delete_api_key(&ada, &key.id.to_string()).await.expect("deleted");
        core.flush().await;
        assert!(core.entries(&ada, "api_key.used_unusually").await.is_empty());
        assert!(core.alarms("Ada").await.is_empty());
    }
}
