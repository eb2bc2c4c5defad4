use std::time::Duration;

use crate::flow::sign_in::SecretText;
use crate::flow::tokens::Refresh;
use crate::testing::{access, code, on_both_engines, refresh, visitor};

fn with(token: &str) -> Refresh {
    Refresh { refresh_token: Some(SecretText(token.to_owned())), ..Refresh::default() }
}

on_both_engines! {
    async fn a_refresh_token_gives_a_new_pair_and_the_new_pair_works(core: TestCore) {
        let ada = core.owner("Ada").await;
        let next = core.latchkey.refresh(&visitor(), with(refresh(&ada))).await.expect("refreshed").tokens.expect("a pair");
        assert!(core.bearer(&next.access_token).await.is_ok());
        let next_refresh = next.refresh_token.expect("a refresh token");
        assert_ne!(next_refresh, refresh(&ada));
        assert!(core.latchkey.refresh(&visitor(), with(&next_refresh)).await.is_ok());
    }

    async fn a_repeat_of_the_direct_predecessor_gets_the_same_pair_for_30_seconds(core: TestCore) {
        let ada = core.owner("Ada").await;
        let first = core.latchkey.refresh(&visitor(), with(refresh(&ada))).await.expect("refreshed").tokens;
        core.pass(Duration::from_secs(29));
        let again = core.latchkey.refresh(&visitor(), with(refresh(&ada))).await.expect("again").tokens;
        let text = |pair: Option<crate::flow::tokens::TokenPair>| serde_json::to_string(&pair).expect("json");
        assert_eq!(text(first), text(again));
    }

    async fn a_later_repeat_is_theft_and_ends_the_family_with_its_access_tokens(core: TestCore) {
        let ada = core.owner("Ada").await;
        let next = core.latchkey.refresh(&visitor(), with(refresh(&ada))).await.expect("refreshed").tokens.expect("a pair");
        core.pass(Duration::from_secs(30));
        assert_eq!(code(core.latchkey.refresh(&visitor(), with(refresh(&ada))).await), "token_revoked");
        assert_eq!(code(core.bearer(&next.access_token).await), "token_revoked");
        assert_eq!(code(core.bearer(access(&ada)).await), "token_revoked");
        let next_refresh = next.refresh_token.expect("a refresh token");
        assert_eq!(code(core.latchkey.refresh(&visitor(), with(&next_refresh)).await), "token_revoked");
    }

    async fn a_grandparent_is_theft_even_within_30_seconds(core: TestCore) {
        let ada = core.owner("Ada").await;
        let child = core.latchkey.refresh(&visitor(), with(refresh(&ada))).await.expect("refreshed").tokens.expect("a pair");
        let child = child.refresh_token.expect("a refresh token");
        core.latchkey.refresh(&visitor(), with(&child)).await.expect("refreshed");
        assert_eq!(code(core.latchkey.refresh(&visitor(), with(refresh(&ada))).await), "token_revoked");
    }

    async fn two_hundred_refreshes_at_once_give_one_successor(core: TestCore) {
        let ada = core.owner("Ada").await;
        let token = refresh(&ada).to_owned();
        let tries: Vec<_> = (0..200).map(|_| {
            let (latchkey, token) = (core.latchkey.clone(), token.clone());
            tokio::spawn(async move { latchkey.refresh(&visitor(), with(&token)).await })
        }).collect();
        let mut successors = std::collections::HashSet::new();
        for tried in tries {
            let pair = tried.await.expect("ran").expect("every one of them gets the pair").tokens.expect("a pair");
            successors.insert((pair.access_token, pair.refresh_token));
        }
        assert_eq!(successors.len(), 1);
    }

    async fn an_exchanged_access_token_is_dead_at_once_but_may_be_exchanged_again_for_30_seconds(core: TestCore) {
        let ada = core.owner("Ada").await;
        let old = access(&ada);
        assert!(core.bearer(old).await.is_ok());
        let new = core.latchkey.refresh_access_token(old).await.expect("exchanged").tokens.expect("a token");
        assert_eq!(code(core.bearer(old).await), "token_revoked");
        assert!(core.bearer(&new.access_token).await.is_ok());
        core.pass(Duration::from_secs(29));
        let again = core.latchkey.refresh_access_token(old).await.expect("again").tokens.expect("a token");
        assert_eq!(again.access_token, new.access_token);
        core.pass(Duration::from_secs(1));
        assert_eq!(code(core.latchkey.refresh_access_token(old).await), "token_revoked");
    }

    async fn refreshing_does_not_move_the_last_day(core: TestCore) {
        let ada = core.owner("Ada").await;
        let mut token = refresh(&ada).to_owned();
        for _ in 0..29 {
            core.pass(Duration::from_secs(86_400));
            let pair = core.latchkey.refresh(&visitor(), with(&token)).await.expect("alive").tokens.expect("a pair");
            token = pair.refresh_token.expect("a refresh token");
        }
        core.pass(Duration::from_secs(86_400));
        assert_eq!(code(core.latchkey.refresh(&visitor(), with(&token)).await), "token_revoked");
    }

    async fn an_access_token_lives_a_day(core: TestCore) {
        let ada = core.owner("Ada").await;
        core.pass(Duration::from_secs(86_399));
        assert!(core.bearer(access(&ada)).await.is_ok());
        core.pass(Duration::from_secs(1));
        assert_eq!(code(core.bearer(access(&ada)).await), "token_expired");
    }

    async fn an_unknown_refresh_token_is_refused(core: TestCore) {
        for text in ["lkr_nothing", "", "lk_live_x", "é"] {
            assert!(matches!(code(core.latchkey.refresh(&visitor(), with(text)).await), "invalid_token" | "validation_failed"));
        }
    }

    async fn a_new_signing_key_is_published_before_it_signs_and_an_old_one_withdrawn_after_its_last_token(core: TestCore) {
        let kids = |latchkey: &crate::Latchkey| {
            let keys = latchkey.published_keys();
            keys["keys"].as_array().expect("keys").iter().map(|key| key["kid"].as_str().expect("kid").to_owned()).collect::<Vec<_>>()
        };
        let first = kids(&core.latchkey);
        assert_eq!(first.len(), 1);
        core.pass(Duration::from_secs(88 * 86_400));
        core.latchkey.keep_signing_keys().await.expect("kept");
        assert_eq!(kids(&core.latchkey).len(), 2, "the next one is published");
        let ada = core.owner("Ada").await;
        core.pass(Duration::from_secs(2 * 86_400));
        let grace = core.owner("Grace").await;
        let kid = |token: &str| jsonwebtoken::decode_header(token).expect("a header").kid.expect("kid");
        assert_eq!(kid(access(&ada)), first[0]);
        assert_ne!(kid(access(&grace)), first[0]);
        core.pass(Duration::from_secs(86_400 + 61));
        core.latchkey.keep_signing_keys().await.expect("kept");
        assert!(!kids(&core.latchkey).contains(&first[0]), "the old one is withdrawn");
    }
}
