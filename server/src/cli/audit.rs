//! `latchkey audit verify | export`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use latchkey::Latchkey;
use latchkey::flow::audit_log::ExportFormat;

use super::open;
use crate::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Prove that no entry of the audit log was changed, removed or moved
    Verify(Box<Verify>),
    /// Print the audit log of an organization, or of the platform
    Export(Box<Export>),
}

#[derive(Args, Debug)]
pub(super) struct Verify {
    #[command(flatten)]
    config: Config,
}

#[derive(Args, Debug)]
pub(super) struct Export {
    /// The id of the organization; without it, what belongs to none
    #[arg(long, default_value = "platform")]
    organization: String,
    /// How it is written
    #[arg(long, default_value = "ndjson")]
    format: Format,
    #[command(flatten)]
    config: Config,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One JSON object a line
    Ndjson,
    /// Comma-separated values
    Csv,
}

pub(super) async fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Verify(verify) => prove(&verify.config).await,
        Command::Export(export) => print(*export).await,
    }
}

async fn prove(config: &Config) -> Result<ExitCode, String> {
    let latchkey = open(config).await?;
    let found = latchkey.verify_audit_log().await;
    latchkey.close().await.map_err(|error| error.to_string())?;
    match found.map_err(|error| error.to_string())? {
        Ok(chains) => {
            for (chain, length) in &chains {
                println!("{chain}: {length} entries, untouched");
            }
            println!("Nothing was changed, removed or moved since it was written.");
            Ok(ExitCode::SUCCESS)
        }
        Err(tampered) => {
            println!("{}: entry {}: {}", tampered.chain, tampered.position, tampered.what);
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn print(export: Export) -> Result<ExitCode, String> {
    let latchkey = open(&export.config).await?;
    let format = match export.format {
        Format::Ndjson => ExportFormat::Ndjson,
        Format::Csv => ExportFormat::Csv,
    };
    let written = write(&latchkey, &export.organization, format).await;
    latchkey.close().await.map_err(|error| error.to_string())?;
    written.map(|()| ExitCode::SUCCESS)
}

async fn write(latchkey: &Latchkey, chain: &str, format: ExportFormat) -> Result<(), String> {
    let failed = |error: latchkey::Error| match error {
        latchkey::Error::NotFound => format!("there is no audit log of {chain}"),
        other => other.to_string(),
    };
    let mut export = latchkey.export_chain(chain, format).await.map_err(failed)?;
    while let Some(piece) = latchkey.export_next(&mut export).await.map_err(failed)? {
        std::io::stdout().write_all(piece.as_bytes()).map_err(|error| error.to_string())?;
    }
    Ok(())
}
