//! Everything that decides about time or amount, as plain values. Reading them from files and environment is the
//! server's business; here is only what they mean and what they are when nobody says otherwise.

use std::path::PathBuf;
use std::time::Duration;

use crate::handoff::Origin;
use crate::key_watch::Signal;
use crate::limit::Rate;
use crate::mail::SmtpServer;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where the data lives.
    pub storage: Storage,
    /// The address people reach us at: issuer and audience of tokens, base of every link.
    pub public_url: PublicUrl,
    /// Origins of the same site whose pages count as our own for CSRF.
    pub trusted_origins: Vec<Origin>,
    /// Access tokens and the keys that sign them.
    pub tokens: Tokens,
    /// Sessions.
    pub sessions: Sessions,
    /// Passwords.
    pub passwords: Passwords,
    /// Password hashing.
    pub hashing: Hashing,
    /// Limits.
    pub limits: Limits,
    /// Who may sign up.
    pub registration: Registration,
    /// Whether an address must be known to be its person's before they may sign in.
    pub require_verified_email: bool,
    /// How mail leaves the house.
    pub mail: Mail,
    /// Lives of what is mailed.
    pub links: Links,
    /// The second factor.
    pub two_factor: TwoFactor,
    /// Handing sessions on to other sites.
    pub handoff: Handoff,
    /// Unusual use of API keys.
    pub key_watch: KeyWatch,
    /// Sizes of what is kept in memory.
    pub memory: Memory,
}

/// Where the data lives.
#[derive(Clone, Debug)]
pub struct Storage {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Most connections held to the database.
    pub connections: u32,
    /// How long a call waits for a free connection.
    pub wait: Duration,
    /// How many calls may wait so; more are refused at once.
    pub waiting: usize,
    /// How long a database server may be silent before its connection is thrown away.
    pub answer: Duration,
    /// The master key itself (base64 or hexadecimal).
    pub master_key: Option<String>,
    /// The file that holds it, or will when it is made at the first start.
    pub master_key_file: PathBuf,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            url: "sqlite:latchkey-data/latchkey.db".to_owned(),
            connections: 10,
            wait: Duration::from_secs(2),
            waiting: 500,
            answer: Duration::from_secs(3),
            master_key: None,
            master_key_file: PathBuf::from("latchkey-data/master.key"),
        }
    }
}

/// The address people reach us at, without a slash at its end.
#[derive(Clone, Debug)]
pub struct PublicUrl(pub String);

impl Default for PublicUrl {
    fn default() -> Self {
        Self("http://localhost:3000".to_owned())
    }
}

/// How access tokens are signed (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256.
    #[default]
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA of 3072 bits, PKCS#1 v1.5.
    Rs256,
}

/// Access tokens and the keys that sign them.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Life of an access token.
    pub access_life: Duration,
    /// How new signing keys sign.
    pub algorithm: SigningAlgorithm,
    /// How long a key signs before the next one does.
    pub rotation: Duration,
    /// How long the next key is published before it signs.
    pub prepublish: Duration,
    /// A PKCS#8 PEM file that signs instead of generated keys.
    pub signing_key_file: Option<PathBuf>,
    /// How long a repeat of the direct predecessor gets the same successor again.
    pub replay: Duration,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            access_life: Duration::from_secs(DAY),
            algorithm: SigningAlgorithm::Es256,
            rotation: Duration::from_secs(90 * DAY),
            prepublish: Duration::from_secs(2 * DAY),
            signing_key_file: None,
            replay: Duration::from_secs(30),
        }
    }
}

/// Sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Ends after so long without use.
    pub idle: Duration,
    /// Ends after so long whatever happens.
    pub life: Duration,
    /// The same for sessions that were not to be kept.
    pub short_life: Duration,
    /// How often last-seen and usage are written.
    pub flush: Duration,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(14 * DAY),
            life: Duration::from_secs(30 * DAY),
            short_life: Duration::from_secs(DAY),
            flush: Duration::from_secs(MINUTE),
        }
    }
}

/// Passwords.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// Fewest characters.
    pub shortest: u32,
    /// Most characters.
    pub longest: u32,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { shortest: 12, longest: 128 }
    }
}

/// Password hashing (OWASP Password Storage: m=19456 KiB, t=2, p=1 is the least).
#[derive(Clone, Debug)]
pub struct Hashing {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub iterations: u32,
    /// Lanes.
    pub lanes: u32,
    /// Threads that hash.
    pub threads: usize,
    /// How many may wait.
    pub queue: usize,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, lanes: 1, threads: cores(), queue: 64 }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Limits (contract section 1).
#[derive(Clone, Debug)]
pub struct Limits {
    /// Ordinary calls, by principal, or by address when anonymous.
    pub ordinary: Rate,
    /// Failed sign-ins, by address and by account, each.
    pub sign_in: Rate,
    /// Failed sign-ins by wider network, those of known browsers aside.
    pub sign_in_network: Rate,
    /// The same from everywhere together.
    pub sign_in_everywhere: Rate,
    /// How wrong passwords in a row slow down the next.
    pub guessing: Guessing,
    /// New accounts by address.
    pub sign_up: Rate,
    /// Mails asked for, by the address they go to, for each way of asking.
    pub mail: Rate,
    /// The same by the address of the client.
    pub mail_from: Rate,
    /// `verify`, `forward` and `introspect`, by principal.
    pub verify: Rate,
    /// Failed proofs at each call that changes a second factor, by person.
    pub factor_change: Rate,
    /// Authenticators that are begun to be set up, by person.
    pub factor_set_up: Rate,
    /// Wrong codes that are to prove a new authenticator, by person.
    pub factor_set_up_code: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ordinary: Rate::new(100, 60),
            sign_in: Rate::new(5, 60),
            sign_in_network: Rate::new(50, 60),
            sign_in_everywhere: Rate::new(300, 60),
            guessing: Guessing::default(),
            sign_up: Rate::new(60, 60 * 60),
            mail: Rate::new(3, 5 * 60),
            mail_from: Rate::new(30, 5 * 60),
            verify: Rate::new(600_000, 60),
            factor_change: Rate::new(3, 5 * 60),
            factor_set_up: Rate::new(3, 5 * 60),
            factor_set_up_code: Rate::new(5, 5 * 60),
        }
    }
}

impl Limits {
    /// The same, a thousand times higher: for tests.
    #[must_use]
    pub fn relaxed(self) -> Self {
        let relax = |rate: Rate| rate.times(1000);
        Self {
            ordinary: relax(self.ordinary),
            sign_in: relax(self.sign_in),
            sign_in_network: relax(self.sign_in_network),
            sign_in_everywhere: relax(self.sign_in_everywhere),
            guessing: self.guessing.relaxed(),
            sign_up: relax(self.sign_up),
            mail: relax(self.mail),
            mail_from: relax(self.mail_from),
            verify: relax(self.verify),
            factor_change: relax(self.factor_change),
            factor_set_up: relax(self.factor_set_up),
            factor_set_up_code: relax(self.factor_set_up_code),
        }
    }
}

/// How wrong passwords in a row slow down the next, at one account (NIST SP 800-63B-4 section 3.2.2).
#[derive(Clone, Debug)]
pub struct Guessing {
    /// With which of them the next has to wait for the first time.
    pub failures: u32,
    /// How long then; each further one doubles it.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// How many end the tries of strangers, until a mailed proof or a sign-in with a known browser.
    pub most_of_strangers: u32,
    /// How many end those of known browsers, until a mailed proof or a sign-in from elsewhere.
    pub most_of_known_browsers: u32,
}

impl Default for Guessing {
    fn default() -> Self {
        Self {
            failures: 10,
            first_wait: Duration::from_secs(30),
            longest_wait: Duration::from_secs(60 * MINUTE),
            most_of_strangers: 90,
            most_of_known_browsers: 10,
        }
    }
}

impl Guessing {
    /// The same with room for a thousand times as many failures.
    #[must_use]
    fn relaxed(self) -> Self {
        let relax = |failures: u32| failures.saturating_mul(1000);
        Self {
            failures: relax(self.failures),
            most_of_strangers: relax(self.most_of_strangers),
            most_of_known_browsers: relax(self.most_of_known_browsers),
            ..self
        }
    }
}

/// Who may sign up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Anybody; a new organization is made for them.
    #[default]
    Open,
    /// Whoever has an invitation.
    Invite,
    /// Nobody.
    Closed,
}

/// How mail leaves the house.
#[derive(Clone, Debug)]
pub struct Mail {
    /// By which way.
    pub transport: Transport,
    /// Who mails come from, `Name <address>` or an address alone; without it, `no-reply` at the host of the public
    /// address.
    pub from: Option<String>,
    /// How long a mail is tried before it is given up.
    pub give_up: Duration,
    /// How long the first retry waits; each further one waits twice as long, up to `longest_retry`.
    pub first_retry: Duration,
    /// The longest wait between two tries.
    pub longest_retry: Duration,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            transport: Transport::None,
            from: None,
            give_up: Duration::from_secs(3 * DAY),
            first_retry: Duration::from_secs(5),
            longest_retry: Duration::from_secs(15 * MINUTE),
        }
    }
}

/// By which way mail leaves.
#[derive(Clone, Debug, Default)]
pub enum Transport {
    /// None: nothing is sent, and administrators are told so.
    #[default]
    None,
    /// It stays here, to be read in the development mailbox.
    Mailbox,
    /// By SMTP.
    Smtp(SmtpServer),
}

/// Lives of what is mailed.
#[derive(Clone, Debug)]
pub struct Links {
    /// A link or code to sign in with.
    pub sign_in: Duration,
    /// A link or code to choose a new password with.
    pub reset: Duration,
    /// A link or code that confirms an address.
    pub verify: Duration,
    /// A link that undoes a change of address.
    pub undo: Duration,
    /// A link that ends all sessions.
    pub secure: Duration,
    /// An invitation.
    pub invitation: Duration,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            sign_in: Duration::from_secs(10 * MINUTE),
            reset: Duration::from_secs(30 * MINUTE),
            verify: Duration::from_secs(DAY),
            undo: Duration::from_secs(3 * DAY),
            secure: Duration::from_secs(7 * DAY),
            invitation: Duration::from_secs(3 * DAY),
        }
    }
}

/// The second factor (contract section 4).
#[derive(Clone, Debug)]
pub struct TwoFactor {
    /// What installations are called in authenticators.
    pub issuer: String,
    /// How long somebody who has proven a first factor may take for the second.
    pub sign_in: Duration,
    /// Wrong codes that end such a sign-in.
    pub sign_in_tries: u32,
    /// Wrong codes in `failure_window` that lock the factor.
    pub failures: u32,
    /// In how long those count.
    pub failure_window: Duration,
    /// How long the factor is locked.
    pub lock: Duration,
    /// How long a new authenticator may wait to be proven.
    pub set_up: Duration,
    /// How long a device is trusted; organizations may make it shorter.
    pub trust: Duration,
    /// How long a proof counts as recent.
    pub recent: Duration,
}

impl Default for TwoFactor {
    fn default() -> Self {
        Self {
            issuer: "Latchkey".to_owned(),
            sign_in: Duration::from_secs(5 * MINUTE),
            sign_in_tries: 5,
            failures: 10,
            failure_window: Duration::from_secs(15 * MINUTE),
            lock: Duration::from_secs(15 * MINUTE),
            set_up: Duration::from_secs(10 * MINUTE),
            trust: Duration::from_secs(30 * DAY),
            recent: Duration::from_secs(10 * MINUTE),
        }
    }
}

/// Handing sessions on to other sites (contract section 7).
#[derive(Clone, Debug)]
pub struct Handoff {
    /// The sites, besides our own.
    pub targets: Vec<Origin>,
    /// Life of a ticket.
    pub ticket_life: Duration,
    /// Whether tokens in a link are taken too.
    pub raw: bool,
}

impl Default for Handoff {
    fn default() -> Self {
        Self { targets: Vec::new(), ticket_life: Duration::from_secs(MINUTE), raw: true }
    }
}

/// Unusual use of API keys; what it means stands in [`crate::key_watch`].
#[derive(Clone, Debug)]
pub struct KeyWatch {
    /// What is told of; nothing at all when it is empty.
    pub signals: Vec<Signal>,
    /// How long a key is got to know before it is compared with its past.
    pub learning: Duration,
    /// How long a silence is long.
    pub silence: Duration,
    /// How many times the busiest usual hour a burst is.
    pub burst_factor: u32,
    /// Fewest calls of a burst.
    pub burst_calls: u32,
    /// How far back hours say what is usual.
    pub usual: Duration,
    /// How long one key's owner gets no second mail.
    pub mail_every: Duration,
    /// How many networks, and how many programs, of a key are remembered.
    pub remembered: u32,
}

impl Default for KeyWatch {
    fn default() -> Self {
        Self {
            signals: Signal::ALL.to_vec(),
            learning: Duration::from_secs(DAY),
            silence: Duration::from_secs(30 * DAY),
            burst_factor: 10,
            burst_calls: 100,
            usual: Duration::from_secs(7 * DAY),
            mail_every: Duration::from_secs(DAY),
            remembered: 200,
        }
    }
}

/// Sizes of what is kept in memory.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Credentials remembered as good.
    pub principals: usize,
    /// How long they are believed without asking the database; revocations end that at once, also those that other nodes
    /// tell of. A node that hears nothing from others believes for less than a second. `None`: a minute.
    pub believed: Option<Duration>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { principals: 100_000, believed: None }
    }
}
