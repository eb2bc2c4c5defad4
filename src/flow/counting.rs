//! Counting calls against limits.
//!
//! What guards a secret or sends mail is counted exactly: in memory where this node is alone, else in the database that
//! all nodes share, so that tries at once on any of them cannot pass the limit. Ordinary calls, verification and the
//! limits of API keys are counted in memory, because they are asked for tens of thousands of times a second; the
//! nodes tell each other what they counted several times a second ([`super::nodes`]).

use std::hash::{Hash, Hasher};
use std::pin::Pin;

use crate::Latchkey;
use crate::error::Error;
use crate::limit::{Rate, Window};
use crate::metrics::Limit;

/// Something that is being proven; on the heap, because it is large and the verbs around it hold it.
pub(crate) type Proving<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl Latchkey {
    /// Counts one call of `who`, exactly.
    pub(crate) async fn limited(&self, who: &(Counted, impl Hash), rate: Rate) -> Result<Window, Error> {
        let name = self.0.counters.name(who);
        let Some(mut connection) = self.0.db.counting().await? else { return self.limited_here(who, rate) };
        let now = self.now();
        let count = connection.store().consume_count(name, rate, now).await?;
        let window = Window::of(rate, count.used, count.ends_at, now);
        if count.used <= rate.limit { Ok(window) } else { Err(self.limit_reached(who.0.limit, window)) }
    }

    /// Counts one call of `who` in the memory of this node.
    pub(crate) fn limited_here(&self, who: &(Counted, impl Hash), rate: Rate) -> Result<Window, Error> {
        self.0.counters.take(self.now(), who, rate).map_err(|window| self.limit_reached(who.0.limit, window))
    }

    /// The refusal of somebody who has reached a limit.
    pub(crate) fn limit_reached(&self, limit: Limit, window: Window) -> Error {
        self.0.metrics.limit_reached(limit);
        Error::RateLimited(window)
    }

    /// Gives one call back that [`Latchkey::limited`] counted. When that fails, the count stays until its window ends.
    pub(crate) async fn give_back(&self, who: &(Counted, impl Hash), rate: Rate) {
        let name = self.0.counters.name(who);
        match self.0.db.counting().await {
            Ok(None) => self.0.counters.give_back(self.now(), who, rate),
            Ok(Some(mut connection)) => {
                if let Err(error) = connection.store().give_count_back(name, rate, self.now()).await {
                    tracing::warn!(problem = %error, "a counted call could not be given back");
                }
            }
            Err(error) => tracing::warn!(problem = %error, "a counted call could not be given back"),
        }
    }

    /// Lets something be proven while there is room; only what was proven wrong counts. Taken before and given back
    /// after, so that tries at once cannot pass the limit.
    pub(crate) async fn counting_failures<T>(
        &self,
        who: &(Counted, impl Hash),
        rate: Rate,
        prove: Proving<'_, T>,
    ) -> Result<T, Error> {
        self.limited(who, rate).await?;
        let proven = prove.await;
        if !matches!(proven, Err(Error::Malformed(_))) {
            self.give_back(who, rate).await;
        }
        proven
    }
}

/// What is counted. With whom it is counted of, a counter of its own; under the same name on every node and in every
/// version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    name: &'static str,
    limit: Limit,
}

impl Counted {
    pub(crate) const VISITOR: Self = Self::new("visitor", Limit::Address);
    pub(crate) const ACTOR: Self = Self::new("actor", Limit::Principal);
    pub(crate) const SESSION_TOKENS: Self = Self::new("session tokens", Limit::Principal);
    pub(crate) const VERIFY: Self = Self::new("verify", Limit::Verify);
    pub(crate) const SIGN_IN_FROM: Self = Self::new("sign-in from", Limit::SignInFrom);
    pub(crate) const SIGN_IN_FROM_AROUND: Self = Self::new("sign-in from around", Limit::SignInFrom);
    pub(crate) const SIGN_IN_FROM_ANYWHERE: Self = Self::new("sign-in from anywhere", Limit::SignInFrom);
    pub(crate) const SIGN_IN_TO: Self = Self::new("sign-in to", Limit::SignInTo);
    pub(crate) const SIGN_IN_OF_KNOWN_BROWSERS_TO: Self = Self::new("sign-in of known browsers to", Limit::SignInTo);
    pub(crate) const SIGN_UP_FROM: Self = Self::new("sign-up from", Limit::SignUp);
    pub(crate) const NEW_ORGANIZATION_BY: Self = Self::new("new organization by", Limit::SignUp);
    pub(crate) const MAILED_PROOF_FROM: Self = Self::new("mailed proof from", Limit::Proof);
    pub(crate) const INVITATION_FROM: Self = Self::new("invitation from", Limit::Proof);
    pub(crate) const INVITATION_CODE_FROM: Self = Self::new("invitation code from", Limit::Proof);
    pub(crate) const PASSWORD_OF: Self = Self::new("password of", Limit::Proof);
    pub(crate) const FACTOR_SET_UP: Self = Self::new("factor set-up", Limit::Factor);
    pub(crate) const FACTOR_SET_UP_CODE: Self = Self::new("factor set-up code", Limit::Factor);
    pub(crate) const FACTOR_OFF: Self = Self::new("factor off", Limit::Factor);
    pub(crate) const BACKUP_CODES: Self = Self::new("backup codes", Limit::Factor);
    pub(crate) const NEW_BROWSER: Self = Self::new("new browser", Limit::MailTo);
    pub(crate) const MAIL_TO: Self = Self::new("mail to", Limit::MailTo);
    pub(crate) const MAIL_FROM: Self = Self::new("mail from", Limit::MailFrom);

    const fn new(name: &'static str, limit: Limit) -> Self {
        Self { name, limit }
    }
}

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
