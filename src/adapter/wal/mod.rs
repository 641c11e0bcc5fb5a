//! The write-ahead log of Raft: segments prepared ahead, one group-commit writer.

mod error;
mod record;
mod statistics;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use error::WalError;
pub use record::{EntryRecord, Purged, Record};
pub use statistics::{SYNC_BUCKETS_US, SyncStatistics};

/// Called once, on the writer's thread and in the order of submission: with `Ok` when all records
/// of the submission are on the disk. It must be quick and must not call [`Wal::close`].
pub type Done = Box<dyn FnOnce(Result<(), Arc<WalError>>) + Send>;

/// How the log is laid out; the defaults are for production.
#[derive(Clone, Debug)]
pub struct Options {
    /// Size of a segment, and so roughly the largest record.
    pub segment_bytes: u64,
    /// How many purged segments are kept for recycling.
    pub spares_max: usize,
    /// Prepared room that [`Wal::room_bytes`] does not offer.
    pub reserve_bytes: u64,
    /// How much may wait to be written.
    pub queue_bytes_max: u64,
    /// How often preparing is tried again while the disk is full.
    pub space_retry: Duration,
}

/// What the log held when it was opened.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The last vote submitted.
    pub vote: Option<Vec<u8>>,
    /// The last committed mark submitted.
    pub committed: Option<Vec<u8>>,
    /// The furthest purge submitted.
    pub purged: Option<Purged>,
    /// The indexes that can be read; empty when there is no entry.
    pub entries: Range<u64>,
    /// The last entry, if there is one.
    pub last: Option<EntryRecord>,
    /// Bytes of a torn tail that were dropped: never acknowledged, nothing valid after them.
    pub cut_bytes: u64,
    /// Bytes of records that were verified.
    pub replayed_bytes: u64,
}

/// The log. Shared by reference; dropping it closes it.
#[derive(Debug)]
pub struct Wal;

impl Wal {
    /// Opens or creates the log in `dir`.
    pub fn open(_dir: &Path, _options: Options) -> Result<(Self, Recovered), WalError> {
        todo!()
    }

    /// Queues `records` to be written in this order; never blocks.
    pub fn submit(&self, _records: Vec<Record>, _done: Done) {
        todo!()
    }

    /// Queues `records` to be written with the next batch, or within [`LAZY_DELAY`].
    pub fn submit_lazily(&self, _records: Vec<Record>) {
        todo!()
    }

    /// Reads the entries of `range` that are on the disk (their submission was answered).
    /// Entries that were submitted and not yet answered are the caller's to remember.
    pub fn read(&self, _range: Range<u64>) -> Result<Vec<EntryRecord>, WalError> {
        todo!()
    }

    /// As [`Self::read`], but ends after the entry that reaches `bytes_max` of payload.
    pub fn read_limited(
        &self,
        _range: Range<u64>,
        _bytes_max: u64,
    ) -> Result<Vec<EntryRecord>, WalError> {
        todo!()
    }

    /// Prepared room for records, less what is queued and the reserve.
    pub fn room_bytes(&self) -> u64 {
        todo!()
    }

    /// Why the log cannot prepare more room just now: the disk is full.
    pub fn shortage(&self) -> Option<Arc<WalError>> {
        todo!()
    }

    /// Whether ordinary proposals of `bytes` should be admitted: false only when the disk is full
    /// and what was prepared before is used up to the reserve.
    pub fn admits(&self, _bytes: u64) -> bool {
        todo!()
    }

    /// Why the log no longer writes: the first failed write or sync.
    pub fn failure(&self) -> Option<Arc<WalError>> {
        todo!()
    }

    /// How many syncs were made and how long they took.
    pub fn sync_statistics(&self) -> SyncStatistics {
        todo!()
    }

    /// Writes what is queued, marks the end, and ends the threads. Later submissions fail.
    pub fn close(&self) -> Result<(), Arc<WalError>> {
        todo!()
    }
}

/// How long a lazy submission waits at most for another one to share its sync.
pub const LAZY_DELAY: Duration = Duration::from_millis(200);
