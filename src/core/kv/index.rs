//! Which revisions each key has: the ordered map that finds records in the history.
//!
//! It holds nothing that the history does not say; it is rebuilt from it at start. A key stays here
//! while any version of it, a tombstone included, is readable.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::core::kv::history::{Record, Revision};
use crate::core::kv::request::KeyRange;

/// One version of a key: when it was written, and whether it was a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    main: i64,
    sub: u32,
    pub tombstone: bool,
}

/// A key's versions, oldest first. Most keys have one: it is kept without an allocation. The box
/// around the list keeps what every key pays at sixteen bytes; a test holds that.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Marks {
    One(Mark),
    #[expect(
        clippy::box_collection,
        reason = "eight bytes instead of twenty-four in every key"
    )]
    Many(Box<Vec<Mark>>),
}

#[derive(Clone, Debug, Default)]
pub struct Index {
    keys: BTreeMap<Box<[u8]>, Marks>,
    /// Keys whose newest version is not a tombstone.
    live: usize,
}

impl Mark {
    pub fn new(revision: Revision, tombstone: bool) -> Self {
        let Revision { main, sub } = revision;
        Self {
            main,
            sub,
            tombstone,
        }
    }

    pub fn revision(self) -> Revision {
        Revision {
            main: self.main,
            sub: self.sub,
        }
    }
}

impl Marks {
    fn as_slice(&self) -> &[Mark] {
        match self {
            Self::One(mark) => std::slice::from_ref(mark),
            Self::Many(marks) => marks,
        }
    }

    fn newest(&self) -> Mark {
        *self
            .as_slice()
            .last()
            .expect("a key in the index has a version")
    }

    fn push(&mut self, mark: Mark) {
        match self {
            Self::One(first) => *self = Self::Many(Box::new(vec![*first, mark])),
            Self::Many(marks) => marks.push(mark),
        }
    }

    /// The newest version written at or before main revision `at`.
    fn at(&self, at: i64) -> Option<Mark> {
        let marks = self.as_slice();
        let end = marks.partition_point(|mark| mark.main <= at);
        end.checked_sub(1).map(|position| marks[position])
    }

    /// Drops unreadable versions; false if none is left.
    fn compact(&mut self, at: i64, gone: impl FnMut(Mark)) -> bool {
        let first = first_readable(self.as_slice(), at);
        self.as_slice()[..first].iter().copied().for_each(gone);
        match (&mut *self, first) {
            (_, 0) => return true,
            (Self::One(_), _) => return false,
            (Self::Many(many), _) => drop(many.drain(..first)),
        }
        match *self.as_slice() {
            [] => return false,
            [only] => *self = Self::One(only),
            _ => {}
        }
        true
    }
}

/// The position of the first version that is readable after a compaction at `at`: the newest one
/// up to it, unless that is a tombstone. A tombstone of exactly `at` stays, because a watch that
/// starts there must see it.
fn first_readable(marks: &[Mark], at: i64) -> usize {
    let end = marks.partition_point(|mark| mark.main <= at);
    match end.checked_sub(1).map(|last| marks[last]) {
        Some(last) if last.tombstone && last.main < at => end,
        _ => end.saturating_sub(1),
    }
}

impl Index {
    /// The index of records in the order of their revisions, and the revisions among them that a
    /// compaction at `compacted` made unreadable.
    pub fn from_records<'a>(
        records: impl Iterator<Item = Record<'a>>,
        compacted: i64,
    ) -> (Self, Vec<Revision>) {
        let mut marks: Vec<(Box<[u8]>, Mark)> = records
            .map(|record| {
                let mark = Mark::new(record.revision, record.tombstone);
                (record.key.into(), mark)
            })
            .collect();
        // Stable: each key's versions stay in order. Sorted input builds the map densely and in a
        // fraction of the time that inserting one by one takes.
        marks.sort_by(|a, b| a.0.cmp(&b.0));
        let mut grouped: Vec<(Box<[u8]>, Marks)> = Vec::with_capacity(marks.len());
        let mut gone = Vec::new();
        for (key, mark) in marks {
            match grouped.last_mut().filter(|(last, _)| *last == key) {
                Some((_, marks)) => marks.push(mark),
                None => grouped.push((key, Marks::One(mark))),
            }
        }
        grouped
            .retain_mut(|(_, marks)| marks.compact(compacted, |mark| gone.push(mark.revision())));
        let live = grouped
            .iter()
            .filter(|(_, marks)| !marks.newest().tombstone)
            .count();
        (
            Self {
                keys: grouped.into_iter().collect(),
                live,
            },
            gone,
        )
    }

    /// Notes a new version; returns the one before it.
    pub fn insert(&mut self, key: &[u8], mark: Mark) -> Option<Mark> {
        let Some(marks) = self.keys.get_mut(key) else {
            self.keys.insert(key.into(), Marks::One(mark));
            self.live += usize::from(!mark.tombstone);
            return None;
        };
        let before = marks.newest();
        marks.push(mark);
        self.live += usize::from(!mark.tombstone);
        self.live -= usize::from(!before.tombstone);
        Some(before)
    }

    /// The newest version of a key, unless it is deleted.
    pub fn newest(&self, key: &[u8]) -> Option<Mark> {
        self.keys
            .get(key)
            .map(Marks::newest)
            .filter(|mark| !mark.tombstone)
    }

    /// The version of a key that was current at main revision `at`, unless it was deleted then.
    pub fn at(&self, key: &[u8], at: i64) -> Option<Mark> {
        self.keys.get(key)?.at(at).filter(|mark| !mark.tombstone)
    }

    /// The keys of `range` that existed at main revision `at`, in order, after key `after`.
    pub fn range<'a>(
        &'a self,
        range: &'a KeyRange,
        after: Option<&'a [u8]>,
        at: i64,
    ) -> impl Iterator<Item = (&'a [u8], Mark)> {
        let low = match after {
            Some(key) => Bound::Excluded(key),
            None => Bound::Included(range.start.as_ref()),
        };
        let high = if range.is_single() {
            Bound::Included(range.start.as_ref())
        } else if range.is_open() {
            Bound::Unbounded
        } else {
            Bound::Excluded(range.end.as_ref())
        };
        // An inverted range is empty; BTreeMap would panic on it.
        let inverted = match (low, high) {
            (Bound::Included(low), Bound::Included(high)) => low > high,
            (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high)) => low >= high,
            (Bound::Excluded(low), Bound::Included(high)) => low >= high,
            _ => false,
        };
        let keys = (!inverted).then(|| self.keys.range::<[u8], _>((low, high)));
        keys.into_iter().flatten().filter_map(move |(key, marks)| {
            marks
                .at(at)
                .filter(|mark| !mark.tombstone)
                .map(|mark| (key.as_ref(), mark))
        })
    }

    /// Drops the versions of `key` that nobody can read at or after main revision `at`, and hands
    /// each to `gone`.
    pub fn compact(&mut self, key: &[u8], at: i64, gone: impl FnMut(Mark)) {
        if self
            .keys
            .get_mut(key)
            .is_some_and(|marks| !marks.compact(at, gone))
        {
            self.keys.remove(key);
        }
    }

    /// Whether a version that is still held can be read after a compaction at `compacted`.
    pub fn readable(&self, key: &[u8], revision: Revision, compacted: i64) -> bool {
        self.keys.get(key).is_some_and(|marks| {
            let marks = marks.as_slice();
            marks[first_readable(marks, compacted)..]
                .iter()
                .any(|mark| mark.revision() == revision)
        })
    }

    /// Keys whose newest version is not a tombstone.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Every key that has a readable version, with its versions, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[Mark])> {
        self.keys
            .iter()
            .map(|(key, marks)| (key.as_ref(), marks.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_one_version_pays_sixteen_bytes_beside_its_name() {
        assert_eq!(size_of::<Marks>(), 16);
    }
}
