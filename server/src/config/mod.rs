//! Everything that can be set, one small struct a concern.
//!
//! A setting has one name in three spellings: `--access-token-ttl` on the command line, `LATCHKEY_ACCESS_TOKEN_TTL` in
//! the environment, `access_token_ttl` in `latchkey.toml`; the first one found counts, in this order. What has no
//! such name is refused ([`layers`]). Times are in seconds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};
use ipnet::IpNet;
use latchkey::limit::Rate;
use latchkey::settings::{self, PublicUrl, Settings, Storage};

use crate::listener::Limits;

pub mod front_ends;
pub mod guessing;
pub mod handoff;
pub mod key_watch;
pub mod layers;
pub mod mail;
pub mod metrics;
pub mod reference;
pub mod two_factor;

pub use front_ends::FrontEndConfig;
pub use guessing::GuessingConfig;
pub use handoff::HandoffConfig;
pub use key_watch::KeyWatchConfig;
pub use mail::MailConfig;
pub use metrics::{MetricsConfig, MetricsListen};
pub use two_factor::TwoFactorConfig;

/// All settings.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// The file with settings; `latchkey.toml` in the working directory when it exists
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen and who stands before us.
    #[command(flatten)]
    pub server: ServerConfig,
    /// Where metrics are served.
    #[command(flatten)]
    pub metrics: MetricsConfig,
    /// Front ends on other origins of the same site.
    #[command(flatten)]
    pub front_ends: FrontEndConfig,
    /// Where the data lives.
    #[command(flatten)]
    pub storage: StorageConfig,
    /// Access tokens and the keys that sign them.
    #[command(flatten)]
    pub tokens: TokenConfig,
    /// Sessions.
    #[command(flatten)]
    pub sessions: SessionConfig,
    /// Accounts and passwords.
    #[command(flatten)]
    pub accounts: AccountConfig,
    /// Password hashing.
    #[command(flatten)]
    pub hashing: HashingConfig,
    /// The second factor.
    #[command(flatten)]
    pub two_factor: TwoFactorConfig,
    /// Handing sessions on to other sites.
    #[command(flatten)]
    pub handoff: HandoffConfig,
    /// Unusual use of API keys.
    #[command(flatten)]
    pub key_watch: KeyWatchConfig,
    /// Mail.
    #[command(flatten)]
    pub mail: MailConfig,
    /// Limits.
    #[command(flatten)]
    pub limits: LimitConfig,
    /// Guessing of passwords.
    #[command(flatten)]
    pub guessing: GuessingConfig,
    /// Memory.
    #[command(flatten)]
    pub memory: MemoryConfig,
}

/// Where to listen and who stands before us.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub struct ServerConfig {
    /// Address and port to listen on
    #[arg(long, env = "LATCHKEY_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// The address people reach this server at: issuer of tokens, base of every link
    #[arg(long, env = "LATCHKEY_PUBLIC_URL", value_name = "URL", default_value = "http://localhost:3000", value_parser = public_url)]
    pub public_url: String,
    /// Addresses and networks of reverse proxies whose `X-Forwarded-For` is believed, separated by commas
    #[arg(long, env = "LATCHKEY_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// What is logged: a level (error, warn, info, debug, trace), or levels by module, as in `warn,latchkey=info`
    #[arg(long, env = "LATCHKEY_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// Longest time one request may take
    #[arg(long, env = "LATCHKEY_REQUEST_TIMEOUT", value_name = "SECONDS", default_value_t = 30)]
    pub request_timeout: u64,
    /// Most open connections; more are closed at once
    #[arg(long, env = "LATCHKEY_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,
    /// Longest time a body may stand still, or an answer find no reader
    #[arg(long, env = "LATCHKEY_STALL_TIMEOUT", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub stall_timeout: u64,
    /// Longest time a client may take to send the head of a request, and longest rest between two requests
    #[arg(long, env = "LATCHKEY_HEADER_TIMEOUT", value_name = "SECONDS", default_value_t = 15)]
    pub header_timeout: u64,
    /// How long requests under way are waited for when the server is stopped
    #[arg(long, env = "LATCHKEY_SHUTDOWN_TIMEOUT", value_name = "SECONDS", default_value_t = 10)]
    pub shutdown_timeout: u64,
}

/// Where the data lives.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Storage")]
pub struct StorageConfig {
    /// The folder for everything kept in files
    #[arg(long, env = "LATCHKEY_DATA_DIR", value_name = "FOLDER", default_value = "latchkey-data")]
    pub data_dir: PathBuf,
    /// `sqlite:PATH` or `postgres://…`; without it, `latchkey.db` in the data folder
    #[arg(long, env = "LATCHKEY_DATABASE_URL", value_name = "URL", hide_env_values = true, hide_default_value = true)]
    pub database_url: Option<String>,
    /// Most connections held to the database
    #[arg(long, env = "LATCHKEY_DATABASE_CONNECTIONS", value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_connections: u32,
    /// Longest wait for a free connection
    #[arg(long, env = "LATCHKEY_DATABASE_WAIT", value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub database_wait: u64,
    /// How many requests may wait for a connection; more are refused with 503 at once
    #[arg(long, env = "LATCHKEY_DATABASE_WAITING", value_name = "NUMBER", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub database_waiting: u32,
    /// How long PostgreSQL may be silent before its connection is thrown away
    #[arg(long, env = "LATCHKEY_DATABASE_ANSWER", value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub database_answer: u64,
    /// The key that everything encrypted at rest hangs from: 32 random bytes in base64 or hexadecimal
    #[arg(long, env = "LATCHKEY_MASTER_KEY", value_name = "KEY", hide_env_values = true, hide_default_value = true)]
    pub master_key: Option<String>,
    /// The file that holds the master key; without it, `master.key` in the data folder, made at the first start
    #[arg(long, env = "LATCHKEY_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,
}

/// Access tokens and the keys that sign them.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Tokens")]
pub struct TokenConfig {
    /// Life of an access token
    #[arg(long, env = "LATCHKEY_ACCESS_TOKEN_TTL", value_name = "SECONDS", default_value_t = 86_400, value_parser = seconds())]
    pub access_token_ttl: u64,
    /// How new signing keys sign
    #[arg(long, env = "LATCHKEY_SIGNING_ALGORITHM", value_name = "NAME", default_value = "es256", ignore_case = true)]
    pub signing_algorithm: Algorithm,
    /// A private key (PKCS#8 PEM; RSA from 3072 bits) that signs instead of generated keys
    #[arg(long, env = "LATCHKEY_SIGNING_KEY_FILE", value_name = "FILE")]
    pub signing_key_file: Option<PathBuf>,
    /// How long a generated key signs before the next one does
    #[arg(long, env = "LATCHKEY_SIGNING_KEY_ROTATION", value_name = "SECONDS", default_value_t = 7_776_000)]
    pub signing_key_rotation: u64,
    /// How long the next key is published before it signs
    #[arg(long, env = "LATCHKEY_SIGNING_KEY_PREPUBLISH", value_name = "SECONDS", default_value_t = 172_800)]
    pub signing_key_prepublish: u64,
    /// How long a repeated refresh gets the same new pair again
    #[arg(long, env = "LATCHKEY_REFRESH_REPLAY", value_name = "SECONDS", default_value_t = 30)]
    pub refresh_replay: u64,
}

/// Sessions.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sessions")]
pub struct SessionConfig {
    /// A session ends after so long without use
    #[arg(long, env = "LATCHKEY_SESSION_IDLE", value_name = "SECONDS", default_value_t = 1_209_600)]
    pub session_idle: u64,
    /// A session ends after so long whatever happens
    #[arg(long, env = "LATCHKEY_SESSION_LIFE", value_name = "SECONDS", default_value_t = 2_592_000)]
    pub session_life: u64,
    /// The same for sessions that were not to be kept
    #[arg(long, env = "LATCHKEY_SESSION_SHORT_LIFE", value_name = "SECONDS", default_value_t = 86_400)]
    pub session_short_life: u64,
    /// How often last use and counters are written
    #[arg(long, env = "LATCHKEY_USAGE_FLUSH", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub usage_flush: u64,
}

/// Accounts and passwords.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Accounts")]
pub struct AccountConfig {
    /// Who may sign up
    #[arg(long, env = "LATCHKEY_REGISTRATION", value_name = "WHO", default_value = "open")]
    pub registration: Registration,
    /// Whether an address must be confirmed before its person may sign in
    #[arg(long, env = "LATCHKEY_REQUIRE_VERIFIED_EMAIL", value_name = "BOOLEAN", default_value = "false", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub require_verified_email: bool,
    /// Fewest characters of a password
    #[arg(long, env = "LATCHKEY_PASSWORD_MIN_LENGTH", value_name = "NUMBER", default_value_t = 12, value_parser = clap::value_parser!(u32).range(8..=128))]
    pub password_min_length: u32,
    /// Most characters of a password
    #[arg(long, env = "LATCHKEY_PASSWORD_MAX_LENGTH", value_name = "NUMBER", default_value_t = 128, value_parser = clap::value_parser!(u32).range(64..=4096))]
    pub password_max_length: u32,
}

/// Password hashing (Argon2id).
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Password hashing")]
pub struct HashingConfig {
    /// Memory of one hash, in KiB
    #[arg(long, env = "LATCHKEY_HASH_MEMORY", value_name = "KIB", default_value_t = 19_456, value_parser = clap::value_parser!(u32).range(8..=4_194_304))]
    pub hash_memory: u32,
    /// Passes over that memory
    #[arg(long, env = "LATCHKEY_HASH_ITERATIONS", value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub hash_iterations: u32,
    /// Lanes
    #[arg(long, env = "LATCHKEY_HASH_LANES", value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub hash_lanes: u32,
    /// Threads that hash; without it, one a core
    #[arg(long, env = "LATCHKEY_HASH_THREADS", value_name = "NUMBER")]
    pub hash_threads: Option<usize>,
    /// How many sign-ins may wait for a thread; more are refused with 503
    #[arg(long, env = "LATCHKEY_HASH_QUEUE", value_name = "NUMBER", default_value_t = 64)]
    pub hash_queue: usize,
}

/// Limits, each as calls and seconds: `100/60`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitConfig {
    /// `relaxed` makes the limits below a thousand times higher, for tests; a key's own limit stays
    #[arg(long, env = "LATCHKEY_RATE_LIMITS", value_name = "HOW", default_value = "default")]
    pub rate_limits: RateLimits,
    /// Ordinary calls, by principal, or by address when anonymous
    #[arg(long, env = "LATCHKEY_LIMIT_ORDINARY", value_name = "CALLS/SECONDS", default_value = "100/60", value_parser = rate)]
    pub limit_ordinary: Rate,
    /// Failed sign-ins, by address and by account, each; wrong invitation codes and links by address
    #[arg(long, env = "LATCHKEY_LIMIT_SIGN_IN", value_name = "CALLS/SECONDS", default_value = "5/60", value_parser = rate)]
    pub limit_sign_in: Rate,
    /// New accounts by address, and further organizations by person
    #[arg(long, env = "LATCHKEY_LIMIT_SIGN_UP", value_name = "CALLS/SECONDS", default_value = "60/3600", value_parser = rate)]
    pub limit_sign_up: Rate,
    /// Mails asked for, by the address they go to, for each way of asking
    #[arg(long, env = "LATCHKEY_LIMIT_MAIL", value_name = "CALLS/SECONDS", default_value = "3/300", value_parser = rate)]
    pub limit_mail: Rate,
    /// The same by the address they are asked for from
    #[arg(long, env = "LATCHKEY_LIMIT_MAIL_FROM", value_name = "CALLS/SECONDS", default_value = "30/300", value_parser = rate)]
    pub limit_mail_from: Rate,
    /// `verify`, `forward` and `introspect`, by principal
    #[arg(long, env = "LATCHKEY_LIMIT_VERIFY", value_name = "CALLS/SECONDS", default_value = "600000/60", value_parser = rate)]
    pub limit_verify: Rate,
    /// Wrong proofs at each call that changes a second factor, by person
    #[arg(long, env = "LATCHKEY_LIMIT_FACTOR_CHANGE", value_name = "CALLS/SECONDS", default_value = "3/300", value_parser = rate)]
    pub limit_factor_change: Rate,
    /// Authenticators begun to be set up, by person
    #[arg(long, env = "LATCHKEY_LIMIT_FACTOR_SET_UP", value_name = "CALLS/SECONDS", default_value = "3/300", value_parser = rate)]
    pub limit_factor_set_up: Rate,
    /// Wrong codes for a new authenticator, by person
    #[arg(long, env = "LATCHKEY_LIMIT_FACTOR_SET_UP_CODE", value_name = "CALLS/SECONDS", default_value = "5/300", value_parser = rate)]
    pub limit_factor_set_up_code: Rate,
}

/// Memory.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Memory")]
pub struct MemoryConfig {
    /// How many credentials are remembered as good
    #[arg(long, env = "LATCHKEY_MEMORY_PRINCIPALS", value_name = "NUMBER", default_value_t = 100_000)]
    pub memory_principals: usize,
    /// How long they are believed without asking the database, in milliseconds; without it, a minute. Revocations end
    /// that at once, and a node that does not hear from the others believes for 900 ms at most
    #[arg(long, env = "LATCHKEY_MEMORY_BELIEVED", value_name = "MILLISECONDS")]
    pub memory_believed: Option<u64>,
}

/// How access tokens are signed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Algorithm {
    /// ECDSA on P-256
    Es256,
    /// Ed25519
    #[value(name = "eddsa")]
    EdDsa,
    /// RSA of 3072 bits
    Rs256,
}

/// Who may sign up.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Registration {
    /// Anybody
    Open,
    /// Whoever has an invitation
    Invite,
    /// Nobody
    Closed,
}

/// How strict the limits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RateLimits {
    /// As set
    Default,
    /// A thousand times higher
    Relaxed,
}

impl Config {
    /// What the core is opened with; an error names what is wrong.
    pub fn settings(&self) -> Result<Settings, String> {
        self.front_ends.check(&self.server.public_url)?;
        Ok(Settings {
            storage: self.storage(),
            public_url: PublicUrl(self.server.public_url.clone()),
            trusted_origins: self.front_ends.trusted_origins.clone(),
            tokens: self.tokens(),
            sessions: self.sessions(),
            passwords: settings::Passwords {
                shortest: self.accounts.password_min_length,
                longest: self.accounts.password_max_length,
            },
            hashing: self.hashing(),
            limits: self.limits(),
            registration: match self.accounts.registration {
                Registration::Open => settings::Registration::Open,
                Registration::Invite => settings::Registration::Invite,
                Registration::Closed => settings::Registration::Closed,
            },
            require_verified_email: self.accounts.require_verified_email,
            mail: self.mail.mail()?,
            links: self.mail.links(),
            two_factor: self.two_factor.settings(),
            handoff: self.handoff.settings(),
            key_watch: self.key_watch.settings(),
            memory: settings::Memory {
                principals: self.memory.memory_principals,
                believed: self.memory.memory_believed.map(Duration::from_millis),
            },
        })
    }

    fn storage(&self) -> Storage {
        let storage = &self.storage;
        let file = || format!("sqlite:{}", storage.data_dir.join("latchkey.db").display());
        Storage {
            url: storage.database_url.clone().unwrap_or_else(file),
            connections: storage.database_connections,
            wait: Duration::from_secs(storage.database_wait),
            waiting: usize::try_from(storage.database_waiting).unwrap_or(usize::MAX),
            answer: Duration::from_secs(storage.database_answer),
            master_key: storage.master_key.clone(),
            master_key_file: storage.master_key_file.clone().unwrap_or_else(|| storage.data_dir.join("master.key")),
        }
    }

    fn tokens(&self) -> settings::Tokens {
        let tokens = &self.tokens;
        settings::Tokens {
            access_life: Duration::from_secs(tokens.access_token_ttl),
            algorithm: match tokens.signing_algorithm {
                Algorithm::Es256 => settings::SigningAlgorithm::Es256,
                Algorithm::EdDsa => settings::SigningAlgorithm::EdDsa,
                Algorithm::Rs256 => settings::SigningAlgorithm::Rs256,
            },
            rotation: Duration::from_secs(tokens.signing_key_rotation),
            prepublish: Duration::from_secs(tokens.signing_key_prepublish),
            signing_key_file: tokens.signing_key_file.clone(),
            replay: Duration::from_secs(tokens.refresh_replay),
        }
    }

    fn sessions(&self) -> settings::Sessions {
        let sessions = &self.sessions;
        settings::Sessions {
            idle: Duration::from_secs(sessions.session_idle),
            life: Duration::from_secs(sessions.session_life),
            short_life: Duration::from_secs(sessions.session_short_life),
            flush: Duration::from_secs(sessions.usage_flush),
        }
    }

    fn hashing(&self) -> settings::Hashing {
        let hashing = &self.hashing;
        settings::Hashing {
            memory_kib: hashing.hash_memory,
            iterations: hashing.hash_iterations,
            lanes: hashing.hash_lanes,
            threads: hashing.hash_threads.unwrap_or_else(|| settings::Hashing::default().threads),
            queue: hashing.hash_queue,
        }
    }

    fn limits(&self) -> settings::Limits {
        let limits = &self.limits;
        let set = settings::Limits {
            ordinary: limits.limit_ordinary,
            sign_in: limits.limit_sign_in,
            sign_in_network: self.guessing.limit_sign_in_network,
            sign_in_everywhere: self.guessing.limit_sign_in_everywhere,
            guessing: self.guessing.settings(),
            sign_up: limits.limit_sign_up,
            mail: limits.limit_mail,
            mail_from: limits.limit_mail_from,
            verify: limits.limit_verify,
            factor_change: limits.limit_factor_change,
            factor_set_up: limits.limit_factor_set_up,
            factor_set_up_code: limits.limit_factor_set_up_code,
        };
        if limits.rate_limits == RateLimits::Relaxed { set.relaxed() } else { set }
    }
}

impl ServerConfig {
    /// How many clients there may be, and how long they may take.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            connections: usize::try_from(self.max_connections).unwrap_or(usize::MAX),
            header: Duration::from_secs(self.header_timeout),
            stall: Duration::from_secs(self.stall_timeout),
            shutdown: Duration::from_secs(self.shutdown_timeout),
        }
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let plain = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@\"'<>\\".contains(&byte));
    if plain { Ok(url.to_owned()) } else { Err("it must be like https://login.example.com, without a path".to_owned()) }
}

fn network(text: &str) -> Result<IpNet, String> {
    let single = text.parse::<std::net::IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    text.parse::<IpNet>().or(single).map_err(|_| "it must be an address or a network such as 10.0.0.0/8".to_owned())
}

/// A life of something: from a second to a year.
fn seconds() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=31_536_000)
}

fn rate(text: &str) -> Result<Rate, String> {
    let wrong = || "it must be calls and seconds, as in 100/60".to_owned();
    let (limit, seconds) = text.split_once('/').ok_or_else(wrong)?;
    let rate = Rate::new(limit.parse().map_err(|_| wrong())?, seconds.parse().map_err(|_| wrong())?);
    if rate.limit == 0 || rate.per.is_zero() { Err(wrong()) } else { Ok(rate) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_has_no_path_and_no_slash_at_its_end() {
        assert_eq!(public_url("https://id.example.org/").as_deref(), Ok("https://id.example.org"));
        for bad in ["id.example.org", "https://", "https://a/b", "ftp://a", "https://u@a", ""] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rate_is_calls_and_seconds() {
        assert_eq!(rate("5/60"), Ok(Rate::new(5, 60)));
        for bad in ["5", "0/60", "5/0", "a/b", "5/60/1", ""] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
