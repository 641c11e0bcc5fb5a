//! Taking the data directory, with failures told to people.

use std::path::Path;

use crate::adapter::data_directory::{self, DataError, Identity};
use crate::adapter::host::DirectoryLock;
use crate::error::{Exit, Failure};
use crate::role::daemon::chain;

/// Why a directory is not taken: what is wrong with it, or why nobody begins in it.
enum Refused {
    Directory(DataError),
    Beginning(Failure),
}

impl From<DataError> for Refused {
    fn from(error: DataError) -> Self {
        Self::Directory(error)
    }
}

/// Takes the directory for this process and finds out who the member is; a new directory gets the
/// identity that `found` gives.
pub(super) async fn open(
    directory: &Path,
    found: impl AsyncFnOnce() -> Result<Identity, Failure>,
) -> Result<(DirectoryLock, Identity), Failure> {
    let found = async || found().await.map_err(Refused::Beginning);
    let opened = data_directory::open(directory, found).await;
    opened.map_err(|refused| match refused {
        Refused::Directory(error) => told(directory, &error),
        Refused::Beginning(failure) => failure,
    })
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
