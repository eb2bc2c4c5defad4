//! Mailed links and codes: made, looked at, and redeemed once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Latchkey;
use crate::challenge::{CODE_TRIES, Challenge, Kind, LinkState};
use crate::clock::Timestamp;
use crate::crypto::{random, same, sha256};
use crate::email::Email;
use crate::error::{Code, Error};
use crate::field::{Field, FieldCode, Findings};
use crate::id::{TokenId, UserId};
use crate::latchkey::network;
use crate::principal::Visitor;
use crate::secret::PlainToken;
use crate::store::{NewChallenge, Store, Writing};

use super::counting::{Counted, Proving};
use super::sign_in::SecretText;

/// Where something is to be mailed to.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org"}))]
pub struct MailTo {
    /// The address.
    #[schema(required)]
    pub email: Option<String>,
}

/// What was mailed: the token of the link, or the code and the address it went to.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "code": "482913"}))]
pub struct MailProof {
    /// The token of the link.
    pub token: Option<SecretText>,
    /// The address, with a code.
    pub email: Option<String>,
    /// The code of six digits; spaces in it do not count.
    pub code: Option<SecretText>,
    /// The organization to act in; without it the first one the person joined.
    #[schema(value_type = Option<crate::id::OrganizationId>)]
    pub organization_id: Option<String>,
    /// Whether to keep the session when the browser closes; true when not said.
    pub remember: Option<bool>,
}

/// A link, looked at without spending it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkPreview {
    /// Whether it can be redeemed.
    pub valid: bool,
    /// The address it was mailed to.
    pub email: String,
    /// Its last instant.
    pub expires_at: Timestamp,
    /// Whether it was asked for on this browser.
    #[serde(skip)]
    pub same_browser: bool,
    /// What has become of it.
    #[serde(skip)]
    pub state: LinkState,
    /// What it is good for.
    #[serde(skip)]
    pub kind: Kind,
}

/// The proof, checked for its form.
pub(crate) enum Proof {
    Token(PlainToken),
    Code(Email, String),
}

/// What a new challenge is for.
pub(crate) struct Asked<'a> {
    pub(crate) kind: Kind,
    pub(crate) email: &'a Email,
    pub(crate) user: Option<UserId>,
    pub(crate) browser: Option<&'a str>,
}

/// The secrets of a new challenge.
pub(crate) struct Issued {
    token: PlainToken,
    pub(crate) code: String,
}

impl MailTo {
    pub(crate) fn check(self) -> Result<Email, Error> {
        let mut findings = Findings::default();
        let email = findings.email(self.email, Field::Email);
        findings.check()?;
        email.ok_or(Error::NotFound)
    }
}

impl MailProof {
    pub(crate) fn check(&self) -> Result<Proof, Error> {
        if let Some(token) = self.token.as_ref().filter(|token| !token.0.is_empty()) {
            return Ok(Proof::Token(PlainToken::presented(&token.0)));
        }
        let mut findings = Findings::default();
        let email = findings.email(self.email.clone(), Field::Email);
        let code = self.code.as_ref().map(|code| digits(&code.0)).filter(|code| !code.is_empty());
        let code = findings.need(code, Field::Code, FieldCode::Required);
        findings.check()?;
        match (email, code) {
            (Some(email), Some(code)) => Ok(Proof::Code(email, code)),
            _ => Err(Error::NotFound),
        }
    }
}

/// A code as it is compared: without the spaces and dashes that people type.
fn digits(code: &str) -> String {
    code.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect()
}

impl Issued {
    /// The link to a landing page.
    pub(crate) fn link(&self, latchkey: &Latchkey, page: &str) -> String {
        format!("{}/{page}?token={}", latchkey.public_url(), self.token.reveal())
    }

    /// The link to a page that has the token in its path, where logs never hold it.
    pub(crate) fn path_link(&self, latchkey: &Latchkey, page: &str) -> String {
        format!("{}/{page}/{}", latchkey.public_url(), self.token.reveal())
    }
}

/// The stored name of a browser: a hash, since it is the value of a cookie.
pub(crate) fn browser_hash(name: &str) -> Vec<u8> {
    sha256(format!("browser {name}").as_bytes()).to_vec()
}

/// The same for a program without cookies, by what it calls itself.
pub(crate) fn program_hash(user_agent: &str) -> Vec<u8> {
    sha256(format!("program {user_agent}").as_bytes()).to_vec()
}

impl Latchkey {
    /// Makes a challenge in place of an earlier one of the same kind for the same address or person.
    pub(crate) async fn issue(&self, store: &mut Store<'_>, asked: &Asked<'_>) -> Result<Issued, Error> {
        let now = self.now();
        let lives = &self.0.settings.links;
        let kind = asked.kind.as_str();
        let (life, slot) = match asked.kind {
            Kind::SignIn => (lives.sign_in, format!("{kind} {}", asked.email)),
            Kind::Reset => (lives.reset, format!("{kind} {}", asked.email)),
            Kind::Verify => (lives.verify, format!("{kind} {}", asked.email)),
            Kind::Change => {
                let owner = asked.user.map_or_else(|| asked.email.to_string(), |user| user.to_string());
                (lives.verify, format!("{kind} {owner}"))
            }
            Kind::Undo => (lives.undo, format!("{kind} {}", TokenId::new(now, random()))),
            Kind::Secure => (lives.secure, format!("{kind} {}", TokenId::new(now, random()))),
        };
        let issued =
            Issued { token: PlainToken::random(""), code: format!("{:06}", u64::from_be_bytes(random()) % 1_000_000) };
        let code = self.0.vault.code_mac(&slot, &issued.code);
        let challenge = Challenge {
            slot,
            kind: asked.kind,
            email: asked.email.clone(),
            user_id: asked.user,
            browser: asked.browser.map(browser_hash),
            created_at: now,
            expires_at: now.plus(life),
            ended_at: None,
        };
        store
            .replace_challenge(&NewChallenge { challenge: &challenge, token: issued.token.hashed(), code: Some(code) })
            .await?;
        Ok(issued)
    }

    /// Looks at a link without spending it. One that was never given out, or was replaced by a newer, is
    /// `invalid_token`.
    pub(crate) async fn preview(
        &self,
        kinds: &[Kind],
        token: &str,
        browser: Option<&str>,
    ) -> Result<LinkPreview, Error> {
        let hash = PlainToken::presented(token).hashed();
        let found = self.0.db.read().await?.store().find_challenge(hash).await?;
        let found = found.filter(|challenge| kinds.contains(&challenge.kind) && challenge.user_id.is_some());
        let challenge = found.ok_or(Error::Malformed(Code::InvalidToken))?;
        let state = challenge.state(self.now());
        Ok(LinkPreview {
            valid: state == LinkState::Open,
            same_browser: challenge.browser.is_some() && challenge.browser == browser.map(browser_hash),
            email: challenge.email.to_string(),
            expires_at: challenge.expires_at,
            state,
            kind: challenge.kind,
        })
    }

    /// Redeems what was mailed, in a transaction that the caller commits when all that follows from it is done.
    /// Of any number of tries at once, one succeeds.
    pub(crate) async fn redeem(
        &self,
        visitor: &Visitor,
        kinds: &[Kind],
        proof: &Proof,
    ) -> Result<(Writing, Challenge), Error> {
        match proof {
            Proof::Token(token) => self.count_failures(visitor, Box::pin(self.redeem_token(kinds, token))).await,
            Proof::Code(email, code) => {
                let (mut writing, challenge) = self.prove_code(visitor, kinds, email, code).await?;
                writing.store().consume_slot(&challenge.slot, self.now()).await?;
                Ok((writing, challenge))
            }
        }
    }

    /// Checks a mailed code; what it is spent on is the caller's to say, in the same transaction. Every try counts,
    /// also of many at once, and the last wrong one ends the challenge.
    pub(crate) async fn prove_code(
        &self,
        visitor: &Visitor,
        kinds: &[Kind],
        email: &Email,
        code: &str,
    ) -> Result<(Writing, Challenge), Error> {
        self.count_failures(visitor, Box::pin(self.compare_code(kinds, email, code))).await
    }

    /// Failed proofs count by the client's address, like failed sign-ins.
    async fn count_failures<T>(&self, visitor: &Visitor, prove: Proving<'_, T>) -> Result<T, Error> {
        self.counting_failures(
            &(Counted::MAILED_PROOF_FROM, network(visitor.address)),
            self.0.settings.limits.sign_in,
            prove,
        )
        .await
    }

    async fn redeem_token(&self, kinds: &[Kind], token: &PlainToken) -> Result<(Writing, Challenge), Error> {
        // Looked at before the write lock is taken, so that invented tokens cannot make others wait for it.
        let preview = self.preview(kinds, token.reveal(), None).await?;
        let mut writing = self.0.db.write().await?;
        let spent = writing.store().consume_challenge(preview.kind, token.hashed(), self.now()).await?;
        spent.map(|challenge| (writing, challenge)).ok_or(Error::Malformed(Code::Gone))
    }

    async fn compare_code(&self, kinds: &[Kind], email: &Email, code: &str) -> Result<(Writing, Challenge), Error> {
        let now = self.now();
        let mut writing = self.0.db.write().await?;
        for kind in kinds {
            let found = writing.store().consume_code_try(*kind, email, CODE_TRIES, now).await?;
            let Some((challenge, stored)) = found else { continue };
            if same(&self.0.vault.code_mac(&challenge.slot, code), &stored) && challenge.user_id.is_some() {
                return Ok((writing, challenge));
            }
            writing.store().consume_exhausted_slot(&challenge.slot, CODE_TRIES, now).await?;
            writing.commit().await?;
            break;
        }
        Err(Error::Malformed(Code::InvalidCode))
    }

    /// Limits asking for mails: by the address they go to, and by the client's. Known and unknown addresses alike.
    pub(crate) async fn limit_asking(&self, what: &'static str, visitor: &Visitor, email: &Email) -> Result<(), Error> {
        let limits = &self.0.settings.limits;
        let to = (Counted::MAIL_TO, (what, email.as_str()));
        self.limited(&to, limits.mail).await?;
        let from = self.limited(&(Counted::MAIL_FROM, (what, network(visitor.address))), limits.mail_from).await;
        if from.is_err() {
            self.give_back(&to, limits.mail).await;
        }
        from.map(|_| ())
    }
}
