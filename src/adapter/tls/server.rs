//! The side that is connected to: its certificate, and whose certificates it asks for.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::adapter::tls::exchange::Exchange;
use crate::adapter::tls::{
    Caller, Identity, PROTOCOLS, PROVIDER, Roots, Secured, TlsError, handshake_error,
};

/// A client that is there reads within a round trip.
const LINGER_LIMIT: Duration = Duration::from_secs(1);

/// Who may connect.
#[derive(Clone, Debug)]
pub enum Clients {
    /// No certificate is asked for.
    Anybody,
    /// Whoever shows no certificate may connect; one that is shown must be good.
    IfGiven(Roots),
    Required(Roots),
}

/// Where a server's certificates are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Who signs the certificates of clients; none: anybody may connect, and none is asked for.
    pub authorities: Option<PathBuf>,
    pub demand: Demand,
}

/// What becomes of those who show no certificate where one is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    Refuse,
    /// They may connect; whoever serves them decides what they may do.
    Admit,
}

/// A server's side of TLS. Clones share it.
#[derive(Clone)]
pub struct Server(Arc<Exchange<Config>>);

struct Config {
    tls: Arc<ServerConfig>,
    /// Whether certificates are asked for.
    asks: bool,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

impl Server {
    pub fn new(identity: &Identity, clients: &Clients) -> Result<Self, TlsError> {
        let config = config(identity, clients)?;
        Ok(Self(Arc::new(Exchange::given(config))))
    }

    /// Reads its files, and again when they have changed.
    pub fn of_files(files: ServerFiles) -> Result<Self, TlsError> {
        let mut paths = vec![files.certificate.clone(), files.key.clone()];
        paths.extend(files.authorities.clone());
        let read = move || {
            let identity = Identity::read(&files.certificate, &files.key)?;
            let clients = match &files.authorities {
                Some(path) => match files.demand {
                    Demand::Refuse => Clients::Required(Roots::read(path)?),
                    Demand::Admit => Clients::IfGiven(Roots::read(path)?),
                },
                None => Clients::Anybody,
            };
            config(&identity, &clients)
        };
        Ok(Self(Arc::new(Exchange::of_files(paths, Box::new(read))?)))
    }

    /// From the next connection on.
    pub fn replace(&self, identity: &Identity, clients: &Clients) -> Result<(), TlsError> {
        self.0.set(config(identity, clients)?);
        Ok(())
    }

    /// Secures a connection that was accepted, within `limit`.
    pub async fn accept<IO>(&self, io: IO, limit: Duration) -> Result<Secured<IO>, TlsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Ok(self.accept_caller(io, limit).await?.0)
    }

    /// As [`Server::accept`], with who it is; none where no certificates are asked for.
    pub async fn accept_caller<IO>(
        &self,
        io: IO,
        limit: Duration,
    ) -> Result<(Secured<IO>, Option<Caller>), TlsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.0.current();
        let acceptor = TlsAcceptor::from(Arc::clone(&config.tls));
        let accepted = timeout(limit, acceptor.accept(io).into_fallible()).await;
        let stream = match accepted.map_err(|_| TlsError::Late(limit))? {
            Ok(stream) => stream,
            Err((error, io)) => {
                linger(io).await;
                return Err(handshake_error(error));
            }
        };
        let secured = Secured {
            stream: stream.into(),
        };
        let caller = config.asks.then(|| Caller(secured.peer().map(Arc::new)));
        Ok((secured, caller))
    }
}

/// Lets a peer that was refused read why: a connection that is closed with bytes unread is reset,
/// and takes what was said along.
async fn linger<IO: AsyncRead + AsyncWrite + Unpin>(mut io: IO) {
    let mut rest = [0; 4096];
    let read = async {
        io.shutdown().await?;
        while io.read(&mut rest).await? > 0 {}
        Ok::<(), io::Error>(())
    };
    let _ = timeout(LINGER_LIMIT, read).await;
}

fn config(identity: &Identity, clients: &Clients) -> Result<Config, TlsError> {
    let builder = ServerConfig::builder_with_provider(PROVIDER.clone())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Settings)?;
    let verifier = |roots: &Roots| {
        WebPkiClientVerifier::builder_with_provider(roots.store.clone(), PROVIDER.clone())
    };
    let refused = |error: rustls::server::VerifierBuilderError| TlsError::Roots(error.to_string());
    let builder = match clients {
        Clients::Anybody => builder.with_no_client_auth(),
        Clients::IfGiven(roots) => builder.with_client_cert_verifier(
            verifier(roots)
                .allow_unauthenticated()
                .build()
                .map_err(refused)?,
        ),
        Clients::Required(roots) => {
            builder.with_client_cert_verifier(verifier(roots).build().map_err(refused)?)
        }
    };
    let resolver = SingleCertAndKey::from(identity.key.clone());
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Config {
        tls: Arc::new(config),
        asks: !matches!(clients, Clients::Anybody),
    })
}
