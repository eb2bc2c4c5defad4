//! `latchkey landlord create`.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr};

use clap::{Args, Subcommand};
use latchkey::clock::Clock;
use latchkey::flow::sign_in::SecretText;
use latchkey::flow::sign_up::SignUp;
use latchkey::{Latchkey, Visitor};

use crate::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Make a landlord
    Create(Box<Create>),
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

pub(super) async fn run(command: Command) -> Result<(), String> {
    let Command::Create(create) = command;
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password).map_err(|error| format!("the password: {error}"))?;
    let latchkey = Latchkey::open(create.config.settings(), Clock::System).await.map_err(|error| error.to_string())?;
    let name = create.name.unwrap_or_else(|| create.email.split('@').next().unwrap_or_default().to_owned());
    let input = SignUp {
        email: Some(create.email),
        password: Some(SecretText(password.trim_end_matches(['\r', '\n']).to_owned())),
        name: Some(name),
        ..SignUp::default()
    };
    let operator = Visitor {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: "latchkey landlord create".to_owned(),
        request_id: "command-line".to_owned(),
    };
    latchkey.create_landlord(&operator, input).await.map_err(|error| error.to_string())?;
    latchkey.close().await.map_err(|error| error.to_string())?;
    println!("The landlord can sign in now.");
    Ok(())
}
