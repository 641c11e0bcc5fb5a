//! What the cluster's own authority gives this node: a certificate that says who and where it is.
//!
//! - A member has the authority's key, which another member hands it, and certifies itself. A
//!   worker has none: a member certifies it, when it joins and whenever its certificate is due.
//! - What is written here is read again by the listeners before their next handshake.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::sleep;

use crate::adapter::authority::Grant;
use crate::adapter::data_directory::Identity;
use crate::adapter::host;
use crate::adapter::log::Rarely;
use crate::adapter::rpc::client::Endpoint;
use crate::adapter::rpc::inside::{AskError, Change, Guard, Inside};
use crate::adapter::rpc::join::{Desk, JoinError};
use crate::adapter::tls;
use crate::adapter::trust_folder::{FolderError, TrustFolder, now_s};
use crate::cli::config::Settings;
use crate::core::cluster::machine::MachineId;
use crate::core::cluster::node::{self, AUTHORITY_KEY};
use crate::core::cluster::seat::{self, Progress, Seat};
use crate::core::cluster::trust::{Bearer, is_host_name};
use crate::error::{Exit, Failure, chain};
use crate::role::daemon::company::Company;
use crate::role::daemon::machines::Own;
use crate::role::daemon::trust::host;

/// Between two looks at the certificate, which is one small file.
const PAUSE: Duration = Duration::from_secs(1);

/// This node's side of the cluster's trust.
#[derive(Clone)]
pub(super) struct Managed {
    pub(super) folder: TrustFolder,
    pub(super) bearer: Bearer,
    /// Where this machine is reached.
    pub(super) hosts: Vec<String>,
    pub(super) validity: Duration,
}

impl Managed {
    /// Finds what the cluster gave, and makes what can be made of it; none of a cluster without an
    /// authority.
    pub(super) fn prepare(settings: &Settings) -> Result<Option<Self>, Failure> {
        let folder = TrustFolder::of(&settings.data_dir);
        if !folder.is_there() {
            return Ok(None);
        }
        let managed = Self::new(settings, &Own::read(settings)?.id);
        let certified = managed.certify_itself();
        certified.map_err(|error| unusable(&managed.folder, &error))?;
        Ok(Some(managed))
    }

    pub(super) fn new(settings: &Settings, machine: &MachineId) -> Self {
        Self {
            folder: TrustFolder::of(&settings.data_dir),
            bearer: Bearer::node(machine.as_str()).expect("digits are a name"),
            hosts: hosts(settings),
            validity: settings.certificate_validity,
        }
    }

    /// Whether this node has a certificate of the cluster that nobody believes any more.
    pub(super) fn has_expired(settings: &Settings) -> Result<bool, Failure> {
        let folder = TrustFolder::of(&settings.data_dir);
        if !folder.is_there() || folder.has_authority_key() {
            return Ok(false);
        }
        let node = folder.node().map_err(|error| unusable(&folder, &error))?;
        Ok(node.is_none_or(|node| node.until_s < now_s()))
    }

    /// Whether a new certificate is to be had.
    pub(super) fn is_due(&self) -> Result<bool, FolderError> {
        let node = self.folder.node()?;
        Ok(
            !node
                .is_some_and(|node| node.says(&self.bearer, &self.hosts) && now_s() < node.due_s()),
        )
    }

    /// Makes this node's certificate if one is due and the authority's key is here.
    pub(super) fn certify_itself(&self) -> Result<(), FolderError> {
        if !self.is_due()? {
            return Ok(());
        }
        let Some(authority) = self.folder.authority()? else {
            return Ok(());
        };
        let grant = self.grant(self.bearer.clone(), self.hosts.clone());
        self.folder.certify(&authority, &grant)?;
        tracing::info!(hosts = self.hosts.join(","), "certified this node");
        Ok(())
    }

    /// A worker has no authority's key: its members do.
    pub(super) fn forget_authority_key(&self) -> Result<(), Failure> {
        let forgotten = self.folder.forget_authority_key();
        forgotten.map_err(|error| unusable(&self.folder, &error))
    }

    /// What the authority is to sign.
    pub(super) fn grant(&self, bearer: Bearer, hosts: Vec<String>) -> Grant {
        Grant {
            bearer,
            hosts,
            now: SystemTime::now(),
            validity: self.validity,
        }
    }
}

/// Keeps this node's certificate current, and fetches the authority's key for a member that has
/// none; never ends. What it writes is read again by those who use it.
pub(super) async fn keep(managed: Managed, company: Option<Arc<Company>>) {
    let complaint = Rarely::default();
    loop {
        let looked_after = look_after(&managed, company.as_deref()).await;
        if let Err(why) = looked_after
            && let Some(untold) = complaint.due()
        {
            tracing::warn!(why, untold, "cannot keep this node's certificates up");
        }
        sleep(PAUSE).await;
    }
}

async fn look_after(managed: &Managed, company: Option<&Company>) -> Result<(), String> {
    let told = |error: FolderError| chain(&error);
    managed.certify_itself().map_err(told)?;
    let Some(company) = company else {
        return Ok(());
    };
    if company.is_member() && !managed.folder.has_authority_key() {
        let key = ask_members(company, &Question::AuthorityKey).await?;
        let key = String::from_utf8_lossy(&key);
        managed.folder.keep_authority_key(&key).map_err(told)?;
        tracing::info!("this member can sign certificates");
    }
    if managed.is_due().map_err(told)? {
        let renew = Question::Renew {
            request: managed.folder.request().map_err(told)?.into(),
            hosts: managed.hosts.clone(),
        };
        let renewed = ask_members(company, &renew).await?;
        let authority = managed.folder.authority_pem().map_err(told)?;
        let expected = managed.folder.fingerprint().map_err(told)?;
        let renewed = String::from_utf8_lossy(&renewed);
        let kept = managed.folder.keep(&authority, &renewed, expected);
        kept.map_err(told)?;
        tracing::info!("this node's certificate was renewed");
    }
    Ok(())
}

/// What a node asks of a member.
enum Question {
    AuthorityKey,
    Renew { request: Bytes, hosts: Vec<String> },
}

impl Question {
    async fn ask(&self, endpoint: &Endpoint, tls: Option<tls::Client>) -> Result<Bytes, JoinError> {
        let mut desk = Desk::of(endpoint, tls).await?;
        match self {
            Self::AuthorityKey => desk.authority_key().await,
            Self::Renew { request, hosts } => desk.renew(request.clone(), hosts.clone()).await,
        }
    }
}

/// The first answer that a member gives.
async fn ask_members(company: &Company, question: &Question) -> Result<Bytes, String> {
    let members = company.inside.members().await;
    let (_, members) = members.map_err(|error| error.to_string())?;
    let urls: Vec<String> = members.into_iter().flat_map(|it| it.peer_ur_ls).collect();
    let mut why = "no member has an https:// peer URL".to_owned();
    for url in urls.iter().filter(|url| url.starts_with("https://")) {
        let Ok(endpoint) = url.parse::<Endpoint>() else {
            continue;
        };
        match question.ask(&endpoint, company.tls.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

/// Tells the cluster what its authority is, so that tokens pin it, and which member the machine is
/// that founded it; does so until it is done.
pub(super) async fn publish(inside: Inside, managed: Managed, own: Identity) {
    while let Err(why) = publish_now(&inside, &managed, own).await {
        tracing::info!(why, "the cluster has not been told of its authority yet");
        sleep(PAUSE).await;
    }
}

/// As [`publish`], once.
pub(super) async fn publish_now(
    inside: &Inside,
    managed: &Managed,
    own: Identity,
) -> Result<(), String> {
    let told = |error: AskError| error.to_string();
    let put = async |key: String, value: Vec<u8>, mod_revision| {
        let guard = Guard {
            key: key.clone(),
            mod_revision,
        };
        let change = Change::Put {
            key,
            value,
            lease: 0,
        };
        let changed = inside.change(&[guard], vec![change]).await;
        changed.map_err(told)
    };
    let authority = managed.folder.authority_der();
    let authority = authority.map_err(|error| chain(&error))?;
    let found = inside.get(AUTHORITY_KEY).await.map_err(told)?;
    if found.as_ref().map(|found| &found.value) != Some(&authority) {
        let mod_revision = found.map_or(0, |found| found.mod_revision);
        put(AUTHORITY_KEY.to_owned(), authority, mod_revision).await?;
    }
    let id: MachineId = managed.bearer.name().parse().expect("it was made of one");
    let joined = inside.get(&node::key(&id)).await.map_err(told)?;
    let found = inside.get(&seat::key(&id)).await.map_err(told)?;
    let seat = found.as_ref();
    let seat = seat.and_then(|found| Seat::decode(&found.value).ok());
    // One of another cluster came with the snapshot that this one was restored from.
    let is_seated = seat.is_some_and(|seat| seat.is_of(own.cluster_id));
    if joined.is_none() && !is_seated {
        let founder = Seat::offer(own.cluster_id, own.member_id, None).at(Progress::Started);
        let mod_revision = found.map_or(0, |found| found.mod_revision);
        put(seat::key(&id), founder.encode(), mod_revision).await?;
    }
    Ok(())
}

/// Where the settings say that this machine is reached, and where every machine reaches itself.
fn hosts(settings: &Settings) -> Vec<String> {
    let told = [&settings.advertise_peer, &settings.advertise_client];
    let told = told.into_iter().flatten().filter_map(|url| host(url));
    let bound = [
        &settings.listen_peer,
        &settings.listen_client,
        &settings.listen_metrics,
    ];
    let bound = bound.into_iter().flatten().map(|url| url.address.ip());
    let bound = bound.filter(|address| !address.is_unspecified());
    let usual = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let bare = |host: &str| host.trim_matches(['[', ']']).to_owned();
    let mut hosts: Vec<String> = usual.into_iter().chain([host::name()]).collect();
    hosts.extend(told.map(bare));
    hosts.extend(bound.map(|address| address.to_string()));
    hosts.retain(|host| is_host_name(host) || host.parse::<IpAddr>().is_ok());
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

pub(super) fn unusable(folder: &TrustFolder, error: &FolderError) -> Failure {
    let what = format!("cannot use \"{}\"", folder.path().display());
    Failure::new(Exit::FAILED, what, chain(error))
}
