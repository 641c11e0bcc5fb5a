//! Opening a log: every record of every segment is verified, in order.
//!
//! The end of the log is the first place without a valid record. That is a torn tail, and cut,
//! only if nothing was written after a later sync: no valid record of a later batch follows in
//! the segment, and no later segment holds a record. Sectors of one unsynced batch may survive a
//! power cut in any choice, so a valid record of the same batch proves nothing. Anything else is
//! damage to what may have been acknowledged, and the log is not opened.
//!
//! A file that was cut short looks like a torn tail, and is none: room is prepared before it is
//! written, so that no crash leaves a record that the end of the file cuts, or a file shorter than
//! a new one.

use std::sync::Arc;

use crate::adapter::disk;
use crate::adapter::wal::error::WalError;
use crate::adapter::wal::files::{self, Directory};
use crate::adapter::wal::record::{
    self, Header, Kind, Purged, RECORD_ALIGNMENT, RECORD_HEADER_BYTES, u32_at,
};
use crate::adapter::wal::room::FIRST_STEP_BYTES;
use crate::adapter::wal::segment::{self, DATA_START, Kept, Segment, Start};
use crate::adapter::wal::table::{Position, Table};

/// Read at a time: in the processor's cache when it is checked.
const CHUNK_BYTES: usize = 1 << 20;

/// What the segments say.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) table: Table,
    pub(super) kept: Kept,
    /// The segment with the last record, or the only one.
    pub(super) active: Option<Tail>,
    /// A segment prepared after it.
    pub(super) next: Option<Tail>,
    pub(super) spares: Vec<String>,
    pub(super) next_sequence: u32,
    /// Nonce and end of the segment before the active one, as its first record needs it.
    pub(super) previous: Option<(u64, u64)>,
    pub(super) cut_bytes: u64,
    pub(super) replayed_bytes: u64,
}

/// A segment and where its records end.
pub(super) struct Tail {
    pub(super) segment: Arc<Segment>,
    pub(super) end: u64,
    pub(super) length: u64,
}

/// Reads the directory, repairs a torn tail and makes all that was read durable. A file that is as
/// long as `segment_bytes` may be a recycled one.
pub(super) fn replay(directory: &dyn Directory, segment_bytes: u64) -> Result<Replay, WalError> {
    let mut replay = Replay {
        next_sequence: 1,
        ..Replay::default()
    };
    let sequences = replay.take_inventory(directory)?;
    let mut scanners = Vec::new();
    for sequence in sequences {
        let segment = Segment::open(directory, sequence)?;
        let scanner = Scanner::new(Arc::new(segment))?;
        if scanner.length < FIRST_STEP_BYTES.min(segment_bytes) {
            return Err(scanner.cut_short(scanner.length));
        }
        replay.take_segment(scanner, &mut scanners)?;
    }
    if replay.table.lacks_the_first() {
        let first = scanners.first().expect("a table comes from a segment");
        let expected = format!("entry {} in an older segment", replay.table.range().start);
        return Err(first.scanner.corrupt(DATA_START, expected));
    }
    replay.settle(scanners, segment_bytes)?;
    Ok(replay)
}

/// A segment that was read, and what is known of it.
struct Read {
    scanner: Scanner,
    /// Where its valid records end.
    end: u64,
    /// Where the last batch begins.
    batch: u64,
    /// Whether it holds a record at all.
    begun: bool,
    previous: Option<(u64, u64)>,
}

impl Replay {
    /// Sorts the files; removes what an interrupted creation left.
    fn take_inventory(&mut self, directory: &dyn Directory) -> Result<Vec<u32>, WalError> {
        let here = directory.path("");
        let names = directory
            .list()
            .map_err(|error| WalError::io("list", &here, error))?;
        let mut sequences = Vec::new();
        for name in names {
            if let Some(sequence) = segment::parse_segment_name(&name) {
                sequences.push(sequence);
            } else if segment::is_spare(&name) {
                self.spares.push(name);
            } else if disk::is_temporary(&name) {
                let path = directory.path(&name);
                let removed = directory.remove(&name);
                removed.map_err(|error| WalError::io("remove", &path, error))?;
            }
        }
        sequences.sort_unstable();
        self.spares.sort_unstable();
        for pair in sequences.windows(2) {
            if pair[0] + 1 != pair[1] {
                let path = directory.path(&segment::segment_name(pair[0] + 1));
                let expected = format!("this segment, because {} is there", pair[1]);
                return Err(WalError::Corrupt {
                    path,
                    offset: 0,
                    expected,
                });
            }
        }
        let last = sequences.last().copied().unwrap_or(0);
        let next = last.checked_add(1).ok_or_else(|| WalError::Corrupt {
            path: directory.path(&segment::segment_name(last)),
            offset: 0,
            expected: "a name with a lower number: none comes after this".to_owned(),
        });
        self.next_sequence = next?;
        Ok(sequences)
    }

    fn take_segment(
        &mut self,
        mut scanner: Scanner,
        before: &mut Vec<Read>,
    ) -> Result<(), WalError> {
        let Some(start) = scanner.start()? else {
            before.push(Read {
                scanner,
                end: DATA_START,
                batch: 0,
                begun: false,
                previous: None,
            });
            return Ok(());
        };
        if let Some(gap) = before.iter().find(|read| !read.begun) {
            let expected = format!("a record, because segment {} goes on", scanner.segment.name);
            return Err(gap.scanner.corrupt(DATA_START, expected));
        }
        if let Some(last) = before.last() {
            let found = Some((last.scanner.segment.stamp.nonce, last.end));
            if start.previous != found {
                let end = start.previous.map_or(0, |previous| previous.1);
                let name = &scanner.segment.name;
                let expected = format!("records up to offset {end}, where {name} continues");
                return Err(last.scanner.corrupt(last.end, expected));
            }
            if (&start.extent, &start.kept) != (self.table.extent(), &self.kept) {
                let expected = "the state that the segments before it left".to_owned();
                return Err(scanner.corrupt(DATA_START, expected));
            }
        } else {
            self.table.begin(start.extent);
            self.kept = start.kept;
        }
        self.table.add_segment(Arc::clone(&scanner.segment));
        let previous = start.previous;
        let (end, batch) = self.take_records(&mut scanner)?;
        self.replayed_bytes += end - DATA_START;
        before.push(Read {
            scanner,
            end,
            batch,
            begun: true,
            previous,
        });
        Ok(())
    }

    /// Applies the records of a segment; returns where they end and where the last batch begins.
    fn take_records(&mut self, scanner: &mut Scanner) -> Result<(u64, u64), WalError> {
        let mut offset = DATA_START;
        let mut batch = DATA_START;
        while let Some(header) = scanner.header(offset)? {
            let begins = u64::from(header.batch);
            if begins != offset && begins != batch {
                break;
            }
            batch = begins;
            let Some(kind) = Kind::from_number(header.kind) else {
                return Err(scanner.corrupt(offset, "a kind of record known here".to_owned()));
            };
            if (kind == Kind::Start) != (offset == DATA_START) {
                return Err(scanner.corrupt(offset, "one start record, the first".to_owned()));
            }
            self.take_record(scanner, offset, kind, &header)?;
            offset += header.size();
        }
        Ok((offset, batch))
    }

    fn take_record(
        &mut self,
        scanner: &Scanner,
        offset: u64,
        kind: Kind,
        header: &Header,
    ) -> Result<(), WalError> {
        let payload = || scanner.payload(offset, header).to_vec();
        match kind {
            Kind::Start | Kind::Seal => {}
            Kind::Vote => self.kept.vote = Some(payload()),
            Kind::Committed => self.kept.committed = Some(payload()),
            Kind::Truncate => self.table.truncate(header.index),
            Kind::Purge => {
                if self.table.purge(header.index) {
                    let (term, index) = (header.term, header.index);
                    self.kept.purged = Some(Purged {
                        term,
                        index,
                        payload: payload(),
                    });
                }
            }
            Kind::Entry => {
                let position = Position {
                    segment: scanner.segment.stamp.sequence,
                    offset: u32::try_from(offset).expect("checked when it was opened"),
                    length: header.length,
                };
                let appended = self.table.append(header.index, position);
                appended.map_err(|next| scanner.corrupt(offset, format!("entry {next}")))?;
            }
        }
        Ok(())
    }

    /// Finds the end of the log, cuts what is torn, and syncs.
    fn settle(&mut self, reads: Vec<Read>, segment_bytes: u64) -> Result<(), WalError> {
        let active = reads.iter().rposition(|read| read.begun).unwrap_or(0);
        for (i, mut read) in reads.into_iter().enumerate() {
            if i < active {
                let nonce = read.scanner.segment.stamp.nonce;
                self.previous = Some((nonce, read.end));
                continue;
            }
            if i == active && read.begun {
                self.previous = read.previous;
            }
            if read.scanner.length < segment_bytes && read.scanner.is_cut_at(read.end)? {
                return Err(read.scanner.cut_short(read.end));
            }
            self.cut_bytes += read.repair()?;
            let length = read.scanner.length;
            let tail = Tail {
                segment: read.scanner.segment,
                end: read.end,
                length,
            };
            if i == active {
                self.table.add_segment(Arc::clone(&tail.segment));
                self.active = Some(tail);
            } else if self.next.is_none() {
                self.next = Some(tail);
            } else {
                let expected = "no second prepared segment".to_owned();
                let path = tail.segment.path.clone();
                return Err(WalError::Corrupt {
                    path,
                    offset: 0,
                    expected,
                });
            }
        }
        Ok(())
    }
}

impl Read {
    /// Cuts a torn tail. Then writes the last batch once more and syncs: what was read may stand
    /// in the page cache only, after a kill before the sync, or marked clean after a sync that
    /// failed.
    fn repair(&mut self) -> Result<u64, WalError> {
        let torn_end = self.scanner.torn_end(self.end)?;
        let cut_bytes = torn_end - self.end;
        if !self.begun && cut_bytes == 0 {
            return Ok(0);
        }
        let from = if self.begun { self.batch } else { self.end };
        let keep = usize::try_from(self.end - from).expect("a batch fits in memory");
        let mut bytes = vec![0; keep];
        let segment = &self.scanner.segment;
        let io = |error| WalError::io("repair the tail of", &segment.path, error);
        files::read_full_at(&*segment.file, &mut bytes, from).map_err(io)?;
        let torn = usize::try_from(torn_end - from).expect("a tail fits in memory");
        bytes.resize(torn, 0);
        files::write_all_at(&*segment.file, &bytes, from).map_err(io)?;
        segment.file.sync().map_err(io)?;
        Ok(cut_bytes)
    }
}

/// Reads a segment through a window.
struct Scanner {
    segment: Arc<Segment>,
    length: u64,
    window: Vec<u8>,
    window_offset: u64,
}

impl Scanner {
    fn new(segment: Arc<Segment>) -> Result<Self, WalError> {
        let length = segment.file.length();
        let length = length.map_err(|error| WalError::io("measure", &segment.path, error))?;
        let scanner = Self {
            segment,
            length,
            window: Vec::new(),
            window_offset: 0,
        };
        if length > u64::from(u32::MAX) {
            let expected = "the end of the file, far before 4 GiB".to_owned();
            return Err(scanner.corrupt(u64::from(u32::MAX), expected));
        }
        Ok(scanner)
    }

    fn corrupt(&self, offset: u64, expected: String) -> WalError {
        WalError::Corrupt {
            path: self.segment.path.clone(),
            offset,
            expected,
        }
    }

    fn cut_short(&self, offset: u64) -> WalError {
        self.corrupt(offset, "the rest of a file that was cut short".to_owned())
    }

    /// Whether the file ends within a record at `end`. Only of a file that was never recycled: then
    /// what was not written is zero.
    fn is_cut_at(&mut self, end: u64) -> Result<bool, WalError> {
        if self.load(end, RECORD_HEADER_BYTES)? {
            let header = Header::parse(self.view(end, RECORD_HEADER_BYTES));
            let is_ours = header.tag == self.segment.stamp.tag();
            return Ok(is_ours && end + header.size() > self.length);
        }
        let rest = usize::try_from(self.length.saturating_sub(end)).expect("less than a header");
        Ok(self.load(end, rest)? && self.view(end, rest).iter().any(|byte| *byte != 0))
    }

    /// Makes `count` bytes from `offset` available; false if the file is shorter.
    fn load(&mut self, offset: u64, count: usize) -> Result<bool, WalError> {
        if offset + count as u64 > self.length {
            return Ok(false);
        }
        let window_end = self.window_offset + self.window.len() as u64;
        if offset >= self.window_offset && offset + count as u64 <= window_end {
            return Ok(true);
        }
        let left = usize::try_from(self.length - offset).unwrap_or(usize::MAX);
        self.window.resize(count.max(CHUNK_BYTES).min(left), 0);
        self.window_offset = offset;
        let read = files::read_full_at(&*self.segment.file, &mut self.window, offset);
        let read = read.map_err(|error| WalError::io("read", &self.segment.path, error))?;
        self.window.truncate(read);
        Ok(read >= count)
    }

    fn view(&self, offset: u64, count: usize) -> &[u8] {
        let from = usize::try_from(offset - self.window_offset).expect("within the window");
        &self.window[from..from + count]
    }

    /// The header of a valid record at `offset`, whose bytes are then in the window.
    fn header(&mut self, offset: u64) -> Result<Option<Header>, WalError> {
        if !self.load(offset, RECORD_HEADER_BYTES)? {
            return Ok(None);
        }
        let header = Header::parse(self.view(offset, RECORD_HEADER_BYTES));
        let stamp = self.segment.stamp;
        if header.tag != stamp.tag() || offset + header.size() > self.length {
            return Ok(None);
        }
        let size = usize::try_from(header.size()).expect("within the file");
        if !self.load(offset, size)? {
            return Ok(None);
        }
        let valid = record::verify(self.view(offset, size), stamp, offset);
        Ok(valid.then_some(header))
    }

    fn payload(&self, offset: u64, header: &Header) -> &[u8] {
        self.view(offset + RECORD_HEADER_BYTES as u64, header.length as usize)
    }

    fn start(&mut self) -> Result<Option<Start>, WalError> {
        let Some(header) = self.header(DATA_START)? else {
            return Ok(None);
        };
        let start = postcard::from_bytes::<Start>(self.payload(DATA_START, &header));
        match start {
            Ok(start) if header.kind == Kind::Start as u32 && start.extent.is_sound() => {
                Ok(Some(start))
            }
            _ => Err(self.corrupt(DATA_START, "a start record".to_owned())),
        }
    }

    /// Where the remains of a torn batch end; `end` itself if there are none. Fails if a record
    /// of a later batch is found.
    fn torn_end(&mut self, end: u64) -> Result<u64, WalError> {
        let tag = self.segment.stamp.tag();
        let mut torn_end = end;
        let mut offset = end;
        while self.load(offset, RECORD_HEADER_BYTES)? {
            let window_end = self.window_offset + self.window.len() as u64;
            let count = usize::try_from(window_end - offset).expect("within the window");
            let places = (count - RECORD_HEADER_BYTES) / RECORD_ALIGNMENT + 1;
            let view = self.view(offset, count);
            let hit = (0..places).find(|i| u32_at(view, i * RECORD_ALIGNMENT + 8) == tag);
            let Some(hit) = hit else {
                offset += (places * RECORD_ALIGNMENT) as u64;
                continue;
            };
            let at = offset + (hit * RECORD_ALIGNMENT) as u64;
            offset = at + RECORD_ALIGNMENT as u64;
            let claimed = Header::parse(self.view(at, RECORD_HEADER_BYTES));
            let valid = self.header(at)?.is_some();
            if valid && u64::from(claimed.batch) > end {
                let expected = format!("a valid record, because a later one follows at {at}");
                return Err(self.corrupt(end, expected));
            }
            let size = if at + claimed.size() <= self.length {
                claimed.size()
            } else {
                0
            };
            torn_end = torn_end.max(at + size.max(RECORD_HEADER_BYTES as u64));
        }
        Ok(torn_end.min(self.length))
    }
}
