//! What other members ask of this one.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use openraft::Raft;
use openraft::raft::AppendEntriesRequest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use crate::adapter::raft::forward::{self, Forwarder, Written};
use crate::adapter::raft::log_store;
use crate::adapter::raft::messages::{
    Ballot, Held, LeaseQuestion, LeaseTold, NotMade, Proposed, Question, ReadIndex, decode, encode,
};
use crate::adapter::raft::reads;
use crate::adapter::raft::state_machine::StateMachine;
use crate::adapter::raft::transfer::{self, Arrivals};
use crate::adapter::raft::types::{Batch, TypeConfig};
use crate::adapter::rpc::peer::{Bodies, Bytes, PeerError, Peers};
use crate::adapter::wal::{Fit, Wal};
use crate::core::cluster::comparison::Fingerprint;
use crate::core::kv::request::KvError;

/// What of the leader's entries may wait for this member's disk before it takes in more: a few
/// messages. The leader sends as fast as they are taken, and a log that refuses what is too much
/// for it ends the member.
pub(super) const UNWRITTEN_BYTES_MAX: usize = 32 << 20;

/// Whoever keeps the leases' time on the leader.
pub trait LeaseKeeper: Send + Sync + 'static {
    /// `led_in` is the term in which this member was just confirmed to lead, if it was: that need
    /// not be done again.
    fn ask(
        &self,
        question: LeaseQuestion,
        led_in: Option<u64>,
    ) -> BoxFuture<'_, Result<Option<u64>, KvError>>;
}

/// Whoever compares the states of the members.
pub trait Examiner: Send + Sync + 'static {
    /// What this member held after an entry; it may take long.
    fn fingerprint(&self, index: u64) -> BoxFuture<'_, Result<Option<Fingerprint>, KvError>>;

    /// Notes that somebody wants a comparison.
    fn compare(&self);
}

/// The receiving end of a member.
pub struct Receiver {
    raft: Raft<TypeConfig, StateMachine>,
    forwarder: Forwarder,
    wal: Arc<Wal>,
    arrivals: Arc<Arrivals>,
    /// Set once the member is whole; until then it does not lead.
    keeper: OnceLock<Arc<dyn LeaseKeeper>>,
    /// Set once the member has everything that was committed when it started.
    examiner: OnceLock<Arc<dyn Examiner>>,
}

/// What one stream has brought of entries that are not answered yet.
struct Unwritten {
    room: Arc<Semaphore>,
    /// What each message took of it, in their order.
    held: Mutex<VecDeque<OwnedSemaphorePermit>>,
}

/// Whoever takes the answers. Nobody waits for room when nobody takes them any more.
struct Answered(Arc<Unwritten>);

impl Receiver {
    pub(super) fn new(forwarder: Forwarder, wal: Arc<Wal>) -> Self {
        Self {
            raft: forwarder.raft.clone(),
            forwarder,
            wal,
            arrivals: Arc::default(),
            keeper: OnceLock::new(),
            examiner: OnceLock::new(),
        }
    }

    /// Says who answers for leases; the first one stays.
    pub fn keep_leases_with(&self, keeper: Arc<dyn LeaseKeeper>) {
        self.keeper.get_or_init(|| keeper);
    }

    /// Says who compares states; the first one stays.
    pub fn compare_with(&self, examiner: Arc<dyn Examiner>) {
        self.examiner.get_or_init(|| examiner);
    }

    async fn answer(&self, question: Question) -> Result<Bytes, PeerError> {
        match question {
            Question::Vote(request) => said(self.raft.vote(request)).await,
            Question::PreVote(request) => said(self.raft.pre_vote(request)).await,
            Question::TransferLeader(request) => {
                said(self.raft.handle_transfer_leader(request)).await
            }
            Question::Propose(batch, term) => Ok(encode(&self.propose(batch, term).await)),
            Question::ReadIndex(asker) => Ok(encode(&self.read_index(asker).await)),
            Question::Lease(question, asker) => Ok(encode(&self.lease(question, asker).await)),
            Question::Knows(member) => Ok(encode(&forward::knows(&self.raft, member))),
            Question::Publish(id, member) => {
                let published = self.forwarder.changer.publish(id, member, self.deadline());
                Ok(encode(&published.await))
            }
            Question::Change(change, again) => {
                let changer = &self.forwarder.changer;
                Ok(encode(&changer.make(&change, again, self.deadline()).await))
            }
            Question::Fingerprint(index) => Ok(encode(&self.fingerprint(index).await)),
            Question::Compare => {
                if let Some(examiner) = self.examiner.get() {
                    examiner.compare();
                }
                Ok(encode(&Ok::<(), NotMade>(())))
            }
        }
    }

    /// Until when somebody waits for an answer.
    fn deadline(&self) -> Instant {
        Instant::now() + self.forwarder.patience
    }

    async fn propose(&self, batch: Batch, term: u64) -> Proposed {
        // It would stand in the way of all that comes later; see `proposer`.
        if self.raft.is_leader() && self.wal.fit(batch.bytes() as u64, 0) == Fit::DiskFull {
            return Err(NotMade::Failed(KvError::NoSpace));
        }
        match forward::write_in_term(&self.raft, batch, term).await {
            Written::Replies(index, replies) => Ok((index, replies)),
            Written::Elsewhere => Err(NotMade::NotLeader),
            Written::Failed(error) => Err(NotMade::Failed(error)),
        }
    }

    async fn read_index(&self, asker: Ballot) -> ReadIndex {
        match reads::point_for(&self.raft, asker).await {
            Ok(point) => Ok(point.index()),
            Err(KvError::Stopped) => Err(NotMade::Failed(KvError::Stopped)),
            Err(_) => Err(NotMade::NotLeader),
        }
    }

    async fn fingerprint(&self, index: u64) -> Held {
        match self.examiner.get() {
            Some(examiner) => examiner.fingerprint(index).await.map_err(NotMade::Failed),
            None => Ok(None),
        }
    }

    async fn lease(&self, question: LeaseQuestion, asker: Ballot) -> LeaseTold {
        let Some(keeper) = self.keeper.get().filter(|_| self.raft.is_leader()) else {
            return Err(NotMade::NotLeader);
        };
        let told = async {
            let confirmed = reads::confirmed_by(&self.raft, asker).await?;
            if let Some(point) = confirmed {
                let applied = self.forwarder.wait_applied(point.index, self.deadline());
                applied.await?;
            }
            let led_in = confirmed.map(|point| point.leader_id.term);
            keeper.ask(question, led_in).await
        };
        told.await.map_err(|error| match error {
            KvError::NoLeader => NotMade::NotLeader,
            error => NotMade::Failed(error),
        })
    }
}

impl Unwritten {
    /// Waits until there is room for a message. A heartbeat needs none: that the leader lives is
    /// known whatever the disk does.
    async fn admit(&self, bytes: usize, is_heartbeat: bool) {
        let permits = match is_heartbeat {
            true => 0,
            false => bytes.min(UNWRITTEN_BYTES_MAX),
        };
        let permits = u32::try_from(permits).expect("no more than the bound");
        let room = Arc::clone(&self.room).acquire_many_owned(permits);
        // The stream has ended otherwise, and so does this.
        if let Ok(room) = room.await {
            self.lock().push_back(room);
        }
    }

    /// The oldest message was answered: it is on the disk, or not wanted. Whether it had entries.
    fn answered(&self) -> bool {
        let room = self.lock().pop_front();
        room.is_some_and(|room| room.num_permits() > 0)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<OwnedSemaphorePermit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.room.close();
    }
}

/// openraft's answer, unless it has stopped.
async fn said<T: serde::Serialize, E: std::fmt::Display>(
    answer: impl Future<Output = Result<T, E>>,
) -> Result<Bytes, PeerError> {
    match answer.await {
        Ok(answer) => Ok(encode(&answer)),
        Err(error) => Err(PeerError::Refused(error.to_string())),
    }
}

impl Peers for Receiver {
    async fn ask(&self, body: Bytes) -> Result<Bytes, PeerError> {
        self.answer(decode(&body)?).await
    }

    async fn describe(&self) -> Result<Bytes, PeerError> {
        let described = self.forwarder.describe().await;
        described
            .map(|described| encode(&described))
            .map_err(|error| PeerError::Refused(error.to_string()))
    }

    fn append(&self, bodies: Bodies) -> Bodies {
        let unwritten = Answered(Arc::new(Unwritten {
            room: Arc::new(Semaphore::new(UNWRITTEN_BYTES_MAX)),
            held: Mutex::default(),
        }));
        let admitting = Arc::clone(&unwritten.0);
        // A body that is broken ends the stream; the sender opens another.
        let requests = bodies
            .map(|body| {
                let body = body?;
                let request: AppendEntriesRequest<TypeConfig> = decode(&body)?;
                Ok((request, body.len()))
            })
            .take_while(|request: &Result<_, PeerError>| std::future::ready(request.is_ok()))
            .filter_map(|request| std::future::ready(request.ok()))
            .then(move |(request, bytes)| {
                let admitting = Arc::clone(&admitting);
                async move {
                    admitting.admit(bytes, request.entries.is_empty()).await;
                    request
                }
            });
        let results = self.raft.stream_append(requests);
        let arrivals = Arc::clone(&self.arrivals);
        let answers = results.map(move |result| {
            let had_entries = unwritten.0.answered();
            if had_entries && matches!(result, Ok(Ok(_))) {
                // It goes on by the log: what came of a state before is of no use any more.
                arrivals.forget();
            }
            match result {
                Ok(result) => Ok(encode(&result)),
                Err(fatal) => Err(PeerError::Refused(fatal.to_string())),
            }
        });
        answers.boxed()
    }

    fn install(&self, bodies: Bodies) -> Bodies {
        let (say, said) = mpsc::channel(2);
        let (raft, wal) = (self.raft.clone(), Arc::clone(&self.wal));
        let arrivals = Arc::clone(&self.arrivals);
        // Ends with the exchange: when the sender ends the bodies, or nobody takes the answers.
        tokio::spawn(async move {
            let outcome = async {
                let transfer::Received { vote, snapshot } = arrivals.receive(bodies, &say).await?;
                let (chunks, revision) = {
                    let image = &snapshot.snapshot;
                    (image.chunks.len(), image.meta.revision)
                };
                let installed = raft.install_full_snapshot(vote, snapshot).await;
                let installed = installed.map_err(|error| PeerError::Refused(error.to_string()))?;
                // openraft says yes at once to a state that its log covers, while the log may still
                // be on its way to the disk. A leader that counts on what a crash then takes away
                // never sends it again.
                let is_safe = log_store::written(&wal, Vec::new()).await;
                is_safe.map_err(|error| PeerError::Refused(error.to_string()))?;
                tracing::info!(revision, chunks, "took over the whole state of the leader");
                Ok(encode(&installed))
            };
            // A sender that is gone begins another exchange.
            let _ = say.send(outcome.await).await;
        });
        ReceiverStream::new(said).boxed()
    }
}
