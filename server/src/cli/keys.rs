//! `latchkey keys rotate`.

use std::io::Write as _;

use clap::{Args, Subcommand, ValueEnum};
use latchkey::Latchkey;
use latchkey::crypto::master_key::MasterKey;
use latchkey::flow::keys::{SigningRotated, SigningRotation};

use super::{open, operator};
use crate::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Exchange a key: the one that signs access tokens, unless you say `master`. Nobody is signed out
    Rotate(Box<Rotate>),
}

#[derive(Args, Debug)]
pub(super) struct Rotate {
    /// Which key
    #[arg(value_name = "KEY", default_value = "signing")]
    key: Key,
    /// Signing key: sign with the new one as soon as every running server knows it, not only once it has been published
    /// for a while; for a key that leaked
    #[arg(long)]
    now: bool,
    /// Signing key: withdraw the former ones at once; their access tokens end, sessions go on with a refresh
    #[arg(long, requires = "now")]
    withdraw_old: bool,
    #[command(flatten)]
    config: Config,
}

/// What can be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Key {
    /// The key that signs access tokens
    Signing,
    /// The key that everything encrypted at rest hangs from
    Master,
}

pub(super) async fn run(command: Command) -> Result<(), String> {
    let Command::Rotate(rotate) = command;
    if rotate.key == Key::Master && rotate.now {
        return Err("--now and --withdraw-old are about signing keys".to_owned());
    }
    let latchkey = open(&rotate.config).await?;
    let done = match rotate.key {
        Key::Signing => signing(&latchkey, &rotate).await,
        Key::Master => master(&latchkey, &rotate.config).await,
    };
    latchkey.close().await.map_err(|error| error.to_string())?;
    done
}

async fn signing(latchkey: &Latchkey, rotate: &Rotate) -> Result<(), String> {
    let how = match (rotate.now, rotate.withdraw_old) {
        (false, _) => SigningRotation::Planned,
        (true, false) => SigningRotation::AtOnce,
        (true, true) => SigningRotation::Alone,
    };
    let rotated = latchkey.rotate_signing_key(&operator("latchkey keys rotate signing"), how).await;
    match rotated.map_err(|error| error.to_string())? {
        SigningRotated::Made(next) => {
            println!("The new signing key {} is published, and signs from {}.", next.kid, next.signs_at.rfc3339());
            println!("{}", fate(how));
            Ok(())
        }
        SigningRotated::Awaited(next) => {
            let at = next.signs_at.rfc3339();
            println!(
                "The next signing key {} is published already, and signs from {at}. --now makes another.",
                next.kid
            );
            Ok(())
        }
        SigningRotated::FileDecides(file) => {
            let file = file.display();
            Err(format!("the key in {file} signs (LATCHKEY_SIGNING_KEY_FILE): put another key there and start anew"))
        }
    }
}

const fn fate(how: SigningRotation) -> &'static str {
    match how {
        SigningRotation::Planned | SigningRotation::AtOnce => {
            "Former keys stay published until their last token has expired. Running servers know it within 5 seconds."
        }
        SigningRotation::Alone => {
            "Former keys are withdrawn, and their access tokens end within 5 seconds; sessions go on with a refresh."
        }
    }
}

async fn master(latchkey: &Latchkey, config: &Config) -> Result<(), String> {
    let operator = operator("latchkey keys rotate master");
    let storage = config.settings()?.storage;
    if storage.master_key.is_none() {
        let former = latchkey.exchange_master_key_file(&operator).await.map_err(|error| error.to_string())?;
        println!("The new master key is in {}.", storage.master_key_file.display());
        println!(
            "The former one is in {}: it opens backups made until now. Keep it with them, away from here.",
            former.display()
        );
        println!(
            "Servers go on as they run. Where another node has a copy of the file, bring the new one there before its next start."
        );
        return Ok(());
    }
    let key = MasterKey::generate();
    // First the words: a key that is in force and that nobody has seen would be the end of everything sealed.
    println!("The new master key, shown this once:\n\n  {}\n", *key.text());
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    if let Err(error) = latchkey.exchange_master_key(&operator, &key).await {
        return Err(format!(
            "{error}. Whether the new key is in force, `latchkey doctor` tells: try it with each of the two"
        ));
    }
    println!(
        "It is in force. Servers go on as they run; set LATCHKEY_MASTER_KEY to it everywhere before the next start."
    );
    println!("The former one opens backups made until now: keep it with them, away from here.");
    Ok(())
}
