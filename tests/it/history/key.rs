//! Whether the calls on one key are linearizable: the search of Wing and Gong with Lowe's memory of
//! what was tried, which needs no revisions.
//!
//! Keys with leases are left to `story`: what ends a lease is nobody's call.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use coracle::core::bench::input::Source;

use crate::history::{Call, Found, Key, Kind, Micros, Step, Value, Violation, Violations};

/// What is tried before the search is given up; a good history of thousands of calls takes a few
/// tries for each.
const TRIES_MAX: usize = 5_000_000;

/// What a call does to its key, as far as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Read(Option<Value>),
    Write(Value),
    /// Whether there was something; none if nobody knows.
    Delete(Option<bool>),
    /// From, to; whether it was made.
    Swap(Option<Value>, Value, Option<bool>),
    /// A swap that found another value.
    Refused(Option<Value>, Option<Value>),
}

#[derive(Clone, Copy, Debug)]
struct Operation {
    begun: Micros,
    /// The last moment at which it can have been made; none: never told, and perhaps never made.
    ended: Option<Micros>,
    act: Act,
}

impl Act {
    /// The value afterwards, if it can be made on `value`.
    fn step(self, value: Option<Value>) -> Option<Option<Value>> {
        let when = |holds: bool, after| holds.then_some(after);
        match self {
            Self::Read(found) => when(found == value, value),
            Self::Write(to) => Some(Some(to)),
            Self::Delete(existed) => when(existed.is_none_or(|it| it == value.is_some()), None),
            Self::Swap(from, to, made) => match from == value {
                true => when(made != Some(false), Some(to)),
                false => when(made == Some(false), value),
            },
            Self::Refused(from, found) => when(found == value && from != value, value),
        }
    }

    fn seen(self) -> Option<Value> {
        match self {
            Self::Read(found) => found,
            Self::Swap(from, ..) => from,
            Self::Refused(from, found) => found.or(from),
            Self::Write(_) | Self::Delete(_) => None,
        }
    }
}

pub(super) fn check(calls: &[Call], found: &mut Violations) {
    let mut keys: BTreeMap<Key, Vec<Operation>> = BTreeMap::new();
    let mut leased = BTreeSet::new();
    for call in calls {
        let answer = call.answer.as_ref();
        for (at, step) in call.steps.iter().enumerate() {
            let told = answer.map(|it| (it.succeeded, &it.found[at]));
            if let Step::Put(key, _, lease) = step
                && *lease != 0
            {
                leased.insert(*key);
            }
            if let Some((key, act)) = act(call.kind, step, told) {
                keys.entry(key).or_default().push(Operation {
                    begun: call.begun,
                    ended: answer.map(|it| it.ended),
                    act,
                });
            }
        }
    }
    keys.retain(|key, _| !leased.contains(key));
    for (key, operations) in keys {
        if let Err(why) = linearize(operations) {
            found.push(Violation(format!("key {key} is not linearizable: {why}")));
        }
    }
}

fn act(kind: Kind, step: &Step, told: Option<(bool, &Found)>) -> Option<(Key, Act)> {
    let got = |found: &Found| match found {
        Found::Got(pair) => pair.as_ref().map(|pair| pair.value),
        Found::Put | Found::Deleted(_) => None,
    };
    match (kind, step, told) {
        (Kind::Serializable | Kind::Revoke(_), ..) | (_, Step::Get(_), None) => None,
        (Kind::Plain | Kind::If(_), Step::Get(key), Some((_, found))) => {
            Some((*key, Act::Read(got(found))))
        }
        (Kind::Plain, Step::Put(key, value, _), _) => Some((*key, Act::Write(*value))),
        (_, Step::Delete(key), told) => {
            let existed = told.map(|(_, found)| *found == Found::Deleted(true));
            Some((*key, Act::Delete(existed)))
        }
        (Kind::If(from), Step::Put(key, to, _), None) => Some((*key, Act::Swap(from, *to, None))),
        (Kind::If(from), Step::Put(key, to, _), Some((true, _))) => {
            Some((*key, Act::Swap(from, *to, Some(true))))
        }
        (Kind::If(from), Step::Put(key, ..), Some((false, found))) => {
            Some((*key, Act::Refused(from, got(found))))
        }
    }
}

/// One choice of the search, to be taken back.
struct Choice {
    made: usize,
    value: Option<Value>,
    others: std::vec::IntoIter<usize>,
}

struct Search {
    operations: Vec<Operation>,
    /// Unheard-of operations of which one is as good as another, by what they leave behind.
    alike: Vec<bool>,
    done: Vec<u64>,
    /// Of what is done, by exclusive or of a number for each: two sets that share it by chance are
    /// as likely as an error of the machine.
    digest: u128,
    value: Option<Value>,
    /// How many were told; they stand first.
    told: usize,
    /// Everything told before it is done.
    first: usize,
}

impl Search {
    /// Told operations by their beginning, then those that nobody heard of.
    fn new(mut operations: Vec<Operation>) -> Self {
        operations.sort_by_key(|it| (it.ended.is_none(), it.begun));
        let seen: BTreeSet<Value> = operations.iter().filter_map(|it| it.act.seen()).collect();
        let alike = |it: &Operation| match it.act {
            Act::Write(value) => it.ended.is_none() && !seen.contains(&value),
            Act::Delete(_) => it.ended.is_none(),
            _ => false,
        };
        Self {
            alike: operations.iter().map(alike).collect(),
            digest: 0,
            done: vec![0; operations.len().div_ceil(64)],
            told: operations.iter().filter(|it| it.ended.is_some()).count(),
            value: None,
            operations,
            first: 0,
        }
    }

    fn is_done(&self, at: usize) -> bool {
        self.done[at / 64] >> (at % 64) & 1 == 1
    }

    fn turn(&mut self, at: usize) {
        self.done[at / 64] ^= 1 << (at % 64);
        let mut number = Source::new(at as u64, 0);
        self.digest ^= u128::from(number.next()) << 64 | u128::from(number.next());
    }

    /// What could be made next: nothing told that ended before it began is left. Those of which
    /// nobody heard come last.
    fn next(&mut self) -> Vec<usize> {
        let told = self.told;
        while self.first < told && self.is_done(self.first) {
            self.first += 1;
        }
        let (mut next, mut limit) = (Vec::new(), Micros::MAX);
        for at in self.first..told {
            let it = self.operations[at];
            if it.begun > limit {
                break;
            }
            if !self.is_done(at) {
                limit = limit.min(it.ended.unwrap_or(limit));
                next.push(at);
            }
        }
        next.retain(|at| self.operations[*at].begun <= limit);
        if next.is_empty() {
            return next;
        }
        // One junk write and one delete at most: the others are as good.
        let (mut written, mut deleted) = (false, false);
        for at in told..self.operations.len() {
            if self.is_done(at) || self.operations[at].begun > limit {
                continue;
            }
            if self.alike[at] {
                let used = match self.operations[at].act {
                    Act::Delete(_) => &mut deleted,
                    _ => &mut written,
                };
                if std::mem::replace(used, true) {
                    continue;
                }
            }
            next.push(at);
        }
        next
    }
}

fn linearize(operations: Vec<Operation>) -> Result<(), String> {
    let mut search = Search::new(operations);
    let mut tried: HashSet<(u128, Option<Value>)> = HashSet::new();
    let mut path: Vec<Choice> = Vec::new();
    let mut best = (0, String::new());
    let mut candidates = search.next();
    if candidates.is_empty() {
        return Ok(());
    }
    let mut others = std::mem::take(&mut candidates).into_iter();
    for _ in 0..TRIES_MAX {
        let Some(at) = others.next() else {
            let Some(choice) = path.pop() else {
                return Err(best.1);
            };
            search.turn(choice.made);
            search.value = choice.value;
            search.first = search.first.min(choice.made);
            others = choice.others;
            continue;
        };
        let Some(after) = search.operations[at].act.step(search.value) else {
            continue;
        };
        search.turn(at);
        if !tried.insert((search.digest, after)) {
            search.turn(at);
            continue;
        }
        path.push(Choice {
            made: at,
            value: search.value,
            others,
        });
        search.value = after;
        let next = search.next();
        if next.is_empty() {
            return Ok(());
        }
        if path.len() > best.0 {
            let left: Vec<_> = next.iter().map(|at| search.operations[*at]).collect();
            let last = search.operations[at];
            let why = format!("after {last:?} the value is {after:?}, and next come {left:?}");
            best = (path.len(), why);
        }
        others = next.into_iter();
    }
    Err(format!("not decided in {TRIES_MAX} tries; {}", best.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::samples::{delete, get, pair, put, swap};

    fn verdict(calls: &[Call]) -> bool {
        let mut found = Violations::new();
        check(calls, &mut found);
        found.is_empty()
    }

    fn read(times: (Micros, Micros), value: Option<Value>) -> Call {
        get(times, 9, value.map(|value| pair(value, 1, 1, 1)))
    }

    #[test]
    fn one_after_another_each_read_sees_the_last_write() {
        let good = [put((0, 1), 2, 1), read((2, 3), Some(1)), put((4, 5), 3, 2)];
        assert!(verdict(&good));
        let stale = [put((0, 1), 2, 1), put((2, 3), 3, 2), read((4, 5), Some(1))];
        assert!(!verdict(&stale), "a stale read");
        let lost = [put((0, 1), 2, 1), read((2, 3), None)];
        assert!(!verdict(&lost), "a lost write");
    }

    #[test]
    fn what_overlaps_has_either_order_and_all_readers_see_the_same_one() {
        let writes = [put((0, 10), 2, 1), put((0, 10), 3, 2)];
        for last in [1, 2] {
            assert!(verdict(
                &[&writes[..], &[read((11, 12), Some(last))]].concat()
            ));
        }
        let both = [read((11, 12), Some(1)), read((13, 14), Some(2))];
        assert!(!verdict(&[&writes[..], &both].concat()));
        let early = [read((1, 2), Some(1)), read((3, 4), None)];
        assert!(!verdict(&[&writes[..], &early].concat()), "time goes back");
    }

    #[test]
    fn what_nobody_heard_of_was_made_at_any_time_or_never_but_once() {
        let unheard = put((0, 1), 2, 1).unheard();
        assert!(verdict(&[unheard.clone(), read((5, 6), None)]));
        let late = [read((5, 6), None), read((7, 8), Some(1))];
        assert!(verdict(
            &[std::slice::from_ref(&unheard), &late[..]].concat()
        ));
        let twice = [
            read((5, 6), Some(1)),
            put((7, 8), 3, 2),
            read((9, 10), Some(1)),
        ];
        assert!(!verdict(&[&[unheard], &twice[..]].concat()), "made twice");
        let before = [read((0, 1), Some(1)), put((2, 3), 2, 1).unheard()];
        assert!(!verdict(&before), "seen before it began");
    }

    #[test]
    fn one_of_two_swaps_from_one_value_fails() {
        let (one, two) = (swap((0, 9), 2, None, 1), swap((0, 9), 3, None, 2));
        assert!(!verdict(&[one.clone(), two.clone()]));
        let refused = two.clone().failed(Some(pair(1, 1, 1, 1)));
        assert!(verdict(&[one.clone(), refused]));
        assert!(verdict(&[one.clone(), two.clone().unheard()]));
        let wrong = two.failed(Some(pair(7, 1, 1, 1)));
        assert!(!verdict(&[one, wrong]), "found what nobody wrote");
    }

    #[test]
    fn a_delete_says_whether_there_was_something() {
        assert!(verdict(&[
            delete((0, 1), 1, false),
            put((2, 3), 2, 1),
            delete((4, 5), 3, true)
        ]));
        assert!(!verdict(&[put((0, 1), 2, 1), delete((2, 3), 2, false)]));
        let unheard = put((0, 1), 2, 1).unheard();
        assert!(verdict(&[unheard.clone(), delete((2, 3), 2, true)]));
        assert!(!verdict(&[
            unheard,
            delete((2, 3), 2, true),
            delete((4, 5), 3, true)
        ]));
    }

    #[test]
    fn thousands_of_calls_with_many_of_which_nobody_heard_are_decided() {
        let mut calls = Vec::new();
        for round in 0..100_u64 {
            let at = round * 100;
            // Ten at once, of which the one with the highest value comes last.
            calls.extend((0..10).map(|client| {
                let call = put((at + client, at + 50 + client), 0, round * 10 + client);
                match client == 3 && round % 4 == 0 {
                    true => call.unheard(),
                    false => call,
                }
            }));
            calls.push(read((at + 70, at + 75), Some(round * 10 + 9)));
        }
        assert!(verdict(&calls));
        calls.push(read((90_000, 90_001), Some(5)));
        assert!(!verdict(&calls));
    }
}
