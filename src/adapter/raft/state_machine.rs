//! openraft's state machine on the key-value machine: applying, and checkpoints as snapshots.
//!
//! - Each entry is applied under one write lock, with the observer called inside it, so nobody
//!   sees a change before those who watch for it have been marked.
//! - A snapshot is a checkpoint. The daemon has it written when it is due, where a full disk is no
//!   fatal error, and openraft is told afterwards. What it calls the current snapshot is the state.

use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures_util::{Stream, TryStreamExt};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend};

use crate::adapter::checkpoint::Pace;
use crate::adapter::raft::aside;
use crate::adapter::raft::saved::Checkpointer;
use crate::adapter::raft::types::{LogId, Member, StoredMembership, TypeConfig};
use crate::core::kv::machine::{Image, Machine};
use crate::core::kv::request::{Command, KvError, Reply};
use crate::core::kv::store::Store;

/// One answer for each command of an entry.
type Replies = Vec<Result<Reply, KvError>>;

pub(super) type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<TypeConfig>;
type Snapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, Image>;

/// Whoever must know of changes at the moment they become visible. Called under the write lock:
/// it must be quick and must not take the lock itself.
pub trait Observer: Send + Sync + 'static {
    /// Keys changed from main revision `from` on.
    fn changed(&self, store: &Store, from: i64);

    /// A command was applied; called after [`Self::changed`].
    fn applied(&self, command: &Command, reply: &Result<Reply, KvError>);

    /// An entry without commands was applied: the place of a comparison with other members.
    fn marked(&self, index: u64, machine: &Machine);

    /// The whole state was replaced.
    fn replaced(&self, machine: &Machine);
}

/// The replicated state of this member with its place in the log.
pub struct State {
    pub machine: Machine,
    pub applied: Option<LogId>,
    pub membership: StoredMembership,
}

/// The state, shared by who applies and who reads.
#[derive(Clone)]
pub struct SharedState(Arc<RwLock<State>>);

pub(super) struct StateMachine {
    state: SharedState,
    observer: Arc<dyn Observer>,
    checkpointer: Arc<Checkpointer>,
}

pub(super) struct SnapshotBuilder {
    checkpointer: Arc<Checkpointer>,
}

impl SharedState {
    pub fn new(state: State) -> Self {
        Self(Arc::new(RwLock::new(state)))
    }

    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        // A panic inside apply ends the process (see `host::end_on_panic`), so nobody goes on with
        // what a poisoned lock guards.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The members of the cluster, by id.
    pub fn members(&self) -> impl Iterator<Item = (u64, &Member)> {
        self.membership.nodes().map(|(id, member)| (*id, member))
    }

    /// Whether a member votes, and is no learner.
    pub fn votes(&self, member: u64) -> bool {
        self.membership.voter_ids().any(|id| id == member)
    }

    pub(super) fn meta(&self) -> SnapshotMeta {
        SnapshotMeta {
            last_log_id: self.applied,
            last_membership: self.membership.clone(),
        }
    }
}

impl StateMachine {
    pub(super) fn new(
        state: SharedState,
        observer: Arc<dyn Observer>,
        checkpointer: Arc<Checkpointer>,
    ) -> Self {
        Self {
            state,
            observer,
            checkpointer,
        }
    }

    fn apply_commands(&self, state: &mut State, commands: &[Command]) -> Replies {
        commands
            .iter()
            .map(|command| {
                let from = state.machine.store.revision() + 1;
                let reply = state.machine.apply(command);
                if state.machine.store.revision() >= from {
                    self.observer.changed(&state.machine.store, from);
                }
                self.observer.applied(command, &reply);
                reply
            })
            .collect()
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = Image;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let state = self.state.read();
        Ok((state.applied, state.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let replies = {
                let mut state = self.state.write();
                let replies = match &entry.payload {
                    EntryPayload::Blank => Vec::new(),
                    EntryPayload::Normal(batch) if batch.commands.is_empty() => {
                        self.observer.marked(entry.log_id.index, &state.machine);
                        Vec::new()
                    }
                    EntryPayload::Normal(batch) => self.apply_commands(&mut state, &batch.commands),
                    EntryPayload::Membership(membership) => {
                        state.membership =
                            StoredMembership::new(Some(entry.log_id), membership.clone());
                        Vec::new()
                    }
                };
                state.applied = Some(entry.log_id);
                replies
            };
            if let Some(responder) = responder {
                responder.send(replies);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        SnapshotBuilder {
            checkpointer: Arc::clone(&self.checkpointer),
        }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, snapshot: Image) -> io::Result<()> {
        let put_together = move || {
            let chunks = snapshot.chunks.into_iter().map(Arc::unwrap_or_clone);
            Machine::from_parts(snapshot.meta, chunks.collect())
        };
        // Seconds of a large state, for which nobody else must wait.
        let machine = aside(put_together).await?.map_err(io::Error::other)?;
        let before = {
            let mut state = self.state.write();
            let before = std::mem::replace(&mut state.machine, machine);
            state.applied = meta.last_log_id;
            state.membership = meta.last_membership.clone();
            self.observer.replaced(&state.machine);
            before
        };
        aside(move || drop(before)).await?;
        // What the log held before the snapshot may be purged after this, so it must be on disk.
        let written = self.checkpointer.write(Pace::Prompt).await;
        written.map(drop).map_err(io::Error::other)
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        let state = self.state.read();
        let has_state = state.applied.is_some();
        Ok(has_state.then(|| Snapshot {
            meta: state.meta(),
            snapshot: state.machine.image(),
        }))
    }
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = Image;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let (meta, snapshot) = match self.checkpointer.take_written() {
            Some(written) => written,
            None => {
                let written = self.checkpointer.write(Pace::Yielding).await;
                written.map_err(io::Error::other)?
            }
        };
        Ok(Snapshot { meta, snapshot })
    }
}
