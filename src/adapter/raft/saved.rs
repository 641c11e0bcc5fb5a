//! The state as a checkpoint holds it: where in the log it stands, and the machine.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adapter::checkpoint::{self, CheckpointError, Discarded, Pace, Scrub, Scrubbed, Shelf};
use crate::adapter::raft::aside;
use crate::adapter::raft::state_machine::{SharedState, SnapshotMeta, State};
use crate::adapter::raft::types::{LogId, StoredMembership};
use crate::core::kv::history::{Chunk, ChunkError};
use crate::core::kv::machine::{Image, Machine, Meta, PartsError};

/// What a checkpoint held, or the beginning.
pub struct Saved {
    applied: Option<LogId>,
    membership: StoredMembership,
    machine: Machine,
}

#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    #[error("the checkpoint's description does not decode")]
    Meta(#[from] postcard::Error),
    #[error("the checkpoint has state format {found}, this program reads format {FORMAT}")]
    Format { found: u32 },
    #[error("the checkpoint's content is not what was written")]
    Chunk(#[from] ChunkError),
    #[error("the checkpoint's content does not fit together")]
    Parts(#[from] PartsError),
}

/// Changes whenever an older program would misread [`Head`] or a chunk.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    applied: Option<LogId>,
    membership: StoredMembership,
    machine: Meta,
}

impl Saved {
    /// Before anything was ever applied.
    pub fn beginning() -> Self {
        let (applied, membership) = (None, StoredMembership::default());
        Self {
            applied,
            membership,
            machine: Machine::default(),
        }
    }

    pub fn from_image(image: checkpoint::Image) -> Result<Self, SavedError> {
        let head = decode_head(&image.meta)?;
        let chunks = image.chunks.into_iter();
        let chunks = chunks.map(|chunk| Chunk::decode(chunk.id, chunk.version, chunk.bytes.into()));
        let machine = Machine::from_parts(head.machine, chunks.collect::<Result<_, _>>()?)?;
        Ok(Self {
            applied: head.applied,
            membership: head.membership,
            machine,
        })
    }

    /// Whether it comes from a checkpoint, and not from nothing.
    pub fn has_begun(&self) -> bool {
        self.applied.is_some()
    }

    pub(super) fn applied(&self) -> Option<LogId> {
        self.applied
    }

    pub(super) fn membership(&self) -> &StoredMembership {
        &self.membership
    }

    pub(super) fn into_state(self) -> State {
        State {
            machine: self.machine,
            applied: self.applied,
            membership: self.membership,
        }
    }
}

/// Writes checkpoints of the state, one at a time.
pub(super) struct Checkpointer {
    state: SharedState,
    checkpoints: Arc<Mutex<Box<dyn Shelf>>>,
    /// The last one that openraft was not told of.
    written: Mutex<Option<(SnapshotMeta, Image)>>,
}

#[derive(Debug, thiserror::Error)]
pub enum CheckpointFailure {
    #[error(transparent)]
    Write(#[from] CheckpointError),
    #[error("cannot read a checkpoint again")]
    Scrub(#[source] io::Error),
    #[error("the checkpoint's thread ended")]
    Thread(#[from] tokio::task::JoinError),
}

impl Checkpointer {
    pub(super) fn new(state: SharedState, checkpoints: impl Shelf) -> Self {
        Self {
            state,
            checkpoints: Arc::new(Mutex::new(Box::new(checkpoints))),
            written: Mutex::new(None),
        }
    }

    /// Takes cheap handles on the state and has them written; returns once proved.
    pub(super) async fn write(
        &self,
        pace: Pace,
    ) -> Result<(SnapshotMeta, Image), CheckpointFailure> {
        let state = self.state.clone();
        // A large state takes seconds.
        let write = move |checkpoints: &mut dyn Shelf| {
            // The state is that of the writer's turn: a later checkpoint never holds an earlier
            // state than the one before, whose log may be gone.
            let (meta, image) = {
                let state = state.read();
                (state.meta(), state.machine.image())
            };
            let proved = checkpoints.write(&to_checkpoint(&meta, &image), pace)?;
            tracing::debug!(?proved, "wrote a checkpoint");
            Ok((meta, image))
        };
        self.locked(write).await?
    }

    /// Reads both checkpoints again, `bytes` at a time with a `pause` after each, and discards
    /// those that are not what was proved.
    pub(super) async fn scrub(
        &self,
        bytes: usize,
        pause: Duration,
    ) -> Result<Vec<Discarded>, CheckpointFailure> {
        let mut discarded = Vec::new();
        for scrub in self.locked(|checkpoints| checkpoints.scrubs()).await? {
            let (scrub, Some(why)) = look(scrub, bytes, pause).await? else {
                continue;
            };
            let dropped = self.locked(move |checkpoints| checkpoints.discard(&scrub, why));
            discarded.extend(dropped.await?);
        }
        Ok(discarded)
    }

    /// Whether a write is urgent; one that is under way answers that.
    pub(super) fn is_damaged(&self) -> bool {
        let checkpoints = self.checkpoints.try_lock();
        checkpoints.is_ok_and(|checkpoints| checkpoints.is_damaged())
    }

    /// On a thread of its own, because a write holds the lock for as long as it takes.
    async fn locked<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut dyn Shelf) -> T + Send + 'static,
    ) -> Result<T, CheckpointFailure> {
        let checkpoints = Arc::clone(&self.checkpoints);
        Ok(aside(move || act(&mut **lock(&checkpoints))).await?)
    }

    /// Keeps a written checkpoint for when openraft asks for one.
    pub(super) fn keep(&self, written: (SnapshotMeta, Image)) {
        *lock(&self.written) = Some(written);
    }

    pub(super) fn take_written(&self) -> Option<(SnapshotMeta, Image)> {
        lock(&self.written).take()
    }

    /// The index up to which neither of the two checkpoints needs the log.
    pub(super) async fn unneeded_index(&self) -> Result<Option<u64>, CheckpointFailure> {
        let look = |checkpoints: &mut dyn Shelf| {
            let head = checkpoints
                .older_meta()
                .and_then(|meta| decode_head(meta).ok())?;
            head.applied.map(|applied| applied.index)
        };
        self.locked(look).await
    }
}

/// Compares one checkpoint with the disk, and says what is damaged.
async fn look(
    mut scrub: Scrub,
    bytes: usize,
    pause: Duration,
) -> Result<(Scrub, Option<String>), CheckpointFailure> {
    loop {
        let step = move || {
            let scrubbed = scrub.step(bytes);
            (scrub, scrubbed)
        };
        let scrubbed;
        (scrub, scrubbed) = aside(step).await?;
        match scrubbed.map_err(CheckpointFailure::Scrub)? {
            Scrubbed::More => tokio::time::sleep(pause).await,
            Scrubbed::Sound => return Ok((scrub, None)),
            Scrubbed::Damaged(why) => return Ok((scrub, Some(why))),
        }
    }
}

pub(super) fn to_checkpoint(meta: &SnapshotMeta, image: &Image) -> checkpoint::Image {
    let head = Head {
        applied: meta.last_log_id,
        membership: meta.last_membership.clone(),
        machine: image.meta.clone(),
    };
    let format = postcard::to_stdvec(&FORMAT).expect("a number encodes");
    let meta = postcard::to_extend(&head, format).expect("the head has no unencodable part");
    let chunk = |chunk: &Arc<Chunk>| checkpoint::Chunk {
        id: chunk.id(),
        version: chunk.version(),
        bytes: chunk.encoded(),
    };
    let mut chunks: Vec<_> = image.chunks.iter().map(chunk).collect();
    chunks.sort_by_key(|chunk| chunk.id);
    checkpoint::Image { meta, chunks }
}

fn decode_head(meta: &[u8]) -> Result<Head, SavedError> {
    let (found, rest) = postcard::take_from_bytes::<u32>(meta)?;
    if found != FORMAT {
        return Err(SavedError::Format { found });
    }
    Ok(postcard::from_bytes(rest)?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking writer left behind is judged by the proofs, not by this flag.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;
    use crate::adapter::checkpoint::simulation::Cellar;
    use crate::core::kv::request::{Command, Put};

    #[tokio::test]
    async fn a_checkpoint_that_had_to_wait_holds_the_state_of_its_turn() {
        let state = SharedState::new(Saved::beginning().into_state());
        let checkpointer = Checkpointer::new(state.clone(), Cellar::default().open());
        let mut waiting = pin!(checkpointer.write(Pace::Prompt));
        {
            let _other_write = lock(&checkpointer.checkpoints);
            assert!(waiting.as_mut().now_or_never().is_none());
            let put = state.write().machine.apply(&Command::Put(Put::default()));
            put.expect("is made");
        }
        let (_, image) = waiting.await.expect("is written");
        assert_eq!(image.meta.revision, state.read().machine.store.revision());
    }
}
