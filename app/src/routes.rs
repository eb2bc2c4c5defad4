//! Every address of the pages, once.

use leptos_router::{ParamSegment, StaticSegment};
use std::fmt::Write as _;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Sends people where they belong.
    Home,
    /// Sign in.
    Login,
    /// The second step of signing in.
    TwoFactor,
    /// Show once more who one is.
    Confirm,
    /// Make an account.
    Register,
    /// Make the first landlord.
    SetUp,
    /// Landing of a mailed link to sign in.
    MagicLink,
    /// Ask for a mail to choose a new password with.
    ForgotPassword,
    /// Landing of that mail's link.
    ResetPassword,
    /// Landing of a mailed link that confirms an address.
    VerifyEmail,
    /// Landing of the link in a notice.
    SecureAccount,
    /// Landing of a link from another site.
    ThirdPartySignIn,
    /// Landing of the link of an invitation.
    Invite,
    /// The mails of the development mailbox.
    Mailbox,
    /// What landlords look after.
    Landlord,
    /// Name and address.
    Profile,
    /// Password, second factor, devices and sessions.
    Security,
    /// What an organization demands, and its members' second factors.
    Organization,
    /// What happened in an organization.
    Audit,
    /// API keys.
    ApiKeys,
    /// The API reference.
    Reference,
}

/// The query under which a page waits for a mail.
pub const WAITING: (&str, &str) = ("way", "mail");

/// The parts of a path as the router matches them.
pub type Segments = (StaticSegment<&'static str>, StaticSegment<&'static str>);

impl Page {
    /// Every page.
    pub const ALL: [Self; 21] = [
        Self::Home,
        Self::Login,
        Self::TwoFactor,
        Self::Confirm,
        Self::Register,
        Self::SetUp,
        Self::MagicLink,
        Self::ForgotPassword,
        Self::ResetPassword,
        Self::VerifyEmail,
        Self::SecureAccount,
        Self::ThirdPartySignIn,
        Self::Invite,
        Self::Mailbox,
        Self::Landlord,
        Self::Profile,
        Self::Security,
        Self::Organization,
        Self::Audit,
        Self::ApiKeys,
        Self::Reference,
    ];
    /// The pages that lead in or settle something on the way: nobody is sent on to them.
    const DOORS: [Self; 11] = [
        Self::Login,
        Self::TwoFactor,
        Self::Confirm,
        Self::Register,
        Self::SetUp,
        Self::MagicLink,
        Self::ForgotPassword,
        Self::ResetPassword,
        Self::VerifyEmail,
        Self::SecureAccount,
        Self::ThirdPartySignIn,
    ];
    /// Where people land when they asked for nothing else.
    pub const FIRST: Self = Self::ApiKeys;

    /// The path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Login => "/login",
            Self::TwoFactor => "/login/two-factor",
            Self::Confirm => "/confirm",
            Self::Register => "/register",
            Self::SetUp => "/setup",
            Self::MagicLink => "/magic-link",
            Self::ForgotPassword => "/forgot-password",
            Self::ResetPassword => "/reset-password",
            Self::VerifyEmail => "/verify-email",
            Self::SecureAccount => "/secure-account",
            Self::ThirdPartySignIn => latchkey::handoff::LANDING,
            Self::Invite => "/invite",
            Self::Mailbox => "/dev/mailbox",
            Self::Landlord => "/landlord",
            Self::Profile => "/settings/profile",
            Self::Security => "/settings/security",
            Self::Organization => "/settings/organization",
            Self::Audit => "/settings/audit",
            Self::ApiKeys => "/settings/api-keys",
            Self::Reference => "/docs",
        }
    }

    /// The address at which this page waits for a mail, and then goes on to `next`.
    pub fn waiting(self, next: Option<&str>) -> String {
        let (name, value) = WAITING;
        self.with_known(&[(name, Some(value)), ("next", next)])
    }

    /// The path in the router's terms.
    pub fn segments(self) -> Segments {
        let path = &self.path()[1..];
        let (first, second) = path.split_once('/').unwrap_or((path, ""));
        (StaticSegment(first), StaticSegment(second))
    }

    /// The same with something below it, in the router's terms.
    pub fn segments_below(self) -> (StaticSegment<&'static str>, ParamSegment) {
        (StaticSegment(&self.path()[1..]), ParamSegment("below"))
    }

    /// Whether `path` is this page's, or lies below it.
    fn holds(self, path: &str) -> bool {
        path.strip_prefix(self.path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path with a query, leaving out what has no value.
    pub fn with_known(self, query: &[(&str, Option<&str>)]) -> String {
        let known: Vec<_> = query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        self.with(&known)
    }

    /// The path with a query.
    pub fn with(self, query: &[(&str, &str)]) -> String {
        let mut url = self.path().to_owned();
        for (at, (name, value)) in query.iter().enumerate() {
            let _ = write!(url, "{}{name}=", if at == 0 { '?' } else { '&' });
            encode(value, &mut url);
        }
        url
    }
}

/// Percent-encodes what is not unreserved (RFC 3986 section 2.3).
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// A text as a value in a query.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    encode(text, &mut encoded);
    encoded
}

/// `next` when it is a plain path of this site that a person may be sent to after signing in; nothing else is.
pub fn inward(next: &str) -> Option<&str> {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    // A browser takes these away, and what is left may be another page than the one that was looked at.
    let winds = path.contains("//") || path.split('/').any(|part| matches!(part, "." | ".."));
    let fine = next.len() <= 512
        && path.starts_with('/')
        && !winds
        && path.bytes().all(plain)
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !path.starts_with("/fn/")
        && !Page::DOORS.iter().any(|page| page.holds(path));
    fine.then_some(next)
}

/// `path` when a page of ours stands there.
pub fn standing(path: &str) -> Option<&str> {
    let is_below = || inward(path).is_some() && Page::ALL.iter().any(|page| page.holds(path));
    (Page::ALL.iter().any(|page| page.path() == path) || is_below()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_inward() {
        for good in ["/", "/settings/api-keys", "/settings/api-keys?dialog=create&key=key_1", "/a~b/c.d?x=%2F"] {
            assert_eq!(inward(good), Some(good));
        }
        let evil = [
            "//evil.test",
            "/\\evil.test",
            "https:evil.test",
            "https://evil.test",
            "javascript:alert(1)",
            "/\tevil",
            "/\r\nx",
            "evil",
            "",
            "/%2f%2fevil.test",
            "/user@evil.test",
            "\\\\evil",
            "/login",
            "/login?next=/login",
            "/fn/sign-out",
            "/secure-account/abc",
            "/magic-link?token=abc",
            "/auth/thirdPartySignIn?ticket=abc",
            " /a",
            "/a?\\b",
            "/..//evil.test",
            "/.//evil.test",
            "/a//b",
            "/a/../fn/sign-out",
            "/./secure-account/abc",
            "/..",
        ];
        for bad in evil {
            assert_eq!(inward(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn pages_stand_at_their_paths_and_some_below_them() {
        for good in ["/", "/login", "/settings/profile", "/docs/api-keys", "/invite/abc"] {
            assert_eq!(standing(good), Some(good));
        }
        for bad in
            ["", "//evil.test", "/nowhere", "/docs//evil.test", "/docs/../fn/sign-out", "/secure-account/abc", "/docsx"]
        {
            assert_eq!(standing(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn values_in_a_query_are_encoded() {
        assert_eq!(Page::Login.with(&[("next", "/a?b=c d")]), "/login?next=%2Fa%3Fb%3Dc%20d");
    }

    #[test]
    fn a_page_that_waits_says_so_and_keeps_where_to_go() {
        assert_eq!(Page::Login.waiting(Some("/settings/profile")), "/login?way=mail&next=%2Fsettings%2Fprofile");
        assert_eq!(Page::ForgotPassword.waiting(None), "/forgot-password?way=mail");
    }

    #[test]
    fn every_path_is_what_its_segments_say() {
        for page in Page::ALL {
            let (first, second) = page.segments();
            let joined = [first.0, second.0].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
            assert_eq!(page.path(), format!("/{joined}"));
        }
    }
}
