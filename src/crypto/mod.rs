//! The few primitives everything rests on, all from one library: hashes, random bytes, comparison in constant time.

pub mod hasher;
pub mod master_key;
pub mod signing;
pub mod vault;

use std::fmt::Write as _;

use aws_lc_rs::{constant_time, digest, hmac, rand};

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// Bytes in hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of what comes piece by piece.
pub struct RunningHash(digest::Context);

impl Default for RunningHash {
    fn default() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }
}

impl RunningHash {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all of them, in hexadecimal.
    pub fn hexadecimal(self) -> String {
        hexadecimal(self.0.finish().as_ref())
    }
}

/// HMAC-SHA-256 with a key prepared once.
pub fn mac(key: &hmac::Key, bytes: &[u8]) -> [u8; 32] {
    let mut tag = [0; 32];
    tag.copy_from_slice(hmac::sign(key, bytes).as_ref());
    tag
}

/// Whether two values are the same, in time that does not tell where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// Random bytes from the operating system's generator.
///
/// # Panics
/// When the operating system has none to give: nothing safe can be done then.
#[expect(clippy::expect_used, reason = "without randomness there is no safe way on")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A source of single random bytes, drawn in blocks.
pub fn random_bytes() -> impl FnMut() -> u8 {
    let mut block = random::<64>();
    let mut next = 0;
    move || {
        if next == block.len() {
            block = random::<64>();
            next = 0;
        }
        next += 1;
        block[next - 1]
    }
}
