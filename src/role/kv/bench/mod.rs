//! `kvctl bench`: loads one etcd v3 server, or two in turn, and reports what they bear.

pub(super) mod calls;
pub(super) mod drive;
pub(super) mod watch;

use std::cell::Cell;
use std::error::Error;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::adapter::progress::Progress;
use crate::adapter::rpc::load::CallError;
use crate::cli::Matches;
use crate::cli::kv::bench::{self as face, BenchCommand, Format, Workload};
use crate::core::bench::result::{Figures, Report, Row};
use crate::error::{Exit, Failure, tell};
use crate::role::client::interrupt::Interrupts;
use crate::role::kv::bench::drive::{DriveError, Load, Server};
use crate::role::kv::secure::Encryption;

/// For the keys of a load that did not end well: who stopped it does not want to wait for long.
const CLEAR_LIMIT: Duration = Duration::from_secs(10);

/// `kvctl bench`: prints the report, then fails if a floor is broken or an operation failed.
pub(super) fn execute(
    matches: &Matches,
    endpoints: &[String],
    encryption: &Encryption,
    format: Format,
) -> Result<Exit, Failure> {
    let command = BenchCommand::read(matches);
    let (report, broken) = run(&command, endpoints, encryption)?;
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

/// All the servers that the command line names.
pub(super) fn servers(matches: &Matches, endpoints: &[String]) -> Vec<String> {
    let versus = BenchCommand::read(matches).versus;
    endpoints.iter().cloned().chain(versus).collect()
}

/// Runs all loads and returns the report with a sentence for each floor that it breaks.
pub(super) fn run(
    command: &BenchCommand,
    endpoints: &[String],
    encryption: &Encryption,
) -> Result<(Report, Vec<String>), Failure> {
    if command.total.is_some() && command.workloads.contains(&Workload::Watch) {
        let why = "a watch load is measured for a time, not for a number of operations";
        return Err(Failure::usage("cannot run watch with --total", why).hint("use --seconds"));
    }
    let keys = command.key_space().map_err(|error| {
        Failure::usage("cannot make the keys", error)
            .hint("give a longer --key-size, a shorter --prefix or fewer --keys")
    })?;
    let under_load = |endpoints: &[String], name: &Option<String>, pids: &[u32]| Server {
        endpoints: endpoints.to_vec(),
        encryption: encryption.clone(),
        name: name.clone().unwrap_or_else(|| endpoints.join(",")),
        pids: pids.to_vec(),
        is_loaded: Cell::new(false),
    };
    let server = under_load(endpoints, &command.server_name, &command.server_pid);
    let versus = (!command.versus.is_empty())
        .then(|| under_load(&command.versus, &command.versus_name, &command.versus_pid));
    for server in std::iter::once(&server).chain(&versus) {
        check_processes(server)?;
    }
    let command = Rc::new(command.clone());
    let seed = command.seed.unwrap_or_else(new_seed);
    let is_interrupted = Rc::new(Cell::new(false));
    let load = |workload, clients| Load {
        workload,
        clients,
        command: command.clone(),
        keys: keys.clone(),
        seed,
        is_interrupted: is_interrupted.clone(),
    };
    // One thread: see `drive`.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Exit::FAILED, "cannot start the generator", error))?;
    let servers: Vec<&Server> = std::iter::once(&server).chain(&versus).collect();
    let rows = LocalSet::new().block_on(&runtime, run_and_clear(&command, &servers, load))?;
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

/// Fails before any load for a process that is not there.
fn check_processes(server: &Server) -> Result<(), Failure> {
    server.usage().map(drop).map_err(|error| {
        Failure::usage(
            format!("cannot account for the processes of {}", server.name),
            with_causes(&error),
        )
        .hint("name the server's process on this machine: `pgrep -a 'coracle|etcd'`")
    })
}

/// Runs all loads and deletes what they put, however they end, unless it is to be kept.
async fn run_and_clear(
    command: &BenchCommand,
    servers: &[&Server],
    load: impl Fn(Workload, u32) -> Load,
) -> Result<Vec<Row>, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let any = load(Workload::Put, 1);
    let running = run_loads(command, servers, &load);
    tokio::pin!(running);
    let ran = tokio::select! {
        ran = &mut running => ran,
        signal = interrupts.next() => {
            any.is_interrupted.set(true);
            tell(format_args!("{signal}: the load ends, then its keys are deleted"));
            let ended = async {
                // Its own failure is none: it was cut short.
                let _ = running.await;
                if !command.keep {
                    clear_all(&any, servers, Some(CLEAR_LIMIT)).await;
                }
            };
            tokio::select! {
                () = ended => {}
                _ = interrupts.next() => tell_left(&any, servers),
            }
            return Err(Failure::new(Exit::FAILED, "the load was interrupted", signal));
        }
    };
    if !command.keep {
        let limit = ran.is_err().then_some(CLEAR_LIMIT);
        let is_clear = tokio::select! {
            is_clear = clear_all(&any, servers, limit) => is_clear,
            _ = interrupts.next() => {
                tell_left(&any, servers);
                false
            }
        };
        if ran.is_ok() && !is_clear {
            return Err(Failure::silent(Exit::FAILED));
        }
    }
    ran
}

/// Deletes the keys on each server that may hold some; tells of those where it cannot.
async fn clear_all(load: &Load, servers: &[&Server], limit: Option<Duration>) -> bool {
    let mut is_clear = true;
    for server in servers.iter().filter(|server| server.is_loaded.get()) {
        let clearing = drive::clear(load, server);
        let cleared = match limit {
            None => clearing.await.map_err(|error| with_causes(&error)),
            Some(limit) => match timeout(limit, clearing).await {
                Ok(cleared) => cleared.map_err(|error| with_causes(&error)),
                Err(_) => Err(format!("it takes more than {} s", limit.as_secs())),
            },
        };
        match cleared {
            Ok(()) => server.is_loaded.set(false),
            Err(why) => {
                is_clear = false;
                tell(format_args!("cannot delete the keys of the load: {why}"));
            }
        }
    }
    tell_left(load, servers);
    is_clear
}

/// Says where keys may be left, and how to remove them.
fn tell_left(load: &Load, servers: &[&Server]) {
    for server in servers.iter().filter(|server| server.is_loaded.get()) {
        let prefix = &load.command.prefix;
        tell(format_args!(
            "keys below {prefix:?} are left: \
             `kvctl del --prefix {prefix} --endpoints {}` removes them",
            server.endpoints.join(",")
        ));
    }
}

/// One row for each workload and number of clients.
async fn run_loads(
    command: &BenchCommand,
    servers: &[&Server],
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
            if load.is_interrupted.get() {
                return Ok(rows);
            }
            let fill = workload.reads() && !std::mem::replace(&mut filled, workload.reads());
            rows.push(session(&load, servers, fill).await?);
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
            if load.is_interrupted.get() {
                return Err(Failure::silent(Exit::FAILED));
            }
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
    let failure = Failure::new(
        exit,
        format!("cannot measure {}", server.name),
        with_causes(error),
    );
    match error {
        DriveError::Usage(_) => failure.hint("the process of the server must live during the load"),
        _ => failure.hint(format!(
            "see whether the server answers: `kvctl endpoint health --endpoints {}`",
            server.endpoints.join(",")
        )),
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A seed from the entropy that the standard library keys its hash maps with.
fn new_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
