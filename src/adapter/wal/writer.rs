//! The group-commit writer: takes everything that waits, writes it with one call, syncs once, then
//! answers in order. After a failed write or sync the log is poisoned: a page that failed to
//! reach the disk may be marked clean, so a second sync proves nothing and is never tried.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use crate::adapter::wal::error::WalError;
use crate::adapter::wal::extent::Extent;
use crate::adapter::wal::files;
use crate::adapter::wal::record::{self, Kind, Parts, Record};
use crate::adapter::wal::room::{Granted, Preparer};
use crate::adapter::wal::segment::{DATA_START, Kept, Segment, Start};
use crate::adapter::wal::statistics::SyncCounters;
use crate::adapter::wal::table::{Position, Table};
use crate::adapter::wal::{Done, LAZY_DELAY};

/// Written and synced at a time, besides one record more: bounds the buffer, and the last batch
/// that opening writes again.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// A batch is filled up with zeros to this: the rest of a page whose beginning is in the cache
/// costs nothing, and writing whole pages spares the kernel from reading them first.
const PAGE_BYTES: u64 = 4096;

/// Records that are answered together.
pub(super) struct Submission {
    pub(super) records: Vec<Record>,
    pub(super) done: Option<Done>,
}

/// What waits for the writer.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) waiting: VecDeque<Submission>,
    /// Bytes that wait or are being written.
    pub(super) bytes: u64,
    /// Since when something lazy waits, if nothing else does.
    pub(super) lazy_since: Option<Instant>,
    pub(super) urgent: bool,
    /// Since when a batch is being written.
    pub(super) writing_since: Option<Instant>,
    pub(super) closed: bool,
}

/// What callers and the writer share. The queue is a mutex with a condition because callers hold
/// it for a push only; the table is read by many and written once a batch.
pub(super) struct Shared {
    pub(super) queue: Mutex<Queue>,
    /// Wakes the writer: something urgent waits, or the log is being closed.
    pub(super) wake: Condvar,
    pub(super) table: RwLock<Table>,
    pub(super) preparer: Preparer,
    pub(super) failure: OnceLock<Arc<WalError>>,
    pub(super) syncs: SyncCounters,
}

impl Shared {
    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Event {
    Submissions(VecDeque<Submission>, u64),
    Close,
}

/// A change to the table of positions, made when the batch is on the disk.
enum Change {
    Append(u64, Position),
    Truncate(u64),
    Purge(u64),
}

/// What is being gathered for one write.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    changes: Vec<Change>,
    answers: Vec<(Done, Result<(), Arc<WalError>>)>,
}

/// The writer's own state, ahead of the disk by the batch being gathered.
pub(super) struct Writer {
    shared: Arc<Shared>,
    segment: Arc<Segment>,
    /// Where the batch will be written.
    position: u64,
    /// How far `segment` is known to be prepared.
    prepared: u64,
    previous: Option<(u64, u64)>,
    extent: Extent,
    kept: Kept,
    batch: Batch,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        segment: Arc<Segment>,
        position: u64,
        previous: Option<(u64, u64)>,
        kept: Kept,
    ) -> Self {
        let table = shared.table.read().unwrap_or_else(PoisonError::into_inner);
        let extent = table.extent().clone();
        drop(table);
        let batch = Batch::default();
        Self {
            shared,
            segment,
            position,
            prepared: 0,
            previous,
            extent,
            kept,
            batch,
        }
    }

    /// The writer's thread; [`crate::adapter::wal::Wal::close`] ends it.
    pub(super) fn run(mut self) {
        loop {
            match self.select() {
                Event::Submissions(submissions, bytes) => {
                    self.commit(submissions);
                    let mut queue = self.shared.queue();
                    queue.bytes -= bytes;
                    queue.writing_since = None;
                }
                Event::Close => return self.seal(),
            }
        }
    }

    fn select(&self) -> Event {
        let mut queue = self.shared.queue();
        loop {
            let lazy_left = queue
                .lazy_since
                .map(|since| LAZY_DELAY.saturating_sub(since.elapsed()));
            let due = queue.urgent || queue.closed || lazy_left.is_some_and(|left| left.is_zero());
            if due && !queue.waiting.is_empty() {
                queue.urgent = false;
                queue.lazy_since = None;
                queue.writing_since = Some(Instant::now());
                return Event::Submissions(std::mem::take(&mut queue.waiting), queue.bytes);
            }
            if queue.closed {
                return Event::Close;
            }
            queue = if let Some(left) = lazy_left {
                let woken = self.shared.wake.wait_timeout(queue, left);
                woken.unwrap_or_else(PoisonError::into_inner).0
            } else {
                self.shared
                    .wake
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    /// Writes, syncs and answers the submissions in order.
    pub(super) fn commit(&mut self, submissions: VecDeque<Submission>) {
        let mut submissions = submissions.into_iter();
        while let Some(submission) = submissions.next() {
            let result = match self.shared.failure.get() {
                Some(failure) => Err(Arc::clone(failure)),
                None => match self.check(&submission.records) {
                    Err(refused) => Ok(Err(Arc::new(refused))),
                    Ok(()) => self.stage_all(&submission.records).map(Ok),
                },
            };
            match result {
                Ok(answer) => self
                    .batch
                    .answers
                    .extend(submission.done.map(|done| (done, answer))),
                Err(failure) => {
                    let waiting = std::iter::once(submission).chain(submissions.by_ref());
                    let answers = waiting.filter_map(|each| Some((each.done?, Ok(()))));
                    self.batch.answers.extend(answers);
                    self.fail(&failure);
                }
            }
        }
        if let Err(failure) = self.flush() {
            self.fail(&failure);
        }
    }

    /// Marks an orderly end, so that damage found later is not mistaken for a torn tail.
    pub(super) fn seal(&mut self) {
        if self.shared.failure.get().is_some() || self.position == DATA_START {
            return;
        }
        let seal = Parts {
            kind: Kind::Seal,
            term: 0,
            index: 0,
            payload: &[],
        };
        let sealed = self.stage(&seal).and_then(|_| self.flush());
        if let Err(failure) = sealed {
            self.fail(&failure);
        }
    }

    /// Whether the records can be written at all, before any of them is.
    fn check(&self, records: &[Record]) -> Result<(), WalError> {
        let segment_bytes = self.shared.preparer.limits().segment_bytes;
        let bytes_max = segment_bytes.saturating_sub(DATA_START + self.kept.start_bytes_max());
        let mut extent = self.extent.clone();
        let mut kept_bytes = 0;
        for record in records {
            match record {
                Record::Entry { index, .. } => {
                    let expected = extent.append(*index);
                    expected.map_err(|expected| WalError::OutOfOrder {
                        expected,
                        found: *index,
                    })?;
                }
                Record::Truncate { from } => extent.truncate(*from),
                Record::Purge(purged) => {
                    extent.purge(purged.index);
                }
                Record::Vote(_) | Record::Committed(_) => {}
            }
            if !matches!(record, Record::Entry { .. }) {
                kept_bytes += record.size();
            }
            let bytes = record.size() + kept_bytes;
            if bytes > bytes_max {
                return Err(WalError::TooLarge { bytes, bytes_max });
            }
        }
        Ok(())
    }

    fn stage_all(&mut self, records: &[Record]) -> Result<(), Arc<WalError>> {
        for record in records {
            let place = self.stage(&record.parts())?;
            match record {
                Record::Entry { index, .. } => {
                    self.extent.append(*index).expect("checked before");
                    self.batch.changes.push(Change::Append(*index, place));
                }
                Record::Vote(vote) => self.kept.vote = Some(vote.clone()),
                Record::Committed(mark) => self.kept.committed = Some(mark.clone()),
                Record::Truncate { from } => {
                    self.extent.truncate(*from);
                    self.batch.changes.push(Change::Truncate(*from));
                }
                Record::Purge(purged) => {
                    if self.extent.purge(purged.index) {
                        self.kept.purged = Some(purged.clone());
                        self.batch.changes.push(Change::Purge(purged.index));
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts one record into the batch, at a place that is prepared.
    fn stage(&mut self, parts: &Parts<'_>) -> Result<Position, Arc<WalError>> {
        if self.batch.bytes.len() >= BATCH_BYTES_MAX {
            self.flush()?;
        }
        let size = record::record_size(parts.payload.len());
        self.make_room(size)?;
        Ok(self.encode(parts))
    }

    fn encode(&mut self, parts: &Parts<'_>) -> Position {
        let offset = self.position + self.batch.bytes.len() as u64;
        record::encode(
            &mut self.batch.bytes,
            self.segment.stamp,
            offset,
            self.position,
            parts,
        );
        Position {
            segment: self.segment.stamp.sequence,
            offset: u32::try_from(offset).expect("a segment's offset fits in 32 bits"),
            length: u32::try_from(parts.payload.len()).expect("a payload fits in a segment"),
        }
    }

    /// Sees to it that `size` more bytes fit, and that a segment begins with its start record.
    fn make_room(&mut self, size: u64) -> Result<(), Arc<WalError>> {
        let at = self.position + self.batch.bytes.len() as u64;
        let start = (at == DATA_START).then(|| self.start_bytes());
        let size = size
            + start
                .as_ref()
                .map_or(0, |start| record::record_size(start.len()));
        if at + size > self.prepared {
            self.prepared = self.shared.preparer.current_end();
        }
        if at + size > self.prepared {
            // What is gathered must not wait for the disk to have room for what comes.
            self.flush()?;
            if at + size > self.shared.preparer.limits().segment_bytes {
                return self.roll(size);
            }
            self.shared.preparer.wait(size, false)?;
            self.prepared = self.shared.preparer.current_end();
        }
        if let Some(start) = start {
            self.encode_start(&start);
        }
        Ok(())
    }

    /// Goes on in the next segment. The one before is synced by now: so nothing can be valid in
    /// the next that is not behind whole records here.
    fn roll(&mut self, size: u64) -> Result<(), Arc<WalError>> {
        self.previous = Some((self.segment.stamp.nonce, self.position));
        let start = self.start_bytes();
        let size = size + record::record_size(start.len());
        let Granted::Next(next) = self.shared.preparer.wait(size, true)? else {
            unreachable!("asked for the next segment");
        };
        let mut table = self
            .shared
            .table
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        table.add_segment(Arc::clone(&next.segment));
        drop(table);
        self.segment = next.segment;
        self.prepared = next.end;
        self.position = DATA_START;
        self.encode_start(&start);
        Ok(())
    }

    fn encode_start(&mut self, payload: &[u8]) {
        self.encode(&Parts {
            kind: Kind::Start,
            term: 0,
            index: 0,
            payload,
        });
    }

    fn start(&self) -> Start {
        let (extent, kept) = (self.extent.clone(), self.kept.clone());
        Start {
            previous: self.previous,
            extent,
            kept,
        }
    }

    fn start_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(&self.start()).expect("plain data encodes")
    }

    /// Writes and syncs the batch, makes it readable, and answers.
    fn flush(&mut self) -> Result<(), Arc<WalError>> {
        if !self.batch.bytes.is_empty() {
            self.write_and_sync().map_err(Arc::new)?;
            let written = self.batch.bytes.len() as u64;
            self.position += written;
            self.batch.bytes.clear();
            let retired = self.publish();
            self.shared
                .preparer
                .advance(self.position, written, retired);
        }
        for (done, result) in self.batch.answers.drain(..) {
            done(result);
        }
        Ok(())
    }

    fn write_and_sync(&mut self) -> Result<(), WalError> {
        let length = self.batch.bytes.len();
        let end = self.position + length as u64;
        let padded = end.next_multiple_of(PAGE_BYTES).min(self.prepared.max(end));
        let padded = usize::try_from(padded - self.position).expect("a batch fits in memory");
        self.batch.bytes.resize(padded, 0);
        let file = &*self.segment.file;
        let written = files::write_all_at(file, &self.batch.bytes, self.position);
        written.map_err(|error| WalError::poison("write", &self.segment.path, error))?;
        self.batch.bytes.truncate(length);
        let begun = Instant::now();
        file.sync()
            .map_err(|error| WalError::poison("sync", &self.segment.path, error))?;
        self.shared.syncs.record(begun.elapsed());
        Ok(())
    }

    /// Makes the batch readable; returns the segments that nobody needs any more.
    fn publish(&mut self) -> Vec<Arc<Segment>> {
        let mut table = self
            .shared
            .table
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut purged = false;
        for change in self.batch.changes.drain(..) {
            match change {
                Change::Append(index, position) => {
                    table
                        .append(index, position)
                        .expect("in the order of the writer's extent");
                }
                Change::Truncate(from) => {
                    table.truncate(from);
                    purged = true;
                }
                Change::Purge(index) => purged |= table.purge(index),
            }
        }
        if purged {
            table.retire(self.segment.stamp.sequence)
        } else {
            Vec::new()
        }
    }

    /// Poisons the log and fails everything in hand; refusals already decided stay what they are.
    fn fail(&mut self, failure: &Arc<WalError>) {
        let failure = Arc::clone(self.shared.failure.get_or_init(|| Arc::clone(failure)));
        self.batch.bytes.clear();
        self.batch.changes.clear();
        for (done, result) in self.batch.answers.drain(..) {
            done(result.and(Err(Arc::clone(&failure))));
        }
    }
}
