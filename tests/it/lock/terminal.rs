//! A command under a lock on a terminal: it reads from it, and Ctrl-C and Ctrl-Z reach it as if a
//! shell had started it. `terminal.py` is the person in front of it.

use std::process::Command;

use crate::lock::lockctl;
use crate::rig::{Rig, output};

#[test]
fn a_command_has_the_terminal_and_gives_it_back() {
    let daemon = Rig::new().start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/lock/terminal.py");
    let exec = lockctl(&daemon, &["exec", "deploy", "--"]);
    let words = [exec.get_program()].into_iter().chain(exec.get_args());
    let mut person = Command::new("python3");
    let told = output(person.arg(script).args(words));
    let complaint = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{complaint}");
}
