//! Python's etcd3 and etcd3gw, unmodified, against our daemon.
//!
//! `clients.py` says what they do; where a library is missing the test is left out, except in CI.

use std::env;
use std::process::Command;

use crate::rig::{Rig, left_out};

/// A Python with the libraries, where it is not the one on PATH.
const PYTHON: &str = "PYTHON_WITH_ETCD";

fn run(library: &str) {
    let python = env::var_os(PYTHON).unwrap_or_else(|| "python3".into());
    let found = Command::new(&python)
        .args(["-c", &format!("import {library}")])
        .output();
    if !found.is_ok_and(|found| found.status.success()) {
        return left_out(&format!(
            "no {library} (pip install {library} 'protobuf<3.21')"
        ));
    }
    let rig = Rig::new();
    let daemon = rig.start();
    let port = daemon.url.rsplit(':').next().expect("a port");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients.py");
    let output = Command::new(&python)
        .args([script, library, port])
        .output()
        .expect("python runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
}

#[test]
fn etcd3_works_unmodified() {
    run("etcd3");
}

#[test]
fn etcd3gw_works_unmodified() {
    run("etcd3gw");
}
