//! What the two directories must survive: damage in every file, lost files, and their own past.

use super::*;
use crate::core::bench::input::Source;
use std::collections::BTreeSet;

/// The worker process of these tests: this test alone, in another process of the test binary.
#[test]
fn worker_process() {
    if worker::is_asked_for() {
        let code = worker::serve();
        std::process::exit(i32::from(code.is_err()));
    }
}

fn test_worker() -> Worker {
    Worker::new(
        "/proc/self/exe",
        [
            "adapter::checkpoint::tests::worker_process",
            "--exact",
            "--nocapture",
        ],
    )
}

fn open(path: &Path) -> (Checkpoints, Option<Image>, Vec<Discarded>) {
    Checkpoints::open(path, test_worker(), LogReach::Later).expect("opens")
}

/// Reads everything again, in steps that no file is a multiple of.
fn scrub(checkpoints: &mut Checkpoints) -> Vec<Discarded> {
    let scrubs = checkpoints.scrubs();
    let damaged = scrubs.into_iter().filter_map(|mut scrub| {
        let why = loop {
            match scrub.step(99_991).expect("this machine works") {
                Scrubbed::More => {}
                Scrubbed::Sound => return None,
                Scrubbed::Damaged(why) => break why,
            }
        };
        checkpoints.discard(&scrub, why)
    });
    damaged.collect()
}

/// A state that changes the way the key-value store's does.
struct State {
    numbers: Source,
    image: Image,
    next_id: u64,
}

impl State {
    fn new(chunks: usize, length: usize) -> Self {
        let image = Image::default();
        let mut state = Self {
            numbers: Source::new(1, 0),
            image,
            next_id: 0,
        };
        for _ in 0..chunks {
            state.append(length);
        }
        state
    }

    fn append(&mut self, length: usize) {
        let bytes = self.numbers.value(length);
        self.image.chunks.push(Chunk {
            id: self.next_id,
            version: 1,
            bytes,
        });
        self.next_id += 3;
    }

    /// Rewrites, removes and appends `count` chunks each.
    fn churn(&mut self, count: usize, length: usize) {
        for _ in 0..count {
            let at = self.numbers.below(self.image.chunks.len() as u64) as usize;
            let length = self.numbers.below(2 * length as u64) as usize;
            let bytes = self.numbers.value(length);
            let chunk = &mut self.image.chunks[at];
            *chunk = Chunk {
                id: chunk.id,
                version: chunk.version + 1,
                bytes,
            };
            let at = self.numbers.below(self.image.chunks.len() as u64) as usize;
            self.image.chunks.remove(at);
            self.append(length);
        }
        self.image.meta = format!("{}", self.next_id).into_bytes();
    }
}

/// Two proved checkpoints, older in `a` and newer in `b`, with the images they hold.
fn two_checkpoints(path: &Path) -> (Image, Image) {
    let (mut checkpoints, image, discarded) = open(path);
    assert!(image.is_none() && discarded.is_empty());
    let mut state = State::new(20, 5_000);
    state.image.chunks[3].bytes = state.numbers.value(300_000);
    checkpoints
        .write(&state.image, Pace::Yielding)
        .expect("written");
    let older = state.image.clone();
    state.churn(3, 5_000);
    checkpoints
        .write(&state.image, Pace::Yielding)
        .expect("written");
    (older, state.image)
}

fn copy(from: &Path, to: &Path) {
    let mut names = Vec::new();
    proof::list(from, "", &mut names).expect("listed");
    for name in names {
        let target = to.join(&name);
        fs::create_dir_all(target.parent().expect("below a directory")).expect("created");
        fs::copy(from.join(&name), target).expect("copied");
    }
    for name in ["a/blobs", "b/blobs"] {
        fs::create_dir_all(to.join(name)).expect("created");
    }
}

#[test]
fn written_images_come_back_after_every_reopening() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    let mut state = State::new(30, 40_000);
    for round in 1..=6 {
        let (mut checkpoints, _, discarded) = open(path);
        assert_eq!(discarded, []);
        state.churn(4, 40_000);
        let proved = checkpoints
            .write(&state.image, Pace::Yielding)
            .expect("written");
        assert_eq!(proved.sequence, round);
        assert_eq!(proved.replaced, None);
        assert_eq!(proved.fresh, round <= 2, "round {round}");
        for _ in 0..2 {
            let (mut again, image, discarded) = open(path);
            assert_eq!(discarded, []);
            assert!(image.as_ref() == Some(&state.image), "round {round}");
            assert_eq!(scrub(&mut again), []);
        }
    }
}

#[test]
fn delta_writes_only_what_changed_since_that_directory_was_written() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut checkpoints, _, _) = open(directory.path());
    let mut state = State::new(50, 10_000);
    for chunks_written in [50, 50, 0, 1, 2, 2] {
        let proved = checkpoints
            .write(&state.image, Pace::Yielding)
            .expect("written");
        assert_eq!(proved.chunks_written, chunks_written);
        if proved.sequence >= 3 {
            let length = 10_000 + proved.sequence as usize;
            let bytes = state.numbers.value(length);
            let chunk = &mut state.image.chunks[proved.sequence as usize];
            *chunk = Chunk {
                id: chunk.id,
                version: 2,
                bytes,
            };
        }
    }
}

#[test]
fn chunk_of_another_state_with_the_same_id_and_version_is_written() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    let (mut checkpoints, _, _) = open(path);
    let mut state = State::new(5, 1_000);
    for _ in 0..2 {
        checkpoints
            .write(&state.image, Pace::Yielding)
            .expect("written");
    }
    let length = state.image.chunks[2].bytes.len();
    for length in [length, length + 1] {
        state.image.chunks[2].bytes = state.numbers.value(length);
        let proved = checkpoints
            .write(&state.image, Pace::Yielding)
            .expect("written");
        assert!(!proved.fresh);
        assert_eq!(proved.chunks_written, 1);
        let (_, image, discarded) = open(path);
        assert!(image.as_ref() == Some(&state.image) && discarded.is_empty());
    }
}

#[test]
fn log_is_kept_until_two_checkpoints_are_proved() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut checkpoints, _, _) = open(directory.path());
    let mut image = Image::default();
    for (meta, older) in [("1", None), ("2", Some("1")), ("3", Some("2"))] {
        image.meta = meta.into();
        checkpoints.write(&image, Pace::Yielding).expect("written");
        assert_eq!(checkpoints.older_meta(), older.map(str::as_bytes));
    }
    let (checkpoints, image, _) = open(directory.path());
    assert_eq!(checkpoints.older_meta(), Some(&b"2"[..]));
    assert_eq!(image.expect("an empty state is a state").meta, b"3");
}

#[test]
fn flipped_byte_in_any_file_is_named_and_the_other_checkpoint_is_taken() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let origin = directory.path().join("origin");
    let (older, newer) = two_checkpoints(&origin);
    let mut names = Vec::new();
    proof::list(&origin, "", &mut names).expect("listed");
    let mut numbers = Source::new(7, 0);
    for name in names {
        for _ in 0..3 {
            let path = directory.path().join("damaged");
            copy(&origin, &path);
            let file = path.join(&name);
            let mut bytes = fs::read(&file).expect("read");
            let at = numbers.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << numbers.below(8);
            fs::write(&file, bytes).expect("written");
            let (mut checkpoints, image, mut discarded) = open(&path);
            let expected = if name.starts_with('b') {
                &older
            } else {
                &newer
            };
            assert!(image.as_ref() == Some(expected), "{name} byte {at}");
            discarded.extend(scrub(&mut checkpoints));
            let blamed = discarded.first().expect("the damage is told");
            let file_name = name.split_once('/').map_or(name.as_str(), |(_, rest)| rest);
            assert!(
                blamed.why.starts_with(file_name),
                "{name} byte {at}: {blamed}"
            );
            assert!(
                name.starts_with(blamed.directory) && !blamed.unfinished,
                "{blamed}"
            );
            fs::remove_dir_all(&path).expect("removed");
        }
    }
}

#[test]
fn damage_found_beside_a_running_writer_is_replaced_by_its_next_write() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    let (_, newer) = two_checkpoints(path);
    for name in ["a", "b"] {
        let (mut checkpoints, _, _) = open(path);
        fs::write(path.join(name).join("stray"), b"").expect("written");
        let found = scrub(&mut checkpoints);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].directory, found[0].unfinished), (name, false));
        assert!(found[0].why.starts_with("stray: "), "{}", found[0]);
        assert_eq!(checkpoints.older_meta(), None, "the log is kept");
        assert_eq!(scrub(&mut checkpoints), [], "and told once");
        assert!(
            checkpoints
                .write(&newer, Pace::Yielding)
                .expect("written")
                .fresh
        );
        let (mut again, image, discarded) = open(path);
        assert_eq!((discarded, scrub(&mut again)), (vec![], vec![]));
        assert!(image.as_ref() == Some(&newer));
    }
}

#[test]
fn scrub_of_what_was_written_since_says_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    let (_, newer) = two_checkpoints(path);
    let (mut checkpoints, _, _) = open(path);
    let scrubs = checkpoints.scrubs();
    checkpoints.write(&newer, Pace::Yielding).expect("written");
    let [older, newest] = [&scrubs[0], &scrubs[1]];
    assert_eq!(checkpoints.discard(older, "db: is another".into()), None);
    let dropped = checkpoints.discard(newest, "db: is damaged".into());
    assert_eq!(dropped.expect("is as it was").directory, "b");
}

#[test]
fn lost_and_truncated_files_are_named_and_the_other_checkpoint_is_taken() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let origin = directory.path().join("origin");
    let (older, _) = two_checkpoints(&origin);
    let mut names = Vec::new();
    proof::list(&origin, "", &mut names).expect("listed");
    for name in names.iter().filter(|name| name.starts_with('b')) {
        for keep in [None, Some(0), Some(1), Some(2)] {
            let path = directory.path().join("damaged");
            copy(&origin, &path);
            let file = path.join(name);
            match keep {
                None => fs::remove_file(&file).expect("removed"),
                Some(part) => {
                    let content = fs::read(&file).expect("there");
                    let last = content.iter().rposition(|byte| *byte != 0);
                    let length = last.expect("not only zeros") as u64 + 1;
                    let open = fs::OpenOptions::new()
                        .write(true)
                        .open(&file)
                        .expect("opened");
                    open.set_len(length * part / 3).expect("truncated");
                }
            }
            let (_, image, discarded) = open(&path);
            assert!(image.as_ref() == Some(&older), "{name} {keep:?}");
            assert_eq!(discarded.len(), 1, "{name} {keep:?}");
            fs::remove_dir_all(&path).expect("removed");
        }
    }
}

/// As sled's threads leave it, or a reader that was killed.
#[test]
fn other_length_with_nothing_but_zeros_is_the_same_checkpoint() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (_, newest) = two_checkpoints(directory.path());
    let file = directory.path().join("b/db");
    let content = fs::read(&file).expect("read");
    let last = content
        .iter()
        .rposition(|byte| *byte != 0)
        .expect("not only zeros");
    for length in [last as u64 + 1, content.len() as u64 + (4 << 20)] {
        let changed = fs::OpenOptions::new().write(true).open(&file);
        changed.expect("opened").set_len(length).expect("changed");
        let (mut checkpoints, image, discarded) = open(directory.path());
        assert!(image.as_ref() == Some(&newest), "{length}");
        assert_eq!(discarded, [], "{length}");
        assert_eq!(scrub(&mut checkpoints), [], "{length}");
    }
}

#[test]
fn proof_of_the_other_directory_proves_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    let (older, _) = two_checkpoints(path);
    fs::copy(path.join("a.proof"), path.join("b.proof")).expect("copied");
    let (_, image, discarded) = open(path);
    assert!(image == Some(older));
    // Both claim the same number, so either may have been tried first.
    assert!(discarded.iter().all(|dropped| dropped.directory == "b"));
}

#[test]
fn damage_in_both_is_an_error_that_names_both_and_deletes_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    two_checkpoints(path);
    fs::write(path.join("a/db"), b"nothing").expect("written");
    fs::remove_file(path.join("b.proof")).expect("removed");
    for _ in 0..2 {
        let error =
            Checkpoints::open(path, test_worker(), LogReach::Later).expect_err("both are damaged");
        let text = error.to_string();
        assert!(text.contains("checkpoint a (number 1)"), "{text}");
        assert!(text.contains("b.proof: is missing"), "{text}");
        assert!(path.join("a/db").exists() && path.join("b/db").exists());
    }
}

#[test]
fn damage_in_the_only_one_is_no_error_while_the_log_holds_everything() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    let (mut checkpoints, _, _) = open(path);
    let image = State::new(3, 10).image;
    checkpoints.write(&image, Pace::Yielding).expect("written");
    fs::write(path.join("a/db"), b"nothing").expect("written");
    let open_with = |reach| Checkpoints::open(path, test_worker(), reach);
    let error = open_with(LogReach::Later).expect_err("nothing holds the state");
    assert!(matches!(error, CheckpointError::NoneUsable { .. }));
    let (mut checkpoints, found, discarded) = open_with(LogReach::Beginning).expect("opens");
    assert!(found.is_none() && checkpoints.is_damaged());
    assert_eq!((discarded.len(), discarded[0].directory), (1, "a"));
    assert_eq!(checkpoints.older_meta(), None, "the log is kept");
    checkpoints
        .write(&image, Pace::Yielding)
        .expect("written afresh");
    let (_, found, discarded) = open(path);
    assert!(found == Some(image) && discarded.is_empty());
}

#[test]
fn another_format_is_an_error_and_deletes_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    two_checkpoints(path);
    let file = path.join("b.proof");
    let mut bytes = fs::read(&file).expect("read");
    let other = proof::FORMAT + 1;
    bytes[8..12].copy_from_slice(&other.to_le_bytes());
    let sum = crc32c::crc32c(&bytes[..12]);
    bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    fs::write(&file, bytes).expect("written");
    let error =
        Checkpoints::open(path, test_worker(), LogReach::Beginning).expect_err("another format");
    assert!(
        matches!(error, CheckpointError::Format { found, .. } if found == other),
        "{error}"
    );
    assert!(path.join("b/db").exists());
}

#[test]
fn first_write_that_was_interrupted_is_no_checkpoint_and_no_error() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    let (checkpoints, _, _) = open(path);
    checkpoints
        .mark(
            "a",
            &Marker {
                sequence: 2,
                first: true,
            },
        )
        .expect("marked");
    fs::create_dir(path.join("a")).expect("created");
    let (mut checkpoints, image, discarded) = open(path);
    assert!(image.is_none());
    assert!(
        discarded.iter().all(|dropped| dropped.unfinished),
        "{discarded:?}"
    );
    checkpoints
        .write(&State::new(3, 10).image, Pace::Yielding)
        .expect("the next write begins afresh");
}

#[test]
fn write_upon_damage_starts_afresh_and_tells() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    let (_, newer) = two_checkpoints(path);
    let (mut checkpoints, _, _) = open(path);
    fs::write(path.join("a/db"), vec![0x55; 3 << 20]).expect("written");
    let proved = checkpoints.write(&newer, Pace::Yielding).expect("written");
    assert!(proved.fresh);
    assert_eq!(proved.replaced.expect("told").directory, "a");
    let (_, image, discarded) = open(path);
    assert!(image == Some(newer));
    assert_eq!(discarded, []);
}

#[test]
fn worker_that_cannot_work_is_an_error_and_the_next_write_succeeds() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    let (_, newer) = two_checkpoints(path);
    let (mut checkpoints, _, _) = open(path);
    for program in ["/bin/false", "/bin/true", "/nonexistent"] {
        checkpoints.worker = Worker::new(program, []);
        let error = checkpoints
            .write(&newer, Pace::Yielding)
            .expect_err("no worker");
        assert!(matches!(error, CheckpointError::Write { .. }), "{error}");
    }
    assert_eq!(checkpoints.older_meta(), None);
    checkpoints.worker = test_worker();
    assert!(
        checkpoints
            .write(&newer, Pace::Yielding)
            .expect("written")
            .fresh
    );
    let (_, image, discarded) = open(path);
    assert!(image == Some(newer));
    assert_eq!(discarded, []);
}

#[test]
fn disk_stays_bounded_over_a_hundred_checkpoints() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut checkpoints, _, _) = open(directory.path());
    let mut state = State::new(128, 64 << 10);
    let mut fresh = BTreeSet::new();
    for round in 0..100 {
        state.churn(6, 64 << 10);
        let proved = checkpoints
            .write(&state.image, Pace::Yielding)
            .expect("written");
        let live: usize = state
            .image
            .chunks
            .iter()
            .map(|chunk| chunk.bytes.len())
            .sum();
        let bound = (2 * SPACE_FACTOR * live as u64).max(2 * SPACE_SLACK_BYTES);
        assert!(
            proved.disk_bytes < bound,
            "round {round}: {} > {bound}",
            proved.disk_bytes
        );
        if proved.fresh {
            fresh.insert(round);
        }
    }
    assert!(
        fresh.len() > 2,
        "space was never given back by writing afresh"
    );
}
