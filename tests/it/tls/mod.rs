//! TLS with real processes: who is served, who is refused, and what either side then says.

mod clients;
mod managed;
mod peers;
mod start;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use coracle::adapter::authority::{Authority, Grant, request};
use coracle::core::cluster::trust::Bearer;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// An authority and what it signs, as files.
pub(crate) struct Certificates {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Certificates {
    /// An authority with `ca.pem`, and `node` and `client` with their keys.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("scratch folder");
        let authority = Authority::found("tested", SystemTime::now()).expect("made");
        fs::write(folder.path().join("ca.pem"), authority.certificate_pem()).expect("written");
        let made = Self { folder, authority };
        made.node("node", &["127.0.0.1", "localhost"], SystemTime::now());
        made.sign("client", Bearer::client("root"), &[], SystemTime::now());
        made
    }

    pub(crate) fn node(&self, name: &str, hosts: &[&str], now: SystemTime) {
        self.sign(name, Bearer::node(name), hosts, now);
    }

    fn sign<E: std::fmt::Debug>(
        &self,
        name: &str,
        bearer: Result<Bearer, E>,
        hosts: &[&str],
        now: SystemTime,
    ) {
        let asked = request().expect("made");
        let grant = Grant {
            bearer: bearer.expect("a name"),
            hosts: hosts.iter().map(ToString::to_string).collect(),
            now,
            validity: HOUR,
        };
        let signed = self.authority.sign(&asked.request_pem, &grant);
        fs::write(self.path(&format!("{name}.key")), asked.key_pem).expect("written");
        fs::write(self.path(&format!("{name}.pem")), signed.expect("signed")).expect("written");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text, for a command line.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A daemon's or etcd's flags for certificates, `prefix` being empty or `peer-`.
    pub(crate) fn server_flags(&self, prefix: &str, name: &str) -> Vec<String> {
        vec![
            format!("--{prefix}cert-file"),
            self.file(&format!("{name}.pem")),
            format!("--{prefix}key-file"),
            self.file(&format!("{name}.key")),
        ]
    }

    /// As [`Self::server_flags`], for those only who have a certificate too.
    pub(crate) fn mutual_flags(&self, prefix: &str, name: &str) -> Vec<String> {
        let mut flags = self.server_flags(prefix, name);
        flags.extend([format!("--{prefix}trusted-ca-file"), self.file("ca.pem")]);
        flags
    }
}
