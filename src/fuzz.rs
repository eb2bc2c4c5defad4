//! Every parser of the core that meets bytes from outside, fed with bytes that nobody meant.
//!
//! | What comes from outside | Read by | Claim besides "no panic" |
//! | --- | --- | --- |
//! | `Authorization`, `X-API-Key`, cookie, `X-Organization-ID` | [`Presented::read`], [`bearer`] | one credential or none; two different ones are ambiguous |
//! | Access token | [`KeyRing::read`] | of all texts near a genuine one only itself is accepted |
//! | API key | [`KeyText::parse`] | one spelling; what is read composes to the same text |
//! | Ids | `FromStr` of each kind | one spelling |
//! | Address of a person, domain | [`Email::parse`], [`Email::parse_domain`] | idempotent, bounded, printable ASCII |
//! | User name | [`UserName::parse`] | idempotent, bounded, never an address |
//! | Password | [`Password::typed`], [`password::check`] | NFC twice is NFC; the limits hold |
//! | Scopes | [`Scopes::parse`], [`Scopes::split`] | round trip, no doubles, none of our four by another spelling |
//! | Fields of a key, `allowedIps` among them | `NewKey::check` | what was accepted is accepted again, and as the same |
//! | TOTP, backup and invitation codes | [`Typed::read`], [`canonical_code`] | idempotent; spaces and dashes change nothing |
//! | `SF_Token` | `Claimed::read` | bounded, however often it was encoded |
//! | Origins, targets of a handoff | [`Origin::parse`], [`Site::of`] | one spelling; leads to no site but those allowed |
//! | User agent | [`browser`], [`Agent::of`] | bounded output |
//! | Instants | [`Timestamp::parse_rfc3339`] | what is written is read again |
//! | Sender of mails, address of the mail server | [`Smtp::new`], [`SmtpServer::parse`] | no line breaks; no password in a refusal |
//! | Replies of a mail server | [`Smtp::connect`] | one line of at most 300 letters, never the password |
//!
//! The rest is fed through the router: `server/tests/fuzz`.
//!
//! Bolero draws the bytes: mostly good texts with something wrong in them. As tests, the targets run for a second each, or
//! for as long as `LATCHKEY_TEST_FUZZ_SECONDS` says: `make fuzz FOR=600`. `tools/fuzz-guided` lets libFuzzer choose them, by
//! what they reach. What is found becomes a seed.

mod draw;

use std::net::TcpListener;
use std::time::Duration;

use crate::agent::{Agent, browser};
use crate::api_key::{KeyMode, KeyText, Scope, Scopes, compose};
use crate::clock::Timestamp;
use crate::crypto::signing::{Claims, KeyRing, SigningKey, generate};
use crate::email::Email;
use crate::factor::Typed;
use crate::flow::api_keys::NewKey;
use crate::flow::authenticate::{CredentialHeaders, Presented, bearer};
use crate::flow::sf_token::Claimed;
use crate::handoff::{Origin, Site};
use crate::id::{OrganizationId, SessionId, UserId};
use crate::invitation::canonical_code;
use crate::mail::{Smtp, SmtpServer};
use crate::password::{self, Owner};
use crate::secret::Password;
use crate::settings::{Passwords, SigningAlgorithm};
use crate::user::UserName;
use draw::{fuzz, fuzz_text};

const KEY: &str = "lk_live_AbCd0123_0123456789012345678901234567890123456789";

#[test]
fn credential_headers() {
    let seeds = [
        "Bearer abc\nlk_live_x\ncookie\norg_1",
        "bearer  abc \n\n\n",
        "Bearer a b\n",
        "Basic YTpi\nk\nc\n",
        " \n \nc\n",
        "Bearer k\nk\n\n",
    ];
    fuzz_text!(&seeds, |text| {
        let mut parts = text.split('\n').map(Some);
        let mut next = || parts.next().flatten();
        let headers =
            CredentialHeaders { authorization: next(), api_key: next(), cookie: next(), organization: next() };
        let filled = |header: Option<&str>| header.is_some_and(|value| !value.trim().is_empty());
        match Presented::read(headers) {
            Ok(presented) if presented.is_none() => {
                assert!(!filled(headers.authorization) && !filled(headers.api_key) && headers.cookie.is_none());
            }
            Ok(_) => assert!(filled(headers.authorization) || filled(headers.api_key) || headers.cookie.is_some()),
            Err(error) => assert!(error.status() == 400 && filled(headers.authorization) && filled(headers.api_key)),
        }
        for value in [headers.authorization, headers.api_key].into_iter().flatten() {
            let token = bearer(value);
            assert!(
                token.is_none_or(|token| !token.contains(' ') && bearer(&format!("Bearer {token}")) == Some(token))
            );
        }
    });
}

#[test]
fn access_token() {
    let der = generate(SigningAlgorithm::Es256).expect("made");
    let ring = KeyRing::new(vec![SigningKey::from_pkcs8("ES256", &der, Timestamp::from_seconds(0)).expect("usable")]);
    let claims = Claims {
        iss: "http://here".to_owned(),
        aud: "http://here".to_owned(),
        sub: "usr_1".to_owned(),
        sid: "ses_1".to_owned(),
        jti: "tok_1".to_owned(),
        iat: 1000,
        nbf: 1000,
        exp: 1060,
        auth_time: 1000,
        amr: vec!["pwd".to_owned()],
        org: None,
        org_role: None,
        scope: "read".to_owned(),
        email: "ada@example.org".to_owned(),
    };
    let now = Timestamp::from_seconds(1000);
    let genuine = ring.sign(&claims, now).expect("signed");
    let (head, _) = genuine.split_once('.').expect("parts");
    let bare = format!("{head}.e30.AA");
    fuzz_text!(&[&genuine, &bare, "eyJhbGciOiJub25lIn0.e30.", "a.b.c", "..."], |text| {
        assert_eq!(ring.read(text, "http://here", now).is_ok(), text == genuine, "{text}");
    });
}

#[test]
fn api_key() {
    let good = compose(KeyMode::Live, "AbCd0123", &"x".repeat(40));
    let test = compose(KeyMode::Test, "00000000", &"Z".repeat(40));
    fuzz_text!(&[&good, &test, KEY, "lk_live_", "lk_test__"], |text| {
        let Some(key) = KeyText::parse(text) else { return };
        let mode = if text.starts_with("lk_live_") { KeyMode::Live } else { KeyMode::Test };
        assert_eq!(compose(mode, key.public_id(), &text[17..57]), text);
        assert!(KeyText::looks_like_one(text) && key.whole() == text);
    });
}

#[test]
fn ids() {
    let id = UserId::new(Timestamp::from_seconds(1_800_000_000), [7; 10]).to_string();
    let seeds = [
        id.as_str(),
        "org_01kbk3x5g0r8m4t2v6w9y1z3b5",
        "ses_00000000000000000000000000",
        "usr_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "usr_",
    ];
    fuzz_text!(&seeds, |text| {
        assert!(text.parse::<UserId>().is_ok_and(|id| id.to_string() == text) || text.parse::<UserId>().is_err());
        assert!(text.parse::<OrganizationId>().map_or(true, |id| id.to_string() == text));
        assert!(text.parse::<SessionId>().map_or(true, |id| id.to_string() == text && text.parse::<UserId>().is_err()));
    });
}

#[test]
fn addresses() {
    let seeds = ["ada@example.org", " Ada.Byron+x@Example.ORG ", "a@b.c", "\"a b\"@c.de", "@example.org", "a@[::1]"];
    fuzz_text!(&seeds, |text| {
        if let Some(email) = Email::parse(text) {
            let written = email.as_str();
            assert!(Email::parse(written).as_ref() == Some(&email) && written.len() <= 254);
            assert!(written.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && byte != b','));
            assert_eq!(format!("{}@{}", email.local_part(), email.domain()), written);
            assert_eq!(Email::parse_domain(email.domain()).as_deref(), Some(email.domain()));
        }
        if let Some(domain) = Email::parse_domain(text) {
            assert_eq!(Email::parse_domain(&domain), Some(domain));
        }
    });
}

#[test]
fn user_names() {
    fuzz_text!(&["ada", "Ada.Byron_1815", " a-b ", "0", "a@b", "ab"], |text| {
        if let Some(name) = UserName::parse(text) {
            assert!(UserName::parse(name.as_str()).as_ref() == Some(&name) && name.as_str().len() <= 32);
            assert!(Email::parse(name.as_str()).is_none() && name.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    });
}

#[test]
fn passwords() {
    let email = Email::parse("grace.hopper@navy.example").expect("an address");
    let owner = Owner { email: &email, name: "Grace Hopper", organization: Some("Harbour Tools") };
    let seeds = [
        "plum river candle",
        "passwordpassword",
        "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}",
        "123456789012345",
        "gracehopper2026",
        "qwertyuiopasdf",
    ];
    fuzz_text!(&seeds, |text| {
        let typed = Password::typed(text);
        let again = Password::typed(typed.text());
        assert_eq!(typed.text(), again.text());
        let length = typed.text().chars().count();
        let found = password::check(&typed, &owner, &Passwords::default());
        assert!(found.is_err() || (12..=128).contains(&length));
        assert_eq!(found, password::check(&again, &owner, &Passwords::default()));
    });
}

#[test]
fn scopes() {
    fuzz_text!(&["read write", "admin", "READ_LEADS", "read read", "Admin", "a:b.c-d_e", "read\u{a0}admin"], |text| {
        let names: Vec<&str> = text.split(' ').collect();
        if let Some(scopes) = Scopes::parse(&names) {
            assert_eq!(Scopes::split(&scopes.joined()), scopes);
            assert!(scopes.len() <= names.len() && scopes.names().iter().all(|name| names.contains(&name.as_str())));
            for scope in Scope::ALL {
                let held = names.contains(&scope.as_str()) || names.contains(&"admin");
                assert_eq!(scopes.allow(scope.as_str()), held);
            }
        }
        let strange = !["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].contains(&text);
        assert!(!strange || Scope::for_method(text) == Scope::Admin);
    });
}

#[test]
fn fields_of_a_key() {
    let now = Timestamp::from_seconds(1_800_000_000);
    let seeds = [
        "10.0.0.0/8",
        "::ffff:10.0.0.1",
        "2001:db8::/32\n10.0.0.1",
        "10.0.0.0/33",
        "*.example.org",
        "2030-01-01T00:00:00Z",
        "a b",
    ];
    let list = |text: &str| text.split('\n').map(str::to_owned).collect::<Vec<_>>();
    fuzz_text!(&seeds, |text| {
        let with = |ips: Vec<String>, domains: Vec<String>| NewKey {
            name: Some("Export".to_owned()),
            allowed_ips: Some(ips),
            allowed_domains: Some(domains),
            ..NewKey::default()
        };
        for (ips, domains) in [(list(text), Vec::new()), (Vec::new(), list(text))] {
            let Ok(checked) = with(ips, domains).check(now) else { continue };
            let key = checked.into_key(now);
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert!(words(&key.allowed_ips).iter().all(|network| network.parse::<ipnet::IpNet>().is_ok()));
            let again = with(words(&key.allowed_ips), words(&key.allowed_domains)).check(now);
            let Ok(again) = again else { panic!("{text} was accepted, and what became of it is not") };
            let again = again.into_key(now);
            assert_eq!((again.allowed_ips, again.allowed_domains), (key.allowed_ips, key.allowed_domains));
        }
        let named = NewKey { name: Some(text.to_owned()), description: Some(text.to_owned()), ..NewKey::default() };
        if let Ok(checked) = named.check(now) {
            let key = checked.into_key(now);
            assert!(
                !key.name.chars().any(char::is_control)
                    && key.name.chars().count() <= 100
                    && key.name == key.name.trim()
            );
        }
        let dated = NewKey { name: Some("x".to_owned()), expires_at: Some(text.to_owned()), ..NewKey::default() };
        if let Ok(checked) = dated.check(now) {
            assert!(checked.into_key(now).life.expires_at.is_none_or(|end| end > now));
        }
    });
}

#[test]
fn typed_codes() {
    let seeds = [
        "123456",
        "123 456",
        "K7QF-9M2X-4TAB",
        "k7qf 9m2x 4tab",
        "K7QF-9M2X-4T",
        "oil0-OIL0-abcd",
        "１２３４５６",
        "12345",
    ];
    fuzz_text!(&seeds, |text| {
        let read = |text: &str| {
            Typed::read(text).map(|typed| match typed {
                Typed::Totp(code) => code,
                Typed::BackupCode(code) => code.to_string(),
            })
        };
        let spaced: String = text.chars().flat_map(|letter| [' ', letter, '-']).collect();
        for read in [&read as &dyn Fn(&str) -> Option<String>, &canonical_code] {
            let code = read(text);
            assert_eq!(read(&spaced), code);
            if let Some(code) = code {
                assert!(
                    code.len() <= 12 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
                );
                assert_eq!(read(&code), Some(code));
            }
        }
    });
}

#[test]
fn handed_over_tokens() {
    let whole = r#"{"email":"Ada@example.org","expiresIn":3600,"accessToken":"ey.x.y","localId":"usr_01kbk3x5g0r8m4t2v6w9y1z3b5","refreshToken":"lkr_z"}"#;
    let encoded = percent_encoding::utf8_percent_encode(whole, percent_encoding::NON_ALPHANUMERIC).to_string();
    let twice = encoded.replace('%', "%25");
    fuzz_text!(&[whole, &encoded, &twice, "{}", "%7B%7D", "null"], |text| {
        if let Some(claimed) = Claimed::read(text) {
            assert!(claimed.access_token.0.len() <= text.len());
            assert!(Email::parse(claimed.email.as_str()).is_some());
        }
    });
}

#[test]
fn origins_and_targets() {
    let own = "https://login.example.org";
    let known = ["https://app.example.org", "http://localhost:5173"];
    let sites = known.map(|text| Origin::parse(text).expect("an origin"));
    let seeds = [
        "https://app.example.org",
        "https://app.example.org/come/in",
        "http://localhost:5173/",
        "https://login.example.org/auth/thirdPartySignIn",
        "https://[::1]:8443",
        "https://a-1.b.example:8443",
        "https://u@app.example.org",
        "null",
    ];
    fuzz_text!(&seeds, |text| {
        assert!(Origin::parse(text).is_none_or(|origin| origin.as_str() == text && !text.ends_with('/')));
        if let Some(site) = Site::of(Some(text), own, &sites) {
            assert!(site.origin() == own || known.contains(&site.origin()));
            let url = site.url("t");
            let parsed = url::Url::parse(&url).expect("an address");
            assert_eq!(parsed.origin().ascii_serialization(), site.origin(), "{url}");
            assert!(
                parsed.query() == Some("ticket=t") && parsed.fragment().is_none() && parsed.username().is_empty(),
                "{url}"
            );
        }
    });
}

#[test]
fn user_agents() {
    let seeds = [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36",
        "curl/8.5.0",
        "",
        "/ /",
        "iPhone",
    ];
    fuzz_text!(&seeds, |text| {
        let said = browser(text);
        assert!(said.len() <= text.len().max("A program on ChromeOS".len()) && !said.is_empty());
        assert!(["desktop", "mobile", "tablet"].contains(&Agent::of(text).kind()));
    });
}

#[test]
fn instants() {
    let seeds = [
        "2026-11-21T09:30:00Z",
        "2026-11-21T09:30:00.999+01:00",
        "9999-12-31T23:59:59Z",
        "-009999-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
    ];
    fuzz_text!(&seeds, |text| {
        if let Some(at) = Timestamp::parse_rfc3339(text) {
            let written = at.rfc3339();
            assert!(
                Timestamp::parse_rfc3339(&written).is_some_and(|again| again.seconds() == at.seconds()),
                "{text}: {written}"
            );
        }
    });
}

#[test]
fn senders_and_mail_servers() {
    let server = SmtpServer::parse("smtp://127.0.0.1:25").expect("well formed");
    let seeds = [
        "Blue Harbour <no-reply@example.org>",
        "no-reply@example.org",
        "\"A, B\" <a@b.example>",
        "<a@b.example>",
        "smtp://ada:lovelace@mail.example.org:587",
        "smtps://mail.example.org",
        "smtp://[::1]:25?tls=none",
        "smtp://ada:love%00lace@mail.example.org",
    ];
    fuzz_text!(&seeds, |text| {
        assert!(Smtp::new(&server, text).is_err() || !text.contains(['\r', '\n', '\0']));
        match SmtpServer::parse(text) {
            Ok(read) => {
                assert!(!read.host.is_empty() && read.port > 0);
                let (user, password) =
                    read.user.as_ref().map_or(("", ""), |(user, password)| (user, password.reveal()));
                let elsewhere = password.len() < 6 || read.host.contains(password) || user.contains(password);
                assert!(elsewhere || !format!("{read:?}").contains(password));
            }
            Err(refused) => assert!(!refused.to_string().contains("lovelace")),
        }
    });
}

#[test]
fn replies_of_a_mail_server() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url =
        format!("smtp://ada:analytical-engine@127.0.0.1:{}?tls=none", listener.local_addr().expect("bound").port());
    let server = SmtpServer { timeout: Duration::from_millis(300), ..SmtpServer::parse(&url).expect("well formed") };
    let smtp = Smtp::new(&server, "no-reply@example.org").expect("prepared");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let seeds = [
        "220 ready\r\n250-mail\r\n250 AUTH PLAIN LOGIN\r\n235 in\r\n",
        "554 analytical-\u{202e}engine\r\n",
        "220-a\r\n220 b\r\n",
        "554 analytical-engine\r\n",
        "220 ready\r\n250 AUTH PLAIN\r\n535 analytical-engine\r\n",
        "999 x\r\n",
        "220",
        "\r\n\r\n",
        "220 ready\r\n250-AUTH\r\n250-SIZE x\r\n250 \r\n",
    ];
    fuzz!(&seeds, |replies| {
        let opened = runtime.block_on(async {
            let (opened, ()) = tokio::join!(smtp.connect(), async {
                use std::io::Write as _;
                let (mut stream, _) = listener.accept().expect("they call");
                let _ = stream.write_all(replies);
                let _ = stream.shutdown(std::net::Shutdown::Write);
            });
            opened
        });
        if let Err(trouble) = opened {
            let said = trouble.message;
            assert!(said.chars().count() <= 300 && !said.contains(char::is_control), "{said:?}");
            assert!(!said.contains("analytical-engine"), "{said:?}");
        }
    });
}
