use crate::flow::api_keys::RevokeKey;
use crate::flow::audit_log::{AuditQuery, ExportFormat};
use crate::flow::page::PageQuery;
use crate::member::Role;
use crate::store::Tampering;
use crate::testing::{access, code, on_both_engines};

on_both_engines! {
    async fn administrators_read_what_happened_in_their_organization(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        let key = core.key(&ada, &["read"]).await;
        core.latchkey.revoke_api_key(&ada, &key.id.to_string(), RevokeKey::default()).await.expect("revoked");
        core.owner("Grace").await;
        let all = core.latchkey.audit_events(&ada, &AuditQuery::default()).await.expect("read");
        let actions: Vec<_> = all.items.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(actions, ["api_key.revoked", "api_key.created", "session.created", "user.created"]);
        assert!(all.items.iter().all(|event| event.actor == ada.principal().user_id().to_string()));
        let only = |action: &str| AuditQuery { action: Some(action.to_owned()), ..AuditQuery::default() };
        for (action, count) in [("api_key.", 2), ("api_key.created", 1), ("api_key", 0), ("nothing.", 0)] {
            assert_eq!(core.latchkey.audit_events(&ada, &only(action)).await.expect("read").total, count, "{action}");
        }
        let about = AuditQuery { target: Some(key.id.to_string()), ..AuditQuery::default() };
        assert_eq!(core.latchkey.audit_events(&ada, &about).await.expect("read").total, 2);
        let later = AuditQuery { from: Some("2027-01-01T00:00:00Z".to_owned()), ..AuditQuery::default() };
        assert_eq!(core.latchkey.audit_events(&ada, &later).await.expect("read").total, 0);
        let bad = AuditQuery { from: Some("yesterday".to_owned()), ..AuditQuery::default() };
        assert_eq!(code(core.latchkey.audit_events(&ada, &bad).await), "validation_failed");
        let second = AuditQuery { page: PageQuery { page: Some("2".to_owned()), limit: Some("3".to_owned()), ..PageQuery::default() }, ..AuditQuery::default() };
        let second = core.latchkey.audit_events(&ada, &second).await.expect("read");
        assert_eq!((second.items.len(), second.total), (1, 4));
        let mia = core.colleague(&ada, "Mia", Role::Manager).await;
        assert_eq!(code(core.latchkey.audit_events(&mia, &AuditQuery::default()).await), "insufficient_role");
    }

    async fn an_export_has_all_of_it_and_is_noted_itself(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        for _ in 0..600 {
            core.latchkey.revoke_presented_key(&core.actor(&core.key(&ada, &["read"]).await.key).await).await.expect("revoked");
        }
        let mut export = core.latchkey.begin_export(&ada, &AuditQuery::default(), ExportFormat::Ndjson).await.expect("begun");
        let (mut pieces, mut lines) = (0, Vec::new());
        while let Some(piece) = core.latchkey.export_next(&mut export).await.expect("read") {
            pieces += 1;
            lines.extend(piece.lines().map(str::to_owned));
        }
        assert!(pieces > 1 && lines.len() == 1203, "{pieces} pieces, {} lines", lines.len());
        assert!(lines.last().expect("a line").contains("audit.exported"));
        let positions: Vec<i64> = lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["position"].as_i64().expect("a number")).collect();
        assert_eq!(positions, (1..=1203).collect::<Vec<i64>>());
    }

    async fn whatever_is_changed_removed_or_moved_is_found_and_named(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        for _ in 0..3 {
            core.key(&ada, &["read"]).await;
        }
        let chain = ada.principal().organization_id().expect("a place").to_string();
        let found = async || core.latchkey.verify_audit_log().await.expect("walked");
        let sound = found().await.expect("sound");
        assert!(sound.contains(&(chain.clone(), 5)), "{sound:?}");
        for (harm, mend, position) in [
            (Tampering::Change, Tampering::ChangeBack, 3),
            (Tampering::Backdate, Tampering::DateBack, 1),
            (Tampering::Move, Tampering::MoveBack, 2),
            (Tampering::Shorten, Tampering::Lengthen, 4),
            (Tampering::Lengthen, Tampering::Shorten, 6),
            (Tampering::Append, Tampering::RemoveAppended, 99),
        ] {
            core.latchkey.tamper_for_test(harm).await;
            let tampered = found().await.expect_err("tampered");
            assert_eq!((tampered.chain.as_str(), tampered.position), (chain.as_str(), position), "{harm:?}");
            core.latchkey.tamper_for_test(mend).await;
            assert!(found().await.is_ok(), "{mend:?}");
        }
        core.latchkey.tamper_for_test(Tampering::RemoveEntry).await;
        assert_eq!(found().await.expect_err("removed").position, 5);
        core.latchkey.tamper_for_test(Tampering::RemoveChain).await;
        assert_eq!(found().await.expect_err("removed").what, "its chain is gone");
    }
}
