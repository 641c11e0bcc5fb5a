//! Learners: added by the member that leads, and promoted when they have caught up.

use openraft::ChangeMembers;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};

use crate::adapter::raft::Consensus;
use crate::adapter::raft::types::{Member, TypeConfig};
use crate::core::kv::request::KvError;

/// How many entries a learner may be behind and count as caught up: what a busy leader writes
/// while one answer is on its way.
const BEHIND_MAX: u64 = 5_000;

impl Consensus {
    /// Adds a member that does not vote yet, if this one leads. Twice changes nothing.
    pub async fn add_learner(&self, id: u64, member: Member) -> Result<(), KvError> {
        let known = self.state().members().any(|(known, _)| known == id);
        if known {
            return Ok(());
        }
        let nodes = [(id, member)].into();
        let changed = self
            .raft
            .change_membership(ChangeMembers::AddNodes(nodes), true);
        changed.await.map(drop).map_err(refused)
    }

    /// Lets the learners vote that have caught up, one at a time, if this member leads; which.
    pub async fn promote_learners(&self) -> Result<Option<u64>, KvError> {
        let ready = {
            let metrics = self.raft.metrics();
            let metrics = metrics.borrow_watched();
            let membership = metrics.membership_config.membership();
            let last = metrics.last_log_index.unwrap_or(0);
            metrics.replication.as_ref().and_then(|replication| {
                let mut learners = membership.learner_ids();
                learners.find(|id| {
                    let matching = replication.get(id).and_then(|matching| matching.as_ref());
                    matching.is_some_and(|matching| matching.index + BEHIND_MAX >= last)
                })
            })
        };
        let Some(id) = ready else {
            return Ok(None);
        };
        let voters = ChangeMembers::AddVoterIds([id].into());
        let changed = self.raft.change_membership(voters, true).await;
        changed.map(|_| Some(id)).map_err(refused)
    }

    /// Whether a member takes part without a vote.
    pub fn is_learner(&self, id: u64) -> bool {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let membership = metrics.membership_config.membership();
        membership.learner_ids().any(|learner| learner == id)
    }
}

fn refused(error: RaftError<TypeConfig, ClientWriteError<TypeConfig>>) -> KvError {
    match error {
        RaftError::Fatal(_) => KvError::Stopped,
        RaftError::APIError(ClientWriteError::ForwardToLeader(_)) => KvError::NoLeader,
        // Another change is under way; whoever asks again is served.
        RaftError::APIError(_) => KvError::TooManyRequests,
    }
}
