//! The leader's part: places of machines that were removed, or are gone for too long, go back.
//!
//! Every member runs this and only the one that leads acts. It looks at its own memory, and asks
//! the cluster only to give a place back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::adapter::raft::State;
use crate::adapter::rpc::inside::Inside;
use crate::core::cluster::{machine, node};
use crate::core::kv::request::KeyRange;
use crate::core::lock::absence::{Company, Loss, Roll};
use crate::core::lock::name::{Group, REBOOT_PREFIX};
use crate::core::lock::semaphore::Semaphore;
use crate::role::daemon::node::Node;
use crate::role::lock::places;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Gives places back for as long as the member runs.
pub(in crate::role::daemon) async fn release(
    node: Arc<Node>,
    inside: Inside,
    release_after: Option<Duration>,
) {
    let begun = Instant::now();
    let mut roll = Roll::default();
    loop {
        sleep(PAUSE).await;
        if !node.consensus.leads() {
            roll = Roll::default();
            continue;
        }
        for (group, id, loss) in losses(&node, &mut roll, release_after, begun.elapsed()) {
            match places::give_back(&inside, &group, &id).await {
                Ok(Some(_)) => tracing::warn!(%group, machine = id, "gave a place back: {loss}"),
                Ok(None) => {}
                Err(error) => tracing::info!(%group, %error, "cannot give a place back now"),
            }
        }
    }
}

fn losses(
    node: &Node,
    roll: &mut Roll,
    release_after: Option<Duration>,
    now: Duration,
) -> Vec<(Group, String, Loss)> {
    let state = node.consensus.state();
    let groups = groups(&state);
    let holders: Vec<_> = groups.iter().flat_map(|(_, it)| &it.holders).collect();
    if holders.is_empty() {
        *roll = Roll::default();
        return Vec::new();
    }
    let company = company(&state);
    let lost = roll.look(&holders, &company, release_after, now);
    let of_group = |(group, semaphore): &(Group, Semaphore)| {
        let held = lost.iter().filter(|(id, _)| semaphore.holder(id).is_some());
        held.map(|(id, loss)| (group.clone(), id.clone(), *loss))
            .collect::<Vec<_>>()
    };
    groups.iter().flat_map(of_group).collect()
}

/// The groups of which somebody holds a place. What does not read is no semaphore.
fn groups(state: &State) -> Vec<(Group, Semaphore)> {
    let folder = KeyRange::folder(REBOOT_PREFIX);
    let records = state.machine.store.live_records(&folder);
    let groups = records.filter_map(|record| {
        let name = std::str::from_utf8(record.key).ok()?;
        let group = name.strip_prefix(REBOOT_PREFIX)?.parse().ok()?;
        let semaphore = Semaphore::decode(record.value).ok()?;
        (!semaphore.holders.is_empty()).then_some((group, semaphore))
    });
    groups.collect()
}

fn company(state: &State) -> Company {
    let names = |prefix: &'static str| {
        let folder = KeyRange::folder(prefix);
        let records = state.machine.store.live_records(&folder);
        let names = records.filter_map(|record| {
            let name = std::str::from_utf8(record.key).ok()?;
            Some(name.strip_prefix(prefix)?.to_owned())
        });
        names.collect()
    };
    Company {
        joined: names(node::PREFIX),
        members: state.members().map(|(id, _)| format!("{id:x}")).collect(),
        up: names(machine::PREFIX),
    }
}
