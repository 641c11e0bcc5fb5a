//! Runs one load on one server: starts the clients, times the phases, samples both processes.
//!
//! Everything runs on one thread, so that the generator leaves the rest of the machine to the
//! server and its state needs no lock. Nothing here waits without a bound.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::adapter::process::{UsageError, usage};
use crate::adapter::rpc::load::{CallError, Caller};
use crate::cli::kv::bench::{BenchCommand, Workload};
use crate::core::bench::input::KeySpace;
use crate::core::bench::result::{Run, ServerUsage};
use crate::role::kv::bench::{calls, watch};
use crate::role::kv::secure::Encryption;

/// How long answers may be missing after the end of a run; what is open then counts as failed.
const GRACE: Duration = Duration::from_secs(10);
/// For one call before or after the run, and for all watchers to be confirmed.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A run of a given total ends when nothing was started for so long: the server hangs.
const STALL: Duration = Duration::from_secs(30);
/// How often the progress is told.
const TICK: Duration = Duration::from_millis(200);
/// After a refusal, so that a server that sheds load is not asked in a tight loop.
const REFUSED_PAUSE: Duration = Duration::from_millis(1);
/// Writers that prepare the keys.
const FILL_CLIENTS: u64 = 64;

#[derive(Debug, thiserror::Error)]
pub(crate) enum DriveError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error("{missing} of {wanted} {what} were not there after {} s", CALL_TIMEOUT.as_secs())]
    NotReady {
        what: &'static str,
        missing: u64,
        wanted: u64,
    },
}

/// A server under load, or the members of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// At least one; the connections go to them in turn.
    pub endpoints: Vec<String>,
    pub encryption: Encryption,
    pub name: String,
    /// Empty: what it uses is not reported.
    pub pids: Vec<u32>,
    /// Whether a load has been started on it: it may hold keys of ours.
    pub is_loaded: Cell<bool>,
}

impl Server {
    /// What its processes have used up to now and hold now, together; none if it has none.
    pub(crate) fn usage(&self) -> Result<Option<ServerUsage>, UsageError> {
        let mut all = None;
        for pid in &self.pids {
            let one = usage(Some(*pid))?;
            let sum: &mut ServerUsage = all.get_or_insert_default();
            sum.cpu += one.cpu;
            sum.resident_bytes += one.resident_bytes;
            sum.resident_peak_bytes += one.resident_peak_bytes;
        }
        Ok(all)
    }
}

/// One load: a workload with its number of clients.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub workload: Workload,
    pub clients: u32,
    pub command: Rc<BenchCommand>,
    pub keys: KeySpace,
    pub seed: u64,
    /// Set when the user wants it to end: what is on its way is then waited for and no more begun,
    /// so that nothing is put behind the deletion of the keys.
    pub is_interrupted: Rc<Cell<bool>>,
}

impl Load {
    pub(crate) fn connections(&self) -> u32 {
        let users = match self.workload {
            Workload::Watch => self.command.watchers,
            _ => self.clients,
        };
        self.command.connections.min(users)
    }

    pub(crate) fn value_bytes(&self) -> usize {
        self.command.value_size as usize
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measured,
    Over,
}

/// What the tasks of one run share.
pub(crate) struct Shared {
    pub load: Load,
    phase: Cell<Phase>,
    started: Instant,
    turns: Cell<u64>,
    run: RefCell<Run>,
}

/// The right to start one operation.
pub(crate) struct Turn {
    pub number: u64,
    /// When it was due: latency counts from here, so that a slow server does not hide the wait.
    pub due: Instant,
}

/// Whether a client can go on.
#[derive(PartialEq, Eq)]
pub(crate) enum Next {
    Continue,
    Stop,
}

impl Shared {
    /// Waits for the next turn; `None` when the run is over.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        let number = self.turns.get();
        let used_up = self.load.command.total.is_some_and(|total| number >= total);
        if used_up || self.is_over() {
            return None;
        }
        self.turns.set(number + 1);
        let Some(rate) = self.load.command.rate else {
            return Some(Turn {
                number,
                due: Instant::now(),
            });
        };
        let due = self.started + Duration::from_secs_f64(number as f64 / rate);
        if due > Instant::now() {
            sleep_until(due).await;
        }
        (!self.is_over()).then_some(Turn { number, due })
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase.get() == Phase::Over
    }

    /// Counts one operation that was due at `due` and succeeded now.
    pub(crate) fn succeeded(&self, due: Instant, now: Instant) {
        if self.phase.get() == Phase::Measured {
            self.run
                .borrow_mut()
                .latencies
                .record(now.saturating_duration_since(due));
        }
    }

    /// Counts failures whenever they happen: a failing warm-up is not a good run either.
    pub(crate) fn failed(&self, kind: String, count: u64) {
        *self.run.borrow_mut().errors.entry(kind).or_default() += count;
    }

    /// Counts the outcome of an operation and tells whether its connection still works.
    pub(crate) async fn outcome(&self, turn: &Turn, outcome: Result<(), CallError>) -> Next {
        let Err(error) = outcome else {
            self.succeeded(turn.due, Instant::now());
            return Next::Continue;
        };
        self.failed(error.kind(), 1);
        if error.is_fatal() {
            return Next::Stop;
        }
        sleep(REFUSED_PAUSE).await;
        Next::Continue
    }
}

/// The tasks of one run; dropping it ends them.
pub(crate) type Tasks = JoinSet<()>;

/// Connects anew, runs `load` on `server`, and tells `progress` how far it is.
pub(crate) async fn measure(
    load: &Load,
    server: &Server,
    progress: &dyn Fn(f64),
) -> Result<Run, DriveError> {
    let callers = connect(server, load.connections()).await?;
    server.is_loaded.set(true);
    let shared = Rc::new(Shared {
        load: load.clone(),
        phase: Cell::new(Phase::WarmUp),
        started: Instant::now(),
        turns: Cell::new(0),
        run: RefCell::default(),
    });
    let mut tasks = Tasks::new();
    let fanout = match load.workload {
        Workload::Watch => Some(watch::start(&shared, &callers, &mut tasks).await?),
        _ => {
            calls::start(&shared, &callers, &mut tasks)?;
            None
        }
    };
    time(&shared, server, &mut tasks, progress).await?;
    if let Some(fanout) = fanout {
        fanout.finish(&shared, GRACE).await;
    } else {
        let ended = timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            shared.failed("Unanswered".to_owned(), tasks.len() as u64);
        }
    }
    tasks.shutdown().await;
    Ok(shared.run.take())
}

/// Takes the run through its phases and stores what was sampled at the edges of the measured one.
async fn time(
    shared: &Shared,
    server: &Server,
    tasks: &mut Tasks,
    progress: &dyn Fn(f64),
) -> Result<(), DriveError> {
    let command = &shared.load.command;
    if command.total.is_none() {
        let warm = Instant::now() + Duration::from_secs_f64(command.warmup);
        while Instant::now() < warm && !shared.load.is_interrupted.get() {
            sleep_until(warm.min(Instant::now() + TICK)).await;
        }
    }
    let own_before = usage(None)?.cpu;
    let server_before = server.usage()?;
    shared.phase.set(Phase::Measured);
    let started = Instant::now();
    let mut moved = (shared.turns.get(), started);
    let ended = loop {
        let measured = started.elapsed();
        if shared.turns.get() != moved.0 {
            moved = (shared.turns.get(), Instant::now());
        }
        let (part, left) = match command.total {
            Some(total) => (shared.turns.get() as f64 / total as f64, TICK),
            None => {
                let wanted = Duration::from_secs_f64(command.seconds);
                (
                    measured.as_secs_f64() / command.seconds,
                    wanted.saturating_sub(measured),
                )
            }
        };
        progress(part);
        let is_interrupted = shared.load.is_interrupted.get();
        if left.is_zero() || is_interrupted || moved.1.elapsed() > STALL {
            break started.elapsed();
        }
        // Clients end when the total is reached or their connections are gone; either ends the run.
        let done = timeout(left.min(TICK), async {
            while tasks.join_next().await.is_some() {}
        });
        if done.await.is_ok() {
            break started.elapsed();
        }
    };
    shared.phase.set(Phase::Over);
    let own_after = usage(None)?.cpu;
    let server_after = server.usage()?;
    let mut run = shared.run.borrow_mut();
    run.elapsed = ended;
    run.client_cpu = own_after.saturating_sub(own_before);
    run.server = server_before
        .zip(server_after)
        .map(|(before, after)| ServerUsage {
            cpu: after.cpu.saturating_sub(before.cpu),
            ..after
        });
    Ok(())
}

/// Puts every key once, so that reads find a value of the right length.
pub(crate) async fn fill(load: &Load, server: &Server) -> Result<(), DriveError> {
    let callers = connect(server, load.command.connections.min(8)).await?;
    server.is_loaded.set(true);
    let keys = load.keys.keys();
    let next = Rc::new(Cell::new(0));
    let mut tasks = JoinSet::new();
    for (client, caller) in (0..FILL_CLIENTS.min(keys)).zip(callers.iter().cycle()) {
        let (caller, load, next) = (caller.clone(), load.clone(), next.clone());
        tasks.spawn_local(calls::fill(caller, load, client, next));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("filling does not panic")?;
    }
    Ok(())
}

/// Deletes what the loads have put, in parts that hold the server up for milliseconds at most.
pub(crate) async fn clear(load: &Load, server: &Server) -> Result<(), DriveError> {
    let mut callers = connect(server, 1).await?;
    let caller = callers.first_mut().expect("one connection was made");
    Ok(calls::clear(caller, &load.keys).await?)
}

async fn connect(server: &Server, connections: u32) -> Result<Vec<Caller>, CallError> {
    let mut callers = Vec::new();
    let endpoints = server.endpoints.iter().cycle();
    let Encryption { client, is_usual } = &server.encryption;
    let (tls, is_usual) = (client.as_ref(), *is_usual);
    for endpoint in endpoints.take(connections as usize) {
        callers.push(Caller::connect(endpoint, tls, is_usual).await?);
    }
    Ok(callers)
}
