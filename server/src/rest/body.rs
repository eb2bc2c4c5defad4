//! Bodies, queries and path ids as clients send them: whatever is wrong with one is 4xx with a sentence, never 5xx.

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use latchkey::Error;
use latchkey::error::Code;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::failure::Failure;
use crate::middleware::size_limits::LARGEST_BODY;

/// More wrong fields than this are not told one by one.
const MOST_SENTENCES: usize = 20;

/// A JSON object. An empty body and `null` are an empty object; a field that is `null` is absent.
pub struct Body<T>(pub T);

/// A query string.
pub struct Query<T>(pub T);

/// Two ids in a path, as they came.
pub struct Ids(pub String, pub String);

/// The id in a path, as it came. One that is no text is like any other that does not exist.
pub struct Id(pub String);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let bytes = read(body).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(object(Map::new())?));
        }
        if !is_json(&parts.headers) {
            return Err(Error::Malformed(Code::UnsupportedMediaType).into());
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Self(object(fields)?)),
            Ok(Value::Null) => Ok(Self(object(Map::new())?)),
            Ok(_) => Err(Error::Shape(vec!["the body must be an object".to_owned()]).into()),
            Err(_) => Err(Error::Malformed(Code::MalformedBody).into()),
        }
    }
}

/// The whole body, if it is not too large.
pub async fn read(body: HttpBody) -> Result<axum::body::Bytes, Failure> {
    let read = axum::body::to_bytes(body, LARGEST_BODY).await;
    read.map_err(|error| {
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let too_large = causes.into_iter().any(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        Error::Malformed(if too_large { Code::PayloadTooLarge } else { Code::MalformedBody }).into()
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Reads the fields; names everything that is wrong by taking wrong fields out until the rest is right.
pub fn object<T: DeserializeOwned>(mut fields: Map<String, Value>) -> Result<T, Error> {
    let mut sentences = Vec::new();
    fields.retain(|name, value| {
        let fine = !holds_nul(value);
        if !fine {
            sentences.push(format!("{name} must not contain control characters"));
        }
        fine
    });
    let mut fields = Value::Object(fields);
    loop {
        match serde_path_to_error::deserialize(&fields) {
            Ok(read) if sentences.is_empty() => return Ok(read),
            Ok(_) => return Err(Error::Shape(sentences)),
            Err(error) => {
                let (name, sentence) = explain(&error);
                sentences.push(sentence);
                if fields.as_object_mut().and_then(|fields| fields.remove(&name)).is_none()
                    || sentences.len() >= MOST_SENTENCES
                {
                    return Err(Error::Shape(sentences));
                }
            }
        }
    }
}

/// PostgreSQL keeps no text with a NUL in it, and nobody means one.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

/// The field that is wrong, and the sentence about it, in the style that clients of the seed systems know.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> (String, String) {
    let words = error.inner().to_string();
    if let Some(name) =
        words.strip_prefix("unknown field `").and_then(|rest| rest.rsplit_once("`, expected").map(|(name, _)| name))
    {
        return (name.to_owned(), format!("property {name} should not exist"));
    }
    let path = error.path().to_string();
    let name = path.split(['.', '[']).next().unwrap_or_default().to_owned();
    let subject = if path.contains('[') { format!("each value in {name}") } else { path };
    let expected = words.split("expected ").nth(1).unwrap_or_default();
    let must = match expected {
        _ if words.contains("floating point") && is_number(expected) => "an integer number",
        _ if is_number(expected) => "a number",
        _ if expected.starts_with("a boolean") => "a boolean value",
        _ if expected.starts_with("a string") => "a string",
        _ if expected.starts_with("a sequence") => "an array",
        _ => "of another form",
    };
    (name, format!("{subject} must be {must}"))
}

fn is_number(expected: &str) -> bool {
    ["i64", "i32", "u64", "u32", "f64"].iter().any(|kind| expected.starts_with(kind))
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        let mut fields = Map::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if fields.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
                return Err(Error::Shape(vec![format!("{name} must be given once")]).into());
            }
        }
        Ok(Self(object(fields)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| Error::NotFound.into())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        path.map(|Path((one, other))| Self(one, other)).map_err(|_| Error::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey::flow::api_keys::NewKey;

    fn wrong(text: &str) -> Vec<String> {
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else { panic!("an object") };
        match object::<NewKey>(fields) {
            Err(Error::Shape(sentences)) => sentences,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        assert_eq!(wrong(r#"{"rateLimit":"x"}"#), ["rateLimit must be a number"]);
        assert_eq!(wrong(r#"{"rateLimit":1.5}"#), ["rateLimit must be an integer number"]);
        assert_eq!(wrong(r#"{"scopes":"read"}"#), ["scopes must be an array"]);
        assert_eq!(wrong(r#"{"scopes":[1]}"#), ["each value in scopes must be a string"]);
        assert_eq!(wrong(r#"{"name":[],"zebra":1}"#), ["name must be a string", "property zebra should not exist"]);
        assert_eq!(wrong(r#"{"organizationIds":7}"#), ["organizationIds must be of another form"]);
        assert_eq!(wrong("{\"name\":\"a\\u0000\"}"), ["name must not contain control characters"]);
    }

    #[test]
    fn null_is_absent() {
        let fields =
            serde_json::from_str::<Map<String, Value>>(r#"{"name":null,"organizationIds":null}"#).expect("an object");
        assert!(object::<NewKey>(fields).expect("fine").name.is_none());
    }
}
