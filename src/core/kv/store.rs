//! The multi-version store: history and index together, with etcd's revision rules.
//!
//! - The first revision is 1; each change that touches a key makes exactly one more, however many
//!   keys it touches.
//! - A read at revision R sees, for each key, its newest version at or before R, for every R from
//!   the compaction revision on.
//! - Work that may touch very many keys (large ranges, hashes, dropping compacted versions) goes in
//!   steps, so that whoever guards the store can let others in between.

pub mod digest;

use std::sync::Arc;

use crate::core::kv::history::{Chunk, ChunkError, History, Record, Revision};
use crate::core::kv::index::{Index, Mark};
use crate::core::kv::lease::Leases;
use crate::core::kv::request::{
    DeleteRange, DeleteReply, Detail, KeyRange, KeyValue, KvError, Put, PutReply, Range,
    RangeReply, SortOrder, SortTarget,
};

/// etcd's word for a store that was never compacted; a compaction at 0 is one, if an idle one.
const NEVER_COMPACTED: i64 = -1;

/// Keys that one step of a large read visits: about a millisecond of work.
pub const STEP_KEYS: usize = 2_000;

/// Bytes of keys and values after which a step ends, however few they are: as much work again.
pub const STEP_BYTES: usize = 1 << 20;

#[derive(Clone, Debug)]
pub struct Store {
    history: History,
    index: Index,
    revision: i64,
    compacted: i64,
    /// Versions that the compaction at this revision made unreadable are dropped.
    dropped: i64,
    /// Where unfinished dropping goes on, and for which compaction. A later compaction waits for
    /// its end: it must look again at what an earlier one saw and kept.
    dropping: Option<(Revision, i64)>,
    /// Bytes of the newest version of each key that exists.
    live_bytes: usize,
}

/// The changes of one transaction: all of them become visible as one revision.
pub struct Writer<'a> {
    store: &'a mut Store,
    leases: &'a mut Leases,
    main: i64,
    sub: u32,
}

/// A range read under way: what to go on from, and what was found.
#[derive(Debug)]
pub struct RangeProgress {
    at: i64,
    after: Option<Vec<u8>>,
    reply: RangeReply,
    /// Keys that went out in pieces already.
    taken: usize,
}

/// A hash under way.
#[derive(Debug)]
pub struct HashProgress {
    at: i64,
    compacted: i64,
    next: Revision,
    crc: u32,
}

/// What is left of a step: about a millisecond of work, or a copied MiB, in all.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    pub keys: usize,
    pub bytes: usize,
}

/// Whether a piece of work in steps is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    More,
    Done,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            history: History::default(),
            index: Index::default(),
            revision: 1,
            compacted: NEVER_COMPACTED,
            dropped: NEVER_COMPACTED,
            dropping: None,
            live_bytes: 0,
        }
    }
}

impl Store {
    /// Rebuilds a store from its chunks; what compaction made unreadable is left out.
    pub fn from_chunks(
        chunks: Vec<Chunk>,
        revision: i64,
        compacted: i64,
    ) -> Result<Self, ChunkError> {
        let history = History::from_chunks(chunks)?;
        let (index, gone) =
            Index::from_records(history.chunks().flat_map(Chunk::records), compacted);
        let mut store = Self {
            history,
            index,
            revision,
            compacted,
            dropped: compacted,
            dropping: None,
            live_bytes: 0,
        };
        gone.into_iter()
            .for_each(|revision| store.history.forget(revision));
        // The image may have been taken between a compaction and the end of its dropping.
        while store.history.sweep() {}
        let newest = store.index.iter().filter_map(|(_, marks)| marks.last());
        store.live_bytes = newest
            .filter(|mark| !mark.tombstone)
            .map(|mark| store.history.get(mark.revision()).bytes())
            .sum();
        Ok(store)
    }

    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// The oldest readable revision; -1 before the first compaction.
    pub fn compacted(&self) -> i64 {
        self.compacted
    }

    /// Keys that exist now.
    pub fn keys(&self) -> usize {
        self.index.live()
    }

    /// Bytes of all stored versions.
    pub fn bytes(&self) -> usize {
        self.history.bytes()
    }

    /// Bytes of the versions that are readable at some revision.
    pub fn bytes_in_use(&self) -> usize {
        self.history.bytes() - self.history.dead_bytes()
    }

    /// Bytes of the newest versions alone.
    pub fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// Bytes of versions that are kept only for reads in the past and for watches.
    pub fn superseded_bytes(&self) -> usize {
        self.bytes_in_use().saturating_sub(self.live_bytes)
    }

    /// The chunks for a checkpoint or a snapshot, cheap to take.
    pub fn share(&self) -> Vec<Arc<Chunk>> {
        self.history.share()
    }

    /// The newest version of a key.
    pub fn get(&self, key: &[u8]) -> Option<Record<'_>> {
        self.index
            .newest(key)
            .map(|mark| self.history.get(mark.revision()))
    }

    /// The version of a key that a reader of main revision `at` sees.
    pub fn get_at(&self, key: &[u8], at: i64) -> Option<Record<'_>> {
        self.index
            .at(key, at)
            .map(|mark| self.history.get(mark.revision()))
    }

    /// The newest versions of the keys in a range.
    pub fn live_records<'a>(&'a self, keys: &'a KeyRange) -> impl Iterator<Item = Record<'a>> {
        let marks = self.index.range(keys, None, self.revision);
        marks.map(|(_, mark)| self.history.get(mark.revision()))
    }

    /// The keys that hang on a lease, with it.
    pub fn leased_keys(&self) -> impl Iterator<Item = (&[u8], i64)> {
        let newest = self
            .index
            .iter()
            .filter_map(|(key, marks)| Some((key, marks.last()?)));
        newest
            .filter(|(_, mark)| !mark.tombstone)
            .filter_map(|(key, mark)| {
                let lease = self.history.get(mark.revision()).lease;
                (lease != 0).then_some((key, lease))
            })
    }

    /// All changes from main revision `from` on, oldest first.
    pub fn changes(&self, from: i64) -> impl Iterator<Item = Record<'_>> {
        self.history.since(Revision { main: from, sub: 0 })
    }

    /// The revision that a request for `revision` reads at.
    pub fn readable(&self, revision: i64) -> Result<i64, KvError> {
        match revision {
            ..=0 => Ok(self.revision),
            _ if revision > self.revision => Err(KvError::FutureRevision),
            _ if revision < self.compacted => Err(KvError::Compacted),
            _ => Ok(revision),
        }
    }

    /// Reads a range in one go; for ranges inside transactions.
    pub fn range(&self, range: &Range) -> Result<RangeReply, KvError> {
        let mut progress = self.start_range(range)?;
        while self.visit(range, &mut progress, &mut Budget::step()) == Step::More {}
        Ok(progress.finish(range))
    }

    /// Starts a read at one revision, which all its steps see. Whoever takes the steps keeps
    /// [`Self::drop_step`] from passing that revision.
    pub fn start_range(&self, range: &Range) -> Result<RangeProgress, KvError> {
        let at = self.readable(range.revision)?;
        Ok(RangeProgress::new(at, self.revision))
    }

    /// Visits up to [`STEP_KEYS`] keys, or [`STEP_BYTES`] with one key more. An error if what it
    /// needs was dropped meanwhile.
    pub fn range_step(&self, range: &Range, progress: &mut RangeProgress) -> Result<Step, KvError> {
        self.range_part(range, progress, &mut Budget::step())
    }

    /// Visits keys until the budget is spent; one key at least.
    pub fn range_part(
        &self,
        range: &Range,
        progress: &mut RangeProgress,
        budget: &mut Budget,
    ) -> Result<Step, KvError> {
        if progress.at < self.held_from() {
            return Err(KvError::Compacted);
        }
        Ok(self.visit(range, progress, budget))
    }

    fn visit(&self, range: &Range, progress: &mut RangeProgress, budget: &mut Budget) -> Step {
        let wanted = match range.limit {
            ..=0 => usize::MAX,
            _ if range.needs_all() => usize::MAX,
            limit => {
                // etcd sorts, without a stated order, what it found up to the limit and the one key
                // beyond it by which it knows that there is more.
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                limit.saturating_add(usize::from(range.is_sorted()))
            }
        };
        let reply = &mut progress.reply;
        let mut keys = self
            .index
            .range(&range.keys, progress.after.as_deref(), progress.at);
        let last = loop {
            let Some((key, mark)) = keys.next() else {
                return Step::Done;
            };
            let mut bytes = 0;
            reply.count += 1;
            if range.detail != Detail::CountOnly {
                if progress.taken + reply.kvs.len() < wanted {
                    let record = self.history.get(mark.revision());
                    if passes(range, &record) {
                        let kv = key_value(range, &record);
                        bytes = kv.key.len() + kv.value.len();
                        reply.kvs.push(kv);
                    }
                } else {
                    reply.more = true;
                }
            }
            budget.spend(bytes);
            if budget.is_spent() {
                break key.to_vec();
            }
        };
        drop(keys);
        progress.after = Some(last);
        Step::More
    }

    /// Makes all revisions before `revision` unreadable. [`Self::drop_step`] frees them.
    pub fn compact(&mut self, revision: i64) -> Result<(), KvError> {
        if revision <= self.compacted {
            return Err(KvError::Compacted);
        }
        if revision > self.revision {
            return Err(KvError::FutureRevision);
        }
        self.compacted = revision;
        Ok(())
    }

    /// Whether versions wait to be dropped.
    pub fn has_to_drop(&self) -> bool {
        self.dropped < self.compacted
    }

    /// Whether all that a compaction at `revision` made unreadable is dropped.
    pub fn has_dropped(&self, revision: i64) -> bool {
        self.dropped >= revision
    }

    /// The oldest revision of which everything is still held: that of the newest compaction, or
    /// an older one while what it made unreadable waits to be dropped.
    pub fn held_from(&self) -> i64 {
        self.dropping.map_or(self.dropped, |(_, upto)| upto)
    }

    /// Drops unreadable versions, looking at up to [`STEP_KEYS`] changes and rewriting about as
    /// much; what is needed to read
    /// at `needed` or later stays for now. Only keys that changed since the last compaction can
    /// have any, so the cost follows the changes, not the store.
    pub fn drop_step(&mut self, needed: Option<i64>) -> Step {
        let allowed = needed.map_or(self.compacted, |needed| needed.min(self.compacted));
        if self.dropping.is_none() && self.dropped >= allowed {
            return Step::Done;
        }
        // A tombstone of exactly the last compaction's revision was kept, so start there again.
        let start = Revision {
            main: self.dropped,
            sub: 0,
        };
        let (from, compacted) = self.dropping.unwrap_or((start, allowed));
        let index = &mut self.index;
        let mut gone = Vec::new();
        let mut next = None;
        // Whose change was forgotten has been looked at.
        for (number, record) in self.history.needed_since(from).enumerate() {
            if record.revision.main > compacted {
                break;
            }
            if number == STEP_KEYS {
                next = Some(record.revision);
                break;
            }
            index.compact(record.key, compacted, |mark| gone.push(mark.revision()));
        }
        gone.into_iter()
            .for_each(|revision| self.history.forget(revision));
        if self.history.sweep() {
            // All changes may be looked at; then the next step finds none.
            next = next.or(Some(Revision {
                main: compacted + 1,
                sub: 0,
            }));
        }
        self.dropping = next.map(|next| (next, compacted));
        if next.is_some() {
            return Step::More;
        }
        self.dropped = compacted;
        if self.dropped < allowed {
            Step::More
        } else {
            Step::Done
        }
    }

    /// The revision to compact at so that versions superseded before the last `bytes` bytes of
    /// history go; `None` where that would free nothing.
    pub fn compaction_for(&self, bytes: usize) -> Option<i64> {
        self.history
            .revision_before_last(bytes)
            .filter(|revision| *revision > self.compacted)
    }

    /// Starts a hash of all that is readable at or before `revision` (0: the newest).
    pub fn start_hash(&self, revision: i64) -> Result<HashProgress, KvError> {
        let at = self.readable(revision)?;
        Ok(HashProgress {
            at,
            compacted: self.compacted,
            next: Revision::default(),
            crc: 0,
        })
    }

    /// Adds up to [`STEP_KEYS`] records, or [`STEP_BYTES`] with one more; a compaction meanwhile
    /// makes the hash meaningless.
    pub fn hash_step(&self, progress: &mut HashProgress) -> Result<Step, KvError> {
        if self.compacted != progress.compacted {
            return Err(KvError::Compacted);
        }
        let mut bytes = 0;
        for (number, record) in self.history.since(progress.next).enumerate() {
            if record.revision.main > progress.at {
                break;
            }
            if number == STEP_KEYS || bytes >= STEP_BYTES {
                progress.next = record.revision;
                return Ok(Step::More);
            }
            if self
                .index
                .readable(record.key, record.revision, self.compacted)
            {
                bytes += record.bytes();
                progress.add(&record);
            }
        }
        Ok(Step::Done)
    }

    /// Starts a transaction; keys that change hands between leases are moved in `leases`.
    pub fn write<'a>(&'a mut self, leases: &'a mut Leases) -> Writer<'a> {
        let main = self.revision + 1;
        Writer {
            store: self,
            leases,
            main,
            sub: 0,
        }
    }
}

impl Writer<'_> {
    /// The revision that a reader of this transaction is told: its own once it changed something.
    pub fn revision(&self) -> i64 {
        if self.sub == 0 {
            self.store.revision
        } else {
            self.main
        }
    }

    /// The newest version of a key, this transaction's changes included.
    pub fn get(&self, key: &[u8]) -> Option<Record<'_>> {
        self.store.get(key)
    }

    pub fn put(&mut self, put: &Put) -> PutReply {
        let store = &mut *self.store;
        let revision = Revision {
            main: self.main,
            sub: self.sub,
        };
        let before = store.index.insert(&put.key, Mark::new(revision, false));
        let before = before
            .filter(|mark| !mark.tombstone)
            .map(|mark| store.history.get(mark.revision()));
        let prev_kv = before
            .filter(|_| put.prev_kv)
            .map(|record| record.to_key_value());
        let kept_value = before
            .filter(|_| put.ignore_value)
            .map(|record| record.value.to_vec());
        let record = Record {
            revision,
            tombstone: false,
            create_revision: before.map_or(self.main, |record| record.create_revision),
            version: before.map_or(1, |record| record.version + 1),
            lease: match before {
                Some(before) if put.ignore_lease => before.lease,
                _ => put.lease,
            },
            key: &put.key,
            value: kept_value.as_deref().unwrap_or(&put.value),
        };
        let old_lease = before.map_or(0, |record| record.lease);
        store.live_bytes -= before.map_or(0, |record| record.bytes());
        store.live_bytes += record.bytes();
        store.history.push(&record);
        self.leases.rebind(record.key, old_lease, record.lease);
        self.sub += 1;
        PutReply {
            prev_kv,
            revision: self.main,
        }
    }

    pub fn delete_range(&mut self, delete: &DeleteRange) -> DeleteReply {
        let doomed: Vec<Vec<u8>> = self.keys(&delete.keys);
        let mut prev_kvs = Vec::new();
        for key in &doomed {
            let before = self.delete(key);
            prev_kvs.extend(before.filter(|_| delete.prev_kv));
        }
        DeleteReply {
            deleted: doomed.len() as i64,
            prev_kvs,
            revision: self.revision(),
        }
    }

    /// Deletes one key that exists; returns what it was.
    pub fn delete(&mut self, key: &[u8]) -> Option<KeyValue> {
        let store = &mut *self.store;
        let before = store
            .index
            .newest(key)
            .map(|mark| store.history.get(mark.revision()))?;
        let value = before.to_key_value();
        store.live_bytes -= before.bytes();
        let revision = Revision {
            main: self.main,
            sub: self.sub,
        };
        store.history.push(&Record {
            revision,
            tombstone: true,
            create_revision: 0,
            version: 0,
            lease: 0,
            key,
            value: &[],
        });
        store.index.insert(key, Mark::new(revision, true));
        self.leases.rebind(key, value.lease, 0);
        self.sub += 1;
        Some(value)
    }

    /// Reads with this transaction's changes visible; the revision was found readable before.
    pub fn range(&self, range: &Range) -> RangeReply {
        let at = if range.revision > 0 {
            range.revision
        } else {
            self.main
        };
        let mut progress = RangeProgress::new(at, self.revision());
        while self.store.visit(range, &mut progress, &mut Budget::step()) == Step::More {}
        progress.finish(range)
    }

    /// The keys of a range that exist.
    pub fn keys(&self, range: &KeyRange) -> Vec<Vec<u8>> {
        self.store
            .index
            .range(range, None, self.main)
            .map(|(key, _)| key.to_vec())
            .collect()
    }

    /// Ends the transaction; returns the revision of the store after it.
    pub fn commit(self) -> i64 {
        self.store.revision = self.revision();
        self.store.revision
    }
}

impl Budget {
    pub fn step() -> Self {
        Self {
            keys: STEP_KEYS,
            bytes: STEP_BYTES,
        }
    }

    pub fn spend(&mut self, bytes: usize) {
        self.keys = self.keys.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    pub fn is_spent(&self) -> bool {
        self.keys == 0 || self.bytes == 0
    }
}

impl RangeProgress {
    /// A read that sees revision `at` and is answered at revision `told`.
    pub fn new(at: i64, told: i64) -> Self {
        let reply = RangeReply {
            revision: told,
            ..RangeReply::default()
        };
        Self {
            at,
            after: None,
            reply,
            taken: 0,
        }
    }

    /// The revision that the read sees.
    pub fn at(&self) -> i64 {
        self.at
    }

    /// What was found since the last piece; for ranges that need not see all keys first.
    pub fn take_piece(&mut self) -> RangeReply {
        let kvs = std::mem::take(&mut self.reply.kvs);
        self.taken += kvs.len();
        RangeReply {
            kvs,
            revision: self.reply.revision,
            ..RangeReply::default()
        }
    }

    /// Sorts and cuts, once every key was visited.
    pub fn finish(mut self, range: &Range) -> RangeReply {
        let reply = &mut self.reply;
        sort(&mut reply.kvs, range);
        let limit = usize::try_from(range.limit).unwrap_or(0);
        if limit > 0 && reply.kvs.len() > limit {
            reply.kvs.truncate(limit);
            reply.more = true;
        }
        self.reply
    }
}

impl HashProgress {
    pub fn hash(&self) -> u32 {
        self.crc
    }

    pub fn at(&self) -> i64 {
        self.at
    }

    pub fn compacted(&self) -> i64 {
        self.compacted
    }

    fn add(&mut self, record: &Record<'_>) {
        let mut head = [0; 41];
        head[..8].copy_from_slice(&record.revision.main.to_le_bytes());
        head[8..12].copy_from_slice(&record.revision.sub.to_le_bytes());
        head[12..20].copy_from_slice(&record.create_revision.to_le_bytes());
        head[20..28].copy_from_slice(&record.version.to_le_bytes());
        head[28..36].copy_from_slice(&record.lease.to_le_bytes());
        head[36..40].copy_from_slice(&(record.key.len() as u32).to_le_bytes());
        head[40] = u8::from(record.tombstone);
        for part in [&head[..], record.key, record.value] {
            self.crc = crc32c::crc32c_append(self.crc, part);
        }
    }
}

fn passes(range: &Range, record: &Record<'_>) -> bool {
    let within = |value: i64, low: i64, high: i64| {
        (low == 0 || value >= low) && (high == 0 || value <= high)
    };
    let filter = &range.filter;
    within(record.revision.main, filter.min_mod, filter.max_mod)
        && within(record.create_revision, filter.min_create, filter.max_create)
}

fn key_value(range: &Range, record: &Record<'_>) -> KeyValue {
    // Sorting by value needs the values; they are cleared afterwards.
    let wants_value = range.detail == Detail::Full || range.sort_target == SortTarget::Value;
    let record = if wants_value {
        *record
    } else {
        Record {
            value: &[],
            ..*record
        }
    };
    record.to_key_value()
}

fn sort(kvs: &mut [KeyValue], range: &Range) {
    if range.is_sorted() {
        // Stable in both directions: keys that compare alike stay in the order of the keys.
        let by = |a: &KeyValue, b: &KeyValue| match range.sort_target {
            SortTarget::Key => a.key.cmp(&b.key),
            SortTarget::Version => a.version.cmp(&b.version),
            SortTarget::Create => a.create_revision.cmp(&b.create_revision),
            SortTarget::Mod => a.mod_revision.cmp(&b.mod_revision),
            SortTarget::Value => a.value.cmp(&b.value),
        };
        match range.sort_order {
            SortOrder::Descend => kvs.sort_by(|a, b| by(b, a)),
            SortOrder::None | SortOrder::Ascend => kvs.sort_by(by),
        }
    }
    if range.detail == Detail::KeysOnly {
        kvs.iter_mut().for_each(|kv| kv.value.clear());
    }
}

#[cfg(test)]
mod tests;
