//! Error bodies of SynthesQ: `{success:false, message, errors?}`, with 419 for CSRF, 422 for what was typed, 423 for a
//! second factor that is due.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use latchkey::Error;
use latchkey::error::Code;
use latchkey::flow::gate::SecondFactorDueView;
use serde::Serialize;
use utoipa::ToSchema;

/// Laravel's own status for a request without its CSRF token.
const CSRF_MISMATCH: u16 = 419;

/// The body of every refusal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SynthesqError, example = json!({"success": false, "message": "The address or the password is not right."}))]
pub struct RefusalView<'a> {
    /// Always false.
    success: bool,
    /// For people.
    message: String,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<BTreeMap<String, Vec<String>>>,
    /// With 423: what `two-factor-challenge` takes from programs that keep no cookies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    data: Option<&'a SecondFactorDueView>,
}

impl<'a> RefusalView<'a> {
    /// What is said of an error.
    pub fn new(error: &Error, due: Option<&'a SecondFactorDueView>) -> Self {
        let errors = fields(error);
        let message = match error {
            Error::Forbidden(Code::CsrfFailed) => "CSRF token mismatch.".to_owned(),
            Error::Invalid(_) | Error::Shape(_) => "The given data was invalid.".to_owned(),
            other => other.to_string(),
        };
        Self { success: false, message, errors: (!errors.is_empty()).then_some(errors), data: due }
    }
}

/// The status that its clients know an error by.
pub fn status(error: &Error) -> StatusCode {
    let status = match error {
        Error::Forbidden(Code::CsrfFailed) => CSRF_MISMATCH,
        Error::Unauthenticated(Code::TwoFactorRequired) => 423,
        Error::Locked { .. } => 429,
        Error::Invalid(_) | Error::Shape(_) | Error::Conflict(Code::EmailTaken) => 422,
        Error::Malformed(code) if field_of(*code).is_some() => 422,
        other => other.status(),
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The field that a refusal is about which names none itself.
const fn field_of(code: Code) -> Option<&'static str> {
    match code {
        Code::EmailTaken => Some("email"),
        Code::WeakPassword => Some("password"),
        Code::InvalidPassword => Some("current_password"),
        Code::InvalidCode => Some("code"),
        Code::InvalidToken => Some("token"),
        Code::InvalidInvitationCode => Some("invitation_code"),
        _ => None,
    }
}

fn fields(error: &Error) -> BTreeMap<String, Vec<String>> {
    let mut errors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let sentences: Vec<(String, String)> = match error {
        Error::Invalid(wrong) => {
            wrong.iter().map(|one| (snake(one.field.as_str()), snake_first(&one.sentence()))).collect()
        }
        Error::Shape(sentences) => sentences.iter().map(|sentence| (named_in(sentence), sentence.clone())).collect(),
        Error::Malformed(_) | Error::Conflict(_) | Error::WeakPassword(_) => {
            field_of(error.code()).map(|field| (field.to_owned(), error.to_string())).into_iter().collect()
        }
        _ => Vec::new(),
    };
    for (field, sentence) in sentences {
        errors.entry(field).or_default().push(sentence);
    }
    errors
}

/// The field that a sentence is about: its first word, or the second of "property x should not exist".
fn named_in(sentence: &str) -> String {
    let sentence =
        sentence.strip_prefix("property ").or_else(|| sentence.strip_prefix("each value in ")).unwrap_or(sentence);
    sentence.split(' ').next().unwrap_or_default().to_owned()
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A sentence whose first word is a field's name.
fn snake_first(sentence: &str) -> String {
    let (name, rest) = sentence.split_once(' ').unwrap_or((sentence, ""));
    format!("{} {rest}", snake(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey::field::{Field, FieldCode};
    use serde_json::json;

    #[test]
    fn what_was_typed_wrongly_is_422_under_the_field_that_its_clients_know() {
        let error = Error::field(Field::OrganizationName, FieldCode::Required);
        let body = serde_json::to_value(RefusalView::new(&error, None)).expect("json");
        let errors = json!({"organization_name": ["organization_name should not be empty"]});
        assert_eq!(body, json!({"success": false, "message": "The given data was invalid.", "errors": errors}));
        assert_eq!(status(&error), 422);
        let strange = Error::Shape(vec!["property zebra should not exist".to_owned()]);
        assert!(fields(&strange).contains_key("zebra"));
    }

    #[test]
    fn csrf_is_419_and_a_second_factor_423_and_a_locked_one_429() {
        assert_eq!(status(&Error::Forbidden(Code::CsrfFailed)).as_u16(), 419);
        assert_eq!(status(&Error::Unauthenticated(Code::TwoFactorRequired)), 423);
        assert_eq!(status(&Error::Locked { retry_after: std::time::Duration::ZERO }), 429);
        assert_eq!(RefusalView::new(&Error::Forbidden(Code::CsrfFailed), None).message, "CSRF token mismatch.");
    }
}
