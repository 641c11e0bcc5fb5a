//! Who becomes a member when somebody asks for it, and in whose place.
//!
//! What was asked for stands in the seat of the machine that comes. So asking again finds what was
//! begun, and goes on with it; nobody is appointed twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::cluster::machine::{Machine, MachineId, Role};
use crate::core::cluster::roll::{Entry, NamingError, Part, find};
use crate::core::cluster::seat::{Replaced, Seat, candidates};

/// More would make each write slower and nothing safer.
pub const MEMBERS_MAX: usize = 7;

/// What is known of everybody.
#[derive(Clone, Copy, Debug)]
pub struct Register<'a> {
    pub cluster_id: u64,
    pub entries: &'a [Entry],
    pub machines: &'a [Machine],
    pub joined: &'a BTreeSet<MachineId>,
    pub seats: &'a BTreeMap<MachineId, Seat>,
}

/// What is left to do until a node votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appointment {
    /// It votes.
    Done { member: u64 },
    /// It is a learner, or has a seat: it votes as soon as it has a copy of the data.
    Begun { member: u64 },
    /// Its machine is to be given a seat.
    Seat { machine: MachineId },
}

/// A dead member and who takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// None: it is a member no longer.
    pub dead: Option<Replaced>,
    pub new: Entry,
    pub appointment: Appointment,
}

/// Why nobody is appointed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("worker {0} is down")]
    Down(String),
    #[error("worker {0} serves no peer URL, so that the members would not reach it")]
    Unreachable(String),
    #[error("{0} has just been taken out of the members, and is not a worker yet")]
    Leaving(String),
    #[error("there are {0} members, and {MEMBERS_MAX} are the most that make sense")]
    TooMany(usize),
    #[error("{0} is a worker: there is no place to take over")]
    NoMember(String),
    #[error("{0} is a member already")]
    IsMember(String),
    #[error("{by} is taking the place of {dead} already")]
    Taken { dead: String, by: String },
    #[error("there is no worker that is up")]
    NoWorker,
}

/// Why a replacement is not begun.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Naming(#[from] NamingError),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl<'a> Register<'a> {
    /// What is to be done so that `entry` votes.
    pub fn promote(&self, entry: &Entry) -> Result<Appointment, Refusal> {
        match (self.begun(entry)?, self.members()) {
            (Appointment::Seat { .. }, members) if members >= MEMBERS_MAX => {
                Err(Refusal::TooMany(members))
            }
            (appointment, _) => Ok(appointment),
        }
    }

    /// What is to be done so that `new`, or the best worker, stands in the place of `dead`.
    pub fn replace(&self, dead: &str, new: Option<&str>) -> Result<Succession, Failed> {
        let found = find(self.entries, dead);
        let member = found.as_ref().ok().and_then(|entry| {
            let id = format!("{:x}", entry.member?);
            let name = entry.label();
            Some(Replaced { id, name })
        });
        let by = match &member {
            Some(member) => self.replacer(|replaced| replaced.id == member.id),
            None => self.replacer(|replaced| replaced.id == dead || replaced.name == dead),
        };
        if let Some(by) = by {
            if let Some(new) = new
                && find(self.entries, new)? != by
            {
                let (dead, by) = (dead.to_owned(), by.label());
                return Err(Refusal::Taken { dead, by }.into());
            }
            return Ok(Succession {
                dead: member,
                new: by.clone(),
                appointment: self.begun(by)?,
            });
        }
        let Some(member) = member else {
            return Err(match found {
                Ok(entry) => Refusal::NoMember(entry.label()).into(),
                Err(error) => error.into(),
            });
        };
        let new = match new {
            Some(new) => find(self.entries, new)?,
            None => self.best().ok_or(Refusal::NoWorker)?,
        };
        if new.member.is_some() {
            return Err(Refusal::IsMember(new.label()).into());
        }
        Ok(Succession {
            dead: Some(member),
            new: new.clone(),
            appointment: self.begun(new)?,
        })
    }

    fn begun(&self, entry: &Entry) -> Result<Appointment, Refusal> {
        match (entry.part, entry.member, &entry.machine) {
            (Part::Voter, Some(member), _) => return Ok(Appointment::Done { member }),
            (Part::Learner, Some(member), _) => return Ok(Appointment::Begun { member }),
            _ => {}
        }
        let down = || Refusal::Down(entry.label());
        let machine = entry.machine.as_ref().ok_or_else(down)?;
        let seat = self.seats.get(machine);
        let seat = seat.filter(|seat| seat.is_of(self.cluster_id));
        let leaving = || Refusal::Leaving(entry.label());
        if let (Some(seat), Some(member)) = (seat, seat.and_then(Seat::member_id)) {
            // Of one that was added, and is no member, the seat is about to be taken away.
            return match seat.was_added() {
                true => Err(leaving()),
                false => Ok(Appointment::Begun { member }),
            };
        }
        if entry.up != Some(true) {
            return Err(down());
        }
        let candidates = candidates(self.machines, self.joined, self.seats);
        if candidates.iter().any(|it| it.id == *machine) {
            return Ok(Appointment::Seat {
                machine: machine.clone(),
            });
        }
        let mut records = self.machines.iter().filter(|it| it.id == *machine);
        match records.any(|record| record.role == Role::Member) {
            true => Err(leaving()),
            false => Err(Refusal::Unreachable(entry.label())),
        }
    }

    /// Who has a seat in which it replaces such a member.
    fn replacer(&self, is: impl Fn(&Replaced) -> bool) -> Option<&'a Entry> {
        let mut seats = self.seats.iter().filter(|(_, seat)| match seat {
            Seat::Member(place) => {
                seat.is_of(self.cluster_id) && place.replaces.as_ref().is_some_and(&is)
            }
            Seat::Worker => false,
        });
        let (machine, _) = seats.next()?;
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.machine.as_ref() == Some(machine))
    }

    fn best(&self) -> Option<&'a Entry> {
        let candidates = candidates(self.machines, self.joined, self.seats);
        let id = &candidates.first()?.id;
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.machine.as_ref() == Some(id))
    }

    fn members(&self) -> usize {
        let members = self.entries.iter().filter(|entry| entry.member.is_some());
        members.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster::machine::Metadata;
    use crate::core::cluster::node::Node;
    use crate::core::cluster::roll::{Member, roll};
    use crate::core::cluster::seat::Progress;

    const CLUSTER: u64 = 0xc;

    #[derive(Default)]
    struct Example {
        entries: Vec<Entry>,
        machines: Vec<Machine>,
        joined: BTreeSet<MachineId>,
        seats: BTreeMap<MachineId, Seat>,
    }

    fn id(number: u128) -> MachineId {
        MachineId::of_random(number)
    }

    /// Members a1 to a3 without machines, and workers w7, w8 and, which is down, w9.
    fn example(seats: &[(u128, Seat)]) -> Example {
        let members: Vec<Member> = (1..=3)
            .map(|at| Member {
                id: 0xa0 + at,
                name: format!("m{at}"),
                ..Member::default()
            })
            .collect();
        let machine = |number: u128| Machine {
            id: id(number),
            name: format!("w{number}"),
            metadata: Metadata::default(),
            peer_urls: vec!["http://127.0.0.1:1".to_owned()],
            client_urls: Vec::new(),
            version: String::new(),
            role: Role::Worker,
            member: None,
            directory: String::new(),
            boot: String::new(),
            since_ms: 0,
        };
        let machines = vec![machine(7), machine(8)];
        let nodes = [7, 8, 9].map(|number| Node {
            id: id(number),
            name: format!("w{number}"),
            directory: String::new(),
            token: String::new(),
        });
        let seats: BTreeMap<_, _> = seats
            .iter()
            .map(|(number, seat)| (id(*number), seat.clone()))
            .collect();
        Example {
            entries: roll(&members, &machines, &nodes, &seats),
            machines,
            joined: nodes.into_iter().map(|node| node.id).collect(),
            seats,
        }
    }

    impl Example {
        fn register(&self) -> Register<'_> {
            Register {
                cluster_id: CLUSTER,
                entries: &self.entries,
                machines: &self.machines,
                joined: &self.joined,
                seats: &self.seats,
            }
        }

        fn promote(&self, name: &str) -> Result<Appointment, Refusal> {
            let entry = find(&self.entries, name).expect("is there");
            self.register().promote(entry)
        }
    }

    fn replaced(id: &str, name: &str) -> Option<Replaced> {
        let (id, name) = (id.to_owned(), name.to_owned());
        Some(Replaced { id, name })
    }

    #[test]
    fn a_worker_that_is_up_gets_a_seat_and_who_votes_needs_none() {
        let example = example(&[(8, Seat::offer(CLUSTER, 5, None))]);
        let seat = Appointment::Seat { machine: id(7) };
        assert_eq!(example.promote("w7"), Ok(seat));
        assert_eq!(
            example.promote("m1"),
            Ok(Appointment::Done { member: 0xa1 })
        );
        assert_eq!(example.promote("w8"), Ok(Appointment::Begun { member: 5 }));
        assert_eq!(example.promote("w9"), Err(Refusal::Down("w9".to_owned())));
    }

    #[test]
    fn a_worker_that_nobody_reaches_or_one_too_many_gets_no_seat() {
        let mut example = example(&[]);
        example.machines[0].peer_urls.clear();
        let unreachable = Refusal::Unreachable("w7".to_owned());
        assert_eq!(example.promote("w7"), Err(unreachable));
        let member = example.entries[0].clone();
        for more in 4..=7 {
            example.entries.push(Entry {
                name: format!("m{more}"),
                member: Some(0xa0 + more),
                ..member.clone()
            });
        }
        assert_eq!(example.promote("w8"), Err(Refusal::TooMany(7)));
    }

    #[test]
    fn one_that_is_on_its_way_out_of_the_members_is_no_worker_yet() {
        let leaving = |name: &str| Err(Refusal::Leaving(name.to_owned()));
        let seat = Seat::offer(CLUSTER, 5, None);
        for progress in [Progress::Added, Progress::Started] {
            let example = example(&[(8, seat.at(progress))]);
            assert_eq!(example.promote("w8"), leaving("w8"));
        }
        let mut example = example(&[(7, Seat::Worker)]);
        example.machines[0].role = Role::Member;
        assert_eq!(example.promote("w7"), leaving("w7"));
    }

    #[test]
    fn the_best_worker_takes_the_place_or_the_one_that_is_named() {
        let example = example(&[(7, Seat::Worker)]);
        let register = example.register();
        let best = register.replace("m2", None).expect("one is there");
        assert_eq!(best.new.name, "w8", "it never was a member");
        assert_eq!(best.dead, replaced("a2", "m2"));
        let named = register.replace("a2", Some("w7")).expect("it is up");
        let seat = Appointment::Seat { machine: id(7) };
        assert_eq!((named.new.name.as_str(), named.appointment), ("w7", seat));
        let refused = |dead, new| register.replace(dead, new).expect_err("refused");
        let is_member = Refusal::IsMember("m1".to_owned());
        assert_eq!(refused("m2", Some("m1")), is_member.into());
        let no_member = Refusal::NoMember("w7".to_owned());
        assert_eq!(refused("w7", None), no_member.into());
        assert!(matches!(refused("m9", None), Failed::Naming(_)));
        assert!(matches!(refused("m2", Some("w")), Failed::Naming(_)));
    }

    #[test]
    fn without_a_worker_nobody_is_replaced() {
        let mut example = example(&[]);
        example.machines.clear();
        let refused = example.register().replace("m2", None);
        assert_eq!(refused, Err(Refusal::NoWorker.into()));
    }

    #[test]
    fn a_replacement_that_was_begun_goes_on_and_no_other_is_begun() {
        let begun = Seat::offer(CLUSTER, 5, replaced("a2", "m2"));
        let example = example(&[(8, begun)]);
        let register = example.register();
        for new in [None, Some("w8")] {
            let found = register.replace("m2", new).expect("was begun");
            assert_eq!(found.new.name, "w8");
            assert_eq!(found.appointment, Appointment::Begun { member: 5 });
        }
        let (dead, by) = ("m2".to_owned(), "w8".to_owned());
        let other = register.replace("m2", Some("w7"));
        assert_eq!(other, Err(Refusal::Taken { dead, by }.into()));
    }

    #[test]
    fn a_replacement_that_was_made_is_found_by_the_name_of_who_went() {
        let made = Seat::offer(CLUSTER, 0xa1, replaced("f0", "old")).at(Progress::Started);
        let example = example(&[(8, made)]);
        for dead in ["old", "f0"] {
            let found = example.register().replace(dead, None).expect("was made");
            assert_eq!((found.new.name.as_str(), found.dead), ("m1", None));
            assert_eq!(found.appointment, Appointment::Done { member: 0xa1 });
        }
        // One that is called so now is meant before one that was called so.
        let made = Seat::offer(CLUSTER, 0xa1, replaced("f0", "m2")).at(Progress::Started);
        let example = self::example(&[(8, made)]);
        let found = example.register().replace("m2", None).expect("it is there");
        assert_eq!(found.new.name, "w7");
    }
}
