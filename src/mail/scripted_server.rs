//! A small mail server that does as it is told, for tests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Smtp, SmtpServer};

/// Who mails come from.
pub(crate) const FROM: &str = "Blue Harbour <no-reply@example.org>";

/// The answer that never comes.
pub(crate) const SILENCE: &str = "";

/// A mail server that answers as usual but for the answers it was told, each given once to the first command that
/// begins so; `greeting` and `.` stand for the connection itself and the end of a mail.
pub(crate) struct Server {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(told: &[(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let session = Session { told: Arc::new(Mutex::new(told.to_vec())), heard: heard.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session.clone().serve(stream));
            }
        });
        Self { port, heard }
    }

    pub(crate) fn smtp(&self, user: &str, query: &str) -> Smtp {
        let url = format!("smtp://{user}127.0.0.1:{}{query}", self.port);
        let server = SmtpServer::parse(&url).expect("well formed");
        Smtp::new(&SmtpServer { timeout: Duration::from_millis(400), ..server }, FROM).expect("prepared")
    }

    /// What clients said, commands by line and mails whole.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("not poisoned").clone()
    }

    pub(crate) fn mail(&self) -> String {
        self.mails().into_iter().next().expect("a mail")
    }

    /// Every mail that was said to the end, whatever the answer.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.heard().into_iter().filter(|said| said.contains("\r\n\r\n")).collect()
    }
}

#[derive(Clone)]
struct Session {
    told: Arc<Mutex<Vec<(&'static str, &'static str)>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Session {
    async fn serve(self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let greeting = self.answer("greeting");
        say(&mut stream, greeting).await?;
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let said = std::mem::take(&mut line);
            let answer = self.answer(&said);
            self.hear(said.trim_end().to_owned());
            say(&mut stream, answer).await?;
            if answer.starts_with("354") {
                let mail = read_mail(&mut stream).await?;
                self.hear(mail);
                let answer = self.answer(".");
                say(&mut stream, answer).await?;
            }
        }
        Ok(())
    }

    fn hear(&self, said: String) {
        self.heard.lock().expect("not poisoned").push(said);
    }

    fn answer(&self, said: &str) -> &'static str {
        let mut told = self.told.lock().expect("not poisoned");
        if let Some(place) = told.iter().position(|(command, _)| said.starts_with(command)) {
            return told.remove(place).1;
        }
        match said.split([' ', '\r']).next().unwrap_or_default() {
            "greeting" => "220 mail.example.org ready",
            "EHLO" => "250-mail.example.org\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, answer: &str) -> std::io::Result<()> {
    if answer == SILENCE {
        std::future::pending::<()>().await;
    }
    stream.write_all(format!("{answer}\r\n").as_bytes()).await
}

async fn read_mail(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut mail = String::new();
    while stream.read_line(&mut mail).await? > 0 && !mail.ends_with("\r\n.\r\n") {}
    Ok(mail)
}
