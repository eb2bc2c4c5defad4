//! Password hashing: Argon2id on a bounded pool of threads that keep their memory.
//!
//! A hash costs tens of milliseconds and 19 MiB on purpose. A flood of sign-ins must therefore wait in a queue of
//! known length, and what does not fit is refused with a time to come back: the machine is never exhausted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;

use super::{random, same};
use crate::error::Error;
use crate::metrics::{Histogram, Seen};
use crate::secret::Password;
use crate::settings::Hashing;

/// How far hashing steps back, between 0 (not at all) and 19.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 19;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Wrong.
    Wrong,
    /// Right, and hashed as strongly as now.
    Right,
    /// Right, but hashed with weaker parameters: hash it anew.
    RightButOld,
}

enum Work {
    Hash(Password, oneshot::Sender<Result<String, Error>>),
    Check(Password, String, oneshot::Sender<Result<Verdict, Error>>),
}

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    queue: SyncSender<Work>,
    load: Arc<Load>,
    dummy: Arc<str>,
    pace: Duration,
}

/// How busy the pool is.
pub struct Load {
    waiting: AtomicUsize,
    places: usize,
    refused: AtomicU64,
    took: Histogram,
}

/// A hash costs tens of milliseconds on purpose; more than a second means a machine that has no room for it.
const CLASSES: &[Duration] = &[
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
];

impl Load {
    fn new(settings: &Hashing) -> Self {
        Self {
            waiting: AtomicUsize::new(0),
            places: settings.queue + settings.threads.max(1),
            refused: AtomicU64::new(0),
            took: Histogram::new(CLASSES),
        }
    }

    fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.took.observe(began.elapsed());
        done
    }

    /// How many wait or are being worked on.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many can wait or be worked on.
    pub const fn places(&self) -> usize {
        self.places
    }

    /// How many were refused because there was no room.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How long single hashes took, without the waiting.
    pub fn took(&self) -> Seen {
        self.took.read()
    }
}

struct Worker {
    params: Params,
    memory: Vec<Block>,
}

impl Hasher {
    /// Starts the threads and makes the hash that unknown accounts are checked against.
    pub fn start(settings: &Hashing) -> Result<Self, Error> {
        let params = Params::new(settings.memory_kib, settings.iterations, settings.lanes, Some(32))
            .map_err(|error| Error::internal(format!("Argon2 parameters: {error}")))?;
        let (queue, work) = sync_channel(settings.queue);
        let work = Arc::new(Mutex::new(work));
        let load = Arc::new(Load::new(settings));
        let mut first = Worker::new(params.clone());
        let dummy = first.hash(&Password::typed("no account has this password"))?.into();
        for number in 0..settings.threads.max(1) {
            let (params, work, load) = (params.clone(), Arc::clone(&work), Arc::clone(&load));
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || {
                    step_back();
                    Worker::new(params).run(&work, &load);
                })
                .map_err(Error::internal)?;
        }
        let pace = Duration::from_millis(60).checked_div(u32::try_from(settings.threads.max(1)).unwrap_or(1));
        Ok(Self { queue, load, dummy, pace: pace.unwrap_or_default() })
    }

    /// The PHC string of a new password.
    pub async fn hash(&self, password: Password) -> Result<String, Error> {
        let (answer, answered) = oneshot::channel();
        self.send(Work::Hash(password, answer))?;
        answered.await.map_err(Error::internal)?
    }

    /// Checks a password against `stored`; without one, against a hash that fits nobody, in the same time.
    pub async fn check(&self, password: Password, stored: Option<String>) -> Result<Verdict, Error> {
        let known = stored.is_some();
        let (answer, answered) = oneshot::channel();
        self.send(Work::Check(password, stored.unwrap_or_else(|| self.dummy.to_string()), answer))?;
        let verdict = answered.await.map_err(Error::internal)??;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    /// How busy it is.
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// Refuses when work that came now would be refused: so that a flood costs nothing before it is turned away.
    pub fn admit(&self) -> Result<(), Error> {
        if self.load.waiting() < self.load.places() { Ok(()) } else { Err(self.busy()) }
    }

    fn busy(&self) -> Error {
        self.load.refused.fetch_add(1, Ordering::Relaxed);
        Error::Busy { retry_after: self.wait() }
    }

    fn send(&self, work: Work) -> Result<(), Error> {
        // Counted first: a thread may be done with it before this one goes on.
        self.load.waiting.fetch_add(1, Ordering::Relaxed);
        self.queue.try_send(work).map_err(|refused| {
            self.load.waiting.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => self.busy(),
                TrySendError::Disconnected(_) => Error::internal("the hashing threads have ended"),
            }
        })
    }

    fn wait(&self) -> Duration {
        let waiting = u32::try_from(self.load.waiting()).unwrap_or(u32::MAX);
        self.pace.saturating_mul(waiting).max(Duration::from_secs(1))
    }
}

impl Worker {
    fn new(params: Params) -> Self {
        Self { params, memory: Vec::new() }
    }

    fn run(mut self, work: &Mutex<Receiver<Work>>, load: &Load) {
        loop {
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(next) = next else { return };
            // Whoever asked may have gone away meanwhile; then the work is not worth doing.
            match next {
                Work::Hash(password, answer) if !answer.is_closed() => {
                    drop(answer.send(load.timed(|| self.hash(&password))));
                }
                Work::Check(password, stored, answer) if !answer.is_closed() => {
                    drop(answer.send(load.timed(|| self.check(&password, &stored))));
                }
                _ => {}
            }
            load.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn hash(&mut self, password: &Password) -> Result<String, Error> {
        let salt = random::<16>();
        let params = self.params.clone();
        let output = self.derive(password, &salt, params)?;
        let phc = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.params).map_err(phc_error)?,
            salt: Some(Salt::new(&salt).map_err(phc_error)?),
            hash: Some(Output::new(&output).map_err(phc_error)?),
        };
        Ok(phc.to_string())
    }

    fn check(&mut self, password: &Password, stored: &str) -> Result<Verdict, Error> {
        let phc = PasswordHash::new(stored).map_err(phc_error)?;
        let params = Params::try_from(&phc).map_err(phc_error)?;
        let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else {
            return Err(Error::internal("a stored password hash has no salt or no hash"));
        };
        let old = (params.m_cost(), params.t_cost(), params.p_cost())
            != (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        let output = self.derive(password, salt.as_ref(), params)?;
        Ok(match (same(&output, hash.as_bytes()), old) {
            (false, _) => Verdict::Wrong,
            (true, false) => Verdict::Right,
            (true, true) => Verdict::RightButOld,
        })
    }

    fn derive(&mut self, password: &Password, salt: &[u8], params: Params) -> Result<[u8; 32], Error> {
        if self.memory.len() < params.block_count() {
            self.memory.resize(params.block_count(), Block::default());
        }
        let mut output = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.text().as_bytes(), salt, &mut output, &mut self.memory)
            .map_err(|error| Error::internal(format!("Argon2: {error}")))?;
        Ok(output)
    }
}

/// Lets the threads that answer go first: a flood of sign-ins must not slow down those who are signed in. Where the
/// system does not let us, hashing goes on as an equal.
fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

fn phc_error(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a password hash cannot be read or written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn light() -> Hashing {
        Hashing { memory_kib: 64, iterations: 1, threads: 1, queue: 2, ..Hashing::default() }
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let hasher = Hasher::start(&light()).expect("starts");
        let hash = hasher.hash(Password::typed("correct horse")).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        let check = |text: &str| hasher.check(Password::typed(text), Some(hash.clone()));
        assert_eq!(check("correct horse").await.expect("checked"), Verdict::Right);
        assert_eq!(check("Correct horse").await.expect("checked"), Verdict::Wrong);
    }

    #[tokio::test]
    async fn an_unknown_account_is_always_wrong() {
        let hasher = Hasher::start(&light()).expect("starts");
        let verdict = hasher.check(Password::typed("no account has this password"), None).await;
        assert_eq!(verdict.expect("checked"), Verdict::Wrong);
    }

    #[tokio::test]
    async fn weaker_parameters_are_noticed() {
        let weak = Hasher::start(&light()).expect("starts");
        let hash = weak.hash(Password::typed("x")).await.expect("hashed");
        let strong = Hasher::start(&Hashing { iterations: 2, ..light() }).expect("starts");
        let verdict = strong.check(Password::typed("x"), Some(hash)).await.expect("checked");
        assert_eq!(verdict, Verdict::RightButOld);
    }

    #[tokio::test]
    async fn what_does_not_fit_in_the_queue_is_refused_with_a_time_to_come_back() {
        let slow = Hashing { memory_kib: 19_456, iterations: 2, threads: 1, queue: 1, ..Hashing::default() };
        let hasher = Hasher::start(&slow).expect("starts");
        let tries = (0..20).map(|_| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.hash(Password::typed("x")).await })
        });
        let load = hasher.load();
        let mut refused = 0;
        for tried in tries.collect::<Vec<_>>() {
            if let Err(Error::Busy { retry_after }) = tried.await.expect("ran") {
                assert!(retry_after >= Duration::from_secs(1));
                refused += 1;
            }
        }
        assert!(refused >= 15, "{refused}");
        assert_eq!((load.refused(), load.took().count), (refused, 20 - refused));
        assert_eq!(load.places(), 2);
    }
}
