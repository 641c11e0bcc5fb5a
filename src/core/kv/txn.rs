//! Transactions: what is refused before they are proposed, and how they run. Those that only read
//! are answered without a proposal, in steps ([`read`]).
//!
//! - Compares of nested transactions are judged before anything is written, like the outer ones.
//! - The taken path is checked as a whole first, so a transaction changes all or nothing.

pub mod read;
mod writes;

use std::cmp::Ordering;

use crate::core::kv::history::Record;
use crate::core::kv::lease::Leases;
use crate::core::kv::request::{
    Compare, Comparison, DeleteRange, KvError, Operation, OperationReply, Put, Range, Target, Txn,
    TxnReply,
};
use crate::core::kv::store::{Store, Writer};
use crate::core::kv::txn::writes::check_duplicates;

/// Refuses what etcd refuses of a put before proposing it.
pub fn check_put(put: &Put) -> Result<(), KvError> {
    if put.key.is_empty() {
        return Err(KvError::EmptyKey);
    }
    if put.ignore_value && !put.value.is_empty() {
        return Err(KvError::ValueProvided);
    }
    if put.ignore_lease && put.lease != 0 {
        return Err(KvError::LeaseProvided);
    }
    Ok(())
}

pub fn check_range(range: &Range) -> Result<(), KvError> {
    if range.keys.start.is_empty() {
        Err(KvError::EmptyKey)
    } else {
        Ok(())
    }
}

pub fn check_delete(delete: &DeleteRange) -> Result<(), KvError> {
    if delete.keys.start.is_empty() {
        Err(KvError::EmptyKey)
    } else {
        Ok(())
    }
}

/// Refuses a transaction with too many operations, an empty key, or a key that is written twice.
pub fn check_txn(txn: &Txn, operations_max: usize) -> Result<(), KvError> {
    check_operations(txn, operations_max)?;
    check_duplicates(&txn.success)?;
    check_duplicates(&txn.failure)?;
    Ok(())
}

fn check_operations(txn: &Txn, operations_max: usize) -> Result<(), KvError> {
    let operations = txn
        .compares
        .len()
        .max(txn.success.len())
        .max(txn.failure.len());
    if operations > operations_max {
        return Err(KvError::TooManyOperations);
    }
    if txn
        .compares
        .iter()
        .any(|compare| compare.keys.start.is_empty())
    {
        return Err(KvError::EmptyKey);
    }
    for operation in txn.success.iter().chain(&txn.failure) {
        match operation {
            Operation::Range(range) => check_range(range)?,
            Operation::Put(put) => check_put(put)?,
            Operation::DeleteRange(delete) => check_delete(delete)?,
            Operation::Txn(nested) => check_operations(nested, operations_max - operations)?,
        }
    }
    Ok(())
}

/// Whether no branch writes.
pub fn is_read_only(txn: &Txn) -> bool {
    txn.success
        .iter()
        .chain(&txn.failure)
        .all(|operation| match operation {
            Operation::Range(_) => true,
            Operation::Put(_) | Operation::DeleteRange(_) => false,
            Operation::Txn(nested) => is_read_only(nested),
        })
}

/// Which branch a transaction and each nested one on it takes, in the order of running.
#[derive(Debug)]
pub struct Path {
    succeeded: bool,
    nested: Vec<Self>,
}

impl Path {
    pub fn decide(store: &Store, txn: &Txn) -> Self {
        let succeeded = txn.compares.iter().all(|compare| holds(store, compare));
        let nested = branch(txn, succeeded)
            .iter()
            .filter_map(|operation| match operation {
                Operation::Txn(nested) => Some(Self::decide(store, nested)),
                _ => None,
            });
        Self {
            succeeded,
            nested: nested.collect(),
        }
    }

    /// Refuses what would fail half-way: an unreadable revision, a lease or key that is not there.
    pub fn check(&self, store: &Store, leases: &Leases, txn: &Txn) -> Result<(), KvError> {
        let mut nested = self.nested.iter();
        for operation in branch(txn, self.succeeded) {
            match operation {
                Operation::Range(range) => drop(store.readable(range.revision)?),
                Operation::Put(put) => check_applied_put(store, leases, put)?,
                Operation::DeleteRange(_) => {}
                Operation::Txn(inner) => {
                    nested
                        .next()
                        .expect("decided alike")
                        .check(store, leases, inner)?;
                }
            }
        }
        Ok(())
    }

    pub fn run(&self, writer: &mut Writer<'_>, txn: &Txn) -> TxnReply {
        let mut nested = self.nested.iter();
        let operations = branch(txn, self.succeeded).iter();
        let replies = operations.map(|operation| match operation {
            Operation::Range(range) => OperationReply::Range(writer.range(range)),
            Operation::Put(put) => OperationReply::Put(writer.put(put)),
            Operation::DeleteRange(delete) => {
                OperationReply::DeleteRange(writer.delete_range(delete))
            }
            Operation::Txn(inner) => {
                OperationReply::Txn(nested.next().expect("decided alike").run(writer, inner))
            }
        });
        let replies = replies.collect();
        TxnReply {
            succeeded: self.succeeded,
            replies,
            revision: writer.revision(),
        }
    }
}

/// Refuses a put whose lease or key is missing when it is applied.
pub fn check_applied_put(store: &Store, leases: &Leases, put: &Put) -> Result<(), KvError> {
    if (put.ignore_value || put.ignore_lease) && store.get(&put.key).is_none() {
        return Err(KvError::KeyNotFound);
    }
    if put.lease != 0 && leases.get(put.lease).is_none() {
        return Err(KvError::LeaseNotFound);
    }
    Ok(())
}

fn branch(txn: &Txn, succeeded: bool) -> &[Operation] {
    if succeeded {
        &txn.success
    } else {
        &txn.failure
    }
}

/// Whether a compare holds: for every key of its range, or, where there is none, for the zero that
/// an absent key counts as. An absent key has no value, so no comparison of values holds for it.
fn holds(store: &Store, compare: &Compare) -> bool {
    if compare.keys.is_single() {
        return holds_for(store.get(&compare.keys.start).as_ref(), compare);
    }
    let mut any = false;
    let all = store.live_records(&compare.keys).all(|record| {
        any = true;
        holds_for(Some(&record), compare)
    });
    if any { all } else { holds_for(None, compare) }
}

fn holds_for(record: Option<&Record<'_>>, compare: &Compare) -> bool {
    let number = |of: fn(&Record<'_>) -> i64| record.map_or(0, of);
    let ordering = match &compare.target {
        Target::Version(version) => number(|record| record.version).cmp(version),
        Target::Create(revision) => number(|record| record.create_revision).cmp(revision),
        Target::Mod(revision) => number(|record| record.revision.main).cmp(revision),
        Target::Lease(lease) => number(|record| record.lease).cmp(lease),
        Target::Value(value) => match record {
            Some(record) => record.value.cmp(value.as_ref()),
            None => return false,
        },
        Target::Unknown => Ordering::Equal,
    };
    match compare.comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::Less => ordering.is_lt(),
        Comparison::Unknown => true,
    }
}

#[cfg(test)]
mod tests;
