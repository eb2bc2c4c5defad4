//! Where mail is handed over, as an administrator writes it down: one URL.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::secret::Secret;

const PORT_SUBMISSION: u16 = 587;
const PORT_IMPLICIT_TLS: u16 = 465;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where mail is handed over.
#[derive(Clone)]
pub struct SmtpServer {
    /// Its name or address, an IPv6 address without brackets. Certificates must be for this name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether and how the connection is encrypted.
    pub tls: SmtpTls,
    /// Who we are to it: name and password.
    pub user: Option<(String, Secret)>,
    /// A PEM file of certificates that are believed besides the public ones.
    pub ca_file: Option<PathBuf>,
    /// How long one step may take.
    pub timeout: Duration,
}

/// Whether and how a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// Not at all.
    None,
    /// By STARTTLS if the server offers it. Whoever sits in between can take the offer away.
    Opportunistic,
    /// By STARTTLS, or no mail is sent.
    Required,
    /// From the first byte on.
    Implicit,
}

/// Why a text is no address of a mail server. Says what to change and never repeats a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSmtpUrl {
    /// It cannot be read as a URL.
    NotAUrl,
    /// Its scheme is another.
    Scheme,
    /// It names no host, or none that can be.
    Host,
    /// Its port is none.
    Port,
    /// Something follows the host that has no meaning here.
    Path,
    /// It asks for something unknown, or twice.
    Query,
    /// It has a user without a password, or the reverse.
    HalfAUser,
    /// User or password are not well encoded.
    Encoding,
    /// The password could be read on the way.
    PasswordInTheClear,
}

impl fmt::Display for BadSmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAUrl => {
                "The mail server must be written like smtp://user:password@mail.example.org:587; \
                 characters such as @ / : # ? % in user or password must be percent-encoded."
            }
            Self::Scheme => "The address of the mail server must begin with smtp:// or smtps://.",
            Self::Host => "The address of the mail server names no host.",
            Self::Port => "The port of the mail server must be between 1 and 65535.",
            Self::Path => {
                "Nothing but ?tls= may follow host and port of the mail server; \
                 characters such as / # ? in user or password must be percent-encoded."
            }
            Self::Query => {
                "The address of the mail server may end in ?tls=none, ?tls=opportunistic or ?tls=required, once, \
                 and with smtp:// only; smtps:// is always encrypted."
            }
            Self::HalfAUser => "The address of the mail server must have both a user and a password, or neither.",
            Self::Encoding => {
                "User and password of the mail server must be percent-encoded UTF-8 without control characters."
            }
            Self::PasswordInTheClear => {
                "The password for the mail server would travel unencrypted; use ?tls=required or smtps://."
            }
        })
    }
}

impl std::error::Error for BadSmtpUrl {}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .field("ca_file", &self.ca_file)
            .field("timeout", &self.timeout)
            .finish()
    }
}

impl SmtpServer {
    /// Reads `smtp://[user:password@]host[:port][?tls=none|opportunistic|required]` or `smtps://…`.
    ///
    /// Without a word about it a connection is encrypted, unless the host is this machine: nothing leaves it.
    pub fn parse(url: &str) -> Result<Self, BadSmtpUrl> {
        let url = read(url)?;
        let implicit = url.scheme() == "smtps";
        let host = host(&url)?;
        let tls = tls(&url, implicit, is_loopback(&host))?;
        let user = user(&url)?;
        let can_be_read = matches!(tls, SmtpTls::None | SmtpTls::Opportunistic) && !is_loopback(&host);
        if user.is_some() && can_be_read {
            return Err(BadSmtpUrl::PasswordInTheClear);
        }
        let port = url.port().unwrap_or(if implicit { PORT_IMPLICIT_TLS } else { PORT_SUBMISSION });
        if port == 0 {
            return Err(BadSmtpUrl::Port);
        }
        Ok(Self { host, port, tls, user, ca_file: None, timeout: TIMEOUT })
    }
}

fn read(text: &str) -> Result<Url, BadSmtpUrl> {
    let text = text.trim();
    let (scheme, _) = text.split_once("://").ok_or(BadSmtpUrl::NotAUrl)?;
    if !["smtp", "smtps"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(BadSmtpUrl::Scheme);
    }
    // `Url` silently drops line breaks and tabs; a password that lost one would only fail later.
    if text.chars().any(char::is_control) {
        return Err(BadSmtpUrl::Encoding);
    }
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::EmptyHost => BadSmtpUrl::Host,
        _ => BadSmtpUrl::NotAUrl,
    })?;
    let bare = matches!(url.path(), "" | "/") && url.fragment().is_none();
    if bare { Ok(url) } else { Err(BadSmtpUrl::Path) }
}

fn host(url: &Url) -> Result<String, BadSmtpUrl> {
    match url.host() {
        Some(Host::Ipv4(address)) => Ok(address.to_string()),
        Some(Host::Ipv6(address)) => Ok(address.to_string()),
        Some(Host::Domain(name)) if is_name(name) => Ok(name.to_ascii_lowercase()),
        _ => Err(BadSmtpUrl::Host),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn tls(url: &Url, implicit: bool, loopback: bool) -> Result<SmtpTls, BadSmtpUrl> {
    match (implicit, url.query()) {
        (true, None) => Ok(SmtpTls::Implicit),
        (false, None) => Ok(if loopback { SmtpTls::None } else { SmtpTls::Required }),
        (false, Some("tls=none")) => Ok(SmtpTls::None),
        (false, Some("tls=opportunistic")) => Ok(SmtpTls::Opportunistic),
        (false, Some("tls=required")) => Ok(SmtpTls::Required),
        _ => Err(BadSmtpUrl::Query),
    }
}

fn user(url: &Url) -> Result<Option<(String, Secret)>, BadSmtpUrl> {
    match (url.username(), url.password().unwrap_or_default()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err(BadSmtpUrl::HalfAUser),
        (name, password) => Ok(Some((decoded(name)?, Secret::new(&decoded(password)?)))),
    }
}

fn decoded(text: &str) -> Result<String, BadSmtpUrl> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| BadSmtpUrl::Encoding)?;
    if text.chars().any(char::is_control) { Err(BadSmtpUrl::Encoding) } else { Ok(text.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(url: &str) -> SmtpServer {
        SmtpServer::parse(url).unwrap_or_else(|bad| panic!("{url}: {bad}"))
    }

    #[test]
    fn a_host_alone_means_submission_with_starttls() {
        let server = parsed("smtp://mail.example.org");
        assert_eq!((server.host.as_str(), server.port, server.tls), ("mail.example.org", 587, SmtpTls::Required));
        assert_eq!(server.timeout, Duration::from_secs(30));
        assert!(server.user.is_none() && server.ca_file.is_none());
    }

    #[test]
    fn smtps_is_encrypted_from_the_first_byte() {
        let server = parsed("smtps://mail.example.org");
        assert_eq!((server.port, server.tls), (465, SmtpTls::Implicit));
        assert_eq!(parsed("smtps://localhost:2465").port, 2465);
    }

    #[test]
    fn what_stays_on_this_machine_needs_no_encryption() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]"] {
            let server = parsed(&format!("smtp://ada:lovelace@{host}:1025"));
            assert_eq!((server.tls, server.port), (SmtpTls::None, 1025), "{host}");
        }
        assert_eq!(parsed("smtp://[::1]").host, "::1");
        assert_eq!(parsed("smtp://localhost?tls=required").tls, SmtpTls::Required);
    }

    #[test]
    fn user_and_password_are_percent_decoded() {
        let (user, password) = parsed("smtp://ada%40example.org:p%3Aa%2Fs%25s@mail.example.org").user.expect("a user");
        assert_eq!((user.as_str(), password.reveal()), ("ada@example.org", "p:a/s%s"));
    }

    #[test]
    fn a_password_never_travels_in_the_clear() {
        for url in [
            "smtp://ada:lovelace@mail.example.org?tls=none",
            "smtp://ada:lovelace@mail.example.org?tls=opportunistic",
            "smtp://ada:lovelace@10.0.0.5?tls=none",
            "smtp://ada:lovelace@127.0.0.1.example.org?tls=none",
            "smtp://ada:lovelace@localhost.example.org?tls=none",
        ] {
            assert_eq!(SmtpServer::parse(url).err(), Some(BadSmtpUrl::PasswordInTheClear), "{url}");
        }
        assert_eq!(parsed("smtp://mail.example.org?tls=opportunistic").tls, SmtpTls::Opportunistic);
        assert_eq!(parsed("smtp://10.0.0.5?tls=none").tls, SmtpTls::None);
    }

    #[test]
    fn what_is_no_mail_server_is_refused_with_its_reason() {
        for (url, reason) in [
            ("", BadSmtpUrl::NotAUrl),
            ("mail.example.org", BadSmtpUrl::NotAUrl),
            ("http://mail.example.org", BadSmtpUrl::Scheme),
            ("smtp://", BadSmtpUrl::Host),
            ("smtp://:587", BadSmtpUrl::Host),
            ("smtp://mail%20example.org", BadSmtpUrl::Host),
            ("smtp://mail.example.org:0", BadSmtpUrl::Port),
            ("smtp://mail.example.org:99999", BadSmtpUrl::NotAUrl),
            ("smtp://mail.example.org/inbox", BadSmtpUrl::Path),
            ("smtp://ada:love#lace@mail.example.org", BadSmtpUrl::NotAUrl),
            ("smtp://mail.example.org?tls=perhaps", BadSmtpUrl::Query),
            ("smtp://mail.example.org?tls=none&tls=required", BadSmtpUrl::Query),
            ("smtp://mail.example.org?pool=4", BadSmtpUrl::Query),
            ("smtps://mail.example.org?tls=none", BadSmtpUrl::Query),
            ("smtp://ada@mail.example.org", BadSmtpUrl::HalfAUser),
            ("smtp://:lovelace@mail.example.org", BadSmtpUrl::HalfAUser),
            ("smtp://ada:love%FFlace@mail.example.org", BadSmtpUrl::Encoding),
            ("smtp://ada:love%00lace@mail.example.org", BadSmtpUrl::Encoding),
            ("smtp://ada:love\nlace@mail.example.org", BadSmtpUrl::Encoding),
        ] {
            assert_eq!(SmtpServer::parse(url).err(), Some(reason), "{url:?}");
            assert!(!reason.to_string().contains("lace"), "{url:?}");
        }
    }

    #[test]
    fn debug_shows_the_user_and_never_the_password() {
        let shown = format!("{:?}", parsed("smtps://ada:lovelace@mail.example.org"));
        assert!(shown.contains("ada") && !shown.contains("lovelace"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            let _ = SmtpServer::parse(&text);
        }

        #[test]
        fn anything_after_the_scheme_is_read_or_refused(text in "[a-z0-9@:/?#%&=.\\[\\] é\n-]{0,60}") {
            let _ = SmtpServer::parse(&format!("smtp://{text}"));
        }

        #[test]
        fn every_password_survives_its_encoding(password in "[ -~é☃]{1,40}") {
            let encoded = percent_encoding::utf8_percent_encode(&password, percent_encoding::NON_ALPHANUMERIC);
            let server = SmtpServer::parse(&format!("smtps://ada:{encoded}@mail.example.org")).expect("well formed");
            let (_, kept) = server.user.expect("a user");
            prop_assert_eq!(kept.reveal(), password);
        }
    }
}
