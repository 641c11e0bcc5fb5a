//! The standard gRPC health service: the member as a whole, by the empty name or a service's.

use futures_util::StreamExt;
use tonic::{Request, Response, Status};

use crate::adapter::rpc::proto::health::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_server::Health,
};
use crate::adapter::rpc::server::Service;
use crate::adapter::rpc::server::api::{Api, BoxStream};

const KNOWN: [&str; 6] = [
    "",
    "etcdserverpb.Health",
    "etcdserverpb.KV",
    "etcdserverpb.Watch",
    "etcdserverpb.Lease",
    "etcdserverpb.Maintenance",
];

#[tonic::async_trait]
impl<A: Api> Health for Service<A> {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match KNOWN.contains(&request.into_inner().service.as_str()) {
            true => Ok(Response::new(answer(serving(self.api.as_ref())))),
            false => Err(Status::not_found("unknown service")),
        }
    }

    type WatchStream = BoxStream<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let known = KNOWN.contains(&request.into_inner().service.as_str());
        let api = self.api.clone();
        let changes = self.api.leadership().map(move |()| match known {
            true => serving(api.as_ref()),
            false => ServingStatus::ServiceUnknown,
        });
        // A status is told when it differs from the one told before.
        let told = changes.scan(None, |last, status| {
            let news = (*last != Some(status)).then_some(Ok(answer(status)));
            *last = Some(status);
            std::future::ready(Some(news))
        });
        Ok(Response::new(told.filter_map(std::future::ready).boxed()))
    }
}

fn serving<A: Api>(api: &A) -> ServingStatus {
    if api.status().leader == 0 {
        ServingStatus::NotServing
    } else {
        ServingStatus::Serving
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}
