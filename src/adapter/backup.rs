//! Files of snapshots in a directory: written and read in steps, and named only when they are
//! whole, on the disk and read back.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::adapter::{disk, host};
use crate::core::kv::backup::is_backup;
use crate::core::kv::snapshot::{DIGEST_BYTES, Outgoing};

/// What is written is synced at the latest after this, so that a sync of the log never has more
/// than this of a backup before it.
const UNSYNCED_BYTES_MAX: usize = 8 << 20;

/// The beginning of a snapshot, as far as it is read to compare it: millions of leases.
const BEGINNING_BYTES_MAX: u64 = 64 << 20;

/// The backups of one member.
#[derive(Clone, Debug)]
pub struct Shelf {
    directory: PathBuf,
}

/// A backup that is not whole yet.
#[derive(Debug)]
pub struct Writing {
    temporary: PathBuf,
    path: PathBuf,
    file: File,
    pieces: Outgoing,
    unsynced: usize,
}

/// A file that is compared with the digest at its end.
#[derive(Debug)]
pub struct Verifying {
    file: File,
    digest: Sha256,
    remaining: u64,
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<T> {
    More,
    Done(T),
}

impl Shelf {
    pub fn new(directory: &Path) -> Self {
        let directory = directory.to_owned();
        Self { directory }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Seconds since 1970 began.
    pub fn now() -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.map_or(0, |now| now.as_secs())
    }

    /// The names of all backups; none where there is no directory.
    pub fn names(&self) -> io::Result<BTreeSet<String>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            entries => entries?,
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            if let Ok(name) = entry?.file_name().into_string()
                && is_backup(&name)
            {
                names.insert(name);
            }
        }
        Ok(names)
    }

    /// How long ago a backup was taken, or found to be as good as new.
    pub fn age(&self, name: &str) -> Option<Duration> {
        age(&self.directory.join(name))
    }

    /// Makes a backup count as taken now.
    pub fn renew(&self, name: &str) -> io::Result<()> {
        let file = File::options()
            .write(true)
            .open(self.directory.join(name))?;
        file.set_modified(SystemTime::now())
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        disk::remove(&self.directory.join(name))
    }

    /// The beginning of a backup.
    pub fn beginning(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(self.directory.join(name))?;
        file.take(BEGINNING_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Bytes that may be written before the disk is full.
    pub fn free_bytes(&self) -> io::Result<u64> {
        host::free_bytes(&self.directory)
    }

    /// Makes the directory, without what an earlier daemon left half written. Others may keep files
    /// of theirs in it.
    pub fn prepare(&self) -> io::Result<()> {
        disk::create_directories(&self.directory)?;
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if is_half(&entry.file_name().to_string_lossy()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    pub fn write(&self, name: &str, pieces: Outgoing) -> io::Result<Writing> {
        let path = self.directory.join(name);
        let temporary = self.directory.join(half(name));
        let file = disk::create_file(&temporary)?;
        Ok(Writing {
            temporary,
            path,
            file,
            pieces,
            unsynced: 0,
        })
    }

    pub fn verify(&self, name: &str) -> io::Result<Verifying> {
        Verifying::open(&self.directory.join(name))
    }
}

/// What a backup is called that is not whole yet.
fn half(name: &str) -> String {
    format!(".{name}.tmp")
}

fn is_half(found: &str) -> bool {
    let name = found.strip_prefix('.');
    name.and_then(|name| name.strip_suffix(".tmp"))
        .is_some_and(is_backup)
}

/// How long ago a file was written; `None` if it is not there, or from the future.
pub fn age(path: &Path) -> Option<Duration> {
    let modified = fs::metadata(path).and_then(|file| file.modified()).ok()?;
    SystemTime::now().duration_since(modified).ok()
}

impl Writing {
    /// Writes up to about `bytes` more. Done: all is on the disk, under a temporary name.
    pub fn step(&mut self, bytes: usize) -> io::Result<Progress<()>> {
        let mut written = 0;
        while written < bytes {
            let Some((piece, _)) = self.pieces.next() else {
                self.file.sync_all()?;
                return Ok(Progress::Done(()));
            };
            self.file.write_all(&piece)?;
            written += piece.len();
        }
        self.unsynced += written;
        if self.unsynced >= UNSYNCED_BYTES_MAX {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(Progress::More)
    }

    /// To read back what was written.
    pub fn verify(&self) -> io::Result<Verifying> {
        Verifying::open(&self.temporary)
    }

    /// Gives it its name.
    pub fn finish(self) -> io::Result<()> {
        disk::rename(&self.temporary, &self.path)
    }

    /// Removes what was written.
    pub fn give_up(self) {
        // What stays is removed before the next one is written.
        drop(fs::remove_file(&self.temporary));
    }
}

impl Verifying {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // What is in memory only proves nothing of the disk; all of it was synced.
        host::forget_cached(&file)?;
        let remaining = file.metadata()?.len().saturating_sub(DIGEST_BYTES as u64);
        Ok(Self {
            file,
            digest: Sha256::new(),
            remaining,
        })
    }

    /// Reads up to `bytes` more. Done: whether the file is what was written.
    pub fn step(&mut self, bytes: usize) -> io::Result<Progress<bool>> {
        let wanted = self.remaining.min(bytes as u64);
        let mut buffer = Vec::with_capacity(wanted as usize);
        (&self.file).take(wanted).read_to_end(&mut buffer)?;
        self.digest.update(&buffer);
        self.remaining -= buffer.len() as u64;
        if (buffer.len() as u64) < wanted {
            return Ok(Progress::Done(false));
        }
        if self.remaining > 0 {
            return Ok(Progress::More);
        }
        let mut expected = Vec::new();
        (&self.file).read_to_end(&mut expected)?;
        host::forget_cached(&self.file)?;
        let found = std::mem::take(&mut self.digest).finalize();
        Ok(Progress::Done(found.as_slice() == expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kv::backup::file_name;
    use crate::core::kv::machine::Machine;
    use crate::core::kv::request::{Command, Put};
    use crate::core::kv::snapshot::{self, outgoing};

    fn pieces() -> Outgoing {
        let mut machine = Machine::default();
        for number in 0..50 {
            let put = Put {
                key: number.to_string().into(),
                value: vec![7; 10_000].into(),
                ..Put::default()
            };
            machine.apply(&Command::Put(put)).expect("is made");
        }
        outgoing(1, 2, &machine.image())
    }

    fn verified(mut verifying: Verifying) -> bool {
        loop {
            if let Progress::Done(sound) = verifying.step(1_000).expect("readable") {
                return sound;
            }
        }
    }

    #[test]
    fn a_backup_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("scratch folder");
        let shelf = Shelf::new(&folder.path().join("backup"));
        assert!(shelf.names().expect("none").is_empty());
        shelf.prepare().expect("made");
        let name = file_name(0, 51);
        let mut writing = shelf.write(&name, pieces()).expect("begun");
        while writing.step(1_000).expect("written") == Progress::More {
            assert!(shelf.names().expect("listed").is_empty());
        }
        assert!(verified(writing.verify().expect("opens")));
        writing.finish().expect("named");
        assert_eq!(
            shelf.names().expect("listed"),
            BTreeSet::from([name.clone()])
        );
        assert!(verified(shelf.verify(&name).expect("opens")));
        let file = disk::read_whole(&shelf.directory().join(&name)).expect("readable");
        assert_eq!(snapshot::read(&file).expect("whole").0.machine.revision, 51);
        assert!(shelf.age(&name).is_some() && shelf.free_bytes().expect("told") > 0);
    }

    #[test]
    fn damage_is_found_and_half_a_backup_alone_is_cleared_away() {
        let folder = tempfile::tempdir().expect("scratch folder");
        let shelf = Shelf::new(folder.path());
        shelf.prepare().expect("made");
        let mut writing = shelf.write(&file_name(0, 51), pieces()).expect("begun");
        writing.step(usize::MAX).expect("written");
        let bytes = disk::read_whole(&writing.temporary).expect("readable");
        for (at, length) in [
            (100, bytes.len()),
            (bytes.len() - 1, bytes.len()),
            (0, 600),
            (0, 5),
        ] {
            let mut damaged = bytes[..length].to_vec();
            damaged[at] ^= u8::from(length == bytes.len());
            fs::write(&writing.temporary, damaged).expect("written");
            assert!(!verified(writing.verify().expect("opens")), "{at} {length}");
        }
        drop(writing);
        let foreign = folder.path().join(".else.tmp");
        fs::write(&foreign, b"").expect("written");
        shelf.prepare().expect("cleared");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
        assert!(foreign.exists());
    }
}
