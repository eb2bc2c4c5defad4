//! Whether a password is one that guessers try first.
//!
//! The list is `common.bin`; `COMMON.md` says where it comes from. It holds few breached passwords as long as
//! ours must be, because most breached passwords are shorter. What people do to a short password to make it
//! long is therefore refused by rule: repeating it, counting on from it, or hanging digits and marks on its end.
//!
//! Two listed entries run together are refused too; three words, or two with a space between them, are a passphrase
//! and pass.

use unicode_normalization::UnicodeNormalization;

use crate::crypto::sha256;

/// Bytes kept of each entry's SHA-256. With 40 bits, 67,830 entries and a random password, one look-up errs
/// with probability 6e-8; an error refuses a good password and never admits a bad one.
const WIDTH: usize = 5;

/// Sorted, so that a look-up is a binary search and nothing is unpacked at start.
const ENTRIES: &[[u8; WIDTH]] = include_bytes!("common.bin").as_chunks().0;

/// Any unit this short is guessable when repeated, listed or not.
const SHORT_UNIT: usize = 4;

/// No entry worth repeating is longer; bounds the work on absurdly long input.
const LONGEST_UNIT: usize = 64;

/// Two entries together are not longer; bounds the work on absurdly long input.
const LONGEST_PAIR: usize = 40;

/// Below this, the part before the padding says nothing about the whole.
const SHORTEST_CORE: usize = 4;

/// From here on, the core alone would have been a password elsewhere, and a date on its end adds little.
const LONG_CORE: usize = 8;

/// Longer padding is what makes a password good or bad, not the word before it.
const LONGEST_PAD: usize = 16;

/// "A few" punctuation marks around the digits of the padding.
const MOST_MARKS: usize = 3;

/// Whether guessers would try `password` early: it is listed, a run such as `abcdefghijkl`, a repetition, or one
/// of these with digits or a few punctuation marks on its end. Letter case and Unicode composition do not matter.
pub fn is_common(password: &str) -> bool {
    let characters: Vec<char> = password.to_lowercase().nfc().collect();
    is_plain(&characters) || is_padded(&characters)
}

fn is_plain(characters: &[char]) -> bool {
    is_run(characters) || is_repetition(characters) || is_listed(characters) || is_pair(characters)
}

/// Two guessable parts run together, such as `iloveyouforever`.
fn is_pair(characters: &[char]) -> bool {
    let guessable = |part: &[char]| is_run(part) || is_listed(part);
    let last = characters.len().min(LONGEST_PAIR).saturating_sub(SHORTEST_CORE);
    characters.len() <= LONGEST_PAIR
        && (SHORTEST_CORE..=last).any(|split| guessable(&characters[..split]) && guessable(&characters[split..]))
}

fn is_listed(characters: &[char]) -> bool {
    let entry: String = characters.iter().collect();
    let digest = sha256(entry.as_bytes());
    digest.first_chunk().is_some_and(|prefix| ENTRIES.binary_search(prefix).is_ok())
}

/// Digits or letters counted up or down, starting anywhere and wrapping around.
fn is_run(characters: &[char]) -> bool {
    counts_within('0', 10, characters) || counts_within('a', 26, characters)
}

fn counts_within(first: char, size: u32, characters: &[char]) -> bool {
    let place = |character: &char| u32::from(*character).checked_sub(u32::from(first)).filter(|place| *place < size);
    let places: Option<Vec<u32>> = characters.iter().map(place).collect();
    let steps_by = |step: u32, places: &[u32]| places.windows(2).all(|pair| (pair[0] + step) % size == pair[1]);
    places.is_some_and(|places| steps_by(1, &places) || steps_by(size - 1, &places))
}

/// A guessable unit at least twice; the last may be cut off, since people stop when the field is content.
fn is_repetition(characters: &[char]) -> bool {
    (1..=characters.len() / 2).take(LONGEST_UNIT).any(|length| {
        let unit = &characters[..length];
        let repeats = characters[length..] == characters[..characters.len() - length];
        repeats && (length <= SHORT_UNIT || is_run(unit) || is_listed(unit))
    })
}

/// Every split is tried because an entry may itself end in digits: `abc123` and `2024!!`.
fn is_padded(characters: &[char]) -> bool {
    let end = characters.len();
    let earliest = end.saturating_sub(LONGEST_PAD).max(SHORTEST_CORE);
    (earliest..end).any(|split| {
        let (core, pad) = characters.split_at(split);
        is_pad(pad, core.len()) && is_plain(core)
    })
}

/// A space is no padding: what ends in ` 42` is a phrase.
fn is_pad(pad: &[char], core_length: usize) -> bool {
    let is_mark = |character: &char| character.is_ascii_punctuation();
    if !pad.iter().all(|character| character.is_ascii_digit() || is_mark(character)) {
        return false;
    }
    let from = pad.iter().take_while(|character| is_mark(character)).count();
    let to = pad.len() - pad[from..].iter().rev().take_while(|character| is_mark(character)).count();
    let digits = &pad[from..to];
    let free_digits = if core_length >= LONG_CORE { 8 } else { 4 };
    let few_marks = pad.len() - digits.len() <= MOST_MARKS && !digits.iter().any(is_mark);
    is_repetition(pad) || (few_marks && (digits.len() <= free_digits || is_plain(digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breached passwords of twelve characters or more, most frequent first.
    const BREACHED: [&str; 50] = [
        "q1w2e3r4t5y6",
        "1qaz2wsx3edc",
        "sojdlg123aljg",
        "pe#5gz29ptzmse",
        "111222tianya",
        "1q2w3e4r5t6y",
        "startfinding",
        "qwerty123456",
        "123qweasdzxc",
        "123456qwerty",
        "n8zgt5p0shw=",
        "megaparol12345",
        "123456654321",
        "telechargement",
        "123456123456",
        "yfdbufnjh10305070",
        "qazwsxedcrfv",
        "g13916055158",
        "1q2w3e4r5t6y7u8i9o0p",
        "123456789123",
        "qwertyqwerty",
        "112233445566",
        "justinbieber",
        "123456789987654321",
        "qweasdzxc123",
        "123456789123456789",
        "maprchem56458",
        "5532361cnjqrf",
        "qwertyuiop[]",
        "qazwsxedc123",
        "password1234",
        "international",
        "temppassword",
        "1q2w3e4r5t6y7u",
        "professional",
        "0r968ji9ufj6",
        "jundian2011xr",
        "qwertyuiop123",
        "qwerasdfzxcv",
        "leavemealone",
        "finalfantasy",
        "123456789abc",
        "administrator",
        "123qwe123qwe",
        "zxcasdqwe123",
        "demon1q2w3e4r",
        "jamesbond007",
        "asdfghjkl123",
        "demon1q2w3e4r5t",
        "projectsadminx",
    ];

    fn assert_common(passwords: &[&str]) {
        for password in passwords {
            assert!(is_common(password), "{password} was let through");
        }
    }

    fn assert_not_common(passwords: &[&str]) {
        for password in passwords {
            assert!(!is_common(password), "{password} was refused");
        }
    }

    /// Repeatable noise: the digest of a counter, spelt in `alphabet`.
    fn noise(seed: u32, alphabet: &[u8]) -> String {
        let digest = sha256(&seed.to_be_bytes());
        digest.iter().take(16).map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
    }

    #[test]
    fn the_list_is_whole_sorted_and_without_doubles() {
        assert_eq!(include_bytes!("common.bin").len() % WIDTH, 0);
        assert_eq!(ENTRIES.len(), 67_830);
        assert!(ENTRIES.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn the_most_frequent_breached_passwords_are_common() {
        assert_common(&BREACHED);
    }

    #[test]
    fn two_common_words_run_together_are_common() {
        for password in ["iloveyouforever", "letmeinplease", "abcd1234abcd", "0987654321qwerty", "monkeydragon99"] {
            assert!(is_common(password), "{password}");
        }
        for password in ["monkey dragon lamp", "monkeydragonlampshade", "plum river candle"] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn a_repeated_common_word_is_common() {
        assert_common(&[
            "passwordpassword",
            "monkeymonkey",
            "dragondragondragon",
            "letmeinletmein",
            "passwordpasswordpass",
        ]);
    }

    #[test]
    fn a_repeated_short_unit_is_common_even_when_unlisted() {
        assert_common(&[
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "k7#pk7#pk7#p",
            "x9x9x9x9x9x9x",
            "............",
            "ßßßßßßßßßßßß",
        ]);
    }

    #[test]
    fn a_repeated_long_unit_is_common_only_when_it_is_guessable_itself() {
        assert_common(&["abcdefgabcdefg", "98765439876543"]);
        assert_not_common(&["vq7tzkvq7tzk", "gx#4mw!pgx#4mw!p"]);
    }

    #[test]
    fn a_run_is_common_wherever_it_starts() {
        assert_common(&[
            "123456789012345",
            "987654321098",
            "567890123456",
            "abcdefghijkl",
            "uvwxyzabcdef",
            "zyxwvutsrqponm",
        ]);
        assert_not_common(&["12345abcdvwq", "abcdefgzqhxk"]);
    }

    #[test]
    fn a_walk_over_the_keyboard_is_common() {
        assert_common(&[
            "qwertyuiopas",
            "1qaz2wsx3edc4rfv5tgb",
            "zaq12wsxcde34rfv",
            "poiuytrewqlkjh",
            "azertyuiopqsdf",
        ]);
    }

    #[test]
    fn a_long_dictionary_word_is_common() {
        assert_common(&["international", "professional", "championship", "organization"]);
    }

    #[test]
    fn padding_does_not_rescue_a_common_word() {
        assert_common(&[
            "password1234",
            "password2024!",
            "Password123!",
            "monkey123456",
            "charlie2024!",
            "sunshine19870412",
        ]);
        assert_common(&["password!!!!!!!!", "qwerty111111", "abcdefgh12345678", "football#1#", "iloveyou!2024"]);
    }

    #[test]
    fn enough_behind_a_common_word_makes_it_good() {
        assert_not_common(&[
            "monkey 48 teapots",
            "password7q!xw2",
            "love83629174",
            "dragon#4#9#1#7#2#",
            "charlie&&sunbeam",
        ]);
    }

    #[test]
    fn passphrases_of_common_words_are_not_common() {
        assert_not_common(&["correct horse battery staple", "monkey likes green tea", "correcthorsebatterystaple"]);
        assert_not_common(&[
            "dragon password 42",
            "seven princesses 1999",
            "my password is long!",
            "Blue-Lamp-Rides-Home7",
        ]);
    }

    #[test]
    fn letter_case_and_composition_do_not_matter() {
        assert_common(&["PASSWORDPassword", "QWERTYuiop123", "\u{41f}\u{430}\u{420}\u{41e}\u{43b}\u{44c}пароль"]);
        assert_eq!(is_common("mu\u{308}mu\u{308}mu\u{308}mu\u{308}mu\u{308}mu\u{308}"), is_common("mümümümümümü"));
    }

    #[test]
    fn random_strings_are_not_common() {
        let alphabets: [&[u8]; 3] = [
            b"abcdefghijklmnopqrstuvwxyz",
            b"ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789",
            b"abcdefghijklmnopqrstuvwxyz0123456789!#$%&*+-.?@_",
        ];
        for seed in 0..1_000 {
            for alphabet in alphabets {
                assert_not_common(&[&noise(seed, alphabet)]);
            }
        }
    }

    #[test]
    fn short_and_empty_input_is_answered() {
        for password in ["", "a", "1!", "é", "pass"] {
            let _ = is_common(password);
        }
    }

    #[test]
    fn very_long_input_is_answered() {
        assert!(is_common(&"a".repeat(100_000)));
        assert!(!is_common(&format!("{}b", "a".repeat(1_000))));
    }
}
