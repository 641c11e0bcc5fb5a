//! The time of leases: the leader keeps it, and gives every lease its full term when it begins.
//!
//! - A lease is renewed only by a member that was confirmed to lead after the request came: a
//!   leader that was cut off, or slept, renews nothing that another one may revoke.
//! - A revocation is made only in the term in which its lease was found due. It is never sent on
//!   to another leader, whose clock says otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::adapter::raft::{Leadership, LeaseKeeper, LeaseQuestion};
use crate::core::kv::request::{Command, KvError};
use crate::role::daemon::node::Node;

/// Due leases revoked at a time; with [`PAUSE`] this bounds the rate, as etcd does.
const AT_A_TIME: usize = 500;
const PAUSE: Duration = Duration::from_millis(100);

/// How long a revocation that failed waits before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// tokio's timers end at about two years.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Between a request that found no leader and the next look; leaders change within a second.
const LEADER_PAUSE: Duration = Duration::from_millis(20);

/// The term in which this member keeps the time.
#[derive(Debug, Default)]
pub(super) struct Office(AtomicU64);

impl Office {
    fn term(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Acquire)).filter(|term| *term != 0)
    }

    fn take(&self, term: u64) {
        self.0.store(term, Ordering::Release);
    }

    fn leave(&self) {
        self.0.store(0, Ordering::Release);
    }
}

/// Follows who leads, for as long as the member runs.
pub(super) async fn follow_leadership(node: Arc<Node>) {
    let mut seen = Leadership::default();
    // An error means that consensus has ended; whoever serves ends then too.
    while let Ok(now) = node.consensus.leadership_after(seen).await {
        seen = now;
        node.note_leadership(now);
        if now.leader == node.identity.member_id {
            // First: what the clock says is of another member's term, or of none.
            node.hub.restart_leases(&node.consensus.state().machine);
            node.office.take(now.term);
            node.hub.lease_started.notify_one();
        } else {
            node.office.leave();
        }
    }
}

/// Revokes leases when they are due.
pub(super) async fn revoke_due(node: Arc<Node>) {
    loop {
        let now = node.hub.now();
        let term = node.office.term();
        let due = match term {
            Some(_) => node.hub.clock().due(now, AT_A_TIME),
            None => Vec::new(),
        };
        let Some(term) = term.filter(|_| !due.is_empty()) else {
            let next = term.and_then(|_| node.hub.clock().next_due());
            let wait = next.map_or(WAIT_MAX, |due| due.saturating_sub(now));
            tokio::select! {
                () = tokio::time::sleep(wait.min(WAIT_MAX)) => {}
                () = node.hub.lease_started.notified() => {}
            }
            continue;
        };
        let revocations = due.into_iter().map(async |id| {
            if let Err(error) = revoke_expired(&node, id, term).await {
                tracing::warn!(lease = format!("{id:x}"), %error, "cannot revoke a lease yet");
                let now = node.hub.now();
                node.hub.clock().postpone(id, now, RETRY);
            }
        });
        futures_util::future::join_all(revocations).await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Revokes a lease whose time is over, unless somebody else has done so.
async fn revoke_expired(node: &Node, id: i64, term: u64) -> Result<(), KvError> {
    let revoked = node
        .consensus
        .propose_in_term(Command::LeaseRevoke { id }, term);
    match revoked.await {
        Ok(_) => node.metrics.server.leases_expired.inc(),
        Err(KvError::LeaseNotFound) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

impl Node {
    /// Renews a lease, here or where the leader is; the seconds that it has again, 0 if it is gone.
    pub(super) async fn keep_alive(&self, id: i64) -> Result<i64, KvError> {
        let ttl = self.told(LeaseQuestion::KeepAlive(id)).await?;
        Ok(ttl.map_or(0, |seconds| seconds as i64))
    }

    /// What is left of a lease.
    pub(super) async fn remaining(&self, id: i64) -> Result<Option<Duration>, KvError> {
        let left = self.told(LeaseQuestion::Remaining(id)).await?;
        Ok(left.map(Duration::from_millis))
    }

    async fn told(&self, question: LeaseQuestion) -> Result<Option<u64>, KvError> {
        let asked = async {
            loop {
                match self.tell(question, None).await {
                    Err(KvError::NoLeader) => {}
                    told => return told,
                }
                match self.consensus.ask_of_lease(question).await {
                    // It leads itself by now, or is about to.
                    Err(KvError::NoLeader) => tokio::time::sleep(LEADER_PAUSE).await,
                    told => return told,
                }
            }
        };
        let limit = self.consensus.timeout();
        let told = tokio::time::timeout(limit, asked).await;
        told.unwrap_or(Err(KvError::TimedOut))
    }

    /// The same of this member's clock, if it leads.
    async fn tell(
        &self,
        question: LeaseQuestion,
        led_in: Option<u64>,
    ) -> Result<Option<u64>, KvError> {
        let term = self.office.term().ok_or(KvError::NoLeader)?;
        let led_in = match led_in {
            None => self.consensus.read_barrier().await?,
            confirmed => confirmed,
        };
        if led_in != Some(term) {
            return Err(KvError::NoLeader);
        }
        let now = self.hub.now();
        let id = match question {
            LeaseQuestion::Remaining(id) => {
                let left = self.hub.clock().remaining(id, now);
                return Ok(left.map(|left| left.as_millis() as u64));
            }
            LeaseQuestion::KeepAlive(id) => id,
        };
        if let Some(seconds) = self.hub.clock().renew(id, now) {
            self.metrics.server.leases_renewed.inc();
            return Ok(Some(seconds as u64));
        }
        // One whose time is over is revoked first, so that its holder cannot take the answer for
        // a renewal.
        let exists = self.consensus.state().machine.leases().get(id).is_some();
        if exists {
            revoke_expired(self, id, term).await?;
        }
        Ok(None)
    }
}

impl LeaseKeeper for Node {
    fn ask(
        &self,
        question: LeaseQuestion,
        led_in: Option<u64>,
    ) -> BoxFuture<'_, Result<Option<u64>, KvError>> {
        self.tell(question, led_in).boxed()
    }
}
