//! Metrics under etcd's names, so that its dashboards and alerts work.
//!
//! - Counters of the hot path are fields: no label is looked up per call.
//! - Gauges, and what others count, are set when somebody asks, by the one callback of the server.
//! - Nothing is listed that nobody sets: a family that would always be zero is left out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{self, MetricFamily, MetricType};
use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder, exponential_buckets,
};
use thiserror::Error;

use crate::adapter::process::{self, UsageError};

/// Why the metrics cannot be shown.
#[derive(Debug, Error)]
pub enum MetricsError {
    #[error("cannot read the process's own figures")]
    Process(#[source] UsageError),
    #[error("cannot write the metrics as text")]
    Text(#[source] prometheus::Error),
}

/// Sets the gauges; called before each scrape.
type SetGauges = Box<dyn Fn(&Metrics) + Send + Sync>;

/// Every metric of one server.
pub struct Metrics {
    registry: Registry,
    grpc: BTreeMap<String, Arc<RpcMetrics>>,
    before_scrape: OnceLock<SetGauges>,
    pub server: ServerMetrics,
    pub store: StoreMetrics,
    pub disk: DiskMetrics,
    process: ProcessMetrics,
}

/// One gRPC method that is served, as the metrics name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedMethod {
    pub service: String,
    pub name: String,
    /// `unary`, `server_stream`, `client_stream` or `bidi_stream`.
    pub kind: &'static str,
}

/// The counters of one gRPC method.
#[derive(Debug)]
pub struct RpcMetrics {
    pub started: IntCounter,
    handled: [IntCounter; CODES.len()],
    /// Whether the method answers with a stream, so that its code comes after the last answer.
    pub streams: bool,
}

/// A counter that somebody else counts: set before each scrape to what was counted so far.
#[derive(Clone, Debug)]
pub struct ReadCounter(Gauge);

/// A histogram that somebody else keeps: set before each scrape to what was observed so far.
#[derive(Clone, Debug)]
pub struct ReadHistogram {
    description: Desc,
    reading: Arc<Mutex<Reading>>,
}

#[derive(Clone, Debug, Default)]
struct Reading {
    count: u64,
    sum: Duration,
    /// Upper bounds in seconds, each with what is at or below it.
    buckets: Vec<(f64, u64)>,
}

impl ServedMethod {
    /// Whether any number of answers may come, with the status behind the last.
    pub fn streams_answers(&self) -> bool {
        matches!(self.kind, "server_stream" | "bidi_stream")
    }
}

macro_rules! families {
    ($(#[$about:meta])* $name:ident { $($field:ident: $kind:ident = $text:literal, $help:literal
        $(, $start:literal * $factor:literal ^ $count:literal)?;)* }) => {
        $(#[$about])*
        pub struct $name { $(#[doc = $help] pub $field: $kind,)* }

        impl $name {
            fn new(registry: &Registry) -> Self {
                Self { $($field: $kind::family(
                    registry, $text, $help, &[$($start, $factor, $count)?]
                ),)* }
            }
        }
    };
}

families! {
/// Consensus and requests.
ServerMetrics {
    has_leader: IntGauge = "etcd_server_has_leader", "Whether or not a leader exists";
    is_leader: IntGauge = "etcd_server_is_leader", "Whether or not this member is the leader";
    is_learner: IntGauge = "etcd_server_is_learner", "Whether or not this member is a learner";
    leader_changes: IntCounter = "etcd_server_leader_changes_seen_total",
        "Leader changes seen, the first leader too";
    proposals_committed: IntGauge = "etcd_server_proposals_committed_total",
        "Consensus proposals committed";
    proposals_applied: IntGauge = "etcd_server_proposals_applied_total",
        "Consensus proposals applied";
    proposals_pending: IntGauge = "etcd_server_proposals_pending",
        "Proposals that are not yet answered";
    proposals_failed: ReadCounter = "etcd_server_proposals_failed_total",
        "Proposals that were not committed, or not in time";
    read_indexes_failed: ReadCounter = "etcd_server_read_indexes_failed_total",
        "Confirmations of leadership for reads that failed";
    connections: IntGauge = "coracle_server_client_connections", "Open connections of clients";
    quota_bytes: IntGauge = "etcd_server_quota_backend_bytes", "The store's quota in bytes";
    health_success: IntCounter = "etcd_server_health_success", "Successful health checks";
    health_failures: IntCounter = "etcd_server_health_failures", "Failed health checks";
    leases_granted: IntCounter = "etcd_debugging_lease_granted_total", "Leases granted";
    leases_revoked: IntCounter = "etcd_debugging_lease_revoked_total",
        "Leases revoked, by clients and because they expired";
    leases_renewed: IntCounter = "etcd_debugging_lease_renewed_total", "Leases renewed";
    leases_expired: IntCounter = "etcd_debugging_server_lease_expired_total",
        "Leases revoked because they expired";
}}

families! {
/// The key-value state. What a transaction does is counted by its operations; the log that is
/// applied again at the start is not counted.
StoreMetrics {
    size_bytes: IntGauge = "etcd_mvcc_db_total_size_in_bytes",
        "Size of the database on disk in bytes";
    size_in_use_bytes: IntGauge = "etcd_mvcc_db_total_size_in_use_in_bytes",
        "Size of the database logically in use in bytes";
    puts: IntCounter = "etcd_mvcc_put_total", "Puts made";
    deletes: IntCounter = "etcd_mvcc_delete_total", "Deletes of a key or a range made";
    ranges: IntCounter = "etcd_mvcc_range_total", "Ranges answered";
    txns: IntCounter = "etcd_mvcc_txn_total", "Transactions of more than one operation made";
    keys: IntGauge = "etcd_debugging_mvcc_keys_total", "Keys";
    current_revision: IntGauge = "etcd_debugging_mvcc_current_revision",
        "The store's current revision";
    compact_revision: IntGauge = "etcd_debugging_mvcc_compact_revision",
        "The revision of the last compaction";
    comparisons: IntCounter = "coracle_state_comparisons_total",
        "Comparisons of the members' states that this member led";
    differences: IntCounter = "coracle_state_differences_total",
        "Comparisons that found members with another state";
    events: IntCounter = "etcd_debugging_mvcc_events_total", "Events handed to watch streams";
    watchers: IntGauge = "etcd_debugging_mvcc_watcher_total", "Watchers";
    watch_streams: IntGauge = "etcd_debugging_mvcc_watch_stream_total", "Watch streams";
}}

families! {
/// The log and the checkpoints.
DiskMetrics {
    wal_fsync_duration_seconds: ReadHistogram = "etcd_disk_wal_fsync_duration_seconds",
        "Duration of fdatasync called by the log";
    // Not etcd's backend commit: no request waits for a checkpoint, and alerts assume so of that.
    checkpoint_duration_seconds: Histogram = "coracle_checkpoint_duration_seconds",
        "Duration of writing a checkpoint", 0.01 * 2.0 ^ 14.0;
    backups: IntCounter = "coracle_backups_total", "Backups taken and read back";
    backup_failures: IntCounter = "coracle_backup_failures_total",
        "Backups that were due and not taken";
    backup_success_seconds: IntGauge = "coracle_backup_last_success_timestamp_seconds",
        "When the newest backup was last as good as the store, in seconds since the epoch";
    backup_bytes: IntGauge = "coracle_backup_last_size_in_bytes", "Size of the newest backup";
}}

families! {
/// This process, from /proc.
ProcessMetrics {
    cpu_seconds: ReadCounter = "process_cpu_seconds_total", "User and system CPU time in seconds";
    open_descriptors: IntGauge = "process_open_fds", "Open file descriptors";
    descriptors_max: IntGauge = "process_max_fds", "Limit of open file descriptors";
    resident_bytes: IntGauge = "process_resident_memory_bytes", "Resident memory in bytes";
    virtual_bytes: IntGauge = "process_virtual_memory_bytes", "Virtual memory in bytes";
    start_time_seconds: Gauge = "process_start_time_seconds",
        "Start of the process in seconds since the epoch";
}}

/// The names that `grpc_code` has for gRPC's status codes, in the order of their numbers.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];
/// What a number beyond the table counts as.
const UNKNOWN: usize = 2;

impl Metrics {
    /// `server_version` is the version of etcd that is spoken.
    pub fn new(server_version: &str, methods: Vec<ServedMethod>) -> Self {
        let registry = Registry::new();
        label(
            &registry,
            "coracle_build_info",
            "The program",
            "version",
            env!("CARGO_PKG_VERSION"),
        );
        label(
            &registry,
            "etcd_server_version",
            "Which version is running; 1 for the label with the current one",
            "server_version",
            server_version,
        );
        Self {
            grpc: rpc_metrics(&registry, methods),
            before_scrape: OnceLock::new(),
            server: ServerMetrics::new(&registry),
            store: StoreMetrics::new(&registry),
            disk: DiskMetrics::new(&registry),
            process: ProcessMetrics::new(&registry),
            registry,
        }
    }

    /// The counters of the method with this path (`/etcdserverpb.KV/Put`).
    pub fn rpc(&self, path: &str) -> Option<&Arc<RpcMetrics>> {
        self.grpc.get(path)
    }

    /// Says who the server is: shown as the label of `etcd_server_id`. Call once.
    pub fn identify(&self, member_id: u64) {
        let id = format!("{member_id:x}");
        label(
            &self.registry,
            "etcd_server_id",
            "This member's id in hexadecimal",
            "server_id",
            &id,
        );
    }

    /// Sets what is called before each scrape to set the gauges; the first one stays.
    pub fn before_scrape(&self, set_gauges: impl Fn(&Self) + Send + Sync + 'static) {
        self.before_scrape.get_or_init(|| Box::new(set_gauges));
    }

    /// All metrics in Prometheus's text format.
    pub fn render(&self) -> Result<String, MetricsError> {
        if let Some(set_gauges) = self.before_scrape.get() {
            set_gauges(self);
        }
        self.process.read().map_err(MetricsError::Process)?;
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .map_err(MetricsError::Text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

impl RpcMetrics {
    /// Counts the end of a call; `code` is gRPC's number, 0 for a good end.
    pub fn handled(&self, code: i32) {
        let code = usize::try_from(code).unwrap_or(UNKNOWN);
        self.handled
            .get(code)
            .unwrap_or(&self.handled[UNKNOWN])
            .inc();
    }
}

impl ReadCounter {
    /// Says how much was counted so far.
    pub fn set(&self, counted: f64) {
        self.0.set(counted);
    }
}

impl Collector for ReadCounter {
    fn desc(&self) -> Vec<&Desc> {
        self.0.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.0.collect();
        for family in &mut families {
            let mut counter = proto::Counter::default();
            counter.set_value(self.0.get());
            let mut metric = proto::Metric::default();
            metric.set_counter(counter);
            family.set_field_type(MetricType::COUNTER);
            family.set_metric(vec![metric]);
        }
        families
    }
}

impl ReadHistogram {
    /// Says how much was observed so far: `buckets` are upper bounds in seconds, ascending, each
    /// with what lies between it and the one before; `count` has what is above the last one too.
    pub fn set(&self, count: u64, sum: Duration, buckets: impl Iterator<Item = (f64, u64)>) {
        let mut below = 0;
        let buckets: Vec<_> = buckets
            .map(|(bound, within)| {
                below += within;
                (bound, below)
            })
            .collect();
        // What was observed between reading the count and a bucket is in the bucket alone.
        let count = count.max(below);
        *self.reading() = Reading {
            count,
            sum,
            buckets,
        };
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        // Held for one assignment or one copy.
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for ReadHistogram {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Reading {
            count,
            sum,
            buckets,
        } = self.reading().clone();
        let bucket = |(bound, below)| {
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(below);
            bucket
        };
        let mut histogram = proto::Histogram::default();
        histogram.set_sample_count(count);
        histogram.set_sample_sum(sum.as_secs_f64());
        histogram.set_bucket(buckets.into_iter().map(bucket).collect());
        let mut metric = proto::Metric::default();
        metric.set_histogram(histogram);
        let mut family = MetricFamily::default();
        family.set_name(self.description.fq_name.clone());
        family.set_help(self.description.help.clone());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        vec![family]
    }
}

impl ProcessMetrics {
    fn read(&self) -> Result<(), UsageError> {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let own = process::own()?;
        self.cpu_seconds.set(own.usage.cpu.as_secs_f64());
        self.virtual_bytes.set(gauge(own.virtual_bytes));
        self.start_time_seconds.set(own.started.as_secs_f64());
        self.resident_bytes.set(gauge(own.usage.resident_bytes));
        // As large as "unlimited" can be shown.
        self.descriptors_max
            .set(gauge(own.descriptors_max.unwrap_or(u64::MAX)));
        self.open_descriptors.set(gauge(own.descriptors));
        Ok(())
    }
}

/// A kind of metric that registers itself.
trait Family: Sized {
    /// `buckets` is start, factor and count for a histogram, else empty.
    fn family(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Self;
}

const NAMES: &str = "the names in the tables above are well formed and distinct, a test makes all";

macro_rules! plain_family {
    ($($kind:ident)*) => {$(
        impl Family for $kind {
            fn family(registry: &Registry, name: &str, help: &str, _: &[f64]) -> Self {
                let metric = $kind::new(name, help).expect(NAMES);
                registry.register(Box::new(metric.clone())).expect(NAMES);
                metric
            }
        }
    )*};
}
plain_family!(Gauge IntCounter IntGauge);

impl Family for ReadCounter {
    fn family(registry: &Registry, name: &str, help: &str, _: &[f64]) -> Self {
        let metric = Self(Gauge::new(name, help).expect(NAMES));
        registry.register(Box::new(metric.clone())).expect(NAMES);
        metric
    }
}

impl Family for ReadHistogram {
    fn family(registry: &Registry, name: &str, help: &str, _: &[f64]) -> Self {
        let description = Desc::new(name.into(), help.into(), Vec::new(), HashMap::new());
        let metric = Self {
            description: description.expect(NAMES),
            reading: Arc::default(),
        };
        registry.register(Box::new(metric.clone())).expect(NAMES);
        metric
    }
}

impl Family for Histogram {
    fn family(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Self {
        let buckets =
            exponential_buckets(buckets[0], buckets[1], buckets[2] as usize).expect(NAMES);
        let metric = Self::with_opts(HistogramOpts::new(name, help).buckets(buckets)).expect(NAMES);
        registry.register(Box::new(metric.clone())).expect(NAMES);
        metric
    }
}

/// A gauge that is 1 for the value of its one label.
fn label(registry: &Registry, name: &str, help: &str, label: &str, value: &str) {
    let gauge = IntGaugeVec::new(Opts::new(name, help), &[label]).expect(NAMES);
    gauge.with_label_values(&[value]).set(1);
    // Registered twice only if a server is identified twice; the first one stays.
    let _ = registry.register(Box::new(gauge));
}

fn rpc_metrics(
    registry: &Registry,
    methods: Vec<ServedMethod>,
) -> BTreeMap<String, Arc<RpcMetrics>> {
    let vector = |name: &str, help: &str, labels: &[&str]| {
        let vector = IntCounterVec::new(Opts::new(name, help), labels).expect(NAMES);
        registry.register(Box::new(vector.clone())).expect(NAMES);
        vector
    };
    let started = vector(
        "grpc_server_started_total",
        "RPCs started on the server",
        &["grpc_type", "grpc_service", "grpc_method"],
    );
    let handled = vector(
        "grpc_server_handled_total",
        "RPCs completed on the server, whatever came of them",
        &["grpc_type", "grpc_service", "grpc_method", "grpc_code"],
    );
    let method = |method: ServedMethod| {
        let labels: [&str; 3] = [method.kind, &method.service, &method.name];
        let metrics = RpcMetrics {
            started: started.with_label_values(&labels),
            handled: CODES.map(|code| {
                handled.with_label_values(&[method.kind, &method.service, &method.name, code])
            }),
            streams: method.streams_answers(),
        };
        let path = format!("/{}/{}", method.service, method.name);
        (path, Arc::new(metrics))
    };
    methods.into_iter().map(method).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrape_shows_what_was_counted_under_the_names_that_dashboards_use() {
        let put = ServedMethod {
            service: "etcdserverpb.KV".to_owned(),
            name: "Put".to_owned(),
            kind: "unary",
        };
        let metrics = Metrics::new("3.6.0", vec![put]);
        metrics.identify(0x1f);
        metrics.before_scrape(|metrics| metrics.server.has_leader.set(1));
        let put = metrics.rpc("/etcdserverpb.KV/Put").expect("served");
        put.started.inc();
        put.handled(11);
        let sync_buckets = [(0.002, 1), (0.004, 2)].into_iter();
        let took = Duration::from_millis(1500);
        metrics
            .disk
            .wal_fsync_duration_seconds
            .set(4, took, sync_buckets);
        metrics.server.proposals_failed.set(7.0);
        let text = metrics.render().expect("rendered");
        for line in [
            "etcd_server_has_leader 1",
            "etcd_server_id{server_id=\"1f\"} 1",
            "etcd_server_version{server_version=\"3.6.0\"} 1",
            "# TYPE etcd_disk_wal_fsync_duration_seconds histogram",
            "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.004\"} 3",
            "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} 4",
            "etcd_disk_wal_fsync_duration_seconds_sum 1.5",
            "etcd_disk_wal_fsync_duration_seconds_count 4",
            "# TYPE coracle_checkpoint_duration_seconds histogram",
            "# TYPE etcd_mvcc_db_total_size_in_bytes gauge",
            "# TYPE etcd_mvcc_db_total_size_in_use_in_bytes gauge",
            "# TYPE etcd_server_proposals_failed_total counter",
            "etcd_server_proposals_failed_total 7",
            "# TYPE process_cpu_seconds_total counter",
            "# TYPE etcd_server_leader_changes_seen_total counter",
            "# TYPE process_resident_memory_bytes gauge",
        ] {
            assert!(
                text.lines().any(|shown| shown == line),
                "{line} is missing in\n{text}"
            );
        }
        let handled = text.lines().find(|line| {
            line.starts_with("grpc_server_handled_total")
                && line.contains("\"OutOfRange\"")
                && line.contains("\"Put\"")
        });
        assert!(
            handled.is_some_and(|line| line.ends_with(" 1")),
            "{handled:?}"
        );
        assert!(metrics.process.resident_bytes.get() > 1024 * 1024);
        assert!(metrics.process.start_time_seconds.get() > 1.6e9);
        assert!(metrics.process.open_descriptors.get() > 2);
    }
}
