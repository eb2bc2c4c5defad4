use sqlx::query;

use super::Store;
use crate::clock::Timestamp;
use crate::error::Error;

impl Store<'_> {
    /// Takes or renews the lease on a piece of work until `until`, unless another holds it. One that ends later than any
    /// lease that begins now could was taken by a clock that was ahead, and does not count.
    pub async fn take_lease(
        &mut self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let taken = query(
            "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $4)
             ON CONFLICT (name) DO UPDATE SET holder = $2, until = $4
             WHERE leases.holder = $2 OR leases.until <= $3 OR leases.until > $4 + ($4 - $3)",
        )
        .bind(name)
        .bind(holder)
        .bind(now.millis())
        .bind(until.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Lets only one transaction at a time go on from here, whatever node it is on.
    pub async fn lock(&mut self, name: &str) -> Result<(), Error> {
        query(
            "INSERT INTO leases (name, holder, until) VALUES ($1, '', 0)
             ON CONFLICT (name) DO UPDATE SET until = leases.until",
        )
        .bind(name)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Gives up every lease of somebody.
    pub async fn delete_leases(&mut self, holder: &str) -> Result<(), Error> {
        query("DELETE FROM leases WHERE holder = $1").bind(holder).execute(&mut *self.connection).await?;
        Ok(())
    }
}
