//! Front ends on other origins of the same site (contract section 8).

use clap::Args;
use latchkey::handoff::Origin;

use super::handoff::origin;

/// Front ends on other origins of the same site.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Front ends elsewhere")]
pub struct FrontEndConfig {
    /// Exact origins whose pages may call the API with the session cookie, separated by commas: they count as our own for
    /// CSRF and get CORS with credentials
    #[arg(long, env = "LATCHKEY_TRUSTED_ORIGINS", value_name = "ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub trusted_origins: Vec<Origin>,
    /// The domain that shares the session cookie: the host of the public address or a domain above it. Every host below it
    /// can read and plant that cookie; without it only this very host holds it
    #[arg(long, env = "LATCHKEY_COOKIE_DOMAIN", value_name = "DOMAIN")]
    pub cookie_domain: Option<String>,
}

impl FrontEndConfig {
    /// Refuses a domain that browsers would not take from the host of the public address.
    pub fn check(&self, public_url: &str) -> Result<(), String> {
        let Some(domain) = self.cookie_domain.as_deref() else { return Ok(()) };
        let host = public_url.split("://").nth(1).unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let above = host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let plain =
            domain.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
        if above
            && plain
            && domain.contains('.')
            && !domain.starts_with('.')
            && host.parse::<std::net::IpAddr>().is_err()
        {
            Ok(())
        } else {
            Err(format!("cookie_domain must be {host} or a domain above it, such as example.com"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_fine(domain: &str, url: &str) -> bool {
        FrontEndConfig { trusted_origins: Vec::new(), cookie_domain: Some(domain.to_owned()) }.check(url).is_ok()
    }

    #[test]
    fn only_the_host_or_a_domain_above_it_shares_the_cookie() {
        for good in ["auth.example.org", "example.org"] {
            assert!(
                is_fine(good, "https://auth.example.org") && is_fine(good, "https://auth.example.org:8443"),
                "{good}"
            );
        }
        for bad in [
            "org",
            ".example.org",
            "ample.org",
            "other.org",
            "app.auth.example.org",
            "Example.org",
            "a;b.example.org",
            "",
        ] {
            assert!(!is_fine(bad, "https://auth.example.org"), "{bad}");
        }
        assert!(!is_fine("0.0.1", "http://127.0.0.1:3000") && !is_fine("localhost", "http://localhost:3000"));
    }
}
