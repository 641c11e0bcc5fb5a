//! The write-ahead log of Raft: numbered segments prepared ahead and recycled, written by one
//! group-commit thread with one fdatasync a batch. It knows nothing of Raft but entries with term
//! and index, a vote, a committed mark, truncation and purge; all of them go through one queue, in
//! the order of submission.
//!
//! Invariants. What was answered with `Ok` is read back after any crash or power cut, or the log
//! refuses to open and names file and offset; nothing torn is ever served. A torn tail is cut only
//! if nothing valid follows (see `replay`). A failed write or sync poisons the log for good, for
//! want of space as well. But it is preparing ahead that meets a full disk, and that only makes
//! what is new wait: see [`Wal::admits`].
//!
//! The crate raft-log 0.4 (over chunked-wal) was made for the same use and was looked at. It
//! appends to growing files, and a sync of a growing file waits for the filesystem's journal: twice
//! the time of a sync into blocks that were written before, which is what segments prepared ahead
//! are for. Hence our own.

mod error;
mod extent;
mod files;
mod record;
mod replay;
mod room;
mod segment;
#[cfg(test)]
pub(in crate::adapter) mod simulation;
mod statistics;
mod table;
#[cfg(test)]
mod tests;
mod writer;

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use error::WalError;
pub use record::{EntryRecord, Purged, Record};
pub use room::Fit;
pub use statistics::{SYNC_BUCKETS_US, SyncStatistics};

use crate::adapter::wal::files::{Directory, RealDirectory};
use crate::adapter::wal::record::{Header, Kind, RECORD_HEADER_BYTES, record_size};
use crate::adapter::wal::room::{Helper, Limits, Prepared, Preparer, Room};
use crate::adapter::wal::segment::{DATA_START, Segment};
use crate::adapter::wal::statistics::SyncCounters;
use crate::adapter::wal::table::Position;
use crate::adapter::wal::writer::{Queue, Shared, Submission, Writer};

/// Size of a segment in production.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// How long a lazy submission waits at most for another one to share its sync.
pub const LAZY_DELAY: Duration = Duration::from_millis(200);

/// Read from the disk at a time: in the processor's cache when it is verified and copied.
const READ_BYTES_MAX: u64 = 256 << 10;

/// Called once, on the writer's thread and in the order of submission: with `Ok` when all records
/// of the submission are on the disk. It must be quick and must not call [`Wal::close`]. After the
/// log was closed it is called at once, by the caller's own thread.
pub type Done = Box<dyn FnOnce(Result<(), Arc<WalError>>) + Send>;

/// How the log is laid out; the defaults are for production.
#[derive(Clone, Debug)]
pub struct Options {
    /// Size of a segment, a multiple of 4096 from 8192 to 1 GiB; roughly the largest record.
    pub segment_bytes: u64,
    /// How many purged segments are kept for recycling.
    pub spares_max: usize,
    /// Prepared room that [`Wal::room_bytes`] does not offer: for votes, deletions, compactions
    /// and what was admitted shortly before the disk was found full.
    pub reserve_bytes: u64,
    /// How much may wait to be written; a submission beyond it fails with
    /// [`WalError::QueueFull`]. Openraft bounds what it has in flight far below the default.
    pub queue_bytes_max: u64,
    /// How often preparing is tried again while the disk is full.
    pub space_retry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES,
            spares_max: 2,
            reserve_bytes: 256 << 10,
            queue_bytes_max: 256 << 20,
            space_retry: Duration::from_millis(500),
        }
    }
}

/// What the log held when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
pub struct Wal {
    shared: Arc<Shared>,
    queue_bytes_max: u64,
    /// Writer, then helper; empty once closed.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Wal {
    /// Opens or creates the log in `dir` and verifies every record in it (1 GB/s or so), which
    /// must not be open elsewhere. Starts two threads.
    pub fn open(dir: &Path, options: Options) -> Result<(Self, Recovered), WalError> {
        let directory = RealDirectory::open(dir).map_err(|e| WalError::io("create", dir, e))?;
        Self::open_in(Arc::new(directory), options)
    }

    fn open_in(
        directory: Arc<dyn Directory>,
        options: Options,
    ) -> Result<(Self, Recovered), WalError> {
        let path = directory.path("");
        let (shared, writer, recovered) = open_parts(directory, &options, Helper::Thread)?;
        let helper = Arc::clone(&shared);
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
            thread.map_err(|error| WalError::io("start a thread for", &path, error))
        };
        let helper = spawn("wal-prepare", Box::new(move || helper.preparer.run()))?;
        let writer = match spawn("wal-write", Box::new(move || writer.run())) {
            Ok(writer) => writer,
            Err(error) => {
                shared.preparer.stop();
                return Err(error);
            }
        };
        let threads = Mutex::new(vec![writer, helper]);
        Ok((
            Self {
                shared,
                queue_bytes_max: options.queue_bytes_max,
                threads,
            },
            recovered,
        ))
    }

    /// Queues `records` to be written in this order and answered together; never blocks.
    ///
    /// A record that does not fit or does not continue the log fails the submission before
    /// anything of it is written, and later ones go on. After a crash a prefix of the records of
    /// an unanswered submission may be found.
    pub fn submit(&self, records: Vec<Record>, done: Done) {
        self.enqueue(records, Some(done));
    }

    /// Queues `records` to be written with the next batch, or within [`LAZY_DELAY`]: they share
    /// another submission's sync. For what may be lost in a crash, as the committed mark; a
    /// failure is told by the next [`Self::submit`].
    pub fn submit_lazily(&self, records: Vec<Record>) {
        self.enqueue(records, None);
    }

    fn enqueue(&self, records: Vec<Record>, done: Option<Done>) {
        let bytes: u64 = records.iter().map(Record::size).sum();
        let mut queue = self.shared.queue();
        let total = queue.bytes + bytes;
        let refused = if queue.closed {
            Some(WalError::Closed)
        } else if total > self.queue_bytes_max && queue.bytes > 0 {
            Some(WalError::QueueFull {
                bytes: total,
                bytes_max: self.queue_bytes_max,
            })
        } else {
            None
        };
        if let Some(error) = refused {
            drop(queue);
            if let Some(done) = done {
                done(Err(Arc::new(error)));
            }
            return;
        }
        queue.bytes = total;
        let (was_urgent, was_lazy) = (queue.urgent, queue.lazy_since.is_some());
        if done.is_some() {
            queue.urgent = true;
        } else if !was_lazy {
            queue.lazy_since = Some(Instant::now());
        }
        let wakes = if done.is_some() {
            !was_urgent
        } else {
            !was_lazy
        };
        queue.waiting.push_back(Submission { records, done });
        drop(queue);
        if wakes {
            self.shared.wake.notify_one();
        }
    }

    /// Reads the entries of `range` that are on the disk (their submission was answered),
    /// verifying each, up to the entry that reaches `bytes_max` of payload. Otherwise fewer come
    /// back only at either end of the range: purged or truncated ones, and those submitted and not
    /// yet answered, which are the caller's to remember.
    pub fn read(&self, range: Range<u64>, bytes_max: u64) -> Result<Vec<EntryRecord>, WalError> {
        read_entries(&self.shared, &range, bytes_max)
    }

    /// The bytes of the entries from `index` on that are on the disk. Costs a look at each.
    pub fn bytes_from(&self, index: u64) -> u64 {
        let table = self.shared.table.read();
        let table = table.unwrap_or_else(PoisonError::into_inner);
        table.bytes_from(index)
    }

    /// Prepared room for records, less what is queued and the reserve; roughly, because a record
    /// that does not fit into the rest of a segment leaves that rest unused.
    pub fn room_bytes(&self) -> u64 {
        let queued = self.queued_bytes();
        self.shared.preparer.room_bytes().saturating_sub(queued)
    }

    /// Bytes of records that wait or are being written.
    pub fn queued_bytes(&self) -> u64 {
        self.shared.queue().bytes
    }

    /// How long the batch that is being written has been under way; zero if none is. Milliseconds
    /// on a disk that is well.
    pub fn stalled_for(&self) -> Duration {
        let since = self.shared.queue().writing_since;
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Why the log cannot prepare more room just now: the disk is full. It tries again by itself.
    pub fn shortage(&self) -> Option<Arc<WalError>> {
        self.shared.preparer.shortage()
    }

    /// Whether ordinary proposals of `bytes` should be admitted: false only when the disk is full
    /// and what was prepared before is used up to the reserve. What is submitted all the same uses
    /// the reserve; beyond that it is not failed but waits, unanswered, and all that comes later
    /// behind it, until there is space or the log is closed: so ask [`Self::fit`] before.
    pub fn admits(&self, bytes: u64) -> bool {
        self.shortage().is_none() || bytes <= self.room_bytes()
    }

    /// Whether an entry of `bytes` would be written at once, behind what is queued and
    /// `unseen_bytes` that are on their way to the queue, into room that is prepared: the reserve
    /// as well, but for a last part that is left to votes and marks.
    pub fn fit(&self, bytes: u64, unseen_bytes: u64) -> Fit {
        let queued = self.queued_bytes() + unseen_bytes;
        self.shared.preparer.fit(bytes, queued)
    }

    /// Prepares room for an entry of `bytes`; `told` is called once, soon, when [`Self::fit`] has
    /// another answer than [`Fit::Later`]. One at a time is expected: another one replaces it.
    pub fn expect(&self, bytes: u64, told: Box<dyn FnOnce() + Send>) {
        let queued = self.queued_bytes();
        self.shared.preparer.expect(bytes, queued, told);
    }

    /// Why the log no longer writes: the first failed write or sync.
    pub fn failure(&self) -> Option<Arc<WalError>> {
        self.shared.failure.get().cloned()
    }

    /// How many syncs were made and how long they took.
    pub fn sync_statistics(&self) -> SyncStatistics {
        self.shared.syncs.read()
    }

    /// Writes what is queued, marks the orderly end, and ends the threads; the failure that the
    /// log met, if any. Later submissions fail. Closing again changes nothing.
    pub fn close(&self) -> Result<(), Arc<WalError>> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.preparer.close();
        self.shared.queue().closed = true;
        self.shared.wake.notify_one();
        for thread in threads.drain(..) {
            // The writer first: it may still need the helper.
            thread.join().expect("the log's threads do not panic");
            self.shared.preparer.stop();
        }
        self.failure().map_or(Ok(()), Err)
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        // The failure was told to every submission already.
        let _ = self.close();
    }
}

/// Opens a log without starting threads.
fn open_parts(
    directory: Arc<dyn Directory>,
    options: &Options,
    helper: Helper,
) -> Result<(Arc<Shared>, Writer, Recovered), WalError> {
    let size = options.segment_bytes;
    let fits = size.is_multiple_of(DATA_START) && (2 * DATA_START..=1 << 30).contains(&size);
    assert!(
        fits,
        "segment_bytes is a multiple of 4096 from 8192 to 1 GiB"
    );
    let limits = Limits {
        segment_bytes: size,
        spares_max: options.spares_max,
        reserve_bytes: options.reserve_bytes,
        space_retry: options.space_retry,
    };
    let mut replay = replay::replay(&*directory, size)?;
    let (current, position) = if let Some(tail) = replay.active.take() {
        let end = tail.length.min(size).max(tail.end);
        (
            Prepared {
                segment: tail.segment,
                end,
            },
            tail.end,
        )
    } else {
        let sequence = replay.next_sequence;
        replay.next_sequence += 1;
        let spare = replay.spares.pop();
        let first = room::create_segment(&*directory, &limits, sequence, spare.as_deref())?;
        replay.table.add_segment(Arc::clone(&first.segment));
        (first, DATA_START)
    };
    let segment = Arc::clone(&current.segment);
    let mut room = Room::new(current, position);
    room.next = replay.next.map(|tail| {
        let end = tail.length.min(size);
        Prepared {
            segment: tail.segment,
            end,
        }
    });
    room.spares = replay.spares;
    room.next_sequence = replay.next_sequence;
    room.retired = replay.table.retire(segment.stamp.sequence).into();
    let preparer = Preparer::new(directory, limits, helper, room);
    let shared = Arc::new(Shared {
        queue: Mutex::new(Queue::default()),
        wake: Condvar::new(),
        table: RwLock::new(replay.table),
        preparer,
        failure: OnceLock::new(),
        syncs: SyncCounters::default(),
    });
    let kept = replay.kept;
    let recovered = recovered(&shared, &kept, replay.cut_bytes, replay.replayed_bytes)?;
    let writer = Writer::new(
        Arc::clone(&shared),
        segment,
        position,
        replay.previous,
        kept,
    );
    Ok((shared, writer, recovered))
}

fn recovered(
    shared: &Shared,
    kept: &segment::Kept,
    cut_bytes: u64,
    replayed_bytes: u64,
) -> Result<Recovered, WalError> {
    let entries = shared
        .table
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .range();
    let last = read_entries(
        shared,
        &(entries.end.saturating_sub(1)..entries.end),
        u64::MAX,
    )?
    .pop();
    let kept = kept.clone();
    Ok(Recovered {
        vote: kept.vote,
        committed: kept.committed,
        purged: kept.purged,
        entries,
        last,
        cut_bytes,
        replayed_bytes,
    })
}

fn read_entries(
    shared: &Shared,
    range: &Range<u64>,
    bytes_max: u64,
) -> Result<Vec<EntryRecord>, WalError> {
    let table = shared.table.read().unwrap_or_else(PoisonError::into_inner);
    let (first, places) = table.places(range, bytes_max);
    // Holding the segments keeps them from being recycled while they are read.
    let segments = table.segments_of(&places);
    drop(table);
    let mut entries = Vec::with_capacity(places.len());
    let mut window = Vec::new();
    let mut rest = &places[..];
    while let Some(begin) = rest.first() {
        let near = rest.iter().take_while(|place| {
            place.segment == begin.segment
                && end_of(place) - u64::from(begin.offset) <= READ_BYTES_MAX
        });
        // One entry may be larger than what is read at a time.
        let (now, later) = rest.split_at(near.count().max(1));
        let segment = segments
            .get(&begin.segment)
            .expect("a place is in a held segment");
        read_run(
            segment,
            now,
            first + entries.len() as u64,
            &mut window,
            &mut entries,
        )?;
        rest = later;
    }
    Ok(entries)
}

fn end_of(place: &Position) -> u64 {
    u64::from(place.offset) + record_size(place.length as usize)
}

/// Reads entries that stand near each other in one segment.
fn read_run(
    segment: &Segment,
    places: &[Position],
    first: u64,
    window: &mut Vec<u8>,
    entries: &mut Vec<EntryRecord>,
) -> Result<(), WalError> {
    let (Some(begin), Some(last)) = (places.first(), places.last()) else {
        return Ok(());
    };
    let from = u64::from(begin.offset);
    let length = usize::try_from(end_of(last) - from).expect("bounded by a segment");
    window.resize(length, 0);
    let read = files::read_full_at(&*segment.file, window, from);
    let read = read.map_err(|error| WalError::io("read", &segment.path, error))?;
    for (place, index) in places.iter().zip(first..) {
        let offset = u64::from(place.offset);
        let at = usize::try_from(offset - from).expect("within the window");
        let size = usize::try_from(record_size(place.length as usize)).expect("within the window");
        let corrupt = || WalError::Corrupt {
            path: segment.path.clone(),
            offset,
            expected: format!("entry {index}, which was verified or written before"),
        };
        let bytes = window[..read].get(at..at + size).ok_or_else(corrupt)?;
        let header = Header::parse(bytes);
        let same = header.length == place.length
            && header.index == index
            && header.kind == Kind::Entry as u32;
        if !same || !record::verify(bytes, segment.stamp, offset) {
            return Err(corrupt());
        }
        let payload = bytes[RECORD_HEADER_BYTES..][..place.length as usize].to_vec();
        entries.push(EntryRecord {
            term: header.term,
            index,
            payload,
        });
    }
    Ok(())
}
