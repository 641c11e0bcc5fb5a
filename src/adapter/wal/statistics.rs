//! How long the syncs of the log take, in the buckets of etcd's own metric
//! `etcd_disk_wal_fsync_duration_seconds`. Counters only: reading them stops nobody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in microseconds: 1 ms doubled 13 times, as etcd has them.
pub const SYNC_BUCKETS_US: [u64; 14] = {
    let mut bounds = [1000; 14];
    let mut i = 1;
    while i < bounds.len() {
        bounds[i] = bounds[i - 1] * 2;
        i += 1;
    }
    bounds
};

/// Syncs of the log since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncStatistics {
    pub count: u64,
    pub sum: Duration,
    /// Syncs in each bucket of [`SYNC_BUCKETS_US`], not cumulative; `count` has slower ones too.
    pub buckets: [u64; SYNC_BUCKETS_US.len()],
}

/// The counters behind [`SyncStatistics`], written by the writer alone.
#[derive(Debug, Default)]
pub(super) struct SyncCounters {
    count: AtomicU64,
    sum_ns: AtomicU64,
    buckets: [AtomicU64; SYNC_BUCKETS_US.len()],
}

impl SyncCounters {
    pub(super) fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(nanos, Ordering::Relaxed);
        let bucket = SYNC_BUCKETS_US.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> SyncStatistics {
        SyncStatistics {
            count: self.count.load(Ordering::Relaxed),
            sum: Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed)),
            buckets: std::array::from_fn(|i| self.buckets[i].load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sync_is_counted_in_the_first_bucket_that_holds_it() {
        let counters = SyncCounters::default();
        for millis in [1, 2, 3, 8192, 8193] {
            counters.record(Duration::from_millis(millis));
        }
        let read = counters.read();
        assert_eq!((read.count, read.sum), (5, Duration::from_millis(16391)));
        assert_eq!(
            (read.buckets[0], read.buckets[1], read.buckets[2]),
            (1, 1, 1)
        );
        assert_eq!(read.buckets[13], 1);
    }
}
