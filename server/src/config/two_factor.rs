//! The second factor.

use std::time::Duration;

use clap::Args;
use latchkey::settings;

use super::seconds;

/// The second factor.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Two-factor authentication")]
pub struct TwoFactorConfig {
    /// What this installation is called in people's authenticators
    #[arg(long, env = "LATCHKEY_TOTP_ISSUER", value_name = "NAME", default_value = "Latchkey", value_parser = issuer)]
    pub totp_issuer: String,
    /// How long somebody who has given the password may take for the code
    #[arg(long, env = "LATCHKEY_TWO_FACTOR_TTL", value_name = "SECONDS", default_value_t = 300, value_parser = seconds())]
    pub two_factor_ttl: u64,
    /// Wrong codes that end such a sign-in
    #[arg(long, env = "LATCHKEY_TWO_FACTOR_TRIES", value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub two_factor_tries: u32,
    /// Wrong codes, from wherever they come, that lock a second factor
    #[arg(long, env = "LATCHKEY_TWO_FACTOR_FAILURES", value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub two_factor_failures: u32,
    /// In how long those count
    #[arg(long, env = "LATCHKEY_TWO_FACTOR_FAILURE_WINDOW", value_name = "SECONDS", default_value_t = 900, value_parser = seconds())]
    pub two_factor_failure_window: u64,
    /// How long a second factor is locked then
    #[arg(long, env = "LATCHKEY_TWO_FACTOR_LOCK", value_name = "SECONDS", default_value_t = 900, value_parser = seconds())]
    pub two_factor_lock: u64,
    /// How long a new authenticator may wait for its first code
    #[arg(long, env = "LATCHKEY_TWO_FACTOR_SET_UP_TTL", value_name = "SECONDS", default_value_t = 600, value_parser = seconds())]
    pub two_factor_set_up_ttl: u64,
    /// How long a device is trusted; organizations may make it shorter
    #[arg(long, env = "LATCHKEY_TRUSTED_DEVICE_TTL", value_name = "SECONDS", default_value_t = 2_592_000, value_parser = seconds())]
    pub trusted_device_ttl: u64,
    /// How long a proof of who one is counts as recent (step-up)
    #[arg(long, env = "LATCHKEY_STEP_UP_TTL", value_name = "SECONDS", default_value_t = 600, value_parser = seconds())]
    pub step_up_ttl: u64,
}

impl TwoFactorConfig {
    /// What the core is opened with.
    pub(super) fn settings(&self) -> settings::TwoFactor {
        settings::TwoFactor {
            issuer: self.totp_issuer.clone(),
            sign_in: Duration::from_secs(self.two_factor_ttl),
            sign_in_tries: self.two_factor_tries,
            failures: self.two_factor_failures,
            failure_window: Duration::from_secs(self.two_factor_failure_window),
            lock: Duration::from_secs(self.two_factor_lock),
            set_up: Duration::from_secs(self.two_factor_set_up_ttl),
            trust: Duration::from_secs(self.trusted_device_ttl),
            recent: Duration::from_secs(self.step_up_ttl),
        }
    }
}

fn issuer(text: &str) -> Result<String, String> {
    let name = text.trim();
    let fine = !name.is_empty() && name.len() <= 60 && !name.contains(':') && !name.chars().any(char::is_control);
    if fine { Ok(name.to_owned()) } else { Err("it must be a short name without a colon".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_a_short_name_without_a_colon() {
        assert_eq!(issuer(" Blue Harbour "), Ok("Blue Harbour".to_owned()));
        for bad in ["", "  ", "a:b", "a\nb", &"x".repeat(61)] {
            assert!(issuer(bad).is_err(), "{bad:?}");
        }
    }
}
