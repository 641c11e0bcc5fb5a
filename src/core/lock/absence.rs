//! Holders of a place that nobody will hear of again: which of them lose it without being asked.
//!
//! A machine that was removed from the cluster loses its place at once. One that is merely gone may
//! be in the middle of its reboot, for as long as that takes, and keeps it unless somebody has said
//! how long is too long. Of a holder that is no machine of the cluster nobody knows anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::core::lock::semaphore::{Holder, NodeKind};

/// Who is in the cluster.
#[derive(Clone, Debug, Default)]
pub struct Company {
    /// The ids of the machines that joined.
    pub joined: BTreeSet<String>,
    /// The ids of the members, in hexadecimal.
    pub members: BTreeSet<String>,
    /// The ids of the machines that are up.
    pub up: BTreeSet<String>,
}

/// What one remembers of the holders from look to look; who leads anew begins anew, and releases
/// later rather than earlier.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    /// The holders that were seen among the machines that joined.
    joined: BTreeSet<String>,
    /// Since when each is not up.
    gone: BTreeMap<String, Duration>,
}

/// Why a place is given back for its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Removed,
    /// For longer than is allowed.
    Absent(Duration),
}

impl Roll {
    /// The ones of `holders` that lose their place at `now`, of any clock that only goes on.
    /// `release_after`: how long one may be gone; none: for ever.
    pub fn look(
        &mut self,
        holders: &[&Holder],
        company: &Company,
        release_after: Option<Duration>,
        now: Duration,
    ) -> Vec<(String, Loss)> {
        let is_held = |id: &String| holders.iter().any(|holder| holder.id == *id);
        self.joined.retain(is_held);
        self.gone.retain(|id, _| is_held(id));
        let mut losses = Vec::new();
        for holder in holders {
            if let Some(loss) = self.judge(holder, company, release_after, now) {
                losses.push((holder.id.clone(), loss));
            }
        }
        losses
    }

    fn judge(
        &mut self,
        holder: &Holder,
        company: &Company,
        release_after: Option<Duration>,
        now: Duration,
    ) -> Option<Loss> {
        let id = &holder.id;
        let has_joined = company.joined.contains(id);
        if has_joined {
            self.joined.insert(id.clone());
        }
        let belonged = match &holder.node {
            Some(NodeKind::Member(member)) if company.members.contains(member) => None,
            Some(_) => Some(()),
            None => self.joined.contains(id).then_some(()),
        };
        if belonged.is_some() && !has_joined {
            return Some(Loss::Removed);
        }
        if company.up.contains(id) || !has_joined && holder.node.is_none() {
            self.gone.remove(id);
            return None;
        }
        let since = *self.gone.entry(id.clone()).or_insert(now);
        let gone = now.saturating_sub(since);
        release_after.filter(|most| gone >= *most).map(Loss::Absent)
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Removed => f.write_str("its machine was removed from the cluster"),
            Self::Absent(most) => write!(f, "its machine is gone for more than {most:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn holder(id: &str, node: Option<NodeKind>) -> Holder {
        let holder = Holder::new(&id.parse().expect("a holder"), Timestamp::UNIX_EPOCH, "");
        Holder { node, ..holder }
    }

    fn set(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    fn company(joined: &[&str], members: &[&str], up: &[&str]) -> Company {
        Company {
            joined: set(joined),
            members: set(members),
            up: set(up),
        }
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_machine_that_was_removed_loses_its_place_at_once() {
        let joined = holder("a", Some(NodeKind::Joined));
        let founder = holder("b", Some(NodeKind::Member("2b".to_owned())));
        let holders = [&joined, &founder];
        let mut roll = Roll::default();
        let all = company(&["a"], &["2b"], &["a", "b"]);
        assert_eq!(roll.look(&holders, &all, None, HOUR), []);
        let none = company(&[], &[], &["a", "b"]);
        let lost = |id: &str| (id.to_owned(), Loss::Removed);
        assert_eq!(
            roll.look(&holders, &none, None, HOUR),
            [lost("a"), lost("b")]
        );
        // Also for who has not looked before.
        let mut roll = Roll::default();
        assert_eq!(
            roll.look(&holders, &none, None, HOUR),
            [lost("a"), lost("b")]
        );
    }

    #[test]
    fn a_founder_that_joined_again_belongs_to_the_cluster() {
        let founder = holder("b", Some(NodeKind::Member("2b".to_owned())));
        let joined = company(&["b"], &[], &[]);
        assert_eq!(Roll::default().look(&[&founder], &joined, None, HOUR), []);
    }

    #[test]
    fn a_place_that_a_person_took_for_a_machine_goes_with_the_machine() {
        let by_hand = holder("a", None);
        let mut roll = Roll::default();
        assert_eq!(
            roll.look(&[&by_hand], &company(&["a"], &[], &[]), None, HOUR),
            []
        );
        let lost = roll.look(&[&by_hand], &company(&[], &[], &[]), None, HOUR);
        assert_eq!(lost, [("a".to_owned(), Loss::Removed)]);
    }

    #[test]
    fn a_machine_that_is_gone_keeps_its_place_unless_somebody_said_for_how_long() {
        let holder = holder("a", Some(NodeKind::Joined));
        let (there, gone) = (company(&["a"], &[], &["a"]), company(&["a"], &[], &[]));
        let mut roll = Roll::default();
        assert_eq!(roll.look(&[&holder], &gone, None, HOUR), []);
        assert_eq!(roll.look(&[&holder], &gone, None, 1_000 * HOUR), []);
        let mut roll = Roll::default();
        let mut look =
            |company, hours| roll.look(&[&holder], company, Some(2 * HOUR), hours * HOUR);
        assert_eq!(look(&gone, 1), []);
        assert_eq!(look(&gone, 2), []);
        assert_eq!(look(&there, 3), [], "it came back");
        assert_eq!(look(&gone, 4), []);
        assert_eq!(look(&gone, 6), [("a".to_owned(), Loss::Absent(2 * HOUR))]);
    }

    #[test]
    fn of_who_is_no_machine_of_the_cluster_nobody_knows_anything() {
        let foreign = holder("zincati's", None);
        let mut roll = Roll::default();
        for hours in [1, 1_000] {
            let nobody = Company::default();
            let lost = roll.look(&[&foreign], &nobody, Some(HOUR), hours * HOUR);
            assert_eq!(lost, []);
        }
    }
}
