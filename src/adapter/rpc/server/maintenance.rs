//! The Maintenance service.

use futures_util::StreamExt;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use crate::adapter::rpc::VERSION_KEY;
use crate::adapter::rpc::convert::{self, status};
use crate::adapter::rpc::proto::etcdserverpb::{self as pb, maintenance_server::Maintenance};
use crate::adapter::rpc::server::Service;
use crate::adapter::rpc::server::api::{AlarmAction, Api, BoxStream};
use crate::adapter::rpc::server::cluster::refused;
use crate::core::kv::request::Alarm;

#[tonic::async_trait]
impl<A: Api> Maintenance for Service<A> {
    async fn alarm(
        &self,
        request: Request<pb::AlarmRequest>,
    ) -> Result<Response<pb::AlarmResponse>, Status> {
        use pb::alarm_request::AlarmAction as Wire;
        let request = request.into_inner();
        let action = match Wire::try_from(request.action) {
            Ok(Wire::Get) => AlarmAction::Get,
            Ok(Wire::Activate) => AlarmAction::Activate,
            Ok(Wire::Deactivate) => AlarmAction::Deactivate,
            Err(_) => return Err(Status::invalid_argument("etcdserver: unknown alarm action")),
        };
        let alarm = match pb::AlarmType::try_from(request.alarm) {
            Ok(pb::AlarmType::None) => None,
            Ok(pb::AlarmType::Nospace) => Some(Alarm::NoSpace),
            Ok(pb::AlarmType::Corrupt) => Some(Alarm::Corrupt),
            Err(_) => return Err(Status::invalid_argument("etcdserver: unknown alarm type")),
        };
        let alarms = self
            .api
            .alarm(action, request.member_id, alarm)
            .await
            .map_err(status)?;
        let alarms = alarms.into_iter().map(|raised| pb::AlarmMember {
            member_id: raised.member,
            alarm: convert::alarm_type(raised.alarm).into(),
        });
        let header = self.newest_header();
        Ok(Response::new(pb::AlarmResponse {
            header,
            alarms: alarms.collect(),
        }))
    }

    async fn status(
        &self,
        _request: Request<pb::StatusRequest>,
    ) -> Result<Response<pb::StatusResponse>, Status> {
        let view = self.api.status();
        let header = self.newest_header();
        let raft_term = header.as_ref().map_or(0, |header| header.raft_term);
        let mut answer = Response::new(pb::StatusResponse {
            header,
            version: view.version,
            db_size: view.db_bytes,
            leader: view.leader,
            raft_index: view.raft_index,
            raft_term,
            raft_applied_index: view.raft_applied_index,
            errors: view.errors,
            db_size_in_use: view.db_bytes_in_use,
            is_learner: view.is_learner,
            storage_version: view.storage_version,
            db_size_quota: view.db_bytes_quota,
            downgrade_info: Some(pb::DowngradeInfo::default()),
        });
        let program = MetadataValue::from_static(env!("CARGO_PKG_VERSION"));
        answer.metadata_mut().insert(VERSION_KEY, program);
        Ok(answer)
    }

    /// Space is given back while running, so there is nothing to do and nothing to wait for.
    async fn defragment(
        &self,
        _request: Request<pb::DefragmentRequest>,
    ) -> Result<Response<pb::DefragmentResponse>, Status> {
        // As in etcd, this answer alone says nothing of the member.
        Ok(Response::new(pb::DefragmentResponse { header: None }))
    }

    async fn hash(
        &self,
        _request: Request<pb::HashRequest>,
    ) -> Result<Response<pb::HashResponse>, Status> {
        let view = self.api.hash(0).await.map_err(status)?;
        Ok(Response::new(pb::HashResponse {
            header: self.newest_header(),
            hash: view.hash,
        }))
    }

    async fn hash_kv(
        &self,
        request: Request<pb::HashKvRequest>,
    ) -> Result<Response<pb::HashKvResponse>, Status> {
        let view = self
            .api
            .hash(request.into_inner().revision)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::HashKvResponse {
            header: self.newest_header(),
            hash: view.hash,
            compact_revision: view.compact_revision,
            hash_revision: view.hash_revision,
        }))
    }

    type SnapshotStream = BoxStream<Result<pb::SnapshotResponse, Status>>;

    async fn snapshot(
        &self,
        _request: Request<pb::SnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        let parts = self.api.snapshot().await.map_err(status)?;
        let header = self.newest_header();
        let version = self.api.status().storage_version;
        let responses = parts.map(move |part| {
            Ok(pb::SnapshotResponse {
                header,
                remaining_bytes: part.remaining_bytes,
                blob: part.blob,
                version: version.clone(),
            })
        });
        Ok(Response::new(responses.boxed()))
    }

    async fn move_leader(
        &self,
        request: Request<pb::MoveLeaderRequest>,
    ) -> Result<Response<pb::MoveLeaderResponse>, Status> {
        let to = request.into_inner().target_id;
        self.api.move_leader(to).await.map_err(refused)?;
        let header = self.newest_header();
        Ok(Response::new(pb::MoveLeaderResponse { header }))
    }
}
