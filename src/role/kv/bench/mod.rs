//! `kvctl bench`: loads one etcd v3 server, or two in turn, and reports what they bear.

pub(super) mod calls;
pub(super) mod drive;
pub(super) mod watch;

use std::error::Error;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::rc::Rc;

use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::adapter::progress::Progress;
use crate::adapter::rpc::load::CallError;
use crate::cli::Matches;
use crate::cli::kv::bench::{self as face, BenchCommand, Format, Workload};
use crate::core::bench::result::{Figures, Report, Row};
use crate::error::{Exit, Failure};
use crate::role::kv::bench::drive::{DriveError, Load, Server};

/// `kvctl bench`: prints the report, then fails if a floor is broken or an operation failed.
pub(super) fn execute(matches: &Matches, endpoint: &str, format: Format) -> Result<Exit, Failure> {
    let command = BenchCommand::read(matches);
    let (report, broken) = run(&command, endpoint)?;
    let text = match format {
        Format::Text => face::table(&report),
        Format::Json => face::json(&report),
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::output(&error))?;
    if broken.is_empty() {
        return Ok(Exit::DONE);
    }
    let hint = "the report on standard output has all figures; repeat with the same --seed";
    Err(Failure::new(Exit::FAILED, "the load did not pass", broken.join("\n  ")).hint(hint))
}

/// Runs all loads and returns the report with a sentence for each floor that it breaks.
pub(super) fn run(
    command: &BenchCommand,
    endpoint: &str,
) -> Result<(Report, Vec<String>), Failure> {
    if command.total.is_some() && command.workloads.contains(&Workload::Watch) {
        let why = "a watch load is measured for a time, not for a number of operations";
        return Err(Failure::usage("cannot run watch with --total", why).hint("use --seconds"));
    }
    let keys = command.key_space().map_err(|error| {
        Failure::usage("cannot make the keys", error)
            .hint("give a longer --key-size, a shorter --prefix or fewer --keys")
    })?;
    let server = Server {
        endpoint: endpoint.to_owned(),
        name: command
            .server_name
            .clone()
            .unwrap_or_else(|| endpoint.to_owned()),
        pid: command.server_pid,
    };
    let versus = command.versus.as_ref().map(|endpoint| Server {
        endpoint: endpoint.clone(),
        name: command
            .versus_name
            .clone()
            .unwrap_or_else(|| endpoint.clone()),
        pid: command.versus_pid,
    });
    let command = Rc::new(command.clone());
    let seed = command.seed.unwrap_or_else(new_seed);
    let load = |workload, clients| Load {
        workload,
        clients,
        command: command.clone(),
        keys: keys.clone(),
        seed,
    };
    // One thread: see `drive`.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Exit::FAILED, "cannot start the generator", error))?;
    let servers: Vec<&Server> = std::iter::once(&server).chain(&versus).collect();
    let rows = run_loads(&command, &servers, &runtime, load)?;
    if !command.keep {
        let load = load(Workload::Put, 1);
        for server in &servers {
            let clearing = LocalSet::new().block_on(&runtime, drive::clear(&load, server));
            clearing.map_err(|error| failure(server, &error))?;
        }
    }
    let report = Report {
        server: server.name.clone(),
        versus: versus.map(|versus| versus.name),
        seed,
        value_bytes: command.value_size as usize,
        key_bytes: command.key_size as usize,
        keys: command.keys,
        rounds: command.rounds as usize,
        rows,
    };
    let floors = command.floors();
    let broken = report
        .rows
        .iter()
        .flat_map(|row| floors.broken(&row.name(), &row.server))
        .collect();
    Ok((report, broken))
}

/// One row for each workload and number of clients.
fn run_loads(
    command: &BenchCommand,
    servers: &[&Server],
    runtime: &Runtime,
    load: impl Fn(Workload, u32) -> Load,
) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let mut filled = false;
    for workload in &command.workloads {
        let clients = match workload {
            Workload::Watch => &[command.watchers][..],
            _ => &command.clients[..],
        };
        for clients in clients {
            let load = load(*workload, *clients);
            let fill = workload.reads() && !std::mem::replace(&mut filled, workload.reads());
            let session = session(&load, servers, fill);
            rows.push(LocalSet::new().block_on(runtime, session)?);
        }
    }
    Ok(rows)
}

/// All rounds of one load, the servers in turn, so that a change of the machine hits both.
async fn session(load: &Load, servers: &[&Server], fill: bool) -> Result<Row, Failure> {
    if fill {
        for server in servers {
            let filling = drive::fill(load, server).await;
            filling.map_err(|error| failure(server, &error))?;
        }
    }
    let mut figures: Vec<Vec<Figures>> = vec![Vec::new(); servers.len()];
    for round in 1..=load.command.rounds {
        for (server, figures) in servers.iter().zip(&mut figures) {
            let name = load.workload.name();
            let progress =
                Progress::start(format!("{name} {} {round} {}", load.clients, server.name));
            let run = drive::measure(load, server, &|part| progress.set(part)).await;
            let run = run.map_err(|error| failure(server, &error))?;
            figures.push(Figures::of_run(&run));
        }
    }
    let mut medians = figures.iter().map(|rounds| Figures::median(rounds));
    Ok(Row {
        workload: load.workload.name(),
        clients: load.clients as usize,
        connections: load.connections() as usize,
        server: medians
            .next()
            .flatten()
            .expect("there is a server and at least one round"),
        versus: medians.next().flatten(),
    })
}

fn failure(server: &Server, error: &DriveError) -> Failure {
    let exit = match error {
        DriveError::Call(CallError::Endpoint { .. }) => Exit::USAGE,
        DriveError::Call(CallError::Connect { .. } | CallError::Connection(_)) => Exit::UNAVAILABLE,
        _ => Exit::FAILED,
    };
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        why = format!("{why}: {error}");
        source = error.source();
    }
    Failure::new(exit, format!("cannot measure {}", server.name), why).hint(format!(
        "see whether the server answers: `kvctl endpoint health --endpoints {}`",
        server.endpoint
    ))
}

/// A seed from the entropy that the standard library keys its hash maps with.
fn new_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
