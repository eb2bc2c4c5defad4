//! A browser without a script: keeps cookies, reads pages, posts forms.

use std::collections::BTreeMap;

use super::{App, Client, PASSWORD, Person, Reply};

pub struct Browser {
    client: Client,
    /// What it holds, as a jar.
    pub cookies: BTreeMap<String, String>,
    /// The proof in the forms of the page that was read last.
    pub csrf: String,
}

impl Browser {
    /// One that is on our own pages.
    pub fn new(client: &Client) -> Self {
        let client = client.anonymous().same_origin().with_header("accept", "text/html");
        Self { client, cookies: BTreeMap::new(), csrf: String::new() }
    }

    /// Who sends what it holds now.
    pub fn sends(&self) -> Client {
        if self.cookies.is_empty() {
            return self.client.clone();
        }
        let jar = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        self.client.with_header("cookie", &jar)
    }

    /// The same for a script on the page, which reads answers as JSON.
    pub fn scripts(&self) -> Client {
        self.sends().with_header("accept", "application/json")
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        let reply = self.sends().get(path).await;
        self.keeps(&reply);
        if let Some(rest) = reply.body.split("name=\"csrf\" value=\"").nth(1) {
            rest.split('"').next().expect("a value").clone_into(&mut self.csrf);
        }
        reply
    }

    /// Posts a form with the proof of the page that was read last.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let reply = self.sends().post_form(path, &form(&self.csrf, fields)).await;
        self.keeps(&reply);
        reply
    }

    /// Signs in by the form; it must lead on.
    pub async fn signs_in(&mut self, person: &Person) -> Reply {
        self.get("/login").await.assert_status(200);
        let fields = [
            ("credentials[email]", person.email.as_str()),
            ("credentials[password]", PASSWORD),
            ("credentials[remember]", "true"),
        ];
        let reply = self.post("/fn/sign-in", &fields).await.assert_status(303);
        self.csrf.clear();
        reply
    }

    fn keeps(&mut self, reply: &Reply) {
        for line in reply.set_cookies() {
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            if value.is_empty() || line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl App {
    /// Somebody's browser, signed in by the form, with a page of theirs open.
    pub async fn browser_of(&self, person: &Person) -> Browser {
        let mut browser = Browser::new(&self.stranger());
        browser.signs_in(person).await;
        browser.get("/settings/profile").await.assert_status(200);
        browser
    }
}

/// The body of a form.
pub fn form(csrf: &str, fields: &[(&str, &str)]) -> String {
    let mut written = form_urlencoded::Serializer::new(String::new());
    written.append_pair("csrf", csrf);
    written.extend_pairs(fields);
    written.finish()
}
