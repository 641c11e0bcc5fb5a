//! The tour as a process: what it leaves when done, when ended, and when it cannot start.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use coracle::adapter::host::is_listened_on;

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

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -s {name} {}", child.id());
    let status = Command::new("sh").args(["-c", &kill]).status();
    assert!(status.expect("sh runs").success());
}

#[test]
fn demo_that_is_told_to_end_leaves_nothing() {
    // HUP is what comes when the terminal closes.
    for name in ["TERM", "HUP", "QUIT"] {
        let temporary = tempfile::tempdir().expect("scratch folder");
        let mut child = demo(temporary.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        wait_until("it begins", || !is_empty(temporary.path()));
        signal(&child, name);
        let status = child.wait().expect("is our child");
        assert_eq!(status.code(), Some(1), "{name}");
        assert!(is_empty(temporary.path()), "{name}");
    }
}

#[test]
fn member_of_a_demo_that_is_killed_ends_too() {
    let temporary = tempfile::tempdir().expect("scratch folder");
    let mut child = demo(temporary.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let socket = || {
        let mut entries = fs::read_dir(temporary.path()).expect("is a folder");
        let directory = entries.next()?.expect("is readable").path();
        Some(directory.join("node1/socket"))
    };
    let is_served = || socket().is_some_and(|path| path.exists() && is_listened_on(&path));
    wait_until("the member serves", is_served);
    signal(&child, "KILL");
    child.wait().expect("is our child");
    wait_until("the member ends", || !is_served());
}

#[test]
fn tour_leaves_the_key_that_its_invitation_finds() {
    let temporary = tempfile::tempdir().expect("scratch folder");
    let mut child = demo(temporary.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    // Kept open: a demo that nobody listens to ends.
    let mut told = BufReader::new(child.stdout.take().expect("is piped")).lines();
    let url = told
        .by_ref()
        .map(|line| line.expect("is text"))
        .find_map(|line| Some(line.split_once("CORACLE_ENDPOINTS=")?.1.to_owned()))
        .expect("it says where it serves");
    let mut client = Command::new(env!("CARGO_BIN_EXE_coracle"));
    let found = output(
        client
            .args(["kv", "get", "--prefix", ""])
            .env("CORACLE_ENDPOINTS", url),
    );
    signal(&child, "INT");
    assert!(child.wait().expect("is our child").success());
    assert_eq!(found.stdout, b"farewell\nsee you soon\n");
}

#[test]
fn demo_whose_member_cannot_start_says_so_at_once() {
    let temporary = tempfile::tempdir().expect("scratch folder");
    let ended = output(demo(temporary.path()).env("CORACLE_MAX_TXN_OPS", "many"));
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(4), "{told}");
    // The member's own words come first; that it ended is known from its code, not from a time-out.
    assert!(told.contains("CORACLE_MAX_TXN_OPS"), "{told}");
    assert!(told.contains("did not start: exit status: 2"), "{told}");
    assert!(is_empty(temporary.path()));
}

#[test]
fn tour_of_three_goes_on_without_the_leader() {
    let temporary = tempfile::tempdir().expect("scratch folder");
    let ended = output(demo(temporary.path()).args(["--nodes", "3", "--once"]));
    let told = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{told}{ended:?}");
    let (before, after) = told.split_once("kill -9").expect("it pulls a plug");
    assert!(before.contains("is well: 3 voters, node"), "{told}");
    assert!(after.contains("greeting\nstill here"), "{told}");
    assert!(after.contains("2 of 3 voters answer"), "{told}");
    let mut last = after.rsplit("$ coracle cluster health");
    assert!(
        last.next().is_some_and(|rest| rest.contains("is well")),
        "{told}"
    );
    assert!(is_empty(temporary.path()));
}
