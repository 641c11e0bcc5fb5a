//! The data directory: who the member is, and that only one daemon uses it.
//!
//! `lock` is held while a daemon runs; `member` says who it is and in which layout the rest is;
//! `log/` is the write-ahead log, `state/` the checkpoints.

use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::adapter::{disk, host};
use crate::error::{Exit, Failure};
use crate::role::daemon::node::Identity;

/// Rises when an older program would misread the directory.
const LAYOUT: u32 = 1;

/// Many times what the file needs.
const MEMBER_BYTES_MAX: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct MemberFile {
    /// Names the program, so that the file explains itself.
    coracle_layout: u32,
    cluster_id: u64,
    member_id: u64,
}

/// Takes the directory for this process and finds out who the member is; a new directory gets the
/// identity that `found` gives.
pub(super) async fn open(
    directory: &Path,
    found: impl AsyncFnOnce() -> Result<Identity, Failure>,
) -> Result<(host::DirectoryLock, Identity), Failure> {
    let what = format!("cannot use data directory \"{}\"", directory.display());
    let writable = "give a directory that you may write to with --data-dir DIR";
    if directory.exists() && !directory.is_dir() {
        return Err(Failure::new(Exit::FAILED, &what, "it is a file").hint(writable));
    }
    disk::create_directories(directory)
        .map_err(|error| Failure::new(Exit::FAILED, &what, error).hint(writable))?;
    let lock = host::lock_directory(directory, "lock")
        .map_err(|error| Failure::new(Exit::FAILED, &what, error))?
        .ok_or_else(|| {
            Failure::new(Exit::CONFLICT, &what, "another daemon is using it")
                .hint("end that daemon, or give this one another directory with --data-dir DIR")
        })?;
    let path = directory.join("member");
    let restore = "restore the file from a backup, or start with an empty directory";
    let identity = match disk::read(&path, MEMBER_BYTES_MAX) {
        Ok(bytes) => {
            read(&bytes).map_err(|why| Failure::new(Exit::FAILED, &what, why).hint(restore))?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if directory.join("log").exists() {
                let why = "it holds a log but no file \"member\" that says whose";
                return Err(Failure::new(Exit::FAILED, &what, why).hint(restore));
            }
            let identity = found().await?;
            disk::write_atomically(&path, &write(identity))
                .map_err(|error| Failure::new(Exit::FAILED, &what, error))?;
            identity
        }
        Err(error) => {
            let why = format!("cannot read its file \"member\": {error}");
            let failure = Failure::new(Exit::FAILED, &what, why);
            return Err(match error.kind() {
                ErrorKind::IsADirectory | ErrorKind::FileTooLarge => failure.hint(restore),
                _ => failure,
            });
        }
    };
    Ok((lock, identity))
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

fn read(bytes: &[u8]) -> Result<Identity, String> {
    let file: MemberFile = serde_json::from_slice(bytes)
        .map_err(|error| format!("its file \"member\" does not read: {error}"))?;
    if file.coracle_layout != LAYOUT {
        return Err(format!(
            "it has layout {}, this version of coracle uses layout {LAYOUT}",
            file.coracle_layout
        ));
    }
    Ok(Identity {
        cluster_id: file.cluster_id,
        member_id: file.member_id,
    })
}
