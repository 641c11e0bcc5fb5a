//! What happened in a simulation, and whether it may have: every member applies the same commands
//! in the same order, each answered one is among them once, and revisions agree with the time.

use std::collections::BTreeMap;

use crate::core::kv::request::{Command, KeyValue, KvError, Reply};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Get(u64),
    Put(u64, u64),
    Delete(u64),
}

/// One request; times are the numbers of events.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) asked: Asked,
    pub(super) begun: u64,
    /// When, at which revision, and the value that was read or replaced.
    pub(super) answer: Option<(u64, i64, Option<u64>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) command: Command,
    pub(super) reply: Result<Reply, KvError>,
}

/// The keys with their values.
pub(super) type Pairs = BTreeMap<u64, u64>;

#[derive(Default)]
pub(super) struct Story {
    time: u64,
    pub(super) calls: Vec<Call>,
    /// How often a member was replaced, and how often one took over a whole state.
    pub(super) replaced: u64,
    pub(super) taken: u64,
    /// The commands that changed something, by the revision they made, as the first member that
    /// applied them did.
    applied: BTreeMap<i64, Applied>,
    /// The revision of each member, from one start to the next crash; none: it went its own way.
    lives: Vec<Option<i64>>,
    /// States that somebody began with, or took over.
    states: Vec<(i64, Pairs)>,
    wrong: Vec<String>,
}

/// The revision of a store in which nothing was changed yet.
const FIRST: i64 = 1;

pub(super) fn number(text: &[u8]) -> u64 {
    let text = std::str::from_utf8(text).expect("is ours");
    text.parse().expect("is ours")
}

pub(super) fn value(pair: &KeyValue) -> u64 {
    number(&pair.value)
}

/// One command as it changed the store: key, value before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    key: u64,
    before: Option<u64>,
    after: Option<u64>,
}

impl Story {
    pub(super) fn tick(&mut self) -> u64 {
        self.time += 1;
        self.time
    }

    /// The number of a life that begins.
    pub(super) fn begin(&mut self) -> usize {
        self.lives.push(Some(FIRST));
        self.lives.len() - 1
    }

    /// A life goes on from a state that was made elsewhere, or before.
    pub(super) fn go_on(&mut self, life: usize, revision: i64, pairs: Pairs) {
        self.lives[life] = Some(revision);
        self.states.push((revision, pairs));
    }

    /// What changed nothing has no place of its own among the others.
    pub(super) fn apply(&mut self, life: usize, applied: Applied) {
        let Some(made) = self.revision_of(&applied) else {
            return;
        };
        let Some(revision) = self.lives[life].replace(made) else {
            self.lives[life] = None;
            return;
        };
        let newest = self.applied.keys().next_back().copied().unwrap_or(FIRST);
        let known = self.applied.get(&made);
        let fits = known.map_or(made == newest + 1, |known| *known == applied);
        if made != revision + 1 || !fits {
            let what = format!("life {life} at {revision} applied {applied:?}");
            self.wrong.push(format!("{what} instead of {known:?}"));
            self.lives[life] = None;
        } else if known.is_none() {
            self.applied.insert(made, applied);
        }
    }

    /// The revision that a command made, if it changed something.
    fn revision_of(&mut self, applied: &Applied) -> Option<i64> {
        match &applied.reply {
            Ok(Reply::Put(reply)) => Some(reply.revision),
            Ok(Reply::DeleteRange(reply)) => (!reply.prev_kvs.is_empty()).then_some(reply.revision),
            _ => {
                self.wrong.push(format!("nobody asked for {applied:?}"));
                None
            }
        }
    }

    /// Something went wrong that nobody was told of.
    pub(super) fn complain(&mut self, what: String) {
        self.wrong.push(what);
    }

    pub(super) fn applied(&self) -> usize {
        self.applied.len()
    }

    /// Everything, for comparing two runs.
    #[cfg(tokio_unstable)]
    pub(super) fn text(&self) -> String {
        format!("{:?}\n{:?}\n{:?}", self.calls, self.applied, self.states)
    }

    /// What must not be.
    pub(super) fn judge(&self) -> Vec<String> {
        let mut wrong = self.wrong.clone();
        let changes = changes(&self.applied, &mut wrong);
        self.judge_states(&changes, &mut wrong);
        self.judge_calls(&changes, &mut wrong);
        self.judge_order(&changes, &mut wrong);
        wrong
    }

    /// Each state is what the changes up to its revision make.
    fn judge_states(&self, changes: &BTreeMap<i64, Change>, wrong: &mut Vec<String>) {
        for (revision, pairs) in &self.states {
            let mut made = Pairs::new();
            for change in changes.range(..=revision).map(|(_, it)| it) {
                match change.after {
                    Some(value) => made.insert(change.key, value),
                    None => made.remove(&change.key),
                };
            }
            let is_known = *revision == FIRST || changes.contains_key(revision);
            if !is_known || made != *pairs {
                wrong.push(format!(
                    "the state at {revision} is {pairs:?}, not {made:?}"
                ));
            }
        }
    }

    /// Each answer is what the changes say.
    fn judge_calls(&self, changes: &BTreeMap<i64, Change>, wrong: &mut Vec<String>) {
        let at = |key: u64, revision: i64| {
            let mut before = changes.range(..=revision).rev();
            before
                .find(|(_, it)| it.key == key)
                .and_then(|(_, it)| it.after)
        };
        let newest = changes.keys().next_back().copied().unwrap_or(1);
        for call in &self.calls {
            let Some((_, revision, found)) = call.answer else {
                continue;
            };
            let change = changes.get(&revision).copied();
            let fits = match call.asked {
                Asked::Get(key) => revision <= newest && found == at(key, revision),
                Asked::Put(key, value) => {
                    let expected = Change {
                        key,
                        before: found,
                        after: Some(value),
                    };
                    change == Some(expected)
                }
                Asked::Delete(key) if found.is_none() => at(key, revision).is_none(),
                Asked::Delete(key) => {
                    let expected = Change {
                        key,
                        before: found,
                        after: None,
                    };
                    change == Some(expected)
                }
            };
            if !fits {
                wrong.push(format!("{call:?}, but {change:?}"));
            }
        }
    }

    /// What began after something else was answered is not before it.
    fn judge_order(&self, changes: &BTreeMap<i64, Change>, wrong: &mut Vec<String>) {
        let made: BTreeMap<u64, i64> = changes
            .iter()
            .filter_map(|(revision, it)| Some((it.after?, *revision)))
            .collect();
        let mut events: Vec<(u64, i64, Option<&Call>)> = Vec::new();
        for call in &self.calls {
            let unheard = match call.asked {
                Asked::Put(_, value) => made.get(&value).copied(),
                Asked::Get(_) | Asked::Delete(_) => None,
            };
            if let Some(revision) = call.answer.map(|it| it.1).or(unheard) {
                events.push((call.begun, revision, Some(call)));
            }
            if let Some((ended, revision, _)) = call.answer {
                events.push((ended, revision, None));
            }
        }
        events.sort_by_key(|(time, ..)| *time);
        let mut newest = 0;
        for (_, revision, begins) in events {
            match begins {
                None => newest = newest.max(revision),
                Some(call) => {
                    let writes = match (&call.asked, call.answer) {
                        (Asked::Put(..), _) => true,
                        (Asked::Delete(_), Some((.., found))) => found.is_some(),
                        _ => false,
                    };
                    if revision < newest || writes && revision == newest {
                        wrong.push(format!("{newest} was told before {call:?}"));
                    }
                }
            }
        }
    }
}

/// The changes by their revision; each value is written once.
fn changes(truth: &BTreeMap<i64, Applied>, wrong: &mut Vec<String>) -> BTreeMap<i64, Change> {
    let mut changes = BTreeMap::new();
    let mut written = BTreeMap::new();
    for (revision, applied) in truth {
        let change = match (&applied.command, &applied.reply) {
            (Command::Put(put), Ok(Reply::Put(reply))) => {
                let after = number(&put.value);
                if let Some(before) = written.insert(after, revision) {
                    wrong.push(format!("{after} is written at {before} and {applied:?}"));
                }
                Change {
                    key: number(&put.key),
                    before: reply.prev_kv.as_ref().map(value),
                    after: Some(after),
                }
            }
            (Command::DeleteRange(delete), Ok(Reply::DeleteRange(reply))) => Change {
                key: number(&delete.keys.start),
                before: reply.prev_kvs.first().map(value),
                after: None,
            },
            _ => {
                wrong.push(format!("the answer is another's: {applied:?}"));
                continue;
            }
        };
        changes.insert(*revision, change);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kv::request::{Put, PutReply};

    fn put(value: u64, before: Option<u64>, revision: i64) -> Applied {
        let put = Put {
            key: "0".into(),
            value: value.to_string().into(),
            ..Put::default()
        };
        let prev_kv = before.map(|value| KeyValue {
            value: value.to_string().into(),
            ..KeyValue::default()
        });
        Applied {
            command: Command::Put(put),
            reply: Ok(Reply::Put(PutReply { prev_kv, revision })),
        }
    }

    fn call(asked: Asked, times: (u64, u64), revision: i64, found: Option<u64>) -> Call {
        Call {
            asked,
            begun: times.0,
            answer: Some((times.1, revision, found)),
        }
    }

    fn story(calls: &[Call], lives: &[&[Applied]]) -> Story {
        let mut story = Story {
            calls: calls.to_vec(),
            ..Story::default()
        };
        for commands in lives {
            let life = story.begin();
            for applied in *commands {
                story.apply(life, applied.clone());
            }
        }
        story
    }

    fn wrong(calls: &[Call], lives: &[&[Applied]]) -> usize {
        story(calls, lives).judge().len()
    }

    #[test]
    fn a_life_that_goes_on_from_a_state_is_compared_from_there() {
        let life = [put(1, None, 2), put(2, Some(1), 3), put(3, Some(2), 4)];
        let from = |revision, value, then: &[Applied]| {
            let mut story = story(&[], &[&life]);
            let late = story.begin();
            story.go_on(late, revision, Pairs::from([(0, value)]));
            then.iter().for_each(|it| story.apply(late, it.clone()));
            story.judge().len()
        };
        assert_eq!(from(3, 2, &life[2..]), 0);
        assert_eq!(from(3, 1, &life[2..]), 1, "another state");
        assert_eq!(from(3, 2, &life[1..]), 1, "twice");
        assert_eq!(from(2, 1, &life[2..]), 1, "one is left out");
        assert_eq!(from(4, 3, &[put(4, Some(3), 5)]), 0, "the first to go on");
        assert_eq!(from(9, 3, &[]), 1, "a state that never was");
        let other = [put(9, Some(1), 3)];
        assert_eq!(from(2, 1, &other), 1, "another command");
    }

    #[test]
    fn what_must_not_be_is_found() {
        let life = [put(1, None, 2), put(2, Some(1), 3)];
        let one = call(Asked::Put(0, 1), (1, 2), 2, None);
        let two = call(Asked::Put(0, 2), (3, 4), 3, Some(1));
        let read = |revision, found| call(Asked::Get(0), (5, 6), revision, found);
        let good = [one.clone(), two.clone(), read(3, Some(2))];
        assert_eq!(wrong(&good, &[&life, &life[..1]]), 0);
        let stale = [one.clone(), two.clone(), read(2, Some(1))];
        assert_eq!(wrong(&stale, &[&life]), 1, "a stale read");
        let untrue = [one.clone(), read(3, Some(1))];
        assert_eq!(wrong(&untrue, &[&life]), 1, "not of its revision");
        assert!(
            wrong(&[one.clone(), two.clone()], &[&life[..1]]) > 0,
            "lost"
        );
        let twice = [put(1, None, 2), put(1, Some(1), 3)];
        assert_eq!(
            wrong(std::slice::from_ref(&one), &[&twice]),
            1,
            "made twice"
        );
        let other = [put(1, None, 2), put(3, Some(1), 3)];
        assert_eq!(wrong(&[one], &[&life, &other]), 1, "members differ");
        let late = call(Asked::Put(0, 1), (5, 6), 2, None);
        assert_eq!(wrong(&[two, late], &[&life]), 1, "against the time");
    }
}
