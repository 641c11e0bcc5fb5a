//! Seats: which machines are to be members, and the next step towards that.
//!
//! A machine joins as a worker. Whoever leads offers seats to workers until there are as many
//! members as there are to be voters; the machine finds its seat in the store, takes part as a
//! learner, and is promoted once it has caught up. Every step can be taken twice, and each is
//! computed from what stands in the store and in the log, so that any leader goes on where another
//! one left off.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::cluster::machine::{Machine, MachineId, Role};

/// Where the seats stand, each by the id of its machine.
pub const PREFIX: &str = "/coracle/cluster/seat/";

/// What was decided of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seat {
    /// It is to be this member.
    Member(Place),
    /// It stays a worker: somebody took its seat away.
    Worker,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The member's id, in hexadecimal.
    pub id: String,
    pub progress: Progress,
}

/// How far a machine is on its way to being a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    Offered,
    /// The member is in the log. If it is there no longer, it was removed.
    Added,
    /// The machine has said that it is this member. One that knows nothing of that has lost its
    /// data, and must not be the member again: it has promised and acknowledged things.
    Started,
}

/// One change, to be made under the guard that nothing of what it was computed from has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write a seat for this machine.
    Offer { machine: MachineId, member: u64 },
    /// Add the member as a learner.
    Add { machine: MachineId, member: u64 },
    /// Write how far it is.
    Mark {
        machine: MachineId,
        member: u64,
        progress: Progress,
    },
    /// Delete the seat: its machine is gone before it was added.
    Withdraw { machine: MachineId },
    /// Write that the machine stays a worker: its member was removed.
    Retire { machine: MachineId },
}

/// What the leader sees.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    pub voters_wanted: usize,
    /// Everybody in the membership, learners too.
    pub members: BTreeSet<u64>,
    pub seats: BTreeMap<MachineId, Seat>,
    /// The machines that are up, the one that registered first at the front.
    pub machines: Vec<Machine>,
}

/// The key of a machine's seat.
pub fn key(machine: &MachineId) -> String {
    format!("{PREFIX}{machine}")
}

impl Seat {
    pub fn member(id: u64, progress: Progress) -> Self {
        Self::Member(Place {
            id: format!("{id:x}"),
            progress,
        })
    }

    /// Whether the machine has been the member that the seat says.
    pub fn was_taken(&self) -> bool {
        matches!(self, Self::Member(place) if place.progress == Progress::Started)
    }

    /// The member that the machine is to be, if it is to be one.
    pub fn member_id(&self) -> Option<u64> {
        match self {
            Self::Member(place) => u64::from_str_radix(&place.id, 16).ok(),
            Self::Worker => None,
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl Scene {
    /// The next step, if there is anything to do. `fresh` is the id of a member that never was.
    pub fn next_step(&self, fresh: u64) -> Option<Step> {
        for (machine, seat) in &self.seats {
            if let Some(step) = self.settle(machine, seat) {
                return Some(step);
            }
        }
        // One at a time: a learner that catches up costs the leader, and each adds to a majority.
        let pending = self.seats.values().filter_map(Seat::member_id);
        let pending = pending.filter(|id| !self.members.contains(id)).count();
        if pending > 0 || self.members.len() >= self.voters_wanted {
            return None;
        }
        let free = |machine: &&Machine| {
            machine.role == Role::Worker
                && !machine.peer_urls.is_empty()
                && !self.seats.contains_key(&machine.id)
        };
        let machine = self.machines.iter().find(free)?;
        Some(Step::Offer {
            machine: machine.id.clone(),
            member: fresh,
        })
    }

    /// What has to be done about a seat that was given.
    fn settle(&self, machine: &MachineId, seat: &Seat) -> Option<Step> {
        let Seat::Member(place) = seat else {
            return None;
        };
        let machine = machine.clone();
        // What does not read names nobody; without it the machine can be offered another.
        let Some(member) = seat.member_id() else {
            return Some(Step::Withdraw { machine });
        };
        let record = self.machines.iter().find(|record| record.id == machine);
        let says_so = record.is_some_and(|record| record.member.as_ref() == Some(&place.id));
        let next = match place.progress {
            Progress::Offered => Some(Progress::Added),
            Progress::Added if says_so => Some(Progress::Started),
            Progress::Added | Progress::Started => None,
        };
        match (self.members.contains(&member), place.progress) {
            (true, _) => next.map(|progress| Step::Mark {
                machine,
                member,
                progress,
            }),
            (false, Progress::Added | Progress::Started) => Some(Step::Retire { machine }),
            (false, Progress::Offered) => Some(match record {
                Some(_) => Step::Add { machine, member },
                None => Step::Withdraw { machine },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> MachineId {
        MachineId::of_random(number)
    }

    fn worker(number: u128) -> Machine {
        Machine {
            id: id(number),
            name: format!("m{number}"),
            metadata: Default::default(),
            peer_urls: vec![format!("http://127.0.0.1:{number}")],
            client_urls: Vec::new(),
            version: String::new(),
            role: Role::Worker,
            member: None,
            directory: String::new(),
            boot: String::new(),
        }
    }

    fn scene(members: &[u64], machines: &[u128]) -> Scene {
        Scene {
            voters_wanted: 3,
            members: members.iter().copied().collect(),
            seats: BTreeMap::new(),
            machines: machines.iter().map(|number| worker(*number)).collect(),
        }
    }

    /// Takes steps until there are none, as a leader would; how many there were.
    fn run(scene: &mut Scene) -> usize {
        let mut steps = 0;
        while let Some(step) = scene.next_step(100 + steps as u64) {
            match step {
                Step::Offer { machine, member } => {
                    scene
                        .seats
                        .insert(machine, Seat::member(member, Progress::Offered));
                }
                Step::Add { member, .. } => {
                    scene.members.insert(member);
                }
                Step::Mark {
                    machine,
                    member,
                    progress,
                } => {
                    scene.seats.insert(machine, Seat::member(member, progress));
                }
                Step::Withdraw { machine } => {
                    scene.seats.remove(&machine);
                }
                Step::Retire { machine } => {
                    scene.seats.insert(machine, Seat::Worker);
                }
            }
            steps += 1;
            assert!(steps < 100, "it comes to an end");
        }
        steps
    }

    #[test]
    fn the_first_machines_get_seats_and_the_others_stay_workers() {
        let mut scene = scene(&[1], &[9, 5, 7]);
        run(&mut scene);
        assert_eq!(scene.members.len(), 3);
        assert_eq!(scene.seats.keys().collect::<Vec<_>>(), [&id(5), &id(9)]);
        assert_eq!(run(&mut scene), 0);
    }

    #[test]
    fn a_seat_whose_machine_died_before_it_was_added_goes_to_another() {
        let mut scene = scene(&[1, 2], &[7]);
        scene
            .seats
            .insert(id(5), Seat::member(50, Progress::Offered));
        let step = scene.next_step(60);
        assert_eq!(step, Some(Step::Withdraw { machine: id(5) }));
        run(&mut scene);
        assert_eq!(scene.seats.keys().collect::<Vec<_>>(), [&id(7)]);
    }

    #[test]
    fn a_machine_whose_member_was_removed_stays_a_worker() {
        let mut scene = scene(&[1, 2], &[5]);
        scene
            .seats
            .insert(id(5), Seat::member(50, Progress::Started));
        run(&mut scene);
        assert_eq!(scene.seats[&id(5)], Seat::Worker);
        assert_eq!(scene.members.len(), 2);
    }

    #[test]
    fn a_step_that_was_taken_and_not_noted_is_noted() {
        let mut scene = scene(&[1, 50], &[5]);
        scene
            .seats
            .insert(id(5), Seat::member(50, Progress::Offered));
        let mark = |progress| {
            Some(Step::Mark {
                machine: id(5),
                member: 50,
                progress,
            })
        };
        assert_eq!(scene.next_step(60), mark(Progress::Added));
        scene.seats.insert(id(5), Seat::member(50, Progress::Added));
        assert_ne!(scene.next_step(60), mark(Progress::Started));
        scene.machines[0].member = Some("32".to_owned());
        scene.machines[0].role = Role::Member;
        assert_eq!(scene.next_step(60), mark(Progress::Started));
    }

    #[test]
    fn no_seat_is_offered_where_nobody_could_reach_the_member() {
        let mut scene = scene(&[1], &[5]);
        scene.machines[0].peer_urls.clear();
        assert_eq!(scene.next_step(60), None);
    }

    #[test]
    fn a_seat_reads_as_it_is_written() {
        for (seat, text) in [
            (
                Seat::member(0xab, Progress::Started),
                r#"{"member":{"id":"ab","progress":"started"}}"#,
            ),
            (Seat::Worker, r#""worker""#),
        ] {
            assert_eq!(String::from_utf8(seat.encode()).expect("is text"), text);
            assert_eq!(Seat::decode(text.as_bytes()).expect("reads"), seat);
        }
    }
}
