//! The keys of certificates: what has to be given together, and with which URLs.
//!
//! An https:// URL without certificates is served with those of the cluster's own authority;
//! whether the data directory has them is for whoever looks at it.
//!
//! Whatever would leave a connection open to more than the user meant is refused, with the key that
//! is missing; files are not looked at here.

use std::path::PathBuf;

use crate::cli::config::reader::Reader;
use crate::cli::config::{ConfigError, Settings, TlsFiles, quoted};
use crate::cli::listen::{ListenUrl, Scheme};

/// The keys for one kind of connection.
struct Names {
    certificate: &'static str,
    key: &'static str,
    authorities: &'static str,
    demanded: &'static str,
}

const CLIENT: Names = Names {
    certificate: "cert-file",
    key: "key-file",
    authorities: "trusted-ca-file",
    demanded: "client-cert-auth",
};

const PEER: Names = Names {
    certificate: "peer-cert-file",
    key: "peer-key-file",
    authorities: "peer-trusted-ca-file",
    demanded: "peer-client-cert-auth",
};

impl Reader<'_> {
    pub(super) fn client_tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        self.files(&CLIENT)
    }

    pub(super) fn peer_tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        self.files(&PEER)
    }

    /// As etcd does, an authority alone demands certificates too.
    fn files(&self, names: &Names) -> Result<Option<TlsFiles>, ConfigError> {
        let demanded = self.switch(names.demanded)?;
        let path = |name| {
            let text = self.text(name).filter(|text| !text.is_empty());
            text.map(PathBuf::from)
        };
        let missing = |given, missing, what| {
            let why = format!("{what}: give --{missing} too");
            Err(self.refused(given, why))
        };
        let authorities = path(names.authorities);
        match (path(names.certificate), path(names.key)) {
            (Some(_), None) => missing(names.certificate, names.key, "its key is missing"),
            (None, Some(_)) => missing(names.key, names.certificate, "its certificate is missing"),
            (None, None) if authorities.is_some() => missing(
                names.authorities,
                names.certificate,
                "nothing is served with TLS without a certificate",
            ),
            _ if demanded && authorities.is_none() => missing(
                names.demanded,
                names.authorities,
                "whose certificates are good is not said",
            ),
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
                certificate,
                key,
                authorities,
            })),
        }
    }

    /// What URLs and certificates want of each other.
    pub(super) fn urls_fit_certificates(&self, settings: &Settings) -> Result<(), ConfigError> {
        let clients = [
            ("listen-client-urls", &settings.listen_client),
            ("listen-metrics-urls", &settings.listen_metrics),
        ];
        let peers = [("listen-peer-urls", &settings.listen_peer)];
        self.certified(&CLIENT, settings.client_tls.as_ref(), &clients)?;
        self.certified(&PEER, settings.peer_tls.as_ref(), &peers)?;
        for (listened, told, advertised) in [
            (
                "advertise-client-urls",
                &settings.advertise_client,
                &settings.listen_client,
            ),
            (
                "initial-advertise-peer-urls",
                &settings.advertise_peer,
                &settings.listen_peer,
            ),
        ] {
            let plain = told.iter().find(|url| url.starts_with("http://"));
            if let Some(url) = plain
                && !advertised.is_empty()
                && advertised.iter().all(is_secure)
            {
                let why = format!("{url} is told, and only TLS is served: write https://");
                return Err(self.refused(listened, why));
            }
        }
        if let Some(join) = &settings.joining.join
            && join.urls.iter().all(|url| url.starts_with("https://"))
            && let Some(plain) = settings.listen_peer.iter().find(|url| !is_secure(url))
        {
            let why = format!("{plain} is without TLS, and the cluster has it: write https://");
            return Err(self.refused("listen-peer-urls", why));
        }
        let open = settings.peer_tls.as_ref();
        if open.is_some_and(|files| files.authorities.is_none()) && !settings.insecure {
            let why = "whoever reaches it could pass for a member: give --peer-trusted-ca-file \
                       too, or accept it with --insecure";
            return Err(self.refused(PEER.certificate, why.to_owned()));
        }
        Ok(())
    }

    fn certified(
        &self,
        names: &Names,
        files: Option<&TlsFiles>,
        urls: &[(&'static str, &Vec<ListenUrl>)],
    ) -> Result<(), ConfigError> {
        let secure = urls.iter().any(|(_, urls)| urls.iter().any(is_secure));
        match (files, secure) {
            (Some(_), false) => {
                let why = format!(
                    "it would not be used, as nothing is served with TLS: write https:// in --{}",
                    urls[0].0
                );
                Err(self.refused(names.certificate, why))
            }
            _ => Ok(()),
        }
    }

    fn refused(&self, name: &'static str, why: String) -> ConfigError {
        ConfigError::Value {
            origin: self.origin(name),
            why,
        }
    }
}

/// The keys with their values, as in the file.
pub(super) fn lines(settings: &Settings) -> String {
    let sides = [(&CLIENT, &settings.client_tls), (&PEER, &settings.peer_tls)];
    let lines = sides.map(|(names, files)| {
        let path = |path: Option<&PathBuf>| {
            quoted(&path.map_or(String::new(), |path| path.display().to_string()))
        };
        let files = files.as_ref();
        let authorities = files.and_then(|files| files.authorities.as_ref());
        [
            (
                names.certificate,
                path(files.map(|files| &files.certificate)),
            ),
            (names.key, path(files.map(|files| &files.key))),
            (names.authorities, path(authorities)),
            (names.demanded, authorities.is_some().to_string()),
        ]
    });
    let lines = lines.as_flattened().iter();
    let lines: Vec<String> = lines
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    lines.join("\n")
}

fn is_secure(url: &ListenUrl) -> bool {
    url.scheme == Scheme::Https
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::cli::config::{Settings, TlsFiles};
    use crate::core::paths::User;

    fn load(flags: &[(&str, &str)]) -> Result<Settings, String> {
        let flags = flags.iter();
        let mut flags: BTreeMap<String, String> = flags
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let here = "/tmp/coracle".to_owned();
        flags.entry("data-dir".to_owned()).or_insert(here);
        Settings::load(&flags, &BTreeMap::new(), None, User::Root)
            .map_err(|error| error.to_string())
    }

    /// The flags, the one that is refused, and what is said of it.
    type Case = (
        &'static [(&'static str, &'static str)],
        &'static str,
        &'static str,
    );

    const SERVED: (&str, &str) = ("listen-client-urls", "https://0.0.0.0:2379");
    const CERTIFICATE: (&str, &str) = ("cert-file", "c");
    const KEY: (&str, &str) = ("key-file", "k");

    #[test]
    fn https_beyond_this_machine_is_served_with_a_certificate() {
        let settings = load(&[SERVED, CERTIFICATE, KEY]).expect("loads");
        assert_eq!(
            settings.client_tls,
            Some(TlsFiles {
                certificate: "c".into(),
                key: "k".into(),
                authorities: None,
            })
        );
    }

    #[test]
    fn https_without_certificates_is_left_to_those_of_the_cluster() {
        let settings = load(&[SERVED, ("listen-peer-urls", "https://10.0.0.1:1")]).expect("loads");
        assert_eq!((settings.client_tls, settings.peer_tls), (None, None));
        let joins = load(&[("join", "https://db1:2380")]).expect("loads");
        assert_eq!(joins.listen_peer[0].to_string(), "https://127.0.0.1:2380");
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_what_is_missing() {
        let cases: &[Case] = &[
            (&[SERVED, CERTIFICATE], "cert-file", "give --key-file too"),
            (&[SERVED, KEY], "key-file", "give --cert-file too"),
            (
                &[CERTIFICATE, KEY],
                "cert-file",
                "write https:// in --listen-client-urls",
            ),
            (
                &[("trusted-ca-file", "a")],
                "trusted-ca-file",
                "give --cert-file too",
            ),
            (
                &[SERVED, CERTIFICATE, KEY, ("client-cert-auth", "true")],
                "client-cert-auth",
                "give --trusted-ca-file too",
            ),
            (
                &[
                    SERVED,
                    CERTIFICATE,
                    KEY,
                    ("advertise-client-urls", "http://db1:2379"),
                ],
                "advertise-client-urls",
                "write https://",
            ),
            (
                &[
                    ("join", "https://db1:2380"),
                    ("listen-peer-urls", "http://127.0.0.1:1"),
                ],
                "listen-peer-urls",
                "write https://",
            ),
            (
                &[
                    ("listen-peer-urls", "https://127.0.0.1:1"),
                    ("peer-cert-file", "c"),
                    ("peer-key-file", "k"),
                ],
                "peer-cert-file",
                "give --peer-trusted-ca-file too",
            ),
            (
                &[
                    ("listen-peer-urls", "http://10.0.0.1:1"),
                    SERVED,
                    CERTIFICATE,
                    KEY,
                ],
                "listen-peer-urls",
                "without TLS",
            ),
        ];
        for (flags, name, expected) in cases {
            let why = load(flags).expect_err(expected);
            assert!(why.starts_with(&format!("--{name}: ")), "{why}");
            assert!(why.contains(expected), "{why}");
        }
    }
}
