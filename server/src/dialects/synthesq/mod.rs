//! SynthesQ: `/api/v1/…` and `/sanctum/…`, in the style of Laravel (contract section 8).
//!
//! - [`browser`] is for front ends that hold a session cookie, and a CSRF token that scripts read from `XSRF-TOKEN`.
//! - [`token`] is for programs that hold tokens.
//! - [`people`] is the account, tenants' owners, invitations, revocation.
//! - [`refusal`] holds its error bodies, and [`who`] says who asks, and in which of their organizations.

use latchkey::api_key::Scopes;
use latchkey::flow::sign_in::{SecretText, UserView};
use latchkey::member::Role;
use latchkey::{Error, Latchkey};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

pub mod browser;
pub mod people;
pub mod refusal;
pub mod token;
pub mod who;

type Described = UtoipaMethodRouter<Latchkey>;

/// All of it.
pub fn routes() -> OpenApiRouter<Latchkey> {
    OpenApiRouter::new()
        .routes(routes!(browser::csrf_cookie))
        .routes(at("/api/v1/sanctum/csrf-cookie", routes!(browser::csrf_cookie)))
        .routes(at("/api/v1/csrf-cookie", routes!(browser::csrf_cookie)))
        .routes(routes!(browser::login))
        .routes(at("/api/v1/login", routes!(browser::login)))
        .routes(routes!(browser::two_factor_challenge))
        .routes(at("/api/v1/two-factor-challenge", routes!(browser::two_factor_challenge)))
        .routes(routes!(browser::register))
        .routes(at("/api/v1/register", routes!(browser::register)))
        .routes(routes!(browser::logout))
        .routes(at("/api/v1/logout", routes!(browser::logout)))
        .routes(routes!(browser::accept_invitation))
        .routes(routes!(people::forgot_password))
        .routes(at("/api/v1/forgot-password", routes!(people::forgot_password)))
        .routes(routes!(people::reset_password))
        .routes(at("/api/v1/reset-password", routes!(people::reset_password)))
        .routes(routes!(people::user))
        .routes(at("/api/v1/user", routes!(people::user)))
        .routes(routes!(people::update_profile))
        .routes(routes!(people::update_password))
        .routes(routes!(people::invite_superuser))
        .routes(routes!(people::revoke_tokens))
        .routes(routes!(token::issue))
        .routes(routes!(token::refresh))
}

/// The same operation at another address.
fn at(path: &str, (schemas, mut paths, methods): Described) -> Described {
    let items = std::mem::take(&mut paths.paths);
    paths.paths = items.into_values().map(|item| (path.to_owned(), item)).collect();
    (schemas, paths, methods)
}

/// A person.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SynthesqUser)]
pub struct StaffView {
    /// Which account.
    pub id: String,
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
    /// OWNER, ADMIN, MANAGER or MEMBER, and SUPER_ADMIN for landlords.
    pub roles: Vec<&'static str>,
    /// What they may do where they act.
    pub permissions: Scopes,
    /// Where they act: the slug of the organization.
    #[schema(required)]
    pub business_id: Option<String>,
}

impl StaffView {
    /// A person where they act, with the rights they have there.
    pub fn new(user: &UserView, permissions: Scopes) -> Self {
        let landlord = (user.role == "SUPER_ADMIN").then_some(user.role);
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            email: user.email.clone(),
            roles: user.organization_role.map(Role::as_str).into_iter().chain(landlord).collect(),
            permissions,
            business_id: user.organization_slug.clone(),
        }
    }
}

/// A person, as it stands under `data`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SynthesqUserData)]
pub struct UserData {
    user: StaffView,
}

/// Something done, with what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done<T> {
    /// Always true.
    pub success: bool,
    /// For people.
    pub message: &'static str,
    /// What came of it.
    pub data: T,
}

impl<T> Done<T> {
    /// The answer.
    pub const fn new(message: &'static str, data: T) -> Self {
        Self { success: true, message, data }
    }
}

/// Refuses a password that was typed twice and differently. One that was typed once is fine.
fn check_typed_twice(password: Option<&SecretText>, again: Option<&SecretText>) -> Result<(), Error> {
    match (password, again) {
        (Some(password), Some(again)) if password.0 != again.0 => {
            Err(Error::Shape(vec!["password must be confirmed: the two do not match".to_owned()]))
        }
        _ => Ok(()),
    }
}
