//! What an operator wants counted: one typed method for each thing, an atomic increment each.
//!
//! Labels are closed sets. What people, tenants, addresses or keys there are never becomes one, so the number of series
//! does not grow with them. Whoever shows the counts asks each of them for all its labels; nothing here knows how.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Code, Error};
use crate::flow::gate::Entered;

/// A closed set of labels: one of them, or a tuple.
pub trait Labels: Copy + 'static {
    /// How many there are.
    const COUNT: usize;
    /// The one with this number.
    fn nth(index: usize) -> Self;
    /// Its number.
    fn index(self) -> usize;
    /// Its texts, one for each label.
    fn texts(self) -> Vec<&'static str>;
}

macro_rules! labels {
    ($($(#[$about:meta])* $name:ident { $($(#[$case_about:meta])* $case:ident = $text:literal,)* })*) => { $(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$case_about])* $case,)* }

        impl $name {
            const ALL: &'static [Self] = &[$(Self::$case,)*];

            /// The label's text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text,)* }
            }
        }

        impl Labels for $name {
            const COUNT: usize = Self::ALL.len();

            fn nth(index: usize) -> Self {
                Self::ALL[index]
            }

            fn index(self) -> usize {
                self as usize
            }

            fn texts(self) -> Vec<&'static str> {
                vec![self.as_str()]
            }
        }
    )* };
}

labels! {
    /// By what somebody signs in.
    Way {
        /// Address and password.
        Password = "password",
        /// A mailed link or code.
        Mail = "mail",
        /// A ticket or the tokens of another session.
        Handoff = "handoff",
        /// An invitation, with the password of the account it is for.
        Invitation = "invitation",
        /// The second step, whatever the first one was.
        SecondFactor = "second_factor",
    }

    /// What became of a sign-in.
    SignInOutcome {
        /// A session.
        Ok = "ok",
        /// The second factor is due.
        SecondFactorDue = "second_factor_due",
        /// The proof was not right, or is good no longer.
        Wrong = "wrong",
        /// The proof was right, and this person may not enter there or so.
        Refused = "refused",
        /// Too many tries.
        Limited = "limited",
        /// The second factor is locked.
        Locked = "locked",
        /// The hashing queue is full.
        Busy = "busy",
        /// The input could not be acted on.
        Invalid = "invalid",
        /// A fault of ours.
        Failed = "failed",
    }

    /// What became of a check of a credential.
    Verdict {
        /// Good.
        Ok = "ok",
        /// No credential, or one that is not good.
        Refused = "refused",
        /// A good one without the right.
        Forbidden = "forbidden",
        /// Too many calls.
        Limited = "limited",
        /// The request could not be acted on.
        Invalid = "invalid",
        /// A fault of ours.
        Failed = "failed",
    }

    /// Where it was looked up whether a credential is good.
    Source {
        /// Nowhere: its form or signature was wrong.
        Nowhere = "none",
        /// It was remembered.
        Memory = "memory",
        /// The database was asked.
        Database = "database",
    }

    /// What somebody showed.
    Shown {
        /// Nothing that can be read.
        Nothing = "none",
        /// An access token.
        Token = "token",
        /// A session cookie.
        Cookie = "cookie",
        /// An API key.
        Key = "key",
    }

    /// What other services ask.
    Question {
        /// `verify`.
        Verify = "verify",
        /// `forward`.
        Forward = "forward",
        /// `introspect`.
        Introspect = "introspect",
    }

    /// Which limit it was.
    Limit {
        /// Ordinary calls of an address.
        Address = "address",
        /// Ordinary calls of a principal.
        Principal = "principal",
        /// An API key's own.
        Key = "key",
        /// `verify`, `forward` and `introspect`.
        Verify = "verify",
        /// Failed sign-ins from an address.
        SignInFrom = "sign_in_from",
        /// Failed sign-ins to an account.
        SignInTo = "sign_in_to",
        /// New accounts and organizations.
        SignUp = "sign_up",
        /// Wrong links, codes and passwords that are asked for again.
        Proof = "proof",
        /// Changes of a second factor.
        Factor = "factor",
        /// Mails to an address.
        MailTo = "mail_to",
        /// Mails asked for from an address.
        MailFrom = "mail_from",
    }

    /// What became of a try to send a mail.
    MailOutcome {
        /// The mail server has it.
        Sent = "sent",
        /// It was not taken, and will be tried again.
        Failed = "failed",
        /// It will not be tried again.
        GivenUp = "given_up",
    }
}

impl<A: Labels, B: Labels> Labels for (A, B) {
    const COUNT: usize = A::COUNT * B::COUNT;

    fn nth(index: usize) -> Self {
        (A::nth(index / B::COUNT), B::nth(index % B::COUNT))
    }

    fn index(self) -> usize {
        self.0.index() * B::COUNT + self.1.index()
    }

    fn texts(self) -> Vec<&'static str> {
        [self.0.texts(), self.1.texts()].concat()
    }
}

impl<A: Labels, B: Labels, C: Labels> Labels for (A, B, C) {
    const COUNT: usize = A::COUNT * <(B, C)>::COUNT;

    fn nth(index: usize) -> Self {
        let (a, (b, c)) = <(A, (B, C))>::nth(index);
        (a, b, c)
    }

    fn index(self) -> usize {
        (self.0, (self.1, self.2)).index()
    }

    fn texts(self) -> Vec<&'static str> {
        (self.0, (self.1, self.2)).texts()
    }
}

/// A counter for each of the labels.
pub struct Counts<L> {
    cells: Box<[AtomicU64]>,
    labels: PhantomData<fn(L)>,
}

impl<L: Labels> Default for Counts<L> {
    fn default() -> Self {
        Self { cells: (0..L::COUNT).map(|_| AtomicU64::new(0)).collect(), labels: PhantomData }
    }
}

impl<L: Labels> Counts<L> {
    /// Counts one.
    pub fn add(&self, labels: L) {
        self.cells[labels.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were of each.
    pub fn read(&self) -> impl Iterator<Item = (L, u64)> {
        self.cells.iter().enumerate().map(|(index, cell)| (L::nth(index), cell.load(Ordering::Relaxed)))
    }
}

/// How long something took, in classes.
pub struct Histogram {
    bounds: &'static [Duration],
    cells: Box<[AtomicU64]>,
    nanos: AtomicU64,
}

/// What a histogram has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// All of it together, in seconds.
    pub sum: f64,
    /// How often.
    pub count: u64,
    /// How often up to this many seconds and above the bound before; the last one is infinite.
    pub classes: Vec<(f64, u64)>,
}

impl Histogram {
    /// With these upper bounds, in rising order.
    pub fn new(bounds: &'static [Duration]) -> Self {
        Self { bounds, cells: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), nanos: AtomicU64::new(0) }
    }

    /// Counts something that took so long.
    pub fn observe(&self, took: Duration) {
        let class = self.bounds.partition_point(|bound| *bound < took);
        self.cells[class].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What it has seen.
    pub fn read(&self) -> Seen {
        let bounds = self.bounds.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let classes: Vec<_> = bounds.zip(self.cells.iter().map(|cell| cell.load(Ordering::Relaxed))).collect();
        Seen {
            sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64(),
            count: classes.iter().map(|(_, count)| count).sum(),
            classes,
        }
    }
}

/// All that is counted in the core.
#[derive(Default)]
pub struct Metrics {
    sign_ins: Counts<(Way, SignInOutcome)>,
    authentications: Counts<(Shown, Verdict, Source)>,
    verifications: Counts<(Question, Verdict, Source)>,
    limits: Counts<Limit>,
    mails: Counts<MailOutcome>,
}

impl Metrics {
    /// A sign-in was answered.
    pub(crate) fn sign_in(&self, way: Way, entered: &Result<Entered, Error>) {
        self.sign_ins.add((way, SignInOutcome::of(entered)));
    }

    /// A second step was answered.
    pub(crate) fn second_step<T>(&self, answer: &Result<T, Error>) {
        let outcome = answer.as_ref().map_or_else(SignInOutcome::refused, |_| SignInOutcome::Ok);
        self.sign_ins.add((Way::SecondFactor, outcome));
    }

    /// A credential was checked.
    pub(crate) fn authentication<T>(&self, shown: Shown, found: &Result<T, Error>, source: Source) {
        let verdict = found.as_ref().map_or_else(|error| Verdict::of(error.status()), |_| Verdict::Ok);
        self.authentications.add((shown, verdict, source));
    }

    /// Another service was answered, with this status.
    pub fn verification(&self, question: Question, status: u16, source: Source) {
        self.verifications.add((question, Verdict::of(status), source));
    }

    /// A limit was reached.
    pub(crate) fn limit_reached(&self, limit: Limit) {
        self.limits.add(limit);
    }

    /// A mail was tried.
    pub(crate) fn mail(&self, outcome: MailOutcome) {
        self.mails.add(outcome);
    }

    /// Sign-ins.
    pub const fn sign_ins(&self) -> &Counts<(Way, SignInOutcome)> {
        &self.sign_ins
    }

    /// Checks of credentials.
    pub const fn authentications(&self) -> &Counts<(Shown, Verdict, Source)> {
        &self.authentications
    }

    /// Answers to other services.
    pub const fn verifications(&self) -> &Counts<(Question, Verdict, Source)> {
        &self.verifications
    }

    /// Limits that were reached.
    pub const fn limits(&self) -> &Counts<Limit> {
        &self.limits
    }

    /// Mails.
    pub const fn mails(&self) -> &Counts<MailOutcome> {
        &self.mails
    }
}

impl SignInOutcome {
    fn of(entered: &Result<Entered, Error>) -> Self {
        match entered {
            Ok(Entered::SignedIn(_)) => Self::Ok,
            Ok(Entered::SecondFactorDue(_)) => Self::SecondFactorDue,
            Err(error) => Self::refused(error),
        }
    }

    fn refused(error: &Error) -> Self {
        match error {
            Error::Unauthenticated(Code::SignInMethodNotAllowed) | Error::Forbidden(_) | Error::NotFound => {
                Self::Refused
            }
            Error::Unauthenticated(_)
            | Error::Malformed(Code::InvalidToken | Code::InvalidCode | Code::Gone | Code::TokenExpired) => Self::Wrong,
            Error::RateLimited(_) => Self::Limited,
            Error::Locked { .. } => Self::Locked,
            Error::Busy { .. } => Self::Busy,
            Error::Unavailable(_) | Error::Internal(_) => Self::Failed,
            _ => Self::Invalid,
        }
    }
}

impl Verdict {
    const fn of(status: u16) -> Self {
        match status {
            ..=399 => Self::Ok,
            401 => Self::Refused,
            403 => Self::Forbidden,
            429 => Self::Limited,
            500.. => Self::Failed,
            _ => Self::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_has_a_number_of_its_own() {
        type All = (Question, Verdict, Source);
        for index in 0..All::COUNT {
            assert_eq!(All::nth(index).index(), index);
        }
        assert_eq!((Question::Introspect, Verdict::Failed, Source::Database).index(), All::COUNT - 1);
        assert_eq!((Way::Mail, SignInOutcome::Wrong).texts(), ["mail", "wrong"]);
    }

    #[test]
    fn counts_are_kept_apart() {
        let counts = Counts::<(Way, SignInOutcome)>::default();
        counts.add((Way::Mail, SignInOutcome::Ok));
        counts.add((Way::Mail, SignInOutcome::Ok));
        let seen: Vec<_> = counts.read().filter(|(_, count)| *count > 0).collect();
        assert_eq!(seen, [((Way::Mail, SignInOutcome::Ok), 2)]);
    }

    #[test]
    fn a_bound_belongs_to_the_class_below_it() {
        const BOUNDS: &[Duration] = &[Duration::from_millis(1), Duration::from_millis(10)];
        let histogram = Histogram::new(BOUNDS);
        for micros in [1, 1_000, 1_001, 10_001, 5_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let seen = histogram.read();
        assert_eq!(seen.classes, [(0.001, 2), (0.01, 1), (f64::INFINITY, 2)]);
        assert_eq!((seen.count, seen.sum), (5, 5.012_003));
    }

    #[test]
    fn a_refusal_is_told_from_a_wrong_proof() {
        let of = |error| SignInOutcome::refused(&error);
        assert_eq!(of(Error::Unauthenticated(Code::InvalidCredentials)), SignInOutcome::Wrong);
        assert_eq!(of(Error::Malformed(Code::Gone)), SignInOutcome::Wrong);
        assert_eq!(of(Error::Forbidden(Code::EmailNotVerified)), SignInOutcome::Refused);
        assert_eq!(of(Error::Unauthenticated(Code::SignInMethodNotAllowed)), SignInOutcome::Refused);
        assert_eq!(of(Error::Invalid(Vec::new())), SignInOutcome::Invalid);
        assert_eq!(of(Error::internal("x")), SignInOutcome::Failed);
    }
}
