//! Many callers, few log entries: proposals that wait together become one entry.
//!
//! While entries are on their way to disk and quorum, further proposals gather; so the busier the
//! node, the larger the batches, and a quiet node adds no delay.
//!
//! An entry must fit into a segment of the log, or the log refuses it and openraft ends: so every
//! command is weighed with what it takes there, and an entry that nobody waits for any more keeps
//! its place until it is written, so that what the disk does not take never piles up behind it.
//!
//! Nor does an entry enter the log of a leader before room for it is prepared there: on a full disk
//! it would stand in the way of all that comes later, of the deletions as well that make space.

use std::collections::VecDeque;
use std::future::Future;
use std::iter::from_fn;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot};

use crate::adapter::raft::all_have_arrived;
use crate::adapter::raft::forward::Forwarder;
use crate::adapter::raft::statistics::Counters;
use crate::adapter::raft::types::Batch;
use crate::adapter::wal::{Fit, SEGMENT_BYTES, Wal};
use crate::core::kv::request::{Command, KvError, REQUEST_BYTES_MAX, Reply};

/// Entries on their way at a time: one being synced, one gathering behind it.
const IN_FLIGHT_MAX: usize = 2;

/// Bounds one entry, so that applying it holds the state for about a millisecond.
const BATCH_COMMANDS_MAX: usize = 1024;

/// Bounds one entry's size. One command may be larger; it then goes alone.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// What an entry is bounded by where not so much fits into the log, in turn; at last one command
/// goes alone.
const SMALLER_BATCH_BYTES: [usize; 3] = [BATCH_BYTES_MAX / 8, BATCH_BYTES_MAX / 64, 0];

/// A command beyond it is refused: it would not fit into an entry.
pub(super) const COMMAND_BYTES_MAX: usize = (SEGMENT_BYTES / 2) as usize;

const _: () = assert!(
    2 * REQUEST_BYTES_MAX <= COMMAND_BYTES_MAX,
    "what a configuration may allow can be written"
);

/// Proposals that wait; beyond it callers wait to be let in.
pub(super) const WAITING_MAX: usize = 16 * 1024;

/// Bounds the memory of all that is proposed and not yet answered, wherever it waits; what would
/// go beyond is refused. Some of the largest commands, or a second of what a fast disk takes.
pub(super) const PENDING_BYTES_MAX: usize = 128 << 20;

const _: () = assert!(
    COMMAND_BYTES_MAX <= PENDING_BYTES_MAX && PENDING_BYTES_MAX <= u32::MAX as usize,
    "the largest command can be admitted, and counted in permits"
);

pub(super) struct Proposal {
    pub command: Command,
    /// What the command takes in the log, see [`weight`].
    pub bytes: usize,
    pub waiter: Waiter,
}

/// Who waits for the answer to a command.
pub(super) struct Waiter {
    pub reply: oneshot::Sender<Result<Reply, KvError>>,
    /// The command's part of [`PENDING_BYTES_MAX`], given back with the answer.
    pub _room: OwnedSemaphorePermit,
}

type Waiters = Vec<Waiter>;
type Flight = Pin<Box<dyn Future<Output = Landed> + Send>>;

/// An entry that was made, or not.
struct Landed {
    bytes: usize,
    waiters: Waiters,
    replies: Result<Vec<Result<Reply, KvError>>, KvError>,
}

pub(super) struct Proposer {
    forwarder: Forwarder,
    wal: Arc<Wal>,
    /// Told by the log when it is worth looking again whether an entry fits.
    prepared: Arc<Notify>,
    proposals: mpsc::Receiver<Proposal>,
    waiting: VecDeque<Proposal>,
    in_flight: FuturesUnordered<Flight>,
    /// Commands of the entries in flight.
    flying: usize,
    flying_bytes: usize,
    scratch: Vec<u8>,
    counters: Arc<Counters>,
}

enum Event {
    /// Proposals were added to those that wait.
    Proposed,
    Landed(Landed),
    /// The log has prepared room, or cannot.
    Prepared,
    /// Every handle is gone and everything is answered.
    Ended,
}

impl Proposer {
    pub(super) fn new(
        forwarder: Forwarder,
        wal: Arc<Wal>,
        proposals: mpsc::Receiver<Proposal>,
        counters: Arc<Counters>,
    ) -> Self {
        let (waiting, in_flight) = (VecDeque::new(), FuturesUnordered::new());
        Self {
            forwarder,
            wal,
            prepared: Arc::default(),
            proposals,
            waiting,
            in_flight,
            flying: 0,
            flying_bytes: 0,
            scratch: Vec::new(),
            counters,
        }
    }

    /// Runs until every handle is dropped.
    pub(super) async fn run(mut self) {
        let mut received = Vec::with_capacity(BATCH_COMMANDS_MAX);
        loop {
            let event = self.select(&mut received).await;
            self.waiting.extend(received.drain(..));
            match event {
                Event::Proposed | Event::Prepared => {}
                Event::Landed(landed) => {
                    self.flying -= landed.waiters.len();
                    self.flying_bytes -= landed.bytes;
                    let failed = answer(landed.waiters, landed.replies);
                    self.counters.proposals_failed(failed);
                }
                Event::Ended => return,
            }
            if self.in_flight.len() < IN_FLIGHT_MAX {
                self.gather().await;
            }
            while self.in_flight.len() < IN_FLIGHT_MAX
                && let Some(bytes_max) = self.entry_bytes_max()
            {
                self.launch(bytes_max);
            }
            self.counters.hold(self.waiting.len() + self.flying);
        }
    }

    async fn select(&mut self, received: &mut Vec<Proposal>) -> Event {
        let room = BATCH_COMMANDS_MAX.saturating_sub(self.waiting.len());
        tokio::select! {
            // Answers first: they make room for what waits, and a simulation leaves no choice open.
            biased;
            Some(landed) = self.in_flight.next() => Event::Landed(landed),
            () = self.prepared.notified() => Event::Prepared,
            count = self.proposals.recv_many(received, room), if room > 0 => match count {
                0 => Event::Ended,
                _ => Event::Proposed,
            },
        }
    }

    /// Has what is proposed at the same time wait together: an entry costs as much as many
    /// commands.
    async fn gather(&mut self) {
        all_have_arrived().await;
        let room = BATCH_COMMANDS_MAX.saturating_sub(self.waiting.len());
        let more = from_fn(|| self.proposals.try_recv().ok());
        self.waiting.extend(more.take(room));
    }

    /// How large the next entry may be; none while nothing waits, or there is no room for it.
    /// Commands that a full disk leaves no room for are refused here.
    fn entry_bytes_max(&mut self) -> Option<usize> {
        while let Some(next) = self.waiting.front() {
            let bytes = next.bytes;
            if next.waiter.reply.is_closed() {
                self.waiting.pop_front();
                continue;
            }
            // Another leader's disk is not ours to judge.
            if self.fit(bytes.max(BATCH_BYTES_MAX)) == Fit::Now || !self.forwarder.leads() {
                return Some(BATCH_BYTES_MAX);
            }
            let smaller = |bound: &usize| self.fit(bytes.max(*bound)) == Fit::Now;
            if let Some(bytes_max) = SMALLER_BATCH_BYTES.into_iter().find(smaller) {
                return Some(bytes_max);
            }
            if !self.in_flight.is_empty() {
                // Counted twice while they are written: looked at again when they landed.
                return None;
            }
            if self.fit(bytes) == Fit::DiskFull {
                let refused = self.waiting.pop_front().expect("looked at just now");
                drop(refused.waiter.reply.send(Err(KvError::NoSpace)));
                continue;
            }
            let prepared = Arc::clone(&self.prepared);
            let told = Box::new(move || prepared.notify_one());
            self.wal.expect(bytes as u64, told);
            return None;
        }
        None
    }

    fn fit(&self, bytes: usize) -> Fit {
        self.wal.fit(bytes as u64, self.flying_bytes as u64)
    }

    /// Sends what waits, up to the bounds of an entry.
    fn launch(&mut self, bytes_max: usize) {
        let (commands, waiters) = gather(&mut self.waiting, bytes_max);
        if commands.is_empty() {
            return;
        }
        let batch = Batch::new(commands, &mut self.scratch);
        let bytes = batch.bytes();
        self.flying += waiters.len();
        self.flying_bytes += bytes;
        let forwarder = self.forwarder.clone();
        self.in_flight.push(Box::pin(async move {
            let replies = forwarder.propose(batch).await;
            Landed {
                bytes,
                waiters,
                replies,
            }
        }));
    }
}

/// What a command takes in the log, in bytes.
pub(super) fn weight(command: &Command) -> usize {
    postcard::experimental::serialized_size(command).expect("commands have no unencodable part")
}

/// Takes the commands of one entry; those that nobody waits for any more are not made.
fn gather(waiting: &mut VecDeque<Proposal>, bytes_max: usize) -> (Vec<Command>, Waiters) {
    let (mut commands, mut waiters, mut bytes) = (Vec::new(), Vec::new(), 0);
    while let Some(next) = waiting.pop_front() {
        if next.waiter.reply.is_closed() {
            continue;
        }
        bytes += next.bytes;
        if !commands.is_empty() && bytes > bytes_max {
            waiting.push_front(next);
            break;
        }
        commands.push(next.command);
        waiters.push(next.waiter);
    }
    (commands, waiters)
}

/// Tells each who waits, and how many were told of a failure. One that is gone no longer waits;
/// its command was made all the same, or not, and whoever it was has been told so.
fn answer(waiters: Waiters, replies: Result<Vec<Result<Reply, KvError>>, KvError>) -> usize {
    match replies {
        Ok(replies) => {
            for (waiter, reply) in waiters.into_iter().zip(replies) {
                drop(waiter.reply.send(reply));
            }
            0
        }
        Err(error) => {
            let told = waiters
                .into_iter()
                .map(|waiter| waiter.reply.send(Err(error)));
            told.filter(Result::is_ok).count()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Semaphore;

    use crate::core::kv::request::{DeleteRange, KeyRange, Operation, Txn};

    fn proposal(command: Command) -> (Proposal, oneshot::Receiver<Result<Reply, KvError>>) {
        let (reply, receiver) = oneshot::channel();
        let bytes = weight(&command);
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned();
        let room = room.expect("one is free");
        let proposal = Proposal {
            command,
            bytes,
            waiter: Waiter { reply, _room: room },
        };
        (proposal, receiver)
    }

    fn delete(bytes: usize) -> DeleteRange {
        let keys = KeyRange {
            start: vec![b'a'; bytes / 2].into(),
            end: vec![b'b'; bytes / 2].into(),
        };
        DeleteRange {
            keys,
            prev_kv: false,
        }
    }

    #[test]
    fn an_entry_is_bounded_whatever_its_commands_do() {
        let txn = |bytes| Txn {
            failure: vec![Operation::DeleteRange(delete(bytes))],
            ..Txn::default()
        };
        let large = 600 << 10;
        let (mut waiting, waiters): (VecDeque<_>, Vec<_>) = (0..100)
            .map(|at| match at % 2 {
                0 => proposal(Command::DeleteRange(delete(large))),
                _ => proposal(Command::Txn(txn(large))),
            })
            .unzip();
        let mut scratch = Vec::new();
        while !waiting.is_empty() {
            let (commands, _) = gather(&mut waiting, BATCH_BYTES_MAX);
            let weights: usize = commands.iter().map(weight).sum();
            let batch = Batch::new(commands, &mut scratch);
            assert!(batch.bytes() <= BATCH_BYTES_MAX, "{batch}");
            // The difference is the number of commands before them.
            assert_eq!(batch.bytes(), weights + 1, "{batch}");
        }
        drop(waiters);
    }

    #[test]
    fn a_command_larger_than_an_entry_goes_alone_and_one_that_nobody_awaits_does_not_go() {
        let (large, _awaited) = proposal(Command::DeleteRange(delete(2 * BATCH_BYTES_MAX)));
        let (small, _small) = proposal(Command::LeaseRevoke { id: 1 });
        let (gone, forgotten) = proposal(Command::LeaseRevoke { id: 2 });
        drop(forgotten);
        let mut waiting = VecDeque::from([gone, large, small]);
        assert_eq!(gather(&mut waiting, BATCH_BYTES_MAX).0.len(), 1);
        assert_eq!(
            gather(&mut waiting, BATCH_BYTES_MAX).0,
            [Command::LeaseRevoke { id: 1 }]
        );
        assert!(gather(&mut waiting, BATCH_BYTES_MAX).0.is_empty());
    }
}
