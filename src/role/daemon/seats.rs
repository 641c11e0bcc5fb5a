//! The leader's part in who becomes a member: it takes one step at a time until there is none.
//!
//! Every member runs this and only the one that leads acts. What it decides from may be old by the
//! time it acts; each write is guarded by what it was decided from, and adding a learner twice
//! changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::adapter::host;
use crate::adapter::rpc::inside::{AskError, Change, Found, Guard, Inside};
use crate::core::cluster::machine::{self, Machine, MachineId};
use crate::core::cluster::seat::{self, Scene, Seat, Standing, Step};
use crate::core::cluster::{membership, node};
use crate::role::daemon::node::Node;

/// Between two looks. A look is at this member's own memory while nobody joins.
const PAUSE: Duration = Duration::from_secs(1);

/// Gives seats for as long as the member runs.
pub(super) async fn give(node: Arc<Node>, inside: Inside, voters_wanted: usize) {
    loop {
        sleep(PAUSE).await;
        if !node.consensus.leads() {
            continue;
        }
        if let Err(error) = take_steps(&node, &inside, voters_wanted).await {
            tracing::info!(%error, "cannot give seats now");
        }
    }
}

/// What the keys said, with what guards a change of them.
struct Seen {
    scene: Scene,
    seats: BTreeMap<MachineId, i64>,
}

async fn take_steps(node: &Node, inside: &Inside, voters_wanted: usize) -> Result<(), AskError> {
    loop {
        let seen = look(node, inside, voters_wanted).await?;
        let Some(step) = seen.scene.next_step(host::random_u64().max(1)) else {
            return Ok(());
        };
        tracing::info!(?step, "changing who is a member");
        if !seen.take(step, node, inside).await? {
            // Something changed meanwhile. The next look says what.
            return Ok(());
        }
    }
}

async fn look(node: &Node, inside: &Inside, voters_wanted: usize) -> Result<Seen, AskError> {
    let machines = inside.list(machine::PREFIX).await?;
    let found = inside.list(seat::PREFIX).await?;
    let mut seen = Seen {
        scene: Scene {
            cluster_id: node.identity.cluster_id,
            voters_wanted,
            machines: machines
                .iter()
                .filter_map(|found| Machine::decode(&found.value).ok())
                .collect(),
            joined: BTreeSet::new(),
            members: members(node),
            seats: BTreeMap::new(),
        },
        seats: BTreeMap::new(),
    };
    for found in found {
        if let Some((id, seat)) = decode(&found) {
            seen.seats.insert(id.clone(), found.mod_revision);
            seen.scene.seats.insert(id, seat);
        }
    }
    // Thousands may have joined, and mostly nobody is wanted.
    if seen.scene.is_short() {
        let joined = inside.list(node::PREFIX).await?;
        let joined = joined.iter();
        let ids = joined.filter_map(|found| found.key.strip_prefix(node::PREFIX)?.parse().ok());
        seen.scene.joined = ids.collect();
    }
    // Before a member that replaces another is added: it may vote a moment later.
    node.note_replacing(seen.scene.replacements());
    Ok(seen)
}

/// How the members do, as the leader sees it; who leads no longer has none overdue.
fn members(node: &Node) -> BTreeMap<u64, Standing> {
    let replace_after = node.settings.replace_after;
    let Some(group) = node.consensus.group() else {
        let state = node.consensus.state();
        let members = state.members().map(|(id, _)| (id, Standing::default()));
        return members.collect();
    };
    let gone = [group.overdue(replace_after), group.lost(replace_after)].concat();
    let members = group.members.iter().map(|(id, seen)| {
        let standing = Standing {
            votes: seen.votes,
            overdue: gone.contains(id),
        };
        (*id, standing)
    });
    members.collect()
}

/// What somebody else wrote among the seats is none.
fn decode(found: &Found) -> Option<(MachineId, Seat)> {
    let id = found.key.strip_prefix(seat::PREFIX)?.parse().ok()?;
    Some((id, Seat::decode(&found.value).ok()?))
}

impl Seen {
    /// Whether the step was taken.
    async fn take(&self, step: Step, node: &Node, inside: &Inside) -> Result<bool, AskError> {
        match step {
            Step::Offer { machine, member } => {
                let seat = Seat::offer(node.identity.cluster_id, member, None);
                self.write(inside, &machine, Some(seat)).await
            }
            Step::Mark {
                machine, progress, ..
            } => {
                let seat = self.scene.seats.get(&machine);
                let seat = seat.map(|seat| seat.at(progress));
                self.write(inside, &machine, seat).await
            }
            Step::Retire { machine } => self.write(inside, &machine, Some(Seat::Worker)).await,
            Step::Withdraw { machine } => self.write(inside, &machine, None).await,
            Step::Add { machine, member } => {
                let record = self.scene.machines.iter().find(|it| it.id == machine);
                let Some(record) = record else {
                    return Ok(false);
                };
                if self.scene.members.contains_key(&member) {
                    return Ok(true);
                }
                let change = membership::Change::Add {
                    id: member,
                    peer_urls: record.peer_urls.clone(),
                };
                self.change(node, &change).await
            }
            Step::Remove { member } => {
                let change = membership::Change::Remove { id: member };
                let removed = self.change(node, &change).await?;
                node.clear_alarms_of(member).await;
                Ok(removed)
            }
        }
    }

    async fn change(&self, node: &Node, change: &membership::Change) -> Result<bool, AskError> {
        let changed = node.consensus.change_members(change).await;
        changed
            .map(|()| true)
            .map_err(|error| AskError::Unavailable(error.to_string()))
    }

    async fn write(
        &self,
        inside: &Inside,
        machine: &MachineId,
        seat: Option<Seat>,
    ) -> Result<bool, AskError> {
        let key = seat::key(machine);
        let guard = Guard {
            key: key.clone(),
            mod_revision: self.seats.get(machine).copied().unwrap_or(0),
        };
        let change = match seat {
            Some(seat) => Change::Put {
                key,
                value: seat.encode(),
                lease: 0,
            },
            None => Change::Delete { key },
        };
        inside.change(&[guard], vec![change]).await
    }
}
