//! Who a certificate speaks for, and which of its bearers may be the member that they say they are.
//!
//! A certificate of the cluster's own authority names its bearer in a URI, so that a client can
//! never pass for a node. One of another authority is what its addresses and usages say.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

const NODE_SCHEME: &str = "coracle:node:";
const CLIENT_SCHEME: &str = "coracle:client:";
/// The common name of a certificate may be no longer (RFC 5280, ub-common-name).
const NAME_BYTES_MAX: usize = 64;

/// Whom a certificate of the cluster's own authority is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bearer {
    /// A machine of the cluster, by its id.
    Node(String),
    /// Anybody else, by the name that permissions are given to.
    Client(String),
}

/// Certificates begin to be valid before they are made: clocks differ.
pub const BACKDATED_S: i64 = 60 * 60;

/// The SHA-256 of a certificate as it is sent: what a join token pins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

/// What a certificate says. That it is true is for whoever checked its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub common_name: Option<String>,
    /// None: not of the cluster's own authority.
    pub bearer: Option<Bearer>,
    /// The names and addresses of the machine, as text.
    pub hosts: Vec<String>,
    /// Seconds since 1970 from which it is valid.
    pub from_s: i64,
    /// Seconds since 1970 up to which it is valid.
    pub until_s: i64,
    /// Whether a server may use it.
    pub is_for_servers: bool,
    /// Whether it may sign others.
    pub is_authority: bool,
    pub fingerprint: Fingerprint,
}

/// Why a bearer cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error(
        "{0:?} cannot be in a certificate: write 1 to {NAME_BYTES_MAX} letters, digits, or any \
         of . _ - @"
    )]
    Name(String),
    #[error("{0:?} is no fingerprint: write 64 hexadecimal digits")]
    Fingerprint(String),
}

/// Why a caller is not the member that it says it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Impostor {
    #[error("it shows no certificate, and members talk to those with a node certificate only")]
    Nobody,
    #[error("its certificate is of {0}, and members talk to those with a node certificate only")]
    Client(String),
    #[error("its certificate is of machine {found:?}, and the member is machine {expected:?}")]
    OtherMachine { found: String, expected: String },
    #[error("its certificate is for {found}, and the member is reached at {expected}")]
    OtherHost { found: String, expected: String },
}

/// What is known of a member without its certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownAs<'a> {
    /// None: not told yet.
    pub machine: Option<&'a str>,
    /// The hosts of its peer URLs; empty: not told yet.
    pub hosts: Vec<&'a str>,
}

impl Bearer {
    pub fn node(machine: &str) -> Result<Self, TrustError> {
        checked(machine).map(Self::Node)
    }

    pub fn client(name: &str) -> Result<Self, TrustError> {
        checked(name).map(Self::Client)
    }

    /// Reads the URI of a certificate; none if it is not one of ours.
    pub fn read(uri: &str) -> Option<Self> {
        if let Some(machine) = uri.strip_prefix(NODE_SCHEME) {
            return Self::node(machine).ok();
        }
        Self::client(uri.strip_prefix(CLIENT_SCHEME)?).ok()
    }

    /// The machine's id or the client's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Node(name) | Self::Client(name) => name,
        }
    }
}

fn checked(name: &str) -> Result<String, TrustError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    match (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain) {
        true => Ok(name.to_owned()),
        false => Err(TrustError::Name(name.to_owned())),
    }
}

/// As it stands in a certificate.
impl fmt::Display for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(machine) => write!(f, "{NODE_SCHEME}{machine}"),
            Self::Client(name) => write!(f, "{CLIENT_SCHEME}{name}"),
        }
    }
}

impl Fingerprint {
    /// Of a certificate in its binary form.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = TrustError;

    fn from_str(text: &str) -> Result<Self, TrustError> {
        let wrong = || TrustError::Fingerprint(text.to_owned());
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
            .collect();
        let digits = digits
            .filter(|digits| digits.len() == 64)
            .ok_or_else(wrong)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(bytes))
    }
}

impl Certificate {
    /// Whether it is valid for a machine that is reached at `host`: a name or an address, an IPv6
    /// address with or without its brackets.
    pub fn is_for(&self, host: &str) -> bool {
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        self.hosts.iter().any(|own| covers(own, bare))
    }

    /// When a new one is to be had, in seconds since 1970: after two thirds of its time, so that
    /// the cluster may be down for the rest.
    pub fn due_s(&self) -> i64 {
        let made_s = self.from_s.saturating_add(BACKDATED_S);
        let left_s = self.until_s.saturating_sub(made_s).max(0) / 3;
        self.until_s - left_s
    }

    /// Whether it is of this bearer and for all of `hosts`.
    pub fn says(&self, bearer: &Bearer, hosts: &[String]) -> bool {
        self.bearer.as_ref() == Some(bearer) && hosts.iter().all(|host| self.is_for(host))
    }

    /// Whether its bearer may be the member that is known as `known`. What is not known yet cannot
    /// be checked: a new member is reached before it has been told who the others are.
    pub fn admits(&self, known: &KnownAs<'_>) -> Result<(), Impostor> {
        match (&self.bearer, known.machine) {
            (Some(Bearer::Client(name)), _) => {
                return Err(Impostor::Client(format!("client {name:?}")));
            }
            (Some(Bearer::Node(found)), Some(expected)) if found != expected => {
                return Err(Impostor::OtherMachine {
                    found: found.clone(),
                    expected: expected.to_owned(),
                });
            }
            // The machine is what is bound; its addresses may change.
            (Some(Bearer::Node(_)), Some(_)) => return Ok(()),
            (None, _) if !self.is_for_servers => {
                let name = self.common_name.as_deref().unwrap_or_default();
                return Err(Impostor::Client(format!("{name:?}, for clients only")));
            }
            _ => {}
        }
        match known.hosts.is_empty() || known.hosts.iter().any(|host| self.is_for(host)) {
            true => Ok(()),
            false => Err(Impostor::OtherHost {
                found: self.hosts.join(", "),
                expected: known.hosts.join(", "),
            }),
        }
    }
}

/// Whether it is a host name (RFC 1123); a star would stand for machines that nobody vouched for.
pub fn is_host_name(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_plain);
    host.len() <= 253 && host.split('.').all(is_label)
}

/// Whether a name of a certificate covers `host`; `*` stands for one whole first label (RFC 6125).
fn covers(name: &str, host: &str) -> bool {
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(domain), Some((label, rest))) => {
            !label.is_empty() && domain.eq_ignore_ascii_case(rest)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(bearer: Option<Bearer>, hosts: &[&str]) -> Certificate {
        Certificate {
            common_name: Some("db1".to_owned()),
            bearer,
            hosts: hosts.iter().map(ToString::to_string).collect(),
            from_s: 0,
            until_s: 1,
            is_for_servers: true,
            is_authority: false,
            fingerprint: Fingerprint::of(b""),
        }
    }

    #[test]
    fn bearer_survives_its_text() {
        for bearer in [Bearer::node("0a1b-c"), Bearer::client("root@db1.example")] {
            let bearer = bearer.expect("a name");
            assert_eq!(Bearer::read(&bearer.to_string()), Some(bearer));
        }
        for other in ["spiffe://a/b", "coracle:node:", "coracle:client:a b", ""] {
            assert_eq!(Bearer::read(other), None, "{other}");
        }
        assert!(Bearer::node(&"a".repeat(65)).is_err());
    }

    #[test]
    fn fingerprint_survives_its_text() {
        let fingerprint = Fingerprint::of(b"a");
        let text = fingerprint.to_string();
        assert_eq!(text.parse(), Ok(fingerprint));
        assert_eq!(text.to_uppercase().parse(), Ok(fingerprint));
        for wrong in ["", "0g", &text[1..], &format!("{text}0")] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn star_stands_for_one_label() {
        let certificate = certificate(None, &["*.example.org", "::1", "10.0.0.1"]);
        for host in ["a.example.org", "A.EXAMPLE.org", "[::1]", "::1", "10.0.0.1"] {
            assert!(certificate.is_for(host), "{host}");
        }
        for host in ["example.org", "a.b.example.org", ".example.org", "10.0.0.2"] {
            assert!(!certificate.is_for(host), "{host}");
        }
    }

    #[test]
    fn certificate_is_due_after_two_thirds_of_its_time() {
        let due = |from_s, until_s| {
            let certificate = Certificate {
                from_s,
                until_s,
                ..certificate(None, &[])
            };
            certificate.due_s()
        };
        assert_eq!(due(-BACKDATED_S, 90), 60);
        assert_eq!(due(1_000, 1_000), 1_000);
    }

    #[test]
    fn certificate_says_who_and_where_as_a_whole() {
        let [m1, m2] = ["m1", "m2"].map(|name| Bearer::node(name).expect("a name"));
        let node = certificate(Some(m1.clone()), &["db1", "::1"]);
        let hosts = |hosts: &[&str]| hosts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(node.says(&m1, &hosts(&["DB1", "[::1]"])));
        assert!(!node.says(&m1, &hosts(&["db1", "db2"])));
        assert!(!node.says(&m2, &hosts(&[])));
    }

    #[test]
    fn client_is_no_member() {
        let ours = certificate(Bearer::client("root").ok(), &[]);
        assert_eq!(
            ours.admits(&KnownAs::default()),
            Err(Impostor::Client("client \"root\"".to_owned()))
        );
        let foreign = Certificate {
            is_for_servers: false,
            ..certificate(None, &["10.0.0.1"])
        };
        let refused = foreign.admits(&KnownAs::default());
        assert!(matches!(refused, Err(Impostor::Client(_))), "{refused:?}");
    }

    #[test]
    fn node_is_the_machine_in_its_certificate_wherever_it_is() {
        let node = certificate(Bearer::node("m1").ok(), &["10.0.0.1"]);
        let known = |machine, host| KnownAs {
            machine: Some(machine),
            hosts: vec![host],
        };
        assert_eq!(node.admits(&known("m1", "10.0.0.2")), Ok(()));
        let refused = node.admits(&known("m2", "10.0.0.1"));
        assert!(matches!(refused, Err(Impostor::OtherMachine { .. })));
    }

    #[test]
    fn member_without_a_machine_is_where_its_certificate_says() {
        let certificate = certificate(None, &["10.0.0.1", "db1"]);
        let at = |hosts: &[&'static str]| KnownAs {
            machine: None,
            hosts: hosts.to_vec(),
        };
        assert_eq!(certificate.admits(&at(&["192.168.0.1", "db1"])), Ok(()));
        assert_eq!(certificate.admits(&at(&[])), Ok(()));
        let refused = certificate.admits(&at(&["10.0.0.2"]));
        assert!(matches!(refused, Err(Impostor::OtherHost { .. })));
    }
}
