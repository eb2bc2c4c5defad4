use sqlx::query;

use super::Store;
use super::db::Row;
use super::row::Columns as _;
use crate::challenge::{Challenge, Kind};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::id::UserId;
use crate::secret::HashedToken;

/// A challenge to be written.
pub struct NewChallenge<'a> {
    /// What it is, for whom.
    pub challenge: &'a Challenge,
    /// The hash of its link's token.
    pub token: HashedToken,
    /// The keyed hash of its code, when it has one.
    pub code: Option<[u8; 32]>,
}

fn challenge(row: &Row) -> Result<Challenge, Error> {
    Ok(Challenge {
        slot: row.text("slot")?,
        kind: row.known("kind", Kind::parse)?,
        email: row.known("email", Email::parse)?,
        user_id: row.maybe_parsed("user_id")?,
        browser: row.maybe_bytes("browser")?,
        created_at: row.at("created_at")?,
        expires_at: row.at("expires_at")?,
        ended_at: row.maybe_at("ended_at")?,
    })
}

impl Store<'_> {
    /// Writes a challenge in place of the one its slot had: that one's link and code are dead by the same statement.
    pub async fn replace_challenge(&mut self, new: &NewChallenge<'_>) -> Result<(), Error> {
        let challenge = new.challenge;
        query(
            "INSERT INTO challenges (slot, kind, email, user_id, token_hash, code_mac, code_tries, browser, created_at,
                expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)
             ON CONFLICT (slot) DO UPDATE SET email = excluded.email, user_id = excluded.user_id,
                token_hash = excluded.token_hash, code_mac = excluded.code_mac, code_tries = 0,
                browser = excluded.browser, created_at = excluded.created_at, expires_at = excluded.expires_at,
                ended_at = NULL",
        )
        .bind(&challenge.slot)
        .bind(challenge.kind.as_str())
        .bind(challenge.email.as_str())
        .bind(challenge.user_id.map(|id| id.to_string()))
        .bind(new.token.bytes().to_vec())
        .bind(new.code.map(|mac| mac.to_vec()))
        .bind(challenge.browser.clone())
        .bind(challenge.created_at.millis())
        .bind(challenge.expires_at.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// The challenge that a link belongs to, whatever has become of it. Spends nothing.
    pub async fn find_challenge(&mut self, token: HashedToken) -> Result<Option<Challenge>, Error> {
        let row = query("SELECT * FROM challenges WHERE token_hash = $1")
            .bind(token.bytes().to_vec())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(challenge).transpose()
    }

    /// The newest challenge of this kind that this browser asked for.
    pub async fn find_challenge_of_browser(&mut self, kind: Kind, browser: &[u8]) -> Result<Option<Challenge>, Error> {
        let row = query("SELECT * FROM challenges WHERE browser = $1 AND kind = $2 ORDER BY created_at DESC LIMIT 1")
            .bind(browser.to_vec())
            .bind(kind.as_str())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(challenge).transpose()
    }

    /// Spends a link; `None` when it was spent, replaced or has expired.
    pub async fn consume_challenge(
        &mut self,
        kind: Kind,
        token: HashedToken,
        now: Timestamp,
    ) -> Result<Option<Challenge>, Error> {
        let row = query(
            "UPDATE challenges SET ended_at = $3
             WHERE token_hash = $1 AND kind = $2 AND ended_at IS NULL AND expires_at > $3 AND user_id IS NOT NULL
             RETURNING *",
        )
        .bind(token.bytes().to_vec())
        .bind(kind.as_str())
        .bind(now.millis())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(challenge).transpose()
    }

    /// Takes one of the tries that a code has, and gives the keyed hash to compare with; `None` when there is no live
    /// challenge for this address, or its tries are used up.
    pub async fn consume_code_try(
        &mut self,
        kind: Kind,
        email: &Email,
        most: i64,
        now: Timestamp,
    ) -> Result<Option<(Challenge, Vec<u8>)>, Error> {
        let row = query(
            "UPDATE challenges SET code_tries = code_tries + 1
             WHERE slot = (SELECT slot FROM challenges
                    WHERE kind = $1 AND email = $2 AND ended_at IS NULL ORDER BY created_at DESC LIMIT 1)
                AND ended_at IS NULL AND expires_at > $4 AND code_mac IS NOT NULL AND code_tries < $3
             RETURNING *",
        )
        .bind(kind.as_str())
        .bind(email.as_str())
        .bind(most)
        .bind(now.millis())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.map(|row| Ok((challenge(&row)?, row.bytes("code_mac")?))).transpose()
    }

    /// Ends the challenge of a slot; `false` when it had ended.
    pub async fn consume_slot(&mut self, slot: &str, now: Timestamp) -> Result<bool, Error> {
        let ended = query("UPDATE challenges SET ended_at = $2 WHERE slot = $1 AND ended_at IS NULL")
            .bind(slot)
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(ended.rows_affected() == 1)
    }

    /// Ends the challenge of a slot once its tries are used up.
    pub async fn consume_exhausted_slot(&mut self, slot: &str, most: i64, now: Timestamp) -> Result<(), Error> {
        query("UPDATE challenges SET ended_at = $3 WHERE slot = $1 AND code_tries >= $2 AND ended_at IS NULL")
            .bind(slot)
            .bind(most)
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// A right code becomes a token: the mailed link and the code are dead from now on.
    pub async fn update_challenge_token(&mut self, slot: &str, token: HashedToken) -> Result<bool, Error> {
        let updated = query(
            "UPDATE challenges SET token_hash = $2, code_mac = NULL
             WHERE slot = $1 AND ended_at IS NULL AND code_mac IS NOT NULL",
        )
        .bind(slot)
        .bind(token.bytes().to_vec())
        .execute(&mut *self.connection)
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Ends everything of these kinds that somebody could still redeem.
    pub async fn consume_challenges_of(&mut self, user: UserId, kinds: &[Kind], now: Timestamp) -> Result<(), Error> {
        for kind in kinds {
            query("UPDATE challenges SET ended_at = $3 WHERE user_id = $1 AND kind = $2 AND ended_at IS NULL")
                .bind(user.to_string())
                .bind(kind.as_str())
                .bind(now.millis())
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }

    /// Ends the links that undo changes of address made after this instant. Earlier ones stay: whoever took an account
    /// over and moved it twice must not be able to take the first owner's link away.
    pub async fn consume_later_undos(&mut self, user: UserId, since: Timestamp, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE challenges SET ended_at = $3
             WHERE user_id = $1 AND kind = 'undo' AND created_at >= $2 AND ended_at IS NULL",
        )
        .bind(user.to_string())
        .bind(since.millis())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Whether somebody else may still move back to this address; until then it is not free.
    pub async fn is_reserved(&mut self, email: &Email, user: UserId, now: Timestamp) -> Result<bool, Error> {
        let row = query(
            "SELECT 1 AS one FROM challenges
             WHERE email = $1 AND kind = 'undo' AND user_id <> $2 AND ended_at IS NULL AND expires_at > $3 LIMIT 1",
        )
        .bind(email.as_str())
        .bind(user.to_string())
        .bind(now.millis())
        .fetch_optional(&mut *self.connection)
        .await?;
        Ok(row.is_some())
    }

    /// Drops what expired long ago.
    pub async fn delete_old_challenges(&mut self, before: Timestamp) -> Result<(), Error> {
        query("DELETE FROM challenges WHERE expires_at < $1")
            .bind(before.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
