use sqlx::query;

use super::Store;
use super::db::{Row, is_duplicate};
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::id::UserId;
use crate::user::{User, UserName};

/// An account in a row of its table.
pub(super) fn user(row: &Row) -> Result<User, Error> {
    Ok(User {
        id: row.parsed("id")?,
        email: row.known("email", Email::parse)?,
        username: row.maybe_text("username")?.as_deref().and_then(UserName::parse),
        name: row.text("name")?,
        first_name: row.maybe_text("first_name")?,
        last_name: row.maybe_text("last_name")?,
        avatar_url: row.maybe_text("avatar_url")?,
        email_verified_at: row.maybe_at("email_verified_at")?,
        disabled_at: row.maybe_at("disabled_at")?,
        landlord_since: row.maybe_at("landlord_since")?,
        second_factor_since: row.maybe_at("second_factor_since")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}

impl Store<'_> {
    /// The account with this id.
    pub async fn find_user(&mut self, id: UserId) -> Result<Option<User>, Error> {
        let row = query("SELECT * FROM users WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.as_ref().map(user).transpose()
    }

    /// The account with this address, and the hash of its password.
    pub async fn find_user_by_email(&mut self, email: &Email) -> Result<Option<(User, Option<String>)>, Error> {
        let row = query("SELECT * FROM users WHERE email = $1")
            .bind(email.as_str())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| Ok((user(&row)?, row.maybe_text("password_hash")?))).transpose()
    }

    /// The hash of somebody's password.
    pub async fn find_password_hash(&mut self, id: UserId) -> Result<Option<String>, Error> {
        let row = query("SELECT password_hash FROM users WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map_or(Ok(None), |row| row.maybe_text("password_hash"))
    }

    /// A new account; `email_taken` when the address has one.
    pub async fn insert_user(&mut self, user: &User, password_hash: Option<&str>) -> Result<(), Error> {
        let inserted = query(
            "INSERT INTO users (id, email, name, first_name, last_name, avatar_url, password_hash, email_verified_at,
                landlord_since, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        )
        .bind(user.id.to_string())
        .bind(user.email.as_str())
        .bind(&user.name)
        .bind(user.first_name.as_deref())
        .bind(user.last_name.as_deref())
        .bind(user.avatar_url.as_deref())
        .bind(password_hash)
        .bind(user.email_verified_at.map(Timestamp::millis))
        .bind(user.landlord_since.map(Timestamp::millis))
        .bind(user.created_at.millis())
        .execute(&mut *self.connection)
        .await;
        match inserted {
            Err(error) if is_duplicate(&error, "users.email", "users_email") => Err(Error::Conflict(Code::EmailTaken)),
            inserted => Ok(inserted.map(|_| ())?),
        }
    }

    /// The address of the account with this user name.
    pub async fn find_email_by_username(&mut self, name: &UserName) -> Result<Option<Email>, Error> {
        let row = query("SELECT email FROM users WHERE username = $1")
            .bind(name.as_str())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| row.known("email", Email::parse)).transpose()
    }

    /// Writes the profile; `username_taken` when another account has the user name.
    pub async fn update_profile(&mut self, user: &User) -> Result<(), Error> {
        let updated = query(
            "UPDATE users SET name = $2, first_name = $3, last_name = $4, avatar_url = $5, updated_at = $6, username = $7
             WHERE id = $1",
        )
        .bind(user.id.to_string())
        .bind(&user.name)
        .bind(user.first_name.as_deref())
        .bind(user.last_name.as_deref())
        .bind(user.avatar_url.as_deref())
        .bind(user.updated_at.millis())
        .bind(user.username.as_ref().map(UserName::as_str))
        .execute(&mut *self.connection)
        .await;
        match updated {
            Err(error) if is_duplicate(&error, "users.username", "users_username") => {
                Err(Error::Conflict(Code::UsernameTaken))
            }
            updated => Ok(updated.map(|_| ())?),
        }
    }

    /// Replaces the hash of a password if it is still `old`; says whether it was.
    pub async fn update_password(
        &mut self,
        id: UserId,
        old: Option<&str>,
        new: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let updated = query(
            "UPDATE users SET password_hash = $3, updated_at = $4
             WHERE id = $1 AND COALESCE(password_hash, '') = $2",
        )
        .bind(id.to_string())
        .bind(old.unwrap_or_default())
        .bind(new)
        .bind(now.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Replaces the hash of a password whatever it was; none at all means that it must be chosen anew by mail.
    pub async fn replace_password(&mut self, id: UserId, new: Option<&str>, now: Timestamp) -> Result<(), Error> {
        query("UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1")
            .bind(id.to_string())
            .bind(new)
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Switches an account off, or on again.
    pub async fn update_disabled(
        &mut self,
        id: UserId,
        disabled_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Error> {
        query("UPDATE users SET disabled_at = $2, updated_at = $3 WHERE id = $1")
            .bind(id.to_string())
            .bind(disabled_at.map(Timestamp::millis))
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Notes that an address is its person's; an earlier note stays. Places that waited for that are open from now on.
    pub async fn update_verified(&mut self, id: UserId, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE memberships SET suspended_at = NULL, awaits_address = 0 WHERE user_id = $1 AND awaits_address = 1",
        )
        .bind(id.to_string())
        .execute(&mut *self.connection)
        .await?;
        query("UPDATE users SET email_verified_at = COALESCE(email_verified_at, $2), updated_at = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Moves an account to another address, which is known to be its person's; `email_taken` when it has an account.
    /// Places that waited for the old one to be confirmed are gone.
    pub async fn update_email(&mut self, id: UserId, email: &Email, now: Timestamp) -> Result<(), Error> {
        query("DELETE FROM memberships WHERE user_id = $1 AND awaits_address = 1 AND suspended_at IS NOT NULL")
            .bind(id.to_string())
            .execute(&mut *self.connection)
            .await?;
        let updated = query("UPDATE users SET email = $2, email_verified_at = $3, updated_at = $3 WHERE id = $1")
            .bind(id.to_string())
            .bind(email.as_str())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await;
        match updated {
            Err(error) if is_duplicate(&error, "users.email", "users_email") => Err(Error::Conflict(Code::EmailTaken)),
            updated => Ok(updated.map(|_| ())?),
        }
    }

    /// Whether anybody looks after the platform yet.
    pub async fn has_landlord(&mut self) -> Result<bool, Error> {
        let row = query("SELECT 1 AS one FROM users WHERE landlord_since IS NOT NULL LIMIT 1")
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(row.is_some())
    }
}
