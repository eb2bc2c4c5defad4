use sqlx::{AssertSqlSafe, query};

use super::Store;
use super::db::Row;
use super::policies::POLICY;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::factor::{Method, Proof};
use crate::id::{OrganizationId, SessionId, TokenId, UserId};
use crate::member::Role;
use crate::organization::{Policy, barred_from};
use crate::secret::HashedToken;
use crate::session::{EndedBy, Session};

/// A session to be written.
pub struct NewSession<'a> {
    /// The session.
    pub session: &'a Session,
    /// The hash of its cookie, when a browser holds one.
    pub cookie: Option<HashedToken>,
}

/// All that decides whether a session's credential still holds, in one row.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column that can end a session by itself")]
pub struct SessionStanding {
    /// The session.
    pub session: Session,
    /// The person's address.
    pub email: Email,
    /// Whether the account is switched off.
    pub disabled: bool,
    /// Whether the person looks after the platform.
    pub landlord: bool,
    /// The person's role in the organization asked for, when they have a place there.
    pub role: Option<Role>,
    /// Whether that place is suspended.
    pub member_suspended: bool,
    /// Whether that organization is suspended.
    pub organization_suspended: bool,
    /// Whether the presented access token was exchanged for a newer one.
    pub exchanged: bool,
    /// Whether the person has a second factor.
    pub has_second_factor: bool,
    /// What that organization demands.
    pub policy: Policy,
}

impl SessionStanding {
    /// From when on the organization bars the person for want of a second factor.
    pub fn barred_from(&self) -> Option<Timestamp> {
        let is_member = self.role.is_some() && !self.member_suspended;
        barred_from(self.policy.two_factor_required_from, self.has_second_factor).filter(|_| is_member)
    }
}

fn session(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        id: row.parsed("id")?,
        user_id: row.parsed("user_id")?,
        organization_id: row.maybe_parsed("organization_id")?,
        amr: row.text("amr")?,
        authenticated_at: row.at("authenticated_at")?,
        second_factor: second_factor(row)?,
        address: row.text("address")?,
        user_agent: row.text("user_agent")?,
        kept: row.number("kept")? != 0,
        created_at: row.at("created_at")?,
        last_seen_at: row.at("last_seen_at")?,
        expires_at: row.at("expires_at")?,
        ended_at: row.maybe_at("ended_at")?,
        handed_off: row.number("handed_off")? != 0,
    })
}

fn second_factor(row: &Row) -> Result<Option<Proof>, Error> {
    let Some(at) = row.maybe_at("second_factor_at")? else { return Ok(None) };
    Ok(Some(Proof { at, method: row.known("second_factor", Method::parse)? }))
}

fn standing(row: &Row) -> Result<SessionStanding, Error> {
    let role = row.maybe_text("role")?;
    Ok(SessionStanding {
        session: session(row)?,
        email: row.known("email", Email::parse)?,
        disabled: row.maybe_number("disabled_at")?.is_some(),
        landlord: row.maybe_number("landlord_since")?.is_some(),
        role: role.as_deref().and_then(Role::parse),
        member_suspended: row.maybe_number("member_suspended_at")?.is_some(),
        organization_suspended: row.maybe_number("organization_suspended_at")?.is_some(),
        exchanged: row.maybe_text("exchanged")?.is_some(),
        has_second_factor: row.maybe_number("second_factor_since")?.is_some(),
        policy: super::policies::policy(row)?,
    })
}

impl Store<'_> {
    /// A new session.
    pub async fn insert_session(&mut self, new: &NewSession<'_>) -> Result<(), Error> {
        let session = new.session;
        query(
            "INSERT INTO sessions (id, user_id, organization_id, cookie_hash, amr, authenticated_at, address, user_agent,
                kept, created_at, last_seen_at, expires_at, second_factor_at, second_factor, handed_off)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14)",
        )
        .bind(session.id.to_string())
        .bind(session.user_id.to_string())
        .bind(session.organization_id.map(|id| id.to_string()))
        .bind(new.cookie.map(|hash| hash.bytes().to_vec()))
        .bind(&session.amr)
        .bind(session.authenticated_at.millis())
        .bind(&session.address)
        .bind(&session.user_agent)
        .bind(i64::from(session.kept))
        .bind(session.created_at.millis())
        .bind(session.expires_at.millis())
        .bind(session.second_factor.map(|proof| proof.at.millis()))
        .bind(session.second_factor.map(|proof| proof.method.as_str()))
        .bind(i64::from(session.handed_off))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Where a session stands, seen from `organization` or, when none is named, from its own.
    pub async fn find_standing(
        &mut self,
        id: SessionId,
        organization: Option<OrganizationId>,
        jti: TokenId,
    ) -> Result<Option<SessionStanding>, Error> {
        let row = query(AssertSqlSafe(format!(
            "SELECT s.*, u.email, u.disabled_at, u.landlord_since, u.second_factor_since, m.role,
                m.suspended_at AS member_suspended_at, o.suspended_at AS organization_suspended_at,
                {POLICY}, x.jti AS exchanged
             FROM sessions s JOIN users u ON u.id = s.user_id
             LEFT JOIN memberships m ON m.user_id = s.user_id AND m.organization_id = $2
             LEFT JOIN organizations o ON o.id = m.organization_id
             LEFT JOIN exchanged_tokens x ON x.jti = $3
             WHERE s.id = $1"
        )))
        .bind(id.to_string())
        .bind(organization.map(|id| id.to_string()))
        .bind(jti.to_string())
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(standing).transpose()
    }

    /// The same by the hash of a session cookie; `organization` replaces the session's own when given.
    pub async fn find_standing_by_cookie(
        &mut self,
        cookie: HashedToken,
        organization: Option<OrganizationId>,
    ) -> Result<Option<SessionStanding>, Error> {
        let row = query(AssertSqlSafe(format!(
            "SELECT s.*, u.email, u.disabled_at, u.landlord_since, u.second_factor_since, m.role,
                m.suspended_at AS member_suspended_at, o.suspended_at AS organization_suspended_at,
                {POLICY}, NULL AS exchanged
             FROM sessions s JOIN users u ON u.id = s.user_id
             LEFT JOIN memberships m ON m.user_id = s.user_id AND m.organization_id = COALESCE($2, s.organization_id)
             LEFT JOIN organizations o ON o.id = m.organization_id
             WHERE s.cookie_hash = $1"
        )))
        .bind(cookie.bytes().to_vec())
        .bind(organization.map(|id| id.to_string()))
        .fetch_optional(&mut *self.connection)
        .await?;
        row.as_ref().map(standing).transpose()
    }

    /// Somebody's sessions that have not been ended, newest first. Whether they still live is for the caller to say.
    pub async fn list_sessions(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let rows = query(
            "SELECT * FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY created_at DESC, id DESC",
        )
        .bind(user.to_string())
        .bind(now.millis())
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(session).collect()
    }

    /// Ends one session of somebody; says whether there was one to end. Its refresh tokens go with it.
    pub async fn consume_session(
        &mut self,
        user: UserId,
        id: SessionId,
        by: EndedBy,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let ended = query(
            "UPDATE sessions SET ended_at = $3, ended_by = $4, cookie_hash = NULL
             WHERE id = $1 AND user_id = $2 AND ended_at IS NULL",
        )
        .bind(id.to_string())
        .bind(user.to_string())
        .bind(now.millis())
        .bind(by.as_str())
        .execute(&mut *self.connection)
        .await?;
        Ok(ended.rows_affected() == 1)
    }

    /// Ends every session of somebody but, if named, `except`; says which.
    pub async fn consume_sessions(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        by: EndedBy,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, Error> {
        let rows = query(
            "UPDATE sessions SET ended_at = $3, ended_by = $4, cookie_hash = NULL
             WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL RETURNING id",
        )
        .bind(user.to_string())
        .bind(except.map(|id| id.to_string()).unwrap_or_default())
        .bind(now.millis())
        .bind(by.as_str())
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }

    /// Gives a session a new cookie, whose predecessor is dead at once, or takes the cookie away.
    pub async fn update_session_cookie(&mut self, id: SessionId, cookie: Option<HashedToken>) -> Result<(), Error> {
        query("UPDATE sessions SET cookie_hash = $2 WHERE id = $1 AND ended_at IS NULL")
            .bind(id.to_string())
            .bind(cookie.map(|hash| hash.bytes().to_vec()))
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Notes that the person of a session has just proven who they are.
    pub async fn update_session_proof(&mut self, session: &Session) -> Result<(), Error> {
        query(
            "UPDATE sessions SET amr = $2, authenticated_at = $3, second_factor_at = $4, second_factor = $5
             WHERE id = $1 AND ended_at IS NULL",
        )
        .bind(session.id.to_string())
        .bind(&session.amr)
        .bind(session.authenticated_at.millis())
        .bind(session.second_factor.map(|proof| proof.at.millis()))
        .bind(session.second_factor.map(|proof| proof.method.as_str()))
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Moves a session to another organization.
    pub async fn update_session_organization(
        &mut self,
        id: SessionId,
        organization: OrganizationId,
    ) -> Result<(), Error> {
        query("UPDATE sessions SET organization_id = $2 WHERE id = $1 AND ended_at IS NULL")
            .bind(id.to_string())
            .bind(organization.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Notes when sessions were last seen; never sets the time back.
    pub async fn update_last_seen(&mut self, seen: &[(SessionId, Timestamp)]) -> Result<(), Error> {
        for (id, at) in seen {
            query("UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2")
                .bind(id.to_string())
                .bind(at.millis())
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }

    /// Drops sessions and exchanged tokens that ended so long ago that no token of theirs can still be alive.
    pub async fn delete_old_sessions(&mut self, before: Timestamp, now: Timestamp) -> Result<(), Error> {
        query("DELETE FROM sessions WHERE expires_at < $1 OR ended_at < $1")
            .bind(before.millis())
            .execute(&mut *self.connection)
            .await?;
        query("DELETE FROM exchanged_tokens WHERE expires_at < $1")
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// A new refresh token of a session.
    pub async fn insert_refresh_token(
        &mut self,
        hash: HashedToken,
        session: SessionId,
        now: Timestamp,
    ) -> Result<(), Error> {
        query("INSERT INTO refresh_tokens (hash, session_id, created_at) VALUES ($1, $2, $3)")
            .bind(hash.bytes().to_vec())
            .bind(session.to_string())
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Spends a refresh token and keeps its sealed successor; `false` when it was spent before.
    pub async fn consume_refresh_token(
        &mut self,
        hash: HashedToken,
        successor: &[u8],
        now: Timestamp,
    ) -> Result<bool, Error> {
        let used = query("UPDATE refresh_tokens SET used_at = $2, successor = $3 WHERE hash = $1 AND used_at IS NULL")
            .bind(hash.bytes().to_vec())
            .bind(now.millis())
            .bind(successor.to_vec())
            .execute(&mut *self.connection)
            .await?;
        Ok(used.rows_affected() == 1)
    }

    /// The session of a refresh token; when and with what successor it was spent, if it was.
    pub async fn find_refresh_token(
        &mut self,
        hash: HashedToken,
    ) -> Result<Option<(SessionId, Option<(Timestamp, Option<Vec<u8>>)>)>, Error> {
        let row = query("SELECT session_id, used_at, successor FROM refresh_tokens WHERE hash = $1")
            .bind(hash.bytes().to_vec())
            .fetch_optional(&mut *self.connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let successor = row.maybe_bytes("successor")?;
        Ok(Some((row.parsed("session_id")?, row.maybe_at("used_at")?.map(|at| (at, successor)))))
    }

    /// Withdraws the refresh tokens of a session that were never used, because a new pair takes their place.
    pub async fn delete_unused_refresh_tokens(&mut self, session: SessionId) -> Result<(), Error> {
        query("DELETE FROM refresh_tokens WHERE session_id = $1 AND used_at IS NULL")
            .bind(session.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Forgets successors that may no longer be asked for.
    pub async fn delete_old_successors(&mut self, before: Timestamp) -> Result<(), Error> {
        query("UPDATE refresh_tokens SET successor = NULL WHERE used_at < $1 AND successor IS NOT NULL")
            .bind(before.millis())
            .execute(&mut *self.connection)
            .await?;
        query("UPDATE exchanged_tokens SET successor = NULL WHERE exchanged_at < $1 AND successor IS NOT NULL")
            .bind(before.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Kills an access token in exchange for its sealed successor; `false` when that happened before.
    pub async fn consume_access_token(
        &mut self,
        jti: TokenId,
        session: SessionId,
        successor: &[u8],
        life: (Timestamp, Timestamp),
    ) -> Result<bool, Error> {
        let (now, expires_at) = life;
        let inserted = query(
            "INSERT INTO exchanged_tokens (jti, session_id, exchanged_at, expires_at, successor)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (jti) DO NOTHING",
        )
        .bind(jti.to_string())
        .bind(session.to_string())
        .bind(now.millis())
        .bind(expires_at.millis())
        .bind(successor.to_vec())
        .execute(&mut *self.connection)
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// When and for what an access token was exchanged, if it was.
    pub async fn find_exchanged_token(&mut self, jti: TokenId) -> Result<Option<(Timestamp, Option<Vec<u8>>)>, Error> {
        let row = query("SELECT exchanged_at, successor FROM exchanged_tokens WHERE jti = $1")
            .bind(jti.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| Ok((row.at("exchanged_at")?, row.maybe_bytes("successor")?))).transpose()
    }
}
