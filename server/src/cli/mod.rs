//! The command line. Each command is a file; this one reads the words and hands on.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use latchkey::clock::Clock;
use latchkey::{Latchkey, Visitor};

use crate::config::{Config, layers, reference};

mod audit;
mod backup;
mod doctor;
mod keys;
mod landlord;
mod serve;

/// Authentication for everything you run.
#[derive(Parser, Debug)]
#[command(name = "latchkey", version, about, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve the API and the pages
    Serve(Box<Config>),
    /// The same with defaults for development: relaxed limits, tokens that last a week, mails that stay in a mailbox here
    Dev(Box<Config>),
    /// Bring the database up to date and stop
    Migrate(Box<Config>),
    /// Check that everything the server needs is there
    Doctor(Box<doctor::Doctor>),
    /// Write everything into one file, while servers go on; the master key is not in it
    Backup(Box<backup::Backup>),
    /// Read such a file into an empty database, of either kind
    Restore(Box<backup::Restore>),
    /// The keys everything rests on
    Keys {
        #[command(subcommand)]
        command: keys::Command,
    },
    /// The platform's own administrators
    Landlord {
        #[command(subcommand)]
        command: landlord::Command,
    },
    /// The audit log
    Audit {
        #[command(subcommand)]
        command: audit::Command,
    },
    /// Print the reference of all settings
    #[command(hide = true)]
    ConfigReference,
    /// Print the OpenAPI document
    #[command(hide = true)]
    Openapi,
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let read = layers::layered(Cli::command(), &words).and_then(|command| {
        let matches = command.get_matches_from(&words);
        Cli::from_arg_matches(&matches).map_err(|error| error.to_string())
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string());
    match read.and_then(|cli| runtime?.block_on(cli.command.run())) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("latchkey: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Reads settings as `latchkey serve` would, from these words.
pub fn read_config(words: &[&str]) -> Result<Config, String> {
    let words = ["latchkey", "serve"].iter().chain(words);
    match Cli::try_parse_from(words).map_err(|error| error.to_string())?.command {
        Command::Serve(config) => Ok(*config),
        _ => Err("only `serve` has settings alone".to_owned()),
    }
}

/// The reference of all settings as markdown.
pub fn config_reference() -> String {
    reference::markdown(&Cli::command())
}

async fn open(config: &Config) -> Result<Latchkey, String> {
    Latchkey::open(config.settings()?, Clock::System).await.map_err(|error| error.to_string())
}

/// Who acts when a command does.
fn operator(command: &str) -> Visitor {
    Visitor {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: command.to_owned(),
        request_id: "command-line".to_owned(),
    }
}

impl Command {
    async fn run(self) -> Result<ExitCode, String> {
        match self {
            Self::Serve(config) => serve::run(&config).await?,
            Self::Dev(config) => serve::develop(*config).await?,
            Self::Migrate(config) => serve::migrate(&config).await?,
            Self::Doctor(doctor) => return doctor::run(&doctor).await,
            Self::Backup(backup) => backup::write(&backup).await?,
            Self::Restore(restore) => return backup::restore(&restore).await,
            Self::Keys { command } => keys::run(command).await?,
            Self::Landlord { command } => landlord::run(command).await?,
            Self::Audit { command } => return audit::run(command).await,
            Self::ConfigReference => print!("{}", config_reference()),
            Self::Openapi => println!("{}", crate::openapi::document()),
        }
        Ok(ExitCode::SUCCESS)
    }
}
