//! Counting calls against limits.
//!
//! What guards a secret or sends mail is counted exactly: in memory where this node is alone, else in the database that
//! all nodes share, so that tries at once on any of them cannot pass the limit. Ordinary calls, verification and the
//! limits of API keys are counted in memory, because they are asked for tens of thousands of times a second; the
//! nodes tell each other what they counted several times a second ([`super::nodes`]).

use std::hash::Hash;
use std::pin::Pin;

use crate::Latchkey;
use crate::error::Error;
use crate::limit::{Rate, Window};
use crate::metrics::Limit;

/// Something that is being proven; on the heap, because it is large and the verbs around it hold it.
pub(crate) type Proving<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl Latchkey {
    /// Counts one call of `who`, exactly.
    pub(crate) async fn limited(&self, who: &impl Limited, rate: Rate) -> Result<Window, Error> {
        let name = self.0.counters.name(who);
        let Some(mut connection) = self.0.db.counting().await? else { return self.limited_here(who, rate) };
        let now = self.now();
        let count = connection.store().consume_count(name, rate, now).await?;
        let window = Window::of(rate, count.used, count.ends_at, now);
        if count.used <= rate.limit { Ok(window) } else { Err(self.limit_reached(who.limit(), window)) }
    }

    /// Counts one call of `who` in the memory of this node.
    pub(crate) fn limited_here(&self, who: &impl Limited, rate: Rate) -> Result<Window, Error> {
        self.0.counters.take(self.now(), who, rate).map_err(|window| self.limit_reached(who.limit(), window))
    }

    /// The refusal of somebody who has reached a limit.
    pub(crate) fn limit_reached(&self, limit: Limit, window: Window) -> Error {
        self.0.metrics.limit_reached(limit);
        Error::RateLimited(window)
    }

    /// Gives one call back that [`Latchkey::limited`] counted. When that fails, the count stays until its window ends.
    pub(crate) async fn give_back(&self, who: &impl Limited, rate: Rate) {
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
        who: &impl Limited,
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

/// Who is counted in a limit, under the name of what is limited.
pub(crate) trait Limited: Hash {
    /// Which limit it is.
    fn limit(&self) -> Limit;
}

impl<T: Hash> Limited for (&'static str, T) {
    fn limit(&self) -> Limit {
        match self.0 {
            "visitor" => Limit::Address,
            "actor" | "session tokens" => Limit::Principal,
            "verify" => Limit::Verify,
            "sign-in from" | "sign-in from around" | "sign-in from anywhere" => Limit::SignInFrom,
            "sign-in to" | "sign-in of known browsers to" => Limit::SignInTo,
            "sign-up from" | "new organization by" => Limit::SignUp,
            "mailed proof from" | "invitation from" | "invitation code from" | "password of" => Limit::Proof,
            "factor set-up" | "factor set-up code" | "factor off" | "backup codes" => Limit::Factor,
            "new browser" => Limit::MailTo,
            _ => Limit::Other,
        }
    }
}

/// Asking for a mail: what for, and whether the asker or the recipient is counted.
impl<T: Hash> Limited for (&'static str, &'static str, T) {
    fn limit(&self) -> Limit {
        if self.1 == "from" { Limit::MailFrom } else { Limit::MailTo }
    }
}
