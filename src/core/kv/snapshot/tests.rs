//! A snapshot is read back whole or refused.

use super::*;
use crate::core::kv::request::{Alarm, Command, MemberAlarm, Put, Range};

fn machine(keys: usize) -> Machine {
    let mut machine = Machine::default();
    let grant = Command::LeaseGrant {
        id: 7,
        ttl_seconds: 60,
    };
    machine.apply(&grant).expect("a new lease");
    let puts = (0..keys).map(|number| {
        Command::Put(Put {
            key: number.to_string().into(),
            value: vec![number as u8; number % 300].into(),
            lease: if number % 2 == 0 { 7 } else { 0 },
            ..Put::default()
        })
    });
    let alarm = MemberAlarm {
        member: 1,
        alarm: Alarm::NoSpace,
    };
    for command in puts.chain([Command::RaiseAlarm(alarm)]) {
        machine.apply(&command).expect("taken");
    }
    machine
}

fn file(machine: &Machine) -> Vec<u8> {
    let pieces = outgoing(1, 2, &machine.image());
    pieces.flat_map(|(piece, _)| piece).collect()
}

#[test]
fn a_snapshot_gives_the_machine_again() {
    for keys in [0, 1, 3_000] {
        let before = machine(keys);
        let (head, after) = read(&file(&before)).expect("whole");
        assert_eq!((head.cluster_id, head.member_id), (1, 2));
        assert_eq!(head.machine, before.image().meta);
        assert_eq!(after.image().meta, before.image().meta);
        assert_eq!(after.leases(), before.leases());
        let mut all = Range::one(vec![0]);
        all.keys.end = vec![0].into();
        assert_eq!(after.store.range(&all), before.store.range(&all));
    }
}

#[test]
fn its_size_is_a_multiple_of_512_and_a_digest() {
    for keys in 0..40 {
        let machine = machine(keys);
        assert_eq!(file(&machine).len() % BLOCK_BYTES, DIGEST_BYTES);
        let mut sent = 0;
        let total = file(&machine).len() as u64;
        for (piece, remaining) in outgoing(1, 2, &machine.image()) {
            sent += piece.len() as u64;
            assert_eq!(sent + remaining, total);
        }
    }
}

#[test]
fn a_flipped_byte_anywhere_is_refused() {
    let whole = file(&machine(20));
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        assert!(read(&damaged).is_err(), "byte {at}");
    }
}

#[test]
fn a_snapshot_cut_at_any_length_is_refused() {
    let whole = file(&machine(20));
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "length {length}");
    }
}

#[test]
fn what_is_cut_and_what_is_damaged_are_told_apart() {
    let whole = file(&machine(20));
    let cut = read(&whole[..whole.len() - 1]).expect_err("cut");
    assert!(matches!(cut, SnapshotError::Short { .. }), "{cut}");
    let mut damaged = whole;
    damaged[100] ^= 1;
    let error = read(&damaged).expect_err("damaged");
    assert!(matches!(error, SnapshotError::Digest), "{error}");
}

#[test]
fn without_a_look_at_its_digest_a_file_must_still_fit_together() {
    let whole = file(&machine(20));
    let mut other = whole.clone();
    let last = other.len() - 1;
    other[last] ^= 1;
    assert!(read_parts(&other, DigestCheck::Required).is_err());
    let parts = read_parts(&other, DigestCheck::Skipped).expect("only the digest is wrong");
    assert_eq!(
        parts.digest,
        read_parts(&whole, DigestCheck::Required)
            .expect("whole")
            .digest
    );
    for length in 0..whole.len() - BLOCK_BYTES - DIGEST_BYTES {
        assert!(
            read_parts(&whole[..length], DigestCheck::Skipped).is_err(),
            "length {length}"
        );
    }
}

#[test]
fn a_database_of_etcd_is_named() {
    let mut page = vec![0; 8192];
    page[ETCD_MAGIC_AT..ETCD_MAGIC_AT + 4].copy_from_slice(&ETCD_MAGIC);
    assert!(matches!(read(&page), Err(SnapshotError::Etcd)));
    assert!(matches!(read(&vec![0; 8192]), Err(SnapshotError::Magic)));
}

#[test]
fn a_file_is_known_by_its_head() {
    let machine = machine(20);
    let file = file(&machine);
    let mut head = read(&file).expect("whole").0;
    assert!(begins_with(&file, &head) && begins_with(&file[..400], &head));
    head.machine.revision += 1;
    assert!(!begins_with(&file, &head) && !begins_with(&file[..20], &head));
}

#[test]
fn an_unknown_format_is_named() {
    let mut content = file(&machine(1));
    content.truncate(content.len() - DIGEST_BYTES);
    content[MAGIC.len()] = 9;
    content.extend(Sha256::digest(&content));
    let error = read(&content).expect_err("format 9");
    assert!(matches!(error, SnapshotError::Format { found: 9 }));
}

#[test]
fn a_head_that_no_machine_wrote_is_refused_by_name() {
    let mut image = machine(3).image();
    image.meta.leases.push((7, 60));
    let pieces = outgoing(1, 2, &image);
    let file: Vec<u8> = pieces.flat_map(|(piece, _)| piece).collect();
    let error = read(&file).expect_err("lease 7 is there twice");
    assert!(matches!(error, SnapshotError::Parts(_)), "{error}");
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |it| it.source());
    let text: Vec<_> = causes.map(ToString::to_string).collect();
    assert_eq!(
        text[1..],
        [
            "lease 7 cannot be granted",
            "etcdserver: lease already exists"
        ]
    );
}
