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

    async fn one_kind_of_token_is_not_another(app) {
        let ada = app.register("ada").await;
        ada.with_bearer(&ada.tokens.refresh).get("/v1/auth/me").await.assert_refused(401, "invalid_token");
        refresh(&ada, &ada.tokens.access).await.assert_refused(401, "invalid_token");
        ada.anonymous().with_key(&ada.tokens.access).get("/v1/auth/me").await.assert_refused(401, "invalid_api_key");
    }
}
