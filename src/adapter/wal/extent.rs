//! Which indexes the log holds: pure bookkeeping, kept equal by the writer (ahead of the disk), by
//! the table of positions (behind it) and by replay. There is never a hole.

use std::ops::Range;

/// The indexes `start..end`; unknown while there never was an entry or a purge.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Extent {
    held: Option<(u64, u64)>,
    purged: bool,
}

impl Extent {
    pub(super) fn range(&self) -> Range<u64> {
        let (start, end) = self.held.unwrap_or_default();
        start..end
    }

    /// Whether one that was read is one.
    pub(super) fn is_sound(&self) -> bool {
        let (start, end) = self.held.unwrap_or_default();
        start <= end
    }

    /// Takes the next entry, or says which one is expected.
    pub(super) fn append(&mut self, index: u64) -> Result<(), u64> {
        match &mut self.held {
            None => self.held = Some((index, index + 1)),
            Some((_, end)) if *end == index => *end += 1,
            Some((_, end)) => return Err(*end),
        }
        Ok(())
    }

    /// Drops `from` and above. What was never purged and is now empty may begin anywhere again.
    pub(super) fn truncate(&mut self, from: u64) {
        let Some((start, end)) = self.held else {
            return;
        };
        if from >= end {
            return;
        }
        self.held = match from <= start {
            true if !self.purged => None,
            true => Some((start, start)),
            false => Some((start, from)),
        };
    }

    /// Drops up to and including `index`; false when that was purged before.
    pub(super) fn purge(&mut self, index: u64) -> bool {
        let next = index + 1;
        if let Some((start, end)) = self.held {
            if self.purged && next <= start {
                return false;
            }
            self.held = Some((start.max(next), end.max(next)));
        } else {
            self.held = Some((next, next));
        }
        self.purged = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_continue_and_a_gap_names_the_expected_index() {
        let mut extent = Extent::default();
        assert_eq!(extent.append(5), Ok(()));
        assert_eq!(extent.append(6), Ok(()));
        assert_eq!(extent.append(8), Err(7));
        assert_eq!(extent.append(6), Err(7));
        assert_eq!(extent.range(), 5..7);
    }

    #[test]
    fn truncate_then_append_continues_at_the_cut() {
        let mut extent = Extent::default();
        (0..4).for_each(|index| extent.append(index).expect("in order"));
        extent.truncate(9);
        assert_eq!(extent.range(), 0..4);
        extent.truncate(2);
        assert_eq!(extent.append(2), Ok(()));
        extent.truncate(0);
        assert_eq!(extent.append(7), Ok(()));
    }

    #[test]
    fn purge_beyond_the_last_entry_continues_after_it() {
        let mut extent = Extent::default();
        extent.append(0).expect("first");
        assert!(extent.purge(10));
        assert_eq!(extent.range(), 11..11);
        assert!(!extent.purge(3));
        assert_eq!(extent.append(1), Err(11));
        extent.truncate(0);
        assert_eq!(extent.append(11), Ok(()));
    }
}
