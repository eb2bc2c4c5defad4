//! `POST /v1/auth/refresh`

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Reply, Tokens, on_both_engines};

async fn refresh(client: &Client, token: &str) -> Reply {
    client.anonymous().post("/v1/auth/refresh", json!({"refreshToken": token})).await
}

/// What two hundred at once get.
async fn race(client: &Client, body: &Value) -> Vec<Reply> {
    let tries = (0..200).map(|_| {
        let (client, body) = (client.clone(), body.clone());
        tokio::spawn(async move { client.post("/v1/auth/refresh", body).await })
    });
    let mut replies = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        replies.push(one.await.expect("answered"));
    }
    replies
}

on_both_engines! {
    async fn a_refresh_token_is_exchanged_for_a_new_pair(app) {
        let ada = app.register("ada").await;
        let fresh = Tokens::of(&refresh(&ada, &ada.tokens.refresh).await.assert_status(200).json());
        assert_ne!(fresh.refresh, ada.tokens.refresh);
        ada.with_bearer(&fresh.access).get("/v1/auth/me").await.assert_status(200);
    }

    async fn two_tabs_racing_get_the_same_pair(app) {
        let ada = app.register("ada").await;
        let one = Tokens::of(&refresh(&ada, &ada.tokens.refresh).await.assert_status(200).json());
        app.later(Duration::from_secs(29));
        let other = Tokens::of(&refresh(&ada, &ada.tokens.refresh).await.assert_status(200).json());
        assert_eq!((one.access, one.refresh), (other.access, other.refresh));
    }

    async fn a_repeat_after_thirty_seconds_ends_the_family(app) {
        let ada = app.register("ada").await;
        let fresh = Tokens::of(&refresh(&ada, &ada.tokens.refresh).await.assert_status(200).json());
        app.later(Duration::from_secs(30));
        refresh(&ada, &ada.tokens.refresh).await.assert_refused(401, "token_revoked");
        refresh(&ada, &fresh.refresh).await.assert_refused(401, "token_revoked");
        for token in [&ada.tokens.access, &fresh.access] {
            ada.with_bearer(token).get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        }
    }

    async fn an_older_ancestor_ends_the_family_at_once(app) {
        let ada = app.register("ada").await;
        let second = Tokens::of(&refresh(&ada, &ada.tokens.refresh).await.assert_status(200).json());
        let third = Tokens::of(&refresh(&ada, &second.refresh).await.assert_status(200).json());
        refresh(&ada, &ada.tokens.refresh).await.assert_refused(401, "token_revoked");
        refresh(&ada, &third.refresh).await.assert_refused(401, "token_revoked");
    }

    async fn two_hundred_at_once_get_one_successor(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let replies = race(&ada.anonymous(), &json!({"refreshToken": ada.tokens.refresh})).await;
        let good = replies.iter().filter(|reply| reply.status == 200);
        let pairs: BTreeSet<_> = good.map(|reply| Tokens::of(&reply.json()).refresh).collect();
        assert_eq!(pairs.len(), 1, "one successor");
        let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 200 && reply.status != 503).collect();
        assert!(refused.is_empty(), "{refused:?}");
        let successor = pairs.first().expect("one");
        refresh(&ada, successor).await.assert_status(200);
    }

    async fn a_bearer_token_alone_is_exchanged_too(app) {
        let ada = app.register("ada").await;
        for body in ["", "{}", "null"] {
            let now = ada.signs_in_again().await;
            let answer = now.send("POST", "/v1/auth/refresh", (!body.is_empty()).then_some("application/json"), body.into()).await;
            let fresh = Tokens::of(&answer.assert_status(200).json());
            assert_ne!(fresh.access, now.tokens.access);
            now.with_bearer(&fresh.access).get("/v1/auth/me").await.assert_status(200);
            now.get("/v1/auth/me").await.assert_refused(401, "token_revoked");
        }
    }

    async fn two_hundred_exchanges_of_one_access_token_give_one_successor(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let replies = race(&ada, &json!({})).await;
        let good = replies.iter().filter(|reply| reply.status == 200);
        let tokens: BTreeSet<_> = good.map(|reply| Tokens::of(&reply.json()).access).collect();
        assert_eq!(tokens.len(), 1, "one successor");
        app.later(Duration::from_secs(30));
        ada.post_nothing("/v1/auth/refresh").await.assert_refused(401, "token_revoked");
    }

    async fn nothing_to_exchange_is_said_so(app) {
        let stranger = app.stranger();
        stranger.post_nothing("/v1/auth/refresh").await.assert_invalid(&["refreshToken should not be empty"]);
        refresh(&stranger, "lkr_unknown").await.assert_refused(401, "invalid_token");
        let bad = stranger.with_bearer("nonsense").post_nothing("/v1/auth/refresh").await.assert_refused(401, "invalid_token");
        assert!(bad.header("www-authenticate").contains(r#"error="invalid_token""#));
    }

    async fn refreshing_does_not_move_the_last_day(app) {
        let ada = app.register("ada").await;
        let mut token = ada.tokens.refresh.clone();
        for _ in 0..3 {
            app.later(Duration::from_secs(9 * 86_400));
            token = Tokens::of(&refresh(&app.stranger(), &token).await.assert_status(200).json()).refresh;
        }
        app.later(Duration::from_secs(3 * 86_400));
        refresh(&app.stranger(), &token).await.assert_refused(401, "token_revoked");
    }

    async fn one_kind_of_token_is_not_another(app) {
        let ada = app.register("ada").await;
        ada.with_bearer(&ada.tokens.refresh).get("/v1/auth/me").await.assert_refused(401, "invalid_token");
        refresh(&ada, &ada.tokens.access).await.assert_refused(401, "invalid_token");
        ada.anonymous().with_key(&ada.tokens.access).get("/v1/auth/me").await.assert_refused(401, "invalid_api_key");
    }
}
