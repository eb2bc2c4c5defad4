//! What one response leaves for the next page: a result, a new key, or a form that was refused.
//!
//! It travels in a sealed cookie that lives two minutes and is taken off by the page that shows it. So a form without a
//! script loses no typed text, a new key is shown once without standing in an address, and nobody can make a page say
//! anything by sending a link. What people typed as a secret is never in it.

use crate::error::Refusal;
use crate::routes::Page;
use serde::{Deserialize, Serialize};

/// How long a note waits for its page.
pub const LIFE_SECONDS: i64 = 120;
/// Longest text of a field that is kept; a cookie holds 4096 bytes in all.
const KEPT: usize = 300;

/// What is left for the next page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Note {
    /// Something is done.
    Said(Said),
    /// A form was refused.
    Refused {
        /// Which form.
        form: String,
        /// Why.
        refusal: Refusal,
        /// What was typed, secrets left out: name of the input, text.
        typed: Vec<(String, String)>,
    },
    /// A form waits until its person has shown once more who they are.
    Waiting {
        /// Which form.
        form: String,
        /// What was typed, secrets left out: name of the input, text.
        typed: Vec<(String, String)>,
        /// Whether they have.
        confirmed: bool,
    },
    /// A link to confirm a new address was sent there.
    NewAddressAsked {
        /// The address.
        to: String,
    },
    /// The link in a notice did its work.
    Secured {
        /// The address the account is back at, if it was moved.
        back_at: Option<String>,
    },
    /// A mail was sent to try the way.
    MailTried {
        /// Whom to.
        to: String,
        /// Where it failed, and what the mail server said.
        trouble: Option<(String, String)>,
    },
    /// The link of an invitation, shown once.
    InvitationLink {
        /// Whom it is for.
        email: String,
        /// The link.
        link: String,
    },
    /// Backup codes that are shown once.
    BackupCodes {
        /// The codes.
        codes: Vec<String>,
        /// Whether two-factor authentication was switched on with them just now.
        first: bool,
    },
    /// A key that is shown once.
    NewKey {
        /// What it is called.
        name: String,
        /// The key.
        key: String,
    },
}

/// What can be done, as sentences.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Said {
    /// The profile was saved.
    ProfileSaved,
    /// The password was changed.
    PasswordChanged,
    /// Two-factor authentication was switched off.
    TwoFactorOff,
    /// An authenticator was not set up after all.
    SetUpForgotten,
    /// One device is no longer trusted.
    DeviceForgotten,
    /// No device is trusted any more.
    DevicesForgotten,
    /// What the organization demands was saved.
    PolicySaved,
    /// A member's second factor was taken away.
    FactorReset,
    /// A member was changed.
    MemberChanged,
    /// A member was removed.
    MemberRemoved,
    /// An invitation was made, and mailed.
    Invited,
    /// An invitation was mailed again.
    InvitedAgain,
    /// An invitation was withdrawn.
    InvitationWithdrawn,
    /// Somebody has joined an organization, and acts there.
    Joined,
    /// An invitation code was made.
    CodeMade,
    /// An invitation code was revoked.
    CodeRevoked,
    /// An invitation code was brought back.
    CodeReactivated,
    /// A tenant was suspended.
    TenantSuspended,
    /// A tenant was resumed.
    TenantResumed,
    /// Everybody in a tenant was signed out.
    TenantSignedOut,
    /// The person acts in another organization now.
    Switched,
    /// One session was ended.
    SessionEnded,
    /// All other sessions were ended.
    OtherSessionsEnded,
    /// A key was revoked.
    KeyRevoked,
    /// The old secret of a key was ended.
    OverlapEnded,
    /// The unusual use of a key was expected.
    UseExpected,
    /// Signed out.
    SignedOut,
    /// A new link and code were sent.
    MailSent,
    /// A test mail is in the development mailbox.
    TestMailKept,
    /// The password was changed by mail.
    PasswordReset,
    /// An address was confirmed, and its person signed in.
    AddressConfirmed,
    /// An address was confirmed; its person has yet to sign in.
    AddressConfirmedOnly,
    /// The account is at another address now.
    AccountMoved,
    /// The same, for somebody who has yet to sign in.
    AccountMovedOnly,
}

impl Said {
    /// The sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ProfileSaved | Self::PolicySaved => "Saved.",
            Self::PasswordChanged => "Password changed. Your other devices were signed out.",
            Self::TwoFactorOff => "Two-factor authentication is off. Your other devices were signed out.",
            Self::SetUpForgotten => "Two-factor authentication was not set up.",
            Self::DeviceForgotten => "That device is asked for a code again.",
            Self::DevicesForgotten => "Every device is asked for a code again.",
            Self::FactorReset => "Their two-factor authentication is off, and they are signed out.",
            Self::MemberChanged => "Saved. It counts from now on.",
            Self::MemberRemoved => "Removed. Their sessions here and their own keys ended just now.",
            Self::Invited => "The invitation is on its way.",
            Self::InvitedAgain => "We sent it again. Only the newest link works.",
            Self::InvitationWithdrawn => "The invitation is withdrawn. Its link works no longer.",
            Self::Joined => "You have joined. You act in this organization now.",
            Self::CodeMade => "The code is made. Hand it out to those who shall join.",
            Self::CodeRevoked => "The code is revoked. Nobody joins with it any more.",
            Self::CodeReactivated => "The code works again.",
            Self::TenantSuspended => "The tenant is suspended. Nobody gets in, and its keys are refused.",
            Self::TenantResumed => "The tenant is back. Sessions and keys work again.",
            Self::TenantSignedOut => "Everybody in it is signed out.",
            Self::Switched => "You act in this organization now.",
            Self::SessionEnded => "That device is signed out.",
            Self::OtherSessionsEnded => "Your other devices are signed out.",
            Self::KeyRevoked => "The key is revoked. It stopped working just now.",
            Self::OverlapEnded => "The old key stopped working just now. The new one goes on.",
            Self::UseExpected => "Noted. It is not shown again unless something else is unusual.",
            Self::SignedOut => "You are signed out.",
            Self::MailSent => "We sent a new mail. Only its link and its code work now.",
            Self::TestMailKept => "The test mail is in the development mailbox.",
            Self::PasswordReset => "Your password was changed. Sign in with the new one.",
            Self::AddressConfirmed => "Your address is confirmed.",
            Self::AddressConfirmedOnly => "Your address is confirmed. Sign in to go on.",
            Self::AccountMoved => "Your account is at its new address. Sign in with that one from now on.",
            Self::AccountMovedOnly => "Your account is at its new address. Sign in with that one.",
        }
    }
}

/// A note with its addressee, as it is sealed.
#[derive(Serialize, Deserialize)]
pub struct Envelope {
    /// The path of the page that may show it.
    pub page: String,
    /// Who may see it: the session, or nothing for visitors.
    pub holder: String,
    /// Seconds since 1970 after which it is void.
    pub until: i64,
    /// The note.
    pub note: Note,
}

/// How long a page remembers what it asked to be mailed.
pub const MAILED_SECONDS: i64 = 60 * 60;

/// What a page that waits for the link or the code of a mail remembers meanwhile. It travels in a sealed cookie too, and
/// stays until the page has what it waits for, so that neither address nor token has to stand in an address bar.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Mailed {
    /// The address, as it was typed.
    pub email: String,
    /// The page first asked for.
    pub next: Option<String>,
    /// Whether the session is to outlive the browser.
    pub remember: bool,
    /// The token that a right code was exchanged for.
    pub token: Option<String>,
}

/// The same with its addressee, as it is sealed.
#[derive(Serialize, Deserialize)]
pub struct MailedEnvelope {
    /// The path of the page that waits.
    pub page: String,
    /// Seconds since 1970 after which it is void.
    pub until: i64,
    /// What it remembers.
    pub mailed: Mailed,
}

impl MailedEnvelope {
    /// What is remembered, when it is for this page and still fresh.
    pub fn open(self, page: Page, now: i64) -> Option<Mailed> {
        (self.page == page.path() && self.until >= now).then_some(self.mailed)
    }
}

impl Envelope {
    /// The note, when it is for this page and this person and still fresh.
    pub fn open(self, page: Page, holder: &str, now: i64) -> Option<Note> {
        let mine = self.page == page.path() && self.until >= now && (self.holder.is_empty() || self.holder == holder);
        mine.then_some(self.note)
    }
}

/// Keeps a typed text short enough for a cookie.
pub fn kept(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

/// What a page knows of one of its forms.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    refusal: Option<Refusal>,
    typed: Option<Vec<(String, String)>>,
    confirmed: bool,
}

impl FormState {
    /// The state that `note` left for `form`.
    pub fn of(note: Option<&Note>, form: &str) -> Self {
        match note {
            Some(Note::Refused { form: refused, refusal, typed }) if refused == form => {
                Self { refusal: Some(refusal.clone()), typed: Some(typed.clone()), confirmed: false }
            }
            Some(Note::Waiting { form: waiting, typed, confirmed }) if waiting == form => {
                Self { refusal: None, typed: Some(typed.clone()), confirmed: *confirmed }
            }
            _ => Self::default(),
        }
    }

    /// Whether the form comes back with what was typed: refused, or after its person had to show who they are.
    pub fn comes_back(&self) -> bool {
        self.typed.is_some()
    }

    /// Whether its person has just shown who they are, so that it can be sent now.
    pub const fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// The sentence above the form.
    pub fn summary(&self) -> Option<String> {
        self.refusal.as_ref().map(|refusal| refusal.summary.clone())
    }

    /// The sentence under one input.
    pub fn error(&self, name: &str) -> String {
        self.refusal.as_ref().map(|refusal| refusal.about(name)).unwrap_or_default()
    }

    /// What was typed, or what stood there at first.
    pub fn text(&self, name: &str, first: &str) -> String {
        match &self.typed {
            Some(typed) => {
                typed.iter().find(|(typed, _)| typed == name).map(|(_, text)| text.clone()).unwrap_or_default()
            }
            None => first.to_owned(),
        }
    }

    /// Whether the choice `value` of `name` was made, or is the one made at first.
    pub fn chosen(&self, name: &str, value: &str, at_first: bool) -> bool {
        match &self.typed {
            Some(typed) => typed.iter().any(|(typed, text)| typed == name && text == value),
            None => at_first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope { page: "/login".into(), holder: "ses_1".into(), until: 100, note: Note::Said(Said::SignedOut) }
    }

    #[test]
    fn a_note_is_only_for_its_page_its_person_and_its_time() {
        assert!(envelope().open(Page::Login, "ses_1", 100).is_some());
        assert!(envelope().open(Page::Login, "ses_1", 101).is_none());
        assert!(envelope().open(Page::Login, "ses_2", 100).is_none());
        assert!(envelope().open(Page::ApiKeys, "ses_1", 100).is_none());
    }

    #[test]
    fn what_a_page_remembers_is_for_that_page_and_its_time() {
        let sealed = || MailedEnvelope { page: "/login".into(), until: 100, mailed: Mailed::default() };
        assert!(sealed().open(Page::Login, 100).is_some());
        assert!(sealed().open(Page::Login, 101).is_none());
        assert!(sealed().open(Page::ForgotPassword, 100).is_none());
    }

    #[test]
    fn a_refused_form_shows_what_was_typed_and_nothing_else() {
        let note = Note::Refused {
            form: "register".into(),
            refusal: Refusal { summary: "No.".into(), ..Refusal::default() },
            typed: vec![("a[name]".into(), "Ada".into()), ("a[scopes][]".into(), "read".into())],
        };
        let state = FormState::of(Some(&note), "register");
        assert_eq!(state.text("a[name]", "first"), "Ada");
        assert_eq!(state.text("a[email]", "first"), "");
        assert!(state.chosen("a[scopes][]", "read", false) && !state.chosen("a[scopes][]", "write", true));
        assert!(!FormState::of(Some(&note), "other").comes_back());
    }
}
