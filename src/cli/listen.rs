//! The URLs that a server listens on: `http://HOST:PORT` or `https://`, several with commas.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What is spoken at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS.
    Https,
}

/// An address to listen on; port 0 lets the system choose one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenUrl {
    pub scheme: Scheme,
    pub address: SocketAddr,
}

impl ListenUrl {
    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        self.address.ip().is_loopback()
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// Reads a list of URLs that may be empty, which says that there is none.
pub fn listen_urls_or_none(text: &str) -> Result<Vec<ListenUrl>, String> {
    match text {
        "" => Ok(Vec::new()),
        _ => listen_urls(text),
    }
}

/// Reads a list of URLs; says what would be right when one is not.
pub fn listen_urls(text: &str) -> Result<Vec<ListenUrl>, String> {
    text.split(',').map(|url| listen_url(url.trim())).collect()
}

/// Those of the URLs under which others may be told to come: beside one that other machines reach,
/// one of this machine alone would lead them to themselves.
pub fn reached(urls: &[String]) -> Vec<String> {
    let is_loopback =
        |url: &&String| listen_urls(url).is_ok_and(|urls| urls.iter().all(ListenUrl::is_loopback));
    let away: Vec<String> = urls
        .iter()
        .filter(|url| !is_loopback(url))
        .cloned()
        .collect();
    match away.is_empty() {
        true => urls.to_vec(),
        false => away,
    }
}

fn listen_url(url: &str) -> Result<ListenUrl, String> {
    let example = "write http://ADDRESS:PORT, such as http://127.0.0.1:2379";
    let (scheme, address) = match url.split_once("://") {
        Some(("http", address)) => (Scheme::Http, address),
        Some(("https", address)) => (Scheme::Https, address),
        _ => return Err(format!("{url:?} is no URL to listen on: {example}")),
    };
    let address = address.strip_suffix('/').unwrap_or(address);
    // The one name that needs no resolver.
    if let Some(port) = address
        .strip_prefix("localhost:")
        .and_then(|port| port.parse().ok())
    {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        return Ok(ListenUrl { scheme, address });
    }
    let address = address.parse();
    address
        .map(|address| ListenUrl { scheme, address })
        .map_err(|_| format!("{url:?} is no address and port: {example}"))
}

impl fmt::Display for ListenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_are_read() {
        let urls = listen_urls("http://127.0.0.1:0, https://[::1]:2379/,http://localhost:1");
        let shown: Vec<_> = urls
            .expect("are read")
            .iter()
            .map(ListenUrl::to_string)
            .collect();
        assert_eq!(
            shown,
            [
                "http://127.0.0.1:0",
                "https://[::1]:2379",
                "http://127.0.0.1:1"
            ]
        );
    }

    #[test]
    fn what_cannot_be_listened_on_is_named() {
        for url in [
            "",
            "127.0.0.1:1",
            "unix://127.0.0.1:1",
            "http://a:1",
            "http://127.0.0.1",
        ] {
            let why = listen_urls(url).expect_err(url);
            assert!(why.contains("write http://ADDRESS:PORT"), "{why}");
        }
    }

    #[test]
    fn others_are_told_of_this_machine_alone_only_where_it_is_alone() {
        let reached = |urls: &[&str]| {
            let urls: Vec<String> = urls.iter().map(ToString::to_string).collect();
            reached(&urls)
        };
        let (here, away) = ("http://127.0.0.1:1", "https://10.0.0.1:1");
        assert_eq!(reached(&[here, away]), [away]);
        assert_eq!(reached(&[here]), [here]);
    }

    #[test]
    fn only_loopback_is_loopback() {
        let loopback = |url: &str| listen_urls(url).expect(url)[0].is_loopback();
        assert!(loopback("http://127.9.9.9:1") && loopback("http://[::1]:1"));
        assert!(!loopback("http://0.0.0.0:1") && !loopback("http://[::]:1"));
    }
}
