use sqlx::query;

use super::OrganizationStore;
use super::db::Row;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::organization::Policy;

/// The policy in a row of an organization.
pub(super) fn policy(row: &Row) -> Result<Policy, Error> {
    Ok(Policy {
        two_factor_required_from: row.maybe_at("two_factor_required_from")?,
        trusted_device_days: row.maybe_number("trusted_device_days")?.and_then(|days| u32::try_from(days).ok()),
    })
}

impl OrganizationStore<'_> {
    /// What the organization demands of its members.
    pub async fn find_policy(&mut self) -> Result<Policy, Error> {
        let row = query("SELECT two_factor_required_from, trusted_device_days FROM organizations WHERE id = $1")
            .bind(self.organization.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        policy(&row.ok_or(Error::NotFound)?)
    }

    /// Changes it.
    pub async fn update_policy(&mut self, policy: &Policy, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE organizations SET two_factor_required_from = $2, trusted_device_days = $3, updated_at = $4
             WHERE id = $1",
        )
        .bind(self.organization.to_string())
        .bind(policy.two_factor_required_from.map(Timestamp::millis))
        .bind(policy.trusted_device_days.map(i64::from))
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }
}
