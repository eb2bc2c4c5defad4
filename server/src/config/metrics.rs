//! Where metrics are served.

use std::net::SocketAddr;

use clap::Args;

/// Where metrics are served.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsConfig {
    /// Address and port to serve metrics on, apart from everything else; empty: none. Without it, 127.0.0.1:9464 as long
    /// as that is free
    #[arg(long, env = "LATCHKEY_METRICS_LISTEN", value_name = "ADDRESS:PORT", value_parser = listen)]
    pub metrics_listen: Option<MetricsListen>,
}

/// Where somebody wants metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListen {
    /// Nowhere.
    Off,
    /// Here.
    At(SocketAddr),
}

fn listen(text: &str) -> Result<MetricsListen, String> {
    match text.trim() {
        "" => Ok(MetricsListen::Off),
        text => text.parse().map(MetricsListen::At).map_err(|_| "it must be like 127.0.0.1:9464, or empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::read_config;

    #[test]
    fn metrics_can_be_switched_off_and_moved() {
        let read = |words: &[&str]| read_config(words).map(|config| config.metrics.metrics_listen);
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["--metrics-listen="]), Ok(Some(MetricsListen::Off)));
        let there = "10.0.0.1:9000".parse().expect("an address");
        assert_eq!(read(&["--metrics-listen=10.0.0.1:9000"]), Ok(Some(MetricsListen::At(there))));
        assert!(read(&["--metrics-listen=9000"]).is_err());
    }
}
