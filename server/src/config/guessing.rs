//! Guessing of passwords.

use std::time::Duration;

use clap::Args;
use latchkey::limit::Rate;
use latchkey::settings;

use super::{rate, seconds};

/// Guessing of passwords; the rates as calls and seconds: `50/60`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Guessing")]
pub struct GuessingConfig {
    /// Failed sign-ins by wider network (the first 24 bits of IPv4, 48 of IPv6), those of known browsers aside
    #[arg(long, env = "LATCHKEY_LIMIT_SIGN_IN_NETWORK", value_name = "CALLS/SECONDS", default_value = "50/60", value_parser = rate)]
    pub limit_sign_in_network: Rate,
    /// The same from everywhere together
    #[arg(long, env = "LATCHKEY_LIMIT_SIGN_IN_EVERYWHERE", value_name = "CALLS/SECONDS", default_value = "300/60", value_parser = rate)]
    pub limit_sign_in_everywhere: Rate,
    /// With how many wrong passwords in a row at one account the next has to wait
    #[arg(long, env = "LATCHKEY_GUESSING_FAILURES", value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=80))]
    pub guessing_failures: u32,
    /// How long then; each further one doubles it
    #[arg(long, env = "LATCHKEY_GUESSING_FIRST_WAIT", value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    pub guessing_first_wait: u64,
    /// The longest wait
    #[arg(long, env = "LATCHKEY_GUESSING_LONGEST_WAIT", value_name = "SECONDS", default_value_t = 3600, value_parser = seconds())]
    pub guessing_longest_wait: u64,
}

impl GuessingConfig {
    /// What the core is opened with, in its limits.
    pub(super) fn settings(&self) -> settings::Guessing {
        settings::Guessing {
            failures: self.guessing_failures,
            first_wait: Duration::from_secs(self.guessing_first_wait),
            longest_wait: Duration::from_secs(self.guessing_longest_wait),
            ..settings::Guessing::default()
        }
    }
}
