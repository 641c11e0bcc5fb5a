//! What the verbs answer, written in each of the output formats.
//!
//! `simple`, `json`, `fields`, `table` and `protobuf` are etcdctl 3.5's, byte for byte; `plain` is
//! ours: JSON with strings as they are. A format that cannot show an answer says so.

mod fields;
mod json;
mod plain;
mod simple;
mod table;

use std::time::Duration;

use crate::adapter::rpc::encode;
use crate::adapter::rpc::proto::etcdserverpb as pb;

/// The last word of a verb.
pub(crate) enum Answer {
    Put(pb::PutResponse),
    Get(pb::RangeResponse),
    Delete(pb::DeleteRangeResponse),
    Txn(pb::TxnResponse),
    Watch(pb::WatchResponse),
    Grant(pb::LeaseGrantResponse),
    Revoke {
        id: i64,
        response: pb::LeaseRevokeResponse,
    },
    KeepAlive(pb::LeaseKeepAliveResponse),
    TimeToLive {
        response: pb::LeaseTimeToLiveResponse,
        keys: bool,
    },
    Leases(pb::LeaseLeasesResponse),
    Members(pb::MemberListResponse),
    /// A change of member `id`.
    Changed {
        id: u64,
        changed: Changed,
    },
    Alarms(pb::AlarmResponse),
    Health(Vec<Health>),
    Status(Vec<(String, pb::StatusResponse)>),
    Hash(Vec<(String, pb::HashKvResponse)>),
    Snapshot(Snapshot),
}

/// A change of the members.
pub(crate) enum Changed {
    Added(pb::MemberAddResponse),
    Removed(pb::MemberRemoveResponse),
    Updated(pb::MemberUpdateResponse),
    Promoted(pb::MemberPromoteResponse),
}

/// What a snapshot file holds.
pub(crate) struct Snapshot {
    pub(crate) hash: u32,
    pub(crate) revision: i64,
    pub(crate) keys: usize,
    pub(crate) bytes: u64,
}

/// Whether one endpoint could commit; `error` is empty when it could.
pub(crate) struct Health {
    pub(crate) endpoint: String,
    pub(crate) took: Duration,
    pub(crate) error: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Simple,
    Json,
    Fields,
    Table,
    Protobuf,
    Plain,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) kind: Kind,
    pub(crate) hex: bool,
    pub(crate) value_only: bool,
}

/// Why an answer has no form in a format, in etcdctl's words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unsupported(String);

impl Changed {
    pub(crate) fn header(&self) -> Option<pb::ResponseHeader> {
        match self {
            Self::Added(response) => response.header,
            Self::Removed(response) => response.header,
            Self::Updated(response) => response.header,
            Self::Promoted(response) => response.header,
        }
    }

    pub(crate) fn members(&self) -> &[pb::Member] {
        match self {
            Self::Added(response) => &response.members,
            Self::Removed(response) => &response.members,
            Self::Updated(response) => &response.members,
            Self::Promoted(response) => &response.members,
        }
    }

    /// As etcdctl says it, up to the cluster.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Added(_) => "added to",
            Self::Removed(_) => "removed from",
            Self::Updated(_) => "updated in",
            Self::Promoted(_) => "promoted in",
        }
    }
}

impl Kind {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "simple" => Some(Self::Simple),
            "json" => Some(Self::Json),
            "fields" => Some(Self::Fields),
            "table" => Some(Self::Table),
            "protobuf" => Some(Self::Protobuf),
            _ => None,
        }
    }
}

impl Format {
    pub(crate) fn render(&self, answer: &Answer) -> Result<Vec<u8>, Unsupported> {
        match self.kind {
            Kind::Simple => Ok(simple::render(answer, self)),
            Kind::Json => Ok(json::render(answer, self.hex)),
            Kind::Fields => match answer {
                Answer::Changed { .. } => {
                    Err(Unsupported("fields not supported as output format".into()))
                }
                answer => Ok(fields::render(answer)),
            },
            Kind::Plain => Ok(plain::render(answer)),
            Kind::Table => table::render(answer)
                .ok_or_else(|| Unsupported("table not supported as output format".into())),
            Kind::Protobuf => protobuf(answer),
        }
    }
}

/// The encoded message; of lease answers etcdctl encodes only the header.
fn protobuf(answer: &Answer) -> Result<Vec<u8>, Unsupported> {
    let header = |header: &Option<pb::ResponseHeader>| encode(&header.unwrap_or_default());
    Ok(match answer {
        Answer::Put(response) => encode(response),
        Answer::Get(response) => encode(response),
        Answer::Delete(response) => encode(response),
        Answer::Txn(response) => encode(response),
        Answer::Members(response) => encode(response),
        Answer::Changed { changed, .. } => match changed {
            Changed::Added(response) => encode(response),
            Changed::Removed(response) => encode(response),
            Changed::Updated(response) => encode(response),
            Changed::Promoted(response) => encode(response),
        },
        Answer::Alarms(response) => encode(response),
        Answer::Watch(response) => encode(&pb::WatchResponse {
            header: response.header,
            events: response.events.clone(),
            compact_revision: response.compact_revision,
            canceled: response.canceled,
            ..Default::default()
        }),
        Answer::Grant(response) => header(&response.header),
        Answer::KeepAlive(response) => header(&response.header),
        Answer::TimeToLive { response, .. } => header(&response.header),
        Answer::Leases(response) => header(&response.header),
        Answer::Revoke { .. } => {
            return Err(Unsupported(
                "marshal unsupported for a lease revocation".into(),
            ));
        }
        Answer::Health(_) | Answer::Status(_) | Answer::Hash(_) | Answer::Snapshot(_) => {
            return Err(Unsupported(
                "protobuf not supported as output format".into(),
            ));
        }
    })
}

/// The name etcd prints for an alarm.
fn alarm_name(alarm: i32) -> &'static str {
    pb::AlarmType::try_from(alarm).map_or("UNKNOWN", |alarm| alarm.as_str_name())
}

fn event_name(kind: i32) -> &'static str {
    if kind == 0 { "PUT" } else { "DELETE" }
}
