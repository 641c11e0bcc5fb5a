//! The side that is connected to: its certificate, and whose certificates it asks for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::adapter::tls::exchange::Exchange;
use crate::adapter::tls::{
    Identity, PROTOCOLS, PROVIDER, Roots, Secured, TlsError, handshake_error,
};

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
    /// Who signs the certificates that clients must show; none: anybody may connect.
    pub authorities: Option<PathBuf>,
}

/// A server's side of TLS. Clones share it.
#[derive(Clone)]
pub struct Server(Arc<Exchange<ServerConfig>>);

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
                Some(path) => Clients::Required(Roots::read(path)?),
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
        let acceptor = TlsAcceptor::from(self.0.current());
        let stream = timeout(limit, acceptor.accept(io))
            .await
            .map_err(|_| TlsError::Late(limit))?
            .map_err(handshake_error)?;
        Ok(Secured {
            stream: stream.into(),
        })
    }
}

fn config(identity: &Identity, clients: &Clients) -> Result<ServerConfig, TlsError> {
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
    Ok(config)
}
