//! TLS: who proves what to whom, on either side of a connection; the only place that names rustls.
//!
//! - TLS 1.3 and 1.2. Nothing is resumed: each connection is checked against the authorities and
//!   the certificates of its own time.
//! - What either side shows and trusts can be exchanged while it runs; connections that are open
//!   stay as they are.
//! - A handshake that fails says why in words that tell what to change.

mod client;
mod exchange;
mod server;
#[cfg(test)]
mod tests;
mod words;

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsStream;

pub use client::{Client, ClientFiles, Servers};
pub use server::{Clients, Demand, Server, ServerFiles};

use crate::adapter::certificate::{self, CertificateError};
use crate::adapter::disk;
use crate::core::cluster::trust::{Certificate, Fingerprint};
use crate::core::units::UtcTime;

/// What every complaint about the other side says.
pub const OTHER_SIDE: &str = "the other side";

/// How a record of a handshake begins: a peer that sends another byte first speaks plain text.
pub const FIRST_BYTE: u8 = 0x16;

/// The authorities of a whole distribution are a quarter of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The protocols inside TLS, the preferred one first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Where the distributions keep the authorities that a machine trusts: Debian, Fedora, SUSE,
/// Alpine. The first that is there is taken, as Go programs do.
const SYSTEM_ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The algorithms: ring, which needs a C compiler to build and no library to run.
static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

#[derive(Debug, Error)]
pub enum TlsError {
    #[error("cannot read \"{}\"", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("cannot use \"{}\"", .path.display())]
    Content { path: PathBuf, source: Box<Self> },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("it holds no private key: a PEM file has a line -----BEGIN PRIVATE KEY-----")]
    NoKey,
    #[error("its key is encrypted: write it without a password, with `openssl pkey -in KEY`")]
    EncryptedKey,
    #[error("its private key cannot be used: {0}")]
    Key(rustls::Error),
    #[error("the key is not the one of the certificate")]
    Mismatch,
    #[error("the certificate expired on {0}")]
    Expired(UtcTime),
    #[error("the certificate is not valid before {0}")]
    NotYet(UtcTime),
    #[error("it holds no certificate of an authority that could be used: {0}")]
    Roots(String),
    #[error("this machine trusts no authority: none of {} is there", SYSTEM_ROOTS.join(", "))]
    NoSystemRoots,
    #[error("cannot set TLS up: {0}")]
    Settings(rustls::Error),
    #[error("{0:?} is no name or address of a machine")]
    Host(String),
    #[error("the other side speaks plain text")]
    PlainText,
    #[error("no handshake within {0:?}")]
    Late(Duration),
    #[error("{}", words::of(.0))]
    Handshake(rustls::Error),
    #[error("the connection ended during the handshake: {0}")]
    Ended(io::Error),
}

/// A certificate, those that vouch for it, and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    key: Arc<CertifiedKey>,
    certificate: Certificate,
}

/// The authorities that are trusted.
#[derive(Clone, Debug)]
pub struct Roots {
    store: Arc<RootCertStore>,
    /// A certificate that signed itself and is trusted by name may be a server's own.
    fingerprints: Arc<Vec<Fingerprint>>,
}

/// A connection that is encrypted.
#[derive(Debug)]
pub struct Secured<IO> {
    stream: TlsStream<IO>,
}

/// Who makes a request, where certificates are asked for: an extension of the request. None: it
/// shows no certificate. One that was shown has been checked.
#[derive(Clone, Debug)]
pub struct Caller(pub Option<Arc<Certificate>>);

impl Identity {
    /// From the texts of two PEM files. The first certificate is the own one.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificate::from_pem(certificates)?;
        let certificate = certificate::read(&chain[0])?;
        let chain = chain.into_iter().map(CertificateDer::from).collect();
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            let is_encrypted = key.windows(9).any(|word| word == b"ENCRYPTED");
            match is_encrypted {
                true => TlsError::EncryptedKey,
                false => TlsError::NoKey,
            }
        })?;
        let key = CertifiedKey::from_der(chain, key, &PROVIDER).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
            error => TlsError::Key(error),
        })?;
        Ok(Self {
            key: Arc::new(key),
            certificate,
        })
    }

    /// From two PEM files; refused unless it is valid now.
    pub fn read(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let key_text = read_file(key)?;
        let identity = Self::from_pem(&read_file(certificates)?, &key_text);
        let identity = identity.and_then(|identity| {
            identity.check_time(SystemTime::now())?;
            Ok(identity)
        });
        let path = match &identity {
            Err(TlsError::NoKey | TlsError::EncryptedKey | TlsError::Key(_)) => key,
            _ => certificates,
        };
        identity.map_err(|error| in_file(path, error))
    }

    /// What the own certificate says.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Fails when the certificate is not valid at `now`.
    pub fn check_time(&self, now: SystemTime) -> Result<(), TlsError> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH);
        let now_s = now.map_or(0, |since| since.as_secs() as i64);
        let Certificate {
            from_s, until_s, ..
        } = self.certificate;
        match () {
            () if now_s > until_s => Err(TlsError::Expired(UtcTime(until_s))),
            () if now_s < from_s => Err(TlsError::NotYet(UtcTime(from_s))),
            () => Ok(()),
        }
    }
}

impl Roots {
    /// From the text of a PEM file; certificates that cannot be authorities are passed over.
    pub fn from_pem(text: &[u8]) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        let mut fingerprints = Vec::new();
        let mut refused = None;
        for der in certificate::from_pem(text)? {
            let fingerprint = Fingerprint::of(&der);
            match store.add(CertificateDer::from(der)) {
                Ok(()) => fingerprints.push(fingerprint),
                Err(error) => refused = Some(error),
            }
        }
        if store.is_empty() {
            let why = refused.map_or_else(String::new, |error| words::of(&error));
            return Err(TlsError::Roots(why));
        }
        Ok(Self {
            store: Arc::new(store),
            fingerprints: Arc::new(fingerprints),
        })
    }

    pub fn read(path: &Path) -> Result<Self, TlsError> {
        Self::from_pem(&read_file(path)?).map_err(|error| in_file(path, error))
    }

    /// Those that this machine trusts.
    pub fn of_system() -> Result<Self, TlsError> {
        let path = SYSTEM_ROOTS
            .iter()
            .map(Path::new)
            .find(|path| path.exists());
        Self::read(path.ok_or(TlsError::NoSystemRoots)?)
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    disk::read(path, FILE_BYTES_MAX).map_err(|source| TlsError::File {
        path: path.to_owned(),
        source,
    })
}

fn in_file(path: &Path, error: TlsError) -> TlsError {
    TlsError::Content {
        path: path.to_owned(),
        source: Box::new(error),
    }
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

impl<IO> Secured<IO> {
    /// Whether both sides agreed on HTTP/2.
    pub fn speaks_http2(&self) -> bool {
        let (_, session) = self.stream.get_ref();
        session.alpn_protocol() == Some(PROTOCOLS[0])
    }

    /// The certificate that the other side showed; it has been checked.
    pub fn peer(&self) -> Option<Certificate> {
        let (_, session) = self.stream.get_ref();
        certificate::read(session.peer_certificates()?.first()?).ok()
    }
}

/// What went wrong in a handshake.
fn handshake_error(error: io::Error) -> TlsError {
    let cause = error.get_ref();
    match cause.and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidMessage(_)) => TlsError::PlainText,
        Some(cause) => TlsError::Handshake(cause.clone()),
        None => TlsError::Ended(error),
    }
}

/// An error of an open connection, in our words: a server of TLS 1.3 refuses a client's certificate
/// when the client believes that the handshake is over.
fn explained(error: io::Error) -> io::Error {
    let cause = error.get_ref();
    match cause.and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(cause) => io::Error::new(error.kind(), TlsError::Handshake(cause.clone())),
        None => error,
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        read.map_err(explained)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        wrote.map_err(explained)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        wrote.map_err(explained)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream)
            .poll_flush(context)
            .map_err(explained)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream)
            .poll_shutdown(context)
            .map_err(explained)
    }
}
