//! What rustls says, in words that tell what to change.

use rustls::{AlertDescription, CertificateError, Error};

use crate::core::units::UtcTime;

/// Why a handshake failed.
pub(super) fn of(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::NoCertificatesPresented => "the other side shows no certificate".to_owned(),
        Error::AlertReceived(alert) => refusal(*alert),
        Error::InvalidMessage(_) => "the other side speaks plain text".to_owned(),
        Error::General(why) => why.clone(),
        error => error.to_string(),
    }
}

/// What is wrong with the certificate of the other side.
fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "the certificate of the other side is of an authority that is not trusted here"
                .to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "the certificate of the other side expired on {}",
            UtcTime(not_after.as_secs() as i64)
        ),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the certificate of the other side is not valid before {}",
            UtcTime(not_before.as_secs() as i64)
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => format!(
            "the certificate of the other side is not for {}, but for {}",
            expected.to_str(),
            presented.join(", ")
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the certificate of the other side is not for this end of a connection".to_owned()
        }
        CertificateError::BadSignature => {
            "the certificate of the other side is not signed by the authority that it names"
                .to_owned()
        }
        error => format!("the certificate of the other side cannot be used: {error}"),
    }
}

/// What the other side has against us.
fn refusal(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::CertificateRequired => "wants a certificate, and none was shown",
        AlertDescription::UnknownCA => {
            "does not trust the authority of the certificate that was shown"
        }
        AlertDescription::CertificateExpired => "says that the certificate has expired",
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => "refuses the certificate that was shown",
        AlertDescription::NoApplicationProtocol => "speaks neither HTTP/2 nor HTTP/1.1",
        alert => return format!("the other side ended the handshake with {alert:?}"),
    };
    format!("the other side {why}")
}
