//! Locks: the reboot semaphore, FleetLock, and locks for scripts, on real daemons.

mod fleetlock;
mod places;

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use crate::rig::{Daemon, coracle, output};

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
