//! The daemon's certificates: who is served, and which member a node may be.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::adapter::raft::Member;
use crate::adapter::rpc::peer::Admission;
use crate::adapter::tls::{self, ClientFiles, ServerFiles, TlsError};
use crate::cli::config::{Settings, TlsFiles};
use crate::core::cluster::trust::{Certificate, Impostor, KnownAs};
use crate::error::{Exit, Failure};
use crate::role::daemon::node::Node;

/// What the daemon shows and believes.
pub(super) struct Trust {
    /// None: clients are served in plain text.
    pub(super) clients: Option<tls::Server>,
    pub(super) peers: Option<tls::Server>,
    /// For connections to other members.
    pub(super) to_peers: Option<tls::Client>,
}

impl Trust {
    /// Reads the files that the settings name.
    pub(super) fn load(settings: &Settings) -> Result<Self, Failure> {
        let server = |files: &Option<TlsFiles>, prefix: &str| {
            let server = files.as_ref().map(|files| {
                tls::Server::of_files(ServerFiles {
                    certificate: files.certificate.clone(),
                    key: files.key.clone(),
                    authorities: files.authorities.clone(),
                })
            });
            server.transpose().map_err(|error| unusable(&error, prefix))
        };
        let to_peers = settings.peer_tls.as_ref().map(|files| {
            tls::Client::of_files(ClientFiles {
                authorities: files.authorities.clone(),
                identity: Some((files.certificate.clone(), files.key.clone())),
                // Only with --insecure: else whose certificates are good has been said.
                unverified: files.authorities.is_none(),
            })
        });
        Ok(Self {
            clients: server(&settings.client_tls, "")?,
            peers: server(&settings.peer_tls, "peer-")?,
            to_peers: to_peers
                .transpose()
                .map_err(|error| unusable(&error, "peer-"))?,
        })
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
        certificate.admits(&KnownAs {
            machine: None,
            hosts: urls.iter().filter_map(|url| host(url)).collect(),
        })
    }
}

/// The host of a URL.
fn host(url: &str) -> Option<&str> {
    let (_, place) = url.split_once("://")?;
    Some(place.rsplit_once(':')?.0)
}
