//! `latchkey backup` and `restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use latchkey::backup::Counts;
use latchkey::clock::Clock;
use latchkey::flow::backup::{Restored, back_up, back_up_to, restore as restore_from};

use crate::Config;

#[derive(Args, Debug)]
pub(super) struct Backup {
    /// Where to; `-` for standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the file when there is one
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    config: Config,
}

#[derive(Args, Debug)]
pub(super) struct Restore {
    /// What `latchkey backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    config: Config,
}

/// What it says goes to standard error, for standard output may be the backup.
pub(super) async fn write(backup: &Backup) -> Result<(), String> {
    let (storage, now) = (backup.config.settings()?.storage, Clock::System.now());
    let (written, place) = if backup.file.as_os_str() == "-" {
        (back_up(&storage, now, std::io::stdout()).await, "standard output".to_owned())
    } else {
        (back_up_to(&storage, now, &backup.file, backup.force).await, backup.file.display().to_string())
    };
    let rows = written.map_err(|error| error.to_string())?;
    eprintln!("{} to {place}, as of {}. Keep the master key elsewhere: it is not in it.", said(&rows), now.rfc3339());
    Ok(())
}

pub(super) async fn restore(restore: &Restore) -> Result<ExitCode, String> {
    let storage = restore.config.settings()?.storage;
    let restored = restore_from(&storage, &restore.file).await.map_err(|error| error.to_string())?;
    let Restored { head, rows, master_key, audit } = restored;
    println!("{} from the backup of {} (made by version {}).", said(&rows), head.made_at, head.program);
    if !master_key {
        println!(
            "The master key is not here, and it is not in the backup: bring its file to {} before you start.",
            storage.master_key_file.display()
        );
    }
    match audit {
        Ok(chains) => {
            println!("The audit log is untouched: {} chains.", chains.len());
            Ok(ExitCode::SUCCESS)
        }
        Err(found) => {
            println!(
                "The audit log was changed before the backup was made: {}: entry {}: {}.",
                found.chain, found.position, found.what
            );
            Ok(ExitCode::FAILURE)
        }
    }
}

fn said(rows: &Counts) -> String {
    format!("{} rows of {} tables", rows.values().sum::<i64>(), rows.len())
}
