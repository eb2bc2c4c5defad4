//! Unusual use of API keys.

use std::time::Duration;

use clap::{Args, ValueEnum};
use latchkey::key_watch::Signal;
use latchkey::settings;

use super::seconds;

/// Unusual use of API keys.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Unusual use of API keys")]
pub struct KeyWatchConfig {
    /// What is told of when an API key is used, separated by commas
    #[arg(
        long,
        env = "LATCHKEY_KEY_WATCH",
        value_name = "SIGNALS",
        value_delimiter = ',',
        default_value = "network,agent,burst,silence,end"
    )]
    pub key_watch: Vec<Watched>,
    /// How long a key is got to know before networks, programs and amounts are compared with its past
    #[arg(long, env = "LATCHKEY_KEY_WATCH_LEARNING", value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(0..=31_536_000))]
    pub key_watch_learning: u64,
    /// How long a silence is a long one
    #[arg(long, env = "LATCHKEY_KEY_WATCH_SILENCE", value_name = "SECONDS", default_value_t = 2_592_000, value_parser = seconds())]
    pub key_watch_silence: u64,
    /// How many times the busiest usual hour a burst is
    #[arg(long, env = "LATCHKEY_KEY_WATCH_BURST", value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub key_watch_burst: u32,
    /// Fewest calls in an hour that are a burst
    #[arg(long, env = "LATCHKEY_KEY_WATCH_BURST_CALLS", value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub key_watch_burst_calls: u32,
    /// How far back hours say what is usual
    #[arg(long, env = "LATCHKEY_KEY_WATCH_USUAL", value_name = "SECONDS", default_value_t = 604_800, value_parser = clap::value_parser!(u64).range(3600..=2_592_000))]
    pub key_watch_usual: u64,
    /// How long nobody gets a second mail about one key
    #[arg(long, env = "LATCHKEY_KEY_WATCH_MAIL_EVERY", value_name = "SECONDS", default_value_t = 86_400, value_parser = seconds())]
    pub key_watch_mail_every: u64,
    /// How many networks, and how many programs, of one key are remembered
    #[arg(long, env = "LATCHKEY_KEY_WATCH_REMEMBERED", value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub key_watch_remembered: u32,
}

/// What can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Watched {
    /// New networks
    Network,
    /// New programs
    Agent,
    /// Far more calls than usual
    Burst,
    /// The first call after long silence
    Silence,
    /// Use of an expired, revoked or replaced key
    End,
    /// Nothing: use is not watched
    Off,
}

impl Watched {
    const fn signal(self) -> Option<Signal> {
        match self {
            Self::Network => Some(Signal::NewNetwork),
            Self::Agent => Some(Signal::NewAgent),
            Self::Burst => Some(Signal::Burst),
            Self::Silence => Some(Signal::AfterSilence),
            Self::End => Some(Signal::AfterEnd),
            Self::Off => None,
        }
    }
}

impl KeyWatchConfig {
    /// What the core is opened with.
    pub(super) fn settings(&self) -> settings::KeyWatch {
        let off = self.key_watch.contains(&Watched::Off);
        let signals = if off { Vec::new() } else { self.key_watch.iter().filter_map(|one| one.signal()).collect() };
        settings::KeyWatch {
            signals,
            learning: Duration::from_secs(self.key_watch_learning),
            silence: Duration::from_secs(self.key_watch_silence),
            burst_factor: self.key_watch_burst,
            burst_calls: self.key_watch_burst_calls,
            usual: Duration::from_secs(self.key_watch_usual),
            mail_every: Duration::from_secs(self.key_watch_mail_every),
            remembered: self.key_watch_remembered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::read_config;

    fn watch(words: &[&str]) -> settings::KeyWatch {
        read_config(words).expect("settings").key_watch.settings()
    }

    #[test]
    fn everything_is_watched_unless_said_otherwise() {
        let usual = settings::KeyWatch::default();
        assert_eq!(format!("{:?}", watch(&[])), format!("{usual:?}"), "the reference tells the core's own figures");
        assert_eq!(watch(&["--key-watch=burst,end"]).signals, [Signal::Burst, Signal::AfterEnd]);
        assert!(!watch(&["--key-watch=off"]).is_on());
        assert!(!watch(&["--key-watch=off,burst"]).is_on(), "off is off");
        assert!(read_config(&["--key-watch=everything"]).is_err());
    }
}
