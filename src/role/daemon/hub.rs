//! Who must hear of a change: the streams that watch it, and the clock of the leases.
//!
//! The hub is called while the state is held for writing, and streams look while they hold it for
//! reading, so a stream that finds nothing marked has been told everything.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::adapter::metrics::{Metrics, StoreMetrics};
use crate::adapter::raft::Observer;
use crate::core::cluster::comparison::Mark;
use crate::core::kv::lease::LeaseClock;
use crate::core::kv::machine::Machine;
use crate::core::kv::patience::Holder;
use crate::core::kv::request::{Command, KeyRange, KvError, OperationReply, Reply, TxnReply};
use crate::core::kv::store::Store;
use crate::core::kv::watch::Registry;

pub(super) struct Hub {
    /// Taken with the state held, never the other way round.
    watches: Mutex<Watches>,
    /// Says without the lock that nobody watches anything.
    watched: AtomicBool,
    next_stream: AtomicU64,
    /// Taken with the state held, never the other way round.
    clock: Mutex<LeaseClock>,
    origin: Instant,
    /// Wakes whoever revokes due leases: an earlier deadline than before may have come.
    pub(super) lease_started: Notify,
    /// Wakes whoever drops compacted versions.
    pub(super) compacted: Notify,
    /// Wakes every compaction that waits until what it made unreadable is dropped.
    pub(super) dropped: Notify,
    /// Wakes whoever must know of an alarm.
    pub(super) alarmed: Notify,
    /// Wakes whoever compares the members' states.
    pub(super) comparison: Notify,
    /// The newest place of a comparison that nobody has asked about yet. Taken with the state
    /// held, never the other way round.
    mark: Mutex<Option<Mark>>,
    /// Where changes are counted, once those in the log at the start have been applied again.
    metrics: OnceLock<Arc<Metrics>>,
}

#[derive(Default)]
struct Watches {
    registry: Registry,
    signals: BTreeMap<u64, Arc<Signal>>,
    watchers: usize,
}

/// How a stream is told that it must look.
#[derive(Default)]
pub(super) struct Signal {
    /// The first main revision with a change for the stream; 0: none.
    from: AtomicI64,
    /// The oldest revision that the stream needs for changes that it knows of; 0: none.
    needs: AtomicI64,
    /// Wakes the stream's task; it is the only one that waits.
    pub(super) marked: Notify,
}

impl Signal {
    /// The mark, which is then gone; call it with the state held.
    pub(super) fn take(&self) -> Option<i64> {
        match self.from.swap(0, Ordering::Relaxed) {
            0 => None,
            from => Some(from),
        }
    }

    /// Says what the stream needs from now on; call it with the state held.
    pub(super) fn hold(&self, needs: Option<i64>) {
        self.needs.store(needs.unwrap_or(0), Ordering::Relaxed);
    }

    /// The oldest revision that the stream needs; call it with the state held.
    fn needs(&self) -> Option<i64> {
        let known = self.needs.load(Ordering::Relaxed);
        let marked = self.from.load(Ordering::Relaxed);
        match (known, marked) {
            (0, 0) => None,
            (0, marked) => Some(marked - 1),
            // What is marked later is later.
            (known, _) => Some(known),
        }
    }

    fn mark(&self, from: i64) {
        // Only the first change counts: the stream reads on from there.
        let first = self
            .from
            .compare_exchange(0, from, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_ok() {
            self.marked.notify_one();
        }
    }
}

impl Hub {
    pub(super) fn new() -> Self {
        Self {
            watches: Mutex::default(),
            watched: AtomicBool::new(false),
            next_stream: AtomicU64::new(1),
            clock: Mutex::default(),
            origin: Instant::now(),
            lease_started: Notify::new(),
            compacted: Notify::new(),
            dropped: Notify::new(),
            alarmed: Notify::new(),
            comparison: Notify::new(),
            mark: Mutex::default(),
            metrics: OnceLock::new(),
        }
    }

    /// Counts from now on what is applied; the first metrics stay.
    pub(super) fn count_in(&self, metrics: Arc<Metrics>) {
        self.metrics.get_or_init(|| metrics);
    }

    /// How many streams and watchers there are.
    pub(super) fn audience(&self) -> (usize, usize) {
        let watches = lock(&self.watches);
        (watches.signals.len(), watches.watchers)
    }

    /// Adds a stream without watchers.
    pub(super) fn open_stream(&self) -> (u64, Arc<Signal>) {
        let stream = self.next_stream.fetch_add(1, Ordering::Relaxed);
        let signal = Arc::new(Signal::default());
        lock(&self.watches)
            .signals
            .insert(stream, Arc::clone(&signal));
        (stream, signal)
    }

    pub(super) fn close_stream<'a>(&self, stream: u64, keys: impl Iterator<Item = &'a KeyRange>) {
        let mut watches = lock(&self.watches);
        keys.for_each(|keys| {
            watches.registry.remove(stream, keys);
            watches.watchers -= 1;
        });
        watches.signals.remove(&stream);
        self.watched
            .store(!watches.registry.is_empty(), Ordering::Relaxed);
    }

    /// Call it with the state held for reading: then no change falls between.
    pub(super) fn add_watcher(&self, stream: u64, keys: &KeyRange) {
        let mut watches = lock(&self.watches);
        watches.registry.add(stream, keys);
        watches.watchers += 1;
        self.watched.store(true, Ordering::Relaxed);
    }

    pub(super) fn remove_watcher(&self, stream: u64, keys: &KeyRange) {
        let mut watches = lock(&self.watches);
        watches.registry.remove(stream, keys);
        watches.watchers -= 1;
        self.watched
            .store(!watches.registry.is_empty(), Ordering::Relaxed);
    }

    /// The last main revision that changed a key of a range which the stream watches.
    pub(super) fn last_changed(&self, stream: u64, keys: &KeyRange) -> i64 {
        lock(&self.watches).registry.last_changed(stream, keys)
    }

    /// The streams that have something to look at, with the oldest revision that each needs; call
    /// it with the state held.
    pub(super) fn holders(&self) -> Vec<(Holder, i64)> {
        let watches = lock(&self.watches);
        let needs = watches
            .signals
            .iter()
            .filter_map(|(stream, signal)| Some((Holder::Stream(*stream), signal.needs()?)));
        let mark = *lock(&self.mark);
        let mark = mark.map(|mark| (Holder::Comparison(mark.index), mark.revision));
        needs.chain(mark).collect()
    }

    /// What was held after an entry, if that was the newest mark, which then keeps nothing more;
    /// call it with the state held.
    pub(super) fn take_mark(&self, index: u64) -> Option<Mark> {
        lock(&self.mark).take_if(|mark| mark.index == index)
    }

    /// Time since the hub was made, the origin of lease deadlines.
    pub(super) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    pub(super) fn clock(&self) -> MutexGuard<'_, LeaseClock> {
        lock(&self.clock)
    }

    /// Gives every lease its full term: nobody knows how much of it has passed.
    pub(super) fn restart_leases(&self, machine: &Machine) {
        let now = self.now();
        let mut clock = self.clock();
        *clock = LeaseClock::default();
        machine
            .leases()
            .iter()
            .for_each(|(id, lease)| clock.start(id, lease.ttl_seconds, now));
        drop(clock);
        self.lease_started.notify_one();
    }
}

impl Observer for Hub {
    fn changed(&self, store: &Store, from: i64) {
        if !self.watched.load(Ordering::Relaxed) {
            return;
        }
        let mut watches = lock(&self.watches);
        let Watches {
            registry, signals, ..
        } = &mut *watches;
        for record in store.changes(from) {
            registry.change(record.key, record.revision.main, |stream| {
                if let Some(signal) = signals.get(&stream) {
                    signal.mark(from);
                }
            });
        }
    }

    fn applied(&self, command: &Command, reply: &Result<Reply, KvError>) {
        let Ok(reply) = reply else {
            return;
        };
        if let Some(metrics) = self.metrics.get() {
            count(metrics, command, reply);
        }
        match command {
            Command::LeaseGrant { id, ttl_seconds } => {
                let now = self.now();
                self.clock().start(*id, *ttl_seconds, now);
                self.lease_started.notify_one();
            }
            Command::LeaseRevoke { id } => self.clock().stop(*id),
            Command::Compact { .. } => self.compacted.notify_one(),
            Command::RaiseAlarm(_) | Command::ClearAlarm(_) => self.alarmed.notify_one(),
            _ => {}
        }
    }

    fn marked(&self, index: u64, machine: &Machine) {
        // What the log held at the start was compared when it was new.
        if self.metrics.get().is_some() {
            *lock(&self.mark) = Some(Mark::of(index, machine));
        }
    }

    fn replaced(&self, machine: &Machine) {
        *lock(&self.mark) = None;
        self.alarmed.notify_one();
        self.restart_leases(machine);
        let mut watches = lock(&self.watches);
        watches.registry.change_all(machine.store.revision());
        watches.signals.values().for_each(|signal| signal.mark(1));
    }
}

/// Counts one change that was made.
fn count(metrics: &Metrics, command: &Command, reply: &Reply) {
    match command {
        Command::Put(_) => metrics.store.puts.inc(),
        Command::DeleteRange(_) => metrics.store.deletes.inc(),
        Command::LeaseGrant { .. } => metrics.server.leases_granted.inc(),
        Command::LeaseRevoke { .. } => metrics.server.leases_revoked.inc(),
        Command::Txn(_) => {
            if let Reply::Txn(reply) = reply {
                count_txn(&metrics.store, reply);
            }
        }
        Command::Compact { .. } | Command::RaiseAlarm(_) | Command::ClearAlarm(_) => {}
    }
}

/// Counts what a transaction did; itself only if that was more than one thing, as etcd does.
pub(super) fn count_txn(metrics: &StoreMetrics, reply: &TxnReply) {
    if count_operations(metrics, reply) > 1 {
        metrics.txns.inc();
    }
}

fn count_operations(metrics: &StoreMetrics, reply: &TxnReply) -> usize {
    let count = |reply: &OperationReply| {
        match reply {
            OperationReply::Range(_) => metrics.ranges.inc(),
            OperationReply::Put(_) => metrics.puts.inc(),
            OperationReply::DeleteRange(_) => metrics.deletes.inc(),
            OperationReply::Txn(nested) => return count_operations(metrics, nested),
        }
        1
    };
    reply.replies.iter().map(count).sum()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds these locks can panic half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
