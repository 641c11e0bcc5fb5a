//! The revision-ordered history: every version of every key, packed into chunks.
//!
//! A chunk is about 64 KiB of encoded records in the order of their revisions. The history is the
//! only place where keys' versions are stored; the index only says which revisions a key has, and a
//! revision finds its record by two searches (chunks, then offsets). So a version costs its
//! key, its value and about twenty bytes, and a chunk is at once what a watch reads, what a
//! checkpoint writes and what a snapshot sends.
//!
//! - Records are appended in strictly rising order of (main, sub).
//! - A sealed chunk is never changed in place: compaction replaces it by a rewritten one with the
//!   same id and a higher version, so a reader that holds the old one is not disturbed.
//! - Integers are LEB128 varints; a record's main revision is relative to its chunk's base.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::core::kv::request::KeyValue;

/// Large enough that the directory stays small (16,000 chunks a GiB), small enough that rewriting
/// one, or copying the open one for a checkpoint, takes microseconds.
const CHUNK_BYTES: usize = 64 * 1024;

/// The bytes before the first record of a chunk: base revision and record count.
const CHUNK_HEADER_BYTES: usize = 12;

/// A chunk is rewritten when more than one part in this many is dead: a quarter of the memory is
/// the price of rewriting each record at most about three times.
const DEAD_SHARE: usize = 4;

/// What one step of [`History::sweep`] rewrites, with one chunk more. About a millisecond.
const SWEEP_RECORDS: usize = 4_000;
const SWEEP_BYTES: usize = 1 << 20;

/// Chunks that one step of [`History::sweep`] looks at; most need no rewriting.
const SWEEP_CHUNKS: usize = 4_000;

/// The usual size of what a record holds beside key and value.
const RECORD_OVERHEAD_BYTES: usize = 10;

/// No store lives so long. What is read is held to it, so that no sum of numbers overflows later.
pub const REVISION_MAX: i64 = i64::MAX / 2;

const FLAG_TOMBSTONE: u8 = 1;
const FLAG_LEASE: u8 = 2;

/// When a version was written: `main` counts changes of the store, `sub` orders the changes that
/// one transaction makes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    pub main: i64,
    pub sub: u32,
}

/// One version of one key, borrowed from its chunk. A tombstone has no value, version or creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub revision: Revision,
    pub tombstone: bool,
    pub create_revision: i64,
    pub version: i64,
    pub lease: i64,
    pub key: &'a [u8],
    pub value: &'a [u8],
}

/// A run of records, encoded.
#[derive(Clone, Debug)]
pub struct Chunk {
    id: u64,
    version: u64,
    base: i64,
    last: Revision,
    data: Vec<u8>,
    offsets: Vec<u32>,
}

/// A chunk that is full. What of it is dead is kept beside it, because a checkpoint may share the
/// chunk itself.
#[derive(Clone, Debug)]
struct Sealed {
    chunk: Arc<Chunk>,
    dead: Dead,
}

/// Which records of a chunk were forgotten: a bit for each position, as far as there is one.
#[derive(Clone, Debug, Default)]
struct Dead {
    bits: Vec<u64>,
    bytes: usize,
}

/// Why bytes are not a chunk.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChunkError {
    #[error("chunk {id} ends inside record {record}")]
    Short { id: u64, record: usize },
    #[error("chunk {id} holds record {record} out of order")]
    Order { id: u64, record: usize },
    #[error("chunk {id} holds record {record} with a number that no store reaches")]
    Number { id: u64, record: usize },
    #[error("chunk {id} holds {extra} bytes after its last record")]
    Trailing { id: u64, extra: usize },
}

/// All chunks, oldest first; the last one is open for appending.
#[derive(Clone, Debug, Default)]
pub struct History {
    sealed: Vec<Sealed>,
    open: Option<Chunk>,
    open_dead: Dead,
    next_id: u64,
    bytes: usize,
    dead_bytes: usize,
    /// No sealed chunk before this one needs rewriting.
    swept: usize,
    /// The sealed chunk before `swept` was written by the last sweep and has room.
    filling: bool,
}

impl Chunk {
    fn new(id: u64, base: i64) -> Self {
        let mut data = Vec::with_capacity(CHUNK_BYTES);
        data.extend_from_slice(&base.to_le_bytes());
        data.extend_from_slice(&0u32.to_le_bytes());
        Self {
            id,
            version: 0,
            base,
            last: Revision::default(),
            data,
            offsets: Vec::new(),
        }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// Rises whenever the content changes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The chunk as it is written to a checkpoint or a snapshot, without copying it: base
    /// (8 bytes) and record count (4 bytes), both little endian, then the records.
    pub fn encoded(self: &Arc<Self>) -> Bytes {
        struct Encoded(Arc<Chunk>);
        impl AsRef<[u8]> for Encoded {
            fn as_ref(&self) -> &[u8] {
                &self.0.data
            }
        }
        Bytes::from_owner(Encoded(Arc::clone(self)))
    }

    /// Reads what [`Self::encoded`] gave; every record is walked, so what is returned is whole.
    pub fn decode(id: u64, version: u64, data: Vec<u8>) -> Result<Self, ChunkError> {
        let short = |record| ChunkError::Short { id, record };
        let (base, rest) = data.split_first_chunk::<8>().ok_or(short(0))?;
        let (count, _) = rest.split_first_chunk::<4>().ok_or(short(0))?;
        let (base, count) = (
            i64::from_le_bytes(*base),
            u32::from_le_bytes(*count) as usize,
        );
        let mut offsets = Vec::with_capacity(count.min(data.len()));
        let mut last = Revision::default();
        let mut at = CHUNK_HEADER_BYTES;
        for record in 0..count {
            let (read, end) = decode_record(base, &data, at).ok_or(short(record))?;
            if read.revision <= last {
                return Err(ChunkError::Order { id, record });
            }
            let largest = read.revision.main.max(read.version);
            if base < 0 || largest > REVISION_MAX {
                return Err(ChunkError::Number { id, record });
            }
            last = read.revision;
            offsets.push(u32::try_from(at).map_err(|_| short(record))?);
            at = end;
        }
        match data.len() - at {
            0 => Ok(Self {
                id,
                version,
                base,
                last,
                data,
                offsets,
            }),
            extra => Err(ChunkError::Trailing { id, extra }),
        }
    }

    /// The revision of the last record; zeros in an empty chunk.
    pub fn newest(&self) -> Revision {
        self.last
    }

    fn record_bytes(&self) -> usize {
        self.data.len() - CHUNK_HEADER_BYTES
    }

    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.offsets.len()).map(|position| self.record(position))
    }

    fn record(&self, position: usize) -> Record<'_> {
        decode_record(self.base, &self.data, self.offsets[position] as usize)
            .expect("records are checked when a chunk is made")
            .0
    }

    fn revision(&self, position: usize) -> Revision {
        let mut at = self.offsets[position] as usize;
        let main = read_varint(&self.data, &mut at).expect("checked when the chunk was made");
        let sub = read_varint(&self.data, &mut at).expect("checked when the chunk was made");
        Revision {
            main: self.base + main as i64,
            sub: sub as u32,
        }
    }

    /// The position of the first record at or after `revision`.
    ///
    /// Each look at a record waits for memory. Revisions follow each other closely, so where one
    /// lies between the first and the last tells the position, nearly always at once; from then on
    /// it halves.
    fn position(&self, revision: Revision) -> usize {
        const GUESSES: usize = 2;
        let (mut low, mut high) = (0, self.offsets.len());
        let (mut first, mut last) = (self.base, self.last.main);
        let mut looks = 0;
        while low < high {
            let rest = high - low - 1;
            let distance = revision.main.clamp(first, last) - first;
            let middle = match looks < GUESSES && first < last {
                true => low + (distance as u128 * rest as u128 / (last - first) as u128) as usize,
                false => low + rest / 2,
            };
            looks += 1;
            let found = self.revision(middle);
            match found.cmp(&revision) {
                Ordering::Equal => return middle,
                Ordering::Less => (low, first) = (middle + 1, found.main),
                Ordering::Greater => (high, last) = (middle, found.main),
            }
        }
        low
    }

    fn push(&mut self, record: &Record<'_>) {
        assert!(record.revision > self.last, "records are appended in order");
        self.offsets
            .push(u32::try_from(self.data.len()).expect("chunks stay below 4 GiB"));
        encode_record(self.base, record, &mut self.data);
        let count = u32::try_from(self.offsets.len()).expect("as many as fit into 4 GiB");
        self.data[8..CHUNK_HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
        self.last = record.revision;
        self.version += 1;
    }

    fn has_room(&self, record: &Record<'_>) -> bool {
        self.data.len() + encoded_bytes(record) <= CHUNK_BYTES
    }

    fn is_half_empty(&self) -> bool {
        self.data.len() <= CHUNK_BYTES / 2
    }

    /// Gives back room that will not be filled. Copied, because an allocator shrinks a block in
    /// place as long as half of it is used.
    fn fit(&mut self) {
        if self.data.capacity() - self.data.len() > self.data.len() / 8 {
            self.data = self.data.as_slice().to_vec();
            self.offsets = self.offsets.as_slice().to_vec();
        }
    }
}

impl Dead {
    fn add(&mut self, position: usize, bytes: usize) {
        let word = position / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (position % 64);
        self.bytes += bytes;
    }

    fn has(&self, position: usize) -> bool {
        let word = self.bits.get(position / 64);
        word.is_some_and(|word| word >> (position % 64) & 1 == 1)
    }
}

impl Sealed {
    fn new(chunk: Chunk, dead: Dead) -> Self {
        Self {
            chunk: Arc::new(chunk),
            dead,
        }
    }

    fn needs_rewriting(&self) -> bool {
        self.dead.bytes * DEAD_SHARE > self.chunk.record_bytes()
    }

    /// An empty chunk in the place of `chunk`.
    fn rewritten(chunk: &Chunk) -> Self {
        let mut fresh = Chunk::new(chunk.id, chunk.base);
        fresh.version = chunk.version + 1;
        Self::new(fresh, Dead::default())
    }
}

impl Record<'_> {
    /// What the record counts for in sizes and quotas, in bytes.
    pub fn bytes(&self) -> usize {
        self.key.len() + self.value.len() + RECORD_OVERHEAD_BYTES
    }

    pub fn to_key_value(self) -> KeyValue {
        KeyValue {
            key: Bytes::copy_from_slice(self.key),
            value: Bytes::copy_from_slice(self.value),
            create_revision: self.create_revision,
            mod_revision: self.revision.main,
            version: self.version,
            lease: self.lease,
        }
    }
}

impl History {
    /// Puts chunks in order; the newest one stays sealed, writing goes on in a fresh one.
    pub fn from_chunks(mut chunks: Vec<Chunk>) -> Result<Self, ChunkError> {
        chunks.retain(|chunk| !chunk.offsets.is_empty());
        chunks.sort_by_key(|chunk| chunk.revision(0));
        for pair in chunks.windows(2) {
            if pair[1].revision(0) <= pair[0].last {
                return Err(ChunkError::Order {
                    id: pair[1].id,
                    record: 0,
                });
            }
        }
        let next_id = chunks.iter().map(|chunk| chunk.id + 1).max().unwrap_or(0);
        let bytes = chunks.iter().map(Chunk::record_bytes).sum();
        let sealed = chunks.into_iter();
        let sealed = sealed.map(|chunk| Sealed::new(chunk, Dead::default()));
        let sealed = sealed.collect();
        Ok(Self {
            sealed,
            next_id,
            bytes,
            ..Self::default()
        })
    }

    /// Adds a version; its revision is higher than all before.
    pub fn push(&mut self, record: &Record<'_>) {
        if self
            .open
            .as_ref()
            .is_some_and(|open| !open.has_room(record))
        {
            self.seal();
        }
        let open = self.open.get_or_insert_with(|| {
            self.next_id += 1;
            Chunk::new(self.next_id - 1, record.revision.main)
        });
        let before = open.data.len();
        open.push(record);
        self.bytes += open.data.len() - before;
    }

    fn seal(&mut self) {
        if let Some(mut open) = self.open.take() {
            open.fit();
            let dead = std::mem::take(&mut self.open_dead);
            self.sealed.push(Sealed::new(open, dead));
        }
    }

    pub fn chunks(&self) -> impl DoubleEndedIterator<Item = &Chunk> {
        self.sealed
            .iter()
            .map(|sealed| sealed.chunk.as_ref())
            .chain(self.open.as_ref())
    }

    /// The chunks for a checkpoint: handles on the sealed ones, a copy of the open one.
    pub fn share(&self) -> Vec<Arc<Chunk>> {
        let sealed = self.sealed.iter().map(|sealed| sealed.chunk.clone());
        sealed.chain(self.open.clone().map(Arc::new)).collect()
    }

    /// The record of a revision that the index knows.
    pub fn get(&self, revision: Revision) -> Record<'_> {
        let chunk = self
            .chunk_at(self.chunk_index(revision))
            .expect("indexed revisions exist");
        let record = chunk.record(chunk.position(revision));
        assert!(record.revision == revision, "indexed revisions exist");
        record
    }

    /// Every record at or after `revision`, oldest first.
    pub fn since(&self, revision: Revision) -> impl Iterator<Item = Record<'_>> {
        self.runs_since(revision)
            .flat_map(|(chunk, _, positions)| positions.map(|position| chunk.record(position)))
    }

    /// As [`Self::since`], without those that were forgotten.
    pub fn needed_since(&self, revision: Revision) -> impl Iterator<Item = Record<'_>> {
        self.runs_since(revision)
            .flat_map(|(chunk, dead, positions)| {
                let needed = positions.filter(|position| !dead.has(*position));
                needed.map(|position| chunk.record(position))
            })
    }

    /// Where the records at or after `revision` are.
    fn runs_since(
        &self,
        revision: Revision,
    ) -> impl Iterator<Item = (&Chunk, &Dead, Range<usize>)> {
        let first = self.chunk_index(revision);
        let skip = self
            .chunk_at(first)
            .map_or(0, |chunk| chunk.position(revision));
        let open = self.open.as_ref().filter(|_| first <= self.sealed.len());
        self.sealed[first.min(self.sealed.len())..]
            .iter()
            .map(|sealed| (sealed.chunk.as_ref(), &sealed.dead))
            .chain(open.map(|open| (open, &self.open_dead)))
            .enumerate()
            .map(move |(number, (chunk, dead))| {
                let start = if number == 0 { skip } else { 0 };
                (chunk, dead, start..chunk.offsets.len())
            })
    }

    /// The main revision after which at most about `bytes` of history were written.
    pub fn revision_before_last(&self, bytes: usize) -> Option<i64> {
        let mut sum = 0;
        self.chunks().rev().find_map(|chunk| {
            sum += chunk.record_bytes();
            (sum > bytes).then(|| chunk.revision(0).main - 1)
        })
    }

    /// Notes that the record of `revision` is no longer needed; [`Self::sweep`] frees the space.
    pub fn forget(&mut self, revision: Revision) {
        let index = self.chunk_index(revision);
        let Some(chunk) = self.chunk_at(index) else {
            return;
        };
        let position = chunk.position(revision);
        let start = chunk.offsets[position] as usize;
        let end = chunk
            .offsets
            .get(position + 1)
            .map_or(chunk.data.len(), |end| *end as usize);
        self.dead_bytes += end - start;
        match self.sealed.get_mut(index) {
            Some(sealed) => {
                sealed.dead.add(position, end - start);
                if index < self.swept && sealed.needs_rewriting() {
                    self.swept = index;
                    self.filling = false;
                }
            }
            None => self.open_dead.add(position, end - start),
        }
    }

    /// Rewrites sealed chunks of which more than a quarter is dead without that, and fills the room
    /// before them: neighbours end up full. A bounded number of them; false once all are.
    pub fn sweep(&mut self) -> bool {
        let rest = &self.sealed[self.swept..];
        let (mut records, mut bytes) = (0, 0);
        let taken = rest.iter().take(SWEEP_CHUNKS).take_while(|sealed| {
            let full = records >= SWEEP_RECORDS || bytes >= SWEEP_BYTES;
            if sealed.needs_rewriting() {
                records += sealed.chunk.offsets.len();
                bytes += sealed.chunk.record_bytes();
            }
            !full
        });
        let end = self.swept + taken.count();
        if bytes == 0 {
            self.filling &= end == self.swept;
            self.swept = end;
            return end < self.sealed.len();
        }
        // With the one before, which may have room.
        let first = self.swept.saturating_sub(1);
        let taken: Vec<Sealed> = self.sealed.drain(first..end).collect();
        let kept = self.rewrite(taken);
        self.swept = first + kept.len();
        self.sealed.splice(first..first, kept);
        self.swept < self.sealed.len()
    }

    /// What takes the place of a run of sealed chunks.
    fn rewrite(&mut self, taken: Vec<Sealed>) -> Vec<Sealed> {
        let mut kept: Vec<Sealed> = Vec::with_capacity(taken.len());
        let mut filling = self.filling;
        for (number, sealed) in taken.into_iter().enumerate() {
            if !sealed.needs_rewriting() {
                kept.push(sealed);
                // The first one may be what the last sweep was filling.
                filling &= number == 0;
                continue;
            }
            let Sealed { chunk, dead } = &sealed;
            self.dead_bytes -= dead.bytes;
            self.bytes -= chunk.record_bytes();
            let mut joins = filling || kept.last().is_some_and(|last| last.chunk.is_half_empty());
            let mut moved = false;
            let live = (0..chunk.offsets.len()).filter(|position| !dead.has(*position));
            for record in live.map(|position| chunk.record(position)) {
                joins = joins && kept.last().is_some_and(|last| last.chunk.has_room(&record));
                if !joins && !moved {
                    kept.push(Sealed::rewritten(chunk));
                    moved = true;
                }
                // The last chunk may belong to a checkpoint too: then this is a copy of it.
                let target = kept
                    .last_mut()
                    .expect("there is one to join, or it was pushed");
                let target = Arc::make_mut(&mut target.chunk);
                let before = target.data.len();
                target.push(&record);
                // Not what it took before: its revision may be relative to an older base now.
                self.bytes += target.data.len() - before;
                filling = true;
            }
        }
        for sealed in &mut kept {
            if let Some(chunk) = Arc::get_mut(&mut sealed.chunk) {
                chunk.fit();
            }
        }
        self.filling = filling;
        kept
    }

    /// Encoded bytes of all records.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Encoded bytes of records that were forgotten and not swept yet.
    pub fn dead_bytes(&self) -> usize {
        self.dead_bytes
    }

    fn chunk_index(&self, revision: Revision) -> usize {
        self.sealed
            .partition_point(|sealed| sealed.chunk.last < revision)
    }

    fn chunk_at(&self, index: usize) -> Option<&Chunk> {
        match self.sealed.get(index) {
            Some(sealed) => Some(&sealed.chunk),
            None => self.open.as_ref().filter(|_| index == self.sealed.len()),
        }
    }
}

/// What a record may take in its chunk, in bytes; a little more than it really does.
fn encoded_bytes(record: &Record<'_>) -> usize {
    const HEAD_BYTES_MAX: usize = 1 + 10 + 5 + 10 + 10 + 8 + 5 + 5;
    HEAD_BYTES_MAX + record.key.len() + record.value.len()
}

fn encode_record(base: i64, record: &Record<'_>, out: &mut Vec<u8>) {
    write_varint((record.revision.main - base) as u64, out);
    write_varint(u64::from(record.revision.sub), out);
    let mut flags = 0;
    if record.tombstone {
        flags |= FLAG_TOMBSTONE;
    }
    if record.lease != 0 {
        flags |= FLAG_LEASE;
    }
    out.push(flags);
    if !record.tombstone {
        write_varint((record.revision.main - record.create_revision) as u64, out);
        write_varint(record.version as u64, out);
    }
    if record.lease != 0 {
        out.extend_from_slice(&record.lease.to_le_bytes());
    }
    write_varint(record.key.len() as u64, out);
    write_varint(record.value.len() as u64, out);
    out.extend_from_slice(record.key);
    out.extend_from_slice(record.value);
}

/// The record at `at` and where it ends; `None` where the bytes end inside it.
fn decode_record(base: i64, data: &[u8], mut at: usize) -> Option<(Record<'_>, usize)> {
    let main = base.checked_add(i64::try_from(read_varint(data, &mut at)?).ok()?)?;
    let sub = u32::try_from(read_varint(data, &mut at)?).ok()?;
    let flags = *data.get(at)?;
    at += 1;
    let tombstone = flags & FLAG_TOMBSTONE != 0;
    let (mut create_revision, mut version, mut lease) = (0, 0, 0);
    if !tombstone {
        create_revision = main.checked_sub(i64::try_from(read_varint(data, &mut at)?).ok()?)?;
        version = i64::try_from(read_varint(data, &mut at)?).ok()?;
    }
    if flags & FLAG_LEASE != 0 {
        lease = i64::from_le_bytes(data.get(at..at.checked_add(8)?)?.try_into().ok()?);
        at += 8;
    }
    let key_bytes = usize::try_from(read_varint(data, &mut at)?).ok()?;
    let value_bytes = usize::try_from(read_varint(data, &mut at)?).ok()?;
    let key_end = at.checked_add(key_bytes)?;
    let end = key_end.checked_add(value_bytes)?;
    let record = Record {
        revision: Revision { main, sub },
        tombstone,
        create_revision,
        version,
        lease,
        key: data.get(at..key_end)?,
        value: data.get(key_end..end)?,
    };
    Some((record, end))
}

fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_varint(data: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *data.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests;
