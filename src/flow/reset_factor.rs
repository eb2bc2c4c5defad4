//! Taking the second factor of somebody away who has lost it: by an administrator, a landlord, or the operator.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::error::{Code, Error};
use crate::field::{Field, Findings};
use crate::id::UserId;
use crate::mail::FactorNews;
use crate::member::Action;
use crate::principal::{Actor, Visitor};
use crate::session::EndedBy;
use crate::store::Store;
use crate::user::User;

use super::address::told_of;
use super::links::MailTo;

/// Why a second factor is taken away.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"reason": "Lost the phone; identity checked in person"}))]
pub struct ResetFactor {
    /// For the audit log, and for the person whose it is.
    #[schema(required)]
    pub reason: Option<String>,
}

impl ResetFactor {
    fn check(self) -> Result<String, Error> {
        let mut findings = Findings::default();
        let reason = findings.text(self.reason.as_deref(), Field::Reason, 200);
        findings.check()?;
        reason.ok_or(Error::NotFound)
    }
}

impl Latchkey {
    /// An administrator takes a member's second factor away. Needs a second factor of the administrator's own, proven a
    /// short while ago, and a reason. Not on oneself, not on somebody of a stronger role, and not on people whom other
    /// organizations rely on: their factor guards those too.
    pub async fn reset_member_factor(
        &self,
        actor: &Actor,
        organization: &str,
        user: &str,
        input: ResetFactor,
    ) -> Result<(), Error> {
        let permit = self.permit_at(actor, Action::ResetFactor, organization).await?;
        let (here, user): (_, UserId) = (permit.organization(), user.parse().map_err(|_| Error::NotFound)?);
        let place = self.0.db.read().await?.store().find_membership(user, here).await?.ok_or(Error::NotFound)?;
        actor.fresh_second_factor(self.now(), self.0.settings.two_factor.recent)?;
        if user == permit.user() || place.role > permit.role() {
            return Err(Error::Forbidden(Code::InsufficientRole));
        }
        let reason = input.check()?;
        let mut writing = self.0.db.write().await?;
        let found = writing.store().find_user(user).await?.ok_or(Error::NotFound)?;
        if found.landlord_since.is_some() || writing.store().is_relied_on_elsewhere(user, here).await? {
            return Err(Error::Conflict(Code::BelongsElsewhere));
        }
        let told = Told::at(permit.organization(), actor, Deed::TwoFactorReset, user);
        self.take_factor(&mut writing.store(), &actor.visitor, &found, (told, &reason)).await?;
        writing.changed(user.number());
        writing.commit().await?;
        Ok(())
    }

    /// A landlord takes anybody else's second factor away, on the same terms.
    pub async fn reset_factor(&self, actor: &Actor, user: &str, input: ResetFactor) -> Result<(), Error> {
        let landlord = actor.landlord()?;
        let user: UserId = user.parse().map_err(|_| Error::NotFound)?;
        let mut writing = self.0.db.write().await?;
        let found = writing.store().find_user(user).await?.ok_or(Error::NotFound)?;
        actor.fresh_second_factor(self.now(), self.0.settings.two_factor.recent)?;
        if user == landlord.user() {
            return Err(Error::Forbidden(Code::InsufficientRole));
        }
        let reason = input.check()?;
        let told = Told::by(actor, Deed::TwoFactorReset, user);
        self.take_factor(&mut writing.store(), &actor.visitor, &found, (told, &reason)).await?;
        writing.changed(user.number());
        writing.commit().await?;
        Ok(())
    }

    /// The operator does so from the command line: for landlords who have lost everything.
    pub async fn reset_factor_by_operator(&self, operator: &Visitor, whose: MailTo) -> Result<(), Error> {
        let email = whose.check()?;
        let mut writing = self.0.db.write().await?;
        let (user, _) = writing.store().find_user_by_email(&email).await?.ok_or(Error::NotFound)?;
        let told = Told { actor: "operator".to_owned(), ..told_of(operator, Deed::TwoFactorReset, &user) };
        let reason = "reset by whoever runs this installation";
        self.take_factor(&mut writing.store(), operator, &user, (told, reason)).await?;
        writing.changed(user.id.number());
        writing.commit().await?;
        Ok(())
    }

    /// The person's sessions and shortcuts end with their factor; they and the audit log are told.
    async fn take_factor(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        user: &User,
        (told, reason): (Told<'_>, &str),
    ) -> Result<(), Error> {
        let now = self.now();
        if !store.delete_factor(user.id, now).await? {
            return Err(Error::Malformed(Code::TwoFactorNotEnabled));
        }
        store.consume_sessions(user.id, None, EndedBy::FactorReset, now).await?;
        self.end_shortcuts(store, user.id).await?;
        self.tell(store, told.with(serde_json::json!({ "reason": reason }))).await?;
        self.notify_factor(store, visitor, user, FactorNews::Reset { reason }).await
    }
}
