//! Requests that only the leader can serve, from whichever member they came to.
//!
//! A request that was certainly not taken up goes to whoever leads next; one that may have been
//! is never sent again, because commands are not idempotent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use openraft::Raft;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::raft::responder::ProgressResponder;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::adapter::raft::members::Changer;
use crate::adapter::raft::messages::{LeaseQuestion, NotMade, Published, Question, decode, encode};
use crate::adapter::raft::reads;
use crate::adapter::raft::state_machine::StateMachine;
use crate::adapter::raft::types::{Batch, LogId, Member, TypeConfig, log_id};
use crate::adapter::rpc::peer::{Bytes, Couriers, PeerError};
use crate::core::cluster::comparison::Fingerprint;
use crate::core::kv::request::{KvError, Reply};

/// Between two tries to find a leader, while the members elect one.
const ELECTION_PAUSE: Duration = Duration::from_millis(20);

/// How long an answer waits until this member has applied what another one wrote for it: far
/// longer than that takes, and so short that a member which is far behind still passes writes on.
const CATCH_UP_PATIENCE: Duration = Duration::from_millis(500);

/// How long a founder waits for what another one knows of it.
const FOUNDER_PATIENCE: Duration = Duration::from_secs(1);

/// The raft of this member and its ways to the others.
#[derive(Clone)]
pub(super) struct Forwarder {
    pub(super) raft: Raft<TypeConfig, StateMachine>,
    pub(super) links: Arc<dyn Couriers>,
    /// How long a request may look for a leader and wait for its answer.
    pub(super) patience: Duration,
    pub(super) changer: Arc<Changer>,
}

pub(super) enum Written {
    /// The index of the entry, and what came of its commands.
    Replies(u64, Vec<Result<Reply, KvError>>),
    /// Not taken up here.
    Elsewhere,
    Failed(KvError),
}

/// Writes an entry, if this member leads.
pub(super) async fn write(raft: &Raft<TypeConfig, StateMachine>, batch: Batch) -> Written {
    match raft.client_write(batch).await {
        Ok(response) => Written::Replies(response.log_id.index(), response.data),
        Err(RaftError::APIError(error)) => Written::refused(error),
        Err(RaftError::Fatal(_)) => Written::Failed(KvError::Stopped),
    }
}

/// Writes an entry, if this member leads in `term`.
pub(super) async fn write_in_term(
    raft: &Raft<TypeConfig, StateMachine>,
    batch: Batch,
    term: u64,
) -> Written {
    let (responder, answer) = ProgressResponder::complete_only();
    let leader = log_id(term, 0).leader_id;
    let sent = raft
        .write(batch)
        .with_leader(leader)
        .responder(responder)
        .await;
    if sent.is_err() {
        return Written::Failed(KvError::Stopped);
    }
    match answer.await {
        Ok(Ok(response)) => Written::Replies(response.log_id.index(), response.data),
        Ok(Err(error)) => Written::refused(error),
        Err(_) => Written::Failed(KvError::Stopped),
    }
}

impl Written {
    fn refused(error: ClientWriteError<TypeConfig>) -> Self {
        match error {
            ClientWriteError::ForwardToLeader(_) => Self::Elsewhere,
            // It was in the log of a leader that lost its office: another one may have committed
            // it. A membership error cannot answer a command.
            _ => Self::Failed(KvError::LeaderChanged),
        }
    }
}

/// Whether a member has taken part before: it has said where clients reach it.
pub(super) fn knows(raft: &Raft<TypeConfig, StateMachine>, member: u64) -> bool {
    let metrics = raft.server_metrics();
    let metrics = metrics.borrow_watched();
    let known = metrics.membership_config.membership().get_node(&member);
    known.is_some_and(|known| !known.client_urls.is_empty())
}

impl Forwarder {
    /// Whether one of the other founders says that this member has taken part before.
    pub(super) async fn is_known(&self, founders: &BTreeMap<u64, Member>) -> bool {
        let own = *self.raft.node_id();
        let others = founders.iter().filter(|(id, _)| **id != own);
        let asked = others.map(|(id, member)| async move {
            let link = self.links.to(*id, &member.peer_urls)?;
            let answer = link
                .ask(encode(&Question::Knows(own)), FOUNDER_PATIENCE)
                .await?;
            decode::<bool>(&answer)
        });
        // One that does not answer knows nothing: it may not have started yet.
        let answers = join_all(asked).await;
        answers.into_iter().any(|known| known.unwrap_or(false))
    }

    /// Has the others told where this member is reached, once there is a leader.
    pub(super) async fn publish(&self, member: Member) -> Result<(), KvError> {
        let own = *self.raft.node_id();
        let deadline = Instant::now() + self.patience;
        let question = encode(&Question::Publish(own, member.clone()));
        loop {
            let told: Published = match self.leader() {
                Some(leader) if leader == own => {
                    self.changer.publish(own, member.clone(), deadline).await
                }
                Some(leader) => self.ask(leader, question.clone(), deadline).await,
                None => Err(NotMade::NotLeader),
            };
            match told {
                Ok(()) => return Ok(()),
                Err(NotMade::Failed(error @ (KvError::Stopped | KvError::MemberNotFound))) => {
                    return Err(error);
                }
                Err(_) => self.pause(deadline).await?,
            }
        }
    }

    /// Has commands made by whoever leads, and waits until this member has applied them itself, so
    /// that its own state shows a client what was just written through it.
    pub(super) async fn propose(
        &self,
        batch: Batch,
    ) -> Result<Vec<Result<Reply, KvError>>, KvError> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some((leader, term)) = self.leadership()
                && leader != *self.raft.node_id()
            {
                let question = encode(&Question::Propose(batch.clone(), term));
                match self.ask(leader, question, deadline).await {
                    Ok((index, replies)) => {
                        // What it wrote is made, whether or not this member has it in time.
                        let catch_up = Instant::now() + CATCH_UP_PATIENCE;
                        let _ = self.wait_applied(index, catch_up.min(deadline)).await;
                        return Ok(replies);
                    }
                    Err(NotMade::Failed(error)) => return Err(error),
                    Err(NotMade::NotLeader) => {}
                }
            } else {
                // No time-out: who waits has one, and the entry is in the log's hands until then.
                match write(&self.raft, batch.clone()).await {
                    Written::Replies(_, replies) => return Ok(replies),
                    Written::Failed(error) => return Err(error),
                    Written::Elsewhere => {}
                }
            }
            self.pause(deadline).await?;
        }
    }

    /// Waits until this member's state holds everything that was answered before the call.
    /// The term in which this member was confirmed to lead for that, if it was.
    pub(super) async fn read_barrier(&self) -> Result<Option<u64>, KvError> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.read_point(deadline).await {
                Ok((index, led_in)) => {
                    return self.wait_applied(index, deadline).await.map(|()| led_in);
                }
                // A read that was not served changed nothing: it may be asked for again.
                Err(KvError::NoLeader | KvError::LeaderChanged) => self.pause(deadline).await?,
                Err(error) => return Err(error),
            }
        }
    }

    async fn read_point(&self, deadline: Instant) -> Result<(u64, Option<u64>), KvError> {
        if self.raft.is_leader() {
            let confirmed = timeout_at(deadline, reads::point(&self.raft)).await;
            let point = confirmed.map_err(|_| KvError::TimedOut)??;
            return Ok((point.index(), Some(point.committed_leader_id().term)));
        }
        let leader = self.leader().ok_or(KvError::NoLeader)?;
        let question = encode(&Question::ReadIndex(reads::ballot(&self.raft).await?));
        match self.ask(leader, question, deadline).await {
            Ok(index) => Ok((index, None)),
            Err(NotMade::NotLeader) => Err(KvError::NoLeader),
            Err(NotMade::Failed(error)) => Err(error),
        }
    }

    pub(super) async fn wait_applied(&self, index: u64, deadline: Instant) -> Result<(), KvError> {
        let mut progress = self.raft.watch_apply_progress();
        let has = |applied: &Option<LogId>| applied.is_some_and(|applied| applied.index >= index);
        match timeout_at(deadline, progress.wait_until(has)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(KvError::Stopped),
            Err(_) => Err(KvError::TimedOut),
        }
    }

    /// Asks the leader for what only it knows of a lease; [`KvError::NoLeader`] if that is this
    /// member by now.
    pub(super) async fn lease(&self, question: LeaseQuestion) -> Result<Option<u64>, KvError> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(leader) = self.leader().filter(|leader| leader != self.raft.node_id()) {
                let asker = reads::ballot(&self.raft).await?;
                let body = encode(&Question::Lease(question, asker));
                match self.ask(leader, body, deadline).await {
                    Ok(told) => return Ok(told),
                    Err(NotMade::Failed(error)) => return Err(error),
                    Err(NotMade::NotLeader) => {}
                }
            } else if self.raft.is_leader() {
                return Err(KvError::NoLeader);
            }
            self.pause(deadline).await?;
        }
    }

    /// Asks every other member what it held after an entry, each for `limit` at most.
    pub(super) async fn fingerprints(
        &self,
        index: u64,
        limit: Duration,
    ) -> BTreeMap<u64, Fingerprint> {
        let own = *self.raft.node_id();
        let others: Vec<u64> = {
            let metrics = self.raft.server_metrics();
            let metrics = metrics.borrow_watched();
            let nodes = metrics.membership_config.nodes();
            nodes.map(|(id, _)| *id).filter(|id| *id != own).collect()
        };
        let deadline = Instant::now() + limit;
        let asked = others.into_iter().map(|id| async move {
            let question = encode(&Question::Fingerprint(index));
            let held: Result<Option<Fingerprint>, NotMade> = self.ask(id, question, deadline).await;
            Some((id, held.ok()??))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Asks the leader, if it is another member, to have the states compared.
    pub(super) async fn request_comparison(&self) -> Result<(), KvError> {
        let deadline = Instant::now() + self.patience;
        let body = encode(&Question::Compare);
        loop {
            match self.leader() {
                Some(leader) if leader == *self.raft.node_id() => return Ok(()),
                Some(leader) => match self.ask(leader, body.clone(), deadline).await {
                    Ok(()) => return Ok(()),
                    Err(NotMade::Failed(error)) => return Err(error),
                    Err(NotMade::NotLeader) => {}
                },
                None => {}
            }
            self.pause(deadline).await?;
        }
    }

    /// Whether this member leads, as far as it knows.
    pub(super) fn leads(&self) -> bool {
        self.raft.is_leader()
    }

    pub(super) fn leader(&self) -> Option<u64> {
        self.leadership().map(|(leader, _)| leader)
    }

    /// Who leads, and in which term.
    fn leadership(&self) -> Option<(u64, u64)> {
        let metrics = self.raft.server_metrics();
        let metrics = metrics.borrow_watched();
        Some((metrics.current_leader?, metrics.vote.leader_id.term))
    }

    /// Asks another member for the leader's part.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        member: u64,
        question: Bytes,
        deadline: Instant,
    ) -> Result<T, NotMade> {
        let urls = {
            let metrics = self.raft.server_metrics();
            let metrics = metrics.borrow_watched();
            let node = metrics.membership_config.membership().get_node(&member);
            node.map(|node| node.peer_urls.clone())
        };
        let link = urls.and_then(|urls| self.links.to(member, &urls).ok());
        let link = link.ok_or(NotMade::NotLeader)?;
        let limit = deadline.saturating_duration_since(Instant::now());
        let answer = link.ask(question, limit).await;
        match answer.and_then(|body| decode::<Result<T, NotMade>>(&body)) {
            Ok(answer) => answer,
            Err(PeerError::Late { .. }) => Err(NotMade::Failed(KvError::TimedOut)),
            Err(PeerError::Unreachable { .. } | PeerError::Address { .. }) => {
                Err(NotMade::NotLeader)
            }
            Err(PeerError::Broken { .. } | PeerError::Refused(_)) => {
                Err(NotMade::Failed(KvError::LeaderChanged))
            }
        }
    }

    pub(super) async fn pause(&self, deadline: Instant) -> Result<(), KvError> {
        let next = Instant::now() + ELECTION_PAUSE;
        if next >= deadline {
            return Err(KvError::TimedOut);
        }
        sleep_until(next).await;
        Ok(())
    }
}
