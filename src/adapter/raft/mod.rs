//! Consensus: openraft behind one narrow handle that names none of its types.
//!
//! - A command that was answered is on the disks of a quorum and applied here.
//! - After [`Consensus::read_barrier`] returns, the state holds everything that was answered
//!   anywhere before the call.
//! - A log that cannot be written stops the node: [`Consensus::failed`] says so, and nothing more
//!   is answered.
//!
//! openraft 0.10 is an alpha, exactly pinned; its own test suite runs on our stores.

mod forward;
mod log_store;
mod members;
mod messages;
mod network;
mod offline;
mod proposer;
mod reads;
mod receiver;
mod saved;
mod state_machine;
mod statistics;
mod transfer;
mod types;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, RwLockReadGuard};
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{InitializeError, RaftError};
use openraft::{Config, Raft, SnapshotPolicy};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinError;

use crate::adapter::checkpoint::{Discarded, Pace, Shelf};
use crate::adapter::raft::forward::{Forwarder, Written};
use crate::adapter::raft::log_store::LogStore;
use crate::adapter::raft::members::Changer;
use crate::adapter::raft::network::Network;
use crate::adapter::raft::proposer::{Proposal, Proposer, Waiter};
use crate::adapter::raft::saved::Checkpointer;
use crate::adapter::raft::state_machine::StateMachine;
use crate::adapter::raft::statistics::Counters;
use crate::adapter::raft::types::{Batch, TypeConfig};
use crate::adapter::rpc::peer::Couriers;
use crate::adapter::wal::{Fit, Recovered, SyncStatistics, Wal, WalError};
use crate::core::cluster::comparison::Fingerprint;
use crate::core::kv::request::{Command, KvError, Reply};
use crate::core::kv::store::Step;

pub use log_store::Appended;
pub use members::{Described, NotChanged, look_up};
pub use messages::LeaseQuestion;
pub use offline::{OfflineError, Roll, alive, found, make_only_voter, roll};
pub use receiver::{Examiner, LeaseKeeper, Receiver};
pub use saved::{CheckpointFailure, Saved, SavedError};
pub use state_machine::{Observer, SharedState, State};
pub use statistics::Statistics;
pub use types::Member;

/// The index of the first entry of every log: the membership of one.
pub const FIRST_INDEX: u64 = 0;

/// How consensus is set up.
pub struct Settings {
    pub member_id: u64,
    pub links: Arc<dyn Couriers>,
    pub heartbeat: Duration,
    pub election_timeout: Duration,
}

/// Where the member stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub term: u64,
    /// 0: none is known.
    pub leader: u64,
    pub last_index: u64,
    pub committed_index: u64,
    pub applied_index: u64,
}

/// Who leads, in which term, as far as the member knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    pub term: u64,
    /// 0: nobody is known to.
    pub leader: u64,
}

/// How far dropping compacted versions got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    More,
    All,
    /// Somebody needs the rest of what would be dropped.
    Needed,
}

#[derive(Debug, thiserror::Error)]
pub enum ConsensusError {
    #[error("cannot read the log")]
    Log(#[source] std::io::Error),
    #[error("consensus settings are not usable: {0}")]
    Config(String),
    #[error("consensus stopped: {0}")]
    Stopped(String),
    #[error(
        "this member did not come to lead in {} s{}",
        START_STALL.as_secs(), why(shortage.as_ref())
    )]
    Stalled { shortage: Option<Arc<WalError>> },
}

/// The handle; cheap to share.
pub struct Consensus {
    raft: Raft<TypeConfig, StateMachine>,
    state: SharedState,
    wal: Arc<Wal>,
    log: LogStore,
    checkpointer: Arc<Checkpointer>,
    proposals: mpsc::Sender<Proposal>,
    reads: mpsc::Sender<reads::Read>,
    counters: Arc<Counters>,
    /// Bytes of commands that may still be proposed; each has its part until it is answered.
    room: Arc<Semaphore>,
    /// How long a proposal waits for its answer.
    timeout: Duration,
    forwarder: Forwarder,
    receiver: Arc<Receiver>,
    /// It was restored from a snapshot and has done nothing since.
    is_as_restored: bool,
}

impl Consensus {
    /// Starts a member from what its log and its checkpoints hold. It takes part at once;
    /// [`Self::settle`] says when there is somebody to lead.
    pub async fn start(
        settings: Settings,
        wal: Arc<Wal>,
        recovered: &Recovered,
        saved: Saved,
        checkpoints: impl Shelf,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, ConsensusError> {
        let log_store = LogStore::new(Arc::clone(&wal), recovered, saved.applied())
            .map_err(ConsensusError::Log)?;
        let state = SharedState::new(saved.into_state());
        let checkpointer = Arc::new(Checkpointer::new(state.clone(), checkpoints));
        let machine = StateMachine::new(state.clone(), observer, Arc::clone(&checkpointer));
        let config = config(&settings)?;
        let log = log_store.clone();
        let network = Network {
            links: Arc::clone(&settings.links),
        };
        let raft = Raft::new(settings.member_id, config, network, log_store, machine)
            .await
            .map_err(stopped)?;

        let (proposals, proposed) = mpsc::channel(proposer::WAITING_MAX);
        let (reads, read) = mpsc::channel(reads::WAITING_MAX);
        let timeout = REQUEST_TIMEOUT + 2 * settings.election_timeout;
        let forwarder = Forwarder {
            raft: raft.clone(),
            links: settings.links,
            patience: timeout,
            changer: Arc::new(Changer::new(raft.clone(), settings.election_timeout)),
        };
        let counters = Arc::new(Counters::default());
        let proposer = Proposer::new(
            forwarder.clone(),
            Arc::clone(&wal),
            proposed,
            Arc::clone(&counters),
        );
        // Both end when the handle is dropped, because their channels close.
        tokio::spawn(proposer.run());
        tokio::spawn(reads::run(forwarder.clone(), read, Arc::clone(&counters)));
        let receiver = Arc::new(Receiver::new(forwarder.clone(), Arc::clone(&wal)));
        Ok(Self {
            raft,
            state,
            wal,
            log,
            checkpointer,
            proposals,
            reads,
            counters,
            room: Arc::new(Semaphore::new(proposer::PENDING_BYTES_MAX)),
            timeout,
            forwarder,
            receiver,
            is_as_restored: offline::is_as_founded(recovered),
        })
    }

    /// Waits until somebody leads and everything committed is applied here. A member that is the
    /// only voter waits for nobody: if it comes no further, its disk is why.
    ///
    /// `founders` found the cluster; nobody heeds them once there is a log. Without anybody the
    /// member waits to be taken in.
    pub async fn settle(&self, founders: BTreeMap<u64, Member>) -> Result<(), ConsensusError> {
        let applied = || self.standing().applied_index;
        let begins = self.raft.voter_ids().next().is_none();
        let founds_alone = begins && founders.keys().eq([self.raft.node_id()]);
        let alone = founds_alone || is_only_voter(&self.raft);
        let settling = async {
            begin(&self.raft, founders).await?;
            loop {
                match self.read_barrier().await {
                    Ok(_) => return Ok(()),
                    Err(KvError::Stopped) => return Err(self.failed().await),
                    // The others may start later; nothing is wrong with waiting for them.
                    Err(error) => tracing::info!(
                        %error,
                        "waiting for a leader, for which a majority of the members must run"
                    ),
                }
            }
        };
        let settled = async {
            tokio::select! {
                settled = settling => settled,
                // Whoever waits for a leader is not told that this member can have none.
                failure = self.failed() => Err(failure),
            }
        };
        if !alone {
            return settled.await;
        }
        match unless_stalled(START_STALL, settled, applied).await {
            Some(settled) => settled,
            None => Err(ConsensusError::Stalled {
                shortage: self.wal.shortage(),
            }),
        }
    }

    /// Whether a member that is new here has taken part before, as the other founders say: what it
    /// had promised and acknowledged is lost then, and it must not vote again. Ask before the
    /// others can reach it.
    pub async fn has_lost_its_past(
        &self,
        founders: &BTreeMap<u64, Member>,
    ) -> Result<bool, ConsensusError> {
        if self.is_as_restored {
            // It has no past here either, and knows the members better than its settings do.
            let members = {
                let state = self.state();
                let members = state.members();
                members.map(|(id, member)| (id, member.clone())).collect()
            };
            return Ok(self.forwarder.is_known(&members).await);
        }
        let begins = !self.raft.is_initialized().await.map_err(stopped)?;
        Ok(begins && self.forwarder.is_known(founders).await)
    }

    /// Tells the others where this member is reached, if that is new to them.
    pub async fn publish(&self, own: &Member) -> Result<(), KvError> {
        let id = *self.raft.node_id();
        let known = self.state().members().any(|known| known == (id, own));
        match known {
            true => Ok(()),
            false => self.forwarder.publish(own.clone()).await,
        }
    }

    /// Whether nobody else votes.
    pub fn is_alone(&self) -> bool {
        is_only_voter(&self.raft)
    }

    /// What other members ask is answered by this.
    pub fn receiver(&self) -> Arc<Receiver> {
        Arc::clone(&self.receiver)
    }

    /// What only the leader's clock knows of a lease; for a member that does not lead.
    pub async fn ask_of_lease(&self, question: LeaseQuestion) -> Result<Option<u64>, KvError> {
        self.forwarder.lease(question).await
    }

    /// Whether this member leads, as far as it knows.
    pub fn leads(&self) -> bool {
        self.raft.is_leader()
    }

    /// Waits until leader or term is another than `seen`.
    pub async fn leadership_after(&self, seen: Leadership) -> Result<Leadership, ConsensusError> {
        // Not the metrics as a whole, which change with every entry.
        let mut metrics = self.raft.server_metrics();
        loop {
            let now = {
                let metrics = metrics.borrow_watched();
                Leadership {
                    term: metrics.vote.leader_id.term,
                    leader: metrics.current_leader.unwrap_or(0),
                }
            };
            if now != seen {
                return Ok(now);
            }
            metrics.changed().await.map_err(stopped)?;
        }
    }

    /// Makes a change; its reply once it is applied.
    pub async fn propose(&self, command: Command) -> Result<Reply, KvError> {
        let bytes = proposer::weight(&command);
        if bytes > proposer::COMMAND_BYTES_MAX {
            return Err(KvError::RequestTooLarge);
        }
        let permits = u32::try_from(bytes).expect("no more than the bound");
        let room = Arc::clone(&self.room).try_acquire_many_owned(permits);
        let room = room.map_err(|_| KvError::TooManyRequests)?;
        let (reply, receiver) = oneshot::channel();
        let proposal = Proposal {
            command,
            bytes,
            waiter: Waiter { reply, _room: room },
        };
        let answered = async {
            let sent = self.proposals.send(proposal).await;
            sent.map_err(|_| KvError::Stopped)?;
            receiver.await.unwrap_or(Err(KvError::Stopped))
        };
        match tokio::time::timeout(self.timeout, answered).await {
            Ok(answer) => answer,
            Err(_) => {
                self.counters.proposals_failed(1);
                Err(KvError::TimedOut)
            }
        }
    }

    /// Makes a change of this member's own, if it leads in `term` and still does when the change
    /// enters the log.
    pub async fn propose_in_term(&self, command: Command, term: u64) -> Result<Reply, KvError> {
        let batch = Batch::new(vec![command], &mut Vec::new());
        if self.wal.fit(batch.bytes() as u64, 0) == Fit::DiskFull {
            return Err(KvError::NoSpace);
        }
        let written = forward::write_in_term(&self.raft, batch, term);
        let written = tokio::time::timeout(self.timeout, written).await;
        match written.unwrap_or(Written::Failed(KvError::TimedOut)) {
            Written::Replies(_, replies) => {
                let reply = replies.into_iter().next();
                reply.expect("one reply for one command")
            }
            Written::Elsewhere => Err(KvError::NoLeader),
            Written::Failed(error) => Err(error),
        }
    }

    /// Puts an entry into the log after which the members' states can be compared, if this member
    /// leads; its index.
    pub async fn mark(&self) -> Result<u64, KvError> {
        let batch = Batch::new(Vec::new(), &mut Vec::new());
        let written = tokio::time::timeout(self.timeout, self.raft.client_write(batch)).await;
        match written {
            Ok(Ok(response)) => Ok(response.log_id.index),
            Ok(Err(RaftError::APIError(_))) => Err(KvError::NoLeader),
            Ok(Err(RaftError::Fatal(_))) => Err(KvError::Stopped),
            Err(_) => Err(KvError::TimedOut),
        }
    }

    /// What the other members held after an entry, of those who said so within `limit`.
    pub async fn fingerprints(&self, index: u64, limit: Duration) -> BTreeMap<u64, Fingerprint> {
        self.forwarder.fingerprints(index, limit).await
    }

    /// Asks whoever leads to have the members' states compared.
    pub async fn request_comparison(&self) -> Result<(), KvError> {
        self.forwarder.request_comparison().await
    }

    /// Waits until an entry is applied here.
    pub async fn applied(&self, index: u64, limit: Duration) -> Result<(), KvError> {
        let deadline = tokio::time::Instant::now() + limit;
        self.forwarder.wait_applied(index, deadline).await
    }

    pub fn voters(&self) -> BTreeSet<u64> {
        self.raft.voter_ids().collect()
    }

    /// How long a request waits for its answer at most.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Waits until what is read from the state afterwards is linearizable; the term in which this
    /// member was confirmed to lead meanwhile, if it was.
    pub async fn read_barrier(&self) -> Result<Option<u64>, KvError> {
        let (sender, receiver) = oneshot::channel();
        self.reads
            .send(sender)
            .await
            .map_err(|_| KvError::Stopped)?;
        receiver.await.unwrap_or(Err(KvError::Stopped))
    }

    /// The replicated state, for reading. Hold it briefly: nothing is applied meanwhile.
    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    /// Drops some versions that a compaction made unreadable, unless somebody needs them: given
    /// the revision of the compaction, `oldest_needed` says, with the state held, from which one
    /// on they stay for now.
    pub fn drop_compacted(&self, oldest_needed: impl FnOnce(i64) -> Option<i64>) -> Dropped {
        let mut state = self.state.write();
        let store = &mut state.machine.store;
        if !store.has_to_drop() {
            return Dropped::All;
        }
        match store.drop_step(oldest_needed(store.compacted())) {
            Step::More => Dropped::More,
            Step::Done if store.has_to_drop() => Dropped::Needed,
            Step::Done => Dropped::All,
        }
    }

    /// What was appended to the log since the checkpoint that the member started from.
    pub fn appended(&self) -> Appended {
        self.log.appended()
    }

    /// How proposals and reads fare.
    pub fn statistics(&self) -> Statistics {
        let queued = self.proposals.max_capacity() - self.proposals.capacity();
        self.counters.read(queued)
    }

    /// How long the syncs of the log take.
    pub fn sync_statistics(&self) -> SyncStatistics {
        self.wal.sync_statistics()
    }

    pub fn standing(&self) -> Standing {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let index = |id: &Option<types::LogId>| id.as_ref().map_or(0, |id| id.index);
        Standing {
            term: metrics.current_term,
            leader: metrics.current_leader.unwrap_or(0),
            last_index: metrics.last_log_index.unwrap_or(0),
            committed_index: index(&metrics.cluster_committed),
            applied_index: index(&metrics.last_applied),
        }
    }

    /// Whether the disk takes another change of about `bytes`.
    pub fn admits(&self, bytes: usize) -> bool {
        self.wal.admits(bytes as u64)
    }

    /// Why there is no room for more of the log, while the disk is full.
    pub fn disk_shortage(&self) -> Option<Arc<WalError>> {
        self.wal.shortage()
    }

    /// How long the disk has been at work on one batch of the log.
    pub fn disk_stalled_for(&self) -> Duration {
        self.wal.stalled_for()
    }

    /// Writes a checkpoint of the state as it is now, and gives back the log space that neither
    /// it nor the former one needs. After a failure the log only stays longer.
    pub async fn checkpoint(&self, pace: Pace) -> Result<(), CheckpointFailure> {
        let written = self.checkpointer.write(pace).await?;
        self.checkpointer.keep(written);
        let unneeded = self.checkpointer.unneeded_index().await?;
        let trigger = self.raft.trigger();
        let told = async {
            trigger.snapshot().await?;
            match unneeded {
                Some(index) => trigger.purge_log(index).await,
                None => Ok(()),
            }
        };
        if let Err(fatal) = told.await {
            // The node is ending, and says itself why.
            tracing::debug!(%fatal, "no longer running");
        }
        Ok(())
    }

    /// Reads both checkpoints again, `bytes` at a time with a `pause` after each; those that are
    /// damaged count for nothing from then on.
    pub async fn scrub(
        &self,
        bytes: usize,
        pause: Duration,
    ) -> Result<Vec<Discarded>, CheckpointFailure> {
        self.checkpointer.scrub(bytes, pause).await
    }

    /// Whether a checkpoint was found damaged, and none was written since.
    pub fn has_damaged_checkpoint(&self) -> bool {
        self.checkpointer.is_damaged()
    }

    /// Returns when consensus cannot go on, with the reason.
    pub async fn failed(&self) -> ConsensusError {
        let mut metrics = self.raft.server_metrics();
        // They end with the task that runs consensus; its last words are in the others.
        while metrics.changed().await.is_ok() {}
        let why = self.raft.metrics().borrow_watched().running_state.clone();
        ConsensusError::Stopped(match (self.wal.failure(), why) {
            (Some(failure), _) => explain(&failure),
            (None, Err(fatal)) => fatal.to_string(),
            (None, Ok(())) => "its task ended".to_owned(),
        })
    }

    /// Hands the lead to the member that is nearest to having everything, if this one leads.
    pub async fn hand_over(&self) {
        let successor = {
            let metrics = self.raft.metrics();
            let metrics = metrics.borrow_watched();
            let own = *self.raft.node_id();
            let voters: BTreeSet<u64> =
                metrics.membership_config.membership().voter_ids().collect();
            let behind = metrics.replication.as_ref();
            behind.and_then(|behind| {
                let others = behind
                    .iter()
                    .filter(|(id, _)| **id != own && voters.contains(id));
                others
                    .max_by_key(|(_, matching)| **matching)
                    .map(|(id, _)| *id)
            })
        };
        let Some(successor) = successor.filter(|_| self.raft.is_leader()) else {
            return;
        };
        if self.raft.trigger().transfer_leader(successor).await.is_ok() {
            let wait = self.raft.wait(Some(HAND_OVER_TIMEOUT));
            // Late or not, the others elect somebody without this member.
            let _ = wait.current_leader(successor, "a successor leads").await;
        }
    }

    /// Stops taking part. What was answered is on disk; nothing else is owed.
    pub async fn shutdown(&self) -> Result<(), ConsensusError> {
        let mut ending = pin!(self.raft.shutdown());
        let ended = match tokio::time::timeout(END_PATIENCE, ending.as_mut()).await {
            Ok(ended) => ended,
            Err(_) => {
                // It waits for a full disk: a log that closes fails what waits for room.
                let failure = self.wal.close();
                failure.map_err(|failure| ConsensusError::Stopped(explain(&failure)))?;
                ending.await
            }
        };
        ended.map_err(stopped)?;
        self.wal
            .close()
            .map_err(|failure| ConsensusError::Stopped(explain(&failure)))
    }
}

/// Founds the cluster, or goes on with what there is.
async fn begin(
    raft: &Raft<TypeConfig, StateMachine>,
    founders: BTreeMap<u64, Member>,
) -> Result<(), ConsensusError> {
    if raft.is_initialized().await.map_err(stopped)? {
        if is_only_voter(raft) {
            // It need not wait for an election timeout to pass.
            raft.trigger().elect(false).await.map_err(stopped)?;
        }
        return Ok(());
    }
    if founders.is_empty() {
        return Ok(());
    }
    match raft.initialize(founders).await {
        // Another founder was quicker, and this member has its word already.
        Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
        Err(error) => Err(stopped(error)),
    }
}

fn is_only_voter(raft: &Raft<TypeConfig, StateMachine>) -> bool {
    raft.voter_ids().eq([*raft.node_id()])
}

/// How long openraft may take to end before the log is closed under it.
const END_PATIENCE: Duration = Duration::from_secs(3);

/// How long a start may go without applying anything of the log before it is given up: a long log
/// takes its time, a disk that takes nothing would take for ever.
const START_STALL: Duration = Duration::from_secs(60);

/// How long a member that ends waits for its successor; clients wait meanwhile.
const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(1);

/// etcd's bound on a request, to which two election timeouts are added.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

fn config(settings: &Settings) -> Result<Arc<Config>, ConsensusError> {
    let election_ms = settings.election_timeout.as_millis() as u64;
    let config = Config {
        heartbeat_interval: settings.heartbeat.as_millis() as u64,
        // openraft waits for the leader's lease, which is the upper bound, and then for a random
        // time between both: three quarters of the election timeout to all of it.
        election_timeout_min: election_ms / 4,
        election_timeout_max: election_ms / 2,
        // The daemon says when to write a checkpoint and how much log the older one still needs.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        enable_pre_vote: Some(true),
        // A leader that went on in its old term after a crash could give an index that was sent out
        // but not kept a second meaning. It costs one vote and one blank entry per start.
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    config
        .validate()
        .map(Arc::new)
        .map_err(|error| ConsensusError::Config(error.to_string()))
}

/// Runs what takes a processor or the disk for long on a thread of its own, which ends with it. A
/// simulation has one thread.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    #[cfg(test)]
    if simulation::is_running() {
        simulation::busy().await;
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await
}

/// Lets everything that is ready run, and the tasks as well that this wakes or that sockets wake
/// meanwhile: a message to other members, an entry, a sync then serve all who ask at the same time,
/// and not only the first. Where nothing else is to be done it takes microseconds.
async fn all_have_arrived() {
    // The first time sockets are looked at, the second time those who read from them have asked.
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

/// Waits for `work` for as long as `progress` changes in each `period`.
async fn unless_stalled<T>(
    period: Duration,
    work: impl Future<Output = T>,
    progress: impl Fn() -> u64,
) -> Option<T> {
    let mut work = pin!(work);
    let mut before = progress();
    loop {
        if let Ok(done) = tokio::time::timeout(period, work.as_mut()).await {
            return Some(done);
        }
        let now = progress();
        if now == before {
            return None;
        }
        before = now;
    }
}

/// What keeps the log from being written.
fn why(shortage: Option<&Arc<WalError>>) -> String {
    shortage.map_or_else(String::new, |shortage| format!(": {}", explain(shortage)))
}

fn stopped(error: impl std::fmt::Display) -> ConsensusError {
    ConsensusError::Stopped(error.to_string())
}

fn explain(failure: &WalError) -> String {
    use std::error::Error as _;
    match failure.source() {
        Some(source) => format!("{failure}: {source}; {}", failure.hint()),
        None => format!("{failure}; {}", failure.hint()),
    }
}
