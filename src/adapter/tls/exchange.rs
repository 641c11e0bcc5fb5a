//! What one side shows and trusts, exchanged while it is in use: by hand, or when its files change.
//!
//! Files are looked at before each handshake, which costs one stat(2) each. What cannot be used is
//! told and left aside: a certificate that is replaced file by file does not fit its key meanwhile.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::adapter::disk::{self, Stamp};
use crate::adapter::log::Rarely;
use crate::adapter::tls::{TlsError, chain};

type Reader<C> = Box<dyn Fn() -> Result<C, TlsError> + Send + Sync>;

pub(super) struct Exchange<C> {
    current: RwLock<Arc<C>>,
    files: Option<Watched<C>>,
}

struct Watched<C> {
    paths: Vec<PathBuf>,
    read: Reader<C>,
    /// How the files were when `current` was read from them.
    seen: Mutex<Vec<Stamp>>,
    complaint: Rarely,
}

impl<C> Exchange<C> {
    pub(super) fn given(current: C) -> Self {
        Self {
            current: RwLock::new(Arc::new(current)),
            files: None,
        }
    }

    /// What `read` makes of the files at `paths`.
    pub(super) fn of_files(paths: Vec<PathBuf>, read: Reader<C>) -> Result<Self, TlsError> {
        // Before they are read: what changes meanwhile is read again.
        let seen = stamps(&paths);
        Ok(Self {
            current: RwLock::new(Arc::new(read()?)),
            files: Some(Watched {
                paths,
                read,
                seen: Mutex::new(seen),
                complaint: Rarely::default(),
            }),
        })
    }

    pub(super) fn set(&self, current: C) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(current);
    }

    /// What to use for the next handshake.
    pub(super) fn current(&self) -> Arc<C> {
        if let Some(files) = &self.files {
            self.follow(files);
        }
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    fn follow(&self, files: &Watched<C>) {
        let found = stamps(&files.paths);
        // Held while they are read: one handshake reads them, the others wait for it.
        let mut seen = files.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == found {
            return;
        }
        match (files.read)() {
            Ok(current) => {
                self.set(current);
                *seen = found;
                let path = files.paths.first().map(|path| path.display().to_string());
                tracing::info!(path, "certificates were read again");
            }
            Err(error) => {
                if let Some(untold) = files.complaint.due() {
                    let why = chain(&error);
                    tracing::warn!(why, untold, "changed certificates are not used");
                }
            }
        }
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    paths.iter().map(|path| disk::stamp(path)).collect()
}
