//! The cluster as a machine that joined it sees it: who may be asked, and what it is to be.
//!
//! `cluster` in the data directory says which cluster it joined and where members were last, so
//! that a machine finds its cluster again although the members it joined by are long gone. Where
//! none of them serves clients any longer, it asks at the places where members hear each other.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::adapter::disk;
use crate::adapter::raft;
use crate::adapter::rpc::client::Endpoint;
use crate::adapter::rpc::inside::{AskError, Inside};
use crate::adapter::rpc::join::{Application, Desk, JoinError, Welcome};
use crate::adapter::rpc::peer::{Links, Patience, Speaker};
use crate::adapter::rpc::relay::{Relay, Target};
use crate::adapter::tls;
use crate::adapter::trust_folder::TrustFolder;
use crate::cli::config::{Join, Settings};
use crate::core::cluster::node;
use crate::core::cluster::seat::{self, Seat};
use crate::core::cluster::spread;
use crate::core::cluster::token::Token;
use crate::core::cluster::trust::Fingerprint;
use crate::error::{Exit, Failure};
use crate::role::daemon::machines::Own;
use crate::role::daemon::managed::{self, Managed};
use crate::role::daemon::trust;

/// Rises when an older program would misread the file.
const LAYOUT: u32 = 1;
/// It is a few lines.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// For one question to the cluster: longer than an election.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at who the members are: short after a change, because more come when a
/// cluster is made, and then longer and longer, because a thousand machines look.
const REFRESH_MIN: Duration = Duration::from_secs(1);
const REFRESH_MAX: Duration = Duration::from_secs(120);
/// After so many questions without an answer in a row the members may be elsewhere.
const UNANSWERED_MAX: u32 = 5;
/// For a connection to a member at its peer URL.
const LOOK_UP_DIAL: Duration = Duration::from_secs(1);
/// Before a cluster that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a machine tries to join before it says that it cannot: the members may start later.
const JOIN_PATIENCE: Duration = Duration::from_secs(60);
const FILE: &str = "cluster";
const WHAT: &str = "cannot join the cluster";

/// What the machine knows of its cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    coracle_cluster: u32,
    cluster_id: u64,
    members: Vec<KnownMember>,
    /// What --join said: peer URLs of members then.
    #[serde(default)]
    joined_at: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownMember {
    id: u64,
    client_urls: Vec<String>,
    #[serde(default)]
    peer_urls: Vec<String>,
}

/// What this machine is to be, once that is something else than it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// The seat's member, or a worker.
    Seat(Option<Seat>),
    /// Nothing: somebody took it out of the cluster.
    Out,
}

pub(super) struct Company {
    pub(super) own: Own,
    pub(super) cluster_id: u64,
    /// To all members but this machine.
    pub(super) relay: Relay,
    /// What is asked of the cluster goes over the relay.
    pub(super) inside: Inside,
    pub(super) tls: Option<tls::Client>,
    path: PathBuf,
    known: Mutex<Known>,
    /// Somebody's seat has changed, and so have the members, or will soon.
    news: Notify,
    /// The member that this machine is now, if it is one.
    this: Mutex<Option<u64>>,
}

impl Company {
    /// Whether this machine has joined one already.
    pub(super) fn is_known(settings: &Settings) -> bool {
        settings.data_dir.join(FILE).exists()
    }

    /// Joins the cluster that this machine is told of, and keeps what it is given.
    pub(super) async fn join(settings: &Settings, own: &Own, how: &Join) -> Result<(), Failure> {
        let path = settings.data_dir.join(FILE);
        let welcome = welcome(settings, own, how).await?;
        write(&path, &Known::of(welcome, &how.urls)).map_err(|error| unusable(&path, error))
    }

    /// The cluster that this machine joined; none if it has joined none.
    pub(super) fn enter(
        settings: &Settings,
        own: &Own,
        tls: Option<tls::Client>,
    ) -> Result<Option<Self>, Failure> {
        let path = settings.data_dir.join(FILE);
        let Some(known) = read(&path)? else {
            return Ok(None);
        };
        let relay = Relay::new(Vec::new(), tls.clone());
        let company = Self {
            own: own.clone(),
            cluster_id: known.cluster_id,
            inside: Inside::over(relay.clone(), PATIENCE),
            relay,
            tls,
            path,
            known: Mutex::new(known),
            news: Notify::new(),
            this: Mutex::default(),
        };
        company.retarget();
        Ok(Some(company))
    }

    /// Says which member this machine is from now on: it asks the others.
    pub(super) fn become_member(&self, this: Option<u64>) {
        *lock(&self.this) = this;
        self.retarget();
    }

    /// Whether this machine is a member now.
    pub(super) fn is_member(&self) -> bool {
        lock(&self.this).is_some()
    }

    /// Keeps up with who the members are; never ends.
    pub(super) async fn follow_members(&self) {
        let mut refresh = REFRESH_MIN;
        let mut unanswered = 0_u32;
        loop {
            let members = self.inside.members().await;
            unanswered = match &members {
                Ok(_) => 0,
                Err(_) => unanswered + 1,
            };
            match members {
                Ok((id, _)) if id != self.cluster_id => {
                    let (found, wanted) = (format!("{id:x}"), format!("{:x}", self.cluster_id));
                    tracing::warn!(found, wanted, "a member of another cluster answers");
                    self.relay.move_on();
                    sleep(PAUSE).await;
                }
                Ok((_, members)) => {
                    // One that was not started yet serves nobody.
                    let serving = members.into_iter();
                    let serving =
                        serving.filter(|it| !it.is_learner && !it.client_ur_ls.is_empty());
                    let serving = serving.map(|it| KnownMember {
                        id: it.id,
                        client_urls: it.client_ur_ls,
                        peer_urls: it.peer_ur_ls,
                    });
                    refresh = match self.learn(serving.collect()) {
                        true => REFRESH_MIN,
                        false => REFRESH_MAX.min(2 * refresh),
                    };
                    tokio::select! {
                        () = sleep(refresh) => {}
                        () = self.news.notified() => refresh = REFRESH_MIN,
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot learn who the members are");
                    refresh = REFRESH_MIN;
                    if matches!(error, AskError::Refused(_)) {
                        // It answers and does not serve this: it was a member, or is no voter yet.
                        self.relay.move_on();
                    }
                    if unanswered.is_multiple_of(UNANSWERED_MAX) {
                        self.look_up().await;
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Asks where members hear each other where they serve clients now: all of them may have moved
    /// while nobody could be asked, above all one that is alone.
    async fn look_up(&self) {
        let known = lock(&self.known).clone();
        let this = *lock(&self.this);
        let members = known.members.iter().filter(|it| Some(it.id) != this);
        let places = members.map(|it| &it.peer_urls).chain([&known.joined_at]);
        // A machine that is no member yet, or is none any longer, has nothing to say of itself.
        let nobody = Speaker {
            cluster_id: 0,
            member_id: 0,
        };
        let patience = Patience {
            dial: LOOK_UP_DIAL,
            silence: LOOK_UP_DIAL,
        };
        let links = Links::new(nobody, patience).secured_by(self.tls.clone());
        for urls in places.filter(|urls| !urls.is_empty()) {
            match raft::look_up(&links, 0, urls).await {
                Ok(told) if told.cluster_id == self.cluster_id => {
                    let serving = told.members.into_iter();
                    let serving = serving.filter(|(_, it)| !it.client_urls.is_empty());
                    let serving = serving.map(|(id, it)| KnownMember {
                        id,
                        client_urls: it.client_urls,
                        peer_urls: it.peer_urls,
                    });
                    if self.learn(serving.collect()) {
                        tracing::info!(at = urls.join(","), "found where the members are now");
                    }
                    return;
                }
                Ok(_) => tracing::debug!(at = urls.join(","), "another cluster is there"),
                Err(error) => tracing::debug!(%error, "nobody says where the members are"),
            }
        }
    }

    /// Returns what this machine is to be, once that is something else than it is now.
    pub(super) async fn called(&self, now: Option<u64>) -> Call {
        loop {
            let waited = match self.look(now).await {
                Ok((Some(call), _)) => return call,
                Ok((None, revision)) => {
                    let key = node::key(&self.own.id);
                    let changed = tokio::select! {
                        changed = self.inside.changed(seat::PREFIX, revision) => changed,
                        changed = self.inside.changed(&key, revision) => changed,
                    };
                    self.news.notify_one();
                    changed
                }
                Err(error) => Err(error),
            };
            if let Err(error) = waited {
                tracing::debug!(%error, "cannot learn what this machine is to be");
                sleep(PAUSE).await;
            }
        }
    }

    /// What this machine is to be, if that is something else than it is now, and the revision at
    /// which that was so.
    async fn look(&self, now: Option<u64>) -> Result<(Option<Call>, i64), AskError> {
        let (found, revision) = self.inside.look(&seat::key(&self.own.id)).await?;
        let seat = found.and_then(|found| Seat::decode(&found.value).ok());
        let seat = seat.filter(|seat| seat.member_id().is_some() && seat.is_of(self.cluster_id));
        if seat.as_ref().and_then(Seat::member_id) != now {
            return Ok((Some(Call::Seat(seat)), revision));
        }
        // A member has its seat for as long as it is one, and is asked about nothing else.
        let is_known = now.is_some() || self.inside.get(&node::key(&self.own.id)).await?.is_some();
        Ok(((!is_known).then_some(Call::Out), revision))
    }

    /// Whether somebody took this machine out of the cluster, as far as can be learned now.
    pub(super) async fn is_out(&self) -> bool {
        let known = self.inside.get(&node::key(&self.own.id)).await;
        matches!(known, Ok(None))
    }

    /// Returns once the cluster says that this machine is of it.
    pub(super) async fn belongs(&self) {
        while !matches!(self.inside.get(&node::key(&self.own.id)).await, Ok(Some(_))) {
            sleep(PAUSE).await;
        }
    }

    /// That somebody took this machine out of the cluster.
    pub(super) fn out(&self) -> Failure {
        let why = format!("machine {} was taken out of it", self.own.id);
        Failure::new(Exit::CONFLICT, "cannot take part in the cluster", why).hint(format!(
            "to have it back: make a token with `coracle cluster token create`, `rm {}`, and \
             start it with --join and --token",
            self.path.display()
        ))
    }

    /// The member of a new seat, if this machine has not been that member before. It has nothing of
    /// it, and would vote against its own word.
    pub(super) async fn take(&self, seat: &Seat) -> Result<u64, Failure> {
        let member = seat.member_id().expect("only such seats are told");
        let votes = loop {
            match self.inside.members().await {
                Ok((_, members)) => {
                    break members.iter().any(|it| it.id == member && !it.is_learner);
                }
                Err(_) => sleep(PAUSE).await,
            }
        };
        if !votes && !seat.was_taken() {
            return Ok(member);
        }
        let what = "cannot take part in the cluster";
        let why = format!(
            "this machine is member {member:x}, and its data directory holds nothing of it"
        );
        Err(Failure::new(Exit::CONFLICT, what, why).hint(format!(
            "give the directory that it had with --data-dir DIR, or free the place with \
             `coracle cluster remove {member:x}`"
        )))
    }

    /// Turns to another member, if there is one that can serve. Without, it is no fault of the
    /// member that this machine asks, and what waits there may wait.
    pub(super) async fn turn_to_another(&self) {
        let current = self.relay.member();
        let mut others = self.targets();
        others.retain(|target| Some(target.member) != current);
        let other = Inside::over(Relay::new(others, self.tls.clone()), PATIENCE);
        if current.is_some() && other.members().await.is_ok() {
            tracing::warn!("a member does not serve this machine: turning to another");
            self.relay.move_on();
        }
    }

    /// Whether that is new.
    fn learn(&self, members: Vec<KnownMember>) -> bool {
        let known = Known {
            members,
            ..lock(&self.known).clone()
        };
        if known.members.is_empty() || *lock(&self.known) == known {
            return false;
        }
        if let Err(error) = write(&self.path, &known) {
            tracing::warn!(%error, "cannot write down who the members are");
        }
        *lock(&self.known) = known;
        self.retarget();
        true
    }

    fn targets(&self) -> Vec<Target> {
        let known = lock(&self.known).clone();
        let this = *lock(&self.this);
        let others = known.members.into_iter().filter(|it| Some(it.id) != this);
        let mut targets: Vec<Target> = others
            .map(|member| Target {
                member: member.id,
                // A URL that is not understood is one that does not answer.
                endpoints: parsed(&member.client_urls),
            })
            .collect();
        spread::order(self.own.id.as_str(), &mut targets, |target| target.member);
        targets
    }

    fn retarget(&self) {
        self.relay.set_targets(self.targets());
    }
}

impl Known {
    fn of(welcome: Welcome, joined_at: &[String]) -> Self {
        let members = welcome.members.into_iter();
        Self {
            coracle_cluster: LAYOUT,
            cluster_id: welcome.cluster_id,
            members: members
                .map(|(id, client_urls)| KnownMember {
                    id,
                    client_urls,
                    peer_urls: Vec::new(),
                })
                .collect(),
            joined_at: joined_at.to_vec(),
        }
    }
}

/// Asks one member after the other to be let in.
async fn welcome(settings: &Settings, own: &Own, how: &Join) -> Result<Welcome, Failure> {
    let Some(token) = &how.token else {
        return Err(Failure::usage(WHAT, "there is no token").hint(
            "make one with `coracle cluster token create` on a member, and give it with --token",
        ));
    };
    if token.pin.is_some() && how.urls.iter().any(|url| url.starts_with("http://")) {
        let why = "the token is of a cluster with TLS, and would be shown without it";
        return Err(Failure::new(Exit::REFUSED, WHAT, why)
            .hint("give the https:// URLs of members with --join"));
    }
    let newcomer = Newcomer::new(settings, own, token)?;
    let deadline = Instant::now() + JOIN_PATIENCE;
    loop {
        let mut unavailable = "no URL is given".to_owned();
        for endpoint in parsed(&how.urls) {
            match newcomer.ask(&endpoint).await {
                Ok(welcome) => {
                    newcomer.keep(&welcome)?;
                    let cluster = format!("{:x}", welcome.cluster_id);
                    tracing::info!(cluster, by = %endpoint, "joined");
                    return Ok(welcome);
                }
                Err(JoinError::Unavailable(why)) => unavailable = why,
                Err(error) => return Err(refused(&error)),
            }
        }
        if Instant::now() > deadline {
            let hint = "see whether members run with `coracle cluster health`, and whether their \
                        peer URLs are reached from here";
            return Err(Failure::new(Exit::UNAVAILABLE, WHAT, unavailable).hint(hint));
        }
        tracing::info!(why = unavailable, "not let in yet");
        sleep(PAUSE).await;
    }
}

/// A machine that asks to be let in.
struct Newcomer {
    application: Application,
    tls: Option<tls::Client>,
    /// Where the cluster's certificates go, and by what its authority is known; none of a cluster
    /// without one.
    expects: Option<(TrustFolder, Fingerprint)>,
}

impl Newcomer {
    fn new(settings: &Settings, own: &Own, token: &Token) -> Result<Self, Failure> {
        let mut application = Application {
            token_id: token.id.clone(),
            secret: token.secret.clone(),
            machine_id: own.id.to_string(),
            directory: own.directory.clone(),
            name: own.name.clone(),
            certificate_request: Vec::new().into(),
            hosts: Vec::new(),
        };
        let Some(pin) = &token.pin else {
            // A cluster whose certificates are its owner's business.
            let tls = trust::to_given_peers(settings)?;
            return Ok(Self {
                application,
                tls,
                expects: None,
            });
        };
        let pin: Fingerprint = pin.parse().expect("a token has a pin of such digits");
        let managed = Managed::new(settings, &own.id);
        let folder = managed.folder;
        if folder.has_authority_key() && !Company::is_known(settings) {
            let why = format!(
                "\"{}\" holds the authority of a cluster of its own",
                folder.path().display()
            );
            return Err(Failure::new(Exit::CONFLICT, WHAT, why)
                .hint("start it without --join, or give an empty directory with --data-dir DIR"));
        }
        let request = folder.request();
        let request = request.map_err(|error| managed::unusable(&folder, &error))?;
        application.certificate_request = request.into();
        application.hosts = managed.hosts;
        let tls = tls::Client::new(tls::Servers::Pinned(pin), None);
        let tls = tls.map_err(|error| Failure::new(Exit::FAILED, WHAT, tls::chain(&error)))?;
        Ok(Self {
            application,
            tls: Some(tls),
            expects: Some((folder, pin)),
        })
    }

    async fn ask(&self, endpoint: &Endpoint) -> Result<Welcome, JoinError> {
        let mut desk = Desk::of(endpoint, self.tls.clone()).await?;
        desk.join(self.application.clone()).await
    }

    /// Keeps the certificates, before anything says that this machine has joined.
    fn keep(&self, welcome: &Welcome) -> Result<(), Failure> {
        let Some((folder, pin)) = &self.expects else {
            return Ok(());
        };
        let texts = [&welcome.authority_certificate, &welcome.certificate];
        let [authority, certificate] = texts.map(|text| String::from_utf8_lossy(text));
        let kept = folder.keep(&authority, &certificate, *pin);
        kept.map_err(|error| managed::unusable(folder, &error))
    }
}

fn refused(error: &JoinError) -> Failure {
    let failure = |exit| Failure::new(exit, WHAT, error);
    match error {
        JoinError::Token(_) => failure(Exit::REFUSED)
            .hint("make another token with `coracle cluster token create` on a member"),
        JoinError::Conflict(_) => failure(Exit::CONFLICT).hint(
            "see who is there with `coracle cluster members`: give a copied machine an id of its \
             own with --machine-id ID, and free the place of a member that lost its data with \
             `coracle cluster remove NODE`",
        ),
        JoinError::TooManyGuesses(_) => failure(Exit::REFUSED),
        JoinError::Distrust(_) => failure(Exit::REFUSED).hint(
            "give a token of the cluster that answers there, made with `coracle cluster token \
             create` on a member, or the URLs of the cluster that the token is of",
        ),
        JoinError::Malformed(_) | JoinError::Unavailable(_) => failure(Exit::FAILED),
    }
}

fn parsed(urls: &[String]) -> Vec<Endpoint> {
    urls.iter().filter_map(|url| url.parse().ok()).collect()
}

fn read(path: &Path) -> Result<Option<Known>, Failure> {
    let bytes = match disk::read(path, FILE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, error)),
    };
    let known: Known = serde_json::from_slice(&bytes).map_err(|error| unusable(path, error))?;
    match known.coracle_cluster {
        LAYOUT => Ok(Some(known)),
        found => Err(unusable(
            path,
            format!("it has layout {found}, this version of coracle uses layout {LAYOUT}"),
        )),
    }
}

fn write(path: &Path, known: &Known) -> std::io::Result<()> {
    let bytes = serde_json::to_vec(known).expect("texts and numbers encode");
    disk::write_atomically(path, &bytes)
}

fn unusable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::new(
        Exit::FAILED,
        format!("cannot use \"{}\"", path.display()),
        why,
    )
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
