//! Tokens that nobody here signed, or not so (J01, J02, J03).

use jsonwebtoken::{Algorithm, EncodingKey};
use latchkey::crypto::signing::generate;
use latchkey::settings::SigningAlgorithm;
use serde_json::{Value, json};

use super::{Forge, composed, decoded, encoded, es256};
use crate::support::{App, Client, on_both_engines, pem};

/// The public half in the forms in which somebody might take it for a secret.
async fn public_halves(app: &App) -> Vec<Vec<u8>> {
    let keys = app.stranger().get("/.well-known/jwks.json").await.json();
    let jwk = &keys["keys"][0];
    let point = |name: &str| decoded(jwk[name].as_str().expect("a coordinate"));
    let raw = [vec![4], point("x"), point("y")].concat();
    // SubjectPublicKeyInfo of a point on P-256 (RFC 5480).
    let head =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
    let spki = [head.as_slice(), &raw].concat();
    let text = pem(&spki).replace("PRIVATE", "PUBLIC");
    let kid = jwk["kid"].as_str().expect("a name").as_bytes().to_vec();
    let forms = [text.trim_end().as_bytes().to_vec(), text.into_bytes(), spki, raw, point("x"), kid, Vec::new()];
    forms.into_iter().chain([jwk.to_string().into_bytes(), keys.to_string().into_bytes()]).collect()
}

fn unsigned(forge: &Forge) -> Vec<String> {
    let mut tokens = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE", "", " none", "none\u{0}"] {
        let header = forge.header_with(json!({"alg": alg})).to_string();
        for signature in ["", "AA", forge.genuine.rsplit('.').next().expect("a signature")] {
            tokens.push(composed(&header, &forge.claims.to_string(), |_| signature.to_owned()));
        }
        tokens.push(tokens[tokens.len() - 3].trim_end_matches('.').to_owned());
    }
    tokens
}

async fn signed_otherwise(app: &App, forge: &Forge) -> Vec<String> {
    let claims = forge.claims.to_string();
    let mut tokens = Vec::new();
    for (name, algorithm) in [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        for secret in public_halves(app).await {
            let key = EncodingKey::from_secret(&secret);
            for alg in [name, "ES256"] {
                let header = forge.header_with(json!({"alg": alg})).to_string();
                tokens.push(composed(&header, &claims, |message| {
                    jsonwebtoken::crypto::sign(message, &key, algorithm).expect("signed")
                }));
            }
        }
    }
    let stranger = pem(&generate(SigningAlgorithm::Es256).expect("a key"));
    tokens.push(composed(&forge.header.to_string(), &claims, |message| es256(&stranger, message)));
    for alg in ["ES384", "ES512", "RS256", "PS256", "EdDSA", "es256", "ES256 ", "ES256K"] {
        tokens.push(forge.signs(&forge.header_with(json!({"alg": alg})), &claims));
    }
    tokens
}

fn altered(forge: &Forge) -> Vec<String> {
    let genuine = &forge.genuine;
    let (message, signature) = genuine.rsplit_once('.').expect("parts");
    let bytes = decoded(signature);
    let signed = |signature: &[u8]| format!("{message}.{}", encoded(signature));
    let mut tokens: Vec<_> = (0..bytes.len()).map(|length| signed(&bytes[..length])).collect();
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        tokens.push(signed(&bytes));
    }
    // A signature of nothing (CVE-2022-21449), one with bytes after it, and every other spelling of its last letter.
    tokens.extend([signed(&[0; 64]), signed(&[bytes.clone(), vec![0]].concat()), signed(&[[0; 32], [1; 32]].concat())]);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=";
    let others = alphabet.chars().map(|letter| format!("{}{letter}", &genuine[..genuine.len() - 1]));
    tokens.extend(others.filter(|other| other != genuine));
    let claims = forge.claims_with(json!({"exp": 4_000_000_000_u32, "org_role": "OWNER", "scope": "admin"}));
    tokens.push(composed(&forge.header.to_string(), &claims, |_| signature.to_owned()));
    tokens.extend([format!("{genuine}."), format!(".{genuine}"), format!("{genuine}.{signature}"), message.to_owned()]);
    tokens.extend([genuine.replace('.', ""), genuine.replacen('.', "..", 1), genuine.to_uppercase()]);
    tokens
}

async fn are_refused(client: &Client, tokens: Vec<String>) {
    for token in tokens {
        let answer = client.with_bearer(&token).get("/v1/auth/me").await;
        assert_eq!(answer.status, 401, "{token}: {answer:?}");
        assert_eq!(answer.json()["code"], "invalid_token", "{token}");
    }
}

on_both_engines! {
    async fn j01_what_is_unsigned_signed_otherwise_or_altered_is_refused(app) with ["signing-key", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let forge = Forge::new(&app, &ada.tokens.access);
        let own = forge.signs(&forge.header, &forge.claims.to_string());
        ada.with_bearer(&own).get("/v1/auth/me").await.assert_status(200);
        let stranger = app.stranger();
        are_refused(&stranger, unsigned(&forge)).await;
        are_refused(&stranger, signed_otherwise(&app, &forge).await).await;
        are_refused(&stranger, altered(&forge)).await;
        ada.get("/v1/auth/me").await.assert_status(200);
    }

    async fn j02_no_hint_of_a_token_leads_to_a_key(app) with ["signing-key", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let forge = Forge::new(&app, &ada.tokens.access);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        listener.set_nonblocking(true).expect("set");
        let there = format!("http://{}/keys.json", listener.local_addr().expect("bound"));
        let theirs = pem(&generate(SigningAlgorithm::Es256).expect("a key"));
        let key = EncodingKey::from_ec_pem(theirs.as_bytes()).expect("a key");
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a key");
        let jwk = serde_json::to_value(&jwk).expect("json");
        let claims = forge.claims.to_string();
        for hint in [
            json!({"jwk": jwk}), json!({"jku": there}), json!({"x5u": there}), json!({"x5c": ["MIIB"]}), json!({"x5t": "AA"}),
            json!({"jwk": jwk, "kid": null}), json!({"jku": there, "kid": "theirs"}), json!({"crit": ["jku"], "jku": there}),
            json!({"b64": false, "crit": ["b64"]}), json!({"zip": "DEF"}), json!({"enc": "A256GCM"}), json!({"cty": "JWT"}),
        ] {
            let header = forge.header_with(hint);
            // Neither with their key, nor with ours: what is in such a header is never looked at.
            let by_them = composed(&header.to_string(), &claims, |message| es256(&theirs, message));
            are_refused(&app.stranger(), vec![by_them, forge.signs(&header, &claims)]).await;
        }
        let kid = forge.header["kid"].as_str().expect("a name").to_owned();
        for strange in [
            json!("../../../../dev/null"), json!("/etc/passwd"), json!("' OR '1'='1"), json!(""), json!("a".repeat(8000)), json!("%00"),
            json!("\u{0}"), json!(there), json!(0), json!([kid]), json!({"kid": kid}), json!(format!("{kid} ")), json!(kid.to_lowercase()),
        ] {
            are_refused(&app.stranger(), vec![forge.signs(&forge.header_with(json!({"kid": strange})), &claims)]).await;
        }
        are_refused(&app.stranger(), vec![forge.signs(&forge.header_with(json!({"kid": null})), &claims)]).await;
        let twice = forge.header.to_string().replacen('{', r#"{"alg":"none","#, 1);
        are_refused(&app.stranger(), vec![composed(&twice, &claims, |message| es256(&forge.private, message))]).await;
        assert!(listener.accept().is_err(), "nobody was asked for a key");
    }

    async fn j03_dates_hold_and_no_claim_may_be_missing_or_of_another_kind(app) with ["signing-key", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let forge = Forge::new(&app, &ada.tokens.access);
        let now = app.clock.now().seconds();
        let answer = async |claims: &str| {
            ada.with_bearer(&forge.signs(&forge.header, claims)).get("/v1/auth/me").await
        };
        for past in [now, now - 1, now - 120, 0] {
            answer(&forge.claims_with(json!({"exp": past}))).await.assert_refused(401, "token_expired");
        }
        for never in [json!(-1), json!(i64::MIN), json!(u64::MAX), json!(1e300)] {
            answer(&forge.claims_with(json!({"exp": never}))).await.assert_refused(401, "invalid_token");
        }
        answer(&forge.claims_with(json!({"exp": now + 1}))).await.assert_status(200);
        for name in ["nbf", "iat"] {
            answer(&forge.claims_with(json!({name: now + 5}))).await.assert_status(200);
            for future in [now + 6, now + 121, i64::MAX] {
                answer(&forge.claims_with(json!({name: future}))).await.assert_refused(401, "invalid_token");
            }
        }
        let needed = ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "auth_time", "amr", "scope", "email"];
        for name in needed {
            answer(&forge.claims_with(json!({name: null}))).await.assert_refused(401, "invalid_token");
            let text = forge.claims[name].is_number().then(|| json!("9999999999"));
            for wrong in [json!(true), json!({}), json!([1]), json!(1.5)].into_iter().chain(text) {
                answer(&forge.claims_with(json!({name: wrong}))).await.assert_refused(401, "invalid_token");
            }
            let null = forge.claims_with(json!({name: null})).replacen('{', &format!("{{\"{name}\":null,"), 1);
            answer(&null).await.assert_refused(401, "invalid_token");
        }
        for claims in ["", "null", "[]", "7", "{", "{}", "\"text\"", "\u{0}"] {
            answer(claims).await.assert_refused(401, "invalid_token");
        }
        answer(&forge.claims.to_string()).await.assert_status(200);
    }

    async fn j03_a_token_is_of_the_session_and_the_person_that_it_names(app) with ["signing-key"] {
        let (ada, ben) = (app.register("ada").await, app.register("ben").await);
        let forge = Forge::new(&app, &ada.tokens.access);
        let answer = async |claims: Value| {
            ada.with_bearer(&forge.signs(&forge.header, &forge.claims_with(claims))).get("/v1/auth/me").await
        };
        answer(json!({"sub": ben.id})).await.assert_refused(401, "invalid_token");
        answer(json!({"sid": "ses_01kbk3x5g0r8m4t2v6w9y1z3b5"})).await.assert_refused(401, "token_revoked");
        // What it says of rights is for others to read; here they are looked up.
        let there = answer(json!({"org": ben.organization, "org_role": "OWNER", "scope": "admin"})).await;
        assert_ne!(there.json()["organizationId"], json!(ben.organization), "{there:?}");
    }
}
