//! Parsers that stand before any handler.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use latchkey_server::cli::read_config;
use latchkey_server::middleware::client_address::client_address;
use latchkey_server::middleware::query_credentials;
use latchkey_server::rest::cookies;

use crate::draw::{self, fuzz, fuzz_text};

#[test]
fn forwarded_addresses() {
    const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    let proxies = ["10.0.0.0/8".parse().expect("a network"), "fd00::/8".parse().expect("a network")];
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    let seeds = [
        "198.51.100.1, 10.0.0.2",
        "fd00::1",
        "[2001:db8::1]:4711",
        "unknown, _hidden",
        "::ffff:10.0.0.1, 10.0.0.1",
        ",,,",
        "10.0.0.1",
    ];
    fuzz!(&seeds, |bytes| {
        let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, value.clone());
        let stranger = address("203.0.113.9");
        assert_eq!(client_address(stranger, &headers, &proxies), stranger, "a stranger cannot choose");
        let seen = client_address(address("10.0.0.1"), &headers, &proxies);
        assert_eq!(seen, seen.to_canonical());
        // Whatever a client wrote, and in how many lines: what the proxy saw stands to the right of it.
        headers.append(FORWARDED_FOR, HeaderValue::from_static("203.0.113.9"));
        assert_eq!(client_address(address("10.0.0.1"), &headers, &proxies), stranger);
        let joined = [bytes, b", 203.0.113.9, fd00::7"].concat();
        let joined = HeaderValue::from_bytes(&joined).expect("a header");
        let seen =
            client_address(address("10.0.0.1"), &HeaderMap::from_iter([(FORWARDED_FOR, joined.clone())]), &proxies);
        // A line that is no text is nobody's word.
        assert_eq!(seen, if joined.to_str().is_ok() { stranger } else { address("10.0.0.1") });
    });
}

#[test]
fn credentials_in_queries() {
    let seeds =
        ["token=x", "%61pi_key=z", "a=b&c", "ACCESS_TOKEN", "scope=token", "&&=&", "a%", "sf_token[]=x", "x=token"];
    fuzz_text!(&seeds, |text| {
        if text.contains('#') {
            // What follows is the browser's own and never sent.
            return;
        }
        let Ok(uri) = format!("/v1/auth/me?{text}").parse::<Uri>() else { return };
        let refused = query_credentials::check(&Method::GET, &uri).is_err();
        if let Ok(behind) = format!("/v1/auth/me?{text}&Access_%54oken=x").parse::<Uri>() {
            assert!(query_credentials::check(&Method::GET, &behind).is_err(), "{behind}");
        }
        if let Ok(mirrored) = format!("/api/auth/me?{text}").parse::<Uri>() {
            assert_eq!(query_credentials::check(&Method::POST, &mirrored).is_err(), refused, "{uri}");
        }
    });
}

#[test]
fn jars_of_cookies() {
    let seeds = [
        "__Host-latchkey=s; a=1",
        "a=1;__Host-latchkey=s",
        "__Host-latchkey=",
        "__Host-latchkey-visitor=v; __Host-latchkey=s",
        "x__Host-latchkey=s",
        "=",
        ";;",
    ];
    fuzz!(&seeds, |bytes| {
        let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, value);
        let text = String::from_utf8_lossy(bytes).into_owned();
        for (name, found) in [
            ("__Host-latchkey", cookies::session(&headers)),
            ("__Host-latchkey-visitor", cookies::visitor(&headers)),
            ("__Host-latchkey-half", cookies::half(&headers)),
        ] {
            let Some(found) = found else { continue };
            assert!(
                !found.is_empty() && !found.contains(';') && text.contains(&format!("{name}={found}")),
                "{name}: {text}"
            );
        }
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-latchkey=last"));
        assert!(cookies::session(&headers).is_some());
    });
}

#[test]
fn settings_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("latchkey.toml");
    let word = format!("--config={}", path.display());
    let seeds = [
        "listen = \"127.0.0.1:1\"\naccess_token_ttl = 60",
        "trusted_proxies = [\"10.0.0.1\", \"::1\"]",
        "limit_ordinary = \"100/60\"",
        "[server]\nlisten = 1",
        "a = 1",
        "smtp_url = \"smtp://ada:lovelace@mail.example.org\"",
        "log = \"debug\"\nlog = \"info\"",
        "registration = \"closed\"\nraw_handoff = false",
        "# nothing",
    ];
    fuzz!(&seeds, |bytes| {
        std::fs::write(&path, bytes).expect("written");
        if let Err(said) = read_config(&[&word]) {
            assert!(!said.trim().is_empty());
        }
    });
}
