//! Whether leases kept their word: no key goes before its lease may end, and who was told that a
//! lease has time again was not told so of one that had ended.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{History, Kind, Micros, Violation, Violations};

const SECOND: Micros = 1_000_000;

pub(super) fn check(history: &History, found: &mut Violations) {
    let mut revoked = BTreeSet::new();
    for call in &history.calls {
        if let Kind::Revoke(lease) = call.kind {
            revoked.insert(lease);
        }
    }
    for (lease, gone) in gone(history) {
        let renewals = history.renewals.iter().filter(|it| it.lease == lease);
        for renewal in renewals {
            if renewal.begun > gone && renewal.seconds > 0 {
                let what = format!("a lease that ended before {gone} lives: {renewal:?}");
                found.push(Violation(what));
            }
            let until = renewal.begun + renewal.seconds as u64 * SECOND;
            let counts = renewal.ended < gone && !revoked.contains(&lease);
            if counts && until > gone {
                let what = format!("the key was gone at {gone}, before its lease: {renewal:?}");
                found.push(Violation(what));
            }
        }
    }
}

/// When somebody was first told that a key is gone that hung on a lease until then; puts and
/// deletes of clients take no part, because keys with leases are written once.
fn gone(history: &History) -> BTreeMap<i64, Micros> {
    let mut gone: BTreeMap<i64, Micros> = BTreeMap::new();
    for sighting in history.sightings.iter().flatten() {
        let crate::history::Noted::Told(_, changes) = &sighting.noted else {
            continue;
        };
        for change in changes.iter().filter(|it| it.after.is_none()) {
            let lease = change.before.as_ref().map_or(0, |it| it.lease);
            if lease != 0 {
                let at = gone.entry(lease).or_insert(sighting.at);
                *at = (*at).min(sighting.at);
            }
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::samples::pair;
    use crate::history::{Change, Noted, Pair, Renewal, Sighting};

    /// The lease is renewed for two seconds at one second; its key is gone at `gone`.
    fn complaints(gone: Micros, renewed_again: Option<Micros>) -> usize {
        let renewal = |begun| Renewal {
            lease: 7,
            begun,
            ended: begun + 10,
            seconds: 2,
        };
        let mut renewals = vec![renewal(SECOND)];
        renewals.extend(renewed_again.map(renewal));
        let before = Pair {
            lease: 7,
            ..pair(1, 2, 2, 1)
        };
        let change = Change {
            key: 0,
            revision: 3,
            after: None,
            before: Some(before),
        };
        let history = History {
            renewals,
            sightings: vec![vec![Sighting {
                at: gone,
                noted: Noted::Told(3, vec![change]),
            }]],
            ..History::default()
        };
        let mut found = Violations::new();
        check(&history, &mut found);
        found.len()
    }

    #[test]
    fn a_key_that_goes_before_its_lease_is_found() {
        assert_eq!(complaints(3 * SECOND, None), 0);
        assert_eq!(complaints(3 * SECOND - 1, None), 1);
    }

    #[test]
    fn a_lease_that_is_renewed_after_its_end_is_found() {
        assert_eq!(complaints(3 * SECOND, Some(4 * SECOND)), 1);
    }
}
