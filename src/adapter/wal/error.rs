//! What can go wrong in the log: each variant names the situation, the file and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the write-ahead log.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// The operating system failed a call; after a failed write or sync the log is poisoned.
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The disk is full (or a quota is): no room can be prepared. What waits for it is written when
    /// there is space again.
    #[error("no space left to {action} {}", path.display())]
    NoSpace {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The file was written by a program that knows another format.
    #[error(
        "log segment {} has format version {found}, this program knows version {known}",
        path.display()
    )]
    Version {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    /// What was acknowledged cannot be read back; nothing of it is served.
    #[error("log segment {} is damaged at offset {offset}: expected {expected}", path.display())]
    Corrupt {
        path: PathBuf,
        offset: u64,
        expected: String,
    },
    /// A record does not fit into a segment; nothing of its submission was written.
    #[error("a record of {bytes} bytes is larger than the {bytes_max} bytes a segment can hold")]
    TooLarge { bytes: u64, bytes_max: u64 },
    /// An entry does not continue the log; nothing of its submission was written.
    #[error("entry {found} does not continue the log, whose next entry is {expected}")]
    OutOfOrder { expected: u64, found: u64 },
    /// The caller queued more than the disk takes; nothing of the submission was written.
    #[error("{bytes} bytes wait to be written, the bound is {bytes_max}")]
    QueueFull { bytes: u64, bytes_max: u64 },
    /// The log was closed before the submission.
    #[error("the log is closed")]
    Closed,
}

impl WalError {
    /// Sorts an operating system's error: a full disk is a situation of its own.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match is_full(&source) {
            true => Self::NoSpace {
                action,
                path,
                source,
            },
            false => Self::Io {
                action,
                path,
                source,
            },
        }
    }

    /// A failed write or sync, for whatever cause: space does not cure it.
    pub(super) fn poison(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }

    /// Whether space on the disk would cure it.
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::NoSpace { .. })
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if is_full(source) => {
                "free space on this filesystem; the node must be restarted"
            }
            Self::Io { .. } => {
                "look at the kernel's messages about this disk; the node must be restarted"
            }
            Self::NoSpace { .. } => {
                "free space on this filesystem; a node that has not ended then goes on by itself"
            }
            Self::Version { .. } => "start the program version that wrote this data directory",
            Self::Corrupt { .. } => {
                "keep the directory for examination, and put a backup of the data directory in its \
                 place"
            }
            Self::TooLarge { .. } => "send smaller values",
            Self::OutOfOrder { .. } | Self::QueueFull { .. } | Self::Closed => {
                "this is a defect of the program, please report it"
            }
        }
    }
}

/// No space on the filesystem, within the quota, or within RLIMIT_FSIZE.
fn is_full(error: &io::Error) -> bool {
    let kind = error.kind();
    matches!(
        kind,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
