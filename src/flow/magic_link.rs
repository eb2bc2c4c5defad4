//! Signing in with a mailed link or code (contract section 3).

use crate::Latchkey;
use crate::agent::browser;
use crate::audit::{Deed, Told};
use crate::challenge::{Kind, LinkState};
use crate::crypto::random;
use crate::error::{Code, Error};
use crate::id::UserId;
use crate::mail::{Circumstances, Letter};
use crate::metrics::Way;
use crate::principal::Visitor;
use crate::store::Store;
use crate::user::User;

use super::gate::{Entered, Proven};
use super::links::{Asked, LinkPreview, MailProof, MailTo, browser_hash};
use super::mail::Parcel;
use super::places::place_of;
use super::sign_in::Opening;

/// How far a sign-in by mail has come, for the browser that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MagicLinkState {
    /// Nothing was asked for on this browser.
    None,
    /// The link and the code are still good.
    Waiting,
    /// The link or the code was used, here or elsewhere, or spoiled by wrong codes.
    Used,
    /// Their time is over.
    Expired,
}

impl Latchkey {
    /// Mails a link and a code to sign in with. Known and unknown addresses are answered alike, in the same time:
    /// both cost the same writes, and the sending comes afterwards. A new request replaces the one before.
    pub async fn ask_magic_link(&self, visitor: &Visitor, input: MailTo, browser: Option<&str>) -> Result<(), Error> {
        self.ask_by_mail(visitor, input, browser, Kind::SignIn).await
    }

    /// The same for a link and a code to choose a new password with.
    pub async fn ask_reset(&self, visitor: &Visitor, input: MailTo, browser: Option<&str>) -> Result<(), Error> {
        self.ask_by_mail(visitor, input, browser, Kind::Reset).await
    }

    async fn ask_by_mail(
        &self,
        visitor: &Visitor,
        input: MailTo,
        browser_name: Option<&str>,
        kind: Kind,
    ) -> Result<(), Error> {
        let email = input.check()?;
        self.limit_asking(kind.as_str(), visitor, &email).await?;
        if !self.sends_mail() {
            return Ok(());
        }
        let now = self.now();
        let mut writing = self.0.db.write().await?;
        let found = writing.store().find_user_by_email(&email).await?.map(|(user, _)| user);
        let (user, house) = self.addressee(&mut writing.store(), found).await?;
        let asked = Asked { kind, email: &email, user, browser: browser_name };
        let issued = self.issue(&mut writing.store(), &asked).await?;
        let (browser, address) = (browser(&visitor.user_agent), visitor.address.to_string());
        let asked = Circumstances { at: now, browser: &browser, address: &address };
        let lives = &self.0.settings.links;
        let (life, page) =
            if kind == Kind::Reset { (lives.reset, "reset-password") } else { (lives.sign_in, "magic-link") };
        let (link, code, minutes) = (issued.link(self, page), issued.code.as_str(), life.as_secs().div_ceil(60));
        let letter = match kind {
            Kind::Reset => Letter::Reset { link: &link, code, minutes, asked },
            _ => Letter::MagicLink { link: &link, code, minutes, asked },
        };
        let until = Some(now.plus(life));
        let parcel = Parcel { to: &email, house: house.as_deref(), letter, until, decoy: user.is_none() };
        self.post(&mut writing.store(), parcel).await?;
        let deed = if kind == Kind::Reset { Deed::ResetAsked } else { Deed::MagicLinkAsked };
        self.tell(&mut writing.store(), Told::anonymous(visitor, deed, &email)).await?;
        writing.commit().await
    }

    /// Who is mailed at an address that anybody may name, and for which organization; the same reads when it has no
    /// account. Nobody is mailed for an organization that is suspended: they could not sign in.
    pub(crate) async fn addressee(
        &self,
        store: &mut Store<'_>,
        found: Option<User>,
    ) -> Result<(Option<UserId>, Option<String>), Error> {
        let whose = found.as_ref().map_or(UserId::new(self.now(), random()), |user| user.id);
        let places = store.list_memberships(whose).await?;
        let can_enter = |user: &User| user.disabled_at.is_none() && place_of(user, &places, None, "email").is_ok();
        let user = found.filter(can_enter).map(|user| user.id);
        let house = places.iter().find(|place| place.is_live()).map(|place| place.organization.name.clone());
        Ok((user, house))
    }

    /// Looks at a link to sign in with. Spends nothing.
    pub async fn preview_magic_link(&self, token: &str, browser: Option<&str>) -> Result<LinkPreview, Error> {
        self.preview(&[Kind::SignIn], token, browser).await
    }

    /// How far the sign-in by mail has come that this browser asked for last.
    pub async fn magic_link_state(&self, browser: &str) -> Result<MagicLinkState, Error> {
        let hash = browser_hash(browser);
        let found = self.0.db.read().await?.store().find_challenge_of_browser(Kind::SignIn, &hash).await?;
        Ok(match found.map(|challenge| challenge.state(self.now())) {
            None => MagicLinkState::None,
            Some(LinkState::Open) => MagicLinkState::Waiting,
            Some(LinkState::Used) => MagicLinkState::Used,
            Some(LinkState::Expired) => MagicLinkState::Expired,
        })
    }

    /// Signs in with what was mailed. It is spent by the transaction that opens the session or begins the second step;
    /// whoever is refused (no place in the organization asked for) has not spent it.
    pub async fn sign_in_by_mail(
        &self,
        visitor: &Visitor,
        input: MailProof,
        opening: Opening<'_>,
    ) -> Result<Entered, Error> {
        let entered = self.enter_by_mail(visitor, input, opening).await;
        self.0.metrics.sign_in(Way::Mail, &entered);
        entered
    }

    async fn enter_by_mail(&self, visitor: &Visitor, input: MailProof, opening: Opening<'_>) -> Result<Entered, Error> {
        let proof = input.check()?;
        let (mut writing, challenge) = self.redeem(visitor, &[Kind::SignIn], &proof).await?;
        let gone = || Error::Malformed(Code::Gone);
        let user = challenge.user_id.ok_or_else(gone)?;
        writing.store().update_verified(user, self.now()).await?;
        let user = writing.store().find_user(user).await?.ok_or_else(gone)?;
        if user.email != challenge.email {
            return Err(gone());
        }
        let memberships = writing.store().list_memberships(user.id).await?;
        let place = place_of(&user, &memberships, input.organization_id.as_deref(), "email")?;
        let proven =
            Proven { user: &user, place, amr: "email", remember: input.remember.unwrap_or(true), inherited: None };
        self.enter(writing, visitor, &proven, opening, None).await
    }
}
