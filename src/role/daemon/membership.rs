//! Changes of the members: those that clients ask for, those that are due by themselves, and the
//! end of a member that was removed.

use std::sync::Arc;
use std::time::Duration;

use crate::adapter::host;
use crate::adapter::raft::NotChanged;
use crate::adapter::rpc::server::{Refused, Wish};
use crate::core::cluster::membership::{Change, Turnover};
use crate::core::kv::request::{Command, KvError, MemberAlarm};
use crate::error::{Exit, Failure};
use crate::role::daemon::node::Node;

/// How often the leader looks whether a change is due: a learner that has caught up waits no
/// longer than this for its vote.
const ROUND: Duration = Duration::from_millis(250);

/// How often a member asks the others whether it is one.
const BELONGS_ROUND: Duration = Duration::from_secs(2);

impl Node {
    /// Has a change made by whoever leads; the id of the member that it is about.
    pub(super) async fn change_member(&self, wish: Wish) -> Result<u64, Refused> {
        let change = match wish {
            // Drawn, and never drawn again: an id that was removed does not come back.
            Wish::Add { peer_urls } => Change::Add {
                id: host::random_u64(),
                peer_urls,
            },
            Wish::Remove { id } => Change::Remove { id },
            Wish::Update { id, peer_urls } => Change::Update { id, peer_urls },
            Wish::Promote { id } => Change::Promote { id },
        };
        let (Change::Add { id, .. }
        | Change::Remove { id }
        | Change::Update { id, .. }
        | Change::Promote { id }) = change;
        let changed = self.consensus.change_members(&change).await;
        match &changed {
            Ok(()) => tracing::info!(%change, "the members have changed"),
            Err(why) => tracing::warn!(%change, %why, "the members are not changed"),
        }
        changed.map_err(refused)?;
        if let Change::Remove { id } = change {
            self.clear_alarms_of(id).await;
        }
        Ok(id)
    }

    /// What a member that is gone has raised would stay for ever.
    pub(super) async fn clear_alarms_of(&self, member: u64) {
        let raised: Vec<MemberAlarm> = {
            let state = self.consensus.state();
            let raised = state.machine.alarms();
            raised.filter(|raised| raised.member == member).collect()
        };
        for alarm in raised {
            if let Err(error) = self.consensus.propose(Command::ClearAlarm(alarm)).await {
                tracing::warn!(%error, "an alarm of a member that is gone stays: disarm it");
            }
        }
    }
}

/// What a client is told.
pub(super) fn refused(why: NotChanged) -> Refused {
    let error = match &why {
        NotChanged::Refused(refusal) => refusal.error(),
        NotChanged::Failed(error) => *error,
    };
    let why = why.to_string();
    Refused { error, why }
}

/// Looks after the membership while this member leads.
pub(super) async fn tend(node: Arc<Node>) {
    loop {
        let turnover = Turnover {
            replace_after: node.settings.replace_after,
            replacing: node.replacing(),
        };
        match node.consensus.tend_members(&turnover).await {
            Ok(None) => {}
            Ok(Some(shift)) => {
                let ids = |ids: &std::collections::BTreeSet<u64>| {
                    let ids = ids.iter().map(|id| format!("{id:x}"));
                    ids.collect::<Vec<_>>().join(",")
                };
                tracing::info!(
                    promoted = ids(&shift.promote),
                    removed = ids(&shift.remove),
                    "learners that have caught up vote now"
                );
                for member in shift.remove {
                    node.clear_alarms_of(member).await;
                }
            }
            Err(NotChanged::Failed(KvError::Stopped)) => return,
            Err(why) => tracing::info!(%why, "the members are looked after later"),
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// Returns when the others say that this member was removed.
pub(super) async fn removed(node: &Node) -> Failure {
    node.consensus.removed(BELONGS_ROUND).await;
    let why = format!(
        "member {:x} was removed from the cluster, which goes on without it",
        node.identity.member_id
    );
    Failure::new(Exit::CONFLICT, "cannot take part in the cluster", why).hint(
        "to have it back, add it anew with `kvctl member add NAME --peer-urls URL`, and start it \
         with an empty --data-dir and --initial-cluster-state existing",
    )
}
