//! Durable changes to names on disk: the one place that knows the order of write, fsync, rename
//! and fsync of the directory. After a function here returns, a power cut undoes nothing of it;
//! before that, either the old state or the new one is found, never a part.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replaces or creates the file at `path` with exactly `bytes`.
///
/// Writes a temporary file beside it, syncs it, renames it and syncs the directory. A failure
/// leaves the old file as it was and removes the temporary one. Two writers of one path at a time
/// are not provided for.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_path(path)?;
    let written = write_and_sync(&temporary, bytes).and_then(|()| rename(&temporary, path));
    if let Err(error) = written {
        // The first error is the one to tell; a file that was never created cannot be removed.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(())
}

/// Renames within one directory, replacing what is at `to`, and makes the change durable.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_directory(directory_of(to)?)
}

/// Removes a file and makes the removal durable.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync_directory(directory_of(path)?)
}

/// Makes creations, renames and removals in `directory` durable.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Whether `name` is what a crash inside [`write_atomically`] can leave behind.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn temporary_path(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| no_name(path))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".tmp");
    Ok(path.with_file_name(temporary))
}

fn directory_of(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(parent) => Ok(parent),
        None => Err(no_name(path)),
    }
}

fn no_name(path: &Path) -> io::Error {
    let text = format!("{} does not name a file", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_atomically_replaces_and_leaves_no_temporary() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("file");
        write_atomically(&path, b"one").expect("created");
        write_atomically(&path, b"two").expect("replaced");
        assert_eq!(fs::read(&path).expect("readable"), b"two");
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1);
    }

    #[test]
    fn write_atomically_that_fails_keeps_the_old_and_leaves_no_temporary() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("file");
        fs::create_dir(&path).expect("a directory cannot be replaced by a file");
        write_atomically(&path, b"one").expect_err("a directory is in the way");
        assert!(path.is_dir());
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1);
    }

    #[test]
    fn path_without_a_name_is_refused() {
        let error = write_atomically(Path::new("/"), b"").expect_err("no name");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
