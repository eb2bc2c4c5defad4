//! Several nodes on one database: hearing what the others change, telling them what was counted here, and work that one
//! node does for all.
//!
//! No state that matters lives in one process. What a process remembers is read anew when another says that it changed;
//! when nothing is heard from the others (the connection that listens is gone, or silent) it is believed for less than a
//! second instead ([`crate::memory::Belief`]), so that a lost notification delays a revocation by that much and no more.
//! Counts of ordinary calls that are not heard are lost, and a limit may then be passed once by each node.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::upkeep::SIGNING_KEYS;
use crate::Latchkey;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::limit::Said;
use crate::store::{Ear, Heard};

/// How many counters one notification tells of.
const COUNTERS_A_NOTE: usize = 120;
/// Name, beginning, end, and how many.
const SAID_LENGTH: usize = 16 + 8 + 8 + 8;

impl Latchkey {
    /// Whether other nodes may use the same database.
    pub fn has_other_nodes(&self) -> bool {
        self.0.db.is_shared()
    }

    /// Hears what other nodes change and count, until the connection is lost: then that is the error. Everything that was
    /// remembered before is read anew, because what was said meanwhile was not heard. Returns at once where this node is
    /// alone.
    pub async fn hear_other_nodes(&self) -> Result<(), Error> {
        let Some(mut ear) = self.0.db.listen().await? else { return Ok(()) };
        self.0.memory.generations.everything_changed();
        let lost = self.hear(&mut ear).await;
        self.0.memory.belief.hears_nothing();
        lost
    }

    async fn hear(&self, ear: &mut Ear) -> Result<(), Error> {
        self.load_stored_signing_keys().await?;
        loop {
            match ear.next(&self.0.clock).await? {
                Heard::EverythingUntil(at) => self.0.memory.belief.hears(at),
                Heard::Changes(numbers) => self.hear_changes(&numbers).await?,
                Heard::Counts(text) => self.hear_counts(&text),
            }
        }
    }

    async fn hear_changes(&self, numbers: &[u128]) -> Result<(), Error> {
        for number in numbers {
            self.0.memory.generations.changed(*number);
        }
        if numbers.contains(&SIGNING_KEYS) { self.load_stored_signing_keys().await } else { Ok(()) }
    }

    /// Tells the other nodes what was counted here since the last time.
    pub async fn tell_counts(&self) -> Result<(), Error> {
        let unsaid = self.0.counters.take_unsaid();
        let texts: Vec<_> = unsaid.chunks(COUNTERS_A_NOTE).map(|some| note(&self.0.node, some)).collect();
        if texts.is_empty() { Ok(()) } else { self.0.db.tell_counts(&texts).await }
    }

    fn hear_counts(&self, text: &str) {
        let Some((node, said)) = read_note(text) else { return };
        if node != self.0.node {
            for said in said {
                self.0.counters.hear(self.now(), said);
            }
        }
    }

    /// Whether a piece of work that one node does for all is this node's for so long.
    pub async fn takes_lease(&self, work: &str, life: Duration) -> Result<bool, Error> {
        if !self.has_other_nodes() {
            return Ok(true);
        }
        let now = self.now();
        let mut writing = self.0.db.write().await?;
        let taken = writing.store().take_lease(work, &self.0.node, now, now.plus(life)).await?;
        writing.commit().await?;
        Ok(taken)
    }

    /// Leaves its work to the other nodes at once. When that fails, they take it over when its time is over.
    pub(crate) async fn leave_nodes(&self) {
        if !self.has_other_nodes() {
            return;
        }
        let left = async {
            let mut writing = self.0.db.write().await?;
            writing.store().delete_leases(&self.0.node).await?;
            writing.commit().await
        };
        if let Err(error) = left.await {
            tracing::warn!(problem = %error, "work for all nodes could not be given up; another takes it over later");
        }
    }
}

/// What one node tells the others: its name, and each counter in a fixed number of bytes.
fn note(node: &str, said: &[Said]) -> String {
    let mut bytes = Vec::with_capacity(said.len() * SAID_LENGTH);
    for said in said {
        bytes.extend(said.name.to_be_bytes());
        for number in [said.began.millis(), said.ends.millis(), said.used] {
            bytes.extend(number.to_be_bytes());
        }
    }
    format!("{node} {}", STANDARD_NO_PAD.encode(bytes))
}

fn read_note(text: &str) -> Option<(&str, Vec<Said>)> {
    let (node, encoded) = text.split_once(' ')?;
    let bytes = STANDARD_NO_PAD.decode(encoded).ok()?;
    let said = bytes.chunks_exact(SAID_LENGTH).map(read_said).collect::<Option<_>>()?;
    Some((node, said))
}

fn read_said(bytes: &[u8]) -> Option<Said> {
    let number = |from: usize| Some(i64::from_be_bytes(bytes.get(from..from + 8)?.try_into().ok()?));
    Some(Said {
        name: u128::from_be_bytes(bytes.get(..16)?.try_into().ok()?),
        began: Timestamp::from_millis(number(16)?),
        ends: Timestamp::from_millis(number(24)?),
        used: number(32)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(name: u128, used: i64) -> Said {
        Said { name, began: Timestamp::from_seconds(1), ends: Timestamp::from_seconds(61), used }
    }

    #[test]
    fn a_full_note_is_short_enough_for_a_notification() {
        let all: Vec<_> = (0..COUNTERS_A_NOTE as u128).map(|name| said(name, 1)).collect();
        let text = note("0123456789abcdef", &all);
        assert!(text.len() < 8000, "{}", text.len());
        assert_eq!(read_note(&text), Some(("0123456789abcdef", all)));
    }

    proptest! {
        #[test]
        fn any_note_is_read_without_panic(text in "\\PC{0,200}") {
            let _ = read_note(&text);
        }

        #[test]
        fn what_is_noted_is_read_again(names in proptest::collection::vec(any::<(u128, i64)>(), 0..9)) {
            let all: Vec<_> = names.into_iter().map(|(name, used)| said(name, used)).collect();
            let text = note("n", &all);
            prop_assert_eq!(read_note(&text), Some(("n", all)));
        }
    }
}
