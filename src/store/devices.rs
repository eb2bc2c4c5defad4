use sqlx::query;

use super::Store;
use super::db::Row;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::device::TrustedDevice;
use crate::error::Error;
use crate::id::{DeviceId, UserId};
use crate::secret::HashedToken;

/// A device to be written.
pub struct NewDevice<'a> {
    /// The device.
    pub device: &'a TrustedDevice,
    /// The hash of the secret it holds.
    pub token: HashedToken,
    /// The hash of its fingerprint, when it has one.
    pub fingerprint: Option<[u8; 32]>,
}

fn device(row: &Row) -> Result<TrustedDevice, Error> {
    Ok(TrustedDevice {
        id: row.parsed("id")?,
        user_id: row.parsed("user_id")?,
        name: row.text("name")?,
        kind: row.text("kind")?,
        browser_info: row.maybe_text("browser_info")?,
        user_agent: row.text("user_agent")?,
        address: row.text("address")?,
        location: row.maybe_text("location")?,
        created_at: row.at("created_at")?,
        last_used_at: row.at("last_used_at")?,
        expires_at: row.at("expires_at")?,
    })
}

impl Store<'_> {
    /// Trusts a device, in place of one of the same person and fingerprint.
    pub async fn insert_device(&mut self, new: &NewDevice<'_>) -> Result<(), Error> {
        let device = new.device;
        let fingerprint = new.fingerprint.map(|hash| hash.to_vec());
        query("DELETE FROM trusted_devices WHERE user_id = $1 AND fingerprint = $2")
            .bind(device.user_id.to_string())
            .bind(fingerprint.clone())
            .execute(&mut *self.connection)
            .await?;
        query(
            "INSERT INTO trusted_devices (id, user_id, token_hash, name, kind, browser_info, user_agent, address, location,
                fingerprint, created_at, last_used_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(device.id.to_string())
        .bind(device.user_id.to_string())
        .bind(new.token.bytes().to_vec())
        .bind(&device.name)
        .bind(&device.kind)
        .bind(device.browser_info.as_deref())
        .bind(&device.user_agent)
        .bind(&device.address)
        .bind(device.location.as_deref())
        .bind(fingerprint)
        .bind(device.created_at.millis())
        .bind(device.last_used_at.millis())
        .bind(device.expires_at.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Somebody's trusted device that holds this secret.
    pub async fn find_device(
        &mut self,
        user: UserId,
        token: HashedToken,
        now: Timestamp,
    ) -> Result<Option<TrustedDevice>, Error> {
        let row = query("SELECT * FROM trusted_devices WHERE user_id = $1 AND token_hash = $2 AND expires_at > $3")
            .bind(user.to_string())
            .bind(token.bytes().to_vec())
            .bind(now.millis())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(device).transpose()
    }

    /// Notes that a device was let in; its secret is exchanged for `next`. `false` when somebody else was first.
    pub async fn consume_device_token(
        &mut self,
        (token, next): (HashedToken, HashedToken),
        address: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let used =
            query("UPDATE trusted_devices SET token_hash = $2, address = $3, last_used_at = $4 WHERE token_hash = $1")
                .bind(token.bytes().to_vec())
                .bind(next.bytes().to_vec())
                .bind(address)
                .bind(now.millis())
                .execute(&mut *self.connection)
                .await?;
        Ok(used.rows_affected() == 1)
    }

    /// Somebody's trusted devices, newest first.
    pub async fn list_devices(&mut self, user: UserId, now: Timestamp) -> Result<Vec<TrustedDevice>, Error> {
        let rows = query(
            "SELECT * FROM trusted_devices WHERE user_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC",
        )
        .bind(user.to_string())
        .bind(now.millis())
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(device).collect()
    }

    /// Ends the trust in one of somebody's devices; says whether there was one.
    pub async fn delete_device(&mut self, user: UserId, id: DeviceId) -> Result<bool, Error> {
        let deleted = query("DELETE FROM trusted_devices WHERE user_id = $1 AND id = $2")
            .bind(user.to_string())
            .bind(id.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(deleted.rows_affected() == 1)
    }

    /// Ends the trust in all of somebody's devices; says how many there were.
    pub async fn delete_devices(&mut self, user: UserId) -> Result<u64, Error> {
        let deleted = query("DELETE FROM trusted_devices WHERE user_id = $1")
            .bind(user.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(deleted.rows_affected())
    }

    /// Drops those whose time is over.
    pub async fn delete_old_devices(&mut self, now: Timestamp) -> Result<(), Error> {
        query("DELETE FROM trusted_devices WHERE expires_at <= $1")
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
