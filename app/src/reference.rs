//! The API reference: what the OpenAPI document says, in the order and the words of a reader.

mod reading;

use std::fmt::Write as _;
use std::sync::LazyLock;

/// Read when it is first opened: most servers never show it.
pub type Lazily = LazyLock<Reference, Box<dyn FnOnce() -> Reference + Send>>;

/// All of it.
#[derive(Debug, PartialEq)]
pub struct Reference {
    /// What it is about.
    pub about: String,
    /// The parts, in the document's order.
    pub sections: Vec<Section>,
}

/// What belongs together.
#[derive(Debug, PartialEq)]
pub struct Section {
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub title: String,
    /// A sentence about it.
    pub about: String,
    /// Its calls.
    pub calls: Vec<Call>,
}

/// One method of one path.
#[derive(Debug, PartialEq)]
pub struct Call {
    /// Unique in the document.
    pub id: String,
    /// `GET` and so on.
    pub method: String,
    /// With its parameters in braces.
    pub path: String,
    /// A few words.
    pub summary: String,
    /// What one must know besides.
    pub about: String,
    /// With what one may call; nothing when anybody may.
    pub ways: Vec<Way>,
    /// In path, query and headers.
    pub parameters: Vec<Field>,
    /// What is sent.
    pub input: Option<Content>,
    /// What comes back.
    pub answers: Vec<Answer>,
}

/// What is sent or comes back.
#[derive(Debug, PartialEq)]
pub struct Content {
    /// Its media type.
    pub kind: String,
    /// Its possible shapes.
    pub shapes: Vec<Shape>,
    /// One that is valid.
    pub example: Option<String>,
}

/// One shape of a content.
#[derive(Debug, PartialEq)]
pub struct Shape {
    /// When it is this one.
    pub about: String,
    /// What is in it; those of inner objects by their way there.
    pub fields: Vec<Field>,
}

/// A parameter, or a field of a body.
#[derive(Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it may be.
    pub kind: String,
    /// Where a parameter stands: `path`, `query` or `header`; nothing for what is in a body.
    pub place: Option<&'static str>,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it is.
    pub about: String,
}

/// One answer.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: String,
    /// When it comes.
    pub about: String,
    /// Headers that are not in every answer.
    pub headers: Vec<Field>,
    /// Its body.
    pub content: Option<Content>,
}

/// With what a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// An access token or a key.
    Bearer,
    /// A key in its own header.
    ApiKey,
    /// The proof of the first step of a sign-in.
    TwoFactorToken,
    /// The session of a browser.
    Cookie,
    /// The same, for a change.
    CookieAndCsrf,
    /// Nothing at all.
    Nothing,
}

impl Reference {
    /// The section with this name in addresses.
    pub fn section(&self, slug: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.slug == slug)
    }
}

impl Way {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Bearer => "access token, or API key, as Bearer",
            Self::ApiKey => "API key in X-API-Key",
            Self::TwoFactorToken => "X-2FA-Token, while a second factor is due",
            Self::Cookie => "session cookie",
            Self::CookieAndCsrf => "session cookie, with X-CSRF-Token",
            Self::Nothing => "nothing",
        }
    }

    const fn in_a_command(self) -> Option<&'static str> {
        match self {
            Self::Bearer => Some("-H \"Authorization: Bearer $TOKEN\""),
            Self::ApiKey => Some("-H \"X-API-Key: $API_KEY\""),
            Self::TwoFactorToken => Some("-H \"X-2FA-Token: $TWO_FACTOR_TOKEN\""),
            Self::Cookie | Self::CookieAndCsrf => Some("-b cookies.txt"),
            Self::Nothing => None,
        }
    }
}

impl Call {
    /// A command that makes this call at `base`. What only the caller knows stands in variables of the shell.
    pub fn command(&self, base: &str) -> String {
        let mut url = format!("{base}{}", with_variables(&self.path));
        let asked = self.parameters.iter().filter(|field| field.is_required && field.place == Some("query"));
        for (at, field) in asked.enumerate() {
            let _ = write!(url, "{}{}=${}", if at == 0 { '?' } else { '&' }, field.name, variable(&field.name));
        }
        let mut lines = vec![format!("curl -X {} \"{url}\"", self.method)];
        lines.extend(self.ways.first().and_then(|way| way.in_a_command()).map(str::to_owned));
        if let Some(Content { kind, example, .. }) = &self.input {
            lines.push(format!("-H 'Content-Type: {kind}'"));
            lines.extend(example.as_ref().map(|example| format!("-d '{}'", example.replace('\'', r"'\''"))));
        }
        lines.join(" \\\n  ")
    }
}

/// `/members/{userId}` as `/members/$USER_ID`.
fn with_variables(path: &str) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => format!("${}", variable(name)),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// `userId` as `USER_ID`.
fn variable(name: &str) -> String {
    let mut variable = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            variable.push('_');
        }
        variable.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    }
    variable
}
