//! The listeners of the daemon: client addresses, metrics addresses, the unix socket.
//!
//! The socket is for clients that name a valid `:authority`, as kvctl does. Older grpc-go, etcdctl
//! 3.5's among them, sends the socket's path, which h2 refuses (hyperium/h2#487): TCP serves those.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::adapter::disk;
use crate::adapter::http::{self, BindError, Listener};
use crate::adapter::tls;
use crate::cli::config::{Settings, Socket};
use crate::cli::listen::{ListenUrl, Scheme};
use crate::error::{Exit, Failure};
use crate::role::daemon::trust::Trust;

/// What is bound, before anything is served on it.
pub(super) struct Listening {
    pub(super) client: Vec<Listener>,
    pub(super) metrics: Vec<Listener>,
    pub(super) peer: Vec<Listener>,
    /// The peer addresses as bound.
    pub(super) peer_urls: Vec<String>,
    /// The client addresses as bound: port 0 has become a port.
    pub(super) client_urls: Vec<String>,
    pub(super) metrics_urls: Vec<String>,
    socket: Option<PathBuf>,
}

impl Listening {
    pub(super) async fn bind(settings: &Settings, trust: &Trust) -> Result<Self, Failure> {
        let (mut client, client_urls) = bind_all(
            &settings.listen_client,
            "--listen-client-urls",
            &trust.clients,
        )
        .await?;
        let (peer, peer_urls) =
            bind_all(&settings.listen_peer, "--listen-peer-urls", &trust.peers).await?;
        let (metrics, metrics_urls) = bind_all(
            &settings.listen_metrics,
            "--listen-metrics-urls",
            &trust.clients,
        )
        .await?;
        let socket = match &settings.socket {
            Socket::Off => None,
            Socket::Asked(path) => Some((path, bind_unix(path)?)),
            Socket::Usual(path) => match bind_usual(path) {
                Ok(listener) => Some((path, listener)),
                Err(failure) => {
                    tracing::warn!("{}: {}; serving without it", failure.what, failure.why);
                    None
                }
            },
        };
        let (path, listener) = socket.unzip();
        client.extend(listener);
        Ok(Self {
            client,
            metrics,
            peer,
            peer_urls,
            client_urls,
            metrics_urls,
            socket: path.cloned(),
        })
    }

    /// Finds out whether the ports can be had, before anybody is told that they will be.
    pub(super) async fn try_ports(settings: &Settings) -> Result<(), Failure> {
        for (urls, flag) in [
            (&settings.listen_client, "--listen-client-urls"),
            (&settings.listen_peer, "--listen-peer-urls"),
            (&settings.listen_metrics, "--listen-metrics-urls"),
        ] {
            let plain = urls.iter().map(|url| ListenUrl {
                scheme: Scheme::Http,
                ..*url
            });
            bind_all(&plain.collect::<Vec<_>>(), flag, &None).await?;
        }
        Ok(())
    }

    /// The same sockets once more, for the next role that serves on them.
    pub(super) fn again(&self) -> Result<Self, Failure> {
        let all = |listeners: &[Listener]| {
            let again = listeners.iter().map(Listener::again);
            again.collect::<io::Result<Vec<_>>>().map_err(|error| {
                Failure::new(
                    Exit::FAILED,
                    "cannot go on listening in another role",
                    error,
                )
            })
        };
        Ok(Self {
            client: all(&self.client)?,
            metrics: all(&self.metrics)?,
            peer: all(&self.peer)?,
            peer_urls: self.peer_urls.clone(),
            client_urls: self.client_urls.clone(),
            metrics_urls: self.metrics_urls.clone(),
            socket: self.socket.clone(),
        })
    }

    /// What to remove at the end.
    pub(super) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }
}

/// Binds all of `urls`; the second part names them as bound.
async fn bind_all(
    urls: &[ListenUrl],
    flag: &str,
    tls: &Option<tls::Server>,
) -> Result<(Vec<Listener>, Vec<String>), Failure> {
    let (mut listeners, mut names) = (Vec::new(), Vec::new());
    for url in urls {
        let (listener, bound) = bind_tcp(*url, flag, tls).await?;
        names.push(format!("{}://{bound}", url.scheme));
        listeners.push(listener);
    }
    Ok((listeners, names))
}

async fn bind_tcp(
    url: ListenUrl,
    flag: &str,
    tls: &Option<tls::Server>,
) -> Result<(Listener, SocketAddr), Failure> {
    let tls = match url.scheme {
        Scheme::Http => None,
        Scheme::Https => Some(tls.clone().expect("the settings have certificates for it")),
    };
    http::bind_tcp(url.address, tls).await.map_err(|error| {
        let failure = Failure::new(Exit::FAILED, format!("cannot listen on {url}"), &error);
        match error.kind() {
            io::ErrorKind::AddrInUse => failure.hint(format!(
                "see who uses it with `ss -ltnp 'sport = :{}'`, or choose another port with {flag}",
                url.address.port()
            )),
            io::ErrorKind::PermissionDenied => failure.hint(format!(
                "ports below 1024 are for root, or for a service with \
                 AmbientCapabilities=CAP_NET_BIND_SERVICE: choose a higher port with {flag}"
            )),
            _ => failure.hint(format!("give an address of this machine with {flag}")),
        }
    })
}

/// The usual place is ours to make; what else is asked for must be there.
fn bind_usual(path: &Path) -> Result<Listener, Failure> {
    if let Some(folder) = path.parent() {
        disk::create_directories(folder).map_err(|error| unusable(path, &error.into()))?;
    }
    bind_unix(path)
}

fn bind_unix(path: &Path) -> Result<Listener, Failure> {
    http::bind_unix(path).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &BindError) -> Failure {
    let (exit, hint) = match error {
        BindError::Taken => (
            Exit::CONFLICT,
            "end that daemon, or give another path with --socket PATH",
        ),
        BindError::Occupied => (
            Exit::FAILED,
            "give a path where nothing is with --socket PATH",
        ),
        BindError::NoFolder => (
            Exit::FAILED,
            "make the directory, or give a path in another one with --socket PATH",
        ),
        BindError::System(_) => (
            Exit::FAILED,
            "give another path with --socket PATH, or none with --socket off",
        ),
    };
    let what = format!("cannot listen on socket \"{}\"", path.display());
    Failure::new(exit, what, error).hint(hint)
}
