//! openraft's own suite for stores, on our log store and state machine with real files.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use openraft::StorageError;
use openraft::raft::{AppendEntriesRequest, StreamAppendResult};
use openraft::testing::log::{StoreBuilder, Suite};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::adapter::checkpoint::simulation::Cellar;
use crate::adapter::checkpoint::worker::{self, Worker};
use crate::adapter::checkpoint::{Checkpoints, LogReach, Shelf};
use crate::adapter::raft::log_store::LogStore;
use crate::adapter::raft::messages::{
    NotMade, Offer, OfferedChunk, Proposed, Question, Wanted, decode, encode,
};
use crate::adapter::raft::proposer;
use crate::adapter::raft::receiver::UNWRITTEN_BYTES_MAX;
use crate::adapter::raft::saved::{Checkpointer, Saved};
use crate::adapter::raft::state_machine::{Observer, SharedState, StateMachine};
use crate::adapter::raft::types::{Batch, Entry, EntryPayload, Member, TypeConfig, Vote, log_id};
use crate::adapter::raft::{Consensus, ConsensusError, Settings, unless_stalled};
use crate::adapter::rpc::peer::{Bytes, Links, Patience, PeerError, Peers, Speaker};
use crate::adapter::wal::simulation::{self, SimulatedDisk};
use crate::adapter::wal::{Options, Recovered, Wal, WalError};
use crate::core::kv::machine::Machine;
use crate::core::kv::request::{Command, DeleteRange, KeyRange, KvError, Put, Reply};
use crate::core::kv::store::Store;

/// Small, so that the suite's many stores are quick to lay out.
const SEGMENT_BYTES: u64 = 64 * 1024;

/// The process that writes checkpoints: this test alone, in another process of the test binary.
#[test]
fn worker_process() {
    if worker::is_asked_for() {
        let code = worker::serve();
        std::process::exit(i32::from(code.is_err()));
    }
}

struct Nobody;

impl Observer for Nobody {
    fn changed(&self, _store: &Store, _from: i64) {}
    fn applied(&self, _command: &Command, _reply: &Result<Reply, KvError>) {}
    fn marked(&self, _index: u64, _machine: &Machine) {}
    fn replaced(&self, _machine: &Machine) {}
}

struct Stores;

impl Stores {
    fn open() -> io::Result<(TempDir, LogStore, StateMachine)> {
        let dir = TempDir::new()?;
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            reserve_bytes: 0,
            ..Options::default()
        };
        let (wal, recovered) =
            Wal::open(&dir.path().join("wal"), options).map_err(io::Error::other)?;
        let log_store = LogStore::new(Arc::new(wal), &recovered, None)?;
        let checkpoints = checkpoints(dir.path())?;
        let state = SharedState::new(Saved::beginning().into_state());
        let checkpointer = Arc::new(Checkpointer::new(state.clone(), checkpoints));
        let machine = StateMachine::new(state, Arc::new(Nobody), checkpointer);
        Ok((dir, log_store, machine))
    }
}

pub(super) fn checkpoints(dir: &Path) -> io::Result<Checkpoints> {
    let arguments = [
        "adapter::raft::tests::worker_process",
        "--exact",
        "--nocapture",
    ];
    let worker = Worker::new("/proc/self/exe", arguments);
    let opened = Checkpoints::open(&dir.join("checkpoints"), worker, LogReach::Later);
    opened
        .map(|(checkpoints, ..)| checkpoints)
        .map_err(io::Error::other)
}

/// A member alone, whose log has segments of `segment_bytes`.
async fn consensus(dir: &Path, segment_bytes: u64) -> Consensus {
    let options = Options {
        segment_bytes,
        ..Options::default()
    };
    let (wal, recovered) = Wal::open(&dir.join("wal"), options).expect("opens");
    let checkpoints = checkpoints(dir).expect("opens");
    let consensus = begun(Arc::new(wal), &recovered, checkpoints).await;
    let alone = BTreeMap::from([(1, Member::default())]);
    consensus.settle(alone).await.expect("leads");
    consensus
}

/// A member that waits to be told what it is.
async fn begun(wal: Arc<Wal>, recovered: &Recovered, checkpoints: impl Shelf) -> Consensus {
    let speaker = Speaker {
        cluster_id: 1,
        member_id: 1,
    };
    let election_timeout = Duration::from_secs(1);
    let settings = Settings {
        member_id: 1,
        links: Arc::new(Links::new(speaker, Patience::of(election_timeout))),
        heartbeat: Duration::from_millis(100),
        election_timeout,
    };
    let (saved, observer) = (Saved::beginning(), Arc::new(Nobody));
    let started = Consensus::start(settings, wal, recovered, saved, checkpoints, observer);
    started.await.expect("starts")
}

impl StoreBuilder<TypeConfig, LogStore, StateMachine, TempDir> for Stores {
    async fn build(&self) -> Result<(TempDir, LogStore, StateMachine), StorageError<TypeConfig>> {
        Ok(Self::open().expect("a fresh directory makes fresh stores"))
    }
}

#[tokio::test]
async fn openrafts_suite_holds_on_our_stores() {
    Suite::test_all(Stores).await.expect("every case holds");
}

fn delete(bytes: usize) -> Command {
    Command::DeleteRange(DeleteRange {
        keys: KeyRange::key(vec![b'k'; bytes]),
        prev_kv: false,
    })
}

/// More than a segment takes, proposed at once by commands that the quota counts for nothing.
#[tokio::test]
async fn a_burst_of_large_deletes_is_answered_and_the_member_goes_on() {
    let dir = TempDir::new().expect("is made");
    let consensus = consensus(dir.path(), 4 << 20).await;
    let burst = join_all((0..64).map(|_| consensus.propose(delete(200 << 10))));
    for answer in burst.await {
        assert!(matches!(answer, Ok(Reply::DeleteRange(_))), "{answer:?}");
    }
    let too_large = consensus.propose(delete(proposer::COMMAND_BYTES_MAX));
    assert_eq!(too_large.await, Err(KvError::RequestTooLarge));
    let put = Command::Put(Put {
        key: "k".into(),
        ..Put::default()
    });
    assert!(matches!(consensus.propose(put).await, Ok(Reply::Put(_))));
    consensus.shutdown().await.expect("ends in order");
}

#[tokio::test]
async fn what_another_member_passes_on_is_made_in_the_term_that_it_means_only() {
    let dir = TempDir::new().expect("is made");
    let consensus = consensus(dir.path(), 1 << 20).await;
    let (receiver, term) = (consensus.receiver(), consensus.standing().term);
    let pass_on = async |term| {
        let commands = vec![delete(1), Command::LeaseRevoke { id: 7 }];
        let batch = Batch::new(commands, &mut Vec::new());
        let answer = receiver.ask(encode(&Question::Propose(batch, term))).await;
        decode::<Proposed>(&answer.expect("is answered")).expect("decodes")
    };
    for other in [term - 1, term + 1] {
        assert_eq!(pass_on(other).await, Err(NotMade::NotLeader));
    }
    let (index, replies) = pass_on(term).await.expect("is made");
    assert!(
        matches!(replies[0], Ok(Reply::DeleteRange(_))),
        "{replies:?}"
    );
    assert_eq!(replies[1], Err(KvError::LeaseNotFound));
    assert_eq!(
        consensus.standing().applied_index,
        index,
        "and nothing else"
    );
    consensus.shutdown().await.expect("ends in order");
}

#[tokio::test]
async fn proposals_beyond_the_bound_on_memory_are_refused_until_others_are_answered() {
    const LEFT_BYTES: usize = 1000;
    let dir = TempDir::new().expect("is made");
    let consensus = consensus(dir.path(), 1 << 20).await;
    let others = (proposer::PENDING_BYTES_MAX - LEFT_BYTES) as u32;
    let others = consensus.room.try_acquire_many(others).expect("are free");
    let refused = consensus.propose(delete(LEFT_BYTES)).await;
    assert_eq!(refused, Err(KvError::TooManyRequests));
    for _ in 0..10 {
        let made = consensus.propose(delete(LEFT_BYTES / 2)).await;
        assert!(matches!(made, Ok(Reply::DeleteRange(_))), "{made:?}");
    }
    drop(others);
    let made = consensus.propose(delete(LEFT_BYTES)).await;
    assert!(matches!(made, Ok(Reply::DeleteRange(_))), "{made:?}");
    let free = consensus.room.available_permits();
    assert_eq!(free, proposer::PENDING_BYTES_MAX, "all is given back");
    consensus.shutdown().await.expect("ends in order");
}

/// What the leader of term 1 sends of its log.
fn appended(index: u64, bytes: usize) -> Result<Bytes, PeerError> {
    let batch = Batch::new(vec![delete(bytes)], &mut Vec::new());
    let entry = Entry {
        log_id: log_id(1, index),
        payload: EntryPayload::Normal(batch),
    };
    Ok(encode(&AppendEntriesRequest::<TypeConfig> {
        vote: Vote::new_committed(1, 2),
        prev_log_id: index.checked_sub(1).map(|before| log_id(1, before)),
        entries: vec![entry],
        leader_commit: None,
    }))
}

/// More than the log lets wait, as it comes to a member that was away.
#[tokio::test]
async fn a_leader_that_sends_faster_than_the_disk_writes_is_held_back() {
    const MESSAGE_BYTES: u64 = 4 << 20;
    const WAITING_BYTES_MAX: u64 = UNWRITTEN_BYTES_MAX as u64 + MESSAGE_BYTES;
    const MESSAGES: u64 = 2 * WAITING_BYTES_MAX / MESSAGE_BYTES;
    let disk = SimulatedDisk::new(1);
    let options = Options {
        queue_bytes_max: WAITING_BYTES_MAX,
        ..Options::default()
    };
    let (wal, recovered, mut driver) = simulation::open(&disk, &options).expect("opens");
    let wal = Arc::new(wal);
    let consensus = begun(Arc::clone(&wal), &recovered, Cellar::default().open()).await;
    // It writes when nothing more comes for a while.
    let writer = tokio::spawn(async move {
        loop {
            let before = wal.queued_bytes();
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            if wal.queued_bytes() == before && !driver.write() {
                return;
            }
        }
    });
    let bodies = stream::iter(0..MESSAGES).map(|index| appended(index, MESSAGE_BYTES as usize));
    let answers: Vec<_> = consensus.receiver().append(bodies.boxed()).collect().await;
    assert_eq!(answers.len() as u64, MESSAGES);
    let kept = answers.into_iter().map(|answer| {
        let answer = decode::<StreamAppendResult<TypeConfig>>(&answer.expect("is answered"));
        answer.expect("decodes").expect("is kept")
    });
    let last = kept.last().flatten();
    assert_eq!(last, Some(log_id(1, MESSAGES - 1)));
    writer.abort();
}

#[tokio::test]
async fn what_came_of_a_state_goes_when_the_member_goes_on_by_the_log() {
    let dir = TempDir::new().expect("is made");
    let (wal, recovered) = Wal::open(&dir.path().join("wal"), Options::default()).expect("opens");
    let consensus = begun(Arc::new(wal), &recovered, Cellar::default().open()).await;
    let receiver = consensus.receiver();
    let mut state = Saved::beginning().into_state();
    for key in ["a", "b", "c"] {
        let put = Put {
            key: key.into(),
            value: vec![0; 100 << 10].into(),
            ..Put::default()
        };
        state.machine.apply(&Command::Put(put)).expect("is made");
    }
    let image = state.machine.image();
    let chunks = image.chunks.iter();
    let offer = encode(&Offer {
        vote: Vote::new_committed(1, 2),
        meta: state.meta(),
        machine: image.meta.clone(),
        chunks: chunks.map(OfferedChunk::of).collect(),
    });
    // An exchange that breaks after the first chunk.
    let wanted = async || {
        let bodies = [Ok(offer.clone()), Ok(image.chunks[0].encoded())];
        let mut answers = receiver.install(stream::iter(bodies).boxed());
        let wanted = answers
            .next()
            .await
            .expect("is answered")
            .expect("is wanted");
        let broken = answers.next().await.expect("is answered");
        assert!(broken.is_err(), "more is wanted");
        decode::<Wanted>(&wanted).expect("decodes").len()
    };
    let all = image.chunks.len();
    assert_eq!([wanted().await, wanted().await], [all, all - 1]);
    let log = stream::iter([appended(0, 1)]).boxed();
    let answers: Vec<_> = receiver.append(log).collect().await;
    assert!(answers.iter().all(Result::is_ok) && answers.len() == 1);
    assert_eq!(wanted().await, all);
}

#[tokio::test]
async fn a_start_waits_while_something_is_applied_and_not_for_ever() {
    const PERIOD: Duration = Duration::from_millis(1);
    let stalled = unless_stalled(PERIOD, std::future::pending::<()>(), || 7);
    assert_eq!(stalled.await, None);

    let applied = Cell::new(0);
    let (told, all_applied) = oneshot::channel();
    let told = Cell::new(Some(told));
    let progress = || {
        applied.set(applied.get() + 1);
        if applied.get() == 5 {
            let told = told.take().expect("is told once");
            told.send("done").expect("is awaited");
        }
        applied.get()
    };
    let slow = unless_stalled(PERIOD, all_applied, progress);
    assert_eq!(slow.await, Some(Ok("done")));
}

#[test]
fn a_start_on_a_full_disk_says_so() {
    let shortage = WalError::NoSpace {
        action: "extend",
        path: "/data/log/5".into(),
        source: io::ErrorKind::StorageFull.into(),
    };
    let shortage = Some(Arc::new(shortage));
    let text = ConsensusError::Stalled { shortage }.to_string();
    let words = ["60 s: no space left to extend /data/log/5", "free space"];
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
}
