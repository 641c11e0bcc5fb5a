//! The sockets that a front listens on, from an address or a path to a listener.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};

use crate::adapter::host;
use crate::adapter::http::front::Listener;
use crate::adapter::tls;

/// Only the daemon's own user may connect.
const SOCKET_MODE: u32 = 0o600;

/// Why nothing can be listened on.
#[derive(Debug, Error)]
pub enum BindError {
    #[error("another daemon listens there")]
    Taken,
    #[error("something else is there, which is left as it is")]
    Occupied,
    #[error("its directory does not exist")]
    NoFolder,
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Binds an address, for TLS or plain text; the listener comes with the address as bound: port 0
/// has become a port.
pub async fn bind_tcp(
    address: SocketAddr,
    tls: Option<tls::Server>,
) -> io::Result<(Listener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let listener = match tls {
        None => Listener::Tcp(listener),
        Some(tls) => Listener::Tls(listener, tls),
    };
    Ok((listener, bound))
}

/// Binds a socket that only this user can connect to; one that a dead daemon left is replaced, and
/// nothing else: a path may be a slip of the finger.
pub fn bind_unix(path: &Path) -> Result<Listener, BindError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(BindError::Occupied),
        Ok(_) if host::is_listened_on(path) => return Err(BindError::Taken),
        Ok(_) => unbind_unix(path)?,
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        Err(_) if path.parent().is_some_and(is_missing) => return Err(BindError::NoFolder),
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
    Ok(Listener::Unix(listener))
}

/// The empty path is the working directory.
fn is_missing(folder: &Path) -> bool {
    !folder.as_os_str().is_empty() && !folder.exists()
}

/// Removes the socket at `path`, if there is one.
pub fn unbind_unix(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
