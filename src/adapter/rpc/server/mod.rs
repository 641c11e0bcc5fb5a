//! etcd's services, served by whatever implements [`Api`], as one tower service.

mod api;
mod health;
mod kv;
mod lease;
mod maintenance;
mod watch;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::Service as TowerService;

use crate::adapter::rpc::proto::etcdserverpb::{
    self as pb, cluster_server::ClusterServer, kv_server::KvServer, lease_server::LeaseServer,
    maintenance_server::MaintenanceServer, watch_server::WatchServer,
};
use crate::adapter::rpc::proto::health::health_server::HealthServer;

pub use api::{
    AlarmAction, Api, BoxStream, Consistency, HashView, Header, LeaseTerm, MemberView,
    SnapshotPart, StatusView, WatchAnswer, WatchCommand,
};

/// What a message may take beside the request in it, as etcd allows.
pub const MESSAGE_OVERHEAD_BYTES: usize = 512 * 1024;

type Reply = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

/// The member behind one service.
pub(crate) struct Service<A> {
    api: Arc<A>,
}

/// All services; picks one by the path of a call.
pub struct Services<A> {
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
        let service = request.uri().path().split('/').nth(1).unwrap_or_default();
        match service {
            "etcdserverpb.KV" => self.kv.call(request),
            "etcdserverpb.Watch" => self.watch.call(request),
            "etcdserverpb.Lease" => self.lease.call(request),
            "etcdserverpb.Cluster" => self.cluster.call(request),
            "etcdserverpb.Maintenance" => self.maintenance.call(request),
            "grpc.health.v1.Health" => self.health.call(request),
            unknown => {
                let status = tonic::Status::unimplemented(format!("unknown service {unknown}"));
                Box::pin(std::future::ready(Ok(status.into_http())))
            }
        }
    }
}

impl<A: Api> Service<A> {
    fn header(&self, revision: i64) -> Option<pb::ResponseHeader> {
        Self::header_of(self.api.header(revision))
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
