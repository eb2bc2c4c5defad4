//! `latchkey doctor`: a list of what the server needs, and whether it is there.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use latchkey::clock::{Clock, Timestamp};
use latchkey::email::Email;
use latchkey::flow::mail::try_mail;
use latchkey::mail::Circumstances;
use latchkey::settings::{Settings, Storage, Transport};
use latchkey::{Inspection, MasterKeyPlace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::Config;
use crate::config::MetricsListen;
use crate::metrics::listener::DEFAULT as USUAL_METRICS;

const HEALTH: (&str, &str) = ("/healthz", "x-request-id: req_");
const METRICS: (&str, &str) = ("/metrics", "latchkey_build_info");
const LATER: &str = "will be made at the first start";

struct Finding {
    about: &'static str,
    found: Result<String, String>,
}

#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// Send a mail to this address, by the way that all mails go
    #[arg(long, value_name = "ADDRESS", value_parser = address_of_mail)]
    mail_to: Option<Email>,
    #[command(flatten)]
    config: Config,
}

pub(super) async fn run(doctor: &Doctor) -> Result<ExitCode, String> {
    let config = &doctor.config;
    let settings = config.settings()?;
    let mut findings = vec![
        finding("settings", Ok(format!("public address {}", config.server.public_url))),
        finding("data folder", data_folder(&config.storage.data_dir)),
        finding("clock", clock()),
        finding("address", address(config.server.listen, HEALTH).await),
        finding("metrics", metrics(config.metrics.metrics_listen).await),
    ];
    findings.extend(database(&settings.storage).await);
    findings.push(finding("mail", mail(&settings, doctor.mail_to.as_ref()).await));
    let mut code = ExitCode::SUCCESS;
    for Finding { about, found } in findings {
        match found {
            Ok(words) => println!("ok    {about:<12} {words}"),
            Err(words) => {
                code = ExitCode::FAILURE;
                println!("FAIL  {about:<12} {words}");
            }
        }
    }
    Ok(code)
}

fn address_of_mail(text: &str) -> Result<Email, String> {
    Email::parse(text).ok_or_else(|| "it must be a mail address".to_owned())
}

fn finding(about: &'static str, found: Result<String, String>) -> Finding {
    Finding { about, found }
}

fn data_folder(folder: &Path) -> Result<String, String> {
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    if !folder.exists() {
        return Ok(format!("{} will be made at the first start", folder.display()));
    }
    let probe = folder.join(".latchkey-doctor");
    std::fs::write(&probe, b"probe").map_err(said)?;
    std::fs::remove_file(&probe).map_err(said)?;
    Ok(format!("{} can be written", folder.display()))
}

/// A clock before this program was made cannot be right.
fn clock() -> Result<String, String> {
    let made = Timestamp::from_seconds(1_763_000_000);
    let now = Clock::System.now();
    if now > made { Ok(now.rfc3339()) } else { Err(format!("{} cannot be right", now.rfc3339())) }
}

async fn address(address: SocketAddr, known_by: (&str, &str)) -> Result<String, String> {
    let bound = tokio::net::TcpListener::bind(address).await;
    match bound {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => match answers(address, known_by).await {
            Ok(true) => Ok(format!("a Latchkey answers at {address} already")),
            _ => Err(format!("{address} is taken by something else")),
        },
        Err(error) => Err(format!("{address}: {error}")),
    }
}

/// What the server does without as long as nobody chose an address for it.
async fn metrics(wanted: Option<MetricsListen>) -> Result<String, String> {
    match wanted {
        Some(MetricsListen::Off) => Ok("switched off".to_owned()),
        Some(MetricsListen::At(chosen)) => address(chosen, METRICS).await,
        None => address(USUAL_METRICS, METRICS)
            .await
            .or_else(|problem| Ok(format!("would not be served: {problem}; set LATCHKEY_METRICS_LISTEN"))),
    }
}

/// Whether it is one of us that listens there: who has this path, and such words in the answer.
async fn answers(address: SocketAddr, (path, words): (&str, &str)) -> std::io::Result<bool> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(2), stream.take(1_000_000).read_to_end(&mut answer)).await??;
    Ok(String::from_utf8_lossy(&answer).contains(words))
}

/// Goes the way that mails go, as far as there is something to send: connection, encryption, authentication.
async fn mail(settings: &Settings, to: Option<&Email>) -> Result<String, String> {
    let Transport::Smtp(server) = &settings.mail.transport else {
        let needed = settings.require_verified_email || to.is_some();
        let words = "not configured: set LATCHKEY_SMTP_URL".to_owned();
        return if needed { Err(words) } else { Ok(words) };
    };
    let asked = Circumstances { at: Clock::System.now(), browser: "latchkey doctor", address: "this machine" };
    match try_mail(settings, to, asked.at, asked).await {
        Ok(()) => Ok(match to {
            Some(to) => format!("{}:{} took a mail to {to}", server.host, server.port),
            None => format!("{}:{} would take mails from us", server.host, server.port),
        }),
        Err(trouble) => Err(format!("{}: {}", trouble.stage.as_str(), trouble.message)),
    }
}

/// Looks at what the server would open, and changes nothing.
async fn database(storage: &Storage) -> Vec<Finding> {
    match latchkey::inspect(storage).await {
        Ok(found) => vec![
            finding("database", Ok(if found.database { "can be reached" } else { LATER }.to_owned())),
            finding("migrations", Ok(migrations(&found))),
            finding(
                "master key",
                found.master_key.map(|place| master_key(place, storage)).map_err(|error| error.to_string()),
            ),
        ],
        Err(error) => vec![finding("database", Err(error.to_string()))],
    }
}

fn master_key(place: Option<MasterKeyPlace>, storage: &Storage) -> String {
    match place {
        None => LATER.to_owned(),
        Some(MasterKeyPlace::Setting | MasterKeyPlace::File) => "is there and fits".to_owned(),
        Some(MasterKeyPlace::Unfinished(path)) => {
            let file = storage.master_key_file.display();
            format!("the one in {} fits, from an exchange that was cut short: move it to {file}", path.display())
        }
    }
}

fn migrations(found: &Inspection) -> String {
    match found.pending {
        0 if !found.database => "will be run at the first start".to_owned(),
        0 => "up to date".to_owned(),
        pending => format!("{pending} will be run at the next start"),
    }
}
