//! Stream connections by name: a static executable must not ask glibc, so names are resolved here.
//!
//! Address literals and `localhost` never touch the resolver. Everything else goes through
//! `/etc/hosts` and the servers of `/etc/resolv.conf`, in Rust.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_resolver::Resolver;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a server's metrics page may hold; etcd's is a tenth of it.
const PAGE_BYTES_MAX: u64 = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("cannot read /etc/resolv.conf to resolve {name:?}")]
    Configuration {
        name: String,
        source: hickory_resolver::net::NetError,
    },
    #[error("no address is known for {name:?}")]
    Unknown { name: String },
    #[error("the name servers do not say where {name:?} is: {source}")]
    Lookup {
        name: String,
        source: hickory_resolver::net::NetError,
    },
}

/// Ports of 127.0.0.1 that nobody uses now, all different; for who must know a port before it is
/// listened on.
pub fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    // Held until all are chosen.
    let listeners = (0..count).map(|_| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let listeners = listeners.collect::<io::Result<Vec<_>>>()?;
    let ports = listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}

/// The addresses of `host`, in the order in which they should be tried.
pub async fn resolve(host: &str) -> Result<Vec<IpAddr>, ResolveError> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Ok(vec![address]);
    }
    if bare.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let resolver = Resolver::builder_tokio()
        .and_then(|builder| builder.build())
        .map_err(|source| ResolveError::Configuration {
            name: bare.to_owned(),
            source,
        })?;
    let found = resolver.lookup_ip(bare).await.map_err(|source| {
        let name = bare.to_owned();
        match source.is_nx_domain() || source.is_no_records_found() {
            true => ResolveError::Unknown { name },
            false => ResolveError::Lookup { name, source },
        }
    })?;
    Ok(found.iter().collect())
}

/// Connects to the first address of `host` that answers.
pub async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    // As text: whoever tells the innermost cause would tell the resolver's own words.
    let addresses = resolve(host)
        .await
        .map_err(|error| io::Error::other(error.to_string()))?;
    let mut refused = io::Error::other(format!("no address is known for {host:?}"));
    for address in addresses {
        match TcpStream::connect(SocketAddr::new(address, port)).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// The answer to `GET path` over HTTP/1.0, headers included.
pub async fn get(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut page = Vec::new();
    stream.take(PAGE_BYTES_MAX).read_to_end(&mut page).await?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn literals_and_localhost_need_no_resolver() {
        assert_eq!(
            resolve("127.0.0.7").await.expect("literal"),
            [Ipv4Addr::new(127, 0, 0, 7)]
        );
        assert_eq!(
            resolve("[::1]").await.expect("literal"),
            [Ipv6Addr::LOCALHOST]
        );
        assert_eq!(
            resolve("LocalHost").await.expect("localhost")[0],
            Ipv4Addr::LOCALHOST
        );
    }
}
