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

#[derive(Default)]
pub(super) struct Story {
    time: u64,
    pub(super) calls: Vec<Call>,
    /// What each member applied from one start to the next crash.
    lives: Vec<Vec<Applied>>,
}

pub(super) fn value(pair: &KeyValue) -> u64 {
    let text = std::str::from_utf8(&pair.value).expect("is ours");
    text.parse().expect("is ours")
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
        self.lives.push(Vec::new());
        self.lives.len() - 1
    }

    pub(super) fn apply(&mut self, life: usize, applied: Applied) {
        self.lives[life].push(applied);
    }

    pub(super) fn longest(&self) -> &[Applied] {
        let longest = self.lives.iter().max_by_key(|life| life.len());
        longest.map_or(&[], Vec::as_slice)
    }

    /// Everything, for comparing two runs.
    #[cfg(tokio_unstable)]
    pub(super) fn text(&self) -> String {
        format!("{:?}\n{:?}", self.calls, self.lives)
    }

    /// What must not be.
    pub(super) fn judge(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let truth = self.longest();
        for (number, life) in self.lives.iter().enumerate() {
            let same = life
                .iter()
                .zip(truth)
                .take_while(|(one, other)| one == other);
            let same = same.count();
            if same < life.len() {
                let what = format!("life {number} applied {:?} at {same}", life[same]);
                wrong.push(format!("{what} instead of {:?}", truth[same]));
            }
        }
        let changes = changes(truth, &mut wrong);
        self.judge_calls(&changes, &mut wrong);
        self.judge_order(&changes, &mut wrong);
        wrong
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
fn changes(truth: &[Applied], wrong: &mut Vec<String>) -> BTreeMap<i64, Change> {
    let key = |bytes: &[u8]| -> u64 {
        let text = std::str::from_utf8(bytes).expect("is ours");
        text.parse().expect("is ours")
    };
    let mut changes = BTreeMap::new();
    let mut written = BTreeMap::new();
    for applied in truth {
        let (revision, change) = match (&applied.command, &applied.reply) {
            (Command::Put(put), Ok(Reply::Put(reply))) => {
                let after = key(&put.value);
                if let Some(before) = written.insert(after, reply.revision) {
                    wrong.push(format!("{after} is written at {before} and {applied:?}"));
                }
                let change = Change {
                    key: key(&put.key),
                    before: reply.prev_kv.as_ref().map(value),
                    after: Some(after),
                };
                (reply.revision, change)
            }
            (Command::DeleteRange(delete), Ok(Reply::DeleteRange(reply))) => {
                let Some(before) = reply.prev_kvs.first() else {
                    continue;
                };
                let change = Change {
                    key: key(&delete.keys.start),
                    before: Some(value(before)),
                    after: None,
                };
                (reply.revision, change)
            }
            _ => {
                wrong.push(format!("nobody asked for {applied:?}"));
                continue;
            }
        };
        changes.insert(revision, change);
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

    fn wrong(calls: &[Call], lives: &[&[Applied]]) -> usize {
        let lives = lives.iter().map(|life| life.to_vec()).collect();
        let calls = calls.to_vec();
        let story = Story {
            time: 0,
            calls,
            lives,
        };
        story.judge().len()
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
