//! For whom the dropping of compacted versions waits, and how long.
//!
//! - Nobody waits for what is not in the way: a read of a revision that stays readable costs
//!   nothing, however long it takes.
//! - Whoever is in the way is waited for once, for a bounded time; what it needs may be dropped
//!   then, and its next step says so.

use std::collections::BTreeMap;
use std::time::Duration;

/// How long one holder may keep what is compacted from being dropped without going on: a read of
/// gigabytes over a slow network ends in it, and a client that takes nothing is told apart.
pub const WAIT_MAX: Duration = Duration::from_secs(30);

/// Who needs revisions that a compaction made unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A read in several steps, by its number.
    Read(u64),
    /// A stream of watches, by its number.
    Stream(u64),
    /// A comparison of states, by the index of its entry.
    Comparison(u64),
}

/// Who is in the way, of what, and since when.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    waiting: BTreeMap<Holder, (i64, Duration)>,
}

impl Patience {
    /// The oldest revision that must not be dropped yet, given all holders with the oldest
    /// revision that each needs. One that goes on (needs a newer revision than before) is waited
    /// for anew.
    pub fn oldest(
        &mut self,
        holders: impl IntoIterator<Item = (Holder, i64)>,
        compacted: i64,
        now: Duration,
    ) -> Option<i64> {
        let in_the_way = holders.into_iter().filter(|(_, needs)| *needs < compacted);
        let before = std::mem::take(&mut self.waiting);
        self.waiting = in_the_way
            .map(|(holder, needs)| match before.get(&holder) {
                Some((needed, since)) if *needed == needs => (holder, (needs, *since)),
                _ => (holder, (needs, now)),
            })
            .collect();
        let waited_for = self
            .waiting
            .values()
            .filter(|(_, since)| now.saturating_sub(*since) < WAIT_MAX);
        waited_for.map(|(needs, _)| *needs).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Holder = Holder::Read(1);
    const STREAM: Holder = Holder::Stream(1);

    #[test]
    fn a_holder_that_does_not_go_on_is_waited_for_once_and_not_for_ever() {
        let mut patience = Patience::default();
        let start = Duration::from_secs(100);
        let last = start + WAIT_MAX - Duration::from_millis(1);
        for now in [start, last] {
            assert_eq!(patience.oldest([(READ, 5)], 9, now), Some(5));
        }
        // Its time is over; that of another begins when it comes into the way.
        let now = start + WAIT_MAX;
        assert_eq!(patience.oldest([(READ, 5), (STREAM, 7)], 9, now), Some(7));
        assert_eq!(patience.oldest([(READ, 5)], 12, now), None);
    }

    #[test]
    fn a_holder_that_goes_on_is_waited_for_anew() {
        let mut patience = Patience::default();
        let now = WAIT_MAX;
        assert_eq!(patience.oldest([(STREAM, 5)], 9, Duration::ZERO), Some(5));
        assert_eq!(patience.oldest([(STREAM, 6)], 9, now), Some(6));
        assert_eq!(patience.oldest([(STREAM, 6)], 9, 2 * now), None);
    }

    #[test]
    fn time_counts_only_while_a_holder_is_in_the_way() {
        let mut patience = Patience::default();
        assert_eq!(patience.oldest([(READ, 5)], 5, Duration::ZERO), None);
        assert_eq!(patience.oldest([(READ, 5)], 6, WAIT_MAX), Some(5));
        assert_eq!(patience.oldest([], 6, WAIT_MAX), None);
    }
}
