//! What people read when something cannot be done: the only place where failures get their words.
//!
//! A [`Refusal`] is what a form's address answers. It is made from the core's closed error and nothing else, so no text
//! of a request, and nothing of the cause of a fault, can find its way into it.

use crate::format;
use latchkey::Error;
use latchkey::error::Code;
use latchkey::field::{Field, FieldCode};
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// What the inputs of forms that ask for a second factor are called after.
pub const SECOND: &str = "second";

/// Why a form was refused, in words, and beside which fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// What went wrong and what to do next.
    pub summary: String,
    /// What is wrong with single fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldRefusal>,
    /// Where to sign in again, when the session has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<String>,
    /// Present when the page is older than the session: with a fresh copy of it the same form may pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRefusal {
    /// The name of the input.
    pub name: String,
    /// The sentence under it.
    pub message: String,
}

impl Refusal {
    /// The words for `error` in a form whose inputs are called `group[field]`.
    pub fn of(error: &Error, group: &str, request_id: &str) -> Self {
        let fields = fields_of(error, group)
            .into_iter()
            .map(|(field, message)| FieldRefusal { name: input_name(group, field), message });
        Self {
            summary: second_summary(error)
                .filter(|_| group == SECOND)
                .map_or_else(|| summary_of(error, request_id), str::to_owned),
            fields: fields.collect(),
            sign_in: None,
            stale: matches!(error, Error::Forbidden(Code::CsrfFailed)).then(|| "yes".to_owned()),
        }
    }

    /// The sentence for one input.
    pub fn about(&self, name: &str) -> String {
        self.fields.iter().find(|field| field.name == name).map(|field| field.message.clone()).unwrap_or_default()
    }
}

impl FromServerFnError for Refusal {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(_: ServerFnErrorErr) -> Self {
        crate::request::unreadable();
        Self {
            summary: "We could not read this form. Reload the page, then send it again.".to_owned(),
            ..Self::default()
        }
    }
}

/// How the input of a field is called in a form.
pub fn input_name(group: &str, field: Field) -> String {
    let list = if matches!(field, Field::Scopes | Field::SignInMethods) { "[]" } else { "" };
    format!("{group}[{}]{list}", field.as_str())
}

/// The sentence above the form, or on the error page.
pub fn summary_of(error: &Error, request_id: &str) -> String {
    let fixed = match error {
        Error::Invalid(_) | Error::WeakPassword(_) => "Almost there: have another look at the marked fields.",
        Error::Unauthenticated(Code::InvalidCredentials) => {
            "That email and password do not match. Check both and try again."
        }
        Error::Unauthenticated(Code::SignInMethodNotAllowed) => ANOTHER_WAY,
        Error::Unauthenticated(_) => "You were signed out. Sign in again to go on; what you typed here stays.",
        Error::Malformed(Code::InvalidPassword) => "The current password is not right. Try it again.",
        Error::Malformed(Code::InvalidCode) => {
            "That code is not right. Use the one in the newest mail, or send a new one."
        }
        Error::Malformed(Code::TwoFactorAlreadyEnabled | Code::TwoFactorNotEnabled) => {
            "Two-factor authentication was changed in the meantime. Reload the page to see where it stands."
        }
        Error::Malformed(Code::InvalidInvitationCode) => {
            "This invitation code does not work. Check it, or ask whoever gave it to you for another."
        }
        Error::Malformed(Code::Gone) => "This link or code has been used or has expired. Send a new one.",
        Error::Malformed(Code::InvalidToken) => {
            "This link is not valid. Use the one in the newest mail, or send a new one."
        }
        Error::Malformed(_) | Error::Shape(_) => "We could not read this form. Reload the page, then send it again.",
        Error::Forbidden(code) => forbidden(*code),
        Error::Conflict(code) => conflict(*code),
        Error::NotFound => "This is no longer here. Reload the page to see what is.",
        Error::Unavailable(_) => "A part of the service does not answer. Try again in a moment; nothing is lost.",
        Error::Locked { .. } | Error::RateLimited(_) | Error::Busy { .. } => return wait(error),
        Error::Internal(_) => return fault(request_id),
    };
    fixed.to_owned()
}

/// Where the first factor that was used is not taken.
const ANOTHER_WAY: &str =
    "Your organization asks you to sign in another way: with a link by mail, or with your password.";

/// Why somebody may not.
const fn forbidden(code: Code) -> &'static str {
    match code {
        Code::CsrfFailed => "This page was open for a long time. Send the form once more.",
        Code::InsufficientRole | Code::InsufficientScope => {
            "Your role does not allow this. An owner or admin of your organization can do it."
        }
        Code::TwoFactorEnrolmentRequired => "Set up two-factor authentication for yourself first, under Security.",
        Code::EmailNotVerified => "Confirm your address first. We can send the link again.",
        Code::RegistrationClosed => "New accounts are closed here. Ask an administrator to add you.",
        Code::OrganizationSuspended => "This organization is suspended. Its owner can tell you more.",
        Code::SignInMethodNotAllowed => ANOTHER_WAY,
        Code::InvitationForAnother => "This invitation is for another address. Sign out, then open its link again.",
        _ => "This is not allowed. An owner or admin of your organization can tell you more.",
    }
}

/// Why the state of things does not allow it.
const fn conflict(code: Code) -> &'static str {
    match code {
        Code::SignInMethodNotAllowed => "Sign in that way yourself first, so that you do not lock yourself out.",
        Code::InvitationOnly => "This organization takes people by invitation only, so it has no codes.",
        Code::EmailTaken => "There is an account with this email already. Sign in instead.",
        Code::UsernameTaken => "Another account has this user name. Choose another one.",
        Code::CodeOver => "This code has expired or is used up. Make a new one.",
        Code::AlreadyMember => "This person belongs to the organization already.",
        Code::LastOwner => "An organization needs an owner. Make somebody else an owner first.",
        Code::MailNotConfigured => {
            "Mail is not set up here, so nothing can be sent. Ask whoever runs this installation to set a mail server."
        }
        Code::TwoFactorMandatory => {
            "Your organization requires two-factor authentication, so it stays on. You can exchange the authenticator."
        }
        Code::BelongsElsewhere => {
            "Other organizations rely on this person's second factor too. Whoever runs this installation can reset it."
        }
        Code::KeyNotUsable => "This key has ended in the meantime. Reload the page to see where it stands.",
        _ => "This has changed in the meantime. Reload the page, then try again.",
    }
}

fn wait(error: &Error) -> String {
    let time = error.retry_after().map_or_else(|| "a moment".to_owned(), format::at_least);
    match error {
        Error::Busy { .. } => format!("A lot is going on right now. Try again in {time}."),
        Error::Locked { .. } => format!("There were too many wrong tries. Try again in {time}."),
        _ => format!("That was too often. Try again in {time}."),
    }
}

fn fault(request_id: &str) -> String {
    format!(
        "Something went wrong on our side. Try again; if it stays so, tell your administrator this number: {request_id}"
    )
}

/// Where a mail got stuck, and what to look at.
pub fn mail_trouble(stage: &str) -> &'static str {
    match stage {
        "connect" => {
            "The test mail was not sent: the mail server cannot be reached. Check its name, its port and the firewall."
        }
        "tls" => {
            "The test mail was not sent: no safe connection came about. Check the port, the certificate and the CA file."
        }
        "authentication" => {
            "The test mail was not sent: the mail server did not accept user name and password. Check both."
        }
        "sender" => {
            "The test mail was not sent: the mail server refused the sender. Check whether it may send for that address."
        }
        "recipient" => {
            "The test mail was not sent: the mail server refused your address. Check whether it may send there."
        }
        _ => "The test mail was not sent: the mail server refused it. What it said stands below.",
    }
}

fn is_wrong_code(error: &Error) -> bool {
    matches!(error, Error::Malformed(Code::InvalidCode) | Error::Unauthenticated(Code::InvalidCode))
}

/// What is said differently where a second factor is proven.
fn second_summary(error: &Error) -> Option<&'static str> {
    match error {
        _ if is_wrong_code(error) => Some("That code is not right, or was used already. Try the next one."),
        Error::Malformed(Code::InvalidPassword) => Some("That password is not right. Try it again."),
        _ => None,
    }
}

fn fields_of(error: &Error, group: &str) -> Vec<(Field, String)> {
    match error {
        _ if group == SECOND && is_wrong_code(error) => {
            vec![(Field::Code, "Not right, or used already.".to_owned())]
        }
        Error::Malformed(Code::InvalidPassword) if group == SECOND => {
            vec![(Field::Password, "This is not your password.".to_owned())]
        }
        Error::Invalid(errors) if group == SECOND => {
            errors.iter().map(|one| (one.field, second_sentence(one.field, one.code))).collect()
        }
        Error::Invalid(errors) => errors.iter().map(|one| (one.field, sentence(one.field, one.code))).collect(),
        Error::WeakPassword(problem) => {
            [Field::Password, Field::NewPassword].map(|field| (field, problem.message())).to_vec()
        }
        Error::Malformed(Code::InvalidPassword) => {
            vec![(Field::CurrentPassword, "This is not your current password.".to_owned())]
        }
        Error::Malformed(Code::InvalidCode) => {
            vec![(Field::Code, "This is not the code in the newest mail.".to_owned())]
        }
        Error::Malformed(Code::InvalidInvitationCode) => {
            vec![(Field::OrganizationCode, "This code does not work.".to_owned())]
        }
        Error::Conflict(Code::UsernameTaken) => {
            vec![(Field::Username, "Another account has this user name.".to_owned())]
        }
        Error::Conflict(Code::EmailTaken) => {
            vec![(Field::Email, "There is an account with this email already.".to_owned())]
        }
        _ => Vec::new(),
    }
}

fn second_sentence(field: Field, code: FieldCode) -> String {
    match field {
        Field::Code => "Enter a code.".to_owned(),
        Field::Password => "Enter your password.".to_owned(),
        _ => sentence(field, code),
    }
}

fn sentence(field: Field, code: FieldCode) -> String {
    match (field, code) {
        (Field::Scopes, FieldCode::Required | FieldCode::Empty) => "Choose at least one.".to_owned(),
        (Field::Scopes, _) => {
            "Names of your own begin with a letter and have no spaces, such as READ_LEADS.".to_owned()
        }
        (Field::ExpiresAt, _) => "Choose a day after today.".to_owned(),
        (Field::SignInMethods, _) => "Leave at least one way.".to_owned(),
        (Field::EmailDomain, _) => "Enter a name such as example.com.".to_owned(),
        (Field::Reason, FieldCode::Required) => "Say why: they and the audit log are told.".to_owned(),
        (_, FieldCode::NotATarget) => "This is not a site that people may be handed on to.".to_owned(),
        (Field::TwoFactorGraceUntil, _) => "Choose a day, or leave it empty.".to_owned(),
        (Field::Mode | Field::Owner | Field::OverlapSeconds | Field::Status, _) | (_, FieldCode::NotOneOf(_)) => {
            "Choose one of these.".to_owned()
        }
        (_, FieldCode::Required | FieldCode::Empty) => format!("Enter {}.", called(field)),
        (_, FieldCode::TooLong(most)) => format!("Keep this to {most} characters."),
        (_, FieldCode::NotAnEmail) => "Enter an email such as name@example.com.".to_owned(),
        (_, FieldCode::NotADate) => "Choose a day.".to_owned(),
        (_, FieldCode::NotInTheFuture) => "Choose a time that is still to come.".to_owned(),
        (_, FieldCode::OutOfRange(least, most)) => format!("Enter a whole number from {least} to {most}."),
        (_, FieldCode::NotAUrl) => "Enter an address that begins with https://.".to_owned(),
        (_, FieldCode::NotAddresses) => {
            "Enter addresses such as 203.0.113.7 or 10.0.0.0/8, with commas between.".to_owned()
        }
        (_, FieldCode::NotDomains) => "Enter names such as example.com, with commas between.".to_owned(),
        (_, FieldCode::NotScopes) => "Choose from the list.".to_owned(),
        (_, FieldCode::TooMany(most)) => format!("Keep this to {most} entries."),
        (_, FieldCode::NotAUserName) => {
            "Use 3 to 32 letters, digits, dots, dashes or underscores, and begin with a letter or digit.".to_owned()
        }
        (_, FieldCode::NotAName) => "Use letters, digits and punctuation only.".to_owned(),
    }
}

fn called(field: Field) -> &'static str {
    match field {
        Field::Email => "an email",
        Field::NewEmail => "the new email",
        Field::Code => "the code from the mail",
        Field::Password => "a password",
        Field::CurrentPassword => "your current password",
        Field::NewPassword => "a new password",
        Field::Name => "a name",
        Field::FirstName => "a first name",
        Field::LastName => "a last name",
        Field::Company => "the name of your organization",
        Field::OrganizationName => "the name of the tenant",
        Field::OrganizationCode => "the code you were given",
        Field::Reason => "a reason",
        Field::RateLimit | Field::RateLimitPerDay | Field::RateLimitPerMinute | Field::RateLimitWindow => {
            "a whole number"
        }
        _ => "something here",
    }
}
