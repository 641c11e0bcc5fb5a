//! Where each entry stands on the disk: 12 bytes an entry. Positions follow log order, so their
//! segments never decrease, and the oldest segment needed is that of the first entry.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use crate::adapter::wal::extent::Extent;
use crate::adapter::wal::segment::Segment;

/// One entry's place: `length` is of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) segment: u32,
    pub(super) offset: u32,
    pub(super) length: u32,
}

impl Position {
    /// An entry in a segment older than the oldest one found.
    pub(super) const ABSENT: Self = Self {
        segment: 0,
        offset: 0,
        length: 0,
    };
}

/// The durable entries and the segments that hold them.
#[derive(Default)]
pub(super) struct Table {
    extent: Extent,
    positions: VecDeque<Position>,
    segments: BTreeMap<u32, Arc<Segment>>,
}

impl Table {
    pub(super) fn range(&self) -> Range<u64> {
        self.extent.range()
    }

    pub(super) fn extent(&self) -> &Extent {
        &self.extent
    }

    pub(super) fn add_segment(&mut self, segment: Arc<Segment>) {
        self.segments.insert(segment.stamp.sequence, segment);
    }

    /// Begins with entries whose places are in segments that are gone.
    pub(super) fn begin(&mut self, extent: Extent) {
        let range = extent.range();
        let count = usize::try_from(range.end - range.start).expect("a log that fitted before");
        self.positions = VecDeque::from(vec![Position::ABSENT; count]);
        self.extent = extent;
    }

    pub(super) fn append(&mut self, index: u64, position: Position) -> Result<(), u64> {
        self.extent.append(index)?;
        self.positions.push_back(position);
        Ok(())
    }

    pub(super) fn truncate(&mut self, from: u64) {
        self.extent.truncate(from);
        self.positions.truncate(self.live());
    }

    /// False when it changed nothing.
    pub(super) fn purge(&mut self, index: u64) -> bool {
        let before = self.range();
        let changed = self.extent.purge(index);
        let gone = self.extent.range().start.saturating_sub(before.start);
        let gone = usize::try_from(gone)
            .unwrap_or(usize::MAX)
            .min(self.positions.len());
        self.positions.drain(..gone);
        changed
    }

    /// Whether the first entry is in a segment that is gone.
    pub(super) fn lacks_the_first(&self) -> bool {
        self.positions.front() == Some(&Position::ABSENT)
    }

    /// Takes out the segments that hold nothing any more; `active` always stays.
    pub(super) fn retire(&mut self, active: u32) -> Vec<Arc<Segment>> {
        let oldest = self
            .positions
            .front()
            .map_or(active, |first| first.segment.min(active));
        let kept = self.segments.split_off(&oldest);
        std::mem::replace(&mut self.segments, kept)
            .into_values()
            .collect()
    }

    /// The places of the entries of `range`, as far as they are there, ending after the one that
    /// reaches `bytes_max`; returns the first index too.
    pub(super) fn places(&self, range: &Range<u64>, bytes_max: u64) -> (u64, Vec<Position>) {
        let held = self.range();
        let first = range.start.max(held.start);
        let end = range.end.min(held.end);
        if first >= end {
            return (first, Vec::new());
        }
        let from = usize::try_from(first - held.start).expect("within the table");
        let to = usize::try_from(end - held.start).expect("within the table");
        let mut bytes = 0;
        let places = self.positions.range(from..to).copied();
        let within = places.take_while(|place| {
            let take = bytes < bytes_max;
            bytes += u64::from(place.length).max(1);
            take
        });
        (first, within.collect())
    }

    /// The bytes of the entries from `index` on.
    pub(super) fn bytes_from(&self, index: u64) -> u64 {
        let skip = index.saturating_sub(self.range().start);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let places = self.positions.iter().skip(skip);
        places.map(|place| u64::from(place.length)).sum()
    }

    /// The segments that hold any of `places`.
    pub(super) fn segments_of(&self, places: &[Position]) -> BTreeMap<u32, Arc<Segment>> {
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return BTreeMap::new();
        };
        let held = self.segments.range(first.segment..=last.segment);
        held.map(|(sequence, segment)| (*sequence, Arc::clone(segment)))
            .collect()
    }

    fn live(&self) -> usize {
        let range = self.range();
        usize::try_from(range.end - range.start).expect("as many as there are positions")
    }
}
