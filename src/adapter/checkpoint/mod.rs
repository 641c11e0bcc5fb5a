//! Checkpoints of the state in sled, kept so that nothing ever has to trust sled.
//!
//! sled (0.34.7, pinned) is an ordered map with batches that survive a killed process. Used as a
//! database it is none to rely on: `flush` does not flush the device, `flush_async` from many tasks
//! hangs, space and memory are not given back, damaged files make it panic (all measured or read in
//! its source). So an acknowledged write never depends on it; the log does that. What it is used
//! for, and how each danger is kept off:
//!
//! - Two directories in turn, `a` and `b`. A write changes only the one that is not the newest
//!   proved one, by the difference to what that directory holds. The other one stays as it is.
//! - A directory counts only with its proof ([`proof`]): after the write, sled is closed, opened
//!   again and read back in full, every file is fdatasync'ed by us and summed, and then the list of
//!   chunks, the sums of all files and the hash of the state are written atomically beside it.
//!   [`Checkpoints::open`] gives an image only when every file, every chunk and the hash match.
//! - sled runs in a process of its own ([`worker`]), for one request. In-process it left 100 MB
//!   with the allocator for a state of 50 MB, and it can panic or hang on threads of its own.
//! - What is not written is read again from time to time ([`scrub`]), so that damage is found while
//!   the state that the directory should hold is still in memory.
//! - Chunks are stored in pieces and in bounded sessions ([`store`]); a directory that has grown
//!   beyond [`SPACE_FACTOR`] is written afresh.
//!
//! Reading back makes a write cost time in proportion to the state, in the worker and at low
//! priority: that is the price of a proof. Nothing is deleted by opening; what is damaged is
//! written afresh by the next write that is its turn.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::adapter::checkpoint::proof::{ChunkProof, Proof, ProofError};
use crate::adapter::checkpoint::worker::{Put, Worker, WorkerError, Written};
use crate::adapter::disk;

mod proof;
mod scrub;
#[cfg(test)]
pub(in crate::adapter) mod simulation;
mod store;
pub mod worker;

pub use scrub::{Scrub, Scrubbed};

/// A directory may use this many times the bytes of the state. Written afresh it uses 1.6 times,
/// and sled reuses less than half of what later deltas free, so about one write in ten is.
const SPACE_FACTOR: u64 = 3;
/// Below this size nothing is written afresh for space: segments of 2 MiB make small states large.
const SPACE_SLACK_BYTES: u64 = 16 << 20;

/// A part of the state. `version` rises whenever the bytes of this `id` change, as long as the
/// state is one process's; ids are given again after a restart, and a state taken over from another
/// member has that member's, so the two alone do not name the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub id: u64,
    pub version: u64,
    pub bytes: Bytes,
}

/// The whole state at one moment: opaque meta bytes, and chunks in ascending order of id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    pub meta: Vec<u8>,
    pub chunks: Vec<Chunk>,
}

/// How much of the state the log can make again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogReach {
    /// It was never purged: all of it.
    Beginning,
    /// What came after some checkpoint.
    Later,
}

/// How a write shares the processors with what else runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// It gives way to the daemon's own work. On a busy machine it then takes many times as long.
    Yielding,
    /// Others wait for it.
    Prompt,
}

/// What a write has made safe.
#[derive(Debug)]
pub struct Proved {
    /// Rises with every write, proved or not.
    pub sequence: u64,
    /// Chunks that were written, and their bytes.
    pub chunks_written: usize,
    pub bytes_written: u64,
    /// What the directory uses now.
    pub disk_bytes: u64,
    /// Whether the directory was written afresh rather than changed.
    pub fresh: bool,
    /// The content that a delta could not be built upon, so that it was written afresh.
    pub replaced: Option<Discarded>,
}

/// A checkpoint that exists in part or is damaged, and is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// `a` or `b`.
    pub directory: &'static str,
    pub sequence: Option<u64>,
    /// Begins with the name of the file where one is to blame.
    pub why: String,
    /// A write was interrupted, which a crash explains; otherwise something is wrong with the disk.
    pub unfinished: bool,
}

impl fmt::Display for Discarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checkpoint {}", self.directory)?;
        if let Some(sequence) = self.sequence {
            write!(f, " (number {sequence})")?;
        }
        write!(f, " is not used: {}", self.why)
    }
}

/// Why there is no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("cannot {what} {}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "{} has checkpoint format {found}, this version reads format {}; nothing was changed: run \
         the version of coracle that wrote it",
        path.display(), proof::FORMAT
    )]
    Format { path: PathBuf, found: u32 },
    #[error(
        "no checkpoint in {} can be used, and the log does not reach back to the beginning: {}; \
         nothing was deleted: put a backup of the data directory in its place",
        path.display(), list(discarded)
    )]
    NoneUsable {
        path: PathBuf,
        discarded: Vec<Discarded>,
    },
    /// The former checkpoints are as they were, except that the older one may be gone.
    #[error("cannot write checkpoint {}: {why}", directory.display())]
    Write { directory: PathBuf, why: String },
    #[error("cannot run the checkpoint worker: {0}")]
    Worker(String),
}

fn list(discarded: &[Discarded]) -> String {
    discarded
        .iter()
        .map(Discarded::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Where checkpoints are kept: [`Checkpoints`], or what a simulation has in its place.
pub trait Shelf: Send + 'static {
    /// Writes and proves `image` in the directory whose turn it is. Blocks.
    ///
    /// A failure leaves the newest proved checkpoint as it is; the next call begins afresh.
    fn write(&mut self, image: &Image, pace: Pace) -> Result<Proved, CheckpointError>;

    /// The meta bytes of the older of two proved checkpoints: the log may be purged up to there.
    ///
    /// `None` until both are proved: then the log is needed from where it begins.
    fn older_meta(&self) -> Option<&[u8]>;

    /// Whether one was found damaged, and none was written since: the next write is urgent.
    fn is_damaged(&self) -> bool;

    /// What to compare with the disk in the background: each proved checkpoint.
    fn scrubs(&self) -> Vec<Scrub>;

    /// Counts what was found damaged for nothing, so that the next write replaces it. `None` where
    /// the directory has been written since: then nothing is known of it.
    fn discard(&mut self, scrub: &Scrub, why: String) -> Option<Discarded>;
}

/// The two directories of one data directory, and what each is proved to hold.
#[derive(Debug)]
pub struct Checkpoints {
    path: PathBuf,
    worker: Worker,
    /// The highest that any write has begun with.
    sequence: u64,
    slots: [Slot; 2],
    /// Nothing was ever proved here: not even what was found damaged since.
    begun_anew: bool,
    /// One was found damaged, and none was written since.
    damaged: bool,
}

impl Checkpoints {
    /// Opens or creates `path` and gives the newest image that matches its proof.
    ///
    /// The image is `None` when no checkpoint was ever proved here, or none can be used and `log`
    /// reaches back to the beginning, so that nothing is lost with them. Costs reading and summing
    /// all files of one directory; of the other one only the proof is read.
    pub fn open(
        path: &Path,
        worker: Worker,
        log: LogReach,
    ) -> Result<(Self, Option<Image>, Vec<Discarded>), CheckpointError> {
        disk::create_directories(path).map_err(|source| io_error("create", path, source))?;
        let mut discarded = Vec::new();
        let mut begun_anew = true;
        let mut slots = [
            Slot {
                name: "a",
                proof: None,
            },
            Slot {
                name: "b",
                proof: None,
            },
        ];
        for slot in &mut slots {
            match slot.load(path)? {
                Loaded::Absent => {}
                Loaded::Proved(proof) => {
                    begun_anew = false;
                    slot.proof = Some(proof);
                }
                Loaded::Dropped { dropped, first } => {
                    begun_anew &= first;
                    discarded.push(dropped);
                }
            }
        }
        let seen = discarded.iter().filter_map(|dropped| dropped.sequence);
        let sequence = seen
            .chain(slots.iter().filter_map(Slot::sequence))
            .max()
            .unwrap_or(0);
        let mut checkpoints = Self {
            path: path.to_owned(),
            worker,
            sequence,
            slots,
            begun_anew,
            damaged: discarded.iter().any(|dropped| !dropped.unfinished),
        };
        while let Some(newest) = checkpoints.newest() {
            match checkpoints.read(newest)? {
                Ok(image) => return Ok((checkpoints, Some(image), discarded)),
                Err(dropped) => {
                    checkpoints.slots[newest].proof = None;
                    checkpoints.damaged = true;
                    discarded.push(dropped);
                }
            }
        }
        if begun_anew || log == LogReach::Beginning {
            return Ok((checkpoints, None, discarded));
        }
        Err(CheckpointError::NoneUsable {
            path: path.to_owned(),
            discarded,
        })
    }

    fn newest(&self) -> Option<usize> {
        (0..2)
            .filter(|at| self.slots[*at].proof.is_some())
            .max_by_key(|at| self.slots[*at].sequence())
    }

    /// The inner error is about the content, the outer one about this machine.
    fn read(&self, slot: usize) -> Result<Result<Image, Discarded>, CheckpointError> {
        let slot = &self.slots[slot];
        let proof = slot
            .proof
            .as_ref()
            .expect("only a proved directory is read");
        let mut expected = proof.chunks.iter();
        let mut read = Vec::with_capacity(proof.chunks.len());
        let mut chunks = Vec::with_capacity(proof.chunks.len());
        let take = |found: ChunkProof, bytes: Bytes| {
            let right = expected.next().is_some_and(|expected| {
                *expected == found && crc32c::crc32c(&bytes) == expected.crc32c
            });
            if !right {
                return Err(WorkerError::Damaged(format!(
                    "db: chunk {} is another",
                    found.id
                )));
            }
            read.push(found);
            chunks.push(Chunk {
                id: found.id,
                version: found.version,
                bytes,
            });
            Ok(())
        };
        match worker::read(&self.worker, &self.path.join(slot.name), &proof.files, take) {
            Ok(()) => {}
            Err(error @ WorkerError::Start { .. }) => {
                return Err(CheckpointError::Worker(error.to_string()));
            }
            Err(error) => return Ok(Err(slot.dropped(error.to_string(), proof))),
        }
        if proof::state_hash(&read, &proof.meta) != proof.state_hash {
            let why = "db: the state does not match its hash".to_owned();
            return Ok(Err(slot.dropped(why, proof)));
        }
        Ok(Ok(Image {
            meta: proof.meta.clone(),
            chunks,
        }))
    }

    /// From here on the directory counts for nothing, whatever proof still stands beside it.
    fn mark(&self, name: &str, content: &Marker) -> Result<(), CheckpointError> {
        let marker = marker_path(&self.path, name);
        disk::write_atomically(&marker, &proof::encode(content))
            .map_err(|source| io_error("write", &marker, source))
    }

    fn prove(&self, name: &str, proof: &Proof) -> Result<(), CheckpointError> {
        let path = proof_path(&self.path, name);
        disk::write_atomically(&path, &proof::encode(proof))
            .map_err(|source| io_error("write", &path, source))?;
        let marker = marker_path(&self.path, name);
        disk::remove(&marker).map_err(|source| io_error("remove", &marker, source))
    }

    fn write_once(
        &self,
        name: &str,
        sequence: u64,
        held: Option<&Proof>,
        image: &Image,
        pace: Pace,
    ) -> Result<(Proof, usize, u64), WorkerError> {
        let delta = Delta::new(held, image);
        let bytes_written = delta.puts.iter().map(|put| put.bytes.len() as u64).sum();
        let directory = self.path.join(name);
        let written = worker::write(
            &self.worker,
            &directory,
            held.is_none(),
            delta.removals,
            &delta.puts,
            pace,
        )?;
        if written.chunks != delta.chunks {
            let read = written.chunks.iter();
            let differs = delta
                .chunks
                .iter()
                .zip(read)
                .find(|(wanted, read)| wanted != read);
            let which = differs.map_or("the number of chunks".into(), |(wanted, _)| {
                format!("chunk {}", wanted.id)
            });
            return Err(WorkerError::Damaged(format!(
                "db: read back, {which} is another"
            )));
        }
        let state_hash = proof::state_hash(&delta.chunks, &image.meta);
        let Written { files, .. } = written;
        let meta = image.meta.clone();
        let proof = Proof {
            sequence,
            meta,
            chunks: delta.chunks,
            files,
            state_hash,
        };
        Ok((proof, delta.puts.len(), bytes_written))
    }

    /// A full disk needs the space of what was not finished.
    fn give_up(
        &self,
        name: &str,
        error: &WorkerError,
        replaced: Option<&Discarded>,
    ) -> CheckpointError {
        let directory = self.path.join(name);
        let mut why = error.to_string();
        if let Some(replaced) = replaced {
            why = format!("{}; then afresh: {why}", replaced.why);
        }
        if let Err(error) = fs::remove_dir_all(&directory)
            && error.kind() != io::ErrorKind::NotFound
        {
            why = format!("{why}; what was written cannot be removed: {error}");
        }
        CheckpointError::Write { directory, why }
    }
}

/// One of the two directories.
#[derive(Debug)]
struct Slot {
    name: &'static str,
    proof: Option<Proof>,
}

enum Loaded {
    Absent,
    Proved(Proof),
    Dropped {
        dropped: Discarded,
        /// Nothing was ever proved before this write, so nothing is missed.
        first: bool,
    },
}

/// Stands beside a directory while it is being written.
#[derive(Serialize, Deserialize)]
struct Marker {
    sequence: u64,
    /// No checkpoint had ever been proved when this write began.
    first: bool,
}

impl Shelf for Checkpoints {
    fn write(&mut self, image: &Image, pace: Pace) -> Result<Proved, CheckpointError> {
        let chunks = image.chunks.windows(2);
        assert!(
            chunks.into_iter().all(|pair| pair[0].id < pair[1].id),
            "chunks ascend by id"
        );
        self.sequence += 1;
        let sequence = self.sequence;
        let newest = self.newest();
        let turn = newest.map_or(0, |newest| 1 - newest);
        let held = self.slots[turn].proof.take();
        let name = self.slots[turn].name;
        self.mark(
            name,
            &Marker {
                sequence,
                first: self.begun_anew,
            },
        )?;

        let live: u64 = image
            .chunks
            .iter()
            .map(|chunk| chunk.bytes.len() as u64)
            .sum();
        let space_max = (live * SPACE_FACTOR).max(SPACE_SLACK_BYTES);
        let mut replaced = None;
        let mut proved = None;
        if let Some(held) = held.filter(|held| held.disk_bytes() <= space_max) {
            match self.write_once(name, sequence, Some(&held), image, pace) {
                Ok(done) => proved = Some(done),
                Err(error) => {
                    replaced = Some(Discarded {
                        directory: name,
                        sequence: Some(held.sequence),
                        why: error.to_string(),
                        unfinished: false,
                    });
                }
            }
        }
        let fresh = proved.is_none();
        let (proof, chunks_written, bytes_written) = match proved {
            Some(proved) => proved,
            None => self
                .write_once(name, sequence, None, image, pace)
                .map_err(|error| self.give_up(name, &error, replaced.as_ref()))?,
        };
        self.prove(name, &proof)?;
        let disk_bytes = proof.disk_bytes();
        self.slots[turn].proof = Some(proof);
        self.begun_anew = false;
        self.damaged = false;
        Ok(Proved {
            sequence,
            chunks_written,
            bytes_written,
            disk_bytes,
            fresh,
            replaced,
        })
    }

    fn older_meta(&self) -> Option<&[u8]> {
        let [Some(a), Some(b)] = self.slots.each_ref().map(|slot| slot.proof.as_ref()) else {
            return None;
        };
        Some(if a.sequence < b.sequence {
            &a.meta
        } else {
            &b.meta
        })
    }

    fn is_damaged(&self) -> bool {
        self.damaged
    }

    fn scrubs(&self) -> Vec<Scrub> {
        let scrub = |slot: &Slot| {
            let proof = slot.proof.as_ref()?;
            let directory = self.path.join(slot.name);
            Some(Scrub::new(directory, slot.name, proof))
        };
        self.slots.iter().filter_map(scrub).collect()
    }

    fn discard(&mut self, scrub: &Scrub, why: String) -> Option<Discarded> {
        let mut slots = self.slots.iter_mut();
        let slot = slots.find(|slot| slot.name == scrub.name())?;
        let proof = slot
            .proof
            .take_if(|proof| proof.sequence == scrub.sequence())?;
        self.damaged = true;
        Some(slot.dropped(why, &proof))
    }
}

impl Slot {
    fn sequence(&self) -> Option<u64> {
        self.proof.as_ref().map(|proof| proof.sequence)
    }

    fn dropped(&self, why: String, proof: &Proof) -> Discarded {
        let sequence = Some(proof.sequence);
        Discarded {
            directory: self.name,
            sequence,
            why,
            unfinished: false,
        }
    }

    fn load(&self, path: &Path) -> Result<Loaded, CheckpointError> {
        let marker = read_file::<Marker>(&marker_path(path, self.name))?;
        let proof = read_file::<Proof>(&proof_path(path, self.name))?;
        let damaged = |why| {
            let directory = self.name;
            let dropped = Discarded {
                directory,
                sequence: None,
                why,
                unfinished: false,
            };
            Loaded::Dropped {
                dropped,
                first: false,
            }
        };
        Ok(match (proof, marker) {
            (Err(why), _) | (_, Err(why)) => damaged(why),
            // The proof was written, only its marker was not yet removed.
            (Ok(Some(proof)), Ok(marker))
                if marker
                    .as_ref()
                    .is_none_or(|marker| marker.sequence <= proof.sequence) =>
            {
                Loaded::Proved(proof)
            }
            (_, Ok(Some(Marker { sequence, first }))) => {
                let why = "its write was interrupted".to_owned();
                let sequence = Some(sequence);
                let directory = self.name;
                let dropped = Discarded {
                    directory,
                    sequence,
                    why,
                    unfinished: true,
                };
                Loaded::Dropped { dropped, first }
            }
            (Ok(None), Ok(None)) if !path.join(self.name).exists() => Loaded::Absent,
            (_, Ok(None)) => damaged(format!("{}.proof: is missing", self.name)),
        })
    }
}

/// What turns the content of a directory into an image.
struct Delta<'a> {
    removals: Vec<(u64, u32)>,
    puts: Vec<Put<'a>>,
    /// What the directory must hold then.
    chunks: Vec<ChunkProof>,
}

impl<'a> Delta<'a> {
    fn new(held: Option<&Proof>, image: &'a Image) -> Self {
        let held = held.map_or(&[][..], |held| &held.chunks);
        let mut held: BTreeMap<u64, ChunkProof> =
            held.iter().map(|chunk| (chunk.id, *chunk)).collect();
        let mut delta = Self {
            removals: Vec::new(),
            puts: Vec::new(),
            chunks: Vec::new(),
        };
        for chunk in &image.chunks {
            let before = held.remove(&chunk.id);
            let Chunk { id, version, .. } = *chunk;
            let proof = ChunkProof {
                id,
                version,
                bytes: u32::try_from(chunk.bytes.len()).expect("a chunk is a few MiB at most"),
                crc32c: crc32c::crc32c(&chunk.bytes),
            };
            if before == Some(proof) {
                delta.chunks.push(proof);
                continue;
            }
            let bytes_before = before.map(|before| before.bytes);
            delta.chunks.push(proof);
            delta.puts.push(Put {
                proof,
                bytes_before,
                bytes: &chunk.bytes,
            });
        }
        delta.removals = held
            .into_values()
            .map(|chunk| (chunk.id, chunk.bytes))
            .collect();
        delta
    }
}

/// The inner error is about the content, the outer one about this machine or this version.
fn read_file<Body: DeserializeOwned>(
    path: &Path,
) -> Result<Result<Option<Body>, String>, CheckpointError> {
    match proof::read(path) {
        Ok(body) => Ok(Ok(body)),
        Err(ProofError::Format(found)) => Err(CheckpointError::Format {
            path: path.to_owned(),
            found,
        }),
        Err(error) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Ok(Err(format!("{name}: {error}")))
        }
    }
}

fn proof_path(path: &Path, name: &str) -> PathBuf {
    path.join(format!("{name}.proof"))
}

fn marker_path(path: &Path, name: &str) -> PathBuf {
    path.join(format!("{name}.writing"))
}

fn io_error(what: &'static str, path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
