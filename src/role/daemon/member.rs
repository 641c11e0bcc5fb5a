//! The daemon as a member: from its log to serving clients, and to its end.
//!
//! Order of starting: log, checkpoint, consensus, peers, upkeep, clients. Order of ending: clients
//! (calls in progress are answered), consensus, log, peers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch as watch_channel;
use tokio::task::JoinSet;

use crate::adapter::data_directory::Identity;
use crate::adapter::host;
use crate::adapter::http::{Counted, Drained, Front, FrontError, Limits, NoCalls, Routes};
use crate::adapter::raft::{LeaseKeeper, Member};
use crate::adapter::rpc::inside::Inside;
use crate::adapter::rpc::join::MemberCalls;
use crate::adapter::rpc::peer::PeerCalls;
use crate::adapter::rpc::server::{Api, MESSAGE_OVERHEAD_BYTES, Services};
use crate::cli::config::Settings;
use crate::core::kv::retention::Retainer;
use crate::error::{Exit, Failure, chain};
use crate::role::daemon::api::Served;
use crate::role::daemon::door::Door;
use crate::role::daemon::fleetlock::{PATIENCE, fleetlock};
use crate::role::daemon::listen::Listening;
use crate::role::daemon::machines::{Own, Registration};
use crate::role::daemon::managed::{self, Managed};
use crate::role::daemon::node::Node;
use crate::role::daemon::reboot::NoUnits;
use crate::role::daemon::trust::{Gate, Trust};
use crate::role::daemon::{
    Laps, Signals, Turn, backup, compare, forced, forming, leases, membership, reboot, seats,
    settle, start, tell_serving, until, upkeep,
};

type Fronts = JoinSet<Result<Drained, FrontError>>;

/// A member that takes part, and may not have anything to say yet.
pub(super) struct Starting {
    node: Arc<Node>,
    own: Member,
    listening: Listening,
    managed: Option<Managed>,
    /// What the daemon's own tasks ask is answered as if a client had.
    inside: Inside,
    peers: Fronts,
    stop_peers: watch_channel::Sender<bool>,
    upkeep: JoinSet<()>,
    laps: Laps,
}

/// A member that has everything that was committed when it came.
pub(super) struct Running {
    member: Starting,
    registration: Option<Registration>,
    /// Ends only with a reason for the daemon to end.
    registering: JoinSet<Failure>,
}

impl Starting {
    /// Opens what the disk holds. `name` is that of the machine, for one that joined.
    pub(super) async fn new(
        settings: &Settings,
        trust: &Trust,
        identity: Identity,
        listening: Listening,
        name: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut own = forming::own(settings, &listening);
        if let Some(name) = name {
            own.name = name.to_owned();
        }
        let identity = forced::apply(settings, identity, &own, trust.to_peers.as_ref()).await?;
        let mut laps = Laps::new();
        let node = start(settings, identity, &own, trust.to_peers.clone(), &mut laps).await?;
        node.consensus
            .receiver()
            .keep_leases_with(Arc::clone(&node) as Arc<dyn LeaseKeeper>);
        let services = Services::new(&Arc::new(Served(Arc::clone(&node))));
        // One more than a request may take, so that its own error is told.
        let patience = node.consensus.timeout() + Duration::from_secs(1);
        Ok(Self {
            inside: Inside::over(services, patience),
            node,
            own,
            listening,
            managed: trust.managed.clone(),
            peers: JoinSet::new(),
            stop_peers: watch_channel::channel(false).0,
            upkeep: JoinSet::new(),
            laps,
        })
    }

    pub(super) fn node(&self) -> Arc<Node> {
        Arc::clone(&self.node)
    }

    /// Starts serving the other members and those who want to join. Before anybody leads: the
    /// members need each other's votes for that. Until it knows the members, it takes `founders`
    /// for them.
    pub(super) fn open_peers(&mut self, founders: BTreeMap<u64, Member>) {
        let listeners = std::mem::take(&mut self.listening.peer);
        if !listeners.is_empty() {
            let (speaker, receiver) =
                (self.node.identity.speaker(), self.node.consensus.receiver());
            let cluster_id = self.node.identity.cluster_id;
            let managed = self.managed.clone();
            let door = Arc::new(Door::new(self.inside.clone(), cluster_id, managed));
            let gate = Arc::new(Gate {
                node: Arc::clone(&self.node),
                founders,
            });
            let calls = MemberCalls::new(PeerCalls::new(speaker, receiver, gate), door);
            let served = Arc::new(Served(Arc::clone(&self.node)));
            let routes = Routes::monitoring(served, Arc::clone(&self.node.metrics));
            let limits = Limits {
                // The others hold streams that never end by themselves.
                drain_timeout: Duration::ZERO,
                ..Limits::default()
            };
            let front = Front::new(calls, routes, limits).for_peers();
            let stopped = self.stop_peers.subscribe();
            self.peers.spawn(front.serve(listeners, until(&stopped)));
        }
        // From here on: a long log of many compactions is read with what they left alone.
        self.upkeep
            .spawn(upkeep::drop_compacted(Arc::clone(&self.node)));
    }

    /// Waits until somebody leads and this member has everything that was committed.
    pub(super) async fn settle(&mut self, founders: BTreeMap<u64, Member>) -> Result<(), Failure> {
        settle(&self.node, founders).await?;
        self.laps.end("settle");
        Ok(())
    }

    /// Begins what a member does without being asked. It has everything that was committed.
    pub(super) async fn serve(
        mut self,
        settings: &Settings,
        machine: Option<Own>,
        subject: reboot::Subject,
    ) -> Result<Running, Failure> {
        let node = &self.node;
        compare::start(node, settings.corrupt_check, &mut self.upkeep)?;
        let mut retainer = Retainer::new(settings.retention);
        let mut checkpoints =
            upkeep::Checkpoints::new(settings.snapshot_entries, settings.snapshot_log_bytes);
        upkeep::catch_up(node, &mut retainer, &mut checkpoints).await;
        self.laps.end("catch up");
        let tasks = &mut self.upkeep;
        tasks.spawn(forming::publish(Arc::clone(node), self.own.clone()));
        tasks.spawn(membership::tend(Arc::clone(node)));
        tasks.spawn(leases::follow_leadership(Arc::clone(node)));
        tasks.spawn(leases::revoke_due(Arc::clone(node)));
        tasks.spawn(upkeep::yield_when_stalled(Arc::clone(node)));
        tasks.spawn(upkeep::watch_sizes(Arc::clone(node), retainer));
        tasks.spawn(upkeep::write_checkpoints(Arc::clone(node), checkpoints));
        tasks.spawn(upkeep::scrub_checkpoints(Arc::clone(node)));
        let (backups, data_dir) = (settings.backup.clone(), settings.data_dir.clone());
        tasks.spawn(backup::keep(Arc::clone(node), backups, data_dir));
        if let Some(managed) = self.managed.clone() {
            let own = node.identity;
            // Before clients are served, so that the first token pins it; a cluster that does not
            // answer yet is told later.
            if managed::publish_now(&self.inside, &managed, own)
                .await
                .is_err()
            {
                tasks.spawn(managed::publish(self.inside.clone(), managed, own));
            }
        }
        let (inside, voters) = (self.inside.clone(), settings.joining.voters);
        tasks.spawn(seats::give(Arc::clone(node), inside, voters));
        let (inside, gone) = (self.inside.clone(), settings.reboot.release_absent_after);
        tasks.spawn(reboot::release(Arc::clone(node), inside, gone));
        let (inside, settings) = (self.inside.clone(), settings.clone());
        tasks.spawn(async move {
            reboot::manage(inside, subject, &settings, Arc::new(NoUnits)).await;
        });
        let member_id = self.node.identity.member_id;
        let registration = machine.map(|machine| {
            let record = machine.record(&self.own, Some(member_id));
            Registration::new(self.inside.clone(), record)
        });
        let mut registering = JoinSet::new();
        if let Some(registration) = registration.clone() {
            registering.spawn(async move { registration.keep(|_| {}).await });
        }
        Ok(Running {
            member: self,
            registration,
            registering,
        })
    }

    /// Ends without having served anybody.
    pub(super) async fn abandon(mut self) -> Result<(), Failure> {
        self.upkeep.abort_all();
        let shut_down = self.node.consensus.shutdown().await;
        self.end_peers().await;
        shut_down
            .map_err(|error| Failure::new(Exit::FAILED, "the daemon cannot go on", chain(&error)))
    }

    async fn end_peers(self) {
        self.stop_peers.send_replace(true);
        self.peers.join_all().await;
    }
}

impl Running {
    /// Serves until a signal asks for the end, until it is `removed`, or until consensus or a front
    /// cannot go on.
    pub(super) async fn until_told(
        self,
        settings: &Settings,
        signals: &mut Signals,
        removed: impl Future<Output = Result<Turn, Failure>>,
    ) -> Result<Turn, Failure> {
        let Self {
            mut member,
            registration,
            mut registering,
        } = self;
        let node = Arc::clone(&member.node);
        let (id, cluster) = (node.identity.member_id, node.identity.cluster_id);
        tell_serving(Some(id), cluster, settings, &member.listening);
        let ready = format!(
            "READY=1\nSTATUS=serving clients on {}",
            member.listening.client_urls.join(",")
        );
        let (stop, stopped) = watch_channel::channel(false);
        let mut fronts = open_fronts(&node, settings, &mut member.listening, &stopped);
        if let Err(error) = host::notify_service_manager(&ready) {
            tracing::warn!(%error, "cannot tell the service manager that we are ready");
        }
        let failed = |why| Failure::new(Exit::FAILED, "the daemon cannot go on", why);
        let turn = tokio::select! {
            signal = signals.told_to_end() => {
                tracing::info!(signal, "ending");
                Ok(Turn::Ended(Exit::DONE))
            }
            turn = removed => turn,
            failure = node.consensus.failed() => Err(failed(chain(&failure))),
            failure = compare::corrupt(&node) => Err(failure),
            Some(ended) = registering.join_next() => Err(match ended {
                Ok(failure) => failure,
                Err(error) => failed(chain(&error)),
            }),
            Some(ended) = fronts.join_next() => Err(failed(match ended {
                Ok(Ok(_)) => "it stopped serving without being told to".to_owned(),
                Ok(Err(error)) => chain(&error),
                Err(error) => chain(&error),
            })),
        };
        if !matches!(turn, Ok(Turn::Worker)) {
            // Told so that a restart is not mistaken for a crash; nobody need listen.
            let _ = host::notify_service_manager("STOPPING=1");
            if let Some(registration) = &registration {
                registration.leave().await;
            }
        }
        // First: whoever leads then answers what clients still ask of this member.
        node.consensus.hand_over().await;
        stop.send_replace(true);
        drain(fronts).await;
        let shut_down = node.consensus.shutdown().await;
        member.upkeep.abort_all();
        // Last: until here the other members may have asked this one.
        member.end_peers().await;
        let turn = turn?;
        shut_down.map_err(|error| failed(chain(&error)))?;
        if matches!(turn, Turn::Ended(_)) {
            tracing::info!("ended");
        }
        Ok(turn)
    }
}

async fn drain(mut fronts: Fronts) {
    while let Some(drained) = fronts.join_next().await {
        if let Ok(Ok(Drained { cut })) = drained
            && cut > 0
        {
            tracing::info!(connections = cut, "cut connections that did not end");
        }
    }
}

/// Starts serving clients, and monitoring on the addresses that are for it alone.
fn open_fronts(
    node: &Arc<Node>,
    settings: &Settings,
    listening: &mut Listening,
    stopped: &watch_channel::Receiver<bool>,
) -> Fronts {
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
    let inside = Inside::over(services.clone(), PATIENCE);
    let routes = routes.with_fleetlock(fleetlock(inside, settings));
    let clients = Front::new(services, routes, limits);
    metrics.before_scrape({
        let (served, connections) = (Arc::clone(&served), clients.connections());
        move |metrics| served.set_gauges(metrics, connections.load(Ordering::Relaxed))
    });
    let mut fronts = JoinSet::new();
    let monitoring = std::mem::take(&mut listening.metrics);
    if !monitoring.is_empty() {
        let routes = Routes::monitoring(served, metrics);
        let front = Front::new(NoCalls, routes, limits);
        fronts.spawn(front.serve(monitoring, until(stopped)));
    }
    let listeners = std::mem::take(&mut listening.client);
    fronts.spawn(clients.serve(listeners, until(stopped)));
    fronts
}
