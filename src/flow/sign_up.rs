//! New accounts.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crypto::random;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::id::{OrganizationId, UserId};
use crate::latchkey::network;
use crate::member::Role;
use crate::organization::{Membership, Organization, Policy, slug};
use crate::password::{self, Owner};
use crate::principal::Visitor;
use crate::secret::Password;
use crate::settings::Registration;
use crate::store::Store;
use crate::user::User;

use super::address::told_of;
use super::counting::Counted;
use super::gate::Proven;
use super::joining::Home;
use super::sign_in::{Opening, SecretText, SignedIn};

/// What somebody who signs up says.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "plum river candle", "name": "Ada Byron", "company": "Blue Harbour"}))]
pub struct SignUp {
    /// The address of the new account.
    #[schema(required)]
    pub email: Option<String>,
    /// Its password.
    #[schema(required)]
    pub password: Option<SecretText>,
    /// What the person is called; or first and last name apart.
    pub name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// What the new organization is called; without it, it is named after the person.
    pub company: Option<String>,
    /// An invitation code.
    pub organization_code: Option<String>,
}

/// What a sign-up gives.
pub enum SignedUp {
    /// A session.
    Open(Box<SignedIn>),
    /// Nothing yet: a link was mailed to this address, which must be confirmed first.
    ToVerify(Email),
}

/// The same, checked.
pub(crate) struct NewAccount {
    pub(crate) email: Email,
    pub(crate) password: Password,
    pub(crate) name: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) company: Option<String>,
}

/// No name of a person or an organization is longer, in characters.
pub(crate) const LONGEST_NAME: u32 = 120;

impl SignUp {
    /// The same with a name: without one, what stands before the @ of the address.
    #[must_use]
    pub fn named(mut self) -> Self {
        let given = self.name.take().filter(|name| !name.trim().is_empty());
        let before_at = || self.email.as_deref()?.split('@').next().map(str::to_owned);
        self.name = given.or_else(before_at);
        self
    }

    pub(crate) fn check(self) -> Result<NewAccount, Error> {
        let mut findings = Findings::default();
        let email = findings.email(self.email, Field::Email);
        let password = self.password.filter(|text| !text.0.is_empty());
        let password = findings.need(password, Field::Password, FieldCode::Required);
        let first_name = findings.optional_text(self.first_name.as_deref(), Field::FirstName, LONGEST_NAME);
        let last_name = findings.optional_text(self.last_name.as_deref(), Field::LastName, LONGEST_NAME);
        let joined = [first_name.as_deref(), last_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let given = self.name.as_deref().or(Some(joined.as_str()));
        let name = findings.text(given, Field::Name, 2 * LONGEST_NAME);
        let company = findings.optional_text(self.company.as_deref(), Field::Company, LONGEST_NAME);
        findings.check()?;
        let (Some(email), Some(password), Some(name)) = (email, password, name) else { return Err(Error::NotFound) };
        Ok(NewAccount { email, password: Password::typed(&password.0), name, first_name, last_name, company })
    }
}

impl NewAccount {
    pub(crate) fn user(&self, now: Timestamp) -> User {
        User {
            id: UserId::new(now, random()),
            email: self.email.clone(),
            username: None,
            name: self.name.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            avatar_url: None,
            email_verified_at: None,
            disabled_at: None,
            landlord_since: None,
            second_factor_since: None,
            created_at: now,
            updated_at: now,
        }
    }

    fn organization_name(&self) -> String {
        self.company.clone().unwrap_or_else(|| format!("{}'s organization", self.name))
    }
}

impl Latchkey {
    /// Whether anybody may sign up without an invitation.
    pub fn registration_is_open(&self) -> bool {
        self.0.settings.registration == Registration::Open
    }

    /// Whether nobody at all may make an account, whatever they bring.
    pub fn registration_is_closed(&self) -> bool {
        self.0.settings.registration == Registration::Closed
    }

    /// Makes an account, its place, and its first session: all of it or nothing. With an invitation code the place is
    /// where the code leads, otherwise in an organization of its own. Where an address must be confirmed first there is no
    /// session yet, and an address that has an account already is answered like a new one.
    pub async fn sign_up(&self, visitor: &Visitor, input: SignUp, opening: Opening<'_>) -> Result<SignedUp, Error> {
        let code = input.organization_code.as_deref().map(str::trim).filter(|code| !code.is_empty());
        let code = code.map(str::to_owned);
        if self.registration_is_closed() || (code.is_none() && !self.registration_is_open()) {
            return Err(Error::Forbidden(Code::RegistrationClosed));
        }
        let account = input.check()?;
        let home = match code {
            None => Home::Own,
            Some(code) => Home::Code(self.code_to_join(visitor, &code, Some(&account.email)).await?),
        };
        match self.make_account(visitor, &account, home, opening).await {
            Err(Error::Conflict(Code::EmailTaken)) if self.0.settings.require_verified_email => {
                self.tell_owner(visitor, &account.email).await?;
                Ok(SignedUp::ToVerify(account.email))
            }
            made => made,
        }
    }

    pub(crate) async fn make_account(
        &self,
        visitor: &Visitor,
        account: &NewAccount,
        home: Home,
        opening: Opening<'_>,
    ) -> Result<SignedUp, Error> {
        self.check_password_of(account, account.company.as_deref())?;
        self.limited(&(Counted::SIGN_UP_FROM, network(visitor.address)), self.0.settings.limits.sign_up).await?;
        let hash = self.0.hasher.hash(Password::typed(account.password.text())).await?;
        let now = self.now();
        let by_mail = home.proves_address();
        let user = User { email_verified_at: by_mail.then_some(now), ..account.user(now) };
        let mut writing = self.0.db.write().await?;
        if writing.store().is_reserved(&user.email, user.id, now).await? {
            return Err(Error::Conflict(Code::EmailTaken));
        }
        writing.store().insert_user(&user, Some(&hash)).await?;
        self.clear_guesses(&mut writing.store(), &user.email).await?;
        let place = match home {
            Home::Own => {
                let name = account.organization_name();
                self.found_organization(&mut writing.store(), &user, &name, now).await?
            }
            Home::Code(code) => self.join_by_code(&mut writing.store(), visitor, &user, &code).await?,
            Home::Invitation(token, _) => self.join_by_invitation(&mut writing.store(), visitor, &user, token).await?,
        };
        // Which organization it is, a code or an invitation tells only now.
        self.check_password_of(account, Some(&place.organization.name))?;
        let told = Told { organization: Some(place.organization.id), ..told_of(visitor, Deed::SignedUp, &user) };
        self.tell(&mut writing.store(), told).await?;
        let is_verified = user.email_verified_at.is_some();
        if !is_verified {
            self.mail_verification(&mut writing.store(), visitor, &user, opening.browser).await?;
        }
        // A password was chosen just now; a mailed link is a proof too, where an organization takes no password.
        let methods = place.organization.policy.methods;
        let comes_so = methods.password || by_mail;
        let must_verify = self.0.settings.require_verified_email || !place.is_live() || !comes_so;
        let signed_up = if !is_verified && must_verify {
            SignedUp::ToVerify(user.email)
        } else {
            let proven = Proven {
                user: &user,
                place: Some(&place),
                amr: if methods.password { "pwd" } else { "email" },
                remember: true,
                inherited: None,
            };
            let session = self.open_first_session(&mut writing.store(), visitor, &proven, opening).await?;
            SignedUp::Open(Box::new(session))
        };
        writing.commit().await?;
        Ok(signed_up)
    }

    fn check_password_of(&self, account: &NewAccount, organization: Option<&str>) -> Result<(), Error> {
        let owner = Owner { email: &account.email, name: &account.name, organization };
        password::check(&account.password, &owner, &self.0.settings.passwords).map_err(Error::WeakPassword)
    }

    /// Tells whoever has an account that somebody tried to make one with their address.
    async fn tell_owner(&self, visitor: &Visitor, email: &Email) -> Result<(), Error> {
        let mut writing = self.0.db.write().await?;
        let found = writing.store().find_user_by_email(email).await?;
        if let Some((user, _)) = found
            && self.limit_asking("address in use", visitor, email).await.is_ok()
        {
            self.mail_address_in_use(&mut writing.store(), visitor, &user).await?;
        }
        writing.commit().await
    }

    /// Makes an organization whose owner is `user`.
    pub(crate) async fn found_organization(
        &self,
        store: &mut Store<'_>,
        user: &User,
        name: &str,
        now: Timestamp,
    ) -> Result<Membership, Error> {
        let organization = self.open_organization(store, name, Some(user.email.as_str()), now).await?;
        store.organization(organization.id).insert_member(user.id, Role::Owner, now).await?;
        Ok(Membership { organization, role: Role::Owner, suspended_at: None, joined_at: now })
    }

    /// Makes an organization that nobody belongs to yet. When another has its slug, a short random tail is added.
    pub(crate) async fn open_organization(
        &self,
        store: &mut Store<'_>,
        name: &str,
        contact: Option<&str>,
        now: Timestamp,
    ) -> Result<Organization, Error> {
        let id = OrganizationId::new(now, random());
        let mut organization = Organization {
            id,
            name: name.to_owned(),
            slug: slug(name, ""),
            suspended_at: None,
            policy: Policy::default(),
            created_at: now,
        };
        if organization.slug.ends_with('-') || !store.insert_organization(&organization, contact).await? {
            let tail = format!("{:08x}", u32::from_be_bytes(random()));
            organization.slug = slug(name, &tail);
            if !store.insert_organization(&organization, contact).await? {
                return Err(Error::internal("two random slugs were the same"));
            }
        }
        Ok(organization)
    }
}
