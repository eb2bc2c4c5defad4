use sqlx::query;

use super::Store;
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::id::UserId;

impl Store<'_> {
    /// Notes that somebody signed in with this browser; says whether it is new to them. The first one ever is not: there
    /// is nothing it could differ from.
    pub async fn insert_known_browser(&mut self, user: UserId, browser: &[u8], now: Timestamp) -> Result<bool, Error> {
        let inserted = query(
            "INSERT INTO known_browsers (user_id, browser, last_seen_at) VALUES ($1, $2, $3)
             ON CONFLICT (user_id, browser) DO NOTHING",
        )
        .bind(user.to_string())
        .bind(browser.to_vec())
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        if inserted.rows_affected() == 0 {
            query("UPDATE known_browsers SET last_seen_at = $3 WHERE user_id = $1 AND browser = $2")
                .bind(user.to_string())
                .bind(browser.to_vec())
                .bind(now.millis())
                .execute(&mut *self.connection)
                .await?;
            return Ok(false);
        }
        let other = query("SELECT 1 AS one FROM known_browsers WHERE user_id = $1 AND browser <> $2 LIMIT 1")
            .bind(user.to_string())
            .bind(browser.to_vec())
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(other.is_some())
    }

    /// Whether somebody has signed in with this browser to the account with this address.
    pub async fn is_known_browser(&mut self, email: &Email, browser: &[u8]) -> Result<bool, Error> {
        let row = query(
            "SELECT 1 AS one FROM known_browsers
             WHERE user_id = (SELECT id FROM users WHERE email = $1) AND browser = $2",
        )
        .bind(email.as_str())
        .bind(browser.to_vec())
        .fetch_optional(&mut *self.connection)
        .await?;
        Ok(row.is_some())
    }

    /// Forgets browsers that were not used for long.
    pub async fn delete_old_browsers(&mut self, before: Timestamp) -> Result<(), Error> {
        query("DELETE FROM known_browsers WHERE last_seen_at < $1")
            .bind(before.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}
