//! The nodes of a cluster: its members, and the machines that joined it, put together.
//!
//! A member is known from the log, a machine that is up from its record, one that joined from
//! what was written when it did. A member that was founded by flags has no machine.
//!
//! Whoever names a node writes its name, or the beginning of an id; a text that names none or
//! several names nobody.

use std::collections::BTreeMap;

use crate::core::cluster::machine::{Machine, MachineId, Metadata};
use crate::core::cluster::node::Node;
use crate::core::cluster::seat::Seat;

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Voter,
    Learner,
    Worker,
}

/// A member, as MemberList says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub id: u64,
    pub name: String,
    pub is_learner: bool,
    pub client_urls: Vec<String>,
}

/// One line of the roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub part: Part,
    pub machine: Option<MachineId>,
    pub member: Option<u64>,
    /// Whether its machine says so; `None` where no machine is known.
    pub up: Option<bool>,
    /// Since when it does what it does, in milliseconds of the epoch, by its machine's clock.
    pub since_ms: Option<u64>,
    /// Of the program that the machine runs.
    pub version: Option<String>,
    pub metadata: Metadata,
    pub client_urls: Vec<String>,
}

/// Everybody, members first, each part by name.
pub fn roll(
    members: &[Member],
    machines: &[Machine],
    nodes: &[Node],
    seats: &BTreeMap<MachineId, Seat>,
) -> Vec<Entry> {
    let machine_of = |member: u64| {
        let says = |machine: &&Machine| machine.member == Some(format!("{member:x}"));
        let up = machines.iter().find(says).map(|machine| &machine.id);
        let seated = seats
            .iter()
            .find(|(_, seat)| seat.member_id() == Some(member));
        up.or(seated.map(|(machine, _)| machine)).cloned()
    };
    let members = members.iter().map(|member| {
        let machine = machine_of(member.id);
        let record = machines.iter().find(|it| Some(&it.id) == machine.as_ref());
        Entry::of_member(member, machine, record)
    });
    let mut entries: Vec<Entry> = members.collect();
    let is_listed = |entries: &[Entry], id: &MachineId| {
        entries.iter().any(|it| it.machine.as_ref() == Some(id))
    };
    for machine in machines {
        if !is_listed(&entries, &machine.id) {
            entries.push(Entry::of_machine(machine));
        }
    }
    for node in nodes {
        if !is_listed(&entries, &node.id) {
            entries.push(Entry::of_node(node));
        }
    }
    entries.sort_by(|one, other| {
        let key = |entry: &Entry| (entry.part, entry.name.clone(), entry.member);
        key(one).cmp(&key(other))
    });
    entries
}

impl Entry {
    fn of_member(member: &Member, machine: Option<MachineId>, record: Option<&Machine>) -> Self {
        Self {
            // One that was added and has not started yet has said nothing.
            name: match (member.name.as_str(), record) {
                ("", Some(record)) => record.name.clone(),
                (name, _) => name.to_owned(),
            },
            part: match member.is_learner {
                true => Part::Learner,
                false => Part::Voter,
            },
            up: machine.as_ref().map(|_| record.is_some()),
            machine,
            member: Some(member.id),
            since_ms: record.and_then(since),
            version: record.map(|record| record.version.clone()),
            metadata: record.map_or_else(Metadata::default, |it| it.metadata.clone()),
            client_urls: member.client_urls.clone(),
        }
    }

    fn of_machine(machine: &Machine) -> Self {
        Self {
            name: machine.name.clone(),
            part: Part::Worker,
            machine: Some(machine.id.clone()),
            member: None,
            up: Some(true),
            since_ms: since(machine),
            version: Some(machine.version.clone()),
            metadata: machine.metadata.clone(),
            client_urls: machine.client_urls.clone(),
        }
    }

    /// One that joined and is down.
    fn of_node(node: &Node) -> Self {
        Self {
            name: node.name.clone(),
            part: Part::Worker,
            machine: Some(node.id.clone()),
            member: None,
            up: Some(false),
            since_ms: None,
            version: None,
            metadata: Metadata::default(),
            client_urls: Vec::new(),
        }
    }
}

fn since(machine: &Machine) -> Option<u64> {
    Some(machine.since_ms).filter(|since_ms| *since_ms > 0)
}

/// As many as people read.
const NAMED_MAX: usize = 10;

/// Why a text does not name one node.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamingError {
    #[error("no node has the name, the machine id or the member id {text:?}; there are {there}")]
    Unknown { text: String, there: String },
    #[error("{text:?} names {there}: write the machine id or the member id of one")]
    Ambiguous { text: String, there: String },
}

impl Entry {
    /// What people call it.
    pub fn label(&self) -> String {
        match (self.name.as_str(), self.member, &self.machine) {
            ("", Some(member), _) => format!("{member:x}"),
            ("", None, Some(machine)) => machine.to_string(),
            (name, ..) => name.to_owned(),
        }
    }

    /// The id that nobody else has.
    fn id(&self) -> String {
        match (&self.machine, self.member) {
            (Some(machine), _) => machine.to_string(),
            (None, Some(member)) => format!("{member:x}"),
            (None, None) => String::new(),
        }
    }
}

/// Nodes with their ids, in a line.
fn named<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let mut named: Vec<String> = entries
        .map(|entry| format!("{} ({})", entry.label(), entry.id()))
        .collect();
    let more = named.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        named.truncate(NAMED_MAX);
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

/// The node with a name, a machine id or a member id, whole or from the beginning.
pub fn find<'a>(entries: &'a [Entry], text: &str) -> Result<&'a Entry, NamingError> {
    let member = |entry: &Entry| entry.member.map(|id| format!("{id:x}"));
    let whole = |entry: &&Entry| {
        entry.name == text
            || entry.machine.as_ref().is_some_and(|id| id.as_str() == text)
            || member(entry).is_some_and(|id| id == text)
    };
    let begins = |entry: &&Entry| {
        let machine = entry.machine.as_ref();
        machine.is_some_and(|id| id.as_str().starts_with(text))
            || member(entry).is_some_and(|id| id.starts_with(text))
    };
    let mut found: Vec<&Entry> = entries.iter().filter(whole).collect();
    if found.is_empty() && !text.is_empty() {
        found = entries.iter().filter(begins).collect();
    }
    match found[..] {
        [one] => Ok(one),
        [] => Err(NamingError::Unknown {
            text: text.to_owned(),
            there: named(entries.iter()),
        }),
        _ => Err(NamingError::Ambiguous {
            text: text.to_owned(),
            there: named(found.into_iter()),
        }),
    }
}

impl Part {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Voter => "voter",
            Self::Learner => "learner",
            Self::Worker => "worker",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster::machine::Role;
    use crate::core::cluster::seat::Progress;

    fn id(number: u128) -> MachineId {
        MachineId::of_random(number << 64)
    }

    fn machine(number: u128, name: &str, member: Option<u64>) -> Machine {
        Machine {
            id: id(number),
            name: name.to_owned(),
            metadata: Metadata::default(),
            peer_urls: Vec::new(),
            client_urls: Vec::new(),
            version: String::new(),
            role: Role::Worker,
            member: member.map(|id| format!("{id:x}")),
            directory: String::new(),
            boot: String::new(),
            since_ms: 0,
        }
    }

    fn member(id: u64, name: &str, is_learner: bool) -> Member {
        Member {
            id,
            name: name.to_owned(),
            is_learner,
            client_urls: Vec::new(),
        }
    }

    fn node(number: u128, name: &str) -> Node {
        Node {
            id: id(number),
            name: name.to_owned(),
            directory: String::new(),
            token: String::new(),
        }
    }

    fn example() -> Vec<Entry> {
        let members = [member(0xa1, "one", false), member(0xb2, "", true)];
        let machines = [machine(2, "two", Some(0xb2)), machine(3, "three", None)];
        let nodes = [node(2, "two"), node(3, "three"), node(4, "four")];
        roll(&members, &machines, &nodes, &BTreeMap::new())
    }

    #[test]
    fn everybody_is_listed_once() {
        let said: Vec<_> = example()
            .into_iter()
            .map(|entry| (entry.name, entry.part, entry.up))
            .collect();
        let expected = [
            ("one", Part::Voter, None),
            ("two", Part::Learner, Some(true)),
            ("four", Part::Worker, Some(false)),
            ("three", Part::Worker, Some(true)),
        ];
        assert_eq!(
            said,
            expected.map(|(name, part, up)| (name.to_owned(), part, up))
        );
    }

    #[test]
    fn a_member_whose_machine_is_down_is_known_by_its_seat() {
        let seats = BTreeMap::from([(id(2), Seat::offer(1, 0xb2, None).at(Progress::Started))]);
        let all = roll(
            &[member(0xb2, "two", false)],
            &[],
            &[node(2, "two")],
            &seats,
        );
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].up, &all[0].machine), (Some(false), &Some(id(2))));
    }

    #[test]
    fn a_node_is_found_by_name_or_by_the_beginning_of_an_id() {
        let all = example();
        for (text, name) in [("two", "two"), ("a", "one"), (id(3).as_str(), "three")] {
            assert_eq!(find(&all, text).expect(text).name, name);
        }
        assert!(find(&all, "").is_err());
    }

    #[test]
    fn a_text_that_names_none_or_several_is_told_who_there_is() {
        let all = example();
        let nobody = find(&all, "five").expect_err("nobody").to_string();
        assert!(nobody.contains("one (a1), two (0000"), "{nobody}");
        let several = find(&all, "0").expect_err("three").to_string();
        assert!(several.starts_with("\"0\" names two (0000"), "{several}");
        assert!(!several.contains("one (a1)"), "{several}");
        let crowd: Vec<Machine> = (1..=12).map(|number| machine(number, "w", None)).collect();
        let crowd = roll(&[], &crowd, &[], &BTreeMap::new());
        let told = find(&crowd, "w").expect_err("twelve").to_string();
        assert!(told.contains("2 more"), "{told}");
    }
}
