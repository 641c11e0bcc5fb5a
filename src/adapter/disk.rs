//! Durable changes to names on disk: the one place that knows the order of write, fsync, rename
//! and fsync of the directory. After a function here returns, a power cut undoes nothing of it;
//! before that, either the old state or the new one is found, never a part.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// How a file was at one time: another content has another one. None: there was no such file.
pub type Stamp = Option<(i64, i64, u64, u64)>;

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

/// Creates a directory, and what is missing above it, for this user alone: what clients store is
/// nobody else's business (etcd does the same). What is there already stays as it is.
///
/// Each new name is synced where it stands: what is synced in a directory that a power cut takes
/// away is gone with it.
pub fn create_directories(path: &Path) -> io::Result<()> {
    let named = path
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty());
    let missing: Vec<&Path> = named.take_while(|path| !path.exists()).collect();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)?;
    let mut above = missing.into_iter().rev().map(directory_of);
    above.try_for_each(|above| sync_directory(above?))
}

/// Creates or empties a file that only this user may read and write.
pub fn create_file(path: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .mode(FILE_MODE)
        .open(path)
}

/// What is in a file, or comes out of a pipe, of `bytes_max` at most.
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let why = format!("it has more than {bytes_max} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// What is in a file of any size: of nothing else, as a device may never end.
pub fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() && !found.is_dir() {
        return Err(io::Error::other("it is no regular file"));
    }
    read(path, found.len())
}

/// Whether something is at `path` that is more than the name of a file: a device or a directory.
pub fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// Tells whether a file has changed without reading it: time of change, size, and which file it is.
pub fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.size(), found.ino()))
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
    let mut file = create_file(path)?;
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
    fn what_is_created_is_for_its_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let folder = directory.path().join("a").join("b");
        create_directories(&folder).expect("created");
        create_directories(&folder).expect("is there");
        write_atomically(&folder.join("file"), b"one").expect("written");
        let modes = ["a", "a/b", "a/b/file"].map(|name| {
            let metadata = fs::metadata(directory.path().join(name)).expect("there");
            metadata.permissions().mode() & 0o777
        });
        assert_eq!(modes, [DIRECTORY_MODE, DIRECTORY_MODE, FILE_MODE]);
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
