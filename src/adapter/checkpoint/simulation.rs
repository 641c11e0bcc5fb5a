//! Checkpoints in memory, for simulations: what was written is there after a crash, and nothing of
//! what was not.

use crate::adapter::checkpoint::{CheckpointError, Discarded, Image, Pace, Proved, Scrub, Shelf};

use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Clone, Default)]
struct State {
    sequence: u64,
    newest: Option<Image>,
    older: Option<Image>,
}

/// What is kept of a member; clones are the same.
#[derive(Clone, Default)]
pub(in crate::adapter) struct Cellar(Arc<Mutex<State>>);

impl Cellar {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while it is held")
    }

    /// What a member starts from.
    pub(in crate::adapter) fn newest(&self) -> Option<Image> {
        self.state().newest.clone()
    }

    pub(in crate::adapter) fn open(&self) -> SimulatedShelf {
        SimulatedShelf {
            cellar: self.clone(),
            older: self.state().older.as_ref().map(|it| it.meta.clone()),
        }
    }

    /// What is there after a power cut; who still holds the old one changes nothing any more.
    pub(in crate::adapter) fn crash(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }
}

pub(in crate::adapter) struct SimulatedShelf {
    cellar: Cellar,
    older: Option<Vec<u8>>,
}

impl Shelf for SimulatedShelf {
    fn write(&mut self, image: &Image, _pace: Pace) -> Result<Proved, CheckpointError> {
        let mut state = self.cellar.state();
        state.sequence += 1;
        state.older = state.newest.replace(image.clone());
        self.older = state.older.as_ref().map(|it| it.meta.clone());
        let bytes = image.chunks.iter().map(|it| it.bytes.len() as u64).sum();
        Ok(Proved {
            sequence: state.sequence,
            chunks_written: image.chunks.len(),
            bytes_written: bytes,
            disk_bytes: bytes,
            fresh: true,
            replaced: None,
        })
    }

    fn older_meta(&self) -> Option<&[u8]> {
        self.older.as_deref()
    }

    fn is_damaged(&self) -> bool {
        false
    }

    fn scrubs(&self) -> Vec<Scrub> {
        Vec::new()
    }

    fn discard(&mut self, _scrub: &Scrub, _why: String) -> Option<Discarded> {
        None
    }
}
