//! What can be wrong with a field of a form or body: closed lists without free text.
//!
//! Closed, because form errors travel in a URL when JavaScript is off, and anybody can craft such a URL.

macro_rules! fields {
    ($($name:ident = $text:literal,)*) => {
        /// A field that people or clients fill in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Field { $(
            #[doc = concat!("`", $text, "`")]
            $name,
        )* }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The wire name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

fields! {
    AccessTokenSeconds = "accessTokenSeconds",
    AllowedDomains = "allowedDomains",
    AllowedIps = "allowedIps",
    AvatarUrl = "avatarUrl",
    BrowserInfo = "browserInfo",
    Code = "code",
    Company = "company",
    ContactEmail = "contactEmail",
    CurrentPassword = "currentPassword",
    Description = "description",
    DeviceFingerprint = "deviceFingerprint",
    DeviceName = "deviceName",
    DeviceType = "deviceType",
    Email = "email",
    EmailDomain = "emailDomain",
    ExpiresAt = "expiresAt",
    FirstName = "firstName",
    LastName = "lastName",
    Format = "format",
    From = "from",
    Limit = "limit",
    MaxUses = "maxUses",
    Location = "location",
    Mode = "mode",
    Name = "name",
    NewEmail = "newEmail",
    NewPassword = "newPassword",
    OrganizationCode = "organizationCode",
    OrganizationId = "organizationId",
    OrganizationIds = "organizationIds",
    OrganizationName = "organizationName",
    OverlapSeconds = "overlapSeconds",
    Owner = "owner",
    Page = "page",
    Password = "password",
    RateLimit = "rateLimit",
    RateLimitPerDay = "rateLimitPerDay",
    RateLimitPerMinute = "rateLimitPerMinute",
    RateLimitWindow = "rateLimitWindow",
    Reason = "reason",
    RefreshToken = "refreshToken",
    Role = "role",
    Scopes = "scopes",
    SignInMethods = "signInMethods",
    SortBy = "sortBy",
    SortOrder = "sortOrder",
    Status = "status",
    Target = "target",
    Ticket = "ticket",
    To = "to",
    Token = "token",
    TrustedDeviceDays = "trustedDeviceDays",
    TwoFactorGraceUntil = "twoFactorGraceUntil",
    Username = "username",
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldCode {
    /// Missing or empty.
    Required,
    /// Longer than this many characters.
    TooLong(u32),
    /// Not a mail address.
    NotAnEmail,
    /// Not an RFC 3339 instant.
    NotADate,
    /// Not later than now.
    NotInTheFuture,
    /// Below the first or above the second number.
    OutOfRange(i64, i64),
    /// None of the known values.
    NotOneOf(&'static [&'static str]),
    /// Not an https or http address.
    NotAUrl,
    /// Not an origin that people may be handed on to, nor a page below one.
    NotATarget,
    /// Not a list of addresses or networks (CIDR).
    NotAddresses,
    /// Not a list of host names.
    NotDomains,
    /// Not a list of scopes.
    NotScopes,
    /// Nothing in the list.
    Empty,
    /// More entries than this.
    TooMany(u32),
    /// Control characters or angle brackets that have no place in a name.
    NotAName,
    /// Not what a user name looks like.
    NotAUserName,
}

/// A field and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldError {
    /// Which field.
    pub field: Field,
    /// What is wrong.
    pub code: FieldCode,
}

impl FieldError {
    /// One field, one thing wrong.
    pub const fn new(field: Field, code: FieldCode) -> Self {
        Self { field, code }
    }

    /// The sentence that API clients read, in the style that the clients of the seed systems know.
    pub fn sentence(&self) -> String {
        let name = self.field.as_str();
        match self.code {
            FieldCode::Required => format!("{name} should not be empty"),
            FieldCode::TooLong(most) => format!("{name} must be shorter than or equal to {most} characters"),
            FieldCode::NotAnEmail => format!("{name} must be an email"),
            FieldCode::NotADate => format!("{name} must be a valid ISO 8601 date string"),
            FieldCode::NotInTheFuture => format!("{name} must be in the future"),
            FieldCode::OutOfRange(least, most) => format!("{name} must be a number between {least} and {most}"),
            FieldCode::NotOneOf(values) => format!("{name} must be one of the following values: {}", values.join(", ")),
            FieldCode::NotAUrl => format!("{name} must be a URL address"),
            FieldCode::NotATarget => format!("{name} must be an allowed origin or a page below one"),
            FieldCode::NotAddresses => format!("each value in {name} must be an ip address or network"),
            FieldCode::NotDomains => format!("each value in {name} must be a domain name"),
            FieldCode::NotScopes => format!("each value in {name} must be a scope"),
            FieldCode::Empty => format!("{name} must contain at least 1 element"),
            FieldCode::TooMany(most) => format!("{name} must contain no more than {most} elements"),
            FieldCode::NotAName => format!("{name} must not contain control characters"),
            FieldCode::NotAUserName => {
                format!(
                    "{name} must have 3 to 32 letters, digits, dots, dashes or underscores, and begin with one of the first two"
                )
            }
        }
    }
}

/// Collects what is wrong with an input, so that all of it can be said at once.
#[derive(Debug, Default)]
pub struct Findings(Vec<FieldError>);

impl Findings {
    /// Notes one thing wrong.
    pub fn add(&mut self, field: Field, code: FieldCode) {
        self.0.push(FieldError::new(field, code));
    }

    /// The value, or a note that it is wrong.
    pub fn need<T>(&mut self, value: Option<T>, field: Field, code: FieldCode) -> Option<T> {
        if value.is_none() {
            self.add(field, code);
        }
        value
    }

    /// A mail address.
    pub fn email(&mut self, value: Option<String>, field: Field) -> Option<crate::email::Email> {
        let text = value.filter(|text| !text.trim().is_empty());
        let text = self.need(text, field, FieldCode::Required)?;
        self.need(crate::email::Email::parse(&text), field, FieldCode::NotAnEmail)
    }

    /// A trimmed text of at most `most` characters without control characters; `None`, with a note, for anything else.
    pub fn text(&mut self, value: Option<&str>, field: Field, most: u32) -> Option<String> {
        let text = value.map(str::trim).filter(|text| !text.is_empty());
        let text = self.need(text, field, FieldCode::Required)?;
        self.line(text, field, most)
    }

    /// The same where nothing at all is fine too.
    pub fn optional_text(&mut self, value: Option<&str>, field: Field, most: u32) -> Option<String> {
        let text = value.map(str::trim).filter(|text| !text.is_empty())?;
        self.line(text, field, most)
    }

    fn line(&mut self, text: &str, field: Field, most: u32) -> Option<String> {
        if text.chars().count() > most as usize {
            self.add(field, FieldCode::TooLong(most));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.add(field, FieldCode::NotAName);
            return None;
        }
        Some(text.to_owned())
    }

    /// One of the roles that are `known`; MEMBER when nothing is said.
    pub fn role(&mut self, value: Option<&str>, known: &'static [&'static str]) -> Option<crate::member::Role> {
        let role = crate::member::Role::parse(value.unwrap_or("MEMBER")).filter(|role| known.contains(&role.as_str()));
        self.need(role, Field::Role, FieldCode::NotOneOf(known))
    }

    /// Fails when anything was noted.
    pub fn check(self) -> Result<(), crate::Error> {
        if self.0.is_empty() { Ok(()) } else { Err(crate::Error::Invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let mut findings = Findings::default();
        assert_eq!(findings.text(Some("  "), Field::Name, 10), None);
        assert_eq!(findings.text(Some("much too long a name"), Field::Company, 10), None);
        assert_eq!(findings.text(Some(" Ada "), Field::FirstName, 10), Some("Ada".to_owned()));
        let Err(crate::Error::Invalid(errors)) = findings.check() else { panic!("two things are wrong") };
        let sentences: Vec<_> = errors.iter().map(FieldError::sentence).collect();
        assert_eq!(sentences, ["name should not be empty", "company must be shorter than or equal to 10 characters"]);
    }
}
