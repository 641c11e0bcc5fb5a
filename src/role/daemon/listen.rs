//! The listeners of the daemon: client addresses, metrics addresses, the unix socket.
//!
//! The socket is for clients that name a valid `:authority`, as kvctl does. Older grpc-go, etcdctl
//! 3.5's among them, sends the socket's path, which h2 refuses (hyperium/h2#487): TCP serves those.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener, UnixStream};

use crate::adapter::http::Listener;
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
            let listener = bind_tcp(*url, "--listen-client-urls").await?;
            let bound = listener.local_addr().unwrap_or(url.0);
            client_urls.push(format!("http://{bound}"));
            client.push(Listener::Tcp(listener));
        }
        let mut metrics = Vec::new();
        for url in &settings.listen_metrics {
            metrics.push(Listener::Tcp(
                bind_tcp(*url, "--listen-metrics-urls").await?,
            ));
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
        client.extend(listener.map(Listener::Unix));
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

async fn bind_tcp(url: ListenUrl, flag: &str) -> Result<TcpListener, Failure> {
    let address: SocketAddr = url.0;
    TcpListener::bind(address).await.map_err(|error| {
        let failure = Failure::new(Exit::FAILED, format!("cannot listen on {url}"), &error);
        match error.kind() {
            io::ErrorKind::AddrInUse => failure.hint(format!(
                "see who uses it with `ss -ltnp 'sport = :{}'`, or choose another port with {flag}",
                address.port()
            )),
            _ => failure.hint(format!("give an address of this machine with {flag}")),
        }
    })
}

/// Binds a socket that only this user can connect to; one that a dead daemon left is replaced.
async fn bind_unix(path: &Path) -> Result<UnixListener, Failure> {
    let what = format!("cannot listen on socket \"{}\"", path.display());
    let failed = |error: io::Error| {
        Failure::new(Exit::FAILED, &what, error)
            .hint("give another path with --socket PATH, or none with --socket off")
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(
            Failure::new(Exit::CONFLICT, &what, "another daemon listens there")
                .hint("end that daemon, or give another path with --socket PATH"),
        );
    }
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}
