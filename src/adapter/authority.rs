//! The cluster's certificate authority: makes keys, asks for certificates and signs them.
//!
//! - Keys are ECDSA on P-256, which every TLS library speaks, Go's among them.
//! - What a request says of itself is not heeded: a certificate says what the [`Grant`] says. The
//!   request only proves that whoever asks holds the key.
//! - Nothing here touches a file: keys come and go as text.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
    SanType, SerialNumber,
};
use thiserror::Error;

use crate::adapter::certificate::{self, CertificateError};
use crate::adapter::host;
use crate::core::cluster::trust::{BACKDATED_S, Bearer, Fingerprint, is_host_name};

/// How long an authority lasts: replacing it means handing a new one to every client.
pub const AUTHORITY_VALIDITY: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);
/// Certificates begin to be valid before they are made: clocks differ.
pub const BACKDATED: Duration = Duration::from_secs(BACKDATED_S.cast_unsigned());

#[derive(Debug, Error)]
pub enum AuthorityError {
    #[error("cannot make a key: {0}")]
    Key(rcgen::Error),
    #[error("cannot make the certificate: {0}")]
    Make(rcgen::Error),
    #[error("the key cannot be read: {0}")]
    OwnKey(rcgen::Error),
    #[error("the authority's certificate cannot be used: {0}")]
    OwnCertificate(#[from] CertificateError),
    #[error("the authority's certificate cannot be used: {0}")]
    OwnIssuer(rcgen::Error),
    #[error("the authority's certificate and its key do not belong together")]
    Mismatch,
    #[error("the authority's certificate may not sign others")]
    NoAuthority,
    #[error("the request for a certificate is refused: {0}")]
    Request(rcgen::Error),
    #[error("{0:?} cannot be in a certificate: give an address or a name of a machine")]
    Host(String),
}

/// A certificate of its own and the key that signs others.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    fingerprint: Fingerprint,
}

/// A fresh key and the request to certify it.
pub struct KeyRequest {
    /// The private key, which never leaves the machine.
    pub key_pem: String,
    pub request_pem: String,
}

/// What a certificate will say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub bearer: Bearer,
    /// The names and addresses where the machine is reached; a client needs none.
    pub hosts: Vec<String>,
    pub now: SystemTime,
    pub validity: Duration,
}

/// Makes a key for a new certificate.
pub fn request() -> Result<KeyRequest, AuthorityError> {
    request_for(None)
}

/// Asks for a certificate of a key that there is, or of one that is made.
pub fn request_for(key_pem: Option<&str>) -> Result<KeyRequest, AuthorityError> {
    let key = match key_pem {
        Some(text) => KeyPair::from_pem(text).map_err(AuthorityError::OwnKey)?,
        None => KeyPair::generate().map_err(AuthorityError::Key)?,
    };
    let mut request = CertificateParams::default();
    // Whoever signs says what stands here.
    request.distinguished_name = DistinguishedName::new();
    let request = request
        .serialize_request(&key)
        .and_then(|request| request.pem())
        .map_err(AuthorityError::Make)?;
    Ok(KeyRequest {
        key_pem: key.serialize_pem(),
        request_pem: request,
    })
}

impl Authority {
    /// Makes an authority that begins to be valid shortly before `now`.
    pub fn found(name: &str, now: SystemTime) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate().map_err(AuthorityError::Key)?;
        let mut parameters = parameters(name, now, AUTHORITY_VALIDITY);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let made = parameters.self_signed(&key).map_err(AuthorityError::Make)?;
        Ok(Self {
            fingerprint: Fingerprint::of(made.der()),
            certificate_pem: made.pem(),
            issuer: Issuer::new(parameters, key),
        })
    }

    /// An authority that was kept as two texts.
    pub fn load(certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(key_pem).map_err(AuthorityError::OwnKey)?;
        let found = certificate::from_pem(certificate_pem.as_bytes())?;
        let der = found.into_iter().next().ok_or(CertificateError::None)?;
        if certificate::public_key(&der)? != key.subject_public_key_info() {
            return Err(AuthorityError::Mismatch);
        }
        if !certificate::read(&der)?.is_authority {
            return Err(AuthorityError::NoAuthority);
        }
        let issuer = Issuer::from_ca_cert_pem(certificate_pem, key);
        Ok(Self {
            issuer: issuer.map_err(AuthorityError::OwnIssuer)?,
            certificate_pem: certificate_pem.to_owned(),
            fingerprint: Fingerprint::of(&der),
        })
    }

    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key: for a file that only this user can read, or for another member.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// What a join token pins.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Certifies the key of a request. The answer holds the new certificate and the authority's own
    /// after it, which is what a server has to send to those who know a fingerprint only.
    pub fn sign(&self, request_pem: &str, grant: &Grant) -> Result<String, AuthorityError> {
        let mut request = CertificateSigningRequestParams::from_pem(request_pem)
            .map_err(AuthorityError::Request)?;
        let mut parameters = parameters(grant.bearer.name(), grant.now, grant.validity);
        parameters.subject_alt_names = alternative_names(grant)?;
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = match grant.bearer {
            Bearer::Node(_) => vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ],
            Bearer::Client(_) => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        request.params = parameters;
        let made = request
            .signed_by(&self.issuer)
            .map_err(AuthorityError::Make)?;
        Ok(made.pem() + &self.certificate_pem)
    }
}

/// What every certificate has.
fn parameters(name: &str, now: SystemTime, validity: Duration) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    let serial = [host::random_u64(), host::random_u64()].map(u64::to_be_bytes);
    let mut serial = serial.concat();
    // A positive number, whatever was drawn.
    serial[0] &= 0x7f;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = subject;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = (now - BACKDATED).into();
    parameters.not_after = (now + validity).into();
    parameters
}

fn alternative_names(grant: &Grant) -> Result<Vec<SanType>, AuthorityError> {
    let uri = grant.bearer.to_string().try_into();
    let mut names = vec![SanType::URI(uri.map_err(AuthorityError::Make)?)];
    for host in &grant.hosts {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = match bare.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) if is_host_name(bare) => {
                let name = bare.try_into();
                SanType::DnsName(name.map_err(|_| AuthorityError::Host(host.clone()))?)
            }
            Err(_) => return Err(AuthorityError::Host(host.clone())),
        };
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn grant(bearer: Bearer, hosts: &[&str]) -> Grant {
        Grant {
            bearer,
            hosts: hosts.iter().map(ToString::to_string).collect(),
            now: SystemTime::UNIX_EPOCH + 10_000 * DAY,
            validity: DAY,
        }
    }

    fn founded() -> Authority {
        Authority::found("a cluster", SystemTime::now()).expect("made")
    }

    #[test]
    fn certificate_says_what_was_granted() {
        let authority = founded();
        let asked = request().expect("made");
        let node = Bearer::node("m1").expect("a name");
        let hosts = ["10.0.0.1", "[::1]", "db1.example"];
        let signed = authority.sign(&asked.request_pem, &grant(node.clone(), &hosts));
        let chain = certificate::from_pem(signed.expect("signed").as_bytes()).expect("PEM");
        let [own, issuer] = chain.as_slice() else {
            panic!("the certificate and its issuer: {}", chain.len());
        };
        assert_eq!(Fingerprint::of(issuer), authority.fingerprint());
        let own = certificate::read(own).expect("read");
        assert_eq!(own.bearer, Some(node));
        assert_eq!(own.common_name.as_deref(), Some("m1"));
        assert_eq!(own.hosts, ["10.0.0.1", "::1", "db1.example"]);
        assert_eq!(own.until_s - own.from_s, 25 * 60 * 60);
        assert!(own.is_for_servers && !own.is_authority);
    }

    #[test]
    fn client_certificate_serves_nobody() {
        let bearer = Bearer::client("root").expect("a name");
        let asked = request().expect("made");
        let signed = founded().sign(&asked.request_pem, &grant(bearer, &[]));
        let chain = certificate::from_pem(signed.expect("signed").as_bytes()).expect("PEM");
        assert!(!certificate::read(&chain[0]).expect("read").is_for_servers);
    }

    #[test]
    fn what_a_request_asks_for_is_not_heeded() {
        let key = KeyPair::generate().expect("made");
        let mut asked = CertificateParams::new(["evil.example".to_owned()]).expect("names");
        asked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let asked = asked.serialize_request(&key).expect("made");
        let bearer = Bearer::client("root").expect("a name");
        let signed = founded().sign(&asked.pem().expect("PEM"), &grant(bearer, &[]));
        let chain = certificate::from_pem(signed.expect("signed").as_bytes()).expect("PEM");
        let own = certificate::read(&chain[0]).expect("read");
        assert!(own.hosts.is_empty() && !own.is_authority);
    }

    #[test]
    fn request_with_a_broken_signature_is_refused() {
        let asked = request().expect("made").request_pem;
        let mut lines: Vec<String> = asked.lines().map(str::to_owned).collect();
        let at = lines.len() - 2;
        let last = lines[at].pop().expect("not empty");
        lines[at].insert(0, if last == 'A' { 'B' } else { 'A' });
        let bearer = Bearer::client("root").expect("a name");
        let refused = founded().sign(&lines.join("\n"), &grant(bearer, &[]));
        assert!(matches!(refused, Err(AuthorityError::Request(_))));
    }

    #[test]
    fn kept_authority_is_the_same() {
        let made = founded();
        let kept = Authority::load(made.certificate_pem(), &made.key_pem()).expect("loads");
        assert_eq!(kept.fingerprint(), made.fingerprint());
        let other = founded();
        let mixed = Authority::load(made.certificate_pem(), &other.key_pem());
        assert!(matches!(mixed, Err(AuthorityError::Mismatch)));
        let nothing = Authority::load("", &other.key_pem());
        assert!(matches!(nothing, Err(AuthorityError::OwnCertificate(_))));
    }

    #[test]
    fn star_and_nonsense_are_no_hosts() {
        let asked = request().expect("made");
        for host in ["*.example", "a b", "", "a..b", "http://a"] {
            let node = Bearer::node("m1").expect("a name");
            let refused = founded().sign(&asked.request_pem, &grant(node, &[host]));
            assert!(matches!(refused, Err(AuthorityError::Host(_))), "{host}");
        }
    }
}
