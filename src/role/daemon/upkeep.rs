//! What the member does without being asked: compaction, checkpoints, alarms.
//!
//! Each is one task, started with the member and ended with its runtime. A failure of any of them
//! is told and tried again: none of them is what an answered request depends on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::adapter::checkpoint::Pace;
use crate::adapter::raft::{Appended, Dropped};
use crate::core::kv::machine::NOBODY_KNOWS_WHOSE;
use crate::core::kv::patience::Patience;
use crate::core::kv::request::{Alarm, Command, MemberAlarm};
use crate::core::kv::retention::Retainer;
use crate::role::daemon::node::Node;

/// How often sizes and ages are looked at: often enough that at full load no more
/// than some MiB are written in between.
const ROUND: Duration = Duration::from_millis(250);

/// How often dropping looks again whether somebody still needs what would be dropped.
const HOLDER_PAUSE: Duration = Duration::from_millis(20);

/// How often, in an election timeout, the leader looks whether its disk stalls.
const STALL_LOOKS: u32 = 4;

/// Before a leader whose disk is full gives the lead away again.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(60);

/// A start with more log ends with a compaction that is due, and nothing is written before a
/// checkpoint is if the log is longer than the state: a start after the next kill would take
/// longer.
const LOG_AT_START_BYTES_MAX: u64 = 64 << 20;

/// Writes are held back when the log has grown by more than this, and by more than twice the
/// state, while a checkpoint is being written. A start applies about as much in half a second.
const BACKLOG_BYTES_MAX: u64 = 4 * LOG_AT_START_BYTES_MAX;

/// How often that is looked at.
const BACKLOG_ROUND: Duration = Duration::from_millis(20);

/// After a checkpoint that failed, mostly for want of space.
const CHECKPOINT_RETRY: Duration = Duration::from_secs(30);

/// How often what is on disk is compared with what was written: a checkpoint that is not replaced
/// for months is read in full this often, so that both are never damaged for long.
const SCRUB_PERIOD: Duration = Duration::from_secs(24 * 3600);

/// With [`SCRUB_PAUSE`] 16 MiB a second: little beside what any disk gives, and 8 GiB in some ten
/// minutes.
const SCRUB_STEP_BYTES: usize = 1 << 20;
const SCRUB_PAUSE: Duration = Duration::from_micros(62_500);

/// Drops compacted versions, a step at a time, whenever a compaction says that there are some.
pub(super) async fn drop_compacted(node: Arc<Node>) {
    let mut patience = Patience::default();
    loop {
        let (now, begun) = (node.hub.now(), Instant::now());
        let oldest_needed = |compacted| patience.oldest(node.holders(), compacted, now);
        match node.consensus.drop_compacted(oldest_needed) {
            // A step has the state to itself, and its lock is not fair: who waits for it, each
            // write, gets as much of the time.
            Dropped::More => tokio::time::sleep(begun.elapsed()).await,
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
        let stale = stale_alarms(&node);
        let commands = [
            compact_at
                .filter(|_| node.consensus.leads())
                .map(|revision| Command::Compact { revision }),
            alarm.map(Command::ClearAlarm),
        ];
        let stale = stale.into_iter().map(Command::ClearAlarm);
        for command in commands.into_iter().flatten().chain(stale) {
            // Somebody else may have compacted further meanwhile; the next round looks again.
            if let Err(error) = node.consensus.propose(command).await {
                tracing::debug!(%error, "upkeep command not made");
            }
        }
    }
}

/// Gives the lead away while the disk takes nothing: the others can go on without this disk, but
/// not with a leader that waits for it. Whoever leads next gives every lease its full time.
pub(super) async fn yield_when_stalled(node: Arc<Node>) {
    let patience = node.settings.election_timeout;
    let mut yielded: Option<Instant> = None;
    let mut was_full = false;
    loop {
        tokio::time::sleep(patience / STALL_LOOKS).await;
        let consensus = &node.consensus;
        let is_stalled = consensus.disk_stalled_for() > patience;
        let shortage = consensus.disk_shortage();
        let is_full = shortage.is_some();
        match shortage {
            Some(error) if !was_full => {
                tracing::warn!(%error, "the disk is full: free space, or this member falls behind");
            }
            None if was_full => tracing::info!("the disk has room again"),
            _ => {}
        }
        was_full = is_full;
        // Where all disks are full the lead would go round and round.
        let waits = yielded.is_some_and(|yielded| yielded.elapsed() < FULL_DISK_PAUSE);
        if (is_stalled || is_full && !waits) && consensus.leads() && !consensus.is_alone() {
            let why = if is_full { "is full" } else { "takes nothing" };
            tracing::warn!("the disk {why}: another member shall lead");
            consensus.hand_over().await;
            yielded = Some(Instant::now());
        }
    }
}

/// The alarms about members that are no longer there, for the leader: nobody else clears them.
fn stale_alarms(node: &Node) -> Vec<MemberAlarm> {
    if !node.consensus.leads() {
        return Vec::new();
    }
    let state = node.consensus.state();
    let is_stale = |raised: &MemberAlarm| {
        let mut members = state.members();
        raised.member != NOBODY_KNOWS_WHOSE && !members.any(|(id, _)| id == raised.member)
    };
    state.machine.alarms().filter(is_stale).collect()
}

/// Sees to what the member never lived long enough for: one that is killed again and again, sooner
/// than it can compact and write a checkpoint, would start slower and take more memory each time.
/// So it compacts before it serves; and it serves at once, but holds writes back until the
/// checkpoint is there: each for a bounded time, so that the log grows slowly meanwhile.
pub(super) async fn catch_up(node: &Node, retainer: &mut Retainer, checkpoints: &mut Checkpoints) {
    let log_bytes = node.consensus.appended().bytes;
    if log_bytes <= LOG_AT_START_BYTES_MAX {
        return;
    }
    let due = retainer.due(&node.consensus.state().machine.store, node.hub.now());
    if let Some(revision) = due.filter(|_| node.consensus.leads()) {
        let command = Command::Compact { revision };
        if let Err(error) = node.consensus.propose(command).await {
            tracing::debug!(%error, "upkeep command not made");
        }
    }
    // Also what a compaction in the log has left: nobody is served who could need it.
    let compacted = node.consensus.state().machine.store.compacted();
    node.dropped(compacted).await;
    // Looked at only now: before, it may hold as many old versions as the log.
    let state_bytes = node.consensus.state().machine.store.bytes() as u64;
    tracing::debug!(
        log_bytes,
        state_bytes,
        "looked whether a checkpoint was missed"
    );
    if log_bytes > state_bytes {
        node.brake.set(true);
        checkpoints.missed = true;
    }
}

/// What was written, and what has become due since.
pub(super) struct Checkpoints {
    /// How many commands are applied between two at least, and by how much the log has grown: less
    /// is not worth one.
    commands: u64,
    log_bytes: u64,
    /// The log that was found at the start counts as new.
    last: Appended,
    failed: Option<Instant>,
    /// An earlier life of this member should have written one.
    missed: bool,
}

impl Checkpoints {
    pub(super) fn new(commands: u64, log_bytes: u64) -> Self {
        Self {
            commands,
            log_bytes,
            last: Appended::default(),
            failed: None,
            missed: false,
        }
    }

    /// Whether enough was applied, and the log has grown by half of the state, so that writing
    /// costs less than what it saves at the next start; or a checkpoint was found damaged.
    fn is_due(&self, node: &Node) -> bool {
        let appended = node.consensus.appended();
        let state_bytes = node.consensus.state().machine.store.bytes() as u64;
        let log_bytes = appended.bytes - self.last.bytes;
        let grown = log_bytes > self.log_bytes.max(state_bytes / 2);
        let waits = |failed: Instant| failed.elapsed() < CHECKPOINT_RETRY;
        let due = grown && appended.commands - self.last.commands >= self.commands;
        !self.failed.is_some_and(waits) && (due || node.consensus.has_damaged_checkpoint())
    }

    /// Keeps the log from growing without bound while a checkpoint is being written.
    async fn hold_writers(&self, node: &Node, pace: Pace) -> Infallible {
        loop {
            let log_bytes = node.consensus.appended().bytes - self.last.bytes;
            let state_bytes = node.consensus.state().machine.store.bytes() as u64;
            let held = pace == Pace::Prompt || is_backlog(log_bytes, state_bytes);
            node.brake.set(held);
            tokio::time::sleep(BACKLOG_ROUND).await;
        }
    }

    async fn write(&mut self, node: &Node, pace: Pace) {
        let appended = node.consensus.appended();
        let started = Instant::now();
        let written = tokio::select! {
            written = node.consensus.checkpoint(pace) => written,
            never = self.hold_writers(node, pace) => match never {},
        };
        node.brake.set(false);
        self.failed = match written {
            Ok(()) => {
                let disk = &node.metrics.disk;
                let took = started.elapsed();
                disk.checkpoint_duration_seconds.observe(took.as_secs_f64());
                self.last = appended;
                None
            }
            Err(error) => {
                tracing::warn!(%error, "cannot write a checkpoint; the log stays until one is");
                Some(Instant::now())
            }
        };
    }
}

/// Whether the log since the last checkpoint is more than a start should have to read.
fn is_backlog(log_bytes: u64, state_bytes: u64) -> bool {
    log_bytes > BACKLOG_BYTES_MAX.max(2 * state_bytes)
}

/// Writes checkpoints when they are due.
pub(super) async fn write_checkpoints(node: Arc<Node>, mut checkpoints: Checkpoints) {
    if checkpoints.missed {
        checkpoints.write(&node, Pace::Prompt).await;
    }
    loop {
        // Looked at first: a member that is killed soon gets as far as it can.
        if checkpoints.is_due(&node) {
            checkpoints.write(&node, Pace::Yielding).await;
        }
        tokio::time::sleep(ROUND).await;
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
