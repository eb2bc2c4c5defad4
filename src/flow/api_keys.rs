//! API keys: made, listed, changed, renewed, ended (contract section 5).

use serde::Deserialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::api_key::{self, KeyLife, KeyMode, KeyStatus, Scope, Scopes};
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crypto::{random, random_bytes};
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::id::{ApiKeyId, OrganizationId, UserId};
use crate::member::{Action, Role};
use crate::principal::{Actor, Permit};
use crate::store::{KeyFilter, NewKeyRow, StoredKey};

use super::mail::Notice;
use super::page::{Orders, Page, PageQuery};

mod check;
mod view;

pub use check::{KeyChanges, NewKey, Span};
pub use view::{KeyView, NewKeyView, SignalView, TestedKeyView, UnusualUseView};

/// The longest overlap of a regenerated key: a week.
const LONGEST_OVERLAP: i64 = 604_800;

const ORDERS: Orders = Orders {
    names: &["createdAt", "name", "lastUsedAt"],
    columns: &[
        ("created_at", "created_at DESC"),
        ("LOWER(name)", "LOWER(name) DESC"),
        ("COALESCE(last_used_at, 0)", "COALESCE(last_used_at, 0) DESC"),
    ],
};

/// Which keys.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListKeys {
    /// Only those in this state.
    pub status: Option<String>,
    /// Only those whose name holds this text, or that begin so.
    pub search: Option<String>,
    /// Which part of the list.
    #[serde(flatten)]
    pub page: PageQuery,
}

/// Why a key is revoked.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"reason": "The server it lived on was given away"}))]
pub struct RevokeKey {
    /// For those who come after.
    pub reason: Option<String>,
}

/// How a key is renewed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"overlapSeconds": 86400}))]
pub struct RegenerateKey {
    /// How long the present secret goes on working, in seconds; at most a week, and never past the key's own end.
    #[schema(minimum = 0, maximum = 604_800)]
    pub overlap_seconds: Option<i64>,
}

/// A fresh secret: the whole key, its public id, its last four characters.
fn fresh_secret(mode: KeyMode) -> (String, String, String) {
    let mut bytes = random_bytes();
    let public_id = api_key::random_public_id(&mut bytes);
    let secret = api_key::random_secret(&mut bytes);
    let key = api_key::compose(mode, &public_id, &secret);
    let last_four = key[key.len() - 4..].to_owned();
    (key, public_id, last_four)
}

impl Latchkey {
    /// Makes a key. Its secret is in the answer and nowhere else.
    pub async fn create_api_key(&self, actor: &Actor, input: NewKey) -> Result<NewKeyView, Error> {
        let permit = actor.permit(Action::ManageOwnKeys)?;
        let checked = input.check(self.now())?;
        if checked.of_organization {
            actor.permit(Action::ManageOrganizationKeys)?;
        }
        self.check_admin_scope(actor, &checked.scopes)?;
        let mut writing = self.0.db.write().await?;
        let memberships = writing.store().list_memberships(permit.user()).await?;
        let span = checked.span.check(&memberships, checked.of_organization)?;
        let maker = writing.store().find_user(permit.user()).await?.ok_or(Error::NotFound)?;
        let (secret, public_id, last_four) = fresh_secret(checked.mode);
        let now = self.now();
        let key = StoredKey {
            id: ApiKeyId::new(now, random()),
            organization_id: permit.organization(),
            user_id: permit.user(),
            of_organization: checked.of_organization,
            created_by: actor.principal().key_id().map_or_else(|| maker.name.clone(), |id| id.to_string()),
            public_id,
            last_four,
            span,
            created_at: now,
            updated_at: now,
            ..checked.into_key(now)
        };
        let mac = self.0.vault.api_key_mac(&secret);
        writing.store().organization(permit.organization()).insert_key(&NewKeyRow { key: &key, mac }).await?;
        let told = Told::by(actor, Deed::KeyCreated, key.id).with(serde_json::json!({ "scopes": key.scopes }));
        self.tell(&mut writing.store(), told).await?;
        let house = memberships.iter().find(|place| place.organization.id == key.organization_id);
        let house = house.map(|place| place.organization.name.as_str());
        let scopes = key.scopes.joined();
        let notice = Notice::KeyCreated { name: &key.name, scopes: &scopes, expires: key.life.expires_at };
        let to = (maker.id, &maker.email);
        self.notify(&mut writing.store(), &actor.visitor, to, house, notice).await?;
        writing.commit().await?;
        Ok(NewKeyView::new(&key, secret))
    }

    /// The keys the actor may manage: their own, and from ADMIN up all of the organization.
    pub async fn list_api_keys(&self, actor: &Actor, query: &ListKeys) -> Result<Page<KeyView>, Error> {
        let permit = actor.permit(Action::ManageOwnKeys)?;
        let page = query.page.check(ORDERS)?;
        let status = match query.status.as_deref().map(str::to_ascii_uppercase).as_deref() {
            None | Some("") => None,
            Some(text) => Some(KeyStatus::parse(text).ok_or_else(unknown_status)?),
        };
        let filter = KeyFilter {
            only_of: (!sees_all(&permit)).then_some(permit.user()),
            status,
            search: query.search.clone(),
            order: page.order,
            limit: page.limit,
            offset: page.offset,
        };
        let mut reading = self.0.db.read().await?;
        let now = self.now();
        let (keys, total) = reading.store().organization(permit.organization()).list_keys(&filter, now).await?;
        let flags = reading.store().organization(permit.organization()).list_flags(None).await?;
        let mut items = Vec::with_capacity(keys.len());
        let mut names: Vec<(UserId, String)> = Vec::new();
        for key in keys {
            let known = names.iter().find(|(id, _)| *id == key.user_id).map(|(_, name)| name.clone());
            let name = match known {
                Some(name) => name,
                None => {
                    let name = reading.store().find_user(key.user_id).await?.map(|user| user.name).unwrap_or_default();
                    names.push((key.user_id, name.clone()));
                    name
                }
            };
            let id = key.id;
            let seen = flags.iter().filter(|(flagged, _)| *flagged == id).map(|(_, seen)| seen.clone());
            items.push(KeyView::new(key, name, now).with(seen));
        }
        Ok(Page { items, total })
    }

    /// One key.
    pub async fn api_key(&self, actor: &Actor, id: &str) -> Result<KeyView, Error> {
        let (permit, id) = managed(actor, id)?;
        let mut reading = self.0.db.read().await?;
        let key = reading.store().organization(permit.organization()).find_key(id).await?;
        let key = key.filter(|key| may_see(&permit, key)).ok_or(Error::NotFound)?;
        let owner = reading.store().find_user(key.user_id).await?.map(|user| user.name).unwrap_or_default();
        let flags = reading.store().organization(permit.organization()).list_flags(Some(id)).await?;
        Ok(KeyView::new(key, owner, self.now()).with(flags.into_iter().map(|(_, seen)| seen)))
    }

    /// Changes a key.
    pub async fn update_api_key(&self, actor: &Actor, id: &str, changes: KeyChanges) -> Result<KeyView, Error> {
        let (permit, id) = managed(actor, id)?;
        let mut writing = self.0.db.write().await?;
        let key = self.managed_key(&mut writing, &permit, id).await?;
        let now = self.now();
        let old = key.scopes.clone();
        let mut key = changes.apply(key, now)?;
        if key.scopes != old {
            self.check_admin_scope(actor, &key.scopes)?;
        }
        if key.life.revoked_at.is_some() {
            return Err(Error::Conflict(Code::KeyNotUsable));
        }
        key.updated_at = now;
        writing.store().organization(permit.organization()).update_key(&key).await?;
        self.tell(&mut writing.store(), Told::by(actor, Deed::KeyChanged, id)).await?;
        writing.changed(id.number());
        writing.commit().await?;
        self.api_key(actor, &id.to_string()).await
    }

    /// Deletes a key with all that is known of it.
    pub async fn delete_api_key(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        let (permit, id) = managed(actor, id)?;
        let mut writing = self.0.db.write().await?;
        self.managed_key(&mut writing, &permit, id).await?;
        if !writing.store().organization(permit.organization()).delete_key(id).await? {
            return Err(Error::NotFound);
        }
        self.tell(&mut writing.store(), Told::by(actor, Deed::KeyDeleted, id)).await?;
        writing.changed(id.number());
        writing.commit().await?;
        Ok(())
    }

    /// Ends a key for good, at once. Ending it again changes nothing.
    pub async fn revoke_api_key(&self, actor: &Actor, id: &str, input: RevokeKey) -> Result<KeyView, Error> {
        let (permit, id) = managed(actor, id)?;
        let mut findings = Findings::default();
        let reason = findings.optional_text(input.reason.as_deref(), Field::Reason, 200);
        findings.check()?;
        let mut writing = self.0.db.write().await?;
        self.managed_key(&mut writing, &permit, id).await?;
        self.end_key(&mut writing, actor, &permit.organization(), id, reason.as_deref()).await?;
        writing.changed(id.number());
        writing.commit().await?;
        self.api_key(actor, &id.to_string()).await
    }

    /// The holder of a key ends it.
    pub async fn revoke_presented_key(&self, actor: &Actor) -> Result<(), Error> {
        let principal = actor.principal();
        let (Some(id), Some(_)) = (principal.key_id(), principal.organization_id()) else {
            return Err(Error::Malformed(Code::InvalidApiKey));
        };
        let mut writing = self.0.db.write().await?;
        let home = writing.store().find_key_home(id).await?.ok_or(Error::NotFound)?;
        self.end_key(&mut writing, actor, &home, id, Some("revoked by its holder")).await?;
        writing.changed(id.number());
        writing.commit().await?;
        Ok(())
    }

    async fn end_key(
        &self,
        writing: &mut crate::store::Writing,
        actor: &Actor,
        home: &OrganizationId,
        id: ApiKeyId,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let by = actor.principal().name();
        if writing.store().organization(*home).consume_key(id, &by, reason, self.now()).await? {
            let told = Told::by(actor, Deed::KeyRevoked, id).with(serde_json::json!({ "reason": reason }));
            self.tell(&mut writing.store(), told).await?;
        }
        Ok(())
    }

    /// Gives a key a new secret; everything else stays. The present secret works on for the overlap. An expired key
    /// gets as long a life again as it had.
    pub async fn regenerate_api_key(&self, actor: &Actor, id: &str, input: RegenerateKey) -> Result<NewKeyView, Error> {
        let (permit, id) = managed(actor, id)?;
        let overlap = input.overlap_seconds.unwrap_or(0);
        if !(0..=LONGEST_OVERLAP).contains(&overlap) {
            return Err(Error::field(Field::OverlapSeconds, FieldCode::OutOfRange(0, LONGEST_OVERLAP)));
        }
        let mut writing = self.0.db.write().await?;
        let mut key = self.managed_key(&mut writing, &permit, id).await?;
        self.check_admin_scope(actor, &key.scopes)?;
        let now = self.now();
        if key.life.revoked_at.is_some() {
            return Err(Error::Conflict(Code::KeyNotUsable));
        }
        key.life = renewed(&key, overlap, now);
        let (secret, public_id, last_four) = fresh_secret(key.mode);
        let old = std::mem::replace(&mut key.public_id, public_id);
        key.last_four = last_four;
        let row = NewKeyRow { key: &key, mac: self.0.vault.api_key_mac(&secret) };
        if !writing.store().organization(permit.organization()).update_key_secret(&row, &old, now).await? {
            return Err(Error::Conflict(Code::KeyNotUsable));
        }
        let told = Told::by(actor, Deed::KeyRegenerated, id).with(serde_json::json!({ "overlapSeconds": overlap }));
        self.tell(&mut writing.store(), told).await?;
        writing.changed(id.number());
        writing.commit().await?;
        Ok(NewKeyView::new(&key, secret))
    }

    /// Ends the secret before the present one ahead of its time.
    pub async fn end_key_overlap(&self, actor: &Actor, id: &str) -> Result<KeyView, Error> {
        let (permit, id) = managed(actor, id)?;
        let mut writing = self.0.db.write().await?;
        self.managed_key(&mut writing, &permit, id).await?;
        if !writing.store().organization(permit.organization()).consume_overlap(id, self.now()).await? {
            return Err(Error::Conflict(Code::KeyNotUsable));
        }
        self.tell(&mut writing.store(), Told::by(actor, Deed::KeyOverlapEnded, id)).await?;
        writing.changed(id.number());
        writing.commit().await?;
        self.api_key(actor, &id.to_string()).await
    }

    /// Whether a key works now, and what it may.
    pub async fn test_api_key(&self, actor: &Actor, id: &str) -> Result<TestedKeyView, Error> {
        let key = self.api_key(actor, id).await?;
        let mut reading = self.0.db.read().await?;
        let place = reading.store().find_membership(key.user_id, key.organization_id).await?;
        let live = place.filter(crate::organization::Membership::is_live);
        let of_organization = key.owner == "organization";
        let owner_stands = of_organization || live.is_some();
        let is_admin = of_organization || live.is_some_and(|place| place.role >= Role::Admin);
        Ok(TestedKeyView {
            valid: owner_stands && matches!(key.status, KeyStatus::Active | KeyStatus::Rotating),
            scopes: if is_admin { key.scopes } else { key.scopes.without_admin() },
        })
    }

    /// Keys with the scope `admin` are for administrators, and people get to see one only when they have shown a short
    /// while ago who they are.
    fn check_admin_scope(&self, actor: &Actor, scopes: &Scopes) -> Result<(), Error> {
        if !scopes.names().iter().any(|name| name == Scope::Admin.as_str()) {
            return Ok(());
        }
        actor.permit(Action::GrantAdminScope)?;
        if actor.principal().key_id().is_some() { Ok(()) } else { self.fresh(actor).map(|_| ()) }
    }

    pub(super) async fn managed_key(
        &self,
        writing: &mut crate::store::Writing,
        permit: &Permit,
        id: ApiKeyId,
    ) -> Result<StoredKey, Error> {
        let key = writing.store().organization(permit.organization()).find_key(id).await?;
        key.filter(|key| may_see(permit, key)).ok_or(Error::NotFound)
    }
}

pub(super) fn managed(actor: &Actor, id: &str) -> Result<(Permit, ApiKeyId), Error> {
    let permit = actor.permit(Action::ManageOwnKeys)?;
    Ok((permit, id.parse().map_err(|_| Error::NotFound)?))
}

pub(super) fn sees_all(permit: &Permit) -> bool {
    permit.role().may(Action::ManageOrganizationKeys)
}

/// A key that the actor may not manage does not exist for them.
pub(super) fn may_see(permit: &Permit, key: &StoredKey) -> bool {
    sees_all(permit) || (!key.of_organization && key.user_id == permit.user())
}

fn renewed(key: &StoredKey, overlap: i64, now: Timestamp) -> KeyLife {
    let overlap = std::time::Duration::from_secs(u64::try_from(overlap).unwrap_or(0));
    let expired = key.life.expires_at.filter(|end| *end <= now);
    let life = expired.map(|end| end.since(key.created_at));
    let wanted = now.plus(overlap);
    let until = key.life.expires_at.map_or(wanted, |end| wanted.earliest(end));
    KeyLife {
        expires_at: life.map(|life| now.plus(life)).or(key.life.expires_at),
        overlap_ends_at: (until > now).then_some(until),
        ..key.life
    }
}

fn unknown_status() -> Error {
    Error::field(Field::Status, FieldCode::NotOneOf(&["ACTIVE", "ROTATING", "INACTIVE", "EXPIRED", "REVOKED"]))
}
