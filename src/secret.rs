//! Secrets in pairs: what people and clients hold, and what the store keeps of it.
//!
//! The plain halves have neither `Debug` nor `Serialize`, so that no log line and no answer can hold one by
//! accident; they are wiped from memory when dropped. The one-time reveal is a method with a loud name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::crypto;

/// An opaque token of 256 random bits: a session cookie, a refresh token, a one-time link.
pub struct PlainToken(Zeroizing<String>);

/// The SHA-256 of a [`PlainToken`]. Enough for 256 random bits; nothing slower is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashedToken([u8; 32]);

impl PlainToken {
    /// A new one, beginning with `prefix` so that people and scanners see what it is.
    pub fn random(prefix: &str) -> Self {
        let bytes = Zeroizing::new(crypto::random::<32>());
        Self(Zeroizing::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes.as_slice()))))
    }

    /// One that a client presented. Nothing is proven by holding it.
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// What the store keeps.
    pub fn hashed(&self) -> HashedToken {
        HashedToken(crypto::sha256(self.0.as_bytes()))
    }

    /// The secret itself, for the one answer or cookie that carries it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl HashedToken {
    /// The bytes the store keeps.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A password as somebody typed it, in NFC so that composed and decomposed letters are the same
/// (NIST SP 800-63B-4 section 3.1.1.2).
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what was typed.
    pub fn typed(text: &str) -> Self {
        use unicode_normalization::UnicodeNormalization as _;
        Self(Zeroizing::new(text.nfc().collect()))
    }

    /// The characters, for the rules and the hash.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// A secret that other people's servers want from us: the password of a mail account.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes it from where it was configured.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The secret itself, for the one conversation that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
