//! Whether all calls tell the story that the watchers tell: each write at a revision of its own,
//! each read as the keys stood at the revision it names, and no revision against the clock.
//!
//! It is exact where `key` searches, over all keys at once; but it trusts revisions.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::watch::{FIRST, Log};
use crate::history::{
    Answer, Call, Change, Found, History, Key, Kind, Micros, Pair, Revision, Step, Value,
    Violation, Violations,
};

type Keys = BTreeMap<Key, Pair>;

pub(super) fn check(history: &History, log: &Log, found: &mut Violations) {
    writes(history, log, found);
    let mut answered: Vec<(&Call, &Answer)> = history
        .calls
        .iter()
        .filter_map(|call| Some((call, call.answer.as_ref()?)))
        .collect();
    answered.sort_by_key(|(_, answer)| answer.revision);
    let mut keys = Keys::new();
    let mut next = answered.into_iter().peekable();
    for revision in FIRST..=history.last.0 {
        let before = keys.clone();
        let changes = log.changes.get(&revision).map_or(&[][..], Vec::as_slice);
        for change in changes {
            apply(&mut keys, change, history, found);
        }
        while let Some((call, answer)) = next.next_if(|(_, it)| it.revision <= revision) {
            let fits = match call.wrote(answer) {
                true => wrote(call, answer, &before, changes),
                false => read(call, answer, &keys),
            };
            if !fits {
                let what = format!("{call:?} does not fit {changes:?} upon {before:?}");
                found.push(Violation(what));
            }
        }
    }
    for (call, _) in next {
        found.push(Violation(format!("a revision that never was: {call:?}")));
    }
    if keys != history.last.1 {
        let what = format!("the keys end as {:?} instead of {keys:?}", history.last.1);
        found.push(Violation(what));
    }
    clock(history, log, found);
}

fn apply(keys: &mut Keys, change: &Change, history: &History, found: &mut Violations) {
    let old = keys.get(&change.key);
    let fits = match &change.after {
        None => old.is_some(),
        Some(new) => {
            let begins = old.map_or((change.revision, 1), |old| (old.created, old.version + 1));
            (new.created, new.version) == begins && new.modified == change.revision
        }
    };
    // What was compacted is not told any more.
    let forgotten = change.before.is_none()
        && history
            .compactions
            .iter()
            .any(|it| it.revision >= change.revision);
    if !fits || !(forgotten || change.before.as_ref() == old) {
        found.push(Violation(format!("{change:?} upon {old:?}")));
    }
    match &change.after {
        None => keys.remove(&change.key),
        Some(new) => keys.insert(change.key, new.clone()),
    };
}

/// Whether the changes are those of the call, upon the keys before.
fn wrote(call: &Call, answer: &Answer, before: &Keys, changes: &[Change]) -> bool {
    let value = |key: &Key| before.get(key).map(|pair| pair.value);
    let mut left: BTreeSet<Key> = changes.iter().map(|it| it.key).collect();
    let made = call.steps.iter().zip(&answer.found).all(|(step, found)| {
        let change = |key: &Key| changes.iter().find(|it| it.key == *key);
        match step {
            // A read before the writes of the same request.
            Step::Get(key) => *found == Found::Got(before.get(key).cloned()),
            Step::Put(key, to, lease) => {
                let after = change(key).and_then(|it| it.after.as_ref());
                let guarded = match call.kind {
                    Kind::If(from) => from == value(key),
                    _ => true,
                };
                left.remove(key);
                guarded && after.is_some_and(|it| (it.value, it.lease) == (*to, *lease))
            }
            Step::Delete(key) => {
                let deleted = change(key).is_some_and(|it| it.after.is_none());
                left.remove(key);
                *found == Found::Deleted(deleted)
            }
        }
    });
    made && left.is_empty()
}

/// Whether a call that changed nothing was told how the keys stand.
fn read(call: &Call, answer: &Answer, keys: &Keys) -> bool {
    let steps = call.steps.iter().zip(&answer.found);
    let mut told = steps.map(|(step, found)| match (step, found) {
        (Step::Get(key) | Step::Put(key, ..), Found::Got(pair)) => keys.get(key) == pair.as_ref(),
        (Step::Delete(key), Found::Deleted(existed)) => !existed && !keys.contains_key(key),
        _ => false,
    });
    let refused = |step: &Step| match (call.kind, step) {
        (Kind::If(from), Step::Put(key, ..)) => from != keys.get(key).map(|it| it.value),
        _ => true,
    };
    told.all(|it| it) && call.steps.iter().all(refused)
}

/// Each value is in the log once, for a call that asked for it; deletes are somebody's too.
fn writes(history: &History, log: &Log, found: &mut Violations) {
    let mut asked: BTreeSet<(Key, Value)> = BTreeSet::new();
    let mut deletes: BTreeMap<Key, usize> = BTreeMap::new();
    let mut claimed: BTreeMap<Revision, &Call> = BTreeMap::new();
    for call in &history.calls {
        for step in &call.steps {
            match step {
                Step::Put(key, value, _) => drop(asked.insert((*key, *value))),
                Step::Delete(key) if call.answer.is_none() => {
                    *deletes.entry(*key).or_default() += 1;
                }
                Step::Delete(_) | Step::Get(_) => {}
            }
        }
        let wrote = call.answer.as_ref().filter(|answer| call.wrote(answer));
        if let Some(answer) = wrote
            && let Some(other) = claimed.insert(answer.revision, call)
        {
            let what = format!("one revision for two writes: {call:?} and {other:?}");
            found.push(Violation(what));
        }
    }
    for (revision, changes) in &log.changes {
        for change in changes {
            let known = match &change.after {
                Some(pair) => asked.remove(&(change.key, pair.value)),
                None => {
                    let hung = change.before.as_ref().is_some_and(|it| it.lease != 0);
                    let unheard = deletes.entry(change.key).or_default();
                    let known = claimed.contains_key(revision) || hung || *unheard > 0;
                    if !claimed.contains_key(revision) && !hung {
                        *unheard = unheard.saturating_sub(1);
                    }
                    known
                }
            };
            if !known {
                let what = format!("made twice, or asked for by nobody: {change:?}");
                found.push(Violation(what));
            }
        }
    }
}

/// What is known of the order of two calls by the clock is the order of their revisions.
fn clock(history: &History, log: &Log, found: &mut Violations) {
    /// Ends come before beginnings of the same moment are judged, which is the lenient way.
    enum Event<'a> {
        Begin(&'a Call, Revision, bool),
        End(Revision),
    }
    let mut made: BTreeMap<(Key, Value), Revision> = BTreeMap::new();
    for change in log.changes.values().flatten() {
        if let Some(pair) = &change.after {
            made.insert((change.key, pair.value), change.revision);
        }
    }
    let mut events: Vec<(Micros, u8, Event<'_>)> = Vec::new();
    // Whoever was told of a change by a watch may tell whoever reads next.
    let seen = log
        .seen
        .iter()
        .map(|(revision, at)| (*at, 1, Event::End(*revision)));
    events.extend(seen);
    for call in history
        .calls
        .iter()
        .filter(|it| it.kind != Kind::Serializable)
    {
        let unheard = || {
            call.steps.iter().find_map(|step| match step {
                Step::Put(key, value, _) => made.get(&(*key, *value)).copied(),
                Step::Get(_) | Step::Delete(_) => None,
            })
        };
        match &call.answer {
            Some(answer) => {
                let begin = Event::Begin(call, answer.revision, call.wrote(answer));
                events.push((call.begun, 0, begin));
                events.push((answer.ended, 1, Event::End(answer.revision)));
            }
            None => {
                if let Some(revision) = unheard() {
                    events.push((call.begun, 0, Event::Begin(call, revision, true)));
                }
            }
        }
    }
    events.sort_by_key(|(at, order, _)| (*at, *order));
    let mut newest = FIRST;
    for (_, _, event) in events {
        match event {
            Event::End(revision) => newest = newest.max(revision),
            Event::Begin(call, revision, wrote) => {
                if revision < newest || wrote && revision == newest {
                    let what = format!("made at {revision} when {newest} was told: {call:?}");
                    found.push(Violation(what));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::samples::{delete, get, pair, put, swap};

    fn change(revision: Revision, after: Option<Pair>, before: Option<Pair>) -> Change {
        Change {
            key: 0,
            revision,
            after,
            before,
        }
    }

    /// Put 1, then 2, then a delete, at revisions 2, 3 and 4; seen long after.
    fn complaints(calls: &[Call]) -> Violations {
        let (one, two) = (pair(1, 2, 2, 1), pair(2, 2, 3, 2));
        let story = [
            change(2, Some(one.clone()), None),
            change(3, Some(two.clone()), Some(one)),
            change(4, None, Some(two)),
        ];
        complaints_of(calls, story.to_vec())
    }

    fn complaints_of(calls: &[Call], story: Vec<Change>) -> Violations {
        let last = story.last().expect("one at least");
        let history = History {
            calls: calls.to_vec(),
            last: (
                last.revision,
                last.after.iter().map(|it| (0, it.clone())).collect(),
            ),
            ..History::default()
        };
        let log = Log {
            seen: story.iter().map(|it| (it.revision, 1_000)).collect(),
            changes: story
                .into_iter()
                .map(|it| (it.revision, vec![it]))
                .collect(),
        };
        let mut found = Violations::new();
        check(&history, &log, &mut found);
        found
    }

    fn good() -> Vec<Call> {
        vec![
            put((0, 10), 2, 1),
            swap((11, 20), 3, Some(1), 2),
            get((21, 25), 3, Some(pair(2, 2, 3, 2))),
            delete((26, 30), 4, true),
            get((31, 40), 4, None),
        ]
    }

    #[test]
    fn a_story_that_fits_has_no_complaints() {
        assert_eq!(complaints(&good()), []);
        let mut calls = good();
        calls[1] = calls[1].clone().unheard();
        assert_eq!(complaints(&calls), [], "made, and not heard of");
        calls.push(put((0, 0), 0, 77).unheard());
        assert_eq!(complaints(&calls), [], "not made");
    }

    #[test]
    fn a_stale_read_is_found_by_the_clock() {
        let mut calls = good();
        calls[2] = get((21, 25), 2, Some(pair(1, 2, 2, 1)));
        assert_eq!(complaints(&calls).len(), 1);
        calls[2].kind = Kind::Serializable;
        assert_eq!(complaints(&calls), [], "it may be old");
    }

    #[test]
    fn a_read_that_is_not_of_its_revision_is_found() {
        for wrong in [None, Some(pair(1, 2, 2, 1)), Some(pair(2, 2, 3, 3))] {
            let mut calls = good();
            calls[2] = get((21, 25), 3, wrong);
            assert_eq!(complaints(&calls).len(), 1);
        }
    }

    #[test]
    fn a_lost_write_is_found() {
        let mut calls = good();
        calls.push(put((50, 51), 5, 9));
        assert_eq!(complaints(&calls).len(), 1, "beyond the end");
        calls[5] = put((12, 19), 3, 9);
        assert!(!complaints(&calls).is_empty(), "one revision for two");
    }

    #[test]
    fn a_write_that_was_made_twice_or_by_nobody_is_found() {
        let again = |value| {
            let one = pair(1, 2, 2, 1);
            let twice = pair(value, 2, 3, 2);
            let story = vec![
                change(2, Some(one.clone()), None),
                change(3, Some(twice), Some(one)),
            ];
            complaints_of(&[put((0, 10), 2, 1)], story)
        };
        assert_eq!((again(1).len(), again(5).len()), (1, 1));
        let mut calls = good();
        calls.remove(3);
        assert_eq!(complaints(&calls).len(), 1, "nobody deleted it");
    }

    #[test]
    fn revisions_against_the_clock_are_found() {
        let mut calls = good();
        calls[0].begun = 21;
        calls[0].answer.as_mut().expect("answered").ended = 24;
        assert!(!complaints(&calls).is_empty());
        let mut calls = good();
        calls[0] = put((21, 0), 2, 1).unheard();
        assert!(!complaints(&calls).is_empty(), "before it was asked for");
    }

    #[test]
    fn what_was_there_before_is_compared() {
        let (one, two) = (pair(1, 2, 2, 1), pair(2, 2, 3, 2));
        let calls = [put((0, 10), 2, 1), put((11, 20), 3, 2)];
        let story = |before| {
            let story = [
                change(2, Some(one.clone()), None),
                change(3, Some(two.clone()), before),
            ];
            complaints_of(&calls, story.to_vec()).len()
        };
        assert_eq!(
            (
                story(Some(one.clone())),
                story(None),
                story(Some(two.clone()))
            ),
            (0, 1, 1)
        );
    }
}
