//! What packing versions into chunks must keep: every record, their order, and the byte counts.

use super::*;
use std::collections::BTreeSet;

fn put<'a>(main: i64, sub: u32, key: &'a [u8], value: &'a [u8]) -> Record<'a> {
    Record {
        revision: Revision { main, sub },
        tombstone: false,
        create_revision: main,
        version: 1,
        lease: 0,
        key,
        value,
    }
}

fn tombstone(main: i64, key: &[u8]) -> Record<'_> {
    Record {
        tombstone: true,
        create_revision: 0,
        version: 0,
        ..put(main, 0, key, b"")
    }
}

/// `count` versions of 1,000 bytes of value, one a main revision from `first` on.
fn filled(first: i64, count: i64) -> History {
    let mut history = History::default();
    for main in first..first + count {
        history.push(&put(main, 0, b"key", &[main as u8; 1_000]));
    }
    history
}

fn mains(history: &History) -> Vec<i64> {
    let records = history.since(Revision::default());
    records.map(|record| record.revision.main).collect()
}

/// The byte counts, against what the chunks say.
fn assert_counted(history: &History) {
    let bytes: usize = history.chunks().map(Chunk::record_bytes).sum();
    let sealed: usize = history.sealed.iter().map(|sealed| sealed.dead.bytes).sum();
    assert_eq!(history.bytes(), bytes);
    assert_eq!(history.dead_bytes(), sealed + history.open_dead.bytes);
}

fn sweep_all(history: &mut History) {
    while history.sweep() {}
}

fn sample_chunk() -> Chunk {
    let mut chunk = Chunk::new(3, 7);
    chunk.push(&put(7, 0, b"a", b"one"));
    chunk.push(&Record {
        create_revision: 2,
        version: 300,
        lease: -5,
        ..put(7, 1, b"b", b"")
    });
    chunk.push(&tombstone(400, b"a"));
    chunk.push(&put(1 << 40, 70_000, b"", &[0; 200]));
    chunk
}

#[test]
fn an_encoded_chunk_decodes_to_the_same_records() {
    let chunk = Arc::new(sample_chunk());
    let decoded = Chunk::decode(3, chunk.version(), chunk.encoded().into()).expect("whole");
    assert!(chunk.records().eq(decoded.records()));
    assert_eq!(
        (decoded.id(), decoded.version(), decoded.base, decoded.last),
        (3, chunk.version(), chunk.base, chunk.last)
    );
    assert_eq!(decoded.offsets, chunk.offsets);
}

#[test]
fn a_chunk_cut_at_any_length_is_refused() {
    let whole = Arc::new(sample_chunk()).encoded();
    for length in 0..whole.len() {
        let cut = Chunk::decode(3, 1, whole[..length].to_vec());
        assert!(
            matches!(cut, Err(ChunkError::Short { id: 3, .. })),
            "{length}"
        );
    }
    let longer = [&whole[..], &[0]].concat();
    let trailing = Chunk::decode(3, 1, longer).expect_err("one byte too many");
    assert_eq!(trailing, ChunkError::Trailing { id: 3, extra: 1 });
}

/// A chunk has no checksum of its own (files and snapshots that hold chunks do), so damage may
/// decode; but what is given out is always in order and walks without a panic.
#[test]
fn chunk_with_numbers_beyond_every_store_is_refused() {
    let decode = |base: i64, record: &Record<'_>| {
        let mut chunk = Chunk::new(3, base);
        chunk.push(record);
        Chunk::decode(3, 1, chunk.data)
    };
    let refused = Some(ChunkError::Number { id: 3, record: 0 });
    let largest = Record {
        version: REVISION_MAX,
        ..put(REVISION_MAX, 0, b"a", b"")
    };
    assert!(decode(0, &largest).is_ok());
    for (base, version, main) in [
        (0, REVISION_MAX + 1, 1),
        (0, i64::MAX, 1),
        (0, 1, REVISION_MAX + 1),
        (-1, 1, 1),
    ] {
        let record = Record {
            version,
            ..put(main, 0, b"a", b"")
        };
        assert_eq!(decode(base, &record).err(), refused, "{base} {main}");
    }
}

#[test]
fn a_flipped_bit_is_refused_or_leaves_records_in_order() {
    let whole = Arc::new(sample_chunk()).encoded();
    for bit in 0..whole.len() * 8 {
        let mut data = whole.to_vec();
        data[bit / 8] ^= 1 << (bit % 8);
        if let Ok(chunk) = Chunk::decode(3, 1, data) {
            let revisions: Vec<Revision> = chunk.records().map(|record| record.revision).collect();
            assert!(revisions.is_sorted_by(|a, b| a < b), "bit {bit}");
        }
    }
}

#[test]
fn records_out_of_order_are_refused() {
    let mut chunk = Chunk::new(0, 1);
    chunk.push(&put(1, 0, b"a", b""));
    let record = chunk.data[CHUNK_HEADER_BYTES..].to_vec();
    chunk.data.extend(record);
    chunk.data[8] = 2;
    let error = Chunk::decode(0, 1, chunk.data).expect_err("twice the same revision");
    assert_eq!(error, ChunkError::Order { id: 0, record: 1 });
}

#[test]
fn every_record_is_found_across_chunks() {
    let history = filled(2, 300);
    assert!(history.chunks().count() > 3);
    for main in 2..302 {
        let record = history.get(Revision { main, sub: 0 });
        assert_eq!((record.revision.main, record.value[0]), (main, main as u8));
        let from = history.since(Revision { main, sub: 0 });
        assert_eq!(from.count() as i64, 302 - main);
        let after = history.since(Revision { main, sub: 1 });
        assert_eq!(after.count() as i64, 301 - main);
    }
    assert_eq!(history.since(Revision { main: 302, sub: 0 }).count(), 0);
    assert_counted(&history);
}

#[test]
fn an_empty_history_has_nothing_since_anywhere() {
    let history = History::default();
    assert_eq!(history.since(Revision::default()).count(), 0);
    assert_eq!(history.revision_before_last(0), None);
}

#[test]
fn a_record_larger_than_a_chunk_has_one_of_its_own() {
    let mut history = filled(1, 2);
    history.push(&put(3, 0, b"big", &vec![1; 3 * CHUNK_BYTES]));
    history.push(&put(4, 0, b"key", b"small"));
    assert_eq!(history.chunks().count(), 3);
    assert_eq!(mains(&history), [1, 2, 3, 4]);
    assert_eq!(history.get(Revision { main: 3, sub: 0 }).key, b"big");
}

#[test]
fn a_shared_chunk_is_not_changed_by_what_comes_after() {
    let mut history = filled(1, 100);
    let shared = history.share();
    let before: Vec<Bytes> = shared.iter().map(Chunk::encoded).collect();
    for main in 1..60 {
        history.forget(Revision { main, sub: 0 });
    }
    sweep_all(&mut history);
    history.push(&put(101, 0, b"key", b""));
    let after: Vec<Bytes> = shared.iter().map(Chunk::encoded).collect();
    assert_eq!(before, after);
}

#[test]
fn sweeping_frees_the_dead_and_joins_small_neighbours() {
    let mut history = filled(1, 600);
    let before = history.share();
    let is_live = |main: i64| main % 10 == 0 || main > 550;
    for main in (1..=600).filter(|main| !is_live(*main)) {
        history.forget(Revision { main, sub: 0 });
    }
    sweep_all(&mut history);
    let live: Vec<i64> = (1..=600).filter(|main| is_live(*main)).collect();
    let sealed_live = |main: &i64| {
        history
            .sealed
            .iter()
            .any(|sealed| sealed.chunk.last.main >= *main)
    };
    let found = mains(&history);
    assert!(live.iter().all(|main| found.contains(main)));
    assert!(found.iter().filter(|main| sealed_live(main)).count() < 160);
    assert!(history.chunks().count() < before.len() / 2);
    assert!(history.dead_bytes() < CHUNK_BYTES);
    assert_counted(&history);
    for main in live {
        assert_eq!(history.get(Revision { main, sub: 0 }).value[0], main as u8);
    }
}

#[test]
fn rewritten_neighbours_end_up_full() {
    let mut history = filled(1, 3_000);
    let is_live = |main: i64| main % 5 < 3;
    for main in (1..=3_000).filter(|main| !is_live(*main)) {
        history.forget(Revision { main, sub: 0 });
    }
    sweep_all(&mut history);
    let sealed: Vec<&Chunk> = history.sealed.iter().map(|it| it.chunk.as_ref()).collect();
    let (_, filled) = sealed.split_last().expect("there are many");
    assert!(filled.len() > 10);
    assert!(
        filled
            .iter()
            .all(|chunk| chunk.data.len() > CHUNK_BYTES * 9 / 10)
    );
    assert_counted(&history);
}

#[test]
fn one_sweep_rewrites_a_bounded_part() {
    let mut history = filled(1, 10_000);
    for main in (1..=10_000).filter(|main| main % 5 >= 3) {
        history.forget(Revision { main, sub: 0 });
    }
    let mut steps = 0;
    loop {
        let before = history.dead_bytes();
        let more = history.sweep();
        steps += 1;
        let freed = before - history.dead_bytes();
        assert!(freed <= (SWEEP_BYTES + CHUNK_BYTES) / 5 * 2, "{freed}");
        assert_counted(&history);
        if !more {
            break;
        }
    }
    assert!(steps >= 9, "{steps}");
    // Only the open chunk may have dead records: sealed ones are below the share.
    assert!(history.dead_bytes() <= CHUNK_BYTES);
    assert_eq!(mains(&history).len(), 6_000 + history.dead_bytes() / 1_000);
    // What was swept and is forgotten later is swept again.
    for main in (1..=1_000).filter(|main| main % 5 < 3) {
        history.forget(Revision { main, sub: 0 });
    }
    sweep_all(&mut history);
    assert!(mains(&history).first().is_some_and(|main| *main > 900));
    assert_counted(&history);
}

#[test]
fn a_chunk_id_is_unique_and_its_version_rises_with_its_content() {
    let mut history = filled(1, 600);
    let before = history.share();
    for main in (1..=500).filter(|main| main % 10 != 0) {
        history.forget(Revision { main, sub: 0 });
    }
    sweep_all(&mut history);
    let after = history.share();
    let ids: BTreeSet<u64> = after.iter().map(|chunk| chunk.id()).collect();
    assert_eq!(ids.len(), after.len());
    for chunk in &after {
        let old = before.iter().find(|old| old.id() == chunk.id());
        let old = old.expect("sweeping makes no new id");
        let same = old.encoded() == chunk.encoded();
        assert_eq!(same, old.version() == chunk.version());
        assert!(old.version() <= chunk.version());
    }
    let newest = after.iter().map(|chunk| chunk.id()).max();
    for main in 601..700 {
        history.push(&put(main, 0, b"key", &[0; 1_000]));
    }
    let last = history.chunks().next_back().map(Chunk::id);
    assert!(last > newest);
}

#[test]
fn joining_counts_the_bytes_that_revisions_take_in_their_new_chunk() {
    let mut history = History::default();
    let mut push = |main: i64, count: u32| {
        for sub in 0..count {
            history.push(&put(main, sub, b"k", &[0; 20]));
        }
    };
    // Far apart, so that a revision relative to the older chunk's base takes more bytes.
    push(1, 3_000);
    push(1 << 40, 3_000);
    history.seal();
    let survives = |revision: Revision| revision.sub.is_multiple_of(8);
    let all: Vec<Revision> = history
        .since(Revision::default())
        .map(|it| it.revision)
        .collect();
    for revision in all.iter().filter(|revision| !survives(**revision)) {
        history.forget(*revision);
    }
    sweep_all(&mut history);
    assert_counted(&history);
    assert_eq!(history.chunks().count(), 1);
    for revision in all.iter().filter(|revision| survives(**revision)) {
        history.forget(*revision);
    }
    sweep_all(&mut history);
    assert_eq!((history.bytes(), history.dead_bytes()), (0, 0));
}

#[test]
fn chunks_in_any_order_make_the_same_history_again() {
    let history = filled(1, 300);
    let mut chunks: Vec<Chunk> = history.chunks().cloned().collect();
    chunks.reverse();
    let mut again = History::from_chunks(chunks).expect("in order");
    assert_eq!(mains(&again), mains(&history));
    assert_eq!(again.bytes(), history.bytes());
    again.push(&put(301, 0, b"key", b""));
    let ids: BTreeSet<u64> = again.chunks().map(Chunk::id).collect();
    assert_eq!(ids.len(), again.chunks().count());
}

#[test]
fn overlapping_chunks_are_refused() {
    let mut chunks: Vec<Chunk> = filled(1, 10).chunks().cloned().collect();
    chunks.extend(filled(10, 10).chunks().cloned());
    assert!(matches!(
        History::from_chunks(chunks),
        Err(ChunkError::Order { .. })
    ));
}

#[test]
fn the_revision_before_the_last_bytes_is_that_of_a_chunk_start() {
    let history = filled(1, 300);
    assert_eq!(history.revision_before_last(usize::MAX), None);
    let bytes = 100_000;
    let revision = history.revision_before_last(bytes).expect("more is held");
    let newer: usize = history
        .since(Revision {
            main: revision + 1,
            sub: 0,
        })
        .map(|record| record.bytes())
        .sum();
    assert!((bytes..bytes + 2 * CHUNK_BYTES).contains(&newer), "{newer}");
}
