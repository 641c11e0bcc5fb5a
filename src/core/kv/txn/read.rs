//! A transaction that only reads, in steps that let others in between.
//!
//! All steps see the revision that was the newest at its start, compares included, so that the
//! answer is that of one moment. Whoever takes the steps keeps [`Store::drop_step`] from passing
//! what [`TxnRead::needs`] says; where it does pass, the next step ends in the compaction's error.

use std::slice;

use crate::core::kv::history::{Record, Revision};
use crate::core::kv::request::{
    Compare, Detail, KeyValue, KvError, Operation, OperationReply, Range, Target, Txn, TxnReply,
};
use crate::core::kv::store::{Budget, RangeProgress, Step, Store};
use crate::core::kv::txn::{branch, holds_for};

/// The transaction and, around one in another, those that are under way.
#[derive(Debug)]
pub struct TxnRead<'a> {
    txn: &'a Txn,
    at: i64,
    open: Vec<Open<'a>>,
}

/// One transaction under way: first it is decided, then the taken branch is read.
#[derive(Debug)]
struct Open<'a> {
    txn: &'a Txn,
    compares: slice::Iter<'a, Compare>,
    comparing: Option<Comparing<'a>>,
    succeeded: Option<bool>,
    operations: slice::Iter<'a, Operation>,
    reading: Option<(&'a Range, RangeProgress)>,
    replies: Vec<OperationReply>,
}

/// The compare of a range under way.
#[derive(Debug)]
struct Comparing<'a> {
    compare: &'a Compare,
    range: Range,
    progress: RangeProgress,
    any: bool,
}

enum Next<'a> {
    /// The same goes on.
    Same,
    Nested(&'a Txn),
    Done,
}

impl<'a> TxnRead<'a> {
    /// Starts to read a transaction of which no branch writes.
    pub fn new(store: &Store, txn: &'a Txn) -> Self {
        Self {
            txn,
            at: store.revision(),
            open: vec![Open::new(txn)],
        }
    }

    /// The oldest revision that later steps may read.
    pub fn needs(&self, store: &Store) -> i64 {
        oldest(self.txn, store.compacted()).map_or(self.at, |oldest| oldest.min(self.at))
    }

    /// Goes on until the budget is spent; the answer once there is one.
    pub fn step(
        &mut self,
        store: &Store,
        budget: &mut Budget,
    ) -> Result<Option<TxnReply>, KvError> {
        if self.at < store.held_from() {
            return Err(KvError::Compacted);
        }
        while !budget.is_spent() {
            let open = self.open.last_mut().expect("open until it is answered");
            match open.go_on(store, self.at, budget)? {
                Next::Same => {}
                Next::Nested(txn) => self.open.push(Open::new(txn)),
                Next::Done => {
                    let reply = TxnReply {
                        succeeded: open.succeeded == Some(true),
                        replies: std::mem::take(&mut open.replies),
                        revision: self.at,
                    };
                    self.open.pop();
                    match self.open.last_mut() {
                        Some(outer) => outer.replies.push(OperationReply::Txn(reply)),
                        None => return Ok(Some(reply)),
                    }
                }
            }
        }
        Ok(None)
    }
}

impl<'a> Open<'a> {
    fn new(txn: &'a Txn) -> Self {
        Self {
            txn,
            compares: txn.compares.iter(),
            comparing: None,
            succeeded: None,
            operations: [].iter(),
            reading: None,
            replies: Vec::new(),
        }
    }

    fn go_on(&mut self, store: &Store, at: i64, budget: &mut Budget) -> Result<Next<'a>, KvError> {
        if self.succeeded.is_some() {
            return self.read(store, at, budget);
        }
        let holds = match (self.comparing.as_mut(), self.compares.len()) {
            (Some(comparing), _) => comparing.holds(store, budget)?,
            (None, 0) => {
                self.decide(true);
                return Ok(Next::Same);
            }
            (None, _) => self.compare(store, at, budget),
        };
        match holds {
            Some(true) => self.comparing = None,
            Some(false) => self.decide(false),
            None => {}
        }
        Ok(Next::Same)
    }

    fn decide(&mut self, succeeded: bool) {
        self.comparing = None;
        self.succeeded = Some(succeeded);
        self.operations = branch(self.txn, succeeded).iter();
    }

    /// Takes up the next compare; whether it holds, where that is known at once.
    fn compare(&mut self, store: &Store, at: i64, budget: &mut Budget) -> Option<bool> {
        let compare = self.compares.next()?;
        budget.spend(0);
        if compare.keys.is_single() {
            let record = store.get_at(&compare.keys.start, at);
            return Some(holds_for(record.as_ref(), compare));
        }
        let detail = match compare.target {
            Target::Value(_) => Detail::Full,
            _ => Detail::KeysOnly,
        };
        self.comparing = Some(Comparing {
            compare,
            range: Range {
                keys: compare.keys.clone(),
                detail,
                ..Range::default()
            },
            progress: RangeProgress::new(at, at),
            any: false,
        });
        None
    }

    fn read(&mut self, store: &Store, at: i64, budget: &mut Budget) -> Result<Next<'a>, KvError> {
        let (range, mut progress) = match self.reading.take() {
            Some(reading) => reading,
            None => match self.operations.next() {
                None => return Ok(Next::Done),
                Some(Operation::Txn(nested)) => return Ok(Next::Nested(nested)),
                Some(Operation::Range(range)) => {
                    budget.spend(0);
                    let sees = match range.revision {
                        ..=0 => at,
                        revision if revision > at => return Err(KvError::FutureRevision),
                        revision => store.readable(revision)?,
                    };
                    (range, RangeProgress::new(sees, at))
                }
                Some(Operation::Put(_) | Operation::DeleteRange(_)) => {
                    unreachable!("asked only of reads")
                }
            },
        };
        match store.range_part(range, &mut progress, budget)? {
            Step::More => self.reading = Some((range, progress)),
            Step::Done => {
                let reply = progress.finish(range);
                self.replies.push(OperationReply::Range(reply));
            }
        }
        Ok(Next::Same)
    }
}

impl Comparing<'_> {
    /// Looks at more of the keys; whether the compare holds, once that is known.
    fn holds(&mut self, store: &Store, budget: &mut Budget) -> Result<Option<bool>, KvError> {
        let step = store.range_part(&self.range, &mut self.progress, budget)?;
        let piece = self.progress.take_piece().kvs;
        self.any |= !piece.is_empty();
        let hold = piece
            .iter()
            .all(|kv| holds_for(Some(&record(kv)), self.compare));
        Ok(match step {
            _ if !hold => Some(false),
            Step::More => None,
            Step::Done => Some(self.any || holds_for(None, self.compare)),
        })
    }
}

fn record(kv: &KeyValue) -> Record<'_> {
    Record {
        revision: Revision {
            main: kv.mod_revision,
            sub: 0,
        },
        tombstone: false,
        create_revision: kv.create_revision,
        version: kv.version,
        lease: kv.lease,
        key: &kv.key,
        value: &kv.value,
    }
}

/// The oldest revision that a range on any branch names, of those that are readable.
fn oldest(txn: &Txn, compacted: i64) -> Option<i64> {
    let operations = txn.success.iter().chain(&txn.failure);
    let named = operations.filter_map(|operation| match operation {
        Operation::Range(range) => Some(range.revision).filter(|it| *it > 0 && *it >= compacted),
        Operation::Txn(nested) => oldest(nested, compacted),
        Operation::Put(_) | Operation::DeleteRange(_) => None,
    });
    named.min()
}
