//! The records of the log: what they say and how they stand in a segment.
//!
//! Layout, little endian: length u32 (of the payload), crc32c u32, tag u32, batch u32, kind u32,
//! term u64, index u64, payload, zeros up to a multiple of 8. The checksum covers all but itself
//! and starts from the segment's seed and the record's own offset, so that a record is valid only
//! in its own place in its own use of a file: bytes left over from a recycled segment, or a copy
//! of the log stored as a value, are never taken for a record. `tag` repeats a part of the seed to
//! make looking for records cheap. `batch` is the offset at which the record's batch begins: a
//! batch is written only after the one before it was synced.

/// Bytes of a record before its payload.
pub(super) const RECORD_HEADER_BYTES: usize = 36;

/// Records begin at multiples of this, so that looking for one after damage tries few places.
pub(super) const RECORD_ALIGNMENT: usize = 8;

/// One change to the log, as submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A Raft entry. `index` must be the one after the last, or any in a log that never had one.
    Entry {
        term: u64,
        index: u64,
        payload: Vec<u8>,
    },
    /// The vote; replaces the former.
    Vote(Vec<u8>),
    /// What is known to be committed; replaces the former.
    Committed(Vec<u8>),
    /// Drops the entries with this index and above.
    Truncate { from: u64 },
    /// Drops the entries up to and including `index`, which may lie beyond the last one: then the
    /// log is empty and goes on at `index + 1`. One below the former purge changes nothing.
    Purge(Purged),
}

/// Up to where the log was purged; `payload` is the caller's own form of the log id.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Purged {
    pub term: u64,
    pub index: u64,
    pub payload: Vec<u8>,
}

/// An entry as read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRecord {
    pub term: u64,
    pub index: u64,
    pub payload: Vec<u8>,
}

/// What a record is; the numbers stand on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Entry = 1,
    Vote = 2,
    Committed = 3,
    Truncate = 4,
    Purge = 5,
    /// First in each segment: all that older segments said besides entries, see `Start`.
    Start = 6,
    /// Last before an orderly end, alone in its batch: damage before it can not be a torn tail.
    Seal = 7,
}

impl Kind {
    pub(super) fn from_number(number: u32) -> Option<Self> {
        [
            Self::Entry,
            Self::Vote,
            Self::Committed,
            Self::Truncate,
            Self::Purge,
            Self::Start,
            Self::Seal,
        ]
        .into_iter()
        .find(|kind| *kind as u32 == number)
    }
}

/// One use of a segment file: a recycled file gets another, so nothing old is valid in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) sequence: u32,
    pub(super) nonce: u64,
}

impl Stamp {
    /// Where the checksum of a record at `offset` starts from.
    fn seed(self, offset: u64) -> u32 {
        let mixed = self.nonce ^ (u64::from(self.sequence) << 32) ^ offset;
        crc32c::crc32c(&mixed.to_le_bytes())
    }

    /// Never zero, so that zeroed space never looks like a record.
    pub(super) fn tag(self) -> u32 {
        let low = u32::try_from(self.nonce & u64::from(u32::MAX)).expect("masked to 32 bits");
        low.max(1)
    }
}

/// The fixed part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: u32,
    crc: u32,
    pub(super) tag: u32,
    pub(super) batch: u32,
    pub(super) kind: u32,
    pub(super) term: u64,
    pub(super) index: u64,
}

impl Header {
    /// Reads the fields, valid or not; `bytes` holds at least a header.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self {
            length: u32_at(bytes, 0),
            crc: u32_at(bytes, 4),
            tag: u32_at(bytes, 8),
            batch: u32_at(bytes, 12),
            kind: u32_at(bytes, 16),
            term: u64_at(bytes, 20),
            index: u64_at(bytes, 28),
        }
    }

    /// Bytes of the whole record.
    pub(super) fn size(&self) -> u64 {
        record_size(self.length as usize)
    }
}

/// Bytes of a record with a payload of `length`.
pub(super) fn record_size(length: usize) -> u64 {
    (RECORD_HEADER_BYTES + length).next_multiple_of(RECORD_ALIGNMENT) as u64
}

/// The parts of a record to write.
pub(super) struct Parts<'a> {
    pub(super) kind: Kind,
    pub(super) term: u64,
    pub(super) index: u64,
    pub(super) payload: &'a [u8],
}

impl Record {
    pub(super) fn parts(&self) -> Parts<'_> {
        let (kind, term, index, payload): (_, _, _, &[u8]) = match self {
            Self::Entry {
                term,
                index,
                payload,
            } => (Kind::Entry, *term, *index, payload),
            Self::Vote(payload) => (Kind::Vote, 0, 0, payload),
            Self::Committed(payload) => (Kind::Committed, 0, 0, payload),
            Self::Truncate { from } => (Kind::Truncate, 0, *from, &[]),
            Self::Purge(purged) => (Kind::Purge, purged.term, purged.index, &purged.payload),
        };
        Parts {
            kind,
            term,
            index,
            payload,
        }
    }

    pub(super) fn size(&self) -> u64 {
        record_size(self.parts().payload.len())
    }
}

/// Appends the record for `offset` of the segment to `out`.
pub(super) fn encode(out: &mut Vec<u8>, stamp: Stamp, offset: u64, batch: u64, parts: &Parts<'_>) {
    let begin = out.len();
    let size = usize::try_from(record_size(parts.payload.len())).expect("a record fits in memory");
    let length = u32::try_from(parts.payload.len()).expect("checked against the segment's size");
    let batch = u32::try_from(batch).expect("an offset in a segment fits in 32 bits");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&stamp.tag().to_le_bytes());
    out.extend_from_slice(&batch.to_le_bytes());
    out.extend_from_slice(&(parts.kind as u32).to_le_bytes());
    out.extend_from_slice(&parts.term.to_le_bytes());
    out.extend_from_slice(&parts.index.to_le_bytes());
    out.extend_from_slice(parts.payload);
    out.resize(begin + size, 0);
    let crc = checksum(&out[begin..], stamp, offset);
    out[begin + 4..begin + 8].copy_from_slice(&crc.to_le_bytes());
}

/// The header and whether `bytes`, which is a whole record, is valid at `offset`.
pub(super) fn verify(bytes: &[u8], stamp: Stamp, offset: u64) -> bool {
    let header = Header::parse(bytes);
    header.tag == stamp.tag()
        && u64::from(header.batch) <= offset
        && header.crc == checksum(bytes, stamp, offset)
}

fn checksum(record: &[u8], stamp: Stamp, offset: u64) -> u32 {
    let head = crc32c::crc32c_append(stamp.seed(offset), &record[..4]);
    crc32c::crc32c_append(head, &record[8..])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
