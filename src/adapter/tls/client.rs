//! The side that connects: whom it believes, and the certificate that it shows.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::adapter::certificate;
use crate::adapter::tls::exchange::Exchange;
use crate::adapter::tls::{
    Identity, PROTOCOLS, PROVIDER, Roots, Secured, TlsError, handshake_error,
};
use crate::core::cluster::trust::{Bearer, Fingerprint};

/// Which servers are believed.
#[derive(Clone, Debug)]
pub enum Servers {
    /// Those whose certificate is signed by one of these, for the host that was asked for.
    Signed(Roots),
    /// The nodes of the cluster whose authority has this fingerprint, wherever they are. They have
    /// to send the authority's certificate along.
    Pinned(Fingerprint),
    /// All of them: whoever is in between can read and change everything.
    Unverified,
}

/// Where a client's certificates are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// None: those that the machine trusts.
    pub authorities: Option<PathBuf>,
    /// The own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whether to believe every server.
    pub unverified: bool,
}

/// A client's side of TLS. Clones share it.
#[derive(Clone)]
pub struct Client(Arc<Exchange<ClientConfig>>);

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    pub fn new(servers: Servers, identity: Option<&Identity>) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(Exchange::given(config(servers, identity)?))))
    }

    /// Reads its files, and again when they have changed.
    pub fn of_files(files: ClientFiles) -> Result<Self, TlsError> {
        let mut paths: Vec<PathBuf> = files.authorities.iter().cloned().collect();
        if let Some((certificate, key)) = &files.identity {
            paths.extend([certificate.clone(), key.clone()]);
        }
        let read = move || {
            let servers = match &files.authorities {
                _ if files.unverified => Servers::Unverified,
                Some(path) => Servers::Signed(Roots::read(path)?),
                None => Servers::Signed(Roots::of_system()?),
            };
            let identity = files.identity.as_ref();
            let identity = identity.map(|(certificate, key)| Identity::read(certificate, key));
            config(servers, identity.transpose()?.as_ref())
        };
        Ok(Self(Arc::new(Exchange::of_files(paths, Box::new(read))?)))
    }

    /// From the next connection on.
    pub fn replace(&self, servers: Servers, identity: Option<&Identity>) -> Result<(), TlsError> {
        self.0.set(config(servers, identity)?);
        Ok(())
    }

    /// Secures a connection to `host`, a name or an address, within `limit`.
    pub async fn connect<IO>(
        &self,
        host: &str,
        io: IO,
        limit: Duration,
    ) -> Result<Secured<IO>, TlsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned());
        let name = name.map_err(|_| TlsError::Host(host.to_owned()))?;
        let connector = TlsConnector::from(self.0.current());
        let stream = timeout(limit, connector.connect(name, io))
            .await
            .map_err(|_| TlsError::Late(limit))?
            .map_err(handshake_error)?;
        Ok(Secured {
            stream: stream.into(),
        })
    }
}

fn config(servers: Servers, identity: Option<&Identity>) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(PROVIDER.clone())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Settings)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier(servers)));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let resolver = SingleCertAndKey::from(identity.key.clone());
            builder.with_client_cert_resolver(Arc::new(resolver))
        }
    };
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Decides on a server's certificate; signatures are checked by the provider in every case.
#[derive(Debug)]
struct Verifier(Servers);

impl Verifier {
    /// The chain up to an authority of `roots`.
    fn is_signed(
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        roots: &RootCertStore,
        now: UnixTime,
    ) -> Result<(), Error> {
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(own)?,
            roots,
            others,
            now,
            PROVIDER.signature_verification_algorithms.all,
        )
    }

    fn is_pinned(
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        pinned: Fingerprint,
        now: UnixTime,
    ) -> Result<(), Error> {
        let authority = others.iter().find(|der| Fingerprint::of(der) == pinned);
        let Some(authority) = authority else {
            return Err(Error::General(format!(
                "the other side does not belong to the cluster whose authority has fingerprint \
                 {pinned}"
            )));
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone())?;
        Self::is_signed(own, others, &roots, now)?;
        match certificate::read(own).map(|own| own.bearer) {
            Ok(Some(Bearer::Node(_))) => Ok(()),
            _ => Err(Error::General(
                "the certificate of the other side is not of a node of the cluster".to_owned(),
            )),
        }
    }

    /// A certificate that signed itself and is trusted as it is. As an authority it may not be a
    /// server's (RFC 5280), but what everybody makes first with openssl is just that.
    fn is_trusted_itself(own: &CertificateDer<'_>, roots: &Roots, now: UnixTime) -> bool {
        let now_s = now.as_secs() as i64;
        roots.fingerprints.contains(&Fingerprint::of(own))
            && certificate::read(own)
                .is_ok_and(|own| own.is_for_servers && (own.from_s..=own.until_s).contains(&now_s))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.0 {
            Servers::Unverified => {}
            Servers::Pinned(pinned) => Self::is_pinned(own, others, *pinned, now)?,
            Servers::Signed(roots) => {
                if !Self::is_trusted_itself(own, roots, now) {
                    Self::is_signed(own, others, &roots.store, now)?;
                }
                verify_server_name(&ParsedCertificate::try_from(own)?, host)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &PROVIDER.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, own, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &PROVIDER.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, own, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER
            .signature_verification_algorithms
            .supported_schemes()
    }
}
