//! cluster members: what the log, the machines and the seats say, put together.

use crate::adapter::rpc::inside::{AskError, Inside};
use crate::cli::cluster::{Asking, Format, nodes as form};
use crate::core::cluster::machine::{self, Machine};
use crate::core::cluster::node::{self, Node};
use crate::core::cluster::roll::{self, Entry};
use crate::core::cluster::seat::{self, Seat};
use crate::error::{Exit, Failure};
use crate::role::cluster::{asker, print, unasked};

pub(super) async fn members(asking: &Asking) -> Result<Exit, Failure> {
    let inside = asker(asking)?;
    let entries = entries(&inside).await;
    let entries = entries.map_err(|error| unasked("cannot learn who is in the cluster", &error))?;
    print(&match asking.format {
        Format::Text => form::text(&entries),
        Format::Json => format!("{:#}\n", form::document(&entries)),
    })?;
    Ok(Exit::DONE)
}

/// Everybody. What somebody else wrote among the records says nothing.
async fn entries(inside: &Inside) -> Result<Vec<Entry>, AskError> {
    let (_, members) = inside.members().await?;
    let members = members.into_iter().map(|member| roll::Member {
        id: member.id,
        name: member.name,
        is_learner: member.is_learner,
        client_urls: member.client_ur_ls,
    });
    let machines = inside.list(machine::PREFIX).await?;
    let machines = machines
        .iter()
        .filter_map(|found| Machine::decode(&found.value).ok());
    let nodes = inside.list(node::PREFIX).await?;
    let nodes = nodes
        .iter()
        .filter_map(|found| Node::decode(&found.value).ok());
    let seats = inside.list(seat::PREFIX).await?;
    let seats = seats.iter().filter_map(|found| {
        let id = found.key.strip_prefix(seat::PREFIX)?.parse().ok()?;
        Some((id, Seat::decode(&found.value).ok()?))
    });
    Ok(roll::roll(
        &members.collect::<Vec<_>>(),
        &machines.collect::<Vec<_>>(),
        &nodes.collect::<Vec<_>>(),
        &seats.collect(),
    ))
}
