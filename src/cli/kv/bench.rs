//! The command line of `kvctl bench`, and its report as a table and as JSON.
//!
//! The table is Markdown with aligned columns, so that it reads well on a terminal and goes into a
//! page as it is.

use std::fmt::Write;

use clap::{Args, Command, FromArgMatches, ValueEnum};

use crate::cli::Matches;
use crate::core::bench::input::{KeySpace, KeyTooShort};
use crate::core::bench::result::{Figures, Floors, Report, Row};

/// Loads an etcd v3 server and reports operations, latencies, processor time and memory
///
/// Several --endpoints are the members of one cluster: the connections are shared out among them.
/// Writes and afterwards deletes keys below --prefix. The generator runs on one thread; its own
/// processor time per operation is a column of the report.
#[derive(Args, Clone, Debug)]
pub struct BenchCommand {
    /// What to measure, in this order
    #[arg(value_enum, default_values = ["put", "range", "serializable"])]
    pub workloads: Vec<Workload>,
    /// The other server of a comparison, or its members: each round runs against both, one after
    /// the other
    #[arg(long, value_name = "ENDPOINTS", value_delimiter = ',')]
    pub versus: Vec<String>,
    /// Process of the server, on this machine: reports its processor time and memory; of all its
    /// members together when several are named
    #[arg(long, value_name = "PIDS", value_delimiter = ',')]
    pub server_pid: Vec<u32>,
    /// Process of the other server
    #[arg(long, value_name = "PIDS", value_delimiter = ',', requires = "versus")]
    pub versus_pid: Vec<u32>,
    /// What the report calls the server [default: its endpoint]
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,
    /// What the report calls the other server [default: its endpoint]
    #[arg(long, value_name = "NAME", requires = "versus")]
    pub versus_name: Option<String>,
    /// Callers at the same time, each waiting for its answer; several numbers, separated by commas,
    /// are run in turn
    #[arg(long, value_delimiter = ',', default_value = "64", value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub clients: Vec<u32>,
    /// Connections that the clients share; never more than clients
    #[arg(long, default_value_t = 32, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// Length of a value; values are random bytes
    #[arg(long, default_value_t = 256, value_name = "BYTES",
          value_parser = clap::value_parser!(u32).range(8..=8 << 20))]
    pub value_size: u32,
    /// Length of a key, the prefix included
    #[arg(long, default_value_t = 32, value_name = "BYTES",
          value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub key_size: u32,
    /// How many different keys there are
    #[arg(long, default_value_t = 10_000, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub keys: u64,
    /// Take keys in order instead of at random
    #[arg(long)]
    pub sequential: bool,
    /// Where keys and values come from [default: a new one, which is printed]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Measure for so long, after the warm-up
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS", value_parser = positive)]
    pub seconds: f64,
    /// Measure so many operations instead, without a warm-up
    #[arg(long, value_name = "N", conflicts_with_all = ["seconds", "warmup"],
          value_parser = clap::value_parser!(u64).range(1..))]
    pub total: Option<u64>,
    /// Run for so long before anything is counted
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = not_negative)]
    pub warmup: f64,
    /// Start so many operations a second, however slow the answers; latency counts from the start
    /// that was due
    #[arg(long, value_name = "PER-SECOND", value_parser = positive)]
    pub rate: Option<f64>,
    /// Rounds of each load; the report has the median of each figure
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Reads in the mixed load; half of them are serializable
    #[arg(long, default_value_t = 80, value_name = "PERCENT",
          value_parser = clap::value_parser!(u32).range(0..=100))]
    pub reads: u32,
    /// Watchers of the one key of the watch load
    #[arg(long, default_value_t = 1000, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub watchers: u32,
    /// Streams that the watchers share [default: one per connection]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub streams: Option<u32>,
    /// Clients that put the watched key
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub writers: u32,
    /// Puts that may be on their way to the watchers before the writers wait
    #[arg(long, default_value_t = 16, value_name = "PUTS",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub lead: u32,
    /// Where the keys are
    #[arg(long, default_value = "coracle-bench/", value_name = "PREFIX")]
    pub prefix: String,
    /// Leave the keys where they are
    #[arg(long)]
    pub keep: bool,
    /// Exit with 1 if a load reaches fewer operations a second
    #[arg(long, value_name = "PER-SECOND", value_parser = positive)]
    pub min_ops: Option<f64>,
    /// Exit with 1 if the p99 latency of a load is longer
    #[arg(long, value_name = "MS", value_parser = positive)]
    pub max_p99_ms: Option<f64>,
}

/// How the report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Put a value
    Put,
    /// Get a key, linearizable
    Range,
    /// Get a key, serializable: from the server's own state
    Serializable,
    /// Puts, linearizable and serializable gets
    Mixed,
    /// Compare a key's version, then put it
    Txn,
    /// Deliver each put of one key to many watchers; an operation is an event delivered
    Watch,
    /// Grant a lease, keep it alive once, revoke it
    Lease,
}

impl Workload {
    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Range => "range",
            Self::Serializable => "serializable",
            Self::Mixed => "mixed",
            Self::Txn => "txn",
            Self::Watch => "watch",
            Self::Lease => "lease",
        }
    }

    /// Whether all keys must have a value before the load starts.
    pub fn reads(self) -> bool {
        matches!(
            self,
            Self::Range | Self::Serializable | Self::Mixed | Self::Txn
        )
    }
}

impl BenchCommand {
    /// The verb; endpoints and format of the report are flags of the whole face.
    pub fn verb() -> Command {
        Self::augment_args(Command::new("bench"))
    }

    pub fn read(matches: &Matches) -> Self {
        Self::from_arg_matches(matches).expect("the flags are those of the verb")
    }

    pub fn key_space(&self) -> Result<KeySpace, KeyTooShort> {
        KeySpace::new(&self.prefix, self.keys, self.key_size as usize)
    }

    pub fn floors(&self) -> Floors {
        Floors {
            operations_per_second_min: self.min_ops,
            latency_p99_ms_max: self.max_p99_ms,
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("a number above 0 is wanted".to_owned()),
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(number),
        _ => Err("a number of 0 or more is wanted".to_owned()),
    }
}

/// The report as a Markdown table with a line above it that says what was run.
pub fn table(report: &Report) -> String {
    let mut text = format!(
        "{} B values, {} B keys, {} keys, median of {} round{}, seed {}\n\n",
        report.value_bytes,
        report.key_bytes,
        report.keys,
        report.rounds,
        if report.rounds == 1 { "" } else { "s" },
        report.seed
    );
    let cells = match &report.versus {
        Some(versus) => comparison(report, versus),
        None => single(report),
    };
    align(&cells, &mut text);
    text
}

pub fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("figures are finite numbers");
    text.push('\n');
    text
}

fn single(report: &Report) -> Vec<Vec<String>> {
    let head = [
        "load",
        "clients",
        "ops/s",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "server µs/op",
        "server MiB",
        "peak MiB",
        "client µs/op",
        "errors",
    ];
    let line = |row: &Row| {
        let figures = &row.server;
        vec![
            row.workload.to_owned(),
            row.clients.to_string(),
            number(figures.operations_per_second),
            number(figures.latency_p50_ms),
            number(figures.latency_p99_ms),
            number(figures.latency_p999_ms),
            number(figures.latency_max_ms),
            known(figures.server_cpu_us_per_operation),
            known(figures.server_resident_mib),
            known(figures.server_resident_peak_mib),
            number(figures.client_cpu_us_per_operation),
            errors(figures),
        ]
    };
    let head = head.map(str::to_owned).to_vec();
    std::iter::once(head)
        .chain(report.rows.iter().map(line))
        .collect()
}

/// Each figure of both servers side by side, with the first one as a multiple of the other.
fn comparison(report: &Report, versus: &str) -> Vec<Vec<String>> {
    type Pick = fn(&Figures) -> Option<f64>;
    let figures: [(&str, Pick); 4] = [
        ("ops/s", |figures| Some(figures.operations_per_second)),
        ("p99 ms", |figures| Some(figures.latency_p99_ms)),
        ("µs/op", |figures| figures.server_cpu_us_per_operation),
        ("MiB", |figures| figures.server_resident_mib),
    ];
    let mut head = vec!["load".to_owned(), "clients".to_owned()];
    for (name, _) in figures {
        head.extend([
            format!("{name} {}", report.server),
            versus.to_owned(),
            "×".to_owned(),
        ]);
    }
    head.push("errors".to_owned());
    let line = |row: &Row| {
        let mut cells = vec![row.workload.to_owned(), row.clients.to_string()];
        for (_, pick) in figures {
            let (ours, theirs) = (pick(&row.server), row.versus.as_ref().and_then(pick));
            let ratio = ours.zip(theirs).filter(|(_, theirs)| *theirs > 0.0);
            cells.extend([known(ours), known(theirs)]);
            cells.push(ratio.map_or_else(dash, |(ours, theirs)| format!("{:.2}", ours / theirs)));
        }
        let theirs = row.versus.as_ref().map_or_else(dash, errors);
        cells.push(format!("{} / {theirs}", errors(&row.server)));
        cells
    };
    std::iter::once(head)
        .chain(report.rows.iter().map(line))
        .collect()
}

fn align(cells: &[Vec<String>], text: &mut String) {
    let columns = cells.first().map_or(0, Vec::len);
    let width = |column: usize| cells.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    for (row, line) in cells.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // The first column is a name, the others are numbers.
            let padded = match column {
                0 => format!("| {cell:<width$} "),
                _ => format!("| {cell:>width$} "),
            };
            text.push_str(&padded);
        }
        text.push_str("|\n");
        if row == 0 {
            for (column, width) in widths.iter().enumerate() {
                let end = if column == 0 { "-" } else { ":" };
                write!(text, "|{}{end}", "-".repeat(width + 1)).expect("a string takes all");
            }
            text.push_str("|\n");
        }
    }
}

/// Three figures are what a run on a shared machine supports.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn known(value: Option<f64>) -> String {
    value.map_or_else(dash, number)
}

fn dash() -> String {
    "-".to_owned()
}

fn errors(figures: &Figures) -> String {
    let kinds = figures
        .errors
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"));
    match kinds.collect::<Vec<_>>() {
        kinds if kinds.is_empty() => "0".to_owned(),
        kinds => kinds.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Harness {
        #[command(flatten)]
        command: BenchCommand,
    }

    fn figures(operations_per_second: f64) -> Figures {
        Figures {
            operations: 10,
            operations_per_second,
            latency_p50_ms: 1.0,
            latency_p99_ms: 12.34,
            latency_p999_ms: 20.0,
            latency_max_ms: 250.4,
            server_cpu_us_per_operation: Some(40.0),
            server_resident_mib: None,
            server_resident_peak_mib: None,
            client_cpu_us_per_operation: 9.5,
            errors: [("Aborted".to_owned(), 2)].into(),
        }
    }

    fn report(versus: Option<Figures>) -> Report {
        Report {
            server: "ours".to_owned(),
            versus: versus.as_ref().map(|_| "theirs".to_owned()),
            seed: 7,
            value_bytes: 256,
            key_bytes: 32,
            keys: 10,
            rounds: 3,
            rows: vec![Row {
                workload: "put",
                clients: 64,
                connections: 32,
                server: figures(15_000.0),
                versus,
            }],
        }
    }

    #[test]
    fn table_of_one_server_has_aligned_markdown_columns() {
        let text = table(&report(None));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "256 B values, 32 B keys, 10 keys, median of 3 rounds, seed 7"
        );
        assert_eq!(lines[3].matches('|').count(), 13);
        assert!(
            lines[4].starts_with("| put  |      64 | 15000 |   1.00 |   12.3 |"),
            "{text}"
        );
        assert!(lines[4].ends_with("| 2 Aborted |"), "{text}");
        let widths: Vec<usize> = lines[2..].iter().map(|line| line.chars().count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    }

    #[test]
    fn table_of_two_servers_has_both_figures_and_their_ratio() {
        let text = table(&report(Some(figures(10_000.0))));
        let line = text.lines().last().expect("a row");
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!(cells[3..6], ["15000", "10000", "1.50"]);
        assert_eq!(cells[12..15], ["-", "-", "-"]);
    }

    #[test]
    fn json_has_every_figure_under_its_unit() {
        let value: serde_json::Value =
            serde_json::from_str(&json(&report(None))).expect("it is JSON");
        assert_eq!(value["rows"][0]["server"]["latency_p99_ms"], 12.34);
        assert_eq!(value["rows"][0]["server"]["errors"]["Aborted"], 2);
        assert_eq!(value["seed"], 7);
    }

    #[test]
    fn clients_may_be_a_list_and_workloads_are_named() {
        let parsed = Harness::try_parse_from(["x", "put", "lease", "--clients", "1,64"]);
        let command = parsed.expect("it parses").command;
        assert_eq!(command.workloads, [Workload::Put, Workload::Lease]);
        assert_eq!(command.clients, [1, 64]);
    }

    #[test]
    fn nonsense_is_refused_before_anything_is_done() {
        for bad in [
            &["--seconds", "0"][..],
            &["--rate", "-1"],
            &["--clients", "0"],
            &["--total", "5", "--seconds", "5"],
            &["--versus-pid", "7"],
            &["--value-size", "7"],
            &["fly"],
        ] {
            let arguments = std::iter::once(&"x").chain(bad);
            assert!(Harness::try_parse_from(arguments).is_err(), "{bad:?}");
        }
    }
}
