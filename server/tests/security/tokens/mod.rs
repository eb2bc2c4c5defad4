//! Access tokens and what is taken for one (J01 to J07).

mod forged;
mod keys;
mod kinds;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::support::App;

/// Makes tokens like those of a server whose key it knows, and unlike them.
struct Forge {
    private: String,
    header: Value,
    claims: Value,
    genuine: String,
}

impl Forge {
    /// Knows the key of `app`, and follows this token of its own.
    fn new(app: &App, genuine: &str) -> Self {
        let parts: Vec<_> = genuine.split('.').map(decoded).collect();
        let read = |part: &[u8]| serde_json::from_slice::<Value>(part).expect("json");
        let (header, claims) = (read(&parts[0]), read(&parts[1]));
        assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
        Self { private: app.signing_key(), header, claims, genuine: genuine.to_owned() }
    }

    /// A token with this header and these claims, signed by the server's own key.
    fn signs(&self, header: &Value, claims: &str) -> String {
        composed(&header.to_string(), claims, |message| es256(&self.private, message))
    }

    /// The genuine header with further or other members.
    fn header_with(&self, members: Value) -> Value {
        with(&self.header, members)
    }

    /// The genuine claims with others in their place; `null` takes one away.
    fn claims_with(&self, claims: Value) -> String {
        with(&self.claims, claims).to_string()
    }
}

fn with(known: &Value, further: Value) -> Value {
    let mut all = known.as_object().expect("an object").clone();
    let Value::Object(further) = further else { panic!("an object") };
    for (name, value) in further {
        if value.is_null() {
            all.remove(&name);
        } else {
            all.insert(name, value);
        }
    }
    Value::Object(all)
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn composed(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> String) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    format!("{message}.{}", sign(message.as_bytes()))
}

fn es256(pem: &str, message: &[u8]) -> String {
    let key = EncodingKey::from_ec_pem(pem.as_bytes()).expect("a key");
    jsonwebtoken::crypto::sign(message, &key, Algorithm::ES256).expect("signed")
}
