use std::time::Duration;

use crate::flow::api_keys::{KeyChanges, ListKeys, NewKey, RegenerateKey, RevokeKey, Span};
use crate::flow::page::PageQuery;
use crate::member::Role;
use crate::testing::{TestCore, access, code, on_both_engines, strings, visitor};
use crate::{Actor, Visitor};

async fn owner(core: &TestCore, name: &str) -> Actor {
    let signed_in = core.owner(name).await;
    core.actor(access(&signed_in)).await
}

on_both_engines! {
    async fn a_key_is_good_until_it_is_revoked(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let key = core.key(&ada, &["read", "READ_LEADS"]).await;
        let principal = core.bearer(&key.key).await.expect("good");
        assert_eq!(principal.key_id(), Some(key.id));
        assert!(core.latchkey.verify(&principal, Some("READ_LEADS")).is_ok());
        assert_eq!(code(core.latchkey.verify(&principal, Some("write"))), "insufficient_scope");
        let reason = RevokeKey { reason: Some("lost".to_owned()) };
        let view = core.latchkey.revoke_api_key(&ada, &key.id.to_string(), reason).await.expect("revoked");
        assert_eq!((view.status.as_str(), view.revoked_reason.as_deref()), ("REVOKED", Some("lost")));
        assert_eq!(code(core.bearer(&key.key).await), "api_key_revoked");
    }

    async fn a_wrong_secret_with_a_right_public_id_is_invalid(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let key = core.key(&ada, &["read"]).await.key;
        assert!(core.bearer(&key).await.is_ok());
        let forged = crate::api_key::compose(crate::api_key::KeyMode::Live, &key[8..16], &"x".repeat(40));
        assert_eq!(code(core.bearer(&forged).await), "invalid_api_key");
        let other = if key.ends_with('x') { 'y' } else { 'x' };
        assert_eq!(code(core.bearer(&format!("{}{other}", &key[..key.len() - 1])).await), "invalid_api_key");
    }

    async fn an_inactive_key_rests_and_comes_back(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let key = core.key(&ada, &["read"]).await;
        let set = |status: &str| KeyChanges { status: Some(status.to_owned()), ..KeyChanges::default() };
        core.latchkey.update_api_key(&ada, &key.id.to_string(), set("INACTIVE")).await.expect("changed");
        assert_eq!(code(core.bearer(&key.key).await), "api_key_inactive");
        core.latchkey.update_api_key(&ada, &key.id.to_string(), set("ACTIVE")).await.expect("changed");
        assert!(core.bearer(&key.key).await.is_ok());
        assert_eq!(code(core.latchkey.update_api_key(&ada, &key.id.to_string(), set("REVOKED")).await), "validation_failed");
    }

    async fn an_expired_key_is_refused_to_the_millisecond(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let at = core.latchkey.now().plus(Duration::from_secs(60)).rfc3339();
        let key = core.make_key(&ada, NewKey { expires_at: Some(at), ..NewKey::default() }).await.expect("made");
        core.pass(Duration::from_millis(59_999));
        assert!(core.bearer(&key.key).await.is_ok());
        core.pass(Duration::from_millis(1));
        assert_eq!(code(core.bearer(&key.key).await), "api_key_expired");
    }

    async fn a_regenerated_key_overlaps_as_long_as_asked_and_no_longer(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let old = core.key(&ada, &["read"]).await;
        let id = old.id.to_string();
        let overlap = |seconds| RegenerateKey { overlap_seconds: Some(seconds) };
        let new = core.latchkey.regenerate_api_key(&ada, &id, overlap(60)).await.expect("renewed");
        assert_ne!(new.key_prefix, old.key_prefix);
        assert_eq!(core.latchkey.api_key(&ada, &id).await.expect("seen").status.as_str(), "ROTATING");
        assert!(core.bearer(&old.key).await.is_ok() && core.bearer(&new.key).await.is_ok());
        core.pass(Duration::from_secs(60));
        assert_eq!(code(core.bearer(&old.key).await), "api_key_revoked");
        assert!(core.bearer(&new.key).await.is_ok());
        let newest = core.latchkey.regenerate_api_key(&ada, &id, overlap(0)).await.expect("renewed");
        assert!(code(core.bearer(&new.key).await).ends_with("api_key_revoked") || code(core.bearer(&new.key).await) == "invalid_api_key");
        assert!(core.bearer(&newest.key).await.is_ok());
        for bad in [-1, 604_801] {
            assert_eq!(code(core.latchkey.regenerate_api_key(&ada, &id, overlap(bad)).await), "validation_failed");
        }
    }

    async fn an_overlap_can_be_ended_early(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let old = core.key(&ada, &["read"]).await;
        let id = old.id.to_string();
        assert_eq!(code(core.latchkey.end_key_overlap(&ada, &id).await), "key_not_usable");
        let new = core.latchkey.regenerate_api_key(&ada, &id, RegenerateKey { overlap_seconds: Some(3600) }).await.expect("renewed");
        assert!(core.bearer(&old.key).await.is_ok());
        core.latchkey.end_key_overlap(&ada, &id).await.expect("ended");
        assert_eq!(code(core.bearer(&old.key).await), "invalid_api_key");
        assert!(core.bearer(&new.key).await.is_ok());
    }

    async fn revoking_a_rotating_key_ends_both_secrets(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let old = core.key(&ada, &["read"]).await;
        let id = old.id.to_string();
        let new = core.latchkey.regenerate_api_key(&ada, &id, RegenerateKey { overlap_seconds: Some(3600) }).await.expect("renewed");
        core.latchkey.revoke_api_key(&ada, &id, RevokeKey::default()).await.expect("revoked");
        assert_eq!(code(core.bearer(&old.key).await), "api_key_revoked");
        assert_eq!(code(core.bearer(&new.key).await), "api_key_revoked");
        assert_eq!(code(core.latchkey.regenerate_api_key(&ada, &id, RegenerateKey::default()).await), "key_not_usable");
    }

    async fn an_expired_key_regenerates_with_as_long_a_life(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let day = Duration::from_secs(86_400);
        let at = core.latchkey.now().plus(7 * day).rfc3339();
        let key = core.make_key(&ada, NewKey { expires_at: Some(at), ..NewKey::default() }).await.expect("made");
        core.pass(30 * day);
        let ada = Actor::new(visitor(), core.bearer(access(&core.sign_in("Ada", crate::testing::PASSWORD).await.expect("in"))).await.expect("good"));
        let new = core.latchkey.regenerate_api_key(&ada, &key.id.to_string(), RegenerateKey { overlap_seconds: Some(60) }).await.expect("renewed");
        assert_eq!(new.expires_at, Some(core.latchkey.now().plus(7 * day)));
        assert_eq!(new.overlap_ends_at, None, "an expired secret does not come back");
        assert!(core.bearer(&new.key).await.is_ok());
        assert!(core.bearer(&key.key).await.is_err());
    }

    async fn a_keys_own_limits_hold_all_of_them(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let input = NewKey { rate_limit: Some(10), rate_limit_window: Some(3600), rate_limit_per_minute: Some(3), ..NewKey::default() };
        let key = core.make_key(&ada, input).await.expect("made").key;
        let mut good = 0;
        for minute in 0..5 {
            for _ in 0..4 {
                good += usize::from(core.bearer(&key).await.is_ok());
            }
            if minute < 3 {
                assert_eq!(good, 3 * (minute + 1));
            }
            core.pass(Duration::from_secs(60));
        }
        assert_eq!(good, 10, "the hour's limit holds too");
        assert_eq!(code(core.bearer(&key).await), "rate_limited");
    }

    async fn a_key_works_only_from_its_addresses(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let input = NewKey { allowed_ips: Some(strings(&["10.1.0.0/16", "2001:db8::1"])), ..NewKey::default() };
        let key = core.make_key(&ada, input).await.expect("made").key;
        let from = |address: &str| Visitor { address: address.parse().expect("an address"), ..visitor() };
        assert!(core.bearer_from(&key, from("10.1.255.3")).await.is_ok());
        assert!(core.bearer_from(&key, from("::ffff:10.1.0.1")).await.is_ok());
        assert!(core.bearer_from(&key, from("2001:db8::1")).await.is_ok());
        for foreign in ["10.2.0.1", "2001:db8::2"] {
            assert_eq!(code(core.bearer_from(&key, from(foreign)).await), "address_not_allowed");
        }
    }

    async fn a_key_never_exceeds_what_its_owner_may_now(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let key = core.key(&ada, &["admin"]).await;
        assert!(core.bearer(&key.key).await.expect("good").scopes().allow("admin"));
        core.latchkey.set_role_for_test(&ada, Some(Role::Member)).await;
        let now = core.bearer(&key.key).await.expect("good");
        assert!(!now.scopes().allow("admin") && !now.scopes().allow("read"));
        core.latchkey.set_role_for_test(&ada, None).await;
        assert_eq!(code(core.bearer(&key.key).await), "api_key_revoked");
    }

    async fn members_make_no_organization_keys_and_no_admin_keys(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        core.latchkey.set_role_for_test(&ada, Some(Role::Manager)).await;
        let ada = core.again(&ada).await;
        let organization = NewKey { owner: Some("organization".to_owned()), ..NewKey::default() };
        assert_eq!(code(core.make_key(&ada, organization).await), "insufficient_role");
        let admin = NewKey { scopes: Some(strings(&["admin"])), ..NewKey::default() };
        assert_eq!(code(core.make_key(&ada, admin).await), "insufficient_role");
        let total = core.latchkey.list_api_keys(&ada, &ListKeys::default()).await.expect("listed").total;
        assert_eq!(total, 0, "nothing was made");
    }

    async fn organization_keys_outlive_their_maker_and_act_as_admin_at_most(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let input = NewKey { owner: Some("organization".to_owned()), scopes: Some(strings(&["admin"])), ..NewKey::default() };
        let key = core.make_key(&ada, input).await.expect("made").key;
        core.latchkey.set_role_for_test(&ada, None).await;
        let principal = core.bearer(&key).await.expect("good");
        assert_eq!(principal.role(), Some(Role::Admin));
    }

    async fn a_key_without_admin_manages_no_keys_and_changes_no_account(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let weak = core.key(&ada, &["read", "write", "delete", "keys:admin"]).await.key;
        let weak = core.actor(&weak).await;
        assert_eq!(code(core.latchkey.list_api_keys(&weak, &ListKeys::default()).await.map(|_| ())), "insufficient_scope");
        assert_eq!(code(core.make_key(&weak, NewKey::default()).await), "insufficient_scope");
        assert!(core.latchkey.me(&weak).await.is_ok());
        let strong = core.key(&ada, &["admin"]).await.key;
        let strong = core.actor(&strong).await;
        assert!(core.make_key(&strong, NewKey::default()).await.is_ok());
        assert_eq!(code(core.latchkey.sessions(&strong).await.map(|_| ())), "insufficient_scope");
        assert_eq!(code(core.latchkey.sign_out_everywhere(&strong).await), "insufficient_scope");
    }

    async fn another_organizations_key_does_not_exist(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let grace = owner(&core, "Grace").await;
        let key = core.key(&ada, &["read"]).await;
        let id = key.id.to_string();
        assert_eq!(code(core.latchkey.api_key(&grace, &id).await.map(|_| ())), "not_found");
        assert_eq!(code(core.latchkey.revoke_api_key(&grace, &id, RevokeKey::default()).await.map(|_| ())), "not_found");
        assert_eq!(code(core.latchkey.delete_api_key(&grace, &id).await), "not_found");
        assert_eq!(code(core.latchkey.update_api_key(&grace, &id, KeyChanges::default()).await.map(|_| ())), "not_found");
        assert_eq!(code(core.latchkey.regenerate_api_key(&grace, &id, RegenerateKey::default()).await.map(|_| ())), "not_found");
        assert_eq!(code(core.latchkey.api_key_stats(&grace, &id).await.map(|_| ())), "not_found");
        assert_eq!(code(core.latchkey.api_key_calls(&grace, &id, &PageQuery::default()).await.map(|_| ())), "not_found");
        assert_eq!(code(core.latchkey.api_key(&grace, "key_nonsense").await.map(|_| ())), "not_found");
        assert!(core.bearer(&key.key).await.is_ok());
    }

    async fn a_key_acts_only_in_the_organizations_it_spans(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let grace = owner(&core, "Grace").await;
        let (home, away) = (ada.principal().organization_id().expect("home"), grace.principal().organization_id().expect("away"));
        core.latchkey.add_member_for_test(&grace, ada.principal().user_id(), Role::Manager).await;
        let narrow = core.key(&ada, &["read"]).await.key;
        let spanning = NewKey { organization_ids: Some(Span::Some(vec![away.to_string()])), ..NewKey::default() };
        let spanning = core.make_key(&ada, spanning).await.expect("made").key;
        let all = NewKey { organization_ids: Some(Span::All("all".to_owned())), ..NewKey::default() };
        let all = core.make_key(&ada, all).await.expect("made").key;
        assert_eq!(code(core.bearer_in(&narrow, &away.to_string()).await), "not_found");
        for key in [&spanning, &all] {
            let there = core.bearer_in(key, &away.to_string()).await.expect("spans");
            assert_eq!((there.organization_id(), there.role()), (Some(away), Some(Role::Manager)));
            assert_eq!(core.bearer(key).await.expect("good").organization_id(), Some(home));
            assert_eq!(code(core.bearer_in(key, "org_nonsense").await), "not_found");
        }
        let foreign = NewKey { organization_ids: Some(Span::Some(vec![home.to_string()])), ..NewKey::default() };
        let mary = owner(&core, "Mary").await;
        assert_eq!(code(core.make_key(&mary, foreign).await), "not_found");
    }

    async fn use_is_counted_without_writing_and_written_together(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let key = core.key(&ada, &["read"]).await;
        let id = key.id.to_string();
        for call in 0..7 {
            let principal = core.bearer(&key.key).await.expect("good");
            let status = if call == 0 { 403 } else { 200 };
            core.latchkey.note_key_use(&principal, &visitor(), "GET /v1/auth/verify", status);
        }
        assert_eq!(core.latchkey.api_key(&ada, &id).await.expect("seen").usage_count, 0);
        core.latchkey.flush().await.expect("written");
        let view = core.latchkey.api_key(&ada, &id).await.expect("seen");
        assert_eq!((view.usage_count, view.last_used_ip.as_deref()), (7, Some("127.0.0.1")));
        let stats = core.latchkey.api_key_stats(&ada, &id).await.expect("stats");
        assert_eq!((stats.last24_hours, stats.top_endpoints[0].errors, stats.hourly.len()), (7, 1, 24));
        assert_eq!(core.latchkey.organization_key_stats(&ada).await.expect("stats").active_keys, Some(1));
        let calls = core.latchkey.api_key_calls(&ada, &id, &PageQuery::default()).await.expect("calls");
        assert_eq!((calls.total, calls.items.len()), (7, 7));
        assert_eq!(core.latchkey.api_key_lines(&ada).await.expect("lines")[0].1[23], 7);
        core.latchkey.delete_api_key(&ada, &id).await.expect("deleted");
        assert_eq!(code(core.bearer(&key.key).await), "invalid_api_key");
    }

    async fn keys_are_listed_by_state_name_and_prefix(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let named = |name: &str| NewKey { name: Some(name.to_owned()), ..NewKey::default() };
        let first = core.make_key(&ada, named("Nightly 100% export")).await.expect("made");
        let second = core.make_key(&ada, named("Billing")).await.expect("made");
        core.latchkey.revoke_api_key(&ada, &second.id.to_string(), RevokeKey::default()).await.expect("revoked");
        let find = |status: &str, search: &str| ListKeys { status: Some(status.to_owned()), search: Some(search.to_owned()), ..ListKeys::default() };
        let names = async |query: ListKeys| {
            let page = core.latchkey.list_api_keys(&ada, &query).await.expect("listed");
            assert_eq!(usize::try_from(page.total).expect("small"), page.items.len());
            page.items.into_iter().map(|key| key.name).collect::<Vec<_>>()
        };
        assert_eq!(names(find("", "")).await.len(), 2);
        assert_eq!(names(find("REVOKED", "")).await, ["Billing"]);
        assert_eq!(names(find("active", "")).await, ["Nightly 100% export"]);
        assert_eq!(names(find("", "100%")).await, ["Nightly 100% export"]);
        assert!(names(find("", "%_%")).await.is_empty(), "wildcards are plain characters");
        assert_eq!(names(find("", &first.key)).await, ["Nightly 100% export"]);
        assert_eq!(names(find("", &second.key_prefix)).await, ["Billing"]);
        assert_eq!(code(core.latchkey.list_api_keys(&ada, &find("BROKEN", "")).await.map(|_| ())), "validation_failed");
    }

    async fn every_wrong_field_of_a_new_key_is_named(core: TestCore) {
        let ada = owner(&core, "Ada").await;
        let input = NewKey {
            name: Some(" ".to_owned()),
            scopes: Some(Vec::new()),
            rate_limit: Some(0),
            allowed_ips: Some(strings(&["10.0.0.0/33"])),
            allowed_domains: Some(strings(&["a b"])),
            expires_at: Some("2020-01-01T00:00:00Z".to_owned()),
            owner: Some("landlord".to_owned()),
            mode: Some("staging".to_owned()),
            ..NewKey::default()
        };
        let Err(crate::Error::Invalid(errors)) = core.latchkey.create_api_key(&ada, input).await else { panic!("all wrong") };
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["name", "scopes", "rateLimit", "allowedIps", "allowedDomains", "expiresAt", "owner", "mode"]);
    }
}
