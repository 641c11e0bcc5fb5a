//! The directory of one checkpoint as sled keeps it: chunks in pieces, in order of id.
//!
//! Runs only in the worker process. Key: id and piece number, big endian; value: the piece, the
//! first one behind {version u64, crc32c u32, bytes u32}, little endian. A database stays open for
//! one bounded session: sled 0.34 decides about eviction only after 64 page accesses on one of 256
//! shards, so that `cache_capacity` bounds nothing here, and closing it is what gives memory back.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::adapter::checkpoint::proof::ChunkProof;

/// Values of 64 KiB make sled's leaf pages of 1 MiB; 16 KiB were as fast to read, and smaller
/// segments make a small checkpoint small.
const PIECE_BYTES: usize = 16 << 10;
/// A page over a quarter of a segment goes to a file of its own under `blobs/`, which sled leaks
/// when it is closed at the wrong moment (750 MB for 50 MB, measured). A leaf has at most 17
/// pieces, 272 KiB, so a quarter must be more.
const SEGMENT_BYTES: usize = 2 << 20;
const CACHE_BYTES: u64 = 1 << 20;
/// What one session writes: its pages stay in memory until it ends.
const WRITE_SESSION_BYTES: usize = 16 << 20;
/// What one session reads. Opening again costs about 20 ms, so this is larger.
const READ_SESSION_BYTES: usize = 48 << 20;
const BATCH_BYTES: usize = 1 << 20;
const BATCH_KEYS: usize = 1024;
/// One or two are enough in all that was seen.
const SETTLE_MAX: u32 = 8;
const CHUNK_HEADER_BYTES: usize = 16;
/// sled's pool threads hold the lock on the file for a moment after it is closed, and the worker of
/// a daemon that was killed may still be ending.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_RETRY: Duration = Duration::from_millis(1);

/// Why sled or its content cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("sled: {0}")]
    Sled(#[from] sled::Error),
    #[error("chunk {0}: its pieces do not fit together")]
    Pieces(u64),
    #[error("reading changes its files, even after {SETTLE_MAX} times")]
    Restless,
    #[error("{0}")]
    Stream(#[from] io::Error),
}

/// A chunk to write; `bytes_before` is the length that the directory holds for it now.
pub(super) struct ChunkWrite {
    pub proof: ChunkProof,
    pub bytes_before: Option<u32>,
    pub bytes: Vec<u8>,
}

/// Removes and writes chunks in sessions; `progress` is called after each.
pub(super) fn apply(
    directory: &Path,
    removals: &[(u64, u32)],
    chunks: impl Iterator<Item = io::Result<ChunkWrite>>,
    mut progress: impl FnMut() -> io::Result<()>,
) -> Result<(), StoreError> {
    let mut keys = removals
        .iter()
        .flat_map(|(id, bytes)| (0..piece_count(*bytes as usize)).map(|piece| key(*id, piece)));
    let mut chunks = chunks.peekable();
    loop {
        let database = open(directory)?;
        let mut written = 0;
        while written < WRITE_SESSION_BYTES {
            let mut batch = sled::Batch::default();
            let mut empty = true;
            for key in keys.by_ref().take(BATCH_KEYS) {
                batch.remove(&key);
                empty = false;
            }
            let mut bytes = 0;
            while bytes < BATCH_BYTES
                && let Some(chunk) = chunks.next()
            {
                bytes += put(&mut batch, &chunk?);
                empty = false;
            }
            if empty {
                break;
            }
            database.apply_batch(batch)?;
            // A batch of removals alone also makes pages, of which it is not known how large.
            written += bytes.max(BATCH_BYTES);
        }
        database.flush()?;
        drop(database);
        progress()?;
        if written < WRITE_SESSION_BYTES {
            return Ok(());
        }
    }
}

/// Gives every chunk in order of id to `take`, with the sum of the bytes that were really read.
pub(super) fn scan(
    directory: &Path,
    mut take: impl FnMut(ChunkProof, &[u8]) -> io::Result<()>,
    mut progress: impl FnMut() -> io::Result<()>,
) -> Result<(), StoreError> {
    let mut from = key(0, 0);
    let mut bytes = Vec::new();
    loop {
        let database = open(directory)?;
        let mut session = 0;
        let mut current: Option<Partial> = None;
        for entry in database.range(from..) {
            let (key, value) = entry?;
            let partial = Partial::add(current.take(), &key, &value, &mut bytes)?;
            if bytes.len() < partial.bytes {
                current = Some(partial);
                continue;
            }
            let proof = partial.finish(&bytes)?;
            take(proof, &bytes)?;
            session += bytes.len();
            if session >= READ_SESSION_BYTES {
                from = self::key(proof.id, u32::MAX);
                break;
            }
        }
        // A reader of sled also splits and merges pages, which must not be lost half way.
        database.flush()?;
        drop(database);
        progress()?;
        if let Some(partial) = current {
            return Err(StoreError::Pieces(partial.id));
        }
        if session < READ_SESSION_BYTES {
            return Ok(());
        }
    }
}

/// Reads everything until reading changes no file any more, and gives what was read last.
///
/// sled splits and merges pages while it reads, cuts the tail of its log when it opens, and then
/// writes a snapshot named after the end of the log. Only files that rest can be proved by sums.
pub(super) fn settle(
    directory: &Path,
    mut progress: impl FnMut() -> io::Result<()>,
) -> Result<Vec<ChunkProof>, StoreError> {
    let mut before = end_of_log(directory)?;
    for _ in 0..SETTLE_MAX {
        let mut held = Vec::new();
        let keep = |proof, _: &[u8]| {
            held.push(proof);
            Ok(())
        };
        scan(directory, keep, &mut progress)?;
        let after = end_of_log(directory)?;
        if before == after {
            return Ok(held);
        }
        before = after;
    }
    Err(StoreError::Restless)
}

/// The names of sled's own snapshots after a recovery, which tell how far its log goes.
fn end_of_log(directory: &Path) -> Result<Vec<OsString>, StoreError> {
    drop(open(directory)?);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.push(entry?.file_name());
    }
    names.sort();
    Ok(names)
}

/// A chunk of which some pieces have been read.
struct Partial {
    id: u64,
    version: u64,
    crc32c: u32,
    bytes: usize,
    pieces: u32,
}

impl Partial {
    fn add(
        current: Option<Self>,
        key: &[u8],
        value: &[u8],
        bytes: &mut Vec<u8>,
    ) -> Result<Self, StoreError> {
        let (id, piece) = split_key(key).ok_or(StoreError::Pieces(0))?;
        let mut partial = match current {
            None if piece == 0 => {
                bytes.clear();
                return Self::first(id, value, bytes);
            }
            Some(partial) if partial.id == id && partial.pieces == piece => partial,
            _ => return Err(StoreError::Pieces(id)),
        };
        bytes.extend_from_slice(value);
        partial.pieces += 1;
        Ok(partial)
    }

    fn first(id: u64, value: &[u8], bytes: &mut Vec<u8>) -> Result<Self, StoreError> {
        let (header, piece) = value
            .split_first_chunk::<CHUNK_HEADER_BYTES>()
            .ok_or(StoreError::Pieces(id))?;
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("4 bytes"));
        bytes.extend_from_slice(piece);
        Ok(Self {
            id,
            version: u64::from_le_bytes(header[..8].try_into().expect("8 bytes")),
            crc32c: word(8),
            bytes: word(12) as usize,
            pieces: 1,
        })
    }

    fn finish(self, bytes: &[u8]) -> Result<ChunkProof, StoreError> {
        let crc32c = crc32c::crc32c(bytes);
        if bytes.len() != self.bytes || crc32c != self.crc32c {
            return Err(StoreError::Pieces(self.id));
        }
        Ok(ChunkProof {
            id: self.id,
            version: self.version,
            bytes: bytes.len() as u32,
            crc32c,
        })
    }
}

fn put(batch: &mut sled::Batch, chunk: &ChunkWrite) -> usize {
    let proof = &chunk.proof;
    let count = piece_count(chunk.bytes.len());
    for piece in 0..count {
        let from = piece as usize * PIECE_BYTES;
        let part = &chunk.bytes[from..chunk.bytes.len().min(from + PIECE_BYTES)];
        if piece == 0 {
            let mut value = Vec::with_capacity(CHUNK_HEADER_BYTES + part.len());
            value.extend_from_slice(&proof.version.to_le_bytes());
            value.extend_from_slice(&proof.crc32c.to_le_bytes());
            value.extend_from_slice(&proof.bytes.to_le_bytes());
            value.extend_from_slice(part);
            batch.insert(&key(proof.id, piece), value);
        } else {
            batch.insert(&key(proof.id, piece), part);
        }
    }
    for piece in count
        ..chunk
            .bytes_before
            .map_or(0, |bytes| piece_count(bytes as usize))
    {
        batch.remove(&key(proof.id, piece));
    }
    chunk.bytes.len() + CHUNK_HEADER_BYTES
}

/// An empty chunk has one piece, for its header.
fn piece_count(bytes: usize) -> u32 {
    bytes.div_ceil(PIECE_BYTES).max(1) as u32
}

fn key(id: u64, piece: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&id.to_be_bytes());
    key[8..].copy_from_slice(&piece.to_be_bytes());
    key
}

fn split_key(key: &[u8]) -> Option<(u64, u32)> {
    let (id, piece) = key.split_first_chunk::<8>()?;
    Some((
        u64::from_be_bytes(*id),
        u32::from_be_bytes(piece.try_into().ok()?),
    ))
}

/// Without the periodic flusher: `flush` is called by hand, and nothing writes behind our back.
fn open(directory: &Path) -> Result<sled::Db, sled::Error> {
    let started = Instant::now();
    loop {
        let opened = sled::Config::new()
            .path(directory)
            .cache_capacity(CACHE_BYTES)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(None)
            .open();
        match opened {
            // The only trace of a held lock in sled's error is its text.
            Err(sled::Error::Io(error))
                if error.to_string().contains("could not acquire lock")
                    && started.elapsed() < LOCK_WAIT =>
            {
                thread::sleep(LOCK_RETRY);
            }
            opened => return opened,
        }
    }
}
