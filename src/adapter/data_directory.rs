//! The data directory: who the member is, and that only one process uses it.
//!
//! `lock` is held while a daemon runs, or a restore; `member` says who it is and in which layout
//! the rest is; `log/` is the write-ahead log, `state/` the checkpoints. While `restoring` is there
//! the rest is not whole: no daemon uses it, and another restore begins anew. `removed/` is what a
//! member had that was removed from its cluster.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::adapter::rpc::peer::Speaker;
use crate::adapter::{disk, host};

/// Rises when an older program would misread the directory.
const LAYOUT: u32 = 1;

/// Many times what the file needs.
const MEMBER_BYTES_MAX: u64 = 4096;

const MEMBER: &str = "member";
const LOCK: &str = "lock";
const RESTORING: &str = "restoring";
const REMOVED: &str = "removed";

/// Who the member is, for as long as its data directory lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub cluster_id: u64,
    pub member_id: u64,
}

#[derive(Serialize, Deserialize)]
struct MemberFile {
    /// Names the program, so that the file explains itself.
    coracle_layout: u32,
    cluster_id: u64,
    member_id: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("it is a file")]
    File,
    #[error("cannot create it")]
    Create(#[source] io::Error),
    #[error("cannot {what}")]
    Io {
        what: &'static str,
        source: io::Error,
    },
    #[error("another daemon is using it")]
    InUse,
    #[error("cannot read its file \"member\"")]
    MemberFile(#[source] io::Error),
    #[error("its file \"member\" does not read")]
    Member(#[from] serde_json::Error),
    #[error("it has layout {found}, this version of coracle uses layout {LAYOUT}")]
    Layout { found: u32 },
    #[error("it holds a log but no file \"member\" that says whose")]
    Ownerless,
    #[error("a restore into it was interrupted")]
    Unfinished,
    #[error("it is not empty: it holds {0:?}")]
    Occupied(String),
}

impl Identity {
    /// How the member presents itself to the others.
    pub fn speaker(self) -> Speaker {
        Speaker {
            cluster_id: self.cluster_id,
            member_id: self.member_id,
        }
    }
}

const RESTORE: &str = "restore the file from a backup, or start with an empty directory";

impl DataError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::File | Self::Create(_) => {
                Some("give a directory that you may write to with --data-dir DIR")
            }
            Self::InUse => {
                Some("end that daemon, or give this one another directory with --data-dir DIR")
            }
            Self::Ownerless | Self::Member(_) | Self::Layout { .. } => Some(RESTORE),
            Self::MemberFile(error) => match error.kind() {
                io::ErrorKind::IsADirectory | io::ErrorKind::FileTooLarge => Some(RESTORE),
                _ => None,
            },
            Self::Unfinished => Some(
                "run the same `coracle cluster restore` again, which begins anew, or remove the \
                 directory",
            ),
            Self::Occupied(_) => Some(
                "give a new directory with --data-dir DIR, or move what is there to another place",
            ),
            Self::Io { .. } => None,
        }
    }
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> DataError {
    move |source| DataError::Io { what, source }
}

/// Takes the directory for this process and finds out who the member is; a new directory gets the
/// identity that `found` gives, or stays without if it gives none.
pub fn open<E: From<DataError>>(
    directory: &Path,
    found: impl FnOnce() -> Result<Identity, E>,
) -> Result<(host::DirectoryLock, Identity), E> {
    let lock = take(directory)?;
    if let Some(identity) = member(directory)? {
        return Ok((lock, identity));
    }
    let identity = found()?;
    identify(directory, identity)?;
    Ok((lock, identity))
}

/// Whose the directory is, if it is a member's.
pub fn member(directory: &Path) -> Result<Option<Identity>, DataError> {
    if directory.join(RESTORING).exists() {
        return Err(DataError::Unfinished);
    }
    match disk::read(&directory.join(MEMBER), MEMBER_BYTES_MAX) {
        Ok(bytes) => read(&bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match directory.join("log").exists() {
                true => Err(DataError::Ownerless),
                false => Ok(None),
            }
        }
        Err(error) => Err(DataError::MemberFile(error)),
    }
}

/// Puts aside what a removed member has left. It is the last that there is of it, should it have
/// been removed by mistake; what was put aside before goes.
pub fn retire(directory: &Path) -> Result<(), DataError> {
    let aside = directory.join(REMOVED);
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove its folder \"removed\"")(error));
        }
        _ => disk::create_directories(&aside).map_err(failed("write into it"))?,
    }
    // The file goes first: killed in between, the next start finds no member, and ends this.
    put_aside(directory, MEMBER)?;
    end_retiring(directory)
}

/// Puts aside what is left of a member that has no file any more.
fn end_retiring(directory: &Path) -> Result<(), DataError> {
    let aside = directory.join(REMOVED);
    if directory.join(MEMBER).exists() || !aside.join(MEMBER).exists() {
        return Ok(());
    }
    for part in ["log", "state"] {
        // What is there already is that member's, and this one is somebody else's.
        if !aside.join(part).exists() {
            put_aside(directory, part)?;
        }
    }
    Ok(())
}

fn put_aside(directory: &Path, part: &str) -> Result<(), DataError> {
    let aside = directory.join(REMOVED);
    match fs::rename(directory.join(part), aside.join(part)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("put a part of it aside")(error)),
        // The new name first: whatever a power cut leaves has one.
        Ok(()) => disk::sync_directory(&aside)
            .and_then(|()| disk::sync_directory(directory))
            .map_err(failed("make it durable")),
    }
}

/// Says whose the directory is from now on.
pub fn identify(directory: &Path, identity: Identity) -> Result<(), DataError> {
    disk::write_atomically(&directory.join(MEMBER), &write(identity))
        .map_err(failed("write its file \"member\""))
}

/// A directory that is being filled: no daemon's until [`Self::finish`].
#[derive(Debug)]
pub struct Restoring {
    directory: PathBuf,
    _lock: host::DirectoryLock,
}

impl Restoring {
    /// Takes an empty directory, or one in which a restore was interrupted.
    pub fn begin(directory: &Path) -> Result<Self, DataError> {
        // Looked at before the lock makes a file of its own.
        let occupied = match directory.exists() {
            true => first_of(directory)?,
            false => None,
        };
        let marker = directory.join(RESTORING);
        if let Some(name) = occupied.filter(|_| !marker.exists()) {
            // A daemon that is using it is the better reason.
            take(directory)?;
            return Err(DataError::Occupied(name));
        }
        let lock = take(directory)?;
        disk::write_atomically(&marker, b"").map_err(failed("write into it"))?;
        for part in ["log", "state"] {
            let path = directory.join(part);
            if path.exists() {
                fs::remove_dir_all(path).map_err(failed("begin anew in it"))?;
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            _lock: lock,
        })
    }

    /// Makes it the directory of a member.
    pub fn finish(self, identity: Identity) -> Result<(), DataError> {
        identify(&self.directory, identity)?;
        disk::remove(&self.directory.join(RESTORING)).map_err(failed("finish it"))
    }
}

/// Holds the directory for this process.
pub fn take(directory: &Path) -> Result<host::DirectoryLock, DataError> {
    if directory.exists() && !directory.is_dir() {
        return Err(DataError::File);
    }
    disk::create_directories(directory).map_err(DataError::Create)?;
    let lock = host::lock_directory(directory, LOCK);
    let lock = lock.map_err(failed("lock it"))?.ok_or(DataError::InUse)?;
    end_retiring(directory)?;
    Ok(lock)
}

/// The name of something in it that is more than a lock that nobody holds, or what a power cut
/// left of a file. What a filesystem puts into its root for itself is nobody's.
fn first_of(directory: &Path) -> Result<Option<String>, DataError> {
    if !directory.is_dir() {
        return Err(DataError::File);
    }
    let names = fs::read_dir(directory).map_err(failed("read it"))?;
    for entry in names {
        let name = entry.map_err(failed("read it"))?.file_name();
        let name = name.to_string_lossy();
        if name != LOCK && name != "lost+found" && !disk::is_temporary(&name) {
            return Ok(Some(name.into_owned()));
        }
    }
    Ok(None)
}

fn write(identity: Identity) -> Vec<u8> {
    let Identity {
        cluster_id,
        member_id,
    } = identity;
    let file = MemberFile {
        coracle_layout: LAYOUT,
        cluster_id,
        member_id,
    };
    serde_json::to_vec(&file).expect("numbers encode")
}

fn read(bytes: &[u8]) -> Result<Identity, DataError> {
    let file: MemberFile = serde_json::from_slice(bytes)?;
    if file.coracle_layout != LAYOUT {
        return Err(DataError::Layout {
            found: file.coracle_layout,
        });
    }
    Ok(Identity {
        cluster_id: file.cluster_id,
        member_id: file.member_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity {
        cluster_id: 1,
        member_id: 2,
    };

    fn opened(directory: &Path) -> Result<Identity, DataError> {
        let absent = || -> Result<_, DataError> { Err(DataError::Ownerless) };
        open(directory, absent).map(|(_, identity)| identity)
    }

    #[test]
    fn a_restored_directory_belongs_to_the_member_it_was_restored_for() {
        let folder = tempfile::tempdir().expect("scratch folder");
        let directory = folder.path().join("data");
        let restoring = Restoring::begin(&directory).expect("is new");
        assert!(matches!(opened(&directory), Err(DataError::InUse)));
        restoring.finish(IDENTITY).expect("is finished");
        assert_eq!(opened(&directory).expect("is whole"), IDENTITY);
        let again = Restoring::begin(&directory).expect_err("is a member's");
        assert!(
            matches!(&again, DataError::Occupied(name) if name == MEMBER),
            "{again}"
        );
    }

    #[test]
    fn an_interrupted_restore_is_no_members_and_begins_anew() {
        let folder = tempfile::tempdir().expect("scratch folder");
        let directory = folder.path().join("data");
        fs::create_dir(&directory).expect("created");
        fs::write(directory.join(".restoring.tmp"), b"").expect("written");
        drop(Restoring::begin(&directory).expect("nothing is in it yet"));
        fs::create_dir(directory.join("log")).expect("created");
        fs::write(directory.join("log").join("half"), b"x").expect("written");
        assert!(matches!(opened(&directory), Err(DataError::Unfinished)));
        let restoring = Restoring::begin(&directory).expect("begins anew");
        assert!(!directory.join("log").exists());
        restoring.finish(IDENTITY).expect("is finished");
        assert_eq!(opened(&directory).expect("is whole"), IDENTITY);
    }

    #[test]
    fn a_directory_in_use_is_told_as_such_and_a_file_is_no_directory() {
        let folder = tempfile::tempdir().expect("scratch folder");
        let directory = folder.path().join("data");
        let found = || Ok::<_, DataError>(IDENTITY);
        let held = open(&directory, found).expect("is new");
        let error = Restoring::begin(&directory).expect_err("is in use");
        assert!(matches!(error, DataError::InUse), "{error}");
        drop(held);
        let file = folder.path().join("file");
        fs::write(&file, b"").expect("written");
        assert!(matches!(Restoring::begin(&file), Err(DataError::File)));
    }

    /// A member that has taken part, in a new directory.
    fn member_in(directory: &Path) {
        drop(open(directory, || Ok::<_, DataError>(IDENTITY)).expect("is new"));
        for part in ["log", "state"] {
            fs::create_dir(directory.join(part)).expect("created");
            fs::write(directory.join(part).join("1"), b"x").expect("written");
        }
    }

    #[test]
    fn a_removal_that_was_cut_off_is_ended_by_the_next_start_and_loses_nothing() {
        for parts_moved in 0..=2 {
            let folder = tempfile::tempdir().expect("scratch folder");
            let directory = folder.path();
            member_in(directory);
            let aside = directory.join(REMOVED);
            fs::create_dir(&aside).expect("created");
            for part in [MEMBER, "log", "state"].iter().take(1 + parts_moved) {
                fs::rename(directory.join(part), aside.join(part)).expect("moved");
            }
            drop(take(directory).expect("is free"));
            assert_eq!(
                member(directory).expect("is nobody's"),
                None,
                "{parts_moved}"
            );
            for part in ["log", "state"] {
                assert!(!directory.join(part).exists(), "{part} after {parts_moved}");
                assert!(
                    aside.join(part).join("1").exists(),
                    "{part} after {parts_moved}"
                );
            }
        }
    }

    #[test]
    fn one_that_was_removed_may_be_a_member_again_and_the_last_one_stays() {
        let folder = tempfile::tempdir().expect("scratch folder");
        let directory = folder.path();
        for _ in 0..2 {
            member_in(directory);
            retire(directory).expect("is put aside");
            assert_eq!(member(directory).expect("is nobody's"), None);
            assert!(directory.join(REMOVED).join("log").join("1").exists());
        }
        // Without its file a log is somebody's all the same.
        member_in(directory);
        fs::remove_file(directory.join(MEMBER)).expect("removed");
        drop(take(directory).expect("is free"));
        assert!(matches!(member(directory), Err(DataError::Ownerless)));
    }

    #[test]
    fn another_layout_is_named() {
        let json = br#"{"coracle_layout":9,"cluster_id":1,"member_id":2}"#;
        assert!(matches!(read(json), Err(DataError::Layout { found: 9 })));
        assert_eq!(read(&write(IDENTITY)).expect("reads"), IDENTITY);
    }
}
