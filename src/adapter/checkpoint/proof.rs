//! The small file that proves a checkpoint: what the directory must hold, byte for byte.
//!
//! A directory without a matching proof is not a checkpoint. Layout of `a.proof`, little endian:
//! magic (8), format (u32), crc32c of those 12 bytes (u32), body (postcard), crc32c of everything
//! before (u32). The header has a sum of its own, so that a damaged byte is told from another
//! format. `a.writing` has the same layout; its body is the sequence that is being written.
//!
//! Zeros at the end of a file do not count: when sled opens a directory, its threads cut free
//! segments off the file while another fills free segments with zeros, so that the length depends
//! on who was faster, and on when the reader was killed.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::num::TryFromIntError;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"CORACKPT";
/// Raised by every change of the body or of what the directories hold.
pub(super) const FORMAT: u32 = 2;
const HEADER_BYTES: usize = 16;
const SUM_BYTES: usize = 4;
/// A file is summed in parts of this size, so that two cores share one large file.
const PART_BYTES: u64 = 8 << 20;
/// More threads than this wait for memory rather than compute.
const SUM_THREADS_MAX: usize = 4;
const READ_BYTES: usize = 256 << 10;

/// One chunk as the directory must give it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChunkProof {
    pub id: u64,
    pub version: u64,
    pub bytes: u32,
    pub crc32c: u32,
}

/// One file of the directory, `blobs/17` for one in a folder, up to its last byte that is not zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileProof {
    pub name: String,
    pub bytes: u64,
    pub crc32c: u32,
}

/// The body of a proof file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proof {
    pub sequence: u64,
    pub meta: Vec<u8>,
    /// In ascending order of id.
    pub chunks: Vec<ChunkProof>,
    pub files: Vec<FileProof>,
    /// [`state_hash`] of `chunks` and `meta`.
    pub state_hash: [u8; 32],
}

impl Proof {
    pub(super) fn disk_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl FileProof {
    /// Whether this is the content that was proved.
    pub(super) fn check(&self, sum: Sum) -> Result<(), String> {
        let name = &self.name;
        if sum.bytes != self.bytes {
            let (found, proved) = (sum.bytes, self.bytes);
            return Err(format!("{name}: has {found} bytes, proved were {proved}"));
        }
        if sum.crc32c != self.crc32c {
            return Err(format!("{name}: its bytes do not match the proved sum"));
        }
        Ok(())
    }
}

/// What was read of a file, and how much of it comes before the zeros at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    bytes: u64,
    crc32c: u32,
    read_bytes: u64,
    read_crc32c: u32,
}

impl Sum {
    pub(super) fn add(&mut self, read: &[u8]) {
        let counted = read.iter().rposition(|byte| *byte != 0);
        let (counted, zeros) = read.split_at(counted.map_or(0, |last| last + 1));
        let crc32c = crc32c::crc32c_append(self.read_crc32c, counted);
        if !counted.is_empty() {
            self.bytes = self.read_bytes + counted.len() as u64;
            self.crc32c = crc32c;
        }
        self.read_bytes += read.len() as u64;
        self.read_crc32c = crc32c::crc32c_append(crc32c, zeros);
    }

    /// The sum of this part of a file and of the `next` one, which was summed by itself.
    fn followed_by(self, next: Self) -> Result<Self, TryFromIntError> {
        let combine = |bytes: u64, crc32c| {
            usize::try_from(bytes)
                .map(|bytes| crc32c::crc32c_combine(self.read_crc32c, crc32c, bytes))
        };
        let (bytes, crc32c) = match next.bytes {
            0 => (self.bytes, self.crc32c),
            bytes => (self.read_bytes + bytes, combine(bytes, next.crc32c)?),
        };
        Ok(Self {
            bytes,
            crc32c,
            read_bytes: self.read_bytes + next.read_bytes,
            read_crc32c: combine(next.read_bytes, next.read_crc32c)?,
        })
    }
}

/// Why a proof file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProofError {
    #[error("cannot read it: {0}")]
    Read(#[source] io::Error),
    #[error("{0}")]
    Damaged(&'static str),
    #[error("format {0}")]
    Format(u32),
}

/// The hash over the ordered list of (id, version, length, chunk sum) and the meta bytes.
pub(super) fn state_hash(chunks: &[ChunkProof], meta: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update((chunks.len() as u64).to_le_bytes());
    for chunk in chunks {
        hasher.update(chunk.id.to_le_bytes());
        hasher.update(chunk.version.to_le_bytes());
        hasher.update(chunk.bytes.to_le_bytes());
        hasher.update(chunk.crc32c.to_le_bytes());
    }
    hasher.update(meta);
    hasher.finalize().into()
}

/// The bytes of a proof file or of a marker with `body`.
pub(super) fn encode(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    let body = postcard::to_stdvec(body).expect("plain data in memory encodes");
    bytes.extend_from_slice(&body);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// The inverse of [`encode`]; `None` when there is no such file.
pub(super) fn read<Body: DeserializeOwned>(path: &Path) -> Result<Option<Body>, ProofError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ProofError::Read(error)),
    };
    if bytes.len() < HEADER_BYTES + SUM_BYTES {
        return Err(ProofError::Damaged("it is too short"));
    }
    let word = |at: usize| {
        u32::from_le_bytes(bytes[at..at + 4].try_into().expect("a slice of four bytes"))
    };
    if &bytes[..8] != MAGIC || word(12) != crc32c::crc32c(&bytes[..12]) {
        return Err(ProofError::Damaged("its header does not match its sum"));
    }
    if word(8) != FORMAT {
        return Err(ProofError::Format(word(8)));
    }
    let end = bytes.len() - SUM_BYTES;
    if word(end) != crc32c::crc32c(&bytes[..end]) {
        return Err(ProofError::Damaged("its content does not match its sum"));
    }
    postcard::from_bytes(&bytes[HEADER_BYTES..end])
        .map(Some)
        .map_err(|_| ProofError::Damaged("its content does not decode"))
}

/// Every file below `directory` with its length and sum, in order of name.
pub(super) fn sum_files(directory: &Path) -> io::Result<Vec<FileProof>> {
    let mut names = Vec::new();
    list(directory, "", &mut names)?;
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let Sum { bytes, crc32c, .. } = sum_file(&directory.join(&name))?;
            Ok(FileProof {
                name,
                bytes,
                crc32c,
            })
        })
        .collect()
}

/// Compares the files below `directory` with `expected`; the error names the first that differs.
pub(super) fn check_files(directory: &Path, expected: &[FileProof]) -> Result<(), String> {
    let mut names = Vec::new();
    list(directory, "", &mut names).map_err(|error| format!("cannot be listed: {error}"))?;
    check_names(&names, expected)?;
    expected.iter().try_for_each(|file| {
        let sum = sum_file(&directory.join(&file.name))
            .map_err(|error| format!("{}: cannot be read: {error}", file.name))?;
        file.check(sum)
    })
}

/// Whether there are files that are not `expected`.
pub(super) fn check_names(names: &[String], expected: &[FileProof]) -> Result<(), String> {
    let extra = names
        .iter()
        .find(|name| !expected.iter().any(|file| file.name == **name));
    match extra {
        Some(extra) => Err(format!("{extra}: the proof knows no such file")),
        None => Ok(()),
    }
}

/// The paths of all files below `directory`, relative to it.
pub(super) fn list(directory: &Path, prefix: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory.join(prefix))? {
        let entry = entry?;
        let name = PathBuf::from(prefix)
            .join(entry.file_name())
            .to_string_lossy()
            .into_owned();
        if entry.file_type()?.is_dir() {
            list(directory, &name, names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

fn sum_file(path: &Path) -> io::Result<Sum> {
    let bytes = fs::metadata(path)?.len();
    let parts = usize::try_from(bytes.div_ceil(PART_BYTES)).map_err(io::Error::other)?;
    let sums = Mutex::new(vec![None; parts]);
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(SUM_THREADS_MAX)
        .min(parts);
    // One thread per core, each takes the next part that nobody has; all end with this scope.
    let failed: Vec<io::Error> = thread::scope(|scope| {
        let work = || sum_parts(path, bytes, &next, &sums);
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = running
            .into_iter()
            .map(|thread| thread.join().expect("summing only reads"));
        ended.filter_map(Result::err).collect()
    });
    if let Some(error) = failed.into_iter().next() {
        return Err(error);
    }
    let sums = sums.into_inner().expect("no thread panicked");
    let mut parts = sums.into_iter().flatten();
    parts
        .try_fold(Sum::default(), Sum::followed_by)
        .map_err(io::Error::other)
}

fn sum_parts(
    path: &Path,
    bytes: u64,
    next: &AtomicUsize,
    sums: &Mutex<Vec<Option<Sum>>>,
) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let part = next.fetch_add(1, Ordering::Relaxed);
        let from = part as u64 * PART_BYTES;
        if from >= bytes {
            return Ok(());
        }
        let length = usize::try_from(PART_BYTES.min(bytes - from)).map_err(io::Error::other)?;
        file.seek(SeekFrom::Start(from))?;
        let mut sum = Sum::default();
        let mut left = length;
        while left > 0 {
            let take = left.min(READ_BYTES);
            file.read_exact(&mut buffer[..take])?;
            sum.add(&buffer[..take]);
            left -= take;
        }
        sums.lock().expect("no thread panics while it holds this")[part] = Some(sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_of_a_proof_is_damage_and_never_another_format() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("a.proof");
        let proof = Proof {
            sequence: 7,
            meta: b"meta".to_vec(),
            chunks: vec![ChunkProof {
                id: 1,
                version: 2,
                bytes: 3,
                crc32c: 4,
            }],
            files: vec![FileProof {
                name: "db".into(),
                bytes: 5,
                crc32c: 6,
            }],
            state_hash: [9; 32],
        };
        let bytes = encode(&proof);
        fs::write(&path, &bytes).expect("written");
        assert_eq!(read::<Proof>(&path).expect("reads"), Some(proof));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, damaged).expect("written");
            let error = read::<Proof>(&path).expect_err("a damaged byte");
            assert!(
                matches!(error, ProofError::Damaged(_)),
                "byte {at}: {error}"
            );
        }
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).expect("written");
            assert!(
                matches!(read::<Proof>(&path), Err(ProofError::Damaged(_))),
                "{length}"
            );
        }
    }

    #[test]
    fn sum_of_a_file_in_parts_is_the_sum_of_its_bytes_before_the_zeros_at_the_end() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut content: Vec<u8> = (0..20_000_003_u32)
            .map(|at| (at ^ (at >> 9)) as u8)
            .collect();
        content[9_000_000..19_000_000].fill(0);
        let sum = crc32c::crc32c(&content);
        let (length, cut) = (content.len() as u64, 9_000_000);
        let sum_cut = crc32c::crc32c(&content[..cut]);
        assert_ne!(content[cut - 1], 0);
        let zeros = vec![0; 20_000_000];
        let files = [
            ("db", content.clone()),
            ("db.cut", content[..cut + 5_000_000].to_vec()),
            ("db.longer", [content.clone(), zeros.clone()].concat()),
            ("empty", Vec::new()),
            ("zeros", zeros),
        ];
        for (name, content) in files {
            fs::write(directory.path().join(name), content).expect("written");
        }
        let files = sum_files(directory.path()).expect("summed");
        let expected = [
            ("db", length, sum),
            ("db.cut", cut as u64, sum_cut),
            ("db.longer", length, sum),
            ("empty", 0, 0),
            ("zeros", 0, 0),
        ]
        .map(|(name, bytes, crc32c)| FileProof {
            name: name.into(),
            bytes,
            crc32c,
        });
        assert_eq!(files, expected);
    }
}
