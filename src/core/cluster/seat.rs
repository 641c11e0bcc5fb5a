//! Seats: which machines are to be members, and the next step towards that.
//!
//! A machine joins as a worker. Whoever leads offers seats to workers until there are as many
//! members as there are to be voters; the machine finds its seat in the store, takes part as a
//! learner, and is promoted once it has caught up. Every step can be taken twice, and each is
//! computed from what stands in the store and in the log, so that any leader goes on where another
//! one left off.
//!
//! - A member that is gone for too long does not count: a worker is given a seat in its stead.
//! - A seat says of which cluster it is. A store that was restored from a snapshot holds those of
//!   another one, which say nothing of this one's members.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::cluster::machine::{Machine, MachineId, Role};

/// Where the seats stand, each by the id of its machine.
pub const PREFIX: &str = "/coracle/cluster/seat/";
/// The first key after those in that folder.
pub const PREFIX_END: &str = "/coracle/cluster/seat0";

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
    /// The cluster's id, in hexadecimal; none in what an older program wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Whom it is to replace, if anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Replaced>,
}

/// A member that somebody wants replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The member's id, in hexadecimal.
    pub id: String,
    /// What it was called, so that whoever asks again by its name is understood.
    pub name: String,
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
    /// Delete the seat: its machine is gone before it was added, or it is of another cluster.
    Withdraw { machine: MachineId },
    /// Write that the machine stays a worker: its member was removed.
    Retire { machine: MachineId },
    /// Take out a member: another one is there in its stead, or it never caught up.
    Remove { member: u64 },
}

/// What is known of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub votes: bool,
    /// Whether it is gone for so long that another is to take its place.
    pub overdue: bool,
}

/// What the leader sees.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    pub cluster_id: u64,
    pub voters_wanted: usize,
    /// Everybody in the membership, learners too.
    pub members: BTreeMap<u64, Standing>,
    pub seats: BTreeMap<MachineId, Seat>,
    /// The machines that are up, the one that registered first at the front.
    pub machines: Vec<Machine>,
    /// Those that joined, and were not taken out since.
    pub joined: BTreeSet<MachineId>,
}

/// The key of a machine's seat.
pub fn key(machine: &MachineId) -> String {
    format!("{PREFIX}{machine}")
}

impl Seat {
    /// A seat that a machine is offered.
    pub fn offer(cluster_id: u64, member: u64, replaces: Option<Replaced>) -> Self {
        Self::Member(Place {
            id: format!("{member:x}"),
            progress: Progress::Offered,
            cluster: Some(format!("{cluster_id:x}")),
            replaces,
        })
    }

    /// The same, further on.
    #[must_use]
    pub fn at(&self, progress: Progress) -> Self {
        match self {
            Self::Member(place) => Self::Member(Place {
                progress,
                ..place.clone()
            }),
            Self::Worker => Self::Worker,
        }
    }

    /// Whether it says something of this cluster's members.
    pub fn is_of(&self, cluster_id: u64) -> bool {
        match self {
            Self::Member(place) => {
                let cluster = place.cluster.as_ref();
                cluster.is_none_or(|cluster| *cluster == format!("{cluster_id:x}"))
            }
            Self::Worker => true,
        }
    }

    /// Whether the member that the seat says has been in the log.
    pub fn was_added(&self) -> bool {
        matches!(self, Self::Member(place) if place.progress >= Progress::Added)
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

    /// Whom the machine is to replace as a member, if anybody.
    pub fn replaces(&self) -> Option<u64> {
        match self {
            Self::Member(place) => {
                let replaced = place.replaces.as_ref()?;
                u64::from_str_radix(&replaced.id, 16).ok()
            }
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

/// The workers that could be members: those that never were before those whose seat was taken
/// away, and of each the one that is up for the longest at the front.
pub fn candidates<'a>(
    machines: &'a [Machine],
    joined: &BTreeSet<MachineId>,
    seats: &BTreeMap<MachineId, Seat>,
) -> Vec<&'a Machine> {
    let could = |machine: &&Machine| {
        machine.role == Role::Worker
            && !machine.peer_urls.is_empty()
            && joined.contains(&machine.id)
            && !matches!(seats.get(&machine.id), Some(Seat::Member(_)))
    };
    let mut candidates: Vec<&Machine> = machines.iter().filter(could).collect();
    // Stable: who registered first stays in front.
    candidates.sort_by_key(|machine| seats.contains_key(&machine.id));
    candidates
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
        let pending = pending.filter(|id| !self.members.contains_key(id)).count();
        if pending > 0 || !self.is_short() {
            return None;
        }
        let candidates = candidates(&self.machines, &self.joined, &self.seats);
        // Who was made a worker stays one until somebody says otherwise.
        let mut free = candidates
            .iter()
            .filter(|machine| !self.seats.contains_key(&machine.id));
        Some(Step::Offer {
            machine: free.next()?.id.clone(),
            member: fresh,
        })
    }

    /// Whether there are fewer members than there should be.
    pub fn is_short(&self) -> bool {
        self.here() < self.wanted()
    }

    /// Which member is to go as soon as another one votes, by that other one.
    pub fn replacements(&self) -> BTreeMap<u64, u64> {
        let seats = self
            .seats
            .values()
            .filter(|seat| seat.is_of(self.cluster_id));
        let pairs = seats.filter_map(|seat| Some((seat.member_id()?, seat.replaces()?)));
        pairs.collect()
    }

    /// Members that are not gone for too long.
    fn here(&self) -> usize {
        let here = self.members.values().filter(|member| !member.overdue);
        here.count()
    }

    /// How many there should be: who has five voters, of which one is gone, wants five again.
    fn wanted(&self) -> usize {
        let voters = self.members.values().filter(|member| member.votes).count();
        voters.max(self.voters_wanted)
    }

    /// What has to be done about a seat that was given.
    fn settle(&self, machine: &MachineId, seat: &Seat) -> Option<Step> {
        let Seat::Member(place) = seat else {
            return None;
        };
        let machine = machine.clone();
        // What does not read names nobody; without it the machine can be offered another.
        let Some(member) = seat.member_id().filter(|_| seat.is_of(self.cluster_id)) else {
            return Some(Step::Withdraw { machine });
        };
        let record = self.machines.iter().find(|record| record.id == machine);
        let says_so = record.is_some_and(|record| record.member.as_ref() == Some(&place.id));
        let Some(standing) = self.members.get(&member) else {
            return Some(match (place.progress, record) {
                (Progress::Added | Progress::Started, _) => Step::Retire { machine },
                (Progress::Offered, Some(_)) => Step::Add { machine, member },
                (Progress::Offered, None) => Step::Withdraw { machine },
            });
        };
        let next = match place.progress {
            Progress::Offered => Some(Progress::Added),
            Progress::Added if says_so => Some(Progress::Started),
            Progress::Added | Progress::Started => None,
        };
        if let Some(progress) = next {
            return Some(Step::Mark {
                machine,
                member,
                progress,
            });
        }
        let replaced = seat.replaces().filter(|old| self.members.contains_key(old));
        match (standing, replaced) {
            (Standing { votes: true, .. }, Some(member)) => Some(Step::Remove { member }),
            // It counts for nothing and blocks the way of those who would.
            (Standing { votes: false, .. }, _) if standing.overdue => Some(Step::Remove { member }),
            _ => None,
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
            since_ms: 0,
        }
    }

    const CLUSTER: u64 = 0xc;
    const VOTER: Standing = Standing {
        votes: true,
        overdue: false,
    };
    const GONE: Standing = Standing {
        votes: true,
        overdue: true,
    };
    const LEARNER: Standing = Standing {
        votes: false,
        overdue: false,
    };

    fn scene(members: &[u64], machines: &[u128]) -> Scene {
        Scene {
            cluster_id: CLUSTER,
            voters_wanted: 3,
            members: members.iter().map(|id| (*id, VOTER)).collect(),
            seats: BTreeMap::new(),
            machines: machines.iter().map(|number| worker(*number)).collect(),
            joined: machines.iter().map(|number| id(*number)).collect(),
        }
    }

    fn seat(member: u64, progress: Progress) -> Seat {
        Seat::offer(CLUSTER, member, None).at(progress)
    }

    fn instead_of(member: u64, old: u64, progress: Progress) -> Seat {
        let replaced = Replaced {
            id: format!("{old:x}"),
            name: "old".to_owned(),
        };
        Seat::offer(CLUSTER, member, Some(replaced)).at(progress)
    }

    /// Takes steps until there are none, as a leader would; how many there were.
    fn run(scene: &mut Scene) -> usize {
        let mut steps = 0;
        while let Some(step) = scene.next_step(100 + steps as u64) {
            match step {
                Step::Offer { machine, member } => {
                    let seat = Seat::offer(CLUSTER, member, None);
                    scene.seats.insert(machine, seat);
                }
                Step::Add { member, .. } => {
                    scene.members.insert(member, LEARNER);
                }
                Step::Mark {
                    machine, progress, ..
                } => {
                    let seat = scene.seats[&machine].at(progress);
                    scene.seats.insert(machine, seat);
                }
                Step::Remove { member } => {
                    scene.members.remove(&member);
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
        scene.seats.insert(id(5), seat(50, Progress::Offered));
        let step = scene.next_step(60);
        assert_eq!(step, Some(Step::Withdraw { machine: id(5) }));
        run(&mut scene);
        assert_eq!(scene.seats.keys().collect::<Vec<_>>(), [&id(7)]);
    }

    #[test]
    fn a_machine_whose_member_was_removed_stays_a_worker() {
        let mut scene = scene(&[1, 2], &[5]);
        scene.seats.insert(id(5), seat(50, Progress::Started));
        run(&mut scene);
        assert_eq!(scene.seats[&id(5)], Seat::Worker);
        assert_eq!(scene.members.len(), 2);
    }

    #[test]
    fn a_step_that_was_taken_and_not_noted_is_noted() {
        let mut scene = scene(&[1, 50], &[5]);
        scene.seats.insert(id(5), seat(50, Progress::Offered));
        let mark = |progress| {
            Some(Step::Mark {
                machine: id(5),
                member: 50,
                progress,
            })
        };
        assert_eq!(scene.next_step(60), mark(Progress::Added));
        scene.seats.insert(id(5), seat(50, Progress::Added));
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
                seat(0xab, Progress::Started),
                r#"{"member":{"id":"ab","progress":"started","cluster":"c"}}"#,
            ),
            (Seat::Worker, r#""worker""#),
        ] {
            assert_eq!(String::from_utf8(seat.encode()).expect("is text"), text);
            assert_eq!(Seat::decode(text.as_bytes()).expect("reads"), seat);
        }
    }

    #[test]
    fn a_worker_takes_the_place_of_a_member_that_is_gone_for_too_long() {
        let mut scene = scene(&[1, 2, 3], &[7]);
        assert_eq!(run(&mut scene), 0, "nobody is gone");
        scene.members.insert(3, GONE);
        run(&mut scene);
        let members: Vec<u64> = scene.members.keys().copied().collect();
        assert_eq!(members.len(), 4, "{members:?}");
        assert_eq!(scene.seats.keys().collect::<Vec<_>>(), [&id(7)]);
        // Five that vote want to be five again, whatever was wanted of a new cluster.
        let mut five = self::scene(&[1, 2, 3, 4, 5], &[7]);
        five.members.insert(3, GONE);
        run(&mut five);
        assert_eq!(five.members.len(), 6);
    }

    #[test]
    fn a_learner_that_is_gone_for_too_long_makes_way() {
        let mut scene = scene(&[1, 2], &[5, 7]);
        scene.members.insert(50, LEARNER);
        scene.seats.insert(id(5), seat(50, Progress::Added));
        assert_eq!(run(&mut scene), 0, "it may come back");
        scene.members.insert(
            50,
            Standing {
                overdue: true,
                ..LEARNER
            },
        );
        scene.machines.remove(0);
        assert_eq!(scene.next_step(60), Some(Step::Remove { member: 50 }));
        run(&mut scene);
        assert_eq!(scene.seats[&id(5)], Seat::Worker);
        assert!(scene.seats[&id(7)].member_id().is_some());
    }

    #[test]
    fn who_is_replaced_goes_once_the_other_one_votes() {
        let mut scene = scene(&[1, 2, 3], &[7]);
        scene
            .seats
            .insert(id(7), instead_of(50, 3, Progress::Offered));
        run(&mut scene);
        assert_eq!(scene.members.len(), 4, "it is a learner");
        assert_eq!(scene.replacements(), BTreeMap::from([(50, 3)]));
        scene.members.insert(50, VOTER);
        assert_eq!(scene.next_step(60), Some(Step::Remove { member: 3 }));
        run(&mut scene);
        assert_eq!(scene.members.keys().collect::<Vec<_>>(), [&1, &2, &50]);
        assert_eq!(run(&mut scene), 0);
    }

    #[test]
    fn a_seat_of_another_cluster_is_withdrawn_and_its_machine_may_have_one_of_this() {
        let mut scene = scene(&[1], &[7]);
        let old = Seat::offer(0xd, 50, None).at(Progress::Started);
        assert!(!old.is_of(CLUSTER));
        scene.seats.insert(id(7), old);
        let step = scene.next_step(60);
        assert_eq!(step, Some(Step::Withdraw { machine: id(7) }));
        run(&mut scene);
        assert!(scene.seats[&id(7)].is_of(CLUSTER));
        // Without the word, as an older program wrote it, it is this cluster's.
        let text = r#"{"member":{"id":"ab","progress":"added"}}"#;
        assert!(Seat::decode(text.as_bytes()).expect("reads").is_of(CLUSTER));
    }

    #[test]
    fn a_machine_that_was_taken_out_is_offered_nothing() {
        let mut scene = scene(&[1], &[7]);
        scene.joined.clear();
        assert_eq!(scene.next_step(60), None);
    }

    #[test]
    fn who_was_never_a_member_is_the_better_candidate() {
        let mut scene = scene(&[1, 2, 3], &[5, 7, 9]);
        scene.seats.insert(id(5), Seat::Worker);
        scene.seats.insert(id(9), seat(50, Progress::Added));
        let found = candidates(&scene.machines, &scene.joined, &scene.seats);
        let found: Vec<&MachineId> = found.iter().map(|machine| &machine.id).collect();
        assert_eq!(found, [&id(7), &id(5)]);
    }
}
