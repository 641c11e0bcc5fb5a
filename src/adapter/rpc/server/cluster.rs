//! The Cluster service: who the members are, and changes of that.
//!
//! A refusal has etcd's code and text; in figures it stands in the metadata of the status, for
//! those who look for it.

use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use crate::adapter::rpc::convert::status;
use crate::adapter::rpc::proto::etcdserverpb::{self as pb, cluster_server::Cluster};
use crate::adapter::rpc::server::Service;
use crate::adapter::rpc::server::api::{Api, MemberView, Refused, Wish};
use crate::adapter::rpc::{WHY_BYTES_MAX, WHY_KEY};
use crate::core::kv::request::Consistency;

#[tonic::async_trait]
impl<A: Api> Cluster for Service<A> {
    /// A member that is to vote begins as a learner too, and votes when it has caught up.
    async fn member_add(
        &self,
        request: Request<pb::MemberAddRequest>,
    ) -> Result<Response<pb::MemberAddResponse>, Status> {
        let peer_urls = request.into_inner().peer_ur_ls;
        let (id, members) = self.change(Wish::Add { peer_urls }).await?;
        Ok(Response::new(pb::MemberAddResponse {
            header: self.header(0),
            member: members.iter().find(|member| member.id == id).cloned(),
            members,
        }))
    }

    async fn member_remove(
        &self,
        request: Request<pb::MemberRemoveRequest>,
    ) -> Result<Response<pb::MemberRemoveResponse>, Status> {
        let id = request.into_inner().id;
        let (_, members) = self.change(Wish::Remove { id }).await?;
        let header = self.header(0);
        Ok(Response::new(pb::MemberRemoveResponse { header, members }))
    }

    async fn member_update(
        &self,
        request: Request<pb::MemberUpdateRequest>,
    ) -> Result<Response<pb::MemberUpdateResponse>, Status> {
        let pb::MemberUpdateRequest { id, peer_ur_ls } = request.into_inner();
        let peer_urls = peer_ur_ls;
        let (_, members) = self.change(Wish::Update { id, peer_urls }).await?;
        let header = self.header(0);
        Ok(Response::new(pb::MemberUpdateResponse { header, members }))
    }

    async fn member_list(
        &self,
        request: Request<pb::MemberListRequest>,
    ) -> Result<Response<pb::MemberListResponse>, Status> {
        let consistency = match request.into_inner().linearizable {
            true => Consistency::Linearizable,
            false => Consistency::Serializable,
        };
        let members = self.listed(consistency).await?;
        // As in etcd, answers about members have no revision.
        let header = self.header(0);
        Ok(Response::new(pb::MemberListResponse { header, members }))
    }

    async fn member_promote(
        &self,
        request: Request<pb::MemberPromoteRequest>,
    ) -> Result<Response<pb::MemberPromoteResponse>, Status> {
        let id = request.into_inner().id;
        let (_, members) = self.change(Wish::Promote { id }).await?;
        let header = self.header(0);
        Ok(Response::new(pb::MemberPromoteResponse { header, members }))
    }
}

impl<A: Api> Service<A> {
    /// Makes a change; the id of its member, and who the members are afterwards.
    async fn change(&self, wish: Wish) -> Result<(u64, Vec<pb::Member>), Status> {
        let own = self.api.header(0).member_id;
        let removed = matches!(wish, Wish::Remove { id } if id == own);
        let id = self.api.change_member(wish).await.map_err(refused)?;
        // As of now: this member may not have heard of the change yet, and never hears of one that
        // removed it.
        let members = match removed {
            true => self.listed(Consistency::Serializable).await?,
            false => self.listed(Consistency::Linearizable).await?,
        };
        let others = members
            .into_iter()
            .filter(|member| !removed || member.id != id);
        Ok((id, others.collect()))
    }

    async fn listed(&self, consistency: Consistency) -> Result<Vec<pb::Member>, Status> {
        let members = self.api.members(consistency).await.map_err(status)?;
        Ok(members.into_iter().map(to_wire).collect())
    }
}

fn to_wire(member: MemberView) -> pb::Member {
    pb::Member {
        id: member.id,
        name: member.name,
        peer_ur_ls: member.peer_urls,
        client_ur_ls: member.client_urls,
        is_learner: member.is_learner,
    }
}

/// etcd's status for a refusal, with the reason beside it.
pub(super) fn refused(refused: Refused) -> Status {
    let mut status = status(refused.error);
    let end = refused.why.floor_char_boundary(WHY_BYTES_MAX);
    if let Ok(why) = MetadataValue::try_from(&refused.why[..end]) {
        status.metadata_mut().insert(WHY_KEY, why);
    }
    status
}
