//! `latchkey landlord create | recovery-link | reset-two-factor`.

use std::io::Read as _;

use clap::{Args, Subcommand};
use latchkey::flow::links::MailTo;
use latchkey::flow::sign_in::SecretText;
use latchkey::flow::sign_up::SignUp;

use super::{open, operator};
use crate::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Make a landlord
    Create(Box<Create>),
    /// Print a link, once, that lets somebody choose a new password: where no mail can be sent, or none arrives
    RecoveryLink(Box<Account>),
    /// Take the second factor of an account away whose person has lost it
    ResetTwoFactor(Box<Account>),
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// The landlord's address
    #[arg(long)]
    email: String,
    /// What the landlord is called; without it, what stands before the @
    #[arg(long)]
    name: Option<String>,
    /// Read the password from standard input
    #[arg(long, required = true)]
    password_stdin: bool,
    #[command(flatten)]
    config: Config,
}

#[derive(Args, Debug)]
pub(super) struct Account {
    /// The address of the account
    #[arg(long)]
    email: String,
    #[command(flatten)]
    config: Config,
}

pub(super) async fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Create(create) => make(*create).await,
        Command::RecoveryLink(wanted) => print_recovery_link(*wanted).await,
        Command::ResetTwoFactor(wanted) => reset_two_factor(*wanted).await,
    }
}

async fn make(create: Create) -> Result<(), String> {
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password).map_err(|error| format!("the password: {error}"))?;
    let latchkey = open(&create.config).await?;
    let name = create.name.unwrap_or_else(|| create.email.split('@').next().unwrap_or_default().to_owned());
    let input = SignUp {
        email: Some(create.email),
        password: Some(SecretText(password.trim_end_matches(['\r', '\n']).to_owned())),
        name: Some(name),
        ..SignUp::default()
    };
    let made = latchkey.create_landlord(&operator("latchkey landlord create"), input).await;
    latchkey.close().await.map_err(|error| error.to_string())?;
    made.map_err(|error| error.to_string())?;
    println!("The landlord can sign in now.");
    Ok(())
}

/// To the terminal and nowhere else: whoever has the link has the account.
async fn print_recovery_link(wanted: Account) -> Result<(), String> {
    let latchkey = open(&wanted.config).await?;
    let asked = MailTo { email: Some(wanted.email.clone()) };
    let link = latchkey.recovery_link(&operator("latchkey landlord recovery-link"), asked).await;
    let minutes = latchkey.settings().links.reset.as_secs().div_ceil(60);
    latchkey.close().await.map_err(|error| error.to_string())?;
    let link = link.map_err(|error| explained(&error, &wanted.email))?;
    println!("Opens once, within {minutes} minutes:\n\n  {link}\n");
    Ok(())
}

async fn reset_two_factor(wanted: Account) -> Result<(), String> {
    let latchkey = open(&wanted.config).await?;
    let whose = MailTo { email: Some(wanted.email.clone()) };
    let reset = latchkey.reset_factor_by_operator(&operator("latchkey landlord reset-two-factor"), whose).await;
    latchkey.close().await.map_err(|error| error.to_string())?;
    reset.map_err(|error| explained(&error, &wanted.email))?;
    println!(
        "Two-factor authentication is off for {}, and every session of theirs ends, at the latest within a minute.",
        wanted.email
    );
    Ok(())
}

fn explained(error: &latchkey::Error, email: &str) -> String {
    match error {
        latchkey::Error::NotFound => format!("there is no account with the address {email}"),
        other => other.to_string(),
    }
}
