//! "Who is this, and what may they do?": the answers for other services.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::api_key::{KeyText, Scope, Scopes};
use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::id::{ApiKeyId, OrganizationId, UserId};
use crate::limit::Window;
use crate::member::Role;
use crate::principal::{Actor, Facts, Principal, Subject, Visitor};
use crate::secret::PlainToken;

use super::authenticate::{CredentialHeaders, Presented};
use super::counting::Counted;

/// The answer of `verify`.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerifiedView<'a> {
    /// Always true: anything else is an error.
    active: bool,
    /// Who it is.
    principal: PrincipalView<'a>,
}

/// A principal, for other services.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalView<'a> {
    /// `user` or `api_key`.
    #[serde(rename = "type")]
    #[schema(pattern = "^(user|api_key)$")]
    kind: &'static str,
    /// The person; for a key of the organization, nobody.
    #[schema(required)]
    user_id: Option<UserId>,
    /// The key.
    #[schema(required)]
    key_id: Option<ApiKeyId>,
    /// Where the principal acts.
    #[schema(required)]
    organization_id: Option<OrganizationId>,
    /// As what.
    #[schema(required)]
    role: Option<Role>,
    /// What the credential may.
    scopes: &'a Scopes,
    /// How the person authenticated (RFC 8176).
    amr: Vec<&'a str>,
    /// The credential's last instant.
    #[schema(required)]
    expires_at: Option<Timestamp>,
    /// Of keys: `live` or `test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    /// Of keys: the domains it is meant for, for the asking service to hold to.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_domains: Option<Vec<&'a str>>,
}

/// Writes the answer of `verify` for a person.
pub(super) fn written(facts: &Facts) -> Result<Arc<str>, Error> {
    let Subject::Person { amr, .. } = &facts.subject else { return Err(Error::internal("not a person")) };
    let view = PrincipalView {
        kind: "user",
        user_id: Some(facts.user),
        key_id: None,
        organization_id: facts.organization,
        role: facts.role,
        scopes: &facts.scopes,
        amr: amr.split_whitespace().collect(),
        expires_at: facts.expires_at,
        mode: None,
        allowed_domains: None,
    };
    serialized(view)
}

/// Writes the answer of `verify` for a key.
pub(super) fn key_written(facts: &Facts, allowed_domains: &str) -> Result<Arc<str>, Error> {
    let Subject::Key { id, of_organization, mode } = &facts.subject else { return Err(Error::internal("not a key")) };
    let view = PrincipalView {
        kind: "api_key",
        user_id: (!of_organization).then_some(facts.user),
        key_id: Some(*id),
        organization_id: facts.organization,
        role: facts.role,
        scopes: &facts.scopes,
        amr: Vec::new(),
        expires_at: facts.expires_at,
        mode: Some(mode.as_str()),
        allowed_domains: (!allowed_domains.is_empty()).then(|| allowed_domains.split_whitespace().collect()),
    };
    serialized(view)
}

fn serialized(principal: PrincipalView<'_>) -> Result<Arc<str>, Error> {
    let text = serde_json::to_string(&VerifiedView { active: true, principal }).map_err(Error::internal)?;
    Ok(text.into())
}

/// What a reverse proxy is told about a request that may pass.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The person, or the key of an organization.
    pub user: String,
    /// The person's address.
    pub email: String,
    /// Where they act.
    pub organization: String,
    /// As what.
    pub role: String,
    /// What they may.
    pub scopes: String,
}

/// RFC 7662 section 2.2.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Introspection {
    /// Whether the token is good, as far as the caller may know.
    active: bool,
    /// `access_token`, `refresh_token` or `api_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// What it may, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// The person's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<OrganizationId>,
    /// The role there.
    #[serde(skip_serializing_if = "Option::is_none")]
    org_role: Option<Role>,
    /// Its last instant, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// The issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
}

impl Latchkey {
    /// The answer of `verify`, already written; `insufficient_scope` when a scope is asked for that is not held.
    pub fn verify(&self, principal: &Principal, scope: Option<&str>) -> Result<Arc<str>, Error> {
        match scope {
            Some(scope) if !principal.scopes().allow(scope) => Err(Error::Forbidden(Code::InsufficientScope)),
            _ => Ok(Arc::clone(&principal.0.verified)),
        }
    }

    /// Counts a call of `verify`, `forward` or `introspect`, which have a high limit of their own.
    pub fn admit_verification(&self, principal: &Principal) -> Result<Window, Error> {
        self.limited_here(&(Counted::VERIFY, who(principal)), self.0.settings.limits.verify)
    }

    /// Counts an ordinary call of a person. A key is under its own limits only.
    pub fn admit_actor(&self, principal: &Principal) -> Result<Option<Window>, Error> {
        if principal.key_id().is_some() {
            return Ok(None);
        }
        self.limited_here(&(Counted::ACTOR, who(principal)), self.0.settings.limits.ordinary).map(Some)
    }

    /// Whether a request with this method may pass a reverse proxy. People may use every method.
    pub fn admit_forwarded(&self, principal: &Principal, method: &str) -> Result<Admitted, Error> {
        if principal.key_id().is_some() && !principal.scopes().allow(Scope::for_method(method).as_str()) {
            return Err(Error::Forbidden(Code::InsufficientScope));
        }
        let of_organization = matches!(principal.subject(), Subject::Key { of_organization: true, .. });
        Ok(Admitted {
            user: if of_organization { principal.name() } else { principal.user_id().to_string() },
            email: if of_organization { String::new() } else { principal.email().to_string() },
            organization: principal.organization_id().map(|id| id.to_string()).unwrap_or_default(),
            role: principal.role().map(Role::as_str).unwrap_or_default().to_owned(),
            scopes: principal.scopes().joined(),
        })
    }

    /// Says what a token is, to whoever may know: the token of another organization is not active for the caller.
    pub async fn introspect(&self, actor: &Actor, token: &str) -> Result<Introspection, Error> {
        let mut view = if token.starts_with(super::tokens::REFRESH_PREFIX) {
            self.introspect_refresh_token(token).await?
        } else {
            self.introspect_credential(&actor.visitor, token).await?
        };
        let own = view.sub.as_deref() == Some(actor.principal().user_id().to_string().as_str());
        if !view.active || (view.org != actor.principal().organization_id() && !own) {
            return Ok(Introspection::default());
        }
        view.iss = Some(self.public_url().to_owned());
        Ok(view)
    }

    async fn introspect_credential(&self, visitor: &Visitor, token: &str) -> Result<Introspection, Error> {
        let authorization = format!("Bearer {token}");
        let headers = CredentialHeaders { authorization: Some(&authorization), ..CredentialHeaders::default() };
        let presented = Presented::read(headers)?;
        let principal = match self.authenticate(visitor, &presented).await {
            Ok((principal, _)) => principal,
            Err(error @ (Error::Internal(_) | Error::Unavailable(_))) => return Err(error),
            Err(_) => return Ok(Introspection::default()),
        };
        let of_organization = matches!(principal.subject(), Subject::Key { of_organization: true, .. });
        Ok(Introspection {
            active: true,
            token_type: Some(if KeyText::looks_like_one(token) { "api_key" } else { "access_token" }),
            scope: Some(principal.scopes().joined()),
            sub: Some(if of_organization { principal.name() } else { principal.user_id().to_string() }),
            username: (!of_organization).then(|| principal.email().to_string()),
            org: principal.organization_id(),
            org_role: principal.role(),
            exp: principal.expires_at().map(Timestamp::seconds),
            iss: None,
        })
    }

    async fn introspect_refresh_token(&self, token: &str) -> Result<Introspection, Error> {
        let hash = PlainToken::presented(token).hashed();
        let mut reading = self.0.db.read().await?;
        let Some((session, None)) = reading.store().find_refresh_token(hash).await? else {
            return Ok(Introspection::default());
        };
        let standing = self.live_standing(&mut reading.store(), session).await;
        let Ok(standing) = standing else { return Ok(Introspection::default()) };
        Ok(Introspection {
            active: true,
            token_type: Some("refresh_token"),
            sub: Some(standing.session.user_id.to_string()),
            username: Some(standing.email.to_string()),
            org: standing.session.organization_id,
            org_role: standing.role,
            exp: Some(standing.session.expires_at.seconds()),
            ..Introspection::default()
        })
    }
}

fn who(principal: &Principal) -> u128 {
    principal.key_id().map_or_else(|| principal.user_id().number(), ApiKeyId::number)
}
