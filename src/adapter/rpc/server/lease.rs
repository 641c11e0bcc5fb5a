//! The Lease service.

use futures_util::{StreamExt, TryStreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::adapter::rpc::convert::status;
use crate::adapter::rpc::proto::etcdserverpb::{self as pb, lease_server::Lease};
use crate::adapter::rpc::server::api::{Api, BoxStream};
use crate::adapter::rpc::server::{Service, receive_error};

#[tonic::async_trait]
impl<A: Api> Lease for Service<A> {
    async fn lease_grant(
        &self,
        request: Request<pb::LeaseGrantRequest>,
    ) -> Result<Response<pb::LeaseGrantResponse>, Status> {
        let pb::LeaseGrantRequest { id, ttl } = request.into_inner();
        let granted = self.api.lease_grant(id, ttl).await.map_err(status)?;
        Ok(Response::new(pb::LeaseGrantResponse {
            header: self.header(granted.revision),
            id: granted.id,
            ttl: granted.ttl_seconds,
            error: String::new(),
        }))
    }

    async fn lease_revoke(
        &self,
        request: Request<pb::LeaseRevokeRequest>,
    ) -> Result<Response<pb::LeaseRevokeResponse>, Status> {
        let revoked = self.api.lease_revoke(request.into_inner().id).await;
        let revision = revoked.map_err(status)?;
        Ok(Response::new(pb::LeaseRevokeResponse {
            header: self.header(revision),
        }))
    }

    type LeaseKeepAliveStream = BoxStream<Result<pb::LeaseKeepAliveResponse, Status>>;

    async fn lease_keep_alive(
        &self,
        request: Request<Streaming<pb::LeaseKeepAliveRequest>>,
    ) -> Result<Response<Self::LeaseKeepAliveStream>, Status> {
        let api = self.api.clone();
        let requests = request.into_inner().map_err(receive_error);
        let responses = requests.and_then(move |request| {
            let api = api.clone();
            async move {
                let ttl = api.lease_keep_alive(request.id).await.map_err(status)?;
                let header = Self::header_of(api.header(api.revision()));
                Ok(pb::LeaseKeepAliveResponse {
                    header,
                    id: request.id,
                    ttl,
                })
            }
        });
        Ok(Response::new(responses.boxed()))
    }

    async fn lease_time_to_live(
        &self,
        request: Request<pb::LeaseTimeToLiveRequest>,
    ) -> Result<Response<pb::LeaseTimeToLiveResponse>, Status> {
        let pb::LeaseTimeToLiveRequest { id, keys } = request.into_inner();
        let term = self
            .api
            .lease_time_to_live(id, keys)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::LeaseTimeToLiveResponse {
            header: self.newest_header(),
            id: term.id,
            ttl: term.ttl_seconds,
            granted_ttl: term.granted_seconds,
            keys: term.keys,
        }))
    }

    async fn lease_leases(
        &self,
        _request: Request<pb::LeaseLeasesRequest>,
    ) -> Result<Response<pb::LeaseLeasesResponse>, Status> {
        let ids = self.api.leases().await.map_err(status)?;
        let leases = ids.into_iter().map(|id| pb::LeaseStatus { id }).collect();
        Ok(Response::new(pb::LeaseLeasesResponse {
            header: self.newest_header(),
            leases,
        }))
    }
}
