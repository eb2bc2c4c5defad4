//! Every way to choose a password, by form and by API, each dialect's own.

use serde_json::json;

use crate::support::{App, Client, Guest, PASSWORD, Reply};

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Register,
    Change,
    Reset,
    Accept,
    SetUp,
}

/// Through which door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Api,
    Form,
    Salesflow,
    Synthesq,
}

/// All of them.
pub const WAYS: [(Verb, By); 15] = [
    (Verb::Register, By::Api),
    (Verb::Register, By::Form),
    (Verb::Register, By::Salesflow),
    (Verb::Register, By::Synthesq),
    (Verb::Change, By::Api),
    (Verb::Change, By::Form),
    (Verb::Change, By::Salesflow),
    (Verb::Change, By::Synthesq),
    (Verb::Reset, By::Api),
    (Verb::Reset, By::Form),
    (Verb::Reset, By::Synthesq),
    (Verb::Accept, By::Api),
    (Verb::Accept, By::Form),
    (Verb::Accept, By::Synthesq),
    (Verb::SetUp, By::Form),
];

/// The organization of whoever stands before a door.
pub const COMPANY: &str = "Harbour Tools";

/// One of these ways with somebody before it. What is refused can be tried again.
pub struct Door {
    pub way: (Verb, By),
    pub email: String,
    name: String,
    /// What is held already, where a password is there.
    present: String,
    client: Client,
    browser: Guest,
    token: String,
}

impl Door {
    /// Brings `name@example.org` before it.
    pub async fn open(app: &App, way: (Verb, By), name: &str) -> Self {
        let (client, browser) = (app.stranger(), Guest::new(&app.stranger()));
        let email = format!("{name}@example.org");
        let (name, present, token) = (name.to_owned(), PASSWORD.to_owned(), String::new());
        let mut door = Self { way, email, name, present, client, browser, token };
        match way.0 {
            Verb::Register => {}
            Verb::Change | Verb::Reset => door.is_somebody(app).await,
            Verb::Accept => door.is_invited(app).await,
            Verb::SetUp => {
                let link = app.latchkey().setup_link().await.expect("made").expect("there is no landlord");
                link.rsplit('=').next().expect("a token").clone_into(&mut door.token);
            }
        }
        door
    }

    async fn is_somebody(&mut self, app: &App) {
        let person = app.register(&self.name).await;
        let organization = format!("/v1/organizations/{}", person.organization);
        person.patch(&organization, json!({"name": COMPANY})).await.assert_status(200);
        if self.way.0 == Verb::Reset {
            self.token = app.reset_mail(&self.email).await.token();
            return;
        }
        self.client = person.client;
        self.browser.signs_in(&self.email).await.assert_status(200);
    }

    async fn is_invited(&mut self, app: &App) {
        let host = app.register(&format!("{}-host", self.name)).await;
        let organization = format!("/v1/organizations/{}", host.organization);
        host.patch(&organization, json!({"name": COMPANY})).await.assert_status(200);
        let invitation = json!({"email": self.email});
        host.post(&format!("{organization}/invitations"), invitation).await.assert_status(201);
        self.token = app.mail_to(&self.email, "You are invited").await.token();
    }

    /// Whether the rules know an organization here.
    pub fn knows_company(&self) -> bool {
        self.way != (Verb::Register, By::Salesflow) && self.way.0 != Verb::SetUp
    }

    /// Chooses a password.
    pub async fn tries(&mut self, password: &str) -> Reply {
        match self.way.0 {
            Verb::Register => self.registers(password).await,
            Verb::Change => {
                let present = self.present.clone();
                self.changes(&present, password).await
            }
            Verb::Reset => self.resets(password).await,
            Verb::Accept => self.accepts(password).await,
            Verb::SetUp => {
                let page = format!("/setup?token={}", self.token);
                let (name, email) = (("landlord[name]", &*self.name), ("landlord[email]", &*self.email));
                let fields = [("token", &*self.token), name, email, ("landlord[password]", password)];
                self.browser.fills(&page, "set-up", &fields).await
            }
        }
    }

    async fn registers(&mut self, password: &str) -> Reply {
        let (name, email) = (&*self.name, &*self.email);
        let body = json!({"name": name, "email": email, "password": password});
        match self.way.1 {
            By::Api => {
                let body = json!({"name": name, "email": email, "password": password, "company": COMPANY});
                self.client.post("/v1/auth/register", body).await
            }
            By::Salesflow => self.client.post("/auth/register", body).await,
            By::Synthesq => {
                let body = json!({"name": name, "email": email, "password": password,
                    "password_confirmation": password, "business_name": COMPANY});
                self.browser.calls("POST", "/api/v1/auth/register", &body).await
            }
            By::Form => {
                let (who, house) = (("account[name]", name), ("account[company]", COMPANY));
                let fields = [who, ("account[email]", email), ("account[password]", password), house];
                self.browser.fills("/register", "register", &fields).await
            }
        }
    }

    /// Changes the password, with whatever is said to be the present one.
    pub async fn changes(&mut self, present: &str, password: &str) -> Reply {
        match self.way.1 {
            By::Api => {
                let body = json!({"currentPassword": present, "newPassword": password});
                self.client.post("/v1/auth/change-password", body).await
            }
            By::Salesflow => {
                let body = json!({"oldPassword": present, "newPassword": password});
                self.client.post("/auth/changePassword", body).await
            }
            By::Synthesq => {
                let new = json!({"current_password": present, "password": password, "password_confirmation": password});
                self.browser.calls("PUT", "/api/v1/user/password", &new).await
            }
            By::Form => {
                let fields = [("passwords[currentPassword]", present), ("passwords[newPassword]", password)];
                self.browser.fills("/settings/security", "password", &fields).await
            }
        }
    }

    /// The same without a word of the present one.
    pub async fn changes_without_proof(&mut self, password: &str) -> Reply {
        match self.way.1 {
            By::Api => self.client.post("/v1/auth/change-password", json!({"newPassword": password})).await,
            By::Salesflow => self.client.post("/auth/changePassword", json!({"newPassword": password})).await,
            By::Synthesq => {
                let new = json!({"password": password, "password_confirmation": password});
                self.browser.calls("PUT", "/api/v1/user/password", &new).await
            }
            By::Form => {
                let fields = [("passwords[newPassword]", password)];
                self.browser.fills("/settings/security", "password", &fields).await
            }
        }
    }

    async fn resets(&mut self, password: &str) -> Reply {
        let (token, email) = (&*self.token, &*self.email);
        match self.way.1 {
            By::Form => {
                let page = format!("/reset-password?token={token}");
                let fields = [("token", token), ("reset[newPassword]", password)];
                self.browser.fills(&page, "reset-password", &fields).await
            }
            By::Synthesq => {
                let body =
                    json!({"token": token, "email": email, "password": password, "password_confirmation": password});
                self.browser.calls("POST", "/api/v1/auth/reset-password", &body).await
            }
            By::Api | By::Salesflow => {
                let body = json!({"token": token, "newPassword": password});
                self.client.post("/v1/auth/reset-password", body).await
            }
        }
    }

    async fn accepts(&mut self, password: &str) -> Reply {
        let (token, name) = (&*self.token, &*self.name);
        match self.way.1 {
            By::Form => {
                let fields = [("token", token), ("account[name]", name), ("account[password]", password)];
                self.browser.fills(&format!("/invite/{token}"), "accept-as-new", &fields).await
            }
            By::Synthesq => {
                let body = json!({"name": name, "password": password, "password_confirmation": password});
                self.browser.calls("POST", &format!("/api/v1/invitations/{token}/accept"), &body).await
            }
            By::Api | By::Salesflow => {
                let body = json!({"name": name, "password": password});
                self.client.post(&format!("/v1/invitations/{token}/accept"), body).await
            }
        }
    }
}
