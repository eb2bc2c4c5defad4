//! The first landlord: from the command line, or from the one-time link of the first start. One winner.

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::error::{Code, Error};
use crate::password::{self, Owner};
use crate::principal::Visitor;
use crate::secret::{Password, PlainToken};
use crate::user::User;

use super::gate::Proven;
use super::sign_in::{Opening, SignedIn};
use super::sign_up::{NewAccount, SignUp};

impl Latchkey {
    /// A new one-time link that makes the first landlord, or nothing when there is a landlord already. A link made
    /// before is dead from now on.
    pub async fn setup_link(&self) -> Result<Option<String>, Error> {
        let mut writing = self.0.db.write().await?;
        if writing.store().has_landlord().await? {
            return Ok(None);
        }
        let token = PlainToken::random("");
        writing.store().insert_setup_link(token.hashed(), self.now()).await?;
        writing.commit().await?;
        Ok(Some(format!("{}/setup?token={}", self.public_url(), token.reveal())))
    }

    /// Whether a setup link is still good. Spends nothing.
    pub async fn setup_is_open(&self, token: &str) -> Result<bool, Error> {
        let hash = PlainToken::presented(token).hashed();
        let mut reading = self.0.db.read().await?;
        Ok(reading.store().has_setup_link(hash).await? && !reading.store().has_landlord().await?)
    }

    /// Makes the first landlord and signs them in; the link is spent by the same transaction.
    pub async fn set_up(
        &self,
        visitor: &Visitor,
        token: &str,
        input: SignUp,
        opening: Opening<'_>,
    ) -> Result<SignedIn, Error> {
        let gone = || Error::Malformed(Code::Gone);
        if !self.setup_is_open(token).await? {
            return Err(gone());
        }
        let account = input.check()?;
        let (user, hash) = self.new_landlord(&account).await?;
        let mut writing = self.0.db.write().await?;
        if !writing.store().consume_setup_link(PlainToken::presented(token).hashed()).await? {
            return Err(gone());
        }
        writing.store().insert_user(&user, Some(&hash)).await?;
        self.tell(&mut writing.store(), landlord_made(visitor, &user)).await?;
        let proven = Proven { user: &user, place: None, amr: "pwd", remember: true, inherited: None };
        let signed_in = self.open_first_session(&mut writing.store(), visitor, &proven, opening).await?;
        writing.commit().await?;
        Ok(signed_in)
    }

    /// Makes a landlord from the command line.
    pub async fn create_landlord(&self, operator: &Visitor, input: SignUp) -> Result<(), Error> {
        let account = input.check()?;
        let (user, hash) = self.new_landlord(&account).await?;
        let mut writing = self.0.db.write().await?;
        writing.store().insert_user(&user, Some(&hash)).await?;
        self.tell(&mut writing.store(), landlord_made(operator, &user)).await?;
        writing.commit().await
    }

    async fn new_landlord(&self, account: &NewAccount) -> Result<(User, String), Error> {
        let owner = Owner { email: &account.email, name: &account.name, organization: None };
        password::check(&account.password, &owner, &self.0.settings.passwords).map_err(Error::WeakPassword)?;
        let hash = self.0.hasher.hash(Password::typed(account.password.text())).await?;
        let now = self.now();
        let user = User { landlord_since: Some(now), email_verified_at: Some(now), ..account.user(now) };
        Ok((user, hash))
    }
}

fn landlord_made<'a>(visitor: &'a Visitor, user: &User) -> Told<'a> {
    Told {
        visitor,
        actor: "operator".to_owned(),
        organization: None,
        deed: Deed::LandlordMade,
        target: user.id.to_string(),
        detail: serde_json::Value::Null,
    }
}
