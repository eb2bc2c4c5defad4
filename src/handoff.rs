//! To which sites somebody who is signed in may be handed on, and at which address.

/// Where a site takes people over, unless somebody asks for another page of it.
pub const LANDING: &str = "/auth/thirdPartySignIn";

/// An origin (RFC 6454), written in the one form that counts: lower case, no path, no port that goes without saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// A page that somebody may be handed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    origin: String,
    path: String,
}

impl Origin {
    /// Reads one; whatever could be read in two ways is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, usual_port) = match text.strip_prefix("https://") {
            Some(rest) => (rest, "443"),
            None => (text.strip_prefix("http://")?, "80"),
        };
        let (host, port) = split_port(host)?;
        let fine = is_host(host) && port.is_none_or(|port| port != usual_port && is_port(port));
        fine.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    let end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
    let (host, rest) = text.split_at(end);
    if rest.is_empty() { Some((host, None)) } else { Some((host, Some(rest.strip_prefix(':')?))) }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok_and(|read| read.to_string() == address);
    }
    let is_label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        !label.is_empty() && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

fn is_port(port: &str) -> bool {
    port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port)
}

impl Site {
    /// The page for `target`: our own when nothing or our own origin is asked for; otherwise one below an origin that is
    /// `allowed`, compared letter by letter. Nothing else is one.
    pub fn of(target: Option<&str>, own: &str, allowed: &[Origin]) -> Option<Self> {
        let at = |origin: &str, path: &str| Self { origin: origin.to_owned(), path: path.to_owned() };
        let Some(target) = target else { return Some(at(own, LANDING)) };
        if let Some(path) = path_below(target, own) {
            return matches!(path, "" | "/" | LANDING).then(|| at(own, LANDING));
        }
        let (origin, path) = allowed.iter().find_map(|origin| Some((origin, path_below(target, &origin.0)?)))?;
        Some(at(&origin.0, if matches!(path, "" | "/") { LANDING } else { path }))
    }

    /// The site alone.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The address with a ticket.
    pub fn url(&self, ticket: &str) -> String {
        format!("{}{}?ticket={ticket}", self.origin, self.path)
    }
}

/// What follows `origin` in `target`, when that is a plain path or nothing.
fn path_below<'t>(target: &'t str, origin: &str) -> Option<&'t str> {
    let path = target.strip_prefix(origin)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
    let fine = path.is_empty() || (path.starts_with('/') && path.len() <= 512 && path.bytes().all(plain));
    fine.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OWN: &str = "https://login.example.org";

    fn allowed() -> Vec<Origin> {
        let texts = ["https://app.example.org", "http://localhost:5173", "https://[::1]:8443"];
        texts.map(|text| Origin::parse(text).expect("an origin")).to_vec()
    }

    fn url(target: Option<&str>) -> Option<String> {
        Site::of(target, OWN, &allowed()).map(|site| site.url("t"))
    }

    #[test]
    fn an_origin_is_written_in_one_way() {
        for good in
            ["https://a", "https://a-1.b.example:8443", "http://localhost:5173", "http://10.0.0.1", "https://[::1]"]
        {
            assert_eq!(Origin::parse(good).as_ref().map(Origin::as_str), Some(good));
        }
        let bad = [
            "",
            "https://",
            "https:a",
            "ftp://a",
            "https://A.example",
            "HTTPS://a",
            "https://a/",
            "https://a?",
            "https://a#",
            "https://u@a",
            "https://a:443",
            "http://a:80",
            "https://a:0",
            "https://a:08",
            "https://a:65536",
            "https://a:",
            "https://a..b",
            "https://.a",
            "https://a.",
            "https://-a",
            "https://*.a",
            "https://a b",
            "https://[::1",
            "https://[::1]x",
            "https://[0:0::1]",
            "https://é.example",
            "null",
        ];
        for bad in bad {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn without_a_target_or_with_our_own_people_come_to_us() {
        let ours = Some("https://login.example.org/auth/thirdPartySignIn?ticket=t".to_owned());
        for target in [
            None,
            Some(OWN),
            Some("https://login.example.org/"),
            Some("https://login.example.org/auth/thirdPartySignIn"),
        ] {
            assert_eq!(url(target), ours, "{target:?}");
        }
        assert_eq!(url(Some("https://login.example.org/settings/api-keys")), None);
    }

    #[test]
    fn an_allowed_site_may_name_a_page_of_its_own() {
        let landing = Some("https://app.example.org/auth/thirdPartySignIn?ticket=t".to_owned());
        assert_eq!(url(Some("https://app.example.org")), landing);
        assert_eq!(url(Some("https://app.example.org/")), landing);
        assert_eq!(
            url(Some("https://app.example.org/come/in")),
            Some("https://app.example.org/come/in?ticket=t".to_owned())
        );
        assert_eq!(url(Some("https://[::1]:8443/x")), Some("https://[::1]:8443/x?ticket=t".to_owned()));
    }

    #[test]
    fn whatever_only_looks_like_an_allowed_site_is_none() {
        let evil = [
            "https://app.example.org.evil.test",
            "https://app.example.orgevil.test",
            "https://app.example.org@evil.test",
            "https://app.example.org:443",
            "https://app.example.org:8443",
            "http://app.example.org",
            "https://APP.example.org",
            "HTTPS://app.example.org",
            "https://u@app.example.org",
            "https://app.example.org\\@evil.test",
            "//app.example.org",
            "https:app.example.org",
            "https://app.example.org/\\evil.test",
            "https://app.example.org/a?b",
            "https://app.example.org#x",
            "https://app.example.org/\t",
            " https://app.example.org",
            "https://app.example.org ",
            "",
            "null",
            "javascript:alert(1)",
            "http://localhost:51730",
            "http://localhost",
            "https://localhost:5173",
            "https://login.example.org.evil.test",
        ];
        for target in evil {
            assert_eq!(url(Some(target)), None, "{target:?}");
        }
    }

    proptest! {
        #[test]
        fn no_target_leads_anywhere_but_to_a_site_that_is_known(target in "\\PC{0,60}", tail in "[ -~]{0,20}") {
            for target in [target, format!("https://app.example.org{tail}"), format!("{OWN}{tail}")] {
                if let Some(site) = Site::of(Some(&target), OWN, &allowed()) {
                    let known = site.origin() == OWN || allowed().iter().any(|origin| origin.as_str() == site.origin());
                    let url = site.url("t");
                    let rest = url.strip_prefix(site.origin()).unwrap_or_default();
                    prop_assert!(known && rest.starts_with('/') && rest.ends_with("?ticket=t"), "{url}");
                }
            }
        }
    }
}
