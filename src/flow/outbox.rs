//! The outbox: mails that are due are sent by the worker.
//!
//! A mail is claimed, handed over, and recorded as sent, each durably. A server killed between the handing over and the
//! record sends it once more with the same Message-ID; SMTP has no way to ask whether a message arrived.

use std::time::Duration;

use crate::Latchkey;
use crate::audit::{Deed, Told};
use crate::clock::Timestamp;
use crate::crypto::random;
use crate::error::Error;
use crate::mail::{Line, Stage, Trouble};
use crate::metrics::MailOutcome;
use crate::principal::Visitor;
use crate::store::{Engine, StoredMail};

/// How long a sender has a mail in hand before another may take it. Longer than all time-outs of one mail.
const CLAIM: Duration = Duration::from_secs(5 * 60);
/// How long senders rest when nothing is due.
const REST: Duration = Duration::from_secs(1);
/// The longest rest while the mail server is away.
const LONGEST_REST: Duration = Duration::from_secs(30);
/// How often it is tried to record that a mail was sent.
const RECORD_TRIES: u32 = 60;
/// Refusals for good (RFC 5321, 5yz) that are believed: some servers refuse so what they take a minute later.
const LAST_REFUSAL: i64 = 3;

impl Latchkey {
    /// Waits until there may be mails to send: this process wrote some, or `most` is over. While the mail server is
    /// known to be away, new mails change nothing.
    pub async fn mail_is_due(&self, most: Duration) {
        if self.0.outbox.away_for(self.now()).is_zero() {
            let _ = tokio::time::timeout(most, self.0.db.posted()).await;
        } else {
            tokio::time::sleep(most).await;
        }
    }

    /// Makes mails due that the process before had in hand when it was killed. For the server alone to call, before its
    /// senders begin: a command beside a running server would make it send twice. Where several nodes share a database
    /// nobody knows who is alive, and such mails wait until their claim is over.
    pub async fn reclaim_mail(&self) -> Result<(), Error> {
        if self.0.db.engine() != Engine::Sqlite {
            return Ok(());
        }
        let mut writing = self.0.db.write().await?;
        writing.store().update_claimed_mails(self.now()).await?;
        writing.commit().await
    }

    /// Sends what is due, one mail after the other, for as long as `going_on` says so. Says how long to rest.
    pub async fn deliver_mail(&self, going_on: impl Fn() -> bool) -> Result<Duration, Error> {
        let away = self.0.outbox.away_for(self.now());
        if !away.is_zero() {
            return Ok(away);
        }
        let mut line = None;
        while going_on() {
            let Some(mail) = self.claim_mail().await? else { break };
            let trouble = match self.hand_over(&mut line, &mail).await {
                Ok(to_server) => {
                    if to_server {
                        self.0.outbox.server_is_there();
                    }
                    self.record_sent(&mail).await?;
                    continue;
                }
                Err(trouble) => trouble,
            };
            self.0.metrics.mail(MailOutcome::Failed);
            tracing::warn!(mail = %mail.id, stage = trouble.stage.as_str(), problem = trouble.message, "a mail was not taken");
            if !matches!(trouble.stage, Stage::Recipient | Stage::Content) {
                // Every other mail would fare the same: it is the server that has trouble, not this mail, which keeps
                // its place.
                self.put_back(&mail, mail.next_try_at, mail.tries, &trouble).await?;
                let rest = |times| self.backoff(times).min(LONGEST_REST);
                return Ok(self.0.outbox.server_is_away(self.now(), rest));
            }
            self.0.outbox.server_is_there();
            self.retry_or_give_up(&mail, &trouble).await?;
            if !trouble.line_is_good {
                line = None;
            }
        }
        if let Some(line) = line {
            line.quit().await;
        }
        Ok(REST)
    }

    pub(crate) async fn claim_mail(&self) -> Result<Option<StoredMail>, Error> {
        loop {
            let now = self.now();
            let due = self.0.db.read().await?.store().list_due_mails(now, 8).await?;
            if due.is_empty() {
                return Ok(None);
            }
            for mail in due {
                let mut writing = self.0.db.write().await?;
                if writing.store().consume_due_mail(&mail, now, now.plus(CLAIM)).await? {
                    writing.commit().await?;
                    return Ok(Some(mail));
                }
            }
        }
    }

    /// Hands a mail to the mail server. Says whether it did: mails to nobody and those kept here go nowhere.
    async fn hand_over(&self, line: &mut Option<Line>, mail: &StoredMail) -> Result<bool, Trouble> {
        let Some(smtp) = self.0.outbox.smtp.as_ref().filter(|_| !mail.decoy) else { return Ok(false) };
        let letter = self.open_mail(mail).map_err(|error| Trouble {
            stage: Stage::Content,
            permanent: true,
            line_is_good: true,
            message: error.to_string(),
        })?;
        let id = mail.id.to_string();
        if let Some(used) = line {
            match used.send(smtp, &id, &mail.recipient, mail.created_at, &letter).await {
                // Servers close connections after so many mails or so long; nothing was handed over yet.
                Err(trouble) if trouble.stage == Stage::Sender && !trouble.line_is_good => *line = None,
                sent => return sent.map(|()| true),
            }
        }
        let line = line.insert(smtp.connect().await?);
        line.send(smtp, &id, &mail.recipient, mail.created_at, &letter).await.map(|()| true)
    }

    /// Records that the mail server has a mail. Not to be given up lightly: what is not recorded is sent again.
    async fn record_sent(&self, mail: &StoredMail) -> Result<(), Error> {
        for _ in 0..RECORD_TRIES {
            if self.finish_mail(mail, None).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(REST).await;
        }
        self.finish_mail(mail, None).await
    }

    async fn retry_or_give_up(&self, mail: &StoredMail, trouble: &Trouble) -> Result<(), Error> {
        let tries = mail.tries + 1;
        let left = mail.gives_up_at.since(self.now());
        // A mail that is soon of no use is tried again while it still is.
        let wait = self.backoff(u32::try_from(tries).unwrap_or(u32::MAX)).min(left / 2);
        let over = left < self.0.settings.mail.first_retry;
        if over || (trouble.permanent && tries >= LAST_REFUSAL) {
            let problem = format!("{}: {}", trouble.stage.as_str(), trouble.message);
            self.finish_mail(mail, Some(&problem)).await
        } else {
            self.put_back(mail, self.now().plus(wait), tries, trouble).await
        }
    }

    async fn put_back(&self, mail: &StoredMail, at: Timestamp, tries: i64, trouble: &Trouble) -> Result<(), Error> {
        let problem = format!("{}: {}", trouble.stage.as_str(), trouble.message);
        let mut writing = self.0.db.write().await?;
        writing.store().update_mail_retry(mail.id, at, tries, &problem).await?;
        writing.commit().await
    }

    /// Records that a mail was sent, or with a problem, that it was given up.
    async fn finish_mail(&self, mail: &StoredMail, problem: Option<&str>) -> Result<(), Error> {
        let mut writing = self.0.db.write().await?;
        let keep = self.keeps_mail() && !mail.decoy;
        let done = writing.store().update_mail_done(mail.id, self.now(), problem, keep).await?;
        if let (true, Some(problem), false) = (done, problem, mail.decoy) {
            let worker = Visitor::ourselves();
            let told = Told {
                visitor: &worker,
                actor: "latchkey".to_owned(),
                organization: None,
                deed: Deed::MailGivenUp,
                target: mail.id.to_string(),
                detail: serde_json::json!({ "to": mail.recipient.as_str(), "problem": problem }),
            };
            self.tell(&mut writing.store(), told).await?;
        }
        writing.commit().await?;
        if done && !mail.decoy {
            self.0.metrics.mail(if problem.is_some() { MailOutcome::GivenUp } else { MailOutcome::Sent });
        }
        if let (true, Some(problem), false) = (done, problem, mail.decoy) {
            tracing::warn!(mail = %mail.id, problem, "a mail was given up");
        }
        Ok(())
    }

    /// How many mails wait, and for how long the oldest of them has.
    pub async fn mails_waiting(&self) -> Result<(u64, Duration), Error> {
        let now = self.now();
        let totals = self.0.db.read().await?.store().count_mails(now).await?;
        let age = totals.oldest_at.map_or(Duration::ZERO, |at| now.since(at));
        Ok((u64::try_from(totals.waiting).unwrap_or(0), age))
    }

    /// Gives up what could not be sent in its time.
    pub async fn give_up_mail(&self) -> Result<(), Error> {
        let overdue = self.0.db.read().await?.store().list_overdue_mails(self.now()).await?;
        for mail in overdue {
            self.finish_mail(&mail, Some("its time was over")).await?;
        }
        Ok(())
    }

    /// Twice as long each time, a fifth more or less so that many do not come back at once.
    fn backoff(&self, tries: u32) -> Duration {
        let mail = &self.0.settings.mail;
        let doubled = mail.first_retry.saturating_mul(1 << tries.saturating_sub(1).min(20));
        let jitter = 80 + u32::from(random::<1>()[0]) * 40 / 255;
        doubled.min(mail.longest_retry) * jitter / 100
    }
}
