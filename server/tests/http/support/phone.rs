//! Somebody's authenticator, fed with what people type.

use std::time::Duration;

use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::{App, Client, PASSWORD, Person};

/// A phone with an authenticator in it, and the backup codes that belong to it.
pub struct Phone {
    secret: Secret,
    pub codes: Vec<String>,
}

impl Phone {
    /// From the answer of `setup`.
    pub fn scanning(answer: &Value) -> Self {
        let secret = Secret::try_from_base32(answer["secret"].as_str().expect("a secret")).expect("base32");
        let codes = answer["backupCodes"].as_array().expect("codes").iter();
        Self { secret, codes: codes.map(|code| code.as_str().expect("a text").to_owned()).collect() }
    }

    /// What it shows now.
    pub fn shows(&self, app: &App) -> String {
        self.shows_in(app, 0)
    }

    /// What it shows so many steps from now.
    pub fn shows_in(&self, app: &App, steps: i64) -> String {
        let totp = Builder::new().with_secret(self.secret.clone()).build().expect("a secret");
        totp.generate(u64::try_from(app.clock.now().seconds() + 30 * steps).expect("later")).to_string()
    }

    /// The secret's bytes.
    pub fn secret(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

impl App {
    /// A person switches two-factor authentication on. Afterwards the next code is shown.
    pub async fn enrols(&self, person: &Person) -> Phone {
        let phone = Phone::scanning(&person.post_nothing("/v1/auth/2fa/setup").await.assert_status(200).json());
        let code = json!({"code": phone.shows(self)});
        person.post("/v1/auth/2fa/verify-setup", code).await.assert_status(200);
        self.later(Duration::from_secs(30));
        phone
    }

    /// The token of somebody who has given the password and not yet the code.
    pub async fn half(&self, email: &str) -> String {
        half(&self.stranger().post("/v1/auth/login", json!({"email": email, "password": PASSWORD})).await.json())
    }

    /// Finishes signing in with a code.
    pub async fn finishes(&self, client: &Client, half: &str, code: &str) -> super::Reply {
        client.with_bearer(half).post("/v1/auth/2fa/verify", json!({"code": code})).await
    }
}

/// The token in an answer that asks for the second factor.
#[track_caller]
pub fn half(answer: &Value) -> String {
    assert_eq!(answer["requiresTwoFactor"], true, "{answer}");
    answer["twoFactorToken"].as_str().expect("a token").to_owned()
}
