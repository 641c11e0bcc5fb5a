//! The tour as a process: what it leaves when it is interrupted, and when its member cannot start.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::rig::{PATIENCE, output};

fn demo(temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coracle"));
    command.arg("demo").env("TMPDIR", temporary);
    command
}

fn is_empty(folder: &Path) -> bool {
    let mut entries = fs::read_dir(folder).expect("is a folder");
    entries.next().is_none()
}

#[test]
fn demo_that_is_told_to_end_leaves_nothing() {
    let temporary = tempfile::tempdir().expect("scratch folder");
    let mut child = demo(temporary.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let begun = Instant::now();
    while is_empty(temporary.path()) {
        assert!(begun.elapsed() < PATIENCE, "nothing is begun");
        std::thread::yield_now();
    }
    coracle::adapter::host::terminate(child.id()).expect("is our child");
    let status = child.wait().expect("is our child");
    assert_eq!(status.code(), Some(1));
    assert!(is_empty(temporary.path()));
}

#[test]
fn demo_whose_member_cannot_start_says_so_at_once() {
    let temporary = tempfile::tempdir().expect("scratch folder");
    let ended = output(demo(temporary.path()).env("CORACLE_NAME", ""));
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(4), "{told}");
    // The member's own words come first; that it ended is known from its code, not from a time-out.
    assert!(told.contains("CORACLE_NAME"), "{told}");
    assert!(told.contains("did not start: exit status: 2"), "{told}");
    assert!(is_empty(temporary.path()));
}
