//! TLS as the command line wants it, with etcdctl's words for what it does not take.

use std::path::Path;

use crate::adapter::local;
use crate::adapter::tls::{self, Client, ClientFiles, TlsError};
use crate::cli::tls::TlsFlags;
use crate::error::{Exit, Failure};
use crate::role::kv::session::{BAD_ARGUMENTS, Trouble};

/// What to speak with: to endpoints that say `https`, and whether to those that say nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Encryption {
    pub(super) client: Option<Client>,
    pub(super) is_usual: bool,
}

impl Encryption {
    /// Reads the files, if any of `endpoints` can need them.
    pub(super) fn of(
        flags: &TlsFlags,
        endpoints: &[String],
        imitating: bool,
    ) -> Result<Self, Trouble> {
        let is_wanted = endpoints.iter().any(|text| text.starts_with("https://"));
        if !flags.is_usual && !is_wanted {
            return Ok(Self::default());
        }
        let identity = match (&flags.certificate, &flags.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (certificate, key) => return Err(half(certificate.as_deref(), key.as_deref())),
        };
        let is_told = flags.authorities.is_some() || identity.is_some() || flags.unverified;
        let own = local::trust().filter(|_| !imitating && !is_told);
        let files = own.unwrap_or_else(|| ClientFiles {
            authorities: flags.authorities.clone(),
            identity,
            // etcdctl heeds it only where another flag asks for TLS.
            unverified: flags.unverified && (flags.is_usual || !imitating),
        });
        let client = Client::of_files(files).map_err(|error| unusable(&error))?;
        Ok(Self {
            client: Some(client),
            is_usual: flags.is_usual,
        })
    }
}

fn half(certificate: Option<&Path>, key: Option<&Path>) -> Trouble {
    let name = |path: Option<&Path>| path.map_or(String::new(), |path| path.display().to_string());
    let text = format!(
        "KeyFile and CertFile must both be present[key: {}, cert: {}]",
        name(key),
        name(certificate)
    );
    let (given, missing) = match key {
        None => ("--cert", "--key"),
        Some(_) => ("--key", "--cert"),
    };
    Trouble::misuse(BAD_ARGUMENTS, text).ours(
        format!("cannot use {given} alone"),
        format!("give {missing} too"),
    )
}

fn unusable(error: &TlsError) -> Trouble {
    let text = match error {
        TlsError::File { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
            format!("open {}: no such file or directory", path.display())
        }
        TlsError::Content { source, .. } if matches!(**source, TlsError::Mismatch) => {
            "tls: private key does not match public key".to_owned()
        }
        error => tls::chain(error),
    };
    let failure = Failure::new(
        Exit::USAGE,
        "cannot use the certificates",
        tls::chain(error),
    );
    let failure = match error {
        TlsError::NoSystemRoots => failure.hint("name the servers' authority with --cacert FILE"),
        _ => failure.hint("see --cacert, --cert and --key"),
    };
    Trouble::plain(failure, BAD_ARGUMENTS).imitated(BAD_ARGUMENTS, |_| text)
}
