//! What watchers of all keys were told: in order, each change once, a revision whole, nothing left
//! out over broken streams, nothing after a bookmark that belongs before it, the same for all.
//!
//! A watcher opens its stream at the revision after the last change or bookmark it was told of. One
//! that is told of a compaction goes on at its revision; only what lies between is lost to it. One
//! that leaves does not miss what comes.

use std::collections::BTreeMap;

use crate::history::{Change, History, Micros, Pair, Revision, Violation, Violations};

/// What a watcher noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) at: Micros,
    pub(crate) noted: Noted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// A stream from this revision on was asked for.
    Opened {
        member: usize,
        from: Revision,
    },
    /// The header's revision; no changes: a bookmark.
    Told(Revision, Vec<Change>),
    /// The stream ended: what it asked for was compacted up to here.
    Compacted(Revision),
    Broke(String),
    /// It had enough.
    Left,
}

/// All changes as the watchers tell them.
#[derive(Default)]
pub(super) struct Log {
    pub(super) changes: BTreeMap<Revision, Vec<Change>>,
    /// When a watcher was first told of a revision.
    pub(super) seen: BTreeMap<Revision, Micros>,
}

/// The revision of a store in which nothing was changed yet.
pub(super) const FIRST: Revision = 1;

/// Where one watcher stands.
struct Watcher<'a> {
    number: usize,
    /// The first revision that it was not told of.
    next: Revision,
    is_open: bool,
    has_left: bool,
    /// It may go on there: it was told of a compaction.
    compacted: Option<Revision>,
    /// From which revision on to which one nothing can be told any more.
    lost: Vec<(Revision, Revision)>,
    /// The changes of each revision, and when they were told.
    told: BTreeMap<Revision, (Micros, Vec<Change>)>,
    found: &'a mut Violations,
}

pub(super) fn check(history: &History, found: &mut Violations) -> Log {
    let mut log = Log::default();
    let mut all = Vec::new();
    for (number, sightings) in history.sightings.iter().enumerate() {
        let mut watcher = Watcher {
            number,
            next: FIRST + 1,
            is_open: false,
            has_left: false,
            compacted: None,
            lost: Vec::new(),
            told: BTreeMap::new(),
            found,
        };
        for sighting in sightings {
            watcher.note(sighting);
        }
        let Watcher {
            next,
            has_left,
            mut lost,
            told,
            ..
        } = watcher;
        lost.push((next, Revision::MAX));
        if !has_left && next <= history.last.0 {
            let last = history.last.0;
            let what = format!("watcher {number} was told nothing from {next} to {last}");
            found.push(Violation(what));
        }
        log.join(history, number, &told, found);
        all.push((lost, told));
    }
    for revision in FIRST + 1..=history.last.0 {
        if !log.changes.contains_key(&revision) {
            found.push(Violation(format!("nobody was told of {revision}")));
        }
    }
    for (number, (lost, told)) in all.iter().enumerate() {
        let is_lost = |it: &Revision| lost.iter().any(|(from, to)| (from..to).contains(&it));
        let missing = log.changes.keys().filter(|it| !told.contains_key(it));
        for revision in missing.filter(|it| !is_lost(it)) {
            let what = format!("watcher {number} was not told of revision {revision}");
            found.push(Violation(what));
        }
    }
    log
}

impl Watcher<'_> {
    fn complain(&mut self, what: String) {
        let number = self.number;
        self.found
            .push(Violation(format!("watcher {number} {what}")));
    }

    fn note(&mut self, sighting: &Sighting) {
        match &sighting.noted {
            Noted::Opened { from, .. } => self.open(*from),
            Noted::Told(revision, changes) => self.hear(sighting.at, *revision, changes),
            Noted::Compacted(revision) if *revision < self.next => {
                let next = self.next;
                self.complain(format!("at {next} was told of a compaction at {revision}"));
            }
            Noted::Compacted(revision) => {
                self.is_open = false;
                self.compacted = Some(*revision);
            }
            Noted::Broke(_) => self.is_open = false,
            Noted::Left => self.has_left = true,
        }
    }

    fn open(&mut self, from: Revision) {
        match self.compacted.take() {
            Some(compacted) if from == compacted => {
                self.lost.push((self.next, compacted));
                self.next = compacted;
            }
            _ if from == self.next => {}
            _ => self.complain(format!("opened at {from} instead of {}", self.next)),
        }
        self.is_open = true;
    }

    fn hear(&mut self, at: Micros, revision: Revision, changes: &[Change]) {
        if !self.is_open {
            self.complain(format!("was told of {revision} on no stream"));
        }
        let mut last = self.next - 1;
        for change in changes {
            let is_new = last < change.revision || last == change.revision && last >= self.next;
            if !is_new {
                self.complain(format!("was told of {} after {last}", change.revision));
            }
            last = last.max(change.revision);
            let told = self.told.entry(change.revision).or_insert((at, Vec::new()));
            if told.1.iter().any(|it| it.key == change.key) {
                self.complain(format!("was told twice of {change:?}"));
            } else {
                told.1.push(change.clone());
            }
        }
        if revision < last {
            self.complain(format!("was told of {last} under a header of {revision}"));
        }
        // Without changes it is a bookmark: everything up to it was told.
        self.next = match changes {
            [] => self.next.max(revision + 1),
            _ => last + 1,
        };
    }
}

impl Log {
    /// Adds what one watcher was told; it must be what the others were told.
    fn join(
        &mut self,
        history: &History,
        number: usize,
        told: &BTreeMap<Revision, (Micros, Vec<Change>)>,
        found: &mut Violations,
    ) {
        for (revision, (at, changes)) in told {
            let seen = self.seen.entry(*revision).or_insert(*at);
            *seen = (*seen).min(*at);
            let mut changes = changes.clone();
            changes.sort_by_key(|it| it.key);
            let Some(known) = self.changes.get_mut(revision) else {
                self.changes.insert(*revision, changes);
                continue;
            };
            let is_compacted = history
                .compactions
                .iter()
                .any(|it| it.begun < *at && *revision <= it.revision);
            let agrees = known.len() == changes.len()
                && known.iter_mut().zip(&changes).all(|(known, it)| {
                    let before = match is_compacted {
                        true => joined(&mut known.before, &it.before),
                        false => known.before == it.before,
                    };
                    before && known.key == it.key && known.after == it.after
                });
            if !agrees {
                let what = format!("watcher {number} was told {changes:?}, another {known:?}");
                found.push(Violation(what));
            }
        }
    }
}

/// What was there before is not known any more where it was compacted.
fn joined(known: &mut Option<Pair>, told: &Option<Pair>) -> bool {
    match (&*known, told) {
        (None, Some(_)) => {
            known.clone_from(told);
            true
        }
        (Some(_), None) => true,
        (known, told) => known == told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::samples::pair;
    use crate::history::{Compaction, Key};

    fn change(key: Key, revision: Revision) -> Change {
        Change {
            key,
            revision,
            after: Some(pair(revision as u64, revision, revision, 1)),
            before: None,
        }
    }

    fn opened(from: Revision) -> Noted {
        Noted::Opened { member: 0, from }
    }

    fn told(keys: &[(Key, Revision)]) -> Noted {
        let last = keys.iter().map(|(_, revision)| *revision).max();
        let changes = keys.iter().map(|(key, revision)| change(*key, *revision));
        Noted::Told(last.expect("one at least"), changes.collect())
    }

    /// The complaints about watchers of a store that ends at revision 4; 3 changed two keys.
    fn complaints(watchers: &[Vec<Noted>]) -> Violations {
        let sightings = watchers.iter().map(|noted| {
            let noted = noted.iter().cloned();
            noted.map(|noted| Sighting { at: 5, noted }).collect()
        });
        let history = History {
            sightings: sightings.collect(),
            last: (4, BTreeMap::new()),
            compactions: vec![Compaction {
                begun: 1,
                revision: 3,
            }],
            ..History::default()
        };
        let mut found = Violations::new();
        check(&history, &mut found);
        found
    }

    fn good() -> Vec<Noted> {
        vec![opened(2), told(&[(0, 2)]), told(&[(0, 3), (1, 3), (2, 4)])]
    }

    #[test]
    fn watchers_that_resume_and_are_told_everything_are_in_order() {
        let broke = || Noted::Broke("away".into());
        let resumed = vec![
            opened(2),
            told(&[(0, 2)]),
            broke(),
            opened(3),
            Noted::Told(2, Vec::new()),
            told(&[(0, 3), (1, 3)]),
            told(&[(2, 4)]),
        ];
        let compacted = [
            vec![opened(2), Noted::Compacted(3), opened(3)],
            good()[2..].into(),
        ];
        assert_eq!(complaints(&[good(), resumed, compacted.concat()]), []);
    }

    #[test]
    fn what_is_told_out_of_order_or_twice_is_found() {
        let mut noted = good();
        noted.swap(1, 2);
        assert!(!complaints(&[good(), noted]).is_empty());
        let twice = [good(), vec![told(&[(2, 4)])]].concat();
        assert!(!complaints(&[twice]).is_empty());
        let twice = vec![
            opened(2),
            told(&[(0, 2), (0, 2)]),
            told(&[(0, 3), (1, 3), (2, 4)]),
        ];
        assert!(!complaints(&[twice]).is_empty());
    }

    #[test]
    fn a_revision_in_parts_is_found() {
        let parts = vec![
            opened(2),
            told(&[(0, 2)]),
            told(&[(0, 3)]),
            told(&[(1, 3), (2, 4)]),
        ];
        assert!(!complaints(&[parts]).is_empty());
    }

    #[test]
    fn what_is_left_out_is_found() {
        let gap = vec![opened(2), told(&[(0, 2)]), told(&[(2, 4)])];
        assert!(!complaints(&[good(), gap.clone()]).is_empty(), "by one");
        assert!(!complaints(&[gap]).is_empty(), "by all");
        let half = vec![opened(2), told(&[(0, 2)]), told(&[(0, 3), (2, 4)])];
        assert!(!complaints(&[good(), half]).is_empty(), "one key of two");
        assert!(
            !complaints(&[good(), good()[..2].into()]).is_empty(),
            "the end"
        );
        let late = vec![opened(2), Noted::Compacted(3), opened(4), told(&[(2, 4)])];
        assert!(
            !complaints(&[good(), late]).is_empty(),
            "after a compaction"
        );
    }

    #[test]
    fn a_bookmark_ahead_of_changes_is_found() {
        let mut noted = good();
        noted.insert(2, Noted::Told(3, Vec::new()));
        assert!(!complaints(&[noted]).is_empty());
    }

    #[test]
    fn another_value_before_is_found_unless_it_was_compacted() {
        let with = |at: usize, before: Option<Pair>| {
            let mut noted = good();
            if let Noted::Told(_, changes) = &mut noted[2] {
                changes[at].before = before;
            }
            noted
        };
        let old = Some(pair(1, 1, 1, 1));
        assert_eq!(complaints(&[good(), with(0, old.clone())]), []);
        assert!(!complaints(&[good(), with(2, old)]).is_empty());
    }
}
