//! Many callers, few log entries: proposals that wait together become one entry.
//!
//! While entries are on their way to disk and quorum, further proposals gather; so the busier the
//! node, the larger the batches, and a quiet node adds no delay.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use openraft::Raft;
use openraft::errors::{ClientWriteError, RaftError};
use tokio::sync::{mpsc, oneshot};

use crate::adapter::raft::state_machine::StateMachine;
use crate::adapter::raft::statistics::Counters;
use crate::adapter::raft::types::{Batch, TypeConfig};
use crate::core::kv::request::{Command, KvError, Reply};

/// Entries on their way at a time: one being synced, one gathering behind it.
const IN_FLIGHT_MAX: usize = 2;

/// Bounds one entry, so that applying it holds the state for about a millisecond.
const BATCH_COMMANDS_MAX: usize = 1024;

/// Bounds one entry's size. One command may be larger; it then goes alone.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Proposals that wait; beyond it callers wait to be let in.
pub(super) const WAITING_MAX: usize = 16 * 1024;

pub(super) struct Proposal {
    pub command: Command,
    pub reply: oneshot::Sender<Result<Reply, KvError>>,
}

type Waiters = Vec<oneshot::Sender<Result<Reply, KvError>>>;
type Flight =
    Pin<Box<dyn Future<Output = (Waiters, Result<Vec<Result<Reply, KvError>>, KvError>)> + Send>>;

pub(super) struct Proposer {
    raft: Raft<TypeConfig, StateMachine>,
    proposals: mpsc::Receiver<Proposal>,
    waiting: VecDeque<Proposal>,
    in_flight: FuturesUnordered<Flight>,
    /// Commands of the entries in flight.
    flying: usize,
    timeout: Duration,
    scratch: Vec<u8>,
    counters: Arc<Counters>,
}

enum Event {
    /// Proposals were added to those that wait.
    Proposed,
    Landed(Waiters, Result<Vec<Result<Reply, KvError>>, KvError>),
    /// Every handle is gone and everything is answered.
    Ended,
}

impl Proposer {
    pub(super) fn new(
        raft: Raft<TypeConfig, StateMachine>,
        proposals: mpsc::Receiver<Proposal>,
        timeout: Duration,
        counters: Arc<Counters>,
    ) -> Self {
        let (waiting, in_flight) = (VecDeque::new(), FuturesUnordered::new());
        Self {
            raft,
            proposals,
            waiting,
            in_flight,
            flying: 0,
            timeout,
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
                Event::Proposed => {}
                Event::Landed(waiters, replies) => {
                    self.flying -= waiters.len();
                    if replies.is_err() {
                        self.counters.proposals_failed(waiters.len());
                    }
                    answer(waiters, replies);
                }
                Event::Ended => return,
            }
            while self.in_flight.len() < IN_FLIGHT_MAX && !self.waiting.is_empty() {
                self.launch();
            }
            self.counters.hold(self.waiting.len() + self.flying);
        }
    }

    async fn select(&mut self, received: &mut Vec<Proposal>) -> Event {
        let room = BATCH_COMMANDS_MAX.saturating_sub(self.waiting.len());
        tokio::select! {
            Some((waiters, replies)) = self.in_flight.next() => Event::Landed(waiters, replies),
            count = self.proposals.recv_many(received, room), if room > 0 => match count {
                0 => Event::Ended,
                _ => Event::Proposed,
            },
        }
    }

    /// Sends what waits, up to the bounds of an entry.
    fn launch(&mut self) {
        let (mut commands, mut waiters, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(next) = self.waiting.front() {
            bytes += weight(&next.command);
            if !commands.is_empty() && bytes > BATCH_BYTES_MAX {
                break;
            }
            let Some(proposal) = self.waiting.pop_front() else {
                break;
            };
            commands.push(proposal.command);
            waiters.push(proposal.reply);
        }
        self.flying += waiters.len();
        let batch = Batch::new(commands, &mut self.scratch);
        let (raft, timeout) = (self.raft.clone(), self.timeout);
        self.in_flight.push(Box::pin(async move {
            let written = tokio::time::timeout(timeout, raft.client_write(batch));
            let replies = match written.await {
                Ok(Ok(response)) => Ok(response.data),
                Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_)))) => {
                    Err(KvError::NoLeader)
                }
                // A membership error cannot answer a command; whatever else is new to us did not
                // say that the commands were made.
                Ok(Err(RaftError::APIError(_))) => Err(KvError::LeaderChanged),
                Ok(Err(RaftError::Fatal(_))) => Err(KvError::Stopped),
                Err(_) => Err(KvError::TimedOut),
            };
            (waiters, replies)
        }));
    }
}

fn answer(waiters: Waiters, replies: Result<Vec<Result<Reply, KvError>>, KvError>) {
    // A receiver that is gone is a client that no longer waits; its command was made all the same.
    match replies {
        Ok(replies) => {
            for (waiter, reply) in waiters.into_iter().zip(replies) {
                drop(waiter.send(reply));
            }
        }
        Err(error) => waiters
            .into_iter()
            .for_each(|waiter| drop(waiter.send(Err(error)))),
    }
}

/// Roughly what a command takes in the log, in bytes.
fn weight(command: &Command) -> usize {
    crate::core::kv::machine::quota_cost(command)
}
