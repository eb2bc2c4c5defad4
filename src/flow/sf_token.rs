//! `SF_Token`, the form in which Salesflow's clients hold a session: written for them, and read from the links with which
//! they hand it on (contract sections 7, 8).

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::email::Email;
use crate::error::Error;
use crate::id::UserId;
use crate::secret::PlainToken;

use super::sign_in::{SecretText, SignInView};

/// Longest text that is read: a pair of ours has less than two thousand letters.
const LONGEST: usize = 8192;
/// How often a text may have been percent-encoded beyond once.
const LAYERS: usize = 2;

/// What a client holds of a session; browsers keep it as `SF_Token`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationResponse {
    /// The person's address.
    pub email: String,
    /// Seconds the access token lives.
    pub expires_in: i64,
    /// The access token.
    pub access_token: String,
    /// The person.
    pub local_id: String,
    /// The refresh token.
    pub refresh_token: String,
}

impl AuthorizationResponse {
    /// From a sign-in.
    pub fn of(view: &SignInView) -> Result<Self, Error> {
        let tokens = view.tokens.as_ref().ok_or_else(|| Error::internal("a sign-in without tokens"))?;
        Ok(Self {
            email: view.user.email.clone(),
            expires_in: tokens.expires_in,
            access_token: tokens.access_token.clone(),
            local_id: view.user.id.to_string(),
            refresh_token: tokens.refresh_token.clone().unwrap_or_default(),
        })
    }
}

/// What such a link claims. Nothing is proven by it.
pub(crate) struct Claimed {
    pub(crate) email: Email,
    pub(crate) user: UserId,
    pub(crate) access_token: SecretText,
    pub(crate) refresh_token: Option<PlainToken>,
}

/// The fields that count; `expiresIn`, and whatever else a client may have added, does not.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    email: String,
    local_id: String,
    access_token: SecretText,
    refresh_token: Option<SecretText>,
}

impl Claimed {
    /// Reads the JSON of a link, however often it was percent-encoded; `None` for anything else.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut text = std::borrow::Cow::Borrowed(text.trim());
        for _ in 0..LAYERS {
            if text.len() > LONGEST || text.starts_with('{') {
                break;
            }
            text = percent_decode_str(&text).decode_utf8().ok()?.into_owned().into();
        }
        if text.len() > LONGEST { None } else { Self::of(serde_json::from_str(&text).ok()?) }
    }

    fn of(wire: Wire) -> Option<Self> {
        // A plus that nobody encoded has become a space in the query; addresses have none.
        let email = Email::parse(&wire.email.trim().replace(' ', "+"))?;
        let refresh_token = wire.refresh_token.filter(|token| !token.0.is_empty());
        Some(Self {
            email,
            user: wire.local_id.parse().ok()?,
            access_token: wire.access_token,
            refresh_token: refresh_token.map(|token| PlainToken::presented(&token.0)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;
    use serde_json::json;

    const USER: &str = "usr_01kbk3x5g0r8m4t2v6w9y1z3b5";

    fn encoded(text: &str) -> String {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
    }

    fn whole() -> serde_json::Value {
        json!({"email": "Ada.Byron@example.org", "expiresIn": 3600, "accessToken": "ey.x.y", "localId": USER, "refreshToken": "lkr_z"})
    }

    #[test]
    fn a_response_is_read_however_often_it_was_encoded() {
        let plain = whole().to_string();
        for text in [plain.clone(), format!(" {plain}\n"), encoded(&plain), encoded(&encoded(&plain))] {
            let read = Claimed::read(&text).expect("read");
            assert_eq!((read.email.as_str(), read.user.to_string().as_str()), ("ada.byron@example.org", USER));
            assert_eq!((read.access_token.0.as_str(), read.refresh_token.expect("one").reveal()), ("ey.x.y", "lkr_z"));
        }
        assert!(Claimed::read(&encoded(&encoded(&encoded(&plain)))).is_none());
    }

    #[test]
    fn what_a_client_added_or_left_out_does_not_matter() {
        let mut more = whole();
        more["idToken"] = json!({"a": [1, 2, {"b": null}]});
        more["expiresIn"] = json!("3600");
        assert!(Claimed::read(&more.to_string()).is_some());
        let deep = whole().to_string().replace("3600", &format!("{}{}", "[".repeat(3000), "]".repeat(3000)));
        assert!(Claimed::read(&deep).is_some(), "it is passed over, not followed");
        for without in [json!(null), json!("")] {
            let mut less = whole();
            less["refreshToken"] = without;
            assert!(Claimed::read(&less.to_string()).expect("read").refresh_token.is_none());
        }
        let least = json!({"email": "a@example.org", "accessToken": "x", "localId": USER});
        assert!(Claimed::read(&least.to_string()).is_some());
    }

    #[test]
    fn a_plus_that_became_a_space_is_a_plus_again() {
        let mut spaced = whole();
        spaced["email"] = json!("ada byron@example.org");
        assert_eq!(Claimed::read(&spaced.to_string()).expect("read").email.as_str(), "ada+byron@example.org");
    }

    #[test]
    fn anything_else_is_refused() {
        let mut bad: Vec<String> =
            ["", "{", "{}", "[]", "null", "7", "\"x\"", "%", "%7B", "%FF%FE", "[object Object]", "{\"email\":"]
                .map(str::to_owned)
                .to_vec();
        for (name, value) in [
            ("email", json!("nobody")),
            ("email", json!(7)),
            ("localId", json!("org_01kbk3x5g0r8m4t2v6w9y1z3b5")),
            ("localId", json!("G5X86jcOynfWEATcKaVI3u11Nlo2")),
            ("accessToken", json!(null)),
            ("accessToken", json!({"a": 1})),
            ("refreshToken", json!(7)),
        ] {
            let mut one = whole();
            one[name] = value;
            bad.push(one.to_string());
        }
        let plain = whole().to_string();
        bad.push(format!("{plain}{plain}"));
        bad.push(plain.replace("\"expiresIn\":3600", "\"email\":\"b@example.org\""));
        bad.push(plain.replace("lkr_z", &"z".repeat(LONGEST)));
        for text in bad {
            assert!(Claimed::read(&text).is_none(), "{}", text.chars().take(80).collect::<String>());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,200}", json in "[{}\\[\\]\":,a-z0-9%\\\\ ]{0,200}") {
            let _ = (Claimed::read(&text), Claimed::read(&json));
        }

        #[test]
        fn what_was_written_is_read_again(local in "[a-z0-9+._-]{1,20}", access in "[A-Za-z0-9._-]{1,900}", refresh in "[A-Za-z0-9_-]{0,60}", twice: bool) {
            prop_assume!(Email::parse(&format!("{local}@example.org")).is_some());
            let text = json!({"email": format!("{local}@EXAMPLE.org"), "expiresIn": 60, "accessToken": access, "localId": USER, "refreshToken": refresh}).to_string();
            let read = Claimed::read(&if twice { encoded(&text) } else { text }).expect("read");
            prop_assert_eq!(read.email.as_str(), format!("{local}@example.org"));
            prop_assert_eq!(read.access_token.0, access);
            prop_assert_eq!(read.refresh_token.map(|token| token.reveal().to_owned()).unwrap_or_default(), refresh);
        }

        #[test]
        fn one_changed_letter_is_never_a_panic(at in 0_usize..140, letter in any::<char>()) {
            let mut letters: Vec<_> = whole().to_string().chars().collect();
            let at = at % letters.len();
            letters[at] = letter;
            let _ = Claimed::read(&letters.into_iter().collect::<String>());
        }
    }
}
