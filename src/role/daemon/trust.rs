//! The daemon's certificates: who is served, and which member a node may be.
//!
//! - Who calls as a member is bound to the machine of that member's seat. A member that has no log
//!   yet knows no seats, and admits any node that the authority certified: it has voted for nobody
//!   and holds nothing that could be taken, and only one that got in by a token could lie to it.
//!   What it was told when it joined would not narrow this: that is where members were then, they
//!   may have moved, and a node's certificate is for the hosts that it asked for.
//! - Who is called is bound to its host and to nothing else. So a node that takes over a member's
//!   address, and asked for a certificate of that host, is believed to be it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::adapter::raft::Member;
use crate::adapter::rpc::peer::Admission;
use crate::adapter::tls::{self, ClientFiles, Demand, ServerFiles, TlsError};
use crate::cli::config::{Settings, TlsFiles};
use crate::cli::listen::{ListenUrl, Scheme};
use crate::core::cluster::seat::{self, Seat};
use crate::core::cluster::trust::{Certificate, Impostor, KnownAs};
use crate::core::kv::request::KeyRange;
use crate::error::{Exit, Failure};
use crate::role::daemon::managed::Managed;
use crate::role::daemon::node::Node;

/// What the daemon shows and believes.
pub(super) struct Trust {
    /// None: clients are served in plain text.
    pub(super) clients: Option<tls::Server>,
    pub(super) peers: Option<tls::Server>,
    /// For connections to other members.
    pub(super) to_peers: Option<tls::Client>,
    /// What the cluster's own authority gave.
    pub(super) managed: Option<Managed>,
}

impl Trust {
    /// Reads the files that the settings name; where they name none, those of the cluster.
    pub(super) fn load(settings: &Settings, managed: Option<Managed>) -> Result<Self, Failure> {
        let folder = managed.as_ref().map(|managed| managed.folder.clone());
        let server = |files: &Option<TlsFiles>, prefix: &str, demand, urls: &[&[ListenUrl]]| {
            let files = match (files, &folder) {
                (Some(files), _) => ServerFiles {
                    certificate: files.certificate.clone(),
                    key: files.key.clone(),
                    authorities: files.authorities.clone(),
                    demand: Demand::Refuse,
                },
                (None, Some(folder)) => folder.server(demand),
                (None, None) => return uncertified(prefix, urls).map(|()| None),
            };
            let server = tls::Server::of_files(files);
            server.map(Some).map_err(|error| match &folder {
                Some(_) => unusable_of_cluster(&error),
                None => unusable(&error, prefix),
            })
        };
        let to_peers = match (&settings.peer_tls, &folder) {
            (None, Some(folder)) => {
                let client = tls::Client::of_files(folder.client());
                Some(client.map_err(|error| unusable_of_cluster(&error))?)
            }
            _ => to_given_peers(settings)?,
        };
        let client_urls = [&settings.listen_client[..], &settings.listen_metrics];
        let peer_urls = [&settings.listen_peer[..]];
        Ok(Self {
            clients: server(&settings.client_tls, "", Demand::Refuse, &client_urls)?,
            // Who wants to join has none yet.
            peers: server(&settings.peer_tls, "peer-", Demand::Admit, &peer_urls)?,
            to_peers,
            managed,
        })
    }
}

/// For connections to members, with the certificates that the settings name.
pub(super) fn to_given_peers(settings: &Settings) -> Result<Option<tls::Client>, Failure> {
    let client = settings.peer_tls.as_ref().map(|files| {
        tls::Client::of_files(ClientFiles {
            authorities: files.authorities.clone(),
            identity: Some((files.certificate.clone(), files.key.clone())),
            // Only with --insecure: else whose certificates are good has been said.
            unverified: files.authorities.is_none(),
        })
    });
    client
        .transpose()
        .map_err(|error| unusable(&error, "peer-"))
}

/// Refuses URLs that nothing could be served on.
fn uncertified(prefix: &str, urls: &[&[ListenUrl]]) -> Result<(), Failure> {
    let mut urls = urls.iter().copied().flatten();
    let Some(url) = urls.find(|url| url.scheme == Scheme::Https) else {
        return Ok(());
    };
    let why = format!("{url} wants a certificate, and this machine has none");
    Err(Failure::usage("cannot serve with TLS", why).hint(format!(
        "make an authority for a new cluster with `coracle cluster init`, join one with --join \
         https://HOST:PORT --token TOKEN, or give certificates with --{prefix}cert-file and \
         --{prefix}key-file"
    )))
}

/// What is wrong with the files that the cluster gave.
fn unusable_of_cluster(error: &TlsError) -> Failure {
    let exit = match innermost(error) {
        TlsError::Expired(_) | TlsError::NotYet(_) => Exit::REFUSED,
        _ => Exit::FAILED,
    };
    let failure = Failure::new(
        exit,
        "cannot use this node's certificate",
        tls::chain(error),
    );
    match innermost(error) {
        TlsError::NotYet(_) => failure.hint("look at this machine's clock with `date`"),
        _ => failure.hint(
            "have it made anew: make a token with `coracle cluster token create` on a member, and \
             start with --join https://HOST:PORT --token TOKEN",
        ),
    }
}

fn unusable(error: &TlsError, prefix: &str) -> Failure {
    let flags = format!("--{prefix}cert-file, --{prefix}key-file and --{prefix}trusted-ca-file");
    let (exit, hint) = match innermost(error) {
        TlsError::Mismatch => (
            Exit::USAGE,
            format!("give the key that was made for it with --{prefix}key-file"),
        ),
        TlsError::Expired(_) => (
            Exit::REFUSED,
            format!("have it renewed, and give the new one with --{prefix}cert-file"),
        ),
        TlsError::NotYet(_) => (
            Exit::REFUSED,
            "look at this machine's clock with `date`".to_owned(),
        ),
        _ => (Exit::USAGE, format!("see {flags}")),
    };
    Failure::new(exit, "cannot use the certificates", tls::chain(error)).hint(hint)
}

fn innermost(error: &TlsError) -> &TlsError {
    match error {
        TlsError::Content { source, .. } => innermost(source),
        error => error,
    }
}

/// Which certificate may be which member: of the members that this one knows, else of the founders
/// that it was told of.
pub(super) struct Gate {
    pub(super) node: Arc<Node>,
    pub(super) founders: BTreeMap<u64, Member>,
}

impl Admission for Gate {
    fn admit(&self, member: u64, certificate: &Certificate) -> Result<(), Impostor> {
        let state = self.node.consensus.state();
        let mut members = state.members();
        let known = members.find(|(id, _)| *id == member);
        let known = known.map(|(_, known)| known);
        let known = known.or_else(|| self.founders.get(&member));
        let urls = known.map_or(&[][..], |known| &known.peer_urls);
        let seats = KeyRange {
            start: seat::PREFIX.into(),
            end: seat::PREFIX_END.into(),
        };
        let cluster_id = self.node.identity.cluster_id;
        let mut seats = state.machine.store.live_records(&seats);
        let machine = seats.find_map(|record| {
            let seat = Seat::decode(record.value).ok()?;
            let machine = std::str::from_utf8(record.key).ok()?;
            let machine = machine.strip_prefix(seat::PREFIX)?;
            let is_it = seat.member_id() == Some(member) && seat.is_of(cluster_id);
            is_it.then_some(machine)
        });
        certificate.admits(&KnownAs {
            machine,
            hosts: urls.iter().filter_map(|url| host(url)).collect(),
        })
    }
}

/// The host of a URL.
pub(super) fn host(url: &str) -> Option<&str> {
    let (_, place) = url.split_once("://")?;
    Some(place.rsplit_once(':')?.0)
}
