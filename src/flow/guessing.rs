//! Proving a password, and what stands against guessing it: limits by address, network, account and everywhere; a wait
//! that grows with every wrong password in a row, on all nodes; and a lane of their own for browsers that the owner has
//! used before, which no stranger can close.
//!
//! 2026-11-26: in a lane that has failures already, a try is counted before the password is looked at, by one
//! conditional statement. Counted afterwards, as many tries as come at once, on as many nodes as there are, would pass
//! the limit. A clean sign-in writes nothing for it.

use std::time::Duration;

use crate::Latchkey;
use crate::agent::browser;
use crate::audit::{Deed, Told};
use crate::crypto::hasher::Verdict;
use crate::email::Email;
use crate::error::{Code, Error};
use crate::guessing::{Lane, Streaks, wide_network};
use crate::latchkey::network;
use crate::limit::{Rate, Window};
use crate::mail::{Circumstances, Letter};
use crate::metrics::Limit;
use crate::principal::Visitor;
use crate::secret::Password;
use crate::store::{GuessBounds, GuessCount, Store};
use crate::user::User;

use super::counting::Counted;
use super::links::browser_hash;
use super::mail::Parcel;

/// How long the owner is left in peace after a mail about guessing.
const MAIL_REST: Duration = Duration::from_secs(24 * 60 * 60);

/// A password that somebody tries.
#[derive(Clone, Copy)]
pub(crate) struct Tried<'a> {
    /// At which address.
    pub(crate) email: &'a Email,
    pub(crate) password: &'a Password,
    /// The name of the browser, from its long-lived cookie.
    pub(crate) browser: Option<&'a str>,
}

/// What is found before the password is looked at: the same reads whether or not the address has an account.
struct Found {
    user: Option<User>,
    hash: Option<String>,
    /// The keyed hash of the address.
    address: [u8; 32],
    lane: Lane,
    streaks: Streaks,
}

impl Found {
    const fn count(&self) -> GuessCount<'_> {
        GuessCount { address: &self.address, lane: self.lane }
    }
}

/// What a try counts against in memory, and at which rate.
type Count = ((Counted, String), Rate);

impl Latchkey {
    /// The account whose password this is. An unknown account, a wrong password and an account that is switched off
    /// are answered alike, in the same time; so is whoever has to wait, and then the password is not looked at.
    pub(crate) async fn prove_password(&self, visitor: &Visitor, tried: Tried<'_>) -> Result<User, Error> {
        // First, so that a flood costs nothing before it is turned away.
        self.0.hasher.admit()?;
        let found = self.find_tried(&tried).await?;
        let guessing = &self.0.settings.limits.guessing;
        if let Some(wait) = guessing.held(found.lane, found.streaks.of(found.lane), self.now()) {
            return Err(self.come_back_in(wait));
        }
        // Taken before the check and given back unless the password was wrong, so that parallel tries cannot pass the
        // limit.
        let counted = self.counted(visitor, &tried, found.lane);
        self.take_all(&counted).await?;
        let proven = self.check_tried(visitor, &tried, &found).await;
        if !matches!(proven, Err(Error::Unauthenticated(Code::InvalidCredentials))) {
            self.give_all_back(&counted).await;
        }
        proven
    }

    /// Clears both lanes of an address: somebody has shown that it is theirs.
    pub(crate) async fn clear_guesses(&self, store: &mut Store<'_>, email: &Email) -> Result<(), Error> {
        store.update_guesses_cleared(&self.0.vault.guess_mac(email.as_str())).await
    }

    async fn find_tried(&self, tried: &Tried<'_>) -> Result<Found, Error> {
        let address = self.0.vault.guess_mac(tried.email.as_str());
        let mut reading = self.0.db.read().await?;
        let mut store = reading.store();
        let found = store.find_user_by_email(tried.email).await?;
        let streaks = store.find_streaks(&address).await?;
        let is_known = match tried.browser {
            Some(name) => store.is_known_browser(tried.email, &browser_hash(name)).await?,
            None => false,
        };
        let lane = if is_known { Lane::KnownBrowsers } else { Lane::Strangers };
        let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
        Ok(Found { user, hash, address, lane, streaks })
    }

    /// Strangers are counted by where they come from, by the account, and all together; a known browser by the account
    /// alone, apart from them.
    fn counted(&self, visitor: &Visitor, tried: &Tried<'_>, lane: Lane) -> Vec<Count> {
        let (limits, account) = (&self.0.settings.limits, tried.email.to_string());
        match lane {
            Lane::KnownBrowsers => vec![((Counted::SIGN_IN_OF_KNOWN_BROWSERS_TO, account), limits.sign_in)],
            Lane::Strangers => vec![
                ((Counted::SIGN_IN_FROM, network(visitor.address).to_string()), limits.sign_in),
                ((Counted::SIGN_IN_TO, account), limits.sign_in),
                ((Counted::SIGN_IN_FROM_AROUND, wide_network(visitor.address).to_string()), limits.sign_in_network),
                ((Counted::SIGN_IN_FROM_ANYWHERE, String::new()), limits.sign_in_everywhere),
            ],
        }
    }

    /// Counts a try against all of them, or against none when one is full.
    async fn take_all(&self, counted: &[Count]) -> Result<(), Error> {
        for (place, (who, rate)) in counted.iter().enumerate() {
            if let Err(refused) = self.limited(who, *rate).await {
                self.give_all_back(&counted[..place]).await;
                return Err(refused);
            }
        }
        Ok(())
    }

    async fn give_all_back(&self, counted: &[Count]) {
        for (who, rate) in counted {
            self.give_back(who, *rate).await;
        }
    }

    async fn check_tried(&self, visitor: &Visitor, tried: &Tried<'_>, found: &Found) -> Result<User, Error> {
        let taken = self.take_guess(found).await?;
        match self.check_password(tried.password, found).await {
            Ok(Some(user)) => {
                self.note_success(tried, found).await?;
                Ok(user)
            }
            Ok(None) => {
                self.note_failure(visitor, tried, (found, taken)).await?;
                Err(Error::Unauthenticated(Code::InvalidCredentials))
            }
            Err(fault) => {
                self.undo_guess(found, taken).await?;
                Err(fault)
            }
        }
    }

    /// Takes a try in a lane that has failures already; says which in a row it is if it fails.
    async fn take_guess(&self, found: &Found) -> Result<Option<i64>, Error> {
        let (guessing, seen) = (&self.0.settings.limits.guessing, found.streaks.of(found.lane).failures);
        if seen == 0 {
            return Ok(None);
        }
        let bounds = GuessBounds { seen, held_from: guessing.first_hold(found.lane), most: guessing.most(found.lane) };
        let mut writing = self.0.db.write().await?;
        let taken = writing.store().consume_guess(found.count(), bounds, self.now()).await?;
        writing.commit().await?;
        let wait = || guessing.wait_after(seen + 1).unwrap_or(guessing.first_wait);
        taken.map(Some).ok_or_else(|| self.come_back_in(wait()))
    }

    /// A try that came to nothing, because too many wait for the hasher, does not count.
    async fn undo_guess(&self, found: &Found, taken: Option<i64>) -> Result<(), Error> {
        let Some(taken) = taken else { return Ok(()) };
        let before = found.streaks.of(found.lane).last_failed_at;
        let mut writing = self.0.db.write().await?;
        writing.store().update_guess_undone(found.count(), taken, before).await?;
        writing.commit().await
    }

    async fn check_password(&self, password: &Password, found: &Found) -> Result<Option<User>, Error> {
        let is_on = found.user.as_ref().is_some_and(|user| user.disabled_at.is_none());
        let stored = found.hash.clone().filter(|_| is_on);
        let verdict = self.0.hasher.check(Password::typed(password.text()), stored).await?;
        let user = found.user.as_ref().filter(|_| verdict != Verdict::Wrong);
        if let (Some(user), Verdict::RightButOld) = (user, verdict) {
            self.strengthen_hash(user, found.hash.as_deref(), password).await?;
        }
        Ok(user.cloned())
    }

    async fn strengthen_hash(&self, user: &User, old: Option<&str>, password: &Password) -> Result<(), Error> {
        let new = self.0.hasher.hash(Password::typed(password.text())).await?;
        let mut writing = self.0.db.write().await?;
        writing.store().update_password(user.id, old, &new, user.updated_at).await?;
        writing.commit().await
    }

    /// A right password clears both lanes, whatever the gate says to it afterwards.
    async fn note_success(&self, tried: &Tried<'_>, found: &Found) -> Result<(), Error> {
        if found.streaks.is_clean() {
            return Ok(());
        }
        let mut writing = self.0.db.write().await?;
        self.clear_guesses(&mut writing.store(), tried.email).await?;
        writing.commit().await
    }

    async fn note_failure(
        &self,
        visitor: &Visitor,
        tried: &Tried<'_>,
        (found, taken): (&Found, Option<i64>),
    ) -> Result<(), Error> {
        let mut writing = self.0.db.write().await?;
        let mut store = writing.store();
        self.tell(&mut store, Told::anonymous(visitor, Deed::SignInFailed, tried.email)).await?;
        let failures = match taken {
            Some(failures) => failures,
            None => store.insert_guess(found.count(), self.now()).await?,
        };
        if failures == self.0.settings.limits.guessing.first_hold(found.lane) {
            self.tell_of_hold(&mut store, visitor, tried, (found, failures)).await?;
        }
        writing.commit().await
    }

    /// A lane was held for the first time. When it is that of strangers, the owner is mailed, at most once a day;
    /// nobody's address costs the same writes.
    async fn tell_of_hold(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        tried: &Tried<'_>,
        (found, failures): (&Found, i64),
    ) -> Result<(), Error> {
        let detail = serde_json::json!({ "lane": found.lane.as_str(), "failures": failures });
        self.tell(store, Told::anonymous(visitor, Deed::SignInHeld, tried.email).with(detail)).await?;
        let now = self.now();
        let is_due =
            found.lane == Lane::Strangers && store.consume_guess_mail(found.count(), now.minus(MAIL_REST), now).await?;
        if is_due { self.mail_guessing(store, visitor, tried, found).await } else { Ok(()) }
    }

    async fn mail_guessing(
        &self,
        store: &mut Store<'_>,
        visitor: &Visitor,
        tried: &Tried<'_>,
        found: &Found,
    ) -> Result<(), Error> {
        let (user, house) = self.addressee(store, found.user.clone()).await?;
        let (browser, address) = (browser(&visitor.user_agent), visitor.address.to_string());
        let was = Circumstances { at: self.now(), browser: &browser, address: &address };
        let login_link = format!("{}/login", self.public_url());
        let letter = Letter::Guessing { was, login_link: &login_link };
        let parcel = Parcel { to: tried.email, house: house.as_deref(), letter, until: None, decoy: user.is_none() };
        self.post(store, parcel).await
    }

    fn come_back_in(&self, wait: Duration) -> Error {
        let (rate, now) = (self.0.settings.limits.sign_in, self.now());
        self.limit_reached(Limit::SignInTo, Window::of(rate, rate.limit, now.plus(wait), now))
    }
}
