//! Messages between members. A node has no peers until clusters are formed, so nothing is sent:
//! openraft asks for a connection only to other members, and there are none.

use std::future::Future;
use std::io;

use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RaftNetworkFactory};

use crate::adapter::raft::types::{Member, TypeConfig, Vote};
use crate::core::kv::machine::Image;

type Snapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, Image>;

/// Makes connections to members: every one is unreachable.
pub(super) struct Alone;

/// A member that cannot be reached.
pub(super) struct Nobody(u64);

impl Nobody {
    fn unreachable(&self) -> Unreachable<TypeConfig> {
        Unreachable::new(&io::Error::other(format!(
            "member {:x} is not of this cluster",
            self.0
        )))
    }
}

impl RaftNetworkFactory<TypeConfig> for Alone {
    type Network = Nobody;

    async fn new_client(&mut self, target: u64, _node: &Member) -> Nobody {
        Nobody(target)
    }
}

impl RaftNetworkV2<TypeConfig> for Nobody {
    type SnapshotData = Image;

    async fn append_entries(
        &mut self,
        _request: AppendEntriesRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        Err(self.unreachable().into())
    }

    async fn vote(
        &mut self,
        _request: VoteRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        Err(self.unreachable().into())
    }

    async fn full_snapshot(
        &mut self,
        _vote: Vote,
        _snapshot: Snapshot,
        _cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        Err(self.unreachable().into())
    }
}
