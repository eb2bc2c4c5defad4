use sqlx::query;

use super::Store;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::limit::Rate;

/// A count as it stands after a call.
pub struct StoredCount {
    /// How many were counted, the call included; one more than the limit when there was no room.
    pub used: u64,
    /// When the window ends.
    pub ends_at: Timestamp,
}

impl Store<'_> {
    /// Counts one call if there is room, in one statement: whatever number of nodes ask at once, exactly the limit fits in
    /// a window.
    pub async fn consume_count(&mut self, name: u128, rate: Rate, now: Timestamp) -> Result<StoredCount, Error> {
        let row = query(
            "INSERT INTO counts (name, began_at, ends_at, used) VALUES ($1, $2, $3, 1)
             ON CONFLICT (name) DO UPDATE SET
               used = CASE WHEN counts.ends_at <= $2 OR counts.began_at > $3 THEN 1
                           WHEN counts.used < $4 THEN counts.used + 1 ELSE $4 + 1 END,
               ends_at = CASE WHEN counts.ends_at <= $2 OR counts.began_at > $3 THEN $3 ELSE counts.ends_at END,
               began_at = CASE WHEN counts.ends_at <= $2 OR counts.began_at > $3 THEN $2 ELSE counts.began_at END
             RETURNING used, ends_at",
        )
        .bind(name.to_be_bytes().to_vec())
        .bind(now.millis())
        .bind(now.plus(rate.per).millis())
        .bind(i64::try_from(rate.limit).unwrap_or(i64::MAX - 1))
        .fetch_one(&mut *self.connection)
        .await?;
        Ok(StoredCount { used: u64::try_from(row.number("used")?).unwrap_or(0), ends_at: row.at("ends_at")? })
    }

    /// Gives one counted call back.
    pub async fn give_count_back(&mut self, name: u128, rate: Rate, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE counts SET used = CASE WHEN used > $2 THEN $2 ELSE used END - 1
             WHERE name = $1 AND used > 0 AND ends_at > $3",
        )
        .bind(name.to_be_bytes().to_vec())
        .bind(i64::try_from(rate.limit).unwrap_or(i64::MAX - 1))
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Drops counts whose window has ended.
    pub async fn delete_old_counts(&mut self, now: Timestamp) -> Result<(), Error> {
        query("DELETE FROM counts WHERE ends_at <= $1").bind(now.millis()).execute(&mut *self.connection).await?;
        Ok(())
    }
}
