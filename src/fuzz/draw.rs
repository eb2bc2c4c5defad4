//! Bytes that nobody meant, and what draws them. The fuzz targets of the server include this file too.

use std::time::Duration;

use bolero::ValueGenerator;
use bolero::generator::bolero_generator::{Driver, produce};

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

/// One of a list, whatever its length.
#[derive(Clone, Copy, Debug)]
pub struct Pick(usize);

impl Pick {
    /// A number below `length`.
    pub fn index(self, length: usize) -> usize {
        self.0 % length
    }

    /// One of `all`.
    pub fn get<T>(self, all: &[T]) -> &T {
        &all[self.index(all.len())]
    }
}

/// Draws one.
pub fn pick() -> impl ValueGenerator<Output = Pick> {
    produce::<u16>().map_gen(|number| Pick(usize::from(number)))
}

/// Anything at all, or one of the texts with a few things gone wrong in it.
pub struct Bytes(Vec<Vec<u8>>);

/// Bytes that nobody meant, most of them near one of `seeds`.
pub fn bytes(seeds: &[&str]) -> Bytes {
    Bytes(seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect())
}

impl ValueGenerator for Bytes {
    type Output = Vec<u8>;

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<Vec<u8>> {
        if driver.gen_variant(5, 0)? == 0 {
            return produce::<Vec<u8>>().with().len(0_usize..300).generate(driver);
        }
        let mut text = pick().generate(driver)?.get(&self.0).clone();
        for _ in 0..driver.gen_variant(5, 0)? {
            slip(driver, &mut text)?;
        }
        Some(text)
    }
}

/// One thing that goes wrong with a text on its way.
fn slip<D: Driver>(driver: &mut D, text: &mut Vec<u8>) -> Option<()> {
    let (at, byte) = (pick().generate(driver)?.index(text.len() + 1), produce::<u8>().generate(driver)?);
    match driver.gen_variant(7, 6)? {
        0 if at < text.len() => text[at] = byte,
        1 if at < text.len() => text[at] ^= 1 << (byte % 8),
        2 if at < text.len() => drop(text.remove(at)),
        3 => text.truncate(at),
        4 if at < text.len() => text.extend_from_within(at..),
        5 if at < text.len() && byte.is_multiple_of(2) => text[at] = text[at].to_ascii_uppercase(),
        5 if at < text.len() => text[at] = text[at].to_ascii_lowercase(),
        _ => drop(text.splice(at..at, PIECES[usize::from(byte) % PIECES.len()].bytes())),
    }
    Some(())
}

/// How long one target draws, when nothing guides it.
pub fn allowed() -> Duration {
    let seconds = std::env::var("LATCHKEY_TEST_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

/// Holds a claim against whatever is drawn for as long as is allowed. What breaks it is made as small as can be. A macro,
/// since a target is known by where it stands; whoever uses it has this module as `draw`.
macro_rules! hold {
    ($drawn:expr, $claim:expr) => {
        // A claim that was broken is held no longer, so what it borrows may be in any state.
        let claim = std::panic::AssertUnwindSafe($claim);
        bolero::check!().with_generator($drawn).with_test_time(draw::allowed()).for_each(|drawn| (*claim)(drawn))
    };
}

/// The same against bytes near `seeds`.
macro_rules! fuzz {
    ($seeds:expr, |$bytes:ident| $claim:expr) => {
        draw::hold!(draw::bytes($seeds), |bytes: &Vec<u8>| {
            let $bytes: &[u8] = bytes;
            $claim
        })
    };
}

/// The same with whatever of it is text.
macro_rules! fuzz_text {
    ($seeds:expr, |$text:ident| $claim:expr) => {
        draw::hold!(draw::bytes($seeds), |bytes: &Vec<u8>| {
            let text = String::from_utf8_lossy(bytes);
            let $text: &str = &text;
            $claim
        })
    };
}

pub(crate) use {fuzz, fuzz_text, hold};
