//! The KV service.

use futures_util::StreamExt;
use prost::Message;
use tonic::{Request, Response, Status};

use crate::adapter::rpc::convert::{self, status};
use crate::adapter::rpc::proto::etcdserverpb::{self as pb, kv_server::Kv};
use crate::adapter::rpc::server::Service;
use crate::adapter::rpc::server::api::{Api, BoxStream};
use crate::core::kv::request::{Consistency, KvError};
use crate::core::kv::txn::check_range;

#[tonic::async_trait]
impl<A: Api> Kv for Service<A> {
    async fn range(
        &self,
        request: Request<pb::RangeRequest>,
    ) -> Result<Response<pb::RangeResponse>, Status> {
        let request = request.into_inner();
        let consistency = consistency(request.serializable);
        self.check_read(consistency)?;
        let range = convert::range(request).map_err(status)?;
        check_range(&range).map_err(status)?;
        let reply = self.api.range(range, consistency).await.map_err(status)?;
        let header = self.header(reply.revision);
        Ok(Response::new(convert::range_response(reply, header)))
    }

    type RangeStreamStream = BoxStream<Result<pb::RangeStreamResponse, Status>>;

    async fn range_stream(
        &self,
        request: Request<pb::RangeRequest>,
    ) -> Result<Response<Self::RangeStreamStream>, Status> {
        let request = request.into_inner();
        let consistency = consistency(request.serializable);
        self.check_read(consistency)?;
        let range = convert::range(request).map_err(status)?;
        check_range(&range).map_err(status)?;
        if range.needs_all() || range.is_sorted() {
            return Err(Status::unimplemented(
                "etcdserver: range stream does not support custom sort or revision filters",
            ));
        }
        let replies = self
            .api
            .range_stream(range, consistency)
            .await
            .map_err(status)?;
        let api = self.api.clone();
        let responses = replies.map(move |reply| {
            let reply = reply.map_err(status)?;
            let header = Self::header_of(api.header(reply.revision));
            let range_response = Some(convert::range_response(reply, header));
            Ok(pb::RangeStreamResponse { range_response })
        });
        Ok(Response::new(responses.boxed()))
    }

    async fn put(
        &self,
        request: Request<pb::PutRequest>,
    ) -> Result<Response<pb::PutResponse>, Status> {
        let request = request.into_inner();
        self.check_size(&request)?;
        let reply = self.api.put(convert::put(request)).await.map_err(status)?;
        let header = self.header(reply.revision);
        Ok(Response::new(convert::put_response(reply, header)))
    }

    async fn delete_range(
        &self,
        request: Request<pb::DeleteRangeRequest>,
    ) -> Result<Response<pb::DeleteRangeResponse>, Status> {
        let request = request.into_inner();
        self.check_size(&request)?;
        let delete = convert::delete_range(request);
        let reply = self.api.delete_range(delete).await.map_err(status)?;
        let header = self.header(reply.revision);
        Ok(Response::new(convert::delete_response(reply, header)))
    }

    async fn txn(
        &self,
        request: Request<pb::TxnRequest>,
    ) -> Result<Response<pb::TxnResponse>, Status> {
        let request = request.into_inner();
        self.check_size(&request)?;
        let (txn, serializable) = convert::txn(request).map_err(status)?;
        let reply = self
            .api
            .txn(txn, consistency(serializable))
            .await
            .map_err(status)?;
        let header = self.header(reply.revision);
        Ok(Response::new(convert::txn_response(reply, header)))
    }

    async fn compact(
        &self,
        request: Request<pb::CompactionRequest>,
    ) -> Result<Response<pb::CompactionResponse>, Status> {
        let pb::CompactionRequest { revision, physical } = request.into_inner();
        let revision = self.api.compact(revision, physical).await.map_err(status)?;
        Ok(Response::new(pb::CompactionResponse {
            header: self.header(revision),
        }))
    }
}

impl<A: Api> Service<A> {
    fn check_size(&self, request: &impl Message) -> Result<(), Status> {
        if request.encoded_len() > self.api.request_bytes_max() {
            return Err(status(KvError::RequestTooLarge));
        }
        Ok(())
    }
}

fn consistency(serializable: bool) -> Consistency {
    if serializable {
        Consistency::Serializable
    } else {
        Consistency::Linearizable
    }
}
