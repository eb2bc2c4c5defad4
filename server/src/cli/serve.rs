//! `latchkey serve`, `dev` and `migrate`.

use latchkey::Latchkey;
use latchkey::clock::Clock;
use tokio::signal::unix::{SignalKind, signal};

use crate::{Application, Config, descriptors, telemetry};

/// The same for development: mails stay here when there is no mail server.
pub(super) async fn develop(mut config: Config) -> Result<(), String> {
    config.mail.kept_here = true;
    run(&config).await
}

pub(super) async fn run(config: &Config) -> Result<(), String> {
    telemetry::start(&config.server.log)?;
    descriptors::raise(config.server.max_connections);
    let application = Application::build(config).await?;
    greet(&application).await?;
    let stop = stop_signal()?;
    application.run_until_stopped(stop).await
}

/// Says on the terminal where to go next. Never in the log: the link makes whoever opens it first the landlord.
async fn greet(application: &Application) -> Result<(), String> {
    let latchkey = application.latchkey();
    println!("Latchkey is at {} (listening on {}).", latchkey.public_url(), application.address());
    if let Some(address) = application.metrics_address() {
        println!("Metrics are at http://{address}/metrics.");
    }
    let link = latchkey.setup_link().await.map_err(|error| error.to_string())?;
    match link {
        Some(link) => println!("There is no landlord yet. Open this link once to become it:\n\n  {link}\n"),
        None => println!("Sign in at {}/login.", latchkey.public_url()),
    }
    if latchkey.keeps_mail() {
        println!("Mails are not sent; read them at {}/dev/mailbox.", latchkey.public_url());
    }
    Ok(())
}

fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

pub(super) async fn migrate(config: &Config) -> Result<(), String> {
    let latchkey = Latchkey::open(config.settings()?, Clock::System).await.map_err(|error| error.to_string())?;
    latchkey.close().await.map_err(|error| error.to_string())?;
    println!("The database is up to date.");
    Ok(())
}
