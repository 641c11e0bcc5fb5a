//! What a transaction writes, to refuse one that writes a key twice.
//!
//! Checking costs the number of writes times its logarithm (squared, for deep nesting), however
//! puts and deletes are mixed: it runs before a request is taken, on whatever a client sends.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;

use crate::core::kv::request::{KeyRange, KvError, Operation};

/// The keys and ranges that a list of operations writes.
#[derive(Debug, Default)]
struct Writes {
    puts: BTreeSet<Bytes>,
    deletes: Spans,
}

/// A set of keys as disjoint spans: where each begins and before what it ends, if it does.
#[derive(Debug, Default)]
struct Spans(BTreeMap<Bytes, Option<Bytes>>);

/// Refuses a list of operations that writes a key twice. A key may be put once, and not put where
/// it is deleted; the two branches of a nested transaction exclude each other.
pub(super) fn check_duplicates(operations: &[Operation]) -> Result<(), KvError> {
    writes(operations).map(drop)
}

fn writes(operations: &[Operation]) -> Result<Writes, KvError> {
    let mut all = Writes::default();
    for operation in operations {
        if let Operation::DeleteRange(delete) = operation {
            all.deletes.insert_range(&delete.keys);
        }
    }
    for operation in operations {
        if let Operation::Txn(nested) = operation {
            let mut either = writes(&nested.success)?;
            either.join(writes(&nested.failure)?);
            if all.meets(&either) {
                return Err(KvError::DuplicateKey);
            }
            all.join(either);
        }
    }
    for operation in operations {
        if let Operation::Put(put) = operation
            && (all.deletes.contains(&put.key) || !all.puts.insert(put.key.clone()))
        {
            return Err(KvError::DuplicateKey);
        }
    }
    Ok(all)
}

impl Writes {
    /// Whether one puts what the other writes. Both may delete the same.
    fn meets(&self, other: &Self) -> bool {
        let (few, many) = if self.puts.len() < other.puts.len() {
            (&self.puts, &other.puts)
        } else {
            (&other.puts, &self.puts)
        };
        few.iter().any(|key| many.contains(key))
            || self.deletes.holds_any(&other.puts)
            || other.deletes.holds_any(&self.puts)
    }

    /// The smaller one goes into the larger one, so that no key is moved often.
    fn join(&mut self, mut other: Self) {
        if self.puts.len() < other.puts.len() {
            std::mem::swap(&mut self.puts, &mut other.puts);
        }
        self.puts.extend(other.puts);
        if self.deletes.0.len() < other.deletes.0.len() {
            std::mem::swap(&mut self.deletes, &mut other.deletes);
        }
        for (start, end) in other.deletes.0 {
            self.deletes.insert(start, end);
        }
    }
}

impl Spans {
    fn insert_range(&mut self, keys: &KeyRange) {
        if keys.is_single() {
            let behind = [keys.start.as_ref(), &[0]].concat();
            self.insert(keys.start.clone(), Some(behind.into()));
        } else if keys.is_open() {
            self.insert(keys.start.clone(), None);
        } else if keys.start < keys.end {
            self.insert(keys.start.clone(), Some(keys.end.clone()));
        }
    }

    /// Adds a span, which takes up those that it meets.
    fn insert(&mut self, mut start: Bytes, mut end: Option<Bytes>) {
        let until = (Bound::Unbounded, Bound::Included(start.as_ref()));
        if let Some((before, its_end)) = self.0.range::<[u8], _>(until).next_back()
            && reaches(its_end.as_ref(), &start)
        {
            start = before.clone();
        }
        let first = (Bound::Included(start.as_ref()), Bound::Unbounded);
        let met = self.0.range::<[u8], _>(first);
        let met = met.take_while(|(from, _)| reaches(end.as_ref(), from));
        let met: Vec<Bytes> = met.map(|(from, _)| from.clone()).collect();
        for from in met {
            let its_end = self.0.remove(&from).flatten();
            end = match (end, its_end) {
                (Some(end), Some(its_end)) => Some(end.max(its_end)),
                _ => None,
            };
        }
        self.0.insert(start, end);
    }

    fn contains(&self, key: &[u8]) -> bool {
        let until = (Bound::Unbounded, Bound::Included(key));
        let last = self.0.range::<[u8], _>(until).next_back();
        last.is_some_and(|(_, end)| end.as_ref().is_none_or(|end| key < end.as_ref()))
    }

    fn holds_any(&self, keys: &BTreeSet<Bytes>) -> bool {
        if keys.len() < self.0.len() {
            return keys.iter().any(|key| self.contains(key));
        }
        self.0.iter().any(|(start, end)| {
            let from = (Bound::Included(start.as_ref()), Bound::Unbounded);
            let first = keys.range::<[u8], _>(from).next();
            first.is_some_and(|key| end.as_ref().is_none_or(|end| key < end))
        })
    }
}

/// Whether a span that ends before `end` touches one that begins at `start`.
fn reaches(end: Option<&Bytes>, start: &Bytes) -> bool {
    end.is_none_or(|end| end >= start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kv::model::Numbers;
    use crate::core::kv::request::{DeleteRange, Put, Txn};

    #[test]
    fn spans_hold_the_keys_that_any_of_their_ranges_holds() {
        for seed in 0..300 {
            let mut numbers = Numbers::new(seed);
            let ranges: Vec<KeyRange> = (0..numbers.below(6)).map(|_| numbers.keys()).collect();
            let mut spans = Spans::default();
            ranges.iter().for_each(|range| spans.insert_range(range));
            for key in b'a'..=b'g' {
                for key in [vec![key], vec![key, 0], vec![key, 1]] {
                    let held = ranges.iter().any(|range| range.contains(&key));
                    assert_eq!(spans.contains(&key), held, "seed {seed}, {ranges:?}");
                    let one = BTreeSet::from([Bytes::from(key)]);
                    assert_eq!(spans.holds_any(&one), held);
                }
            }
        }
    }

    /// As many as a request may hold. Each put against each delete would be 400 million looks.
    #[test]
    fn forty_thousand_nested_writes_are_checked() {
        let key = |number: usize| Bytes::from(format!("{number:05}"));
        let put = |number| {
            Operation::Put(Put {
                key: key(number),
                ..Put::default()
            })
        };
        let delete = |number| {
            Operation::DeleteRange(DeleteRange {
                keys: KeyRange::key(key(number)),
                prev_kv: false,
            })
        };
        let group = |first: usize| {
            let writes = (first..first + 100).map(|number| match number % 2 {
                0 => put(number),
                _ => delete(number),
            });
            Operation::Txn(Txn {
                success: writes.collect(),
                ..Txn::default()
            })
        };
        let mut operations: Vec<Operation> = (0..400).map(|number| group(number * 100)).collect();
        let writes = writes(&operations).expect("no key twice");
        assert_eq!(
            (writes.puts.len(), writes.deletes.0.len()),
            (20_000, 20_000)
        );
        operations.push(put(39_999));
        assert_eq!(check_duplicates(&operations), Err(KvError::DuplicateKey));
    }
}
