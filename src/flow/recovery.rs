//! Choosing a new password by mail.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::challenge::Kind;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::password::{self, Owner};
use crate::principal::Visitor;
use crate::secret::{Password, PlainToken};
use crate::session::EndedBy;
use crate::user::User;

use super::links::{Asked, LinkPreview, MailProof, MailTo, Proof};
use super::mail::Notice;
use super::sign_in::SecretText;

/// A new password, and what was mailed as proof.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"token": "9Jx0m1bq8S1nB0y3m5nq2v8w7x6y5z4a3b2c1d0e9f8", "newPassword": "lantern over quiet water"}))]
pub struct ResetPassword {
    /// The token of the mailed link, or the one that the mailed code was exchanged for.
    #[schema(required)]
    pub token: Option<SecretText>,
    /// The new password.
    pub new_password: Option<SecretText>,
    /// The same, as some clients call it.
    pub password: Option<SecretText>,
}

/// What a right code is exchanged for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetTokenView {
    /// Always true.
    pub success: bool,
    /// Always true.
    pub valid: bool,
    /// To be sent with the new password.
    pub token: String,
}

impl Latchkey {
    /// Looks at a link to choose a new password with. Spends nothing.
    pub async fn preview_reset(&self, token: &str) -> Result<LinkPreview, Error> {
        self.preview(&[Kind::Reset], token, None).await
    }

    /// Exchanges a mailed code for a token. The code and the link beside it are dead from then on.
    pub async fn verify_reset_code(&self, visitor: &Visitor, input: MailProof) -> Result<ResetTokenView, Error> {
        let Proof::Code(email, code) = input.check()? else {
            return Err(Error::field(Field::Code, FieldCode::Required));
        };
        let (mut writing, challenge) = self.prove_code(visitor, &[Kind::Reset], &email, &code).await?;
        let token = PlainToken::random("");
        if !writing.store().update_challenge_token(&challenge.slot, token.hashed()).await? {
            return Err(Error::Malformed(Code::InvalidCode));
        }
        writing.commit().await?;
        Ok(ResetTokenView { success: true, valid: true, token: token.reveal().to_owned() })
    }

    /// Sets a new password. Ends every session with its tokens, and everything else that was mailed, in the same
    /// transaction. Does not sign in: a second factor is asked for as always.
    pub async fn reset_password(&self, visitor: &Visitor, input: ResetPassword) -> Result<(), Error> {
        let mut findings = Findings::default();
        let token = input.token.filter(|token| !token.0.is_empty());
        let token = findings.need(token, Field::Token, FieldCode::Required);
        let new = input.new_password.or(input.password).filter(|text| !text.0.is_empty());
        let new = findings.need(new, Field::NewPassword, FieldCode::Required);
        findings.check()?;
        let (Some(token), Some(new)) = (token, new) else { return Err(Error::NotFound) };
        let hash = self.check_new_password(&token.0, &new.0).await?;
        let proof = Proof::Token(PlainToken::presented(&token.0));
        let (mut writing, challenge) = self.redeem(visitor, &[Kind::Reset], &proof).await?;
        let id = challenge.user_id.ok_or(Error::Malformed(Code::Gone))?;
        let now = self.now();
        let mut store = writing.store();
        store.replace_password(id, Some(&hash), now).await?;
        store.update_verified(id, now).await?;
        store.consume_sessions(id, None, EndedBy::Recovery, now).await?;
        self.end_shortcuts(&mut store, id).await?;
        self.clear_guesses(&mut store, &challenge.email).await?;
        store.consume_challenges_of(id, &[Kind::SignIn, Kind::Reset, Kind::Change], now).await?;
        let told = Told {
            visitor,
            actor: id.to_string(),
            organization: None,
            deed: Deed::PasswordReset,
            target: id.to_string(),
            detail: serde_json::Value::Null,
        };
        self.tell(&mut store, told).await?;
        let house = self.house_of(&mut store, id, None).await?;
        let notice = Notice::PasswordChanged { by_recovery: true };
        self.notify(&mut store, visitor, (id, &challenge.email), house.as_deref(), notice).await?;
        writing.changed(id.number());
        writing.commit().await?;
        Ok(())
    }

    /// Checks a new password before the token is spent, so that a weak one can be typed again.
    async fn check_new_password(&self, token: &str, new: &str) -> Result<String, Error> {
        let preview = self.preview_reset(token).await?;
        if !preview.valid {
            return Err(Error::Malformed(Code::Gone));
        }
        let hash = PlainToken::presented(token).hashed();
        let mut reading = self.0.db.read().await?;
        let found = reading.store().find_challenge(hash).await?.and_then(|challenge| challenge.user_id);
        let user: User = match found {
            Some(id) => reading.store().find_user(id).await?.ok_or(Error::Malformed(Code::Gone))?,
            None => return Err(Error::Malformed(Code::Gone)),
        };
        let places = reading.store().list_memberships(user.id).await?;
        let organization = places.first().map(|place| place.organization.name.as_str());
        let new = Password::typed(new);
        let owner = Owner { email: &user.email, name: &user.name, organization };
        password::check(&new, &owner, &self.0.settings.passwords).map_err(Error::WeakPassword)?;
        drop(reading);
        self.0.hasher.hash(new).await
    }

    /// A link to choose a new password with, for an operator to hand over: where no mail can be sent, or none arrives.
    pub async fn recovery_link(&self, operator: &Visitor, input: MailTo) -> Result<String, Error> {
        let email = input.check()?;
        let mut writing = self.0.db.write().await?;
        let (user, _) = writing.store().find_user_by_email(&email).await?.ok_or(Error::NotFound)?;
        let asked = Asked { kind: Kind::Reset, email: &email, user: Some(user.id), browser: None };
        let issued = self.issue(&mut writing.store(), &asked).await?;
        let told = Told {
            visitor: operator,
            actor: "operator".to_owned(),
            organization: None,
            deed: Deed::ResetAsked,
            target: user.id.to_string(),
            detail: serde_json::Value::Null,
        };
        self.tell(&mut writing.store(), told).await?;
        writing.commit().await?;
        Ok(issued.link(self, "reset-password"))
    }
}
