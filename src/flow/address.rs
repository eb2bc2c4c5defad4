//! Whose address it is: confirming it, and moving an account to another.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::agent::browser;
use crate::audit::{Deed, Told};
use crate::challenge::{Challenge, Kind};
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::mail::{Circumstances, Letter};
use crate::principal::{Actor, Visitor};
use crate::store::{Store, Writing};
use crate::user::User;

use super::gate::{Gate, Proven};
use super::links::{Asked, LinkPreview, MailProof, MailTo};
use super::mail::Parcel;
use super::places::place_of;
use super::sign_in::{Opening, SecretText, SignInView, SignedIn};

/// Another address for an account, and the present password as proof.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"newEmail": "ada.king@example.org", "currentPassword": "plum river candle"}))]
pub struct ChangeEmail {
    /// The address to move to.
    #[schema(required)]
    pub new_email: Option<String>,
    /// The present password.
    #[schema(required)]
    pub current_password: Option<SecretText>,
}

/// What came of confirming an address.
pub struct Verified {
    /// The address that is known to be its person's now.
    pub email: String,
    /// A session, when the link was as young as a link to sign in with may be.
    pub signed_in: Option<SignedIn>,
}

/// The same on the wire.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AddressVerifiedView)]
pub struct VerifiedView<'a> {
    /// Always true.
    pub success: bool,
    /// For people.
    pub message: &'static str,
    /// The address that is known to be its person's now.
    pub email: &'a str,
    /// A sign-in answer, when the link was as young as a link to sign in with may be.
    #[serde(flatten)]
    #[schema(inline)]
    pub session: Option<&'a SignInView>,
}

impl Verified {
    /// What goes over the wire.
    pub fn view(&self) -> VerifiedView<'_> {
        VerifiedView {
            success: true,
            message: "This address is confirmed.",
            email: &self.email,
            session: self.signed_in.as_ref().map(|signed_in| &signed_in.view),
        }
    }
}

impl Latchkey {
    /// Mails a link and a code that confirm the address of a new account.
    pub(crate) async fn mail_verification(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        user: &User,
        browser_name: Option<&str>,
    ) -> Result<(), Error> {
        self.mail_verification_to(store, visitor, &user.email, Some(user), browser_name).await
    }

    async fn mail_verification_to(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        email: &crate::email::Email,
        user: Option<&User>,
        browser_name: Option<&str>,
    ) -> Result<(), Error> {
        if !self.sends_mail() {
            return Ok(());
        }
        let now = self.now();
        let asked = Asked { kind: Kind::Verify, email, user: user.map(|user| user.id), browser: browser_name };
        let issued = self.issue(store, &asked).await?;
        let link = issued.link(self, "verify-email");
        let (browser, address) = (browser(&visitor.user_agent), visitor.address.to_string());
        let asked = Circumstances { at: now, browser: &browser, address: &address };
        let life = self.0.settings.links.verify;
        let name = user.map_or("", |user| user.name.as_str());
        let letter = Letter::VerifyAddress { name, link: &link, code: &issued.code, hours: hours(life), asked };
        // Without the organization's name: whoever signs up chooses it, and the address may be a stranger's.
        let parcel = Parcel { to: email, house: None, letter, until: Some(now.plus(life)), decoy: user.is_none() };
        self.post(store, parcel).await
    }

    pub(crate) async fn mail_address_in_use(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        owner: &User,
    ) -> Result<(), Error> {
        let house = self.house_of(store, owner.id, None).await?;
        let (browser, address) = (browser(&visitor.user_agent), visitor.address.to_string());
        let asked = Circumstances { at: self.now(), browser: &browser, address: &address };
        let (login_link, forgot_link) =
            (format!("{}/login", self.public_url()), format!("{}/forgot-password", self.public_url()));
        let letter = Letter::AddressInUse { login_link: &login_link, forgot_link: &forgot_link, asked };
        let parcel = Parcel { to: &owner.email, house: house.as_deref(), letter, until: None, decoy: false };
        self.post(store, parcel).await
    }

    /// Mails the link and code that confirm an address once more. Known, unknown and confirmed addresses are answered
    /// alike, in the same time.
    pub async fn ask_verification(&self, visitor: &Visitor, input: MailTo, browser: Option<&str>) -> Result<(), Error> {
        let email = input.check()?;
        self.limit_asking("verification", visitor, &email).await?;
        if !self.sends_mail() {
            return Ok(());
        }
        let mut writing = self.0.db.write().await?;
        let found = writing.store().find_user_by_email(&email).await?.map(|(user, _)| user);
        let user = found.filter(|user| user.email_verified_at.is_none() && user.disabled_at.is_none());
        self.mail_verification_to(&mut writing.store(), visitor, &email, user.as_ref(), browser).await?;
        self.tell(&mut writing.store(), Told::anonymous(visitor, Deed::VerificationAsked, &email)).await?;
        writing.commit().await
    }

    /// The same for whoever is signed in.
    pub async fn ask_own_verification(&self, actor: &Actor, browser: Option<&str>) -> Result<(), Error> {
        actor.person()?;
        let email = actor.principal().email().to_string();
        self.ask_verification(&actor.visitor, MailTo { email: Some(email) }, browser).await
    }

    /// Looks at a link that confirms an address. Spends nothing.
    pub async fn preview_verification(&self, token: &str, browser: Option<&str>) -> Result<LinkPreview, Error> {
        self.preview(&[Kind::Verify, Kind::Change], token, browser).await
    }

    /// Confirms an address with what was mailed to it: that of a new account, or the one an account moves to. A link
    /// of a new account that is as young as a link to sign in with may be signs in, if nothing else is due.
    pub async fn verify_address(
        &self,
        visitor: &Visitor,
        input: MailProof,
        opening: Opening<'_>,
    ) -> Result<Verified, Error> {
        let proof = input.check()?;
        let (mut writing, challenge) = self.redeem(visitor, &[Kind::Verify, Kind::Change], &proof).await?;
        let gone = || Error::Malformed(Code::Gone);
        let id = challenge.user_id.ok_or_else(gone)?;
        let user = writing.store().find_user(id).await?.ok_or_else(gone)?;
        if challenge.kind == Kind::Change {
            return self.move_account(writing, visitor, user, &challenge).await;
        }
        if user.email != challenge.email {
            return Err(gone());
        }
        let now = self.now();
        writing.store().update_verified(id, now).await?;
        let user = User { email_verified_at: user.email_verified_at.or(Some(now)), ..user };
        self.tell(&mut writing.store(), told_of(visitor, Deed::EmailVerified, &user)).await?;
        let email = challenge.email.to_string();
        let is_young = now < challenge.created_at.plus(self.0.settings.links.sign_in);
        let memberships = writing.store().list_memberships(id).await?;
        let place = place_of(&user, &memberships, input.organization_id.as_deref(), "email").ok().flatten();
        let proven =
            Proven { user: &user, place, amr: "email", remember: input.remember.unwrap_or(true), inherited: None };
        if is_young && place.is_some() {
            match self.gate(&mut writing.store(), visitor, &proven, opening.devices, None).await {
                Ok(Gate::Open(passed)) => {
                    let signed_in = self.open_session(writing, visitor, passed, opening).await?;
                    return Ok(Verified { email, signed_in: Some(signed_in) });
                }
                Ok(Gate::SecondFactorDue) | Err(Error::Unauthenticated(_) | Error::Forbidden(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        writing.changed(id.number());
        writing.commit().await?;
        Ok(Verified { email, signed_in: None })
    }

    /// Begins to move an account to another address: a link and a code go there. An address that has an account is
    /// answered alike; its owner is told.
    pub async fn ask_new_address(&self, actor: &Actor, input: ChangeEmail) -> Result<(), Error> {
        let person = actor.person()?;
        let mut findings = Findings::default();
        let new = findings.email(input.new_email, Field::NewEmail);
        let current = input.current_password.filter(|text| !text.0.is_empty());
        let current = findings.need(current, Field::CurrentPassword, FieldCode::Required);
        findings.check()?;
        let (Some(new), Some(current)) = (new, current) else { return Err(Error::NotFound) };
        if !self.sends_mail() {
            return Err(Error::Conflict(Code::MailNotConfigured));
        }
        self.prove_current(actor, &current).await?;
        self.limit_asking("new address", &actor.visitor, &new).await?;
        let mut writing = self.0.db.write().await?;
        let user = writing.store().find_user(person.user()).await?.ok_or(Error::NotFound)?;
        let owner = writing.store().find_user_by_email(&new).await?.map(|(owner, _)| owner);
        let mut store = writing.store();
        match &owner {
            Some(owner) => self.mail_address_in_use(&mut store, &actor.visitor, owner).await?,
            None => self.mail_new_address(&mut store, actor, &user, &new).await?,
        }
        self.tell(&mut store, Told::by(actor, Deed::EmailChangeAsked, user.id)).await?;
        writing.commit().await
    }

    async fn mail_new_address(
        &self,
        store: &mut Store<'_>,
        actor: &Actor,
        user: &User,
        new: &crate::email::Email,
    ) -> Result<(), Error> {
        let now = self.now();
        let house = self.house_of(store, user.id, actor.principal().organization_id()).await?;
        let asked = Asked { kind: Kind::Change, email: new, user: Some(user.id), browser: None };
        let issued = self.issue(store, &asked).await?;
        let link = issued.link(self, "verify-email");
        let (browser, address) = (browser(&actor.visitor.user_agent), actor.visitor.address.to_string());
        let asked = Circumstances { at: now, browser: &browser, address: &address };
        let life = self.0.settings.links.verify;
        let (code, hours) = (issued.code.as_str(), hours(life));
        let letter = Letter::ConfirmNewAddress { link: &link, code, hours, old: &user.email, asked };
        let parcel = Parcel { to: new, house: house.as_deref(), letter, until: Some(now.plus(life)), decoy: false };
        self.post(store, parcel).await
    }

    /// Moves the account. The old address is told, and can undo it for a while; whatever was mailed there is dead.
    async fn move_account(
        &self,
        mut writing: Writing,
        visitor: &Visitor,
        user: User,
        challenge: &Challenge,
    ) -> Result<Verified, Error> {
        let now = self.now();
        let new = &challenge.email;
        let mut store = writing.store();
        if store.is_reserved(new, user.id, now).await? {
            return Err(Error::Conflict(Code::EmailTaken));
        }
        store.update_email(user.id, new, now).await?;
        self.clear_guesses(&mut store, new).await?;
        store.consume_challenges_of(user.id, &[Kind::SignIn, Kind::Reset, Kind::Verify], now).await?;
        let detail = serde_json::json!({ "from": user.email.as_str(), "to": new.as_str() });
        self.tell(&mut store, told_of(visitor, Deed::EmailChanged, &user).with(detail)).await?;
        let house = self.house_of(&mut store, user.id, None).await?;
        let asked = Asked { kind: Kind::Undo, email: &user.email, user: Some(user.id), browser: None };
        let undo_link = self.issue(&mut store, &asked).await?.path_link(self, "secure-account");
        let (browser, address) = (browser(&visitor.user_agent), visitor.address.to_string());
        let was = Circumstances { at: now, browser: &browser, address: &address };
        let hours = hours(self.0.settings.links.undo);
        let letter = Letter::AddressChanged { old: &user.email, new, was, undo_link: &undo_link, hours };
        let parcel = Parcel { to: &user.email, house: house.as_deref(), letter, until: None, decoy: false };
        self.post(&mut store, parcel).await?;
        writing.changed(user.id.number());
        writing.commit().await?;
        Ok(Verified { email: new.to_string(), signed_in: None })
    }
}

fn hours(life: std::time::Duration) -> u64 {
    life.as_secs().div_ceil(60 * 60)
}

/// Something that a person did without being signed in, by what was mailed to them.
pub(crate) fn told_of<'a>(visitor: &'a Visitor, deed: Deed, user: &User) -> Told<'a> {
    Told {
        visitor,
        actor: user.id.to_string(),
        organization: None,
        deed,
        target: user.id.to_string(),
        detail: serde_json::Value::Null,
    }
}
