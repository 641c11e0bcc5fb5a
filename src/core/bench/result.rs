//! Figures of a load: latencies into percentiles, rounds into medians, floors into verdicts.
//!
//! Latencies are kept in microseconds with three significant digits, so memory is bounded however
//! long a run is.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Longer latencies are counted as this one; no bounded wait of the generator is longer.
const LATENCY_US_MAX: u64 = 600_000_000;

/// Latencies of the operations of one run.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3);
        Self(histogram.expect("the bounds and three digits are what the histogram allows"))
    }
}

impl Latencies {
    pub fn record(&mut self, latency: Duration) {
        self.0
            .saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that `percent` of the operations did not exceed.
    fn percentile_ms(&self, percent: f64) -> f64 {
        milliseconds(self.0.value_at_percentile(percent))
    }
}

/// What one run counted and sampled.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub elapsed: Duration,
    pub latencies: Latencies,
    /// Failed operations by the kind of failure.
    pub errors: BTreeMap<String, u64>,
    /// Processor time of the generator during the run.
    pub client_cpu: Duration,
    /// Of the server, when its process is known.
    pub server: Option<ServerUsage>,
}

/// What the server's process used during a run and held at its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerUsage {
    pub cpu: Duration,
    pub resident_bytes: u64,
    pub resident_peak_bytes: u64,
}

/// The figures of one or several runs of the same load.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Operations that succeeded, of all runs.
    pub operations: u64,
    pub operations_per_second: f64,
    pub latency_p50_ms: f64,
    pub latency_p99_ms: f64,
    pub latency_p999_ms: f64,
    pub latency_max_ms: f64,
    pub server_cpu_us_per_operation: Option<f64>,
    pub server_resident_mib: Option<f64>,
    pub server_resident_peak_mib: Option<f64>,
    pub client_cpu_us_per_operation: f64,
    /// Of all runs, by kind.
    pub errors: BTreeMap<String, u64>,
}

impl Figures {
    pub fn of_run(run: &Run) -> Self {
        let operations = run.latencies.count();
        let cpu_us = |cpu: Duration| ratio(cpu.as_secs_f64() * 1e6, operations as f64);
        Self {
            operations,
            operations_per_second: ratio(operations as f64, run.elapsed.as_secs_f64()),
            latency_p50_ms: run.latencies.percentile_ms(50.0),
            latency_p99_ms: run.latencies.percentile_ms(99.0),
            latency_p999_ms: run.latencies.percentile_ms(99.9),
            latency_max_ms: run.latencies.percentile_ms(100.0),
            server_cpu_us_per_operation: run.server.map(|server| cpu_us(server.cpu)),
            server_resident_mib: run.server.map(|server| mebibytes(server.resident_bytes)),
            server_resident_peak_mib: run
                .server
                .map(|server| mebibytes(server.resident_peak_bytes)),
            client_cpu_us_per_operation: cpu_us(run.client_cpu),
            errors: run.errors.clone(),
        }
    }

    /// The median of each figure over rounds of the same load; operations and errors are summed.
    /// `None` without a round.
    pub fn median(rounds: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        let known =
            |figure: fn(&Self) -> Option<f64>| median(rounds.iter().filter_map(figure).collect());
        let mut errors = BTreeMap::new();
        for (kind, count) in rounds.iter().flat_map(|round| &round.errors) {
            *errors.entry(kind.clone()).or_default() += count;
        }
        Some(Self {
            operations: rounds.iter().map(|round| round.operations).sum(),
            operations_per_second: of(|round| round.operations_per_second)?,
            latency_p50_ms: of(|round| round.latency_p50_ms)?,
            latency_p99_ms: of(|round| round.latency_p99_ms)?,
            latency_p999_ms: of(|round| round.latency_p999_ms)?,
            latency_max_ms: of(|round| round.latency_max_ms)?,
            server_cpu_us_per_operation: known(|round| round.server_cpu_us_per_operation),
            server_resident_mib: known(|round| round.server_resident_mib),
            server_resident_peak_mib: known(|round| round.server_resident_peak_mib),
            client_cpu_us_per_operation: of(|round| round.client_cpu_us_per_operation)?,
            errors,
        })
    }

    pub fn errors_count(&self) -> u64 {
        self.errors.values().sum()
    }
}

/// One load and what the server, or both servers, made of it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Row {
    pub workload: &'static str,
    /// Callers at the same time; of a watch load, the watchers.
    pub clients: usize,
    pub connections: usize,
    pub server: Figures,
    pub versus: Option<Figures>,
}

impl Row {
    pub fn name(&self) -> String {
        format!("{} with {} clients", self.workload, self.clients)
    }
}

/// All that was measured, with what is needed to repeat it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Report {
    pub server: String,
    pub versus: Option<String>,
    pub seed: u64,
    pub value_bytes: usize,
    pub key_bytes: usize,
    pub keys: u64,
    pub rounds: usize,
    pub rows: Vec<Row>,
}

/// What a run must reach to pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Floors {
    pub operations_per_second_min: Option<f64>,
    pub latency_p99_ms_max: Option<f64>,
}

impl Floors {
    /// One sentence for each floor that `figures` break; operations that failed break one too.
    pub fn broken(&self, load: &str, figures: &Figures) -> Vec<String> {
        let mut broken = Vec::new();
        if let Some(floor) = self.operations_per_second_min
            && figures.operations_per_second < floor
        {
            let seen = figures.operations_per_second;
            broken.push(format!(
                "{load}: {seen:.0} ops/s, at least {floor:.0} are wanted"
            ));
        }
        if let Some(limit) = self.latency_p99_ms_max
            && figures.latency_p99_ms > limit
        {
            let seen = figures.latency_p99_ms;
            broken.push(format!(
                "{load}: p99 is {seen:.2} ms, at most {limit:.2} ms is wanted"
            ));
        }
        if figures.errors_count() > 0 {
            let kinds = figures
                .errors
                .iter()
                .map(|(kind, count)| format!("{count} {kind}"));
            let kinds = kinds.collect::<Vec<_>>().join(", ");
            broken.push(format!("{load}: operations failed: {kinds}"));
        } else if figures.operations == 0 {
            broken.push(format!("{load}: no operation was completed"));
        }
        broken
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    match values.len() % 2 {
        0 => Some(f64::midpoint(values[values.len() / 2 - 1], upper)),
        _ => Some(upper),
    }
}

/// 0 where nothing was counted, so that an empty run prints and serialises.
fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 {
        numerator / denominator
    } else {
        0.0
    }
}

fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1u64 << 20) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(latencies_ms: &[u64]) -> Run {
        let mut latencies = Latencies::default();
        for latency in latencies_ms {
            latencies.record(Duration::from_millis(*latency));
        }
        Run {
            elapsed: Duration::from_secs(2),
            latencies,
            errors: BTreeMap::new(),
            client_cpu: Duration::from_millis(1),
            server: Some(ServerUsage {
                cpu: Duration::from_millis(10),
                resident_bytes: 5 << 20,
                resident_peak_bytes: 6 << 20,
            }),
        }
    }

    #[test]
    fn figures_are_per_second_and_per_operation() {
        let latencies: Vec<u64> = (1..=100).collect();
        let figures = Figures::of_run(&run(&latencies));
        assert_eq!(figures.operations_per_second, 50.0);
        assert_eq!(figures.server_cpu_us_per_operation, Some(100.0));
        assert_eq!(figures.client_cpu_us_per_operation, 10.0);
        assert_eq!(figures.server_resident_mib, Some(5.0));
        assert!(
            (figures.latency_p50_ms - 50.0).abs() < 0.1,
            "{}",
            figures.latency_p50_ms
        );
        assert!(
            (figures.latency_p99_ms - 99.0).abs() < 0.1,
            "{}",
            figures.latency_p99_ms
        );
        assert!(
            (figures.latency_max_ms - 100.0).abs() < 0.1,
            "{}",
            figures.latency_max_ms
        );
    }

    #[test]
    fn run_without_operations_has_figures_of_zero() {
        let figures = Figures::of_run(&run(&[]));
        assert_eq!(figures.operations_per_second, 0.0);
        assert_eq!(figures.server_cpu_us_per_operation, Some(0.0));
    }

    #[test]
    fn median_is_taken_of_each_figure_and_errors_are_summed() {
        let mut rounds: Vec<Figures> = [&[1, 1][..], &[9], &[5, 5, 5, 5]]
            .map(|l| Figures::of_run(&run(l)))
            .to_vec();
        rounds[0].errors.insert("Unavailable".to_owned(), 2);
        rounds[1].errors.insert("Unavailable".to_owned(), 3);
        let figures = Figures::median(&rounds).expect("three rounds");
        assert_eq!(figures.operations_per_second, 1.0);
        assert!((figures.latency_p50_ms - 5.0).abs() < 0.01);
        assert_eq!((figures.operations, figures.errors_count()), (7, 5));
        assert_eq!(Figures::median(&[]), None);
    }

    #[test]
    fn median_of_an_even_count_is_the_mean_of_the_middle() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn each_broken_floor_is_told_with_what_was_seen() {
        let mut figures = Figures::of_run(&run(&[10, 10]));
        let floors = Floors {
            operations_per_second_min: Some(2.0),
            latency_p99_ms_max: Some(5.0),
        };
        let broken = floors.broken("put", &figures);
        assert_eq!(broken.len(), 2, "{broken:?}");
        assert_eq!(broken[0], "put: 1 ops/s, at least 2 are wanted");
        assert!(Floors::default().broken("put", &figures).is_empty());
        figures.errors.insert("Aborted".to_owned(), 1);
        assert_eq!(
            Floors::default().broken("put", &figures),
            ["put: operations failed: 1 Aborted"]
        );
    }

    #[test]
    fn overlong_latency_is_counted_not_lost() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::from_secs(100_000));
        assert_eq!(latencies.count(), 1);
    }
}
