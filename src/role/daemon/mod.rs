//! `coracle daemon`: every server role of this machine, composed.
//!
//! Order of starting: settings, data directory, joining, certificates, listeners bound, log,
//! checkpoint, consensus, READY.
//! Order of ending: listeners (calls in progress are answered), consensus, log.

mod api;
mod backup;
mod brake;
mod company;
mod compare;
mod data;
mod door;
mod fleetlock;
mod forced;
mod forming;
mod hub;
mod joined;
mod leases;
mod listen;
mod machines;
mod managed;
mod member;
mod membership;
mod node;
mod probe;
mod reads;
mod reboot;
mod seats;
mod trust;
mod upkeep;
mod watch;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch as watch_channel;
use tokio::task::JoinSet;

use crate::adapter::checkpoint::{self, Checkpoints, LogReach};
use crate::adapter::data_directory::Identity;
use crate::adapter::http::{served_methods, unbind_unix};
use crate::adapter::metrics::Metrics;
use crate::adapter::raft::{self, Consensus, Member, Saved};
use crate::adapter::rpc::peer::{Links, Patience};
use crate::adapter::wal::{self, Wal};
use crate::adapter::{disk, host, log, process, tls};
use crate::cli::Matches;
use crate::cli::config::{LogLevel, Settings};
use crate::cli::daemon::{self, DaemonFlags};
use crate::core::kv::quota::Quota;
use crate::core::lock::reboot::Strategy;
use crate::core::paths::User;
use crate::error::{Exit, Failure, answer, chain};
use crate::role::daemon::hub::Hub;
use crate::role::daemon::listen::Listening;
use crate::role::daemon::managed::Managed;
use crate::role::daemon::node::{Node, NodeSettings};
use crate::role::daemon::trust::Trust;

/// Its number on Linux, see signal(7).
const SIGXFSZ: i32 = 25;

/// A configuration is some lines; a device never ends.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Whether this process is the one that a daemon started to write or read a checkpoint.
pub fn is_worker() -> bool {
    checkpoint::worker::is_asked_for()
}

/// Does the one thing that the daemon asks of it.
pub fn work() -> Result<Exit, Failure> {
    let done = checkpoint::worker::serve();
    done.map_err(|why| Failure::new(Exit::FAILED, "the checkpoint worker failed", why))?;
    Ok(Exit::DONE)
}

/// Runs the daemon until it is told to end.
pub fn run(_face: &'static str, matches: &Matches) -> Result<Exit, Failure> {
    let flags = daemon::flags(matches);
    let settings = load(&flags)?;
    if flags.check_config {
        answer(format!("{settings}\n").as_bytes()).map_err(|error| Failure::output(&error))?;
        return Ok(Exit::DONE);
    }
    log::start(match settings.log_level {
        LogLevel::Debug => log::Level::DEBUG,
        LogLevel::Info => log::Level::INFO,
        LogLevel::Warn => log::Level::WARN,
        LogLevel::Error => log::Level::ERROR,
    });
    host::end_on_panic(Exit::FAILED.0);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads())
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::FAILED, "cannot start the daemon's threads", error))?;
    let ended = runtime.block_on(serve(settings));
    // Tasks that wait for clients or timers owe nothing any more.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ended
}

/// Half of the processors: the other half is for what the machine is there for. Threads that wake
/// each other cost, too: with one instead of two, a read took a fifth less processor time.
fn worker_threads() -> usize {
    thread::available_parallelism().map_or(1, |all| all.get().div_ceil(2))
}

/// Joins what the user said in the file, the environment and the flags.
fn load(flags: &DaemonFlags) -> Result<Settings, Failure> {
    let what = "cannot use the configuration";
    let environment = environment().map_err(|why| Failure::usage(what, why))?;
    let text = match &flags.config {
        None => None,
        Some(path) => Some((
            path.display().to_string(),
            read_text(path).map_err(|error| {
                Failure::usage(format!("cannot read \"{}\"", path.display()), error)
            })?,
        )),
    };
    let file = text
        .as_ref()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    let user = User::of(host::user_id());
    Settings::load(&flags.values, &environment, file, user)
        .map_err(|error| Failure::usage(what, error).hint("see `coracle daemon --help`"))
}

/// The variables that are text; one of ours that is not would be left out unheard.
fn environment() -> Result<BTreeMap<String, String>, String> {
    let mut environment = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => drop(environment.insert(name, value)),
            (Ok(name), Err(value)) if name.starts_with("CORACLE_") => {
                return Err(format!(
                    "the variable {name} is {value:?}: write it in UTF-8"
                ));
            }
            _ => {}
        }
    }
    Ok(environment)
}

fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(disk::read(path, CONFIG_BYTES_MAX)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// What asks the daemon to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// A terminal that went away. There is nothing to reload, so it ends us in order; none where
    /// whoever started us wants it ignored, as nohup(1) does.
    hangup: Option<Signal>,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let handler = |kind| {
            signal(kind).map_err(|error| Failure::new(Exit::FAILED, "cannot handle signals", error))
        };
        Ok(Self {
            terminate: handler(SignalKind::terminate())?,
            interrupt: handler(SignalKind::interrupt())?,
            hangup: match process::ignores_hangup() {
                true => None,
                false => Some(handler(SignalKind::hangup())?),
            },
        })
    }

    /// The name of the signal.
    async fn told_to_end(&mut self) -> &'static str {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = hangup => "SIGHUP",
        }
    }
}

/// Tells how long each part of a start takes.
struct Laps(Instant);

impl Laps {
    fn new() -> Self {
        Self(Instant::now())
    }

    /// The part that began with the end of the one before has ended.
    fn end(&mut self, part: &'static str) {
        let begun = std::mem::replace(&mut self.0, Instant::now());
        tracing::debug!(part, took = ?self.0 - begun, "starting");
    }
}

/// What the daemon does next.
enum Turn {
    Ended(Exit),
    /// It has been given a seat: it is this member.
    Member(u64),
    /// Its seat was taken away.
    Worker,
}

/// Starts every role, serves until a signal or a failure, and ends in order.
async fn serve(settings: Settings) -> Result<Exit, Failure> {
    // Handled, so that a file that may not grow (RLIMIT_FSIZE) is an error to tell of and not the
    // end without a word; nobody need listen, the handler stays.
    let handled = signal(SignalKind::from_raw(SIGXFSZ));
    drop(handled.map_err(|error| Failure::new(Exit::FAILED, "cannot handle signals", error))?);
    let lock = data::take(&settings.data_dir)?;
    let identity = data::member(&settings.data_dir)?;
    joined::join(&settings, identity).await?;
    let trust = Trust::load(&settings, Managed::prepare(&settings)?)?;
    // Bound before the log is read: a port in use is told at once.
    let listening = Listening::bind(&settings, &trust).await?;
    let socket = listening.socket().map(PathBuf::from);
    let ended = match joined::enter(&settings, &trust)? {
        Some(company) => joined::serve(&settings, &trust, listening, company).await,
        None => {
            let identity = match (identity, settings.force_new_cluster) {
                (Some(identity), _) => {
                    forming::refuse_mistaken(&settings, identity)?;
                    identity
                }
                (None, true) => return Err(forced::refuse_new(&settings)),
                (None, false) => {
                    let identity = forming::identity(&settings, trust.to_peers.as_ref()).await?;
                    data::identify(&settings.data_dir, identity)?;
                    identity
                }
            };
            let own = forming::own(&settings, &listening);
            let founders = forming::founders(&settings, identity, own);
            serve_alone(&settings, &trust, identity, listening, founders).await
        }
    };
    if let Some(socket) = socket {
        // Only tidiness: the next daemon replaces a socket that nobody listens on.
        let _ = unbind_unix(&socket);
    }
    drop(lock);
    ended
}

/// Serves as a member that nobody let in: it founded the cluster, alone or with others.
async fn serve_alone(
    settings: &Settings,
    trust: &Trust,
    identity: Identity,
    listening: Listening,
    founders: BTreeMap<u64, Member>,
) -> Result<Exit, Failure> {
    let mut member = member::Starting::new(settings, trust, identity, listening, None).await?;
    forming::refuse_lost(&member.node(), settings, &founders).await?;
    member.open_peers(founders.clone());
    let node = member.node();
    tokio::select! {
        settled = member.settle(founders) => settled?,
        removed = membership::removed(&node) => return Err(removed),
    }
    let machine = machines::Own::read(settings)?;
    let subject = reboot::Subject::new(&machine, Some(identity.member_id));
    // Only where somebody says something of it, where others join, or where others must see that it
    // is up: a store in which nobody wrote is empty, as etcd's.
    let is_said = !settings.joining.metadata.0.is_empty() || trust.managed.is_some();
    let reboots = settings.reboot.strategy != Strategy::Off;
    let machine = Some(machine).filter(|_| is_said || reboots);
    let member = member.serve(settings, machine, subject).await?;
    // Ends with this function.
    let mut upkeep = JoinSet::new();
    if let Some(managed) = trust.managed.clone() {
        upkeep.spawn(managed::keep(managed, None));
    }
    // Before anybody hears that it serves: from then on a signal is a request to end in order.
    // Until then there is nothing to end, and a signal ends the process at once.
    let mut signals = Signals::listen()?;
    let removed = async { Err(membership::removed(&node).await) };
    let told = member.until_told(settings, &mut signals, removed);
    match told.await? {
        Turn::Ended(exit) => Ok(exit),
        Turn::Member(_) | Turn::Worker => unreachable!("nobody gives it a seat"),
    }
}

/// Tells people where clients are served.
fn tell_serving(member: Option<u64>, cluster: u64, settings: &Settings, listening: &Listening) {
    let place = |path: &Path| path.display().to_string();
    tracing::info!(
        member = member.map_or("none: a worker".to_owned(), |id| format!("{id:x}")),
        cluster = format!("{cluster:x}"),
        clients = listening.client_urls.join(","),
        socket = listening.socket().map_or_else(|| "off".to_owned(), place),
        metrics = listening.metrics_urls.first().map(|_| listening.metrics_urls.join(",")),
        data = %settings.data_dir.display(),
        "serving"
    );
}

/// Opens the log and the newest checkpoint, and takes part in consensus from there.
async fn start(
    settings: &Settings,
    identity: Identity,
    own: &Member,
    to_peers: Option<tls::Client>,
    laps: &mut Laps,
) -> Result<Arc<Node>, Failure> {
    let (wal, recovered) = open_log(settings)?;
    laps.end("open the log");
    tracing::debug!(bytes = recovered.replayed_bytes, "verified the log");
    if recovered.cut_bytes > 0 {
        let bytes = recovered.cut_bytes;
        tracing::info!(bytes, "cut what was written last and never acknowledged");
    }
    let (saved, checkpoints) =
        read_checkpoint(&settings.data_dir.join("state"), reach(&recovered))?;
    refuse_lost_log(settings, &recovered, &saved)?;
    laps.end("read the checkpoint");
    let client_urls = own.client_urls.clone();
    let hub = Arc::new(Hub::new());
    let election_timeout = Duration::from_millis(settings.election_ms);
    let consensus = Consensus::start(
        raft::Settings {
            member_id: identity.member_id,
            links: Arc::new(
                Links::new(identity.speaker(), Patience::of(election_timeout)).secured_by(to_peers),
            ),
            heartbeat: Duration::from_millis(settings.heartbeat_ms),
            election_timeout,
        },
        Arc::new(wal),
        &recovered,
        saved,
        checkpoints,
        Arc::clone(&hub) as Arc<dyn raft::Observer>,
    );
    let consensus = consensus.await.map_err(|error| {
        Failure::new(Exit::FAILED, "cannot take part in consensus", chain(&error))
    })?;
    laps.end("apply what was committed");
    let metrics = Arc::new(Metrics::new(api::ETCD_VERSION, served_methods()));
    metrics.identify(identity.member_id);
    let node_settings = NodeSettings {
        client_urls,
        request_bytes_max: settings.request_bytes_max,
        txn_operations_max: settings.txn_ops_max,
        quota: settings.quota_bytes.map(Quota),
        watch_progress: settings.watch_progress,
        election_timeout,
        replace_after: settings.replace_after,
    };
    Ok(Arc::new(Node::new(
        identity,
        node_settings,
        consensus,
        hub,
        metrics,
    )))
}

fn open_log(settings: &Settings) -> Result<(Wal, wal::Recovered), Failure> {
    let options = wal::Options::default();
    Wal::open(&settings.data_dir.join("log"), options).map_err(|error| {
        Failure::new(Exit::FAILED, "cannot open the log", chain(&error)).hint(error.hint())
    })
}

/// Whether the log alone makes the whole state. One that was lost is empty, and makes nothing.
fn reach(recovered: &wal::Recovered) -> LogReach {
    match recovered.purged {
        None if recovered.entries.contains(&raft::FIRST_INDEX) => LogReach::Beginning,
        _ => LogReach::Later,
    }
}

/// Waits until somebody leads and this member has everything that was committed.
async fn settle(node: &Node, founders: BTreeMap<u64, Member>) -> Result<(), Failure> {
    node.consensus.settle(founders).await.map_err(|error| {
        Failure::new(Exit::FAILED, "cannot take part in consensus", chain(&error))
    })?;
    // Not before: what the log held was counted by the daemon that wrote it.
    node.hub.count_in(Arc::clone(&node.metrics));
    Ok(())
}

/// Refuses to go on from a checkpoint alone: what was acknowledged since stood in the log. No
/// member has a checkpoint before it has kept a vote.
fn refuse_lost_log(
    settings: &Settings,
    recovered: &wal::Recovered,
    saved: &Saved,
) -> Result<(), Failure> {
    let is_empty = *recovered == wal::Recovered::default();
    if !is_empty || !saved.has_begun() {
        return Ok(());
    }
    let data = settings.data_dir.display();
    let why = format!("\"{data}/log\" is empty, though there is a checkpoint of what it held");
    let hint = "put the directory back, or a backup of the whole data directory in its place";
    Err(Failure::new(Exit::FAILED, "cannot open the log", why).hint(hint))
}

fn read_checkpoint(path: &Path, log: LogReach) -> Result<(Saved, Checkpoints), Failure> {
    let what = "cannot use the checkpoints";
    let worker = checkpoint::worker::Worker::this_executable();
    let (checkpoints, image, discarded) = Checkpoints::open(path, worker, log)
        .map_err(|error| Failure::new(Exit::FAILED, what, chain(&error)))?;
    for dropped in discarded {
        match dropped.unfinished {
            true => tracing::info!("{dropped}"),
            false => tracing::warn!("{dropped}"),
        }
    }
    let saved = match image {
        None => Saved::beginning(),
        Some(image) => Saved::from_image(image)
            .map_err(|error| Failure::new(Exit::FAILED, what, chain(&error)))?,
    };
    Ok((saved, checkpoints))
}

/// Completes when it is said, or when nobody is left to say it.
fn until(said: &watch_channel::Receiver<bool>) -> impl Future<Output = ()> + use<> {
    let mut said = said.clone();
    async move {
        let _ = said.wait_for(|said| *said).await;
    }
}
