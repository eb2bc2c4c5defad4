//! Rate limits (contract section 1).

use std::time::Duration;

use crate::support::on_both_engines;

on_both_engines! {
    async fn a_hundred_calls_a_minute_and_no_more(app) {
        let ada = app.register("ada").await;
        for left in (0..100).rev() {
            let reply = ada.get("/v1/auth/me").await.assert_status(200);
            assert_eq!(reply.header("x-ratelimit-remaining"), left.to_string());
        }
        let refused = ada.get("/v1/auth/me").await.assert_refused(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "60");
        app.later(Duration::from_secs(59));
        assert_eq!(ada.get("/v1/auth/me").await.assert_status(429).header("retry-after"), "1");
        app.later(Duration::from_secs(1));
        ada.get("/v1/auth/me").await.assert_status(200);
    }

    async fn strangers_are_counted_by_address(app) {
        let stranger = app.stranger();
        for _ in 0..50 {
            stranger.get("/v1/auth/me").await.assert_status(401);
            stranger.get("/v1/nowhere").await.assert_status(404);
        }
        stranger.get("/v1/auth/oauth-status").await.assert_refused(429, "rate_limited");
        stranger.get("/v1/auth/me").await.assert_refused(429, "rate_limited");
        stranger.delete("/v1/auth/me").await.assert_refused(429, "rate_limited");
        app.stranger().get("/v1/auth/oauth-status").await.assert_status(200);
    }

    async fn a_flood_from_an_address_does_not_stop_who_is_known(app) {
        let ada = app.register("ada").await;
        for _ in 0..120 {
            ada.anonymous().get("/v1/auth/me").await;
        }
        ada.anonymous().get("/v1/auth/me").await.assert_status(429);
        ada.get("/v1/auth/me").await.assert_status(200);
    }

    async fn ipv6_neighbours_share_a_count(app) {
        for host in 1..=100 {
            let there = app.stranger().at_address(&format!("2001:db8:1:2::{host:x}"));
            there.get("/v1/auth/oauth-status").await.assert_status(200);
        }
        app.stranger().at_address("2001:db8:1:2:ffff::1").get("/v1/auth/oauth-status").await.assert_status(429);
        app.stranger().at_address("2001:db8:1:3::1").get("/v1/auth/oauth-status").await.assert_status(200);
    }

    async fn a_forwarded_address_counts_only_behind_proxies_we_trust(app) with ["--trusted-proxies=10.9.0.0/16"] {
        let seen = async |peer: &str, forwarded: &str| {
            let client = app.stranger().at_address(peer).with_header("x-forwarded-for", forwarded);
            client.get("/whoami").await.assert_status(200).json()["address"].as_str().expect("an address").to_owned()
        };
        assert_eq!(seen("203.0.113.9", "198.51.100.1").await, "203.0.113.9");
        assert_eq!(seen("10.9.0.1", "198.51.100.1, 203.0.113.9, 10.9.0.2").await, "203.0.113.9");
    }
}
