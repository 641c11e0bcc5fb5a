//! The sockets that a front listens on, from an address or a path to a listener.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use thiserror::Error;
use tokio::net::{TcpListener, UnixListener, UnixStream};

use crate::adapter::http::front::Listener;

/// Only the daemon's own user may connect.
const SOCKET_MODE: u32 = 0o600;

/// Why nothing can be listened on.
#[derive(Debug, Error)]
pub enum BindError {
    #[error("another daemon listens there")]
    Taken,
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Binds an address; the listener comes with the address as bound: port 0 has become a port.
pub async fn bind_tcp(address: SocketAddr) -> io::Result<(Listener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((Listener::Tcp(listener), bound))
}

/// Binds a socket that only this user can connect to; one that a dead daemon left is replaced.
pub async fn bind_unix(path: &Path) -> Result<Listener, BindError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(BindError::Taken);
    }
    unbind_unix(path)?;
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
    Ok(Listener::Unix(listener))
}

/// Removes the socket at `path`, if there is one.
pub fn unbind_unix(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
