//! Everybody in the cluster: what the log, the machines and the seats say, put together.

use std::collections::{BTreeMap, BTreeSet};

use crate::adapter::rpc::inside::{AskError, Found, Inside};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::core::cluster::machine::{self, Machine, MachineId};
use crate::core::cluster::node::{self, Node};
use crate::core::cluster::roll::{self, Entry};
use crate::core::cluster::seat::{self, Seat};
use crate::core::kv::request::Consistency;

/// Who is in the cluster, and what was written of whom.
pub(crate) struct Everybody {
    pub(crate) cluster_id: u64,
    pub(crate) entries: Vec<Entry>,
    /// The machines that are up, the one that registered first at the front.
    pub(crate) machines: Vec<Machine>,
    pub(crate) joined: BTreeSet<MachineId>,
    pub(crate) seats: BTreeMap<MachineId, Seat>,
    /// The last change of each seat.
    pub(crate) seat_revisions: BTreeMap<MachineId, i64>,
}

impl Everybody {
    /// As of now, as a majority knows it.
    pub(crate) async fn ask(inside: &Inside) -> Result<Self, AskError> {
        let (cluster_id, members) = inside.members().await?;
        Self::with(inside, cluster_id, members, Consistency::Linearizable).await
    }

    /// The same, with members that are known already. What somebody else wrote among the records
    /// says nothing.
    pub(crate) async fn with(
        inside: &Inside,
        cluster_id: u64,
        members: Vec<pb::Member>,
        consistency: Consistency,
    ) -> Result<Self, AskError> {
        let machines = inside.list_as(machine::PREFIX, consistency).await?;
        let machine = |found: &Found| Machine::decode(&found.value).ok();
        let machines: Vec<Machine> = machines.iter().filter_map(machine).collect();
        let nodes = inside.list_as(node::PREFIX, consistency).await?;
        let node = |found: &Found| Node::decode(&found.value).ok();
        let nodes: Vec<Node> = nodes.iter().filter_map(node).collect();
        let (mut seats, mut seat_revisions) = (BTreeMap::new(), BTreeMap::new());
        for found in inside.list_as(seat::PREFIX, consistency).await? {
            let id = found.key.strip_prefix(seat::PREFIX);
            let id: Option<MachineId> = id.and_then(|id| id.parse().ok());
            let Some(id) = id else { continue };
            seat_revisions.insert(id.clone(), found.mod_revision);
            if let Ok(seat) = Seat::decode(&found.value) {
                seats.insert(id, seat);
            }
        }
        let members = members.into_iter().map(|member| roll::Member {
            id: member.id,
            name: member.name,
            is_learner: member.is_learner,
            client_urls: member.client_ur_ls,
        });
        let members: Vec<roll::Member> = members.collect();
        let own = seats.iter().filter(|(_, seat)| seat.is_of(cluster_id));
        let own = own.map(|(id, seat)| (id.clone(), seat.clone())).collect();
        Ok(Self {
            cluster_id,
            entries: roll::roll(&members, &machines, &nodes, &own),
            joined: nodes.into_iter().map(|node| node.id).collect(),
            machines,
            seats,
            seat_revisions,
        })
    }
}
