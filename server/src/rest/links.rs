//! What mailed links and codes have in common on the API.
//!
//! A `GET` of a mailed link spends it only when a script asks: mail scanners and link previews open addresses too, and
//! `HEAD` never spends anything (contract section 3).

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use latchkey::error::Code;
use latchkey::field::{Field, FieldCode};
use latchkey::flow::gate::SecondFactorDueView;
use latchkey::flow::links::{LinkPreview, MailProof};
use latchkey::flow::sign_in::{SecretText, SignInView};
use latchkey::{Error, Latchkey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::failure::Failure;
use super::who::origins;

const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The query of a mailed link.
#[derive(Debug, Default, Deserialize)]
pub struct LinkQuery {
    token: Option<SecretText>,
}

/// A mailed token as a body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "9Jx0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c1d0e9f8"}))]
pub struct MailedToken {
    /// The token of the link.
    #[schema(required)]
    token: Option<SecretText>,
}

/// What a mailed link to sign in with answers: a sign-in when a script asked, a look at it otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes the answer; the parts are written as they are")]
pub enum OpenedLink {
    /// It was spent.
    SignedIn(Box<SignInView>),
    /// It was, and a second factor is due.
    SecondFactorDue(SecondFactorDueView),
    /// It was not.
    Preview(LinkPreview),
}

impl LinkQuery {
    /// The token, to be looked at.
    pub fn token(self) -> Answer<String> {
        Ok(needed(self.token)?.0)
    }

    /// The token, as a proof.
    pub fn proof(self) -> Answer<MailProof> {
        Ok(MailProof { token: Some(needed(self.token)?), ..MailProof::default() })
    }
}

impl MailedToken {
    /// The token.
    pub fn token(self) -> Answer<String> {
        Ok(needed(self.token)?.0)
    }
}

fn needed(token: Option<SecretText>) -> Result<SecretText, Error> {
    token.filter(|token| !token.0.is_empty()).ok_or_else(|| Error::field(Field::Token, FieldCode::Required))
}

/// Whether this request spends the link in its address. A script on a page of another site may not.
pub fn is_to_be_spent(latchkey: &Latchkey, parts: &Parts) -> Answer<bool> {
    let spends = parts.method == Method::GET && is_by_script(&parts.headers);
    if spends {
        latchkey.check_no_other_site(origins(&parts.headers))?;
    }
    Ok(spends)
}

fn is_by_script(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    headers.get(FETCH_DEST).is_some_and(|dest| dest == "empty")
        || accepts.flat_map(|value| value.split(',')).any(|kind| media_type(kind) == "application/json")
}

fn media_type(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A mailed token that was used or has expired is like one that was never given out (contract section 1).
pub fn mailed(error: Error) -> Failure {
    match error {
        Error::Malformed(Code::Gone) => Error::Malformed(Code::InvalidToken).into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_script(headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, value.parse().expect("a value"));
        }
        is_by_script(&map)
    }

    #[test]
    fn scripts_are_told_from_whoever_opens_an_address() {
        assert!(by_script(&[("sec-fetch-dest", "empty")]));
        assert!(by_script(&[("accept", "application/json")]));
        assert!(by_script(&[("accept", "text/plain, Application/JSON; q=0.9, */*")]));
        assert!(!by_script(&[]));
        assert!(!by_script(&[("accept", "*/*")]));
        assert!(!by_script(&[("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("sec-fetch-dest", "document")]));
        assert!(!by_script(&[("sec-fetch-dest", "image"), ("accept", "image/*")]));
        assert!(!by_script(&[("accept", "application/json-seq")]));
    }
}
