//! Backup codes: how they stand, and new ones (contract section 4).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::error::{Code, Error};
use crate::factor::{BACKUP_CODES, new_backup_codes};
use crate::mail::FactorNews;
use crate::principal::Actor;
use crate::user::User;

use super::counting::Counted;
use super::sign_in::SecretText;

/// How somebody's backup codes stand. The codes themselves are never told again.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupCodesView {
    /// How many there are in all.
    pub total_codes: i64,
    /// How many are used.
    pub used_codes: i64,
    /// How many are left.
    pub remaining_codes: i64,
    /// How many are used.
    pub used_count: i64,
    /// How many are left.
    pub remaining_count: i64,
    /// When they were made.
    #[schema(required)]
    pub generated_at: Option<Timestamp>,
    /// Always empty.
    pub codes: [String; 0],
}

/// New backup codes, shown once.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewBackupCodesView {
    /// The codes.
    pub backup_codes: Vec<String>,
    /// The same.
    pub codes: Vec<String>,
    /// None yet.
    pub used_count: i64,
    /// All of them.
    pub remaining_count: usize,
    /// When they were made.
    pub generated_at: Timestamp,
}

/// The proof that new backup codes need, where none was given a short while ago.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"password": "plum river candle"}))]
pub struct RenewBackupCodes {
    /// The present password.
    pub password: Option<SecretText>,
    /// Or a code of the second factor.
    pub code: Option<SecretText>,
}

impl Latchkey {
    /// How somebody's backup codes stand.
    pub async fn backup_codes(&self, actor: &Actor) -> Result<BackupCodesView, Error> {
        let person = actor.person()?;
        let mut reading = self.0.db.read().await?;
        let (total, used) = reading.store().count_backup_codes(person.user()).await?;
        let factor = reading.store().find_factor(person.user()).await?;
        Ok(BackupCodesView {
            total_codes: total,
            used_codes: used,
            remaining_codes: total - used,
            used_count: used,
            remaining_count: total - used,
            generated_at: factor.map(|factor| factor.codes_made_at),
            codes: [],
        })
    }

    /// Makes new backup codes; those from before are dead. Needs the password, a code, or a recent second factor.
    pub async fn renew_backup_codes(
        &self,
        actor: &Actor,
        input: RenewBackupCodes,
    ) -> Result<NewBackupCodesView, Error> {
        actor.person()?;
        let user = self.own_user(actor).await?;
        if user.second_factor_since.is_none() {
            return Err(Error::Malformed(Code::TwoFactorNotEnabled));
        }
        let who = (Counted::BACKUP_CODES, user.id.number());
        let proof = self.prove_either(actor, &user, input);
        self.counting_failures(&who, self.0.settings.limits.factor_change, Box::pin(proof)).await?;
        let (now, codes) = (self.now(), new_backup_codes());
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        if !store.replace_backup_codes(user.id, &self.code_macs(user.id, &codes), now).await? {
            return Err(Error::Malformed(Code::TwoFactorNotEnabled));
        }
        self.tell(&mut store, Told::by(actor, Deed::BackupCodesRenewed, user.id)).await?;
        self.notify_factor(&mut store, &actor.visitor, &user, FactorNews::CodesRenewed).await?;
        writing.commit().await?;
        let backup_codes = codes.clone();
        Ok(NewBackupCodesView { backup_codes, codes, used_count: 0, remaining_count: BACKUP_CODES, generated_at: now })
    }

    async fn prove_either(&self, actor: &Actor, user: &User, input: RenewBackupCodes) -> Result<(), Error> {
        let said = |text: Option<SecretText>| text.filter(|text| !text.0.trim().is_empty());
        match (said(input.password), said(input.code)) {
            (Some(password), _) => self.prove_current(actor, &password).await.map(|_| ()),
            (None, Some(code)) => self.prove_code_now(actor, user, &code).await.map(|_| ()),
            (None, None) => self.fresh(actor).map(|_| ()),
        }
    }
}
