//! What consensus counts for who watches the member. Counters only: reading them stops nobody.

use std::sync::atomic::{AtomicU64, Ordering};

/// Proposals and reads since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Proposals that are not yet answered.
    pub proposals_pending: u64,
    /// Proposals that were not committed, or not in time.
    pub proposals_failed: u64,
    /// Confirmations of leadership that failed; each may have served many reads.
    pub read_indexes_failed: u64,
}

/// The counters behind [`Statistics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// What the proposer holds; its queue is counted by who asks.
    held: AtomicU64,
    proposals_failed: AtomicU64,
    read_indexes_failed: AtomicU64,
}

impl Counters {
    /// Says how many proposals the proposer has taken and not yet answered.
    pub(super) fn hold(&self, proposals: usize) {
        self.held.store(proposals as u64, Ordering::Relaxed);
    }

    pub(super) fn proposals_failed(&self, proposals: usize) {
        self.proposals_failed
            .fetch_add(proposals as u64, Ordering::Relaxed);
    }

    pub(super) fn read_index_failed(&self) {
        self.read_indexes_failed.fetch_add(1, Ordering::Relaxed);
    }

    /// `queued` is how many proposals wait for the proposer to take them.
    pub(super) fn read(&self, queued: usize) -> Statistics {
        Statistics {
            proposals_pending: self.held.load(Ordering::Relaxed) + queued as u64,
            proposals_failed: self.proposals_failed.load(Ordering::Relaxed),
            read_indexes_failed: self.read_indexes_failed.load(Ordering::Relaxed),
        }
    }
}
