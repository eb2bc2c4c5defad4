//! Invitation codes: made, listed, revoked, brought back, asked about (contract section 6).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crypto::random;
use crate::crypto::vault::Purpose;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::id::{InvitationCodeId, OrganizationId};
use crate::invitation::{InvitationCode, canonical_code, new_code};
use crate::latchkey::network;
use crate::member::{Action, Role};
use crate::principal::{Actor, Visitor};

use super::counting::Counted;
use super::page::{Orders, Page, PageQuery};

const ORDERS: Orders = Orders { names: &["createdAt"], columns: &[("created_at", "created_at DESC")] };
/// How many people one code may let in.
const MOST_USES: i64 = 10_000;

/// A new code.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"role": "MEMBER", "maxUses": 20, "emailDomain": "example.org"}))]
pub struct NewInvitationCode {
    /// As what people join with it; MEMBER when not said. Nobody becomes an owner by a code.
    #[schema(value_type = Option<Role>)]
    pub role: Option<String>,
    /// How many people may join with it; 1 when not said.
    #[schema(minimum = 1, maximum = 10_000)]
    pub max_uses: Option<i64>,
    /// Its last instant; none when not said.
    #[schema(value_type = Option<Timestamp>)]
    pub expires_at: Option<String>,
    /// The domain that addresses must have. They join once they have confirmed theirs.
    pub email_domain: Option<String>,
}

/// A code, as those see it who look after it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationCodeView {
    /// Which one.
    pub id: InvitationCodeId,
    /// Where to.
    pub organization_id: OrganizationId,
    /// The code, to be handed out; not said to those who may not give what it gives.
    #[schema(required)]
    pub code: Option<String>,
    /// As what people join with it.
    pub role: Role,
    /// `active`, `revoked`, `expired` or `used_up`.
    pub status: &'static str,
    /// How many people may join with it.
    #[schema(minimum = 1)]
    pub max_uses: i64,
    /// How many have.
    #[schema(minimum = 0)]
    pub uses: i64,
    /// The domain that addresses must have.
    #[schema(required)]
    pub email_domain: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its last instant.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
}

/// A code to be asked about.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"code": "K7QF-9M2X-4T"}))]
pub struct CodeToValidate {
    /// The code; case, spaces and dashes do not count.
    #[schema(required)]
    pub code: Option<String>,
}

/// What a code is good for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeValidityView {
    /// Whether somebody can join with it now.
    pub valid: bool,
    /// Where to.
    #[schema(required)]
    pub organization_id: Option<OrganizationId>,
    /// What that is called.
    #[schema(required)]
    pub organization_name: Option<String>,
    /// For people.
    pub message: &'static str,
}

struct CheckedCode {
    role: Role,
    max_uses: i64,
    expires_at: Option<Timestamp>,
    email_domain: Option<String>,
}

impl NewInvitationCode {
    fn check(self, now: Timestamp) -> Result<CheckedCode, Error> {
        let mut findings = Findings::default();
        let role = findings.role(self.role.as_deref(), Role::BELOW_OWNER);
        let max_uses = self.max_uses.unwrap_or(1);
        if !(1..=MOST_USES).contains(&max_uses) {
            findings.add(Field::MaxUses, FieldCode::OutOfRange(1, MOST_USES));
        }
        let end = self.expires_at.as_deref().filter(|text| !text.is_empty());
        let expires_at =
            end.and_then(|text| findings.need(Timestamp::parse_rfc3339(text), Field::ExpiresAt, FieldCode::NotADate));
        if expires_at.is_some_and(|end| end <= now) {
            findings.add(Field::ExpiresAt, FieldCode::NotInTheFuture);
        }
        let domain = self.email_domain.as_deref().filter(|text| !text.trim().is_empty());
        let email_domain =
            domain.and_then(|text| findings.need(Email::parse_domain(text), Field::EmailDomain, FieldCode::NotDomains));
        findings.check()?;
        Ok(CheckedCode { role: role.ok_or(Error::NotFound)?, max_uses, expires_at, email_domain })
    }
}

impl Latchkey {
    /// Makes a code with which people join while they sign up.
    pub async fn create_invitation_code(
        &self,
        actor: &Actor,
        organization: &str,
        input: NewInvitationCode,
    ) -> Result<InvitationCodeView, Error> {
        let granting = self.granting(actor, Action::MakeCode, organization).await?;
        let now = self.now();
        let checked = input.check(now)?;
        let permit = granting.reach(checked.role)?;
        if checked.email_domain.is_some() && !self.sends_mail() {
            return Err(Error::Conflict(Code::MailNotConfigured));
        }
        let (id, text) = (InvitationCodeId::new(now, random()), new_code());
        let sealed = self.0.vault.seal(Purpose::InvitationCode, &id.to_string(), text.as_bytes());
        let code = InvitationCode {
            id,
            organization_id: permit.organization(),
            sealed: sealed.map_err(Error::internal)?,
            role: checked.role,
            max_uses: checked.max_uses,
            uses: 0,
            email_domain: checked.email_domain,
            created_by: permit.user(),
            created_at: now,
            expires_at: checked.expires_at,
            revoked_at: None,
        };
        let mac = self.invitation_mac(&text).ok_or_else(|| Error::internal("a new code cannot be read"))?;
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        self.lock_as(&mut store, actor, &permit).await?;
        if store.organization(permit.organization()).find_policy().await?.invitation_only {
            return Err(Error::Conflict(Code::InvitationOnly));
        }
        store.organization(permit.organization()).insert_invitation_code(&code, &mac).await?;
        let detail =
            serde_json::json!({ "role": code.role, "maxUses": code.max_uses, "emailDomain": code.email_domain });
        self.tell(&mut store, Told::at(permit.organization(), actor, Deed::CodeMade, id).with(detail)).await?;
        writing.commit().await?;
        self.code_view(code, permit.role())
    }

    /// The codes of an organization, newest first.
    pub async fn invitation_codes(
        &self,
        actor: &Actor,
        organization: &str,
        query: &PageQuery,
    ) -> Result<Page<InvitationCodeView>, Error> {
        let permit = self.permit_at(actor, Action::Invite, organization).await?;
        let page = query.check(ORDERS)?;
        let mut reading = self.0.db.read().await?;
        let mut store = reading.store();
        let mut here = store.organization(permit.organization());
        let (found, total) = here.list_invitation_codes((page.order, page.limit, page.offset)).await?;
        Ok(Page {
            items: found.into_iter().map(|code| self.code_view(code, permit.role())).collect::<Result<_, _>>()?,
            total,
        })
    }

    /// Revokes a code: nobody joins with it any more. Those who have stay.
    pub async fn revoke_invitation_code(
        &self,
        actor: &Actor,
        organization: &str,
        id: &str,
    ) -> Result<InvitationCodeView, Error> {
        self.set_code(actor, organization, id, Deed::CodeRevoked).await
    }

    /// Brings a revoked code back, with the uses that are left.
    pub async fn reactivate_invitation_code(
        &self,
        actor: &Actor,
        organization: &str,
        id: &str,
    ) -> Result<InvitationCodeView, Error> {
        self.set_code(actor, organization, id, Deed::CodeReactivated).await
    }

    async fn set_code(
        &self,
        actor: &Actor,
        organization: &str,
        id: &str,
        deed: Deed,
    ) -> Result<InvitationCodeView, Error> {
        let granting = self.granting(actor, Action::Invite, organization).await?;
        let id: InvitationCodeId = id.parse().map_err(|_| Error::NotFound)?;
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        self.lock_as(&mut store, actor, &granting.permit).await?;
        let found = store.organization(granting.permit.organization()).find_invitation_code(id).await?;
        let code = found.ok_or(Error::NotFound)?;
        let permit = granting.reach(code.role)?;
        let revoked_at = (deed == Deed::CodeRevoked).then(|| code.revoked_at.unwrap_or(self.now()));
        let code = InvitationCode { revoked_at, ..code };
        if revoked_at.is_none() {
            let here = store.organization(permit.organization()).find_policy().await?;
            self.check_can_work(&code, here.invitation_only)?;
        }
        store.organization(permit.organization()).update_invitation_code(id, revoked_at).await?;
        self.tell(&mut store, Told::at(permit.organization(), actor, deed, id)).await?;
        writing.commit().await?;
        self.code_view(code, permit.role())
    }

    /// Refuses to bring a code back with which nobody could join.
    fn check_can_work(&self, code: &InvitationCode, invitation_only: bool) -> Result<(), Error> {
        match code.status(self.now()) {
            _ if invitation_only => Err(Error::Conflict(Code::InvitationOnly)),
            "active" => Ok(()),
            _ => Err(Error::Conflict(Code::CodeOver)),
        }
    }

    /// Says what a code is good for. Wrong ones count by the client's address, like wrong passwords.
    pub async fn validate_code(&self, visitor: &Visitor, input: CodeToValidate) -> Result<CodeValidityView, Error> {
        let text = input.code.filter(|code| !code.trim().is_empty());
        let text = text.ok_or_else(|| Error::field(Field::Code, FieldCode::Required))?;
        let invalid = CodeValidityView {
            valid: false,
            organization_id: None,
            organization_name: None,
            message: Code::InvalidInvitationCode.message(),
        };
        match self.code_to_join(visitor, &text, None).await {
            Ok(code) => {
                let facts = self.0.db.read().await?.store().find_organization(code.organization_id).await?;
                Ok(facts.map_or(invalid, |facts| CodeValidityView {
                    valid: true,
                    organization_id: Some(facts.organization.id),
                    organization_name: Some(facts.organization.name),
                    message: "This invitation code is valid.",
                }))
            }
            Err(Error::Malformed(Code::InvalidInvitationCode)) => Ok(invalid),
            Err(error) => Err(error),
        }
    }

    /// A code that somebody can join with now, when `email` fits it. Nothing says why another cannot. Spends nothing.
    pub(crate) async fn code_to_join(
        &self,
        visitor: &Visitor,
        text: &str,
        email: Option<&Email>,
    ) -> Result<InvitationCode, Error> {
        let who = (Counted::INVITATION_CODE_FROM, network(visitor.address));
        let find = async {
            let none = || Error::Malformed(Code::InvalidInvitationCode);
            let mac = self.invitation_mac(text).ok_or_else(none)?;
            let mut reading = self.0.db.read().await?;
            let code = reading.store().find_invitation_code(&mac).await?.ok_or_else(none)?;
            let home = reading.store().find_organization(code.organization_id).await?.ok_or_else(none)?;
            let open = code.status(self.now()) == "active"
                && home.organization.suspended_at.is_none()
                && !home.organization.policy.invitation_only
                && email.is_none_or(|email| code.admits(email));
            if open { Ok(code) } else { Err(none()) }
        };
        self.counting_failures(&who, self.0.settings.limits.sign_in, Box::pin(find)).await
    }

    fn invitation_mac(&self, text: &str) -> Option<[u8; 32]> {
        canonical_code(text).map(|code| self.0.vault.code_mac("invitation", &code))
    }

    fn code_view(&self, code: InvitationCode, seen_by: Role) -> Result<InvitationCodeView, Error> {
        let plain = self.0.vault.open(Purpose::InvitationCode, &code.id.to_string(), &code.sealed);
        let text = String::from_utf8(plain.map_err(Error::internal)?.to_vec()).map_err(Error::internal)?;
        Ok(InvitationCodeView {
            id: code.id,
            organization_id: code.organization_id,
            code: Some(text).filter(|_| seen_by.may_invite(code.role)),
            role: code.role,
            status: code.status(self.now()),
            max_uses: code.max_uses,
            uses: code.uses,
            email_domain: code.email_domain,
            created_at: code.created_at,
            expires_at: code.expires_at,
        })
    }
}
