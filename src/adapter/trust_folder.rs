//! `trust/` in the data directory: the authority of the cluster and this node's own certificate.
//!
//! - `ca.pem` is the authority's certificate, and is written last: without it there is no trust.
//!   `ca.key` is its key, which only members have. `node.pem` and `node.key` are this node's.
//! - Each file is for this user alone and is replaced as a whole. A node keeps its key for life, so
//!   that a renewed certificate is one file that changes.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thiserror::Error;

use crate::adapter::authority::{Authority, AuthorityError, Grant, request_for};
use crate::adapter::certificate::{self, CertificateError};
use crate::adapter::disk;
use crate::adapter::tls::{ClientFiles, Demand, ServerFiles};
use crate::core::cluster::trust::{Certificate, Fingerprint};

/// Many times what any of the files needs.
const FILE_BYTES_MAX: u64 = 1 << 16;

#[derive(Debug, Error)]
pub enum FolderError {
    #[error("cannot {what} \"{}\"", .path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("cannot use \"{}\"", .path.display())]
    Authority {
        path: PathBuf,
        source: AuthorityError,
    },
    #[error("cannot use \"{}\"", .path.display())]
    Certificate {
        path: PathBuf,
        source: CertificateError,
    },
    #[error("cannot make a certificate")]
    Make(#[from] AuthorityError),
    #[error("the other side has certificates of another authority, {found}, and not of {expected}")]
    OtherAuthority {
        found: Fingerprint,
        expected: Fingerprint,
    },
}

/// The folder of one data directory; it need not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustFolder(PathBuf);

impl TrustFolder {
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("trust"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether this machine belongs to a cluster that has an authority.
    pub fn is_there(&self) -> bool {
        self.authority_file().exists()
    }

    pub fn authority_file(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    fn authority_key_file(&self) -> PathBuf {
        self.0.join("ca.key")
    }

    fn certificate_file(&self) -> PathBuf {
        self.0.join("node.pem")
    }

    fn key_file(&self) -> PathBuf {
        self.0.join("node.key")
    }

    /// For clients, or for members and those who want to join.
    pub fn server(&self, demand: Demand) -> ServerFiles {
        ServerFiles {
            certificate: self.certificate_file(),
            key: self.key_file(),
            authorities: Some(self.authority_file()),
            demand,
        }
    }

    /// For connections to the cluster.
    pub fn client(&self) -> ClientFiles {
        ClientFiles {
            authorities: Some(self.authority_file()),
            identity: Some((self.certificate_file(), self.key_file())),
            unverified: false,
        }
    }

    /// Keeps a new authority.
    pub fn found(&self, authority: &Authority) -> Result<(), FolderError> {
        self.make()?;
        self.write(self.authority_key_file(), &authority.key_pem())?;
        self.write(self.authority_file(), authority.certificate_pem())
    }

    /// The authority, if this machine has its key.
    pub fn authority(&self) -> Result<Option<Authority>, FolderError> {
        let path = self.authority_key_file();
        let Some(key) = self.read(&path)? else {
            return Ok(None);
        };
        let certificate = self.authority_pem()?;
        Authority::load(&certificate, &key)
            .map(Some)
            .map_err(|source| FolderError::Authority { path, source })
    }

    pub fn has_authority_key(&self) -> bool {
        self.authority_key_file().exists()
    }

    /// Keeps the authority's key that another member handed over, if it is the one.
    pub fn keep_authority_key(&self, key_pem: &str) -> Result<(), FolderError> {
        Authority::load(&self.authority_pem()?, key_pem)?;
        self.write(self.authority_key_file(), key_pem)
    }

    pub fn forget_authority_key(&self) -> Result<(), FolderError> {
        let path = self.authority_key_file();
        match disk::remove(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(FolderError::File {
                what: "remove",
                path,
                source,
            }),
            _ => Ok(()),
        }
    }

    /// The authority's certificate.
    pub fn authority_pem(&self) -> Result<String, FolderError> {
        let path = self.authority_file();
        let found = self.read(&path)?;
        found.ok_or_else(|| FolderError::File {
            what: "read",
            source: io::ErrorKind::NotFound.into(),
            path,
        })
    }

    /// The same in its binary form: what tokens pin.
    pub fn authority_der(&self) -> Result<Vec<u8>, FolderError> {
        let mut found = self.certificates(&self.authority_file(), &self.authority_pem()?)?;
        Ok(found.swap_remove(0))
    }

    /// What this node's certificate says, if it has one.
    pub fn node(&self) -> Result<Option<Certificate>, FolderError> {
        let path = self.certificate_file();
        let Some(text) = self.read(&path)? else {
            return Ok(None);
        };
        let found = self.certificates(&path, &text)?;
        certificate::read(&found[0])
            .map(Some)
            .map_err(|source| FolderError::Certificate { path, source })
    }

    /// A request to certify this node's key, which is made if there is none.
    pub fn request(&self) -> Result<String, FolderError> {
        self.make()?;
        let path = self.key_file();
        let kept = self.read(&path)?;
        let made = request_for(kept.as_deref())?;
        if kept.is_none() {
            self.write(path, &made.key_pem)?;
        }
        Ok(made.request_pem)
    }

    /// Certifies this node's key, on a machine that has the authority's.
    pub fn certify(&self, authority: &Authority, grant: &Grant) -> Result<(), FolderError> {
        let signed = authority.sign(&self.request()?, grant)?;
        self.write(self.certificate_file(), &signed)
    }

    /// Keeps what the cluster answered to [`Self::request`]. A machine that has an authority
    /// already, or was told which one to expect, takes no other.
    pub fn keep(
        &self,
        authority_pem: &str,
        certificate_pem: &str,
        expected: Fingerprint,
    ) -> Result<(), FolderError> {
        let (path, own) = (self.authority_file(), self.certificate_file());
        let found = Fingerprint::of(&self.certificates(&path, authority_pem)?[0]);
        if found != expected {
            return Err(FolderError::OtherAuthority { found, expected });
        }
        self.certificates(&own, certificate_pem)?;
        self.write(own, certificate_pem)?;
        self.write(path, authority_pem)
    }

    pub fn fingerprint(&self) -> Result<Fingerprint, FolderError> {
        Ok(Fingerprint::of(&self.authority_der()?))
    }

    fn make(&self) -> Result<(), FolderError> {
        let made = disk::create_directories(&self.0);
        made.map_err(|source| FolderError::File {
            what: "make",
            path: self.0.clone(),
            source,
        })
    }

    fn certificates(&self, path: &Path, text: &str) -> Result<Vec<Vec<u8>>, FolderError> {
        let found = certificate::from_pem(text.as_bytes());
        found.map_err(|source| FolderError::Certificate {
            path: path.to_owned(),
            source,
        })
    }

    fn read(&self, path: &Path) -> Result<Option<String>, FolderError> {
        let failed = |source| FolderError::File {
            what: "read",
            path: path.to_owned(),
            source,
        };
        match disk::read(path, FILE_BYTES_MAX) {
            Ok(bytes) => String::from_utf8(bytes)
                .map(Some)
                .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn write(&self, path: PathBuf, text: &str) -> Result<(), FolderError> {
        let written = disk::write_atomically(&path, text.as_bytes());
        written.map_err(|source| FolderError::File {
            what: "write",
            path,
            source,
        })
    }
}

/// Seconds since 1970.
pub fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;
    use crate::core::cluster::trust::Bearer;

    fn grant() -> Grant {
        Grant {
            bearer: Bearer::node("m1").expect("a name"),
            hosts: vec!["127.0.0.1".to_owned()],
            now: SystemTime::now(),
            validity: Duration::from_secs(60),
        }
    }

    #[test]
    fn what_is_founded_is_found_again_and_is_for_this_user_alone() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        let folder = TrustFolder::of(scratch.path());
        assert!(!folder.is_there());
        let authority = Authority::found("a", SystemTime::now()).expect("made");
        folder.found(&authority).expect("kept");
        folder.certify(&authority, &grant()).expect("certified");
        let found = folder.authority().expect("reads").expect("has the key");
        assert_eq!(found.fingerprint(), authority.fingerprint());
        let node = folder.node().expect("reads").expect("is there");
        assert_eq!(node.bearer, Some(grant().bearer));
        for name in ["ca.key", "node.key"] {
            let file = folder.path().join(name).metadata().expect("is there");
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
        }
        let mode = folder.path().metadata().expect("is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o700);
    }

    #[test]
    fn joined_node_keeps_its_key_and_takes_the_expected_authority_only() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        let folder = TrustFolder::of(scratch.path());
        let [ours, other] =
            ["a", "b"].map(|name| Authority::found(name, SystemTime::now()).expect("made"));
        let asked = folder.request().expect("made");
        let signed = ours.sign(&asked, &grant()).expect("signed");
        let kept = folder.keep(other.certificate_pem(), &signed, ours.fingerprint());
        assert!(matches!(kept, Err(FolderError::OtherAuthority { .. })));
        assert!(!folder.is_there());
        folder
            .keep(ours.certificate_pem(), &signed, ours.fingerprint())
            .expect("kept");
        let key = std::fs::read(folder.key_file()).expect("is there");
        folder.request().expect("made again");
        assert_eq!(std::fs::read(folder.key_file()).expect("is there"), key);
        assert!(folder.authority().expect("reads").is_none());
        assert!(folder.keep_authority_key(&other.key_pem()).is_err());
        folder.keep_authority_key(&ours.key_pem()).expect("kept");
        assert!(folder.authority().expect("reads").is_some());
    }
}
