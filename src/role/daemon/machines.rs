//! This machine: who it is, and that the cluster knows that it is up.
//!
//! The record of a machine is bound to a lease that its daemon keeps alive, so that it vanishes
//! with the machine. Under one id there is one record: whoever finds that of another machine waits
//! for as long as an earlier life of its own could have left it, and is then refused.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use crate::adapter::local::{MACHINE, MACHINE_BYTES_MAX};
use crate::adapter::raft::Member;
use crate::adapter::rpc::inside::{AskError, Change, Guard, Inside};
use crate::adapter::{disk, host};
use crate::cli::config::Settings;
use crate::core::cluster::machine::{
    self, Claim, Machine, MachineId, MachineIdError, Metadata, Role,
};
use crate::error::{Exit, Failure};

/// Rises when an older program would misread the file.
const LAYOUT: u32 = 1;
/// For the answer to one renewal, and before it is asked for again.
const RENEWAL: Duration = Duration::from_millis(1_500);
/// Between two looks at how many machines there are.
const REVIEW: Duration = Duration::from_secs(60);
/// Before a cluster that does not answer, or a record that may lapse, is looked at again.
const PAUSE: Duration = Duration::from_millis(500);
/// What an end in order may take for the word that this machine goes.
const FAREWELL: Duration = Duration::from_millis(300);

/// Who this machine is; the same in every role.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) id: MachineId,
    pub(super) name: String,
    pub(super) metadata: Metadata,
    /// What the data directory drew when it was made.
    pub(super) directory: String,
    pub(super) boot: String,
}

#[derive(Serialize, Deserialize)]
struct MachineFile {
    coracle_machine: u32,
    directory: String,
    /// Only where the system gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Own {
    /// Finds out who this machine is; what has to be drawn is kept in the data directory.
    pub(super) fn read(settings: &Settings) -> Result<Self, Failure> {
        let path = settings.data_dir.join(MACHINE);
        let unusable = |why: String| {
            let what = format!("cannot use \"{}\"", path.display());
            Failure::new(Exit::FAILED, what, why)
        };
        let told = match &settings.joining.machine_id {
            Some(id) => Some(id.clone()),
            // A system that was never booted has a file that holds no id (machine-id(5)).
            None => host::machine_id().and_then(|text| text.parse().ok()),
        };
        let file = file(&path, told.is_none()).map_err(unusable)?;
        let id = match (told, file.id) {
            (Some(id), _) => id,
            (None, Some(id)) => id
                .parse()
                .map_err(|error: MachineIdError| unusable(error.to_string()))?,
            (None, None) => unreachable!("one was drawn"),
        };
        let boot = host::boot_id(&settings.boot_id_file);
        Ok(Self {
            id,
            name: settings.machine_name(host::name),
            metadata: settings.joining.metadata.clone(),
            directory: file.directory,
            boot: boot.map_err(|error| unusable(error.to_string()))?,
        })
    }

    /// What this machine says of itself.
    pub(super) fn record(&self, reached: &Member, member: Option<u64>) -> Machine {
        Machine {
            id: self.id.clone(),
            name: self.name.clone(),
            metadata: self.metadata.clone(),
            peer_urls: reached.peer_urls.clone(),
            client_urls: reached.client_urls.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            role: match member {
                Some(_) => Role::Member,
                None => Role::Worker,
            },
            member: member.map(|id| format!("{id:x}")),
            directory: self.directory.clone(),
            boot: self.boot.clone(),
            since_ms: host::now_ms(),
        }
    }
}

fn file(path: &Path, draws_id: bool) -> Result<MachineFile, String> {
    let known = match disk::read(path, MACHINE_BYTES_MAX) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string())?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.to_string()),
    };
    let is_new = known.is_none();
    let mut file = known.unwrap_or_else(|| MachineFile {
        coracle_machine: LAYOUT,
        directory: format!("{:016x}", host::random_u64()),
        id: None,
    });
    if file.coracle_machine != LAYOUT {
        let layout = file.coracle_machine;
        return Err(format!("it has layout {layout}, this version has {LAYOUT}"));
    }
    let draws = draws_id && file.id.is_none();
    if draws {
        let random = || u128::from(host::random_u64());
        let id = MachineId::of_random((random() << 64) | random());
        file.id = Some(id.to_string());
    }
    if is_new || draws {
        let bytes = serde_json::to_vec(&file).expect("texts and numbers encode");
        disk::write_atomically(path, &bytes).map_err(|error| error.to_string())?;
    }
    Ok(file)
}

/// The record of this machine in the store, for as long as the daemon has one role.
#[derive(Clone)]
pub(super) struct Registration {
    inside: Inside,
    machine: Arc<Machine>,
    /// 0: none.
    lease: Arc<AtomicI64>,
}

/// What the record is bound to: it goes with its lease.
struct Term {
    lease: i64,
    seconds: i64,
}

impl Term {
    fn length(&self) -> Duration {
        Duration::from_secs(self.seconds.unsigned_abs())
    }
}

/// Why a lease is not kept any longer.
enum Held {
    Lapsed,
    /// There are many more machines now, or many fewer.
    OutOfProportion,
}

/// How long the record of another machine under this id may take to lapse: its lease, and a leader
/// that gives it its full term again.
fn lapse(ttl_seconds: i64) -> Duration {
    Duration::from_secs(2 * ttl_seconds.unsigned_abs() + 1)
}

/// Why this machine is not registered.
enum Unregistered {
    Held(Box<Machine>),
    Ask(AskError),
}

impl From<AskError> for Unregistered {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}

impl Registration {
    pub(super) fn new(inside: Inside, machine: Machine) -> Self {
        Self {
            inside,
            machine: Arc::new(machine),
            lease: Arc::default(),
        }
    }

    /// Keeps the machine registered; returns when another one has its id. Each time the cluster
    /// does not answer in time, `unanswered` is called with how often that was in a row.
    pub(super) async fn keep(self, unanswered: impl Fn(u32)) -> Failure {
        let mut former = None;
        loop {
            match self.claim().await {
                Ok(term) => {
                    self.lease.store(term.lease, Ordering::Relaxed);
                    tracing::info!(machine = %self.machine.id, ttl_s = term.seconds, "registered");
                    if let Some(former) = former.take() {
                        // Nothing is bound to it any more; without this it lapses by itself.
                        let _ = self.inside.revoke(former).await;
                    }
                    match self.hold(&term, &unanswered).await {
                        Held::Lapsed => {
                            tracing::warn!("this machine counted as down: registering it again");
                        }
                        Held::OutOfProportion => former = Some(term.lease),
                    }
                }
                Err(Unregistered::Held(other)) => return self.duplicate(&other),
                Err(Unregistered::Ask(error)) => {
                    tracing::info!(%error, "this machine is not registered yet");
                    unanswered(1);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Says that the machine goes, so that nobody has to wait for its lease.
    pub(super) async fn leave(&self) {
        let lease = self.lease.swap(0, Ordering::Relaxed);
        if lease != 0 {
            // Without it, the lease lapses by itself.
            let _ = timeout(FAREWELL, self.inside.revoke(lease)).await;
        }
    }

    /// What the record is bound to now.
    async fn claim(&self) -> Result<Term, Unregistered> {
        let key = machine::key(&self.machine.id);
        let seconds = self.ttl_seconds().await?;
        let mut held_since = None;
        loop {
            let found = self.inside.get(&key).await?;
            let value = found.as_ref().map(|found| found.value.as_slice());
            match self.machine.claim(value) {
                Claim::Free => {
                    let guard = Guard {
                        key: key.clone(),
                        mod_revision: found.map_or(0, |found| found.mod_revision),
                    };
                    if let Some(lease) = self.register(&key, guard, seconds).await? {
                        return Ok(Term { lease, seconds });
                    }
                }
                Claim::Held(other) => {
                    let since = *held_since.get_or_insert_with(|| {
                        let name = &other.name;
                        tracing::info!(machine = %other.id, name, "waiting for a record to lapse");
                        Instant::now()
                    });
                    if since.elapsed() > lapse(seconds) {
                        return Err(Unregistered::Held(other));
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Writes the record, unless somebody else was quicker.
    async fn register(
        &self,
        key: &str,
        guard: Guard,
        seconds: i64,
    ) -> Result<Option<i64>, AskError> {
        let lease = self.inside.grant(seconds).await?;
        let put = Change::Put {
            key: key.to_owned(),
            value: self.machine.encode(),
            lease,
        };
        match self.inside.change(&[guard], vec![put]).await? {
            true => Ok(Some(lease)),
            false => {
                self.inside.revoke(lease).await?;
                Ok(None)
            }
        }
    }

    /// How long each of the machines that there are now counts as up without a word.
    async fn ttl_seconds(&self) -> Result<i64, AskError> {
        let machines = self.inside.count(machine::PREFIX).await?;
        Ok(machine::ttl_seconds(machines))
    }

    /// Keeps the lease alive for as long as it is what there should be.
    async fn hold(&self, term: &Term, unanswered: &impl Fn(u32)) -> Held {
        let pause = term.length() / machine::RENEWALS_PER_TTL;
        let mut renewals = self.inside.renewals();
        let mut reviewed = Instant::now();
        let mut failures = 0;
        loop {
            let pause = match failures {
                0 => pause,
                _ => pause.min(RENEWAL),
            };
            sleep(pause).await;
            match timeout(RENEWAL, renewals.renew(term.lease)).await {
                Ok(Ok(())) => failures = 0,
                Ok(Err(AskError::NoLease)) => return Held::Lapsed,
                Ok(Err(_)) | Err(_) => {
                    failures += 1;
                    unanswered(failures);
                }
            }
            if failures == 0 && reviewed.elapsed() > REVIEW {
                reviewed = Instant::now();
                let wanted = self.ttl_seconds().await;
                if wanted.is_ok_and(|wanted| machine::is_far_from(term.seconds, wanted)) {
                    return Held::OutOfProportion;
                }
            }
        }
    }

    fn duplicate(&self, other: &Machine) -> Failure {
        let what = format!("cannot register machine {}", self.machine.id);
        let why = format!(
            "machine {:?} is up under the same id, with another data directory or another boot",
            other.name
        );
        Failure::new(Exit::CONFLICT, what, why).hint(
            "give each copy of a machine an id of its own: \
             `rm /etc/machine-id && systemd-machine-id-setup`, or --machine-id ID",
        )
    }
}
