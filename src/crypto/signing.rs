//! Signing keys and access tokens (RFC 7519, RFC 9068).
//!
//! One algorithm per key, taken from the key and never from the token (RFC 8725 section 3.1); `kid` only selects among
//! our own keys, and every other key hint of a token's header is refused.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::settings::SigningAlgorithm;

/// The type of our access tokens (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";
/// How far the clocks of our nodes may differ, in seconds.
const LEEWAY: i64 = 5;

/// What an access token says (contract section 2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer: the public address.
    pub iss: String,
    /// Audience: the same.
    pub aud: String,
    /// Whose token.
    pub sub: String,
    /// Of which session.
    pub sid: String,
    /// Which token.
    pub jti: String,
    /// Issued at.
    pub iat: i64,
    /// Not before.
    pub nbf: i64,
    /// Expires.
    pub exp: i64,
    /// When the person last proved who they are.
    pub auth_time: i64,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// The organization the person acts in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// As what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_role: Option<String>,
    /// What the token may (RFC 8693 section 4.2).
    pub scope: String,
    /// The person's address.
    pub email: String,
}

/// One key.
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    encoding: EncodingKey,
    decoding: DecodingKey,
    jwk: Jwk,
    signs_at: Timestamp,
}

/// The wire name of an algorithm.
pub const fn algorithm_name(algorithm: SigningAlgorithm) -> &'static str {
    match algorithm {
        SigningAlgorithm::Es256 => "ES256",
        SigningAlgorithm::EdDsa => "EdDSA",
        SigningAlgorithm::Rs256 => "RS256",
    }
}

/// The private half of a new key, PKCS#8.
pub fn generate(algorithm: SigningAlgorithm) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |_| Error::internal("a signing key could not be made");
    let der = match algorithm {
        SigningAlgorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
            pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
        }
        SigningAlgorithm::EdDsa => {
            Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(failed)?.as_ref().to_vec()
        }
        SigningAlgorithm::Rs256 => {
            RsaKeyPair::generate(KeySize::Rsa3072).and_then(|pair| pair.as_der()).map_err(failed)?.as_ref().to_vec()
        }
    };
    Ok(Zeroizing::new(der))
}

impl SigningKey {
    /// Prepares a key from its PKCS#8 private half.
    pub fn from_pkcs8(algorithm: &str, der: &[u8], signs_at: Timestamp) -> Result<Self, Error> {
        let text = Zeroizing::new(STANDARD.encode(der));
        Self::from_pem(
            &format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", *text),
            algorithm,
            signs_at,
        )
    }

    /// Prepares a key from PEM; an empty `algorithm` takes the one that fits the key.
    pub fn from_pem(pem: &str, algorithm: &str, signs_at: Timestamp) -> Result<Self, Error> {
        let bytes = pem.as_bytes();
        let (algorithm, encoding) = match algorithm {
            "ES256" => (Algorithm::ES256, EncodingKey::from_ec_pem(bytes).map_err(unusable)?),
            "EdDSA" => (Algorithm::EdDSA, EncodingKey::from_ed_pem(bytes).map_err(unusable)?),
            "RS256" => (Algorithm::RS256, EncodingKey::from_rsa_pem(bytes).map_err(unusable)?),
            _ => EncodingKey::from_ec_pem(bytes)
                .map(|key| (Algorithm::ES256, key))
                .or_else(|_| EncodingKey::from_ed_pem(bytes).map(|key| (Algorithm::EdDSA, key)))
                .or_else(|_| EncodingKey::from_rsa_pem(bytes).map(|key| (Algorithm::RS256, key)))
                .map_err(unusable)?,
        };
        let mut jwk = Jwk::from_encoding_key(&encoding, algorithm).map_err(unusable)?;
        if is_weak(&jwk) {
            return Err(unusable("an RSA key needs 3072 bits"));
        }
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(unusable)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&jwk).map_err(unusable)?;
        Ok(Self { kid, algorithm, encoding, decoding, jwk, signs_at })
    }

    /// Its name in tokens: the thumbprint of its public half (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// From when it signs.
    pub const fn signs_at(&self) -> Timestamp {
        self.signs_at
    }
}

/// Whether a key has less than 128 bits of strength: RSA below 3072 bits (NIST SP 800-57 part 1 section 5.6.1). The other
/// kinds have one size each.
fn is_weak(key: &Jwk) -> bool {
    let AlgorithmParameters::RSA(rsa) = &key.algorithm else { return false };
    let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).unwrap_or_default();
    modulus.len() < 3072 / 8
}

fn unusable(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a signing key cannot be used: {error}"))
}

/// Every key we know, in the order in which they sign.
#[derive(Default)]
pub struct KeyRing(Vec<SigningKey>);

impl KeyRing {
    /// Orders the keys.
    pub fn new(mut keys: Vec<SigningKey>) -> Self {
        keys.sort_by_key(|key| key.signs_at);
        Self(keys)
    }

    /// The keys, in the order in which they sign.
    pub fn keys(&self) -> &[SigningKey] {
        &self.0
    }

    /// Whether a key of this name is among them.
    pub fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid == kid)
    }

    /// The key that signs now.
    pub fn current(&self, now: Timestamp) -> Option<&SigningKey> {
        self.0.iter().rev().find(|key| key.signs_at <= now).or_else(|| self.0.first())
    }

    /// The published set (RFC 7517), public halves only.
    pub fn published(&self) -> serde_json::Value {
        let keys: Vec<_> = self.0.iter().map(|key| &key.jwk).collect();
        serde_json::json!({ "keys": keys })
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &Claims, now: Timestamp) -> Result<String, Error> {
        let key = self.current(now).ok_or_else(|| Error::internal("there is no signing key"))?;
        let mut header = Header::new(key.algorithm);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, claims, &key.encoding).map_err(unusable)
    }

    /// Reads an access token: signature, type, issuer, audience, dates. Whether its session still lives is another
    /// question.
    pub fn read(&self, token: &str, issuer: &str, now: Timestamp) -> Result<Claims, Error> {
        let bad = || Error::Unauthenticated(Code::InvalidToken);
        let raw = header(token).ok_or_else(bad)?;
        let key = self.0.iter().find(|key| key.kid == raw.kid).ok_or_else(bad)?;
        let mut validation = Validation::new(key.algorithm);
        // The dates are checked below, by our own clock.
        validation.validate_exp = false;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).map_err(|_| bad())?.claims;
        if claims.nbf > now.seconds() + LEEWAY || claims.iat > now.seconds() + LEEWAY {
            return Err(bad());
        }
        if claims.exp <= now.seconds() {
            return Err(Error::Unauthenticated(Code::TokenExpired));
        }
        Ok(claims)
    }
}

/// The header of our tokens has these three members and no others: no embedded keys, no addresses of keys, no
/// extensions (RFC 8725 section 3.10).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeader {
    kid: String,
    typ: String,
    #[serde(rename = "alg")]
    _alg: Algorithm,
}

fn header(token: &str) -> Option<RawHeader> {
    let (header, _) = token.split_once('.')?;
    let header: RawHeader = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    (header.typ == TYPE).then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(now: i64) -> Claims {
        Claims {
            iss: "http://here".to_owned(),
            aud: "http://here".to_owned(),
            sub: "usr_1".to_owned(),
            sid: "ses_1".to_owned(),
            jti: "tok_1".to_owned(),
            iat: now,
            nbf: now,
            exp: now + 60,
            auth_time: now,
            amr: vec!["pwd".to_owned()],
            org: None,
            org_role: None,
            scope: "read".to_owned(),
            email: "ada@example.org".to_owned(),
        }
    }

    fn ring(algorithm: SigningAlgorithm) -> KeyRing {
        let der = generate(algorithm).expect("made");
        let key = SigningKey::from_pkcs8(algorithm_name(algorithm), &der, Timestamp::from_seconds(0)).expect("usable");
        KeyRing::new(vec![key])
    }

    #[test]
    fn every_algorithm_signs_and_reads_its_own() {
        let now = Timestamp::from_seconds(1000);
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Rs256] {
            let ring = ring(algorithm);
            let token = ring.sign(&claims(1000), now).expect("signed");
            assert_eq!(ring.read(&token, "http://here", now).expect("read").sub, "usr_1");
            assert!(self::ring(algorithm).read(&token, "http://here", now).is_err(), "another key of the same kind");
            let published = ring.published().to_string();
            for private in ["\"d\"", "\"p\"", "\"q\"", "\"k\""] {
                assert!(!published.contains(private), "{published}");
            }
        }
    }

    #[test]
    fn dates_issuer_and_audience_hold() {
        let ring = ring(SigningAlgorithm::Es256);
        let at = Timestamp::from_seconds;
        let token = ring.sign(&claims(1000), at(1000)).expect("signed");
        assert!(ring.read(&token, "http://here", at(1059)).is_ok());
        let code = |result: Result<Claims, Error>| result.err().map(|error| error.code());
        assert_eq!(code(ring.read(&token, "http://here", at(1060))), Some(Code::TokenExpired));
        assert_eq!(code(ring.read(&token, "http://here", at(990))), Some(Code::InvalidToken));
        assert_eq!(code(ring.read(&token, "http://elsewhere", at(1000))), Some(Code::InvalidToken));
    }

    #[test]
    fn altered_headers_are_refused() {
        let ring = ring(SigningAlgorithm::Es256);
        let now = Timestamp::from_seconds(1000);
        let token = ring.sign(&claims(1000), now).expect("signed");
        let kid = ring.keys()[0].kid();
        let rest = token.split_once('.').expect("parts").1;
        for header in [
            format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"ES256","typ":"JWT","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}","jku":"http://evil.test"}}"#),
            r#"{"alg":"ES256","typ":"at+jwt","kid":"../../etc/passwd"}"#.to_owned(),
        ] {
            let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
            assert!(ring.read(&forged, "http://here", now).is_err());
        }
    }
}
