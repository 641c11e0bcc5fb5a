//! What of a transaction is refused, and that a taken path changes all or nothing.

use super::*;
use crate::core::kv::machine::Machine;
use crate::core::kv::request::{Command, Comparison, KeyRange, Reply};

fn put(key: &'static str) -> Operation {
    Operation::Put(Put {
        key: key.into(),
        ..Put::default()
    })
}

fn delete(start: &'static str, end: &'static str) -> Operation {
    Operation::DeleteRange(DeleteRange {
        keys: KeyRange {
            start: start.into(),
            end: end.into(),
        },
        prev_kv: false,
    })
}

fn then(success: Vec<Operation>) -> Txn {
    Txn {
        success,
        ..Txn::default()
    }
}

fn nested(success: Vec<Operation>, failure: Vec<Operation>) -> Operation {
    Operation::Txn(Txn {
        compares: Vec::new(),
        success,
        failure,
    })
}

#[test]
fn a_key_written_twice_in_one_branch_is_refused() {
    let duplicates = [
        vec![put("a"), put("a")],
        vec![put("b"), delete("a", "c")],
        vec![delete("a", ""), put("a")],
        vec![put("z"), delete("a", "\0")],
        vec![put("a"), nested(vec![put("a")], vec![])],
        vec![put("a"), nested(vec![], vec![delete("a", "")])],
        vec![delete("a", "c"), nested(vec![put("b")], vec![])],
        vec![
            nested(vec![put("a")], vec![]),
            nested(vec![], vec![put("a")]),
        ],
        vec![
            nested(vec![put("a")], vec![]),
            nested(vec![delete("a", "")], vec![]),
        ],
        vec![nested(vec![put("a"), put("a")], vec![])],
    ];
    for operations in duplicates {
        let failure = Txn {
            failure: operations.clone(),
            ..Txn::default()
        };
        let success = then(operations);
        assert_eq!(
            check_txn(&success, 128),
            Err(KvError::DuplicateKey),
            "{success:?}"
        );
        assert_eq!(check_txn(&failure, 128), Err(KvError::DuplicateKey));
    }
}

#[test]
fn writes_that_exclude_each_other_or_do_not_meet_are_taken() {
    let taken = [
        vec![put("a"), put("b")],
        vec![delete("a", "c"), delete("b", "")],
        vec![put("c"), delete("a", "c")],
        vec![put("b"), delete("c", "a")],
        vec![nested(vec![put("a")], vec![put("a")])],
        vec![nested(vec![put("a")], vec![delete("a", "")])],
        vec![delete("a", "c"), nested(vec![delete("b", "")], vec![])],
    ];
    for operations in taken {
        let txn = then(operations);
        assert_eq!(check_txn(&txn, 128), Ok(()), "{txn:?}");
    }
    let both = Txn {
        success: vec![put("a")],
        failure: vec![put("a")],
        ..Txn::default()
    };
    assert_eq!(check_txn(&both, 128), Ok(()));
}

#[test]
fn a_nested_transaction_may_do_what_its_parent_left() {
    let inner = |count: usize| {
        let ranges = (0..count).map(|_| Operation::Range(Range::one("k")));
        then(vec![put("a"), nested(ranges.collect(), vec![])])
    };
    assert_eq!(check_txn(&inner(3), 5), Ok(()));
    assert_eq!(check_txn(&inner(4), 5), Err(KvError::TooManyOperations));
    assert_eq!(check_txn(&inner(1), 1), Err(KvError::TooManyOperations));
}

#[test]
fn compares_count_as_operations_do() {
    let compare = Compare {
        keys: KeyRange::key("k"),
        comparison: Comparison::Equal,
        target: Target::Version(0),
    };
    let txn = Txn {
        compares: vec![compare; 3],
        ..Txn::default()
    };
    assert_eq!(check_txn(&txn, 3), Ok(()));
    assert_eq!(check_txn(&txn, 2), Err(KvError::TooManyOperations));
}

#[test]
fn an_empty_key_is_refused_wherever_it_stands() {
    let compare = Compare {
        keys: KeyRange::default(),
        comparison: Comparison::Equal,
        target: Target::Version(0),
    };
    let by_compare = Txn {
        compares: vec![compare],
        ..Txn::default()
    };
    let empty = [put(""), delete("", "a"), Operation::Range(Range::default())];
    let by_operation = empty.map(|operation| then(vec![nested(vec![], vec![operation])]));
    for txn in by_operation.iter().chain([&by_compare]) {
        assert_eq!(check_txn(txn, 128), Err(KvError::EmptyKey));
    }
}

#[test]
fn what_a_put_keeps_may_not_be_given_too() {
    let base = Put {
        key: "k".into(),
        value: "v".into(),
        lease: 1,
        ..Put::default()
    };
    let ignore_value = Put {
        ignore_value: true,
        ..base.clone()
    };
    let ignore_lease = Put {
        ignore_lease: true,
        ..base.clone()
    };
    assert_eq!(check_put(&base), Ok(()));
    assert_eq!(check_put(&ignore_value), Err(KvError::ValueProvided));
    assert_eq!(check_put(&ignore_lease), Err(KvError::LeaseProvided));
}

#[test]
fn a_path_that_fails_late_changes_nothing() {
    let future = Operation::Range(Range {
        revision: 99,
        ..Range::one("k")
    });
    let no_lease = Operation::Put(Put {
        key: "b".into(),
        lease: 7,
        ..Put::default()
    });
    let no_key = Operation::Put(Put {
        key: "b".into(),
        ignore_value: true,
        ..Put::default()
    });
    let cases = [
        (future, KvError::FutureRevision),
        (no_lease, KvError::LeaseNotFound),
        (no_key, KvError::KeyNotFound),
    ];
    for (operation, error) in cases {
        let mut machine = Machine::default();
        let txn = then(vec![put("a"), nested(vec![operation.clone()], vec![])]);
        assert_eq!(machine.apply(&Command::Txn(txn)), Err(error));
        assert_eq!((machine.store.revision(), machine.store.keys()), (1, 0));
        // On the branch that is not taken it does no harm.
        let other = then(vec![put("a"), nested(vec![], vec![operation])]);
        assert!(machine.apply(&Command::Txn(other)).is_ok());
    }
}

#[test]
fn inner_replies_say_the_revision_that_was_reached_by_then() {
    let mut machine = Machine::default();
    let get = Operation::Range(Range::one("a"));
    let txn = then(vec![
        get.clone(),
        delete("x", ""),
        put("a"),
        get,
        delete("a0", ""),
    ]);
    let Ok(Reply::Txn(reply)) = machine.apply(&Command::Txn(txn)) else {
        panic!("a transaction is answered as one");
    };
    let revision = |reply: &OperationReply| match reply {
        OperationReply::Range(reply) => reply.revision,
        OperationReply::Put(reply) => reply.revision,
        OperationReply::DeleteRange(reply) => reply.revision,
        OperationReply::Txn(reply) => reply.revision,
    };
    let revisions: Vec<i64> = reply.replies.iter().map(revision).collect();
    assert_eq!((reply.revision, revisions), (2, vec![1, 1, 2, 2, 2]));
}
