//! The reference of all settings, written from the very definitions that read them.

use std::fmt::Write as _;

use clap::{Arg, Command};

const HEAD: &str = "# Settings

<!-- Written by `latchkey config-reference`; a test holds it fresh. Do not edit. -->

Every setting has one name in three spellings: an option of `latchkey serve`, an environment variable, and a key of
`latchkey.toml`. The first one found counts, in this order. Times are in seconds. Names that are not in this list are
refused at start.
";

/// All settings of `command` as markdown.
pub fn markdown(command: &Command) -> String {
    let mut text = HEAD.to_owned();
    let mut heading = None;
    let serve = command.find_subcommand("serve");
    for arg in serve.into_iter().flat_map(Command::get_arguments).filter(|arg| arg.get_env().is_some()) {
        if arg.get_help_heading() != heading || heading.is_none() {
            heading = arg.get_help_heading();
            let _ = write!(text, "\n## {}\n\n", heading.unwrap_or("General"));
            text.push_str("| Environment | File | Default | Meaning |\n| --- | --- | --- | --- |\n");
        }
        line(&mut text, arg);
    }
    text
}

fn line(text: &mut String, arg: &Arg) {
    let env = arg.get_env().map(|name| name.to_string_lossy()).unwrap_or_default();
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    let mut meaning = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let values = arg.get_possible_values();
    if !values.is_empty() {
        let named = |value: &clap::builder::PossibleValue| {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            format!("`{}` ({help})", value.get_name())
        };
        let _ = write!(meaning, ": {}", values.iter().map(named).collect::<Vec<_>>().join(", "));
    }
    let _ =
        writeln!(text, "| `{env}` | `{}` | {} | {} |", arg.get_id(), defaults.join(" "), meaning.replace('|', "\\|"));
}
