//! Mail, as far as verbs and people see it: written in the transaction of its cause, and what the landlord can ask.
//! How it leaves is the business of [`super::outbox`].

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::Latchkey;
use crate::agent::browser;
use crate::audit::{Deed, Told};
use crate::challenge::Kind;
use crate::clock::Timestamp;
use crate::crypto::random;
use crate::crypto::vault::Purpose;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::id::{MailId, OrganizationId, UserId};
use crate::mail::{Circumstances, FactorNews, House, Letter, Smtp, Stage, Trouble, Written};
use crate::principal::{Actor, Visitor};
use crate::settings::{Settings, Transport};
use crate::store::{OutboxTotals, Store, StoredMail};

use super::links::Asked;

/// What mails are called after when their reader belongs to no organization.
const OURSELVES: &str = "Latchkey";

/// A mail to be written.
pub(crate) struct Parcel<'a> {
    pub(crate) to: &'a Email,
    /// The name of the organization, as far as there is one.
    pub(crate) house: Option<&'a str>,
    pub(crate) letter: Letter<'a>,
    /// When it is of no more use.
    pub(crate) until: Option<Timestamp>,
    /// It goes to nobody.
    pub(crate) decoy: bool,
}

/// What people are told of by mail, with a link that ends all sessions.
pub(crate) enum Notice<'a> {
    NewSignIn,
    PasswordChanged { by_recovery: bool },
    KeyCreated { name: &'a str, scopes: &'a str, expires: Option<Timestamp> },
    RefreshTokenReused,
    SecondFactor(FactorNews<'a>),
}

/// How mail stands, for the landlord.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailStatusView {
    /// `smtp`, `mailbox` (development) or `not_configured`.
    pub transport: &'static str,
    /// Who mails come from.
    pub from: String,
    /// How many wait.
    pub waiting: i64,
    /// Since when the oldest of them waits.
    #[schema(required)]
    pub oldest_at: Option<Timestamp>,
    /// How many were sent in the last seven days.
    pub sent: i64,
    /// How many were given up in the last seven days.
    pub given_up: i64,
}

/// What came of a mail sent to try the way.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestMailView {
    /// Whether the mail server took it.
    pub success: bool,
    /// Whom it went to.
    pub to: String,
    /// Where it failed: `connect`, `tls`, `authentication`, `sender`, `recipient` or `content`.
    #[schema(required)]
    pub stage: Option<&'static str>,
    /// What the mail server said.
    #[schema(required)]
    pub problem: Option<String>,
}

/// A mail in the development mailbox.
#[derive(Clone, Debug)]
pub struct MailView {
    /// Its id.
    pub id: String,
    /// Whom it is for.
    pub to: String,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub written: Written,
}

/// Tries the way that mails go, with a mail when there is somebody to send it to.
pub async fn try_mail(
    settings: &Settings,
    to: Option<&Email>,
    now: Timestamp,
    asked: Circumstances<'_>,
) -> Result<(), Trouble> {
    let Some(smtp) = smtp(settings).map_err(|message| setup_trouble(&message))? else {
        return Err(setup_trouble("no mail server is set: give LATCHKEY_SMTP_URL"));
    };
    let mut line = smtp.connect().await?;
    if let Some(to) = to {
        let house = House { name: OURSELVES, public_url: &settings.public_url.0 };
        let letter = Letter::Test { asked }.write(&house);
        line.send(&smtp, &MailId::new(now, random()).to_string(), to, now, &letter).await?;
    }
    line.quit().await;
    Ok(())
}

fn setup_trouble(message: &str) -> Trouble {
    Trouble { stage: Stage::Connect, permanent: true, line_is_good: false, message: message.to_owned() }
}

/// The way by SMTP, when that is the way.
pub(crate) fn smtp(settings: &Settings) -> Result<Option<Smtp>, String> {
    match &settings.mail.transport {
        Transport::Smtp(server) => Smtp::new(server, &sender(settings)).map(Some),
        Transport::None | Transport::Mailbox => Ok(None),
    }
}

/// Who mails come from.
pub(crate) fn sender(settings: &Settings) -> String {
    settings.mail.from.clone().unwrap_or_else(|| {
        let rest = settings.public_url.0.split("://").nth(1).unwrap_or_default();
        let host = rest.split([':', '/']).next().unwrap_or_default();
        format!("{OURSELVES} <no-reply@{host}>")
    })
}

impl Latchkey {
    /// Whether mail can be sent, or kept for the development mailbox.
    pub fn sends_mail(&self) -> bool {
        !matches!(self.0.settings.mail.transport, Transport::None)
    }

    /// Whether mails are kept here to be read, as under `latchkey dev`.
    pub fn keeps_mail(&self) -> bool {
        matches!(self.0.settings.mail.transport, Transport::Mailbox)
    }

    /// How mail leaves, in a word: `smtp`, `mailbox` or `not_configured`.
    pub fn mail_transport(&self) -> &'static str {
        match self.0.settings.mail.transport {
            Transport::None => "not_configured",
            Transport::Mailbox => "mailbox",
            Transport::Smtp(_) => "smtp",
        }
    }

    /// Writes a mail into the transaction that causes it. Nothing happens where mail is not configured.
    pub(crate) async fn post(&self, store: &mut Store<'_>, parcel: Parcel<'_>) -> Result<(), Error> {
        if !self.sends_mail() {
            return Ok(());
        }
        let now = self.now();
        let id = MailId::new(now, random());
        let house = House { name: parcel.house.unwrap_or(OURSELVES), public_url: self.public_url() };
        let plain = serde_json::to_vec(&parcel.letter.write(&house)).map_err(Error::internal)?;
        let content = self.0.vault.seal(Purpose::Mail, &id.to_string(), &plain).map_err(Error::internal)?;
        let last = now.plus(self.0.settings.mail.give_up);
        let mail = StoredMail {
            id,
            recipient: parcel.to.clone(),
            decoy: parcel.decoy,
            content,
            created_at: now,
            next_try_at: now,
            gives_up_at: parcel.until.map_or(last, |until| until.earliest(last)),
            tries: 0,
        };
        store.insert_mail(&mail).await
    }

    /// Tells somebody by mail what happened to their account, with a link that ends all sessions.
    pub(crate) async fn notify(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        to: (UserId, &Email),
        house: Option<&str>,
        notice: Notice<'_>,
    ) -> Result<(), Error> {
        if !self.sends_mail() {
            return Ok(());
        }
        let (user, email) = to;
        let asked = Asked { kind: Kind::Secure, email, user: Some(user), browser: None };
        let secure_link = self.issue(store, &asked).await?.path_link(self, "secure-account");
        let keys_link = format!("{}/settings/api-keys", self.public_url());
        let browser = browser(&visitor.user_agent);
        let address = visitor.address.to_string();
        let was = Circumstances { at: self.now(), browser: &browser, address: &address };
        let secure_link = secure_link.as_str();
        let letter = match notice {
            Notice::NewSignIn => Letter::NewSignIn { was, secure_link },
            Notice::PasswordChanged { by_recovery } => Letter::PasswordChanged { was, secure_link, by_recovery },
            Notice::KeyCreated { name, scopes, expires } => {
                Letter::KeyCreated { name, scopes, expires, was, keys_link: &keys_link, secure_link }
            }
            Notice::RefreshTokenReused => Letter::RefreshTokenReused { was, secure_link },
            Notice::SecondFactor(news) => Letter::SecondFactor { news, was, secure_link },
        };
        self.post(store, Parcel { to: email, house, letter, until: None, decoy: false }).await
    }

    /// The name of an organization, for a mail.
    pub(crate) async fn house_of(
        &self,
        store: &mut Store<'_>,
        user: UserId,
        organization: Option<OrganizationId>,
    ) -> Result<Option<String>, Error> {
        let places = store.list_memberships(user).await?;
        let place = match organization {
            Some(id) => places.iter().find(|place| place.organization.id == id),
            None => places.iter().find(|place| place.is_live()),
        };
        Ok(place.map(|place| place.organization.name.clone()))
    }

    pub(crate) fn open_mail(&self, mail: &StoredMail) -> Result<Written, Error> {
        let plain = self.0.vault.open(Purpose::Mail, &mail.id.to_string(), &mail.content).map_err(Error::internal)?;
        serde_json::from_slice(&plain).map_err(Error::internal)
    }

    /// How mail stands. For landlords.
    pub async fn mail_status(&self, actor: &Actor) -> Result<MailStatusView, Error> {
        actor.landlord()?;
        let week = Duration::from_secs(7 * 24 * 60 * 60);
        let totals = self.0.db.read().await?.store().count_mails(self.now().minus(week)).await?;
        let OutboxTotals { waiting, oldest_at, sent, given_up } = totals;
        let from = sender(&self.0.settings);
        Ok(MailStatusView { transport: self.mail_transport(), from, waiting, oldest_at, sent, given_up })
    }

    /// Sends a real mail to the landlord who asks, by the way that all mails go, and says where it failed.
    pub async fn send_test_mail(&self, actor: &Actor) -> Result<TestMailView, Error> {
        actor.landlord()?;
        if !self.sends_mail() {
            return Err(Error::Conflict(Code::MailNotConfigured));
        }
        let to = actor.principal().email();
        self.limit_asking("test mail", &actor.visitor, to).await?;
        let browser = browser(&actor.visitor.user_agent);
        let address = actor.visitor.address.to_string();
        let asked = Circumstances { at: self.now(), browser: &browser, address: &address };
        let mut writing = self.0.db.write().await?;
        self.tell(&mut writing.store(), Told::by(actor, Deed::MailTested, to)).await?;
        if self.keeps_mail() {
            let letter = Letter::Test { asked };
            self.post(&mut writing.store(), Parcel { to, house: None, letter, until: None, decoy: false }).await?;
        }
        writing.commit().await?;
        let tried =
            if self.keeps_mail() { Ok(()) } else { try_mail(&self.0.settings, Some(to), self.now(), asked).await };
        let trouble = tried.err();
        Ok(TestMailView {
            success: trouble.is_none(),
            to: to.to_string(),
            stage: trouble.as_ref().map(|trouble| trouble.stage.as_str()),
            problem: trouble.map(|trouble| trouble.message),
        })
    }

    /// The newest mails of the development mailbox. It is nowhere else: there, this is `not_found`.
    pub async fn mailbox(&self) -> Result<Vec<MailView>, Error> {
        if !self.keeps_mail() {
            return Err(Error::NotFound);
        }
        let kept = self.0.db.read().await?.store().list_kept_mails(100).await?;
        let view = |mail: StoredMail| {
            let written = self.open_mail(&mail)?;
            Ok(MailView { id: mail.id.to_string(), to: mail.recipient.to_string(), at: mail.created_at, written })
        };
        kept.into_iter().filter(|mail| !mail.content.is_empty()).map(view).collect()
    }
}
