//! The letters we write, and what each needs to know. Their words stand in `words`, their looks in `layout`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{layout, words};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::key_watch::Sighting;
use crate::member::Role;

/// Whose mail it is.
#[derive(Clone, Copy, Debug)]
pub struct House<'a> {
    /// The organization's name as people know it, or `Latchkey`.
    pub name: &'a str,
    /// Our public address.
    pub public_url: &'a str,
}

/// When, with what and from where something happened, so that people can tell whether it was they.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// When.
    pub at: Timestamp,
    /// With what, in words: `Firefox on Linux`.
    pub browser: &'a str,
    /// From which network address.
    pub address: &'a str,
}

/// A letter as it goes out. `Debug` shows the subject only: the rest may hold links and codes that let people in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its subject; holds nothing secret, for locked screens show it.
    pub subject: String,
    /// Its text for those who read text.
    pub text: String,
    /// The same for those who read HTML.
    pub html: String,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// What can happen to a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorNews<'a> {
    /// It was switched on.
    On,
    /// Another authenticator took the place of the one before.
    Replaced,
    /// It was switched off.
    Off,
    /// There are new backup codes.
    CodesRenewed,
    /// A backup code was used.
    CodeUsed {
        /// How many are left.
        left: u64,
    },
    /// Too many wrong codes were tried.
    Locked {
        /// How long no code is accepted.
        minutes: u64,
    },
    /// An administrator took it away.
    Reset {
        /// Why.
        reason: &'a str,
    },
}

/// What we write to people about.
pub enum Letter<'a> {
    /// They asked for a link to sign in with.
    MagicLink {
        /// The link.
        link: &'a str,
        /// The code that does the same.
        code: &'a str,
        /// How long both work.
        minutes: u64,
        /// How they were asked for.
        asked: Circumstances<'a>,
    },
    /// They asked for a link to choose a new password with.
    Reset {
        /// The link.
        link: &'a str,
        /// The code that does the same.
        code: &'a str,
        /// How long both work.
        minutes: u64,
        /// How they were asked for.
        asked: Circumstances<'a>,
    },
    /// They registered, and the address is to be confirmed.
    VerifyAddress {
        /// The name they registered with.
        name: &'a str,
        /// The link.
        link: &'a str,
        /// The code that does the same.
        code: &'a str,
        /// How long both work.
        hours: u64,
        /// How they registered.
        asked: Circumstances<'a>,
    },
    /// Their account is to move to this address.
    ConfirmNewAddress {
        /// The link.
        link: &'a str,
        /// The code that does the same.
        code: &'a str,
        /// How long both work.
        hours: u64,
        /// The address the account has now.
        old: &'a Email,
        /// How it was asked for.
        asked: Circumstances<'a>,
    },
    /// Somebody invites them to an organization.
    Invitation {
        /// What that is called.
        organization: &'a str,
        /// Who invites.
        inviter: &'a str,
        /// As what.
        role: Role,
        /// The link to the invitation.
        link: &'a str,
        /// How long it works.
        hours: u64,
    },
    /// Somebody wanted to register with, or move to, an address that already has an account. Nothing changed.
    AddressInUse {
        /// Where they sign in.
        login_link: &'a str,
        /// Where they ask for a new password.
        forgot_link: &'a str,
        /// How it was tried.
        asked: Circumstances<'a>,
    },
    /// Somebody tries passwords.
    Guessing {
        /// How the last one was tried.
        was: Circumstances<'a>,
        /// Where they sign in.
        login_link: &'a str,
    },
    /// Somebody signed in.
    NewSignIn {
        /// How.
        was: Circumstances<'a>,
        /// Ends all sessions.
        secure_link: &'a str,
    },
    /// The password was changed.
    PasswordChanged {
        /// How.
        was: Circumstances<'a>,
        /// Ends all sessions.
        secure_link: &'a str,
        /// Whether with a mailed link or code rather than the old password.
        by_recovery: bool,
    },
    /// The address was changed; goes to the old one.
    AddressChanged {
        /// The address this letter goes to.
        old: &'a Email,
        /// The address the account has now.
        new: &'a Email,
        /// How.
        was: Circumstances<'a>,
        /// Takes the change back.
        undo_link: &'a str,
        /// How long it works.
        hours: u64,
    },
    /// An API key was made.
    KeyCreated {
        /// Its name.
        name: &'a str,
        /// What it may do, in words.
        scopes: &'a str,
        /// Until when.
        expires: Option<Timestamp>,
        /// How it was made.
        was: Circumstances<'a>,
        /// Where keys are looked after.
        keys_link: &'a str,
        /// Ends all sessions.
        secure_link: &'a str,
    },
    /// An API key is about to expire.
    KeyExpires {
        /// Its name.
        name: &'a str,
        /// What of it may be shown: `lk_live_Ab12…wxyz`.
        hint: &'a str,
        /// Its last instant.
        at: Timestamp,
        /// How many days are left.
        days: u64,
        /// Where keys are looked after.
        keys_link: &'a str,
    },
    /// An API key was used in an unusual way.
    KeyUsedUnusually {
        /// Its name.
        name: &'a str,
        /// What of it may be shown: `lk_live_Ab12…wxyz`.
        hint: &'a str,
        /// What was unusual.
        seen: &'a [Sighting],
        /// Where the key is looked after.
        keys_link: &'a str,
    },
    /// A refresh token was used twice, and its session was ended.
    RefreshTokenReused {
        /// How the second time was.
        was: Circumstances<'a>,
        /// Ends all sessions.
        secure_link: &'a str,
    },
    /// Something happened to their second factor.
    SecondFactor {
        /// What.
        news: FactorNews<'a>,
        /// How.
        was: Circumstances<'a>,
        /// Ends all sessions.
        secure_link: &'a str,
    },
    /// An administrator wants to see whether mail arrives.
    Test {
        /// How it was asked for.
        asked: Circumstances<'a>,
    },
}

impl Letter<'_> {
    /// Writes it, as text and as HTML.
    pub fn write(&self, house: &House<'_>) -> Written {
        let name = flat(house.name, LONGEST_NAME);
        let page = words::page(self, &name);
        let house = House { name: &name, public_url: house.public_url };
        Written {
            text: layout::text(&page, &house),
            html: layout::html(&page, &house),
            subject: flat(&page.subject, LONGEST_SUBJECT),
        }
    }
}

/// No name takes more room than this.
pub(super) const LONGEST_NAME: usize = 80;

/// No subject is longer than this.
const LONGEST_SUBJECT: usize = 160;

/// The text on one line and of at most `longest` characters, without the characters that turn the direction of what
/// follows or cannot be seen: what people chose themselves must not pose as words of ours.
pub(super) fn flat(text: &str, longest: usize) -> String {
    let seen = text.chars().filter(|c| !is_hidden(*c));
    let spaced: String = seen.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

/// Directional and invisible characters; not the joiners, without which Persian words and many emoji fall apart.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
