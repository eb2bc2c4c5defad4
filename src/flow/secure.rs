//! "It was not me": what the links in notices do.

use crate::Latchkey;
use crate::audit::Deed;
use crate::challenge::Kind;
use crate::error::{Code, Error};
use crate::principal::Visitor;
use crate::secret::PlainToken;
use crate::session::EndedBy;

use super::address::told_of;
use super::links::{LinkPreview, Proof};

/// What the link of a notice did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secured {
    /// Every session is over.
    SessionsEnded,
    /// The account is back at this address, its password is gone and every session is over.
    AddressRestored(String),
}

impl Latchkey {
    /// Looks at the link of a notice. Spends nothing.
    pub async fn preview_secure(&self, token: &str) -> Result<LinkPreview, Error> {
        self.preview(&[Kind::Secure, Kind::Undo], token, None).await
    }

    /// Ends every session of the account. The link of a change of address also moves it back, and takes the password
    /// away: whoever changed the address knew it.
    pub async fn secure_account(&self, visitor: &Visitor, token: &str) -> Result<Secured, Error> {
        let proof = Proof::Token(PlainToken::presented(token));
        let (mut writing, challenge) = self.redeem(visitor, &[Kind::Secure, Kind::Undo], &proof).await?;
        let gone = || Error::Malformed(Code::Gone);
        let id = challenge.user_id.ok_or_else(gone)?;
        let user = writing.store().find_user(id).await?.ok_or_else(gone)?;
        let now = self.now();
        let mut store = writing.store();
        store.consume_sessions(id, None, EndedBy::Notice, now).await?;
        self.end_shortcuts(&mut store, id).await?;
        let (deed, secured) = if challenge.kind == Kind::Undo {
            store.update_email(id, &challenge.email, now).await?;
            store.replace_password(id, None, now).await?;
            let kinds = [Kind::SignIn, Kind::Reset, Kind::Verify, Kind::Change];
            store.consume_challenges_of(id, &kinds, now).await?;
            store.consume_later_undos(id, challenge.created_at, now).await?;
            (Deed::EmailChangeUndone, Secured::AddressRestored(challenge.email.to_string()))
        } else {
            store.consume_challenges_of(id, &[Kind::SignIn, Kind::Change], now).await?;
            (Deed::AccountSecured, Secured::SessionsEnded)
        };
        self.tell(&mut store, told_of(visitor, deed, &user)).await?;
        writing.changed(id.number());
        writing.commit().await?;
        Ok(secured)
    }
}
