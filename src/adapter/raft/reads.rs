//! Linearizable reads: one confirmation of leadership serves all reads that wait for one.
//!
//! A member leads as long as a majority votes for it, and who asks it for a read says for whom it
//! votes. Where those two are a majority, as among three voters, the question is the confirmation
//! that Raft's ReadIndex wants of a heartbeat round, and the answer needs no other message.

use std::collections::BTreeSet;
use std::iter::from_fn;
use std::sync::Arc;

use openraft::errors::{LinearizableReadError, RaftError};
use openraft::{Raft, RaftState, ReadPolicy};
use tokio::sync::{mpsc, oneshot};

use crate::adapter::raft::all_have_arrived;
use crate::adapter::raft::forward::Forwarder;
use crate::adapter::raft::messages::Ballot;
use crate::adapter::raft::state_machine::StateMachine;
use crate::adapter::raft::statistics::Counters;
use crate::adapter::raft::types::{LogId, TypeConfig, Vote};
use crate::core::kv::request::KvError;

/// Reads that one confirmation serves at most, and that wait for the next at most.
pub(super) const WAITING_MAX: usize = 16 * 1024;

/// Who waits for a confirmation; it says the term in which this member leads, if it does.
pub(super) type Read = oneshot::Sender<Result<Option<u64>, KvError>>;

/// Confirms for all reads that arrived before it started, again and again, until every handle is
/// dropped. All that arrive together wait for one. A read that arrives during a confirmation waits
/// for the next: the one under way may have been judged before the read began.
pub(super) async fn run(
    forwarder: Forwarder,
    mut reads: mpsc::Receiver<Read>,
    counters: Arc<Counters>,
) {
    let mut waiting = Vec::new();
    while reads.recv_many(&mut waiting, WAITING_MAX).await > 0 {
        all_have_arrived().await;
        waiting.extend(from_fn(|| reads.try_recv().ok()).take(WAITING_MAX - waiting.len()));
        let confirmed = forwarder.read_barrier().await;
        if confirmed.is_err() {
            counters.read_index_failed();
        }
        waiting.drain(..).for_each(|read| {
            // A receiver that is gone is a client that no longer waits.
            let _ = read.send(confirmed);
        });
    }
}

/// Confirms that this member leads; where its log must be applied before a read.
pub(super) async fn point(raft: &Raft<TypeConfig, StateMachine>) -> Result<LogId, KvError> {
    let linearizer = raft.get_read_linearizer(ReadPolicy::ReadIndex).await;
    let linearizer = linearizer.map_err(|error| match error {
        RaftError::APIError(
            LinearizableReadError::ForwardToLeader(_) | LinearizableReadError::QuorumNotEnough(_),
        ) => KvError::NoLeader,
        RaftError::Fatal(_) => KvError::Stopped,
    })?;
    Ok(*linearizer.read_log_id().log_id())
}

/// The same for a read of another member, that took it in before it said for whom it votes.
pub(super) async fn point_for(
    raft: &Raft<TypeConfig, StateMachine>,
    asker: Ballot,
) -> Result<LogId, KvError> {
    match confirmed_by(raft, asker).await? {
        Some(point) => Ok(point),
        None => point(raft).await,
    }
}

/// Where the log of this member stands, whom an asker's vote and its own make the leader; none if
/// they do not suffice.
pub(super) async fn confirmed_by(
    raft: &Raft<TypeConfig, StateMachine>,
    asker: Ballot,
) -> Result<Option<LogId>, KvError> {
    let own = *raft.node_id();
    // Asked of openraft itself: what it publishes is a moment old, and then it may lead no more.
    let confirmed = raft.with_raft_state(move |state| Standing::of(own, state).confirmed_by(asker));
    confirmed.await.map_err(|_| KvError::Stopped)
}

/// For whom this member votes now.
pub(super) async fn ballot(raft: &Raft<TypeConfig, StateMachine>) -> Result<Ballot, KvError> {
    let member = *raft.node_id();
    let vote = raft.with_raft_state(|state| *state.vote_ref()).await;
    let vote = vote.map_err(|_| KvError::Stopped)?;
    Ok(Ballot { member, vote })
}

/// What a member knows of itself when another one asks it for a read.
struct Standing {
    own: u64,
    leads: bool,
    vote: Vote,
    committed: Option<LogId>,
    /// One, or two while they are being changed: then a majority of each is needed.
    voters: Vec<BTreeSet<u64>>,
}

impl Standing {
    fn of(own: u64, state: &RaftState<TypeConfig>) -> Self {
        let membership = state.membership_state.effective().membership();
        Self {
            own,
            leads: state.server_state.is_leader(),
            vote: *state.vote_ref(),
            committed: state.local_committed().copied(),
            voters: membership.get_joint_config().clone(),
        }
    }

    /// Where the log stands of a leader whom its own vote and the asker's make one; none if they
    /// do not, or nothing of its term is committed yet: it does not know then what was before.
    fn confirmed_by(&self, asker: Ballot) -> Option<LogId> {
        let for_it = BTreeSet::from([self.own, asker.member]);
        let majority =
            |voters: &BTreeSet<u64>| voters.intersection(&for_it).count() * 2 > voters.len();
        let leads = self.leads && self.vote == asker.vote && self.voters.iter().all(majority);
        let of_its_term = |point: &LogId| point.leader_id.term == self.vote.leader_id.term;
        self.committed.filter(of_its_term).filter(|_| leads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::raft::types::log_id;

    fn vote(term: u64, member: u64) -> Vote {
        Vote::new_committed(term, member)
    }

    fn leader_of(voters: &[&[u64]]) -> Standing {
        Standing {
            own: 1,
            leads: true,
            vote: vote(7, 1),
            committed: Some(log_id(7, 100)),
            voters: voters
                .iter()
                .map(|voters| voters.iter().copied().collect())
                .collect(),
        }
    }

    fn asker(member: u64, vote: Vote) -> Ballot {
        Ballot { member, vote }
    }

    #[test]
    fn of_three_voters_the_asker_and_the_leader_are_enough() {
        let leader = leader_of(&[&[1, 2, 3]]);
        let point = leader.confirmed_by(asker(2, vote(7, 1)));
        assert_eq!(point, Some(log_id(7, 100)));
    }

    #[test]
    fn an_asker_that_votes_for_another_confirms_nothing() {
        let leader = leader_of(&[&[1, 2, 3]]);
        for other in [vote(8, 3), vote(8, 1), vote(6, 1), Vote::new(7, 1)] {
            assert_eq!(leader.confirmed_by(asker(2, other)), None, "{other}");
        }
    }

    #[test]
    fn one_that_voted_for_another_or_gave_up_is_not_confirmed() {
        let elsewhere = Standing {
            vote: vote(8, 3),
            ..leader_of(&[&[1, 2, 3]])
        };
        assert_eq!(elsewhere.confirmed_by(asker(2, vote(7, 1))), None);
        let follower = Standing {
            leads: false,
            ..leader_of(&[&[1, 2, 3]])
        };
        assert_eq!(follower.confirmed_by(asker(2, vote(7, 1))), None);
    }

    #[test]
    fn of_five_voters_or_with_a_learner_they_are_not_enough() {
        let asker_of = |member| asker(member, vote(7, 1));
        assert_eq!(
            leader_of(&[&[1, 2, 3, 4, 5]]).confirmed_by(asker_of(2)),
            None
        );
        assert_eq!(leader_of(&[&[1, 2, 3]]).confirmed_by(asker_of(4)), None);
        assert_eq!(leader_of(&[&[1, 2, 3]]).confirmed_by(asker_of(1)), None);
    }

    #[test]
    fn while_the_voters_change_both_majorities_are_needed() {
        let old_and_new: [&[u64]; 2] = [&[1, 2, 3], &[1, 2, 3, 4]];
        assert_eq!(
            leader_of(&old_and_new).confirmed_by(asker(2, vote(7, 1))),
            None
        );
        let replaced: [&[u64]; 2] = [&[1, 2, 3], &[1, 2, 4]];
        assert!(
            leader_of(&replaced)
                .confirmed_by(asker(2, vote(7, 1)))
                .is_some()
        );
        assert_eq!(
            leader_of(&replaced).confirmed_by(asker(3, vote(7, 1))),
            None
        );
    }

    #[test]
    fn a_leader_with_nothing_of_its_term_committed_does_not_know_what_was_before() {
        let fresh = Standing {
            committed: Some(log_id(6, 99)),
            ..leader_of(&[&[1, 2, 3]])
        };
        assert_eq!(fresh.confirmed_by(asker(2, vote(7, 1))), None);
        let empty = Standing {
            committed: None,
            ..leader_of(&[&[1, 2, 3]])
        };
        assert_eq!(empty.confirmed_by(asker(2, vote(7, 1))), None);
    }
}
