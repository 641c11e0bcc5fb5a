//! Checkpoints under what real processes and real disks do: kill -9 and no space.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use coracle::adapter::checkpoint::worker::Worker;
use coracle::adapter::checkpoint::{
    CheckpointError, Checkpoints, Chunk, Image, LogReach, Pace, Shelf,
};

use crate::rig::left_out;

/// In the environment of the process that writes until it is killed: where to.
const WRITER: &str = "CORACLE_TEST_CHECKPOINT_WRITER";
const ROUNDS: u64 = 25;
const KILL_SPREAD_MS: u64 = 400;

fn worker() -> Worker {
    Worker::new(env!("CARGO_BIN_EXE_coracle"), [])
}

fn open(path: &Path) -> (Checkpoints, Option<Image>) {
    let (checkpoints, image, discarded) =
        Checkpoints::open(path, worker(), LogReach::Later).expect("opens");
    // A kill explains an interrupted write, and nothing else.
    assert!(
        discarded.iter().all(|dropped| dropped.unfinished),
        "{discarded:?}"
    );
    (checkpoints, image)
}

/// The state at `generation`: each chunk tells when it changed last, every third at each step.
fn image(generation: u64) -> Image {
    let chunks = (0..60).map(|id| {
        let version = generation - (generation + id) % 3;
        let length = 20_000 + (id * 1_000 + version * 7) as usize;
        let bytes = format!("{id} {version} ")
            .bytes()
            .cycle()
            .take(length)
            .collect();
        Chunk { id, version, bytes }
    });
    Image {
        meta: generation.to_string().into_bytes(),
        chunks: chunks.collect(),
    }
}

fn generation(image: &Image) -> u64 {
    String::from_utf8_lossy(&image.meta)
        .parse()
        .expect("the meta bytes are the generation")
}

#[test]
fn writer_process() {
    let Some(path) = env::var_os(WRITER) else {
        return;
    };
    let (mut checkpoints, found) = open(Path::new(&path));
    let mut next = found.as_ref().map_or(3, |found| generation(found) + 1);
    loop {
        checkpoints
            .write(&image(next), Pace::Yielding)
            .expect("written");
        next += 1;
    }
}

/// Waits until a write that is under way is finished, so that there is something to lose.
fn wait_for_a_proof(path: &Path) {
    let proofs = || {
        ["a.proof", "b.proof"].map(|name| {
            let file = fs::metadata(path.join(name));
            file.and_then(|file| file.modified()).ok()
        })
    };
    let (before, deadline) = (proofs(), Instant::now() + Duration::from_secs(60));
    while proofs() == before {
        assert!(Instant::now() < deadline, "a write is finished in time");
        std::thread::yield_now();
    }
}

#[test]
fn killed_while_writing_leaves_one_written_image_and_never_a_mixture() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut newest = 0;
    for round in 0..ROUNDS {
        let mut writer = Command::new(env::current_exe().expect("this test"))
            .args(["checkpoint::writer_process", "--exact", "--nocapture"])
            .env(WRITER, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        if round % 3 == 0 {
            wait_for_a_proof(directory.path());
        }
        // The moment of the kill is what varies: it is not a wait for anything.
        let moment = Duration::from_millis(20 + (round * 7919) % KILL_SPREAD_MS);
        let until = Instant::now() + moment;
        while Instant::now() < until {
            std::thread::yield_now();
        }
        writer.kill().expect("killed");
        assert_eq!(
            writer.wait().expect("waited for").signal(),
            Some(9),
            "round {round}"
        );
        if let (_, Some(found)) = open(directory.path()) {
            let generation = generation(&found);
            assert!(
                found == image(generation),
                "round {round}: generation {generation}"
            );
            assert!(
                generation >= newest,
                "round {round}: {generation} after {newest}"
            );
            newest = generation;
        }
    }
    assert!(newest > 3, "no write was ever finished");
}

/// A small file system of its own, unmounted in the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(directory.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg(self.0.path()).status();
        assert!(
            ended.is_ok_and(|status| status.success()),
            "cannot unmount {:?}",
            self.0
        );
    }
}

#[test]
fn full_disk_is_an_error_and_the_next_write_succeeds() {
    let Some(disk) = SmallDisk::mount("24m") else {
        return left_out("mounting a small file system needs root");
    };
    let path = disk.0.path().join("state");
    let (mut checkpoints, _) = open(&path);
    checkpoints
        .write(&image(3), Pace::Yielding)
        .expect("written");
    checkpoints
        .write(&image(4), Pace::Yielding)
        .expect("written");
    let ballast = disk.0.path().join("ballast");
    let mut large = image(5);
    large.chunks.push(Chunk {
        id: 99,
        version: 1,
        bytes: vec![1; 1 << 20].into(),
    });
    let bytes = (1..=24).rev().map(|size| vec![0; size << 20]);
    for bytes in bytes {
        if fs::write(&ballast, bytes).is_ok() {
            break;
        }
    }
    for id in 100..140 {
        large.chunks.push(Chunk {
            id,
            version: 1,
            bytes: vec![1; 1 << 20].into(),
        });
    }
    let error = checkpoints
        .write(&large, Pace::Yielding)
        .expect_err("no space");
    assert!(matches!(error, CheckpointError::Write { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("No space") || text.contains("StorageFull"),
        "{text}"
    );
    fs::remove_file(&ballast).expect("removed");
    assert!(
        checkpoints
            .write(&image(6), Pace::Yielding)
            .expect("written")
            .fresh
    );
    assert_eq!(open(&path).1, Some(image(6)));
}
