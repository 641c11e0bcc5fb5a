//! Messages between the members of one cluster, as opaque bodies: who may talk to whom, and how
//! a body gets there. What bodies mean is known to `adapter::raft` alone.
//!
//! - Every call says of which cluster the caller is and which member it means. A member that is
//!   another one, or of another cluster, refuses: addresses are reused, identities are not.
//! - A body that was not delivered is told as such; nothing is sent twice.

mod client;
mod server;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Code, Status};

pub use bytes::Bytes;
pub use client::Links;
pub use server::{Admission, PeerCalls, Peers};

/// A message holds at most what one read of the log gives and one entry more; see
/// `adapter::raft::log_store`.
const MESSAGE_BYTES_MAX: usize = 96 << 20;

const CLUSTER_KEY: &str = "coracle-cluster";
const FROM_KEY: &str = "coracle-from";
const TO_KEY: &str = "coracle-to";

/// Bodies in order, until either side ends them.
pub type Bodies = BoxStream<'static, Result<Bytes, PeerError>>;

/// Who speaks: set once, when the data directory is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaker {
    pub cluster_id: u64,
    pub member_id: u64,
}

/// The ways of one member to the others.
pub trait Couriers: Send + Sync + 'static {
    /// Of which cluster the caller is.
    fn cluster_id(&self) -> u64;

    /// The way to `member`, which listens on one of `urls`. Nothing is sent yet.
    fn to(&self, member: u64, urls: &[String]) -> Result<Arc<dyn Courier>, PeerError>;
}

/// The way to one member.
pub trait Courier: Send + Sync + 'static {
    /// The member's answer to one question.
    fn ask(&self, body: Bytes, limit: Duration) -> BoxFuture<'static, Result<Bytes, PeerError>>;

    /// Who the members are. Whoever is there answers: neither side need know the other.
    fn describe(&self, limit: Duration) -> BoxFuture<'static, Result<Bytes, PeerError>>;

    /// Opens a stream of log entries; each body is answered in order.
    fn append(
        &self,
        bodies: BoxStream<'static, Bytes>,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bodies, PeerError>>;

    /// Opens the exchange of a whole state.
    fn install(
        &self,
        bodies: BoxStream<'static, Bytes>,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bodies, PeerError>>;
}

/// How long to wait for another member.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub dial: Duration,
    /// Between two signs of life of a connection that is in use.
    pub silence: Duration,
}

impl Patience {
    /// What suits members that elect a leader after `election_timeout` of silence: a broken way
    /// must be known before.
    pub fn of(election_timeout: Duration) -> Self {
        Self {
            dial: election_timeout / 2,
            silence: election_timeout / 2,
        }
    }
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum PeerError {
    #[error("member {member:x} has no peer URL that could be used: {why}")]
    Address { member: u64, why: String },
    #[error("no answer from member {member:x} within {limit:?}")]
    Late { member: u64, limit: Duration },
    /// Nothing was sent.
    #[error("member {member:x} cannot be reached: {why}")]
    Unreachable { member: u64, why: String },
    /// What was sent may have arrived.
    #[error("the connection to member {member:x} broke: {why}")]
    Broken { member: u64, why: String },
    /// What the other side, or the receiving handler, says against the message itself.
    #[error("{0}")]
    Refused(String),
}

impl PeerError {
    /// What happened, where the member's id is not known yet.
    pub fn why(&self) -> String {
        match self {
            Self::Address { why, .. }
            | Self::Unreachable { why, .. }
            | Self::Broken { why, .. }
            | Self::Refused(why) => why.clone(),
            Self::Late { limit, .. } => format!("no answer within {limit:?}"),
        }
    }

    fn of(member: u64, status: &Status) -> Self {
        match status.code() {
            Code::FailedPrecondition | Code::InvalidArgument | Code::Aborted => {
                Self::Refused(status.message().to_owned())
            }
            _ => {
                let mut causes = causes(status);
                let never = causes.any(|cause| cause.is::<NeverConnected>());
                let why = root_cause(status);
                match never {
                    true => Self::Unreachable { member, why },
                    false => Self::Broken { member, why },
                }
            }
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NeverConnected(String);

impl From<PeerError> for Status {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(why) => Self::aborted(why),
            other => Self::unavailable(other.to_string()),
        }
    }
}

impl Speaker {
    /// What a call to member `to` says of itself.
    fn sign(self, to: u64, metadata: &mut MetadataMap) {
        let mut say = |key, id: u64| {
            let value: MetadataValue<Ascii> = format!("{id:x}").parse().expect("hex is ASCII");
            metadata.insert(key, value);
        };
        say(CLUSTER_KEY, self.cluster_id);
        say(FROM_KEY, self.member_id);
        say(TO_KEY, to);
    }

    /// The caller, if it means this member.
    fn check(self, metadata: &MetadataMap) -> Result<u64, Status> {
        let said = |key: &str| {
            let text = metadata.get(key).and_then(|value| value.to_str().ok());
            text.and_then(|text| u64::from_str_radix(text, 16).ok())
                .ok_or_else(|| Status::invalid_argument(format!("the call does not say {key}")))
        };
        let (cluster, from, to) = (said(CLUSTER_KEY)?, said(FROM_KEY)?, said(TO_KEY)?);
        if cluster != self.cluster_id {
            return Err(Status::failed_precondition(format!(
                "this is a member of cluster {:x}, the call comes from cluster {cluster:x}",
                self.cluster_id
            )));
        }
        if to != self.member_id {
            return Err(Status::failed_precondition(format!(
                "this is member {:x}, the call is for member {to:x}",
                self.member_id
            )));
        }
        Ok(from)
    }
}

/// An error and what caused it, the innermost last.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// The innermost error, which names the situation; the outer ones say "transport error".
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error)
        .last()
        .map_or(String::new(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Speaker = Speaker {
        cluster_id: 7,
        member_id: 1,
    };

    fn call(from: Speaker, to: u64) -> Result<u64, String> {
        let mut metadata = MetadataMap::new();
        from.sign(to, &mut metadata);
        US.check(&metadata)
            .map_err(|status| status.message().to_owned())
    }

    #[test]
    fn a_call_is_for_one_member_of_one_cluster() {
        let other = |cluster_id| Speaker {
            cluster_id,
            member_id: 2,
        };
        assert_eq!(call(other(7), 1), Ok(2));
        assert!(call(other(8), 1).is_err_and(|why| why.contains("comes from cluster 8")));
        assert!(call(other(7), 3).is_err_and(|why| why.contains("is for member 3")));
    }

    #[test]
    fn a_call_that_does_not_say_who_it_is_for_is_refused() {
        let nothing = US.check(&MetadataMap::new());
        assert_eq!(
            nothing.map_err(|status| status.code()),
            Err(Code::InvalidArgument)
        );
    }
}
