//! Whether all members hold the same state: looked at in the background, and acted upon.
//!
//! Whoever leads puts an empty entry into the log; each member notes what it holds right after it,
//! and reads its keys at that revision in small steps. A member that differs from the majority gets
//! the CORRUPT alarm and ends its daemon. It ends rather than stay and refuse, because a process
//! that is gone cannot vote, lead, or hand its state on; the alarm is in the log, so a restart
//! finds it and ends again, until the member is replaced or somebody clears the alarm. The others
//! go on. Where no majority is alike nobody can say who is right, and all refuse writes, as etcd's
//! members do. The only voter of a cluster has nobody to be compared with and is never ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;

use crate::adapter::raft::Examiner;
use crate::core::cluster::comparison::{Fingerprint, Verdict, judge};
use crate::core::kv::machine::NOBODY_KNOWS_WHOSE;
use crate::core::kv::request::{Alarm, Command, KvError, MemberAlarm};
use crate::core::kv::store::digest::DigestProgress;
use crate::core::kv::store::{Budget, Step};
use crate::error::{Exit, Failure};
use crate::role::daemon::node::Node;
use crate::role::daemon::reads::Pin;

/// After each step, which takes about a millisecond: a quarter of a core at most.
const STEP_PAUSE: Duration = Duration::from_millis(3);

/// How long a member may take to come to the entry and to read its keys.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Between two comparisons that were asked for, as by members that start again and again.
const SPACING: Duration = Duration::from_secs(10);

/// Answers what others ask about this member's state.
struct Comparer(Arc<Node>);

/// Refuses a member whose state is known to be wrong, and has the states compared from now on.
pub(super) fn start(
    node: &Arc<Node>,
    interval: Option<Duration>,
    upkeep: &mut JoinSet<()>,
) -> Result<(), Failure> {
    if let Some(failure) = refuse_corrupt(node) {
        return Err(failure);
    }
    if let Some(interval) = interval {
        let comparer = Arc::new(Comparer(Arc::clone(node)));
        node.consensus.receiver().compare_with(comparer);
        upkeep.spawn(compare_states(Arc::clone(node), interval));
        upkeep.spawn(ask_to_compare(Arc::clone(node)));
    }
    Ok(())
}

impl Examiner for Comparer {
    fn fingerprint(&self, index: u64) -> BoxFuture<'_, Result<Option<Fingerprint>, KvError>> {
        self.0.fingerprint(index).boxed()
    }

    fn compare(&self) {
        self.0.hub.comparison.notify_one();
    }
}

impl Node {
    /// What this member held after an entry; nothing if another comparison was begun since.
    async fn fingerprint(self: &Arc<Self>, index: u64) -> Result<Option<Fingerprint>, KvError> {
        self.consensus.applied(index, ANSWER_LIMIT).await?;
        let (mark, _pin) = {
            let _state = self.consensus.state();
            let Some(mark) = self.hub.take_mark(index) else {
                return Ok(None);
            };
            // Pinned before the state is let go, so nothing is dropped in between.
            (mark, Pin::new(self, mark.revision))
        };
        let mut progress = DigestProgress::new(mark.revision);
        loop {
            let step = {
                let state = self.consensus.state();
                let store = &state.machine.store;
                store.digest_step(&mut progress, &mut Budget::step())?
            };
            if step == Step::Done {
                return Ok(Some(mark.with(progress.digest())));
            }
            tokio::time::sleep(STEP_PAUSE).await;
        }
    }
}

/// Compares the members' states every `interval`, and when one asks for it, while this one leads.
async fn compare_states(node: Arc<Node>, interval: Duration) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = node.hub.comparison.notified() => {}
        }
        if node.consensus.leads() && !node.consensus.is_alone() {
            match compare(&node).await {
                Ok(verdict) => act(&node, verdict).await,
                Err(error) => tracing::debug!(%error, "the members' states were not compared"),
            }
        }
        tokio::time::sleep(SPACING.min(interval)).await;
    }
}

/// Has this member, which just came, compared with the others.
async fn ask_to_compare(node: Arc<Node>) {
    match node.consensus.request_comparison().await {
        Ok(()) if node.consensus.leads() => node.hub.comparison.notify_one(),
        Ok(()) => {}
        Err(error) => tracing::debug!(%error, "nobody was asked to compare this member's state"),
    }
}

async fn compare(node: &Arc<Node>) -> Result<Verdict, KvError> {
    let index = node.consensus.mark().await?;
    let own = node.fingerprint(index);
    let others = node.consensus.fingerprints(index, ANSWER_LIMIT);
    let (own, others) = tokio::join!(own, others);
    let mut answers: BTreeMap<u64, Fingerprint> = others;
    if let Some(own) = own? {
        answers.insert(node.identity.member_id, own);
    }
    node.metrics.store.comparisons.inc();
    Ok(judge(&node.consensus.voters(), &answers))
}

async fn act(node: &Arc<Node>, verdict: Verdict) {
    let wrong = match verdict {
        Verdict::Alike => {
            tracing::debug!("the members hold the same state");
            return;
        }
        Verdict::Silence => {
            tracing::debug!("too few members told what they hold");
            return;
        }
        Verdict::Doubt => {
            node.metrics.store.differences.inc();
            tracing::error!(
                "members hold different states, and too few answer to say which is right: bring \
                 back the others, see `coracle cluster status`"
            );
            return;
        }
        Verdict::Split => vec![NOBODY_KNOWS_WHOSE],
        Verdict::Wrong(members) => members.into_iter().collect(),
    };
    node.metrics.store.differences.inc();
    for member in wrong {
        let alarm = MemberAlarm {
            member,
            alarm: Alarm::Corrupt,
        };
        tracing::error!(
            member = format!("{member:x}"),
            "holds another state than the majority (0: there is no majority); see `coracle \
             cluster status`"
        );
        // The next comparison finds it again.
        if let Err(error) = node.consensus.propose(Command::RaiseAlarm(alarm)).await {
            tracing::warn!(%error, "the alarm about that could not be raised");
        }
    }
}

/// Returns when this member's own state is said to be wrong, with what to tell about it.
pub(super) async fn corrupt(node: &Node) -> Failure {
    loop {
        if let Some(failure) = refuse_corrupt(node) {
            return failure;
        }
        // A word that came before is kept.
        node.hub.alarmed.notified().await;
    }
}

/// Why this member must not go on, if it is so.
fn refuse_corrupt(node: &Node) -> Option<Failure> {
    let member = node.identity.member_id;
    let alarm = MemberAlarm {
        member,
        alarm: Alarm::Corrupt,
    };
    let raised = node
        .consensus
        .state()
        .machine
        .alarms()
        .any(|it| it == alarm);
    if !raised || node.consensus.is_alone() {
        return None;
    }
    let why = format!(
        "its state differs from that of the majority (alarm CORRUPT of member {member:x}); the \
         other members go on"
    );
    let hint = format!(
        "move its data directory away, take it out with `kvctl member remove {member:x}`, and let \
         it join anew; only to look at it as it is: `kvctl alarm disarm`"
    );
    Some(Failure::new(Exit::CONFLICT, "this member takes itself out", why).hint(hint))
}
