//! SalesOS: the native API under `/api`, with the further names that its clients read and the further addresses that
//! they know (contract section 8).

use axum::Json;
use axum::body::{Body as HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use latchkey::flow::account::ProfileChanges;
use latchkey::flow::gate::SecondFactorDueView;
use latchkey::flow::invitation_codes::{InvitationCodeView, NewInvitationCode};
use latchkey::flow::joining::Acceptance;
use latchkey::flow::organizations::OrganizationDetailView;
use latchkey::flow::page::{Page, PageQuery};
use latchkey::flow::sign_in::{SecretText, SignIn, SignInView, UserView};
use latchkey::invitation::InvitationState;
use latchkey::member::Role;
use latchkey::{Error, Latchkey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{acted_in, orgstack};
use crate::rest::answer::{Answer, Created, EnteredView, Listed, entered};
use crate::rest::body::{Body, Id, Query, object};
use crate::rest::failure::Failure;
use crate::rest::sign_in::ToVerifyView;
use crate::rest::who::{Anybody, Barred, By, Guest, opening};
use crate::rest::{account, invitations, two_factor};

/// More than any answer of ours is long.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// What is only under `/api`.
pub fn routes() -> OpenApiRouter<Latchkey> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(two_factor::set_up_two_factor_alias))
        .routes(routes!(list_organizations))
        .routes(routes!(own_profile, change_own_profile))
        .routes(routes!(list_codes))
        .routes(routes!(create_code))
        .routes(routes!(revoke_code))
        .routes(routes!(reactivate_code))
        .routes(routes!(invitation_info))
        .routes(routes!(accept_invitation))
}

/// Adds the further names to an answer: both spellings of tokens, and what its clients read of people and organizations.
pub async fn spell_out(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !is_json || !response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LONGEST_ANSWER).await else {
        return Failure::from(Error::internal("an answer is too long to be spelled out")).into_response();
    };
    if !NAMED.iter().any(|name| holds(&bytes, name.as_bytes())) {
        return Response::from_parts(parts, bytes.into());
    }
    let Ok(mut value) = serde_json::from_slice(&bytes) else { return Response::from_parts(parts, bytes.into()) };
    spell(&mut value);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, HttpBody::from(value.to_string()))
}

/// An answer without any of these has nothing to be spelled out.
const NAMED: [&str; 5] = ["accessToken", "csrfToken", "emailVerified", "memberCount", "joinedAt"];
/// Names in both spellings.
const BOTH: [(&str, &str); 5] = [
    ("accessToken", "access_token"),
    ("refreshToken", "refresh_token"),
    ("csrfToken", "csrf_token"),
    ("tokenType", "token_type"),
    ("emailVerified", "isEmailVerified"),
];

fn holds(bytes: &[u8], name: &[u8]) -> bool {
    bytes.windows(name.len()).any(|window| window == name)
}

fn spell(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(spell),
        Value::Object(fields) => {
            fields.values_mut().for_each(spell);
            add_names(fields);
        }
        _ => {}
    }
}

fn add_names(fields: &mut Map<String, Value>) {
    let also = |fields: &mut Map<String, Value>, name: &str, other: &str| {
        if let Some(value) = fields.get(name).cloned() {
            fields.insert(other.to_owned(), value);
        }
    };
    for (name, other) in BOTH {
        also(fields, name, other);
    }
    if fields.contains_key("accessToken") {
        also(fields, "expiresIn", "expires_in");
    }
    if let Some(members) = fields.get("memberCount").cloned() {
        fields.insert("_count".to_owned(), json!({ "members": members }));
    }
    if let (true, Some(user)) = (fields.contains_key("joinedAt"), fields.get("user").cloned()) {
        for (name, own) in [("userName", "name"), ("userEmail", "email"), ("userAvatarUrl", "avatarUrl")] {
            fields.insert(name.to_owned(), user[own].clone());
        }
    }
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
    responses((status = 200, description = "The person, changed.", body = UserView))
)]
pub async fn change_own_profile(
    state: State<Latchkey>,
    by: By,
    changes: Body<ProfileChanges>,
) -> Answer<Json<UserView>> {
    account::update_profile(state, by, changes).await
}

/// An invitation code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SalesOsCode)]
pub struct CodeView {
    /// Which one.
    id: String,
    /// The code, to be handed out; not said to those who may not give what it gives.
    #[schema(required)]
    code: Option<String>,
    /// ACTIVE, REVOKED, EXPIRED or EXHAUSTED.
    status: &'static str,
    /// How many people may join with it.
    #[schema(minimum = 1)]
    max_uses: i64,
    /// How many have.
    #[schema(minimum = 0)]
    current_uses: i64,
    /// Its last instant.
    #[schema(required)]
    expires_at: Option<latchkey::clock::Timestamp>,
    /// As what people join with it.
    default_role: Role,
}

impl From<InvitationCodeView> for CodeView {
    fn from(code: InvitationCodeView) -> Self {
        Self {
            id: code.id.to_string(),
            code: code.code,
            status: match code.status {
                "active" => "ACTIVE",
                "revoked" => "REVOKED",
                "expired" => "EXPIRED",
                _ => "EXHAUSTED",
            },
            max_uses: code.max_uses,
            current_uses: code.uses,
            expires_at: code.expires_at,
            default_role: code.role,
        }
    }
}

/// The invitation codes, as SalesOS knows them
#[utoipa::path(
    get, path = "/api/organizations/{id}/codes", tag = "Invitations", params(
        ("id" = String, Path, description = "Which organization."),
        ("page" = Option<u32>, Query, description = "Which page, from 1.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "How many on a page; 20 when not said.", minimum = 1, maximum = 100),
        ("sortBy" = Option<String>, Query, description = "`createdAt`."),
        ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`."),
    ),
    responses(
        (status = 200, description = "All of them, newest first.", body = Vec<CodeView>, headers(("X-Total-Count" = u64, description = "How many there are in all."))),
        (status = 403, description = "`insufficient_role`: for managers and above."),
    )
)]
pub async fn list_codes(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Id(id): Id,
    Query(query): Query<PageQuery>,
) -> Answer<Listed<CodeView>> {
    let Page { items, total } = latchkey.invitation_codes(&actor, &id, &query).await?;
    Ok(Listed(Page { items: items.into_iter().map(CodeView::from).collect(), total }))
}

/// A new code.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SalesOsNewCode, example = json!({"organizationId": "org_01kbk3x5g0r8m4t2v6w9y1z3b5", "maxUses": 20, "defaultRole": "MEMBER"}))]
pub struct NewCode {
    /// Where to; without it, the organization acted in.
    organization_id: Option<String>,
    /// How many people may join with it; 1 when not said.
    #[schema(minimum = 1, maximum = 10_000)]
    max_uses: Option<i64>,
    /// Its last instant; none when not said.
    #[schema(value_type = Option<latchkey::clock::Timestamp>)]
    valid_until: Option<String>,
    /// As what people join with it: MEMBER (or USER), MANAGER or ADMIN.
    #[schema(value_type = Option<String>)]
    default_role: Option<String>,
}

/// Make an invitation code, as SalesOS knows them
#[utoipa::path(
    post, path = "/api/organizations/codes", tag = "Invitations", request_body = NewCode,
    responses(
        (status = 201, description = "Made.", body = CodeView),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
        (status = 404, description = "`not_found`: there is no such organization."),
        (status = 409, description = "`invitation_only`: the organization has no codes."),
    )
)]
pub async fn create_code(
    State(latchkey): State<Latchkey>,
    By(actor): By,
    Body(input): Body<NewCode>,
) -> Answer<Created<CodeView>> {
    let role = input
        .default_role
        .map(|role| if role == Role::Member.coarse() { Role::Member.as_str().to_owned() } else { role });
    let new = NewInvitationCode { role, max_uses: input.max_uses, expires_at: input.valid_until, email_domain: None };
    let organization = input.organization_id.unwrap_or_else(|| acted_in(&actor));
    Ok(Created(latchkey.create_invitation_code(&actor, &organization, new).await?.into()))
}

/// Revoke an invitation code of the organization acted in
#[utoipa::path(
    post, path = "/api/organizations/codes/{codeId}/revoke", tag = "Invitations",
    params(("codeId" = String, Path, description = "Which code.")),
    responses(
        (status = 200, description = "Revoked.", body = CodeView),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
    )
)]
pub async fn revoke_code(State(latchkey): State<Latchkey>, By(actor): By, Id(code): Id) -> Answer<Json<CodeView>> {
    Ok(Json(latchkey.revoke_invitation_code(&actor, &acted_in(&actor), &code).await?.into()))
}

/// Bring an invitation code of the organization acted in back
#[utoipa::path(
    post, path = "/api/organizations/codes/{codeId}/reactivate", tag = "Invitations",
    params(("codeId" = String, Path, description = "Which code.")),
    responses(
        (status = 200, description = "Back.", body = CodeView),
        (status = 403, description = "`insufficient_role`: managers as MEMBER, admins and owners up to their own role."),
        (status = 409, description = "`code_over`: it has expired or is used up; `invitation_only`: the organization has no codes."),
    )
)]
pub async fn reactivate_code(State(latchkey): State<Latchkey>, By(actor): By, Id(code): Id) -> Answer<Json<CodeView>> {
    Ok(Json(latchkey.reactivate_invitation_code(&actor, &acted_in(&actor), &code).await?.into()))
}

/// The token of an invitation's link.
#[derive(Debug, Default, Deserialize)]
pub struct InvitationQuery {
    token: Option<String>,
}

/// An invitation, as whoever holds its link sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SalesOsInvitation)]
pub struct InvitationInfo {
    email: String,
    organization_name: String,
    inviter_name: String,
    role: Role,
    expires_at: latchkey::clock::Timestamp,
    /// Whether that address has an account.
    existing_user: bool,
}

/// Look at an invitation that can be accepted, as SalesOS knows them
///
/// Spends nothing.
#[utoipa::path(
    get, path = "/api/invitations/info", tag = "Invitations", security(()),
    params(("token" = String, Query, description = "The token of the link.")),
    responses(
        (status = 200, description = "The invitation.", body = InvitationInfo),
        (status = 400, description = "`invalid_token`: no link has it, or a newer link took its place."),
        (status = 410, description = "`gone`: accepted, withdrawn or expired."),
    )
)]
pub async fn invitation_info(
    State(latchkey): State<Latchkey>,
    Guest(visitor): Guest,
    Query(query): Query<InvitationQuery>,
) -> Answer<Json<InvitationInfo>> {
    let found = latchkey.invitation(&visitor, &query.token.unwrap_or_default()).await?;
    if found.state != InvitationState::Pending {
        return Err(Error::Malformed(latchkey::Code::Gone).into());
    }
    Ok(Json(InvitationInfo {
        email: found.email,
        organization_name: found.organization_name,
        inviter_name: found.inviter_name,
        role: found.role,
        expires_at: found.expires_at,
        existing_user: found.has_account,
    }))
}

/// How an invitation is accepted, with its token in the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SalesOsAcceptance, example = json!({"token": "9Jx0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c1d0e9f8", "name": "Grace Hopper", "password": "plum river candle"}))]
pub struct AcceptanceWithToken {
    /// The token of the link.
    #[schema(required)]
    token: Option<String>,
    /// What they are called.
    name: Option<String>,
    /// The password of their new account; or, without a name, of the one they have.
    password: Option<SecretText>,
}

/// Accept an invitation, as SalesOS does
///
/// As `POST /api/invitations/{token}/accept`.
#[utoipa::path(
    post, path = "/api/invitations/accept", operation_id = "accept_invitation_by_body", tag = "Invitations", security((), ("bearer" = []), ("cookie" = [], "csrf" = [])), request_body = AcceptanceWithToken,
    responses(
        (status = 200, description = "Joined, with the account that asks or whose password was said; or its second step.", body = EnteredView),
        (status = 201, description = "Joined, with a new account, and signed in.", body = SignInView),
        (status = 202, description = "Joined with a new account, whose address must be confirmed first.", body = ToVerifyView),
        (status = 400, description = "`invalid_token`: no link has it, or a newer link took its place."),
        (status = 401, description = "`invalid_credentials`: this is not the password of the account."),
        (status = 403, description = "`invitation_for_another`: it is for another address; `organization_suspended`, `registration_closed`, `sign_in_method_not_allowed`."),
        (status = 409, description = "`email_taken`: that address has an account, sign in to it first; `already_member`."),
        (status = 410, description = "`gone`: accepted, withdrawn or expired."),
        (status = 422, description = "`weak_password`: the password will not do."),
    )
)]
pub async fn accept_invitation(
    state: State<Latchkey>,
    anybody: Anybody,
    headers: HeaderMap,
    Body(input): Body<AcceptanceWithToken>,
) -> Answer<Response> {
    let AcceptanceWithToken { token, name, password } = input;
    let token = Id(token.unwrap_or_default());
    invitations::accept_invitation(state, anybody, headers, token, Body(Acceptance { name, password })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_salesos_reads_is_added_and_nothing_is_taken_away() {
        let mut answer = json!({
            "accessToken": "a", "expiresIn": 1, "user": { "emailVerified": true },
            "list": [{ "memberCount": 3 }, { "joinedAt": "x", "user": { "name": "Ada", "email": "e", "avatarUrl": null } }],
        });
        let before = answer.clone();
        spell(&mut answer);
        assert_eq!((&answer["access_token"], &answer["expires_in"]), (&json!("a"), &json!(1)));
        assert_eq!(answer["user"]["isEmailVerified"], true);
        assert_eq!(answer["list"][0]["_count"], json!({ "members": 3 }));
        assert_eq!(answer["list"][1]["userName"], "Ada");
        assert_eq!(answer["list"][1]["userAvatarUrl"], Value::Null);
        for (name, value) in before.as_object().expect("an object") {
            assert!(answer.get(name).is_some() && !value.is_null(), "{name}");
        }
    }

    #[test]
    fn a_life_without_a_token_keeps_its_one_name() {
        let mut due = json!({ "requiresTwoFactor": true, "expiresIn": 300 });
        spell(&mut due);
        assert_eq!(due, json!({ "requiresTwoFactor": true, "expiresIn": 300 }));
    }
}
