//! Handing a mail to a server, one step at a time, so that what failed is known by its name.

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::letter::{Written, flat};
use super::server::{SmtpServer, SmtpTls};
use crate::clock::Timestamp;
use crate::email::Email;

/// Mechanisms by which we say who we are. Both show the password, which is why connections are encrypted.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// No answer of a server is kept longer than this.
const LONGEST_MESSAGE: usize = 300;

/// What is said of an answer that cannot be read at all.
const NONSENSE: &str = "the answer of the server makes no sense";

/// The last second a `Date` can tell: 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// A way to send: a server, a sender, and our own name.
pub struct Smtp {
    server: SmtpServer,
    from: Mailbox,
    tls: Option<TlsParameters>,
    hello: ClientId,
    private: Vec<Zeroizing<String>>,
}

/// An open connection, encrypted and authenticated as far as the server is meant to be.
pub struct Line {
    connection: AsyncSmtpConnection,
    timeout: Duration,
    good: bool,
}

/// Where on the way a mail failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The server was not reached, or did not greet us.
    Connect,
    /// The connection could not be encrypted.
    Tls,
    /// The server does not let us in.
    Authentication,
    /// It does not take mail from this sender.
    Sender,
    /// It does not take mail for this recipient.
    Recipient,
    /// It does not take this mail.
    Content,
}

impl Stage {
    /// Its name in records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Authentication => "authentication",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Content => "content",
        }
    }
}

/// Why a mail was not handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Where.
    pub stage: Stage,
    /// Whether the server said that trying again is of no use (5yz).
    pub permanent: bool,
    /// Whether the connection may take the next mail.
    pub line_is_good: bool,
    /// What the server said, or what happened: one line of at most 300 characters, never a credential.
    pub message: String,
}

impl Smtp {
    /// Prepares to send from `from`, `Name <address>` or an address alone. Reads the CA file, so that a wrong path is
    /// noticed at the start and not with the first mail.
    pub fn new(server: &SmtpServer, from: &str) -> Result<Self, String> {
        Ok(Self {
            from: sender(from)?,
            tls: tls_parameters(server)?,
            hello: ClientId::default(),
            private: private(server),
            server: server.clone(),
        })
    }

    /// Opens a connection: reaches the server, encrypts, authenticates.
    pub async fn connect(&self) -> Result<Line, Trouble> {
        let opened = self.open().await;
        opened.map_err(|trouble| Trouble { line_is_good: false, ..trouble })
    }

    async fn open(&self) -> Result<Line, Trouble> {
        let mut connection = self.reach().await?;
        self.encrypt(&mut connection).await?;
        if let Some((user, password)) = &self.server.user {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            self.step(Stage::Authentication, connection.auth(&MECHANISMS, &credentials)).await?;
        }
        Ok(Line { connection, timeout: self.server.timeout, good: true })
    }

    async fn reach(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let implicit = self.server.tls == SmtpTls::Implicit;
        let address = (self.server.host.as_str(), self.server.port);
        let tls = self.tls.clone().filter(|_| implicit);
        // Half the time for one address of the host, so that a second one still has its turn.
        let each = Some(self.server.timeout / 2);
        let connecting = AsyncSmtpConnection::connect_tokio1(address, each, &self.hello, tls, None);
        let reached = timeout(self.server.timeout, caught(connecting));
        match reached.await {
            Ok(Some(Ok(connection))) => Ok(connection),
            Ok(Some(Err(error))) if implicit && broke_in_handshake(&error) => Err(self.trouble(Stage::Tls, &error)),
            Ok(Some(Err(error))) => Err(self.trouble(Stage::Connect, &error)),
            Ok(None) => Err(Trouble::ours(Stage::Connect, false, NONSENSE)),
            Err(_) => Err(self.silence(Stage::Connect)),
        }
    }

    async fn encrypt(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Trouble> {
        let Some(tls) = self.tls.clone().filter(|_| !connection.is_encrypted()) else { return Ok(()) };
        if connection.can_starttls() {
            return self.step(Stage::Tls, connection.starttls(tls, &self.hello)).await;
        }
        if self.server.tls == SmtpTls::Opportunistic {
            return Ok(());
        }
        Err(Trouble::ours(Stage::Tls, false, "the server does not offer STARTTLS"))
    }

    async fn step<T>(&self, stage: Stage, work: impl Future<Output = Result<T, SmtpError>>) -> Result<T, Trouble> {
        match timeout(self.server.timeout, caught(work)).await {
            Ok(Some(done)) => done.map_err(|error| self.trouble(stage, &error)),
            Ok(None) => Err(Trouble::ours(stage, false, NONSENSE)),
            Err(_) => Err(self.silence(stage)),
        }
    }

    fn trouble(&self, stage: Stage, error: &SmtpError) -> Trouble {
        let code = error.status().map(u16::from);
        let said = innermost(error);
        let said = code.map_or_else(|| said.clone(), |code| format!("{code} {said}"));
        Trouble {
            stage,
            permanent: error.is_permanent(),
            // 421 means that the server hangs up (RFC 5321 section 3.8).
            line_is_good: code.is_some_and(|code| code != 421),
            message: self.one_line(said),
        }
    }

    fn silence(&self, stage: Stage) -> Trouble {
        Trouble::ours(stage, false, &format!("no answer within {:?}", self.server.timeout))
    }

    /// What a server said, fit for a record: some repeat what they were sent, and that may be the password.
    fn one_line(&self, said: String) -> String {
        // Looked for once more when what nobody sees is gone: that may have stood in the middle of the password.
        let line = flat(&self.without_secrets(said), usize::MAX);
        flat(&self.without_secrets(line), LONGEST_MESSAGE)
    }

    fn without_secrets(&self, said: String) -> String {
        self.private.iter().fold(said, |said, secret| said.replace(secret.as_str(), "…"))
    }

    fn message(&self, id: &str, to: Address, at: Timestamp, letter: &Written) -> Result<Vec<u8>, Trouble> {
        let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        let seconds = u64::try_from(at.seconds()).unwrap_or(0).min(LAST_SECOND);
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(flat(&letter.subject, usize::MAX))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            // RFC 3834: no machine answers a machine.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Auto-Response-Suppress", "All"))
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()));
        match message {
            Ok(message) => Ok(message.formatted()),
            Err(error) => Err(Trouble::ours(Stage::Content, true, &error.to_string())),
        }
    }
}

impl Line {
    /// Hands over one mail. `id` becomes part of its `Message-ID`, so that the same mail sent again after a crash is
    /// recognized as the same. After a refusal the connection is reset; it takes the next mail if
    /// [`Trouble::line_is_good`].
    pub async fn send(
        &mut self,
        smtp: &Smtp,
        id: &str,
        to: &Email,
        at: Timestamp,
        letter: &Written,
    ) -> Result<(), Trouble> {
        // Broken until proven otherwise: whoever drops this future in its midst leaves half a conversation.
        if !std::mem::replace(&mut self.good, false) {
            return Err(Trouble::ours(Stage::Sender, false, "the connection is broken"));
        }
        let mut sent = self.hand_over(smtp, id, to, at, letter).await;
        if let Err(trouble) = &mut sent
            && trouble.line_is_good
        {
            trouble.line_is_good = smtp.step(trouble.stage, self.connection.command(Rset)).await.is_ok();
        }
        self.good = sent.as_ref().err().is_none_or(|trouble| trouble.line_is_good);
        sent
    }

    async fn hand_over(
        &mut self,
        smtp: &Smtp,
        id: &str,
        to: &Email,
        at: Timestamp,
        letter: &Written,
    ) -> Result<(), Trouble> {
        let recipient: Address = to.as_str().parse().map_err(|_| Trouble {
            line_is_good: true,
            ..Trouble::ours(Stage::Recipient, true, "the address cannot be written in a mail")
        })?;
        let message = smtp
            .message(id, recipient.clone(), at, letter)
            .map_err(|trouble| Trouble { line_is_good: true, ..trouble })?;
        let sender = Some(smtp.from.email.clone());
        smtp.step(Stage::Sender, self.connection.command(Mail::new(sender, Vec::new()))).await?;
        smtp.step(Stage::Recipient, self.connection.command(Rcpt::new(recipient, Vec::new()))).await?;
        smtp.step(Stage::Content, self.connection.command(Data)).await?;
        smtp.step(Stage::Content, self.connection.message(&message)).await?;
        Ok(())
    }

    /// Says goodbye, as far as the server still listens.
    pub async fn quit(mut self) {
        if self.good {
            let _ = timeout(self.timeout, caught(self.connection.quit())).await;
        }
    }
}

impl Trouble {
    /// Trouble that no answer of the server tells of.
    fn ours(stage: Stage, permanent: bool, message: &str) -> Self {
        Self { stage, permanent, line_is_good: false, message: flat(message, LONGEST_MESSAGE) }
    }
}

/// What comes of `work`; nothing when it panicked. The library does so at some answers of a server, and no answer of a
/// server may end whoever sends the mails.
async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// `Name <address>` or an address. Names are taken as they are: quoting and encoding them is the message's business.
fn sender(text: &str) -> Result<Mailbox, String> {
    let wrong =
        || format!("The sender of mails must be written like Blue Harbour <no-reply@example.org>, not {text:?}.");
    if text.chars().any(char::is_control) {
        return Err(wrong());
    }
    let (name, address) = match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"').trim(), address.trim()),
        None => ("", text.trim()),
    };
    let address: Address = address.parse().map_err(|_| wrong())?;
    if !AsRef::<str>::as_ref(&address).is_ascii() {
        return Err(wrong());
    }
    Ok(Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address))
}

fn tls_parameters(server: &SmtpServer) -> Result<Option<TlsParameters>, String> {
    if server.tls == SmtpTls::None {
        return Ok(None);
    }
    let mut builder = TlsParameters::builder(server.host.clone()).certificate_store(CertificateStore::WebpkiRoots);
    if let Some(file) = &server.ca_file {
        let shown = file.display();
        let pem = std::fs::read(file)
            .map_err(|error| format!("The CA file for the mail server, {shown}, cannot be read: {error}."))?;
        let begin = b"-----BEGIN CERTIFICATE-----";
        let certificate = Certificate::from_pem(&pem).ok().filter(|_| pem.windows(begin.len()).any(|at| at == begin));
        let certificate = certificate
            .ok_or_else(|| format!("The CA file for the mail server, {shown}, holds no certificate in PEM form."))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map(Some).map_err(|error| format!("The certificates for the mail server do not serve: {error}."))
}

/// The password and the forms in which it goes over the line.
fn private(server: &SmtpServer) -> Vec<Zeroizing<String>> {
    let Some((user, password)) = &server.user else { return Vec::new() };
    let password = password.reveal();
    let plain = Zeroizing::new(format!("\0{user}\0{password}"));
    vec![
        Zeroizing::new(STANDARD.encode(plain.as_bytes())),
        Zeroizing::new(STANDARD.encode(password)),
        Zeroizing::new(password.to_owned()),
    ]
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// A failed handshake arrives as a failed connection; what the TLS library refused (`InvalidData`) and what broke off
/// under it (`UnexpectedEof`) tell the two apart.
fn broke_in_handshake(error: &SmtpError) -> bool {
    sources(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof))
}

/// The words nearest to what happened; the layers above only repeat that something did.
fn innermost(error: &SmtpError) -> String {
    sources(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn sources(error: &SmtpError) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}
