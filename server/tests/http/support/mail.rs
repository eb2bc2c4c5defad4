//! What was mailed, as whoever it went to reads it; and the worker's verbs.

use std::time::Duration;

use latchkey::clock::Timestamp;
use latchkey::flow::sign_in::SecretText;
use latchkey::flow::sign_up::SignUp;
use latchkey::{Latchkey, Visitor};
use serde_json::json;

use super::client::ORIGIN;
use super::{App, Client, PASSWORD, Person};

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    at: Timestamp,
}

impl Mail {
    /// The one link in it that carries a token, without the host.
    #[track_caller]
    pub fn link(&self) -> String {
        let links: Vec<_> = self.text.lines().filter_map(|line| line.strip_prefix(ORIGIN)).collect();
        let secret = |link: &&&str| {
            link.contains("?token=") || link.starts_with("/secure-account/") || link.starts_with("/invite/")
        };
        links.iter().find(secret).unwrap_or_else(|| panic!("no link in {}", self.text)).to_string()
    }

    /// The token of that link.
    #[track_caller]
    pub fn token(&self) -> String {
        let link = self.link();
        link.rsplit(['=', '/']).next().expect("a token").to_owned()
    }

    /// The code of six digits.
    #[track_caller]
    pub fn code(&self) -> String {
        let codes = self.text.lines().map(|line| line.replace(' ', ""));
        let mut codes = codes.filter(|line| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit()));
        codes.next().unwrap_or_else(|| panic!("no code in {}", self.text))
    }

    /// A code that is not the one in here.
    pub fn wrong_code(&self) -> String {
        let code: u32 = self.code().parse().expect("digits");
        format!("{:06}", (code + 1) % 1_000_000)
    }
}

impl App {
    /// The core.
    pub fn latchkey(&self) -> &Latchkey {
        &self.latchkey
    }

    /// All that was mailed until now, oldest first.
    pub async fn mails(&self) -> Vec<Mail> {
        self.latchkey.deliver_mail(|| true).await.expect("delivered");
        let kept = self.latchkey.mailbox().await.expect("a mailbox");
        let read = kept.into_iter().map(|mail| {
            let (subject, text, html) = (mail.written.subject, mail.written.text, mail.written.html);
            Mail { to: mail.to, subject, text, html, at: mail.at }
        });
        let mut mails: Vec<_> = read.collect();
        mails.sort_by_key(|mail| mail.at);
        mails
    }

    /// Those to one address whose subject begins so.
    pub async fn mails_to(&self, email: &str, subject: &str) -> Vec<Mail> {
        let mut mails = self.mails().await;
        mails.retain(|mail| mail.to == email && mail.subject.starts_with(subject));
        mails
    }

    /// The newest of them.
    pub async fn mail_to(&self, email: &str, subject: &str) -> Mail {
        let found = self.mails_to(email, subject).await.pop();
        found.unwrap_or_else(|| panic!("nothing to {email} that begins with {subject}"))
    }

    /// What somebody unknown gets mailed who asks for a link to sign in as this person.
    pub async fn magic_link(&self, email: &str) -> Mail {
        self.ask_magic_link(&self.stranger(), email).await;
        self.mail_to(email, "Your sign-in link").await
    }

    pub async fn ask_magic_link(&self, client: &Client, email: &str) {
        client.post("/v1/auth/magic-link", json!({"email": email})).await.assert_status(200);
        // The next one is newer.
        self.later(Duration::from_millis(1));
    }

    /// What somebody gets mailed who has forgotten their password.
    pub async fn reset_mail(&self, email: &str) -> Mail {
        self.stranger().post("/v1/auth/forgot-password", json!({"email": email})).await.assert_status(200);
        self.later(Duration::from_millis(1));
        self.mail_to(email, "Choose a new password").await
    }

    /// Somebody who looks after the platform, signed in.
    pub async fn landlord(&self, name: &str) -> Person {
        let email = format!("{name}@example.org");
        let input = SignUp {
            email: Some(email.clone()),
            password: Some(SecretText(PASSWORD.to_owned())),
            name: Some(name.to_owned()),
            ..SignUp::default()
        };
        let operator =
            Visitor { address: [127, 0, 0, 1].into(), user_agent: "tests".to_owned(), request_id: "tests".to_owned() };
        self.latchkey.create_landlord(&operator, input).await.expect("made");
        let client = self.stranger();
        let answer = client.post("/v1/auth/login", json!({"email": email, "password": PASSWORD})).await;
        Person::new(&client, &answer.assert_status(200).json())
    }
}
