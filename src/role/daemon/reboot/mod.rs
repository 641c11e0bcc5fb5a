//! The reboots of this machine: what is so is gathered, the manager decides, and it is done.
//!
//! What must outlive a reboot stands in the data directory before anything is done; what people
//! see stands in the store.

mod place;
mod release;
mod tell;
mod units;
mod wanted;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::adapter::airlock::Airlock;
use crate::adapter::command::{self, CommandError, Line};
use crate::adapter::rpc::inside::Inside;
use crate::adapter::sessions::Sessions;
use crate::adapter::{alerts, disk, host, power};
use crate::cli::config::{RebootSettings, Settings};
use crate::core::kv::request::Consistency;
use crate::core::lock::fleetlock::Client;
use crate::core::lock::name::HolderId;
use crate::core::lock::reboot::{
    self, Held, Manager, Now, Phase, Place, Record, Rules, Seen, Shown, Step,
};
use crate::core::lock::semaphore::NodeKind;
use crate::role::daemon::machines::Own;
use crate::role::daemon::reboot::place::Taker;
use crate::role::daemon::reboot::wanted::Note;

pub(super) use crate::role::daemon::reboot::release::release;
pub(super) use crate::role::daemon::reboot::units::{NoUnits, Units};

/// The file in the data directory with what must outlive a reboot.
const RECORD: &str = "reboot";
const RECORD_BYTES_MAX: u64 = 1 << 20;

/// What a blocker may take, and a program that says whether the machine is well.
const COMMAND_PATIENCE: Duration = Duration::from_secs(60);
/// What the command that reboots may take; one that takes longer may have begun to.
const REBOOT_PATIENCE: Duration = Duration::from_secs(120);
const PROMETHEUS_PATIENCE: Duration = Duration::from_secs(30);
/// Before a disk that takes no record is asked again.
const DISK_PAUSE: Duration = Duration::from_secs(10);

/// One manager in a process: a worker that is given a seat goes on for a while beside the member
/// that it becomes, and both have the same record. Woken by the end of the other's.
static MANAGING: Mutex<()> = Mutex::const_new(());

/// Which machine it is about.
pub(super) struct Subject {
    id: HolderId,
    node: NodeKind,
    boot: String,
}

impl Subject {
    /// `member`: who founded the cluster as that member, and has not joined it.
    pub(super) fn new(own: &Own, member: Option<u64>) -> Self {
        Self {
            id: own.id.as_str().parse().expect("digits fit"),
            node: match member {
                Some(member) => NodeKind::Member(format!("{member:x}")),
                None => NodeKind::Joined,
            },
            boot: own.boot.clone(),
        }
    }
}

/// The manager with everything that it looks at and acts by.
struct Reboots {
    inside: Inside,
    settings: RebootSettings,
    subject: Subject,
    units: Arc<dyn Units>,
    sessions: Sessions,
    path: PathBuf,
    manager: Manager,
    saved: Option<Record>,
    taker: Taker,
    noted: watch::Receiver<Note>,
    shown: watch::Sender<Option<Shown>>,
}

/// Manages the reboots of this machine, for ever.
pub(super) async fn manage(
    inside: Inside,
    subject: Subject,
    settings: &Settings,
    units: Arc<dyn Units>,
) {
    let path = settings.data_dir.join(RECORD);
    let settings = settings.reboot.clone();
    let _managing = MANAGING.lock().await;
    let saved = match read(&path) {
        Ok(saved) => saved,
        Err(why) => {
            let path = path.display();
            // Whether a place is held is not known: it is for a person to say.
            return tracing::error!(%path, why, "cannot manage reboots: remove the file");
        }
    };
    let (note, noted) = watch::channel(None);
    let (shown, published) = watch::channel(None);
    // They end with this function.
    let mut tasks = JoinSet::new();
    let wanted_key = reboot::wanted_key(&subject.id);
    tasks.spawn(wanted::follow(inside.clone(), wanted_key, note));
    let key = reboot::key(&subject.id);
    tasks.spawn(tell::publish(inside.clone(), key, published));
    let manager = Manager::new(rules(&settings), saved.clone(), &subject.boot, now());
    let airlock = airlock(&settings, &subject.id);
    let (id, node) = (subject.id.clone(), subject.node.clone());
    let mut reboots = Reboots {
        taker: Taker::new(inside.clone(), id, node, airlock),
        inside,
        settings,
        subject,
        units,
        sessions: Sessions::default(),
        path,
        manager,
        saved,
        noted,
        shown,
    };
    loop {
        let (step, seen) = reboots.decide().await;
        match reboots.save() {
            Ok(()) => reboots.act(step, &seen).await,
            Err(error) => {
                let path = reboots.path.display();
                tracing::warn!(%path, %error, "cannot keep how the reboot is");
                sleep(DISK_PAUSE).await;
            }
        }
    }
}

/// What is known of the time before.
fn read(path: &std::path::Path) -> Result<Option<Record>, String> {
    match disk::read(path, RECORD_BYTES_MAX) {
        Ok(bytes) => Record::decode(&bytes)
            .map(Some)
            .map_err(|error| error.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn rules(settings: &RebootSettings) -> Rules {
    Rules {
        strategy: settings.strategy,
        group: settings.group.clone(),
        windows: settings.windows.clone(),
        zone: TimeZone::try_system().unwrap_or(TimeZone::UTC),
        has_blockers: !settings.blockers.is_empty() || settings.prometheus_url.is_some(),
        check_interval: settings.check_interval,
        users_delay: settings.users_delay,
        health_deadline: settings.health_deadline,
    }
}

fn airlock(settings: &RebootSettings, id: &HolderId) -> Option<Airlock> {
    Some(Airlock {
        url: settings.fleetlock_url.clone()?,
        token: settings.fleetlock_token.clone(),
        client: Client {
            id: id.clone(),
            group: settings.group.clone(),
        },
    })
}

fn now() -> Now {
    Now {
        wall: host::now(),
        up: Duration::from_nanos(host::boot_time_ns()),
    }
}

impl Reboots {
    /// Looks, and decides what to do now.
    async fn decide(&mut self) -> (Step, Seen) {
        let note = self.noted.borrow_and_update().clone();
        let is_complete = note.is_some();
        let noted = note.flatten();
        let record = self.manager.record();
        if let Some(noted) = &noted
            && wanted::is_noted(noted, |mark| record.is_done(mark))
        {
            let key = reboot::wanted_key(&self.subject.id);
            wanted::settle(&self.inside, &key, noted).await;
        }
        let wants = wanted::wants(&self.settings.sentinel_files, noted.as_ref());
        let mut seen = Seen {
            wants,
            is_complete,
            place: Held::Unknown,
            users: 0,
        };
        let (phase, place) = (record.phase.clone(), record.place.clone());
        if let Some(place) = place {
            seen.place = match (phase, &place) {
                (Phase::Held, Place::FleetLock) => self.taker.confirm().await,
                (Phase::Queued | Phase::Held, _) => self.taker.look(&place).await,
                (Phase::Failed | Phase::Rebooting { .. }, Place::Group(_)) => {
                    self.taker.look(&place).await
                }
                (Phase::Failed, Place::FleetLock) => Held::Yes,
                _ => Held::Unknown,
            };
        }
        if self.manager.record().phase == Phase::Held && self.settings.users_delay.is_some() {
            seen.users = self.sessions.terminals().len();
        }
        let step = self.manager.next(&seen, now());
        self.tell(&seen);
        (step, seen)
    }

    /// Shows how it is, where there is something to show.
    fn tell(&self, seen: &Seen) {
        let now = self.manager.shown(seen, now());
        let now = Some(now).filter(|shown| shown.state != "idle");
        self.shown.send_if_modified(|before| {
            let is_new = *before != now;
            let state = |shown: &Option<Shown>| shown.as_ref().map(|it| it.state.clone());
            if state(before) != state(&now) {
                let (state, why) = now.as_ref().map_or(("idle", ""), |shown| {
                    (shown.state.as_str(), shown.why.as_str())
                });
                tracing::info!(state, why, "the reboot of this machine");
            }
            before.clone_from(&now);
            is_new
        });
    }

    /// Keeps on the disk what must outlive a reboot.
    fn save(&mut self) -> std::io::Result<()> {
        let record = self.manager.record();
        let is_new = match &self.saved {
            Some(saved) => saved != record,
            None => !record.is_blank(),
        };
        if is_new {
            disk::write_atomically(&self.path, &record.encode())?;
            self.saved = Some(record.clone());
        }
        Ok(())
    }

    async fn act(&mut self, step: Step, seen: &Seen) {
        match step {
            Step::Wait { at_most } => self.rest(at_most).await,
            Step::AskBlockers => {
                let objections = self.objections().await;
                self.manager.blockers_said(objections, now());
            }
            Step::Queue { at_most } => self.queue(at_most, seen).await,
            Step::Warn => self.warn(seen),
            Step::Drain => {
                let limit = self.settings.drain_timeout;
                let drained = timeout(limit, self.units.drain()).await;
                let drained = drained.unwrap_or_else(|_| Err(format!("not within {limit:?}")));
                self.manager.drained(drained, now());
            }
            Step::Reboot => self.reboot(seen).await,
            Step::CheckHealth => {
                let health = self.health().await;
                self.manager.health_said(health, now());
            }
            Step::Explain(why) => {
                let is_done = match &self.manager.record().place {
                    Some(place) => self.taker.explain(place, &why).await,
                    None => true,
                };
                self.manager.explained(is_done, now());
            }
            Step::GiveBack => {
                self.units.resume().await;
                let done = match self.manager.record().place.clone() {
                    Some(place) => self.taker.give_back(&place).await,
                    None => Ok(()),
                };
                self.manager.gave_back(done, now());
            }
        }
    }

    /// Waits for a change, or until a file may have come.
    async fn rest(&mut self, at_most: Option<Duration>) {
        let interval = self.settings.check_interval;
        let pause = at_most.map_or(interval, |most| most.min(interval));
        tokio::select! {
            () = sleep(pause) => {}
            // It is told by a task of ours, which never ends.
            _ = self.noted.changed() => {}
        }
    }

    async fn queue(&mut self, at_most: Option<Duration>, seen: &Seen) {
        let Some(place) = self.manager.record().place.clone() else {
            return;
        };
        let reason = self.reason(seen);
        let interval = self.settings.check_interval;
        let pause = at_most.map_or(interval, |most| most.min(interval));
        let mut noted = self.noted.clone();
        tokio::select! {
            refused = self.taker.queue(&place, &reason) => {
                let Some(why) = refused else {
                    return;
                };
                tracing::info!(why, "no place yet");
            }
            () = sleep(pause) => return,
            _ = noted.changed() => return,
        }
        self.rest(at_most).await;
    }

    /// What people see beside the place.
    fn reason(&self, seen: &Seen) -> String {
        let is_new = |mark: &str| !self.manager.record().is_done(mark);
        let wants = seen.wants.iter().filter(|want| is_new(&want.mark));
        let wants: Vec<&str> = wants.map(|want| want.by.as_str()).collect();
        wants.join(", ")
    }

    /// What each blocker has against it. One that does not answer blocks.
    async fn objections(&self) -> Vec<String> {
        let mut objections = Vec::new();
        for line in &self.settings.blockers {
            if let Err(error) = command::run(Line::Shell(line), COMMAND_PATIENCE).await {
                objections.push(format!("`{line}`: {error}"));
            }
        }
        if let Some(url) = &self.settings.prometheus_url {
            match alerts::fetch(url, &self.settings.alert_filter, PROMETHEUS_PATIENCE).await {
                Ok(firing) if firing.is_empty() => {}
                Ok(firing) => objections.push(format!("alerts fire: {}", firing.join(", "))),
                Err(error) => objections.push(format!("alerts of {url}: {error}")),
            }
        }
        objections
    }

    fn warn(&self, seen: &Seen) {
        let delay = self.settings.users_delay.unwrap_or_default();
        let minutes = delay.as_secs().div_ceil(60);
        let text = format!(
            "coracle: this machine reboots in {minutes} min ({}). Save your work and log out.",
            self.reason(seen)
        );
        let told = self.sessions.tell(&self.sessions.terminals(), &text);
        tracing::info!(terminals = told, "told people that the machine reboots");
    }

    async fn reboot(&mut self, seen: &Seen) {
        tracing::warn!(wanted_by = self.reason(seen), "this machine reboots");
        let failed = match &self.settings.command {
            Some(line) => match command::run(Line::Shell(line), REBOOT_PATIENCE).await {
                Ok(()) | Err(CommandError::Late(_)) => None,
                Err(error) => Some(format!("`{line}`: {error}")),
            },
            None => power::reboot().await.err().map(|error| error.to_string()),
        };
        if let Some(why) = failed {
            tracing::warn!(why, "the reboot failed");
            self.manager.reboot_failed(&why, now());
        }
    }

    /// Whether the machine is well: the cluster answers it, each of the programs succeeds, and what
    /// ran here runs.
    async fn health(&self) -> Result<(), String> {
        let answers = self.inside.probe(Consistency::Linearizable).await;
        answers.map_err(|error| format!("the cluster does not answer: {error}"))?;
        let directory = &self.settings.health_directory;
        let programs = command::programs(directory)
            .map_err(|error| format!("\"{}\": {error}", directory.display()))?;
        for path in programs {
            let ran = command::run(Line::Program(&path), COMMAND_PATIENCE).await;
            ran.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        self.units.are_well().await
    }
}
