//! What is known of the machine that a holder is: its name, and whether it is up.

use crate::core::cluster::roll::Entry;

/// A holder as a machine of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// None: nobody in the cluster has that id.
    pub name: Option<String>,
    /// None: nobody says.
    pub up: Option<bool>,
}

/// Looks a holder up by the id of its machine, or by its name.
pub fn known(everybody: &[Entry], holder: &str) -> Known {
    let is_id = |entry: &&Entry| {
        let machine = entry.machine.as_ref();
        machine.is_some_and(|id| id.as_str() == holder)
    };
    let named = |entry: &&Entry| entry.name == holder;
    let mut entries = everybody.iter();
    let found = entries.find(is_id).or(everybody.iter().find(named));
    found.map_or_else(Known::default, |entry| Known {
        name: Some(entry.name.clone()),
        up: entry.up,
    })
}

/// The one of `holders` that a person means: its id, or the name of the machine that has it.
pub fn meant<'a>(
    everybody: &[Entry],
    mut holders: impl Iterator<Item = &'a str> + Clone,
    text: &str,
) -> Option<&'a str> {
    let is_it = |holder: &&str| *holder == text;
    let is_named = |holder: &&str| known(everybody, holder).name.as_deref() == Some(text);
    holders
        .clone()
        .find(is_it)
        .or_else(|| holders.find(is_named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster::machine::{MachineId, Metadata};
    use crate::core::cluster::roll::Part;

    fn entry(name: &str, bits: u128, up: bool) -> Entry {
        Entry {
            name: name.to_owned(),
            part: Part::Worker,
            machine: Some(MachineId::of_random(bits)),
            member: None,
            up: Some(up),
            since_ms: None,
            version: None,
            metadata: Metadata::default(),
            client_urls: Vec::new(),
        }
    }

    #[test]
    fn a_holder_is_known_by_its_machine_or_not_at_all() {
        let everybody = [entry("db1", 1, true), entry("db2", 2, false)];
        let id = MachineId::of_random(2).to_string();
        let found = known(&everybody, &id);
        assert_eq!(
            (found.name.as_deref(), found.up),
            (Some("db2"), Some(false))
        );
        assert_eq!(known(&everybody, "db1").up, Some(true));
        assert_eq!(known(&everybody, "a foreign node"), Known::default());
    }

    #[test]
    fn a_person_may_say_the_name_of_the_machine() {
        let everybody = [entry("db1", 1, true)];
        let id = MachineId::of_random(1).to_string();
        let holders = [id.as_str(), "x"];
        let meant = |text| meant(&everybody, holders.into_iter(), text);
        assert_eq!(meant("db1"), Some(id.as_str()));
        assert_eq!(meant("x"), Some("x"));
        assert_eq!(meant("db2"), None);
    }
}
