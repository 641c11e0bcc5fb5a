//! A machine that joined and holds no log: it serves clients by passing their calls on, until it is
//! told to end or is given a seat.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, watch as watch_channel};
use tokio::task::JoinSet;

use crate::adapter::host;
use crate::adapter::http::{
    Counted, Drained, Front, FrontError, Limits, NoCalls, Probe, Routes, Versions, served_methods,
};
use crate::adapter::metrics::Metrics;
use crate::adapter::rpc::inside::Inside;
use crate::adapter::rpc::server::MESSAGE_OVERHEAD_BYTES;
use crate::cli::config::Settings;
use crate::core::kv::request::{Alarm, Consistency};
use crate::error::{Exit, Failure, chain};
use crate::role::daemon::api::{ETCD_VERSION, STORAGE_VERSION};
use crate::role::daemon::company::{Call, Company};
use crate::role::daemon::fleetlock::fleetlock;
use crate::role::daemon::forming;
use crate::role::daemon::listen::Listening;
use crate::role::daemon::machines::Registration;
use crate::role::daemon::reboot::{self, NoUnits, Subject};
use crate::role::daemon::{Signals, Turn, tell_serving, until};

/// After this many renewals without an answer, another member is tried.
const UNANSWERED_MAX: u32 = 2;

/// A worker at work. It goes on beside a member that is starting, until [`Self::end`].
pub(super) struct Worker {
    fronts: JoinSet<Result<Drained, FrontError>>,
    stop: watch_channel::Sender<bool>,
    peers: JoinSet<Result<Drained, FrontError>>,
    stop_peers: watch_channel::Sender<bool>,
    tasks: JoinSet<Failure>,
    registration: Registration,
}

/// What the health pages ask of a worker.
struct WorkerProbe(Inside);

impl Worker {
    pub(super) fn start(company: &Arc<Company>, settings: &Settings, listening: Listening) -> Self {
        company.become_member(None);
        let metrics = Arc::new(Metrics::new(ETCD_VERSION, served_methods()));
        let probe: Arc<dyn Probe> = Arc::new(WorkerProbe(company.inside.clone()));
        let calls = Counted::new(company.relay.clone(), Arc::clone(&metrics));
        let message_bytes_max = settings.request_bytes_max + MESSAGE_OVERHEAD_BYTES;
        let routes = Routes::all(
            calls.clone(),
            message_bytes_max,
            Arc::clone(&probe),
            Arc::clone(&metrics),
        );
        let routes = routes.with_fleetlock(fleetlock(company.inside.clone(), settings));
        let limits = Limits {
            concurrent_streams_max: settings.streams_max,
            ..Limits::default()
        };
        let reached = forming::own(settings, &listening);
        let record = company.own.record(&reached, None);
        let registration = Registration::new(company.inside.clone(), record);
        let (stop, stopped) = watch_channel::channel(false);
        let mut fronts = JoinSet::new();
        let clients = Front::new(calls, routes, limits);
        let monitoring = || Routes::monitoring(Arc::clone(&probe), Arc::clone(&metrics));
        if !listening.metrics.is_empty() {
            let front = Front::new(NoCalls, monitoring(), limits);
            fronts.spawn(front.serve(listening.metrics, until(&stopped)));
        }
        fronts.spawn(clients.serve(listening.client, until(&stopped)));
        let (stop_peers, peers_stopped) = watch_channel::channel(false);
        let mut peers = JoinSet::new();
        if !listening.peer.is_empty() {
            let front = Front::new(NoCalls, monitoring(), limits);
            peers.spawn(front.serve(listening.peer, until(&peers_stopped)));
        }
        let mut tasks = JoinSet::new();
        let following = Arc::clone(company);
        tasks.spawn(async move {
            following.follow_members().await;
            unreachable!("it follows them for ever")
        });
        let doubted = Arc::new(Notify::new());
        let (turning, doubts) = (Arc::clone(company), Arc::clone(&doubted));
        tasks.spawn(async move {
            loop {
                doubts.notified().await;
                turning.turn_to_another().await;
            }
        });
        let (registered, belonging) = (registration.clone(), Arc::clone(company));
        tasks.spawn(async move {
            // Nobody should see one that was taken out come up, if only for a moment.
            belonging.belongs().await;
            let unanswered = |times: u32| {
                if times.is_multiple_of(UNANSWERED_MAX) {
                    doubted.notify_one();
                }
            };
            registered.keep(unanswered).await
        });
        tasks.spawn(manage_reboots(Arc::clone(company), settings.clone()));
        Self {
            fronts,
            stop,
            peers,
            stop_peers,
            tasks,
            registration,
        }
    }

    /// Serves until a signal, a failure, or a seat.
    pub(super) async fn serve(
        &mut self,
        company: &Company,
        signals: &mut Signals,
    ) -> Result<Turn, Failure> {
        let failed = |why: String| Failure::new(Exit::FAILED, "the daemon cannot go on", why);
        let turn = tokio::select! {
            signal = signals.told_to_end() => {
                tracing::info!(signal, "ended");
                Ok(Turn::Ended(Exit::DONE))
            }
            call = company.called(None) => match call {
                Call::Seat(seat) => {
                    let seat = seat.expect("it has none already");
                    company.take(&seat).await.map(Turn::Member)
                }
                Call::Out => Err(company.out()),
            },
            Some(ended) = self.tasks.join_next() => Err(match ended {
                Ok(failure) => failure,
                Err(error) => failed(chain(&error)),
            }),
            Some(ended) = self.fronts.join_next() => Err(match ended {
                Ok(Ok(_)) => failed("it stopped serving without being told to".to_owned()),
                Ok(Err(error)) => failed(chain(&error)),
                Err(error) => failed(chain(&error)),
            }),
        };
        if !matches!(turn, Ok(Turn::Member(_))) {
            // Told so that a restart is not mistaken for a crash; nobody need listen.
            let _ = host::notify_service_manager("STOPPING=1");
            self.registration.leave().await;
        }
        turn
    }

    /// Frees the peer URLs for a member that starts.
    pub(super) async fn end_peers(&mut self) {
        self.stop_peers.send_replace(true);
        while self.peers.join_next().await.is_some() {}
    }

    /// Calls in progress are answered, streams are ended.
    pub(super) async fn end(mut self) {
        self.tasks.abort_all();
        self.stop.send_replace(true);
        self.end_peers().await;
        while self.fronts.join_next().await.is_some() {}
    }
}

/// For as long as it is a worker. Where that cannot be, it says so and the machine serves on.
async fn manage_reboots(company: Arc<Company>, settings: Settings) -> Failure {
    let subject = Subject::new(&company.own, None);
    let inside = company.inside.clone();
    reboot::manage(inside, subject, &settings, Arc::new(NoUnits)).await;
    std::future::pending().await
}

/// Tells people and the service manager.
pub(super) fn tell(company: &Company, settings: &Settings, listening: &Listening) {
    tell_serving(None, company.cluster_id, settings, listening);
    let ready = format!(
        "READY=1\nSTATUS=serving clients on {} as a worker",
        listening.client_urls.join(",")
    );
    if let Err(error) = host::notify_service_manager(&ready) {
        tracing::warn!(%error, "cannot tell the service manager that we are ready");
    }
}

impl Probe for WorkerProbe {
    fn read(&self, consistency: Consistency) -> BoxFuture<'_, Result<(), String>> {
        let read = self.0.probe(consistency);
        read.map(|read| read.map_err(|error| error.to_string()))
            .boxed()
    }

    /// The members tell of theirs.
    fn alarms(&self) -> Vec<Alarm> {
        Vec::new()
    }

    /// Whether there is one shows when something is read.
    fn has_leader(&self) -> bool {
        true
    }

    fn is_learner(&self) -> bool {
        false
    }

    fn versions(&self) -> Versions {
        Versions {
            server: ETCD_VERSION.to_owned(),
            cluster: ETCD_VERSION.to_owned(),
            storage: STORAGE_VERSION.to_owned(),
        }
    }
}
