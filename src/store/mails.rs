use sqlx::query;

use super::Store;
use super::db::Row;
use super::row::Columns as _;
use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::id::MailId;

/// A mail as the store has it.
#[derive(Clone, Debug)]
pub struct StoredMail {
    /// Its id, which is also its Message-ID.
    pub id: MailId,
    /// Whom it goes to.
    pub recipient: Email,
    /// Whether it goes to nobody.
    pub decoy: bool,
    /// The sealed letter; empty once it was sent by SMTP.
    pub content: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is due.
    pub next_try_at: Timestamp,
    /// Until when it is tried.
    pub gives_up_at: Timestamp,
    /// How often it was tried.
    pub tries: i64,
}

/// How the outbox stands.
#[derive(Clone, Copy, Debug)]
pub struct OutboxTotals {
    /// How many wait.
    pub waiting: i64,
    /// The oldest of them.
    pub oldest_at: Option<Timestamp>,
    /// How many were sent since the instant asked for.
    pub sent: i64,
    /// How many were given up since then.
    pub given_up: i64,
}

fn mail(row: &Row) -> Result<StoredMail, Error> {
    Ok(StoredMail {
        id: row.parsed("id")?,
        recipient: row.known("recipient", Email::parse)?,
        decoy: row.maybe_number("decoy")?.is_some(),
        content: row.bytes("content")?,
        created_at: row.at("created_at")?,
        next_try_at: row.at("next_try_at")?,
        gives_up_at: row.at("gives_up_at")?,
        tries: row.number("tries")?,
    })
}

impl Store<'_> {
    /// A mail to be sent; the senders are woken when the transaction is durable.
    pub async fn insert_mail(&mut self, mail: &StoredMail) -> Result<(), Error> {
        query(
            "INSERT INTO mails (id, recipient, decoy, content, created_at, next_try_at, gives_up_at, tries)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
        )
        .bind(mail.id.to_string())
        .bind(mail.recipient.as_str())
        .bind(mail.decoy.then_some(1_i64))
        .bind(mail.content.clone())
        .bind(mail.created_at.millis())
        .bind(mail.next_try_at.millis())
        .bind(mail.gives_up_at.millis())
        .execute(&mut *self.connection)
        .await?;
        self.note_posted();
        Ok(())
    }

    /// The mails that are due and still of use, the one that waits longest first.
    pub async fn list_due_mails(&mut self, now: Timestamp, most: i64) -> Result<Vec<StoredMail>, Error> {
        let rows = query(
            "SELECT * FROM mails WHERE done_at IS NULL AND next_try_at <= $1 AND gives_up_at > $1
             ORDER BY next_try_at, id LIMIT $2",
        )
        .bind(now.millis())
        .bind(most)
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(mail).collect()
    }

    /// Takes a mail in hand until `until`, after which it is due again; `false` when another sender was faster.
    pub async fn consume_due_mail(
        &mut self,
        mail: &StoredMail,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let taken = query(
            "UPDATE mails SET tries = tries + 1, claimed_at = $3, next_try_at = $4
             WHERE id = $1 AND next_try_at = $2 AND done_at IS NULL",
        )
        .bind(mail.id.to_string())
        .bind(mail.next_try_at.millis())
        .bind(now.millis())
        .bind(until.millis())
        .execute(&mut *self.connection)
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Puts a mail back, to be tried again.
    pub async fn update_mail_retry(
        &mut self,
        id: MailId,
        next_try_at: Timestamp,
        tries: i64,
        problem: &str,
    ) -> Result<(), Error> {
        query(
            "UPDATE mails SET claimed_at = NULL, next_try_at = $2, tries = $3, problem = $4
             WHERE id = $1 AND done_at IS NULL",
        )
        .bind(id.to_string())
        .bind(next_try_at.millis())
        .bind(tries)
        .bind(problem)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// The mail is sent, or with a problem, given up. What it held is dropped unless it is kept to be read.
    pub async fn update_mail_done(
        &mut self,
        id: MailId,
        now: Timestamp,
        problem: Option<&str>,
        keep: bool,
    ) -> Result<bool, Error> {
        let done = query(
            "UPDATE mails SET claimed_at = NULL, done_at = $2, problem = $3,
                content = CASE WHEN $4 = 1 THEN content ELSE $5 END
             WHERE id = $1 AND done_at IS NULL",
        )
        .bind(id.to_string())
        .bind(now.millis())
        .bind(problem)
        .bind(i64::from(keep))
        .bind(Vec::new())
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Mails that a sender had in hand when the only process there is was killed are due again at once.
    pub async fn update_claimed_mails(&mut self, now: Timestamp) -> Result<(), Error> {
        query("UPDATE mails SET claimed_at = NULL, next_try_at = $1 WHERE claimed_at IS NOT NULL AND done_at IS NULL")
            .bind(now.millis())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Mails whose time is over.
    pub async fn list_overdue_mails(&mut self, now: Timestamp) -> Result<Vec<StoredMail>, Error> {
        let rows = query(
            "SELECT * FROM mails WHERE done_at IS NULL AND gives_up_at <= $1 AND next_try_at <= $1 ORDER BY id LIMIT 500",
        )
        .bind(now.millis())
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(mail).collect()
    }

    /// The mails that were kept to be read, newest first.
    pub async fn list_kept_mails(&mut self, most: i64) -> Result<Vec<StoredMail>, Error> {
        let rows = query(
            "SELECT * FROM mails WHERE done_at IS NOT NULL AND decoy IS NULL AND problem IS NULL ORDER BY id DESC LIMIT $1",
        )
        .bind(most)
        .fetch_all(&mut *self.connection)
        .await?;
        rows.iter().map(mail).collect()
    }

    /// How the outbox stands.
    pub async fn count_mails(&mut self, since: Timestamp) -> Result<OutboxTotals, Error> {
        let row = query(
            "SELECT CAST(COALESCE(SUM(CASE WHEN done_at IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS waiting,
                MIN(CASE WHEN done_at IS NULL THEN created_at END) AS oldest_at,
                CAST(COALESCE(SUM(CASE WHEN done_at >= $1 AND problem IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS sent,
                CAST(COALESCE(SUM(CASE WHEN done_at >= $1 AND problem IS NOT NULL THEN 1 ELSE 0 END), 0) AS BIGINT)
                    AS given_up
             FROM mails WHERE decoy IS NULL AND (done_at IS NULL OR done_at >= $1)",
        )
        .bind(since.millis())
        .fetch_one(&mut *self.connection)
        .await?;
        Ok(OutboxTotals {
            waiting: row.number("waiting")?,
            oldest_at: row.maybe_at("oldest_at")?,
            sent: row.number("sent")?,
            given_up: row.number("given_up")?,
        })
    }

    /// Drops mails that were done long ago.
    pub async fn delete_old_mails(&mut self, before: Timestamp) -> Result<(), Error> {
        query("DELETE FROM mails WHERE done_at < $1").bind(before.millis()).execute(&mut *self.connection).await?;
        Ok(())
    }
}
