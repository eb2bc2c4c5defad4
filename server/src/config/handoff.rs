//! Handing sessions on to other sites.

use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use latchkey::handoff::Origin;
use latchkey::settings;

/// Handing sessions on to other sites.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Handoff")]
pub struct HandoffConfig {
    /// Sites that people who are signed in may be handed on to: exact origins such as `https://app.example.com`,
    /// separated by commas
    #[arg(long, env = "LATCHKEY_HANDOFF_TARGETS", value_name = "ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub handoff_targets: Vec<Origin>,
    /// Life of the ticket they come with
    #[arg(long, env = "LATCHKEY_HANDOFF_TTL", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub handoff_ttl: u64,
    /// Whether links with tokens in them (`SF_Token`) are taken beside tickets
    #[arg(long, env = "LATCHKEY_RAW_HANDOFF", value_name = "BOOLEAN", default_value = "true", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub raw_handoff: bool,
}

impl HandoffConfig {
    /// What the core is opened with.
    pub(super) fn settings(&self) -> settings::Handoff {
        settings::Handoff {
            targets: self.handoff_targets.clone(),
            ticket_life: Duration::from_secs(self.handoff_ttl),
            raw: self.raw_handoff,
        }
    }
}

/// An exact origin.
pub(super) fn origin(text: &str) -> Result<Origin, String> {
    let wrong = || "it must be an origin in lower case such as https://app.example.com, without a slash at its end";
    Origin::parse(text.trim()).ok_or_else(|| wrong().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_exact_origin() {
        assert!(origin(" https://app.example.com:8443").is_ok());
        for bad in ["app.example.com", "https://app.example.com/", "https://*.example.com", "https://APP.example.com"] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
