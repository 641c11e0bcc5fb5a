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
#[derive(Clone, Debug, PartialEq, Eq)]
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
