//! The rules of compaction: what stays readable, what goes, and when.

use super::*;
use crate::core::kv::machine::Machine;
use crate::core::kv::request::Command;
use bytes::Bytes;

fn put(machine: &mut Machine, key: &str) {
    let put = Put {
        key: Bytes::copy_from_slice(key.as_bytes()),
        ..Put::default()
    };
    machine.apply(&Command::Put(put)).expect("taken");
}

fn delete(machine: &mut Machine, start: &'static str, end: &'static str) {
    let keys = KeyRange {
        start: start.into(),
        end: end.into(),
    };
    let prev_kv = false;
    let delete = DeleteRange { keys, prev_kv };
    machine.apply(&Command::DeleteRange(delete)).expect("taken");
}

fn compact(machine: &mut Machine, revision: i64) {
    machine.store.compact(revision).expect("in bounds");
    while machine.store.drop_step(None) == Step::More {}
}

fn count_at(machine: &Machine, revision: i64) -> Result<i64, KvError> {
    let range = Range {
        revision,
        ..Range::one("k")
    };
    machine.store.range(&range).map(|reply| reply.count)
}

#[test]
fn reads_work_from_the_compaction_revision_to_the_newest() {
    let mut machine = Machine::default();
    (0..4).for_each(|_| put(&mut machine, "k"));
    compact(&mut machine, 3);
    assert_eq!(count_at(&machine, 2), Err(KvError::Compacted));
    assert_eq!(count_at(&machine, 3), Ok(1));
    assert_eq!(count_at(&machine, 5), Ok(1));
    assert_eq!(count_at(&machine, 6), Err(KvError::FutureRevision));
}

#[test]
fn a_compaction_goes_forward_and_not_beyond_the_newest() {
    let mut machine = Machine::default();
    put(&mut machine, "k");
    compact(&mut machine, 2);
    assert_eq!(machine.store.compact(2), Err(KvError::Compacted));
    assert_eq!(machine.store.compact(3), Err(KvError::FutureRevision));
}

#[test]
fn a_tombstone_stays_at_its_own_compaction_and_goes_with_the_next() {
    let mut machine = Machine::default();
    put(&mut machine, "k");
    delete(&mut machine, "k", "");
    put(&mut machine, "other");
    compact(&mut machine, 3);
    let kept = |machine: &Machine| machine.store.index.iter().count();
    assert_eq!(kept(&machine), 2);
    assert!(
        machine
            .store
            .changes(3)
            .next()
            .is_some_and(|it| it.tombstone)
    );
    compact(&mut machine, 4);
    assert_eq!(kept(&machine), 1);
}

#[test]
fn a_compaction_during_another_leaves_no_tombstone_behind() {
    let mut machine = Machine::default();
    let keys = STEP_KEYS + 10;
    (0..keys).for_each(|number| put(&mut machine, &format!("k{number}")));
    delete(&mut machine, "k", "l");
    put(&mut machine, "other");
    let deletion = machine.store.revision() - 1;
    machine.store.compact(deletion).expect("in bounds");
    // Past the puts and into the deletion, of which the first step sees only a part.
    machine.store.drop_step(None);
    machine.store.drop_step(None);
    compact(&mut machine, deletion + 1);
    assert_eq!(machine.store.index.iter().count(), 1);
}

#[test]
fn an_image_taken_before_the_dropping_comes_back_without_what_was_compacted() {
    let mut machine = Machine::default();
    (0..100_000).for_each(|_| put(&mut machine, "k"));
    machine.store.compact(100_000).expect("in bounds");
    let image = machine.image();
    assert!(machine.store.has_to_drop());
    let before = machine.store.bytes();
    let chunks = image.chunks.iter().map(|chunk| chunk.as_ref().clone());
    let again = Machine::from_parts(image.meta.clone(), chunks.collect()).expect("whole");
    assert!(again.store.bytes() < 1_000, "{}", again.store.bytes());
    assert!(before > 1_000_000, "{before}");
    assert_eq!(again.store.bytes_in_use(), again.store.bytes());
    assert_eq!(count_at(&again, 100_000), Ok(1));
}

#[test]
fn steps_of_a_read_and_of_a_hash_are_bounded_in_bytes() {
    let mut machine = Machine::default();
    for number in 0..8 {
        let put = Put {
            key: format!("k{number}").into(),
            value: vec![0; STEP_BYTES / 2].into(),
            ..Put::default()
        };
        machine.apply(&Command::Put(put)).expect("taken");
    }
    let store = &machine.store;
    let all = Range {
        keys: KeyRange {
            start: "k".into(),
            end: "l".into(),
        },
        ..Range::default()
    };
    let mut progress = store.start_range(&all).expect("readable");
    let mut pieces = Vec::new();
    while store.range_step(&all, &mut progress) == Ok(Step::More) {
        pieces.push(progress.take_piece().kvs.len());
    }
    assert_eq!(pieces, [2, 2, 2, 2]);
    assert_eq!(progress.finish(&all).count, 8);
    let count = Range {
        detail: Detail::CountOnly,
        ..all
    };
    let mut progress = store.start_range(&count).expect("readable");
    assert_eq!(store.range_step(&count, &mut progress), Ok(Step::Done));
    let mut hash = store.start_hash(0).expect("readable");
    let mut steps = 1;
    while store.hash_step(&mut hash) == Ok(Step::More) {
        steps += 1;
    }
    assert_eq!(steps, 4);
}

#[test]
fn what_somebody_needs_stays_until_it_is_no_longer_needed() {
    let mut machine = Machine::default();
    (0..9).for_each(|_| put(&mut machine, "k"));
    let read_at = |machine: &Machine, progress: &mut RangeProgress| {
        machine.store.range_step(&Range::one("k"), progress)
    };
    let range = |revision| Range {
        revision,
        ..Range::one("k")
    };
    let mut old = machine.store.start_range(&range(4)).expect("readable");
    let mut new = machine.store.start_range(&range(7)).expect("readable");
    machine.store.compact(9).expect("in bounds");
    while machine.store.drop_step(Some(4)) == Step::More {}
    // No new read begins before the compaction; the ones under way go on.
    assert_eq!(count_at(&machine, 7), Err(KvError::Compacted));
    assert_eq!(read_at(&machine, &mut old), Ok(Step::Done));
    while machine.store.drop_step(Some(7)) == Step::More {}
    assert_eq!(read_at(&machine, &mut old), Err(KvError::Compacted));
    assert_eq!(read_at(&machine, &mut new), Ok(Step::Done));
    assert!(machine.store.has_dropped(7) && machine.store.has_to_drop());
    while machine.store.drop_step(None) == Step::More {}
    assert_eq!(read_at(&machine, &mut new), Err(KvError::Compacted));
    assert!(machine.store.has_dropped(9) && !machine.store.has_to_drop());
}
