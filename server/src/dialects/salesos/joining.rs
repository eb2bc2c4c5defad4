//! Invitation codes and invitations, at the addresses and with the names that SalesOS's clients know.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use latchkey::flow::invitation_codes::{InvitationCodeView, NewInvitationCode};
use latchkey::flow::joining::Acceptance;
use latchkey::flow::page::{Page, PageQuery};
use latchkey::flow::sign_in::{SecretText, SignInView};
use latchkey::invitation::InvitationState;
use latchkey::member::Role;
use latchkey::{Error, Latchkey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dialects::acted_in;
use crate::rest::answer::{Answer, Created, EnteredView, Listed};
use crate::rest::body::{Body, Id, Query};
use crate::rest::invitations;
use crate::rest::sign_in::ToVerifyView;
use crate::rest::who::{Anybody, By, Guest};

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
