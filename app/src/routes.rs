//! Every address of the pages, once.

use leptos_router::StaticSegment;
use std::fmt::Write as _;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Sends people where they belong.
    Home,
    /// Sign in.
    Login,
    /// Make an account.
    Register,
    /// Make the first landlord.
    SetUp,
    /// Name and address.
    Profile,
    /// Password and sessions.
    Security,
    /// API keys.
    ApiKeys,
}

/// The parts of a path as the router matches them.
pub type Segments = (StaticSegment<&'static str>, StaticSegment<&'static str>);

impl Page {
    /// Every page.
    pub const ALL: [Self; 7] =
        [Self::Home, Self::Login, Self::Register, Self::SetUp, Self::Profile, Self::Security, Self::ApiKeys];
    /// Where people land when they asked for nothing else.
    pub const FIRST: Self = Self::ApiKeys;

    /// The path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Login => "/login",
            Self::Register => "/register",
            Self::SetUp => "/setup",
            Self::Profile => "/settings/profile",
            Self::Security => "/settings/security",
            Self::ApiKeys => "/settings/api-keys",
        }
    }

    /// The path in the router's terms.
    pub fn segments(self) -> Segments {
        let path = &self.path()[1..];
        let (first, second) = path.split_once('/').unwrap_or((path, ""));
        (StaticSegment(first), StaticSegment(second))
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

/// `next` when it is a plain path of this site that a person may be sent to after signing in; nothing else is.
pub fn inward(next: &str) -> Option<&str> {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let fine = next.len() <= 512
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(plain)
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !path.starts_with("/fn/")
        && ![Page::Login, Page::Register, Page::SetUp].iter().any(|page| page.path() == path);
    fine.then_some(next)
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
            " /a",
            "/a?\\b",
        ];
        for bad in evil {
            assert_eq!(inward(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn values_in_a_query_are_encoded() {
        assert_eq!(Page::Login.with(&[("next", "/a?b=c d")]), "/login?next=%2Fa%3Fb%3Dc%20d");
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
