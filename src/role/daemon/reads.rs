//! Reads of the state in steps that let others in between.
//!
//! Each read sees one revision. What it needs is kept from being dropped for a bounded time
//! ([`crate::core::kv::patience`]); a read that takes longer ends with the error of a compaction.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::core::kv::patience::Holder;
use crate::core::kv::request::{KvError, Range, RangeReply, Txn, TxnReply};
use crate::core::kv::store::{Budget, RangeProgress, Step};
use crate::core::kv::txn::read::TxnRead;
use crate::role::daemon::node::Node;

/// The revision that each read under way needs.
#[derive(Default)]
pub(super) struct Readers(Mutex<Needed>);

#[derive(Default)]
struct Needed {
    by_read: BTreeMap<u64, i64>,
    next: u64,
}

/// Keeps what a read in several steps needs from being dropped.
pub(super) struct Pin {
    node: Arc<Node>,
    read: u64,
}

impl Node {
    /// Reads a range at one revision.
    pub(super) async fn read_range(self: &Arc<Self>, range: &Range) -> Result<RangeReply, KvError> {
        let (mut progress, pin) = match self.begin_range(range)? {
            (progress, None) => return Ok(progress.finish(range)),
            (progress, Some(pin)) => (progress, pin),
        };
        while self.continue_range(range, &mut progress)? == Step::More {
            tokio::task::yield_now().await;
        }
        drop(pin);
        Ok(progress.finish(range))
    }

    /// The first step of a range; a pin if there is more to read.
    pub(super) fn begin_range(
        self: &Arc<Self>,
        range: &Range,
    ) -> Result<(RangeProgress, Option<Pin>), KvError> {
        let state = self.consensus.state();
        let store = &state.machine.store;
        let mut progress = store.start_range(range)?;
        match store.range_step(range, &mut progress)? {
            Step::Done => Ok((progress, None)),
            // Pinned before the state is let go, so nothing is dropped in between.
            Step::More => {
                let pin = Pin::new(self, progress.at());
                Ok((progress, Some(pin)))
            }
        }
    }

    pub(super) fn continue_range(
        &self,
        range: &Range,
        progress: &mut RangeProgress,
    ) -> Result<Step, KvError> {
        let state = self.consensus.state();
        state.machine.store.range_step(range, progress)
    }

    /// Answers a transaction of which no branch writes.
    pub(super) async fn read_txn(self: &Arc<Self>, txn: &Txn) -> Result<TxnReply, KvError> {
        let (mut read, pin) = {
            let state = self.consensus.state();
            let store = &state.machine.store;
            let mut read = TxnRead::new(store, txn);
            if let Some(reply) = read.step(store, &mut Budget::step())? {
                return Ok(reply);
            }
            let pin = Pin::new(self, read.needs(store));
            (read, pin)
        };
        loop {
            tokio::task::yield_now().await;
            let state = self.consensus.state();
            if let Some(reply) = read.step(&state.machine.store, &mut Budget::step())? {
                drop(pin);
                return Ok(reply);
            }
        }
    }

    /// Everybody who needs a revision, with the oldest one that each needs; call it with the state
    /// held.
    pub(super) fn holders(&self) -> Vec<(Holder, i64)> {
        let mut holders = self.hub.holders();
        let needed = self.readers.lock();
        let reads = needed.by_read.iter();
        holders.extend(reads.map(|(read, at)| (Holder::Read(*read), *at)));
        holders
    }
}

impl Readers {
    fn lock(&self) -> MutexGuard<'_, Needed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pin {
    pub(super) fn new(node: &Arc<Node>, at: i64) -> Self {
        let mut needed = node.readers.lock();
        let read = needed.next;
        needed.next += 1;
        needed.by_read.insert(read, at);
        Self {
            node: Arc::clone(node),
            read,
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.node.readers.lock().by_read.remove(&self.read);
    }
}
