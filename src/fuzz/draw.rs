//! Bytes that nobody meant. The fuzz targets of the server include this file too.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// One thing that goes wrong with a text on its way.
#[derive(Clone, Debug)]
struct Slip {
    at: Index,
    kind: u8,
    byte: u8,
    piece: Index,
}

/// What is put where it does not belong.
const PIECES: [&str; 20] = [
    "\0",
    "\r\n",
    " ",
    "\t",
    "é",
    "e\u{301}",
    "\u{202e}",
    "\u{feff}",
    "Ｋ",
    "%00",
    "%2f",
    "+",
    "--",
    "..",
    "//",
    "\\",
    "=",
    "9999999999999999999",
    "\"",
    "🦊",
];

impl Slip {
    fn happen(&self, text: &mut Vec<u8>) {
        let at = self.at.index(text.len() + 1);
        match self.kind % 7 {
            0 if at < text.len() => text[at] = self.byte,
            1 if at < text.len() => text[at] ^= 1 << (self.byte % 8),
            2 if at < text.len() => drop(text.remove(at)),
            3 => text.truncate(at),
            4 if at < text.len() => text.extend_from_within(at..),
            5 if at < text.len() => {
                text[at] = if self.byte.is_multiple_of(2) {
                    text[at].to_ascii_uppercase()
                } else {
                    text[at].to_ascii_lowercase()
                }
            }
            _ => drop(text.splice(at..at, self.piece.get(&PIECES).bytes())),
        }
    }
}

fn slips() -> impl Strategy<Value = Vec<Slip>> {
    let slip = (any::<Index>(), any::<u8>(), any::<u8>(), any::<Index>());
    prop::collection::vec(slip.prop_map(|(at, kind, byte, piece)| Slip { at, kind, byte, piece }), 0..5)
}

/// Bytes that nobody meant: anything at all, or one of `seeds` with slips in it.
pub fn bytes(seeds: &[&str]) -> impl Strategy<Value = Vec<u8>> {
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    let near = (prop::sample::select(seeds), slips()).prop_map(|(mut text, slips)| {
        for slip in slips {
            slip.happen(&mut text);
        }
        text
    });
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..300), 4 => near]
}

fn allowed() -> Duration {
    let seconds = std::env::var("LATCHKEY_TEST_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

/// Holds `claim` against bytes for as long as is allowed. What breaks it is made as small as can be.
pub fn fuzz(seeds: &[&str], claim: impl Fn(&[u8])) {
    hold(&bytes(seeds), |bytes| claim(&bytes));
}

/// Holds `claim` against whatever `drawn` gives for as long as is allowed.
pub fn hold<S: Strategy>(drawn: &S, claim: impl Fn(S::Value)) {
    let end = Instant::now() + allowed();
    while Instant::now() < end {
        let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
        let run = runner.run(drawn, |value| {
            claim(value);
            Ok::<(), TestCaseError>(())
        });
        if let Err(found) = run {
            panic!("{found}");
        }
    }
}

/// The same with whatever of it is text.
pub fn fuzz_text(seeds: &[&str], claim: impl Fn(&str)) {
    fuzz(seeds, |bytes| claim(&String::from_utf8_lossy(bytes)));
}
