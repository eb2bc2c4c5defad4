//! SalesOS: the native API under `/api`, with the further names that its clients read ([`spelling`]) and the further
//! addresses that they know, those of codes and invitations in [`joining`] (contract section 8).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use latchkey::flow::account::ProfileChanges;
use latchkey::flow::gate::SecondFactorDueView;
use latchkey::flow::organizations::OrganizationDetailView;
use latchkey::flow::page::PageQuery;
use latchkey::flow::sign_in::{SignIn, SignInView, UserView};
use latchkey::{Error, Latchkey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orgstack;
use crate::rest::answer::{Answer, Listed, entered};
use crate::rest::body::{Body, Query, object};
use crate::rest::who::{Barred, By, Guest, opening};
use crate::rest::{account, two_factor};

pub mod joining;
pub mod spelling;

/// What is only under `/api`.
pub fn routes() -> OpenApiRouter<Latchkey> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(two_factor::set_up_two_factor_alias))
        .routes(routes!(list_organizations))
        .routes(routes!(own_profile, change_own_profile))
        .routes(routes!(joining::list_codes))
        .routes(routes!(joining::create_code))
        .routes(routes!(joining::revoke_code))
        .routes(routes!(joining::reactivate_code))
        .routes(routes!(joining::invitation_info))
        .routes(routes!(joining::accept_invitation))
}

/// What somebody who signs in says: `email`, or `username` as clients of OrgStack do.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes the body, which is read as one or the other by its fields")]
enum SignInBody {
    Address(SignIn),
    Username(orgstack::Credentials),
}

/// What a sign-in gives, in the form of whoever asks.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes the answer; the parts are written as they are")]
enum SignInAnswer {
    SignedIn(Box<SignInView>),
    SecondFactorDue(SecondFactorDueView),
    OrgStack(orgstack::SessionView),
}

/// Sign in with address and password
///
/// As under `/v1`. With `username` in place of `email` it speaks to clients of OrgStack: their answer is `{token, userId,
/// username, expiresIn}`, and a second factor that is due is 401 `two_factor_required`, to be tried again with
/// `twoFactorCode`.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "Signing in", security(()), request_body = SignInBody,
    responses(
        (status = 200, description = "Signed in, or the second factor is due.", body = SignInAnswer),
        (status = 401, description = "`invalid_credentials`: the address or the password is not right; `invalid_code`: they are, and the code is not; `two_factor_required`; `sign_in_method_not_allowed`: the organization takes no passwords."),
        (status = 403, description = "`email_not_verified`, `organization_suspended`, or `csrf_failed` for a call from a page of another site."),
        (status = 404, description = "The organization asked for is not one of theirs."),
        (status = 423, description = "`locked`: too many wrong codes."),
    )
)]
pub async fn login(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    headers: HeaderMap,
    Body(mut fields): Body<Map<String, Value>>,
) -> Answer<Response> {
    fields.retain(|_, value| !value.is_null());
    match (fields.contains_key("email"), fields.contains_key("username")) {
        (true, false) => {
            let input = object::<SignIn>(fields)?;
            Ok(entered(&latchkey.sign_in(&visitor, input, opening(&headers)).await?))
        }
        (false, true) => orgstack::login(&latchkey, &visitor, &headers, object(fields)?).await,
        _ => Err(Error::Shape(vec!["either email or username must be given".to_owned()]).into()),
    }
}

/// The part of a list that is asked for, in either way.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationsQuery {
    page_size: Option<String>,
    page: Option<String>,
    limit: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
}

/// A page of organizations with its numbers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrganizationsView {
    organizations: Vec<OrganizationDetailView>,
    /// How many there are in all.
    total: i64,
    /// Which page, from 1.
    page: i64,
    /// How many on a page.
    page_size: i64,
}

/// A list, or a page with its numbers.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes the answer; the parts are written as they are")]
enum OrganizationsAnswer {
    List(Vec<OrganizationDetailView>),
    Page(OrganizationsView),
}

/// The person's organizations
///
/// As under `/v1`; with `pageSize` the answer is `{organizations, total, page, pageSize}`.
#[utoipa::path(
    get, path = "/api/organizations", tag = "Organizations", params(
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("pageSize" = Option<u32>, Query, description = "How many on a page, and that its numbers are wanted.", minimum = 1, maximum = 100),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
        ("sortBy" = Option<String>, Query, description = "`createdAt` or `name`."),
        ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`."),
    ),
    responses((status = 200, description = "Those they have a live place in.", body = OrganizationsAnswer, headers(("X-Total-Count" = u64, description = "How many there are in all."))))
)]
pub async fn list_organizations(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Query(query): Query<OrganizationsQuery>,
) -> Answer<Response> {
    let OrganizationsQuery { page_size, page, limit, sort_by, sort_order } = query;
    let asked = PageQuery { page, limit: page_size.clone().or(limit), sort_by, sort_order };
    let found = latchkey.my_organizations(&actor, &asked).await?;
    if page_size.is_none() {
        return Ok(Listed(found).into_response());
    }
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or(1);
    let view = OrganizationsView {
        total: found.total,
        page: number(asked.page),
        page_size: number(asked.limit),
        organizations: found.items,
    };
    Ok(Json(view).into_response())
}

/// The same as `/api/auth/me`
#[utoipa::path(
    get, path = "/api/users/me", tag = "Account",
    responses((status = 200, description = "The person.", body = UserView))
)]
pub async fn own_profile(state: State<Latchkey>, by: Barred) -> Answer<Json<UserView>> {
    account::me(state, by).await
}

/// The same as `/api/auth/update-profile`
#[utoipa::path(
    put, path = "/api/users/me", tag = "Account", request_body = ProfileChanges,
    responses(
        (status = 200, description = "The person, changed.", body = UserView),
        (status = 409, description = "`username_taken`: another account has this user name."),
    )
)]
pub async fn change_own_profile(
    state: State<Latchkey>,
    by: By,
    changes: Body<ProfileChanges>,
) -> Answer<Json<UserView>> {
    account::update_profile(state, by, changes).await
}
