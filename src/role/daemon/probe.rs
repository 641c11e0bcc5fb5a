//! What the health pages and the metrics ask of the member.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::adapter::http::{Probe, Versions};
use crate::adapter::metrics::Metrics;
use crate::adapter::rpc::server::Api;
use crate::adapter::wal::SYNC_BUCKETS_US;
use crate::core::kv::machine::NOBODY_KNOWS_WHOSE;
use crate::core::kv::request::{Alarm, Consistency, MemberAlarm};
use crate::role::daemon::api::{ETCD_VERSION, STORAGE_VERSION, Served};

impl Probe for Served {
    fn read(&self, consistency: Consistency) -> BoxFuture<'_, Result<(), String>> {
        async move {
            match consistency {
                Consistency::Linearizable => {
                    let barrier = self.0.consensus.read_barrier().await;
                    barrier.map(drop).map_err(|error| error.to_string())
                }
                // The state is in memory: what can be asked at all can be read.
                Consistency::Serializable => Ok(()),
            }
        }
        .boxed()
    }

    fn alarms(&self) -> Vec<Alarm> {
        let state = self.0.consensus.state();
        // Another member that is wrong is taken out; this one is no worse for it.
        let own = self.0.identity.member_id;
        let concerns = |raised: &MemberAlarm| match raised.alarm {
            Alarm::Corrupt => [own, NOBODY_KNOWS_WHOSE].contains(&raised.member),
            Alarm::NoSpace => true,
        };
        let raised = state.machine.alarms().filter(concerns);
        raised.map(|raised| raised.alarm).collect()
    }

    fn has_leader(&self) -> bool {
        self.0.consensus.standing().leader != 0
    }

    fn is_learner(&self) -> bool {
        Api::is_learner(self)
    }

    fn versions(&self) -> Versions {
        Versions {
            server: ETCD_VERSION.to_owned(),
            cluster: ETCD_VERSION.to_owned(),
            storage: STORAGE_VERSION.to_owned(),
        }
    }
}

impl Served {
    /// Brings the gauges up to date; called before each scrape.
    pub(super) fn set_gauges(&self, metrics: &Metrics, connections: usize) {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let standing = self.0.consensus.standing();
        let server = &metrics.server;
        server.connections.set(gauge(connections as u64));
        server.has_leader.set(i64::from(standing.leader != 0));
        let leads = standing.leader == self.0.identity.member_id;
        server.is_leader.set(i64::from(leads));
        server
            .proposals_committed
            .set(gauge(standing.committed_index));
        server.proposals_applied.set(gauge(standing.applied_index));
        server.is_learner.set(i64::from(Api::is_learner(self)));
        let statistics = self.0.consensus.statistics();
        let pending = gauge(statistics.proposals_pending);
        server.proposals_pending.set(pending);
        let failed = statistics.proposals_failed as f64;
        server.proposals_failed.set(failed);
        let failed = statistics.read_indexes_failed as f64;
        server.read_indexes_failed.set(failed);
        let syncs = self.0.consensus.sync_statistics();
        let bounds = SYNC_BUCKETS_US.map(|bound| bound as f64 / 1e6).into_iter();
        metrics.disk.wal_fsync_duration_seconds.set(
            syncs.count,
            syncs.sum,
            bounds.zip(syncs.buckets),
        );
        let status = self.status();
        server.quota_bytes.set(status.db_bytes_quota);
        let store = &metrics.store;
        store.size_bytes.set(status.db_bytes);
        store.size_in_use_bytes.set(status.db_bytes_in_use);
        let (streams, watchers) = self.0.hub.audience();
        store.watch_streams.set(gauge(streams as u64));
        store.watchers.set(gauge(watchers as u64));
        let state = self.0.consensus.state();
        store.keys.set(gauge(state.machine.store.keys() as u64));
        store.current_revision.set(state.machine.store.revision());
        store.compact_revision.set(state.machine.store.compacted());
    }
}
