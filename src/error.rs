//! Everything that can go wrong, cut by what the caller can do about it.
//!
//! Verbs return [`Error`]; the REST door turns it into a status and a body by one table, the pages into words, the
//! command line into an exit. [`Code`] is the stable name that clients may rely on.

use std::time::Duration;

use crate::field::FieldError;
use crate::limit::Window;

macro_rules! codes {
    ($($name:ident = $text:literal: $message:literal,)*) => {
        /// The stable name of a failure (`code` on the wire).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(
            #[doc = $message]
            $name,
        )* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The wire name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it means, in a sentence for people.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }
        }
    };
}

codes! {
    AddressNotAllowed = "address_not_allowed": "This key may not be used from your address.",
    AlreadyMember = "already_member": "This person belongs to the organization already.",
    AmbiguousCredentials = "ambiguous_credentials": "The request carries credentials of two different principals.",
    ApiKeyExpired = "api_key_expired": "This API key has expired.",
    ApiKeyInactive = "api_key_inactive": "This API key is switched off.",
    ApiKeyRevoked = "api_key_revoked": "This API key has been revoked.",
    BelongsElsewhere = "belongs_elsewhere": "This person belongs to other organizations too. Whoever runs this installation can help.",
    Busy = "busy": "The server is busy. Try again in a moment.",
    CodeOver = "code_over": "This invitation code has expired or is used up. Make a new one.",
    CsrfFailed = "csrf_failed": "The CSRF check failed. Reload the page and try again.",
    EmailNotVerified = "email_not_verified": "Confirm your address first. We have mailed you a link.",
    EmailTaken = "email_taken": "An account with this address exists already.",
    Gone = "gone": "This link has been used or has expired.",
    HeadersTooLarge = "headers_too_large": "The headers of the request are too large.",
    InsufficientRole = "insufficient_role": "Your role does not allow this.",
    InsufficientScope = "insufficient_scope": "The credential lacks the scope that this needs.",
    Internal = "internal": "Something went wrong on our side.",
    InvalidApiKey = "invalid_api_key": "This is not a valid API key.",
    InvalidCode = "invalid_code": "The code is not right.",
    InvalidCredentials = "invalid_credentials": "The address or the password is not right.",
    InvalidInvitationCode = "invalid_invitation_code": "This invitation code is not valid.",
    InvalidPassword = "invalid_password": "The current password is not right.",
    InvalidToken = "invalid_token": "The token is not valid.",
    InvitationForAnother = "invitation_for_another": "This invitation is for another address than that of your account.",
    InvitationOnly = "invitation_only": "People join this organization by an invitation for their address, not by a code.",
    KeyNotUsable = "key_not_usable": "This key has been revoked or has expired.",
    LastOwner = "last_owner": "An organization needs an owner. Make somebody else one first.",
    LengthRequired = "length_required": "The request needs a body of a known length.",
    Locked = "locked": "This is locked for a while after too many wrong tries.",
    MailNotConfigured = "mail_not_configured": "This installation cannot send mail: no mail server is set.",
    MalformedBody = "malformed_body": "The body could not be read.",
    MalformedHeader = "malformed_header": "A header of the request could not be read.",
    MethodNotAllowed = "method_not_allowed": "This path does not know that method.",
    MissingCredentials = "missing_credentials": "This needs a credential.",
    NoOrganization = "no_organization": "You belong to no organization yet.",
    NotAMember = "not_a_member": "You do not belong to that organization.",
    NotFound = "not_found": "There is nothing here.",
    OrganizationSuspended = "organization_suspended": "This organization is suspended.",
    PayloadTooLarge = "payload_too_large": "The body is too large.",
    RateLimited = "rate_limited": "Too many requests. Wait a little and try again.",
    ReauthenticationRequired = "reauthentication_required": "Confirm that it is you first.",
    RegistrationClosed = "registration_closed": "Registration is not open.",
    SignInMethodNotAllowed = "sign_in_method_not_allowed": "This organization asks you to sign in another way.",
    TokenExpired = "token_expired": "The token has expired.",
    TokenInQuery = "token_in_query": "Credentials are not accepted in the address. Send them in a header.",
    TokenRevoked = "token_revoked": "The token has been revoked.",
    TrustedDevicesForbidden = "trusted_devices_forbidden": "Your organization does not allow trusted devices.",
    TwoFactorAlreadyEnabled = "two_factor_already_enabled": "Two-factor authentication is on already.",
    TwoFactorEnrolmentRequired = "two_factor_enrolment_required": "Two-factor authentication must be set up first.",
    TwoFactorMandatory = "two_factor_mandatory": "Your organization requires two-factor authentication, so it stays on.",
    TwoFactorNotEnabled = "two_factor_not_enabled": "Two-factor authentication is not on.",
    TwoFactorRequired = "two_factor_required": "A second factor is needed to sign in to this account.",
    Unavailable = "unavailable": "A part of the service is not available. Try again in a moment.",
    UnsupportedMediaType = "unsupported_media_type": "The body must be JSON.",
    UsernameTaken = "username_taken": "Another account has this user name.",
    ValidationFailed = "validation_failed": "Some of the input is not right.",
    WeakPassword = "weak_password": "Choose another password.",
}

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PasswordProblem {
    /// Fewer characters than this.
    TooShort(u32),
    /// More characters than this.
    TooLong(u32),
    /// In the list of common and breached ones, or built like them.
    Common,
    /// The account's own name, address or organization, or the product's name, with little more.
    Personal,
}

impl PasswordProblem {
    /// The reason, for people.
    pub fn message(self) -> String {
        match self {
            Self::TooShort(least) => format!("The password must have at least {least} characters."),
            Self::TooLong(most) => format!("The password must have at most {most} characters."),
            Self::Common => {
                "This password is on a list of common or breached passwords. Choose another one.".to_owned()
            }
            Self::Personal => {
                "The password must not be built from your name, your address or your organization.".to_owned()
            }
        }
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The one error of the core.
#[derive(Debug)]
pub enum Error {
    /// Fields that are missing or wrong, all of them. 400.
    Invalid(Vec<FieldError>),
    /// A body whose shape is wrong, in sentences. 400.
    Shape(Vec<String>),
    /// A request that cannot be acted on, or a wrong proof inside an authenticated call. 400.
    Malformed(Code),
    /// No credential, or a bad one. 401.
    Unauthenticated(Code),
    /// A good credential without the right. 403.
    Forbidden(Code),
    /// Does not exist, or belongs to another organization: nobody can tell which. 404.
    NotFound,
    /// A duplicate, or a state in which this cannot be done. 409.
    Conflict(Code),
    /// A password that will not do. 422.
    WeakPassword(PasswordProblem),
    /// Locked after too many wrong tries. 423.
    Locked {
        /// How long still.
        retry_after: Duration,
    },
    /// Too many requests. 429.
    RateLimited(Window),
    /// Work queues are full. 503.
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// The database cannot be reached. 503.
    Unavailable(Source),
    /// A fault of ours. 500.
    Internal(Source),
}

impl Error {
    /// A fault of ours, with what caused it.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    /// One wrong field.
    pub fn field(field: crate::field::Field, code: crate::field::FieldCode) -> Self {
        Self::Invalid(vec![FieldError::new(field, code)])
    }

    /// The stable name.
    pub const fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::Shape(_) => Code::ValidationFailed,
            Self::Malformed(code) | Self::Unauthenticated(code) | Self::Forbidden(code) | Self::Conflict(code) => *code,
            Self::NotFound => Code::NotFound,
            Self::WeakPassword(_) => Code::WeakPassword,
            Self::Locked { .. } => Code::Locked,
            Self::RateLimited(_) => Code::RateLimited,
            Self::Busy { .. } => Code::Busy,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// The HTTP status that every door answers with (RFC 9110 section 15; contract section 1).
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(code) => match code {
                Code::MethodNotAllowed => 405,
                Code::Gone => 410,
                Code::LengthRequired => 411,
                Code::PayloadTooLarge => 413,
                Code::UnsupportedMediaType => 415,
                Code::HeadersTooLarge => 431,
                _ => 400,
            },
            Self::Invalid(_) | Self::Shape(_) => 400,
            Self::Unauthenticated(_) => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound => 404,
            Self::Conflict(_) => 409,
            Self::WeakPassword(_) => 422,
            Self::Locked { .. } => 423,
            Self::RateLimited(_) => 429,
            Self::Internal(_) => 500,
            Self::Busy { .. } | Self::Unavailable(_) => 503,
        }
    }

    /// When it is worth trying again, where that is known.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Locked { retry_after } | Self::Busy { retry_after } => Some(*retry_after),
            Self::RateLimited(window) => Some(window.retry_after),
            Self::Unavailable(_) => Some(Duration::from_secs(2)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(errors) => {
                let sentences: Vec<_> = errors.iter().map(FieldError::sentence).collect();
                f.write_str(&sentences.join("; "))
            }
            Self::Shape(sentences) => f.write_str(&sentences.join("; ")),
            Self::WeakPassword(problem) => f.write_str(&problem.message()),
            other => f.write_str(other.code().message()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable(source) | Self::Internal(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}

/// An error and what caused it, in one text.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unlike_each_other() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_csrf_message_names_csrf() {
        assert!(Code::CsrfFailed.message().contains("CSRF"));
    }
}
