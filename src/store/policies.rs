use sqlx::{AssertSqlSafe, query};

use super::OrganizationStore;
use super::db::Row;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::organization::{Policy, SignInMethods};

/// The columns of a policy, of an organization called `o`.
pub(super) const POLICY: &str = "o.two_factor_required_from, o.trusted_device_days, o.sign_in_methods,
    o.access_token_seconds, o.invitation_only";

/// The policy in a row of an organization.
pub(super) fn policy(row: &Row) -> Result<Policy, Error> {
    Ok(Policy {
        two_factor_required_from: row.maybe_at("two_factor_required_from")?,
        trusted_device_days: row.maybe_number("trusted_device_days")?.and_then(|days| u32::try_from(days).ok()),
        methods: row
            .maybe_text("sign_in_methods")?
            .and_then(|names| SignInMethods::parse(names.split(' ')))
            .unwrap_or_default(),
        access_token_seconds: row.maybe_number("access_token_seconds")?.and_then(|life| u32::try_from(life).ok()),
        invitation_only: row.maybe_number("invitation_only")? == Some(1),
    })
}

impl OrganizationStore<'_> {
    /// What the organization demands of its members.
    pub async fn find_policy(&mut self) -> Result<Policy, Error> {
        let row = query(AssertSqlSafe(format!("SELECT {POLICY} FROM organizations o WHERE o.id = $1")))
            .bind(self.organization.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        policy(&row.ok_or(Error::NotFound)?)
    }

    /// Changes it.
    pub async fn update_policy(&mut self, policy: &Policy, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE organizations SET two_factor_required_from = $2, trusted_device_days = $3, sign_in_methods = $4,
                access_token_seconds = $5, invitation_only = $6, updated_at = $7
             WHERE id = $1",
        )
        .bind(self.organization.to_string())
        .bind(policy.two_factor_required_from.map(Timestamp::millis))
        .bind(policy.trusted_device_days.map(i64::from))
        .bind(
            Some(policy.methods)
                .filter(|methods| *methods != SignInMethods::default())
                .map(|methods| methods.names().join(" ")),
        )
        .bind(policy.access_token_seconds.map(i64::from))
        .bind(i64::from(policy.invitation_only))
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }
}
