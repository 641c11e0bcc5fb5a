//! `coracle daemon`: every server role of this machine, composed.
//!
//! Order of starting: settings, data directory, log, checkpoint, consensus, listeners, READY.
//! Order of ending: listeners (calls in progress are answered), consensus, log.

mod api;
mod backup;
mod brake;
mod compare;
mod data;
mod forced;
mod forming;
mod hub;
mod leases;
mod listen;
mod membership;
mod node;
mod probe;
mod reads;
mod upkeep;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch as watch_channel;
use tokio::task::JoinSet;

use crate::adapter::checkpoint::{self, Checkpoints, LogReach};
use crate::adapter::data_directory::Identity;
use crate::adapter::http::{
    Counted, Drained, Front, FrontError, Limits, Listener, NoCalls, Routes, served_methods,
    unbind_unix,
};
use crate::adapter::metrics::Metrics;
use crate::adapter::raft::{self, Consensus, LeaseKeeper, Member, Saved};
use crate::adapter::rpc::peer::{Links, Patience, PeerCalls};
use crate::adapter::rpc::server::{Api, MESSAGE_OVERHEAD_BYTES, Services};
use crate::adapter::wal::{self, Wal};
use crate::adapter::{disk, host, log, process};
use crate::cli::Matches;
use crate::cli::config::{LogLevel, Settings};
use crate::cli::daemon::{self, DaemonFlags};
use crate::core::kv::quota::Quota;
use crate::core::kv::retention::Retainer;
use crate::core::paths::User;
use crate::error::{Exit, Failure, answer, chain};
use crate::role::daemon::api::Served;
use crate::role::daemon::hub::Hub;
use crate::role::daemon::listen::Listening;
use crate::role::daemon::node::{Node, NodeSettings};

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
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::FAILED, "cannot start the daemon's threads", error))?;
    let ended = runtime.block_on(serve(settings));
    // Tasks that wait for clients or timers owe nothing any more.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ended
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

/// Starts every role, serves until a signal or a failure, and ends in order.
async fn serve(settings: Settings) -> Result<Exit, Failure> {
    // Handled, so that a file that may not grow (RLIMIT_FSIZE) is an error to tell of and not the
    // end without a word; nobody need listen, the handler stays.
    let handled = signal(SignalKind::from_raw(SIGXFSZ));
    drop(handled.map_err(|error| Failure::new(Exit::FAILED, "cannot handle signals", error))?);
    let mut laps = Laps::new();
    let identity = async || match settings.force_new_cluster {
        true => Err(forced::refuse_new(&settings)),
        false => forming::identity(&settings).await,
    };
    let (lock, identity) = data::open(&settings.data_dir, identity).await?;
    // Bound before the log is read: a port in use is told at once.
    let mut listening = Listening::bind(&settings).await?;
    let own = forming::own(&settings, &listening);
    laps.end("bind");
    let identity = forced::apply(&settings, identity, &own).await?;
    let node = start(&settings, identity, &own, &mut laps).await?;
    // Before anybody leads: the members need each other's votes for that.
    let (stop_peers, peers_stopped) = watch_channel::channel(false);
    node.consensus
        .receiver()
        .keep_leases_with(Arc::clone(&node) as Arc<dyn LeaseKeeper>);
    let founders = forming::founders(&settings, identity, own.clone());
    forming::refuse_lost(&node, &settings, &founders).await?;
    let peers = std::mem::take(&mut listening.peer);
    let peers = open_peers(&node, peers, &peers_stopped);
    let mut upkeep = JoinSet::new();
    // From here on: a long log of many compactions is read with what they left alone.
    upkeep.spawn(upkeep::drop_compacted(Arc::clone(&node)));
    tokio::select! {
        settled = settle(&node, founders) => settled?,
        removed = membership::removed(&node) => return Err(removed),
    }
    laps.end("settle");
    compare::start(&node, settings.corrupt_check, &mut upkeep)?;
    let mut retainer = Retainer::new(settings.retention);
    let mut checkpoints = upkeep::Checkpoints::new(settings.snapshot_entries);
    upkeep::catch_up(&node, &mut retainer, &mut checkpoints).await;
    laps.end("catch up");
    // Before anybody hears that it serves: from then on a signal is a request to end in order.
    // Until then there is nothing to end, and a signal ends the process at once.
    let signals = Signals::listen()?;
    upkeep.spawn(forming::publish(Arc::clone(&node), own));
    upkeep.spawn(membership::tend(Arc::clone(&node)));
    upkeep.spawn(leases::follow_leadership(Arc::clone(&node)));
    upkeep.spawn(leases::revoke_due(Arc::clone(&node)));
    upkeep.spawn(upkeep::yield_when_stalled(Arc::clone(&node)));
    upkeep.spawn(upkeep::watch_sizes(Arc::clone(&node), retainer));
    upkeep.spawn(upkeep::write_checkpoints(Arc::clone(&node), checkpoints));
    upkeep.spawn(upkeep::scrub_checkpoints(Arc::clone(&node)));
    let (backups, data_dir) = (settings.backup.clone(), settings.data_dir.clone());
    upkeep.spawn(backup::keep(Arc::clone(&node), backups, data_dir));

    let socket = listening.socket().map(PathBuf::from);
    let place = |path: &PathBuf| path.display().to_string();
    tracing::info!(
        member = format!("{:x}", identity.member_id),
        cluster = format!("{:x}", identity.cluster_id),
        clients = listening.client_urls.join(","),
        socket = socket.as_ref().map_or_else(|| "off".to_owned(), place),
        metrics = listening.metrics_urls.first().map(|_| listening.metrics_urls.join(",")),
        data = %settings.data_dir.display(),
        "serving"
    );
    let ended = listen_until_told(&node, &settings, listening, signals).await;
    upkeep.abort_all();
    // Last: until here the other members may have asked this one.
    stop_peers.send_replace(true);
    peers.join_all().await;
    if let Some(socket) = socket {
        // Only tidiness: the next daemon replaces a socket that nobody listens on.
        let _ = unbind_unix(&socket);
    }
    drop(lock);
    ended
}

/// Opens the log and the newest checkpoint, and takes part in consensus from there.
async fn start(
    settings: &Settings,
    identity: Identity,
    own: &Member,
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
            links: Arc::new(Links::new(
                identity.speaker(),
                Patience::of(election_timeout),
            )),
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

/// Serves until a signal asks for the end, or consensus or a front cannot go on.
async fn listen_until_told(
    node: &Arc<Node>,
    settings: &Settings,
    listening: Listening,
    mut signals: Signals,
) -> Result<Exit, Failure> {
    let ready = format!(
        "READY=1\nSTATUS=serving clients on {}",
        listening.client_urls.join(",")
    );
    let (stop, stopped) = watch_channel::channel(false);
    let mut fronts = open_fronts(node, settings, listening, &stopped);
    if let Err(error) = host::notify_service_manager(&ready) {
        tracing::warn!(%error, "cannot tell the service manager that we are ready");
    }
    let stopped = |why| Failure::new(Exit::FAILED, "the daemon cannot go on", why);
    let (signal, failure) = tokio::select! {
        signal = signals.told_to_end() => (Some(signal), None),
        failure = node.consensus.failed() => (None, Some(stopped(chain(&failure)))),
        failure = compare::corrupt(node) => (None, Some(failure)),
        removed = membership::removed(node) => (None, Some(removed)),
        Some(ended) = fronts.join_next() => (None, Some(stopped(match ended {
            Ok(Ok(_)) => "it stopped serving without being told to".to_owned(),
            Ok(Err(error)) => chain(&error),
            Err(error) => chain(&error),
        }))),
    };
    // Told so that a restart is not mistaken for a crash; nobody need listen.
    let _ = host::notify_service_manager("STOPPING=1");
    // First: whoever leads then answers what clients still ask of this member.
    node.consensus.hand_over().await;
    stop.send_replace(true);
    while let Some(drained) = fronts.join_next().await {
        if let Ok(Ok(Drained { cut })) = drained
            && cut > 0
        {
            tracing::info!(connections = cut, "cut connections that did not end");
        }
    }
    let shut_down = node.consensus.shutdown().await;
    match failure.or_else(|| shut_down.err().map(|error| stopped(chain(&error)))) {
        None => {
            tracing::info!(signal, "ended");
            Ok(Exit::DONE)
        }
        Some(failure) => Err(failure),
    }
}

/// Starts serving the other members.
fn open_peers(
    node: &Arc<Node>,
    listeners: Vec<Listener>,
    stopped: &watch_channel::Receiver<bool>,
) -> JoinSet<Result<Drained, FrontError>> {
    let mut fronts = JoinSet::new();
    if !listeners.is_empty() {
        let calls = PeerCalls::new(node.identity.speaker(), node.consensus.receiver());
        let served = Arc::new(Served(Arc::clone(node)));
        let routes = Routes::monitoring(served, Arc::clone(&node.metrics));
        let limits = Limits {
            // The others hold streams that never end by themselves.
            drain_timeout: Duration::ZERO,
            ..Limits::default()
        };
        let front = Front::new(calls, routes, limits).for_peers();
        fronts.spawn(front.serve(listeners, until(stopped)));
    }
    fronts
}

/// Completes when it is said, or when nobody is left to say it.
fn until(said: &watch_channel::Receiver<bool>) -> impl Future<Output = ()> + use<> {
    let mut said = said.clone();
    async move {
        let _ = said.wait_for(|said| *said).await;
    }
}

/// Starts serving clients, and monitoring on the addresses that are for it alone.
fn open_fronts(
    node: &Arc<Node>,
    settings: &Settings,
    listening: Listening,
    stopped: &watch_channel::Receiver<bool>,
) -> JoinSet<Result<Drained, FrontError>> {
    let limits = Limits {
        concurrent_streams_max: settings.streams_max,
        ..Limits::default()
    };
    let served = Arc::new(Served(Arc::clone(node)));
    let metrics = Arc::clone(&node.metrics);
    let services = Counted::new(Services::new(&served), Arc::clone(&metrics));
    let message_bytes_max = served.request_bytes_max() + MESSAGE_OVERHEAD_BYTES;
    let routes = Routes::all(
        services.clone(),
        message_bytes_max,
        served.clone(),
        metrics.clone(),
    );
    let clients = Front::new(services, routes, limits);
    metrics.before_scrape({
        let (served, connections) = (Arc::clone(&served), clients.connections());
        move |metrics| served.set_gauges(metrics, connections.load(Ordering::Relaxed))
    });
    let mut fronts = JoinSet::new();
    if !listening.metrics.is_empty() {
        let routes = Routes::monitoring(served, metrics);
        let front = Front::new(NoCalls, routes, limits);
        fronts.spawn(front.serve(listening.metrics, until(stopped)));
    }
    fronts.spawn(clients.serve(listening.client, until(stopped)));
    fronts
}
