use sqlx::{AssertSqlSafe, query};

use super::db::Row;
use super::row::Columns as _;
use super::{OrganizationStore, Store};
use crate::api_key::{KeyLife, KeyMode, KeyStatus, Scopes};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::id::{ApiKeyId, OrganizationId, UserId};
use crate::member::Role;
use crate::organization::barred_from;

/// A key as the store has it.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Which key.
    pub id: ApiKeyId,
    /// Its home.
    pub organization_id: OrganizationId,
    /// Whose it is, or who is responsible for it.
    pub user_id: UserId,
    /// Whether it belongs to the organization rather than to the person.
    pub of_organization: bool,
    /// Who made it.
    pub created_by: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Live or test.
    pub mode: KeyMode,
    /// What it may.
    pub scopes: Scopes,
    /// Further organizations: empty, `all`, or ids separated by spaces.
    pub span: String,
    /// The public id of its present secret.
    pub public_id: String,
    /// The last four characters of its present secret.
    pub last_four: String,
    /// Calls in the window.
    pub rate_limit: i64,
    /// The window in seconds.
    pub rate_limit_window: i64,
    /// Calls a minute.
    pub rate_limit_per_minute: Option<i64>,
    /// Calls a day.
    pub rate_limit_per_day: Option<i64>,
    /// Addresses and networks it may be used from, separated by spaces; empty: any.
    pub allowed_ips: String,
    /// Domains, separated by spaces, for the asking service to hold to.
    pub allowed_domains: String,
    /// The dates that decide its state.
    pub life: KeyLife,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// Why.
    pub revoked_reason: Option<String>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// From where.
    pub last_used_ip: Option<String>,
    /// With what.
    pub last_used_by: Option<String>,
    /// How often it was used.
    pub usage_count: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A key, the secret it was presented with, and all that decides whether it still holds, in one row.
#[derive(Clone, Debug)]
pub struct KeyCredential {
    /// The key.
    pub key: StoredKey,
    /// The keyed hash of the secret.
    pub mac: Vec<u8>,
    /// Until when this secret works, when it is not the present one.
    pub secret_ends_at: Option<Timestamp>,
    /// Since when it is only kept to notice that somebody presents it.
    pub secret_dropped_at: Option<Timestamp>,
    /// The person's address.
    pub email: Email,
    /// Whether the person's account is switched off.
    pub disabled: bool,
    /// The person's live role in the organization asked for.
    pub role: Option<Role>,
    /// Whether the person's place in the key's home is live.
    pub at_home: bool,
    /// Whether the organization asked for is suspended.
    pub organization_suspended: bool,
    /// From when on that organization bars the person for want of a second factor.
    pub barred_from: Option<Timestamp>,
}

/// The secret of a new or renewed key.
pub struct NewKeyRow<'a> {
    /// The key.
    pub key: &'a StoredKey,
    /// The keyed hash of its secret.
    pub mac: [u8; 32],
}

/// Which keys of an organization.
#[derive(Clone, Debug, Default)]
pub struct KeyFilter {
    /// Only this person's own.
    pub only_of: Option<UserId>,
    /// Only those in this state.
    pub status: Option<KeyStatus>,
    /// Only those whose name holds this text, or whose public id it names.
    pub search: Option<String>,
    /// Which one comes first.
    pub order: &'static str,
    /// How many at most.
    pub limit: i64,
    /// How many to pass over.
    pub offset: i64,
}

fn key(row: &Row) -> Result<StoredKey, Error> {
    Ok(StoredKey {
        id: row.parsed("id")?,
        organization_id: row.parsed("organization_id")?,
        user_id: row.parsed("user_id")?,
        of_organization: row.text("owner")? == "organization",
        created_by: row.text("created_by")?,
        name: row.text("name")?,
        description: row.maybe_text("description")?,
        mode: row.known("mode", KeyMode::parse)?,
        scopes: Scopes::split(&row.text("scopes")?),
        span: row.text("span")?,
        public_id: row.text("public_id")?,
        last_four: row.text("last_four")?,
        rate_limit: row.number("rate_limit")?,
        rate_limit_window: row.number("rate_limit_window")?,
        rate_limit_per_minute: row.maybe_number("rate_limit_per_minute")?,
        rate_limit_per_day: row.maybe_number("rate_limit_per_day")?,
        allowed_ips: row.text("allowed_ips")?,
        allowed_domains: row.text("allowed_domains")?,
        life: KeyLife {
            revoked_at: row.maybe_at("revoked_at")?,
            expires_at: row.maybe_at("expires_at")?,
            inactive_at: row.maybe_at("inactive_at")?,
            overlap_ends_at: row.maybe_at("overlap_ends_at")?,
        },
        revoked_by: row.maybe_text("revoked_by")?,
        revoked_reason: row.maybe_text("revoked_reason")?,
        last_used_at: row.maybe_at("last_used_at")?,
        last_used_ip: row.maybe_text("last_used_ip")?,
        last_used_by: row.maybe_text("last_used_by")?,
        usage_count: row.number("usage_count")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}

fn credential(row: &Row) -> Result<KeyCredential, Error> {
    let role = row.maybe_text("role")?;
    let has_second_factor = row.maybe_number("second_factor_since")?.is_some();
    Ok(KeyCredential {
        key: key(row)?,
        mac: row.bytes("mac")?,
        secret_ends_at: row.maybe_at("secret_ends_at")?,
        secret_dropped_at: row.maybe_at("secret_dropped_at")?,
        email: row.known("email", Email::parse)?,
        disabled: row.maybe_number("disabled_at")?.is_some(),
        role: role.as_deref().and_then(Role::parse),
        at_home: row.maybe_text("home_role")?.is_some(),
        organization_suspended: row.maybe_number("organization_suspended_at")?.is_some(),
        barred_from: barred_from(row.maybe_at("two_factor_required_from")?, has_second_factor),
    })
}

impl Store<'_> {
    /// The key that has a secret with this public id, seen from `organization` or, when none is named, from its home.
    pub async fn find_key_credential(
        &mut self,
        public_id: &str,
        organization: Option<OrganizationId>,
    ) -> Result<Option<KeyCredential>, Error> {
        let row = query(
            "SELECT k.*, x.mac, x.ends_at AS secret_ends_at, x.dropped_at AS secret_dropped_at, u.email, u.disabled_at,
                u.second_factor_since, m.role, h.role AS home_role, o.suspended_at AS organization_suspended_at, o.two_factor_required_from
             FROM api_key_secrets x JOIN api_keys k ON k.id = x.key_id JOIN users u ON u.id = k.user_id
             LEFT JOIN organizations o ON o.id = COALESCE($2, k.organization_id)
             LEFT JOIN memberships m ON m.user_id = k.user_id AND m.organization_id = o.id AND m.suspended_at IS NULL
             LEFT JOIN memberships h ON h.user_id = k.user_id AND h.organization_id = k.organization_id
                AND h.suspended_at IS NULL
             WHERE x.public_id = $1",
        )
        .bind(public_id)
        .bind(organization.map(|id| id.to_string()))
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(credential).transpose()
    }

    /// The home of a key whose holder has proven to hold it.
    pub async fn find_key_home(&mut self, id: ApiKeyId) -> Result<Option<OrganizationId>, Error> {
        let row = query("SELECT organization_id FROM api_keys WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| row.parsed("organization_id")).transpose()
    }

    /// Drops the secrets that had ended at `ended`, and forgets those that were dropped before `forgotten`.
    pub async fn delete_ended_secrets(
        &mut self,
        ended: Timestamp,
        forgotten: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        query("DELETE FROM api_key_secrets WHERE dropped_at < $1")
            .bind(forgotten.millis())
            .execute(&mut *self.connection)
            .await?;
        query("UPDATE api_key_secrets SET dropped_at = $2 WHERE ends_at <= $1 AND dropped_at IS NULL")
            .bind(ended.millis())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}

impl OrganizationStore<'_> {
    /// The keys that somebody owns or is responsible for.
    pub async fn list_keys_of(&mut self, user: UserId) -> Result<Vec<StoredKey>, Error> {
        let rows = query("SELECT * FROM api_keys WHERE organization_id = $1 AND user_id = $2 ORDER BY created_at, id")
            .bind(self.organization.to_string())
            .bind(user.to_string())
            .fetch_all(&mut *self.connection)
            .await?;
        rows.iter().map(key).collect()
    }

    /// Makes somebody else responsible for the organization's keys; says for how many.
    pub async fn update_responsible(&mut self, from: UserId, to: UserId, now: Timestamp) -> Result<u64, Error> {
        let updated = query(
            "UPDATE api_keys SET user_id = $3, updated_at = $4
             WHERE organization_id = $1 AND user_id = $2 AND owner = 'organization'",
        )
        .bind(self.organization.to_string())
        .bind(from.to_string())
        .bind(to.to_string())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(updated.rows_affected())
    }

    /// Ends somebody's own keys for good; says which.
    pub async fn consume_keys_of(
        &mut self,
        user: UserId,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<Vec<ApiKeyId>, Error> {
        let rows = query(
            "UPDATE api_keys SET revoked_at = $3, revoked_by = $4, revoked_reason = $5, updated_at = $3
             WHERE organization_id = $1 AND user_id = $2 AND owner <> 'organization' AND revoked_at IS NULL RETURNING id",
        )
        .bind(self.organization.to_string())
        .bind(user.to_string())
        .bind(now.millis())
        .bind(by)
        .bind(reason)
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }

    /// A new key.
    pub async fn insert_key(&mut self, new: &NewKeyRow<'_>) -> Result<(), Error> {
        let key = new.key;
        query(
            "INSERT INTO api_keys (id, organization_id, user_id, owner, created_by, name, description, mode, scopes, span,
                public_id, last_four, rate_limit, rate_limit_window, rate_limit_per_minute, rate_limit_per_day, allowed_ips,
                allowed_domains, expires_at, usage_count, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 0, $20, $20)",
        )
        .bind(key.id.to_string())
        .bind(self.organization.to_string())
        .bind(key.user_id.to_string())
        .bind(if key.of_organization { "organization" } else { "user" })
        .bind(&key.created_by)
        .bind(&key.name)
        .bind(key.description.as_deref())
        .bind(key.mode.as_str())
        .bind(key.scopes.joined())
        .bind(&key.span)
        .bind(&key.public_id)
        .bind(&key.last_four)
        .bind(key.rate_limit)
        .bind(key.rate_limit_window)
        .bind(key.rate_limit_per_minute)
        .bind(key.rate_limit_per_day)
        .bind(&key.allowed_ips)
        .bind(&key.allowed_domains)
        .bind(key.life.expires_at.map(Timestamp::millis))
        .bind(key.created_at.millis())
        .execute(&mut *self.connection)
        .await?;
        self.insert_secret(key, new.mac, key.created_at).await
    }

    async fn insert_secret(&mut self, key: &StoredKey, mac: [u8; 32], now: Timestamp) -> Result<(), Error> {
        query("INSERT INTO api_key_secrets (public_id, key_id, mac, created_at) VALUES ($1, $2, $3, $4)")
            .bind(&key.public_id)
            .bind(key.id.to_string())
            .bind(mac.to_vec())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// One key.
    pub async fn find_key(&mut self, id: ApiKeyId) -> Result<Option<StoredKey>, Error> {
        let row = query("SELECT * FROM api_keys WHERE id = $1 AND organization_id = $2")
            .bind(id.to_string())
            .bind(self.organization.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(key).transpose()
    }

    /// Keys that fit the filter, and how many there are in all.
    pub async fn list_keys(&mut self, filter: &KeyFilter, now: Timestamp) -> Result<(Vec<StoredKey>, i64), Error> {
        const WHERE: &str = "WHERE organization_id = $1
            AND ($2 = '' OR (user_id = $2 AND owner = 'user'))
            AND ($3 = '' OR $3 = CASE WHEN revoked_at IS NOT NULL THEN 'REVOKED'
                WHEN expires_at <= $4 THEN 'EXPIRED' WHEN inactive_at IS NOT NULL THEN 'INACTIVE'
                WHEN overlap_ends_at > $4 THEN 'ROTATING' ELSE 'ACTIVE' END)
            AND ($5 = '' OR LOWER(name) LIKE $5 ESCAPE '!' OR public_id = $6)";
        let search = filter.search.as_deref().map(str::trim).unwrap_or_default();
        let named = search.strip_prefix("lk_live_").or_else(|| search.strip_prefix("lk_test_")).unwrap_or_default();
        let public_id: String = named.chars().take_while(char::is_ascii_alphanumeric).take(8).collect();
        let bind = |sql: String| {
            query(AssertSqlSafe(sql))
                .bind(self.organization.to_string())
                .bind(filter.only_of.map(|id| id.to_string()).unwrap_or_default())
                .bind(filter.status.map(KeyStatus::as_str).unwrap_or_default())
                .bind(now.millis())
                .bind(if search.is_empty() { String::new() } else { super::row::containing(search) })
                .bind(public_id.clone())
        };
        let total = bind(format!("SELECT COUNT(*) AS total FROM api_keys {WHERE}"));
        let total = total.fetch_one(&mut *self.connection).await?.number("total")?;
        let order = if filter.order.is_empty() { "created_at DESC" } else { filter.order };
        let rows = bind(format!("SELECT * FROM api_keys {WHERE} ORDER BY {order}, id DESC LIMIT $7 OFFSET $8"));
        let rows = rows.bind(filter.limit).bind(filter.offset).fetch_all(&mut *self.connection).await?;
        Ok((rows.iter().map(key).collect::<Result<_, _>>()?, total))
    }

    /// Writes what a person may change.
    pub async fn update_key(&mut self, key: &StoredKey) -> Result<(), Error> {
        query(
            "UPDATE api_keys SET name = $3, description = $4, scopes = $5, rate_limit = $6, rate_limit_window = $7,
                rate_limit_per_minute = $8, rate_limit_per_day = $9, allowed_ips = $10, allowed_domains = $11,
                expires_at = $12, inactive_at = $13, updated_at = $14, span = $15
             WHERE id = $1 AND organization_id = $2",
        )
        .bind(key.id.to_string())
        .bind(self.organization.to_string())
        .bind(&key.name)
        .bind(key.description.as_deref())
        .bind(key.scopes.joined())
        .bind(key.rate_limit)
        .bind(key.rate_limit_window)
        .bind(key.rate_limit_per_minute)
        .bind(key.rate_limit_per_day)
        .bind(&key.allowed_ips)
        .bind(&key.allowed_domains)
        .bind(key.life.expires_at.map(Timestamp::millis))
        .bind(key.life.inactive_at.map(Timestamp::millis))
        .bind(key.updated_at.millis())
        .bind(&key.span)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Revokes a key with all its secrets; `false` when it was revoked before.
    pub async fn consume_key(
        &mut self,
        id: ApiKeyId,
        by: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let revoked = query(
            "UPDATE api_keys SET revoked_at = $3, revoked_by = $4, revoked_reason = $5, overlap_ends_at = NULL,
                updated_at = $3
             WHERE id = $1 AND organization_id = $2 AND revoked_at IS NULL",
        )
        .bind(id.to_string())
        .bind(self.organization.to_string())
        .bind(now.millis())
        .bind(by)
        .bind(reason)
        .execute(&mut *self.connection)
        .await?;
        Ok(revoked.rows_affected() == 1)
    }

    /// Deletes a key and all that is known of it.
    pub async fn delete_key(&mut self, id: ApiKeyId) -> Result<bool, Error> {
        let deleted = query("DELETE FROM api_keys WHERE id = $1 AND organization_id = $2")
            .bind(id.to_string())
            .bind(self.organization.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(deleted.rows_affected() == 1)
    }

    /// Gives a key a new secret if its present one is still `old`; the old one works until `overlap_ends_at`, or dies
    /// now. Earlier ones die now in any case.
    pub async fn update_key_secret(&mut self, new: &NewKeyRow<'_>, old: &str, now: Timestamp) -> Result<bool, Error> {
        let key = new.key;
        let updated = query(
            "UPDATE api_keys SET public_id = $3, last_four = $4, overlap_ends_at = $5, expires_at = $6, updated_at = $7
             WHERE id = $1 AND organization_id = $2 AND public_id = $8 AND revoked_at IS NULL",
        )
        .bind(key.id.to_string())
        .bind(self.organization.to_string())
        .bind(&key.public_id)
        .bind(&key.last_four)
        .bind(key.life.overlap_ends_at.map(Timestamp::millis))
        .bind(key.life.expires_at.map(Timestamp::millis))
        .bind(now.millis())
        .bind(old)
        .execute(&mut *self.connection)
        .await?;
        if updated.rows_affected() != 1 {
            return Ok(false);
        }
        let ends_at = key.life.overlap_ends_at.unwrap_or(now);
        query("UPDATE api_key_secrets SET ends_at = $3 WHERE key_id = $1 AND public_id = $2")
            .bind(key.id.to_string())
            .bind(old)
            .bind(ends_at.millis())
            .execute(&mut *self.connection)
            .await?;
        query(
            "UPDATE api_key_secrets SET ends_at = $3, dropped_at = $3
             WHERE key_id = $1 AND (public_id <> $2 OR ends_at <= $3) AND dropped_at IS NULL",
        )
        .bind(key.id.to_string())
        .bind(old)
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        self.insert_secret(key, new.mac, now).await?;
        Ok(true)
    }

    /// Ends the secret before the present one; `false` when there was none.
    pub async fn consume_overlap(&mut self, id: ApiKeyId, now: Timestamp) -> Result<bool, Error> {
        let updated = query(
            "UPDATE api_keys SET overlap_ends_at = NULL, updated_at = $3
             WHERE id = $1 AND organization_id = $2 AND overlap_ends_at > $3",
        )
        .bind(id.to_string())
        .bind(self.organization.to_string())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        if updated.rows_affected() != 1 {
            return Ok(false);
        }
        query(
            "UPDATE api_key_secrets SET ends_at = $2, dropped_at = $2
             WHERE key_id = $1 AND ends_at IS NOT NULL AND dropped_at IS NULL",
        )
        .bind(id.to_string())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(true)
    }
}
