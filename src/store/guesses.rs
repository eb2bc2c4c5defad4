use sqlx::query;

use super::Store;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::guessing::{Lane, Streak, Streaks};

/// The count of one lane at one address.
#[derive(Clone, Copy)]
pub struct GuessCount<'a> {
    /// The keyed hash of the address.
    pub address: &'a [u8; 32],
    /// The lane.
    pub lane: Lane,
}

/// What bounds a try in a lane that has failures already.
#[derive(Clone, Copy)]
pub struct GuessBounds {
    /// So many failures were seen.
    pub seen: i64,
    /// From so many on a lane is held.
    pub held_from: i64,
    /// With so many its tries are over.
    pub most: i64,
}

impl Store<'_> {
    /// The wrong passwords in a row at an address.
    pub async fn find_streaks(&mut self, address: &[u8; 32]) -> Result<Streaks, Error> {
        let rows = query("SELECT lane, failures, last_failed_at FROM guesses WHERE address = $1")
            .bind(address.to_vec())
            .fetch_all(&mut *self.connection)
            .await?;
        rows.iter().try_fold(Streaks::default(), |streaks, row| {
            let streak = Streak { failures: row.number("failures")?, last_failed_at: row.at("last_failed_at")? };
            Ok(streaks.with(row.known("lane", Lane::parse)?, streak))
        })
    }

    /// Takes a try in a lane that has failures already, before the password is looked at; says which it is. `None` when
    /// the tries are over, or when somebody else has just taken the one that a held lane has.
    pub async fn consume_guess(
        &mut self,
        count: GuessCount<'_>,
        bounds: GuessBounds,
        now: Timestamp,
    ) -> Result<Option<i64>, Error> {
        let row = query(
            "UPDATE guesses SET failures = failures + 1, last_failed_at = $3
             WHERE address = $1 AND lane = $2 AND failures < $6 AND (failures = $4 OR failures < $5)
             RETURNING failures",
        )
        .bind(count.address.to_vec())
        .bind(count.lane.as_str())
        .bind(now.millis())
        .bind(bounds.seen)
        .bind(bounds.held_from)
        .bind(bounds.most)
        .fetch_optional(&mut *self.connection)
        .await?;
        row.map(|row| row.number("failures")).transpose()
    }

    /// Gives a try back that came to nothing. If it is still the newest, the lane stands as it was `before`.
    pub async fn update_guess_undone(
        &mut self,
        count: GuessCount<'_>,
        taken: i64,
        before: Timestamp,
    ) -> Result<(), Error> {
        query(
            "UPDATE guesses SET failures = failures - 1,
                last_failed_at = CASE WHEN failures = $3 THEN $4 ELSE last_failed_at END
             WHERE address = $1 AND lane = $2 AND failures > 0",
        )
        .bind(count.address.to_vec())
        .bind(count.lane.as_str())
        .bind(taken)
        .bind(before.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Counts a failure; says which in a row it is.
    pub async fn insert_guess(&mut self, count: GuessCount<'_>, now: Timestamp) -> Result<i64, Error> {
        let row = query(
            "INSERT INTO guesses (address, lane, failures, last_failed_at) VALUES ($1, $2, 1, $3)
             ON CONFLICT (address, lane) DO UPDATE SET failures = guesses.failures + 1,
                last_failed_at = excluded.last_failed_at
             RETURNING failures",
        )
        .bind(count.address.to_vec())
        .bind(count.lane.as_str())
        .bind(now.millis())
        .fetch_one(&mut *self.connection)
        .await?;
        row.number("failures")
    }

    /// Takes the right to mail the owner about it; `false` when they were mailed after `since`.
    pub async fn consume_guess_mail(
        &mut self,
        count: GuessCount<'_>,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let taken = query(
            "UPDATE guesses SET told_at = $4 WHERE address = $1 AND lane = $2 AND (told_at IS NULL OR told_at <= $3)",
        )
        .bind(count.address.to_vec())
        .bind(count.lane.as_str())
        .bind(since.millis())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Begins both counts of an address anew.
    pub async fn update_guesses_cleared(&mut self, address: &[u8; 32]) -> Result<(), Error> {
        query("UPDATE guesses SET failures = 0 WHERE address = $1 AND failures > 0")
            .bind(address.to_vec())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Forgets counts whose last failure was long ago.
    pub async fn delete_old_guesses(&mut self, before: Timestamp) -> Result<(), Error> {
        query("DELETE FROM guesses WHERE last_failed_at < $1")
            .bind(before.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
