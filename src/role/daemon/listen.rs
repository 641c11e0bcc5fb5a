//! The listeners of the daemon: client addresses, metrics addresses, the unix socket.
//!
//! The socket is for clients that name a valid `:authority`, as kvctl does. Older grpc-go, etcdctl
//! 3.5's among them, sends the socket's path, which h2 refuses (hyperium/h2#487): TCP serves those.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::adapter::http::{self, BindError, Listener};
use crate::cli::config::{Settings, Socket};
use crate::cli::listen::ListenUrl;
use crate::error::{Exit, Failure};

/// What is bound, before anything is served on it.
pub(super) struct Listening {
    pub(super) client: Vec<Listener>,
    pub(super) metrics: Vec<Listener>,
    /// The client addresses as bound: port 0 has become a port.
    pub(super) client_urls: Vec<String>,
    socket: Option<PathBuf>,
}

impl Listening {
    pub(super) async fn bind(settings: &Settings) -> Result<Self, Failure> {
        let (mut client, mut client_urls) = (Vec::new(), Vec::new());
        for url in &settings.listen_client {
            let (listener, bound) = bind_tcp(*url, "--listen-client-urls").await?;
            client_urls.push(format!("http://{bound}"));
            client.push(listener);
        }
        let mut metrics = Vec::new();
        for url in &settings.listen_metrics {
            metrics.push(bind_tcp(*url, "--listen-metrics-urls").await?.0);
        }
        let socket = match &settings.socket {
            Socket::Off => None,
            Socket::Asked(path) => Some((path, bind_unix(path).await?)),
            Socket::Usual(path) => match bind_unix(path).await {
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
            client_urls,
            socket: path.cloned(),
        })
    }

    /// What to remove at the end.
    pub(super) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }
}

async fn bind_tcp(url: ListenUrl, flag: &str) -> Result<(Listener, SocketAddr), Failure> {
    http::bind_tcp(url.0).await.map_err(|error| {
        let failure = Failure::new(Exit::FAILED, format!("cannot listen on {url}"), &error);
        match error.kind() {
            io::ErrorKind::AddrInUse => failure.hint(format!(
                "see who uses it with `ss -ltnp 'sport = :{}'`, or choose another port with {flag}",
                url.0.port()
            )),
            _ => failure.hint(format!("give an address of this machine with {flag}")),
        }
    })
}

async fn bind_unix(path: &Path) -> Result<Listener, Failure> {
    http::bind_unix(path).await.map_err(|error| {
        let what = format!("cannot listen on socket \"{}\"", path.display());
        match &error {
            BindError::Taken => Failure::new(Exit::CONFLICT, what, error)
                .hint("end that daemon, or give another path with --socket PATH"),
            BindError::System(_) => Failure::new(Exit::FAILED, what, error)
                .hint("give another path with --socket PATH, or none with --socket off"),
        }
    })
}
