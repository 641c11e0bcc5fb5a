//! What the member does without being asked: due leases, compaction, checkpoints, alarms.
//!
//! Each is one task, started with the member and ended with its runtime. A failure of any of them
//! is told and tried again: none of them is what an answered request depends on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::adapter::raft::{Appended, Dropped};
use crate::core::kv::patience::Patience;
use crate::core::kv::request::{Alarm, Command, MemberAlarm};
use crate::core::kv::retention::Retainer;
use crate::role::daemon::node::Node;

/// How often sizes, ages and leadership are looked at: often enough that at full load no more
/// than some MiB are written in between.
const ROUND: Duration = Duration::from_millis(250);

/// Due leases revoked at a time; with [`LEASE_PAUSE`] this bounds the rate, as etcd does.
const LEASES_AT_A_TIME: usize = 500;
const LEASE_PAUSE: Duration = Duration::from_millis(100);

/// How long a revocation that failed waits before it is tried again.
const LEASE_RETRY: Duration = Duration::from_secs(1);

/// How often dropping looks again whether somebody still needs what would be dropped.
const HOLDER_PAUSE: Duration = Duration::from_millis(20);

/// A checkpoint is not worth it before the log has grown by this.
const CHECKPOINT_LOG_BYTES_MIN: u64 = 64 << 20;

/// After a checkpoint that failed, mostly for want of space.
const CHECKPOINT_RETRY: Duration = Duration::from_secs(30);

/// How often what is on disk is compared with what was written: a checkpoint that is not replaced
/// for months is read in full this often, so that both are never damaged for long.
const SCRUB_PERIOD: Duration = Duration::from_secs(24 * 3600);

/// With [`SCRUB_PAUSE`] 16 MiB a second: little beside what any disk gives, and 8 GiB in some ten
/// minutes.
const SCRUB_STEP_BYTES: usize = 1 << 20;
const SCRUB_PAUSE: Duration = Duration::from_micros(62_500);

/// Revokes leases when they are due.
pub(super) async fn revoke_due_leases(node: Arc<Node>) {
    loop {
        let now = node.hub.now();
        let due = node.hub.clock().due(now, LEASES_AT_A_TIME);
        if due.is_empty() {
            let next = node.hub.clock().next_due();
            let wait = next.map_or(Duration::MAX, |due| due.saturating_sub(now));
            tokio::select! {
                () = tokio::time::sleep(wait.min(LEASE_WAIT_MAX)) => {}
                () = node.hub.lease_started.notified() => {}
            }
            continue;
        }
        let revocations = due.into_iter().map(|id| revoke(&node, id));
        futures_util::future::join_all(revocations).await;
        tokio::time::sleep(LEASE_PAUSE).await;
    }
}

/// tokio's timers end at about two years.
const LEASE_WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

async fn revoke(node: &Node, id: i64) {
    if let Err(error) = node.revoke_expired(id).await {
        tracing::warn!(lease = format!("{id:x}"), %error, "cannot revoke a lease yet");
        let now = node.hub.now();
        node.hub.clock().postpone(id, now, LEASE_RETRY);
    }
}

/// Drops compacted versions, a step at a time, whenever a compaction says that there are some.
pub(super) async fn drop_compacted(node: Arc<Node>) {
    let mut patience = Patience::default();
    loop {
        let now = node.hub.now();
        let oldest_needed = |compacted| patience.oldest(node.holders(), compacted, now);
        match node.consensus.drop_compacted(oldest_needed) {
            Dropped::More => tokio::task::yield_now().await,
            Dropped::Needed => {
                node.hub.dropped.notify_waiters();
                tokio::time::sleep(HOLDER_PAUSE).await;
            }
            Dropped::All => {
                node.hub.dropped.notify_waiters();
                node.hub.compacted.notified().await;
            }
        }
    }
}

/// Compacts when more is kept than the retention says, and clears the alarm about the quota.
pub(super) async fn watch_sizes(node: Arc<Node>, mut retainer: Retainer) {
    loop {
        tokio::time::sleep(ROUND).await;
        node.note_leadership(&node.consensus.standing());
        let (compact_at, alarm) = {
            let state = node.consensus.state();
            let machine = &state.machine;
            let compact_at = retainer.due(&machine.store, node.hub.now());
            let member = node.identity.member_id;
            let alarm = MemberAlarm {
                member,
                alarm: Alarm::NoSpace,
            };
            let quota = node.settings.quota;
            let cured = quota.is_none_or(|quota| quota.is_low(&machine.store));
            let raised = machine.alarms().any(|raised| raised == alarm);
            (compact_at, (raised && cured).then_some(alarm))
        };
        let commands = [
            compact_at.map(|revision| Command::Compact { revision }),
            alarm.map(Command::ClearAlarm),
        ];
        for command in commands.into_iter().flatten() {
            // Somebody else may have compacted further meanwhile; the next round looks again.
            if let Err(error) = node.consensus.propose(command).await {
                tracing::debug!(%error, "upkeep command not made");
            }
        }
    }
}

/// Writes a checkpoint when `commands` were applied since the last one and the log has grown by
/// half of the state, so that writing costs less than what it saves at the next start; and at once
/// when one was found damaged.
pub(super) async fn write_checkpoints(node: Arc<Node>, commands: u64) {
    // The log that was found at the start counts: else a member that is restarted often enough
    // would never write a checkpoint, and start slower each time.
    let mut last = Appended::default();
    let mut failed: Option<Instant> = None;
    loop {
        tokio::time::sleep(ROUND).await;
        let appended = node.consensus.appended();
        let state_bytes = node.consensus.state().machine.store.bytes() as u64;
        let grown = appended.bytes - last.bytes > CHECKPOINT_LOG_BYTES_MIN.max(state_bytes / 2);
        let waits = failed.is_some_and(|failed| failed.elapsed() < CHECKPOINT_RETRY);
        let due = grown && appended.commands - last.commands >= commands;
        if waits || !(due || node.consensus.has_damaged_checkpoint()) {
            continue;
        }
        let started = Instant::now();
        failed = match node.consensus.checkpoint().await {
            Ok(()) => {
                let disk = &node.metrics.disk;
                let took = started.elapsed();
                disk.checkpoint_duration_seconds.observe(took.as_secs_f64());
                last = appended;
                None
            }
            Err(error) => {
                tracing::warn!(%error, "cannot write a checkpoint; the log stays until one is");
                Some(Instant::now())
            }
        };
    }
}

/// Reads the checkpoints again, slowly, from the start on: of the older one the start has seen the
/// proof only.
pub(super) async fn scrub_checkpoints(node: Arc<Node>) {
    loop {
        match node.consensus.scrub(SCRUB_STEP_BYTES, SCRUB_PAUSE).await {
            Ok(discarded) => {
                for dropped in discarded {
                    tracing::warn!("{dropped}; a fresh one is written");
                }
            }
            Err(error) => tracing::warn!(%error, "cannot read the checkpoints again"),
        }
        tokio::time::sleep(SCRUB_PERIOD).await;
    }
}
