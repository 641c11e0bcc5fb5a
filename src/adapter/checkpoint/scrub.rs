//! Reading a proved checkpoint again, a step at a time, to find what the disk has lost since.
//!
//! - It holds no lock and may run beside a write: whoever is told of damage asks
//!   [`Checkpoints::discard`](super::Checkpoints::discard) whether it still says anything.
//! - It reads from the disk, not from the page cache, and leaves nothing behind in the cache.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::vec;

use rustix::fs::{Advice, fadvise};

use crate::adapter::checkpoint::proof::{self, FileProof, Proof, Sum};

/// One proved checkpoint that is compared with the disk.
#[derive(Debug)]
pub struct Scrub {
    directory: PathBuf,
    name: &'static str,
    sequence: u64,
    files: vec::IntoIter<FileProof>,
    listed: bool,
    reading: Option<Reading>,
}

/// How far a scrub got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scrubbed {
    More,
    Sound,
    /// Begins with the name of the file that is to blame.
    Damaged(String),
}

/// A file of which the beginning was summed.
#[derive(Debug)]
struct Reading {
    file: File,
    expected: FileProof,
    sum: Sum,
}

impl Scrub {
    pub(super) fn new(directory: PathBuf, name: &'static str, proof: &Proof) -> Self {
        Self {
            directory,
            name,
            sequence: proof.sequence,
            files: proof.files.clone().into_iter(),
            listed: false,
            reading: None,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Reads about `bytes` more. Blocks. An error is this machine's and says nothing of the
    /// checkpoint.
    pub fn step(&mut self, bytes: usize) -> io::Result<Scrubbed> {
        match self.try_step(bytes) {
            Ok(true) => Ok(Scrubbed::More),
            Ok(false) => Ok(Scrubbed::Sound),
            Err(Fault::Damaged(why)) => Ok(Scrubbed::Damaged(why)),
            Err(Fault::Machine(error)) => Err(error),
        }
    }

    /// Whether there is more to read.
    fn try_step(&mut self, bytes: usize) -> Result<bool, Fault> {
        if !self.listed {
            self.list()?;
        }
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => {
                let left = self.files.as_slice();
                let Some(expected) = left.first().cloned() else {
                    return Ok(false);
                };
                let reading = Reading::open(&self.directory, expected)?;
                self.files.next();
                reading
            }
        };
        if reading.step(bytes)? {
            self.reading = Some(reading);
        }
        Ok(true)
    }

    /// A file too many makes a directory as unusable as a damaged one.
    fn list(&mut self) -> Result<(), Fault> {
        let mut names = Vec::new();
        proof::list(&self.directory, "", &mut names).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Fault::Damaged(format!("cannot be listed: {error}")),
            _ => Fault::Machine(error),
        })?;
        proof::check_names(&names, self.files.as_slice()).map_err(Fault::Damaged)?;
        self.listed = true;
        Ok(())
    }
}

enum Fault {
    Damaged(String),
    Machine(io::Error),
}

impl Reading {
    fn open(directory: &Path, expected: FileProof) -> Result<Self, Fault> {
        let file = File::open(directory.join(&expected.name));
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => unreadable(&expected, &error),
            _ => Fault::Machine(error),
        })?;
        Ok(Self {
            file,
            expected,
            sum: Sum::default(),
        })
    }

    /// Whether there is more to read; at the end the file is judged.
    fn step(&mut self, bytes: usize) -> Result<bool, Fault> {
        self.forget_cached()?;
        let mut buffer = Vec::with_capacity(bytes);
        let read = (&self.file).take(bytes as u64).read_to_end(&mut buffer);
        self.forget_cached()?;
        let read = read.map_err(|error| unreadable(&self.expected, &error))?;
        self.sum.add(&buffer);
        if read == bytes {
            return Ok(true);
        }
        let judged = self.expected.check(self.sum);
        judged.map_err(Fault::Damaged).map(|()| false)
    }

    /// What a checkpoint holds was synced, so dropping its pages from the cache loses nothing.
    fn forget_cached(&self) -> Result<(), Fault> {
        fadvise(&self.file, 0, None, Advice::DontNeed).map_err(|error| Fault::Machine(error.into()))
    }
}

fn unreadable(file: &FileProof, error: &io::Error) -> Fault {
    Fault::Damaged(format!("{}: cannot be read: {error}", file.name))
}
