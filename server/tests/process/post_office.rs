//! A mail server in this process: takes every mail, and can be told to dawdle.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Every mail that was taken, as it came.
#[derive(Clone)]
pub struct PostOffice {
    pub port: u16,
    taken: Arc<Mutex<Vec<String>>>,
    /// How long it thinks before it takes a mail.
    thinks: Arc<Mutex<Duration>>,
    /// How many it has read to the end, taken or not.
    read: Arc<Mutex<usize>>,
}

impl PostOffice {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let office = Self { port, taken: Arc::default(), thinks: Arc::default(), read: Arc::default() };
        let clerk = office.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let clerk = clerk.clone();
                // Whoever hangs up in the middle has not handed over anything.
                std::thread::spawn(move || clerk.attend(stream));
            }
        });
        office
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub fn think(&self, span: Duration) {
        *self.thinks.lock().expect("whole") = span;
    }

    /// The mails that were taken, once there are as many.
    pub fn mails(&self, least: usize) -> Vec<String> {
        self.wait(|office| office.taken.lock().expect("whole").len() >= least);
        self.taken.lock().expect("whole").clone()
    }

    /// Waits until so many mails have been read, whether or not they were taken.
    pub fn wait_until_read(&self, count: usize) {
        self.wait(|office| *office.read.lock().expect("whole") >= count);
    }

    fn wait(&self, done: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(began.elapsed() < Duration::from_secs(20), "the mails do not come");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn attend(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let mut out = stream;
        let mut say = |words: &str| out.write_all(format!("{words}\r\n").as_bytes());
        say("220 office.example.org")?;
        while let Some(line) = lines.next() {
            match line?.split(' ').next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "DATA" => {
                    say("354 go on")?;
                    let mut mail = String::new();
                    for line in lines.by_ref() {
                        let line = line?;
                        if line == "." {
                            break;
                        }
                        mail.push_str(&line);
                        mail.push('\n');
                    }
                    *self.read.lock().expect("whole") += 1;
                    let thinks = *self.thinks.lock().expect("whole");
                    std::thread::sleep(thinks);
                    self.taken.lock().expect("whole").push(mail);
                    say("250 taken")?;
                }
                "QUIT" => return say("221 goodbye"),
                _ => say("250 fine")?,
            }
        }
        Ok(())
    }
}

/// The text part of a mail, without its encoding.
pub fn text(mail: &str) -> String {
    let part = mail.split("text/plain").nth(1).unwrap_or(mail).split("text/html").next().unwrap_or_default();
    let mut bytes = Vec::new();
    let joined = part.replace("=\n", "");
    let mut rest = joined.as_str();
    while let Some(at) = rest.find('=') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        match rest.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[at + 3..];
            }
            None => {
                bytes.push(b'=');
                rest = &rest[at + 1..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
