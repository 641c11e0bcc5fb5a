//! The files under the log: the only way it touches a disk, and so the seam where tests put a
//! disk that fails, tears and forgets. Names are relative to the log's directory; creation,
//! rename and removal are durable when they return, data is after [`File::sync`].

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::adapter::disk;

/// The log's directory.
pub(super) trait Directory: Send + Sync {
    fn list(&self) -> io::Result<Vec<String>>;
    /// Creates a file with exactly `bytes`, whole or not at all.
    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    /// A number that was hardly ever given before.
    fn nonce(&self) -> io::Result<u64>;
    /// How messages name the file.
    fn path(&self, name: &str) -> PathBuf;
}

/// One open file.
pub(super) trait File: Send + Sync {
    fn length(&self) -> io::Result<u64>;
    /// May read less than asked for; 0 is the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// May write less than asked for.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Returns when everything written so far, and the length, survives a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// Writes all of `bytes`.
pub(super) fn write_all_at(file: &dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills `buffer` as far as the file goes; returns how far.
pub(super) fn read_full_at(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A directory of the operating system.
pub(super) struct RealDirectory {
    path: PathBuf,
}

impl RealDirectory {
    /// Creates the directory if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        disk::create_directories(path)?;
        Ok(Self {
            path: path.to_path_buf(),
        })
    }
}

impl Directory for RealDirectory {
    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|item| {
            let name = item?.file_name();
            Ok(name.to_string_lossy().into_owned())
        });
        names.collect()
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        disk::write_atomically(&self.path.join(name), bytes)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path.join(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        disk::rename(&self.path.join(from), &self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        disk::remove(&self.path.join(name))
    }

    fn nonce(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

struct RealFile(fs::File);

impl File for RealFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(&self.0, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(&self.0, bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
