//! What a user agent tells of a browser and its system, in words.

/// A browser or program, and the system it runs on, as far as its user agent tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// `Firefox`.
    pub program: Option<&'static str>,
    /// `Linux`.
    pub system: Option<&'static str>,
}

impl Agent {
    /// Reads a user agent.
    pub fn of(user_agent: &str) -> Self {
        let find = |known: &[(&str, &'static str)]| {
            known.iter().find(|(token, _)| user_agent.contains(token)).map(|(_, name)| *name)
        };
        let program = find(&[
            ("Edg/", "Edge"),
            ("OPR/", "Opera"),
            ("Firefox/", "Firefox"),
            ("Chromium/", "Chromium"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
            ("curl/", "curl"),
        ]);
        let system = find(&[
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Android", "Android"),
            ("Windows", "Windows"),
            ("Mac OS X", "macOS"),
            ("CrOS", "ChromeOS"),
            ("Linux", "Linux"),
        ]);
        Self { program, system }
    }

    /// `desktop`, `mobile` or `tablet`.
    pub fn kind(self) -> &'static str {
        match self.system {
            Some("iPhone" | "Android") => "mobile",
            Some("iPad") => "tablet",
            _ => "desktop",
        }
    }
}

/// Both in words: `Firefox on Linux`.
pub fn browser(user_agent: &str) -> String {
    let Agent { program, system } = Agent::of(user_agent);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        (None, Some(system)) => format!("A program on {system}"),
        (None, None) => user_agent.split(['/', ' ']).find(|word| !word.is_empty()).unwrap_or("Unknown").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_for_people() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        assert_eq!(browser(chrome), "Chrome on Linux");
        assert_eq!(browser("curl/8.5.0"), "curl");
        assert_eq!(browser("billing-worker/2.1"), "billing-worker");
        assert_eq!(browser(""), "Unknown");
        assert_eq!(Agent::of("Mozilla/5.0 (iPhone) Safari/1").kind(), "mobile");
    }
}
