//! How mail leaves the house, and how long what is mailed lives.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use latchkey::mail::{BadSmtpUrl, SmtpServer};
use latchkey::settings::{self, Transport};

use super::seconds;

/// Mail.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub struct MailConfig {
    /// The mail server: `smtp://user:password@host:port?tls=…` (`none`, `opportunistic`, `required`) or `smtps://…`;
    /// characters such as @ / : in user or password are percent-encoded. Without it nothing is mailed
    #[arg(long, env = "LATCHKEY_SMTP_URL", value_name = "URL", hide_env_values = true, hide_default_value = true, value_parser = SmtpUrl::read)]
    pub smtp_url: Option<SmtpUrl>,
    /// Certificates (PEM) that are believed besides the public ones when talking to the mail server
    #[arg(long, env = "LATCHKEY_SMTP_CA_FILE", value_name = "FILE")]
    pub smtp_ca_file: Option<PathBuf>,
    /// How long one step of talking to the mail server may take
    #[arg(long, env = "LATCHKEY_SMTP_TIMEOUT", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=120))]
    pub smtp_timeout: u64,
    /// Who mails come from, an address or `Name <address>`; without it, `no-reply` at the host of the public address
    #[arg(long, env = "LATCHKEY_MAIL_FROM", value_name = "SENDER")]
    pub mail_from: Option<String>,
    /// How long a mail is tried before it is given up
    #[arg(long, env = "LATCHKEY_MAIL_GIVE_UP", value_name = "SECONDS", default_value_t = 259_200)]
    pub mail_give_up: u64,
    /// How long the first retry waits; each further one waits twice as long
    #[arg(long, env = "LATCHKEY_MAIL_FIRST_RETRY", value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub mail_first_retry: u64,
    /// The longest wait between two tries
    #[arg(long, env = "LATCHKEY_MAIL_LONGEST_RETRY", value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..))]
    pub mail_longest_retry: u64,
    /// How many mails are handed over at the same time
    #[arg(long, env = "LATCHKEY_MAIL_SENDERS", value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub mail_senders: u32,
    /// Life of a mailed link or code to sign in with
    #[arg(long, env = "LATCHKEY_MAGIC_LINK_TTL", value_name = "SECONDS", default_value_t = 600, value_parser = seconds())]
    pub magic_link_ttl: u64,
    /// Life of a mailed link or code to choose a new password with
    #[arg(long, env = "LATCHKEY_RESET_TTL", value_name = "SECONDS", default_value_t = 1_800, value_parser = seconds())]
    pub reset_ttl: u64,
    /// Life of a mailed link or code that confirms an address
    #[arg(long, env = "LATCHKEY_VERIFY_TTL", value_name = "SECONDS", default_value_t = 86_400, value_parser = seconds())]
    pub verify_ttl: u64,
    /// How long the former address can undo a change of address
    #[arg(long, env = "LATCHKEY_UNDO_TTL", value_name = "SECONDS", default_value_t = 259_200, value_parser = seconds())]
    pub undo_ttl: u64,
    /// How long the link in a notice can end all sessions
    #[arg(long, env = "LATCHKEY_SECURE_TTL", value_name = "SECONDS", default_value_t = 604_800, value_parser = seconds())]
    pub secure_ttl: u64,
    /// Life of an invitation
    #[arg(long, env = "LATCHKEY_INVITATION_TTL", value_name = "SECONDS", default_value_t = 259_200, value_parser = seconds())]
    pub invitation_ttl: u64,
    /// Whether mails stay here to be read when there is no mail server. No setting: only `latchkey dev` says so.
    #[arg(skip)]
    pub kept_here: bool,
}

/// A mail server as it was written down, good or not. A bad one is refused when it is used and not while the command
/// line is read, which would repeat it with its password.
#[derive(Clone, Debug)]
pub struct SmtpUrl(Result<SmtpServer, BadSmtpUrl>);

impl SmtpUrl {
    #[allow(clippy::unnecessary_wraps, reason = "the command line takes nothing else")]
    fn read(text: &str) -> Result<Self, Infallible> {
        Ok(Self(SmtpServer::parse(text)))
    }
}

impl MailConfig {
    /// What the core is opened with.
    pub(super) fn mail(&self) -> Result<settings::Mail, String> {
        Ok(settings::Mail {
            transport: self.transport()?,
            from: self.mail_from.clone(),
            give_up: Duration::from_secs(self.mail_give_up),
            first_retry: Duration::from_secs(self.mail_first_retry),
            longest_retry: Duration::from_secs(self.mail_longest_retry),
        })
    }

    pub(super) fn links(&self) -> settings::Links {
        settings::Links {
            sign_in: Duration::from_secs(self.magic_link_ttl),
            reset: Duration::from_secs(self.reset_ttl),
            verify: Duration::from_secs(self.verify_ttl),
            undo: Duration::from_secs(self.undo_ttl),
            secure: Duration::from_secs(self.secure_ttl),
            invitation: Duration::from_secs(self.invitation_ttl),
        }
    }

    fn transport(&self) -> Result<Transport, String> {
        match &self.smtp_url {
            Some(SmtpUrl(server)) => {
                let server = server.as_ref().map_err(|bad| format!("LATCHKEY_SMTP_URL: {bad}"))?.clone();
                let timeout = Duration::from_secs(self.smtp_timeout);
                Ok(Transport::Smtp(SmtpServer { ca_file: self.smtp_ca_file.clone(), timeout, ..server }))
            }
            None if self.kept_here => Ok(Transport::Mailbox),
            None => Ok(Transport::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::read_config;

    fn transport(words: &[&str], kept_here: bool) -> Result<Transport, String> {
        let mut config = read_config(words).expect("settings");
        config.mail.kept_here = kept_here;
        config.mail.transport()
    }

    #[test]
    fn a_bad_mail_server_is_refused_without_repeating_its_password() {
        let refused = transport(&["--smtp-url=smtp://ada:lovelace@mail.example.org?tls=none"], false).expect_err("bad");
        assert!(refused.starts_with("LATCHKEY_SMTP_URL: The password"), "{refused}");
        for bad in ["smtp://ada:lovelace@", "http://ada:lovelace@mail.example.org", "lovelace", ""] {
            let refused = transport(&[&format!("--smtp-url={bad}")], true).expect_err("bad");
            assert!(!refused.contains("lovelace"), "{refused}");
        }
    }

    #[test]
    fn nothing_that_is_printed_of_the_settings_holds_the_password() {
        let config = read_config(&["--smtp-url=smtps://ada:lovelace@mail.example.org"]).expect("settings");
        assert!(!format!("{config:?}").contains("lovelace"));
    }

    #[test]
    fn mails_stay_here_only_in_development_and_without_a_server() {
        assert!(matches!(transport(&[], false), Ok(Transport::None)));
        assert!(matches!(transport(&[], true), Ok(Transport::Mailbox)));
        assert!(matches!(transport(&["--smtp-url=smtp://localhost:1025"], true), Ok(Transport::Smtp(_))));
    }

    #[test]
    fn the_mail_server_is_asked_as_was_set() {
        let words = ["--smtp-url=smtp://localhost", "--smtp-timeout=7", "--smtp-ca-file=/etc/own-ca.pem"];
        let Ok(Transport::Smtp(server)) = transport(&words, false) else { panic!("a mail server") };
        assert_eq!((server.timeout, server.ca_file), (Duration::from_secs(7), Some("/etc/own-ca.pem".into())));
    }
}
