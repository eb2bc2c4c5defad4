//! The account behind a credential: who am I, profile, password.

use std::time::Duration;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::challenge::Kind;
use crate::crypto::hasher::Verdict;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::id::OrganizationId;
use crate::member::Role;
use crate::organization::Membership;
use crate::password::{self, Owner};
use crate::principal::{Actor, Subject};
use crate::secret::Password;
use crate::session::EndedBy;
use crate::user::{User, UserName};

use super::counting::Counted;
use super::mail::Notice;
use super::places::place_named;
use super::sign_in::{OrganizationView, SecretText, SignedIn, UserView};

/// What may be changed of a profile; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Ada King"}))]
pub struct ProfileChanges {
    /// What the person is called.
    pub name: Option<String>,
    /// What they may sign in with in place of their address, where a client asks for a user name; empty for none.
    pub username: Option<String>,
    /// First name; an empty one is derived from the name again.
    pub first_name: Option<String>,
    /// Last name; an empty one is derived from the name again.
    pub last_name: Option<String>,
    /// A picture, by its https address; empty for none.
    pub avatar_url: Option<String>,
}

/// A new password, and the present one as proof.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"currentPassword": "plum river candle", "newPassword": "lantern over quiet water"}))]
pub struct ChangePassword {
    /// The present password.
    #[schema(required)]
    pub current_password: Option<SecretText>,
    /// The new one.
    #[schema(required)]
    pub new_password: Option<SecretText>,
    /// The longest life of the access token that the session goes on with; not the client's to say.
    #[serde(skip)]
    pub access_life: Option<Duration>,
}

impl Latchkey {
    /// The person behind the credential. For a key of an organization that is who is responsible for it.
    pub async fn me(&self, actor: &Actor) -> Result<UserView, Error> {
        let principal = actor.principal();
        let mut reading = self.0.db.read().await?;
        let user = reading.store().find_user(principal.user_id()).await?.ok_or(Error::NotFound)?;
        let place = match principal.organization_id() {
            Some(organization) => reading.store().find_membership(user.id, organization).await?,
            None => None,
        };
        let mut view = UserView::new(&user, place.as_ref());
        if let Subject::Key { of_organization: true, .. } = principal.subject() {
            // The key acts as ADMIN at most, whatever its responsible person is.
            view.organization_role = principal.role();
            view.role = Role::Admin.coarse();
        }
        Ok(view)
    }

    /// The organizations the person has a live place in, oldest first.
    pub async fn organizations(&self, actor: &Actor) -> Result<Vec<OrganizationView>, Error> {
        let memberships = self.0.db.read().await?.store().list_memberships(actor.principal().user_id()).await?;
        Ok(memberships.iter().filter(|place| place.is_live()).map(OrganizationView::new).collect())
    }

    /// The organization with this slug, of those the person belongs to.
    pub async fn organization_named(&self, actor: &Actor, slug: &str) -> Result<OrganizationId, Error> {
        let memberships = self.0.db.read().await?.store().list_memberships(actor.principal().user_id()).await?;
        place_named(&memberships, slug).map(|place| place.organization.id)
    }

    /// Changes the profile.
    pub async fn update_profile(&self, actor: &Actor, changes: ProfileChanges) -> Result<UserView, Error> {
        let person = actor.person()?;
        let mut writing = self.0.db.write().await?;
        let user = writing.store().find_user(person.user()).await?.ok_or(Error::NotFound)?;
        let user = User { updated_at: self.now(), ..changed(user, &changes)? };
        writing.store().update_profile(&user).await?;
        self.tell(&mut writing.store(), Told::by(actor, Deed::ProfileChanged, user.id)).await?;
        writing.commit().await?;
        self.me(actor).await
    }

    /// Changes the password. Ends all other sessions with their tokens in the same transaction; this one goes on with
    /// new secrets.
    pub async fn change_password(&self, actor: &Actor, input: ChangePassword) -> Result<SignedIn, Error> {
        let person = actor.person()?;
        let mut findings = Findings::default();
        let current = input.current_password.filter(|text| !text.0.is_empty());
        let current = findings.need(current, Field::CurrentPassword, FieldCode::Required);
        let new = input.new_password.filter(|text| !text.0.is_empty());
        let new = findings.need(new, Field::NewPassword, FieldCode::Required);
        findings.check()?;
        let (Some(current), Some(new)) = (current, new) else { return Err(Error::NotFound) };
        let (user, place) = self.account(actor).await?;
        let old = self.prove_current(actor, &current).await?;
        let new = Password::typed(&new.0);
        let organization = place.as_ref().map(|place| place.organization.name.as_str());
        let owner = Owner { email: &user.email, name: &user.name, organization };
        password::check(&new, &owner, &self.0.settings.passwords).map_err(Error::WeakPassword)?;
        let hash = self.0.hasher.hash(new).await?;
        let mut writing = self.0.db.write().await?;
        let now = self.now();
        if !writing.store().update_password(user.id, old.as_deref(), &hash, now).await? {
            return Err(Error::Malformed(Code::InvalidPassword));
        }
        writing.store().consume_sessions(user.id, Some(person.session()), EndedBy::PasswordChange, now).await?;
        writing.store().consume_challenges_of(user.id, &[Kind::SignIn, Kind::Reset], now).await?;
        self.end_shortcuts(&mut writing.store(), user.id).await?;
        self.tell(&mut writing.store(), Told::by(actor, Deed::PasswordChanged, user.id)).await?;
        let notice = Notice::PasswordChanged { by_recovery: false };
        self.notify(&mut writing.store(), &actor.visitor, (user.id, &user.email), organization, notice).await?;
        let standing = self.live_standing(&mut writing.store(), person.session()).await?;
        let signed_in =
            self.renew(&mut writing.store(), actor, &standing.session, (place.as_ref(), input.access_life)).await?;
        writing.changed(user.id.number());
        writing.commit().await?;
        Ok(signed_in)
    }

    /// The account of whoever acts.
    pub(crate) async fn own_user(&self, actor: &Actor) -> Result<User, Error> {
        self.0.db.read().await?.store().find_user(actor.principal().user_id()).await?.ok_or(Error::NotFound)
    }

    async fn account(&self, actor: &Actor) -> Result<(User, Option<Membership>), Error> {
        let mut reading = self.0.db.read().await?;
        let user = reading.store().find_user(actor.principal().user_id()).await?.ok_or(Error::NotFound)?;
        let place = match actor.principal().organization_id() {
            Some(organization) => reading.store().find_membership(user.id, organization).await?,
            None => None,
        };
        Ok((user, place))
    }

    /// Checks the present password and gives its hash, to be replaced only if it is still the same. Failures count.
    pub(crate) async fn prove_current(&self, actor: &Actor, password: &SecretText) -> Result<Option<String>, Error> {
        let user = actor.principal().user_id();
        let compare = async {
            let stored = self.0.db.read().await?.store().find_password_hash(user).await?;
            match self.0.hasher.check(Password::typed(&password.0), stored.clone()).await? {
                Verdict::Wrong => Err(Error::Malformed(Code::InvalidPassword)),
                Verdict::Right | Verdict::RightButOld => Ok(stored),
            }
        };
        self.counting_failures(
            &(Counted::PASSWORD_OF, user.number()),
            self.0.settings.limits.sign_in,
            Box::pin(compare),
        )
        .await
    }
}

fn changed(mut user: User, changes: &ProfileChanges) -> Result<User, Error> {
    let mut findings = Findings::default();
    if changes.name.is_some()
        && let Some(name) = findings.text(changes.name.as_deref(), Field::Name, 240)
    {
        user.name = name;
    }
    if let Some(username) = changes.username.as_deref() {
        let given = Some(username.trim()).filter(|text| !text.is_empty());
        user.username =
            given.and_then(|text| findings.need(UserName::parse(text), Field::Username, FieldCode::NotAUserName));
    }
    if changes.first_name.is_some() {
        user.first_name = findings.optional_text(changes.first_name.as_deref(), Field::FirstName, 120);
    }
    if changes.last_name.is_some() {
        user.last_name = findings.optional_text(changes.last_name.as_deref(), Field::LastName, 120);
    }
    if changes.avatar_url.is_some() {
        user.avatar_url = findings.optional_text(changes.avatar_url.as_deref(), Field::AvatarUrl, 2000);
        if user.avatar_url.as_deref().is_some_and(|url| !is_picture_address(url)) {
            findings.add(Field::AvatarUrl, FieldCode::NotAUrl);
        }
    }
    findings.check()?;
    Ok(user)
}

fn is_picture_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty()
        && !host.contains('@')
        && url.chars().all(|letter| letter.is_ascii_graphic() && !"\"'<>\\".contains(letter))
}
