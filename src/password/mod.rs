//! What makes a password acceptable (NIST SP 800-63B-4 section 3.1.1.2; contract section 2).
//!
//! Length counts, composition does not. Refused: what is on the list of common and breached passwords, and what is
//! built from the account's own name, address or organization.

pub mod common;

use crate::email::Email;
use crate::error::PasswordProblem;
use crate::secret::Password;
use crate::settings::Passwords;

/// Whose password it is to be.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// Their address.
    pub email: &'a Email,
    /// Their name.
    pub name: &'a str,
    /// Their organization.
    pub organization: Option<&'a str>,
}

/// Names shorter than this are too common inside words to mean anything.
const TELLING: usize = 4;
/// A password that holds the product's or organization's name must hold at least so many letters more.
const LETTERS_BESIDE: usize = 8;

/// Says what is wrong with `password`, if anything is.
pub fn check(password: &Password, owner: &Owner<'_>, rules: &Passwords) -> Result<(), PasswordProblem> {
    let length = password.text().chars().count();
    if length < rules.shortest as usize {
        return Err(PasswordProblem::TooShort(rules.shortest));
    }
    if length > rules.longest as usize {
        return Err(PasswordProblem::TooLong(rules.longest));
    }
    if is_personal(password.text(), owner) {
        return Err(PasswordProblem::Personal);
    }
    if common::is_common(password.text()) {
        return Err(PasswordProblem::Common);
    }
    Ok(())
}

fn is_personal(password: &str, owner: &Owner<'_>) -> bool {
    let bare = letters_and_digits(password);
    let own = [owner.email.as_str(), owner.email.local_part(), owner.name];
    let words = owner.name.split_whitespace();
    if own.into_iter().chain(words).map(letters_and_digits).any(|term| telling(&term) && bare.contains(&term)) {
        return true;
    }
    ["latchkey", owner.organization.unwrap_or_default()]
        .into_iter()
        .map(letters_and_digits)
        .any(|term| telling(&term) && bare.contains(&term) && letters(&bare.replace(&term, "")) < LETTERS_BESIDE)
}

fn telling(term: &str) -> bool {
    term.chars().count() >= TELLING
}

fn letters(text: &str) -> usize {
    text.chars().filter(|letter| letter.is_alphabetic()).count()
}

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(password: &str) -> Option<PasswordProblem> {
        let email = Email::parse("grace.hopper@navy.example").expect("an address");
        let owner = Owner { email: &email, name: "Grace Hopper", organization: Some("Harbour Tools") };
        check(&Password::typed(password), &owner, &Passwords::default()).err()
    }

    #[test]
    fn length_counts_and_composition_does_not() {
        assert_eq!(problem("elevenchars"), Some(PasswordProblem::TooShort(12)));
        for fine in ["plum river candle", "слово за словом вот", "🦊🦊🐢🐢🐙🐙🦉🦉🐝🐝🦋🦋", &"long enough ".repeat(10)]
        {
            assert_eq!(problem(fine), None, "{fine}");
        }
        assert_eq!(problem(&"x y".repeat(43)), Some(PasswordProblem::TooLong(128)));
    }

    #[test]
    fn the_owners_name_and_address_are_refused() {
        for own in ["Hopper-is-my-password", "grace.hopper@navy.example", "gracehopper2026", "xx GRACE HOPPER xx"] {
            assert_eq!(problem(own), Some(PasswordProblem::Personal), "{own}");
        }
    }

    #[test]
    fn the_products_and_the_organizations_name_do_not_make_a_password() {
        assert_eq!(problem("latchkey20261121"), Some(PasswordProblem::Personal));
        assert_eq!(problem("HarbourTools!!11"), Some(PasswordProblem::Personal));
        assert_eq!(problem("harbour tools sell lanterns"), None);
    }

    #[test]
    fn common_passwords_are_refused() {
        for common in ["passwordpassword", "123456789012345", "qwertyuiopasdf"] {
            assert_eq!(problem(common), Some(PasswordProblem::Common), "{common}");
        }
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_password() {
        assert_eq!(
            Password::typed("caf\u{e9} au lait bitte").text(),
            Password::typed("cafe\u{301} au lait bitte").text()
        );
    }
}
