//! File below environment below command line, and refusal of names that nobody knows.
//!
//! The file's values become the defaults of the command line's arguments, so every value is read and checked by one
//! parser wherever it was written.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};

const FILE: &str = "latchkey.toml";
const PREFIX: &str = "LATCHKEY_";
/// Names in the environment that belong to building and testing, not to the server.
const NOT_OURS: [&str; 2] = ["LATCHKEY_TOOLS", "LATCHKEY_TEST_"];
/// What `dev` sets when nobody says otherwise: room for tests, and tokens that last a week.
const DEVELOPMENT: [(&str, &str); 2] = [("rate_limits", "relaxed"), ("access_token_ttl", "604800")];

/// The command with the file's values as its defaults; an error names what is wrong.
pub fn layered(command: Command, words: &[OsString]) -> Result<Command, String> {
    let known = known(&command);
    refuse_unknown(&known, std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))?;
    let command = command.mut_subcommand("dev", |dev| with_defaults(dev, &DEVELOPMENT.map(owned)));
    match file(words)? {
        None => Ok(command),
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let values = read(&known, &text).map_err(|problem| format!("{}: {problem}", path.display()))?;
            Ok(with_defaults(command, &values))
        }
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The settings that `serve` has: their names in the file, and in the environment.
fn known(command: &Command) -> BTreeSet<String> {
    let serve = command.find_subcommand("serve");
    let settings = serve.into_iter().flat_map(Command::get_arguments).filter(|arg| arg.get_env().is_some());
    settings.map(|arg| arg.get_id().to_string()).collect()
}

fn refuse_unknown(known: &BTreeSet<String>, names: impl Iterator<Item = String>) -> Result<(), String> {
    for name in names {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let ours = !NOT_OURS.iter().any(|foreign| name.starts_with(foreign));
        if ours && !known.contains(&rest.to_ascii_lowercase()) {
            return Err(format!("the environment variable {name} is not a setting of Latchkey"));
        }
    }
    Ok(())
}

fn file(words: &[OsString]) -> Result<Option<PathBuf>, String> {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let mut named = None;
    while let Some(word) = words.next() {
        if word == "--config" {
            named = words.next().map(|word| PathBuf::from(word.as_ref()));
        } else if let Some(path) = word.strip_prefix("--config=") {
            named = Some(PathBuf::from(path));
        }
    }
    let named = named.or_else(|| std::env::var_os("LATCHKEY_CONFIG").map(PathBuf::from));
    match named {
        Some(path) if !path.is_file() => Err(format!("there is no settings file {}", path.display())),
        Some(path) => Ok(Some(path)),
        None => Ok(Path::new(FILE).is_file().then(|| PathBuf::from(FILE))),
    }
}

fn read(known: &BTreeSet<String>, text: &str) -> Result<Vec<(String, String)>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    table
        .into_iter()
        .map(|(name, value)| {
            if name == "config" || !known.contains(&name) {
                return Err(format!("`{name}` is not a setting of Latchkey"));
            }
            let value = plain(&value).ok_or_else(|| format!("`{name}` must be a text, a number or a list of texts"))?;
            Ok((name, value))
        })
        .collect()
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(values) => {
            let values: Option<Vec<_>> = values.iter().map(toml::Value::as_str).collect();
            values.map(|values| values.join(","))
        }
        _ => None,
    }
}

fn with_defaults(command: Command, values: &[(String, String)]) -> Command {
    let given = |arg: Arg| match values.iter().find(|(name, _)| arg.get_id() == name.as_str()) {
        Some((_, value)) if arg.get_env().is_some() => arg.default_value(value.clone()),
        _ => arg,
    };
    command.mut_args(given).mut_subcommands(|below| with_defaults(below, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeSet<String> {
        ["listen", "trusted_proxies", "access_token_ttl"].map(str::to_owned).into()
    }

    #[test]
    fn a_file_is_read_into_texts() {
        let text = "listen = \"127.0.0.1:1\"\naccess_token_ttl = 60\ntrusted_proxies = [\"10.0.0.1\", \"::1\"]";
        let values = read(&known(), text).expect("fine");
        let value = |name: &str| values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(value("access_token_ttl"), Some("60"));
        assert_eq!(value("trusted_proxies"), Some("10.0.0.1,::1"));
    }

    #[test]
    fn unknown_names_are_refused_by_name() {
        assert!(read(&known(), "lissten = 1").expect_err("unknown").contains("lissten"));
        let names = ["PATH", "LATCHKEY_LISTEN", "LATCHKEY_TEST_POSTGRES_URL"].map(str::to_owned);
        assert!(refuse_unknown(&known(), names.into_iter()).is_ok());
        let unknown = refuse_unknown(&known(), ["LATCHKEY_LISSTEN".to_owned()].into_iter());
        assert!(unknown.expect_err("unknown").contains("LATCHKEY_LISSTEN"));
    }
}
