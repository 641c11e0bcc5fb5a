//! How this machine comes into a cluster, and what it says of itself there.

use std::net::IpAddr;

use crate::cli::config::ConfigError;
use crate::cli::config::reader::{Reader, advertised};
use crate::core::cluster::machine::{MachineId, MachineIdError, Metadata, MetadataError};
use crate::core::cluster::token::{Token, TokenFormError};

/// What lets this machine into a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Where members are reached by other members.
    pub urls: Vec<String>,
    /// None: it has joined before, or it is refused.
    pub token: Option<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// None: nothing to join.
    pub join: Option<Join>,
    /// How many of the nodes are to vote.
    pub voters: usize,
    /// None: the system's own, else one that is made.
    pub machine_id: Option<MachineId>,
    pub metadata: Metadata,
}

impl Joining {
    /// The values of its keys, as text.
    pub(super) fn texts(&self) -> [(&'static str, String); 4] {
        let join = self.join.as_ref();
        let token = join.and_then(|join| join.token.as_ref());
        let machine_id = self.machine_id.as_ref();
        [
            (
                "join",
                join.map_or(String::new(), |join| join.urls.join(",")),
            ),
            ("token", token.map_or(String::new(), Token::to_string)),
            (
                "machine-id",
                machine_id.map_or(String::new(), MachineId::to_string),
            ),
            ("metadata", self.metadata.to_string()),
        ]
    }
}

impl Reader<'_> {
    pub(super) fn joining(&self, insecure: bool) -> Result<Joining, ConfigError> {
        Ok(Joining {
            join: self.join(insecure)?,
            voters: self.parse("voters", 3, |text| match text {
                "1" | "3" | "5" | "7" => Ok(text.parse().expect("a digit")),
                _ => Err(format!(
                    "{text:?} makes no clear majority: write 1, 3, 5 or 7"
                )),
            })?,
            machine_id: self.parse("machine-id", None, |text| match text {
                "" => Ok(None),
                _ => text
                    .parse()
                    .map(Some)
                    .map_err(|error: MachineIdError| error.to_string()),
            })?,
            metadata: self.parse("metadata", Metadata::default(), |text| {
                text.parse()
                    .map_err(|error: MetadataError| error.to_string())
            })?,
        })
    }

    fn join(&self, insecure: bool) -> Result<Option<Join>, ConfigError> {
        let urls = self.parse("join", Vec::new(), advertised)?;
        let token = self.parse("token", None, |text| match text {
            "" => Ok(None),
            _ => text
                .parse()
                .map(Some)
                .map_err(|error: TokenFormError| error.to_string()),
        })?;
        let wrong = |name, why: String| {
            let origin = self.origin(name);
            Err(ConfigError::Value { origin, why })
        };
        if urls.is_empty() {
            return match token {
                Some(_) => wrong("token", "there is nothing to join: set join".to_owned()),
                None => Ok(None),
            };
        }
        if self
            .text("initial-cluster")
            .is_some_and(|text| !text.is_empty())
        {
            let why = "it is said that this machine founds a cluster: set join or initial-cluster";
            return wrong("join", why.to_owned());
        }
        if let Some(url) = urls.iter().find(|url| !insecure && !is_sheltered(url)) {
            return wrong(
                "join",
                format!("{url} would be shown the token without TLS: accept it with --insecure"),
            );
        }
        Ok(Some(Join { urls, token }))
    }
}

/// Whether nobody on the way reads what is sent to a URL.
fn is_sheltered(url: &str) -> bool {
    let Some(place) = url.strip_prefix("http://") else {
        return true;
    };
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>();
    bare == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
