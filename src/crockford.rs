//! Codes that people read and type: Crockford's base32, in which no letter looks like another.

use crate::crypto;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Random letters in groups of four, with dashes between.
pub(crate) fn random_code(letters: usize) -> String {
    let mut random = crypto::random_bytes();
    let code: String = (0..letters).map(|_| char::from(ALPHABET[usize::from(random() & 31)])).collect();
    in_fours(&code, "-")
}

/// A text in groups of four, as people read it aloud.
pub(crate) fn in_fours(text: &str, between: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(between)
}

/// A code as it is compared: without spaces and dashes, in upper case, `o` read as 0, `i` and `l` as 1. `None` for what
/// can be none of this many letters.
pub(crate) fn canonical(text: &str, letters: usize) -> Option<String> {
    let bare = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
    let read: String = bare
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    (read.len() == letters && read.bytes().all(|byte| ALPHABET.contains(&byte))).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_read_however_they_are_typed() {
        assert_eq!(canonical("k7qf-9m2x-4tab", 12).as_deref(), Some("K7QF9M2X4TAB"));
        assert_eq!(canonical("K7QF 9M2X 4TAB", 12).as_deref(), Some("K7QF9M2X4TAB"));
        assert_eq!(canonical("oil0-OIL0-abcd", 12).as_deref(), Some("01100110ABCD"));
        for none in ["", "k7qf-9m2x-4ta", "k7qf-9m2x-4tau", "k7qf-9m2x-4tabc", "Ｋ7QF-9M2X-4TA"] {
            assert_eq!(canonical(none, 12), None, "{none:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = canonical(&text, 10);
        }

        #[test]
        fn what_is_given_out_is_read_again(letters in 1_usize..20) {
            let code = random_code(letters);
            prop_assert_eq!(canonical(&code.to_lowercase(), letters), Some(code.replace('-', "")));
        }
    }
}
