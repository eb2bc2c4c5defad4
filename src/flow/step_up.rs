//! Showing once more who one is, inside a session: what changes how somebody signs in asks for it (ASVS 7.5).

use serde::Deserialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::error::Error;
use crate::factor::{Method, Proof};
use crate::field::{Field, FieldCode};
use crate::principal::{Actor, Fresh};
use crate::secret::PlainToken;
use crate::store::{Store, Writing};

use super::enrol::Renewed;
use super::gate::with_second_factor;
use super::second_factor::needed_code;
use super::sign_in::SecretText;
use super::tokens::Holder;

/// A proof of who one is: a code where there is a second factor, the password otherwise.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"code": "123456"}))]
pub struct Reauthenticate {
    /// A code of the authenticator, or a backup code, of people who have a second factor.
    pub code: Option<SecretText>,
    /// The present password, of people who have none.
    pub password: Option<SecretText>,
}

/// What a person has to show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proofs {
    /// A password.
    pub password: bool,
    /// A second factor.
    pub code: bool,
    /// They have done so a short while ago.
    pub fresh: bool,
}

impl Latchkey {
    /// What a person has to show who they are.
    pub async fn proofs(&self, actor: &Actor) -> Result<Proofs, Error> {
        let person = actor.person()?;
        let password = self.0.db.read().await?.store().find_password_hash(person.user()).await?.is_some();
        let (code, fresh) = (actor.principal().has_second_factor(), self.fresh(actor).is_ok());
        Ok(Proofs { password, code, fresh })
    }

    /// Whether the person has shown a short while ago who they are.
    pub(crate) fn fresh(&self, actor: &Actor) -> Result<Fresh, Error> {
        actor.fresh(self.now(), self.0.settings.two_factor.recent)
    }

    /// Shows a second factor once more.
    pub async fn step_up(&self, actor: &Actor, code: Option<SecretText>) -> Result<Renewed, Error> {
        actor.person()?;
        let code = needed_code(code)?;
        let user = self.own_user(actor).await?;
        let writing = self.0.db.write().await?;
        let (writing, second) = self.prove_second_factor(writing, &actor.visitor, &user, &code.0).await?;
        self.stepped_up(writing, actor, Some(second.proof().method)).await
    }

    /// Shows once more who one is, with whatever there is to show.
    pub async fn reauthenticate(&self, actor: &Actor, input: Reauthenticate) -> Result<Renewed, Error> {
        actor.person()?;
        if actor.principal().has_second_factor() {
            return self.step_up(actor, input.code).await;
        }
        let password = input.password.filter(|text| !text.0.is_empty());
        let password = password.ok_or_else(|| Error::field(Field::Password, FieldCode::Required))?;
        self.prove_current(actor, &password).await?;
        let writing = self.0.db.write().await?;
        self.stepped_up(writing, actor, None).await
    }

    /// Writes that somebody has shown once more who they are, by a second factor or else by the password.
    async fn stepped_up(&self, mut writing: Writing, actor: &Actor, method: Option<Method>) -> Result<Renewed, Error> {
        let person = actor.person()?;
        let renewed = self.renew_proof(&mut writing.store(), actor, method).await?;
        let detail = serde_json::json!({ "method": method.map_or("password", Method::as_str) });
        self.tell(&mut writing.store(), Told::by(actor, Deed::SteppedUp, person.user()).with(detail)).await?;
        writing.changed(person.session().number());
        writing.commit().await?;
        Ok(renewed)
    }

    /// Notes in the session that its person has just shown who they are. A browser's cookie is exchanged (ASVS 7.2.4); a
    /// client gets a new access token, and may go on with the tokens it has.
    pub(crate) async fn renew_proof(
        &self,
        store: &mut Store<'_>,
        actor: &Actor,
        method: Option<Method>,
    ) -> Result<Renewed, Error> {
        let mut standing = self.live_standing(store, actor.person()?.session()).await?;
        let now = self.now();
        standing.session.authenticated_at = now;
        if let Some(method) = method {
            standing.session.amr = with_second_factor(&standing.session.amr);
            standing.session.second_factor = Some(Proof { at: now, method });
        }
        let session = &standing.session;
        store.update_session_proof(session).await?;
        let cookie = actor.principal().came_by_cookie().then(|| PlainToken::random(""));
        if let Some(cookie) = &cookie {
            store.update_session_cookie(session.id, Some(cookie.hashed())).await?;
        }
        let pair = self.access_pair(session, &Holder::standing(&standing), now)?;
        let cookie = cookie.map(|value| self.session_cookie(value, session));
        Ok(Renewed { access_token: pair.access_token, cookie })
    }
}
