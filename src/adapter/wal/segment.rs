//! Segment files: their names and first page. A segment's name is its sequence number; the first
//! page holds magic, format version, sequence number and a nonce, checksummed, and is durable
//! before the file gets its name. The index at which a segment begins stands in its first record
//! (`Start`), because a segment is prepared before anybody knows it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::adapter::wal::error::WalError;
use crate::adapter::wal::extent::Extent;
use crate::adapter::wal::files::{self, Directory, File};
use crate::adapter::wal::record::{Purged, Stamp, record_size, u32_at, u64_at};

/// Where records begin. A page of its own, so that no batch rewrites what was there before.
pub(super) const DATA_START: u64 = 4096;

/// Raised with every change of the layout of segments or records.
pub(super) const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"corawal\n";
const HEADER_BYTES: usize = 32;

/// One open segment.
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    pub(super) file: Arc<dyn File>,
}

/// What is remembered besides entries; each segment repeats it, so that older ones can go.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Kept {
    pub(super) vote: Option<Vec<u8>>,
    pub(super) committed: Option<Vec<u8>>,
    pub(super) purged: Option<Purged>,
}

/// The payload of a segment's first record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Start {
    /// Nonce of the segment before and the offset at which its records ended.
    pub(super) previous: Option<(u64, u64)>,
    /// The entries that the log held when this segment began.
    pub(super) extent: Extent,
    pub(super) kept: Kept,
}

impl Kept {
    /// No fewer than the bytes of a start record that repeats this.
    pub(super) fn start_bytes_max(&self) -> u64 {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let purged = self
            .purged
            .as_ref()
            .map_or(0, |purged| purged.payload.len());
        let payloads = length(&self.vote) + length(&self.committed) + purged;
        // Thirteen numbers and marks of at most ten bytes each.
        record_size(payloads + 130)
    }
}

impl Segment {
    /// Opens a file that has a segment's name and reads its first page.
    pub(super) fn open(directory: &dyn Directory, sequence: u32) -> Result<Self, WalError> {
        let name = segment_name(sequence);
        let path = directory.path(&name);
        let file = directory
            .open(&name)
            .map_err(|error| WalError::io("open", &path, error))?;
        let mut page = [0; HEADER_BYTES];
        files::read_full_at(&*file, &mut page, 0)
            .map_err(|error| WalError::io("read", &path, error))?;
        let stamp = parse_header(&page, sequence, &path)?;
        Ok(Self {
            name,
            path,
            stamp,
            file,
        })
    }
}

fn parse_header(page: &[u8], sequence: u32, path: &std::path::Path) -> Result<Stamp, WalError> {
    let corrupt = |expected: String, offset| {
        Err(WalError::Corrupt {
            path: path.to_path_buf(),
            offset,
            expected,
        })
    };
    if page[..8] != MAGIC {
        return corrupt("the magic number of a log segment".to_owned(), 0);
    }
    // Before the checksum: another version may well checksum otherwise.
    let found = u32_at(page, 8);
    if found != FORMAT_VERSION {
        let path = path.to_path_buf();
        return Err(WalError::Version {
            path,
            found,
            known: FORMAT_VERSION,
        });
    }
    if u32_at(page, 28) != crc32c::crc32c(&page[..28]) {
        return corrupt("a segment header that matches its checksum".to_owned(), 28);
    }
    if u32_at(page, 12) != sequence {
        return corrupt(
            format!("sequence number {sequence}, as the file is named"),
            12,
        );
    }
    Ok(Stamp {
        sequence,
        nonce: u64_at(page, 16),
    })
}

/// The first page of a segment.
pub(super) fn header_page(stamp: Stamp) -> Vec<u8> {
    let mut page = Vec::with_capacity(usize::try_from(DATA_START).expect("one page"));
    page.extend_from_slice(&MAGIC);
    page.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    page.extend_from_slice(&stamp.sequence.to_le_bytes());
    page.extend_from_slice(&stamp.nonce.to_le_bytes());
    page.extend_from_slice(&[0; 4]);
    let crc = crc32c::crc32c(&page);
    page.extend_from_slice(&crc.to_le_bytes());
    page.resize(usize::try_from(DATA_START).expect("one page"), 0);
    page
}

pub(super) fn segment_name(sequence: u32) -> String {
    format!("{sequence:010}.wal")
}

pub(super) fn spare_name(sequence: u32) -> String {
    format!("{sequence:010}.spare")
}

pub(super) fn parse_segment_name(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".wal")?;
    digits
        .parse()
        .ok()
        .filter(|sequence| segment_name(*sequence) == name)
}

pub(super) fn is_spare(name: &str) -> bool {
    name.ends_with(".spare")
}
