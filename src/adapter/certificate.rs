//! Reading X.509 certificates: the one place that knows their encoding. Signatures are checked
//! where certificates are used; nothing here trusts anything.

use std::net::IpAddr;

use thiserror::Error;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::core::cluster::trust::{Bearer, Certificate, Fingerprint};

/// The label of a certificate in a PEM file.
const LABEL: &str = "CERTIFICATE";

/// Why no certificate could be read.
#[derive(Debug, Error)]
pub enum CertificateError {
    #[error("it holds no certificate: a PEM file has a line -----BEGIN CERTIFICATE-----")]
    None,
    #[error("it is no PEM file: {0}")]
    Pem(x509_parser::error::PEMError),
    #[error("it holds a certificate that cannot be read: {0}")]
    Encoding(String),
}

/// The certificates of a PEM file in their binary form, in order; at least one. What else the file
/// holds, a key perhaps, is passed over.
pub fn from_pem(text: &[u8]) -> Result<Vec<Vec<u8>>, CertificateError> {
    let mut found = Vec::new();
    for block in Pem::iter_from_buffer(text) {
        match block {
            Ok(block) if block.label == LABEL => found.push(block.contents),
            Ok(_) => {}
            Err(x509_parser::error::PEMError::MissingHeader) => break,
            Err(error) => return Err(CertificateError::Pem(error)),
        }
    }
    match found.is_empty() {
        true => Err(CertificateError::None),
        false => Ok(found),
    }
}

/// What a certificate in its binary form says.
pub fn read(der: &[u8]) -> Result<Certificate, CertificateError> {
    let parsed = parse(der)?;
    let common_name = parsed
        .subject()
        .iter_common_name()
        .find_map(|name| name.as_str().ok())
        .map(str::to_owned);
    let mut certificate = Certificate {
        common_name,
        bearer: None,
        hosts: Vec::new(),
        from_s: parsed.validity().not_before.timestamp(),
        until_s: parsed.validity().not_after.timestamp(),
        // Whoever does not say what it is for may use it for anything (RFC 5280, 4.2.1.12).
        is_for_servers: true,
        is_authority: parsed.is_ca(),
        fingerprint: Fingerprint::of(der),
    };
    for extension in parsed.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                for name in &names.general_names {
                    note(name, &mut certificate);
                }
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                certificate.is_for_servers = usage.any || usage.server_auth;
            }
            _ => {}
        }
    }
    Ok(certificate)
}

/// The public key of a certificate, with its algorithm, in the encoding of X.509.
pub fn public_key(der: &[u8]) -> Result<Vec<u8>, CertificateError> {
    Ok(parse(der)?.public_key().raw.to_vec())
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, CertificateError> {
    let (rest, parsed) = X509Certificate::from_der(der)
        .map_err(|error| CertificateError::Encoding(error.to_string()))?;
    match rest.is_empty() {
        true => Ok(parsed),
        false => Err(CertificateError::Encoding(format!(
            "{} bytes follow it",
            rest.len()
        ))),
    }
}

fn note(name: &GeneralName<'_>, certificate: &mut Certificate) {
    match name {
        GeneralName::DNSName(name) => certificate.hosts.push((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            if let Ok(address) = v4.or_else(|_| v6()) {
                certificate.hosts.push(address.to_string());
            }
        }
        GeneralName::URI(uri) => {
            certificate.bearer = certificate.bearer.take().or_else(|| Bearer::read(uri));
        }
        _ => {}
    }
}
