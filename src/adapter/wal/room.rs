//! Room ahead of the writer, and the helper thread that prepares it.
//!
//! Blocks of a segment are written (with zeros) and synced before the writer comes to them, so
//! that its own sync changes no metadata: that halves the time of a sync on ext4. How far ahead
//! grows with what is written, so that an idle node owns one small file. A purged segment becomes
//! a spare and later the next segment; its blocks are written already, and its old records cannot
//! be taken for new ones because every use has another nonce (see `record`), so it is not zeroed
//! again. A full disk is met here, not in the middle of a batch: the helper tries again at
//! intervals and whenever a segment is purged, and the writer goes on when room is there.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::adapter::wal::error::WalError;
use crate::adapter::wal::files::{self, Directory};
use crate::adapter::wal::record::Stamp;
use crate::adapter::wal::segment::{self, DATA_START, Segment};

/// Zeroed and synced at a time: a few milliseconds of a slow disk.
const STEP_BYTES: u64 = 1 << 20;
/// A new segment begins with this much, so that a new node starts at once.
pub(super) const FIRST_STEP_BYTES: u64 = 128 << 10;
/// Prepared ahead of a writer that has written nothing yet.
const AHEAD_MIN_BYTES: u64 = 1 << 20;
/// Prepared ahead at most: a quarter of a second at 64 MB/s.
const AHEAD_MAX_BYTES: u64 = 16 << 20;
/// What a segment's first record takes, roughly.
const START_RECORD_BYTES: u64 = 512;
/// What a record takes besides its payload, with what its writer encodes around that; roughly.
const RECORD_OVERHEAD_BYTES: u64 = 512;
/// Prepared room that entries leave to votes and marks, which cannot be refused: many of them.
const LAST_BYTES: u64 = 64 << 10;

/// A segment and how far it can be written.
pub(super) struct Prepared {
    pub(super) segment: Arc<Segment>,
    pub(super) end: u64,
}

/// What the writer and the helper know of each other.
pub(super) struct Room {
    pub(super) current: Prepared,
    /// Where the writer stands in `current`.
    pub(super) position: u64,
    pub(super) next: Option<Prepared>,
    /// Oldest first, and done in this order: what is left must have no gap.
    pub(super) retired: VecDeque<Arc<Segment>>,
    pub(super) spares: Vec<String>,
    pub(super) next_sequence: u32,
    /// Bytes written since the log was opened.
    pub(super) written: u64,
    /// What the writer waits for.
    wanted: Option<Wanted>,
    /// What somebody will submit once it fits, and whom to tell.
    expected: Option<(u64, Expectation)>,
    /// Whether there may be something to do since the helper looked. Not set by the writer alone
    /// while the disk is full: the interval then says when to try again.
    asked: bool,
    shortage: Option<Arc<WalError>>,
    failure: Option<Arc<WalError>>,
    closing: bool,
    stopping: bool,
}

/// Called once, on the helper's thread or the caller's, when it is worth asking again whether
/// something fits.
pub(super) type Expectation = Box<dyn FnOnce() + Send>;

/// Whether a record can be written without waiting for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Now,
    /// Not before more is prepared.
    Later,
    /// Not before the disk has space again.
    DiskFull,
}

#[derive(Clone, Copy)]
enum Wanted {
    InCurrent(u64),
    InNext(u64),
}

/// Limits, as in the options of the log.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) segment_bytes: u64,
    pub(super) spares_max: usize,
    pub(super) reserve_bytes: u64,
    pub(super) space_retry: Duration,
}

/// Who prepares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Helper {
    /// A thread that runs [`Preparer::run`].
    Thread,
    /// The writer itself when it needs room: one thread plays all parts, so that a seed of the
    /// simulation is a reproduction.
    Inline,
}

/// What the writer got from [`Preparer::wait`].
pub(super) enum Granted {
    InCurrent,
    Next(Prepared),
}

/// The room behind its lock: a mutex, because two threads hold it for moments only. `ask` wakes
/// the helper, `answer` the writer; [`Preparer::stop`] ends the helper.
pub(super) struct Preparer {
    directory: Arc<dyn Directory>,
    limits: Limits,
    helper: Helper,
    room: Mutex<Room>,
    ask: Condvar,
    answer: Condvar,
}

enum Task {
    Retire(Arc<Segment>),
    Extend {
        segment: Arc<Segment>,
        from: u64,
        to: u64,
    },
    Create {
        sequence: u32,
        spare: Option<String>,
    },
}

impl Room {
    pub(super) fn new(current: Prepared, position: u64) -> Self {
        Self {
            current,
            position,
            next: None,
            retired: VecDeque::new(),
            spares: Vec::new(),
            next_sequence: 1,
            written: 0,
            wanted: None,
            expected: None,
            asked: false,
            shortage: None,
            failure: None,
            closing: false,
            stopping: false,
        }
    }

    fn bytes(&self) -> u64 {
        let next = self.next.as_ref().map_or(0, |next| {
            next.end.saturating_sub(DATA_START + START_RECORD_BYTES)
        });
        self.current.end.saturating_sub(self.position) + next
    }

    /// Whether `bytes` more fit behind the writer, at one piece; what does not fit into the rest of
    /// a segment goes to the next.
    fn fits(&self, bytes: u64, capacity: u64) -> bool {
        let end = self.position + bytes;
        let in_next = |next: &Prepared| DATA_START + START_RECORD_BYTES + bytes <= next.end;
        end <= self.current.end || (end > capacity && self.next.as_ref().is_some_and(in_next))
    }

    /// The next thing to do, if any.
    fn task(&mut self, limits: &Limits) -> Option<Task> {
        if let Some(segment) = self.retired.pop_front() {
            return Some(Task::Retire(segment));
        }
        let capacity = limits.segment_bytes;
        let ahead_max = AHEAD_MAX_BYTES.min(capacity / 2);
        let ahead = (self.written * 2).max(AHEAD_MIN_BYTES).min(ahead_max);
        let is_awaited = self.expected.as_ref();
        let is_awaited = is_awaited.is_some_and(|(bytes, _)| !self.fits(*bytes, capacity));
        let lacking = self.bytes() < ahead + limits.reserve_bytes || is_awaited;
        let in_next = matches!(self.wanted, Some(Wanted::InNext(_)));
        let in_current = match self.wanted {
            Some(Wanted::InCurrent(bytes)) => self.position + bytes > self.current.end,
            _ => lacking && !in_next,
        };
        if in_current && self.current.end < capacity {
            return Some(extend(&self.current, capacity));
        }
        match &self.next {
            None if in_next || lacking => {
                let sequence = self.next_sequence;
                self.next_sequence += 1;
                Some(Task::Create {
                    sequence,
                    spare: self.spares.pop(),
                })
            }
            Some(next) if next.end < capacity => {
                let short = match self.wanted {
                    Some(Wanted::InNext(bytes)) => next.end < DATA_START + bytes,
                    _ => lacking,
                };
                short.then(|| extend(next, capacity))
            }
            _ => None,
        }
    }

    /// Whom to tell that what is expected fits, or that it never will.
    fn take_met(&mut self, limits: &Limits) -> Option<Expectation> {
        let (bytes, _) = self.expected.as_ref()?;
        let ended = self.closing || self.stopping || self.failure.is_some();
        let met = ended || self.shortage.is_some() || self.fits(*bytes, limits.segment_bytes);
        if !met {
            return None;
        }
        self.expected.take().map(|(_, told)| told)
    }

    fn prepared(&mut self, segment: &Arc<Segment>, end: u64) {
        let places = [Some(&mut self.current), self.next.as_mut()];
        for place in places.into_iter().flatten() {
            if Arc::ptr_eq(&place.segment, segment) {
                place.end = place.end.max(end);
            }
        }
    }
}

fn extend(prepared: &Prepared, capacity: u64) -> Task {
    let to = (prepared.end + STEP_BYTES).min(capacity);
    Task::Extend {
        segment: Arc::clone(&prepared.segment),
        from: prepared.end,
        to,
    }
}

impl Preparer {
    pub(super) fn new(
        directory: Arc<dyn Directory>,
        limits: Limits,
        helper: Helper,
        room: Room,
    ) -> Self {
        let room = Mutex::new(room);
        Self {
            directory,
            limits,
            helper,
            room,
            ask: Condvar::new(),
            answer: Condvar::new(),
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Prepared room less the reserve.
    pub(super) fn room_bytes(&self) -> u64 {
        self.lock()
            .bytes()
            .saturating_sub(self.limits.reserve_bytes)
    }

    /// Whether an entry of `bytes` fits behind `queued_bytes` of other records. A log that is at
    /// its end says itself why it takes nothing.
    pub(super) fn fit(&self, bytes: u64, queued_bytes: u64) -> Fit {
        let room = self.lock();
        let ended = room.closing || room.stopping || room.failure.is_some();
        if ended || room.fits(required(bytes, queued_bytes), self.limits.segment_bytes) {
            return Fit::Now;
        }
        match room.shortage {
            Some(_) => Fit::DiskFull,
            None => Fit::Later,
        }
    }

    /// Prepares room for an entry; `told` is called when there is, or when there cannot be. A
    /// segment holds no more than it holds: what is queued may be written when that much fits.
    pub(super) fn expect(&self, bytes: u64, queued_bytes: u64, told: Expectation) {
        let held = self.limits.segment_bytes - DATA_START - START_RECORD_BYTES;
        let mut room = self.lock();
        room.expected = Some((required(bytes, queued_bytes).min(held), told));
        room.asked = true;
        self.ask.notify_one();
        let told = room.take_met(&self.limits);
        drop(room);
        if let Some(told) = told {
            told();
        }
    }

    pub(super) fn shortage(&self) -> Option<Arc<WalError>> {
        self.lock().shortage.clone()
    }

    /// How far the segment that is written can be written.
    pub(super) fn current_end(&self) -> u64 {
        self.lock().current.end
    }

    /// The writer stands at `position` now and `retired` are no longer needed.
    pub(super) fn advance(&self, position: u64, written: u64, retired: Vec<Arc<Segment>>) {
        let mut room = self.lock();
        room.position = position;
        room.written += written;
        room.asked |= room.shortage.is_none() || !retired.is_empty();
        room.retired.extend(retired);
        if room.asked {
            self.ask.notify_one();
        }
    }

    /// Waits until `bytes` fit at the writer's position, or in the next segment, which then
    /// becomes the current one. A full disk is waited out, unless the log is being closed.
    pub(super) fn wait(&self, bytes: u64, in_next: bool) -> Result<Granted, Arc<WalError>> {
        let mut room = self.lock();
        loop {
            if let Some(granted) = grant(&mut room, bytes, in_next) {
                room.wanted = None;
                return Ok(granted);
            }
            let ending = room.closing || self.helper == Helper::Inline;
            let stuck = room.shortage.clone().filter(|_| ending);
            if let Some(error) = room.failure.clone().or(stuck) {
                room.wanted = None;
                return Err(error);
            }
            room.wanted = Some(if in_next {
                Wanted::InNext(bytes)
            } else {
                Wanted::InCurrent(bytes)
            });
            if self.helper == Helper::Inline {
                drop(room);
                self.step();
                room = self.lock();
            } else {
                room.asked |= room.shortage.is_none();
                self.ask.notify_one();
                room = self
                    .answer
                    .wait(room)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// The helper's thread.
    pub(super) fn run(&self) {
        loop {
            if self.step() {
                continue;
            }
            let room = self.lock();
            if room.stopping {
                return;
            }
            let interval = self.limits.space_retry;
            let idle = |room: &mut Room| !room.asked && !room.stopping;
            let woken = self.ask.wait_timeout_while(room, interval, idle);
            drop(woken.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// From here on a full disk fails the writer instead of holding it.
    pub(super) fn close(&self) {
        let mut room = self.lock();
        room.closing = true;
        let told = room.take_met(&self.limits);
        drop(room);
        self.answer.notify_all();
        if let Some(told) = told {
            told();
        }
    }

    /// Ends the helper's thread after its present task.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.ask.notify_all();
    }

    /// Does one task; false when there is none, or it failed and must be tried again later.
    pub(super) fn step(&self) -> bool {
        let mut room = self.lock();
        if room.stopping || room.failure.is_some() {
            return false;
        }
        room.asked = false;
        let Some(task) = room.task(&self.limits) else {
            // What was missed is no longer expected.
            room.shortage = None;
            return false;
        };
        let prepares = !matches!(task, Task::Retire(_));
        let spares = room.spares.len();
        drop(room);
        let result = self.perform(&task, spares);
        let mut room = self.lock();
        let done = result.is_ok();
        match result {
            Ok(Outcome::Removed) => {}
            Ok(Outcome::Spare(name)) => room.spares.push(name),
            Ok(Outcome::Extended(segment, end)) => room.prepared(&segment, end),
            Ok(Outcome::Created(next)) => room.next = Some(next),
            Err(error) => {
                match task {
                    // The number was not used: segments must follow each other without a gap.
                    Task::Create { spare, .. } => {
                        room.next_sequence -= 1;
                        room.spares.extend(spare);
                    }
                    Task::Retire(segment) => room.retired.push_front(segment),
                    Task::Extend { .. } => {}
                }
                let error = Arc::new(error);
                if error.is_no_space() {
                    room.shortage = Some(error);
                } else {
                    room.failure = Some(error);
                }
            }
        }
        if done && prepares {
            room.shortage = None;
        }
        self.answer.notify_all();
        let told = room.take_met(&self.limits);
        drop(room);
        if let Some(told) = told {
            told();
        }
        done
    }

    fn perform(&self, task: &Task, spares: usize) -> Result<Outcome, WalError> {
        match task {
            Task::Retire(segment) => self.retire(segment, spares),
            Task::Extend { segment, from, to } => {
                let file = &*segment.file;
                let written = write_zeros(file, *from, *to).and_then(|()| file.sync());
                written.map_err(|error| WalError::io("prepare", &segment.path, error))?;
                Ok(Outcome::Extended(Arc::clone(segment), *to))
            }
            Task::Create { sequence, spare } => {
                let next = self.create(*sequence, spare.as_deref())?;
                Ok(Outcome::Created(next))
            }
        }
    }

    /// Makes a purged segment a spare, or removes it: when there are spares enough, or when
    /// somebody still reads from it (the task's own reference is the only one otherwise).
    fn retire(&self, segment: &Arc<Segment>, spares: usize) -> Result<Outcome, WalError> {
        if spares >= self.limits.spares_max || Arc::strong_count(segment) > 1 {
            let removed = self.directory.remove(&segment.name);
            removed.map_err(|error| WalError::io("remove", &segment.path, error))?;
            return Ok(Outcome::Removed);
        }
        let spare = segment::spare_name(segment.stamp.sequence);
        let renamed = self.directory.rename(&segment.name, &spare);
        renamed.map_err(|error| WalError::io("rename", &segment.path, error))?;
        Ok(Outcome::Spare(spare))
    }

    fn create(&self, sequence: u32, spare: Option<&str>) -> Result<Prepared, WalError> {
        create_segment(&*self.directory, &self.limits, sequence, spare)
    }

    fn lock(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What must fit so that an entry of `bytes` can be written behind what is queued.
fn required(bytes: u64, queued_bytes: u64) -> u64 {
    bytes + RECORD_OVERHEAD_BYTES + queued_bytes + LAST_BYTES
}

enum Outcome {
    Removed,
    Spare(String),
    Extended(Arc<Segment>, u64),
    Created(Prepared),
}

fn grant(room: &mut Room, bytes: u64, in_next: bool) -> Option<Granted> {
    if !in_next {
        return (room.position + bytes <= room.current.end).then_some(Granted::InCurrent);
    }
    let next = room.next.take_if(|next| DATA_START + bytes <= next.end)?;
    room.current = Prepared {
        segment: Arc::clone(&next.segment),
        end: next.end,
    };
    room.position = DATA_START;
    Some(Granted::Next(next))
}

/// Makes segment `sequence`, from a spare if there is one; it is durable when this returns.
pub(super) fn create_segment(
    directory: &dyn Directory,
    limits: &Limits,
    sequence: u32,
    spare: Option<&str>,
) -> Result<Prepared, WalError> {
    let name = segment::segment_name(sequence);
    let path = directory.path(&name);
    let io = |error| WalError::io("create", &path, error);
    let stamp = Stamp {
        sequence,
        nonce: directory.nonce().map_err(io)?,
    };
    let mut page = segment::header_page(stamp);
    if let Some(spare) = spare {
        let file = directory.open(spare).map_err(io)?;
        files::write_all_at(&*file, &page, 0)
            .and_then(|()| file.sync())
            .map_err(io)?;
        directory.rename(spare, &name).map_err(io)?;
    } else {
        let first = FIRST_STEP_BYTES.min(limits.segment_bytes);
        page.resize(
            usize::try_from(first).expect("the first step fits in memory"),
            0,
        );
        directory.create(&name, &page).map_err(io)?;
    }
    let file = directory.open(&name).map_err(io)?;
    let end = file.length().map_err(io)?.min(limits.segment_bytes);
    Ok(Prepared {
        segment: Arc::new(Segment {
            name,
            path,
            stamp,
            file,
        }),
        end,
    })
}
fn write_zeros(file: &dyn files::File, mut from: u64, to: u64) -> std::io::Result<()> {
    // Costs no memory: its pages are the kernel's one page of zeros.
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    while from < to {
        let length = usize::try_from(to - from).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        files::write_all_at(file, &ZEROS[..length], from)?;
        from += length as u64;
    }
    Ok(())
}
