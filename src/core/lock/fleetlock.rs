//! FleetLock v1, as zincati asks and airlock answers: what a request says, and how it is refused.
//!
//! The protocol is Fedora CoreOS's ("FleetLock protocol", coreos/airlock): `POST` to
//! `/v1/pre-reboot` and `/v1/steady-state` with the header `fleet-lock-protocol: true` and a body
//! `{"client_params":{"id":"…","group":"…"}}`; 200 is yes, anything else is no and has a body
//! `{"kind":"…","value":"…"}`. Both may be asked again, and either without the other.

use serde::Deserialize;
use serde_json::json;

use crate::core::lock::name::{Group, HolderId};

/// Must be there, with the value `true`.
pub const HEADER: &str = "fleet-lock-protocol";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A place, before a reboot.
    PreReboot,
    /// To take the place back, if one is held.
    SteadyState,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub id: HolderId,
    pub group: Group,
}

/// Why it is not done: airlock's kinds and codes, and one for a token, which airlock has not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    Identity(String),
    #[error("unknown group {0:?}: make it with `lockctl set-max --group {0} N`")]
    Group(String),
    #[error("the token is missing or wrong: send the header \"authorization: Bearer TOKEN\"")]
    Token,
    #[error("{0}")]
    Lock(String),
    #[error("{0}")]
    Semaphore(String),
}

#[derive(Deserialize)]
struct Body {
    client_params: Parameters,
}

#[derive(Deserialize)]
struct Parameters {
    id: String,
    group: String,
}

impl Ask {
    /// The path of a URL that asks it.
    pub fn path(self) -> &'static str {
        match self {
            Self::PreReboot => "/v1/pre-reboot",
            Self::SteadyState => "/v1/steady-state",
        }
    }

    /// What the path of a URL asks.
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            "/v1/pre-reboot" => Some(Self::PreReboot),
            "/v1/steady-state" => Some(Self::SteadyState),
            _ => None,
        }
    }
}

impl Client {
    /// The body of a request by it.
    pub fn body(&self) -> String {
        let (id, group) = (self.id.as_str(), self.group.as_str());
        json!({ "client_params": { "id": id, "group": group } }).to_string()
    }

    /// Reads who asks from the value of [`HEADER`] and the body.
    pub fn read(header: Option<&[u8]>, body: &[u8]) -> Result<Self, Refusal> {
        if header != Some(b"true") {
            let why = format!("send the header \"{HEADER}: true\"");
            return Err(Refusal::Identity(why));
        }
        let form = r#"send {"client_params":{"id":"…","group":"…"}}"#;
        let body: Body = serde_json::from_slice(body).map_err(|error| {
            Refusal::Identity(format!("the body does not read: {error}; {form}"))
        })?;
        let Parameters { id, group } = body.client_params;
        let odd = |error: &dyn std::error::Error| Refusal::Identity(error.to_string());
        Ok(Self {
            id: id.parse().map_err(|error| odd(&error))?,
            group: group.parse().map_err(|error| odd(&error))?,
        })
    }
}

impl Refusal {
    /// The code of HTTP.
    pub fn code(&self) -> u16 {
        match self {
            Self::Identity(_) | Self::Group(_) => 400,
            Self::Token => 401,
            Self::Lock(_) | Self::Semaphore(_) => 500,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Identity(_) => "invalid_client_identity",
            Self::Group(_) => "unknown_group",
            Self::Token => "unauthorized",
            Self::Lock(_) => "failed_lock",
            Self::Semaphore(_) => "failed_sem_init",
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> String {
        json!({ "kind": self.kind(), "value": self.to_string() }).to_string()
    }
}

/// Why a server says no, from the status and the body of its answer, for people.
pub fn refusal(status: u16, body: &[u8]) -> String {
    /// Of a body that is no refusal of the protocol.
    const CHARACTERS_MAX: usize = 200;
    let document: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let text = |key: &str| document.as_ref()?.get(key)?.as_str();
    match (text("kind"), text("value")) {
        (Some(kind), Some(value)) => format!("{value} ({kind})"),
        _ => {
            let body = String::from_utf8_lossy(body);
            let body: String = body.trim().chars().take(CHARACTERS_MAX).collect();
            format!("status {status}: {}", body.replace(char::is_control, " "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] =
        br#"{"client_params":{"id":"c988d2509fdf5cdcbed39037c56406fb","group":"db"}}"#;

    #[test]
    fn a_client_is_read_from_header_and_body() {
        let client = Client::read(Some(b"true"), BODY).expect("reads");
        assert_eq!(client.id.as_str(), "c988d2509fdf5cdcbed39037c56406fb");
        assert_eq!(client.group.as_str(), "db");
    }

    #[test]
    fn what_says_not_who_asks_is_refused_with_what_would() {
        let header = Some(b"true".as_slice());
        for (header, body, words) in [
            (None, BODY, "fleet-lock-protocol: true"),
            (Some(b"yes".as_slice()), BODY, "fleet-lock-protocol: true"),
            (header, b"".as_slice(), "client_params"),
            (header, b"{}", "client_params"),
            (
                header,
                br#"{"client_params":{"id":"","group":"a"}}"#,
                "no holder",
            ),
            (
                header,
                br#"{"client_params":{"id":"a","group":"a b"}}"#,
                "no group",
            ),
        ] {
            let refusal = Client::read(header, body).expect_err(words);
            assert_eq!(refusal.code(), 400);
            assert!(refusal.to_string().contains(words), "{refusal}");
            let answer = refusal.body();
            assert!(answer.starts_with(r#"{"kind":"invalid_client_identity","value":""#));
        }
    }

    #[test]
    fn what_a_client_sends_is_what_a_server_reads() {
        let client = Client::read(Some(b"true"), BODY).expect("reads");
        assert_eq!(client.body().as_bytes(), BODY);
        for ask in [Ask::PreReboot, Ask::SteadyState] {
            assert_eq!(Ask::of_path(ask.path()), Some(ask));
        }
        let full = Refusal::Lock("all 1 semaphore slots currently locked".to_owned());
        let told = refusal(full.code(), full.body().as_bytes());
        assert_eq!(told, "all 1 semaphore slots currently locked (failed_lock)");
        assert_eq!(refusal(502, b"<html>\n"), "status 502: <html>");
    }
}
