//! Taking the data directory, with failures told to people.

use std::path::Path;

use crate::adapter::data_directory::{self, DataError, Identity};
use crate::adapter::host::DirectoryLock;
use crate::error::{Exit, Failure};
use crate::role::daemon::chain;

/// Takes the directory for this process.
pub(super) fn take(directory: &Path) -> Result<DirectoryLock, Failure> {
    data_directory::take(directory).map_err(|error| told(directory, &error))
}

/// Whose the directory is, if it is a member's.
pub(super) fn member(directory: &Path) -> Result<Option<Identity>, Failure> {
    data_directory::member(directory).map_err(|error| told(directory, &error))
}

/// Makes the directory that of a member.
pub(super) fn identify(directory: &Path, identity: Identity) -> Result<(), Failure> {
    data_directory::identify(directory, identity).map_err(|error| told(directory, &error))
}

/// Puts aside what a removed member has left.
pub(super) fn retire(directory: &Path) -> Result<(), Failure> {
    data_directory::retire(directory).map_err(|error| told(directory, &error))
}

/// What is wrong with a directory.
pub(super) fn told(directory: &Path, error: &DataError) -> Failure {
    let exit = match error {
        DataError::InUse | DataError::Unfinished => Exit::CONFLICT,
        _ => Exit::FAILED,
    };
    let what = format!("cannot use data directory \"{}\"", directory.display());
    let failure = Failure::new(exit, what, chain(error));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
