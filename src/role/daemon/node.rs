//! A member at work: the replicated machine, its consensus, and what is only this member's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::adapter::data_directory::Identity;
use crate::adapter::host;
use crate::adapter::metrics::Metrics;
use crate::adapter::raft::{Consensus, Leadership, Member, Standing, State};
use crate::adapter::rpc::server::GrantView;
use crate::core::cluster::node;
use crate::core::kv::lease::TTL_SECONDS_MAX;
use crate::core::kv::machine::quota_cost;
use crate::core::kv::quota::Quota;
use crate::core::kv::request::{Alarm, Command, KeyRange, KvError, MemberAlarm, Reply};
use crate::role::daemon::brake::Brake;
use crate::role::daemon::hub::Hub;
use crate::role::daemon::leases::Office;
use crate::role::daemon::reads::Readers;

/// What of the configuration the member heeds while it runs.
#[derive(Clone, Debug)]
pub(super) struct NodeSettings {
    pub(super) client_urls: Vec<String>,
    pub(super) request_bytes_max: usize,
    pub(super) txn_operations_max: usize,
    /// None: no limit.
    pub(super) quota: Option<Quota>,
    pub(super) watch_progress: Duration,
    pub(super) election_timeout: Duration,
    pub(super) replace_after: Option<Duration>,
}

pub(super) struct Node {
    pub(super) identity: Identity,
    pub(super) settings: NodeSettings,
    pub(super) consensus: Consensus,
    pub(super) hub: Arc<Hub>,
    pub(super) office: Office,
    pub(super) metrics: Arc<Metrics>,
    /// The term, for the header of every answer; follows what consensus says.
    term: AtomicU64,
    /// The leader, 0 while there is none; each change is an item for who watches health.
    pub(super) leader: watch::Sender<u64>,
    /// What reads in several steps still need.
    pub(super) readers: Readers,
    /// Slows down the writes of this member's clients when checkpoints do not keep up.
    pub(super) brake: Brake,
    /// Who makes way for whom, as the seats say; held for a look or a write.
    replacing: Mutex<BTreeMap<u64, u64>>,
}

impl Node {
    pub(super) fn new(
        identity: Identity,
        settings: NodeSettings,
        consensus: Consensus,
        hub: Arc<Hub>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let Standing { term, leader, .. } = consensus.standing();
        if leader != 0 {
            metrics.server.leader_changes.inc();
        }
        Self {
            identity,
            settings,
            consensus,
            hub,
            office: Office::default(),
            metrics,
            term: AtomicU64::new(term),
            leader: watch::Sender::new(leader),
            readers: Readers::default(),
            brake: Brake::default(),
            replacing: Mutex::default(),
        }
    }

    /// Takes over what consensus says of leadership.
    pub(super) fn note_leadership(&self, now: Leadership) {
        self.term.store(now.term, Ordering::Relaxed);
        let changed = self
            .leader
            .send_if_modified(|leader| std::mem::replace(leader, now.leader) != now.leader);
        if changed && now.leader != 0 {
            self.metrics.server.leader_changes.inc();
        }
    }

    /// Which member is to go as soon as another one votes, by that other one.
    pub(super) fn replacing(&self) -> BTreeMap<u64, u64> {
        let replacing = self.replacing.lock();
        replacing.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note_replacing(&self, pairs: BTreeMap<u64, u64>) {
        let mut replacing = self
            .replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *replacing = pairs;
    }

    pub(super) fn term(&self) -> u64 {
        self.term.load(Ordering::Relaxed)
    }

    pub(super) fn newest_revision(&self) -> i64 {
        self.consensus.state().machine.store.revision()
    }

    /// Returns when what a compaction at `revision` made unreadable is dropped.
    pub(super) async fn dropped(&self, revision: i64) {
        loop {
            // Before the look: a word that comes between the two is then not missed.
            let told = self.hub.dropped.notified();
            if self.consensus.state().machine.store.has_dropped(revision) {
                return;
            }
            told.await;
        }
    }

    /// Whether this member's state is said to be wrong.
    pub(super) fn is_corrupt(&self) -> bool {
        let state = self.consensus.state();
        state.machine.is_corrupt(self.identity.member_id)
    }

    /// Whether the other members would look for this one at another place. Without any to come it
    /// is no matter where clients are served: each start of a member that is alone would write it.
    pub(super) fn is_elsewhere(&self, own: &Member) -> bool {
        let state = self.consensus.state();
        let known = state
            .members()
            .find(|(id, _)| *id == self.identity.member_id);
        known.is_some_and(|(_, known)| {
            let moved = known.client_urls != own.client_urls;
            known.peer_urls != own.peer_urls || moved && self.has_others(&state)
        })
    }

    /// Whether machines joined, which look for this member.
    fn has_others(&self, state: &State) -> bool {
        let joined = KeyRange::folder(node::PREFIX);
        state.machine.store.live_records(&joined).next().is_some()
    }

    /// Makes a change, unless the quota or the disk forbids that it adds data.
    pub(super) async fn propose(&self, command: Command) -> Result<Reply, KvError> {
        let is_alarm = matches!(command, Command::RaiseAlarm(_) | Command::ClearAlarm(_));
        if !is_alarm && self.is_corrupt() {
            return Err(KvError::Corrupt);
        }
        let cost = quota_cost(&command);
        if cost > 0 {
            self.brake.pass().await;
            self.check_space(cost).await?;
        }
        self.consensus.propose(command).await
    }

    async fn check_space(&self, cost: usize) -> Result<(), KvError> {
        // Another leader's disk is not ours to judge.
        if self.consensus.leads() && !self.consensus.admits(cost) {
            return Err(KvError::NoSpace);
        }
        let Some(quota) = self.settings.quota else {
            return Ok(());
        };
        let raised = {
            let state = self.consensus.state();
            if quota.admits(&state.machine.store, cost) {
                return Ok(());
            }
            state.machine.has_alarm(Alarm::NoSpace)
        };
        if !raised {
            let alarm = MemberAlarm {
                member: self.identity.member_id,
                alarm: Alarm::NoSpace,
            };
            tracing::warn!(
                quota = quota.0,
                "quota exceeded: writes are refused until space is made"
            );
            self.consensus.propose(Command::RaiseAlarm(alarm)).await?;
        }
        Err(KvError::NoSpace)
    }

    /// Grants a lease under a chosen or a fresh id; at least as long as a change of leader takes.
    pub(super) async fn grant(&self, id: i64, ttl_seconds: i64) -> Result<GrantView, KvError> {
        if ttl_seconds > TTL_SECONDS_MAX {
            return Err(KvError::LeaseTtlTooLarge);
        }
        let id = match id {
            0 => (host::random_u64() >> 1) as i64,
            chosen => chosen,
        };
        let least = (3 * self.settings.election_timeout.as_millis()).div_ceil(2 * 1000) as i64;
        let ttl_seconds = ttl_seconds.max(least);
        let granted = self.propose(Command::LeaseGrant { id, ttl_seconds });
        match granted.await? {
            Reply::Done { revision } => Ok(GrantView {
                id,
                ttl_seconds,
                revision,
            }),
            other => unreachable!("a grant is answered by {other:?}"),
        }
    }
}
