//! Somebody who goes from page to page and fills in forms as a script on them does.

use std::collections::BTreeMap;

use axum::body::Body;
use serde_json::Value;

use super::{Client, PASSWORD, Reply};

/// Somebody who reads pages: keeps cookies, and sends forms with the proof that stands on their page.
pub struct Guest {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Guest {
    /// A new one, without a cookie.
    pub fn new(client: &Client) -> Self {
        Self { client: client.anonymous().same_origin(), cookies: BTreeMap::new() }
    }

    /// Opens a page.
    pub async fn opens(&mut self, page: &str) -> Reply {
        let reply = self.sends().with_header("accept", "text/html").get(page).await;
        self.keeps(reply)
    }

    /// Fills in a form on a page and sends it, as a script does that wants to know what came of it.
    pub async fn fills(&mut self, page: &str, form: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = field(&self.opens(page).await, "csrf");
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &csrf).extend_pairs(fields);
        let kind = Some("application/x-www-form-urlencoded");
        let reply = self.sends().send("POST", &format!("/fn/{form}"), kind, Body::from(body.finish())).await;
        self.keeps(reply)
    }

    /// Calls the API as SynthesQ's front ends do: by cookie, with the proof that another cookie holds.
    pub async fn calls(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        if !self.cookies.contains_key("XSRF-TOKEN") {
            let reply = self.sends().get("/sanctum/csrf-cookie").await;
            self.keeps(reply);
        }
        let proof = self.cookie("XSRF-TOKEN").unwrap_or_default().to_owned();
        let reply = self.sends().with_header("x-xsrf-token", &proof).json(method, path, body).await;
        self.keeps(reply)
    }

    /// Gives address and password on the page that asks for them.
    pub async fn signs_in(&mut self, email: &str) -> Reply {
        self.signs_in_with(email, PASSWORD).await
    }

    pub async fn signs_in_with(&mut self, email: &str, password: &str) -> Reply {
        let fields = [("credentials[email]", email), ("credentials[password]", password)];
        self.fills("/login", "sign-in", &fields).await
    }

    /// Leaves its session, and keeps whatever else it has.
    pub fn forgets_its_session(&mut self) {
        self.cookies.remove("__Host-latchkey");
    }

    /// A cookie that it keeps.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Whether it holds a session.
    pub fn is_inside(&self) -> bool {
        self.cookies.contains_key("__Host-latchkey")
    }

    fn sends(&self) -> Client {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { self.client.clone() } else { self.client.with_header("cookie", &cookies.join("; ")) }
    }

    fn keeps(&mut self, reply: Reply) -> Reply {
        for (name, value) in reply.cookies() {
            if value.is_empty() {
                self.cookies.remove(&name);
            } else {
                self.cookies.insert(name, value);
            }
        }
        reply
    }
}

/// The value of a hidden field on a page.
#[track_caller]
pub fn field(page: &Reply, name: &str) -> String {
    let after = page.body.split(&format!("name=\"{name}\" value=\"")).nth(1);
    let after = after.unwrap_or_else(|| panic!("no {name} in {page:?}"));
    after.split('"').next().expect("a value").replace("&quot;", "\"").replace("&amp;", "&")
}
