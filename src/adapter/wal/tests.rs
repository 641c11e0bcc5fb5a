//! The log against a disk that fails, tears and forgets, and against real files.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver};

use super::*;
use crate::adapter::wal::simulation::{EIO, ENOSPC, SimulatedDisk};
use crate::core::bench::input::Source;

type Answer = Receiver<Result<(), Arc<WalError>>>;

const WAIT: Duration = Duration::from_secs(60);

fn small() -> Options {
    Options {
        segment_bytes: 16 << 10,
        reserve_bytes: 2048,
        ..Options::default()
    }
}

fn entry(term: u64, index: u64, bytes: usize) -> Record {
    let payload = (0..bytes)
        .map(|i| (i as u64 * 7 + index + term * 31) as u8)
        .collect();
    Record::Entry {
        term,
        index,
        payload,
    }
}

fn submit(wal: &Wal, records: Vec<Record>) -> Answer {
    let (sender, receiver) = mpsc::channel();
    wal.submit(
        records,
        Box::new(move |result| sender.send(result).expect("somebody waits")),
    );
    receiver
}

fn written(wal: &Wal, records: Vec<Record>) -> Result<(), Arc<WalError>> {
    submit(wal, records)
        .recv_timeout(WAIT)
        .expect("answered in time")
}

fn indexes(entries: &[EntryRecord]) -> Vec<u64> {
    entries.iter().map(|entry| entry.index).collect()
}

fn on_disk(disk: &SimulatedDisk) -> Result<(Wal, Recovered), WalError> {
    Wal::open_in(Arc::new(disk.clone()), small())
}

/// What a log must hold after a prefix of the records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    vote: Option<Vec<u8>>,
    committed: Option<Vec<u8>>,
    purged: Option<Purged>,
    entries: VecDeque<EntryRecord>,
}

impl Model {
    fn next(&self) -> u64 {
        let after_purge = self.purged.as_ref().map_or(0, |purged| purged.index + 1);
        self.entries
            .back()
            .map_or(after_purge, |last| last.index + 1)
    }

    fn apply(&mut self, record: &Record) {
        match record.clone() {
            Record::Entry {
                term,
                index,
                payload,
            } => {
                self.entries.push_back(EntryRecord {
                    term,
                    index,
                    payload,
                });
            }
            Record::Vote(vote) => self.vote = Some(vote),
            Record::Committed(mark) => self.committed = Some(mark),
            Record::Truncate { from } => self.entries.retain(|entry| entry.index < from),
            Record::Purge(purged) => {
                if self
                    .purged
                    .as_ref()
                    .is_none_or(|before| before.index < purged.index)
                {
                    self.entries.retain(|entry| entry.index > purged.index);
                    self.purged = Some(purged);
                }
            }
        }
    }

    fn random_record(&self, random: &mut Source, term: u64) -> Record {
        let next = self.next();
        match random.below(20) {
            0 => Record::Vote(vec![term as u8; random.below(40) as usize]),
            1 => Record::Committed(next.to_le_bytes().to_vec()),
            2 => Record::Truncate {
                from: next.saturating_sub(random.below(6)),
            },
            3 | 4 => {
                let index = (next + random.below(3)).saturating_sub(random.below(30) + 1);
                Record::Purge(Purged {
                    term,
                    index,
                    payload: vec![1; 9],
                })
            }
            _ => entry(term, next, random.below(1500) as usize),
        }
    }

    fn matches(&self, shared: &Shared, recovered: &Recovered) -> bool {
        let entries = read_entries(shared, &(0..u64::MAX), u64::MAX).expect("verified before");
        let kept = (&recovered.vote, &recovered.committed, &recovered.purged);
        kept == (&self.vote, &self.committed, &self.purged) && self.entries == entries
    }
}

/// One run: random records in random batches, power cuts at random moments, reopening.
fn simulate(seed: u64) -> (u64, u64) {
    let mut random = Source::new(seed, 0);
    let mut disk = SimulatedDisk::new(seed ^ 0x5eed);
    if random.below(3) == 0 {
        disk.set_short_writes();
    }
    // Each model is a state that may be found; the first is what was acknowledged.
    let mut possible = vec![Model::default()];
    let mut cuts = 0;
    let mut rounds = 0;
    for _ in 0..5 {
        disk.stop_after(1 + random.below(120));
        let opened = open_parts(Arc::new(disk.clone()), &small(), Helper::Inline);
        let (shared, mut writer, recovered) = match opened {
            Ok(opened) => opened,
            Err(_) if disk.stopped() => {
                disk = disk.crash();
                continue;
            }
            Err(error) => panic!("seed {seed}: {error}"),
        };
        let found = possible
            .iter()
            .position(|model| model.matches(&shared, &recovered));
        let found = found.unwrap_or_else(|| panic!("seed {seed}: lost or torn: {recovered:?}"));
        cuts += u64::from(recovered.cut_bytes > 0);
        possible = vec![possible[found].clone()];
        for _ in 0..40 {
            rounds += 1;
            let acknowledged = Arc::new(Mutex::new(0));
            let mut submissions = VecDeque::new();
            let mut model = possible[0].clone();
            for _ in 0..=random.below(4) {
                let mut records = Vec::new();
                for _ in 0..=random.below(4) {
                    let record = model.random_record(&mut random, seed % 100);
                    model.apply(&record);
                    possible.push(model.clone());
                    records.push(record);
                }
                let (acknowledged, count) = (Arc::clone(&acknowledged), possible.len() - 1);
                let done: Done = Box::new(move |result| {
                    if result.is_ok() {
                        *acknowledged.lock().expect("no panic") = count;
                    }
                });
                submissions.push_back(Submission {
                    records,
                    done: Some(done),
                });
            }
            writer.commit(submissions);
            possible.drain(..*acknowledged.lock().expect("no panic"));
            if random.below(3) == 0 {
                shared.preparer.step();
            }
            if disk.stopped() {
                break;
            }
            assert_eq!(possible.len(), 1, "seed {seed}: {:?}", shared.failure.get());
        }
        disk = if random.below(4) == 0 {
            disk.copy()
        } else {
            disk.crash()
        };
    }
    (cuts, rounds)
}

#[test]
fn acknowledged_records_survive_power_cuts_and_nothing_torn_is_served() {
    let (mut cuts, mut rounds) = (0, 0);
    for seed in 0..400 {
        let (more_cuts, more_rounds) = simulate(seed);
        cuts += more_cuts;
        rounds += more_rounds;
    }
    println!("400 seeds: {rounds} commits, {cuts} torn tails cut");
    assert!(cuts > 20, "the simulation tears tails, {cuts} seen");
}

#[test]
fn records_come_back_after_reopening_and_old_segments_are_recycled() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (wal, recovered) = Wal::open(directory.path(), small()).expect("created");
    assert_eq!(recovered, Recovered::default());
    written(&wal, vec![Record::Vote(b"v1".to_vec())]).expect("written");
    for index in 0..200 {
        written(&wal, vec![entry(1, index, 300)]).expect("written");
        if index % 10 == 9 {
            let purged = Purged {
                term: 1,
                index: index - 5,
                payload: b"p".to_vec(),
            };
            wal.submit_lazily(vec![Record::Purge(purged)]);
        }
    }
    wal.close().expect("closed");
    let closed = written(&wal, vec![entry(1, 200, 1)]).expect_err("closed before");
    assert!(matches!(*closed, WalError::Closed));
    drop(wal);
    let (wal, recovered) = Wal::open(directory.path(), small()).expect("opened");
    assert_eq!(recovered.vote.as_deref(), Some(&b"v1"[..]));
    assert_eq!(recovered.entries, 195..200);
    assert_eq!(
        recovered.last.as_ref().map(|last| (last.term, last.index)),
        Some((1, 199))
    );
    assert_eq!(recovered.cut_bytes, 0);
    assert_eq!(
        indexes(&wal.read(0..300, u64::MAX).expect("read")),
        [195, 196, 197, 198, 199]
    );
    assert_eq!(indexes(&wal.read(0..300, 301).expect("read")), [195, 196]);
    wal.close().expect("closed");
    let files = std::fs::read_dir(directory.path()).expect("listed").count();
    assert!(
        files <= 6,
        "two spares at most besides what is needed: {files}"
    );
}

#[test]
fn purge_beyond_the_end_empties_the_log_and_it_goes_on_after_it() {
    let disk = SimulatedDisk::new(1);
    let (wal, _) = on_disk(&disk).expect("created");
    let purged = Purged {
        term: 3,
        index: 50,
        payload: b"id".to_vec(),
    };
    let records = vec![
        entry(1, 0, 10),
        entry(1, 1, 10),
        Record::Purge(purged.clone()),
    ];
    written(&wal, records).expect("written");
    assert_eq!(wal.read(0..100, u64::MAX).expect("read"), []);
    let gap = written(&wal, vec![entry(3, 2, 10)]).expect_err("a gap");
    assert!(matches!(
        *gap,
        WalError::OutOfOrder {
            expected: 51,
            found: 2
        }
    ));
    written(&wal, vec![entry(3, 51, 10)]).expect("the log goes on after a refusal");
    drop(wal);
    let (wal, recovered) = on_disk(&disk).expect("opened");
    assert_eq!(
        (recovered.purged, recovered.entries),
        (Some(purged), 51..52)
    );
    assert_eq!(indexes(&wal.read(0..100, u64::MAX).expect("read")), [51]);
}

#[test]
fn truncate_and_append_in_one_submission_replaces_the_tail() {
    let disk = SimulatedDisk::new(2);
    let (wal, _) = on_disk(&disk).expect("created");
    written(&wal, (0..5).map(|index| entry(1, index, 20)).collect()).expect("written");
    let records = vec![
        Record::Vote(b"2".to_vec()),
        Record::Truncate { from: 2 },
        entry(2, 2, 20),
        entry(2, 3, 20),
    ];
    written(&wal, records).expect("written");
    let terms = |wal: &Wal| -> Vec<u64> {
        wal.read(0..9, u64::MAX)
            .expect("read")
            .iter()
            .map(|entry| entry.term)
            .collect()
    };
    assert_eq!(terms(&wal), [1, 1, 2, 2]);
    drop(wal);
    let (wal, recovered) = on_disk(&disk).expect("opened");
    assert_eq!(terms(&wal), [1, 1, 2, 2]);
    assert_eq!(recovered.vote.as_deref(), Some(&b"2"[..]));
}

#[test]
fn failed_sync_poisons_the_log_and_is_not_tried_again() {
    let disk = SimulatedDisk::new(3);
    let (wal, _) = on_disk(&disk).expect("created");
    written(&wal, vec![entry(1, 0, 10)]).expect("written");
    disk.fail_sync_after(0);
    let error = written(&wal, vec![entry(1, 1, 10)]).expect_err("not synced");
    assert!(
        matches!(*error, WalError::Io { action: "sync", .. }),
        "{error}"
    );
    let again = written(&wal, vec![entry(1, 1, 10)]).expect_err("poisoned");
    assert!(Arc::ptr_eq(&error, &again));
    assert_eq!(
        indexes(&wal.read(0..9, u64::MAX).expect("reads go on")),
        [0]
    );
    let closed = wal.close().expect_err("closing tells");
    assert!(Arc::ptr_eq(&error, &closed));
}

#[test]
fn failed_write_poisons_the_log_with_the_systems_error() {
    assert!(failed_write(EIO).hint().contains("kernel's messages"));
    // Space does not make it go on, and is not said to.
    let hint = failed_write(ENOSPC).hint();
    assert!(
        hint.contains("free space") && hint.contains("must be restarted"),
        "{hint}"
    );
}

/// What is told of a write that failed with `errno`.
fn failed_write(errno: i32) -> Arc<WalError> {
    let disk = SimulatedDisk::new(4);
    let (shared, mut writer, _) =
        open_parts(Arc::new(disk.clone()), &small(), Helper::Inline).expect("created");
    disk.fail_write_after(0, errno);
    let (sender, receiver) = mpsc::channel();
    let done: Done = Box::new(move |result| sender.send(result).expect("somebody waits"));
    let submission = Submission {
        records: vec![entry(1, 0, 10)],
        done: Some(done),
    };
    writer.commit(VecDeque::from([submission]));
    let error = receiver
        .recv_timeout(WAIT)
        .expect("answered")
        .expect_err("not written");
    let WalError::Io {
        action: "write",
        source,
        ..
    } = &*error
    else {
        panic!("{error}")
    };
    assert_eq!(source.raw_os_error(), Some(errno));
    assert!(
        shared
            .failure
            .get()
            .is_some_and(|failure| !failure.is_no_space())
    );
    error
}

#[test]
fn full_disk_leaves_the_reserve_then_waits_and_goes_on_when_space_returns() {
    let disk = SimulatedDisk::new(5);
    let options = Options {
        space_retry: Duration::from_millis(5),
        ..small()
    };
    let (wal, _) = Wal::open_in(Arc::new(disk.clone()), options.clone()).expect("created");
    disk.set_full(true);
    for index in 0..3 {
        written(&wal, vec![entry(1, index, 1000)]).expect("room that was prepared before");
    }
    let deadline = Instant::now() + WAIT;
    while wal.shortage().is_none() {
        assert!(Instant::now() < deadline, "the helper meets the full disk");
        thread::yield_now();
    }
    let mut index = 3;
    while wal.admits(1100) {
        assert!(index < 100, "the room ends");
        written(&wal, vec![entry(1, index, 1000)]).expect("room that was prepared before");
        index += 1;
    }
    assert!(wal.shortage().expect("told").is_no_space());
    written(&wal, vec![Record::Vote(vec![1; 100])]).expect("the reserve takes a vote");
    let large = submit(&wal, vec![entry(1, index, 9000)]);
    assert!(large.try_recv().is_err(), "it waits for space");
    disk.set_full(false);
    large
        .recv_timeout(WAIT)
        .expect("answered")
        .expect("written when space returned");
    assert!(wal.admits(1100) && wal.failure().is_none());
}

#[test]
fn entry_that_a_full_disk_has_no_room_for_is_told_before_it_is_submitted() {
    let disk = SimulatedDisk::new(8);
    let options = Options {
        segment_bytes: 8 << 20,
        space_retry: Duration::from_millis(5),
        ..Options::default()
    };
    let (wal, _) = Wal::open_in(Arc::new(disk.clone()), options).expect("created");
    let look = |bytes| {
        let (sender, told) = mpsc::channel();
        wal.expect(
            bytes,
            Box::new(move || sender.send(()).expect("waited for")),
        );
        told.recv_timeout(WAIT).expect("told");
        wal.fit(bytes, 0)
    };
    // More than is prepared ahead without being asked for.
    assert_eq!(look(2 << 20), Fit::Now);
    disk.set_full(true);
    assert_eq!(look(4 << 20), Fit::DiskFull);
    assert_eq!(wal.fit(1000, 0), Fit::Now);
    assert_eq!(wal.fit(1000, 4 << 20), Fit::DiskFull);
    written(&wal, vec![entry(1, 0, 1000)]).expect("what fits does not wait");
    disk.set_full(false);
    let deadline = Instant::now() + WAIT;
    while look(4 << 20) != Fit::Now {
        assert!(Instant::now() < deadline, "space is found again");
    }
    written(&wal, vec![entry(1, 1, 4 << 20)]).expect("written");
    // It does not fit into the rest of the segment any more, but into the next one.
    assert_eq!(look(5 << 20), Fit::Now);
    written(&wal, vec![entry(1, 2, 5 << 20)]).expect("written");
    // More than any segment holds: asked again once what is queued was written.
    let (sender, told) = mpsc::channel();
    wal.expect(
        9 << 20,
        Box::new(move || sender.send(()).expect("waited for")),
    );
    told.recv_timeout(WAIT).expect("told");
    wal.close().expect("closed");
    assert_eq!(wal.fit(7 << 20, 0), Fit::Now, "the log refuses it itself");
}

#[test]
fn closing_while_the_disk_is_full_fails_what_waits_for_space() {
    let disk = SimulatedDisk::new(6);
    let (wal, _) = on_disk(&disk).expect("created");
    written(&wal, vec![entry(1, 0, 9000)]).expect("written");
    disk.set_full(true);
    let waiting: Vec<_> = (1..9)
        .map(|i| submit(&wal, vec![entry(1, i, 9000)]))
        .collect();
    let error = wal.close().expect_err("it could not be written");
    assert!(error.is_no_space(), "{error}");
    let last = waiting
        .last()
        .expect("eight")
        .recv_timeout(WAIT)
        .expect("answered");
    assert!(last.expect_err("no space").is_no_space());
}

#[test]
fn too_large_record_is_refused_and_the_log_goes_on() {
    let disk = SimulatedDisk::new(7);
    let (wal, _) = on_disk(&disk).expect("created");
    let error = written(&wal, vec![entry(1, 0, 1 << 20)]).expect_err("larger than a segment");
    assert!(matches!(*error, WalError::TooLarge { .. }));
    written(&wal, vec![entry(1, 0, 10)]).expect("written");
}

#[test]
fn other_format_version_is_refused_naming_both() {
    let disk = SimulatedDisk::new(8);
    drop(on_disk(&disk).expect("created"));
    disk.flip("0000000001.wal", 8, 3);
    let error = on_disk(&disk).err().expect("another version");
    let text = error.to_string();
    assert!(
        text.contains("format version 2") && text.contains("knows version 1"),
        "{text}"
    );
}

#[test]
fn missing_segment_is_named() {
    let disk = SimulatedDisk::new(9);
    let (wal, _) = on_disk(&disk).expect("created");
    for index in 0..60 {
        written(&wal, vec![entry(1, index, 1000)]).expect("written");
    }
    drop(wal);
    for (name, named) in [
        ("0000000001.wal", "0000000002"),
        ("0000000002.wal", "0000000002"),
    ] {
        let broken = disk.copy();
        broken.remove(name).expect("it was there");
        let error = on_disk(&broken).err().expect("an entry is missing");
        assert!(matches!(error, WalError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
}

/// At whatever byte: it is refused, or nothing is missing, or the cut goes between two records.
#[test]
fn file_that_was_cut_short_is_refused_and_no_torn_tail() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (wal, _) = Wal::open(directory.path(), Options::default()).expect("created");
    let mut ends = Vec::new();
    let path = directory.path().join("0000000001.wal");
    for index in 0..220 {
        written(&wal, vec![entry(1, index, 700)]).expect("written");
        let length = std::fs::read(&path)
            .expect("there")
            .iter()
            .rposition(|byte| *byte != 0);
        ends.push(length.expect("records") as u64 / 8 * 8 + 8);
    }
    wal.close().expect("closed");
    drop(wal);
    let whole = std::fs::read(&path).expect("there");
    let last = *ends.last().expect("220");
    let mut refused = 0;
    for cut in (0..=last + 100).step_by(151).chain([4096, 5000, last + 40]) {
        let copy = tempfile::tempdir().expect("a temporary directory");
        let kept = &whole[..usize::try_from(cut).expect("small")];
        std::fs::write(copy.path().join("0000000001.wal"), kept).expect("written");
        match Wal::open(copy.path(), Options::default()) {
            Ok((_, recovered)) => {
                let complete = recovered.entries == (0..220);
                assert!(complete || ends.contains(&cut), "{cut}: {recovered:?}");
            }
            Err(WalError::Corrupt { .. }) => refused += 1,
            Err(error) => panic!("{cut}: {error}"),
        }
    }
    assert!(refused > 900, "{refused} of the cuts were refused");
}

/// Every flip in what was followed by another batch is refused by name; in the last batch it is
/// cut or refused. Never is anything wrong served.
#[test]
fn flipped_byte_is_named_or_cut_and_never_served() {
    let disk = SimulatedDisk::new(10);
    let (wal, _) = on_disk(&disk).expect("created");
    for index in 0..30 {
        written(&wal, vec![entry(1, index, 700)]).expect("written");
    }
    let sealed = wal.read(0..99, u64::MAX).expect("read");
    drop(wal);
    let used = |name: &String| name.ends_with(".wal");
    for name in disk.names().into_iter().filter(used) {
        let content = disk.content(&name);
        let tag = &content[16..20];
        let end = (0..content.len() - 36)
            .step_by(8)
            .rfind(|at| &content[at + 8..at + 12] == tag);
        let Some(end) = end.filter(|end| *end >= 4096) else {
            continue;
        };
        let places = (0..32).chain((4096..end).step_by(151)).chain(end..end + 36);
        for offset in places {
            let broken = disk.copy();
            broken.flip(&name, offset, 1 << (offset % 8));
            match on_disk(&broken) {
                Err(WalError::Corrupt { path, .. } | WalError::Version { path, .. }) => {
                    assert!(path.ends_with(&name), "{name} {offset}: {}", path.display());
                }
                Err(error) => panic!("{name} {offset}: {error}"),
                Ok((wal, _)) => {
                    let last = name == disk.last_begun() && offset >= end;
                    assert!(last, "{name} {offset} was not noticed");
                    assert_eq!(
                        wal.read(0..99, u64::MAX).expect("read"),
                        sealed,
                        "only the seal is cut"
                    );
                }
            }
        }
    }
}

#[test]
fn lazy_record_is_written_without_another_submission() {
    let disk = SimulatedDisk::new(11);
    let (wal, _) = on_disk(&disk).expect("created");
    wal.submit_lazily(vec![entry(1, 0, 10)]);
    let deadline = Instant::now() + WAIT;
    // The queue is settled after the entries are known.
    while wal.read(0..1, u64::MAX).expect("read").is_empty() || wal.queued_bytes() > 0 {
        assert!(Instant::now() < deadline, "it is written after the delay");
        thread::yield_now();
    }
    assert_eq!(wal.sync_statistics().count, 1);
}

#[test]
fn many_callers_are_answered_in_order() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (wal, _) = Wal::open(directory.path(), small()).expect("created");
    let (sender, receiver) = mpsc::channel();
    for index in 0..2000 {
        let sender = sender.clone();
        let done = Box::new(move |result: Result<(), _>| {
            sender
                .send((index, result.is_ok()))
                .expect("somebody waits");
        });
        wal.submit(vec![entry(1, index, 100)], done);
    }
    for index in 0..2000 {
        assert_eq!(
            receiver.recv_timeout(WAIT).expect("answered"),
            (index, true)
        );
    }
    assert!(wal.sync_statistics().count < 2000, "batches share a sync");
    assert_eq!(wal.read(0..2000, u64::MAX).expect("read").len(), 2000);
}

#[test]
fn segment_that_no_log_makes_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("scratch folder");
    drop(Wal::open(folder.path(), small()).expect("created"));
    let first = folder.path().join("0000000001.wal");
    let file = std::fs::File::options().write(true).open(first);
    let file = file.expect("is there");
    let length = file.metadata().expect("is there").len();
    file.set_len(5 << 30).expect("made of holes");
    let refused = || {
        let error = Wal::open(folder.path(), small()).err();
        error.expect("is no log's").to_string()
    };
    assert!(refused().contains("0000000001.wal is damaged at offset 4294967295"));
    file.set_len(length).expect("cut");
    let last = folder.path().join("4294967295.wal");
    std::fs::write(&last, b"").expect("is made");
    std::fs::rename(folder.path().join("0000000001.wal"), &last).expect("is renamed");
    let told = refused();
    assert!(told.contains("4294967295.wal"), "{told}");
}
