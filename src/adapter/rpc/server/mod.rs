//! etcd's services, served by whatever implements [`Api`], as one tower service.

mod api;
mod cluster;
mod health;
mod kv;
mod lease;
mod maintenance;
mod watch;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use prost::Message;
use tonic::body::Body;
use tonic::codegen::Service as TowerService;
use tonic::{Code, Status};

use crate::adapter::rpc::convert;
use crate::adapter::rpc::proto::etcdserverpb::{
    self as pb, cluster_server::ClusterServer, kv_server::KvServer, lease_server::LeaseServer,
    maintenance_server::MaintenanceServer, watch_server::WatchServer,
};
use crate::adapter::rpc::proto::health::health_server::HealthServer;
use crate::core::kv::request::{Consistency, KvError};
use crate::core::kv::watch::Event;

pub use api::{
    AlarmAction, Api, BoxStream, GrantView, HashView, Header, LeaseTerm, MemberView, Refused,
    SnapshotPart, StatusView, WatchAnswer, WatchCommand, Wish,
};

/// What a learner serves, as in etcd; ranges only of its own state, which the range itself sees to.
const FOR_LEARNERS: [&str; 5] = [
    "/etcdserverpb.KV/Range",
    "/etcdserverpb.KV/RangeStream",
    "/etcdserverpb.Maintenance/Status",
    "/etcdserverpb.Maintenance/Snapshot",
    "/grpc.health.v1.Health/Check",
];

/// What a message may take beside the request in it, as etcd allows.
pub const MESSAGE_OVERHEAD_BYTES: usize = 512 * 1024;

/// What a watch response takes beside its events: a header and some numbers.
const WATCH_HEAD_BYTES: usize = 128;

/// The answer to a call, in the making.
pub struct Reply(Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>);

/// The member behind one service.
pub(crate) struct Service<A> {
    api: Arc<A>,
}

/// All services; picks one by the path of a call.
pub struct Services<A> {
    api: Arc<A>,
    kv: KvServer<Service<A>>,
    watch: WatchServer<Service<A>>,
    lease: LeaseServer<Service<A>>,
    cluster: ClusterServer<Service<A>>,
    maintenance: MaintenanceServer<Service<A>>,
    health: HealthServer<Service<A>>,
}

impl<A: Api> Services<A> {
    pub fn new(api: &Arc<A>) -> Self {
        let limit = api.request_bytes_max() + MESSAGE_OVERHEAD_BYTES;
        let service = || Service {
            api: Arc::clone(api),
        };
        Self {
            api: Arc::clone(api),
            kv: KvServer::new(service())
                .max_decoding_message_size(limit)
                .max_encoding_message_size(usize::MAX),
            watch: WatchServer::new(service()).max_decoding_message_size(limit),
            lease: LeaseServer::new(service()).max_decoding_message_size(limit),
            cluster: ClusterServer::new(service()).max_decoding_message_size(limit),
            maintenance: MaintenanceServer::new(service()).max_decoding_message_size(limit),
            health: HealthServer::new(service()).max_decoding_message_size(limit),
        }
    }
}

impl<A> Clone for Services<A> {
    fn clone(&self) -> Self {
        Self {
            api: Arc::clone(&self.api),
            kv: self.kv.clone(),
            watch: self.watch.clone(),
            lease: self.lease.clone(),
            cluster: self.cluster.clone(),
            maintenance: self.maintenance.clone(),
            health: self.health.clone(),
        }
    }
}

impl<A: Api> TowerService<http::Request<Body>> for Services<A> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Reply;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Reply {
        let version = request.headers().get(CLIENT_VERSION);
        if version.is_some_and(|version| std::str::from_utf8(version.as_bytes()).is_err()) {
            let status = Status::invalid_argument("etcdserver: invalid client api version");
            return Reply(Box::pin(std::future::ready(Ok(status.into_http()))));
        }
        if !FOR_LEARNERS.contains(&request.uri().path()) && self.api.is_learner() {
            let status = convert::status(KvError::NotForLearner);
            return Reply(Box::pin(std::future::ready(Ok(status.into_http()))));
        }
        let service = request.uri().path().split('/').nth(1).unwrap_or_default();
        Reply(match service {
            "etcdserverpb.KV" => self.kv.call(request),
            "etcdserverpb.Watch" => self.watch.call(request),
            "etcdserverpb.Lease" => self.lease.call(request),
            "etcdserverpb.Cluster" => self.cluster.call(request),
            "etcdserverpb.Maintenance" => self.maintenance.call(request),
            "grpc.health.v1.Health" => self.health.call(request),
            unknown => {
                let status = Status::unimplemented(format!("unknown service {unknown}"));
                Box::pin(std::future::ready(Ok(status.into_http())))
            }
        })
    }
}

impl Future for Reply {
    type Output = Result<http::Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.0.as_mut().poll(context))?;
        // Only a call that was refused has its status here.
        let refused = response.headers().contains_key(Status::GRPC_STATUS);
        let status = refused.then(|| Status::from_header_map(response.headers()));
        Poll::Ready(Ok(match status.flatten() {
            Some(status) if status.code() == Code::OutOfRange => receive_error(status).into_http(),
            _ => response,
        }))
    }
}

/// Why a message was not received, with the code by which etcd's clients know that it is too large.
fn receive_error(status: Status) -> Status {
    let sizes = status.message().strip_prefix(TOO_LARGE);
    let mut numbers = sizes.into_iter().flat_map(|sizes| {
        let words = sizes.split(|letter: char| !letter.is_ascii_digit());
        words.filter(|word| !word.is_empty())
    });
    match (numbers.next(), numbers.next()) {
        (Some(found), Some(limit)) => Status::resource_exhausted(format!(
            "grpc: received message larger than max ({found} vs. {limit})"
        )),
        _ => status,
    }
}

/// The metadata in which etcd's clients say their version. It is any text, as in etcd.
const CLIENT_VERSION: &str = "client-api-version";

/// How tonic's text about a message beyond the limit begins; the two sizes follow.
const TOO_LARGE: &str = "Error, decoded message length too large:";

impl<A: Api> Service<A> {
    fn header(&self, revision: i64) -> Option<pb::ResponseHeader> {
        Self::header_of(self.api.header(revision))
    }

    /// A learner answers only from its own state.
    fn check_read(&self, consistency: Consistency) -> Result<(), Status> {
        match consistency {
            Consistency::Linearizable if self.api.is_learner() => {
                Err(convert::status(KvError::NotForLearner))
            }
            _ => Ok(()),
        }
    }

    fn newest_header(&self) -> Option<pb::ResponseHeader> {
        self.header(self.api.revision())
    }

    fn header_of(header: Header) -> Option<pb::ResponseHeader> {
        Some(pb::ResponseHeader {
            cluster_id: header.cluster_id,
            member_id: header.member_id,
            revision: header.revision,
            raft_term: header.term,
        })
    }
}

/// What the events of one watch response may take, so that every client takes the response that
/// takes the largest request.
pub fn fragment_bytes_max(request_bytes_max: usize) -> usize {
    request_bytes_max + MESSAGE_OVERHEAD_BYTES - WATCH_HEAD_BYTES
}

/// What an event takes in a watch response.
pub fn event_bytes(event: &Event) -> usize {
    let length = convert::event(event).encoded_len();
    1 + prost::length_delimiter_len(length) + length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_beyond_the_limit_is_told_in_etcds_words_and_other_errors_as_they_are() {
        let sizes = "found 2621440 bytes, the limit is: 2097152 bytes";
        let told = receive_error(Status::out_of_range(format!("{TOO_LARGE} {sizes}")));
        assert_eq!(told.code(), Code::ResourceExhausted);
        let text = "grpc: received message larger than max (2621440 vs. 2097152)";
        assert_eq!(told.message(), text);
        let told = receive_error(Status::out_of_range("etcdserver: too large lease TTL"));
        assert_eq!(told.code(), Code::OutOfRange);
    }
}
