//! Locks: the reboot semaphore, FleetLock, and locks for scripts, on real daemons.

mod fleetlock;
mod places;
mod reboot;
mod safety;
mod script;
mod terminal;

use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::rig::{Daemon, PATIENCE, coracle, output};

/// `lockctl` with these arguments, for this daemon.
fn lockctl(of: &Daemon, words: &[&str]) -> Command {
    let mut command = coracle(&["lock", "--endpoints", &of.url]);
    command.args(words);
    command
}

/// The same, as `locksmithctl`.
fn locksmithctl(of: &Daemon, words: &[&str]) -> Command {
    let mut command = coracle(&["-endpoint", &of.url]);
    command.args(words).arg0("locksmithctl");
    command
}

/// What it says on both streams, and how it ends.
fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = output(command);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("is text");
    (status.code(), text(stdout), text(stderr))
}

/// `lockctl exec` of a shell's words, which find `lockctl` and `kvctl` in the variables of those
/// names and the daemon by CORACLE_ENDPOINTS.
fn script(of: &Daemon, verb: &[&str], words: &str) -> Command {
    let mut command = lockctl(of, verb);
    command.args(["--", "sh", "-c", words]);
    let program = env!("CARGO_BIN_EXE_coracle");
    command.env("CORACLE_ENDPOINTS", &of.url);
    command.env("lockctl", format!("{program} lock"));
    command.env("kvctl", format!("{program} kv"));
    command.stdin(Stdio::null());
    command
}

/// Who holds a lock and who waits for it, as scripts are told.
fn info(of: &Daemon, name: &str) -> Value {
    let (_, answer, talk) = said(&mut lockctl(of, &["info", name, "-o", "json"]));
    serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no JSON: {answer}{talk}"))
}

/// Waits until so many hold a lock and so many wait for it.
fn until_line(of: &Daemon, name: &str, holds: usize, waits: usize) {
    let count = |of: &Value| of.as_array().expect("a list").len();
    until(|| {
        let info = info(of, name);
        count(&info["holders"]) == holds && count(&info["waiting"]) == waits
    });
}

/// Waits until something is so.
fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came to be");
        std::thread::yield_now();
    }
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.expect("kill is there").success());
}
